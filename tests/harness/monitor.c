/* SPDX-License-Identifier: MIT */
/*
 * QEMU's machine protocol: one JSON object a line each way; events in between are passed over.
 */
#include "tests/harness/monitor.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/nr/port.h"

#define ANSWER_MS 20000
#define LINE_BYTES 65536

/* Reads one line without its end; what comes on the serial line meanwhile is taken as well. */
static int read_line(int fd, struct client *serial, char *line, struct why *why)
{
    uint64_t end = now_ms() + ANSWER_MS;
    size_t size = 0;
    while (size < LINE_BYTES - 1) {
        struct pollfd waits[] = {{.fd = fd, .events = POLLIN},
                                 {.fd = serial->error ? -1 : serial->fd, .events = POLLIN}};
        uint64_t now = now_ms();
        if (now >= end || poll(waits, 2, (int)(end - now)) <= 0) {
            return why_set(why, -ETIMEDOUT, "QEMU's monitor does not answer");
        }
        if (waits[1].revents) {
            (void)client_pump(serial, 0); /* an error stays in it */
        }
        if (!waits[0].revents) {
            continue;
        }
        ssize_t got = read(fd, line + size, 1);
        if (got == 0 || (got < 0 && errno != EAGAIN)) {
            return why_set(why, -ECONNRESET, "QEMU's monitor is gone");
        }
        if (got == 1 && line[size++] == '\n') {
            line[size - 1] = 0;
            return 0;
        }
    }
    return why_set(why, -EMSGSIZE, "QEMU's monitor says too much");
}

/* Reads until the answer to a command. */
static int read_answer(int fd, struct client *serial, char *line, struct why *why)
{
    int result;
    do {
        result = read_line(fd, serial, line, why);
    } while (result == 0 && strncmp(line, "{\"return\"", 9) != 0 &&
             strncmp(line, "{\"error\"", 8) != 0);
    if (result == 0 && strncmp(line, "{\"error\"", 8) == 0) {
        return why_set(why, -EPROTO, "QEMU's monitor refuses: %s", line);
    }
    return result;
}

int monitor_greet(int fd, struct client *serial, struct why *why)
{
    static char line[LINE_BYTES];
    int result = read_line(fd, serial, line, why);
    if (result < 0) {
        return result;
    }
    if (dprintf(fd, "{\"execute\":\"qmp_capabilities\"}\n") < 0) {
        return why_set(why, -errno, "QEMU's monitor is gone");
    }
    return read_answer(fd, serial, line, why);
}

int monitor_run(int fd, struct client *serial, const char *command, char *output, size_t size,
                struct why *why)
{
    static char line[LINE_BYTES];
    if (dprintf(fd,
                "{\"execute\":\"human-monitor-command\",\"arguments\":{\"command-line\":\"%s\"}}\n",
                command) < 0) {
        return why_set(why, -errno, "QEMU's monitor is gone");
    }
    int result = read_answer(fd, serial, line, why);
    if (result < 0) {
        return result;
    }
    const char *from = strchr(line + 9, '"'); /* {"return": "..."} */
    size_t length = 0;
    from = from ? from + 1 : "\"";
    if (strncmp(from, "Error", 5) == 0 || (size == 0 && *from != '"')) {
        return why_set(why, -EPROTO, "QEMU's monitor says to \"%s\": %s", command, from);
    }
    for (; *from && *from != '"' && length + 1 < size; from++) {
        bool is_escape = *from == '\\' && from[1];
        char c = is_escape ? *++from : *from;
        output[length++] = is_escape && (c == 'n' || c == 'r') ? '\n' : c;
    }
    if (size > 0) {
        output[length] = 0;
    }
    return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * The board's console in this terminal. What the line brings is told apart: text goes to the
 * terminal, frames to the one nr that is let in by the side door; its frames and what is typed go
 * to the line, each frame whole. The console itself has no session with the board: so whoever is
 * let in says HELLO for himself, and may be killed at any time. Others wait in the socket's queue;
 * a NUL byte tells each when it is his turn.
 */
#include "tools/nr/console.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "lib/wire.h"
#include "tools/nr/port.h"

#define KEY_QUIT 0x1d /* Ctrl-] */
#define PORT_APPEARS_MS 10000

/* Bytes on their way to a file descriptor that may not take them at once. */
struct queue {
    size_t size;
    uint8_t bytes[65536];
};

struct console {
    int line, listener, guest;
    pid_t command; /* 0: none */
    bool is_input_over;
    struct wire_splitter from_line, from_guest;
    struct queue to_line, to_guest;
};

static struct termios terminal_before;
static bool is_terminal_raw;
static volatile sig_atomic_t got_signal;

static void on_signal(int number)
{
    got_signal = number;
}

static void terminal_restore(void)
{
    if (is_terminal_raw) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &terminal_before);
        is_terminal_raw = false;
    }
}

static void terminal_raw(void)
{
    if (tcgetattr(STDIN_FILENO, &terminal_before) == 0) {
        struct termios raw = terminal_before;
        cfmakeraw(&raw);
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw);
        is_terminal_raw = true;
        atexit(terminal_restore);
    }
}

/* Whole or not at all: half a frame would be worse than none, which is sent again. */
static void queue_put(struct queue *queue, const void *bytes, size_t size)
{
    if (size <= sizeof(queue->bytes) - queue->size) {
        memcpy(queue->bytes + queue->size, bytes, size);
        queue->size += size;
    }
}

/* False: the other end is gone. */
static bool queue_write(struct queue *queue, int fd)
{
    ssize_t written = queue->size > 0 ? write(fd, queue->bytes, queue->size) : 0;
    if (written > 0) {
        queue->size -= (size_t)written;
        memmove(queue->bytes, queue->bytes + written, queue->size);
    }
    return written >= 0 || errno == EAGAIN || errno == EINTR;
}

static void put_frame(struct queue *queue, const struct wire_piece *piece)
{
    uint8_t frame[WIRE_FRAME_MAX + 2] = {0};
    memcpy(frame + 1, piece->bytes, piece->size);
    frame[1 + piece->size] = 0;
    queue_put(queue, frame, piece->size + 2);
}

static void guest_leave(struct console *console)
{
    if (console->guest >= 0) {
        close(console->guest);
    }
    console->guest = -1;
    console->to_guest.size = 0;
}

static void guest_enter(struct console *console)
{
    console->guest = accept4(console->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (console->guest >= 0) {
        console->from_guest = (struct wire_splitter){0};
        queue_put(&console->to_guest, "\0", 1);
    }
}

static ssize_t take(int fd, uint8_t *bytes, size_t room)
{
    ssize_t got = read(fd, bytes, room);
    return got < 0 && (errno == EAGAIN || errno == EINTR) ? -1 : got < 0 ? 0 : got;
}

/* Each returns false when its end is gone. */
static bool read_line(struct console *console)
{
    uint8_t bytes[4096];
    ssize_t got = take(console->line, bytes, sizeof(bytes));
    for (ssize_t i = 0; i < got; i++) {
        struct wire_piece piece = wire_split(&console->from_line, bytes[i]);
        if (piece.kind == WIRE_TEXT) {
            fwrite(piece.bytes, 1, piece.size, stdout);
        } else if (piece.kind == WIRE_FRAME && console->guest >= 0) {
            put_frame(&console->to_guest, &piece);
        }
    }
    fflush(stdout);
    return got != 0;
}

static bool read_guest(struct console *console)
{
    uint8_t bytes[4096];
    ssize_t got = take(console->guest, bytes, sizeof(bytes));
    for (ssize_t i = 0; i < got; i++) {
        struct wire_piece piece = wire_split(&console->from_guest, bytes[i]);
        if (piece.kind == WIRE_FRAME) {
            put_frame(&console->to_line, &piece);
        }
    }
    return got != 0;
}

static bool read_terminal(struct console *console)
{
    uint8_t bytes[256];
    ssize_t got = take(STDIN_FILENO, bytes, sizeof(bytes));
    if (got == 0) {
        console->is_input_over = true; /* of a file or a pipe: go on showing */
        return !is_terminal_raw;
    }
    for (ssize_t i = 0; i < got; i++) {
        if (bytes[i] == KEY_QUIT && is_terminal_raw) {
            return false;
        }
        if (bytes[i] != 0) {
            queue_put(&console->to_line, &bytes[i], 1);
        }
    }
    return true;
}

static bool command_has_ended(const struct console *console)
{
    return console->command > 0 && waitpid(console->command, NULL, WNOHANG) == console->command;
}

static int console_loop(struct console *console)
{
    enum { LINE, TERMINAL, LISTENER, GUEST, COUNT };
    while (!got_signal) {
        struct pollfd wait[COUNT] = {
            [LINE] = {.fd = console->line, .events = POLLIN},
            [TERMINAL] = {.fd = console->is_input_over ? -1 : STDIN_FILENO, .events = POLLIN},
            [LISTENER] = {.fd = console->guest < 0 ? console->listener : -1, .events = POLLIN},
            [GUEST] = {.fd = console->guest, .events = POLLIN},
        };
        wait[LINE].events |= console->to_line.size > 0 ? POLLOUT : 0;
        wait[GUEST].events |= console->to_guest.size > 0 ? POLLOUT : 0;
        if (poll(wait, COUNT, -1) < 0 && errno != EINTR) {
            return -errno;
        }
        if (wait[TERMINAL].revents && !read_terminal(console)) {
            return 0;
        }
        if ((wait[LINE].revents & ~POLLOUT) && !read_line(console)) {
            return command_has_ended(console) ? 0 : -ECONNRESET;
        }
        if (wait[LISTENER].revents) {
            guest_enter(console);
        }
        if ((wait[GUEST].revents & ~POLLOUT) && !read_guest(console)) {
            guest_leave(console);
        }
        if (!queue_write(&console->to_line, console->line)) {
            return -errno;
        }
        if (console->guest >= 0 && !queue_write(&console->to_guest, console->guest)) {
            guest_leave(console);
        }
    }
    return 0;
}

static pid_t command_start(char *const command[])
{
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        setpgid(0, 0); /* Ctrl-C is the board's */
        int nothing = open("/dev/null", O_RDONLY);
        dup2(nothing, STDIN_FILENO);
        execvp(command[0], command);
        fprintf(stderr, "nr: %s: %s\n", command[0], strerror(errno));
        _exit(127);
    }
    return pid;
}

/* Opens the line; one that a command is about to make is waited for. */
static int open_line(struct console *console, struct port *port, const char *name, unsigned baud,
                     struct why *why)
{
    uint64_t end = now_ms() + PORT_APPEARS_MS;
    int result;
    while ((result = port_open_own(port, name, baud, why)) < 0 && console->command > 0 &&
           (result == -ENOENT || result == -ECONNREFUSED) && now_ms() < end && !got_signal) {
        if (command_has_ended(console)) {
            console->command = 0;
            return why_set(why, -ECHILD, "the machine ended before it could be reached");
        }
        poll(NULL, 0, 20);
    }
    return result;
}

int console_run(const char *name, unsigned baud, char *const command[], struct why *why)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
    struct console *console = calloc(1, sizeof(*console));
    struct port port = {.fd = -1, .lock = -1};
    console->guest = console->listener = -1;
    if (command) {
        (void)unlink(name); /* of a machine before: connecting to it would only be refused */
        console->command = command_start(command);
    }
    int result = open_line(console, &port, name, baud, why);
    if (result == 0) {
        console->listener = result = port_listen(name, why);
    }
    if (result >= 0) {
        console->line = port.fd;
        fprintf(stderr, "nr: console of %s; Ctrl-] leaves%s\n", name,
                command ? " and ends the machine" : "");
        terminal_raw();
        result = console_loop(console);
        terminal_restore();
        fputc('\n', stderr);
        if (result < 0) {
            why_set(why, result, "%s: the line was cut: %s", name, strerror(-result));
        }
        port_unlisten(name, console->listener);
    }
    guest_leave(console);
    port_close(&port);
    if (console->command > 0) {
        kill(console->command, SIGTERM);
        waitpid(console->command, NULL, 0);
    }
    free(console);
    return result;
}

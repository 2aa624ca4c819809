/* SPDX-License-Identifier: MIT */
/* Build and replace at each save; see watch.h. */
#include "tools/nr/watch.h"

#include <errno.h>
#include <libfdt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/nr/show.h"
#include "tools/nr/sources.h"

#define QUIET_MS 15 /* after a save, for others of the same stroke */
#define GOAL_BYTES 160

static volatile sig_atomic_t is_over;

static void note_end(int signal)
{
    (void)signal;
    is_over = 1;
}

static double seconds(uint64_t from, uint64_t to)
{
    return (double)(to - from) / 1000;
}

void watch_describe(const struct watch_times *times, char *text, unsigned size)
{
    snprintf(text, size, "%.3f s from save to running: build %.3f, push %.3f, swap %.3f",
             seconds(times->saved, times->running), seconds(times->saved, times->built),
             seconds(times->built, times->sent), seconds(times->sent, times->running));
}

/* Not through a shell, and with no more than the one goal: each tenth of a second counts. */
int watch_build(const char *component, const char *saved)
{
    char goal[GOAL_BYTES];
    int status;
    snprintf(goal, sizeof(goal), "build/components/%s/package.nrb", component);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        execlp("make", "make", "-s", "--no-print-directory", "QUICK=1", "-W", saved, goal, NULL);
        fprintf(stderr, "nr: make: %s\n", strerror(errno));
        _exit(127);
    }
    while (child > 0 && waitpid(child, &status, 0) < 0) {
        if (errno != EINTR) {
            return -1;
        }
    }
    return child > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

struct push {
    const struct client_call *call;
    struct watch_times *times;
};

/* client_push() has no word to pass on to who is told of the pieces. */
static struct watch_times *pushed;

static void note_sent(size_t done, size_t size)
{
    if (done == size) {
        pushed->sent = now_ms();
    }
}

/* The first part of the answer that is no refusal: the new code runs. */
static void note_running(void *context, const void *tree)
{
    struct push *push = context;
    char text[128];
    int size;
    const fdt32_t *result = fdt_getprop(tree, 0, "result", &size);
    if (push->times->running == 0 && (!result || *result == 0)) {
        push->times->running = now_ms();
        show_report(&push->call->report);
        watch_describe(push->times, text, sizeof(text));
        printf("    %s\n", text);
        fflush(stdout);
    }
}

int watch_push(struct client *client, const char *package, struct watch_times *times,
               struct why *why)
{
    struct client_call call = {.on_part = note_running};
    struct push push = {&call, times};
    size_t size = 0;
    void *bytes = client_read_file(package, &size, why);
    if (!bytes) {
        return -ENOENT;
    }
    call.context = &push;
    times->sent = times->running = 0;
    pushed = times;
    int result = client_push(client, bytes, size, NULL, note_sent, &call, why);
    free(bytes);
    if (result == 0 && call.report.probation_ms > 0) {
        printf("    healthy: it stays, after %u calls\n", call.report.calls);
    } else if (result == -EREMOTEIO && times->running == 0) {
        (void)why_prepend(why, result, "refused"); /* else the board says that it was taken back */
    }
    fflush(stdout);
    return result;
}

/* A session for each: between saves the line is free for others. */
static int replace(const struct watch *watch, struct watch_times *times, struct why *why)
{
    char package[GOAL_BYTES];
    struct session session;
    snprintf(package, sizeof(package), "build/components/%s/package.nrb", watch->component);
    int result = session_open(&session, &watch->place, why);
    if (result == 0) {
        result = watch_push(&session.client, package, times, why);
    }
    session_close(&session);
    return result;
}

static void take_save(const struct watch *watch, struct sources *sources, const char *saved,
                      uint64_t at)
{
    struct watch_times times = {.saved = at};
    struct why why;
    int result = watch_build(watch->component, saved);
    times.built = now_ms();
    if (is_over) {
        return;
    }
    if (result != 0) {
        printf("    not built (%.3f s): what runs stays\n", seconds(times.saved, times.built));
    } else if (replace(watch, &times, &why) < 0) {
        printf("    %s\n", why.text);
    }
    if (sources_learn(sources, &why) < 0) {
        printf("    %s\n", why.text);
    }
    fflush(stdout);
}

/* Waits for a save, and until no other follows at once. Returns when the first was seen; 0: ^C. */
static uint64_t await_save(struct sources *sources, char *saved, unsigned room)
{
    struct pollfd wait = {.fd = sources->fd, .events = POLLIN};
    uint64_t at = 0;
    while (!is_over && (at == 0 || poll(&wait, 1, QUIET_MS) > 0)) {
        if (at == 0 && poll(&wait, 1, -1) <= 0) {
            continue;
        }
        uint64_t now = now_ms();
        if (sources_take(sources, saved, room) && at == 0) {
            at = now;
        }
    }
    return is_over ? 0 : at;
}

int watch_run(const struct watch *watch, struct why *why)
{
    /* A second ^C does not wait for the end of a probation. */
    struct sigaction action = {.sa_handler = note_end, .sa_flags = (int)SA_RESETHAND};
    struct sources sources;
    char saved[256];
    uint64_t at;
    int result = sources_open(&sources, watch->component, why);
    if (result == 0) {
        is_over = 0;
        sigaction(SIGINT, &action, NULL);
        printf("watching %s: %u files, ^C ends\n", watch->component, sources.count);
        fflush(stdout);
    }
    while (result == 0 && (at = await_save(&sources, saved, sizeof(saved))) > 0) {
        printf("%s\n", saved);
        fflush(stdout);
        take_save(watch, &sources, saved, at);
    }
    sources_close(&sources);
    return result;
}

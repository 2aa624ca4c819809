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
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tools/nr/show.h"

#define QUIET_MS 15 /* after a save, for others of the same stroke */
#define LOOK_MS 20  /* from one look for a save to the next, during a probation */
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

/* By its inode's change: a file that another was put in the place of may have an old date. */
uint64_t watch_saved_at(const struct watch_saves *saves)
{
    struct timespec real;
    struct stat status;
    uint64_t now = now_ms();
    if (stat(saves->file, &status) < 0 || clock_gettime(CLOCK_REALTIME, &real) < 0) {
        return now;
    }
    int64_t age = (int64_t)(real.tv_sec - status.st_ctim.tv_sec) * 1000 +
                  (real.tv_nsec - status.st_ctim.tv_nsec) / 1000000;
    return age >= 0 && now - saves->last > (uint64_t)age ? now - (uint64_t)age : now;
}

/* Of several saves the first one counts. */
static bool take_saves(struct watch_saves *saves)
{
    char file[sizeof(saves->file)];
    if (!sources_take(&saves->sources, file, sizeof(file))) {
        return false;
    }
    if (saves->at == 0) {
        memcpy(saves->file, file, sizeof(file));
        saves->at = watch_saved_at(saves);
    }
    return true;
}

/* Until it is known what became of the new code; or, on its probation, until a save or ^C. */
static int wait_for_end(struct client *client, struct client_call *call, struct watch_saves *saves,
                        const struct watch_times *times, struct why *why)
{
    uint64_t end = now_ms() + CLIENT_PUSH_MS;
    bool is_left = false;
    while (!call->is_done && !is_left && (times->running > 0 || now_ms() < end) &&
           client_pump(client, LOOK_MS) == 0) {
        is_left = saves && times->running > 0 && (take_saves(saves) || is_over);
    }
    int result = client_wait(client, call, is_left ? 0 : LOOK_MS, why); /* done, or given up */
    return result == 0 ? client_result(call, why) : is_left ? -EINPROGRESS : result;
}

int watch_push(struct client *client, const char *package, struct watch_saves *saves,
               struct watch_times *times, struct why *why)
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
    int result = client_push_begin(client, bytes, size, NULL, note_sent, &call, why);
    if (result == 0) {
        result = wait_for_end(client, &call, saves, times, why);
    }
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
static int replace(const struct watch *watch, struct watch_saves *saves, struct watch_times *times,
                   struct why *why)
{
    char package[GOAL_BYTES];
    struct session session;
    snprintf(package, sizeof(package), "build/components/%s/package.nrb", watch->component);
    int result = session_open(&session, &watch->place, why);
    if (result == 0) {
        result = watch_push(&session.client, package, saves, times, why);
    }
    session_close(&session);
    return result;
}

static void take_save(const struct watch *watch, struct watch_saves *saves)
{
    struct watch_times times = {.saved = saves->at};
    struct why why;
    int result = watch_build(watch->component, saves->file);
    times.built = now_ms();
    saves->last = saves->at;
    saves->at = 0;
    if (is_over) {
        return;
    }
    if (result != 0) {
        printf("    not built (%.3f s): what runs stays\n", seconds(times.saved, times.built));
    } else if ((result = replace(watch, saves, &times, &why)) == -EINPROGRESS) {
        puts(is_over ? "    its probation goes on" : "    saved again: that ends its probation");
    } else if (result < 0) {
        printf("    %s\n", why.text);
    }
    if (sources_learn(&saves->sources, &why) < 0) {
        printf("    %s\n", why.text);
    }
    fflush(stdout);
}

/* Waits for a save, and until no other follows at once. False: ^C. */
static bool await_save(struct watch_saves *saves)
{
    struct pollfd wait = {.fd = saves->sources.fd, .events = POLLIN};
    while (!is_over && (saves->at == 0 || poll(&wait, 1, QUIET_MS) > 0)) {
        if (saves->at == 0 && poll(&wait, 1, -1) <= 0) {
            continue;
        }
        (void)take_saves(saves);
    }
    return !is_over;
}

int watch_run(const struct watch *watch, struct why *why)
{
    /* A second ^C does not wait for make, or for the board. */
    struct sigaction action = {.sa_handler = note_end, .sa_flags = (int)SA_RESETHAND};
    struct watch_saves saves = {.last = now_ms()};
    int result = sources_open(&saves.sources, watch->component, why);
    if (result == 0) {
        is_over = 0;
        sigaction(SIGINT, &action, NULL);
        printf("watching %s: %u files, ^C ends\n", watch->component, saves.sources.count);
        fflush(stdout);
    }
    while (result == 0 && await_save(&saves)) {
        printf("%s\n", saves.file);
        fflush(stdout);
        take_save(watch, &saves);
    }
    sources_close(&saves.sources);
    return result;
}

/* SPDX-License-Identifier: MIT */
/*
 * A component that is built and replaced at each save of one of its sources, until ^C.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tools/nr/session.h"

struct watch {
    const char *component;
    struct session_place place;
};

/* From a save to the new code running, and its parts; milliseconds. */
struct watch_times {
    uint64_t saved, built, sent, running; /* by now_ms() */
};

/* "0.412 s from save to running: build 0.300, push 0.080, swap 0.032" */
void watch_describe(const struct watch_times *times, char *text, unsigned size);

/*
 * Builds with make. saved: the file, which counts as new whatever its date says, since another that
 * was put in its place may be older. The exit status: 0: the package is new; else make has said
 * why.
 */
int watch_build(const char *component, const char *saved);

/*
 * Puts a package in by a session that is open, and tells on stdout what came of it. times->saved
 * and built are given; sent and running are filled as far as it came. 0; -EREMOTEIO: refused, or
 * taken back; else as client_push().
 */
int watch_push(struct client *client, const char *package, struct watch_times *times,
               struct why *why);

/* Goes on until SIGINT. 0; < 0: there is no such component, or it cannot be watched. */
int watch_run(const struct watch *watch, struct why *why);

/* SPDX-License-Identifier: MIT */
/*
 * A component that is built and replaced at each save of one of its sources, until ^C.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tools/nr/session.h"
#include "tools/nr/sources.h"

struct watch {
    const char *component;
    struct session_place place;
};

/* Saves of the files that a component is made of. */
struct watch_saves {
    struct sources sources;
    char file[256]; /* the one that was saved first */
    uint64_t at;    /* when, by now_ms(); 0: none was */
    uint64_t last;  /* that of the one before, or when the watch began */
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
 * When saves->file was saved, even if nobody looked then, by now_ms(): now, if it was not written
 * since saves->last.
 */
uint64_t watch_saved_at(const struct watch_saves *saves);

/*
 * Puts a package in by a session that is open, and tells on stdout what came of it. times->saved
 * and built are given; sent and running are filled as far as it came. -EINPROGRESS: the new
 * code is on probation, and something was saved meanwhile, or ^C pressed (saves may be NULL: nobody
 * looks). 0; -EREMOTEIO: refused, or taken back; else as client_push().
 */
int watch_push(struct client *client, const char *package, struct watch_saves *saves,
               struct watch_times *times, struct why *why);

/* Goes on until SIGINT. 0; < 0: there is no such component, or it cannot be watched. */
int watch_run(const struct watch *watch, struct why *why);

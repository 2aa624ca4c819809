/* SPDX-License-Identifier: MIT */
/*
 * The load: workers on every CPU that call the counter through gates all the time, and count.
 * One provider.
 */
#pragma once

#include <neurath/component.h>

INTERFACE(load, 1, 0);

struct load_report {
    uint32_t is_running;
    uint32_t workers;
    uint64_t made;       /* calls begun */
    uint64_t answered;   /* calls that came back with 0 */
    uint64_t failed;     /* calls that came back with an error */
    uint64_t counted;    /* what the counter gained since load_start() */
    uint64_t per_cpu[4]; /* answered, by CPU */
};

/* Starts from zero. 0; -EBUSY: it runs. */
GATED(thread) int load_start(void);

/* Asks the workers to stop after the call they are in. 0. */
GATED(thread) int load_stop(void);

/* Fills *report. Exact once is_running is 0 (all workers have stopped). 0. */
GATED(thread) int load_read_report(struct load_report *report);

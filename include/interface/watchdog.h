/* SPDX-License-Identifier: MIT */
/*
 * The watchdog: restarts the machine when nobody has said for some time that all is well. One
 * provider.
 *
 * Either the caller keeps it alive, or the provider does so itself from a worker: then it guards
 * against a system whose threads do not run any more, and no more than that.
 */
#pragma once

#include <neurath/component.h>

INTERFACE(watchdog, 1, 0);

#define WATCHDOG_TIMEOUT_MS_MIN 100u
#define WATCHDOG_TIMEOUT_MS_MAX 15000u

struct watchdog_status {
    uint32_t timeout_ms;  /* 0: it does not run */
    uint32_t left_ms;     /* until it would restart the machine */
    uint32_t is_guarding; /* 1: the provider keeps it alive */
    uint64_t kept_alive;  /* how often, by whomever */
};

/*
 * Starts it, or changes its timeout, and ends the guard. 0. -EINVAL: out of range. -ENODEV: there
 * is none.
 */
GATED(thread) int watchdog_start(uint32_t timeout_ms);

/* Starts it, and the worker that keeps it alive three times in each timeout. As watchdog_start().
 */
GATED(thread) int watchdog_guard(uint32_t timeout_ms);

/* All is well: its time begins anew. 0. -ENOENT: it does not run. */
GATED(any) int watchdog_keep_alive(void);

/* Stops it, and the guard. 0. -ENODEV: there is none. */
GATED(thread) int watchdog_stop(void);

/* Fills *status. 0. -ENODEV: there is none. */
GATED(thread) int watchdog_read_status(struct watchdog_status *status);

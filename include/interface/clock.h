/* SPDX-License-Identifier: MIT */
/*
 * Timers. One provider at a time. A timer lies in its user's state; while armed it is linked into
 * the provider's per-CPU queue, and its callback runs in an interrupt on the CPU that armed it.
 */
#pragma once

#include <lib/list.h>
#include <neurath/component.h>
#include <neurath/time.h>

INTERFACE(clock, 1, 1);

struct timer;
typedef void timer_callback(struct timer *timer);

struct timer {
    struct list node;         /* the provider's while armed */
    uint64_t deadline_ns;     /* on the scale of time_now_ns() */
    timer_callback *callback; /* a gate; context: interrupt; may arm the timer again */
    struct component *owner;  /* who it is revoked with */
    uint32_t cpu;             /* the provider's: whose queue it is in */
    uint32_t is_armed;        /* 1 while it is queued */
};

/* Readies the timer of the calling CPU, whose queue is empty. 0. Interrupts off. */
GATED(any) int clock_start_cpu(void);

/* Arms (or moves) a timer on this CPU; callback, owner are set. A deadline that has passed fires
 * at once. 0; -EINVAL: no callback. */
GATED(any) int clock_arm(struct timer *timer, uint64_t deadline_ns);

/*
 * Disarms. 0: it will not fire; -ENOENT: it was not armed (it may be firing on another CPU now).
 */
GATED(any) int clock_cancel(struct timer *timer);

/* Disarms all timers of an owner that leaves the world. Returns how many. */
GATED(any) int clock_revoke(struct component *owner);

/* How many timers of an owner are armed. Since 1.1. */
GATED(any) int clock_count(const struct component *owner);

/* Makes a timer ready to be armed; not for one that is armed. */
static inline void timer_init_owned(struct timer *timer, timer_callback *callback,
                                    struct component *owner)
{
    *timer = (struct timer){.callback = callback, .owner = owner};
    list_init(&timer->node);
}
#define timer_init(timer, callback) timer_init_owned(timer, callback, this_component)

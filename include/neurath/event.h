/* SPDX-License-Identifier: MIT */
/*
 * Events: how a thread waits, in the nucleus, for something that others bring about.
 *
 * An event counts its signals. To wait for a condition without missing it:
 *
 *     uint32_t seen = event_read(&port->readable);
 *     int result = port->read(…);                   try
 *     if (result == -EAGAIN)
 *         event_wait(&port->readable, seen, WAIT_FOREVER);  wait, then try again
 *
 * The wait returns at once when a signal came after event_read(). A call into a component must
 * not wait this way: it returns -EAGAIN, and its caller waits.
 *
 * Lifetime: an event lies in its owner's state or in the nucleus; event_init() registers it, and
 * when its owner leaves the world, all who wait get -ECANCELED.
 */
#pragma once

#include <lib/list.h>
#include <neurath/compiler.h>

struct component;

#define WAIT_FOREVER UINT64_MAX

struct event {
    uint32_t signals;    /* how often it was signalled, modulo 2^32 */
    struct list waiters; /* threads; belongs to the nucleus */
    struct list owned;   /* in a list of all events; belongs to the nucleus */
    struct component *owner;
};

/*
 * Makes an event ready and registers it with its owner. Context: any. An event that is
 * registered already (an adopted state) must not be initialised again.
 */
NUCLEUS_API void event_init_owned(struct event *event, struct component *owner);
#define event_init(event) event_init_owned(event, this_component)

/*
 * An object that the nucleus knows by its address lies elsewhere now: an event (copied, with those
 * who wait for it), or what a worker or an interrupt handler gets as its argument. Context:
 * rendezvous (migrate).
 */
NUCLEUS_API void registration_move(const void *from, void *to);

/* Number of signals so far. Context: any. */
static inline uint32_t event_read(const struct event *event)
{
    return __atomic_load_n(&event->signals, __ATOMIC_ACQUIRE);
}

/* Counts a signal and wakes all waiters. Context: any. */
NUCLEUS_API void event_signal(struct event *event);

/*
 * Sleeps until event_read() is no longer `seen`, or timeout_ns have passed (WAIT_FOREVER: none).
 * 0: signalled. -ETIMEDOUT: time over. -ECANCELED: the event's owner left, or the thread is to end.
 * Context: thread, may sleep, no spinlock held, not from a component's step or method.
 */
NUCLEUS_API int event_wait(struct event *event, uint32_t seen, uint64_t timeout_ns);

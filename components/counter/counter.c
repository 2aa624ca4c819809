/* SPDX-License-Identifier: MIT */
/*
 * The counter: a service small enough to see through, called all the time by the load, to show that
 * replacing it loses no call.
 *
 * Built as version 1.1 it counts by one atomic addition, as 1.0 (COUNTER_MINOR=0) under a
 * spinlock. Both have the same state. They never count at the same time.
 */
#include <errno.h>

#include <interface/command.h>
#include <interface/counter.h>
#include <neurath/component.h>
#include <neurath/cpu.h>
#include <neurath/offer.h>

#ifndef COUNTER_MINOR
#define COUNTER_MINOR 1
#endif

struct counter {
    uint64_t count;
    struct spinlock lock; /* guards count in version 1.0 */
};

STATE(struct counter) state;

#if COUNTER_MINOR == 0

#define COUNTER_SUMMARY "Counts calls under a lock"

int counter_increment(uint64_t *total)
{
    uint64_t daif = spin_lock(&state.lock);
    *total = ++state.count;
    spin_unlock(&state.lock, daif);
    return 0;
}

#else

#define COUNTER_SUMMARY "Counts calls by an atomic addition"

int counter_increment(uint64_t *total)
{
    *total = __atomic_add_fetch(&state.count, 1, __ATOMIC_RELAXED);
    return 0;
}

#endif

int counter_read(uint64_t *total)
{
    *total = __atomic_load_n(&state.count, __ATOMIC_RELAXED);
    return 0;
}

static int run(int count, char *const words[], struct command_output *output)
{
    (void)words;
    if (count != 1) {
        command_print(output, "usage: counter\n");
        return -EINVAL;
    }
    command_print(output, "%llu calls counted, now by version 1.%d\n",
                  (unsigned long long)__atomic_load_n(&state.count, __ATOMIC_RELAXED),
                  COUNTER_MINOR);
    return 0;
}

static int start(void)
{
    static const struct command_ops command = {run, "counter - shows how many calls it counted"};
    return offer_add(COMMAND_KIND, "counter", &command, sizeof(command));
}

COMPONENT(counter, .version = VERSION(1, COUNTER_MINOR, 0),
          .summary = IS_ENABLED(REBUILT) ? COUNTER_SUMMARY " (rebuilt)" : COUNTER_SUMMARY,
          .start = start);

/* SPDX-License-Identifier: MIT */
/*
 * Schedulers: who runs next. One provider at a time.
 *
 * The nucleus calls these with interrupts off and its own locks free; it switches, sleeps and wakes
 * threads itself. A thread is in the scheduler's hands from enqueue to the pick that returns it (or
 * remove). Replacing one scheduler by another: the new one's import takes all runnable
 * threads by thread_each_runnable().
 */
#pragma once

#include <neurath/component.h>
#include <neurath/thread.h>

INTERFACE(scheduler, 1, 0);

/*
 * Takes a runnable thread. ran_ns: what it ran since it was last picked (0: it was asleep). Returns
 * the CPU on which it should run, so that the nucleus can wake that one. -EINVAL: cpu_mask has no
 * CPU.
 */
GATED(any) int scheduler_enqueue(struct thread *thread, uint64_t ran_ns);

/* Takes the best thread for cpu out into *next. 0; -ENOENT: nobody may run there. */
GATED(any) int scheduler_pick(unsigned cpu, struct thread **next);

/* Takes a given thread out. 0; -ENOENT: it is not in the scheduler's hands. */
GATED(any) int scheduler_remove(struct thread *thread);

/*
 * The tick: `current` (NULL: idle) has run for ran_ns on cpu since it was picked. 1: another should
 * run now; 0: go on.
 */
GATED(any) int scheduler_tick(unsigned cpu, struct thread *current, uint64_t ran_ns);

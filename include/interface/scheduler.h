/* SPDX-License-Identifier: MIT */
/*
 * Schedulers: who runs next. One provider at a time.
 *
 * The nucleus calls these with interrupts off and its own locks free; it switches, sleeps and wakes
 * threads itself. A thread is in the scheduler's hands from enqueue (or the pick that keeps it) to
 * the pick that returns it (or remove). Replacing one scheduler by another: the new one's import
 * takes all runnable threads by thread_each_runnable().
 */
#pragma once

#include <neurath/component.h>
#include <neurath/thread.h>

INTERFACE(scheduler, 2, 0);

/*
 * Takes a runnable thread that is on no CPU. Returns the CPU on which it should run, so that the
 * nucleus can wake that one. -EINVAL: cpu_mask has no CPU.
 */
GATED(any) int scheduler_enqueue(struct thread *thread);

/*
 * Takes the best thread for cpu out into *next, at now_ns, the time of time_now_ns(). `current`:
 * who runs on cpu and gives way, charged for it (its cpu_ns), and stays runnable; NULL: nobody
 * does.
 *
 * 0: *next runs now, which may be current itself. If it is another, current has been kept: it is in
 * the scheduler's hands; but its CPU is still on its stack until that CPU calls the scheduler
 * again, and until then no other may get it. 1: *next runs now, and current is to be enqueued when
 * its CPU has left its stack. -ENOENT: nobody may run there.
 */
GATED(any)
int scheduler_pick(unsigned cpu, struct thread *current, uint64_t now_ns, struct thread **next);

/* Takes a given thread out. 0; -ENOENT: it is not in the scheduler's hands. */
GATED(any) int scheduler_remove(struct thread *thread);

/*
 * The tick: `current` (NULL: idle) has run for ran_ns on cpu since it was picked, or charged. 1:
 * another should run now; 0: go on.
 */
GATED(any) int scheduler_tick(unsigned cpu, struct thread *current, uint64_t ran_ns);

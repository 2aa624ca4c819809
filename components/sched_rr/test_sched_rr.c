/* SPDX-License-Identifier: MIT */
/* Round robin: the contract of all schedulers, and what is particular to this one. */
#define SUITE sched_rr
#define PROVIDER "components/sched_rr/sched_rr.c"
#include <tests/contract/scheduler.h>

Test(sched_rr, lets_threads_run_in_turn)
{
    struct thread *current = NULL;
    for (unsigned i = 0; i < 3; i++) {
        (void)scheduler_enqueue(make_thread(i, 0xf));
    }
    for (unsigned i = 0; i < 9; i++) {
        current = switch_cpu(0, current, SLICE_NS);
        cr_assert_eq(current, &threads[i % 3]);
    }
}

Test(sched_rr, ends_a_turn_with_the_slice)
{
    struct thread *next;
    (void)scheduler_enqueue(make_thread(0, 1));
    (void)scheduler_enqueue(make_thread(1, 1));
    cr_assert_eq(scheduler_pick(0, NULL, now_ns, &next), 0);
    cr_assert_eq(scheduler_tick(0, next, SLICE_NS - 1), 0);
    cr_assert_eq(scheduler_tick(0, next, SLICE_NS), 1);
}

/* SPDX-License-Identifier: MIT */
/* Fair scheduling: the contract of all schedulers, and what is particular to this one. */
#define SUITE sched_fair
#define PROVIDER "components/sched_fair/sched_fair.c"
#include <tests/contract/scheduler.h>

Test(sched_fair, shares_a_cpu_by_weight)
{
    static const uint32_t weights[] = {512, 1024, 2048, 4096};
    uint64_t got_ms[THREADS] = {0};
    for (unsigned i = 0; i < 4; i++) {
        make_thread(i, 1)->weight = weights[i];
        (void)scheduler_enqueue(&threads[i]);
    }
    (void)run_cpu(0, NULL, 15000, got_ms);
    for (unsigned i = 0; i < 4; i++) {
        uint64_t due = 15000ull * weights[i] / 7680;
        cr_assert(got_ms[i] * 100 >= due * 95 && got_ms[i] * 100 <= due * 105, "%u: %lu of %lu", i,
                  (unsigned long)got_ms[i], (unsigned long)due);
    }
}

Test(sched_fair, gives_a_long_sleeper_its_turn_but_no_more_than_its_share)
{
    uint64_t got_ms[THREADS] = {0};
    (void)scheduler_enqueue(make_thread(0, 1));
    struct thread *current = run_cpu(0, NULL, 10000, got_ms);
    cr_assert_eq(current, &threads[0]);
    memset(got_ms, 0, sizeof(got_ms));
    (void)scheduler_enqueue(make_thread(1, 1));
    (void)run_cpu(0, current, 1000, got_ms);
    cr_assert(got_ms[1] >= 450 && got_ms[1] <= 550, "%lu", (unsigned long)got_ms[1]);
}

Test(sched_fair, charges_what_a_thread_ran_before_it_slept)
{
    uint64_t got_ms[THREADS] = {0};
    struct thread *next;
    (void)scheduler_enqueue(make_thread(0, 1));
    (void)scheduler_enqueue(make_thread(1, 1));
    /* Thread 0 always sleeps a moment when it has run 3 ms: nobody reports these to the scheduler.
     */
    for (unsigned i = 0; i < 1000; i++) {
        cr_assert_eq(scheduler_pick(0, NULL, now_ns, &next), 0);
        next->cpu = 0;
        now_ns += 3 * MILLISECOND;
        next->cpu_ns += 3 * MILLISECOND;
        got_ms[next->id - 1] += 3;
        (void)scheduler_enqueue(next);
    }
    cr_assert(got_ms[0] >= 1400 && got_ms[0] <= 1600, "%lu", (unsigned long)got_ms[0]);
}

Test(sched_fair, lets_an_idle_cpu_take_from_the_fullest_queue)
{
    struct thread *next = NULL;
    online = 1;
    for (unsigned i = 0; i < 5; i++) {
        (void)scheduler_enqueue(make_thread(i, i == 0 ? 1 : 0xf));
    }
    online = 0xf;
    cr_assert_eq(scheduler_tick(3, NULL, 0), 1);
    cr_assert_eq(scheduler_pick(3, NULL, now_ns, &next), 0);
    cr_assert_neq(next, &threads[0], "it is bound to CPU 0");
}

Test(sched_fair, does_not_starve_who_comes_from_a_busier_cpu)
{
    uint64_t got_ms[THREADS] = {0};
    /* CPU 0's threads have run for minutes, CPU 1's for no time at all. */
    (void)scheduler_enqueue(make_thread(0, 1));
    struct thread *current = run_cpu(0, NULL, 100000, NULL);
    (void)scheduler_enqueue(make_thread(1, 2));
    struct thread *other = run_cpu(1, NULL, 10, NULL);
    cr_assert_eq(other, &threads[1]);
    current->cpu_mask = 2;
    current->cpu_ns += 100000ull * MILLISECOND;
    (void)scheduler_enqueue(current);
    memset(got_ms, 0, sizeof(got_ms));
    (void)run_cpu(1, other, 1000, got_ms);
    cr_assert(got_ms[0] >= 400, "%lu", (unsigned long)got_ms[0]);
}

Test(sched_fair, forgets_what_threads_had_before_another_scheduler)
{
    uint64_t got_ms[THREADS] = {0};
    (void)scheduler_enqueue(make_thread(0, 1));
    struct thread *sleeper = run_cpu(0, NULL, 50000, NULL);
    sleeper->cpu_ns += 50000ull * MILLISECOND;
    (void)scheduler_enqueue(sleeper);
    cr_assert_eq(scheduler_remove(sleeper), 0);
    memset(&state, 0, sizeof(state));
    cr_assert_eq(import(NULL, 0), 0);
    (void)scheduler_enqueue(make_thread(1, 1));
    struct thread *current = run_cpu(0, NULL, 10, NULL);
    (void)scheduler_enqueue(sleeper);
    (void)run_cpu(0, current, 1000, got_ms);
    cr_assert(got_ms[0] >= 400, "%lu", (unsigned long)got_ms[0]);
}

Test(sched_fair, never_divides_by_a_weight_of_none)
{
    uint64_t got_ms[THREADS] = {0};
    for (unsigned i = 0; i < 2; i++) {
        make_thread(i, 1)->weight = 0;
        (void)scheduler_enqueue(&threads[i]);
    }
    (void)run_cpu(0, NULL, 1000, got_ms);
    cr_assert(got_ms[0] && got_ms[1]);
}

Test(sched_fair, remembers_what_who_goes_on_has_had)
{
    struct thread *next;
    unsigned ms = 0;
    (void)scheduler_enqueue(make_thread(0, 1));
    struct thread *current = run_cpu(0, NULL, 10000, NULL);
    current->cpu_ns += 10000ull * MILLISECOND;
    cr_assert_eq(scheduler_pick(0, current, now_ns, &next), 0);
    cr_assert_eq(next, current, "there is nobody else");
    (void)scheduler_enqueue(make_thread(1, 1));
    while (ms < 1000 && !scheduler_tick(0, current, (uint64_t)ms * MILLISECOND)) {
        now_ns += MILLISECOND;
        ms++;
    }
    cr_assert_lt(ms, 20u);
}

Test(sched_fair, does_not_charge_what_was_run_under_another_scheduler)
{
    uint64_t got_ms[THREADS] = {0};
    struct thread *current = make_thread(0, 1);
    now_ns = 60000ull * MILLISECOND; /* for so long */
    cr_assert_eq(import(NULL, 0), 0);
    (void)scheduler_enqueue(make_thread(1, 1));
    (void)run_cpu(0, current, 1000, got_ms);
    cr_assert(got_ms[0] >= 400, "%lu", (unsigned long)got_ms[0]);
}

/* An enqueue that was cut off when all was done, and is made again when the thread runs. */
Test(sched_fair, mends_what_a_call_that_is_made_again_has_done)
{
    struct thread *next = NULL, *current = make_thread(0, 2);
    (void)scheduler_enqueue(current);
    cr_assert_eq(scheduler_pick(1, NULL, now_ns, &next), 0);
    (void)scheduler_enqueue(current);
    (void)scheduler_tick(1, current, LONG_TURN);
    cr_assert_eq(scheduler_pick(1, current, now_ns, &next), 0);
    cr_assert_eq(next, current);
    (void)scheduler_enqueue(make_thread(1, 2));
    cr_assert_eq(switch_cpu(1, current, LONG_TURN), &threads[1]);
    (void)scheduler_enqueue(make_thread(2, 1));
    cr_assert_eq(scheduler_pick(0, NULL, now_ns, &next), 0);
    cr_assert_eq(next, &threads[2]);
    cr_assert_eq(scheduler_pick(1, NULL, now_ns, &next), 0);
    cr_assert_eq(next, current);
    cr_assert_eq(scheduler_pick(1, NULL, now_ns, &next), -ENOENT);
}

/* SPDX-License-Identifier: MIT */
/*
 * The contract of <interface/scheduler.h>, as tests that every provider must pass. A provider's
 * test defines SUITE (its name) and PROVIDER (its source), and includes this file, which includes
 * the provider: then `state`, `import` and what is below are at hand for tests of its own.
 */
#pragma once

/* All unit tests are one program: each provider has its own methods and its own nucleus. */
#define CONTRACT_NAME(symbol) CONTRACT_NAME_(SUITE, symbol)
#define CONTRACT_NAME_(suite, symbol) CONTRACT_NAME__(suite, symbol)
#define CONTRACT_NAME__(suite, symbol) suite##_test_##symbol
#define scheduler_enqueue CONTRACT_NAME(enqueue)
#define scheduler_pick CONTRACT_NAME(pick)
#define scheduler_remove CONTRACT_NAME(remove)
#define scheduler_tick CONTRACT_NAME(tick)
#define cpu_online_mask CONTRACT_NAME(cpu_online_mask)
#define time_now_ns CONTRACT_NAME(time_now_ns)
#define thread_each_runnable CONTRACT_NAME(thread_each_runnable)

#include PROVIDER

#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>

#define MILLISECOND 1000000u
#define LONG_TURN (100u * MILLISECOND)
#define THREADS 12

static uint32_t online = 0xf;
static uint64_t now_ns = 1000;
static struct thread threads[THREADS];
static bool is_runnable[THREADS]; /* what the nucleus would tell an import */

uint32_t cpu_online_mask(void)
{
    return online;
}

uint64_t time_now_ns(void)
{
    return now_ns;
}

void thread_each_runnable(void (*visit)(struct thread *thread))
{
    for (unsigned i = 0; i < THREADS; i++) {
        if (is_runnable[i]) {
            visit(&threads[i]);
        }
    }
}

static struct thread *make_thread(unsigned index, uint32_t cpu_mask)
{
    threads[index] = (struct thread){.id = index + 1, .weight = 1024, .cpu_mask = cpu_mask};
    return &threads[index];
}

/* As the nucleus does: picks, switches, and gives back who ran before. */
static struct thread *switch_cpu(unsigned cpu, struct thread *current, uint64_t ran_ns)
{
    struct thread *next = NULL;
    if (current) {
        current->cpu_ns += ran_ns;
    }
    int result = scheduler_pick(cpu, current, now_ns, &next);
    cr_assert(result >= 0 || !current);
    if (result < 0) {
        return NULL;
    }
    next->cpu = cpu;
    if (result == 1) {
        cr_assert(scheduler_enqueue(current) >= 0);
    }
    return next;
}

/* Runs `cpu` by the tick for so many milliseconds; adds what each thread got to got_ms. */
static struct thread *run_cpu(unsigned cpu, struct thread *current, unsigned ms, uint64_t *got_ms)
{
    static uint64_t since_ns[CPU_MAX];
    for (unsigned i = 0; i < ms; i++) {
        now_ns += MILLISECOND;
        if (current && got_ms) {
            got_ms[current->id - 1]++;
        }
        if (scheduler_tick(cpu, current, now_ns - since_ns[cpu])) {
            current = switch_cpu(cpu, current, now_ns - since_ns[cpu]);
            since_ns[cpu] = now_ns;
        }
    }
    return current;
}

Test(SUITE, has_nobody_at_first)
{
    struct thread *next;
    for (unsigned cpu = 0; cpu < CPU_MAX; cpu++) {
        cr_assert_eq(scheduler_pick(cpu, NULL, now_ns, &next), -ENOENT);
        cr_assert_eq(scheduler_tick(cpu, NULL, 0), 0);
    }
    cr_assert_eq(scheduler_pick(CPU_MAX, NULL, now_ns, &next), -ENOENT);
}

Test(SUITE, gives_each_thread_out_once)
{
    struct thread *next = NULL;
    bool seen[THREADS] = {0};
    for (unsigned i = 0; i < THREADS; i++) {
        cr_assert(scheduler_enqueue(make_thread(i, 0xf)) >= 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        cr_assert_eq(scheduler_pick(i % CPU_MAX, NULL, now_ns, &next), 0);
        cr_assert_not(seen[next - threads]);
        seen[next - threads] = true;
    }
    cr_assert_eq(scheduler_pick(0, NULL, now_ns, &next), -ENOENT);
}

Test(SUITE, honours_the_mask_of_cpus)
{
    struct thread *next = NULL;
    cr_assert_eq(scheduler_enqueue(make_thread(0, 1u << 2)), 2);
    for (unsigned cpu = 0; cpu < CPU_MAX; cpu++) {
        cr_assert_eq(scheduler_tick(cpu, NULL, 0), cpu == 2);
    }
    cr_assert_eq(scheduler_pick(0, NULL, now_ns, &next), -ENOENT);
    cr_assert_eq(scheduler_pick(1, NULL, now_ns, &next), -ENOENT);
    cr_assert_eq(scheduler_pick(3, NULL, now_ns, &next), -ENOENT);
    cr_assert_eq(scheduler_pick(2, NULL, now_ns, &next), 0);
    cr_assert_eq(next, &threads[0]);
}

Test(SUITE, refuses_a_thread_without_a_cpu)
{
    struct thread *next;
    cr_assert_eq(scheduler_enqueue(make_thread(0, 1u << CPU_MAX)), -EINVAL);
    cr_assert_eq(scheduler_pick(0, NULL, now_ns, &next), -ENOENT);
}

Test(SUITE, removes_a_thread_once)
{
    struct thread *next = NULL;
    cr_assert_eq(scheduler_remove(make_thread(0, 0xf)), -ENOENT);
    for (unsigned i = 0; i < 3; i++) {
        (void)scheduler_enqueue(make_thread(i, 1));
    }
    cr_assert_eq(scheduler_remove(&threads[1]), 0);
    cr_assert_eq(scheduler_remove(&threads[1]), -ENOENT);
    cr_assert_eq(scheduler_pick(0, NULL, now_ns, &next), 0);
    cr_assert_neq(next, &threads[1]);
    cr_assert_eq(scheduler_remove(next), -ENOENT, "it runs");
    cr_assert_eq(scheduler_pick(0, NULL, now_ns, &next), 0);
    cr_assert_neq(next, &threads[1]);
    cr_assert_eq(scheduler_pick(0, NULL, now_ns, &next), -ENOENT);
}

Test(SUITE, takes_a_thread_twice_only_once)
{
    struct thread *next;
    (void)scheduler_enqueue(make_thread(0, 0xf));
    (void)scheduler_enqueue(&threads[0]);
    cr_assert_eq(scheduler_pick(0, NULL, now_ns, &next), 0);
    cr_assert_eq(scheduler_pick(0, NULL, now_ns, &next), -ENOENT);
}

Test(SUITE, sends_threads_to_idle_cpus_of_their_own)
{
    uint32_t used = 0;
    for (unsigned i = 0; i < CPU_MAX; i++) {
        int cpu = scheduler_enqueue(make_thread(i, 0xf));
        cr_assert(cpu >= 0 && cpu < CPU_MAX);
        cr_assert_not(used & 1u << cpu);
        used |= 1u << cpu;
    }
}

Test(SUITE, prefers_the_last_cpu_of_a_thread)
{
    make_thread(0, 0xf)->cpu = 3;
    cr_assert_eq(scheduler_enqueue(&threads[0]), 3);
}

Test(SUITE, does_not_send_a_thread_where_another_runs)
{
    struct thread *next;
    (void)scheduler_enqueue(make_thread(0, 1));
    cr_assert_eq(scheduler_pick(0, NULL, now_ns, &next), 0);
    cr_assert_neq(scheduler_enqueue(make_thread(1, 3)), 0);
}

Test(SUITE, only_sends_to_cpus_that_are_up)
{
    online = 1;
    for (unsigned i = 0; i < CPU_MAX; i++) {
        cr_assert_eq(scheduler_enqueue(make_thread(i, 0xf)), 0);
    }
}

Test(SUITE, lets_a_thread_run_a_while_but_not_for_ever)
{
    struct thread *next;
    (void)scheduler_enqueue(make_thread(0, 1));
    cr_assert_eq(scheduler_pick(0, NULL, now_ns, &next), 0);
    now_ns += LONG_TURN;
    cr_assert_eq(scheduler_tick(0, next, LONG_TURN), 0, "there is nobody else");
    cr_assert_eq(scheduler_pick(0, &threads[0], now_ns, &next), 0);
    cr_assert_eq(next, &threads[0]);
    (void)scheduler_enqueue(make_thread(1, 1));
    now_ns += LONG_TURN;
    cr_assert_eq(scheduler_tick(0, next, LONG_TURN), 1);
    next = switch_cpu(0, next, LONG_TURN);
    cr_assert_eq(next, &threads[1]);
    cr_assert_eq(scheduler_tick(0, next, 1000), 0, "its turn has only begun");
}

Test(SUITE, lets_equal_threads_run_equally)
{
    uint64_t got_ms[THREADS] = {0};
    for (unsigned i = 0; i < 4; i++) {
        (void)scheduler_enqueue(make_thread(i, 1));
    }
    (void)run_cpu(0, NULL, 4000, got_ms);
    for (unsigned i = 0; i < 4; i++) {
        cr_assert(got_ms[i] >= 950 && got_ms[i] <= 1050, "thread %u: %lu", i,
                  (unsigned long)got_ms[i]);
    }
}

Test(SUITE, starves_nobody)
{
    static const uint32_t masks[] = {0xf, 0x1, 0x3, 0x8, 0xc, 0x6};
    struct thread *current[CPU_MAX] = {0};
    uint64_t got_ms[THREADS] = {0};
    for (unsigned i = 0; i < THREADS; i++) {
        (void)scheduler_enqueue(make_thread(i, masks[i % ARRAY_SIZE(masks)]));
    }
    for (unsigned round = 0; round < 200; round++) {
        for (unsigned cpu = 0; cpu < CPU_MAX; cpu++) {
            current[cpu] = run_cpu(cpu, current[cpu], 20, got_ms);
            cr_assert(current[cpu]);
            cr_assert(current[cpu]->cpu_mask & 1u << cpu);
        }
    }
    for (unsigned i = 0; i < THREADS; i++) {
        cr_assert_gt(got_ms[i], 200, "thread %u: %lu", i, (unsigned long)got_ms[i]);
    }
}

Test(SUITE, takes_over_what_another_scheduler_leaves)
{
    struct thread *next = NULL;
    unsigned count = 0;
    for (unsigned i = 0; i < THREADS; i++) {
        memset(make_thread(i, 0xf)->scheduler_words, 0x5a, sizeof(threads[i].scheduler_words));
        is_runnable[i] = i % 2;
    }
    now_ns = 123456789;
    cr_assert_eq(import(NULL, 0), 0);
    cr_assert_eq(scheduler_remove(&threads[0]), -ENOENT, "it sleeps");
    (void)scheduler_enqueue(&threads[0]);
    while (scheduler_pick(count % CPU_MAX, NULL, now_ns, &next) == 0) {
        cr_assert(next == &threads[0] || (next - threads) % 2);
        count++;
    }
    cr_assert_eq(count, THREADS / 2 + 1);
}

Test(SUITE, comes_back_after_another_scheduler)
{
    struct thread *next = NULL;
    for (unsigned i = 0; i < 3; i++) {
        (void)scheduler_enqueue(make_thread(i, 0xf));
        is_runnable[i] = true;
    }
    cr_assert_eq(scheduler_pick(0, NULL, now_ns, &next),
                 0); /* runs on while the other comes and goes */
    is_runnable[next - threads] = false;
    struct thread *running = next;
    memset(&state, 0, sizeof(state));
    now_ns += LONG_TURN;
    cr_assert_eq(import(NULL, 0), 0);
    cr_assert_eq(scheduler_remove(running), -ENOENT);
    (void)scheduler_enqueue(running);
    for (unsigned i = 0; i < 3; i++) {
        cr_assert_eq(scheduler_pick(i, NULL, now_ns, &next), 0);
    }
    cr_assert_eq(scheduler_pick(3, NULL, now_ns, &next), -ENOENT);
}

Test(SUITE, is_not_misled_by_words_from_its_own_past)
{
    struct thread *next = NULL;
    (void)scheduler_enqueue(make_thread(0, 0xf));
    /* Another scheduler, which writes no words, runs the thread until it sleeps; then this one
     * returns. */
    memset(&state, 0, sizeof(state));
    now_ns += LONG_TURN;
    cr_assert_eq(import(NULL, 0), 0);
    cr_assert_eq(scheduler_remove(&threads[0]), -ENOENT);
    (void)scheduler_enqueue(&threads[0]);
    cr_assert_eq(scheduler_pick(0, NULL, now_ns, &next), 0);
    cr_assert_eq(next, &threads[0]);
}

Test(SUITE, lets_who_gives_way_come_back)
{
    struct thread *next = NULL;
    (void)scheduler_enqueue(make_thread(0, 1));
    (void)scheduler_enqueue(make_thread(1, 1));
    struct thread *current = switch_cpu(0, NULL, 0);
    for (unsigned i = 0; i < 100; i++) {
        now_ns += 1000;
        next = switch_cpu(0, current, 1000);
        cr_assert_neq(next, current, "the other one, although this has had less");
        current = next;
    }
    cr_assert_eq(scheduler_pick(0, NULL, now_ns, &next), 0, "it ends; the other is still there");
    cr_assert_neq(next, current);
    cr_assert_eq(scheduler_pick(0, NULL, now_ns, &next), -ENOENT);
}

/* A pick that was cut off, and is made again by the scheduler before: it has taken out somebody who
 * does not run, and may have put back who runs. */
Test(SUITE, adopts_all_who_are_runnable_and_nobody_else)
{
    struct thread *next = NULL, *current = make_thread(0, 1);
    for (unsigned i = 0; i < 3; i++) {
        (void)scheduler_enqueue(make_thread(i, 1));
    }
    cr_assert_eq(scheduler_pick(0, NULL, now_ns, &next), 0);
    cr_assert_eq(next, current);
    (void)scheduler_pick(0, current, now_ns += LONG_TURN, &next);
    cr_assert_neq(next, current);
    is_runnable[1] = is_runnable[2] = true;
    cr_assert_eq(adopt(), 0);
    unsigned seen = 0;
    for (unsigned i = 0; i < 2; i++) {
        cr_assert_eq(scheduler_pick(0, NULL, now_ns, &next), 0);
        seen |= 1u << next->id;
    }
    cr_assert_eq(seen, 1u << 2 | 1u << 3);
    cr_assert_eq(scheduler_pick(0, NULL, now_ns, &next), -ENOENT);
    (void)scheduler_enqueue(current);
    cr_assert_eq(scheduler_pick(0, NULL, now_ns, &next), 0);
    cr_assert_eq(next, current);
}

Test(SUITE, gives_nobody_a_thread_whose_stack_is_in_use)
{
    struct thread *next = NULL, *other = NULL;
    for (unsigned cpu = 1; cpu < CPU_MAX; cpu++) { /* these are busy */
        (void)scheduler_enqueue(make_thread(cpu, 1u << cpu));
        cr_assert_eq(scheduler_pick(cpu, NULL, now_ns, &next), 0);
    }
    (void)scheduler_enqueue(make_thread(4, 1));
    (void)scheduler_enqueue(make_thread(5, 0xf));
    cr_assert_eq(scheduler_remove(&threads[5]), 0);
    int result = scheduler_pick(0, &threads[5], now_ns, &next);
    cr_assert_eq(next, &threads[4]);
    cr_assert_eq(scheduler_pick(1, NULL, now_ns, &other), -ENOENT);
    cr_assert_eq(scheduler_tick(1, NULL, 0), 0);
    if (result == 1) {
        (void)scheduler_enqueue(&threads[5]);
    }
    (void)scheduler_tick(0, next, 1000);
    cr_assert_eq(scheduler_pick(1, NULL, now_ns, &other), 0);
    cr_assert_eq(other, &threads[5]);
}

static uint32_t is_taken[THREADS]; /* a CPU is on its stack */

static void *be_a_cpu(void *argument)
{
    unsigned cpu = (unsigned)(uintptr_t)argument;
    struct thread *current = NULL;
    for (unsigned i = 0; i < 5000; i++) {
        struct thread *next;
        (void)scheduler_tick(cpu, current, 1000);
        int result = scheduler_pick(cpu, current, 1000 + i, &next);
        cr_assert(result >= 0 || !current);
        if (result < 0 || next == current) {
            continue;
        }
        cr_assert_not(__atomic_exchange_n(&is_taken[next - threads], 1, __ATOMIC_SEQ_CST));
        cr_assert(next->cpu_mask & 1u << cpu);
        next->cpu = cpu;
        if (current) {
            __atomic_store_n(&is_taken[current - threads], 0, __ATOMIC_SEQ_CST);
        }
        cr_assert(result == 0 || scheduler_enqueue(current) >= 0);
        current = next;
        current->cpu_ns += 1000;
        if (i % 3 == 0) { /* it sleeps, and is woken at once */
            __atomic_store_n(&is_taken[current - threads], 0, __ATOMIC_SEQ_CST);
            cr_assert(scheduler_enqueue(current) >= 0);
            current = NULL;
        }
    }
    if (current) {
        __atomic_store_n(&is_taken[current - threads], 0, __ATOMIC_SEQ_CST);
        cr_assert(scheduler_enqueue(current) >= 0);
    }
    return NULL;
}

Test(SUITE, gives_no_thread_to_two_cpus_at_once)
{
    pthread_t cpus[CPU_MAX];
    struct thread *next;
    for (unsigned i = 0; i < THREADS; i++) {
        (void)scheduler_enqueue(make_thread(i, i % 3 ? 0xf : 0x3));
    }
    for (uintptr_t cpu = 0; cpu < CPU_MAX; cpu++) {
        cr_assert_eq(pthread_create(&cpus[cpu], NULL, be_a_cpu, (void *)cpu), 0);
    }
    for (unsigned cpu = 0; cpu < CPU_MAX; cpu++) {
        pthread_join(cpus[cpu], NULL);
    }
    for (unsigned i = 0; i < CPU_MAX; i++) {
        (void)scheduler_tick(i, NULL, 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        cr_assert_eq(scheduler_pick(0, NULL, now_ns, &next), 0);
    }
    cr_assert_eq(scheduler_pick(0, NULL, now_ns, &next), -ENOENT);
}

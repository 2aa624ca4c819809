/* SPDX-License-Identifier: MIT */
/* Timers, on a model of the counter and its compare registers. */
#define clock_start_cpu arch_timer_test_start_cpu
#define clock_arm arch_timer_test_arm
#define clock_cancel arch_timer_test_cancel
#define clock_revoke arch_timer_test_revoke
#define clock_count arch_timer_test_count
#define cntp_read_counter arch_timer_test_read_counter
#define cntp_set arch_timer_test_set
#define cntp_clear arch_timer_test_clear
#define cpu_current arch_timer_test_cpu_current
#define time_now_ns arch_timer_test_time_now_ns
#define time_counter_hz arch_timer_test_time_counter_hz
#define device_claim_owned arch_timer_test_device_claim_owned
#define device_read_u32 arch_timer_test_device_read_u32
#define irq_request_owned arch_timer_test_irq_request_owned
#define component_self arch_timer_test_component
#include "arch_timer.c"

#include <criterion/criterion.h>

#define HZ 54000000ull
#define OFF UINT64_MAX

struct component {
    int unused;
} component_self, other_owner;

static uint64_t counter = 1000;
static unsigned this_cpu;
static uint64_t compare[CPU_MAX] = {OFF, OFF, OFF, OFF};
static unsigned requested_irq;
static uint32_t dt_cells[] = {1, 13, 8, 1, 14, 8};

uint64_t cntp_read_counter(void)
{
    return counter;
}

void cntp_set(uint64_t ticks)
{
    compare[this_cpu] = ticks;
}

void cntp_clear(void)
{
    compare[this_cpu] = OFF;
}

unsigned cpu_current(void)
{
    return this_cpu;
}

/* The nucleus's time: the counter, rounded down. */
uint64_t time_now_ns(void)
{
    return (uint64_t)((unsigned __int128)counter * NS_PER_SECOND / HZ);
}

uint64_t time_counter_hz(void)
{
    return HZ;
}

int device_claim_owned(const char *compatible, struct device *device, struct component *owner)
{
    (void)owner;
    *device = (struct device){0};
    return strcmp(compatible, "arm,armv8-timer") ? -ENODEV : 0;
}

int device_read_u32(const struct device *device, const char *property, unsigned index,
                    uint32_t *value)
{
    (void)device;
    if (strcmp(property, "interrupts") != 0 || index >= ARRAY_SIZE(dt_cells)) {
        return -ENOENT;
    }
    *value = dt_cells[index];
    return 0;
}

int irq_request_owned(unsigned irq, irq_handler *handler, void *argument, struct component *owner)
{
    (void)handler;
    (void)argument;
    (void)owner;
    requested_irq = irq;
    return 0;
}

/* Lets time pass until the given time, with the interrupts of all CPUs. */
static void run_until(uint64_t end_ns)
{
    uint64_t end = to_ticks(end_ns, HZ);
    for (;;) {
        unsigned next = 0;
        for (unsigned cpu = 1; cpu < CPU_MAX; cpu++) {
            if (compare[cpu] < compare[next]) {
                next = cpu;
            }
        }
        if (compare[next] > end) {
            counter = MAX(counter, end);
            return;
        }
        counter = MAX(counter, compare[next]);
        unsigned interrupted = this_cpu;
        this_cpu = next;
        on_interrupt(NULL);
        this_cpu = interrupted;
    }
}

static struct timer *fired[64];
static uint64_t fired_ns[64];
static unsigned fired_on[64];
static unsigned fired_count;

static void note(struct timer *timer)
{
    cr_assert_eq(timer->is_armed, 0);
    cr_assert(time_now_ns() >= timer->deadline_ns);
    fired_on[fired_count % 64] = this_cpu;
    fired_ns[fired_count % 64] = time_now_ns();
    fired[fired_count++ % 64] = timer;
}

static struct timer make_timer(void)
{
    struct timer timer;
    timer_init(&timer, note);
    return timer;
}

Test(arch_timer, converts_exactly_and_never_too_short)
{
    static const uint64_t times[] = {
        0, 1, 18, 19, 999999999, 1000000000, 1000000001, 86400000000000, 1ull << 62, UINT64_MAX};
    static const uint64_t rates[] = {1, 1000000, 54000000, 62500000, 1000000000};
    for (unsigned i = 0; i < ARRAY_SIZE(times); i++) {
        for (unsigned j = 0; j < ARRAY_SIZE(rates); j++) {
            unsigned __int128 product = (unsigned __int128)times[i] * rates[j];
            uint64_t exact = (uint64_t)((product + NS_PER_SECOND - 1) / NS_PER_SECOND);
            cr_assert_eq(to_ticks(times[i], rates[j]), exact);
        }
    }
}

Test(arch_timer, requests_the_interrupt_that_the_device_tree_names)
{
    cr_assert_eq(start(), 0);
    cr_assert_eq(requested_irq, 30);
}

Test(arch_timer, refuses_a_device_tree_that_names_none)
{
    dt_cells[3] = 0;
    cr_assert_eq(start(), -EINVAL);
    cr_assert_eq(requested_irq, 0);
}

Test(arch_timer, fires_in_order_and_neither_early_nor_late)
{
    struct timer timers[20];
    uint64_t base = time_now_ns();
    for (unsigned i = 0; i < 20; i++) {
        timers[i] = make_timer();
        cr_assert_eq(clock_arm(&timers[i], base + 1000003ull * (i * 7 % 20 + 1)), 0);
    }
    run_until(base + 100000000);
    cr_assert_eq(fired_count, 20);
    for (unsigned i = 0; i < 20; i++) {
        cr_assert_eq(fired[i]->deadline_ns, base + 1000003ull * (i + 1));
        cr_assert_leq(fired_ns[i] - fired[i]->deadline_ns, 40, "two ticks at most");
    }
    cr_assert_eq(compare[0], OFF, "nothing is left to wait for");
}

Test(arch_timer, fires_in_the_order_of_arming_what_is_due_at_once)
{
    struct timer timers[3];
    for (unsigned i = 0; i < 3; i++) {
        timers[i] = make_timer();
        (void)clock_arm(&timers[i], 5000000);
    }
    run_until(10000000);
    cr_assert_eq(fired_count, 3);
    for (unsigned i = 0; i < 3; i++) {
        cr_assert_eq(fired[i], &timers[i]);
    }
}

Test(arch_timer, fires_at_once_what_is_past)
{
    struct timer timer = make_timer();
    counter = HZ;
    cr_assert_eq(clock_arm(&timer, 5), 0);
    cr_assert_leq(compare[0], counter);
    run_until(time_now_ns());
    cr_assert_eq(fired_count, 1);
}

Test(arch_timer, keeps_a_timer_for_ever_quiet)
{
    struct timer timer = make_timer();
    cr_assert_eq(clock_arm(&timer, UINT64_MAX), 0);
    cr_assert_gt(compare[0], counter + HZ * 86400 * 365);
    run_until(10ull * NS_PER_SECOND);
    cr_assert_eq(fired_count, 0);
    cr_assert_eq(health(), 0);
}

Test(arch_timer, refuses_a_timer_without_callback)
{
    struct timer timer;
    timer_init(&timer, NULL);
    cr_assert_eq(clock_arm(&timer, 1), -EINVAL);
}

Test(arch_timer, moves_a_timer_that_is_armed_also_to_another_cpu)
{
    struct timer timer = make_timer(), later = make_timer();
    cr_assert_eq(clock_arm(&timer, 1000000), 0);
    cr_assert_eq(clock_arm(&later, 3000000), 0);
    cr_assert_eq(clock_arm(&timer, 9000000), 0);
    cr_assert_leq(compare[0], to_ticks(3000000, HZ) + 2, "now the other is the earliest");
    cr_assert_geq(compare[0], to_ticks(3000000, HZ));
    this_cpu = 2;
    cr_assert_eq(clock_arm(&timer, 2000000), 0);
    run_until(20000000);
    cr_assert_eq(fired_count, 2);
    cr_assert_eq(fired[0], &timer);
    cr_assert_eq(fired_on[0], 2);
    cr_assert_eq(fired[1], &later);
    cr_assert_eq(fired_on[1], 0);
}

Test(arch_timer, cancels_from_any_cpu)
{
    struct timer first = make_timer(), second = make_timer();
    (void)clock_arm(&first, 1000000);
    (void)clock_arm(&second, 2000000);
    this_cpu = 3;
    cr_assert_eq(clock_cancel(&first), 0);
    cr_assert_eq(clock_cancel(&first), -ENOENT);
    run_until(20000000);
    cr_assert_eq(fired_count, 1);
    cr_assert_eq(fired[0], &second);
    cr_assert_eq(clock_cancel(&second), -ENOENT, "it has fired");
}

Test(arch_timer, revokes_the_timers_of_one_owner)
{
    struct timer timers[6];
    for (unsigned i = 0; i < 6; i++) {
        this_cpu = i % CPU_MAX;
        timers[i] = make_timer();
        timers[i].owner = i % 2 ? &other_owner : &component_self;
        (void)clock_arm(&timers[i], 1000000 + i);
    }
    cr_assert_eq(clock_count(&other_owner), 3);
    cr_assert_eq(clock_revoke(&other_owner), 3);
    cr_assert_eq(clock_revoke(&other_owner), 0);
    cr_assert_eq(clock_count(&other_owner), 0);
    run_until(20000000);
    cr_assert_eq(fired_count, 3);
}

static unsigned rounds;

static void arm_again(struct timer *timer)
{
    rounds++;
    cr_assert_eq(clock_arm(timer, timer->deadline_ns + 1000000), 0);
}

Test(arch_timer, does_not_drift_when_armed_by_the_last_deadline)
{
    struct timer timer;
    timer_init(&timer, arm_again);
    (void)clock_arm(&timer, 1000000);
    run_until(1000500000);
    cr_assert_eq(rounds, 1000);
}

static void arm_in_the_past(struct timer *timer)
{
    rounds++;
    cr_assert_eq(clock_arm(timer, 0), 0);
}

Test(arch_timer, lets_others_run_when_a_timer_is_always_due)
{
    struct timer timer;
    timer_init(&timer, arm_in_the_past);
    (void)clock_arm(&timer, 0);
    on_interrupt(NULL);
    cr_assert_eq(rounds, BATCH_MAX);
    cr_assert_leq(compare[0], counter, "the interrupt is there again at once");
}

Test(arch_timer, is_unwell_when_interrupts_do_not_come)
{
    struct timer timer = make_timer();
    (void)clock_arm(&timer, 1000000);
    cr_assert_eq(health(), 0);
    counter = HZ * 10;
    cr_assert_lt(health(), 0);
    run_until(time_now_ns());
    cr_assert_eq(health(), 0);
}

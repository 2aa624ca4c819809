/* SPDX-License-Identifier: MIT */
/*
 * Timers from the ARM generic timer: the non-secure physical timer that each CPU has.
 *
 * Each CPU has a queue of armed timers, earliest first, and its hardware is set to the earliest.
 * One spinlock guards all queues, since a timer may be moved or cancelled from any CPU; it is never
 * held during a callback. Only a CPU itself can set its hardware: when another takes away the
 * earliest timer, the interrupt comes for nobody, and sets it anew.
 */
#include <errno.h>

#include <interface/clock.h>
#include <neurath/chain.h>
#include <neurath/component.h>
#include <neurath/cpu.h>
#include <neurath/device.h>
#include <neurath/irq.h>
#include <neurath/log.h>
#include <neurath/time.h>

#include "cntp.h"

#define NS_PER_SECOND 1000000000u

/* The non-secure EL1 physical timer is the second of the node's interrupts (type, number, flags).
 */
#define DT_TYPE_CELL 3u
#define DT_NUMBER_CELL 4u
#define DT_TYPE_PPI 1u
#define PPI_FIRST 16u

/* How many callbacks run before other interrupts get their turn. */
#define BATCH_MAX 32
/* A timer that is overdue by so much tells that interrupts do not come. */
#define OVERDUE_NS (2ull * NS_PER_SECOND)

struct arch_timer {
    struct spinlock lock;         /* guards queues, and node, cpu, is_armed of armed timers */
    uint32_t irq;                 /* GIC number of the timer's interrupt; 0: not started */
    struct chain queues[CPU_MAX]; /* of struct timer, earliest first */
    uint64_t interrupts[CPU_MAX]; /* how many came */
    uint64_t fired[CPU_MAX];      /* callbacks called */
};

STATE(struct arch_timer) state;

/*
 * The counter's ticks in so many nanoseconds, rounded up: never early. Exact, and free of overflow
 * for each ns and hz up to 1 GHz.
 */
static uint64_t to_ticks(uint64_t ns, uint64_t hz)
{
    uint64_t rest = ns % NS_PER_SECOND * hz;
    return ns / NS_PER_SECOND * hz + (rest + NS_PER_SECOND - 1) / NS_PER_SECOND;
}

/*
 * Sets the calling CPU's hardware to its earliest timer. From the distance to now, each time: what
 * is lost by rounding is not added up.
 */
static void set_hardware(unsigned cpu)
{
    const struct timer *first = chain_first(&state.queues[cpu], struct timer, node);
    if (!first) {
        cntp_clear();
        return;
    }
    /* Time before counter, and rounded down: the interrupt never comes before the deadline. */
    uint64_t now_ns = time_now_ns();
    uint64_t wait_ns = first->deadline_ns > now_ns ? first->deadline_ns - now_ns : 0;
    cntp_set(cntp_read_counter() + to_ticks(wait_ns, time_counter_hz()));
}

static void insert(struct timer *timer, unsigned cpu)
{
    struct timer *behind;
    chain_for_each(behind, &state.queues[cpu], node)
    {
        if (timer->deadline_ns < behind->deadline_ns) {
            break;
        }
    }
    chain_insert_before(&state.queues[cpu], behind ? &behind->node : NULL, &timer->node);
    timer->cpu = cpu;
    timer->is_armed = 1;
}

static void take_out(struct timer *timer)
{
    chain_remove(&state.queues[timer->cpu], &timer->node);
    timer->is_armed = 0;
}

int clock_start_cpu(void)
{
    cntp_clear();
    return 0;
}

int clock_arm(struct timer *timer, uint64_t deadline_ns)
{
    if (!timer->callback) {
        return -EINVAL;
    }
    uint64_t daif = spin_lock(&state.lock);
    unsigned cpu = cpu_current();
    const struct list *first = state.queues[cpu].first;
    bool was_first = first == &timer->node;
    if (timer->is_armed) {
        take_out(timer);
    }
    timer->deadline_ns = deadline_ns;
    insert(timer, cpu);
    if (was_first || state.queues[cpu].first == &timer->node) {
        set_hardware(cpu);
    }
    spin_unlock(&state.lock, daif);
    return 0;
}

int clock_cancel(struct timer *timer)
{
    int result = -ENOENT;
    uint64_t daif = spin_lock(&state.lock);
    if (timer->is_armed) {
        take_out(timer);
        result = 0;
    }
    spin_unlock(&state.lock, daif);
    return result;
}

int clock_revoke(struct component *owner)
{
    int count = 0;
    uint64_t daif = spin_lock(&state.lock);
    for (unsigned cpu = 0; cpu < CPU_MAX; cpu++) {
        struct timer *timer = chain_first(&state.queues[cpu], struct timer, node);
        while (timer) {
            struct timer *next = chain_next(timer, node);
            if (timer->owner == owner) {
                take_out(timer);
                count++;
            }
            timer = next;
        }
    }
    spin_unlock(&state.lock, daif);
    return count;
}

int clock_count(const struct component *owner)
{
    int count = 0;
    uint64_t daif = spin_lock(&state.lock);
    for (unsigned cpu = 0; cpu < CPU_MAX; cpu++) {
        const struct timer *timer;
        chain_for_each(timer, &state.queues[cpu], node)
        {
            count += timer->owner == owner;
        }
    }
    spin_unlock(&state.lock, daif);
    return count;
}

/* Takes the earliest timer of a CPU out when it is due; else sets the hardware to it, and NULL. */
static struct timer *take_due(unsigned cpu, timer_callback **callback)
{
    uint64_t daif = spin_lock(&state.lock);
    struct timer *timer = chain_first(&state.queues[cpu], struct timer, node);
    if (timer && timer->deadline_ns <= time_now_ns()) {
        take_out(timer);
        *callback = timer->callback;
        state.fired[cpu]++;
    } else {
        timer = NULL;
        set_hardware(cpu);
    }
    spin_unlock(&state.lock, daif);
    return timer;
}

/*
 * The timer's line stays up until the hardware is set to a time to come: after a full batch the
 * interrupt is there again at once. A timer is not touched once its callback was called, which may
 * have freed it.
 */
static void on_interrupt(void *argument)
{
    (void)argument;
    unsigned cpu = cpu_current();
    state.interrupts[cpu]++;
    for (unsigned i = 0; i < BATCH_MAX; i++) {
        timer_callback *callback = NULL;
        struct timer *timer = take_due(cpu, &callback);
        if (!timer) {
            return;
        }
        callback(timer);
    }
}

static int start(void)
{
    struct device device;
    uint32_t type = 0, number = 0;
    int result = device_claim("arm,armv8-timer", &device);
    if (result < 0) {
        return result;
    }
    if (device_read_u32(&device, "interrupts", DT_TYPE_CELL, &type) < 0 ||
        device_read_u32(&device, "interrupts", DT_NUMBER_CELL, &number) < 0 ||
        type != DT_TYPE_PPI || number >= 16) {
        log_error("arch_timer: the device tree does not tell the timer's interrupt");
        return -EINVAL;
    }
    uint64_t daif = cpu_irq_save();
    cntp_clear();
    cpu_irq_restore(daif);
    state.irq = PPI_FIRST + number;
    return irq_request(state.irq, on_interrupt, NULL);
}

/* That each queue is in order, and that the interrupts come which empty it. */
static int health(void)
{
    int result = 0;
    uint64_t daif = spin_lock(&state.lock);
    uint64_t now_ns = time_now_ns();
    for (unsigned cpu = 0; cpu < CPU_MAX; cpu++) {
        const struct timer *timer;
        uint64_t earliest_ns = now_ns > OVERDUE_NS ? now_ns - OVERDUE_NS : 0;
        chain_for_each(timer, &state.queues[cpu], node)
        {
            if (timer->deadline_ns < earliest_ns || timer->cpu != cpu || !timer->is_armed) {
                result = -EIO;
                break;
            }
            earliest_ns = timer->deadline_ns;
        }
    }
    spin_unlock(&state.lock, daif);
    return result;
}

static void stop(void)
{
    /* The interrupt is released with the component; the hardware of other CPUs may still raise it.
     */
    uint64_t daif = cpu_irq_save();
    cntp_clear();
    cpu_irq_restore(daif);
}

COMPONENT(arch_timer, .version = VERSION(1, 0, 0),
          .summary = IS_ENABLED(REBUILT) ? "Timers from the generic timer (rebuilt)"
                                         : "Timers from the generic timer",
          .compatible = "arm,armv8-timer", .start = start, .health = health, .stop = stop);

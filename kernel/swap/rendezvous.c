/* SPDX-License-Identifier: MIT */
/*
 * Stopping all CPUs. The holder raises `wanted` to a new number and interrupts the others; each
 * notes in `arrived` the number it came for, and sleeps until `released` reaches it. A CPU that
 * comes late for a rendezvous given up finds it released and goes on.
 *
 * An urgent rendezvous is held from where nobody may wait, perhaps by a CPU that holds locks. So
 * those who spin for a lock come to it as well, see spin_wait(); what its action does must not need
 * a lock that they may hold.
 *
 * They sleep by WFI, which a pending interrupt ends though interrupts are off: the holder sends one
 * after it has raised `released`, so none is missed. (WFE would do on the board; models of it
 * spin.) While any other interrupt is pending WFI ends at once, and YIELD lets those run that are
 * waited for. Who came without that interrupt may be in the middle of another, and is told of none
 * of the same priority until that is ended (GICv2 architecture specification, 3.3.1): it spins.
 */
#include "rendezvous.h"

#include <errno.h>
#include <interface/irqchip.h>

/* A core that is not there by then is dead; a model of one, on a busy host, may need long. */
#define ARRIVAL_DEADLINE_NS 5000000000u

static struct spinlock holder; /* one rendezvous at a time */
static uint32_t wanted, released;
static void (*everywhere)(void);
static bool is_held, is_urgent;
static uint64_t stopped_ns;
static unsigned holder_cpu = CPU_MAX;
static struct {
    uint32_t arrived;
    uint32_t left;
    const struct frame_record *frame; /* where it stands */
} cpus[CPU_MAX];

static void enter(bool may_sleep)
{
    unsigned cpu = this_cpu()->record.number;
    uint32_t number = __atomic_load_n(&wanted, __ATOMIC_ACQUIRE);
    if (cpus[cpu].arrived == number) {
        return;
    }
    cpus[cpu].frame = __builtin_frame_address(0);
    __atomic_store_n(&cpus[cpu].arrived, number, __ATOMIC_RELEASE);
    while ((int32_t)(__atomic_load_n(&released, __ATOMIC_ACQUIRE) - number) < 0) {
        if (may_sleep) {
            asm volatile("wfi" ::: "memory");
        }
        cpu_relax();
    }
    cpu_synchronize(); /* fetch anew: code may have changed (ARM ARM B2.2.5) */
    void (*each)(void) = everywhere;
    if (each) {
        each();
    }
    __atomic_store_n(&cpus[cpu].left, number, __ATOMIC_RELEASE);
}

void rendezvous_enter(void)
{
    enter(true);
}

/* Waits until the CPUs of a mask have arrived for rendezvous `number`, or have left it. */
static bool others_have(uint32_t mask, uint32_t number, bool left, uint64_t deadline)
{
    for (unsigned cpu = 0; cpu < CPU_MAX; cpu++) {
        const uint32_t *word = left ? &cpus[cpu].left : &cpus[cpu].arrived;
        while (mask >> cpu & 1 && __atomic_load_n(word, __ATOMIC_ACQUIRE) != number) {
            if (time_now_ns() > deadline) {
                log_error("CPU %u does not stop", cpu);
                return false;
            }
            cpu_relax();
        }
    }
    return true;
}

/* For a CPU that waits with interrupts off: the holder may be waiting for it. */
static void enter_if_wanted(void)
{
    unsigned cpu = this_cpu()->record.number;
    uint32_t number = __atomic_load_n(&wanted, __ATOMIC_ACQUIRE);
    if (cpu_online_mask() >> cpu & 1 && READ_ONCE(holder_cpu) != cpu &&
        cpus[cpu].arrived != number &&
        (int32_t)(__atomic_load_n(&released, __ATOMIC_ACQUIRE) - number) < 0) {
        enter(false);
    }
}

void spin_wait(const struct spinlock *lock)
{
    while (READ_ONCE(lock->locked)) {
        if (READ_ONCE(is_urgent)) {
            enter_if_wanted();
        }
        cpu_relax();
    }
}

void spin_forget(const struct spinlock *lock)
{
    struct cpu_record *cpu = cpu_record();
    uint32_t i = 0;
    while (i < cpu->held_count && cpu->held[i] != lock) {
        i++;
    }
    for (; i < cpu->held_count; i++) { /* the one taken last stands at held_count now */
        cpu->held[i] = cpu->held[i + 1];
    }
}

void spin_release_above(uint32_t count)
{
    struct cpu_record *cpu = cpu_record();
    while (cpu->held_count > count) {
        uint32_t last = --cpu->held_count;
        if (last < CPU_HELD_MAX) {
            __atomic_store_n(&cpu->held[last]->locked, 0, __ATOMIC_RELEASE);
        }
    }
}

/*
 * Becomes the holder, interrupts off from then on: who holds it must not be switched away from.
 * Until then they are as they were, so that another holder can stop this CPU; where they were off,
 * it looks by itself. The lock is none of those that a CPU is known to hold.
 */
uint64_t rendezvous_keep_off(void)
{
    for (;;) {
        uint64_t daif = cpu_irq_save();
        if (!__atomic_exchange_n(&holder.locked, 1, __ATOMIC_ACQUIRE)) {
            return daif;
        }
        cpu_irq_restore(daif);
        if (cpu_irq_is_masked()) {
            enter_if_wanted();
        }
        cpu_relax();
    }
}

void rendezvous_let_come(void)
{
    __atomic_store_n(&holder.locked, 0, __ATOMIC_RELEASE);
}

bool rendezvous_is_mine(void)
{
    return READ_ONCE(holder_cpu) == this_cpu()->record.number;
}

static void release(uint32_t others, uint32_t number)
{
    __atomic_store_n(&released, number, __ATOMIC_RELEASE);
    asm volatile("dsb ish" ::: "memory"); /* seen by whom the interrupt wakes */
    if (others) {
        (void)irqchip_send_ipi(others, IPI_RESCHEDULE); /* it could send the first one */
    }
}

static int run(void (*action)(void *), void *argument, void (*each)(void), uint64_t *blackout_ns)
{
    bool was_masked = cpu_irq_is_masked();
    uint64_t daif = rendezvous_keep_off();
    holder_cpu = this_cpu()->record.number;
    is_urgent = was_masked;
    uint32_t number = wanted + 1;
    uint32_t others = cpu_online_mask() & ~(1u << this_cpu()->record.number);
    everywhere = each;
    __atomic_store_n(&wanted, number, __ATOMIC_RELEASE);
    uint64_t begin = time_now_ns();
    if (others) {
        (void)irqchip_send_ipi(others, IPI_STOP); /* if it fails, nobody arrives */
    }
    bool all_are_here = others_have(others, number, false, begin + ARRIVAL_DEADLINE_NS);
    if (all_are_here) {
        is_held = true;
        if (action) {
            action(argument);
        }
        is_held = false;
        cpu_synchronize();
    }
    release(others, number);
    if (all_are_here) {
        if (each) {
            each();
        }
        (void)others_have(others, number, true, UINT64_MAX); /* they are here: they leave */
        uint64_t lasted_ns = time_now_ns() - begin;
        WRITE_ONCE(stopped_ns, stopped_ns + lasted_ns);
        if (blackout_ns) {
            *blackout_ns = lasted_ns;
        }
    }
    is_urgent = false;
    holder_cpu = CPU_MAX;
    rendezvous_let_come(); /* before interrupts: what comes may want a rendezvous of its own */
    cpu_irq_restore(daif);
    return all_are_here ? 0 : -ETIMEDOUT;
}

int rendezvous_run(void (*action)(void *), void *argument, uint64_t *blackout_ns)
{
    return run(action, argument, NULL, blackout_ns);
}

void rendezvous_run_everywhere(void (*each)(void))
{
    (void)run(NULL, NULL, each, NULL); /* a CPU that does not stop has been told of, and is lost */
}

/* A CPU that came from the middle of a switch stands on the next thread's stack already. */
const struct frame_record *thread_stopped_frame(const struct kthread *thread)
{
    const struct frame_record *frame = cpus[thread->public.cpu].frame;
    uint64_t below_top = (uint64_t)thread->stack_top - (uint64_t)frame;
    return thread_is_on_cpu(thread) && below_top < LAYOUT_STACK_BYTES ? frame : NULL;
}

uint64_t rendezvous_read_stopped_ns(void)
{
    return READ_ONCE(stopped_ns);
}

bool rendezvous_is_held(void)
{
    return READ_ONCE(is_held);
}

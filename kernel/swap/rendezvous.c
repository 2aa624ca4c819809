/* SPDX-License-Identifier: MIT */
/*
 * Stopping all CPUs. The holder raises `wanted` to a new number and interrupts the others; each
 * notes in `arrived` the number it came for, and sleeps until `released` reaches it. A CPU that
 * comes late for a rendezvous given up finds it released and goes on.
 *
 * They sleep by WFI, which a pending interrupt ends though interrupts are off: the holder sends one
 * after it has raised `released`, so none is missed. (WFE would do on the board; models of it
 * spin.)
 */
#include "rendezvous.h"

#include <errno.h>
#include <interface/irqchip.h>

/* A core that is not there by then is dead; a model of one, on a busy host, may need long. */
#define ARRIVAL_DEADLINE_NS 5000000000u

static struct spinlock holder; /* one rendezvous at a time */
static uint32_t wanted, released;
static void (*everywhere)(void);
static bool is_held;
static struct {
    uint32_t arrived;
    uint32_t left;
} cpus[CPU_MAX];

void rendezvous_enter(void)
{
    unsigned cpu = this_cpu()->number;
    uint32_t number = __atomic_load_n(&wanted, __ATOMIC_ACQUIRE);
    if (cpus[cpu].arrived == number) {
        return;
    }
    __atomic_store_n(&cpus[cpu].arrived, number, __ATOMIC_RELEASE);
    while ((int32_t)(__atomic_load_n(&released, __ATOMIC_ACQUIRE) - number) < 0) {
        asm volatile("wfi" ::: "memory");
    }
    cpu_synchronize(); /* fetch anew: code may have changed (ARM ARM B2.2.5) */
    void (*each)(void) = everywhere;
    if (each) {
        each();
    }
    __atomic_store_n(&cpus[cpu].left, number, __ATOMIC_RELEASE);
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

/* Interrupts stay on while another CPU holds it, so that it can stop this one. */
void rendezvous_keep_off(void)
{
    while (__atomic_exchange_n(&holder.locked, 1, __ATOMIC_ACQUIRE)) {
        cpu_relax();
    }
}

void rendezvous_let_come(void)
{
    spin_release(&holder);
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
    rendezvous_keep_off();
    uint64_t daif = cpu_irq_save();
    uint32_t number = wanted + 1;
    uint32_t others = cpu_online_mask() & ~(1u << this_cpu()->number);
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
        if (blackout_ns) {
            *blackout_ns = time_now_ns() - begin;
        }
    }
    cpu_irq_restore(daif);
    rendezvous_let_come();
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

bool rendezvous_is_held(void)
{
    return READ_ONCE(is_held);
}

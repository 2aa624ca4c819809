/* SPDX-License-Identifier: MIT */
/*
 * Interrupts: who handles which, and the way from the vector to the handler.
 * irq_lock guards the table; handlers run without it.
 */
#include <errno.h>
#include <interface/irqchip.h>
#include <lib/format.h>

#include "nucleus.h"
#include "swap/audit.h"
#include "swap/component.h"
#include "swap/rendezvous.h"

#define IRQ_COUNT 256 /* GIC-400 of the BCM2711: 32 + 192 SPIs, rounded up */
#define IRQ_PRIVATE_END 32

static struct irq_entry {
    irq_handler *handler;
    void *argument;
    struct component *owner;
    uint64_t handled;
    bool is_masked; /* for the time in which there is no code behind the handler's gate */
} entries[IRQ_COUNT];
static struct spinlock irq_lock;

int irq_request_owned(unsigned irq, irq_handler *handler, void *argument, struct component *owner)
{
    if (irq < 16 || irq >= IRQ_COUNT || !handler) {
        return -EINVAL;
    }
    uint64_t daif = spin_lock(&irq_lock);
    int result = -EBUSY;
    if (!entries[irq].handler) {
        entries[irq] = (struct irq_entry){.handler = handler, .argument = argument, .owner = owner};
        result = irqchip_enable(irq);
        if (result < 0) {
            entries[irq] = (struct irq_entry){0};
            result = result == -ENOSYS ? -ENODEV : result;
        }
    }
    spin_unlock(&irq_lock, daif);
    if (result == 0 && irq < IRQ_PRIVATE_END) {
        rendezvous_run_everywhere(irq_start_cpu); /* banked: each CPU enables its own */
    }
    return result;
}

/* Enables on this CPU the private interrupts that have a handler. Interrupts off. */
void irq_start_cpu(void)
{
    for (unsigned irq = 16; irq < IRQ_PRIVATE_END; irq++) {
        if (READ_ONCE(entries[irq].handler) && !entries[irq].is_masked) {
            (void)irqchip_enable(irq); /* the number is valid: it was enabled before */
        }
    }
}

static void release(unsigned irq)
{
    (void)irqchip_disable(irq); /* only fails for numbers that could not be enabled */
    entries[irq] = (struct irq_entry){0};
}

int irq_release_owned(unsigned irq, struct component *owner)
{
    if (irq >= IRQ_COUNT) {
        return -ENOENT;
    }
    uint64_t daif = spin_lock(&irq_lock);
    int result = entries[irq].handler && entries[irq].owner == owner ? 0 : -ENOENT;
    if (result == 0) {
        release(irq);
    }
    spin_unlock(&irq_lock, daif);
    if (result == 0) {
        rendezvous_run_everywhere(NULL); /* no handler that was released runs after it */
    }
    return result;
}

void irq_revoke(struct component *owner)
{
    bool found = false;
    uint64_t daif = spin_lock(&irq_lock);
    for (unsigned irq = 0; irq < IRQ_COUNT; irq++) {
        if (entries[irq].handler && entries[irq].owner == owner) {
            release(irq);
            found = true;
        }
    }
    spin_unlock(&irq_lock, daif);
    if (found) {
        rendezvous_run_everywhere(NULL); /* likewise */
    }
}

void irq_mask_owner(const struct component *owner, bool is_masked)
{
    for (unsigned irq = 0; irq < IRQ_COUNT; irq++) {
        if (entries[irq].handler && entries[irq].owner == owner) {
            entries[irq].is_masked = is_masked;
            (void)(is_masked ? irqchip_disable(irq) : irqchip_enable(irq)); /* valid numbers */
        }
    }
}

/* What a handler takes is on its owner's account, not on that of the thread it interrupts. */
static void call(irq_handler *handler, void *argument, struct component *owner)
{
    uint64_t began = time_now_ns();
    handler(argument);
    uint64_t took = time_now_ns() - began;
    thread_current()->picked_ns += took;
    if (owner) {
        __atomic_add_fetch(&owner->cpu_ns, took, __ATOMIC_RELAXED);
    }
}

static void dispatch(unsigned irq, uint32_t token)
{
    if (irq == IPI_STOP) {
        (void)irqchip_end(token);
        rendezvous_enter();
        return;
    }
    if (irq == IPI_PANIC) {
        panic_stop_this_cpu();
    }
    irq_handler *handler = NULL;
    void *argument = NULL;
    struct component *owner = NULL;
    if (irq < IRQ_COUNT) {
        spin_acquire(&irq_lock);
        handler = entries[irq].is_masked ? NULL : entries[irq].handler;
        argument = entries[irq].argument;
        owner = entries[irq].owner;
        entries[irq].handled++;
        spin_release(&irq_lock);
    }
    if (handler) {
        call(handler, argument, owner);
    } else if (irq >= 16) {
        (void)irqchip_disable(irq); /* nobody wants it: it must not storm */
    }
    (void)irqchip_end(token);
}

/* From the vector, interrupts off. */
void trap_handle_irq(void)
{
    unsigned irq;
    uint32_t token;
    while (irqchip_acknowledge(&irq, &token) == 0) {
        dispatch(irq, token);
    }
    thread_preempt();
}

void irq_move(const void *from, void *to)
{
    for (unsigned irq = 0; irq < IRQ_COUNT; irq++) {
        if (entries[irq].handler && entries[irq].argument == from) {
            entries[irq].argument = to;
        }
    }
}

const struct component *irq_find_holder(struct audit *audit)
{
    for (unsigned irq = 0; irq < IRQ_COUNT; irq++) {
        const struct irq_entry *entry = &entries[irq];
        if (entry->owner && (audit_hits(audit, &entry->argument, sizeof(entry->argument)) ||
                             audit_hits(audit, &entry->handler, sizeof(entry->handler)))) {
            return entry->owner;
        }
    }
    return NULL;
}

/* For the world's hash: the same as long as an owner has the same interrupts. */
uint64_t irq_sum(const struct component *owner)
{
    uint64_t sum = 0;
    for (unsigned irq = 0; irq < IRQ_COUNT; irq++) {
        sum += entries[irq].handler && entries[irq].owner == owner ? irq + 1 : 0;
    }
    return sum;
}

int irq_describe(unsigned *index, const struct component *owner, char *text, size_t size)
{
    for (unsigned irq = 0; irq < IRQ_COUNT; irq++) {
        if (entries[irq].handler && entries[irq].owner == owner && (*index)-- == 0) {
            return format_print(text, size, "interrupt %u, %llu handled", irq,
                                (unsigned long long)entries[irq].handled);
        }
    }
    return -ENOENT;
}

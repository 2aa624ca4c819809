/* SPDX-License-Identifier: MIT */
/*
 * Interrupt controllers. One provider at a time. The nucleus calls these; components use
 * <neurath/irq.h>.
 */
#pragma once

#include <neurath/component.h>

INTERFACE(irqchip, 1, 0);

/* Readies the controller's interface of the calling CPU. 0. Interrupts off. */
GATED(any) int irqchip_start_cpu(void);

/* Lets an interrupt through (shared ones to CPU 0). 0; -EINVAL: no such number. */
GATED(any) int irqchip_enable(unsigned irq);

/* Holds an interrupt back. 0; -EINVAL: no such number. */
GATED(any) int irqchip_disable(unsigned irq);

/*
 * Accepts the most urgent pending interrupt: *irq is its number, *token is for irqchip_end().
 * 0; -ENOENT: none (spurious). Interrupts off.
 */
GATED(any) int irqchip_acknowledge(unsigned *irq, uint32_t *token);

/* The interrupt behind token is dealt with. 0. */
GATED(any) int irqchip_end(uint32_t token);

/* Raises software interrupt `irq` (0-15) on the CPUs of cpu_mask. 0; -EINVAL. */
GATED(any) int irqchip_send_ipi(uint32_t cpu_mask, unsigned irq);

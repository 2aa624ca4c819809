/* SPDX-License-Identifier: MIT */
/*
 * Interrupt handlers. Numbers are the GIC's: 0-15 software, 16-31 private (PPI), 32 up shared.
 */
#pragma once

#include <neurath/compiler.h>

struct component;

/* Context: interrupt, interrupts off. argument is what irq_request() was given. */
typedef void irq_handler(void *argument);

/*
 * Registers handler for an interrupt and enables it (a private one: on every CPU, present and to
 * come). The handler is a gate: it survives replacement of its component.
 * -EINVAL: number out of range or no handler. -EBUSY: another has it. -ENODEV: no interrupt
 * controller. Context: thread.
 */
NUCLEUS_API int irq_request_owned(unsigned irq, irq_handler *handler, void *argument,
                                  struct component *owner);
#define irq_request(irq, handler, argument)                                                        \
    irq_request_owned(irq, handler, argument, this_component)

/* Disables an interrupt and forgets its handler. -ENOENT: not the owner's. Context: thread. */
NUCLEUS_API int irq_release_owned(unsigned irq, struct component *owner);
#define irq_release(irq) irq_release_owned(irq, this_component)

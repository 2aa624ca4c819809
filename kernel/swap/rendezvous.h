/* SPDX-License-Identifier: MIT */
/*
 * The rendezvous: all CPUs stopped in the nucleus, interrupts off, while one does something.
 */
#pragma once

#include "../nucleus.h"

/*
 * Stops the other CPUs, runs action(argument) here, releases them. They execute an isb before they
 * go on, so code that action wrote and cleaned is what they fetch. 0; -ETIMEDOUT: a CPU did not
 * come within five seconds, action was not run. Sets *blackout_ns, if not NULL, to the time from
 * the interrupt that stops the first CPU to the moment at which the last one is seen to have left.
 * Context: thread; with interrupts off it is urgent, see rendezvous.c. Inside action: no waiting,
 * no allocation, nothing of a component but the hooks of a transfer and the masking of interrupts.
 */
int rendezvous_run(void (*action)(void *argument), void *argument, uint64_t *blackout_ns);

/* Runs each(void), if it is not NULL, on every CPU, interrupts off. Context: thread. */
void rendezvous_run_everywhere(void (*each)(void));

/* From the stop interrupt: waits for the end of the rendezvous, if there still is one. */
void rendezvous_enter(void);

/* Around what a CPU that is not online yet does to become so: no rendezvous begins meanwhile. */
uint64_t rendezvous_keep_off(void); /* interrupts off; returns what they were */
void rendezvous_let_come(void);

/* Lets go of the locks that this CPU has taken beyond `count`. Interrupts off. */
void spin_release_above(uint32_t count);

/* Whether this CPU is on its way to one, holds it, or ends it. */
bool rendezvous_is_mine(void);

/* How long all CPUs have stood still, by all rendezvous so far. */
uint64_t rendezvous_read_stopped_ns(void);

/* Whether a rendezvous is being held: then nobody can be woken. */
bool rendezvous_is_held(void);

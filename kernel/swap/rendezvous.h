/* SPDX-License-Identifier: MIT */
/*
 * The rendezvous: all CPUs stopped in the nucleus, interrupts off, while one does something.
 */
#pragma once

#include "../nucleus.h"

/*
 * Stops the other CPUs, runs action(argument) here, releases them. They execute an isb before they
 * go on, so code that action wrote and cleaned is what they fetch. Returns what action returned;
 * -ETIMEDOUT: a CPU did not come within five seconds, action was not run. Adds to *blackout_ns, if
 * not NULL, the time from the first CPU's stop to the last one's release.
 * Context: thread, one at a time (callers hold the world lock or are the boot thread).
 * Inside action: no waiting, no allocation, nothing of a component but the hooks of a transfer.
 */
int rendezvous_run(int (*action)(void *argument), void *argument, uint64_t *blackout_ns);

/* Runs each(void) on every CPU, interrupts off. Context: thread. */
void rendezvous_run_everywhere(void (*each)(void));

/* From the stop interrupt: waits for the end of the rendezvous, if there still is one. */
void rendezvous_enter(struct trap_frame *frame);

/* Whether a rendezvous is being held, for asserts. */
bool rendezvous_is_held(void);

/* SPDX-License-Identifier: MIT */
/*
 * The activity LED, watched from outside the machine: when it lights up at the start of a period.
 */
#pragma once

#include "tests/harness/machine.h"

#define BLINK_PERIOD_MS 800

struct blink {
    double phase_ms; /* of the period's start on the host's clock, modulo the period */
};

/* Watches a few periods. 0; -ETIMEDOUT: it does not blink. */
int blink_watch(struct machine *machine, struct blink *blink, struct why *why);

/* How far the start of the period moved between the two, -period/2 to period/2. */
double blink_phase_shift(const struct blink *before, const struct blink *after);

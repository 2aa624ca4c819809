/* SPDX-License-Identifier: MIT */
/*
 * The activity LED. One provider.
 */
#pragma once

#include <neurath/component.h>

INTERFACE(led, 1, 0);

struct led_status {
    uint32_t period_ms; /* of a whole blink, on and off */
    uint32_t is_on;     /* 1 while it is lit */
    uint64_t toggles;   /* since it was started */
    uint64_t next_ns;   /* when it toggles next, on the scale of time_now_ns() */
};

/* Sets the period, 20 to 60000 ms. 0; -EINVAL: out of range. */
GATED(thread) int led_set_period(uint32_t period_ms);

/* Fills *status. 0. */
GATED(thread) int led_read_status(struct led_status *status);

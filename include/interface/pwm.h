/* SPDX-License-Identifier: MIT */
/*
 * Pulse-width modulation: offers of kind PWM_KIND, one for each channel, "pwm0.1".
 */
#pragma once

#include <neurath/component.h>

INTERFACE(pwm, 1, 0);

#define PWM_KIND "pwm"
#define PWM_PERIOD_NS_MIN 1000u
#define PWM_PERIOD_NS_MAX 1000000000u

/* The table of an offer. `unit` is passed back in every call. Context of all: thread. */
struct pwm_ops {
    uint32_t unit;
    /*
     * Sends pulses of duty_ns, one each period_ns, from now on; both are rounded to what the clock
     * makes, some 40 ns. 0. -EINVAL: the period is out of range, or shorter than the pulse.
     * -EBUSY: somebody else has the channel's pin.
     */
    int (*set)(uint32_t unit, uint32_t period_ns, uint32_t duty_ns);
    /* The line is low from now on. 0. */
    int (*stop)(uint32_t unit);
};

/* SPDX-License-Identifier: MIT */
/*
 * The end of this run of the machine: restart and power-off. One provider.
 *
 * Both are only begun by the call: the machine goes down POWER_DELAY_MS later, so that what was
 * said last still gets out. The first request counts.
 */
#pragma once

#include <neurath/component.h>

INTERFACE(power, 1, 0);

#define POWER_DELAY_MS 200u

/*
 * Restarts the machine, from the firmware on. 0. -ENODEV: there is no power management. -EALREADY:
 * the machine goes down already.
 */
GATED(thread) int power_restart(void);

/* Halts the machine, until power is cut or GLOBAL_EN is pulled low. As power_restart(). */
GATED(thread) int power_off(void);

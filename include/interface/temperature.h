/* SPDX-License-Identifier: MIT */
/*
 * The temperature of the SoC. One provider.
 */
#pragma once

#include <neurath/component.h>

INTERFACE(temperature, 1, 0);

/*
 * Reads it, in thousandths of a degree Celsius. 0. -EAGAIN: the sensor has no valid value at the
 * moment. -ENODEV: there is no sensor.
 */
GATED(any) int temperature_read(int32_t *millidegrees);

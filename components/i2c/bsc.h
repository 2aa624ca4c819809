/* SPDX-License-Identifier: MIT */
/* One BSC master. Inside the component only. */
#pragma once

#include <interface/i2c.h>
#include <neurath/device.h>

/* Sets the clock. 0; -EINVAL: it cannot be made. */
int bsc_set_rate(volatile void *base, uint32_t rate_hz);

/* Carries out a transfer whose fields have been checked. As i2c_ops. One at a time. */
int bsc_transfer(volatile void *base, const struct i2c_transfer *transfer);

/* SPDX-License-Identifier: MIT */
/*
 * I2C buses: offers of kind I2C_KIND, named as the SoC numbers them, "i2c1".
 *
 * A transfer is done when the call returns; the driver waits for its hardware, with a deadline.
 */
#pragma once

#include <neurath/component.h>

INTERFACE(i2c, 1, 0);

#define I2C_KIND "i2c"
#define I2C_BYTES_MAX 256u /* each way in one transfer: so that each call ends soon */
#define I2C_RATE_HZ_MAX 400000u

/*
 * First `write_count` bytes are written, then, after a repeated start, `read_count` are read; one
 * of the two may be 0. The buffers are borrowed for the call.
 */
struct i2c_transfer {
    uint32_t address; /* 7 bits */
    uint32_t write_count, read_count;
    const uint8_t *write;
    uint8_t *read;
};

/* The table of an offer. `unit` is passed back in every call. Context of all: thread. */
struct i2c_ops {
    uint32_t unit;
    /*
     * 0, or -EINVAL: address or count out of range; -ENXIO: nobody acknowledged; -ETIMEDOUT: a
     * device held the clock for too long, or the line hangs; -EBUSY: the bus is in use, or its pins
     * are; -EIO: it ended too soon.
     */
    int (*transfer)(uint32_t unit, const struct i2c_transfer *transfer);
    /* Sets the clock, up to I2C_RATE_HZ_MAX; the device tree's is set at first. 0; -EINVAL. */
    int (*set_rate)(uint32_t unit, uint32_t rate_hz);
};

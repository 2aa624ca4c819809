/* SPDX-License-Identifier: MIT */
/*
 * SPI buses: offers of kind SPI_KIND, named as the SoC numbers them, "spi0".
 *
 * A transfer is done when the call returns; the driver waits for its hardware, with a deadline.
 */
#pragma once

#include <neurath/component.h>

INTERFACE(spi, 1, 0);

#define SPI_KIND "spi"
#define SPI_BYTES_MAX 4096u /* in one transfer: so that each call ends soon */
#define SPI_RATE_HZ_MIN 100000u
#define SPI_RATE_HZ_MAX 62500000u

/* A byte comes in for each that goes out; the device is selected before, and released behind. */
struct spi_transfer {
    uint32_t select;  /* which device: the chip-select line, 0 or 1 */
    uint32_t mode;    /* 0 to 3: clock polarity in bit 1, phase in bit 0 */
    uint32_t rate_hz; /* the next one below that the clock can make is used */
    uint32_t count;
    const uint8_t *out; /* NULL: zeroes */
    uint8_t *in;        /* NULL: nobody wants them; may be the same as out */
};

/* The table of an offer. `unit` is passed back in every call. Context: thread. */
struct spi_ops {
    uint32_t unit;
    /*
     * 0, or -EINVAL: a field is out of range; -EBUSY: the bus is in use, or its pins are;
     * -ETIMEDOUT: the controller does not end.
     */
    int (*transfer)(uint32_t unit, const struct spi_transfer *transfer);
};

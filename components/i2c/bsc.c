/* SPDX-License-Identifier: MIT */
/*
 * The Broadcom serial controller as I2C master (BCM2711 ARM Peripherals, chapter 3).
 *
 * Polled, since transfers are short. The control register is only written to start and to end
 * something: QEMU's model starts a transfer by any write that has the enable bit.
 */
#include "bsc.h"

#include <errno.h>

#include <neurath/cpu.h>
#include <neurath/time.h>

/* 3.3 */
#define BSC_C 0x00
#define BSC_S 0x04
#define BSC_DLEN 0x08
#define BSC_A 0x0c
#define BSC_FIFO 0x10
#define BSC_DIV 0x14
#define BSC_DEL 0x18
#define BSC_CLKT 0x1c

#define C_READ (1u << 0)
#define C_CLEAR (1u << 4)
#define C_START (1u << 7)
#define C_ENABLE (1u << 15)
#define S_ACTIVE (1u << 0)
#define S_DONE (1u << 1)
#define S_TRANSMIT_ROOM (1u << 4)
#define S_RECEIVED (1u << 5)
#define S_NO_ACKNOWLEDGE (1u << 8)
#define S_CLOCK_TIMEOUT (1u << 9)
#define S_ALL_CLEARABLE (S_DONE | S_NO_ACKNOWLEDGE | S_CLOCK_TIMEOUT)

/* The core's clock, which config.txt holds at its highest (core_freq_min). */
#define CORE_HZ 500000000u
#define DIVISOR_MAX 0xfffeu
#define STRETCH_MS 35u /* longest that a device may hold the clock, as in SMBus 3.1, table 2 */
#define TRANSFER_DEADLINE_NS 300000000u

int bsc_set_rate(volatile void *base, uint32_t rate_hz)
{
    if (rate_hz == 0 || rate_hz > I2C_RATE_HZ_MAX) {
        return -EINVAL;
    }
    /* 3.3, DIV: odd ones are rounded down, which would be too fast */
    uint32_t divisor = ALIGN_UP((CORE_HZ + rate_hz - 1) / rate_hz, 2u);
    if (divisor > DIVISOR_MAX) {
        return -EINVAL;
    }
    mmio_write32(base, BSC_DIV, divisor);
    /* 3.3, DEL: data is changed a 16th of a period after the clock's fall, sampled in the middle of
     * its high half; both must stay below half a period */
    mmio_write32(base, BSC_DEL, (divisor / 16) << 16 | divisor / 4);
    mmio_write32(base, BSC_CLKT, MIN(rate_hz / 1000 * STRETCH_MS, 0xffffu));
    return 0;
}

/* 0: it goes on. < 0: it has failed. */
static int check(uint32_t status, uint64_t deadline_ns)
{
    return status & S_NO_ACKNOWLEDGE      ? -ENXIO
           : status & S_CLOCK_TIMEOUT     ? -ETIMEDOUT
           : time_now_ns() >= deadline_ns ? -ETIMEDOUT
                                          : 0;
}

/* Until one of these bits is set. */
static int wait_for(volatile void *base, uint32_t bits, uint64_t deadline_ns)
{
    for (;;) {
        uint32_t status = mmio_read32(base, BSC_S);
        int result = check(status, deadline_ns);
        if (result < 0 || status & bits) {
            return result;
        }
        cpu_relax();
    }
}

/* All bytes go into the FIFO; the last ones may not have left it yet. */
static int write_bytes(volatile void *base, const struct i2c_transfer *transfer,
                       uint64_t deadline_ns)
{
    mmio_write32(base, BSC_DLEN, transfer->write_count);
    mmio_write32(base, BSC_C, C_ENABLE | C_START | C_CLEAR);
    for (uint32_t i = 0; i < transfer->write_count;) {
        uint32_t status = mmio_read32(base, BSC_S);
        int result = check(status, deadline_ns);
        if (result < 0) {
            return result;
        }
        if (status & S_DONE) {
            return -EIO;
        }
        if (status & S_TRANSMIT_ROOM) {
            mmio_write32(base, BSC_FIFO, transfer->write[i++]);
        } else {
            cpu_relax();
        }
    }
    return 0;
}

/*
 * A start that is asked for while the last bytes are written becomes a repeated start; asked for
 * before the transfer is active (3.3, S.TA) it would take the place of the first one.
 */
static int read_bytes(volatile void *base, const struct i2c_transfer *transfer,
                      uint64_t deadline_ns)
{
    int result = transfer->write_count ? wait_for(base, S_ACTIVE | S_DONE, deadline_ns) : 0;
    if (result < 0) {
        return result;
    }
    uint64_t daif = cpu_irq_save();    /* or the write could end in between */
    mmio_write32(base, BSC_S, S_DONE); /* of the written bytes, if somebody was slow */
    mmio_write32(base, BSC_DLEN, transfer->read_count);
    mmio_write32(base, BSC_C, C_ENABLE | C_START | C_READ | (transfer->write_count ? 0 : C_CLEAR));
    cpu_irq_restore(daif);
    for (uint32_t i = 0; i < transfer->read_count;) {
        uint32_t status = mmio_read32(base, BSC_S);
        result = check(status, deadline_ns);
        if (result < 0) {
            return result;
        }
        if (status & S_RECEIVED) {
            transfer->read[i++] = (uint8_t)mmio_read32(base, BSC_FIFO);
        } else if (status & S_DONE) {
            return -EIO;
        } else {
            cpu_relax();
        }
    }
    return 0;
}

int bsc_transfer(volatile void *base, const struct i2c_transfer *transfer)
{
    uint64_t deadline_ns = time_now_ns() + TRANSFER_DEADLINE_NS;
    int result = 0;
    mmio_write32(base, BSC_S, S_ALL_CLEARABLE);
    mmio_write32(base, BSC_A, transfer->address);
    if (transfer->write_count) {
        result = write_bytes(base, transfer, deadline_ns);
    }
    if (result == 0 && transfer->read_count) {
        result = read_bytes(base, transfer, deadline_ns);
    }
    if (result == 0) {
        result = wait_for(base, S_DONE, deadline_ns);
    }
    mmio_write32(base, BSC_C, C_CLEAR); /* off: what has failed ends here */
    mmio_write32(base, BSC_S, S_ALL_CLEARABLE);
    return result;
}

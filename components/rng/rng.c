/* SPDX-License-Identifier: MIT */
/*
 * The random number generator RNG200.
 *
 * No datasheet of the BCM2711 describes it. What is relied on is what the device-tree binding
 * brcm,iproc-rng200 and the drivers behind it have in common: 13 bits of RNG_CTRL let it run, above
 * them stands a divisor of its clock; words come from a FIFO whose count is known; what it thinks
 * of itself stands in its interrupt status. The first bits after a start are of no use, and it says
 * how many it has made: here as elsewhere 2^18 are let pass.
 */
#include <errno.h>
#include <string.h>

#include <interface/command.h>
#include <interface/random.h>
#include <neurath/cpu.h>
#include <neurath/device.h>
#include <neurath/log.h>
#include <neurath/offer.h>

#define RNG_CTRL 0x00
#define RNG_SOFT_RESET 0x04
#define RBG_SOFT_RESET 0x08
#define RNG_TOTAL_BIT_COUNT 0x0c
#define RNG_TOTAL_BIT_COUNT_THRESHOLD 0x10
#define RNG_INT_STATUS 0x18
#define RNG_INT_ENABLE 0x1c
#define RNG_FIFO_DATA 0x20
#define RNG_FIFO_COUNT 0x24

#define CTRL_RUNS 0x1fffu
#define CTRL_DIVISOR (3u << 13)
#define INT_NIST_FAIL (1u << 5)
#define INT_LOCKOUT (1u << 31)
#define INT_FAILED (INT_NIST_FAIL | INT_LOCKOUT)
#define FIFO_COUNT_WORDS 0xffu

#define WARM_UP_BITS 0x40000u
#define PRINTED_BYTES 16u

struct rng {
    struct device device; /* base NULL: there is none */
    struct spinlock lock; /* guards what follows, and the registers */
    uint32_t is_warm;     /* 1: the useless bits have passed */
    uint64_t bytes, failures;
};

STATE(struct rng) state = {};

/* Lock held, or nobody is there yet. */
static void start_generator(void)
{
    volatile void *base = state.device.base;
    state.is_warm = 0;
    mmio_write32(base, RNG_CTRL, 0);
    mmio_write32(base, RNG_INT_ENABLE, 0);
    mmio_write32(base, RNG_INT_STATUS, UINT32_MAX); /* 1 clears */
    mmio_write32(base, RBG_SOFT_RESET, 1);
    mmio_write32(base, RNG_SOFT_RESET, 1);
    mmio_write32(base, RNG_SOFT_RESET, 0);
    mmio_write32(base, RBG_SOFT_RESET, 0);
    mmio_write32(base, RNG_TOTAL_BIT_COUNT_THRESHOLD, WARM_UP_BITS);
    mmio_write32(base, RNG_CTRL, CTRL_DIVISOR | CTRL_RUNS);
}

/* Lock held. */
static int take(uint8_t *bytes, size_t size)
{
    volatile void *base = state.device.base;
    size_t count = 0;
    if (mmio_read32(base, RNG_INT_STATUS) & INT_FAILED) {
        state.failures++;
        start_generator();
        return -EIO;
    }
    if (!state.is_warm) { /* remembered: the count comes round */
        state.is_warm = mmio_read32(base, RNG_TOTAL_BIT_COUNT) >= WARM_UP_BITS;
        if (!state.is_warm) {
            return -EAGAIN;
        }
    }
    uint32_t words = mmio_read32(base, RNG_FIFO_COUNT) & FIFO_COUNT_WORDS;
    for (; words > 0 && count < size; words--) {
        uint32_t word = mmio_read32(base, RNG_FIFO_DATA);
        size_t part = MIN(size - count, sizeof(word));
        memcpy(bytes + count, &word, part);
        count += part;
    }
    state.bytes += count;
    return count > 0 ? (int)count : -EAGAIN;
}

int random_read(void *buffer, size_t size)
{
    if (size == 0) {
        return -EINVAL;
    }
    if (!state.device.base) {
        return -ENODEV;
    }
    uint64_t daif = spin_lock(&state.lock);
    int result = take(buffer, MIN(size, RANDOM_BYTES_MAX));
    spin_unlock(&state.lock, daif);
    return result;
}

static int run(int count, char *const words[], struct command_output *output)
{
    uint8_t bytes[PRINTED_BYTES];
    (void)words;
    int result = count == 1 ? random_read(bytes, sizeof(bytes)) : -EINVAL;
    if (result > 0) {
        for (int i = 0; i < result; i++) {
            command_print(output, "%02x", bytes[i]);
        }
        command_print(output, "\n");
        return 0;
    }
    command_print(output, result == -EINVAL   ? "usage: random\n"
                          : result == -EAGAIN ? "no random numbers are ready: try again\n"
                          : result == -EIO    ? "the generator failed its tests, and begins anew\n"
                                              : "this machine has no random number generator\n");
    return result;
}

static int start(void)
{
    static const struct command_ops command = {run, "random - prints a random number"};
    int result = offer_add(COMMAND_KIND, "random", &command, sizeof(command));
    if (result >= 0) {
        result = device_claim("brcm,bcm2711-rng200", &state.device);
    }
    if (result == 0) {
        start_generator();
    }
    return result;
}

/* A generator that fails now and then is what its tests are for; one that always does is broken. */
static int health(void)
{
    uint64_t daif = spin_lock(&state.lock);
    bool is_stopped = state.device.base && !(mmio_read32(state.device.base, RNG_CTRL) & CTRL_RUNS);
    spin_unlock(&state.lock, daif);
    return is_stopped ? -EIO : 0;
}

static void stop(void)
{
    if (state.device.base) {
        mmio_write32(state.device.base, RNG_CTRL, 0);
    }
}

COMPONENT(rng, .version = VERSION(1, 0, 0), .summary = "Random numbers of the RNG200",
          .compatible = "brcm,bcm2711-rng200", .start = start, .health = health, .stop = stop);

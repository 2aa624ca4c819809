/* SPDX-License-Identifier: MIT */
/*
 * The SPI master SPI0 (BCM2711 ARM Peripherals, chapter 9), polled.
 *
 * One call at a time has the bus; others wait for their turn. All that is set is set for each
 * transfer anew, so nothing of it outlives a call.
 */
#include <errno.h>
#include <string.h>

#include <interface/command.h>
#include <interface/gpio.h>
#include <interface/spi.h>
#include <lib/number.h>
#include <neurath/cpu.h>
#include <neurath/device.h>
#include <neurath/offer.h>
#include <neurath/time.h>

/* 9.6 */
#define SPI_CS 0x00
#define SPI_FIFO 0x04
#define SPI_CLK 0x08

#define CS_PHASE (1u << 2)
#define CS_POLARITY (1u << 3)
#define CS_CLEAR (3u << 4)
#define CS_ACTIVE (1u << 7)
#define CS_DONE (1u << 16)
#define CS_RECEIVED (1u << 17)
#define CS_TRANSMIT_ROOM (1u << 18)

#define FIFO_BYTES 64u

/* The core's clock, which config.txt holds at its highest (core_freq_min). */
#define CORE_HZ 500000000u
#define SPI0_OFFSET 0x204000u /* within the peripherals */
#define TURN_NS 5000000000u   /* longest wait for the bus */
#define SPARE_NS 100000000u   /* beyond what the bits take */
#define SELECTS 2u
#define COMMAND_RATE_HZ 1000000u

struct spi {
    struct device device; /* base NULL: there is none */
    uint32_t is_busy;     /* 1: somebody has the bus */
    uint32_t has_pins;    /* 1: they have been laid on it */
};

STATE(struct spi) state = {};

static int take_turn(void)
{
    uint64_t end_ns = time_now_ns() + TURN_NS;
    while (__atomic_exchange_n(&state.is_busy, 1, __ATOMIC_ACQUIRE)) {
        if (time_now_ns() > end_ns) {
            return -EBUSY;
        }
        cpu_relax();
    }
    return 0;
}

static void end_turn(void)
{
    __atomic_store_n(&state.is_busy, 0, __ATOMIC_RELEASE);
}

/* Not before somebody uses the bus: until then its pins are free for others. Turn held. */
static int take_pins(void)
{
    static const uint8_t pins[] = {7, 8, 9, 10, 11}; /* 5.3: CE1, CE0, MISO, MOSI, SCLK */
    int result = 0;
    for (unsigned i = 0; i < ARRAY_SIZE(pins) && result == 0 && !state.has_pins; i++) {
        result = gpio_claim(pins[i], "spi", NULL);
        if (result == 0) {
            result = gpio_set_function(pins[i], PIN_ALT0);
        }
    }
    state.has_pins = result == 0;
    return result;
}

/* The bytes of a transfer that is active: never more under way than a FIFO holds. */
static int exchange(const struct spi_transfer *transfer, uint64_t deadline_ns)
{
    volatile void *base = state.device.base;
    uint32_t sent = 0, received = 0;
    while (received < transfer->count || !(mmio_read32(base, SPI_CS) & CS_DONE)) {
        uint32_t status = mmio_read32(base, SPI_CS);
        if (sent < transfer->count && sent - received < FIFO_BYTES && status & CS_TRANSMIT_ROOM) {
            mmio_write32(base, SPI_FIFO, transfer->out ? transfer->out[sent] : 0);
            sent++;
        }
        if (received < transfer->count && status & CS_RECEIVED) {
            uint32_t byte = mmio_read32(base, SPI_FIFO);
            if (transfer->in) {
                transfer->in[received] = (uint8_t)byte;
            }
            received++;
        }
        if (time_now_ns() >= deadline_ns) {
            return -ETIMEDOUT;
        }
    }
    return 0;
}

/* Turn held. */
static int carry_out(const struct spi_transfer *transfer)
{
    volatile void *base = state.device.base;
    /* 9.6, CLK: odd divisors are rounded down, which would be too fast */
    uint32_t divisor = ALIGN_UP((CORE_HZ + transfer->rate_hz - 1) / transfer->rate_hz, 2u);
    uint32_t control = transfer->select | (transfer->mode & 1 ? CS_PHASE : 0) |
                       (transfer->mode & 2 ? CS_POLARITY : 0);
    uint64_t bits_ns = (uint64_t)transfer->count * 8 * 1000000000u / transfer->rate_hz;
    mmio_write32(base, SPI_CS, control | CS_CLEAR);
    mmio_write32(base, SPI_CLK, divisor);
    mmio_write32(base, SPI_CS, control | CS_ACTIVE);
    int result = exchange(transfer, time_now_ns() + 2 * bits_ns + SPARE_NS);
    mmio_write32(base, SPI_CS, control | CS_CLEAR);
    return result;
}

static int transfer(uint32_t unit, const struct spi_transfer *transfer)
{
    if (unit != 0 || transfer->select >= SELECTS || transfer->mode > 3 ||
        transfer->rate_hz < SPI_RATE_HZ_MIN || transfer->rate_hz > SPI_RATE_HZ_MAX ||
        transfer->count == 0 || transfer->count > SPI_BYTES_MAX) {
        return -EINVAL;
    }
    int result = take_turn();
    if (result < 0) {
        return result;
    }
    result = take_pins();
    if (result == 0) {
        result = carry_out(transfer);
    }
    end_turn();
    return result;
}

/* spi SELECT BYTE...: sends them, and shows what came. */
static int run(int count, char *const words[], struct command_output *output)
{
    uint8_t bytes[COMMAND_WORDS_MAX];
    struct spi_transfer send = {.rate_hz = COMMAND_RATE_HZ, .out = bytes, .in = bytes};
    uint32_t byte;
    if (!state.device.base) {
        command_print(output, "there is no SPI bus\n");
        return -ENODEV;
    }
    int result = count < 3 ? -EINVAL : number_read(words[1], SELECTS - 1, &send.select);
    for (int i = 2; i < count && result == 0; i++) {
        result = number_read(words[i], UINT8_MAX, &byte);
        bytes[send.count++] = (uint8_t)byte;
    }
    if (result < 0) {
        command_print(output, "usage: spi SELECT BYTE...: sends them, shows what comes back\n");
        return result;
    }
    result = transfer(0, &send);
    if (result < 0) {
        command_print(output, "the transfer failed: error %d\n", result);
    }
    for (uint32_t i = 0; i < send.count && result == 0; i++) {
        command_print(output, "%02x%s", bytes[i], i == send.count - 1 ? "\n" : " ");
    }
    return result;
}

static int start(void)
{
    static const struct command_ops command = {run, "spi SELECT BYTE... - talks to a device"};
    struct spi_ops ops = {.transfer = transfer};
    struct device device;
    int result = offer_add(COMMAND_KIND, "spi", &command, sizeof(command));
    if (result >= 0) {
        result = device_claim("brcm,bcm2835-spi", &device);
    }
    if (result < 0) {
        return result;
    }
    if ((device.base_pa & 0xffffff) != SPI0_OFFSET) {
        return -ENODEV; /* another one, whose pins are others */
    }
    state.device = device;
    result = offer_add(SPI_KIND, "spi0", &ops, sizeof(ops));
    return result < 0 ? result : 0;
}

/* Nobody is inside: who had the bus has been cut off. */
static int adopt(void)
{
    state.is_busy = 0;
    return 0;
}

COMPONENT(spi, .version = VERSION(1, 0, 0), .summary = "SPI bus of the header",
          .compatible = "brcm,bcm2835-spi", .start = start, .adopt = adopt);

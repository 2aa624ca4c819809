/* SPDX-License-Identifier: MIT */
/*
 * The GPIO block (BCM2711 ARM Peripherals, chapter 5).
 *
 * Registers that set or clear what they are written a 1 for need no lock; those that are read,
 * changed and written back have the state's. The functions of the pins belong to the nucleus, which
 * needs some before there is a driver: they are set through it, under its lock. All that is set
 * stands in the hardware, so a successor has nothing to set up.
 */
#include <errno.h>
#include <string.h>

#include <interface/command.h>
#include <interface/gpio.h>
#include <neurath/cpu.h>
#include <neurath/irq.h>
#include <neurath/log.h>
#include <neurath/thread.h>

#include "pins.h"

/* 5.2; each but GPFSEL is the first of two, 32 pins each */
#define GPFSEL0 0x00
#define GPSET0 0x1c
#define GPCLR0 0x28
#define GPLEV0 0x34
#define GPEDS0 0x40
#define GPREN0 0x4c
#define GPFEN0 0x58
#define GPHEN0 0x64
#define GPLEN0 0x70
#define GPAREN0 0x7c
#define GPAFEN0 0x88
#define GPIO_PUP_PDN_CNTRL_REG0 0xe4 /* first of four, 16 pins each */

#define BANK_INTERRUPTS                                                                            \
    3u /* 6.3: pins 0-27, 28-45, 46-57; the fourth is raised with each of them */

struct gpio {
    struct device device; /* base NULL: there is none */
    struct event wake;    /* the worker's */
    struct spinlock lock; /* guards read-modify-write of detection and pulls, and what follows */
    uint32_t detections[GPIO_PINS];
    uint64_t unhandled; /* bit n: something was detected on pin n, its handler does not know yet */
};

STATE(struct gpio) state = {};

/* Bit n of GPIO_DETECT_ALL: its enable register. */
static size_t detect_register(unsigned kind)
{
    static const uint8_t registers[] = {GPREN0, GPFEN0, GPHEN0, GPLEN0, GPAREN0, GPAFEN0};
    return registers[kind];
}

static int check(unsigned pin)
{
    return pin >= GPIO_PINS ? -EINVAL : state.device.base ? 0 : -ENODEV;
}

static size_t word_of(unsigned pin)
{
    return pin / 32 * sizeof(uint32_t);
}

static uint32_t bit_of(unsigned pin)
{
    return 1u << pin % 32;
}

int gpio_set_function(unsigned pin, unsigned function)
{
    int result = check(pin);
    return result < 0 ? result : pin_set_function(pin, function);
}

int gpio_read_function(unsigned pin)
{
    int result = check(pin);
    if (result < 0) {
        return result;
    }
    return (int)(mmio_read32(state.device.base, GPFSEL0 + pin / 10 * 4) >> pin % 10 * 3 & 7);
}

int gpio_set_pull(unsigned pin, unsigned pull)
{
    int result = pull > GPIO_PULL_DOWN ? -EINVAL : check(pin);
    if (result < 0) {
        return result;
    }
    size_t offset = GPIO_PUP_PDN_CNTRL_REG0 + pin / 16 * 4;
    unsigned shift = pin % 16 * 2;
    uint64_t daif = spin_lock(&state.lock);
    uint32_t word = mmio_read32(state.device.base, offset) & ~(3u << shift);
    mmio_write32(state.device.base, offset, word | pull << shift);
    spin_unlock(&state.lock, daif);
    return 0;
}

int gpio_read_pull(unsigned pin)
{
    int result = check(pin);
    if (result < 0) {
        return result;
    }
    size_t offset = GPIO_PUP_PDN_CNTRL_REG0 + pin / 16 * 4;
    return (int)(mmio_read32(state.device.base, offset) >> pin % 16 * 2 & 3);
}

int gpio_write(unsigned pin, uint32_t level)
{
    int result = check(pin);
    if (result == 0) {
        mmio_write32(state.device.base, (level ? GPSET0 : GPCLR0) + word_of(pin), bit_of(pin));
    }
    return result;
}

int gpio_read(unsigned pin)
{
    int result = check(pin);
    if (result < 0) {
        return result;
    }
    return (mmio_read32(state.device.base, GPLEV0 + word_of(pin)) & bit_of(pin)) != 0;
}

/* Lock held. */
static void set_detection(unsigned pin, unsigned kind, bool is_on)
{
    size_t offset = detect_register(kind) + word_of(pin);
    uint32_t word = mmio_read32(state.device.base, offset);
    uint32_t wanted = is_on ? word | bit_of(pin) : word & ~bit_of(pin);
    if (wanted != word) {
        mmio_write32(state.device.base, offset, wanted);
    }
}

int gpio_detect(unsigned pin, uint32_t what)
{
    int result = what & ~GPIO_DETECT_ALL ? -EINVAL : check(pin);
    if (result < 0) {
        return result;
    }
    uint64_t daif = spin_lock(&state.lock);
    for (unsigned kind = 0; kind < 6; kind++) {
        set_detection(pin, kind, what >> kind & 1);
    }
    if (!what) { /* nothing that was detected before comes any more */
        mmio_write32(state.device.base, GPEDS0 + word_of(pin), bit_of(pin));
    }
    spin_unlock(&state.lock, daif);
    return 0;
}

static void note_detection(unsigned pin)
{
    uint64_t daif = spin_lock(&state.lock);
    state.detections[pin]++;
    state.unhandled |= (uint64_t)1 << pin;
    /* A level would be detected again at once, for as long as it lasts. */
    set_detection(pin, 2, false);
    set_detection(pin, 3, false);
    mmio_write32(state.device.base, GPEDS0 + word_of(pin), bit_of(pin));
    spin_unlock(&state.lock, daif);
}

/* What a person has asked for by the command, on a pin that nobody has claimed, is logged. */
static void call_handler(unsigned pin)
{
    struct offer offer;
    struct gpio_claim claim;
    if (pins_find_claim(pin, &offer) < 0) {
        log_info("gpio: pin %u is %s, detection %u", pin, gpio_read(pin) ? "high" : "low",
                 pins_count_detections(pin));
        return;
    }
    memcpy(&claim, offer.table, sizeof(claim));
    if (claim.handler) {
        claim.handler(pin);
    }
}

/* The worker's: functions of offers are called from threads. */
static int step(void *argument)
{
    (void)argument;
    uint64_t daif = spin_lock(&state.lock);
    uint64_t pins = state.unhandled;
    state.unhandled = 0;
    spin_unlock(&state.lock, daif);
    for (; pins; pins &= pins - 1) {
        call_handler((unsigned)__builtin_ctzll(pins));
    }
    return -EAGAIN;
}

/* Of whatever bank: what is detected meanwhile raises it anew. */
static void handle_interrupt(void *argument)
{
    (void)argument;
    for (unsigned first = 0; first < GPIO_PINS; first += 32) {
        uint32_t detected = mmio_read32(state.device.base, GPEDS0 + word_of(first));
        for (; detected; detected &= detected - 1) {
            unsigned pin = first + (unsigned)__builtin_ctz(detected);
            if (pin < GPIO_PINS) {
                note_detection(pin);
            }
        }
    }
    event_signal(&state.wake);
}

uint32_t pins_count_detections(unsigned pin)
{
    return READ_ONCE(state.detections[pin]);
}

static int request_interrupts(void)
{
    for (unsigned bank = 0; bank < BANK_INTERRUPTS; bank++) {
        uint32_t number;
        /* GIC binding: three cells, the number of a shared one is the second */
        if (device_read_u32(&state.device, "interrupts", 3 * bank + 1, &number) < 0) {
            log_warning("gpio: the device tree names no interrupt of bank %u", bank);
            continue;
        }
        int result = irq_request(number + 32, handle_interrupt, NULL);
        if (result < 0) {
            return result;
        }
    }
    return 0;
}

static int start(void)
{
    static const struct command_ops command = {
        pins_run_command, "gpio [PIN [FUNCTION|PULL|LEVEL|EDGE]] - shows and sets pins"};
    struct worker_config worker = {.name = "gpio", .step = step, .event = &state.wake};
    int result = device_claim("brcm,bcm2711-gpio", &state.device);
    if (result < 0) {
        return result;
    }
    event_init(&state.wake);
    result = worker_start(&worker);
    if (result >= 0) {
        result = request_interrupts();
    }
    return result < 0 ? result : offer_add(COMMAND_KIND, "gpio", &command, sizeof(command));
}

COMPONENT(gpio, .version = VERSION(1, 0, 0), .summary = "Pins of the BCM2711",
          .compatible = "brcm,bcm2711-gpio", .start = start);

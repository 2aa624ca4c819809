/* SPDX-License-Identifier: MIT */
/*
 * The I2C buses that the device tree enables, each an offer; and the command that looks at them.
 *
 * One call at a time has a bus; others wait for their turn, which comes soon. Nothing of a transfer
 * outlives its call.
 */
#include <errno.h>
#include <string.h>

#include <interface/command.h>
#include <interface/gpio.h>
#include <interface/i2c.h>
#include <lib/number.h>
#include <neurath/cpu.h>
#include <neurath/log.h>
#include <neurath/offer.h>
#include <neurath/time.h>

#include "bsc.h"

#define BUSES 6u
#define TURN_NS 1000000000u /* longest wait for the bus */
#define RATE_HZ 100000u     /* where the device tree says none */
#define FIRST_ADDRESS 0x08u /* I2C-bus specification 3.1.12: the others are reserved */
#define LAST_ADDRESS 0x77u

struct bus {
    volatile void *base; /* NULL: it is not enabled */
    uint32_t is_busy;    /* 1: somebody has it */
    uint32_t has_pins;   /* 1: they have been laid on it */
};

struct i2c {
    struct device devices[BUSES];
    struct bus buses[BUSES];
};

STATE(struct i2c) state = {};

/* BCM2711 ARM Peripherals, 3.1 and 5.3: where each master is, and the header's pins it can have */
struct place {
    uint32_t offset; /* within the peripherals */
    uint8_t number, pins[2], function;
};

static const struct place *place_of(uint32_t unit)
{
    static const struct place places[BUSES] = {
        {0x205000, 0, {0, 1}, PIN_ALT0},   {0x804000, 1, {2, 3}, PIN_ALT0},
        {0x205600, 3, {4, 5}, PIN_ALT5},   {0x205800, 4, {8, 9}, PIN_ALT5},
        {0x205a00, 5, {12, 13}, PIN_ALT5}, {0x205c00, 6, {22, 23}, PIN_ALT5},
    };
    return &places[unit];
}

static int take_turn(struct bus *bus)
{
    uint64_t end_ns = time_now_ns() + TURN_NS;
    while (__atomic_exchange_n(&bus->is_busy, 1, __ATOMIC_ACQUIRE)) {
        if (time_now_ns() > end_ns) {
            return -EBUSY;
        }
        cpu_relax();
    }
    return 0;
}

static void end_turn(struct bus *bus)
{
    __atomic_store_n(&bus->is_busy, 0, __ATOMIC_RELEASE);
}

/* Not before somebody uses the bus: until then its pins are free for others. Turn held. */
static int take_pins(uint32_t unit)
{
    const struct place *place = place_of(unit);
    int result = 0;
    for (unsigned i = 0; i < 2 && result == 0 && !state.buses[unit].has_pins; i++) {
        result = gpio_claim(place->pins[i], "i2c", NULL);
        if (result == 0) {
            result = gpio_set_function(place->pins[i], place->function);
        }
        if (result == 0) {
            result = gpio_set_pull(place->pins[i], GPIO_PULL_UP);
        }
    }
    state.buses[unit].has_pins = result == 0;
    return result;
}

static int transfer(uint32_t unit, const struct i2c_transfer *transfer)
{
    if (unit >= BUSES || !state.buses[unit].base || transfer->address > 0x7f ||
        transfer->write_count > I2C_BYTES_MAX || transfer->read_count > I2C_BYTES_MAX ||
        transfer->write_count + transfer->read_count == 0) {
        return -EINVAL;
    }
    struct bus *bus = &state.buses[unit];
    int result = take_turn(bus);
    if (result < 0) {
        return result;
    }
    result = take_pins(unit);
    if (result == 0) {
        result = bsc_transfer(bus->base, transfer);
    }
    end_turn(bus);
    return result;
}

static int set_rate(uint32_t unit, uint32_t rate_hz)
{
    if (unit >= BUSES || !state.buses[unit].base) {
        return -EINVAL;
    }
    struct bus *bus = &state.buses[unit];
    int result = take_turn(bus);
    if (result == 0) {
        result = bsc_set_rate(bus->base, rate_hz);
        end_turn(bus);
    }
    return result;
}

/* The unit of a bus by its number; < 0: there is none. */
static int find_bus(const char *word)
{
    uint32_t number;
    if (number_read(word, UINT8_MAX, &number) == 0) {
        for (uint32_t unit = 0; unit < BUSES; unit++) {
            if (state.buses[unit].base && place_of(unit)->number == number) {
                return (int)unit;
            }
        }
    }
    return -ENODEV;
}

/* Asks each address for a byte, which harms fewer devices than to write one. */
static int scan(uint32_t unit, struct command_output *output)
{
    uint8_t byte;
    unsigned found = 0;
    for (uint32_t address = FIRST_ADDRESS; address <= LAST_ADDRESS; address++) {
        struct i2c_transfer ask = {.address = address, .read_count = 1, .read = &byte};
        int result = transfer(unit, &ask);
        if (result == 0) {
            command_print(output, "0x%02x\n", address);
            found++;
        } else if (result != -ENXIO) {
            command_print(output, "the bus does not work: error %d\n", result);
            return result;
        }
    }
    command_print(output, "%u device%s\n", found, found == 1 ? "" : "s");
    return 0;
}

/* BUS ADDRESS COUNT [BYTE...]: writes the bytes, then reads so many. */
static int run_transfer(uint32_t unit, int count, char *const words[],
                        struct command_output *output)
{
    uint8_t bytes[COMMAND_WORDS_MAX], answer[I2C_BYTES_MAX];
    struct i2c_transfer ask = {.write = bytes, .read = answer};
    uint32_t byte;
    if (number_read(words[0], 0x7f, &ask.address) < 0 ||
        number_read(words[1], I2C_BYTES_MAX, &ask.read_count) < 0) {
        return -EINVAL;
    }
    for (int i = 2; i < count; i++) {
        if (number_read(words[i], UINT8_MAX, &byte) < 0) {
            return -EINVAL;
        }
        bytes[ask.write_count++] = (uint8_t)byte;
    }
    int result = transfer(unit, &ask);
    if (result == -ENXIO) {
        command_print(output, "nobody answers at 0x%02x\n", ask.address);
    } else if (result < 0 && result != -EINVAL) {
        command_print(output, "the transfer failed: error %d\n", result);
    }
    for (uint32_t i = 0; result == 0 && i < ask.read_count; i++) {
        command_print(output, "%02x%s", answer[i],
                      i % 16 == 15 || i == ask.read_count - 1 ? "\n" : " ");
    }
    return result;
}

static int run(int count, char *const words[], struct command_output *output)
{
    int result = -EINVAL, unit = count > 2 ? find_bus(words[2]) : 0;
    if (unit < 0) {
        command_print(output, "there is no bus %s\n", words[2]);
        return unit;
    }
    if (count == 3 && !strcmp(words[1], "scan")) {
        return scan((uint32_t)unit, output);
    }
    if (count > 4 && !strcmp(words[1], "transfer")) {
        result = run_transfer((uint32_t)unit, count - 3, words + 3, output);
    }
    if (result == -EINVAL) {
        command_print(output,
                      "usage: i2c scan BUS, i2c transfer BUS ADDRESS READ [BYTE...]: writes "
                      "the bytes, reads so many\n");
    }
    return result;
}

/* A node of the device tree becomes a bus, if we know which it is. */
static int add_bus(const struct device *device)
{
    struct i2c_ops ops = {.transfer = transfer, .set_rate = set_rate};
    char name[OFFER_NAME_BYTES];
    uint32_t rate_hz = RATE_HZ;
    uint32_t unit = 0;
    while (unit < BUSES && place_of(unit)->offset != (device->base_pa & 0xffffff)) {
        unit++;
    }
    if (unit == BUSES) {
        log_warning("i2c: an unknown master at 0x%llx", (unsigned long long)device->base_pa);
        return 0;
    }
    state.devices[unit] = *device;
    (void)device_read_u32(device, "clock-frequency", 0, &rate_hz);
    if (bsc_set_rate(device->base, rate_hz) < 0) {
        (void)bsc_set_rate(device->base, RATE_HZ); /* which can be made */
    }
    state.buses[unit].base = device->base;
    ops.unit = unit;
    (void)format_print(name, sizeof(name), "i2c%u", place_of(unit)->number);
    int result = offer_add(I2C_KIND, name, &ops, sizeof(ops));
    return result < 0 ? result : 1;
}

static int start(void)
{
    static const struct command_ops command = {run, "i2c scan|transfer BUS ... - talks to devices"};
    struct device device;
    int result = offer_add(COMMAND_KIND, "i2c", &command, sizeof(command)), buses = 0;
    while (result >= 0 && device_claim("brcm,bcm2835-i2c", &device) == 0) {
        result = add_bus(&device);
        buses += result > 0;
    }
    return result < 0 ? result : buses > 0 ? 0 : -ENODEV;
}

/* Nobody is inside: who had a bus has been cut off. */
static int adopt(void)
{
    for (uint32_t unit = 0; unit < BUSES; unit++) {
        state.buses[unit].is_busy = 0;
    }
    return 0;
}

COMPONENT(i2c, .version = VERSION(1, 0, 0), .summary = "I2C buses of the BCM2711",
          .compatible = "brcm,bcm2835-i2c", .start = start, .adopt = adopt);

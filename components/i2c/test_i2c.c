/* SPDX-License-Identifier: MIT */
/*
 * The driver against a model of two masters and of a device with sixteen registers at 0x48: a FIFO
 * of 16 bytes, one byte on the wire each fourth time somebody looks at the status; a start takes a
 * while to begin, and one that is asked for in the middle of writing becomes a repeated start.
 */
#include <criterion/criterion.h>

#define bsc_set_rate i2c_test_bsc_set_rate
#define bsc_transfer i2c_test_bsc_transfer
#define component_self i2c_test_self
#define device_claim_owned i2c_test_device_claim
#define device_read_u32 i2c_test_device_read_u32
#define gpio_set_function i2c_test_gpio_set_function
#define gpio_set_pull i2c_test_gpio_set_pull
#define mmio_read32 i2c_test_mmio_read32
#define mmio_write32 i2c_test_mmio_write32
#define offer_add_owned i2c_test_offer_add
#define offer_find i2c_test_offer_find
#define time_now_ns i2c_test_time_now_ns

#include "bsc.c"

#include "i2c.c"

#include "tests/unit/run_line.h"

#define FIFO 16u
#define DEVICE 0x48u

struct component {
    int unused;
};
struct component component_self;

static char bases[2]; /* only their addresses matter */
static unsigned claims;
static uint64_t now_ns;
static struct {
    uint32_t control, flags, length, address, divisor, delay, timeout;
    uint8_t fifo[FIFO];
    uint32_t head, tail, left;
    bool is_active, is_reading, wants_restart, is_stuck;
    unsigned starts, stops, restarts, looks;
    unsigned begins_in; /* looks, until the start is on the wire; 0: none is asked for */
} model;
static struct {
    uint8_t registers[16], at;
    bool has_pointer;
} device_model;
static struct i2c_ops bus;
static char bus_names[64];
static struct command_ops command;
static uint64_t functions, pulls;
static const char *taken_pin = "";

static void begin_message(void)
{
    model.is_reading = model.control & C_READ;
    model.left = model.length;
    model.is_active = true;
    device_model.has_pointer = model.is_reading;
    if (model.address != DEVICE) {
        model.flags |= S_NO_ACKNOWLEDGE | S_DONE;
        model.is_active = false;
    }
}

/* One byte's time on the wire. */
static void advance(void)
{
    if (model.begins_in > 0 && --model.begins_in == 0) {
        begin_message();
    }
    if (!model.is_active || model.is_stuck || ++model.looks % 4) {
        return;
    }
    if (model.left > 0 && model.is_reading && model.head - model.tail < FIFO) {
        model.fifo[model.head++ % FIFO] = device_model.registers[device_model.at++ % 16];
        model.left--;
    } else if (model.left > 0 && !model.is_reading && model.head != model.tail) {
        uint8_t byte = model.fifo[model.tail++ % FIFO];
        if (device_model.has_pointer) {
            device_model.registers[device_model.at++ % 16] = byte;
        } else {
            device_model.at = byte;
        }
        device_model.has_pointer = true;
        model.left--;
    }
    if (model.left == 0 && model.wants_restart) {
        model.wants_restart = false;
        model.restarts++;
        begin_message();
    } else if (model.left == 0) {
        model.is_active = false;
        model.stops++;
        model.flags |= S_DONE;
    }
}

uint32_t mmio_read32(const volatile void *base, size_t offset)
{
    cr_assert_eq(base, &bases[1], "only i2c1 is used");
    if (offset == BSC_FIFO) {
        cr_assert_neq(model.head, model.tail, "read of an empty FIFO");
        return model.fifo[model.tail++ % FIFO];
    }
    cr_assert_eq(offset, BSC_S);
    advance();
    bool is_read = model.is_reading;
    return model.flags | (model.is_active ? S_ACTIVE : 0) |
           (!is_read && model.head - model.tail < FIFO ? S_TRANSMIT_ROOM : 0) |
           (is_read && model.head != model.tail ? S_RECEIVED : 0);
}

static void write_control(uint32_t value)
{
    model.control = value;
    if (value & C_CLEAR) {
        model.head = model.tail = 0;
    }
    if (!(value & C_ENABLE)) {
        model.is_active = false;
        model.begins_in = 0;
    } else if (value & C_START && model.is_active) {
        model.wants_restart = true;
    } else if (value & C_START) {
        cr_assert_eq(model.begins_in, 0, "the start before this one is lost");
        model.starts++;
        model.begins_in = 30;
    }
}

void mmio_write32(volatile void *base, size_t offset, uint32_t value)
{
    if (base == &bases[0]) {
        return; /* i2c0 is set up, no more */
    }
    switch (offset) {
    case BSC_C:
        write_control(value);
        break;
    case BSC_S:
        model.flags &= ~value;
        break;
    case BSC_DLEN:
        model.length = value;
        break;
    case BSC_A:
        model.address = value;
        break;
    case BSC_FIFO:
        cr_assert_lt(model.head - model.tail, FIFO, "FIFO is full");
        model.fifo[model.head++ % FIFO] = (uint8_t)value;
        break;
    case BSC_DIV:
        model.divisor = value;
        break;
    case BSC_DEL:
        model.delay = value;
        break;
    default:
        cr_assert_eq(offset, BSC_CLKT);
        model.timeout = value;
    }
}

int device_claim_owned(const char *compatible, struct device *device, struct component *owner)
{
    static const uint64_t addresses[] = {0xfe205000, 0xfe804000};
    (void)owner;
    cr_assert_str_eq(compatible, "brcm,bcm2835-i2c");
    if (claims == 2) {
        return -ENODEV;
    }
    *device = (struct device){.base = &bases[claims], .base_pa = addresses[claims]};
    claims++;
    return 0;
}

int device_read_u32(const struct device *device, const char *property, unsigned index,
                    uint32_t *value)
{
    (void)device;
    cr_assert(!strcmp(property, "clock-frequency") && index == 0);
    *value = 100000;
    return 0;
}

int gpio_set_function(unsigned pin, unsigned function)
{
    cr_assert_eq(function, PIN_ALT0);
    functions |= 1u << pin;
    return 0;
}

int gpio_set_pull(unsigned pin, unsigned pull)
{
    cr_assert_eq(pull, GPIO_PULL_UP);
    pulls |= 1u << pin;
    return 0;
}

int offer_add_owned(const char *kind, const char *name, const void *table, size_t size,
                    struct component *owner)
{
    (void)owner;
    if (!strcmp(kind, I2C_KIND)) {
        strcat(bus_names, name);
        memcpy(&bus, table, size); /* the last one, i2c1 */
    } else if (!strcmp(kind, COMMAND_KIND)) {
        memcpy(&command, table, size);
    }
    return !strcmp(name, taken_pin) ? -EEXIST : 1;
}

int offer_find(const char *kind, const char *name, uint32_t after, struct offer *offer)
{
    (void)kind;
    (void)name;
    (void)after;
    offer->owner = NULL;
    return 0;
}

uint64_t time_now_ns(void)
{
    return now_ns += 10000;
}

static int run_line(const char *line)
{
    return run_line_with(&command, line);
}

Test(i2c, offers_each_enabled_bus_at_its_rate_and_takes_no_pin_before_use)
{
    cr_assert_eq(start(), 0);
    cr_expect_str_eq(bus_names, "i2c0i2c1");
    cr_expect_eq(model.divisor, 5000u);
    cr_expect_eq(model.delay, 312u << 16 | 1250u);
    cr_expect_eq(model.timeout, 3500u);
    cr_expect_eq(functions, 0u);
    cr_expect_eq(bus.set_rate(bus.unit, 400000), 0);
    cr_expect_eq(model.divisor, 1250u);
    cr_expect_eq(bus.set_rate(bus.unit, 399000), 0);
    cr_expect(model.divisor % 2 == 0 && CORE_HZ / model.divisor <= 399000);
    cr_expect_eq(bus.set_rate(bus.unit, 400001), -EINVAL);
    cr_expect_eq(bus.set_rate(bus.unit, 0), -EINVAL);
    cr_expect_eq(bus.set_rate(bus.unit, 7000), -EINVAL, "the divisor has 16 bits");
}

Test(i2c, writes_more_than_the_fifo_holds)
{
    uint8_t bytes[41] = {0};
    cr_assert_eq(start(), 0);
    for (unsigned i = 1; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)i;
    }
    struct i2c_transfer ask = {DEVICE, sizeof(bytes), 0, bytes, NULL};
    cr_expect_eq(bus.transfer(bus.unit, &ask), 0);
    cr_expect_eq(device_model.registers[7], 40, "the last of forty");
    cr_expect_eq(device_model.registers[8], 25);
    cr_expect_eq(model.stops, 1u);
    cr_expect_eq(functions, 1u << 2 | 1u << 3);
    cr_expect_eq(pulls, 1u << 2 | 1u << 3);
}

Test(i2c, reads_behind_a_repeated_start)
{
    uint8_t at = 5, bytes[40] = {0};
    cr_assert_eq(start(), 0);
    for (unsigned i = 0; i < 16; i++) {
        device_model.registers[i] = (uint8_t)(0x30 + i);
    }
    struct i2c_transfer ask = {DEVICE, 1, sizeof(bytes), &at, bytes};
    cr_expect_eq(bus.transfer(bus.unit, &ask), 0);
    for (unsigned i = 0; i < sizeof(bytes); i++) {
        cr_expect_eq(bytes[i], 0x30 + (5 + i) % 16);
    }
    cr_expect(model.starts == 1 && model.restarts == 1 && model.stops == 1);
    cr_expect(!(model.control & C_ENABLE));
}

Test(i2c, says_when_nobody_answers_and_goes_on_with_the_next_transfer)
{
    uint8_t byte = 1;
    cr_assert_eq(start(), 0);
    struct i2c_transfer ask = {0x50, 0, 1, NULL, &byte};
    cr_expect_eq(bus.transfer(bus.unit, &ask), -ENXIO);
    ask = (struct i2c_transfer){0x50, 1, 1, &byte, &byte};
    cr_expect_eq(bus.transfer(bus.unit, &ask), -ENXIO);
    ask.address = DEVICE;
    cr_expect_eq(bus.transfer(bus.unit, &ask), 0);
}

Test(i2c, gives_up_on_a_line_that_hangs)
{
    uint8_t byte = 1;
    cr_assert_eq(start(), 0);
    model.is_stuck = true;
    struct i2c_transfer ask = {DEVICE, 1, 0, &byte, NULL};
    uint64_t before_ns = now_ns;
    cr_expect_eq(bus.transfer(bus.unit, &ask), -ETIMEDOUT);
    cr_expect_lt(now_ns - before_ns, 400000000u);
    model.is_stuck = false;
    cr_expect_eq(bus.transfer(bus.unit, &ask), 0);
}

Test(i2c, refuses_what_makes_no_sense_and_a_bus_that_is_in_use)
{
    uint8_t byte = 1;
    cr_assert_eq(start(), 0);
    struct i2c_transfer ask = {0x80, 1, 0, &byte, NULL};
    cr_expect_eq(bus.transfer(bus.unit, &ask), -EINVAL);
    ask = (struct i2c_transfer){DEVICE, 0, 0, NULL, NULL};
    cr_expect_eq(bus.transfer(bus.unit, &ask), -EINVAL);
    ask = (struct i2c_transfer){DEVICE, 257, 0, &byte, NULL};
    cr_expect_eq(bus.transfer(bus.unit, &ask), -EINVAL);
    ask = (struct i2c_transfer){DEVICE, 1, 0, &byte, NULL};
    cr_expect_eq(bus.transfer(2, &ask), -EINVAL, "it is not enabled");
    cr_expect_eq(bus.transfer(99, &ask), -EINVAL);
    state.buses[bus.unit].is_busy = 1;
    cr_expect_eq(bus.transfer(bus.unit, &ask), -EBUSY);
    cr_expect_eq(adopt(), 0);
    taken_pin = "3";
    cr_expect_eq(bus.transfer(bus.unit, &ask), -EBUSY);
    taken_pin = "";
    cr_expect_eq(bus.transfer(bus.unit, &ask), 0);
}

Test(i2c, scans_and_transfers_for_a_person)
{
    cr_assert_eq(start(), 0);
    cr_expect_eq(run_line("i2c scan 1"), 0);
    cr_expect_str_eq(said, "0x48\n1 device\n");
    cr_expect_eq(run_line("i2c transfer 1 0x48 0 2 0xab 0xcd"), 0);
    cr_expect_eq(run_line("i2c transfer 1 0x48 2 2"), 0);
    cr_expect_str_eq(said, "ab cd\n");
    cr_expect_eq(run_line("i2c transfer 1 0x49 2 2"), -ENXIO);
    cr_expect_eq(run_line("i2c scan 2"), -ENODEV);
    cr_expect_eq(run_line("i2c scan"), -EINVAL);
    cr_expect_eq(run_line("i2c transfer 1 0x48"), -EINVAL);
    cr_expect_eq(run_line("i2c transfer 1 0x48 2 256"), -EINVAL);
    cr_expect_eq(run_line("i2c transfer 1 0x80 2"), -EINVAL);
}

Test(i2c, says_so_when_no_bus_is_enabled)
{
    claims = 2;
    cr_expect_eq(start(), -ENODEV);
    cr_expect_eq(run_line("i2c scan 1"), -ENODEV);
}

/* SPDX-License-Identifier: MIT */
/*
 * The driver against a model of the master: two FIFOs of 64 bytes, a byte on the wire each time
 * somebody looks; its device answers with the complement of what it gets.
 */
#include <criterion/criterion.h>

#define component_self spi_test_self
#define device_claim_owned spi_test_device_claim
#define gpio_set_function spi_test_gpio_set_function
#define mmio_read32 spi_test_mmio_read32
#define mmio_write32 spi_test_mmio_write32
#define offer_add_owned spi_test_offer_add
#define offer_find spi_test_offer_find
#define time_now_ns spi_test_time_now_ns

#include "spi.c"

#include "tests/unit/run_line.h"

struct component {
    int unused;
};
struct component component_self;

static char spi_base; /* only its address matters */
static uint64_t device_pa = 0xfe204000;
static uint64_t now_ns;
static struct {
    uint32_t control, divisor;
    uint8_t out[FIFO_BYTES], in[FIFO_BYTES];
    uint32_t out_head, out_tail, in_head, in_tail;
    unsigned selections;
    bool is_stuck;
} model;
static struct spi_ops bus;
static struct command_ops command;
static uint32_t functions;

uint32_t mmio_read32(const volatile void *base, size_t offset)
{
    cr_assert_eq(base, &spi_base);
    if (offset == SPI_FIFO) {
        cr_assert_neq(model.in_head, model.in_tail, "read of an empty FIFO");
        return model.in[model.in_tail++ % FIFO_BYTES];
    }
    cr_assert_eq(offset, SPI_CS);
    bool is_active = model.control & CS_ACTIVE && !model.is_stuck;
    if (is_active && model.out_head != model.out_tail) {
        cr_assert_lt(model.in_head - model.in_tail, FIFO_BYTES, "what came in is lost");
        model.in[model.in_head++ % FIFO_BYTES] = (uint8_t)~model.out[model.out_tail++ % FIFO_BYTES];
    }
    return model.control |
           (is_active && model.out_head == model.out_tail && model.out_head ? CS_DONE : 0) |
           (model.in_head != model.in_tail ? CS_RECEIVED : 0) |
           (model.out_head - model.out_tail < FIFO_BYTES ? CS_TRANSMIT_ROOM : 0);
}

void mmio_write32(volatile void *base, size_t offset, uint32_t value)
{
    cr_assert_eq(base, &spi_base);
    if (offset == SPI_FIFO) {
        cr_assert(model.control & CS_ACTIVE);
        cr_assert_lt(model.out_head - model.out_tail, FIFO_BYTES, "FIFO is full");
        model.out[model.out_head++ % FIFO_BYTES] = (uint8_t)value;
    } else if (offset == SPI_CLK) {
        cr_assert(!(model.control & CS_ACTIVE));
        model.divisor = value;
    } else {
        cr_assert_eq(offset, SPI_CS);
        model.selections += value & CS_ACTIVE && !(model.control & CS_ACTIVE);
        model.control = value & ~CS_CLEAR;
        if (value & CS_CLEAR) {
            model.out_head = model.out_tail = model.in_head = model.in_tail = 0;
        }
    }
}

int device_claim_owned(const char *compatible, struct device *device, struct component *owner)
{
    (void)owner;
    cr_assert_str_eq(compatible, "brcm,bcm2835-spi");
    *device = (struct device){.base = &spi_base, .base_pa = device_pa};
    return device_pa ? 0 : -ENODEV;
}

int gpio_set_function(unsigned pin, unsigned function)
{
    cr_assert_eq(function, PIN_ALT0);
    functions |= 1u << pin;
    return 0;
}

int offer_add_owned(const char *kind, const char *name, const void *table, size_t size,
                    struct component *owner)
{
    (void)owner;
    if (!strcmp(kind, SPI_KIND)) {
        cr_assert_str_eq(name, "spi0");
        memcpy(&bus, table, size);
    } else if (!strcmp(kind, COMMAND_KIND)) {
        memcpy(&command, table, size);
    }
    return 1;
}

int offer_find(const char *kind, const char *name, uint32_t after, struct offer *offer)
{
    (void)kind;
    (void)name;
    (void)after;
    (void)offer;
    return -ENOENT;
}

uint64_t time_now_ns(void)
{
    return now_ns += 1000;
}

static int run_line(const char *line)
{
    return run_line_with(&command, line);
}

Test(spi, exchanges_more_than_the_fifos_hold)
{
    static uint8_t out[SPI_BYTES_MAX], in[SPI_BYTES_MAX];
    cr_assert_eq(start(), 0);
    cr_expect_eq(functions, 0u, "no pin before it is used");
    for (unsigned i = 0; i < sizeof(out); i++) {
        out[i] = (uint8_t)(i * 7);
    }
    struct spi_transfer ask = {1, 2, 10000000, sizeof(out), out, in};
    cr_expect_eq(bus.transfer(0, &ask), 0);
    for (unsigned i = 0; i < sizeof(out); i++) {
        cr_assert_eq(in[i], (uint8_t) ~(i * 7), "byte %u", i);
    }
    cr_expect_eq(model.divisor, 50u);
    cr_expect_eq(model.control, 1u | CS_POLARITY, "released, the clock rests high");
    cr_expect_eq(model.selections, 1u);
    cr_expect_eq(functions, 0xf80u);
}

Test(spi, is_never_faster_than_asked_for)
{
    static const uint32_t rates[] = {100000, 333333, 1000000, 33000000, 62500000};
    cr_assert_eq(start(), 0);
    for (unsigned i = 0; i < ARRAY_SIZE(rates); i++) {
        struct spi_transfer ask = {.rate_hz = rates[i], .count = 1};
        cr_expect_eq(bus.transfer(0, &ask), 0);
        cr_expect(model.divisor % 2 == 0 && CORE_HZ / model.divisor <= rates[i], "%u", rates[i]);
        cr_expect_lt((uint64_t)(model.divisor - 2) * rates[i], CORE_HZ);
    }
}

Test(spi, gives_up_on_a_controller_that_does_not_end)
{
    struct spi_transfer ask = {.rate_hz = 1000000, .count = 100};
    cr_assert_eq(start(), 0);
    model.is_stuck = true;
    uint64_t before_ns = now_ns;
    cr_expect_eq(bus.transfer(0, &ask), -ETIMEDOUT);
    cr_expect_lt(now_ns - before_ns, 200000000u);
    model.is_stuck = false;
    cr_expect_eq(bus.transfer(0, &ask), 0);
}

Test(spi, refuses_what_makes_no_sense_and_a_bus_that_is_in_use)
{
    cr_assert_eq(start(), 0);
    struct spi_transfer wrong[] = {
        {.select = 2, .rate_hz = 1000000, .count = 1},
        {.mode = 4, .rate_hz = 1000000, .count = 1},
        {.rate_hz = 99999, .count = 1},
        {.rate_hz = 62500001, .count = 1},
        {.rate_hz = 1000000, .count = 0},
        {.rate_hz = 1000000, .count = 4097},
    };
    for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
        cr_expect_eq(bus.transfer(0, &wrong[i]), -EINVAL, "%u", i);
    }
    struct spi_transfer ask = {.rate_hz = 1000000, .count = 1};
    cr_expect_eq(bus.transfer(1, &ask), -EINVAL);
    state.is_busy = 1;
    cr_expect_eq(bus.transfer(0, &ask), -EBUSY);
    cr_expect_eq(adopt(), 0);
    cr_expect_eq(bus.transfer(0, &ask), 0);
}

Test(spi, exchanges_bytes_for_a_person)
{
    cr_assert_eq(start(), 0);
    cr_expect_eq(run_line("spi 1 0x9f 0 255"), 0);
    cr_expect_str_eq(said, "60 ff 00\n");
    cr_expect_eq(run_line("spi 2 1"), -EINVAL);
    cr_expect_eq(run_line("spi 0"), -EINVAL);
    cr_expect_eq(run_line("spi 0 256"), -EINVAL);
}

Test(spi, leaves_a_master_alone_whose_pins_it_does_not_know)
{
    device_pa = 0xfe204600;
    cr_expect_eq(start(), -ENODEV);
    cr_expect_eq(run_line("spi 0 1"), -ENODEV);
}

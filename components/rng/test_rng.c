/* SPDX-License-Identifier: MIT */
/* The driver against a model of the generator: it warms up, has a FIFO, may fail its tests. */
#include <criterion/criterion.h>

#define component_self rng_test_self
#define device_claim_owned rng_test_device_claim
#define mmio_read32 rng_test_mmio_read32
#define mmio_write32 rng_test_mmio_write32
#define offer_add_owned rng_test_offer_add

#include "rng.c"

struct component {
    int unused;
};
struct component component_self;

static char rng_base; /* only its address matters */
static bool has_device = true;
static struct {
    uint32_t control, bits, status, threshold, words, next;
    unsigned resets;
    bool is_in_reset;
} model = {.status = 0x20};
static struct command_ops command;
static char said[256];

uint32_t mmio_read32(const volatile void *base, size_t offset)
{
    cr_assert_eq(base, &rng_base);
    if (offset == RNG_FIFO_DATA) {
        cr_assert_gt(model.words, 0u, "read of an empty FIFO");
        model.words--;
        return 0x01010101u * ++model.next;
    }
    cr_assert(offset == RNG_CTRL || offset == RNG_TOTAL_BIT_COUNT || offset == RNG_INT_STATUS ||
              offset == RNG_FIFO_COUNT);
    return offset == RNG_CTRL              ? model.control
           : offset == RNG_TOTAL_BIT_COUNT ? model.bits
           : offset == RNG_INT_STATUS      ? model.status
                                           : 0xab00u | model.words; /* above: a threshold */
}

void mmio_write32(volatile void *base, size_t offset, uint32_t value)
{
    cr_assert_eq(base, &rng_base);
    if (offset == RNG_CTRL) {
        cr_assert(value == 0 || !model.is_in_reset);
        model.control = value;
    } else if (offset == RNG_INT_STATUS) {
        model.status &= ~value;
    } else if (offset == RNG_SOFT_RESET) {
        cr_assert_eq(model.control, 0u);
        model.is_in_reset = value;
        model.resets += value;
        model.bits = model.words = 0;
    } else if (offset == RNG_TOTAL_BIT_COUNT_THRESHOLD) {
        model.threshold = value;
    } else {
        cr_assert(offset == RBG_SOFT_RESET || (offset == RNG_INT_ENABLE && value == 0));
    }
}

int device_claim_owned(const char *compatible, struct device *device, struct component *owner)
{
    (void)owner;
    cr_assert_str_eq(compatible, "brcm,bcm2711-rng200");
    device->base = has_device ? &rng_base : NULL;
    return has_device ? 0 : -ENODEV;
}

int offer_add_owned(const char *kind, const char *name, const void *table, size_t size,
                    struct component *owner)
{
    (void)owner;
    cr_assert(!strcmp(kind, COMMAND_KIND) && !strcmp(name, "random"));
    memcpy(&command, table, size);
    return 1;
}

static void keep(struct command_output *output, const char *text, size_t size)
{
    (void)output;
    strncat(said, text, size);
}

static int run_it(int count)
{
    struct command_output output = {.write = keep};
    char *words[] = {"random", "more"};
    said[0] = '\0';
    return command.run(count, words, &output);
}

Test(rng, starts_the_generator_from_a_reset)
{
    cr_assert_eq(start(), 0);
    cr_expect_eq(model.control, 0x7fffu);
    cr_expect_eq(model.resets, 1u);
    cr_expect_eq(model.status, 0u);
    cr_expect_eq(health(), 0);
    stop();
    cr_expect_eq(model.control, 0u);
    cr_expect_eq(health(), -EIO);
}

Test(rng, gives_nothing_before_it_is_warm_and_goes_on_when_the_count_comes_round)
{
    uint8_t bytes[4];
    cr_assert_eq(start(), 0);
    model.words = 4;
    model.bits = 0x3ffff;
    cr_expect_eq(random_read(bytes, 4), -EAGAIN);
    cr_expect_eq(model.words, 4u);
    model.bits = 0x40000;
    cr_expect_eq(random_read(bytes, 4), 4);
    model.bits = 3;
    cr_expect_eq(random_read(bytes, 4), 4);
}

Test(rng, gives_what_the_fifo_has_and_no_more)
{
    uint8_t bytes[100] = {0};
    cr_assert_eq(start(), 0);
    model.bits = 0x40000;
    model.words = 2;
    cr_expect_eq(random_read(bytes, sizeof(bytes)), 8);
    cr_expect(bytes[0] == 1 && bytes[3] == 1 && bytes[4] == 2 && bytes[7] == 2 && bytes[8] == 0);
    cr_expect_eq(random_read(bytes, sizeof(bytes)), -EAGAIN);
    model.words = 2;
    cr_expect_eq(random_read(bytes, 5), 5);
    cr_expect_eq(bytes[5], 2, "behind the end nothing is written");
    model.words = 200;
    cr_expect_eq(random_read(bytes, sizeof(bytes)), (int)RANDOM_BYTES_MAX);
    cr_expect_eq(random_read(bytes, 0), -EINVAL);
}

Test(rng, begins_anew_when_it_fails_its_tests)
{
    uint8_t bytes[4];
    cr_assert_eq(start(), 0);
    model.bits = 0x40000;
    model.words = 1;
    model.status = 0x20;
    cr_expect_eq(random_read(bytes, 4), -EIO);
    cr_expect_eq(model.resets, 2u);
    cr_expect_eq(random_read(bytes, 4), -EAGAIN, "it is cold again");
    cr_expect_eq(state.failures, 1u);
}

Test(rng, prints_a_number)
{
    cr_assert_eq(start(), 0);
    cr_expect_eq(run_it(1), -EAGAIN);
    model.bits = 0x40000;
    model.words = 4;
    cr_expect_eq(run_it(1), 0);
    cr_expect_str_eq(said, "01010101020202020303030304040404\n");
    cr_expect_eq(run_it(2), -EINVAL);
}

Test(rng, says_so_when_there_is_none)
{
    uint8_t byte;
    has_device = false;
    cr_expect_eq(start(), -ENODEV);
    cr_expect_eq(random_read(&byte, 1), -ENODEV);
    cr_expect_eq(run_it(1), -ENODEV);
    cr_expect_str_eq(said, "this machine has no random number generator\n");
    cr_expect_eq(health(), 0);
}

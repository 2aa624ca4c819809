/* SPDX-License-Identifier: MIT */
/* The driver against a model of the sensor's one register. */
#include <criterion/criterion.h>

#define component_self thermal_test_self
#define device_claim_owned thermal_test_device_claim
#define mmio_read32 thermal_test_mmio_read32
#define offer_add_owned thermal_test_offer_add

#include "thermal.c"

struct component {
    int unused;
};
struct component component_self;

static char avs_base; /* only its address matters */
static bool has_sensor = true;
static uint32_t value;
static struct command_ops command;
static char said[256];

uint32_t mmio_read32(const volatile void *base, size_t offset)
{
    cr_assert(base == &avs_base && offset == 0x200);
    return value;
}

int device_claim_owned(const char *compatible, struct device *device, struct component *owner)
{
    (void)owner;
    bool is_sensor = !strcmp(compatible, "brcm,bcm2711-thermal");
    cr_assert(is_sensor || !strcmp(compatible, "brcm,bcm2711-avs-monitor"));
    if (is_sensor && !has_sensor) {
        return -ENODEV;
    }
    device->base = is_sensor ? NULL : &avs_base;
    return 0;
}

int offer_add_owned(const char *kind, const char *name, const void *table, size_t size,
                    struct component *owner)
{
    (void)owner;
    cr_assert(!strcmp(kind, COMMAND_KIND) && !strcmp(name, "temperature"));
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
    char *words[] = {"temperature", "now"};
    said[0] = '\0';
    return command.run(count, words, &output);
}

Test(thermal, reads_the_temperature_along_the_zones_line)
{
    int32_t millidegrees = 0;
    cr_assert_eq(start(), 0);
    value = 0x10400 | 750;
    cr_expect_eq(temperature_read(&millidegrees), 0);
    cr_expect_eq(millidegrees, 44790);
    cr_expect_eq(run_it(1), 0);
    cr_expect_str_eq(said, "44.7 degrees Celsius\n");
    value = 0x10400 | 850; /* in a freezer */
    cr_expect_eq(run_it(1), 0);
    cr_expect_str_eq(said, "-3.9 degrees Celsius\n");
    cr_expect_eq(run_it(2), -EINVAL);
}

Test(thermal, takes_either_bit_for_valid)
{
    static const uint32_t bits[] = {0x10000, 0x00400};
    cr_assert_eq(start(), 0);
    for (unsigned i = 0; i < 2; i++) {
        int32_t millidegrees = 0;
        value = bits[i] | 750;
        cr_expect_eq(temperature_read(&millidegrees), 0);
        cr_expect_eq(millidegrees, 44790);
    }
}

Test(thermal, gives_no_value_that_is_not_valid)
{
    int32_t millidegrees = 1;
    cr_assert_eq(start(), 0);
    value = 0xfffefbff;
    cr_expect_eq(temperature_read(&millidegrees), -EAGAIN);
    cr_expect_eq(millidegrees, 1);
    cr_expect_eq(run_it(1), -EAGAIN);
}

Test(thermal, says_so_when_there_is_no_sensor_and_leaves_the_monitor_alone)
{
    int32_t millidegrees;
    has_sensor = false;
    cr_expect_eq(start(), -ENODEV);
    cr_expect_eq(temperature_read(&millidegrees), -ENODEV);
    cr_expect_eq(run_it(1), -ENODEV);
    cr_expect_str_eq(said, "this machine has no thermal sensor\n");
}

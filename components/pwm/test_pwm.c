/* SPDX-License-Identifier: MIT */
/* The driver against a model of both blocks and their clock. */
#include <criterion/criterion.h>

#define component_self pwm_test_self
#define device_claim_owned pwm_test_device_claim
#define gpio_set_function pwm_test_gpio_set_function
#define mmio_read32 pwm_test_mmio_read32
#define mmio_write32 pwm_test_mmio_write32
#define offer_add_owned pwm_test_offer_add
#define offer_find pwm_test_offer_find
#define time_counter_hz pwm_test_time_counter_hz
#define time_now_ns pwm_test_time_now_ns

#include "pwm.c"

#include "tests/unit/run_line.h"

struct component {
    int unused;
};
struct component component_self;

static char clock_base, bases[2]; /* only their addresses matter */
static uint64_t counter_hz = 54000000, now_ns;
static unsigned claims, accesses;
static uint32_t clock_control = 0x216, clock_divisor; /* it runs, from another source */
static bool is_clock_stuck;
static uint32_t registers[2][10];
static struct pwm_ops channels[4];
static unsigned channel_count;
static struct command_ops command;
static uint64_t functions;
static const char *taken_pin = "";

static unsigned block_of(const volatile void *base)
{
    cr_assert(base == &bases[0] || base == &bases[1]);
    return base == &bases[1];
}

uint32_t mmio_read32(const volatile void *base, size_t offset)
{
    accesses++;
    if (base == &clock_base) {
        cr_assert_eq(offset, CM_PWMCTL);
        return clock_control | (clock_control & CM_ENABLE || is_clock_stuck ? CM_BUSY : 0);
    }
    return registers[block_of(base)][offset / 4];
}

void mmio_write32(volatile void *base, size_t offset, uint32_t value)
{
    accesses++;
    if (base == &clock_base) {
        cr_assert_eq(value >> 24, 0x5au);
        bool is_control = offset == CM_PWMCTL;
        cr_assert(is_control || !(clock_control & CM_ENABLE), "it runs");
        if (is_control && clock_control & CM_ENABLE) {
            cr_assert_eq(value & 0xf, clock_control & 0xf, "its source changes while it runs");
        }
        *(is_control ? &clock_control : &clock_divisor) = value & 0xffffff;
        return;
    }
    cr_assert_lt(offset, sizeof(registers[0]));
    registers[block_of(base)][offset / 4] = value;
}

int device_claim_owned(const char *compatible, struct device *device, struct component *owner)
{
    (void)owner;
    if (!strcmp(compatible, "brcm,bcm2711-cprman")) {
        *device = (struct device){.base = &clock_base};
        return 0;
    }
    cr_assert_str_eq(compatible, "brcm,bcm2835-pwm");
    if (claims == 2) {
        return -ENODEV;
    }
    *device = (struct device){.base = &bases[claims], .base_pa = 0xfe20c000 + claims * 0x800};
    claims++;
    return 0;
}

int gpio_set_function(unsigned pin, unsigned function)
{
    cr_assert_eq(function, PIN_ALT0);
    functions |= (uint64_t)1 << pin;
    return 0;
}

int offer_add_owned(const char *kind, const char *name, const void *table, size_t size,
                    struct component *owner)
{
    (void)owner;
    if (!strcmp(kind, PWM_KIND)) {
        memcpy(&channels[channel_count++], table, size);
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

uint64_t time_counter_hz(void)
{
    return counter_hz;
}

uint64_t time_now_ns(void)
{
    return now_ns += 1000;
}

static int run_line(const char *line)
{
    return run_line_with(&command, line);
}

Test(pwm, offers_four_channels_of_a_clock_of_27_mhz)
{
    cr_assert_eq(start(), 0);
    cr_expect_eq(channel_count, 4u);
    cr_expect_eq(clock_control, 0x11u);
    cr_expect_eq(clock_divisor, 2u << 12);
    cr_expect_eq(functions, 0u, "no pin before it is used");
}

Test(pwm, sends_pulses_on_one_channel_alone)
{
    cr_assert_eq(start(), 0);
    registers[0][0] = 0x8100;
    cr_expect_eq(channels[0].set(channels[0].unit, 20000000, 1500000), 0);
    cr_expect_eq(registers[0][0], 0x8181u);
    cr_expect_eq(registers[0][4], 540000u);
    cr_expect_eq(registers[0][5], 40500u);
    cr_expect_eq(channels[3].set(channels[3].unit, 1000, 1000), 0);
    cr_expect_eq(registers[1][0], 0x8100u);
    cr_expect_eq(registers[1][8], 27u);
    cr_expect_eq(registers[1][9], 27u);
    cr_expect_eq(functions, (uint64_t)1 << 12 | (uint64_t)1 << 41);
    cr_expect_eq(channels[0].stop(channels[0].unit), 0);
    cr_expect_eq(registers[0][0], 0x8100u);
    stop();
    cr_expect_eq(registers[0][0] | registers[1][0], 0u);
}

Test(pwm, refuses_what_cannot_be_made)
{
    cr_assert_eq(start(), 0);
    cr_expect_eq(channels[0].set(0, 999, 0), -EINVAL);
    cr_expect_eq(channels[0].set(0, 1000000001, 0), -EINVAL);
    cr_expect_eq(channels[0].set(0, 1000, 1001), -EINVAL);
    cr_expect_eq(channels[0].set(4, 1000, 1), -EINVAL);
    taken_pin = "12";
    cr_expect_eq(channels[0].set(0, 1000, 1), -EBUSY);
    cr_expect_eq(registers[0][0], 0u);
}

Test(pwm, obeys_its_command)
{
    cr_assert_eq(start(), 0);
    cr_expect_eq(run_line("pwm 0.1 20000000 1500000"), 0);
    cr_expect_eq(registers[0][8], 540000u);
    cr_expect_eq(run_line("pwm"), 0);
    cr_expect_str_eq(said, "pwm0.0: off\npwm0.1: 1500000 ns of 20000000 ns\npwm1.0: off\n"
                           "pwm1.1: off\n");
    cr_expect_eq(run_line("pwm 0.1 off"), 0);
    cr_expect_eq(registers[0][0], 0u);
    cr_expect_eq(run_line("pwm 2.0 1000 1"), -EINVAL);
    cr_expect_eq(run_line("pwm 0.1 x 1"), -EINVAL);
    cr_expect_eq(run_line("pwm 0.1"), -EINVAL);
}

Test(pwm, touches_nothing_where_the_counter_does_not_count_the_crystal)
{
    counter_hz = 62500000;
    cr_expect_eq(start(), -ENODEV);
    cr_expect_eq(accesses, 0u);
    cr_expect_eq(run_line("pwm"), -ENODEV);
    stop();
    cr_expect_eq(accesses, 0u);
}

Test(pwm, does_not_wait_for_ever_for_its_clock)
{
    is_clock_stuck = true;
    cr_expect_eq(start(), -ENODEV);
    cr_expect_lt(now_ns, 100000000u);
}

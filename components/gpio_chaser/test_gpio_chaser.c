/* SPDX-License-Identifier: MIT */
/* The running light against a clock and pins that the test plays. */
#include <criterion/criterion.h>

#define clock_arm gpio_chaser_test_clock_arm
#define clock_cancel gpio_chaser_test_clock_cancel
#define component_self gpio_chaser_test_self
#define gpio_set_function gpio_chaser_test_gpio_set_function
#define gpio_write gpio_chaser_test_gpio_write
#define offer_add_owned gpio_chaser_test_offer_add
#define offer_find gpio_chaser_test_offer_find
#define time_now_ns gpio_chaser_test_time_now_ns

#include "gpio_chaser.c"

struct component {
    int unused;
};
struct component component_self;

static uint64_t now_ns = 5000 * (uint64_t)MS_NS;
static uint64_t armed_ns; /* 0: not armed */
static uint64_t levels, outputs;
static const char *taken_pin = "";
static struct command_ops command;

int clock_arm(struct timer *timer, uint64_t deadline_ns)
{
    cr_assert_not_null(timer->callback);
    armed_ns = deadline_ns;
    return 0;
}

int clock_cancel(struct timer *timer)
{
    (void)timer;
    armed_ns = 0;
    return 0;
}

int gpio_set_function(unsigned pin, unsigned function)
{
    uint64_t bit = (uint64_t)1 << pin;
    outputs = function == PIN_OUTPUT ? outputs | bit : outputs & ~bit;
    return 0;
}

int gpio_write(unsigned pin, uint32_t level)
{
    uint64_t bit = (uint64_t)1 << pin;
    levels = level ? levels | bit : levels & ~bit;
    return 0;
}

int offer_add_owned(const char *kind, const char *name, const void *table, size_t size,
                    struct component *owner)
{
    (void)owner;
    if (!strcmp(kind, COMMAND_KIND)) {
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
    return now_ns;
}

static void fire(void)
{
    cr_assert_neq(armed_ns, 0u);
    now_ns = MAX(now_ns, armed_ns);
    armed_ns = 0;
    state.timer.callback(&state.timer);
}

static void write_nothing(struct command_output *output, const char *text, size_t size)
{
    (void)output;
    (void)text;
    (void)size;
}

Test(gpio_chaser, light_runs_to_the_end_and_back)
{
    static const unsigned pins[] = {6, 16, 26, 27, 26, 16, 6, 5, 6, 16};
    cr_assert_eq(start(), 0);
    for (unsigned i = 0; i < ARRAY_SIZE(pins); i++) {
        uint64_t before_ns = now_ns;
        fire();
        cr_expect_eq(levels, (uint64_t)1 << pins[i], "step %u: %llx", i,
                     (unsigned long long)levels);
        cr_expect_eq(now_ns - before_ns, i == 0 ? 0 : 200 * (uint64_t)MS_NS);
    }
}

Test(gpio_chaser, obeys_its_command)
{
    struct command_output output = {.write = write_nothing};
    char *words[] = {"chaser", "50"};
    cr_assert_eq(start(), 0);
    fire();
    cr_expect_eq(command.run(2, words, &output), 0);
    fire();
    uint64_t before_ns = now_ns;
    fire();
    cr_expect_eq(now_ns - before_ns, 50 * (uint64_t)MS_NS);
    const char *wrong[] = {"", "4", "x", "60001", "99999999999999"};
    for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
        words[1] = (char *)wrong[i];
        cr_expect_eq(command.run(2, words, &output), -EINVAL, "%s", wrong[i]);
    }
    cr_expect_eq(state.step_ms, 50u);
}

Test(gpio_chaser, does_not_start_when_a_pin_is_in_use)
{
    taken_pin = "26";
    cr_expect_eq(start(), -EBUSY);
    cr_expect_eq(armed_ns, 0u);
}

Test(gpio_chaser, leaves_its_pins_as_inputs)
{
    cr_assert_eq(start(), 0);
    fire();
    cr_expect_neq(outputs, 0u);
    stop();
    cr_expect_eq(outputs, 0u);
    cr_expect_eq(levels, 0u);
    tick(&state.timer); /* an interrupt that was under way */
    cr_expect_eq(armed_ns, 0u);
}

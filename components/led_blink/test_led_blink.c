/* SPDX-License-Identifier: MIT */
/* The blinking LED against a clock and a pin that the test plays. */
#include <criterion/criterion.h>

#define clock_arm led_blink_test_clock_arm
#define clock_cancel led_blink_test_clock_cancel
#define component_self led_blink_test_self
#define device_claim_owned led_blink_test_device_claim
#define device_read_u32 led_blink_test_device_read_u32
#define gpio_read led_blink_test_gpio_read
#define gpio_set_function led_blink_test_gpio_set_function
#define gpio_write led_blink_test_gpio_write
#define offer_add_owned led_blink_test_offer_add
#define offer_find led_blink_test_offer_find
#define time_now_ns led_blink_test_time_now_ns

#include "led_blink.c"

#define MS_NS 1000000u

struct component {
    int unused;
};
struct component component_self;

static uint64_t now_ns = 5000 * (uint64_t)MS_NS;
static uint64_t armed_ns; /* 0: not armed */
static uint32_t pin_is_on;
static bool has_claim, has_led = true;
static uint32_t led_flags;
static struct command_ops command;
static char said[256];

int clock_arm(struct timer *timer, uint64_t deadline_ns)
{
    cr_assert_not_null(timer->callback);
    armed_ns = deadline_ns;
    return 0;
}

int clock_cancel(struct timer *timer)
{
    (void)timer;
    int result = armed_ns ? 0 : -ENOENT;
    armed_ns = 0;
    return result;
}

int device_claim_owned(const char *compatible, struct device *device, struct component *owner)
{
    (void)device;
    (void)owner;
    cr_assert_str_eq(compatible, "gpio-leds");
    return 0;
}

int device_read_u32(const struct device *device, const char *property, unsigned index,
                    uint32_t *value)
{
    cr_assert(device == &state.leds && (index == 1 || index == 2));
    cr_assert_str_eq(property, "led-act/gpios");
    *value = index == 1 ? 42 : led_flags;
    return has_led ? 0 : -ENOENT;
}

int gpio_read(unsigned pin)
{
    cr_assert_eq(pin, 42u);
    return (int)pin_is_on;
}

int gpio_set_function(unsigned pin, unsigned function)
{
    cr_assert(pin == 42 && function == PIN_OUTPUT && has_claim);
    return 0;
}

int gpio_write(unsigned pin, uint32_t level)
{
    cr_assert(pin == 42 && has_claim);
    pin_is_on = level;
    return 0;
}

int offer_add_owned(const char *kind, const char *name, const void *table, size_t size,
                    struct component *owner)
{
    (void)owner;
    if (!strcmp(kind, GPIO_CLAIM_KIND)) {
        cr_assert_str_eq(name, "42");
        has_claim = true;
        return 2;
    }
    cr_assert_str_eq(kind, COMMAND_KIND);
    cr_assert_str_eq(name, "led");
    memcpy(&command, table, size);
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
    return now_ns;
}

/* The armed deadline comes, late by some time. */
static void fire(uint64_t late_ns)
{
    cr_assert_neq(armed_ns, 0u);
    now_ns = MAX(now_ns, armed_ns) + late_ns;
    armed_ns = 0;
    state.timer.callback(&state.timer);
}

static void begin(void)
{
    cr_assert_eq(start(), 0);
    fire(0);
}

Test(led_blink, beats_twice_in_a_period)
{
    begin();
    uint64_t start_ns = now_ns;
    static const unsigned edges_ms[] = {0, 125, 250, 375, 1000, 1125, 1250, 1375, 2000};
    for (unsigned i = 0; i < ARRAY_SIZE(edges_ms); i++) {
        cr_expect_eq(now_ns - start_ns, edges_ms[i] * (uint64_t)MS_NS);
        cr_expect_eq(pin_is_on, !(i % 2));
        fire(0);
    }
    cr_expect_eq(state.toggles, ARRAY_SIZE(edges_ms) + 1);
}

Test(led_blink, late_interrupts_make_no_drift)
{
    begin();
    uint64_t start_ns = now_ns;
    for (unsigned i = 0; i < 4000; i++) {
        fire(i % 7 * MS_NS);
    }
    cr_expect_eq(armed_ns - start_ns, 1000 * 1000 * (uint64_t)MS_NS + 125 * MS_NS);
}

Test(led_blink, leaves_out_periods_that_passed_unseen)
{
    begin();
    uint64_t start_ns = now_ns;
    fire(10500 * (uint64_t)MS_NS);
    cr_expect_gt(armed_ns + 1000 * (uint64_t)MS_NS, now_ns);
    cr_expect_eq((armed_ns - start_ns) % (125 * MS_NS), 0u);
    cr_expect_eq(health(), 0);
}

Test(led_blink, goes_on_from_where_an_evenly_blinking_predecessor_was)
{
    begin();
    uint64_t start_ns = now_ns;
    state.eighth = 4; /* lit, and its next edge is the half of the period */
    armed_ns = start_ns + 500 * (uint64_t)MS_NS;
    fire(0);
    cr_expect_eq(pin_is_on, 0u);
    cr_expect_eq(armed_ns, start_ns + 1000 * (uint64_t)MS_NS);
}

Test(led_blink, a_new_period_keeps_the_part_that_has_passed)
{
    begin();
    now_ns += 25 * MS_NS; /* a fifth of the way to the edge at 125 ms */
    cr_expect_eq(led_set_period(4000), 0);
    cr_expect_eq(armed_ns, now_ns + 400 * (uint64_t)MS_NS);
    fire(0);
    cr_expect_eq(armed_ns, now_ns + 500 * (uint64_t)MS_NS);
    cr_expect_eq(led_set_period(20), 0);
    cr_expect_eq(armed_ns, now_ns + 2500000);
}

Test(led_blink, an_interrupt_overtaken_by_a_new_period_changes_nothing)
{
    begin();
    cr_expect_eq(led_set_period(60000), 0);
    uint64_t wanted_ns = armed_ns;
    uint64_t toggles = state.toggles;
    tick(&state.timer);
    cr_expect_eq(state.toggles, toggles);
    cr_expect_eq(armed_ns, wanted_ns);
}

Test(led_blink, refuses_periods_out_of_range)
{
    begin();
    cr_expect_eq(led_set_period(19), -EINVAL);
    cr_expect_eq(led_set_period(60001), -EINVAL);
    cr_expect_eq(state.period_ms, 1000u);
}

static void keep(struct command_output *output, const char *text, size_t size)
{
    (void)output;
    strncat(said, text, size);
}

static int run(int count, const char *a, const char *b)
{
    struct command_output output = {.write = keep};
    char *words[] = {"led", (char *)a, (char *)b};
    said[0] = '\0';
    return command.run(count, words, &output);
}

Test(led_blink, obeys_its_command)
{
    begin();
    cr_expect_eq(run(1, NULL, NULL), 0);
    cr_expect_str_eq(said, "LED: heartbeat, period 1000 ms, now on, 1 changes\n");
    cr_expect_eq(run(3, "period", "250"), 0);
    cr_expect_eq(state.period_ms, 250u);
    cr_expect_eq(run(2, "500", NULL), 0);
    cr_expect_eq(state.period_ms, 500u);
    const char *wrong[] = {"", "x", "19", "60001", "99999999999", "-5", "period"};
    for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
        cr_expect_eq(run(2, wrong[i], NULL), -EINVAL, "%s", wrong[i]);
        cr_expect_eq(run(3, "period", wrong[i]), -EINVAL, "%s", wrong[i]);
    }
    cr_expect_eq(state.period_ms, 500u);
}

Test(led_blink, is_not_healthy_when_its_timer_does_not_come)
{
    begin();
    cr_expect_eq(health(), 0);
    now_ns += STALL_NS + 1000 * (uint64_t)MS_NS;
    cr_expect_eq(health(), -EIO);
}

Test(led_blink, stops_dark_and_stays_so)
{
    begin();
    stop();
    cr_expect_eq(pin_is_on, 0u);
    cr_expect_eq(armed_ns, 0u);
    now_ns += 500 * (uint64_t)MS_NS;
    tick(&state.timer); /* an interrupt that was under way */
    cr_expect_eq(pin_is_on, 0u);
    cr_expect_eq(armed_ns, 0u);
}

Test(led_blink, is_lit_by_a_low_pin_where_the_tree_says_so)
{
    struct led_status status;
    led_flags = 1;
    begin();
    cr_expect_eq(pin_is_on, 0u);
    cr_assert_eq(led_read_status(&status), 0);
    cr_expect_eq(status.is_on, 1u);
    fire(0);
    cr_expect_eq(pin_is_on, 1u);
    stop();
    cr_expect_eq(pin_is_on, 1u);
}

Test(led_blink, stays_idle_without_an_led)
{
    has_led = false;
    cr_expect_eq(start(), -ENODEV);
    cr_expect_eq(armed_ns, 0u);
    now_ns += 10 * STALL_NS;
    cr_expect_eq(health(), 0);
}

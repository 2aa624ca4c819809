/* SPDX-License-Identifier: MIT */
/*
 * Pins in use while their driver is replaced: the LED blinks on, a running light runs on, claims
 * stay and go with their makers. The levels are read from outside.
 */
#include <stdio.h>
#include <string.h>

#include "tests/hotswap/suite.h"

#define LOOKS 20000 /* at pins that change each 5 ms */

TestSuite(gpio, .init = suite_attach, .fini = suite_detach, .timeout = 120);

static uint32_t read_pins(void)
{
    const uint64_t gpio_level_0 = 0xfe200034;
    uint32_t word = 0;
    must(machine_read_memory(&machine, gpio_level_0, &word, &why));
    return word & (1u << 5 | 1u << 6 | 1u << 16 | 1u << 26 | 1u << 27);
}

/* Sees the light go on, a number of times. */
static void see_light_run(unsigned times)
{
    uint32_t last = read_pins();
    for (unsigned i = 0; i < LOOKS && times > 0; i++) {
        uint32_t pins = read_pins();
        times -= pins != last;
        last = pins;
    }
    cr_assert_eq(times, 0u, "the light stands still");
}

Test(gpio, driver_is_replaced_while_led_and_running_light_use_it)
{
    struct client_report report;
    must(machine_push(&machine, PACKAGE("gpio_chaser-1.0.0"), "", NULL, &why));
    (void)suite_run("chaser 5");
    see_light_run(5);
    for (unsigned i = 0; i < 4; i++) {
        must(machine_push(&machine, i % 2 ? PACKAGE("gpio-1.0.0") : PACKAGE("gpio-1.0.0+rebuilt"),
                          "", &report, &why));
        cr_expect_str_eq(report.transfer, "adopted");
        see_light_run(3);
    }
    must(machine_push(&machine, PACKAGE("gpio_chaser-1.0.0+rebuilt"), "", NULL, &why));
    see_light_run(3);
    cr_expect_not_null(strstr(suite_run("gpio 42"), "out"));
    cr_expect_not_null(strstr(suite_run("gpio 42"), "led_blink"));
    must(machine_unload(&machine, "gpio_chaser", NULL, &why));
}

Test(gpio, pins_of_a_component_are_free_when_it_has_left)
{
    char output[512];
    uint64_t before = suite_hash();
    must(machine_push(&machine, PACKAGE("gpio_chaser-1.0.0"), "", NULL, &why));
    cr_expect_lt(machine_run(&machine, "gpio 26 in", output, sizeof(output), &why), 0);
    cr_expect_not_null(strstr(output, "in use"), "says: %s", output);
    must(machine_unload(&machine, "gpio_chaser", NULL, &why));
    cr_expect_not_null(strstr(suite_run("gpio 26 out"), "  26  out"));
    (void)suite_run("gpio 26 high");
    cr_expect_eq(read_pins(), 1u << 26);
    (void)suite_run("gpio 26 low");
    (void)suite_run("gpio 26 in");
    cr_expect_eq(suite_hash(), before);
}

/* SPDX-License-Identifier: MIT */
/*
 * The world after booting: what is there, and that it is alive.
 */
#include <errno.h>
#include <string.h>

#include "tests/hotswap/suite.h"

TestSuite(world, .init = suite_attach, .fini = suite_detach, .timeout = 120);

Test(world, has_what_the_configuration_says)
{
    static const char *const expected[] = {"arch_timer",  "console",   "counter",    "evolve",
                                           "framebuffer", "gic400",    "heap",       "led_blink",
                                           "load",        "mailbox",   "sched_fair", "screen",
                                           "shell",       "uart_mini", "wire",       "world_view"};
    struct machine_world world = suite_world();
    for (unsigned i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        cr_expect_not_null(machine_find(&world, expected[i]), "%s is missing", expected[i]);
    }
    cr_expect_null(machine_find(&world, "sched_rr"), "it stays on the card");
    cr_expect_eq(world.cpus, 4);
    cr_expect_gt(world.pages_free, world.pages / 2);
}

Test(world, says_who_is_bound_to_whom)
{
    const char *said = suite_run("world load");
    cr_assert_not_null(strstr(said, "  provides load 1.0, 3 methods\n"), "%s", said);
    cr_assert_not_null(strstr(said, "  needs counter 1.0, 2 methods, from counter\n"), "%s", said);
    cr_assert_not_null(strstr(said, ", from nucleus\n"), "%s", said);
}

Test(world, knows_the_packages_on_the_card)
{
    cr_assert_not_null(strstr(suite_run("packages"), "sched_rr"));
}

Test(world, has_a_hash_that_stays_while_nothing_changes)
{
    uint64_t hash = suite_hash();
    suite_run("help");
    suite_run("led");
    cr_assert_eq(suite_hash(), hash);
}

Test(world, says_so_when_there_is_no_such_command)
{
    char output[512];
    cr_assert_eq(machine_run(&machine, "fly me", output, sizeof(output), &why), -EREMOTEIO);
    cr_assert_not_null(strstr(output, "fly: no such command"), "%s", output);
}

Test(world, talks_to_a_person_at_the_console)
{
    machine_type(&machine, "\n");
    must(machine_expect(&machine, MACHINE_PROMPT, 20000, &why));
    machine_type(&machine, "echo seven seals\n");
    must(machine_expect(&machine, "\nseven seals", 20000, &why));
    must(machine_expect(&machine, MACHINE_PROMPT, 20000, &why));
}

Test(world, blinks)
{
    unsigned changes = 0;
    int last = machine_read_led(&machine, &why);
    suite_run("led period 100");
    for (unsigned i = 0; i < 100000 && changes < 6; i++) {
        int now = machine_read_led(&machine, &why);
        must(now);
        changes += now != last;
        last = now;
    }
    suite_run("led period 1000");
    cr_assert_geq(changes, 6);
}

/* SPDX-License-Identifier: MIT */
/*
 * Replacing what there is: each component by another build of itself, older by newer, one
 * implementation by another; state, text and memory stay.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/harness/chatter.h"
#include "tests/hotswap/suite.h"

TestSuite(swap, .init = suite_attach, .fini = suite_detach, .timeout = 240);

/* By another build, and back. */
static void rebuild(const char *name)
{
    char package[128];
    struct client_report report;
    struct machine_world world = suite_world();
    const struct machine_component *component = machine_find(&world, name);
    cr_assert_not_null(component, "%s is not in the world", name);
    uint32_t build = component->build, swaps = component->swaps;
    suite_package(name, "+rebuilt", package, sizeof(package));
    must(machine_push(&machine, package, "", &report, &why));
    cr_assert_str_eq(report.transfer, component->state_bytes ? "adopted" : "stateless");
    cr_assert_eq(report.state_bytes, component->state_bytes);
    world = suite_world();
    component = machine_find(&world, name);
    cr_assert_neq(component->build, build);
    cr_assert_eq(component->swaps, swaps + 1);
    suite_package(name, "", package, sizeof(package));
    must(machine_push(&machine, package, "", NULL, &why));
    world = suite_world();
    cr_assert_eq(machine_find(&world, name)->build, build);
}

Test(swap, heap_by_another_build)
{
    rebuild("heap");
}

Test(swap, timer_by_another_build)
{
    uint64_t before = suite_world().uptime_ns;
    rebuild("arch_timer");
    cr_assert_gt(suite_world().uptime_ns, before);
}

Test(swap, interrupt_controller_by_another_build)
{
    rebuild("gic400");
}

Test(swap, uart_by_another_build)
{
    rebuild("uart_mini");
}

Test(swap, console_by_another_build)
{
    rebuild("console");
}

Test(swap, shell_by_another_build)
{
    rebuild("shell");
}

Test(swap, wire_by_another_build_in_the_middle_of_its_session)
{
    uint32_t session = machine.client.wire.session;
    rebuild("wire");
    cr_assert_eq(machine.client.wire.session, session);
    cr_assert_eq(machine.client.wire.state, WIRE_OPEN);
}

Test(swap, scheduler_by_another_and_back)
{
    struct client_report report;
    must(machine_swap(&machine, "sched_fair", "sched_rr", &report, &why));
    cr_assert_str_eq(report.transfer, "handed over");
    cr_assert_eq(suite_version("sched_fair"), 0);
    cr_assert_neq(suite_version("sched_rr"), 0);
    cr_assert_not_null(strstr(suite_run("echo it runs"), "it runs"));
    must(machine_push(&machine, PACKAGE("sched_fair-1.0.0"), "sched_rr", &report, &why));
    cr_assert_eq(suite_version("sched_rr"), 0);
    cr_assert_not_null(strstr(suite_run("echo it runs"), "it runs"));
}

Test(swap, led_driver_by_an_older_one_keeps_the_period)
{
    struct client_report report;
    suite_run("led period 1234");
    must(machine_push(&machine, PACKAGE("led_blink-1.1.0"), "", &report, &why));
    cr_assert_eq(report.old_version, 1u << 24 | 2u << 12);
    cr_assert_eq(report.new_version, 1u << 24 | 1u << 12);
    cr_assert_not_null(strstr(suite_run("led"), "period 1234 ms"));
    must(machine_push(&machine, PACKAGE("led_blink-1.2.0"), "", &report, &why));
    cr_assert_not_null(strstr(suite_run("led"), "period 1234 ms"));
    suite_run("led period 1000");
}

static unsigned long long counted(void)
{
    return strtoull(suite_run("counter"), NULL, 10);
}

Test(swap, counter_keeps_its_count)
{
    unsigned long long before = counted();
    must(machine_push(&machine, PACKAGE("counter-1.0.0"), "", NULL, &why));
    cr_assert_eq(counted(), before);
    cr_assert_not_null(strstr(suite_run("counter"), "1.0"));
    must(machine_push(&machine, PACKAGE("counter-1.1.0"), "", NULL, &why));
    cr_assert_eq(counted(), before);
}

Test(swap, loads_and_unloads_to_the_byte)
{
    must(machine_push(&machine, PACKAGE("chatter-1.0.0"), "", NULL, &why));
    must(machine_unload(&machine, "chatter", NULL, &why));
    struct machine_world before = suite_world();
    for (unsigned i = 0; i < 5; i++) {
        must(machine_load(&machine, "chatter", NULL, &why));
        cr_assert_neq(suite_version("chatter"), 0);
        must(machine_unload(&machine, "chatter", NULL, &why));
        cr_assert_eq(suite_version("chatter"), 0);
    }
    struct machine_world after = suite_world();
    cr_assert_eq(after.pages_free, before.pages_free);
    cr_assert_eq(after.arena_free_bytes, before.arena_free_bytes);
    cr_assert_eq(after.gates_free, before.gates_free);
    cr_assert_eq(after.heap_bytes, before.heap_bytes);
    cr_assert_eq(after.threads, before.threads);
}

Test(swap, leaves_no_byte_behind_after_fifty)
{
    must(machine_push(&machine, PACKAGE("counter-1.0.0"), "", NULL, &why));
    must(machine_push(&machine, PACKAGE("counter-1.1.0"), "", NULL, &why));
    struct machine_world before = suite_world();
    for (unsigned i = 0; i < 50; i++) {
        must(machine_swap(&machine, "counter", i % 2 ? "counter-1.1.0" : "counter-1.0.0", NULL,
                          &why));
    }
    struct machine_world after = suite_world();
    cr_assert_eq(after.pages_free, before.pages_free);
    cr_assert_eq(after.arena_free_bytes, before.arena_free_bytes);
    cr_assert_eq(after.gates_free, before.gates_free);
    cr_assert_eq(after.transactions, before.transactions + 50);
}

static struct chatter chatter;

static void hear(void *context, const void *bytes, size_t size)
{
    (void)context;
    chatter_hear(&chatter, bytes, size);
}

Test(swap, uart_under_text_loses_no_byte)
{
    must(machine_push(&machine, PACKAGE("chatter-1.0.0"), "", NULL, &why));
    machine.on_text = hear;
    chatter_expect(&chatter);
    suite_run("chatter 100000");
    for (unsigned i = 0; i < 2; i++) {
        must(machine_push(&machine, PACKAGE("uart_mini-1.0.0+rebuilt"), "", NULL, &why));
        must(machine_push(&machine, PACKAGE("uart_mini-1.0.0"), "", NULL, &why));
    }
    suite_run("chatter stop");
    must(chatter_settle(&machine, &chatter, &why));
    cr_assert_gt(chatter.lines, 10);
    must(machine_unload(&machine, "chatter", NULL, &why));
}

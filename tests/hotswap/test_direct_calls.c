/* SPDX-License-Identifier: MIT */
/*
 * CONFIG_GATE_DIRECT, in a machine of its own whose nucleus has it: calls lead past their gates,
 * and yet none is lost or comes to the wrong version. (The bench tells that they cost nothing more;
 * `make test-direct` runs the engine's other tests with it.)
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/harness/direct.h"
#include "tests/hotswap/calls.h"
#include "tests/hotswap/suite.h"

#define ROUNDS 10

static void begin(void)
{
    must(direct_start(
        &machine, &(struct direct){.name = "direct", .image = "build/as/direct/build/boot/Image"},
        &why));
    suite_run("drive start");
}

TestSuite(direct_calls, .init = begin, .fini = suite_detach, .timeout = 200);

static unsigned long long check_calls(void)
{
    struct calls calls = calls_stop();
    cr_assert_gt(calls.made, 0);
    cr_assert_eq(calls.failed, 0);
    cr_assert_eq(calls.answered, calls.made);
    cr_assert_eq(calls.counted, calls.made);
    return calls.made;
}

Test(direct_calls, are_not_lost_when_what_is_called_is_replaced)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        machine.client.options.probation_ms = i % 2 ? CLIENT_NO_PROBATION : 20;
        must(machine_push(&machine, PACKAGE("counter-1.1.0+rebuilt"), "", NULL, &why));
        must(machine_push(&machine, PACKAGE("counter-1.1.0"), "", NULL, &why));
    }
    (void)check_calls();
}

Test(direct_calls, are_not_lost_when_who_calls_is_replaced)
{
    machine.client.options.probation_ms = CLIENT_NO_PROBATION;
    for (unsigned i = 0; i < ROUNDS; i++) {
        must(machine_push(&machine, PACKAGE("load-1.0.0"), "", NULL, &why));
        must(machine_push(&machine, PACKAGE("heap-1.0.0+rebuilt"), "", NULL, &why));
        must(machine_push(&machine, PACKAGE("heap-1.0.0"), "", NULL, &why));
    }
    (void)check_calls();
}

Test(direct_calls, come_back_from_a_version_that_faults)
{
    struct client_report report;
    machine.client.options.probation_ms = 60000;
    cr_assert_lt(machine_push(&machine, PACKAGE("counter-1.9.0+late"), "", &report, &why), 0);
    cr_assert_str_eq(report.phase, "taken back", "%s", why.text);
    (void)check_calls();
}

/* While they are traced they go through their gates, every one. */
Test(direct_calls, can_be_traced)
{
    unsigned long long calls = 0;
    (void)check_calls();
    for (unsigned i = 0; i < ROUNDS; i++) { /* from one way to the other under load */
        suite_run("drive start");
        suite_run("trace on counter counter_increment");
        suite_run("trace off");
        (void)check_calls();
    }
    suite_run("trace on counter counter_increment");
    suite_run("drive start");
    unsigned long long made = check_calls();
    const char *at = strstr(suite_run("trace stats"), "counter_increment ");
    cr_assert_not_null(at);
    cr_assert_eq(sscanf(at, "counter_increment %*s %llu", &calls), 1);
    cr_assert_eq(calls, made);
}

/* Scheduler, heap, interrupt controller and timer, which everything calls. */
Test(direct_calls, of_the_vital_parts_follow_them)
{
    must(machine_push(&machine, PACKAGE("sched_rr-1.0.0"), "sched_fair", NULL, &why));
    must(machine_push(&machine, PACKAGE("heap_first_fit-1.0.0"), "heap", NULL, &why));
    must(machine_push(&machine, PACKAGE("gic400-1.0.0+rebuilt"), "", NULL, &why));
    must(machine_push(&machine, PACKAGE("arch_timer-1.0.0+rebuilt"), "", NULL, &why));
    must(machine_push(&machine, PACKAGE("evolve-1.0.0+rebuilt"), "", NULL, &why));
    must(machine_push(&machine, PACKAGE("sched_fair-1.0.0"), "sched_rr", NULL, &why));
    machine.client.options.probation_ms = 60000;
    cr_assert_eq(machine_push(&machine, PACKAGE("gic400-1.0.0+acknowledge"), "", NULL, &why),
                 -EREMOTEIO);
    cr_assert_not_null(strstr(why.text, "was taken back: data abort at "), "%s", why.text);
    (void)check_calls();
}

/* Addresses are no branches, and go on leading through gates. */
Test(direct_calls, leave_kept_addresses_as_they_are)
{
    must(machine_push(&machine, PACKAGE("keeper-1.1.0"), "", NULL, &why));
    suite_run("keeper ask");
    suite_until("keeper", "state 1 heap 1 timer 1 interrupt 1 worker 1 table 1");
    must(machine_push(&machine, PACKAGE("keeper-1.2.0"), "", NULL, &why));
    suite_run("keeper ask");
    suite_until("keeper", "state 2 heap 2 timer 2 interrupt 2 worker 2 table 2");
    (void)check_calls();
}

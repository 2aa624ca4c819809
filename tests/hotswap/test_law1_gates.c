/* SPDX-License-Identifier: MIT */
/*
 * Law 1: every way in is a gate. Addresses of functions that are kept anywhere go on working after
 * a swap, and reach the new code. The same without gates, as a baseline: there they do not.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/hotswap/suite.h"

#define PLACES 6

TestSuite(law1_gates, .init = suite_attach, .fini = suite_detach, .timeout = 120);

static void load(const char *package)
{
    must(machine_push(&machine, package, "", NULL, &why));
}

/* Which version answers from each place; the later ones are waited for. */
static void ask(unsigned answers[PLACES])
{
    const char *text = "";
    suite_run("keeper ask");
    for (unsigned i = 0; i < 1000; i++) {
        text = suite_run("keeper");
        int found =
            sscanf(text, "state %u heap %u timer %u interrupt %u worker %u table %u", &answers[0],
                   &answers[1], &answers[2], &answers[3], &answers[4], &answers[5]);
        cr_assert_eq(found, PLACES, "keeper says: %s", text);
        if (answers[2] && answers[3] && answers[4]) {
            return;
        }
    }
    cr_assert_fail("somebody does not answer: %s", text);
}

/* The one check, of both ways to link: how many of the kept pointers reach the new version. */
static unsigned count_right(unsigned version)
{
    unsigned answers[PLACES], right = 0;
    ask(answers);
    for (unsigned i = 0; i < PLACES; i++) {
        right += answers[i] == version;
    }
    return right;
}

Test(law1_gates, pointers_in_state_heap_timer_interrupt_worker_and_table_reach_the_new_version)
{
    load(PACKAGE("keeper-1.1.0"));
    cr_assert_eq(count_right(1), PLACES);
    load(PACKAGE("keeper-1.2.0"));
    cr_assert_eq(count_right(2), PLACES);
    load(PACKAGE("keeper-1.1.0"));
    cr_assert_eq(count_right(1), PLACES);
    must(machine_unload(&machine, "keeper", NULL, &why));
}

Test(law1_gates, baseline_without_gates_fails_the_same_check)
{
    machine.client.options.is_plain = 1;
    load(PACKAGE("keeper-1.1.0"));
    cr_assert_eq(count_right(1), PLACES);
    load(PACKAGE("keeper-1.2.0"));
    cr_assert_lt(count_right(2), PLACES, "relocating alone would do");
    cr_assert_not_null(strstr(suite_run("world"), "in limbo: keeper"), "the old code was freed");
    must(machine_unload(&machine, "keeper", NULL, &why));
}

Test(law1_gates, a_pointer_on_another_component_s_stack_reaches_the_new_version)
{
    struct client_call call = {0};
    load(PACKAGE("keeper-1.1.0"));
    load(PACKAGE("borrower-1.0.0"));
    machine_type(&machine, "\x15\nborrow 3000\n"); /* it is under way while we push */
    client_begin(&machine.client, &call, "hello");
    must(client_call(&machine.client, &call, 10000, &why));
    load(PACKAGE("keeper-1.2.0"));
    must(machine_expect(&machine, "1: ", 60000, &why));
    must(machine_expect(&machine, "other: 0", 60000, &why));
    const char *said = machine.text + machine.expected;
    unsigned first = 0, second = 0;
    while (said > machine.text && strncmp(said, "1: ", 3) != 0) {
        said--;
    }
    cr_assert_eq(sscanf(said, "1: %u 2: %u", &first, &second), 2, "borrow says: %s", said);
    cr_assert_gt(first, 0, "%s", said);
    cr_assert_gt(second, 0, "%s", said);
    must(machine_unload(&machine, "borrower", NULL, &why));
    must(machine_unload(&machine, "keeper", NULL, &why));
}

Test(law1_gates, a_version_without_a_match_for_a_gate_in_use_is_refused)
{
    load(PACKAGE("keeper-1.1.0"));
    uint64_t before = suite_hash();
    must_refuse(machine_push(&machine, PACKAGE("keeper-1.3.0"), "", NULL, &why),
                "keeper has no function answer of the same type, whose address the state of "
                "keeper holds");
    cr_assert_eq(suite_hash(), before);
    must(machine_unload(&machine, "keeper", NULL, &why));
}

Test(law1_gates, an_address_of_what_was_taken_back_keeps_its_gate)
{
    load(PACKAGE("keeper-1.1.0"));
    struct machine_world before = suite_world();
    must_refuse(machine_push(&machine, PACKAGE("keeper-1.4.0"), "", NULL, &why),
                "keeper was taken back: keeper is not well: error -5");
    const char *said = suite_run("world");
    cr_assert_not_null(strstr(said, "in limbo: keeper, build "), "%s", said);
    cr_assert_not_null(strstr(said, "the state of keeper refers to it"), "%s", said);
    said = suite_run("keeper");
    cr_assert_str_eq(said, "state -88 heap 1 timer 0 interrupt 0 worker 0 table 1\n");
    suite_run("keeper ask"); /* it forgets it */
    cr_assert_eq(suite_world().gates_free, before.gates_free);
    must(machine_unload(&machine, "keeper", NULL, &why));
}

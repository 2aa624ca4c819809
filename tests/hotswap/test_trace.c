/* SPDX-License-Identifier: MIT */
/*
 * Tracing: each call of a traced gate is seen, through replacements of what is called and of what
 * records; and nothing is left of it afterwards.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/harness/trace_rules.h"
#include "tests/hotswap/calls.h"
#include "tests/hotswap/suite.h"
#include "tools/nr/trace.h"

#define FILE_NAME "build/tests/trace.json"
#define METHOD "counter_increment"
#define KEPT_SWAPS 32
#define LOST_SWAPS 4

static void begin(void)
{
    suite_attach();
    suite_run("trace clear");
}

static void end(void)
{
    suite_run("drive stop");
    suite_run("trace off");
    suite_detach();
}

TestSuite(trace, .init = begin, .fini = end, .timeout = 120);

/* How many calls of METHOD the statistics tell of. */
static unsigned long long counted(void)
{
    char line[200];
    unsigned long long calls = 0;
    const char *at = strstr(suite_run("trace stats"), METHOD " ");
    if (at) {
        snprintf(line, sizeof(line), "%.*s", (int)strcspn(at, "\n"), at);
        cr_assert_eq(sscanf(line, METHOD " %*s %llu", &calls), 1, "%s", line);
    }
    return calls;
}

/* All calls were answered, and each was recorded. */
static void check_calls(unsigned long long cut_off)
{
    struct calls calls = calls_stop();
    cr_assert_gt(calls.made, 0);
    cr_assert_eq(calls.answered, calls.made);
    cr_assert_eq(calls.counted, calls.made);
    cr_assert_eq(counted(), calls.made + cut_off);
}

Test(trace, sees_each_call_and_leaves_nothing_behind)
{
    uint64_t before = suite_hash();
    suite_says("trace on counter " METHOD, " gates are traced");
    suite_run("drive start");
    suite_until("trace stats", METHOD);
    check_calls(0);
    suite_says("trace show 50", "load -> counter  " METHOD);
    suite_says("trace off", "nothing is traced");
    unsigned long long calls = counted();
    suite_run("drive start");
    (void)calls_stop();
    cr_assert_eq(counted(), calls, "an untraced call was recorded");
    cr_assert_eq(suite_hash(), before);
}

Test(trace, sees_each_call_while_what_is_called_is_replaced)
{
    suite_run("trace on counter " METHOD);
    suite_run("drive start");
    for (unsigned i = 0; i < 5; i++) {
        must(machine_push(&machine, PACKAGE("counter-1.1.0+rebuilt"), "", NULL, &why));
        must(machine_push(&machine, PACKAGE("counter-1.1.0"), "", NULL, &why));
    }
    check_calls(0);
}

Test(trace, sees_each_call_while_the_recorder_is_replaced)
{
    suite_run("trace on all");
    suite_run("drive start gently");
    for (unsigned i = 0; i < 5; i++) {
        must(machine_push(&machine, PACKAGE("trace-1.0.0+rebuilt"), "", NULL, &why));
        must(machine_push(&machine, PACKAGE("trace-1.0.0"), "", NULL, &why));
    }
    check_calls(0);
}

/* What was cut off and made again is a call in a call. */
Test(trace, goes_on_when_a_traced_version_is_taken_back)
{
    struct client_report report;
    machine.client.options.probation_ms = 60000;
    suite_run("trace on all");
    suite_run("drive start");
    cr_assert_eq(machine_push(&machine, PACKAGE("counter-1.9.0+late"), "", &report, &why),
                 -EREMOTEIO);
    cr_assert_str_eq(report.phase, "taken back", "%s", why.text);
    struct calls calls = calls_stop();
    cr_assert_eq(calls.answered, calls.made);
    cr_assert_eq(calls.counted, calls.made);
    cr_assert_geq(counted(), calls.made);
}

Test(trace, follows_the_world)
{
    must(machine_push(&machine, PACKAGE("ramdisk-1.0.0"), "", NULL, &why));
    suite_run("trace on ramdisk");
    must(machine_unload(&machine, "ramdisk", NULL, &why));
    must(machine_push(&machine, PACKAGE("ramdisk-1.0.0"), "", NULL, &why));
    suite_until("trace stats", "ramdisk");
    suite_says("trace list swaps 0", " unload 0 settled ");
    must(machine_unload(&machine, "ramdisk", NULL, &why));
}

/* In one stream, by time; picks and interrupts only when all is asked for. */
Test(trace, shows_swaps_among_the_calls)
{
    suite_run("trace on counter");
    suite_run("drive show");
    must(machine_push(&machine, PACKAGE("counter-1.1.0+rebuilt"), "", NULL, &why));
    must(machine_push(&machine, PACKAGE("counter-1.1.0"), "", NULL, &why));
    suite_run("drive show");
    char *said = strdup(suite_run("trace show 4"));
    const char *first = strstr(said, "counter_read");
    const char *swap = first ? strstr(first, "  counter -> counter  ") : NULL;
    const char *second = swap ? strstr(swap + 1, "  counter -> counter  ") : NULL;
    cr_assert(second && strstr(second, "us: settled\n") && strstr(second, "counter_read"), "%s",
              said);
    cr_expect_null(strstr(said, "scheduler_pick"), "%s", said);
    free(said);
    cr_expect_null(strstr(suite_run("trace show 64"), "irqchip_"));
    suite_until("trace show all 64", "scheduler_pick");
    suite_until("trace show all 64", "irqchip_acknowledge");
    suite_fails("trace show some", "usage: trace ");
    suite_fails("trace show 4 all", "usage: trace ");
}

/* The board keeps 32 of them. */
Test(trace, tells_how_many_swaps_it_does_not_keep)
{
    struct trace trace = {0};
    struct trace_board board = trace_board_of(&machine.client);
    char lost[40];
    machine.client.options.probation_ms = CLIENT_NO_PROBATION;
    for (unsigned i = 0; i < (KEPT_SWAPS + LOST_SWAPS) / 2; i++) {
        must(machine_load(&machine, "ramdisk", NULL, &why));
        must(machine_unload(&machine, "ramdisk", NULL, &why));
    }
    must(trace_fetch(&trace, &board, &why));
    cr_expect_eq(trace.swap_count, KEPT_SWAPS);
    cr_expect_eq(trace.swaps_lost, LOST_SWAPS);
    must(trace_save(&trace, FILE_NAME, &why));
    snprintf(lost, sizeof(lost), "\"lost_swaps\":%u,", LOST_SWAPS);
    suite_sh("grep -q '%s' " FILE_NAME, lost);
    trace_free(&trace);
    suite_run("trace clear");
    suite_says("trace list swaps 0", "lost-swaps 0\nend\n");
}

Test(trace, refuses_what_is_not_there)
{
    suite_fails("trace on nobody", "there is no component of nobody in the world");
    suite_fails("trace on counter nothing", "there is no nothing of counter in the world");
    suite_fails("trace list nonsense 0", "usage: trace ");
    suite_fails("trace list calls 4 0", "usage: trace ");
    suite_says("trace list calls 3 0", "lost ");
    suite_says("trace", "nothing is traced");
}

/* Interrupt controller, scheduler, heap and clock work as before while each of their calls is told.
 */
Test(trace, of_all_is_survived_by_the_vital_parts)
{
    suite_says("trace on all", " gates are traced");
    suite_run("drive start gently");
    must(machine_push(&machine, PACKAGE("sched_rr-1.0.0"), "sched_fair", NULL, &why));
    must(machine_push(&machine, PACKAGE("heap_first_fit-1.0.0"), "heap", NULL, &why));
    must(machine_push(&machine, PACKAGE("gic400-1.0.0+rebuilt"), "", NULL, &why));
    must(machine_push(&machine, PACKAGE("arch_timer-1.0.0+rebuilt"), "", NULL, &why));
    must(machine_push(&machine, PACKAGE("sched_fair-1.0.0"), "sched_rr", NULL, &why));
    must(machine_push(&machine, PACKAGE("heap-1.0.0"), "heap_first_fit", NULL, &why));
    must(machine_push(&machine, PACKAGE("gic400-1.0.0"), "", NULL, &why));
    must(machine_push(&machine, PACKAGE("arch_timer-1.0.0"), "", NULL, &why));
    check_calls(0);
}

/* From where nobody may wait, with others in the middle of traced calls. */
Test(trace, of_all_is_no_obstacle_to_taking_back_a_vital_part)
{
    static const char *const packages[] = {PACKAGE("sched_fair-1.0.0+pick"),
                                           PACKAGE("gic400-1.0.0+acknowledge"),
                                           PACKAGE("arch_timer-1.0.0+arm")};
    machine.client.options.probation_ms = 60000;
    suite_run("trace on all");
    suite_run("drive start gently");
    for (unsigned i = 0; i < sizeof(packages) / sizeof(packages[0]); i++) {
        struct client_report report;
        cr_assert_eq(machine_push(&machine, packages[i], "", &report, &why), -EREMOTEIO);
        cr_assert_str_eq(report.phase, "taken back", "%s: %s", packages[i], why.text);
    }
    check_calls(0);
}

/* It neither waits for the end of a probation nor stands in the way of who ends it. */
Test(trace, is_switched_while_something_is_on_probation)
{
    struct client_call swap = {0}, revert = {0};
    must(machine_push(&machine, PACKAGE("counter-1.0.0"), "", NULL, &why));
    must(machine_push(&machine, PACKAGE("counter-1.1.0"), "", NULL, &why));
    suite_run("trace on counter");
    machine.client.options.probation_ms = 60000;
    client_begin(&machine.client, &swap, "swap");
    message_put_string(&swap.writer, "old", "counter");
    message_put_string(&swap.writer, "package", "counter-1.0.0");
    must(client_send(&machine.client, &swap, &why)); /* its answer ends with its probation */
    while (suite_version("counter") != 1u << 24) {
    }
    suite_says("trace on load", " gates are traced");
    suite_run("drive start");
    client_begin(&machine.client, &revert, "revert");
    message_put_string(&revert.writer, "name", "counter");
    must(client_call(&machine.client, &revert, MACHINE_ANSWER_MS, &why));
    must(client_wait(&machine.client, &swap, MACHINE_ANSWER_MS, &why));
    cr_assert_str_eq(swap.report.phase, "taken back");
    check_calls(0);
}

Test(trace, can_be_unloaded_while_it_records)
{
    suite_run("trace on all");
    must(machine_unload(&machine, "trace", NULL, &why));
    suite_run("drive start");
    struct calls calls = calls_stop();
    cr_assert_eq(calls.answered, calls.made);
    must(machine_push(&machine, PACKAGE("trace-1.0.0"), "", NULL, &why));
    suite_says("trace", "nothing is traced"); /* no gate any more, whoever had asked for it */
}

/* The file that nr makes keeps to the format's rules, and has all that took place. */
Test(trace, is_fetched_as_a_file_for_perfetto)
{
    struct trace trace = {0};
    struct trace_rules rules;
    struct trace_board board = trace_board_of(&machine.client);
    size_t size;
    suite_run("trace on counter");
    suite_run("drive start gently");
    must(machine_push(&machine, PACKAGE("counter-1.1.0+rebuilt"), "", NULL, &why));
    must(machine_push(&machine, PACKAGE("counter-1.1.0"), "", NULL, &why));
    (void)calls_stop();
    must(machine_push(&machine, PACKAGE("ramdisk-1.0.0"), "", NULL, &why));
    must(machine_unload(&machine, "ramdisk", NULL, &why)); /* without a probation */
    suite_fails("trace list calls 0 0", "trace off, and they can be listed");
    suite_run("trace off");
    must(trace_fetch(&trace, &board, &why));
    must(trace_save(&trace, FILE_NAME, &why));
    cr_expect_eq(trace.cut, 0, "%u slices do not lie in the one around them", trace.cut);
    char *json = client_read_file(FILE_NAME, &size, &why);
    cr_assert_not_null(json, "%s", why.text);
    must(trace_rules_check(json, size, &rules, &why));
    cr_expect_gt(rules.calls, 100);
    cr_expect_gt(rules.flows, 100, "the load calls the counter");
    cr_expect_eq(rules.swaps, 4);
    cr_expect_geq(rules.phases, 4 * 4, "stage, drain, blackout and start, at least");
    cr_expect_null(strstr(strstr(json, "\"unload ramdisk"), "probation"), "it has none");
    cr_expect_gt(rules.running, 10);
    cr_expect_gt(rules.interrupts, 10);
    trace_free(&trace);
    free(json);
}

/* SPDX-License-Identifier: MIT */
/*
 * Law 5, after the commit: a new version that turns out bad goes by itself, with the state as it
 * then is, and no call of it is lost.
 */
#include <errno.h>
#include <string.h>

#include "tests/hotswap/calls.h"
#include "tests/hotswap/suite.h"

#define IMPOSTOR(variant) PACKAGE("counter-1.9.0" variant)
#define LONG_MS 60000

static void begin(void)
{
    suite_attach();
    machine.client.options.probation_ms = LONG_MS;
}

TestSuite(law5_probation, .init = begin, .fini = suite_detach, .timeout = 120);

/* All calls that were made were answered and counted, once. */
static void check_calls(void)
{
    struct calls calls = calls_stop();
    cr_assert_gt(calls.made, 0);
    cr_assert_eq(calls.failed, 0);
    cr_assert_eq(calls.answered, calls.made, "%llu of %llu", calls.answered, calls.made);
    cr_assert_eq(calls.counted, calls.made, "%llu of %llu", calls.counted, calls.made);
}

/* The impostor comes while all CPUs call the counter; it goes, for the reason in `words`. */
static void is_taken_back(const char *package, const char *words)
{
    struct client_report report;
    suite_run("drive start");
    uint64_t before = suite_hash();
    unsigned long long made = calls_read("running").made;
    int result = machine_push(&machine, package, "", &report, &why);
    cr_assert_eq(result, -EREMOTEIO, "it stayed");
    cr_assert_str_eq(report.phase, "taken back", "%s", why.text);
    cr_assert_not_null(strstr(why.text, "was taken back: "), "says: %s", why.text);
    cr_assert_not_null(strstr(why.text, words), "says: %s", why.text);
    cr_assert_eq(suite_hash(), before, "the world is not as it was");
    cr_assert_gt(calls_read("running").made, made, "the load stands still");
    check_calls();
}

Test(law5_probation, takes_back_a_version_that_faults)
{
    is_taken_back(IMPOSTOR("+faults"), "data abort at counter: read_nowhere");
}

Test(law5_probation, takes_back_a_version_that_faults_with_its_lock_held)
{
    is_taken_back(IMPOSTOR("+locked"), "data abort at counter: read_nowhere");
}

Test(law5_probation, takes_back_a_version_that_faults_after_many_calls)
{
    is_taken_back(IMPOSTOR("+late"), "data abort at counter: read_nowhere");
}

Test(law5_probation, takes_back_a_version_that_overruns_its_stack)
{
    is_taken_back(IMPOSTOR("+overruns"), "stack overflow at counter: call_again");
}

Test(law5_probation, takes_back_a_version_that_does_not_return)
{
    is_taken_back(IMPOSTOR("+hangs"), "a call that does not end at counter: ");
}

Test(law5_probation, takes_back_a_version_that_is_not_well)
{
    is_taken_back(IMPOSTOR("+unwell"), "counter is not well: error -5");
}

/* What the nucleus itself calls where nobody may sleep: mended on the spot. */
static void is_mended(const char *package)
{
    is_taken_back(package, "data abort at ");
}

Test(law5_probation, takes_back_a_newcomer_that_faults_when_it_starts)
{
    struct machine_world before = suite_world();
    must_refuse(machine_push(&machine, PACKAGE("broken-1.0.0"), "", NULL, &why),
                "broken did not start: error -14");
    cr_assert_eq(suite_hash(), before.hash, "the world is not as it was");
}

Test(law5_probation, takes_back_a_scheduler_that_faults)
{
    is_mended(PACKAGE("sched_fair-1.0.0+pick"));
}

/* The load's threads are picked all the time: with one that is lost it would not stop. */
Test(law5_probation, loses_no_thread_that_was_being_picked)
{
    for (unsigned i = 0; i < 5; i++) {
        is_mended(PACKAGE("sched_fair-1.0.0+picked"));
    }
}

Test(law5_probation, takes_back_a_timer_that_faults)
{
    is_mended(PACKAGE("arch_timer-1.0.0+arm"));
}

Test(law5_probation, takes_back_an_interrupt_controller_that_faults)
{
    is_mended(PACKAGE("gic400-1.0.0+acknowledge"));
}

/* Asks for a swap that ends with a long probation, and waits for that to begin. */
static void put_on_probation(struct client_call *swap, const char *old, const char *package)
{
    machine.client.options.probation_ms = LONG_MS;
    client_begin(&machine.client, swap, "swap");
    message_put_string(&swap->writer, "old", old);
    message_put_string(&swap->writer, "package", package);
    must(client_send(&machine.client, swap, &why));
    while (strcmp(swap->report.phase, "on probation") != 0) {
        must(client_pump(&machine.client, 1000));
    }
}

Test(law5_probation, takes_back_a_heap_that_faults)
{
    struct client_call swap = {0};
    machine.client.options.probation_ms = 1;
    must(machine_push(&machine, PACKAGE("keeper-1.1.0"), "", NULL, &why));
    must(machine_push(&machine, PACKAGE("heap-1.0.0+allocate"), "", NULL, &why)); /* unused yet */
    must(machine_push(&machine, PACKAGE("heap-1.0.0"), "", NULL, &why));
    uint64_t before = suite_hash();
    put_on_probation(&swap, "heap", "heap-1.0.0");
    suite_run("keeper ask"); /* it allocates */
    must(client_wait(&machine.client, &swap, MACHINE_ANSWER_MS, &why));
    cr_assert_str_eq(swap.report.phase, "taken back", "%s", swap.message);
    cr_assert_eq(suite_hash(), before, "the world is not as it was");
    must(machine_unload(&machine, "keeper", NULL, &why));
}

/* The bell is struck by a version that comes to grief right after. */
static void rings(const char *bad_bell, const char *how, const char *answer)
{
    struct client_call swap = {0};
    machine.client.options.probation_ms = 1;
    must(machine_push(&machine, PACKAGE("bell-1.0.0"), "", NULL, &why));
    must(machine_push(&machine, PACKAGE("ringer-1.0.0"), "", NULL, &why));
    must(machine_push(&machine, bad_bell, "", NULL, &why)); /* not rung */
    must(machine_push(&machine, PACKAGE("bell-1.0.0"), "", NULL, &why));
    put_on_probation(&swap, "bell", "bell-1.1.0");
    cr_assert_str_eq(suite_run(how), answer);
    must(client_wait(&machine.client, &swap, MACHINE_ANSWER_MS, &why));
    cr_assert_str_eq(swap.report.phase, "taken back", "%s", swap.message);
    must(machine_unload(&machine, "ringer", NULL, &why));
    must(machine_unload(&machine, "bell", NULL, &why));
}

Test(law5_probation, makes_a_call_that_faulted_again)
{
    rings(PACKAGE("bell-1.1.0+cracked"), "ringer knock", "result 0, 2 rings\n");
}

Test(law5_probation, does_not_make_a_call_again_that_must_not_be_done_twice)
{
    rings(PACKAGE("bell-1.1.0+cracked"), "ringer ring", "result -14, 1 rings\n");
}

Test(law5_probation, does_not_make_such_a_call_again_that_does_not_end)
{
    rings(PACKAGE("bell-1.1.0+stuck"), "ringer ring", "result -14, 1 rings\n");
}

Test(law5_probation, comes_back_by_hand_with_the_state_as_it_is)
{
    struct client_call swap = {0}, revert = {0};
    suite_run("drive start"); /* its workers are made by the first start */
    suite_run("drive stop");
    machine.client.options.probation_ms = 1;
    must(machine_push(&machine, PACKAGE("counter-1.0.0"), "", NULL, &why));
    must(machine_push(&machine, PACKAGE("counter-1.1.0"), "", NULL, &why));
    uint64_t before = suite_hash();
    client_begin(&machine.client, &revert, "revert");
    message_put_string(&revert.writer, "name", "counter");
    must_refuse(client_call(&machine.client, &revert, MACHINE_ANSWER_MS, &why),
                "counter is not on probation");

    machine.client.options.probation_ms = LONG_MS;
    client_begin(&machine.client, &swap, "swap");
    message_put_string(&swap.writer, "old", "counter");
    message_put_string(&swap.writer, "package", "counter-1.0.0");
    must(client_send(&machine.client, &swap, &why)); /* its answer ends with its probation */
    while (suite_version("counter") != 1u << 24) {
    }
    suite_run("drive start");
    client_begin(&machine.client, &revert, "revert");
    message_put_string(&revert.writer, "name", "counter");
    must(client_call(&machine.client, &revert, MACHINE_ANSWER_MS, &why));
    must(client_wait(&machine.client, &swap, MACHINE_ANSWER_MS, &why));
    cr_assert_str_eq(swap.report.phase, "taken back");
    cr_assert_not_null(strstr(swap.message, "by hand"), "says: %s", swap.message);
    cr_assert_eq(suite_hash(), before, "the world is not as it was");
    check_calls();
}

/* SPDX-License-Identifier: MIT */
/*
 * Law 5, up to the commit: a transaction is made to fail at each of its steps in turn, memory that
 * cannot be had among them, and each time the world is afterwards as it was: hash, accounts of
 * memory, the state's content.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/harness/package.h"
#include "tests/hotswap/suite.h"

#define STEPS_MAX 200
#define BUNDLE "build/tests/all_or_nothing.nrb"

TestSuite(law5_all_or_nothing, .init = suite_attach, .fini = suite_detach, .timeout = 240);

static void check_same(const struct machine_world *before, unsigned step)
{
    struct machine_world after = suite_world();
    cr_assert_eq(after.hash, before->hash, "step %u: the world has changed: %s", step, why.text);
    cr_assert_eq(after.pages_free, before->pages_free, "step %u: %lld pages lost", step,
                 (long long)(before->pages_free - after.pages_free));
    cr_assert_eq(after.arena_free_bytes, before->arena_free_bytes, "step %u", step);
    cr_assert_eq(after.gates_free, before->gates_free, "step %u", step);
    cr_assert_eq(after.heap_objects, before->heap_objects, "step %u", step);
    cr_assert_eq(after.heap_bytes, before->heap_bytes, "step %u", step);
    cr_assert_eq(after.threads, before->threads, "step %u", step);
}

/* `old` and `package` as for machine_swap(); "": load. Returns how many steps could fail. */
static unsigned fails_without_trace(const char *old, const char *package)
{
    unsigned step = 0;
    int result;
    struct client_report report;
    do {
        struct machine_world before = suite_world();
        machine.client.options.fail_at = ++step;
        result = *old ? machine_swap(&machine, old, package, &report, &why)
                      : machine_load(&machine, package, &report, &why);
        machine.client.options.fail_at = 0;
        if (result < 0) {
            cr_assert_eq(result, -EREMOTEIO, "%s", why.text);
            check_same(&before, step);
        }
    } while (result < 0 && step < STEPS_MAX);
    cr_assert_eq(result, 0, "step %u fails still: %s", step, why.text);
    cr_assert_lt(report.steps, step, "it went well though a step was to fail");
    return step - 1;
}

Test(law5_all_or_nothing, of_a_version_that_adopts)
{
    must(machine_push(&machine, PACKAGE("counter-1.0.0"), "", NULL, &why));
    must(machine_push(&machine, PACKAGE("counter-1.1.0"), "", NULL, &why));
    char before[128];
    snprintf(before, sizeof(before), "%.20s", suite_run("counter"));
    unsigned steps = fails_without_trace("counter", "counter-1.0.0");
    cr_assert_geq(steps, 10, "only %u steps", steps);
    cr_assert_eq(strncmp(suite_run("counter"), before, strcspn(before, " ")), 0, "its state is %s",
                 suite_run("counter"));
    must(machine_swap(&machine, "counter", "counter-1.1.0", NULL, &why));
}

Test(law5_all_or_nothing, of_another_that_is_handed_over)
{
    must(machine_push(&machine, PACKAGE("sched_fair-1.0.0"), "", NULL, &why));
    must(machine_swap(&machine, "sched_fair", "sched_rr", NULL, &why)); /* from the card */
    must(machine_swap(&machine, "sched_rr", "sched_fair", NULL, &why));
    unsigned steps = fails_without_trace("sched_fair", "sched_rr");
    cr_assert_geq(steps, 12, "only %u steps", steps);
    must(machine_swap(&machine, "sched_rr", "sched_fair", NULL, &why));
}

/* With objects alive, which both heaps have had in their hands by then. */
Test(law5_all_or_nothing, of_a_heap_that_is_handed_over)
{
    must(machine_push(&machine, PACKAGE("heap-1.0.0"), "", NULL, &why));
    must(machine_push(&machine, PACKAGE("hoard-1.0.0"), "", NULL, &why));
    must(machine_swap(&machine, "heap", "heap_first_fit", NULL, &why)); /* from the card */
    must(machine_swap(&machine, "heap_first_fit", "heap", NULL, &why));
    suite_run("hoard fill");
    unsigned steps = fails_without_trace("heap", "heap_first_fit");
    cr_assert_geq(steps, 14, "only %u steps", steps);
    steps = fails_without_trace("heap_first_fit", "heap");
    cr_assert_geq(steps, 14, "only %u steps", steps);
    cr_assert_str_eq(suite_run("hoard check"), "500 objects, 0 spoilt\n");
    suite_run("hoard drop");
    must(machine_unload(&machine, "hoard", NULL, &why));
}

Test(law5_all_or_nothing, of_a_newcomer)
{
    must(machine_push(&machine, PACKAGE("chatter-1.0.0"), "", NULL, &why));
    must(machine_unload(&machine, "chatter", NULL, &why));
    unsigned steps = fails_without_trace("", "chatter");
    cr_assert_geq(steps, 10, "only %u steps", steps);
    must(machine_unload(&machine, "chatter", NULL, &why));
}

Test(law5_all_or_nothing, of_many_at_once)
{
    /* Stacks of threads that have ended are given back when a worker comes or goes. */
    must(machine_push(&machine, PACKAGE("chatter-1.0.0"), "", NULL, &why));
    must(machine_unload(&machine, "chatter", NULL, &why));
    must(machine_push(&machine, PACKAGE("led_blink-1.1.0"), "", NULL, &why));
    suite_bundle(BUNDLE, PACKAGE("led_blink-1.2.0") " " PACKAGE("counter-1.0.0") " " PACKAGE(
                             "chatter-1.0.0"));
    size_t size;
    void *bundle = client_read_file(BUNDLE, &size, &why);
    unsigned step = 0;
    int result;
    machine.client.options.fail_at = 1;
    (void)machine_push_bytes(&machine, bundle, size, "", NULL,
                             &why); /* on the shelf from here on */
    do {
        struct machine_world before = suite_world();
        machine.client.options.fail_at = ++step;
        result = machine_push_bytes(&machine, bundle, size, "", NULL, &why);
        if (result < 0) {
            check_same(&before, step);
        }
    } while (result == -EREMOTEIO && step < STEPS_MAX);
    machine.client.options.fail_at = 0;
    cr_assert_eq(result, 0, "%s", why.text);
    cr_assert_geq(step, 25, "only %u steps", step);
    free(bundle);
    must(machine_unload(&machine, "chatter", NULL, &why));
    must(machine_push(&machine, PACKAGE("counter-1.1.0"), "", NULL, &why));
}

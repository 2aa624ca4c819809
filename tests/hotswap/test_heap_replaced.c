/* SPDX-License-Identifier: MIT */
/*
 * The heap is replaced by a different one, while all CPUs allocate and free: what was allocated
 * before stays as it was, can be freed after, and its pages come back.
 */
#include <stdio.h>
#include <string.h>

#include "tests/hotswap/suite.h"

#define OBJECTS 500
#define ROUNDS 50
#define LONG_MS 60000

static void begin(void)
{
    suite_attach();
    machine.client.options.deadline_ms = 20000; /* for a rare moment with nobody in the heap */
    must(machine_push(&machine, PACKAGE("heap-1.0.0"), "", NULL,
                      &why)); /* on the shelf from here on */
    must(machine_push(&machine, PACKAGE("hoard-1.0.0"), "", NULL, &why));
}

TestSuite(heap_replaced, .init = begin, .fini = suite_detach, .timeout = 240);

static void expect_objects(unsigned count)
{
    unsigned held, spoilt;
    const char *text = suite_run("hoard check");
    cr_assert_eq(sscanf(text, "%u objects, %u spoilt", &held, &spoilt), 2, "hoard says: %s", text);
    cr_assert_eq(held, count);
    cr_assert_eq(spoilt, 0);
}

static unsigned long long rounds(void)
{
    unsigned long long made, failures;
    const char *text = suite_run("hoard");
    cr_assert_eq(sscanf(text, "%*[a-z]: %llu rounds, %llu failures", &made, &failures), 2,
                 "hoard says: %s", text);
    cr_assert_eq(failures, 0, "of %llu rounds", made);
    return made;
}

static void stop_load(void)
{
    suite_run("hoard stop");
    for (unsigned i = 0; i < 1000 && !strstr(suite_run("hoard"), "stopped: "); i++) {
    }
    (void)rounds();
}

static void swap(const char *old, const char *new)
{
    struct client_report report;
    must(machine_swap(&machine, old, new, &report, &why));
    cr_assert_str_eq(report.transfer, "handed over");
    cr_assert_eq(suite_version(old), 0);
    cr_assert_neq(suite_version(new), 0);
}

/* Once forth and back: memory that is only taken once is taken then. */
static struct machine_world settled_world(void)
{
    swap("heap", "heap_first_fit");
    swap("heap_first_fit", "heap");
    return suite_world();
}

static void expect_same_memory(const struct machine_world *before)
{
    struct machine_world after = suite_world();
    cr_assert_eq(after.heap_objects, before->heap_objects);
    cr_assert_eq(after.heap_bytes, before->heap_bytes);
    cr_assert_eq(after.heap_pages, before->heap_pages);
    cr_assert_eq(after.pages_free, before->pages_free, "%lld pages lost",
                 (long long)(before->pages_free - after.pages_free));
    cr_assert_eq(after.gates_free, before->gates_free);
    cr_assert_eq(after.arena_free_bytes, before->arena_free_bytes);
}

Test(heap_replaced, objects_outlive_it_and_their_pages_come_back)
{
    struct machine_world before = settled_world();
    suite_run("hoard run");
    suite_run("hoard fill");
    swap("heap", "heap_first_fit");
    expect_objects(OBJECTS);
    suite_run("hoard drop 2");
    suite_run("hoard fill");
    expect_objects(OBJECTS);
    suite_run("hoard drop 3");
    swap("heap_first_fit", "heap");
    expect_objects(OBJECTS - (OBJECTS + 2) / 3);
    suite_run("hoard drop");
    stop_load();
    expect_same_memory(&before);
    must(machine_unload(&machine, "hoard", NULL, &why));
}

Test(heap_replaced, fifty_times_forth_and_back_under_load)
{
    struct machine_world before = settled_world();
    suite_run("hoard fill");
    suite_run("hoard run");
    for (unsigned i = 0; i < ROUNDS; i++) {
        unsigned long long made = rounds();
        swap("heap", "heap_first_fit");
        suite_run(i % 2 ? "hoard drop 3" : "hoard drop 2");
        swap("heap_first_fit", "heap");
        suite_run("hoard fill");
        cr_assert_gt(rounds(), made, "the load stands still");
    }
    expect_objects(OBJECTS);
    suite_run("hoard drop");
    stop_load();
    expect_same_memory(&before);
    must(machine_unload(&machine, "hoard", NULL, &why));
}

/* What leaves takes its objects with it, whichever heap they are from. */
Test(heap_replaced, revokes_what_another_has_allocated)
{
    must(machine_unload(&machine, "hoard", NULL, &why));
    struct machine_world before = settled_world();
    must(machine_load(&machine, "hoard", NULL, &why));
    suite_run("hoard fill");
    swap("heap", "heap_first_fit");
    must(machine_unload(&machine, "hoard", NULL, &why));
    cr_assert_eq(suite_world().heap_objects, before.heap_objects);
    swap("heap_first_fit", "heap");
    expect_same_memory(&before);
}

/* Asks for the swap and returns once the new heap is on probation. */
static void begin_swap(struct client_call *call, const char *old, const char *new)
{
    client_begin(&machine.client, call, "swap");
    message_put_string(&call->writer, "old", old);
    message_put_string(&call->writer, "package", new);
    must(client_send(&machine.client, call, &why));
    while (strcmp(call->report.phase, "on probation") != 0) {
        must(client_pump(&machine.client, 1000));
    }
}

/* Objects of both heaps are alive when the new one is taken back. */
static void take_back(const char *old, const char *new)
{
    struct client_call call = {0}, revert = {0};
    uint64_t before = suite_hash();
    suite_run("hoard fill");
    machine.client.options.probation_ms = LONG_MS;
    begin_swap(&call, old, new);
    suite_run("hoard drop 2");
    suite_run("hoard fill");
    client_begin(&machine.client, &revert, "revert");
    message_put_string(&revert.writer, "name", new);
    must(client_call(&machine.client, &revert, MACHINE_ANSWER_MS, &why));
    must(client_wait(&machine.client, &call, MACHINE_ANSWER_MS, &why));
    cr_assert_str_eq(call.report.phase, "taken back");
    cr_assert_eq(suite_hash(), before, "the world is not as it was");
    expect_objects(OBJECTS);
    machine.client.options.probation_ms = 1;
}

Test(heap_replaced, comes_back_from_probation_with_objects_of_both)
{
    struct machine_world before = settled_world();
    suite_run("hoard run");
    for (unsigned i = 0; i < 5; i++) {
        take_back("heap", "heap_first_fit");
        suite_run("hoard drop 3");
    }
    suite_run("hoard drop");
    stop_load();
    expect_same_memory(&before);
    swap("heap", "heap_first_fit");
    take_back("heap_first_fit", "heap");
    suite_run("hoard drop");
    swap("heap_first_fit", "heap");
    expect_same_memory(&before);
    must(machine_unload(&machine, "hoard", NULL, &why));
}

/* SPDX-License-Identifier: MIT */
/*
 * All or nothing: one component of a bundle does not start, so the others go back to what they
 * were, while they are being called all the time.
 */
#include <errno.h>
#include <string.h>

#include "tests/hotswap/calls.h"
#include "tests/hotswap/suite.h"

#define BUNDLE "build/tests/rollback.nrb"

TestSuite(rollback, .init = suite_attach, .fini = suite_detach, .timeout = 180);

static const struct machine_component *counter(const struct machine_world *world)
{
    const struct machine_component *found = machine_find(world, "counter");
    cr_assert_not_null(found, "the counter is gone");
    return found;
}

static void check_same_world(const struct machine_world *before)
{
    struct machine_world after = suite_world();
    cr_assert_eq(after.hash, before->hash, "the world has changed");
    cr_assert_eq(after.count, before->count);
    cr_assert_eq(counter(&after)->build, counter(before)->build);
    cr_assert_eq(counter(&after)->swaps, counter(before)->swaps);
    cr_assert_eq(after.pages_free, before->pages_free);
    cr_assert_eq(after.arena_free_bytes, before->arena_free_bytes);
    cr_assert_eq(after.gates_free, before->gates_free);
    cr_assert_null(machine_find(&after, "flop"));
}

/* The same bundle, over and over, with the load on. */
static void flops_without_harm(const char *packages, unsigned rounds)
{
    suite_bundle(BUNDLE, packages);
    suite_run("drive start"); /* its workers are made by the first start */
    must_refuse(machine_push(&machine, BUNDLE, "", NULL, &why), "flop did not start");
    struct machine_world before = suite_world();
    for (unsigned i = 0; i < rounds; i++) {
        unsigned long long made = calls_read("running").made;
        must_refuse(machine_push(&machine, BUNDLE, "", NULL, &why), "flop did not start");
        cr_assert_gt(calls_read("running").made, made, "round %u: the load stands still", i);
        check_same_world(&before);
    }
    char output[256];
    cr_assert_eq(machine_run(&machine, "flop", output, sizeof(output), &why), -EREMOTEIO);
    struct calls calls = calls_stop();
    cr_assert_eq(calls.failed, 0);
    cr_assert_eq(calls.answered, calls.made, "%llu of %llu", calls.answered, calls.made);
    cr_assert_eq(calls.counted, calls.made, "%llu of %llu", calls.counted, calls.made);
}

Test(rollback, brings_the_old_one_back_when_its_companion_does_not_start)
{
    flops_without_harm(PACKAGE("counter-1.1.0+rebuilt") " build/fixtures/flop/package.nrb", 10);
}

Test(rollback, does_so_whoever_starts_first)
{
    flops_without_harm("build/fixtures/flop/package.nrb " PACKAGE("counter-1.1.0+rebuilt"), 1);
}

Test(rollback, leaves_nothing_of_one_that_does_not_start_alone)
{
    flops_without_harm("build/fixtures/flop/package.nrb", 1);
}

/* SPDX-License-Identifier: MIT */
/*
 * Under load, a hundred times each in a row: the loader that does the replacing, the heap, the
 * scheduler, the timer, the interrupt controller.
 */
#include <stdio.h>
#include <string.h>

#include "tests/hotswap/calls.h"
#include "tests/hotswap/suite.h"

#define TIMES 100

TestSuite(vital_parts, .init = suite_attach, .fini = suite_detach, .timeout = 600);

static void load(const char *package)
{
    must(machine_push(&machine, package, "", NULL, &why));
}

/* From inside the machine; both packages are on the shelf. */
static void churn(const char *component, const char *package, const char *other)
{
    char line[128];
    unsigned done = 0, of = 0, stuck = 0;
    snprintf(line, sizeof(line), "churn %u %s %s %s", TIMES, component, package, other);
    suite_run(line);
    while (done < TIMES) {
        unsigned before = done;
        const char *said = suite_run("churn");
        cr_assert_eq(sscanf(said, "%*[a-z ]: %u of %u", &done, &of), 2, "churn says: %s", said);
        cr_assert_eq(of, TIMES, "%s: %s", component, said);
        stuck = done == before ? stuck + 1 : 0;
        cr_assert_lt(stuck, 5000, "%s stands still: %s", component, said);
    }
}

static uint32_t swaps_of(const char *name)
{
    struct machine_world world = suite_world();
    const struct machine_component *component = machine_find(&world, name);
    cr_assert_not_null(component, "%s is gone", name);
    return component->swaps;
}

static void churn_builds(const char *name, const char *package, const char *rebuilt)
{
    load(rebuilt);
    load(package);
    uint32_t before = swaps_of(name);
    churn(name, name, name);
    cr_assert_eq(swaps_of(name), before + TIMES);
}

Test(vital_parts, are_replaced_a_hundred_times_each_under_load)
{
    load(PACKAGE("churn-1.0.0"));
    suite_run("drive start gently");
    churn_builds("evolve", PACKAGE("evolve-1.0.0"), PACKAGE("evolve-1.0.0+rebuilt"));
    churn_builds("heap", PACKAGE("heap-1.0.0"), PACKAGE("heap-1.0.0+rebuilt"));
    load(PACKAGE("sched_fair-1.0.0"));
    churn("sched_fair", "sched_rr", "sched_fair");
    cr_assert_neq(suite_version("sched_fair"), 0);
    churn_builds("arch_timer", PACKAGE("arch_timer-1.0.0"), PACKAGE("arch_timer-1.0.0+rebuilt"));
    churn_builds("gic400", PACKAGE("gic400-1.0.0"), PACKAGE("gic400-1.0.0+rebuilt"));

    struct calls calls = calls_stop();
    cr_assert_eq(calls.failed, 0);
    cr_assert_eq(calls.answered, calls.made);
    cr_assert_eq(calls.counted, calls.made);
    must(machine_unload(&machine, "churn", NULL, &why));
}

/* SPDX-License-Identifier: MIT */
/*
 * Objects of another compiler: the counter built with clang and the one built with gcc take each
 * other's place while they are called all the time, and the count goes on.
 */
#include <errno.h>
#include <string.h>

#include "tests/hotswap/calls.h"
#include "tests/hotswap/suite.h"

#define ROUNDS 10

TestSuite(foreign, .init = suite_attach, .fini = suite_detach, .timeout = 180);

static uint32_t build_of(const char *name)
{
    struct machine_world world = suite_world();
    const struct machine_component *component = machine_find(&world, name);
    cr_assert_not_null(component, "%s is not in the world", name);
    return component->build;
}

Test(foreign, counter_by_clang_and_back_counts_every_call)
{
    struct client_report report;
    must(machine_push(&machine, PACKAGE("counter-1.1.0"), "", NULL, &why));
    uint32_t by_gcc = build_of("counter"), by_clang = 0;
    suite_run("drive start");
    for (unsigned i = 0; i < ROUNDS; i++) {
        unsigned long long made = calls_read("running").made;
        must(machine_push(&machine, PACKAGE("counter-1.1.0+clang"), "", &report, &why));
        cr_assert_str_eq(report.transfer, "adopted");
        by_clang = build_of("counter");
        cr_assert_neq(by_clang, by_gcc);
        cr_assert_gt(calls_read("running").made, made, "round %u: the load stands still", i);
        must(machine_push(&machine, PACKAGE("counter-1.1.0"), "", &report, &why));
        cr_assert_str_eq(report.transfer, "adopted");
        cr_assert_eq(build_of("counter"), by_gcc);
    }
    struct calls calls = calls_stop();
    cr_assert_eq(calls.failed, 0);
    cr_assert_eq(calls.answered, calls.made, "%llu of %llu", calls.answered, calls.made);
    cr_assert_eq(calls.counted, calls.made, "%llu of %llu", calls.counted, calls.made);
}

Test(foreign, counter_by_clang_runs_its_command)
{
    must(machine_push(&machine, PACKAGE("counter-1.1.0+clang"), "", NULL, &why));
    cr_assert_not_null(strstr(suite_run("counter"), "calls counted, now by version 1.1"));
    must(machine_push(&machine, PACKAGE("counter-1.1.0"), "", NULL, &why));
}

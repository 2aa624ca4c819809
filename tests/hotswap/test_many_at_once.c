/* SPDX-License-Identifier: MIT */
/*
 * Transactions of many: a provider and its user go from one major version of their interface to the
 * next, and back, at once. Four CPUs that watch without pause see both or neither, at every moment.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/hotswap/suite.h"

#define ROUNDS 25
#define FIRST "build/tests/first_pair.nrb"
#define SECOND "build/tests/second_pair.nrb"

TestSuite(many_at_once, .init = suite_attach, .fini = suite_detach, .timeout = 300);

static void push(const char *name)
{
    struct client_report report;
    must(machine_push(&machine, name, "", &report, &why));
    cr_assert_eq(report.components, 2);
}

struct seen {
    unsigned long long first, second, mixed, failed;
};

static struct seen look(void)
{
    struct seen seen;
    const char *said = suite_run("witness");
    cr_assert_eq(sscanf(said, "first %llu second %llu mixed %llu failed %llu", &seen.first,
                        &seen.second, &seen.mixed, &seen.failed),
                 4, "witness says: %s", said);
    return seen;
}

Test(many_at_once, both_or_neither_is_seen_from_four_cpus)
{
    suite_bundle(FIRST, PACKAGE("alpha-1.0.0") " " PACKAGE("beta-1.0.0"));
    suite_bundle(SECOND, PACKAGE("beta-2.0.0") " " PACKAGE("alpha-2.0.0"));
    machine.client.options.probation_ms = CLIENT_NO_PROBATION; /* it is about the commit alone */
    push(FIRST);
    must(machine_push(&machine, PACKAGE("witness-1.0.0"), "", NULL, &why));
    suite_run("witness start");
    struct seen before = look();
    for (unsigned i = 0; i < ROUNDS; i++) {
        push(SECOND);
        struct seen now = look();
        cr_assert_gt(now.second, before.second, "round %u: the second pair was not seen", i);
        push(FIRST);
        before = look();
        cr_assert_gt(before.first, now.first, "round %u: the first pair was not seen", i);
        cr_assert_eq(before.mixed, 0, "round %u: %llu times a mixture", i, before.mixed);
        cr_assert_eq(before.failed, 0, "round %u: %llu calls failed", i, before.failed);
    }
    suite_run("witness stop");
    /* One of the two alone would not do. */
    must_refuse(machine_push(&machine, PACKAGE("alpha-2.0.0"), "", NULL, &why),
                "beta needs alpha 1.0 or later, below 2.0, but alpha provides alpha 2.0");
    must_refuse(machine_push(&machine, PACKAGE("beta-2.0.0"), "", NULL, &why),
                "beta needs alpha 2.0 or later, below 3.0, but alpha provides alpha 1.0");
    must(machine_unload(&machine, "witness", NULL, &why));
    must(machine_unload(&machine, "beta", NULL, &why));
    must(machine_unload(&machine, "alpha", NULL, &why));
}

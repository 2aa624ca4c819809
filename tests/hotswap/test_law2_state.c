/* SPDX-License-Identifier: MIT */
/*
 * Law 2: all mutable state is declared, and lives on: in place under the same layout, moved by
 * migrate under another, there and back. (That nothing else may be writable, the packager sees to:
 * tests/unit/test_nrpack.c.)
 */
#include <errno.h>
#include <string.h>

#include "tests/hotswap/suite.h"

TestSuite(law2_state, .init = suite_attach, .fini = suite_detach, .timeout = 120);

static void wake(unsigned times)
{
    for (unsigned i = 0; i < times; i++) {
        suite_run("grower wake");
    }
}

/* The worker has counted so many, by this version. */
static void is_counted(const char *words)
{
    const char *said = "";
    for (unsigned i = 0; i < 1000; i++) {
        said = suite_run("grower");
        if (strncmp(said, words, strlen(words)) == 0) {
            return;
        }
    }
    cr_assert_fail("\"%s\", not \"%s\"", said, words);
}

Test(law2_state, of_another_layout_is_refused_without_migrate)
{
    must(machine_push(&machine, PACKAGE("grower-1.1.0"), "", NULL, &why));
    wake(3);
    is_counted("woken 3 times, version 1.1");
    uint64_t before = suite_hash();
    must_refuse(machine_push(&machine, PACKAGE("grower-1.3.0"), "", NULL, &why),
                "the state of grower has another layout, and it has no migrate: ");
    cr_assert_eq(suite_hash(), before);
    is_counted("woken 3 times, version 1.1");
    must(machine_unload(&machine, "grower", NULL, &why));
}

Test(law2_state, migrates_and_what_is_registered_moves_along)
{
    struct client_report report;
    must(machine_push(&machine, PACKAGE("grower-1.1.0"), "", NULL, &why));
    wake(3);
    is_counted("woken 3 times, version 1.1");
    must(machine_push(&machine, PACKAGE("grower-1.2.0"), "", &report, &why));
    cr_assert_str_eq(report.transfer, "migrated");
    is_counted("woken 3 times, version 1.2");
    wake(2);
    is_counted("woken 5 times, version 1.2");
    must(machine_unload(&machine, "grower", NULL, &why));
}

Test(law2_state, comes_back_from_probation_as_it_then_is)
{
    struct client_call push = {0}, revert = {0};
    must(machine_push(&machine, PACKAGE("grower-1.2.0"), "", NULL, &why)); /* onto the shelf */
    must(machine_unload(&machine, "grower", NULL, &why));
    must(machine_push(&machine, PACKAGE("grower-1.1.0"), "", NULL, &why));
    wake(3);
    is_counted("woken 3 times, version 1.1");
    uint64_t before = suite_hash();
    machine.client.options.probation_ms = 60000;
    client_begin(&machine.client, &push, "swap");
    message_put_string(&push.writer, "old", "grower");
    message_put_string(&push.writer, "package", "grower-1.2.0");
    must(client_send(&machine.client, &push, &why));
    while (strcmp(push.report.phase, "on probation") != 0) {
        cr_assert_geq(client_pump(&machine.client, 1000), 0);
        cr_assert(!push.is_done, "%s", push.message);
    }
    wake(4);
    is_counted("woken 7 times, version 1.2");
    client_begin(&machine.client, &revert, "revert");
    message_put_string(&revert.writer, "name", "grower");
    must(client_call(&machine.client, &revert, MACHINE_ANSWER_MS, &why));
    is_counted("woken 7 times, version 1.1");
    wake(1);
    is_counted("woken 8 times, version 1.1");
    cr_assert_eq(suite_hash(), before, "the world is not as it was");
    must(client_wait(&machine.client, &push, MACHINE_ANSWER_MS, &why));
    must(machine_unload(&machine, "grower", NULL, &why));
}

Test(law2_state, of_the_same_layout_is_adopted_in_place)
{
    struct client_report report;
    struct machine_world world = suite_world();
    const struct machine_component *counter = machine_find(&world, "counter");
    cr_assert_not_null(counter);
    must(machine_push(&machine, PACKAGE("counter-1.0.0"), "", &report, &why));
    cr_assert_str_eq(report.transfer, "adopted");
    cr_assert_eq(report.state_bytes, counter->state_bytes);
    must(machine_push(&machine, PACKAGE("counter-1.1.0"), "", NULL, &why));
}

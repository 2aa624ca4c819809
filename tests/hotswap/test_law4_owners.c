/* SPDX-License-Identifier: MIT */
/*
 * Law 4: everything registered has an owner: it is listed with it, revoked with it, and an owner on
 * whom somebody depends does not leave.
 */
#include <errno.h>
#include <string.h>

#include "tests/hotswap/suite.h"

TestSuite(law4_owners, .init = suite_attach, .fini = suite_detach, .timeout = 120);

Test(law4_owners, world_lists_all_that_a_component_has_registered)
{
    static const char *const registrations[] = {
        "has interrupt 27, ",          "has worker ",     "has keeper keeper",
        "has command keeper",          "has event at ",   "has 1 armed timer",
        "has 1 heap objects, 8 bytes", "pages of memory",
    };
    must(machine_push(&machine, PACKAGE("keeper-1.1.0"), "", NULL, &why));
    const char *said = suite_run("world keeper");
    for (unsigned i = 0; i < sizeof(registrations) / sizeof(registrations[0]); i++) {
        cr_assert_not_null(strstr(said, registrations[i]), "no \"%s\" in:\n%s", registrations[i],
                           said);
    }
    must(machine_unload(&machine, "keeper", NULL, &why));
}

Test(law4_owners, unload_revokes_it_all)
{
    must(machine_push(&machine, PACKAGE("keeper-1.1.0"), "", NULL, &why)); /* onto the shelf */
    must(machine_unload(&machine, "keeper", NULL, &why));
    struct machine_world before = suite_world();
    for (unsigned i = 0; i < 5; i++) {
        must(machine_load(&machine, "keeper-1.1.0", NULL, &why)); /* what it takes must be free */
        suite_run("keeper ask");
        must(machine_unload(&machine, "keeper", NULL, &why));
    }
    char output[256];
    cr_assert_lt(machine_run(&machine, "keeper", output, sizeof(output), &why), 0);
    struct machine_world after = suite_world();
    cr_assert_eq(after.hash, before.hash, "the world has changed");
    cr_assert_eq(after.threads, before.threads);
    cr_assert_eq(after.heap_objects, before.heap_objects);
    cr_assert_eq(after.heap_bytes, before.heap_bytes);
    cr_assert_eq(after.pages_free, before.pages_free);
    cr_assert_eq(after.arena_free_bytes, before.arena_free_bytes);
    cr_assert_eq(after.gates_free, before.gates_free);
}

Test(law4_owners, unload_of_what_somebody_needs_is_refused_and_says_who)
{
    uint64_t before = suite_hash();
    must_refuse(machine_unload(&machine, "counter", NULL, &why),
                "load needs the interface counter 1.0");
    must_refuse(machine_unload(&machine, "heap", NULL, &why),
                "the nucleus needs the interface heap, which heap provides");
    cr_assert_eq(suite_hash(), before);
}

/* SPDX-License-Identifier: MIT */
/*
 * Draining when somebody does not leave: refused in time, in words that say who is where, and the
 * next attempt is not the worse for it.
 */
#include <errno.h>
#include <string.h>

#include "tests/hotswap/suite.h"

TestSuite(drain, .init = suite_attach, .fini = suite_detach, .timeout = 120);

/* Whoever was inside leaves by itself: then the same push succeeds. */
static void push_when_it_has_left(void)
{
    int result;
    unsigned attempts = 0;
    do {
        result = machine_push(&machine, PACKAGE("clumsy-1.0.0"), "", NULL, &why);
    } while (result == -EREMOTEIO && strstr(why.text, "still inside") && ++attempts < 20);
    must(result);
}

Test(drain, names_who_does_not_leave_in_time)
{
    uint64_t first = suite_hash();
    must(machine_push(&machine, PACKAGE("clumsy-1.0.0"), "", NULL, &why));
    uint64_t before = suite_hash();
    /* The line is in order: what is typed comes before the push, which is many frames long. */
    machine_type(&machine, "\x15\nclumsy stay 4000\n"); /* the deadline's fourfold */
    must_refuse(machine_push(&machine, PACKAGE("clumsy-1.0.0"), "", NULL, &why),
                "somebody is still inside: ");
    cr_assert_not_null(strstr(why.text, "clumsy: stay"), "says: %s", why.text);
    cr_assert_not_null(strstr(why.text, "inside: shell lines: "), "who? %s", why.text);
    cr_assert_eq(suite_hash(), before, "the world has changed");
    push_when_it_has_left();
    must(machine_unload(&machine, "clumsy", NULL, &why));
    cr_assert_eq(suite_hash(), first, "the world has changed");
}

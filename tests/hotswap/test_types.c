/* SPDX-License-Identifier: MIT */
/*
 * Types and needs across seams: who calls with other types than the provider has, though the
 * versions agree, is refused with both declarations; components that need each other come together.
 */
#include <errno.h>
#include <string.h>

#include "tests/hotswap/suite.h"

#define BUNDLE "build/tests/types.nrb"
#define PING PACKAGE("ping-1.0.0")
#define PING_CHANGED PACKAGE("ping-1.0.0+changed")
#define PONG PACKAGE("pong-1.0.0")

static uint64_t before;

static void begin(void)
{
    suite_attach();
    before = suite_hash();
}

static void end(void)
{
    cr_expect_eq(suite_hash(), before, "the world has changed");
    suite_detach();
}

TestSuite(types, .init = begin, .fini = end, .timeout = 120);

static void check_declarations(const char *ours, const char *theirs)
{
    cr_expect_not_null(strstr(why.text, "pong calls ping_hit of ping 1.0, but ping has it with "
                                        "other types, though with version 1.0"),
                       "says: %s", why.text);
    cr_expect_not_null(strstr(why.text, ours), "says: %s", why.text);
    cr_expect_not_null(strstr(why.text, theirs), "says: %s", why.text);
}

static const char wanted[] = "it wants struct ping_ball { uint32_t bounces; uint32_t limit; };";
static const char provided[] = "there is struct ping_ball { uint64_t bounces; uint32_t limit; };";

Test(types, refuses_a_changed_struct_behind_the_same_version)
{
    suite_bundle(BUNDLE, PING_CHANGED " " PONG);
    must_refuse(machine_push(&machine, BUNDLE, "", NULL, &why), "with other types");
    check_declarations(wanted, provided);
}

/* Each needs the other, so neither can go first: one becomes another that needs nobody. */
static void part(void)
{
    must(machine_push(&machine, PACKAGE("ping-1.0.0+alone"), "", NULL, &why));
    must(machine_unload(&machine, "pong", NULL, &why));
    must(machine_unload(&machine, "ping", NULL, &why));
}

Test(types, refuses_it_for_a_caller_that_stays)
{
    suite_bundle(BUNDLE, PING " " PONG);
    must(machine_push(&machine, BUNDLE, "", NULL, &why));
    uint64_t with_both = suite_hash();
    must_refuse(machine_push(&machine, PING_CHANGED, "", NULL, &why), "with other types");
    check_declarations(wanted, provided);
    cr_expect_eq(suite_hash(), with_both, "the world has changed");
    cr_expect_str_eq(suite_run("ping"), "16 bounces\n");
    part();
}

Test(types, takes_components_that_need_each_other)
{
    suite_bundle(BUNDLE, PONG " " PING);
    must(machine_push(&machine, BUNDLE, "", NULL, &why));
    cr_expect_str_eq(suite_run("ping"), "16 bounces\n");
    must_refuse(machine_unload(&machine, "ping", NULL, &why),
                "pong needs the interface ping 1.0, which nobody provides");
    must_refuse(machine_unload(&machine, "pong", NULL, &why),
                "ping needs the interface pong 1.0, which nobody provides");
    must(machine_push(&machine, BUNDLE, "", NULL, &why)); /* both by themselves, at once */
    cr_expect_str_eq(suite_run("ping"), "16 bounces\n");
    part();
}

Test(types, names_a_need_that_nobody_meets)
{
    must_refuse(machine_push(&machine, PING, "", NULL, &why),
                "ping needs the interface pong 1.0, which nobody provides");
    must_refuse(machine_push(&machine, PONG, "", NULL, &why),
                "pong needs the interface ping 1.0, which nobody provides");
}

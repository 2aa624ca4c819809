/* SPDX-License-Identifier: MIT */
/* nrpack abi: which change of an interface wants which version. */

#include "packager.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Version 1.4 is released; then the header becomes what sed makes of it. */
static void begin(void)
{
    packager_begin();
    packager_must("exec 2>&1; mkdir $T/abi; $N abi --update $T/abi $T/stubs/tick.o; "
                  "cp $T/include/interface/tick.h $T/released.h");
    cr_assert_not_null(strstr(packager_output, "/abi/tick-1.4.abi\n"), "%s", packager_output);
}

TestSuite(abi, .init = begin, .fini = packager_end);

static int check(const char *sed)
{
    setenv("SED", sed, 1);
    packager_must("exec 2>&1; set -e; sed \"$SED\" $T/released.h >$T/include/interface/tick.h; "
                  "$N stub $T/include/interface/tick.h >$T/tick.c; "
                  "$CC $FLAGS -c $T/tick.c -o $T/stubs/tick.o; $PAHOLE -J $T/stubs/tick.o");
    return packager_run("exec 2>&1; $N abi --check $T/abi $T/stubs/tick.o");
}

#define MORE "$ a GATED(any) int tick_more(void);\n"
#define WIDER "s/unsigned long n;/unsigned n;/\n"
#define GONE "/const struct tick/d; /GATED(any)$/d\n"
#define VERSION_IS(text) "s/(tick, 1, 4)/(tick, " text ")/\n"

Test(abi, accepts_what_is_as_it_was)
{
    cr_assert_eq(check(""), 0, "%s", packager_output);
    cr_assert_str_empty(packager_output);
    /* Names of parameters and comments are nobody's business. */
    cr_assert_eq(check("s/long by/long step/; s/^INTERFACE/\\/* same *\\/ &/"), 0, "%s",
                 packager_output);
}

/* A change is refused with these words, and accepted, but for its snapshot, with this version. */
static void check_change(const char *change, const char *words, const char *version)
{
    char sed[256];
    cr_assert_eq(check(change), 1, "accepted: %s", change);
    cr_assert_not_null(strstr(packager_output, words), "%s: %s", change, packager_output);
    strcat(strcpy(sed, change), version);
    cr_assert_eq(check(sed), 1);
    cr_assert_not_null(strstr(packager_output, "there is no such snapshot yet"), "%s: %s", sed,
                       packager_output);
}

Test(abi, wants_a_new_minor_version_for_what_is_added)
{
    check_change(MORE, "function tick_more is new since 1.4: that wants a new minor version",
                 VERSION_IS("1, 5"));
    check_change("s/GATED(thread)/GATED(thread, once)/\n",
                 "function tick_add made once at most is new since 1.4", VERSION_IS("1, 5"));
    check_change("$ a struct tock { int i; };\n", "struct tock is new since 1.4",
                 VERSION_IS("1, 5"));
}

Test(abi, wants_a_new_major_version_for_what_is_changed_or_gone)
{
    check_change(WIDER, "function tick_add is another one", VERSION_IS("2, 0"));
    check_change(GONE, "function tick_last is gone since 1.4: that wants a new major version",
                 VERSION_IS("2, 0"));
    check_change("s/GATED(any)$/GATED(thread)/\n", "function tick_last is another one (thread",
                 VERSION_IS("2, 0"));
    cr_assert_eq(check(GONE VERSION_IS("1, 5")), 1);
    cr_assert_not_null(strstr(packager_output, "wants a new major version, not 1.5"), "%s",
                       packager_output);
}

Test(abi, tells_a_changed_struct_by_its_hashes)
{
    cr_assert_eq(check("$ a struct tock { int i; };\n" VERSION_IS("1, 5")), 1);
    packager_must("exec 2>&1; $N abi --update $T/abi $T/stubs/tick.o");
    cr_assert_eq(check("$ a struct tock { long i; };\n" VERSION_IS("1, 5")), 1);
    const char *said = strstr(packager_output, "struct tock is another one (");
    cr_assert_not_null(said, "%s", packager_output);
    unsigned long long new, old;
    cr_assert_eq(
        sscanf(said, "struct tock is another one (%16llx instead of %16llx) since 1.5", &new, &old),
        2, "%s", said);
    cr_assert_neq(new, old);
}

Test(abi, knows_what_gated_may_say)
{
    packager_must(
        "exec 2>&1; for how in '' 'any, twice' 'any once' 'any, once, once' once; do "
        "echo \"GATED($how) int f(void);\" >$T/f.h; ! $N stub --name f $T/f.h || exit; done");
    cr_assert_not_null(strstr(packager_output, "f.h:1: GATED wants (any) or (thread)"), "%s",
                       packager_output);
}

Test(abi, refuses_to_go_back)
{
    cr_assert_eq(check(VERSION_IS("1, 3")), 1);
    cr_assert_not_null(strstr(packager_output, "has version 1.3, but 1.4 has been released"), "%s",
                       packager_output);
}

Test(abi, writes_what_is_missing_and_never_overwrites)
{
    packager_must("exec 2>&1; cp $T/abi/tick-1.4.abi $T/first");
    cr_assert_eq(check(MORE VERSION_IS("1, 5")), 1);
    packager_must("exec 2>&1; $N abi --update $T/abi $T/stubs/tick.o");
    cr_assert_eq(check(MORE VERSION_IS("1, 5")), 0, "%s", packager_output);
    cr_assert_eq(check(MORE WIDER VERSION_IS("1, 5")), 1);
    cr_assert_eq(packager_run("exec 2>&1; $N abi --update $T/abi $T/stubs/tick.o"), 1);
    packager_must("exec 2>&1; ls $T/abi; cmp $T/abi/tick-1.4.abi $T/first");
    cr_assert_str_eq(packager_output, "tick-1.4.abi\ntick-1.5.abi\n");
}

Test(abi, prints_what_an_interface_promises)
{
    packager_must("exec 2>&1; $N abi $T/stubs/tick.o");
    static const char *const words[] = {
        "interface tick 1.4\n",
        "    int tick_add(struct tick *, long unsigned int);\n",
        " struct tick\n    struct tick {\n        long unsigned int n;\n",
    };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        cr_assert_not_null(strstr(packager_output, words[i]), "%s", packager_output);
    }
    cr_assert_eq(packager_run("exec 2>&1; $N abi --check"), 2);
    cr_assert_eq(packager_run("exec 2>&1; $N abi --nonsense $T/abi $T/stubs/tick.o"), 2);
    cr_assert_eq(packager_run("exec 2>&1; $N abi --check $T/nowhere $T/stubs/tick.o"), 2);
}

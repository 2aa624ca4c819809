/* SPDX-License-Identifier: MIT */
/*
 * `top` before a person: a picture that is shown again, sorted by keys, while what shows it is
 * replaced; and before the host's tool, once.
 */
#include <stdio.h>
#include <string.h>

#include "tests/hotswap/suite.h"

#define SAYS_MS 20000
#define NEW_PICTURE "\033[Hup "

TestSuite(top, .init = suite_attach, .fini = suite_detach, .timeout = 240);

static void see(const char *text)
{
    must(machine_expect(&machine, text, SAYS_MS, &why));
}

/* By another build, or back to the usual one. */
static void replace(const char *name, const char *variant)
{
    char package[128];
    struct client_report report;
    suite_package(name, variant, package, sizeof(package));
    must(machine_push(&machine, package, "", &report, &why));
    cr_assert_str_eq(report.transfer, "adopted", "%s", name);
    see(NEW_PICTURE);
    see(NEW_PICTURE);
}

static void begin(void)
{
    machine_type(&machine, "\n");
    see(MACHINE_PROMPT);
    machine_type(&machine, "top\n");
    see(NEW_PICTURE);
}

/* What is typed is no key: that shows in the picture after the one that may be on its way. */
static void stays_by_name(const char *typed)
{
    machine_type(&machine, typed);
    for (unsigned i = 0; i < 2; i++) {
        see(NEW_PICTURE);
        see(">component");
        see("[n name]");
    }
}

Test(top, is_refreshed_and_sorted_by_keys)
{
    begin();
    see(">cpu %");
    see("[c cpu]");
    see(NEW_PICTURE);
    machine_type(&machine, "n");
    see("[n name]");
    see(NEW_PICTURE);
    see(">component");
    see("\narch_timer ");
    see("\nboot_slots ");
    stays_by_name("\033[h"); /* as an arrow, but for the letter, which is a key */
    stays_by_name("z");
    machine_type(&machine, "s");
    see("[s swaps]");
    machine_type(&machine, "\003");
    see(MACHINE_PROMPT);
    machine_type(&machine, "echo seven seals\n");
    see("\nseven seals");
}

Test(top, goes_on_while_its_parts_are_replaced)
{
    static const char *const parts[] = {"shell", "top", "console"};
    begin();
    machine_type(&machine, "t");
    see(">time s");
    for (unsigned i = 0; i < 2 * sizeof(parts) / sizeof(parts[0]); i++) {
        replace(parts[i / 2], i % 2 ? "" : "+rebuilt");
        see("[t time]");
    }
    machine_type(&machine, "h");
    see("[h heap]");
    machine_type(&machine, "q");
    see(MACHINE_PROMPT);
}

Test(top, ends_by_itself_when_it_leaves_the_world)
{
    begin();
    must(machine_unload(&machine, "top", NULL, &why));
    see("top: no such command");
    see(MACHINE_PROMPT);
    must(machine_push(&machine, PACKAGE("top-1.0.0"), "", NULL, &why));
    suite_says("top", "[c cpu]");
}

Test(top, typed_ahead_is_carried_out_in_its_order)
{
    machine_type(&machine, "\n");
    see(MACHINE_PROMPT);
    machine_type(&machine, "top\nnqecho one seal\necho two seals\n");
    see(NEW_PICTURE);
    see("\none seal");
    see("\ntwo seals");
}

Test(top, is_shown_once_to_the_host)
{
    const char *said = suite_run("top h");
    cr_expect_not_null(strstr(said, " free, "), "%s", said);
    cr_expect_not_null(strstr(said, ">heap"), "%s", said);
    cr_expect_not_null(strstr(said, "\nshell "), "%s", said);
    cr_expect_null(strchr(said, '\033'));
    suite_fails("top x", "usage: top");
    suite_detach();
    suite_sh("build/tools/nr --port build/tests/" SUITE_MACHINE
             ".console top n >build/tests/top.said </dev/null");
    suite_sh("grep -q '^>component' build/tests/top.said");
    suite_sh("! build/tools/nr --port build/tests/" SUITE_MACHINE
             ".console top x 2>build/tests/top.said </dev/null");
    suite_sh("grep -q 'nr: usage: top' build/tests/top.said");
    suite_attach();
}

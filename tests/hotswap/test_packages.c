/* SPDX-License-Identifier: MIT */
/*
 * Packages on the card: found when they are asked for, kept for the next start, and a card with
 * which something is wrong. Each test has a card of its own, changed on the host by mtools, and a
 * machine that is started without U-Boot.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/harness/direct.h"
#include "tests/hotswap/suite.h"
#include "tools/nr/port.h"

#define FOLDER "build/tests/packages/"
#define CARD FOLDER "card.img"
#define SAYS_MS 60000
#define NEW_COUNTER PACKAGE("counter-1.1.0+rebuilt")

/* Puts a file on the card. */
static void put(const char *file, const char *to)
{
    suite_sh("mcopy -o -i " CARD "@@1M '%s' '::%s'", file, to);
}

static void begin(void)
{
    suite_sh("rm -rf " FOLDER " && mkdir -p " FOLDER);
    suite_sh("cp --sparse=always build/neurath.img " CARD);
}

TestSuite(packages, .init = begin, .fini = suite_detach, .timeout = 300);

static const struct direct direct = {.name = "packages", .card = CARD};

static void start(void)
{
    must(direct_start(&machine, &direct, &why));
}

/* As after an unexpected end. */
static void start_again(void)
{
    machine_stop(&machine);
    start();
}

static void expect(const char *text)
{
    must(machine_expect(&machine, text, SAYS_MS, &why));
}

static struct machine_component in_world(const char *name)
{
    struct machine_world world = suite_world_now();
    const struct machine_component *component = machine_find(&world, name);
    return component ? *component : (struct machine_component){0};
}

Test(packages, are_found_on_the_card_by_name_and_by_version)
{
    put(PACKAGE("counter-1.0.0"), "components");
    put(PACKAGE("led_blink-1.1.0"), "components");
    start();
    must(machine_load(&machine, "ramdisk", NULL, &why));
    cr_assert_neq(suite_version("ramdisk"), 0);
    must(machine_swap(&machine, "counter", "counter-1.0.0", NULL, &why));
    cr_assert_eq(suite_version("counter"), 1u << 24);
    must(machine_swap(&machine, "sched_fair", "sched_rr", NULL, &why));
    must_refuse(machine_load(&machine, "nonsense", NULL, &why),
                "there is no package called nonsense; at hand are: ");
    cr_assert_not_null(strstr(why.text, "the card has "), "%s", why.text);
    cr_assert_not_null(strstr(why.text, "plasma 1.0.0"), "%s", why.text);
    must_refuse(machine_swap(&machine, "counter", "counter-7.0.0", NULL, &why), "counter-7.0.0");
    must_refuse(machine_swap(&machine, "nobody", "plasma", NULL, &why),
                "there is no component called nobody");
    suite_says("packages", "on the card");
    machine_type(&machine, "swap led_blink led_blink-1.1.0\n");
    expect("swap: led_blink 1.2.0 -> 1.1.0");
    machine_type(&machine, "load nonsense\n");
    expect("load: refused: there is no package called nonsense");
    machine_type(&machine, "load plasma\n");
    expect("load: plasma 2.0.0"); /* of two the newer one */
    suite_fails("load nonsense", "the card has ");
}

Test(packages, that_are_damaged_are_refused_in_words)
{
    suite_sh("head -c 3000 " PACKAGE("plasma-1.0.0") " >" FOLDER "torn.nrb");
    suite_sh("cp " PACKAGE("plasma-1.0.0") " " FOLDER "spoilt.nrb && printf x | "
                                           "dd of=" FOLDER
                                           "spoilt.nrb bs=1 seek=3000 conv=notrunc status=none");
    suite_sh(": >" FOLDER "empty.nrb");
    put(FOLDER "torn.nrb", "components/torn-1.0.0.nrb");
    put(PACKAGE("plasma-1.0.0"), "components/plasma-3.0.0.nrb");
    put(FOLDER "spoilt.nrb", "components/plasma-1.0.0.nrb");
    put(FOLDER "empty.nrb", "components/empty-1.0.0.nrb");
    put(PACKAGE("counter-1.0.0"), "components/ramdisk-1.0.0.nrb");
    start();
    must_refuse(machine_load(&machine, "torn", NULL, &why),
                "/card/components/torn-1.0.0.nrb: this is no package that can be used: ");
    must_refuse(machine_load(&machine, "empty", NULL, &why), "it has not the size of a package");
    must_refuse(machine_load(&machine, "ramdisk", NULL, &why),
                "what goes by the name ramdisk-1.0.0 is counter-1.0.0");
    must_refuse(machine_load(&machine, "plasma", NULL, &why),
                "what goes by the name plasma-3.0.0 is plasma-1.0.0");
    must_refuse(machine_load(&machine, "plasma-1.0.0", NULL, &why), "check sum of the object");
    suite_fails("load torn", "no package that can be used");
    cr_assert_eq(suite_version("plasma"), 0);
    must(machine_swap(&machine, "sched_fair", "sched_rr", NULL, &why));
}

Test(packages, that_are_kept_are_there_after_a_power_cut)
{
    start();
    uint32_t before = in_world("counter").build;
    machine_detach(&machine);
    suite_sh(
        "build/tools/nr --port build/tests/packages.console push --keep --probation 1 " NEW_COUNTER
        " >" FOLDER "said");
    suite_sh("grep -q 'counter 1.1.0 is kept: it is loaded at each start' " FOLDER "said");
    start_again();
    expect("counter-1.1.0 (kept, 1) is loaded");
    cr_assert_neq(in_world("counter").build, before);
    suite_says("keep", "loaded at each start");
    must(machine_push(&machine, PACKAGE("heap_first_fit-1.0.0"), "heap", NULL, &why));
    suite_says("keep heap_first_fit heap", "heap_first_fit 1.0.0 is kept");
    suite_says("unkeep counter", "counter is not kept any more");
    start_again();
    expect("heap_first_fit-1.0.0 (kept, 2) is loaded");
    cr_assert_eq(suite_version("heap"), 0);
    cr_assert_eq(in_world("counter").build, before);
}

Test(packages, that_are_bad_are_set_aside_for_those_before_them)
{
    suite_sh("mmd -i " CARD "@@1M ::kept");
    put(NEW_COUNTER, "kept/000001-counter-1.1.0-00000001.nrb");
    put(PACKAGE("counter-1.9.0+unwell"), "kept/000002-counter-1.9.0-00000002.nrb");
    put(PACKAGE("frozen-1.0.0"), "kept/000003-frozen-1.0.0-00000003.nrb");
    put(PACKAGE("frozen-1.1.0"), "kept/000004-frozen-1.1.0-00000004.nrb");
    must(direct_power_on(&machine, &direct, &why));
    expect("counter-1.9.0 (kept, 2) is set aside: ");
    expect("counter-1.1.0 (kept, 1) is loaded");
    cr_assert_eq(machine_expect(&machine, "frozen-1.1.0 (kept, 4) is", SAYS_MS, &why), -EFAULT);
    cr_assert_not_null(strstr(why.text, "thread swap"), "%s", why.text);
    start_again();
    expect("counter-1.1.0 (kept, 1) is loaded");
    expect("frozen-1.0.0 (kept, 3) is loaded");
    cr_assert_eq(suite_version("counter"), 1u << 24 | 1u << 12);
    suite_says("keep", "frozen-1.1.0             00000004  set aside: it did not pass its trial");
    suite_says("keep", "counter-1.9.0            00000002  set aside: it did not pass its trial");
    suite_says("unkeep frozen", "not kept any more");
}

/* As if it took the machine down after its probation: three starts that did not last. */
Test(packages, that_was_kept_last_is_set_aside_when_starts_do_not_last)
{
    suite_sh("mmd -i " CARD "@@1M ::kept");
    put(NEW_COUNTER, "kept/000001-counter-1.1.0-00000001.nrb");
    must(direct_power_on(&machine, &direct, &why));
    for (unsigned i = 0; i < 3; i++) {
        expect("counter-1.1.0 (kept, 1) is loaded");
        start_again();
    }
    expect("counter-1.1.0 (kept, 1) is set aside: it was kept last, and 3 starts did not last");
    suite_says("keep", "counter-1.1.0            00000001  set aside: it did not pass its trial");
}

Test(packages, a_card_that_is_full_or_taken_out_is_told)
{
    suite_sh("free=$(mdir -i " CARD "@@1M :: | sed -n 's/ bytes free//p' | tr -d ' '); "
             "truncate -s $free " FOLDER "filler");
    put(FOLDER "filler", "filler");
    start();
    must(machine_push(&machine, NEW_COUNTER, "", NULL, &why));
    suite_fails("keep counter", "counter is not kept: there is no room left on the card");
    suite_says("keep", "nothing is kept");
    must(machine_load(&machine, "ramdisk", NULL, &why));
    must(machine_monitor(&machine, "eject -f card", NULL, 0, &why));
    must_refuse(machine_load(&machine, "plasma", NULL, &why), "card");
    suite_fails("keep counter", "counter is not kept: ");
    must(machine_swap(&machine, "counter", "counter-1.1.0", NULL, &why));
}

/* SPDX-License-Identifier: MIT */
/*
 * Law 6: nothing stays behind. Many transactions under load, each of which replaces the counter
 * that all CPUs call, the timer that ticks, and the driver of the very line that this goes over:
 * every call, tick and byte is accounted for, and in the end memory is what it was. And what
 * somebody refers to stays for so long.
 *
 * A thousand on four CPUs that really run at once; ten thousand (or $SWAPS) on a machine whose CPUs
 * take turns in one thread of the emulator: there none waits for one that the host lets wait.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/harness/chatter.h"
#include "tests/harness/direct.h"
#include "tests/hotswap/calls.h"
#include "tests/hotswap/suite.h"

#define SWAPS_AT_ONCE 1000
#define SWAPS_IN_TURNS 10000 /* unless told */
#define CPUS_TAKE_TURNS "-accel tcg,thread=single"
#define OLD_BUNDLE "build/tests/old_three.nrb"
#define NEW_BUNDLE "build/tests/new_three.nrb"
#define TICK_US "1000"

TestSuite(law6_nothing_stays, .init = suite_attach, .fini = suite_detach, .timeout = 1200);

static struct chatter chatter;

static unsigned swaps_told(void)
{
    const char *told = getenv("SWAPS");
    unsigned swaps = told ? (unsigned)strtoul(told, NULL, 10) : 0;
    return swaps ? swaps : SWAPS_IN_TURNS;
}

static void hear(void *context, const void *bytes, size_t size)
{
    (void)context;
    chatter_hear(&chatter, bytes, size);
}

static void push_bundle(const char *name, const char *packages)
{
    suite_bundle(name, packages);
    must(machine_push(&machine, name, "", NULL, &why));
}

static void load(const char *package)
{
    must(machine_push(&machine, package, "", NULL, &why));
}

/* Waits for the end; every round something must have been done. */
static void churn_to_the_end(unsigned count)
{
    unsigned done = 0, of = 0, refused = 0, stuck = 0;
    unsigned long long blackout = 0, total = 0;
    while (done < count) {
        unsigned before = done;
        const char *said = suite_run("churn");
        int found = sscanf(said, "%*[a-z ]: %u of %u, %u refused, blackout %llu ns, total %llu ns",
                           &done, &of, &refused, &blackout, &total);
        cr_assert_eq(found, 5, "churn says: %s", said);
        cr_assert_eq(of, count, "churn says: %s", said);
        stuck = done == before ? stuck + 1 : 0;
        cr_assert_lt(stuck, 5000, "it stands still: %s", said);
    }
    printf("%u transactions, %u more asked for again under load; interrupts were off for at most "
           "%.1f us, a transaction took at most %.1f ms (real time of the emulator)\n",
           done, refused, (double)blackout / 1000, (double)total / 1e6);
}

static void check_calls(unsigned swaps)
{
    struct calls calls = calls_stop();
    cr_assert_gt(calls.made, swaps);
    cr_assert_eq(calls.failed, 0);
    cr_assert_eq(calls.answered, calls.made, "%llu of %llu", calls.answered, calls.made);
    cr_assert_eq(calls.counted, calls.made, "%llu of %llu", calls.counted, calls.made);
}

static void check_ticks(void)
{
    unsigned long long fired = 0, due = 0, early = 0, late = 0;
    const char *said = suite_run("ticker stop");
    int found = sscanf(said, "fired %llu of %llu, %llu early, at most %llu us late", &fired, &due,
                       &early, &late);
    cr_assert_eq(found, 4, "ticker says: %s", said);
    cr_assert_gt(fired, 1000);
    cr_assert_eq(fired, due, "%s", said);
    cr_assert_eq(early, 0, "%s", said);
}

static void check_accounts(const struct machine_world *before, unsigned swaps)
{
    struct machine_world after = suite_world();
    cr_assert_eq(after.pages_free, before->pages_free, "%lld pages are gone",
                 (long long)(before->pages_free - after.pages_free));
    cr_assert_leq(after.page_tables, before->page_tables + 4, "by where blocks lie just now");
    cr_assert_eq(after.arena_free_bytes, before->arena_free_bytes);
    cr_assert_eq(after.gates_free, before->gates_free);
    cr_assert_eq(after.heap_objects, before->heap_objects);
    cr_assert_eq(after.heap_bytes, before->heap_bytes);
    cr_assert_eq(after.heap_pages, before->heap_pages);
    cr_assert_eq(after.threads, before->threads);
    cr_assert_geq(after.transactions, before->transactions + swaps);
}

static void replace_three_under_load(unsigned swaps)
{
    load(PACKAGE("churn-1.0.0"));
    load(PACKAGE("ticker-1.0.0"));
    load(PACKAGE("chatter-1.0.0"));
    push_bundle(OLD_BUNDLE, PACKAGE("counter-1.0.0") " " PACKAGE(
                                "arch_timer-1.0.0+rebuilt") " " PACKAGE("uart_mini-1.0.0+rebuilt"));
    push_bundle(NEW_BUNDLE, PACKAGE("counter-1.1.0") " " PACKAGE("arch_timer-1.0.0") " " PACKAGE(
                                "uart_mini-1.0.0"));
    suite_run("drive start gently"); /* its workers are made by the first start */
    struct machine_world before = suite_world();

    machine.on_text = hear;
    chatter_expect(&chatter);
    suite_run("chatter 1000000");
    suite_run("ticker start " TICK_US);
    char command[96];
    snprintf(command, sizeof(command), "churn %u - counter-1.0.0 counter-1.1.0", swaps);
    suite_run(command);
    churn_to_the_end(swaps);

    suite_run("chatter stop");
    check_ticks();
    check_calls(swaps);
    must(chatter_settle(&machine, &chatter, &why));
    cr_assert_gt(chatter.lines, 1000);
    check_accounts(&before, swaps);
    must(machine_unload(&machine, "chatter", NULL, &why));
    must(machine_unload(&machine, "ticker", NULL, &why));
    must(machine_unload(&machine, "churn", NULL, &why));
}

Test(law6_nothing_stays, after_a_thousand_swaps_of_three_at_once)
{
    replace_three_under_load(SWAPS_AT_ONCE);
}

Test(law6_nothing_stays, after_ten_thousand_swaps_of_three_in_turns)
{
    suite_detach(); /* a machine of its own */
    must(
        direct_start(&machine, &(struct direct){.name = "soak", .options = CPUS_TAKE_TURNS}, &why));
    suite_unload_others(&machine);
    replace_three_under_load(swaps_told());
}

Test(law6_nothing_stays, what_somebody_refers_to_is_in_limbo_until_it_is_dropped)
{
    load(PACKAGE("hoarder-1.0.0+rebuilt")); /* both on the loader's shelf */
    load(PACKAGE("hoarder-1.0.0"));
    struct machine_world before = suite_world();
    cr_assert_str_eq(suite_run("hoarder"), "it has a constant of this version\n");
    load(PACKAGE("hoarder-1.0.0+rebuilt"));
    const char *said = suite_run("world");
    cr_assert_not_null(strstr(said, "in limbo: hoarder, build "), "%s", said);
    cr_assert_not_null(strstr(said, "a heap object of hoarder refers to it"), "%s", said);
    cr_assert_lt(suite_world_now().arena_free_bytes, before.arena_free_bytes);
    cr_assert_str_eq(suite_run("hoarder"), "it has a constant of this version\n", "it was freed");
    suite_run("hoarder drop");
    struct machine_world after = suite_world();
    cr_assert_eq(after.arena_free_bytes, before.arena_free_bytes);
    cr_assert_eq(after.pages_free, before.pages_free);
    must(machine_unload(&machine, "hoarder", NULL, &why));
}

/* SPDX-License-Identifier: MIT */
/*
 * Whether it is true what `top` says of a component: beside what the load and the counter know of
 * their calls themselves, and what the world says.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/hotswap/suite.h"

#define SHARE_NS 2000000000ull /* of time, to measure a share in */
#define LINES_OF_SHOW 5        /* that `drive show` writes */
#define PAGE_K 4
#define PICTURE_BYTES 8192 /* of the heap, which top has only while it makes a picture */

struct account {
    char cpu[16], seconds[16], heap[16], pages_k[16], in[16], out[16];
    unsigned swaps, faults;
};

/* Counter and load are new, and so are their accounts. */
static void begin(void)
{
    suite_attach();
    must(machine_unload(&machine, "load", NULL, &why));
    must(machine_unload(&machine, "counter", NULL, &why));
    must(machine_push(&machine, PACKAGE("counter-1.1.0"), "", NULL, &why));
    must(machine_push(&machine, PACKAGE("load-1.0.0"), "", NULL, &why));
}

static void end(void)
{
    suite_run("drive stop");
    suite_run("trace off");
    suite_detach();
}

TestSuite(accounts, .init = begin, .fini = end, .timeout = 120);

static struct account find_account(const char *picture, const char *name)
{
    struct account account;
    char start[40];
    snprintf(start, sizeof(start), "\n%s ", name);
    const char *row = strstr(picture, start);
    cr_assert_not_null(row, "%s", picture);
    int found = sscanf(row + strlen(start), "%15s %15s %15s %15s %15s %15s %u %u", account.cpu,
                       account.seconds, account.heap, account.pages_k, account.in, account.out,
                       &account.swaps, &account.faults);
    cr_assert_eq(found, 8, "%s", row);
    return account;
}

static struct account look(const char *name)
{
    return find_account(suite_run("top n"), name);
}

static unsigned long long number(const char *text)
{
    char *rest;
    unsigned long long value = strtoull(text, &rest, 10);
    cr_assert_eq(*rest, 0, "\"%s\" is no number", text);
    return value;
}

/* Looks how many calls the load has made, until it says that, and counts the looks. */
static unsigned long long see_made(const char *state, unsigned long long more_than, unsigned *looks)
{
    unsigned long long made = 0;
    char seen[16] = "";
    while (strcmp(seen, state) != 0 || made <= more_than) {
        int found = sscanf(suite_run("drive show"), "%15[a-z]: %*u workers, %llu", seen, &made);
        cr_assert_eq(found, 2);
        ++*looks;
    }
    return made;
}

Test(accounts, of_calls_are_exact_while_all_are_traced)
{
    unsigned looks = 0;
    suite_run("trace on all");
    suite_run("drive start gently"); /* which reads the counter once */
    (void)see_made("running", 1000, &looks);
    suite_run("drive stop");
    unsigned long long made = see_made("stopped", 0, &looks);
    struct account load = look("load"), counter = look("counter");
    cr_expect_eq(number(counter.in), made + 1 + looks);
    cr_expect_eq(number(load.out), made + 1 + looks * (1 + LINES_OF_SHOW));
    cr_expect_str_eq(counter.out, "0");
    suite_run("trace off");
    suite_run("drive show");
    cr_expect_str_eq(look("counter").in, counter.in, "a call was counted that is not traced");
}

/* Nobody has to know of tracing; and nothing of it is left, or recorded. */
Test(accounts, of_calls_begin_with_a_key_in_capitals_and_end_by_themselves)
{
    suite_run("trace clear");
    suite_says("top i", "keys in capitals count calls, too");
    suite_run("drive start gently");
    cr_expect_str_eq(look("counter").in, "-");
    suite_until("top I", "calls are counted");
    for (unsigned looks = 0; number(find_account(suite_run("top I"), "counter").in) < 1000;) {
        cr_assert_lt(++looks, 5000u);
    }
    cr_expect_geq(number(find_account(suite_run("top I"), "load").out), 1000u);
    suite_until("trace", "nothing is traced");
    suite_run("drive stop");
    unsigned long long calls = number(look("counter").in);
    suite_run("drive show");
    cr_expect_eq(number(look("counter").in), calls);
    cr_expect_null(strstr(suite_run("trace show 64"), "counter_increment"), "they are recorded");
}

/* What somebody has traced stays so. */
Test(accounts, of_calls_leave_a_trace_alone)
{
    suite_run("trace on counter");
    const char *said = suite_run("trace");
    unsigned before = (unsigned)strtoul(strchr(said, '\n') + 1, NULL, 10);
    cr_assert_gt(before, 0);
    suite_until("top O", "calls are counted");
    suite_run("drive show");
    suite_says("trace show 64", "counter_read");
    char words[40];
    snprintf(words, sizeof(words), "\n%u gates are traced", before);
    suite_until("trace", words);
    cr_expect_null(strstr(suite_run("trace show 64"), " -> load"), "only the counter is recorded");
}

Test(accounts, tell_swaps_and_the_calls_that_were_cut_off)
{
    struct client_report report;
    must(machine_push(&machine, PACKAGE("counter-1.1.0+rebuilt"), "", NULL, &why));
    cr_expect_eq(look("counter").swaps, 1);
    must(machine_push(&machine, PACKAGE("counter-1.1.0"), "", NULL, &why));
    struct account before = look("counter");
    cr_expect_eq(before.swaps, 2);
    cr_expect_eq(before.faults, 0);
    suite_run("drive start gently");
    machine.client.options.probation_ms = 60000;
    cr_assert_eq(machine_push(&machine, PACKAGE("counter-1.9.0+faults"), "", &report, &why),
                 -EREMOTEIO);
    cr_assert_str_eq(report.phase, "taken back");
    struct account after = look("counter");
    cr_expect_eq(after.swaps, 2, "it is what it was");
    cr_expect_geq(after.faults, 1);
    cr_expect_leq(after.faults, 4, "each CPU's worker had one call cut off at most");
    cr_expect_eq(look("load").faults, 0);
}

/* What the board tells of a share, and bounds of it from outside: how long it takes to ask varies.
 */
struct share {
    double told, at_least, at_most;
};

static struct share share_of_load(void)
{
    struct account account;
    struct share share;
    uint64_t times[4];
    times[0] = suite_world_now().uptime_ns;
    double before = strtod(look("load").seconds, NULL);
    times[1] = suite_world_now().uptime_ns;
    do {
        times[2] = suite_world_now().uptime_ns;
        account = find_account(suite_run("top c"), "load");
        times[3] = suite_world_now().uptime_ns;
    } while (times[2] - times[1] < SHARE_NS);
    double took = (strtod(account.seconds, NULL) - before) * 1e9;
    share.told = strtod(account.cpu, NULL);
    share.at_least = took / (double)(times[3] - times[0]);
    share.at_most = took / (double)(times[2] - times[1]);
    return share;
}

/* On all CPUs, but for what asking takes. */
Test(accounts, of_cpu_time_are_what_the_load_takes)
{
    unsigned looks = 0;
    suite_run("drive start");
    (void)see_made("running", 1000, &looks);
    struct share share = share_of_load();
    cr_expect(share.told > 200 && share.told < 405, "%.1f %%", share.told);
    cr_expect_lt(share.at_least, 4.05);
    cr_expect_gt(share.at_most, 2.0);
    suite_run("drive stop");
    (void)see_made("stopped", 0, &looks);
    share = share_of_load();
    cr_expect_lt(share.told, 10, "%.1f %%", share.told);
    cr_expect_lt(share.at_least, 0.1);
}

Test(accounts, of_memory_are_those_of_the_world)
{
    static const char *const names[] = {"counter", "load", "trace", "shell", "wire"};
    unsigned long long heap = 0;
    struct machine_world world = suite_world();
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const struct machine_component *component = machine_find(&world, names[i]);
        cr_assert_not_null(component);
        cr_expect_eq(number(look(names[i]).pages_k), component->pages * PAGE_K, "%s", names[i]);
    }
    char *picture = strdup(suite_run("top n"));
    for (unsigned i = 0; i < world.count; i++) {
        heap += number(find_account(picture, world.components[i].name).heap);
    }
    free(picture);
    cr_expect_geq(heap, world.heap_bytes);
    cr_expect_leq(heap, world.heap_bytes + PICTURE_BYTES, "%llu of %llu", heap,
                  (unsigned long long)world.heap_bytes);
}

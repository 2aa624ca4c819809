/* SPDX-License-Identifier: MIT */
/*
 * What a swap costs, by the reports of a machine of its own, in which an instruction takes one
 * nanosecond, whatever the host does meanwhile; with many threads and components, and with a load.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "tests/harness/direct.h"
#include "tests/hotswap/suite.h"

#define THREADS 64
#define COMPONENTS 20
#define BLACKOUT_NS 20000
#define HANDED_OVER_NS 60000 /* blackout of a heap with 500 objects: it grows with their pages */
#define TOTAL_NS 3000000
/* By all rendezvous together: commit, audit, looks of the probation. So none is longer. */
#define STOPPED_NS 60000
#define TRIES 3 /* the least counts: an interrupt may come in between */

static struct machine board = {.qmp = -1, .log = -1, .lock = -1, .client = {.fd = -1}};

static void begin(void)
{
    static const char *const fixtures[] = {
        PACKAGE("crowd-1.0.0"), PACKAGE("borrower-1.0.0"), PACKAGE("chatter-1.0.0"),
        PACKAGE("churn-1.0.0"), PACKAGE("clumsy-1.0.0"),   PACKAGE("keeper-1.1.0"),
        PACKAGE("hoard-1.0.0"), PACKAGE("relic-1.1.0"),    PACKAGE("ballast-1.0.0"),
    };
    struct machine_world world;
    cpu_set_t cpus;
    must(direct_start(
        &board, &(struct direct){.name = "figures", .options = MACHINE_ONE_INSTRUCTION_PER_NS},
        &why));
    cr_assert_eq(sched_getaffinity(board.pid, sizeof(cpus), &cpus), 0);
    cr_assert_eq(CPU_COUNT(&cpus), 1, "QEMU's threads run side by side: it is chance what happens");
    suite_unload_others(&board); /* the figures are of a world of some twenty components */
    for (size_t i = 0; i < sizeof(fixtures) / sizeof(fixtures[0]); i++) {
        must(machine_push(&board, fixtures[i], "", NULL, &why));
    }
    must(machine_read_world(&board, &world, &why));
    cr_assert_geq(world.count, COMPONENTS);
    cr_assert_geq(world.threads, THREADS);
    fprintf(stderr, "  %u components, %u threads\n", world.count, world.threads);
}

static void end(void)
{
    machine_stop(&board);
}

TestSuite(figures, .init = begin, .fini = end, .timeout = 240);

static void show(const struct client_report *report)
{
    fprintf(
        stderr,
        "  %-14s stage %llu drain %llu (%u) blackout %llu stopped %llu retire %llu total %llu ns\n",
        report->new, (unsigned long long)report->stage_ns, (unsigned long long)report->drain_ns,
        report->attempts, (unsigned long long)report->blackout_ns,
        (unsigned long long)report->stopped_ns, (unsigned long long)report->retire_ns,
        (unsigned long long)report->total_ns);
}

/* Two builds in turn; the report in which blackout and total are the least of all. */
static struct client_report measure(const char *package, const char *other, const char *transfer)
{
    struct client_report least, report;
    for (unsigned i = 0; i < 2 * TRIES; i++) {
        must(machine_push(&board, i % 2 ? package : other, "", &report, &why));
        cr_assert_str_eq(report.transfer, transfer);
        show(&report);
        cr_expect_gt(report.stopped_ns, report.blackout_ns, "the audit stops all CPUs as well");
        least = i == 0 ? report : least;
        least.stopped_ns =
            report.stopped_ns < least.stopped_ns ? report.stopped_ns : least.stopped_ns;
        least.blackout_ns =
            report.blackout_ns < least.blackout_ns ? report.blackout_ns : least.blackout_ns;
        least.total_ns = report.total_ns < least.total_ns ? report.total_ns : least.total_ns;
    }
    return least;
}

static void expect_at_most(const char *what, uint64_t ns, uint64_t limit_ns)
{
    cr_expect_leq(ns, limit_ns, "%s: %llu ns, not %llu", what, (unsigned long long)ns,
                  (unsigned long long)limit_ns);
}

Test(figures, of_a_component_without_state)
{
    struct client_report report =
        measure(PACKAGE("borrower-1.0.0"), PACKAGE("borrower-1.0.0"), "stateless");
    expect_at_most("blackout", report.blackout_ns, BLACKOUT_NS);
    expect_at_most("total", report.total_ns, TOTAL_NS);
    expect_at_most("all stops", report.stopped_ns, STOPPED_NS);
}

Test(figures, of_a_driver_whose_state_is_adopted)
{
    struct client_report report =
        measure(PACKAGE("led_blink-1.2.0"), PACKAGE("led_blink-1.2.0+rebuilt"), "adopted");
    expect_at_most("blackout", report.blackout_ns, BLACKOUT_NS);
    expect_at_most("total", report.total_ns, TOTAL_NS);
    expect_at_most("all stops", report.stopped_ns, STOPPED_NS);
}

/* Whether what grew by two equal steps grew by as much each time, give or take a tenth. */
static void expect_linear(const char *what, const uint64_t ns[3])
{
    uint64_t first = ns[1] - ns[0], second = ns[2] - ns[1];
    fprintf(stderr, "  %s: %llu, %llu, %llu ns\n", what, (unsigned long long)ns[0],
            (unsigned long long)ns[1], (unsigned long long)ns[2]);
    cr_expect(ns[1] > ns[0] && ns[2] > ns[1], "%s does not grow", what);
    cr_expect(second < first * 11 / 10 && first < second * 11 / 10,
              "%s grows by %llu ns, then by %llu", what, (unsigned long long)first,
              (unsigned long long)second);
}

Test(figures, blackout_is_linear_in_threads)
{
    uint64_t blackout_ns[3];
    for (unsigned i = 0; i < 3; i++) {
        if (i > 0) {
            must(machine_run(&board, "crowd 256", NULL, 0, &why));
        }
        blackout_ns[i] =
            measure(PACKAGE("borrower-1.0.0"), PACKAGE("borrower-1.0.0"), "stateless").blackout_ns;
    }
    expect_linear("blackout", blackout_ns);
}

Test(figures, staging_is_linear_in_relocations)
{
    static const char *const packages[] = {PACKAGE("caller-1.0.0"), PACKAGE("caller-1.0.0+3000"),
                                           PACKAGE("caller-1.0.0+5000")};
    uint64_t stage_ns[3];
    for (unsigned i = 0; i < 3; i++) {
        struct client_report report;
        must(machine_push(&board, packages[i], "", &report, &why));
        stage_ns[i] = report.stage_ns;
    }
    expect_linear("staging", stage_ns);
}

/* Its regions are walked, its objects are not. */
Test(figures, of_a_heap_that_is_handed_over)
{
    struct client_report report;
    uint64_t worst = 0;
    must(machine_push(&board, PACKAGE("heap-1.0.0"), "", NULL, &why)); /* on the shelf, both */
    must(machine_push(&board, PACKAGE("heap_first_fit-1.0.0"), "heap", NULL, &why));
    must(machine_run(&board, "hoard fill", NULL, 0, &why));
    for (unsigned i = 0; i < 2 * TRIES; i++) {
        must(i % 2 ? machine_swap(&board, "heap", "heap_first_fit", &report, &why)
                   : machine_swap(&board, "heap_first_fit", "heap", &report, &why));
        cr_assert_str_eq(report.transfer, "handed over");
        show(&report);
        worst = report.blackout_ns > worst ? report.blackout_ns : worst;
    }
    expect_at_most("blackout", worst, HANDED_OVER_NS);
}

/* A state is not copied, and not looked through if it holds no pointer. */
Test(figures, do_not_depend_on_the_size_of_the_state)
{
    char output[128];
    struct client_report small =
        measure(PACKAGE("ballast-1.0.0"), PACKAGE("ballast-1.0.0+rebuilt"), "adopted");
    cr_assert_eq(small.state_bytes, 4096);
    must(machine_unload(&board, "ballast", NULL, &why));
    must(machine_push(&board, PACKAGE("ballast-1.0.0+large"), "", NULL, &why));
    struct client_report large =
        measure(PACKAGE("ballast-1.0.0+large"), PACKAGE("ballast-1.0.0+large-rebuilt"), "adopted");
    cr_assert_eq(large.state_bytes, 64 << 20);
    expect_at_most("blackout", large.blackout_ns, small.blackout_ns * 11 / 10);
    expect_at_most("total", large.total_ns, small.total_ns * 11 / 10);
    must(machine_run(&board, "ballast", output, sizeof(output), &why));
    cr_assert_not_null(strstr(output, "67108864 bytes, 0 spoilt"), "says: %s", output);
}

/* SPDX-License-Identifier: MIT */
/* What the system costs, in instructions, beside what it cost when bench/baseline.json was made. */
#include "tests/bench/measure.h"
#include "tests/hotswap/suite.h"

#define START_NS 60000000 /* from the nucleus's first instruction to the prompt */
#define TIMES_BELOW_LINUX 10

TestSuite(bench, .timeout = 900);

static double figure(const struct figures *figures, const char *key)
{
    const double *value = figures_find(figures, key);
    cr_assert_not_null(value, "%s", key);
    return *value;
}

static void have_the_same_names(const struct figures *now, const struct figures *baseline)
{
    cr_expect_eq(now->count, baseline->count, "%zu figures, not %zu", now->count, baseline->count);
    for (size_t i = 0; i < baseline->count; i++) {
        cr_expect_not_null(figures_find(now, baseline->list[i].key), "%s", baseline->list[i].key);
    }
}

/* What must be so if they are what their names say. */
static void fit_together(const struct figures *now)
{
    cr_expect_eq(figure(now, "gate_call_direct"), figure(now, "direct_call"));
    cr_expect_leq(figure(now, "gate_call"), figure(now, "direct_call") + 1);
    cr_expect_eq(figure(now, "gate_call_after_trace"), figure(now, "gate_call"));
    cr_expect_gt(figure(now, "gate_call_recorded"), figure(now, "gate_call_traced"));
    cr_expect_geq(figure(now, "irq_latency_max"), figure(now, "irq_latency_idle_max"));
    cr_expect_geq(figure(now, "irq_latency_max"), figure(now, "swap_commit") / 2,
                  "no deadline fell into a blackout");
    cr_expect_gt(figure(now, "ram_total_idle_bytes"), figure(now, "ram_used_idle_bytes"));
    cr_expect_gt(figure(now, "stage_per_relocation"), figure(now, "load_link_per_relocation"));
    /* A gate is one store, however many go through it; each direct call is one of its own, but is
     * made before or after the blackout. */
    cr_expect_lt(figure(now, "swap_total_vs_callsites_100000"),
                 figure(now, "swap_total_vs_callsites_10") * 1.1);
    cr_expect_gt(figure(now, "swap_total_vs_callsites_direct_100000"),
                 figure(now, "swap_total_vs_callsites_direct_10") * 2);
    cr_expect_lt(figure(now, "swap_blackout_vs_callsites_direct_100000"),
                 figure(now, "swap_blackout_vs_callsites_direct_10") * 1.1);
}

Test(bench, nothing_costs_more_or_less_than_the_baseline_says)
{
    static struct figures now, baseline, linux_figures;
    must(measure_all(&now, &why));
    must(figures_write(&now, "build/bench.json", &why));
    cr_expect_leq(figure(&now, "boot_to_shell"), START_NS);
    fit_together(&now);
    must(figures_read(&linux_figures, "bench/linux.json", &why));
    cr_expect_eq(figures_above(&now, &linux_figures, TIMES_BELOW_LINUX, stderr), 0);
    must(figures_read(&baseline, "bench/baseline.json", &why));
    have_the_same_names(&now, &baseline);
    struct figures_changes changes = figures_compare(&baseline, &now, stderr);
    cr_expect_eq(changes.worse, 0,
                 "what is worse for a reason changes the baseline in the same "
                 "commit: make bench-baseline");
    cr_expect_eq(changes.better, 0, "what has become better is taken over: make bench-baseline");
}

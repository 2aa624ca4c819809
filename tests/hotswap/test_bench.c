/* SPDX-License-Identifier: MIT */
/* What the system costs, in instructions, beside what it cost when bench/baseline.json was made. */
#include "tests/bench/measure.h"
#include "tests/hotswap/suite.h"

#define START_NS 60000000 /* from the nucleus's first instruction to the prompt */

TestSuite(bench, .timeout = 900);

Test(bench, nothing_costs_more_than_the_baseline_says)
{
    static struct figures now, baseline;
    must(measure_all(&now, &why));
    must(figures_write(&now, "build/bench.json", &why));
    const double *start_ns = figures_find(&now, "boot_to_shell");
    cr_assert_not_null(start_ns);
    cr_expect_leq(*start_ns, START_NS);
    must(figures_read(&baseline, "bench/baseline.json", &why));
    cr_expect_eq(now.count, baseline.count, "%zu figures, not %zu", now.count, baseline.count);
    for (size_t i = 0; i < baseline.count; i++) {
        cr_expect_not_null(figures_find(&now, baseline.list[i].key), "%s", baseline.list[i].key);
    }
    struct figures_changes changes = figures_compare(&baseline, &now, stderr);
    cr_expect_eq(changes.worse, 0,
                 "what is worse for a reason changes the baseline in the same commit");
    cr_expect_eq(changes.better, 0, "what has become better is taken over: make bench-baseline");
}

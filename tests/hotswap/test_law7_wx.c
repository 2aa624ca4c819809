/* SPDX-License-Identifier: MIT */
/*
 * Law 7: never writable and executable. The live page tables are walked at every step of
 * transactions of each kind, and from outside.
 */
#include <errno.h>
#include <string.h>

#include "tests/hotswap/suite.h"

static void begin(void)
{
    suite_attach();
    machine.client.options.is_audited = 1;
}

TestSuite(law7_wx, .init = begin, .fini = suite_detach, .timeout = 240);

static void is_clean(int result, const struct client_report *report)
{
    must(result);
    cr_assert_gt(report->steps, 5);
    cr_assert_eq(report->wx_violations, 0, "%u pages", report->wx_violations);
}

Test(law7_wx, holds_at_every_step_of_a_swap_that_adopts)
{
    struct client_report report;
    is_clean(machine_push(&machine, PACKAGE("counter-1.0.0"), "", &report, &why), &report);
    is_clean(machine_push(&machine, PACKAGE("counter-1.1.0"), "", &report, &why), &report);
}

Test(law7_wx, holds_at_every_step_of_a_hand_over)
{
    struct client_report report;
    is_clean(machine_push(&machine, PACKAGE("sched_rr-1.0.0"), "sched_fair", &report, &why),
             &report);
    is_clean(machine_push(&machine, PACKAGE("sched_fair-1.0.0"), "sched_rr", &report, &why),
             &report);
}

Test(law7_wx, holds_at_every_step_of_a_load)
{
    struct client_report report;
    is_clean(machine_push(&machine, PACKAGE("chatter-1.0.0"), "", &report, &why), &report);
    must(machine_unload(&machine, "chatter", NULL, &why));
}

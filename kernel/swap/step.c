/* SPDX-License-Identifier: MIT */
/*
 * Counting the steps of the transaction under way; see step.h.
 */
#include "step.h"

#if IS_ENABLED(CONFIG_SWAP_TESTS)

static const struct kthread *stepping; /* the thread that counts; NULL: none */
static uint32_t fail_at;
static bool is_audited;
static struct swap_report *report;

void step_begin(const struct swap_request *request, struct swap_report *told)
{
    fail_at = request->options.fail_at;
    is_audited = request->options.is_audited;
    report = told;
    WRITE_ONCE(stepping, thread_current());
}

void step_end(void)
{
    WRITE_ONCE(stepping, NULL);
}

bool step_fails(const char *what)
{
    if (READ_ONCE(stepping) != thread_current() || !stepping) {
        return false;
    }
    report->steps++;
    if (is_audited) {
        struct mmu_census census;
        mmu_count(&census);
        report->wx_violations += census.both;
    }
    if (report->steps != fail_at) {
        return false;
    }
    log_debug("made to fail at step %u: %s", fail_at, what);
    return true;
}

#endif

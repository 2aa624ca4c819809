/* SPDX-License-Identifier: MIT */
/*
 * Probation: for some time after the commit the old images stay, and the new ones are watched. They
 * are kept when the time is over, or taken back when a call was cut off (contain.c), when health()
 * says so, when a call does not end, or by hand.
 */
#include <errno.h>
#include <lib/format.h>
#include <string.h>

#include "rendezvous.h"
#include "transaction.h"

#define LOOKS 4 /* during a probation; more if it is long: one each time that a call may take */
#define CALL_DEADLINE_NS (CONFIG_CALL_DEADLINE_MS * 1000000ul)
#define LATE_LOOK_NS 1000000u

/* Whether a component is one that the transaction has brought or replaced. */
static bool is_about(const struct transaction *this, const char *name)
{
    for (unsigned i = 0; i < this->member_count; i++) {
        const struct member *member = &this->members[i];
        if (!strcmp(member->component->name, name) ||
            (member->old && !strcmp(member->old->name, name))) {
            return true;
        }
    }
    return false;
}

/* Asks each new version how it is. False, with the reason in failure: one is not well. */
static bool are_healthy(struct transaction *this)
{
    for (unsigned i = 0; i < this->member_count; i++) {
        const struct image *image = this->members[i].image;
        int result = image && image->ops->health ? image->ops->health() : 0;
        if (result < 0 && !READ_ONCE(this->has_failed)) {
            format_print(this->failure, sizeof(this->failure), "%s is not well: error %d",
                         image->descriptor.name, result);
        }
        if (result < 0) {
            return false;
        }
    }
    return true;
}

static void settle_report(struct transaction *this, enum swap_phase phase)
{
    this->report->calls = READ_ONCE(this->calls);
    this->report->stopped_ns = rendezvous_read_stopped_ns() - this->stopped_before_ns;
    this->report->ended_ns = time_now_ns();
    this->report->phase = phase;
    transaction_publish(this->report);
}

static void take_back(struct transaction *this)
{
    struct swap_report *report = this->report;
    log_warning("%s is taken back: %s", report->new, this->failure);
    report->result = this->has_failed ? -EFAULT : -EIO;
    format_print(report->message, sizeof(report->message), "%s was taken back: %s", report->new,
                 this->failure);
    transaction_roll_back(this);
    for (unsigned i = 0; i < this->member_count; i++) {
        member_unsettle(&this->members[i]);
    }
    retire_new_images(this);
    transaction_unstage(this);
    this->is_on_probation = false;
    settle_report(this, SWAP_TAKEN_BACK);
}

/*
 * In a rendezvous: cuts off calls that do not end. When the time is over and no call is under way
 * that began in time (it may be one of those), whoever faults from then on is not on probation.
 */
static void look(void *argument)
{
    struct transaction *this = argument;
    contain_cut_calls(this);
    if (this->is_time_over && this->phase == PHASE_COMMITTED && !this->has_failed &&
        this->inside_since_ns >= this->settle_ns) {
        this->is_guarded = false;
        transaction_retarget(this, false);
        contain_end();
        this->phase = PHASE_KEPT;
    }
}

static void keep(struct transaction *this)
{
    this->is_on_probation = false;
    transaction_finish(this);
    settle_report(this, SWAP_SETTLED);
}

void transaction_begin_probation(struct transaction *this)
{
    this->is_on_probation = true;
    this->watched_ns = time_now_ns();
    this->report->phase = SWAP_ON_PROBATION;
    this->settle_ns = this->watched_ns + this->report->probation_ms * 1000000ul;
}

uint64_t transaction_watch(struct transaction *this, const struct swap_request *next)
{
    bool is_ours = next && is_about(this, next->old);
    if (!this->is_on_probation || (is_ours && next->kind == SWAP_REVERT) ||
        (next && next->kind == SWAP_TRACE)) {
        return 0;
    }
    if (!READ_ONCE(this->has_failed) && are_healthy(this)) {
        uint64_t now = time_now_ns();
        uint32_t wanted = CONFIG_PROBATION_CALLS; /* 0: only time counts */
        if (is_ours || (wanted && READ_ONCE(this->calls) >= wanted)) {
            this->settle_ns = MIN(this->settle_ns, now);
        }
        this->is_time_over = now >= this->settle_ns;
        if (this->is_time_over || now - this->watched_ns >= CALL_DEADLINE_NS) {
            (void)rendezvous_run(look, this, NULL); /* not all came: the next look does it */
        }
        if (this->phase == PHASE_COMMITTED && !READ_ONCE(this->has_failed)) {
            uint64_t interval_ns = this->report->probation_ms * 1000000ul / LOOKS;
            return this->is_time_over
                       ? LATE_LOOK_NS
                       : MIN(this->settle_ns - now, MIN(interval_ns, CALL_DEADLINE_NS));
        }
    }
    if (this->phase == PHASE_KEPT) {
        keep(this);
    } else {
        take_back(this);
    }
    return 0;
}

int transaction_revert(struct transaction *this, const struct swap_request *request,
                       struct swap_report *report, struct why *why)
{
    if (!this->is_on_probation || !is_about(this, request->old)) {
        return why_set(why, -ENOENT, "%s is not on probation: what was before it is gone",
                       request->old);
    }
    *report = (struct swap_report){.ticket = report->ticket,
                                   .kind = SWAP_REVERT,
                                   .old_version = this->report->new_version,
                                   .new_version = this->report->old_version};
    strcpy(report->old, this->report->new);
    strcpy(report->new, this->report->old);
    if (!this->failure[0]) {
        format_print(this->failure, sizeof(this->failure), "by hand");
    }
    take_back(this);
    format_print(report->message, sizeof(report->message), "%s has come back", report->new);
    return 0;
}

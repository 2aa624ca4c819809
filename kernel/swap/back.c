/* SPDX-License-Identifier: MIT */
/*
 * The way back: the gates turn to the old images again, and the rest is undone behind them.
 */
#include <errno.h>

#include "rendezvous.h"
#include "transaction.h"

/* How long the way back waits for somebody inside before it says so, and goes on waiting. */
#define BACK_ATTEMPT_NS 1000000000u

/*
 * On the way back, the gates not turned yet: what a successor gives back to the one before it. If
 * it has not taken over, its predecessor's own words are given back, which nobody has touched.
 */
static void export_back(struct member *member)
{
    if (!member->has_taken_over) {
        return;
    }
    member->handover_bytes = 0;
    if (!member->handover || !member->image->ops->export) {
        return;
    }
    int result = member->image->ops->export(member->handover, member->handover_room);
    if (result > 0 && (size_t)result <= member->handover_room) {
        member->handover_bytes = (size_t)result;
    }
}

/*
 * Back to the old images. One that was handed over is given what there is to give, and looks
 * around; one whose state was adopted takes it back. What the hooks of the old ones answer does not
 * matter: they could do it before.
 */
int transaction_undo_commit(struct transaction *this)
{
    if (this->phase == PHASE_TAKEN_BACK) {
        return 0; /* a CPU that faulted was first */
    }
    for (unsigned i = 0; i < this->member_count; i++) {
        struct member *member = &this->members[i];
        if (member_is_dismissed(member) && member->image) {
            export_back(member);
        }
        if (member->has_migrated) { /* what it cannot bring back is as it was before */
            (void)member->image->ops->migrate(member->old_state,
                                              member->old_image->descriptor.version, true);
        }
    }
    transaction_mask_irqs(this, true, true);
    this->is_guarded = false;
    transaction_retarget(this, true);
    contain_end();
    this->phase = PHASE_TAKEN_BACK;
    for (unsigned i = 0; i < this->member_count; i++) {
        struct member *member = &this->members[i];
        const struct component_ops *ops = member->old_image ? member->old_image->ops : NULL;
        if (ops && member_is_dismissed(member) && ops->import) {
            (void)ops->import(member->handover_bytes ? member->handover : NULL,
                              member->handover_bytes);
        }
        if (ops && member->has_adopted && ops->adopt) {
            (void)ops->adopt();
        }
    }
    transaction_mask_irqs(this, false, false);
    return 0;
}

/* Turns the gates back once nobody is inside the new images, however long that takes. */
static void turn_back(struct transaction *this)
{
    this->is_backwards = true;
    while (READ_ONCE(this->phase) == PHASE_COMMITTED) {
        this->is_aborted = false;
        if (transaction_drain(this, transaction_undo_commit, time_now_ns() + BACK_ATTEMPT_NS) < 0) {
            log_error("on the way back: %s", this->why->text);
            (void)rendezvous_run(contain_cut_calls, this,
                                 NULL); /* if not all came, the next time */
        }
    }
    drain_wake_parked();                      /* should a faulting CPU have turned them */
    rendezvous_run_everywhere(irq_start_cpu); /* private interrupts, on every CPU */
}

/* Whether the memory of a newcomer is its predecessor's again: rather too much of it, if the way
 * back went wrong, than what others still use. */
static bool is_given_back(const struct member *member)
{
    return member->old && member->has_taken_over && member->image->ops->export &&
           member->old_image->ops->import;
}

/* What a newcomer has registered is revoked; what it was given goes back to whom it came from. */
static void revoke_newcomer(const struct transaction *this, const struct member *member)
{
    if (member->is_started && !this->has_failed) {
        member_call_stop(member->image);
    }
    if (is_given_back(member)) {
        page_give(member->component, member->old);
    }
    component_revoke(member->component);
}

/*
 * The way back, when a newcomer did not start, or a version failed on probation: newcomers are
 * dismissed, who had to leave for them starts again.
 */
void transaction_roll_back(struct transaction *this)
{
    struct why reason = *this->why;
    step_end();
    turn_back(this);
    for (unsigned i = 0; i < this->member_count; i++) {
        if (member_is_newcomer(&this->members[i])) {
            revoke_newcomer(this, &this->members[i]);
        }
    }
    for (unsigned i = 0; i < this->member_count; i++) {
        const struct member *member = &this->members[i];
        const struct image *old = member->old_image;
        int result = member_is_dismissed(member) && old->ops->start ? old->ops->start() : 0;
        if (result < 0) {
            log_error("%s did not start again: error %d", member->old->name, result);
        }
    }
    *this->why = reason;
}

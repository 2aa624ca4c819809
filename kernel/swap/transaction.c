/* SPDX-License-Identifier: MIT */
/*
 * Carrying out a transaction. Up to the commit, in the rendezvous, every failure leaves the world
 * as it was; what fails after it (a component's start) is undone by the same steps backwards.
 */
#include "transaction.h"

#include <errno.h>
#include <lib/format.h>

#include "rendezvous.h"

static struct transaction transaction; /* one at a time */
static uint32_t committed;
static uint64_t worst_blackout_ns;

bool transaction_is_new_code(const struct transaction *this, uint64_t target)
{
    for (unsigned i = 0; i < this->member_count; i++) {
        const struct image *image = this->members[i].image;
        if (image && image_contains(image, target)) {
            return true;
        }
    }
    return false;
}

void transaction_retarget(struct transaction *this, bool back)
{
    for (unsigned i = 0; i < this->retarget_count; i++) {
        const struct retarget *retarget = &this->retargets[i];
        bool is_guarded = !back && this->is_guarded && transaction_is_new_code(this, retarget->to);
        gate_write(retarget->gate, back ? retarget->from : retarget->to,
                   is_guarded ? GATE_GUARDED : GATE_OPEN);
    }
    gate_finish_writes();
}

void transaction_mask_irqs(const struct transaction *this, bool of_newcomers, bool is_masked)
{
    for (unsigned i = 0; i < this->member_count; i++) {
        const struct member *member = &this->members[i];
        if (of_newcomers ? member_is_newcomer(member) : member_is_dismissed(member)) {
            irq_mask_owner(of_newcomers ? member->component : member->old, is_masked);
        }
    }
}

/* Before the gates turn: what the predecessor, still in place, gives to a different successor. */
static int export_state(struct transaction *this, struct member *member)
{
    if (!member->handover) {
        return 0;
    }
    int result = step_fails("export")
                     ? -EIO
                     : member->old_image->ops->export(member->handover, member->handover_room);
    if (result < 0 || (size_t)result > member->handover_room) {
        return why_set(this->why, -EIO, "%s exports %d bytes, there is room for %zu",
                       member->old->name, result, member->handover_room);
    }
    member->handover_bytes = (size_t)result;
    return 0;
}

/* After the gates have turned: hooks are gates, so they lead to the new image. */
static int import_state(struct transaction *this, struct member *member)
{
    const struct component_ops *ops = member->image->ops;
    if (!member_is_newcomer(member) || !ops->import) {
        return 0;
    }
    const void *data = member->handover_bytes ? member->handover : NULL;
    int result = step_fails("import") ? -EIO : ops->import(data, member->handover_bytes);
    member->has_taken_over = result >= 0;
    return result < 0 ? why_set(this->why, -EIO, "import of %s failed: error %d", ops->name, result)
                      : 0;
}

static int adopt_state(struct transaction *this, struct member *member)
{
    const struct component_ops *ops = member->image->ops;
    if (member->transfer == SWAP_MIGRATED) {
        member->has_migrated = this->has_migrated = true;
        int result =
            step_fails("migrate")
                ? -EIO
                : ops->migrate(member->old_state, member->old_image->descriptor.version, false);
        return result < 0
                   ? why_set(this->why, -EIO, "migrate of %s failed: error %d", ops->name, result)
                   : 0;
    }
    if (member_is_newcomer(member) || !ops->adopt) {
        return 0;
    }
    member->has_adopted = true;
    int result = step_fails("adopt") ? -EIO : ops->adopt();
    return result < 0 ? why_set(this->why, -EIO, "adopt of %s failed: error %d", ops->name, result)
                      : 0;
}

static int for_images(struct transaction *this, int (*act)(struct transaction *, struct member *))
{
    int result = 0;
    for (unsigned i = 0; i < this->member_count && result == 0; i++) {
        result = this->members[i].image ? act(this, &this->members[i]) : 0;
    }
    return result;
}

/* In the rendezvous, nobody inside: transfer and commit, or everything as before. */
static int commit(struct transaction *this)
{
    int result = for_images(this, export_state);
    if (result < 0) {
        return result;
    }
    transaction_mask_irqs(this, false, true);
    if (this->is_guarded) {
        contain_begin(this);
    }
    transaction_retarget(this, false);
    result = for_images(this, import_state);
    if (result == 0) {
        result = for_images(this, adopt_state);
    }
    if (result == 0 && step_fails("commit")) {
        result = why_set(this->why, -EIO, "made to fail when all gates had turned");
    }
    if (result < 0) {
        (void)transaction_undo_commit(this);
        return result;
    }
    this->phase = PHASE_COMMITTED;
    return 0;
}

/*
 * Room for what a predecessor exports: it says how much, and may have grown by the rendezvous; and
 * for the way back, on which its state begins anew.
 */
static int prepare_handover(struct transaction *this, struct member *member)
{
    if (member_is_dismissed(member) && member->old_state) {
        const struct image *old = member->old_image;
        member->aside = page_allocate_owned(old->text_pages + old->rodata_pages, NULL);
        if (!member->aside) {
            return why_set(this->why, -ENOMEM, "no memory for the way back of %s",
                           member->old->name);
        }
    }
    if (member->transfer != SWAP_HANDED_OVER || !member->old_image->ops->export) {
        return 0;
    }
    int bytes = member->old_image->ops->export(NULL, 0);
    if (bytes < 0) {
        return why_set(this->why, -EIO, "%s cannot say how much it exports: error %d",
                       member->old->name, bytes);
    }
    member->handover_room = ALIGN_UP((size_t)bytes * 2 + 1, PAGE_BYTES);
    member->handover = page_allocate_owned(member->handover_room / PAGE_BYTES, NULL);
    return member->handover
               ? 0
               : why_set(this->why, -ENOMEM, "no memory for what %s exports", member->old->name);
}

/* What is about to be drained can be read. If it is refused, its report says nothing of that. */
static void publish_drain(struct transaction *this)
{
    struct swap_report before = *this->report;
    transaction_describe(this);
    this->report->phase = SWAP_DRAINING;
    transaction_publish(this->report);
    *this->report = before;
}

/* patience_ns: for the drain. */
static int run_staged(struct transaction *this, uint64_t patience_ns)
{
    struct swap_report *report = this->report;
    int result = for_images(this, prepare_handover);
    if (result == 0) {
        result = direct_hold(this);
    }
    publish_drain(this);
    uint64_t begin = time_now_ns();
    if (result == 0) {
        result = transaction_drain(this, commit, begin + patience_ns);
    }
    report->drain_ns = time_now_ns() - begin;
    if (result < 0) {
        rendezvous_run_everywhere(irq_start_cpu); /* if the commit was undone: private interrupts */
    } else {
        transaction_describe(this);
        transaction_dismiss(this);
        transaction_renew_dismissed(this);
        result = transaction_start_newcomers(this);
        if (result < 0) {
            transaction_roll_back(this);
        }
    }
    step_end();
    if (result < 0) {
        transaction_unstage(this);
        return result;
    }
    worst_blackout_ns = MAX(worst_blackout_ns, this->is_boot ? 0 : report->blackout_ns);
    for (unsigned i = 0; i < this->member_count; i++) {
        member_settle(&this->members[i]);
    }
    committed++;
    return 0;
}

/* Whether the new versions are to be watched, and how long. */
static bool plan_probation(struct transaction *this)
{
    uint32_t ms = this->request->options.probation_ms ? this->request->options.probation_ms
                                                      : CONFIG_PROBATION_MS;
    if (this->is_boot || ms == 0 || ms == SWAP_NO_PROBATION || this->request->kind == SWAP_UNLOAD) {
        return false;
    }
    this->report->probation_ms = ms;
    return true;
}

void transaction_run(const struct swap_request *request, struct swap_report *report, bool is_boot)
{
    static struct why why;
    struct transaction *this = &transaction;
    why.text[0] = 0;
    uint64_t begin = time_now_ns();
    if (request->kind == SWAP_REVERT || request->kind == SWAP_TRACE) {
        uint64_t stopped_ns = rendezvous_read_stopped_ns();
        report->result = request->kind == SWAP_REVERT
                             ? transaction_revert(this, request, report, &why)
                             : trace_apply(request, report, &why);
        report->began_ns = begin;
        report->ended_ns = time_now_ns();
        report->total_ns = report->ended_ns - begin;
        report->stopped_ns = rendezvous_read_stopped_ns() - stopped_ns;
        if (report->result < 0) {
            format_print(report->message, sizeof(report->message), "%s", why.text);
        }
        return;
    }
    *this = (struct transaction){.request = request,
                                 .report = report,
                                 .why = &why,
                                 .is_boot = is_boot,
                                 .thread = thread_current()};
    uint32_t deadline_ms =
        request->options.deadline_ms ? request->options.deadline_ms : CONFIG_DRAIN_DEADLINE_MS;
    report->began_ns = begin;
    this->stopped_before_ns = rendezvous_read_stopped_ns();
    step_begin(request, report);
    this->is_guarded = plan_probation(this);
    int result = transaction_stage(this);
    report->stage_ns = time_now_ns() - begin;
    if (result == 0) {
        result = run_staged(this, deadline_ms * 1000000ul);
    }
    step_end();
    report->result = result;
    report->ended_ns = time_now_ns();
    report->total_ns = report->ended_ns - begin;
    if (result < 0) {
        format_print(report->message, sizeof(report->message), "%s", why.text);
    } else if (report->probation_ms) { /* it may have failed already */
        report->ended_ns = 0;
        transaction_begin_probation(this);
    } else {
        transaction_finish(this);
    }
    report->stopped_ns = rendezvous_read_stopped_ns() - this->stopped_before_ns;
}

uint64_t transaction_look(const struct swap_request *next)
{
    return transaction_watch(&transaction, next);
}

void transaction_read_totals(uint32_t *count, uint64_t *worst_ns)
{
    *count = committed;
    *worst_ns = worst_blackout_ns;
}

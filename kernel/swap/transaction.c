/* SPDX-License-Identifier: MIT */
/*
 * Carrying out a transaction. Up to the commit, in the rendezvous, every failure leaves the world
 * as it was; what fails after it (a component's start) is undone by the same steps backwards.
 */
#include "transaction.h"

#include <errno.h>
#include <lib/format.h>
#include <lib/version.h>
#include <limits.h>
#include <string.h>

#include "rendezvous.h"
#include "revocation.h"

/* How long the way back waits for somebody inside before it says so, and goes on waiting. */
#define BACK_ATTEMPT_NS 1000000000u

static struct transaction transaction; /* one at a time */
static uint32_t committed;
static uint64_t worst_blackout_ns;

static void retarget_all(struct transaction *this, bool back)
{
    for (unsigned i = 0; i < this->retarget_count; i++) {
        const struct retarget *retarget = &this->retargets[i];
        gate_write(retarget->gate, back ? retarget->from : retarget->to, false);
    }
    gate_finish_writes();
}

/* Whether what a member replaces leaves for good: it is of another name, or nothing comes. */
static bool is_dismissed(const struct member *member)
{
    return member->old && (!member->image || member->component != member->old);
}

/* Whether a member begins anew: what start() registers is not there when only code was replaced. */
static bool is_newcomer(const struct member *member)
{
    return member->image && member->component != member->old;
}

/* Interrupts of components without code behind their handlers' gates must not come. */
static void mask_irqs(const struct transaction *this, bool of_newcomers, bool is_masked)
{
    for (unsigned i = 0; i < this->member_count; i++) {
        const struct member *member = &this->members[i];
        if (of_newcomers ? is_newcomer(member) : is_dismissed(member)) {
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
    int result = member->old_image->ops->export(member->handover, member->handover_room);
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
    if (!is_newcomer(member) || !ops->import) {
        return 0;
    }
    int result =
        ops->import(member->handover_bytes ? member->handover : NULL, member->handover_bytes);
    return result < 0 ? why_set(this->why, -EIO, "import of %s failed: error %d", ops->name, result)
                      : 0;
}

static int adopt_state(struct transaction *this, struct member *member)
{
    const struct component_ops *ops = member->image->ops;
    if (is_newcomer(member) || !ops->adopt) {
        return 0;
    }
    member->has_adopted = true;
    int result = ops->adopt();
    return result < 0 ? why_set(this->why, -EIO, "adopt of %s failed: error %d", ops->name, result)
                      : 0;
}

/*
 * Back to the old images. One that was handed over has its own state still, and looks around; one
 * whose state was adopted takes it back.
 */
static int undo_commit(struct transaction *this)
{
    mask_irqs(this, true, true);
    retarget_all(this, true);
    for (unsigned i = 0; i < this->member_count; i++) {
        struct member *member = &this->members[i];
        const struct component_ops *ops = member->old_image ? member->old_image->ops : NULL;
        if (ops && is_dismissed(member) && ops->import) {
            (void)ops->import(NULL, 0); /* it could before: it can */
        }
        if (ops && member->has_adopted && ops->adopt) {
            (void)ops->adopt(); /* likewise */
        }
    }
    mask_irqs(this, false, false);
    return 0;
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
    mask_irqs(this, false, true);
    retarget_all(this, false);
    result = for_images(this, import_state);
    if (result == 0) {
        result = for_images(this, adopt_state);
    }
    if (result < 0) {
        (void)undo_commit(this);
    }
    return result;
}

/* Room for what a predecessor exports: it says how much, and may have grown by the rendezvous. */
static int prepare_handover(struct transaction *this, struct member *member)
{
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

/* Whether all that a member needs from other new members has been started. */
static bool is_ready(const struct transaction *this, const struct member *member)
{
    struct descriptor_interface need, offer;
    for (int cursor = 0; descriptor_next_interface(
             &this->blob->bundle, member->image->descriptor.needs, &cursor, &need);) {
        for (unsigned i = 0; i < this->member_count; i++) {
            const struct member *other = &this->members[i];
            if (other == member || other->is_started) {
                continue;
            }
            for (int at = 0; descriptor_next_interface(
                     &this->blob->bundle, other->image->descriptor.provides, &at, &offer);) {
                if (!strcmp(offer.name, need.name)) {
                    return false;
                }
            }
        }
    }
    return true;
}

/* Place in the order of gate.S of what the nucleus itself calls; INT_MAX: it calls nothing of it.
 */
static int rank_of(const struct image *image)
{
    for (uint32_t i = 0; i < image->gate_count; i++) {
        if (gate_at(image->gates[i])->is_static &&
            image_find_symbol(image, gate_at(image->gates[i])->name)) {
            return image->gates[i];
        }
    }
    return INT_MAX;
}

/*
 * The next to start: first what the nucleus needs, since it serves the others by it (interrupts,
 * timers); then one whose needs are met; in a cycle, the first of the bundle.
 */
static struct member *next_to_start(struct transaction *this)
{
    struct member *best = NULL;
    int best_rank = 0;
    for (unsigned i = 0; i < this->member_count; i++) {
        struct member *member = &this->members[i];
        if (!member->image || member->is_started) {
            continue;
        }
        int rank = rank_of(member->image);
        bool is_better = !best || rank < best_rank ||
                         (rank == best_rank && !is_ready(this, best) && is_ready(this, member));
        if (is_better) {
            best = member;
            best_rank = rank;
        }
    }
    return best;
}

/* Starts the newcomers. At boot it is no failure that a device is not there. */
static int start_newcomers(struct transaction *this)
{
    struct member *member;
    while ((member = next_to_start(this))) {
        int result =
            is_newcomer(member) && member->image->ops->start ? member->image->ops->start() : 0;
        if (result == -ENODEV && this->is_boot) {
            log_info("%s: its device is not there", member->component->name);
        } else if (result < 0) {
            return why_set(this->why, -EIO, "%s did not start: error %d", member->component->name,
                           result);
        }
        member->is_started = true;
        log_debug("%s: %s", member->component->name, is_newcomer(member) ? "started" : "goes on");
    }
    return 0;
}

/* Calls stop() of an image that the gates do not lead to any more. */
static void call_stop(const struct image *image)
{
    int gate = image->ops->stop ? gate_index_of((uint64_t)image->ops->stop) : -ENOENT;
    uint64_t target = gate < 0 ? 0 : image_find_symbol(image, gate_at(gate)->name);
    if (target) {
        ((void (*)(void))target)();
    }
}

/* Whether a successor has taken over what its predecessor held. */
static bool has_taken_over(const struct member *member)
{
    return member->image && member->image->ops->import;
}

/*
 * What is replaced for good: without a successor that takes over it stops; what it registered is
 * revoked, and its memory freed or handed on. Its gates lead nowhere by now.
 */
static void dismiss(struct transaction *this)
{
    for (unsigned i = 0; i < this->member_count; i++) {
        const struct member *member = &this->members[i];
        if (!is_dismissed(member)) {
            continue;
        }
        if (has_taken_over(member)) {
            page_give(member->old, member->component);
        } else {
            call_stop(member->old_image);
        }
        component_revoke(member->old);
    }
}

/* Who was dismissed begins as on its first day: its state is written anew. Nobody is in it. */
static void renew_dismissed(struct transaction *this)
{
    for (unsigned i = 0; i < this->member_count; i++) {
        const struct member *member = &this->members[i];
        struct why why;
        if (is_dismissed(member) && member->old_state &&
            image_write_state(member->old_image, member->old_state, member->old_state_bytes, &why) <
                0) {
            log_error("%s cannot begin anew: %s", member->old->name, why.text);
        }
    }
}

/*
 * The way back, when a newcomer did not start: the gates turn back once nobody is inside the new
 * images, however long that takes; newcomers are dismissed, who had to leave for them starts again.
 */
static void roll_back(struct transaction *this)
{
    struct why reason = *this->why;
    renew_dismissed(this);
    do {
        this->is_backwards = true;
        this->is_aborted = false;
        if (transaction_drain(this, undo_commit, time_now_ns() + BACK_ATTEMPT_NS) == 0) {
            break;
        }
        log_error("on the way back: %s", this->why->text);
    } while (true);
    rendezvous_run_everywhere(irq_start_cpu); /* private interrupts, on every CPU */
    for (unsigned i = 0; i < this->member_count; i++) {
        const struct member *member = &this->members[i];
        if (is_newcomer(member)) {
            if (member->is_started) {
                call_stop(member->image);
            }
            component_revoke(member->component);
        }
    }
    for (unsigned i = 0; i < this->member_count; i++) {
        const struct member *member = &this->members[i];
        const struct image *old = member->old_image;
        int result = is_dismissed(member) && old->ops->start ? old->ops->start() : 0;
        if (result < 0) {
            log_error("%s did not start again: error %d", member->old->name, result);
        }
    }
    *this->why = reason;
}

/* Makes the records say what is so now. */
static void settle_member(struct member *member)
{
    struct component *component = member->component;
    uint64_t daif = spin_lock(&component_lock);
    if (member->image) {
        const struct component_descriptor *descriptor = &member->image->descriptor;
        component->swaps += member->old ? 1 : 0;
        component->image = member->image;
        component->state = member->state;
        component->state_bytes = member->state_bytes;
        component->state_hash = descriptor->state_hash;
        format_print(component->state_type, sizeof(component->state_type), "%s",
                     descriptor->state_type ? descriptor->state_type : "");
        component->is_live = true;
    }
    if (member->old && (!member->image || member->old != component)) {
        member->old->is_live = false;
    }
    spin_unlock(&component_lock, daif);
}

/* Gives back what has been replaced. */
static void retire(struct transaction *this)
{
    for (unsigned i = 0; i < this->member_count; i++) {
        struct member *member = &this->members[i];
        if (member->old_image) {
            image_destroy(member->old_image);
        }
        if (member->old && (!member->image || member->state != member->old_state)) {
            component_free_state(member->old, member->old_state, member->old_state_bytes);
        }
        page_free(member->handover);
        if (member->old && !member->old->is_live) {
            component_destroy(member->old);
        }
    }
    page_free(this->retargets);
    blob_unuse(this->blob);
    gate_close_window();
}

static const char *transfer_words(const struct member *member, char *text, size_t size)
{
    switch (member->transfer) {
    case SWAP_ADOPTED:
        format_print(text, size, "state adopted (%zu bytes)", member->state_bytes);
        break;
    case SWAP_HANDED_OVER:
        format_print(text, size, "handed over (%zu bytes)", member->handover_bytes);
        break;
    default:
        format_print(text, size, "%s", member->state_bytes ? "state afresh" : "no state");
        break;
    }
    return text;
}

static void describe(struct transaction *this)
{
    struct swap_report *report = this->report;
    const struct member *first = &this->members[0];
    report->components = this->member_count;
    report->transfer = first->transfer;
    report->state_bytes = first->image && first->transfer == SWAP_ADOPTED ? first->state_bytes
                                                                          : first->handover_bytes;
    if (first->old) {
        format_print(report->old, sizeof(report->old), "%s", first->old->name);
        report->old_version = first->old_image->descriptor.version;
    }
    if (first->image) {
        format_print(report->new, sizeof(report->new), "%s", first->component->name);
        report->new_version = first->image->descriptor.version;
    }
    char old[VERSION_TEXT_MAX], new[VERSION_TEXT_MAX], transfer[64];
    (void)version_print(old, sizeof(old), report->old_version);
    (void)version_print(new, sizeof(new), report->new_version);
    (void)transfer_words(first, transfer, sizeof(transfer));
    if (!first->image) {
        format_print(report->message, sizeof(report->message), "%s %s unloaded", report->old, old);
    } else if (this->member_count > 1) {
        format_print(report->message, sizeof(report->message), "%u components loaded",
                     this->member_count);
    } else if (!first->old) {
        format_print(report->message, sizeof(report->message), "%s %s loaded", report->new, new);
    } else {
        format_print(report->message, sizeof(report->message), "%s %s -> %s %s, %s", report->old,
                     old, report->new, new, transfer);
    }
}

static int run_staged(struct transaction *this, uint64_t deadline_ns)
{
    struct swap_report *report = this->report;
    int result = for_images(this, prepare_handover);
    uint64_t begin = time_now_ns();
    if (result == 0) {
        result = transaction_drain(this, commit, deadline_ns);
    }
    report->drain_ns = time_now_ns() - begin;
    if (result < 0) {
        rendezvous_run_everywhere(irq_start_cpu); /* if the commit was undone: private interrupts */
    } else {
        describe(this);
        dismiss(this);
        result = start_newcomers(this);
        if (result < 0) {
            roll_back(this);
        }
    }
    if (result < 0) {
        transaction_unstage(this);
        return result;
    }
    worst_blackout_ns = MAX(worst_blackout_ns, this->is_boot ? 0 : report->blackout_ns);
    for (unsigned i = 0; i < this->member_count; i++) {
        settle_member(&this->members[i]);
        if (this->members[i].image) {
            revoke_older(&this->members[i].image->descriptor);
        }
    }
    begin = time_now_ns();
    retire(this);
    report->retire_ns = time_now_ns() - begin;
    committed++;
    return 0;
}

void transaction_run(const struct swap_request *request, struct swap_report *report, bool is_boot)
{
    static struct why why;
    struct transaction *this = &transaction;
    *this =
        (struct transaction){.request = request, .report = report, .why = &why, .is_boot = is_boot};
    uint32_t deadline_ms = request->deadline_ms ? request->deadline_ms : CONFIG_DRAIN_DEADLINE_MS;
    why.text[0] = 0;
    uint64_t begin = time_now_ns();
    int result = transaction_stage(this);
    report->stage_ns = time_now_ns() - begin;
    if (result == 0) {
        result = run_staged(this, time_now_ns() + deadline_ms * 1000000ul);
    }
    report->result = result;
    report->total_ns = time_now_ns() - begin;
    if (result < 0) {
        format_print(report->message, sizeof(report->message), "%s", why.text);
    }
}

void transaction_read_totals(uint32_t *count, uint64_t *worst_ns)
{
    *count = committed;
    *worst_ns = worst_blackout_ns;
}

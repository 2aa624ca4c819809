/* SPDX-License-Identifier: MIT */
/*
 * Once the gates have turned: who was replaced for good stops and is revoked, who is new starts.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "transaction.h"

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
int transaction_start_newcomers(struct transaction *this)
{
    struct member *member;
    while ((member = next_to_start(this))) {
        const struct component_ops *ops = member->image->ops;
        int result = step_fails("start")                        ? -EIO
                     : member_is_newcomer(member) && ops->start ? ops->start()
                                                                : 0;
        if (result == -ENODEV && this->is_boot) {
            log_info("%s: its device is not there", member->component->name);
        } else if (result < 0) {
            return why_set(this->why, -EIO, "%s did not start: error %d", member->component->name,
                           result);
        }
        member->is_started = true;
        log_debug("%s: %s", member->component->name,
                  member_is_newcomer(member) ? "started" : "goes on");
    }
    return step_fails("the end") ? why_set(this->why, -EIO, "made to fail at the end") : 0;
}

void member_call_stop(const struct image *image)
{
    int gate = image->ops->stop ? gate_index_of((uint64_t)image->ops->stop) : -ENOENT;
    uint64_t target = gate < 0 ? 0 : image_find_symbol(image, gate_at(gate)->name);
    if (target) {
        ((void (*)(void))target)();
    }
}

/*
 * What is replaced for good: without a successor that takes over it stops; what it registered is
 * revoked, and its memory freed or handed on. Its gates lead nowhere by now.
 */
void transaction_dismiss(struct transaction *this)
{
    for (unsigned i = 0; i < this->member_count; i++) {
        const struct member *member = &this->members[i];
        if (!member_is_dismissed(member)) {
            continue;
        }
        if (member->has_taken_over) {
            page_give(member->old, member->component);
        } else {
            member_call_stop(member->old_image);
        }
        component_revoke(member->old);
    }
}

/*
 * Who was dismissed would begin as on its first day: its state is written anew. Nobody is in it,
 * and should the gates turn back, there is no time.
 */
void transaction_renew_dismissed(struct transaction *this)
{
    for (unsigned i = 0; i < this->member_count; i++) {
        const struct member *member = &this->members[i];
        if (member_is_dismissed(member) && member->old_state && member->aside) {
            image_write_state(member->old_image, member->old_state, member->old_state_bytes,
                              member->aside);
        }
    }
}

/* SPDX-License-Identifier: MIT */
/*
 * Once the gates have turned: who was replaced for good stops and is revoked, who is new starts.
 */
#include <errno.h>
#include <string.h>

#include "transaction.h"

/*
 * Starts one that is new. At boot there is nothing to go back to: who cannot start, since its
 * device is not there or the device tree speaks nonsense, stays idle, and the others start.
 */
static int start_member(struct transaction *this, struct member *member)
{
    const struct component_ops *ops = member->image->ops;
    int result = step_fails("start")                        ? -EIO
                 : member_is_newcomer(member) && ops->start ? ops->start()
                                                            : 0;
    if (result < 0 && !this->is_boot) {
        return why_set(this->why, -EIO, "%s did not start: error %d", member->component->name,
                       result);
    }
    if (result == -ENODEV) {
        log_info("%s: its device is not there", member->component->name);
    } else if (result < 0) {
        log_error("%s did not start, and stays idle: error %d", member->component->name, result);
    }
    member->is_started = true;
    log_debug("%s: %s", member->component->name,
              member_is_newcomer(member) ? "started" : "goes on");
    return 0;
}

static int start_by_name(struct transaction *this, const char *name)
{
    for (unsigned i = 0; i < this->member_count; i++) {
        struct member *member = &this->members[i];
        if (member->image && !member->is_started && !strcmp(member->component->name, name)) {
            return start_member(this, member);
        }
    }
    return 0;
}

/* In the order that the packager has put down, who is not named in it behind. */
int transaction_start_newcomers(struct transaction *this)
{
    int result = 0;
    const char *name = this->blob ? this->blob->bundle.start : NULL;
    uint32_t count = this->blob ? this->blob->bundle.start_count : 0;
    for (uint32_t i = 0; i < count && result == 0; i++, name += strlen(name) + 1) {
        result = start_by_name(this, name);
    }
    for (unsigned i = 0; i < this->member_count && result == 0; i++) {
        struct member *member = &this->members[i];
        result = member->image && !member->is_started ? start_member(this, member) : 0;
    }
    if (result == 0 && step_fails("the end")) {
        result = why_set(this->why, -EIO, "made to fail at the end");
    }
    return result;
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
        struct member *member = &this->members[i];
        if (!member_is_dismissed(member)) {
            continue;
        }
        if (member->has_taken_over) {
            page_give(member->old, member->component);
        } else {
            member_call_stop(member->old_image);
            member->handover_bytes = 0; /* its words are of what it has no more */
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

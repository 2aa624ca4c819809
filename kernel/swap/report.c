/* SPDX-License-Identifier: MIT */
/*
 * What a transaction has brought about: in the components' records, and in its report.
 */
#include <lib/format.h>

#include "transaction.h"

/* Makes a component's record say which image it has. */
static void record_image(struct component *component, struct image *image, void *state,
                         size_t state_bytes)
{
    const struct component_descriptor *descriptor = &image->descriptor;
    component->image = image;
    component->state = state;
    component->state_bytes = state_bytes;
    component->state_hash = descriptor->state_hash;
    format_print(component->state_type, sizeof(component->state_type), "%s",
                 descriptor->state_type ? descriptor->state_type : "");
    component->is_live = true;
}

/* Makes the records say what is so now. */
void member_settle(struct member *member)
{
    uint64_t daif = spin_lock(&component_lock);
    if (member->image) {
        member->component->swaps += member->old ? 1 : 0;
        record_image(member->component, member->image, member->state, member->state_bytes);
    }
    if (member_is_dismissed(member)) {
        member->old->is_live = false;
    }
    spin_unlock(&component_lock, daif);
}

/* And that it is again as it was. */
void member_unsettle(struct member *member)
{
    uint64_t daif = spin_lock(&component_lock);
    if (member->image) {
        member->component->swaps -= member->old ? 1 : 0;
        member->component->is_live = false;
    }
    if (member->old) {
        record_image(member->old, member->old_image, member->old_state, member->old_state_bytes);
    }
    spin_unlock(&component_lock, daif);
}

void transaction_describe(struct transaction *this)
{
    struct swap_report *report = this->report;
    const struct member *first = &this->members[0];
    report->components = this->member_count;
    report->transfer = first->transfer;
    report->state_bytes =
        first->image && (first->transfer == SWAP_ADOPTED || first->transfer == SWAP_MIGRATED)
            ? first->state_bytes
            : first->handover_bytes;
    if (first->old) {
        format_print(report->old, sizeof(report->old), "%s", first->old->name);
        report->old_version = first->old_image->descriptor.version;
    }
    if (first->image) {
        format_print(report->new, sizeof(report->new), "%s", first->component->name);
        report->new_version = first->image->descriptor.version;
    }
}

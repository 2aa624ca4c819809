/* SPDX-License-Identifier: MIT */
/*
 * Whether every way in would still lead somewhere: calls by name and types, and addresses that
 * somebody holds. (Why a world would not hold together, in words of interfaces and versions, is for
 * the loader to find out beforehand: lib/plan.h.)
 */
#include <errno.h>
#include <string.h>

#include "audit.h"
#include "transaction.h"

/*
 * An own function of the old version whose gate somebody holds must exist in the new one. Who looks
 * for it finds it in a handler's entry, a timer, a heap object, a table of an offer, on a stack.
 */
static int check_own_gates(struct transaction *transaction, const struct member *member)
{
    const struct image *old = member->old_image;
    struct audit audit = {.leaving = old};
    bool lacks_any = false;
    for (uint32_t i = 0; i < old->gate_count; i++) {
        lacks_any |= gate_at(old->gates[i])->owner == old->component &&
                     !image_is_hook(old, old->gates[i]) &&
                     !image_uses_gate(member->image, old->gates[i]);
    }
    if (!lacks_any || !audit_finds(&audit)) {
        return 0;
    }
    return audit.gate ? refuse(transaction, -EPROTO,
                               "%s has no function %s of the same type, whose address %s holds",
                               member->image->descriptor.name, audit.gate, audit.holder)
                      : refuse(transaction, -EIO, "a CPU does not stop, see the log");
}

/*
 * A gate is known by the types of its method: who was built for others has another gate. So if each
 * gate that is called leads somewhere, each need is met as it was built.
 */
static int check_leads_somewhere(struct transaction *transaction, const struct image *image)
{
    for (uint32_t i = 0; i < image->gate_count; i++) {
        const struct gate *gate = gate_at(image->gates[i]);
        uint64_t target = gate->planned ? gate->planned : gate->target;
        if (!gate->owner && target == gate_unbound_target()) {
            return refuse(transaction, -ENOENT,
                          "%s calls %s as it was built against it, which nobody would provide",
                          image->descriptor.name, gate->name);
        }
    }
    return 0;
}

/* Of who is new, of who stays, all calls must lead somewhere once the gates have turned. */
static int check_calls(struct transaction *transaction)
{
    int result = 0;
    for (unsigned i = 0; i < transaction->member_count && result == 0; i++) {
        const struct image *image = transaction->members[i].image;
        result = image ? check_leads_somewhere(transaction, image) : 0;
    }
    for (struct component *each = NULL; result == 0 && (each = component_next(each));) {
        bool stays = each->is_live;
        for (unsigned i = 0; i < transaction->member_count; i++) {
            stays &= transaction->members[i].old != each;
        }
        result = stays ? check_leads_somewhere(transaction, each->image) : 0;
    }
    return result;
}

int transaction_check(struct transaction *transaction)
{
    int result = 0;
    for (unsigned i = 0; i < transaction->member_count && result == 0; i++) {
        struct member *member = &transaction->members[i];
        if (member->image && member->old == member->component) {
            result = check_own_gates(transaction, member);
        }
    }
    return result == 0 ? check_calls(transaction) : result;
}

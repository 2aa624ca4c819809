/* SPDX-License-Identifier: MIT */
/*
 * Staging: every allocation, the linking and the plan, while everything goes on running. Each
 * refusal says in a sentence what was found and what was needed.
 */
#include <errno.h>
#include <lib/format.h>
#include <string.h>

#include "transaction.h"

struct revocations revocations;

/* What becomes of the state: adopted in place, handed over, or begun afresh. */
static int plan_state(struct transaction *transaction, struct member *member)
{
    const struct component_descriptor *new = &member->image->descriptor;
    const struct component *old = member->old;
    bool same_name = old && old == member->component;
    member->state_bytes = new->state_size;
    member->old_state = old ? old->state : NULL;
    member->old_state_bytes = old ? old->state_bytes : 0;
    if (same_name && old->state_bytes == new->state_size && old->state_hash == new->state_hash) {
        member->transfer = new->state_size ? SWAP_ADOPTED : SWAP_STATELESS;
        member->state = old->state;
        return 0;
    }
    /* Matching the fields of the two layouts by name has its place here; so far it is for migrate.
     */
    member->transfer = same_name ? SWAP_MIGRATED : old ? SWAP_HANDED_OVER : SWAP_FRESH;
    if (!new->state_size) {
        return 0;
    }
    member->state = component_allocate_state(member->component, new->state_size);
    return member->state ? 0
                         : refuse(transaction, -ENOMEM, "no memory for %u bytes of state of %s",
                                  new->state_size, new->name);
}

/*
 * Only now, linked, its hooks can be looked at. What the nucleus works with (interrupts, timers,
 * memory) cannot begin afresh while the machine runs.
 */
static int check_transfer(struct transaction *transaction, const struct member *member)
{
    const struct image *new = member->image, *old = member->old_image;
    const struct component *before = member->old;
    bool is_vital = false;
    if (member->transfer == SWAP_MIGRATED && !new->ops->migrate) {
        return refuse(transaction, -EPROTO,
                      "the state of %s has another layout, and it has no migrate: %zu bytes of %s "
                      "(hash %016llx) became %u of %s (%016llx)",
                      before->name, before->state_bytes,
                      before->state_type[0] ? before->state_type : "nothing",
                      (unsigned long long)before->state_hash, new->descriptor.state_size,
                      new->descriptor.state_type ? new->descriptor.state_type : "nothing",
                      (unsigned long long)new->descriptor.state_hash);
    }
    for (uint32_t i = 0; old && i < old->provided; i++) {
        is_vital |= gate_at(old->gates[i])->is_static;
    }
    if (member->transfer == SWAP_MIGRATED && is_vital) {
        return refuse(transaction, -EPROTO,
                      "the state of %s has another layout, which the nucleus could not bring back "
                      "from where nobody may wait",
                      before->name);
    }
    if (member->transfer == SWAP_HANDED_OVER && is_vital && !new->ops->import) {
        return refuse(transaction, -EPROTO,
                      "%s does not take over what %s holds (it has no import): only another "
                      "version of %s can take its place",
                      new->descriptor.name, member->old->name, member->old->name);
    }
    return 0;
}

static bool is_target_leaving(const struct transaction *transaction, uint64_t target)
{
    for (unsigned i = 0; i < transaction->member_count; i++) {
        const struct image *old = transaction->members[i].old_image;
        if (old && image_contains(old, target)) {
            return true;
        }
    }
    return target == gate_unbound_target();
}

static int add_retarget(void *argument, int gate, uint64_t target)
{
    struct transaction *transaction = argument;
    assert(transaction->retarget_count < transaction->retarget_room);
    if (!is_target_leaving(transaction, gate_at(gate)->target)) {
        return refuse(transaction, -EEXIST, "%s is provided already, by a component that stays",
                      gate_at(gate)->name);
    }
    if (gate_at(gate)->planned) {
        return refuse(transaction, -EEXIST, "two of the bundle provide %s", gate_at(gate)->name);
    }
    gate_at(gate)->planned = target;
    transaction->retargets[transaction->retarget_count++] =
        (struct retarget){gate, gate_at(gate)->target, target};
    return 0;
}

/* What the old image had and no new one has leads nowhere from now on. */
static int add_unbound(void *argument, int gate, uint64_t target)
{
    struct transaction *transaction = argument;
    (void)target;
    if (gate_at(gate)->planned) {
        return 0;
    }
    if (gate_at(gate)->is_static) {
        return refuse(transaction, -EPROTO,
                      "the nucleus calls %s as it was built against it, and nobody would provide "
                      "that any more: its types have changed, or it is gone",
                      gate_at(gate)->name);
    }
    return add_retarget(transaction, gate, gate_unbound_target());
}

static int plan_members(struct transaction *transaction)
{
    for (unsigned i = 0; i < transaction->member_count; i++) {
        const struct member *member = &transaction->members[i];
        int result = member->image ? image_each_entry(member->image, add_retarget, transaction) : 0;
        if (result == -ENOENT) {
            return refuse(transaction, -EPROTO, "%s lacks a function that its descriptor names",
                          member->image->descriptor.name);
        }
        if (result < 0) {
            return result;
        }
    }
    for (unsigned i = 0; i < transaction->member_count; i++) {
        const struct member *member = &transaction->members[i];
        int result =
            member->old_image ? image_each_entry(member->old_image, add_unbound, transaction) : 0;
        if (result < 0) {
            return result;
        }
    }
    return transaction_check(transaction);
}

static int plan_gates(struct transaction *transaction)
{
    uint32_t room = 0;
    for (unsigned i = 0; i < transaction->member_count; i++) {
        const struct member *member = &transaction->members[i];
        room += member->image ? member->image->gate_count : 0;
        room += member->old_image ? member->old_image->gate_count : 0;
    }
    transaction->retarget_room = room;
    size_t bytes = MAX(room, 1u) * sizeof(*transaction->retargets);
    transaction->retargets = page_allocate_owned(ALIGN_UP(bytes, PAGE_BYTES) / PAGE_BYTES, NULL);
    if (!transaction->retargets) {
        return refuse(transaction, -ENOMEM, "no memory for a plan of %u gates", room);
    }
    int result = plan_members(transaction);
    for (unsigned i = 0; i < transaction->retarget_count; i++) {
        gate_at(transaction->retargets[i].gate)->planned = 0;
    }
    return result;
}

static bool is_called_from_threads(const struct image *image)
{
    struct descriptor_interface interface;
    struct descriptor_method method;
    for (int cursor = 0; descriptor_next_interface(&image->blob->bundle, image->descriptor.provides,
                                                   &cursor, &interface);) {
        while (descriptor_next_method(&interface.methods, &method)) {
            if (!(method.context & METHOD_THREAD)) {
                return false;
            }
        }
    }
    return true;
}

/* Gates may be closed, on the way there and back, if nobody calls through them from interrupts. */
static bool is_closable(const struct transaction *transaction)
{
    for (unsigned i = 0; i < transaction->member_count; i++) {
        const struct member *member = &transaction->members[i];
        if ((member->old_image && !is_called_from_threads(member->old_image)) ||
            (member->image && !is_called_from_threads(member->image))) {
            return false;
        }
    }
    return true;
}

/* "no component called ledd is in the world; there are: gic400, …" */
static int refuse_unknown(struct transaction *transaction, const char *name)
{
    char names[160];
    size_t length = 0;
    names[0] = 0;
    for (struct component *each = NULL; (each = component_next(each));) {
        if (each->is_live && length < sizeof(names)) {
            length += (size_t)format_print(names + length, sizeof(names) - length, "%s%s",
                                           length ? ", " : "", each->name);
        }
    }
    return refuse(transaction, -ENOENT, "no component called %s is in the world; there are: %s",
                  name, names);
}

/* Which record a component of the bundle will be, and what it replaces. */
static int choose_place(struct transaction *transaction, struct member *member,
                        const struct component_descriptor *descriptor)
{
    const struct swap_request *request = transaction->request;
    struct component *same = component_find(descriptor->name);
    member->old = same;
    if (request->kind == SWAP_REPLACE) {
        member->old = component_find(request->old);
        if (!member->old) {
            return refuse_unknown(transaction, request->old);
        }
        if (same && same != member->old) {
            return refuse(transaction, -EEXIST, "%s is in the world already, beside %s",
                          descriptor->name, request->old);
        }
    }
    for (struct member *each = transaction->members; each < member; each++) {
        if (!strcmp(each->component->name, descriptor->name)) {
            return refuse(transaction, -EEXIST, "the bundle has %s twice", descriptor->name);
        }
    }
    member->old_image = member->old ? member->old->image : NULL;
    member->component = same ? same : component_create(descriptor->name);
    return member->component ? 0 : refuse(transaction, -ENOSPC, "the world is full");
}

static int stage_member(struct transaction *transaction,
                        const struct component_descriptor *descriptor)
{
    struct member *member = &transaction->members[transaction->member_count];
    if (transaction->member_count == MEMBERS_MAX) {
        return refuse(transaction, -ENOSPC, "a bundle of more than %u components", MEMBERS_MAX);
    }
    if (strlen(descriptor->name) >= COMPONENT_NAME_BYTES) {
        return refuse(transaction, -ENAMETOOLONG, "the name %s is too long", descriptor->name);
    }
    int result =
        revocation_check(&revocations, descriptor, transaction->member_count, transaction->why);
    if (result == 0) {
        result = choose_place(transaction, member, descriptor);
    }
    if (result < 0) {
        return result;
    }
    transaction->member_count++;
    result = image_create(member->component, transaction->blob, descriptor, &member->image,
                          transaction->why);
    if (result < 0) {
        member->image = NULL;
        return why_prepend(transaction->why, result, "%s", descriptor->name);
    }
    member->image->is_plain =
        IS_ENABLED(CONFIG_SWAP_TESTS) && transaction->request->options.is_plain;
    return plan_state(transaction, member);
}

static int link_member(struct transaction *transaction, struct member *member)
{
    int result = image_link(member->image, member->state, member->transfer != SWAP_ADOPTED,
                            transaction->why);
    if (result == 0) {
        result = check_transfer(transaction, member);
    }
    return result;
}

static int stage_bundle(struct transaction *transaction)
{
    const struct swap_request *request = transaction->request;
    int result = blob_create(request->bundle, request->bundle_bytes, transaction->is_boot,
                             &transaction->blob, transaction->why);
    if (result < 0) {
        return result;
    }
    struct component_descriptor descriptor;
    if (request->kind == SWAP_REPLACE && transaction->blob->bundle.component_count != 1) {
        return refuse(transaction, -EINVAL,
                      "a bundle of %u components cannot take the place of one",
                      transaction->blob->bundle.component_count);
    }
    for (int cursor = 0; bundle_next(&transaction->blob->bundle, &cursor, &descriptor);) {
        result = step_fails("a member")
                     ? refuse(transaction, -EIO, "made to fail before %s", descriptor.name)
                     : stage_member(transaction, &descriptor);
        if (result < 0) {
            return result;
        }
    }
    return 0;
}

static int stage_unload(struct transaction *transaction)
{
    struct component *old = component_find(transaction->request->old);
    if (!old) {
        return refuse_unknown(transaction, transaction->request->old);
    }
    transaction->members[0] = (struct member){
        .component = old,
        .old = old,
        .old_image = old->image,
        .old_state = old->state,
        .old_state_bytes = old->state_bytes,
    };
    transaction->member_count = 1;
    return 0;
}

static int stage_all(struct transaction *transaction)
{
    int result = transaction->request->kind == SWAP_UNLOAD ? stage_unload(transaction)
                                                           : stage_bundle(transaction);
    for (unsigned i = 0; i < transaction->member_count && result == 0; i++) {
        if (transaction->members[i].image) {
            result = link_member(transaction, &transaction->members[i]);
        }
    }
    if (result == 0) {
        result = step_fails("the plan") ? refuse(transaction, -EIO, "made to fail before the plan")
                                        : plan_gates(transaction);
    }
    transaction->is_closable = is_closable(transaction);
    return result;
}

int transaction_stage(struct transaction *transaction)
{
    if (gate_open_window() < 0) {
        return refuse(transaction, -ENOMEM, "no room to map the gates writable");
    }
    int result = stage_all(transaction);
    if (result < 0) {
        transaction_unstage(transaction);
    }
    return result;
}

/* Gives back all that staging took. The members' new images run nowhere. */
void transaction_unstage(struct transaction *transaction)
{
    for (unsigned i = 0; i < transaction->member_count; i++) {
        struct member *member = &transaction->members[i];
        if (member->image) {
            image_destroy(member->image);
        }
        if (member->state != member->old_state) {
            component_free_state(member->component, member->state, member->state_bytes);
        }
        page_free(member->handover);
        page_free(member->aside);
        if (!member->component->is_live && !member->component->images) {
            component_destroy(member->component);
        }
    }
    transaction->member_count = 0;
    direct_release(transaction);
    page_free(transaction->retargets);
    blob_unuse(transaction->blob);
    gate_close_window();
}

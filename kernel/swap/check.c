/* SPDX-License-Identifier: MIT */
/*
 * Whether the world to come would hold together: each interface has one provider, each need is met
 * with the same types, what others hold of a component is there in its successor.
 */
#include <errno.h>
#include <lib/declaration.h>
#include <lib/version.h>
#include <string.h>

#include "audit.h"
#include "transaction.h"

/* How far an interface's provider is known: who, its version, its methods. */
struct provider {
    const char *component;
    struct descriptor_interface interface;
};

/* The member that makes a live component leave or change; NULL: it stays as it is. */
static struct member *member_replacing(struct transaction *transaction,
                                       const struct component *component)
{
    for (unsigned i = 0; i < transaction->member_count; i++) {
        if (transaction->members[i].old == component) {
            return &transaction->members[i];
        }
    }
    return NULL;
}

static bool image_provides(const struct image *image, const char *name, struct provider *provider)
{
    provider->component = image->descriptor.name;
    return descriptor_find_interface(&image->blob->bundle, image->descriptor.provides, name,
                                     &provider->interface);
}

/* Who provides an interface once the transaction is committed. */
static bool find_provider(struct transaction *transaction, const char *name,
                          struct provider *provider)
{
    for (unsigned i = 0; i < transaction->member_count; i++) {
        const struct member *member = &transaction->members[i];
        if (member->image && image_provides(member->image, name, provider)) {
            return true;
        }
    }
    struct component *component = NULL;
    while ((component = component_next(component))) {
        if (component->is_live && !member_replacing(transaction, component) &&
            image_provides(component->image, name, provider)) {
            return true;
        }
    }
    return false;
}

static bool find_method(struct descriptor_methods methods, const char *name,
                        struct descriptor_method *found)
{
    while (descriptor_next_method(&methods, found)) {
        if (!strcmp(found->name, name)) {
            return true;
        }
    }
    return false;
}

/* Each method that a need names must be there, with the same types. */
static int check_methods(struct transaction *transaction, const struct image *image,
                         const struct descriptor_interface *need, const struct provider *provider)
{
    struct descriptor_methods methods = need->methods;
    struct descriptor_method used, offered;
    char wanted[VERSION_TEXT_MAX], found[VERSION_TEXT_MAX];
    (void)version_print_interface(wanted, sizeof(wanted), need->version);
    (void)version_print_interface(found, sizeof(found), provider->interface.version);
    while (descriptor_next_method(&methods, &used)) {
        if (!find_method(provider->interface.methods, used.name, &offered)) {
            return refuse(
                transaction, -EPROTO, "%s calls %s of %s %s, but %s does not have it in version %s",
                image->descriptor.name, used.name, need->name, wanted, provider->component, found);
        }
        if (offered.hash == used.hash) {
            continue;
        }
        (void)refuse(transaction, -EPROTO,
                     "%s calls %s of %s %s, but %s has it with other types, though with version %s",
                     image->descriptor.name, used.name, need->name, wanted, provider->component,
                     found);
        /* Side by side, as far as there is room and the packages say. */
        char *text = transaction->why->text;
        size_t length = strlen(text), room = sizeof(transaction->why->text) - length;
        if (room > 2 &&
            declaration_print_difference(used.declarations, "it wants", offered.declarations,
                                         "there is", text + length + 2, room - 2) > 0) {
            memcpy(text + length, ": ", 2);
        }
        return -EPROTO;
    }
    return 0;
}

/* One need of one image against its provider: version, then each method's type. */
static int check_need(struct transaction *transaction, const struct image *image,
                      const struct descriptor_interface *need)
{
    struct provider provider;
    char wanted[VERSION_TEXT_MAX], found[VERSION_TEXT_MAX], below[VERSION_TEXT_MAX];
    (void)version_print_interface(wanted, sizeof(wanted), need->version);
    (void)version_print_interface(below, sizeof(below), need->below);
    if (!find_provider(transaction, need->name, &provider)) {
        return refuse(transaction, -ENOENT, "%s needs the interface %s %s, which nobody provides",
                      image->descriptor.name, need->name, wanted);
    }
    (void)version_print_interface(found, sizeof(found), provider.interface.version);
    if (!version_satisfies(provider.interface.version, need->version, need->below)) {
        return refuse(transaction, -EPROTO,
                      "%s needs %s %s or later, below %s, but %s provides %s %s",
                      image->descriptor.name, need->name, wanted, below, provider.component,
                      need->name, found);
    }
    return check_methods(transaction, image, need, &provider);
}

static int check_needs_of(struct transaction *transaction, const struct image *image)
{
    struct descriptor_interface need;
    for (int cursor = 0; descriptor_next_interface(&image->blob->bundle, image->descriptor.needs,
                                                   &cursor, &need);) {
        int result = strcmp(need.name, "nucleus") ? check_need(transaction, image, &need) : 0;
        if (result < 0) {
            return result;
        }
    }
    return 0;
}

/* What those who stay need of an image that leaves: their other needs are met as before. */
static int check_needs_of_others(struct transaction *transaction, const struct image *old)
{
    struct descriptor_interface offer, need;
    for (int cursor = 0; descriptor_next_interface(&old->blob->bundle, old->descriptor.provides,
                                                   &cursor, &offer);) {
        for (struct component *each = NULL; (each = component_next(each));) {
            bool needs_it =
                each->is_live && !member_replacing(transaction, each) &&
                descriptor_find_interface(&each->image->blob->bundle, each->image->descriptor.needs,
                                          offer.name, &need);
            int result = needs_it ? check_need(transaction, each->image, &need) : 0;
            if (result < 0) {
                return result;
            }
        }
    }
    return 0;
}

/* All needs in the world to come: those of the new images, and of those that stay. */
static int check_needs(struct transaction *transaction)
{
    for (unsigned i = 0; i < transaction->member_count; i++) {
        const struct member *member = &transaction->members[i];
        int result = member->image ? check_needs_of(transaction, member->image) : 0;
        if (result == 0 && member->old_image) {
            result = check_needs_of_others(transaction, member->old_image);
        }
        if (result < 0) {
            return result;
        }
    }
    return 0;
}

/* An interface has one provider: two new ones, or a new one beside one that stays, are refused. */
static int check_provides(struct transaction *transaction, const struct member *member)
{
    struct descriptor_interface interface;
    struct provider other;
    const struct image *image = member->image;
    for (int cursor = 0; descriptor_next_interface(&image->blob->bundle, image->descriptor.provides,
                                                   &cursor, &interface);) {
        if (!strcmp(interface.name, "nucleus")) {
            return refuse(transaction, -EPERM, "%s says it provides the interface nucleus",
                          image->descriptor.name);
        }
        for (const struct member *each = transaction->members; each < member; each++) {
            if (each->image && image_provides(each->image, interface.name, &other)) {
                return refuse(transaction, -EEXIST, "%s and %s both provide the interface %s",
                              other.component, image->descriptor.name, interface.name);
            }
        }
        struct component *component = NULL;
        while ((component = component_next(component))) {
            if (component->is_live && !member_replacing(transaction, component) &&
                image_provides(component->image, interface.name, &other)) {
                return refuse(transaction, -EEXIST,
                              "%s provides the interface %s already; say that it is to be replaced",
                              other.component, interface.name);
            }
        }
    }
    return 0;
}

/* Interfaces that the old one provides and the new one does not: somebody must be able to do
 * without. Static gates are the nucleus's own needs. */
static int check_cover(struct transaction *transaction, const struct member *member)
{
    struct descriptor_interface interface;
    const struct image *old = member->old_image;
    for (int cursor = 0; descriptor_next_interface(&old->blob->bundle, old->descriptor.provides,
                                                   &cursor, &interface);) {
        struct provider provider;
        if (find_provider(transaction, interface.name, &provider)) {
            continue;
        }
        if (member->image && member->component != member->old) {
            return refuse(transaction, -EPROTO,
                          "%s cannot take the place of %s: it does not provide the interface %s",
                          member->image->descriptor.name, member->old->name, interface.name);
        }
        struct descriptor_method method;
        struct descriptor_methods methods = interface.methods;
        while (descriptor_next_method(&methods, &method)) {
            if (gate_is_static(method.name)) {
                return refuse(transaction, -EBUSY,
                              "the nucleus needs the interface %s, which %s provides",
                              interface.name, member->old->name);
            }
        }
    }
    return 0;
}

/*
 * An own function of the old version whose gate somebody holds must exist in the new one. Who looks
 * for it finds it in a handler's entry, a timer, a heap object, a table of an offer, on a stack.
 */
static int check_own_gates(struct transaction *transaction, const struct member *member)
{
    const struct image *old = member->old_image;
    for (uint32_t i = 0; i < old->gate_count; i++) {
        const struct gate *gate = gate_at(old->gates[i]);
        if (gate->owner == old->component && !image_is_hook(old, old->gates[i]) &&
            !image_uses_gate(member->image, old->gates[i])) {
            uint64_t address = gate_address(old->gates[i]);
            struct audit audit = {.spans = {{address, address + LAYOUT_GATE_BYTES}}};
            if (audit_finds(&audit)) {
                return refuse(transaction, -EPROTO,
                              "%s has no function %s of the same type, whose address %s holds",
                              member->image->descriptor.name, gate->name, audit.holder);
            }
        }
    }
    return 0;
}

int transaction_check(struct transaction *transaction)
{
    int result = 0;
    for (unsigned i = 0; i < transaction->member_count && result == 0; i++) {
        struct member *member = &transaction->members[i];
        if (member->image) {
            result = check_provides(transaction, member);
        }
        if (result == 0 && member->old_image) {
            result = check_cover(transaction, member);
        }
        if (result == 0 && member->image && member->old_image && member->old == member->component) {
            result = check_own_gates(transaction, member);
        }
    }
    return result == 0 ? check_needs(transaction) : result;
}

/* SPDX-License-Identifier: MIT */
/* Planning; see plan.h. */

#include "plan.h"

#include <errno.h>
#include <string.h>

#include "declaration.h"
#include "version.h"

/* What the nucleus itself calls (kernel/swap/gate.S), in the order in which it must work. */
static const char *const vital[] = {"scheduler", "irqchip", "clock", "heap"};
#define VITAL_COUNT (sizeof(vital) / sizeof(vital[0]))

static size_t rank_of(const char *interface)
{
    size_t rank = 0;
    while (rank < VITAL_COUNT && strcmp(vital[rank], interface) != 0) {
        rank++;
    }
    return rank;
}

static const char *name_of(const struct plan_part *part)
{
    return part->descriptor.name;
}

/* Walks what a part provides. */
static bool next_offer(const struct plan_part *part, int *cursor,
                       struct descriptor_interface *interface)
{
    return descriptor_next_interface(part->bundle, part->descriptor.provides, cursor, interface);
}

static bool next_need(const struct plan_part *part, int *cursor,
                      struct descriptor_interface *interface)
{
    return descriptor_next_interface(part->bundle, part->descriptor.needs, cursor, interface);
}

static bool provides(const struct plan_part *part, const char *name,
                     struct descriptor_interface *interface)
{
    return descriptor_find_interface(part->bundle, part->descriptor.provides, name, interface);
}

/* Whether a part of the world stays as it is. */
static bool stays(const struct plan *plan, const struct plan_part *part)
{
    for (size_t i = 0; i < plan->coming_count; i++) {
        if (strcmp(name_of(&plan->coming[i]), name_of(part)) == 0) {
            return false;
        }
    }
    return !plan->leaving || strcmp(plan->leaving, name_of(part)) != 0;
}

/* The next part of the world to come; cursor begins at 0. NULL: no more. */
static const struct plan_part *next_part(const struct plan *plan, size_t *cursor)
{
    size_t at = (*cursor)++;
    if (at < plan->coming_count) {
        return &plan->coming[at];
    }
    for (at -= plan->coming_count; at < plan->now_count; at++) {
        if (stays(plan, &plan->now[at])) {
            *cursor = at + plan->coming_count + 1;
            return &plan->now[at];
        }
    }
    return NULL;
}

static const struct plan_part *find_provider(const struct plan *plan, const char *name,
                                             struct descriptor_interface *interface)
{
    const struct plan_part *part;
    for (size_t cursor = 0; (part = next_part(plan, &cursor));) {
        if (provides(part, name, interface)) {
            return part;
        }
    }
    return NULL;
}

static bool find_method(struct descriptor_methods methods, const char *name,
                        struct descriptor_method *found)
{
    while (descriptor_next_method(&methods, found)) {
        if (strcmp(found->name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* Puts the declarations side by side behind the words, as far as there is room. */
static void add_difference(const char *wanted, const char *found, struct why *why)
{
    size_t length = strlen(why->text), room = sizeof(why->text) - length;
    if (room > DECLARATION_ROOM_MIN + 32 &&
        declaration_print_difference(wanted, "it wants", found, "there is", why->text + length + 2,
                                     room - 2) > 0) {
        memcpy(why->text + length, ": ", 2);
    }
}

/* Each method that a need names must be there, with the same types. */
static int check_methods(const struct plan_part *user, const struct descriptor_interface *need,
                         const struct plan_part *provider, const struct descriptor_interface *offer,
                         struct why *why)
{
    struct descriptor_methods methods = need->methods;
    struct descriptor_method used, offered;
    char wanted[VERSION_TEXT_MAX], found[VERSION_TEXT_MAX];
    (void)version_print_interface(wanted, sizeof(wanted), need->version);
    (void)version_print_interface(found, sizeof(found), offer->version);
    while (descriptor_next_method(&methods, &used)) {
        if (!find_method(offer->methods, used.name, &offered)) {
            return why_set(why, -EPROTO,
                           "%s calls %s of %s %s, but %s does not have it in version %s",
                           name_of(user), used.name, need->name, wanted, name_of(provider), found);
        }
        if (offered.hash != used.hash) {
            (void)why_set(why, -EPROTO,
                          "%s calls %s of %s %s, but %s has it with other types, though with "
                          "version %s",
                          name_of(user), used.name, need->name, wanted, name_of(provider), found);
            add_difference(used.declarations, offered.declarations, why);
            return -EPROTO;
        }
    }
    return 0;
}

static int check_need(const struct plan *plan, const struct plan_part *user,
                      const struct descriptor_interface *need, struct why *why)
{
    struct descriptor_interface offer;
    char wanted[VERSION_TEXT_MAX], found[VERSION_TEXT_MAX], below[VERSION_TEXT_MAX];
    if (strcmp(need->name, "nucleus") == 0) {
        return 0;
    }
    (void)version_print_interface(wanted, sizeof(wanted), need->version);
    (void)version_print_interface(below, sizeof(below), need->below);
    const struct plan_part *provider = find_provider(plan, need->name, &offer);
    if (!provider) {
        return why_set(why, -ENOENT, "%s needs the interface %s %s, which nobody provides",
                       name_of(user), need->name, wanted);
    }
    (void)version_print_interface(found, sizeof(found), offer.version);
    if (!version_satisfies(offer.version, need->version, need->below)) {
        return why_set(why, -EPROTO, "%s needs %s %s or later, below %s, but %s provides %s %s",
                       name_of(user), need->name, wanted, below, name_of(provider), need->name,
                       found);
    }
    return check_methods(user, need, provider, &offer, why);
}

static int check_needs(const struct plan *plan, struct why *why)
{
    const struct plan_part *part;
    struct descriptor_interface need;
    for (size_t cursor = 0; (part = next_part(plan, &cursor));) {
        for (int at = 0; next_need(part, &at, &need);) {
            int result = check_need(plan, part, &need, why);
            if (result < 0) {
                return result;
            }
        }
    }
    return 0;
}

/* Two of a name, or two providers of one interface, one of them new. */
static int check_rivals(const struct plan *plan, const struct plan_part *part, struct why *why)
{
    const struct plan_part *other;
    struct descriptor_interface offer, rival;
    for (size_t cursor = 0; (other = next_part(plan, &cursor));) {
        if (other == part) {
            continue;
        }
        bool is_new = other >= plan->coming && other < plan->coming + plan->coming_count;
        if (strcmp(name_of(other), name_of(part)) == 0) {
            return why_set(why, -EEXIST, "the bundle has %s twice", name_of(part));
        }
        for (int at = 0; next_offer(part, &at, &offer);) {
            if (!provides(other, offer.name, &rival)) {
                continue;
            }
            return is_new ? why_set(why, -EEXIST, "%s and %s both provide the interface %s",
                                    name_of(part), name_of(other), offer.name)
                          : why_set(why, -EEXIST,
                                    "%s provides the interface %s already; say that it is to be "
                                    "replaced",
                                    name_of(other), offer.name);
        }
    }
    return 0;
}

static int check_offers(const struct plan *plan, const struct plan_part *part, struct why *why)
{
    struct descriptor_interface offer;
    if (provides(part, "nucleus", &offer)) {
        return why_set(why, -EPERM, "%s says it provides the interface nucleus", name_of(part));
    }
    return check_rivals(plan, part, why);
}

/* What one that goes provides must still be provided, if the nucleus works with it or a successor
 * takes its place. */
static int check_cover(const struct plan *plan, const struct plan_part *going, struct why *why)
{
    struct descriptor_interface offer, found;
    bool is_replaced = plan->coming_count == 1 && plan->leaving &&
                       strcmp(plan->leaving, name_of(going)) == 0 &&
                       strcmp(name_of(&plan->coming[0]), name_of(going)) != 0;
    for (int at = 0; next_offer(going, &at, &offer);) {
        if (find_provider(plan, offer.name, &found)) {
            continue;
        }
        if (is_replaced) {
            return why_set(why, -EPROTO,
                           "%s cannot take the place of %s: it does not provide the interface %s",
                           name_of(&plan->coming[0]), name_of(going), offer.name);
        }
        if (rank_of(offer.name) < VITAL_COUNT) {
            return why_set(why, -EBUSY, "the nucleus needs the interface %s, which %s provides",
                           offer.name, name_of(going));
        }
    }
    return 0;
}

/* Who takes the place of another must not be there already, beside it. */
static int check_places(const struct plan *plan, struct why *why)
{
    for (size_t i = 0; plan->leaving && i < plan->coming_count; i++) {
        const char *name = name_of(&plan->coming[i]);
        for (size_t k = 0; k < plan->now_count; k++) {
            if (strcmp(name_of(&plan->now[k]), name) == 0 && strcmp(name, plan->leaving) != 0) {
                return why_set(why, -EEXIST, "%s is in the world already, beside %s", name,
                               plan->leaving);
            }
        }
    }
    return 0;
}

int plan_check(const struct plan *plan, struct why *why)
{
    int result = check_places(plan, why);
    for (size_t i = 0; i < plan->coming_count && result == 0; i++) {
        result = check_offers(plan, &plan->coming[i], why);
    }
    for (size_t i = 0; i < plan->now_count && result == 0; i++) {
        result = stays(plan, &plan->now[i]) ? 0 : check_cover(plan, &plan->now[i], why);
    }
    return result == 0 ? check_needs(plan, why) : result;
}

/* The place of a part among those that the nucleus works with; VITAL_COUNT: it is none. */
static size_t part_rank(const struct plan_part *part)
{
    struct descriptor_interface offer;
    size_t rank = VITAL_COUNT;
    for (int at = 0; next_offer(part, &at, &offer);) {
        rank = rank_of(offer.name) < rank ? rank_of(offer.name) : rank;
    }
    return rank;
}

static bool is_taken(const size_t *order, size_t taken, size_t index)
{
    for (size_t i = 0; i < taken; i++) {
        if (order[i] == index) {
            return true;
        }
    }
    return false;
}

/* Whether all that a part needs of the others comes before it. */
static bool is_ready(const struct plan_part *parts, size_t count, const size_t *order, size_t taken,
                     size_t index)
{
    struct descriptor_interface need, offer;
    for (int at = 0; next_need(&parts[index], &at, &need);) {
        for (size_t other = 0; other < count; other++) {
            if (other != index && !is_taken(order, taken, other) &&
                provides(&parts[other], need.name, &offer)) {
                return false;
            }
        }
    }
    return true;
}

void plan_order(const struct plan_part *parts, size_t count, size_t *order)
{
    for (size_t taken = 0; taken < count; taken++) {
        size_t best = count, best_rank = 0;
        bool best_is_ready = false;
        for (size_t i = 0; i < count; i++) {
            if (is_taken(order, taken, i)) {
                continue;
            }
            size_t rank = part_rank(&parts[i]);
            bool ready = is_ready(parts, count, order, taken, i);
            if (best == count || rank < best_rank ||
                (rank == best_rank && ready && !best_is_ready)) {
                best = i;
                best_rank = rank;
                best_is_ready = ready;
            }
        }
        order[taken] = best;
    }
}

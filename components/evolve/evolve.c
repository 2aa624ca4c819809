/* SPDX-License-Identifier: MIT */
/*
 * The loader: turns a wish in words into a request to the nucleus, and takes packages that are
 * pushed in pieces. It waits for nothing: what comes of a request is told by its ticket.
 *
 * One push at a time. While a piece is copied the push is in use, and everybody else who wants it
 * gets -EBUSY: the lock is not held meanwhile.
 */
#include <errno.h>
#include <string.h>

#include <interface/evolve.h>
#include <lib/format.h>
#include <lib/plan.h>
#include <lib/version.h>
#include <neurath/component.h>
#include <neurath/page.h>
#include <neurath/world.h>

#include "shelf.h"

#define PACKAGE_BYTES_MAX (16u << 20)
#define PARTS_MAX (CONFIG_COMPONENTS + 64) /* of the world and of a bundle, together */

struct push {
    uint8_t *data;   /* pages; NULL: there is no push */
    size_t size;     /* bytes to come in all */
    size_t received; /* bytes that came, from the start on */
    uint32_t handle; /* never 0 while there is a push */
    uint32_t in_use; /* 1: somebody reads or writes data without the lock */
};

struct evolve {
    struct shelf shelf;
    struct spinlock push_lock; /* guards push and next_handle */
    uint32_t next_handle;
    struct push push;
};

STATE(struct evolve) state;

/* The component of that name in the world. -ENOENT, with the reason in message (or NULL). */
static int find_component(const char *name, struct world_component *component, char *message)
{
    int result = world_find(name, component);
    if (result < 0 && message) {
        format_print(message, SWAP_MESSAGE_BYTES, "there is no component called %.48s in the world",
                     name);
    }
    return result;
}

/* The whole world and what comes into it; too large for a stack. */
struct planning {
    struct plan plan;
    struct bundle bundle;
    struct plan_part parts[PARTS_MAX];
};

/* The world as it is, held until forget_world(). */
static void look_at_world(struct planning *planning)
{
    struct plan *plan = &planning->plan;
    struct plan_part *part = planning->parts;
    int id = 0;
    plan->now = part;
    while (plan->now_count < PARTS_MAX &&
           (id = world_hold_package((uint32_t)id, &part->bundle, &part->descriptor)) > 0) {
        plan->now_count++;
        part++;
    }
}

static void forget_world(const struct planning *planning)
{
    for (size_t i = 0; i < planning->plan.now_count; i++) {
        world_let_package_go(planning->parts[i].bundle);
    }
}

/* Puts the components of the package behind those of the world. */
static int add_coming(struct planning *planning, const struct shelf_package *package,
                      struct why *why)
{
    struct plan *plan = &planning->plan;
    struct plan_part *part = planning->parts + plan->now_count;
    int result = bundle_open(&planning->bundle, package->data, package->size, NEURATH_ABI, why);
    plan->coming = part;
    for (int cursor = 0; result == 0; part++) {
        if (part == planning->parts + PARTS_MAX) {
            return why_set(why, -ENOSPC, "the world is full");
        }
        if (!bundle_next(&planning->bundle, &cursor, &part->descriptor)) {
            break;
        }
        part->bundle = &planning->bundle;
        plan->coming_count++;
    }
    return result;
}

/*
 * Whether the world would hold together afterwards. The nucleus looks all the same, since it may be
 * another world by then; but it has no words for what is the matter.
 */
static int make_plan(const char *leaving, const struct shelf_package *package, char *message)
{
    struct why why;
    struct planning *planning = page_allocate((sizeof(*planning) + PAGE_BYTES - 1) / PAGE_BYTES);
    int result = -ENOMEM;
    if (!planning) {
        format_print(message, SWAP_MESSAGE_BYTES, "there is not enough memory to plan it");
        return result;
    }
    planning->plan.leaving = leaving;
    look_at_world(planning);
    result = package ? add_coming(planning, package, &why) : 0;
    if (result == 0) {
        result = plan_check(&planning->plan, &why);
    }
    if (result < 0) {
        format_print(message, SWAP_MESSAGE_BYTES, "%s", why.text);
    }
    if (result == -ENOENT) {
        result = -EPROTO; /* an interface, where callers look for a package */
    }
    forget_world(planning);
    page_free(planning);
    return result;
}

/* Submits a request; the package is borrowed. `old` is the component that it is about. */
static int submit(enum swap_kind kind, const char *old, const struct shelf_package *package,
                  const struct swap_options *options, struct evolve_answer *answer)
{
    struct swap_request request = {.kind = kind};
    int planned = 0;
    if (kind != SWAP_REVERT) {
        planned = make_plan(kind == SWAP_LOAD ? NULL : old, package, answer->message);
    }
    if (planned < 0) {
        return planned;
    }
    if (package) {
        request.bundle = package->data;
        request.bundle_bytes = package->size;
    }
    if (options) {
        request.options = *options;
    }
    format_print(request.old, sizeof(request.old), "%s", old);
    int ticket = swap_submit(&request);
    if (ticket > 0) {
        answer->ticket = ticket;
        return 0;
    }
    const char *reason = ticket == -EBUSY    ? "too many other changes are waiting"
                         : ticket == -ENOMEM ? "there is not enough memory for it"
                                             : "the nucleus does not take the request";
    format_print(answer->message, sizeof(answer->message), "%s (error %d)", reason, ticket);
    return ticket < 0 ? ticket : -EINVAL;
}

/* Replaces `old` by a bundle of one component; with old "" the bundle's own names decide. */
static int bring_in(const char *old, const struct shelf_package *package,
                    const struct swap_options *options, struct evolve_answer *answer)
{
    struct world_component component;
    if (!*old) {
        return submit(SWAP_LOAD, package->public.name, package, options, answer);
    }
    int result = find_component(old, &component, answer->message);
    if (result == 0 && package->components != 1) {
        format_print(answer->message, sizeof(answer->message),
                     "%s comes with %u other components: one takes the place of one",
                     package->public.name, package->components - 1);
        result = -EINVAL;
    }
    if (result == 0) {
        result = submit(SWAP_REPLACE, old, package, options, answer);
    }
    return result;
}

int evolve_load(const char *package, const struct swap_options *options,
                struct evolve_answer *answer)
{
    return evolve_swap("", package, options, answer);
}

int evolve_swap(const char *old, const char *package, const struct swap_options *options,
                struct evolve_answer *answer)
{
    struct world_component component = {0};
    struct shelf_package *found;
    *answer = (struct evolve_answer){0};
    if (*old && find_component(old, &component, answer->message) < 0) {
        return -ENOENT;
    }
    int result = shelf_hold(&state.shelf, package, component.build, &found, answer->message);
    if (result == 0) {
        result = bring_in(old, found, options, answer);
        shelf_release(&state.shelf, found);
    }
    return result;
}

int evolve_unload(const char *name, const struct swap_options *options,
                  struct evolve_answer *answer)
{
    struct world_component component;
    *answer = (struct evolve_answer){0};
    int result = find_component(name, &component, answer->message);
    return result < 0 ? result : submit(SWAP_UNLOAD, name, NULL, options, answer);
}

int evolve_revert(const char *name, struct evolve_answer *answer)
{
    struct world_component component;
    *answer = (struct evolve_answer){0};
    int result = find_component(name, &component, answer->message);
    return result < 0 ? result : submit(SWAP_REVERT, name, NULL, NULL, answer);
}

int evolve_package(unsigned index, struct evolve_package *package)
{
    return shelf_copy(&state.shelf, index, package);
}

int evolve_push_open(size_t size, uint32_t *handle)
{
    if (size < 1 || size > PACKAGE_BYTES_MAX) {
        return -EINVAL;
    }
    uint8_t *data = page_allocate((size + PAGE_BYTES - 1) / PAGE_BYTES);
    if (!data) {
        return -ENOMEM;
    }
    uint8_t *surplus = data;
    int result = -EBUSY;
    uint64_t daif = spin_lock(&state.push_lock);
    if (!state.push.in_use) {
        surplus = state.push.data;
        if (!++state.next_handle) {
            state.next_handle = 1;
        }
        state.push = (struct push){.data = data, .size = size, .handle = state.next_handle};
        *handle = state.next_handle;
        result = 0;
    }
    spin_unlock(&state.push_lock, daif);
    if (surplus) {
        page_free(surplus);
    }
    return result;
}

/* Reserves the push for the caller and copies what is known of it; undone by end_use(). */
static int begin_use(uint32_t handle, struct push *push)
{
    int result = 0;
    uint64_t daif = spin_lock(&state.push_lock);
    if (!state.push.data || state.push.handle != handle) {
        result = -ENOENT;
    } else if (state.push.in_use) {
        result = -EBUSY;
    } else {
        state.push.in_use = 1;
        *push = state.push;
    }
    spin_unlock(&state.push_lock, daif);
    return result;
}

static void end_use(const struct push *push)
{
    uint64_t daif = spin_lock(&state.push_lock);
    state.push = *push;
    state.push.in_use = 0;
    spin_unlock(&state.push_lock, daif);
}

int evolve_push_write(uint32_t handle, size_t offset, const void *piece, size_t size)
{
    struct push push;
    int result = begin_use(handle, &push);
    if (result < 0) {
        return result;
    }
    if (offset != push.received || size > push.size - push.received) {
        result = -EINVAL;
    } else {
        memcpy(push.data + offset, piece, size);
        push.received += size;
    }
    end_use(&push);
    return result;
}

/* Whether a request that failed so may be tried again with the same push. */
static bool is_passing(int error)
{
    return error == -EBUSY || error == -ENOMEM;
}

int evolve_push_commit(uint32_t handle, const char *old, const struct swap_options *options,
                       struct evolve_answer *answer)
{
    struct push push;
    struct shelf_package package;
    *answer = (struct evolve_answer){0};
    int result = begin_use(handle, &push);
    if (result < 0) {
        format_print(answer->message, sizeof(answer->message), "there is no such push");
        return result;
    }
    if (push.received < push.size) {
        format_print(answer->message, sizeof(answer->message), "only %zu of %zu bytes came",
                     push.received, push.size);
        end_use(&push);
        return -EINVAL;
    }
    result = shelf_read_bundle(push.data, push.size, &package, answer->message);
    bool is_package = result == 0;
    if (is_package) {
        result = bring_in(old, &package, options, answer);
    }
    bool is_kept = is_package && result == 0;
    uint8_t *surplus = is_kept || is_passing(result) ? NULL : push.data;
    if (!is_passing(result)) {
        push = (struct push){0};
    }
    end_use(&push);
    if (is_kept) {
        shelf_add(&state.shelf, &package);
    } else if (surplus) {
        page_free(surplus);
    }
    return result;
}

/* Whether it is what its name says: NAME-X.Y.Z. */
static int check_name(const struct evolve_package *package, const char *name, char *message)
{
    char real[COMPONENT_NAME_BYTES + VERSION_TEXT_MAX];
    char version[VERSION_TEXT_MAX];
    version_print(version, sizeof(version), package->version);
    format_print(real, sizeof(real), "%s-%s", package->name, version);
    if (strcmp(real, name) == 0) {
        return 0;
    }
    format_print(message, SWAP_MESSAGE_BYTES, "what goes by the name %.48s is %s", name, real);
    return -EINVAL;
}

int evolve_shelve(const char *name, const void *data, size_t size, struct evolve_answer *answer)
{
    struct shelf_package package;
    *answer = (struct evolve_answer){0};
    if (size < 1 || size > PACKAGE_BYTES_MAX) {
        format_print(answer->message, sizeof(answer->message), "a package has 1 byte to 16 MiB");
        return -EFBIG;
    }
    uint8_t *copy = page_allocate((size + PAGE_BYTES - 1) / PAGE_BYTES);
    if (!copy) {
        format_print(answer->message, sizeof(answer->message), "there is not enough memory for it");
        return -ENOMEM;
    }
    memcpy(copy, data, size);
    int result = shelf_read_bundle(copy, size, &package, answer->message);
    if (result == 0) {
        result = check_name(&package.public, name, answer->message);
    }
    if (result < 0) {
        page_free(copy);
        return result;
    }
    package.is_fetched = 1;
    shelf_add(&state.shelf, &package);
    return 0;
}

int evolve_read_package(const struct evolve_package *package, size_t offset, void *buffer,
                        size_t size)
{
    struct shelf_package *found = shelf_hold_build(&state.shelf, package);
    if (!found) {
        return -ENOENT;
    }
    size = offset < found->size ? MIN(size, found->size - offset) : 0;
    memcpy(buffer, (const uint8_t *)found->data + offset, size);
    shelf_release(&state.shelf, found);
    return (int)size;
}

static int start(void)
{
    /* After a successor that did not stay: what this one had registered, its pages too, is revoked.
     */
    state = (struct evolve){.next_handle = state.next_handle};
    return 0;
}

COMPONENT(evolve, .version = VERSION(1, 0, 0),
          .summary = "Loader: packages at hand, requests to the nucleus", .start = start);

/* SPDX-License-Identifier: MIT */
/*
 * Packages that are kept somewhere, such as on the card: an offer of kind PACKAGE_STORE_KIND, from
 * which the loader's shelf (interface/evolve.h) is filled. There may be none; then what is on the
 * shelf is all there is.
 *
 * Whoever loads or swaps by a package's name does it by package_store_swap(), which fetches what is
 * not on the shelf. Reading takes time, and no call waits:
 *
 *     int result = package_store_swap(old, package, &options, &answer);
 *     if (result == -EINPROGRESS) come again with the same after COMMAND_SOON_US
 *
 * The store may come and go and be replaced, so there is no event of its to hang on; it signals
 * swap_event() when something has come, which those who wait for reports listen to anyway.
 */
#pragma once

#include <errno.h>
#include <string.h>

#include <interface/command.h>
#include <interface/evolve.h>
#include <lib/format.h>
#include <neurath/event.h>
#include <neurath/offer.h>
#include <neurath/world.h>

INTERFACE(package_store, 1, 0);

#define PACKAGE_STORE_KIND "package store"
#define PACKAGE_STORE_MESSAGE_BYTES 320u
#define PACKAGE_STORE_VARIANT_BYTES 16u

/* A package as its file is called; what is in it was not looked at. */
struct package_store_entry {
    char name[COMPONENT_NAME_BYTES];
    char variant[PACKAGE_STORE_VARIANT_BYTES]; /* "": the usual build */
    uint32_t version;                          /* VERSION() */
    uint32_t bytes;
};

/* Context of all: thread. */
struct package_store_ops {
    /*
     * Puts NAME (its highest version) or NAME-X.Y.Z on the loader's shelf. 0: it is there.
     * -EAGAIN: it is looked for, come again. -ENOENT: there is none. Others: it cannot be had; see
     * message (PACKAGE_STORE_MESSAGE_BYTES, may be "").
     */
    int (*fetch)(const char *package, char *message);

    /*
     * Copies entry `index` of a list that is looked at anew for index 0. -EAGAIN: that is under
     * way, come again. -ENOENT: no more, or nothing is there. Others, for index 0: the card cannot
     * be read.
     */
    int (*list)(unsigned index, struct package_store_entry *entry);
};

static inline bool package_store_find(struct package_store_ops *ops)
{
    struct offer offer;
    if (offer_find(PACKAGE_STORE_KIND, NULL, 0, &offer) < 0) {
        return false;
    }
    memcpy(ops, offer.table, sizeof(*ops));
    return true;
}

/*
 * As evolve_swap(), with old "" as evolve_load(), also for packages that the store has.
 * -EINPROGRESS: one is being fetched, and nothing has been done: call again with the same.
 */
static inline int package_store_swap(const char *old, const char *package,
                                     const struct swap_options *options,
                                     struct evolve_answer *answer)
{
    struct package_store_ops store;
    struct world_component component;
    char words[PACKAGE_STORE_MESSAGE_BYTES] = "";
    int result = evolve_swap(old, package, options, answer);
    if (result != -ENOENT || (*old && world_find(old, &component) < 0) ||
        !package_store_find(&store)) {
        return result;
    }
    int fetched = store.fetch(package, words);
    if (fetched == -EAGAIN) {
        return -EINPROGRESS;
    }
    if (fetched == 0) {
        return evolve_swap(old, package, options, answer);
    }
    size_t used = fetched == -ENOENT ? strlen(answer->message) : 0; /* else it is only in the way */
    if (words[0]) {
        (void)format_print(answer->message + used, sizeof(answer->message) - used, "%s%s",
                           used ? "; " : "", words);
    }
    return fetched;
}

/*
 * Entry `index` of what the store has. -EINPROGRESS, for index 0: call again. -ENOENT: no more.
 * Others, for index 0: what it has cannot be read.
 */
static inline int package_store_list(unsigned index, struct package_store_entry *entry)
{
    struct package_store_ops store;
    int result = package_store_find(&store) ? store.list(index, entry) : -ENOENT;
    return result == -EAGAIN ? -EINPROGRESS : result;
}

/* SPDX-License-Identifier: MIT */
/*
 * Planning a change of the world: what would come, stay and go, and whether the world would hold
 * together: each interface has one provider, each need is met with the right version and types, and
 * nobody loses what he needs.
 *
 * The loader asks before it hands a bundle to the nucleus, and explains a refusal; the nucleus
 * itself only sees to it that no gate which is called would lead nowhere. The packager asks in
 * which order a bundle's components shall be started.
 *
 * No allocation, no globals, no lock. Context: any; not meant for interrupts. Bundles must have
 * been checked by bundle_open().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "bundle.h"
#include "why.h"

/* A component in the world, or in the bundle that comes. */
struct plan_part {
    const struct bundle *bundle;
    struct component_descriptor descriptor;
};

struct plan {
    const struct plan_part *now; /* the world as it is */
    size_t now_count;
    const struct plan_part *coming; /* takes the place of those of its name in the world */
    size_t coming_count;
    const char *leaving; /* besides, one of the world that leaves or is replaced; NULL: nobody */
};

/*
 * Whether the world would hold together. 0; -ENOENT: nobody provides what is needed; -EPROTO: not
 * in the right version or with other types; a successor does not provide what its predecessor did;
 * -EEXIST: two provide the same, or have the same name; -EBUSY: the nucleus needs what leaves;
 * -EPERM: what the nucleus offers is claimed. In words in *why.
 */
int plan_check(const struct plan *plan, struct why *why);

/*
 * The order in which parts of one bundle shall start: first what the nucleus works with, then each
 * behind those that it needs; in a cycle the first one given. order: room for count indices.
 */
void plan_order(const struct plan_part *parts, size_t count, size_t *order);

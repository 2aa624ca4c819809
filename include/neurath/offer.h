/* SPDX-License-Identifier: MIT */
/*
 * Offers: named tables of functions by which components provide something of which there may be
 * many - serial ports, commands, block devices. The nucleus copies the table; its functions are
 * gates, so an offer survives the version that made it, and leaves with its component. They are
 * called from threads only, never from interrupts: so they can be closed while a busy component is
 * replaced, and who calls waits at the gate.
 */
#pragma once

#include <neurath/event.h>

#define OFFER_NAME_BYTES 24
#define OFFER_BYTES 96 /* room for one table */

struct offer {
    uint32_t id; /* never used twice */
    struct component *owner;
    char name[OFFER_NAME_BYTES];
    uint64_t table[OFFER_BYTES / 8];
};

/*
 * Offers `table` of size bytes as `name` among those of `kind` (both copied).
 * Returns the offer's id (> 0). -EINVAL: name empty or too long, table too large. -EEXIST: the
 * kind has that name. -ENOSPC: no room. Context: thread.
 */
NUCLEUS_API int offer_add_owned(const char *kind, const char *name, const void *table, size_t size,
                                struct component *owner);
#define offer_add(kind, name, table, size) offer_add_owned(kind, name, table, size, this_component)

/*
 * Copies an offer of a kind: the one called `name`, or, with name NULL, the first whose id is
 * above `after` (start with 0). -ENOENT: none. Context: any.
 */
NUCLEUS_API int offer_find(const char *kind, const char *name, uint32_t after, struct offer *offer);

/* Signalled whenever an offer came or went. */
NUCLEUS_API struct event *offer_event(void);

/* SPDX-License-Identifier: MIT */
/*
 * The loader: knows the packages at hand, turns a person's wish into a request to the nucleus.
 * One provider. Results come by ticket: swap_read_report(), swap_event() of <neurath/swap.h>.
 */
#pragma once

#include <neurath/component.h>
#include <neurath/swap.h>

INTERFACE(evolve, 1, 2);

/* What a call has to say beside its errno: a refusal in words, or "". */
struct evolve_answer {
    int ticket; /* > 0 when the call returned 0 */
    char message[SWAP_MESSAGE_BYTES];
};

struct evolve_package {
    char name[COMPONENT_NAME_BYTES];
    uint32_t version; /* VERSION() */
    uint32_t build;
    uint32_t bytes;
    char summary[64];
};

/*
 * A package is named NAME (its highest version) or NAME-X.Y.Z. options may be NULL: as configured.
 * All: 0 and a ticket; -ENOENT: no such package or component; -EINVAL: no such name possible;
 * -EBUSY, -ENOMEM as swap_submit().
 */

/* Brings a package into the world. */
GATED(thread, once)
int evolve_load(const char *package, const struct swap_options *options,
                struct evolve_answer *answer);

/* Replaces a component by a package. */
GATED(thread, once)
int evolve_swap(const char *old, const char *package, const struct swap_options *options,
                struct evolve_answer *answer);

/* Takes a component out of the world. */
GATED(thread, once)
int evolve_unload(const char *name, const struct swap_options *options,
                  struct evolve_answer *answer);

/* Brings back what was there before a component that is on probation. */
GATED(thread, once) int evolve_revert(const char *name, struct evolve_answer *answer);

/*
 * A package that comes in pieces. open: size in bytes (1 to 16 MiB); returns 0 and its handle;
 * an unfinished earlier one is dropped. write: pieces in order, offset = bytes so far; -EINVAL:
 * another offset or too much. commit: `old` is the component to replace, or "": the one of the same
 * name, if there is one, else the package is loaded. -ENOENT: no such handle. -EINVAL: not all of
 * it came.
 */
GATED(thread) int evolve_push_open(size_t size, uint32_t *handle);
GATED(thread) int evolve_push_write(uint32_t handle, size_t offset, const void *piece, size_t size);
GATED(thread, once)
int evolve_push_commit(uint32_t handle, const char *old, const struct swap_options *options,
                       struct evolve_answer *answer);

/* Copies package `index` (from 0). -ENOENT: no more. */
GATED(thread) int evolve_package(unsigned index, struct evolve_package *package);

/* What a component provides or needs, and from whom. */
struct evolve_binding {
    char interface[COMPONENT_NAME_BYTES];
    uint16_t major, minor;
    uint16_t methods;                    /* how many (needed: of those used) */
    uint16_t is_needed;                  /* 0: the component provides it; 1: it needs it */
    char provider[COMPONENT_NAME_BYTES]; /* "": nobody */
};

/* Copies binding `index` (from 0) of a component of the world, by its id. -ENOENT: no more. */
GATED(thread)
int evolve_read_binding(uint32_t component, unsigned index, struct evolve_binding *binding);

/*
 * Puts a package on the shelf and does no more with it; the bytes are copied. name: what it must
 * be, NAME-X.Y.Z. The loader keeps the last few that came so. 0; -EINVAL: it is another one;
 * -EFBIG: more than 16 MiB; -ENOMEM; else as it is no package. answer->message has the reason in
 * words.
 */
GATED(thread)
int evolve_shelve(const char *name, const void *data, size_t size, struct evolve_answer *answer);

/*
 * Copies bytes, from `offset` on, of the package on the shelf that has name, version and build of
 * *package. Returns how many there are, 0 at its end. -ENOENT: it is not on the shelf.
 */
GATED(thread)
int evolve_read_package(const struct evolve_package *package, size_t offset, void *buffer,
                        size_t size);

/* SPDX-License-Identifier: MIT */
/*
 * The shelf: the packages at hand, the last few that were pushed, and the last few that were
 * fetched from the card: neither kind takes room from the other.
 *
 * A package is a bundle, and goes by the name of its first component. A spinlock guards the table;
 * what a package's bytes are used for takes longer, so who uses them holds the package: it is
 * not dropped meanwhile.
 */
#pragma once

#include <interface/evolve.h>
#include <neurath/cpu.h>

#define SHELF_KIND_MAX 8 /* of those that were pushed; and of those that were fetched */
#define SHELF_PACKAGES_MAX 16

struct shelf_package {
    const void *data;    /* the bundle; NULL: the place is free */
    size_t size;         /* bytes */
    uint32_t components; /* how many the bundle has */
    uint32_t holders;    /* who uses data now */
    uint64_t added;      /* counts up: the higher, the later it came */
    uint32_t is_fetched; /* 1: it can be had from the card again; 0: it was pushed */
    struct evolve_package public;
};

struct shelf {
    struct spinlock lock; /* guards all below */
    uint64_t additions;   /* how many packages came */
    struct shelf_package packages[SHELF_PACKAGES_MAX];
};

/*
 * Reads what a bundle says of itself into *package. 0; -EBADMSG, -EPROTO, -ENOEXEC, -EINVAL as
 * bundle_open(), with the reason in message (SWAP_MESSAGE_BYTES).
 */
int shelf_read_bundle(const void *data, size_t size, struct shelf_package *package, char *message);

/*
 * Puts a package on the shelf, whose pages are the shelf's from here on. Drops the one of the same
 * build, or the oldest of its kind when SHELF_KIND_MAX are there. When no place is free, it frees
 * the pages at once.
 */
void shelf_add(struct shelf *shelf, struct shelf_package *package);

/*
 * Finds NAME (highest version) or NAME-X.Y.Z; of several builds of that version one whose build is
 * not `not_build` (0: any), then the one that came last. 0 and *package, held; -EINVAL: no such
 * name is possible; -ENOENT: none. With the reason in message.
 */
int shelf_hold(struct shelf *shelf, const char *name, uint32_t not_build,
               struct shelf_package **package, char *message);
void shelf_release(struct shelf *shelf, struct shelf_package *package);

/* Copies what is known of package `index`. -ENOENT: no more. */
int shelf_copy(struct shelf *shelf, unsigned index, struct evolve_package *package);

/*
 * Holds the package of exactly that name, version and build. NULL: it is not there.
 */
struct shelf_package *shelf_hold_build(struct shelf *shelf, const struct evolve_package *wanted);

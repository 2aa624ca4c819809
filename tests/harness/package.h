/* SPDX-License-Identifier: MIT */
/*
 * Packages that tests change before they push them. All sizes in bytes.
 *
 *     package_read(&package, "build/packages/counter-1.1.0.nrb", &why);
 *     package_set(&package, "component", "version", cells, 12);
 *     package_finish(package.bytes, &package.size);
 *     machine_push_bytes(&machine, package.bytes, package.size, ...);
 *     package_free(&package);
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/why.h"

/* How much more than the tree a package's buffer holds: for what is added, and a trailer. */
#define PACKAGE_ROOM 65536

/* A tree whose root has this property keeps the check sums that it has. */
#define PACKAGE_KEEP_SUMS "keep-check-sums"

struct package {
    uint8_t *bytes;
    size_t size; /* of what is to be pushed */
    size_t room;
};

/* Reads a package, with its tree open for changes. -ENOENT and the like. */
int package_read(struct package *package, const char *name, struct why *why);
void package_free(struct package *package);

/* Puts all components of another package into this one, behind those that are there. */
void package_add(struct package *package, const struct package *other);

/* Node of the first image; "" is the image itself, else a path from there. Aborts if there is none.
 */
int package_node(const struct package *package, const char *path);

/* Sets a property of such a node; size < 0: takes it away. Aborts if there is no room. */
void package_set(struct package *package, const char *path, const char *name, const void *value,
                 int size);

/* The first image's object, to be changed in place. */
uint8_t *package_object(struct package *package, size_t *size);

/*
 * Makes what was changed a package again, as far as it can: the one way to do so. Packs the tree
 * and sets each object's check sum, unless the root has PACKAGE_KEEP_SUMS. What is no tree any
 * more, or has not the size that its header says, stays as it is. package: PACKAGE_ROOM larger than
 * *size, which is updated.
 */
void package_finish(void *package, size_t *size);

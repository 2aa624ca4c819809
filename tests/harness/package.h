/* SPDX-License-Identifier: MIT */
/*
 * Packages that tests change before they push them. All sizes in bytes.
 *
 *     package_open(&package, "build/packages/counter-1.1.0.nrb", &why);
 *     package_set(&package, "component", "version", cells, 12);
 *     package_finish(&package);
 *     machine_push_bytes(&machine, package.bytes, package.size, ...);
 *     package_free(&package);
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/why.h"

/* A tree whose root has this property keeps the check sums that it has. */
#define PACKAGE_KEEP_SUMS "keep-check-sums"

struct package {
    uint8_t *bytes; /* the tree, and what is behind it */
    size_t size;    /* of what is to be pushed */
    size_t room;
};

/* The key of this build: what `make SIGNING_KEY=...` said, or the development key. */
const char *package_key(void);

/* Reads a package as it is, its signature included. -ENOENT and the like. */
int package_read(struct package *package, const char *name, struct why *why);

/* Reads a package, with its tree open for changes and no signature. -ENOENT, -EBADMSG: no tree. */
int package_open(struct package *package, const char *name, struct why *why);

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

/* Bytes of its tree, as its header says; what follows is the signature. */
size_t package_tree_bytes(const struct package *package);

/* Puts the right check sums beside the objects of a package whose tree is well formed. */
void package_mend_sums(struct package *package);

/*
 * Signs the tree as it is, in place of whatever follows it. 0; -EBADMSG: the header's size cannot
 * be; -EINVAL: the key is none. The package stays as it is then.
 */
int package_sign(struct package *package, const char *key, struct why *why);

/*
 * Makes what was changed a package again, as far as it can, so that what was changed is what it is
 * refused for: packs the tree, sets each object's check sum, unless the root has PACKAGE_KEEP_SUMS,
 * and signs with package_key(). What is no tree any more, or has not the size that its header says,
 * is not packed; what cannot hold the tree that its header says is not signed.
 */
void package_finish(struct package *package);

/* SPDX-License-Identifier: MIT */
/*
 * Packages that a test has changed, made good again as far as it wants: else every change would
 * only be met by the words about the signature.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/why.h"

/* The key of this build: what `make SIGNING_KEY=...` said, or the development key. */
const char *package_key(void);

/* Bytes of its tree; what follows is the signature. The header must be whole. */
size_t package_tree_bytes(const void *package);

/* Puts the right check sums beside the objects of a package whose tree is well formed. */
void package_mend_sums(void *package);

/*
 * Signs the tree, in place of the signature it has; *package is from malloc() and may be moved.
 * 0; -EBADMSG: the header's size cannot be; -EINVAL: the key is none.
 */
int package_sign(uint8_t **package, size_t *size, const char *key, struct why *why);

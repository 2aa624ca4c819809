/* SPDX-License-Identifier: MIT */
/*
 * Makes changed packages good again.
 */
#include "tests/harness/package.h"

#include <errno.h>
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

#include "lib/crc.h"
#include "lib/signature.h"
#include "tools/nrpack/key.h"

const char *package_key(void)
{
    const char *key = getenv("SIGNING_KEY");
    return key ? key : ".cache/keys/development.key";
}

size_t package_tree_bytes(const void *package)
{
    return fdt_totalsize(package);
}

void package_mend_sums(void *package)
{
    int image, size;
    fdt_for_each_subnode(image, package, fdt_path_offset(package, "/images"))
    {
        const void *object = fdt_getprop(package, image, "data", &size);
        int hash = fdt_subnode_offset(package, image, "hash-1");
        if (object && hash >= 0) {
            (void)fdt_setprop_inplace_u32(package, hash, "value", crc32(object, (size_t)size));
        }
    }
}

int package_sign(uint8_t **package, size_t *size, const char *key, struct why *why)
{
    struct signature_trailer trailer;
    size_t tree_bytes = package_tree_bytes(*package);
    if (tree_bytes > *size) {
        return why_set(why, -EBADMSG, "%zu bytes for a tree of %zu", *size, tree_bytes);
    }
    int error = key_sign(key, *package, tree_bytes, &trailer, why);
    if (error == 0) {
        *size = tree_bytes + sizeof(trailer);
        *package = realloc(*package, *size);
        memcpy(*package + tree_bytes, &trailer, sizeof(trailer));
    }
    return error;
}

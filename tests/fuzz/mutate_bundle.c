/* SPDX-License-Identifier: MIT */
/*
 * Changes bundles so that most stay device trees: bytes changed alone hardly get past the first
 * check. Called by libFuzzer, which gives LLVMFuzzerMutate() for the bytes themselves.
 */

#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

#include "lib/crc.h"
#include "tests/fuzz/fuzz.h"

#define ROOM 4096 /* for what a property may grow */

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

/* The property number `seed`, counted over all nodes again and again. 0, or there is none. */
static int find_property(const void *tree, unsigned seed, int *node, const char **name)
{
    unsigned count = 0;
    for (unsigned pass = 0; pass < 2; pass++) {
        unsigned wanted = count ? seed % count : 0, at = 0;
        for (int n = 0; n >= 0; n = fdt_next_node(tree, n, NULL)) {
            int property;
            fdt_for_each_property_offset(property, tree, n)
            {
                if (pass == 1 && at == wanted) {
                    int size;
                    *node = n;
                    return fdt_getprop_by_offset(tree, property, name, &size) ? 0 : -1;
                }
                at++;
            }
        }
        count = at;
    }
    return -1;
}

static void mend_check_sums(void *tree)
{
    int image;
    fdt_for_each_subnode(image, tree, fdt_path_offset(tree, "/images"))
    {
        int size, hash = fdt_subnode_offset(tree, image, "hash-1");
        const void *object = fdt_getprop(tree, image, "data", &size);
        if (object && hash >= 0) {
            (void)fdt_setprop_inplace_u32(tree, hash, "value", crc32(object, (size_t)size));
        }
    }
}

/* Changes one property's value, or takes it or its node away. 0: the tree cannot be changed so. */
static size_t change_tree(uint8_t *tree, size_t room, unsigned seed)
{
    int node, size;
    const char *name;
    if (find_property(tree, seed / 16, &node, &name) < 0) {
        return 0;
    }
    char label[64] = "";
    strncpy(label, name, sizeof(label) - 1);
    if (seed % 16 == 0) {
        (void)fdt_del_node(tree, node);
    } else if (seed % 16 == 1) {
        (void)fdt_delprop(tree, node, label);
    } else {
        static uint8_t value[1 << 16];
        const void *old = fdt_getprop(tree, node, label, &size);
        size_t length = old && size > 0 && (size_t)size < sizeof(value) / 2 ? (size_t)size : 0;
        if (length > 0) {
            memcpy(value, old, length);
        }
        length = LLVMFuzzerMutate(value, length, length + 64);
        (void)fdt_setprop(tree, node, label, value, (int)length); /* no room: no change */
    }
    if (seed / 7 % 4 != 0) {
        mend_check_sums(tree);
    }
    (void)fdt_pack(tree);
    return fdt_totalsize(tree) <= room ? fdt_totalsize(tree) : 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    void *copy = fuzz_copy(data, size), *tree = malloc(size + ROOM);
    size_t changed = 0;
    if (tree && seed % 8 != 0 && size >= sizeof(struct fdt_header) && fdt_version(copy) >= 17 &&
        fdt_check_full(copy, size) == 0 && fdt_open_into(copy, tree, (int)(size + ROOM)) == 0) {
        changed = change_tree(tree, max_size, seed / 8);
        if (changed) {
            memcpy(data, tree, changed);
        }
    }
    free(tree);
    free(copy);
    return changed ? changed : LLVMFuzzerMutate(data, size, max_size);
}

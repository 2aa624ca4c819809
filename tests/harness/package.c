/* SPDX-License-Identifier: MIT */
/* Changes packages; see package.h. */

#include "tests/harness/package.h"

#include <assert.h>
#include <errno.h>
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

#include "lib/crc.h"
#include "lib/signature.h"
#include "tests/harness/machine.h"
#include "tools/nrpack/key.h"

/* How much more than the file a package's buffer holds: for what is added, and a signature. */
#define ROOM 65536

const char *package_key(void)
{
    const char *key = getenv("SIGNING_KEY");
    return key ? key : ".cache/keys/development.key";
}

int package_read(struct package *package, const char *name, struct why *why)
{
    size_t size;
    void *bytes = client_read_file(name, &size, why);
    if (!bytes) {
        return -ENOENT;
    }
    *package = (struct package){realloc(bytes, size + ROOM), size, size + ROOM};
    assert(package->bytes);
    memset(package->bytes + size, 0, ROOM);
    return 0;
}

int package_open(struct package *package, const char *name, struct why *why)
{
    int error = package_read(package, name, why);
    if (error < 0) {
        return error;
    }
    /* Not all of the room is the tree's: a signature is to fit behind it. */
    error = fdt_open_into(package->bytes, package->bytes, (int)(package->room - ROOM / 2));
    if (error < 0) {
        package_free(package);
        return why_set(why, -EBADMSG, "%s: %s", name, fdt_strerror(error));
    }
    package->size = package_tree_bytes(package);
    return 0;
}

void package_free(struct package *package)
{
    free(package->bytes);
    *package = (struct package){0};
}

/* Copies properties and nodes, each behind those that are there. */
static void copy_node(void *to, int parent, const void *from, int node)
{
    const char *name = fdt_get_name(from, node, NULL);
    int copy = fdt_add_subnode(to, parent, name), property, child;
    assert(copy >= 0);
    /* The last one first: fdt_setprop() puts new ones in front. */
    fdt_for_each_property_offset(property, from, node)
    {
        int size;
        const char *label;
        const void *value = fdt_getprop_by_offset(from, property, &label, &size);
        int error = fdt_setprop(to, copy, label, value, size);
        assert(error == 0);
        (void)error;
    }
    fdt_for_each_subnode(child, from, node)
    {
        copy_node(to, copy, from, child);
    }
}

void package_add(struct package *package, const struct package *other)
{
    int image;
    fdt_for_each_subnode(image, other->bytes, fdt_path_offset(other->bytes, "/images"))
    {
        copy_node(package->bytes, fdt_path_offset(package->bytes, "/images"), other->bytes, image);
    }
}

int package_node(const struct package *package, const char *path)
{
    int node = fdt_first_subnode(package->bytes, fdt_path_offset(package->bytes, "/images"));
    while (node >= 0 && *path) {
        size_t length = strcspn(path, "/");
        node = fdt_subnode_offset_namelen(package->bytes, node, path, (int)length);
        path += length + (path[length] == '/');
    }
    assert(node >= 0);
    return node;
}

void package_set(struct package *package, const char *path, const char *name, const void *value,
                 int size)
{
    int node = package_node(package, path);
    int error = size < 0 ? fdt_delprop(package->bytes, node, name)
                         : fdt_setprop(package->bytes, node, name, value, size);
    assert(error == 0);
    (void)error;
}

uint8_t *package_object(struct package *package, size_t *size)
{
    int length;
    uint8_t *object = fdt_getprop_w(package->bytes, package_node(package, ""), "data", &length);
    assert(object);
    *size = (size_t)length;
    return object;
}

size_t package_tree_bytes(const struct package *package)
{
    return fdt_totalsize(package->bytes);
}

void package_mend_sums(struct package *package)
{
    int image, size;
    fdt_for_each_subnode(image, package->bytes, fdt_path_offset(package->bytes, "/images"))
    {
        const void *object = fdt_getprop(package->bytes, image, "data", &size);
        int hash = fdt_subnode_offset(package->bytes, image, "hash-1");
        if (object && hash >= 0) {
            /* Where there is no value, that is the case: it is not to be set. */
            (void)fdt_setprop_inplace_u32(package->bytes, hash, "value",
                                          crc32(object, (size_t)size));
        }
    }
}

int package_sign(struct package *package, const char *key, struct why *why)
{
    struct signature_trailer trailer;
    size_t tree_bytes = package_tree_bytes(package);
    if (tree_bytes < sizeof(struct fdt_header) || tree_bytes > package->size) {
        return why_set(why, -EBADMSG, "%zu bytes for a tree of %zu", package->size, tree_bytes);
    }
    int error = key_sign(key, package->bytes, tree_bytes, &trailer, why);
    if (error == 0) {
        assert(tree_bytes + sizeof(trailer) <= package->room);
        memcpy(package->bytes + tree_bytes, &trailer, sizeof(trailer));
        package->size = tree_bytes + sizeof(trailer);
    }
    return error;
}

void package_finish(struct package *package)
{
    struct why why;
    if (fdt_check_header(package->bytes) == 0 && package_tree_bytes(package) == package->size) {
        if (!fdt_getprop(package->bytes, 0, PACKAGE_KEEP_SUMS, NULL)) {
            package_mend_sums(package);
        }
        if (fdt_pack(package->bytes) == 0) {
            package->size = package_tree_bytes(package);
        }
    }
    int error = package_sign(package, package_key(), &why);
    assert(error == 0 || error == -EBADMSG); /* the key is good */
    (void)error;
}

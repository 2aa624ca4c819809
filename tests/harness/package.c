/* SPDX-License-Identifier: MIT */
/* Changes packages; see package.h. */

#include "tests/harness/package.h"

#include <assert.h>
#include <errno.h>
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

#include "lib/crc.h"
#include "tests/harness/machine.h"

int package_read(struct package *package, const char *name, struct why *why)
{
    size_t size;
    void *bytes = machine_read_file(name, &size, why);
    if (!bytes) {
        return -ENOENT;
    }
    *package = (struct package){.room = size + PACKAGE_ROOM};
    package->bytes = calloc(1, package->room);
    /* Half of the room is for the tree: package_finish() wants the rest. */
    int error = fdt_open_into(bytes, package->bytes, (int)(package->room - PACKAGE_ROOM / 2));
    free(bytes);
    if (error < 0) {
        package_free(package);
        return why_set(why, -EBADMSG, "%s: %s", name, fdt_strerror(error));
    }
    package->size = fdt_totalsize(package->bytes);
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

void package_finish(void *package, size_t *size)
{
    int image;
    if (fdt_check_header(package) < 0 || fdt_totalsize(package) != *size) {
        return;
    }
    bool keep = fdt_getprop(package, 0, PACKAGE_KEEP_SUMS, NULL) != NULL;
    fdt_for_each_subnode(image, package, fdt_path_offset(package, "/images"))
    {
        int length;
        const void *object = fdt_getprop(package, image, "data", &length);
        int hash = fdt_subnode_offset(package, image, "hash-1");
        if (object && hash >= 0 && !keep) {
            /* Where the case is that there is none, there is none to be set. */
            (void)fdt_setprop_inplace_u32(package, hash, "value", crc32(object, (size_t)length));
        }
    }
    if (fdt_pack(package) == 0) {
        *size = fdt_totalsize(package);
    }
}

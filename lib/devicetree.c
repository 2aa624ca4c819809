/* SPDX-License-Identifier: MIT */
/* Reading a device tree; see devicetree.h. */
#include "devicetree.h"

#include <errno.h>
#include <libfdt.h>
#include <string.h>

#define SHARED_FIRST 32 /* interrupts: GICv2 architecture specification, 2.2.1 */
#define PRIVATE_FIRST 16
#define SHARED_MAX 987

#define DEPTH_MAX 16 /* of nodes whose addresses are asked for */

int devicetree_open(struct devicetree *tree, const void *fdt)
{
    uint16_t above[DEPTH_MAX] = {0}; /* the node gone through last at each depth */
    int depth = 0;
    tree->fdt = fdt;
    tree->count = 0;
    for (int at = 0; at >= 0 && depth >= 0; at = fdt_next_node(fdt, at, &depth)) {
        uint16_t index = (uint16_t)tree->count;
        if (tree->count == DEVICETREE_NODES_MAX) {
            return -E2BIG;
        }
        tree->nodes[index].offset = at;
        tree->nodes[index].depth = (uint16_t)depth;
        tree->nodes[index].is_device = fdt_getprop(fdt, at, "compatible", NULL);
        tree->nodes[index].parent = depth > 0 && depth < DEPTH_MAX ? above[depth - 1] : 0;
        if (depth < DEPTH_MAX) {
            above[depth] = index;
        }
        tree->count++;
    }
    return 0;
}

/* The first node that does not lie before `offset`: its index, or the count. */
static unsigned find_index(const struct devicetree *tree, int offset)
{
    unsigned low = 0, high = tree->count;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (tree->nodes[middle].offset < offset) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

int devicetree_find_device(const struct devicetree *tree, int after, const char *compatible)
{
    for (unsigned i = find_index(tree, after + 1); i < tree->count; i++) {
        int offset = tree->nodes[i].offset;
        if (tree->nodes[i].is_device &&
            fdt_node_check_compatible(tree->fdt, offset, compatible) == 0) {
            return offset;
        }
    }
    return -ENOENT;
}

/*
 * The nodes from the root down to one: path[depth]. Returns its depth. -EINVAL: there is no such
 * node, or it lies deeper than DEPTH_MAX.
 */
static int find_path(const struct devicetree *tree, int node, int path[DEPTH_MAX])
{
    unsigned index = find_index(tree, node);
    if (index == tree->count || tree->nodes[index].offset != node ||
        tree->nodes[index].depth >= DEPTH_MAX) {
        return -EINVAL;
    }
    int depth = tree->nodes[index].depth;
    for (int level = depth; level >= 0; level--, index = tree->nodes[index].parent) {
        path[level] = tree->nodes[index].offset;
    }
    return depth;
}

uint64_t devicetree_read_cells(const uint32_t *cells, int count)
{
    uint64_t value = 0;
    for (int i = 0; i < count; i++) {
        value = value << 32 | fdt32_to_cpu(cells[i]);
    }
    return value;
}

uint64_t devicetree_read_number(const void *fdt, int node, const char *property)
{
    int length;
    const fdt32_t *cells = fdt_getprop(fdt, node, property, &length);
    return cells && (length == 4 || length == 8) ? devicetree_read_cells(cells, length / 4) : 0;
}

int devicetree_read_reg(const struct devicetree *tree, int node, unsigned index, uint64_t *address,
                        uint64_t *size)
{
    int path[DEPTH_MAX], length;
    const fdt32_t *reg = fdt_getprop(tree->fdt, node, "reg", &length);
    if (!reg) {
        return -ENOENT;
    }
    int depth = find_path(tree, node, path);
    if (depth < 1) {
        return -EINVAL;
    }
    int bus = path[depth - 1];
    int address_cells = fdt_address_cells(tree->fdt, bus),
        size_cells = fdt_size_cells(tree->fdt, bus);
    if (address_cells < 1 || size_cells < 1) {
        return -EINVAL;
    }
    int row = address_cells + size_cells;
    if ((uint64_t)length / 4 < (uint64_t)row * ((uint64_t)index + 1)) {
        return -ENOENT;
    }
    *address = devicetree_read_cells(reg + (size_t)row * index, address_cells);
    *size = devicetree_read_cells(reg + (size_t)row * index + address_cells, size_cells);
    return 0;
}

/* Through one row of ranges: child address, parent address, size. */
static bool pass(const fdt32_t *row, int child_cells, int parent_cells, int size_cells,
                 uint64_t *address)
{
    uint64_t child = devicetree_read_cells(row, child_cells);
    uint64_t size = devicetree_read_cells(row + child_cells + parent_cells, size_cells);
    if (*address < child || *address - child >= size) {
        return false;
    }
    *address += devicetree_read_cells(row + child_cells, parent_cells) - child;
    return true;
}

int devicetree_translate(const struct devicetree *tree, int node, uint64_t *address)
{
    int path[DEPTH_MAX], depth = find_path(tree, node, path);
    for (int level = depth - 1; level > 0; level--) {
        int bus = path[level], parent = path[level - 1], length;
        const fdt32_t *ranges = fdt_getprop(tree->fdt, bus, "ranges", &length);
        if (!ranges) {
            return -EINVAL;
        }
        int child_cells = fdt_address_cells(tree->fdt, bus),
            size_cells = fdt_size_cells(tree->fdt, bus);
        int parent_cells = fdt_address_cells(tree->fdt, parent);
        if (child_cells < 1 || size_cells < 1 || parent_cells < 1) {
            return -EINVAL;
        }
        int row = child_cells + parent_cells + size_cells;
        bool is_passed = length == 0; /* empty: one to one */
        for (; length >= row * 4 && !is_passed; length -= row * 4, ranges += row) {
            is_passed = pass(ranges, child_cells, parent_cells, size_cells, address);
        }
        if (!is_passed) {
            return -EINVAL;
        }
    }
    return depth < 0 ? depth : 0;
}

int devicetree_read_u32(const struct devicetree *tree, int node, const char *property,
                        unsigned index, uint32_t *value)
{
    int length;
    for (; strncmp(property, "../", 3) == 0; property += 3) {
        unsigned at = find_index(tree, node);
        if (at == 0 || at == tree->count || tree->nodes[at].depth >= DEPTH_MAX) {
            return -ENOENT;
        }
        node = tree->nodes[tree->nodes[at].parent].offset;
    }
    const char *slash = strchr(property, '/');
    if (slash) { /* libfdt finds nothing in a node that is not there */
        node = fdt_subnode_offset_namelen(tree->fdt, node, property, (int)(slash - property));
        property = slash + 1;
    }
    const fdt32_t *cells = fdt_getprop(tree->fdt, node, property, &length);
    if (!cells || (uint64_t)length / 4 <= index) {
        return -ENOENT;
    }
    *value = fdt32_to_cpu(cells[index]);
    return 0;
}

int devicetree_read_gic_irq(const void *fdt, int node)
{
    int length;
    const fdt32_t *cells = fdt_getprop(fdt, node, "interrupts", &length);
    if (!cells || length < 12 || fdt32_to_cpu(cells[0]) > 1 ||
        fdt32_to_cpu(cells[1]) > SHARED_MAX) {
        return -ENOENT;
    }
    return (int)fdt32_to_cpu(cells[1]) + (fdt32_to_cpu(cells[0]) ? PRIVATE_FIRST : SHARED_FIRST);
}

bool devicetree_is_okay(const void *fdt, int node)
{
    int length;
    const char *status = fdt_getprop(fdt, node, "status", &length);
    return !status || (length > 0 && !status[length - 1] &&
                       (!strcmp(status, "okay") || !strcmp(status, "ok")));
}

/* NULL: there is none. *length: without its NUL */
static const char *console_path(const void *fdt, int *length)
{
    int chosen = fdt_path_offset(fdt, "/chosen"), bytes;
    const char *path = chosen < 0 ? NULL : fdt_getprop(fdt, chosen, "stdout-path", &bytes);
    *length = path ? bytes - 1 : 0;
    return path && bytes > 0 && !path[bytes - 1] ? path : NULL;
}

int devicetree_find_console(const void *fdt)
{
    int length;
    const char *path = console_path(fdt, &length);
    if (!path) {
        return -ENOENT;
    }
    const char *colon = strchr(path, ':');
    return fdt_path_offset_namelen(fdt, path, colon ? (int)(colon - path) : length);
}

int devicetree_read_console_baud(const void *fdt, uint32_t *baud)
{
    int length;
    const char *path = console_path(fdt, &length);
    const char *digit = path ? strchr(path, ':') : NULL;
    uint64_t value = 0;
    if (digit) {
        for (digit++; *digit >= '0' && *digit <= '9' && value <= UINT32_MAX; digit++) {
            value = value * 10 + (uint64_t)(*digit - '0');
        }
    }
    if (value == 0 || value > UINT32_MAX) {
        return -ENOENT;
    }
    *baud = (uint32_t)value;
    return 0;
}

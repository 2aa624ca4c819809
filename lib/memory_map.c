/* SPDX-License-Identifier: MIT */
/* Which RAM there is: see memory_map.h. */
#include "memory_map.h"

#include <errno.h>
#include <libfdt.h>
#include <string.h>

static uint64_t lower(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t higher(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static void ignore(const struct memory_map *map, const char *why, uint64_t pa, uint64_t bytes)
{
    if (map->ignore) {
        map->ignore(why, &(struct memory_range){pa, bytes});
    }
}

static bool is_sane(const struct memory_map *map, uint64_t pa, uint64_t bytes)
{
    bool overflows = pa + bytes < pa;
    if (overflows) {
        ignore(map, "is absurd", pa, bytes);
    }
    return bytes && !overflows;
}

void memory_map_add(struct memory_map *map, uint64_t pa, uint64_t bytes)
{
    if (!is_sane(map, pa, bytes)) {
        return;
    }
    uint64_t end = pa + bytes;
    unsigned kept = 0, at = 0;
    for (unsigned i = 0; i < map->ram_count; i++) {
        const struct memory_range *range = &map->ram[i];
        if (range->pa <= end && memory_range_end(range) >= pa) { /* touches: becomes part of it */
            end = higher(end, memory_range_end(range));
            pa = lower(pa, range->pa);
        } else {
            map->ram[kept++] = *range;
            at = range->pa < pa ? kept : at;
        }
    }
    map->ram_count = kept;
    if (kept == MEMORY_MAP_RANGES) {
        ignore(map, "is one range too many", pa, end - pa);
        return;
    }
    memmove(&map->ram[at + 1], &map->ram[at], (kept - at) * sizeof(*map->ram));
    map->ram[at] = (struct memory_range){pa, end - pa};
    map->ram_count++;
}

int memory_map_reserve(struct memory_map *map, uint64_t pa, uint64_t bytes)
{
    if (!is_sane(map, pa, bytes)) {
        return 0;
    }
    if (map->reserved_count == MEMORY_MAP_RANGES) {
        return -ENOSPC;
    }
    map->reserved[map->reserved_count++] = (struct memory_range){pa, bytes};
    return 0;
}

/* To what is mapped. */
static void clip(struct memory_map *map, uint64_t last, uint64_t block)
{
    for (struct memory_range *range = map->ram; range < map->ram + map->ram_count; range++) {
        if (memory_range_end(range) > last) {
            uint64_t pa = higher(range->pa, last);
            ignore(map, "is not mapped", pa, memory_range_end(range) - pa);
        }
        uint64_t end = lower(memory_range_end(range), last) & ~(block - 1);
        range->pa = (lower(range->pa, last) + block - 1) & ~(block - 1);
        range->bytes = end > range->pa ? end - range->pa : 0;
    }
}

static int read_reservations(struct memory_map *map, const struct devicetree *tree)
{
    uint64_t pa, bytes;
    int result = 0;
    for (int i = 0; result == 0 && i < fdt_num_mem_rsv(tree->fdt); i++) {
        result = fdt_get_mem_rsv(tree->fdt, i, &pa, &bytes) == 0
                     ? memory_map_reserve(map, pa, bytes)
                     : 0;
    }
    int node, parent = fdt_path_offset(tree->fdt, "/reserved-memory");
    if (parent < 0) {
        return result;
    }
    fdt_for_each_subnode(node, tree->fdt, parent)
    {
        for (unsigned i = 0; result == 0 && devicetree_read_reg(tree, node, i, &pa, &bytes) == 0;
             i++) {
            result = memory_map_reserve(map, pa, bytes);
        }
    }
    return result;
}

int memory_map_read(struct memory_map *map, const struct devicetree *tree, uint64_t end,
                    uint64_t block)
{
    uint64_t pa, bytes;
    int node = -1;
    while ((node = fdt_node_offset_by_prop_value(tree->fdt, node, "device_type", "memory",
                                                 sizeof("memory"))) >= 0) {
        for (unsigned i = 0; devicetree_read_reg(tree, node, i, &pa, &bytes) == 0; i++) {
            memory_map_add(map, pa, bytes);
        }
    }
    clip(map, end, block);
    return read_reservations(map, tree);
}

bool memory_map_holds(const struct memory_map *map, uint64_t pa, uint64_t bytes)
{
    for (const struct memory_range *range = map->ram; range < map->ram + map->ram_count; range++) {
        if (pa >= range->pa && bytes && bytes <= range->bytes &&
            pa - range->pa <= range->bytes - bytes) {
            return true;
        }
    }
    return false;
}

bool memory_map_touches(const struct memory_map *map, uint64_t pa, uint64_t bytes)
{
    for (const struct memory_range *range = map->ram; range < map->ram + map->ram_count; range++) {
        if (memory_range_overlaps(range, pa, bytes)) {
            return true;
        }
    }
    return false;
}

/* The lowest reservation that touches [pa, end), or NULL. */
static const struct memory_range *first_reserved(const struct memory_map *map, uint64_t pa,
                                                 uint64_t end)
{
    const struct memory_range *first = NULL;
    for (unsigned i = 0; i < map->reserved_count; i++) {
        const struct memory_range *range = &map->reserved[i];
        if (memory_range_overlaps(range, pa, end - pa) && (!first || range->pa < first->pa)) {
            first = range;
        }
    }
    return first;
}

bool memory_map_next_free(const struct memory_map *map, uint64_t from, struct memory_range *piece)
{
    for (const struct memory_range *range = map->ram; range < map->ram + map->ram_count; range++) {
        uint64_t pa = higher(range->pa, from), end = memory_range_end(range);
        while (pa < end) {
            const struct memory_range *hole = first_reserved(map, pa, end);
            uint64_t stop = hole ? higher(hole->pa, pa) : end;
            if (stop > pa) {
                *piece = (struct memory_range){pa, stop - pa};
                return true;
            }
            pa = memory_range_end(hole);
        }
    }
    return false;
}

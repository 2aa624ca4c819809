/* SPDX-License-Identifier: MIT */
/*
 * What the boot loader passed: RAM and reservations, the boot bundle (as initial ramdisk). All of
 * it is outside data.
 */
#include <errno.h>
#include <lib/devicetree.h>
#include <libfdt.h>
#include <string.h>

#include "nucleus.h"

#define MEMORY_MAX 64
#define RESERVED_MAX 64

struct range {
    uint64_t pa, bytes;
};

static struct range memory[MEMORY_MAX], reserved[RESERVED_MAX];
static unsigned memory_count, reserved_count;
static struct range bundle;

static uint64_t range_end(const struct range *range)
{
    return range->pa + range->bytes; /* add() has seen to it that this does not overflow */
}

static bool is_sane(uint64_t pa, uint64_t bytes, const char *what)
{
    if (pa + bytes < pa) {
        log_warning("%s at 0x%llx, 0x%llx bytes: absurd, ignored", what, (unsigned long long)pa,
                    (unsigned long long)bytes);
    }
    return bytes && pa + bytes > pa;
}

static void reserve(uint64_t pa, uint64_t bytes)
{
    if (!is_sane(pa, bytes, "a reservation")) {
        return;
    }
    if (reserved_count == RESERVED_MAX) {
        panic("more than %u ranges of RAM are reserved", RESERVED_MAX);
    }
    reserved[reserved_count++] = (struct range){pa, bytes};
}

/* Keeps memory[] in order, and its ranges apart. */
static void add_memory(uint64_t pa, uint64_t bytes)
{
    if (!is_sane(pa, bytes, "RAM")) {
        return;
    }
    uint64_t end = pa + bytes;
    unsigned kept = 0, at = 0;
    for (unsigned i = 0; i < memory_count; i++) {
        if (memory[i].pa <= end && range_end(&memory[i]) >= pa) { /* touches: becomes part of it */
            end = MAX(end, range_end(&memory[i]));
            pa = MIN(pa, memory[i].pa);
        } else {
            memory[kept++] = memory[i];
            at = memory[i].pa < pa ? kept : at;
        }
    }
    memory_count = kept;
    if (memory_count == MEMORY_MAX) {
        log_warning("RAM at 0x%llx is one range too many, ignored", (unsigned long long)pa);
        return;
    }
    memmove(&memory[at + 1], &memory[at], (memory_count - at) * sizeof(*memory));
    memory[at] = (struct range){pa, end - pa};
    memory_count++;
}

/* Calls use() for each (address, size) of a node's reg property. */
static void each_reg(int node, void (*use)(uint64_t pa, uint64_t bytes))
{
    uint64_t pa, bytes;
    for (unsigned i = 0; devicetree_read_reg(device_tree(), node, i, &pa, &bytes) == 0; i++) {
        use(pa, bytes);
    }
}

/* To what is mapped: whole blocks, below the linear map's end. */
static void clip_memory(void)
{
    for (struct range *range = memory; range < memory + memory_count; range++) {
        if (range_end(range) > LAYOUT_LINEAR_BYTES) {
            log_warning("RAM from %u GiB on is not used", (unsigned)(LAYOUT_LINEAR_BYTES >> 30));
        }
        uint64_t end = ALIGN_DOWN(MIN(range_end(range), LAYOUT_LINEAR_BYTES), LAYOUT_BLOCK_BYTES);
        range->pa = ALIGN_UP(MIN(range->pa, LAYOUT_LINEAR_BYTES), LAYOUT_BLOCK_BYTES);
        range->bytes = end > range->pa ? end - range->pa : 0;
    }
}

static bool overlaps(const struct range *range, uint64_t pa, uint64_t bytes)
{
    return range->pa < pa + bytes && pa < range_end(range);
}

static struct range nucleus_block(void)
{
    return (struct range){kernel_pa, (uint64_t)(__kernel_end - __kernel_begin)};
}

bool boot_is_ram(uint64_t pa, uint64_t bytes)
{
    struct range block = nucleus_block();
    bool found = overlaps(&block, pa, bytes);
    for (const struct range *range = memory; range < memory + memory_count; range++) {
        found = found || overlaps(range, pa, bytes);
    }
    return found;
}

/* Takes what the loader left in RAM, if it can be read through the linear map. */
static bool take_data(struct range *data, uint64_t pa, uint64_t bytes, const char *what)
{
    struct range block = nucleus_block();
    for (const struct range *range = memory; range < memory + memory_count; range++) {
        if (pa % 8 == 0 && pa >= range->pa && bytes && bytes <= range->bytes &&
            pa - range->pa <= range->bytes - bytes && !overlaps(&block, pa, bytes)) {
            *data = (struct range){pa, bytes};
            reserve(pa, bytes);
            return true;
        }
    }
    log_error("%s at 0x%llx, 0x%llx bytes, is not in RAM: ignored", what, (unsigned long long)pa,
              (unsigned long long)bytes);
    return false;
}

static void read_chosen(const void *tree)
{
    int chosen = fdt_path_offset(tree, "/chosen");
    if (chosen < 0) {
        return;
    }
    uint64_t begin = devicetree_read_number(tree, chosen, "linux,initrd-start");
    uint64_t end = devicetree_read_number(tree, chosen, "linux,initrd-end");
    if (begin && end > begin) {
        (void)take_data(&bundle, begin, end - begin, "the boot bundle"); /* NULL tells */
    }
}

static void read_reservations(const void *tree)
{
    for (int i = 0; i < fdt_num_mem_rsv(tree); i++) {
        uint64_t pa, bytes;
        if (fdt_get_mem_rsv(tree, i, &pa, &bytes) == 0) {
            reserve(pa, bytes);
        }
    }
    int node, parent = fdt_path_offset(tree, "/reserved-memory");
    if (parent >= 0) {
        fdt_for_each_subnode(node, tree, parent)
        {
            each_reg(node, reserve);
        }
    }
}

static void read_memory(const void *tree)
{
    int node = -1;
    while ((node = fdt_node_offset_by_prop_value(tree, node, "device_type", "memory",
                                                 sizeof("memory"))) >= 0) {
        each_reg(node, add_memory);
    }
    clip_memory();
}

/* The lowest reservation that touches [pa, end), or NULL. */
static const struct range *first_reserved(uint64_t pa, uint64_t end)
{
    const struct range *first = NULL;
    for (const struct range *range = reserved; range < reserved + reserved_count; range++) {
        if (overlaps(range, pa, end - pa) && (!first || range->pa < first->pa)) {
            first = range;
        }
    }
    return first;
}

/* Calls use() for each free piece of RAM. */
static void each_free(void (*use)(uint64_t pa, uint64_t bytes))
{
    for (const struct range *range = memory; range < memory + memory_count; range++) {
        uint64_t pa = range->pa, end = range_end(range);
        while (pa < end) {
            const struct range *hole = first_reserved(pa, end);
            uint64_t stop = hole ? MAX(hole->pa, pa) : end;
            if (stop > pa) {
                use(pa, stop - pa);
            }
            pa = hole ? range_end(hole) : end;
        }
    }
}

/* Room for the page allocator's own table: the end of the largest free piece. */
static uint64_t best_pa, best_bytes;

static void note_largest(uint64_t pa, uint64_t bytes)
{
    if (bytes > best_bytes) {
        best_pa = pa;
        best_bytes = bytes;
    }
}

static void *take_table(size_t bytes)
{
    best_bytes = 0;
    each_free(note_largest);
    bytes = ALIGN_UP(bytes, PAGE_BYTES);
    if (best_bytes < bytes + PAGE_BYTES) { /* its begin may be in the middle of a page */
        return NULL;
    }
    uint64_t pa = ALIGN_DOWN(best_pa + best_bytes - bytes, PAGE_BYTES);
    reserve(pa, bytes + PAGE_BYTES);
    return linear_va(pa);
}

/* All of RAM but the nucleus block, which must have no writable alias. Returns RAM's end. */
static uint64_t map_memory(void)
{
    struct range block = nucleus_block();
    uint64_t top = 0;
    for (const struct range *range = memory; range < memory + memory_count; range++) {
        for (uint64_t pa = range->pa; pa < range_end(range); pa += LAYOUT_BLOCK_BYTES) {
            if (!overlaps(&block, pa, LAYOUT_BLOCK_BYTES)) {
                mmu_map_linear(pa, LAYOUT_BLOCK_BYTES);
                top = pa + LAYOUT_BLOCK_BYTES;
            }
        }
    }
    return top;
}

int boot_read_memory(uint64_t tree_pa)
{
    const void *tree = device_tree()->fdt;
    struct range block = nucleus_block();
    reserve(tree_pa, fdt_totalsize(tree));
    reserve(block.pa, block.bytes);
    reserve(0, PAGE_BYTES); /* the armstub's spin table */
    read_memory(tree);
    read_reservations(tree);
    read_chosen(tree);
    uint64_t top = map_memory();
    if (!top || page_start(top, take_table) < 0) {
        return -ENOMEM;
    }
    each_free(page_add_range);
    return 0;
}

const void *boot_bundle(size_t *bytes)
{
    *bytes = bundle.bytes;
    return bundle.bytes ? linear_va(bundle.pa) : NULL;
}

/* SPDX-License-Identifier: MIT */
/*
 * What the boot loader passed: RAM and reservations, the boot bundle (as initial ramdisk). All of
 * it is outside data.
 */
#include <errno.h>
#include <lib/memory_map.h>
#include <libfdt.h>

#include "nucleus.h"

static void tell_ignored(const char *why, const struct memory_range *range)
{
    log_warning("memory at 0x%llx, 0x%llx bytes, %s: ignored", (unsigned long long)range->pa,
                (unsigned long long)range->bytes, why);
}

static struct memory_map map = {.ignore = tell_ignored};
static struct memory_range bundle;

static struct memory_range nucleus_block(void)
{
    return (struct memory_range){kernel_pa, (uint64_t)(__kernel_end - __kernel_begin)};
}

static void reserve(uint64_t pa, uint64_t bytes)
{
    if (memory_map_reserve(&map, pa, bytes) < 0) {
        panic("more than %u ranges of RAM are reserved", MEMORY_MAP_RANGES);
    }
}

bool boot_is_ram(uint64_t pa, uint64_t bytes)
{
    struct memory_range block = nucleus_block();
    return memory_range_overlaps(&block, pa, bytes) || memory_map_touches(&map, pa, bytes);
}

/* Takes the bundle that the loader left, if it can be read through the linear map. */
static void read_chosen(const void *tree)
{
    struct memory_range block = nucleus_block();
    int chosen = fdt_path_offset(tree, "/chosen");
    uint64_t pa = chosen < 0 ? 0 : devicetree_read_number(tree, chosen, "linux,initrd-start");
    uint64_t end = chosen < 0 ? 0 : devicetree_read_number(tree, chosen, "linux,initrd-end");
    if (!pa || end <= pa) {
        return;
    }
    if (pa % 8 || !memory_map_holds(&map, pa, end - pa) ||
        memory_range_overlaps(&block, pa, end - pa)) {
        log_error("the boot bundle at 0x%llx, 0x%llx bytes, is not in RAM: ignored",
                  (unsigned long long)pa, (unsigned long long)(end - pa));
        return;
    }
    bundle = (struct memory_range){pa, end - pa};
    reserve(pa, end - pa);
}

/* Room for the page allocator's own table: the end of the largest free piece. */
static void *take_table(size_t bytes)
{
    struct memory_range piece = {0}, best = {0};
    while (memory_map_next_free(&map, memory_range_end(&piece), &piece)) {
        best = piece.bytes > best.bytes ? piece : best;
    }
    bytes = ALIGN_UP(bytes, PAGE_BYTES);
    if (best.bytes < bytes + PAGE_BYTES) { /* its begin may be in the middle of a page */
        return NULL;
    }
    uint64_t pa = ALIGN_DOWN(memory_range_end(&best) - bytes, PAGE_BYTES);
    reserve(pa, bytes + PAGE_BYTES);
    return linear_va(pa);
}

/* All of RAM but the nucleus block, which must have no writable alias. Returns RAM's end. */
static uint64_t map_memory(void)
{
    struct memory_range block = nucleus_block();
    uint64_t top = 0;
    for (unsigned i = 0; i < map.ram_count; i++) {
        uint64_t end = memory_range_end(&map.ram[i]);
        for (uint64_t pa = map.ram[i].pa; pa < end; pa += LAYOUT_BLOCK_BYTES) {
            if (!memory_range_overlaps(&block, pa, LAYOUT_BLOCK_BYTES)) {
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
    struct memory_range block = nucleus_block(), piece = {0};
    reserve(tree_pa, fdt_totalsize(tree));
    reserve(block.pa, block.bytes);
    reserve(0, PAGE_BYTES); /* the armstub's spin table */
    if (memory_map_read(&map, device_tree(), LAYOUT_LINEAR_BYTES, LAYOUT_BLOCK_BYTES) < 0) {
        panic("more than %u ranges of RAM are reserved", MEMORY_MAP_RANGES);
    }
    read_chosen(tree);
    uint64_t top = map_memory();
    if (!top || page_start(top, take_table) < 0) {
        return -ENOMEM;
    }
    while (memory_map_next_free(&map, memory_range_end(&piece), &piece)) {
        page_add_range(piece.pa, piece.bytes);
    }
    return 0;
}

const void *boot_bundle(size_t *bytes)
{
    *bytes = bundle.bytes;
    return bundle.bytes ? linear_va(bundle.pa) : NULL;
}

/* SPDX-License-Identifier: MIT */
/*
 * What the boot loader passed: RAM and reservations, the boot bundle (as initial ramdisk), packages
 * from the card (as words of the command line). All of it is outside data.
 */
#include <errno.h>
#include <libfdt.h>
#include <string.h>

#include "nucleus.h"

#define RANGES_MAX 64
#define PACKAGES_MAX 64

struct range {
    uint64_t pa, bytes;
};

static struct range memory[RANGES_MAX], reserved[RANGES_MAX];
static unsigned memory_count, reserved_count;
static struct range bundle;
static struct range packages[PACKAGES_MAX];
static unsigned package_count;

static uint64_t read_cells(const fdt32_t *cells, int count)
{
    uint64_t value = 0;
    for (int i = 0; i < count; i++) {
        value = value << 32 | fdt32_to_cpu(cells[i]);
    }
    return value;
}

static void add(struct range *ranges, unsigned *count, uint64_t pa, uint64_t bytes)
{
    if (bytes && *count < RANGES_MAX && pa + bytes > pa) {
        ranges[(*count)++] = (struct range){pa, bytes};
    }
}

/* Adds each (address, size) of a node's reg property. */
static void add_reg(const void *tree, int node, struct range *ranges, unsigned *count)
{
    int parent = fdt_parent_offset(tree, node), length;
    int address_cells = fdt_address_cells(tree, parent), size_cells = fdt_size_cells(tree, parent);
    const fdt32_t *reg = fdt_getprop(tree, node, "reg", &length);
    if (!reg || address_cells < 1 || size_cells < 1) {
        return;
    }
    int row = address_cells + size_cells;
    for (; length >= row * 4; length -= row * 4, reg += row) {
        add(ranges, count, read_cells(reg, address_cells),
            read_cells(reg + address_cells, size_cells));
    }
}

static uint64_t read_number(const void *tree, int node, const char *property)
{
    int length;
    const fdt32_t *cells = fdt_getprop(tree, node, property, &length);
    return cells && (length == 4 || length == 8) ? read_cells(cells, length / 4) : 0;
}

/* "0x1f" or "31"; *end is what follows. */
static uint64_t parse_number(const char *text, const char **end)
{
    uint64_t value = 0;
    unsigned base = text[0] == '0' && text[1] == 'x' ? 16 : 10;
    text += base == 16 ? 2 : 0;
    for (;; text++) {
        unsigned digit = *text >= '0' && *text <= '9'   ? (unsigned)(*text - '0')
                         : *text >= 'a' && *text <= 'f' ? (unsigned)(*text - 'a' + 10)
                                                        : 16;
        if (digit >= base) {
            break;
        }
        value = value * base + digit;
    }
    *end = text;
    return value;
}

/* Words of the form package=ADDRESS,BYTES; others are none of our business. */
static void read_arguments(const char *text)
{
    static const char word[] = "package=";
    while ((text = strstr(text, word)) && package_count < PACKAGES_MAX) {
        uint64_t pa = parse_number(text + sizeof(word) - 1, &text);
        if (*text == ',') {
            uint64_t bytes = parse_number(text + 1, &text);
            if (bytes && pa % 8 == 0) {
                packages[package_count++] = (struct range){pa, bytes};
                add(reserved, &reserved_count, pa, bytes);
            }
        }
    }
}

static void read_chosen(const void *tree)
{
    int chosen = fdt_path_offset(tree, "/chosen");
    if (chosen < 0) {
        return;
    }
    uint64_t begin = read_number(tree, chosen, "linux,initrd-start");
    uint64_t end = read_number(tree, chosen, "linux,initrd-end");
    if (begin && end > begin) {
        bundle = (struct range){begin, end - begin};
        add(reserved, &reserved_count, begin, end - begin);
    }
    int length;
    const char *arguments = fdt_getprop(tree, chosen, "bootargs", &length);
    if (arguments && length > 0 && !arguments[length - 1]) {
        read_arguments(arguments);
    }
}

static void read_tree(const void *tree)
{
    int root_memory = -1;
    while ((root_memory = fdt_node_offset_by_prop_value(tree, root_memory, "device_type", "memory",
                                                        sizeof("memory"))) >= 0) {
        add_reg(tree, root_memory, memory, &memory_count);
    }
    for (int i = 0; i < fdt_num_mem_rsv(tree); i++) {
        uint64_t pa, bytes;
        if (fdt_get_mem_rsv(tree, i, &pa, &bytes) == 0) {
            add(reserved, &reserved_count, pa, bytes);
        }
    }
    int node, parent = fdt_path_offset(tree, "/reserved-memory");
    if (parent >= 0) {
        fdt_for_each_subnode(node, tree, parent)
        {
            add_reg(tree, node, reserved, &reserved_count);
        }
    }
    read_chosen(tree);
}

/* The lowest reservation that touches [pa, end), or NULL. */
static const struct range *first_reserved(uint64_t pa, uint64_t end)
{
    const struct range *first = NULL;
    for (const struct range *range = reserved; range < reserved + reserved_count; range++) {
        if (range->pa < end && range->pa + range->bytes > pa && (!first || range->pa < first->pa)) {
            first = range;
        }
    }
    return first;
}

/* Calls use() for each free piece of RAM. */
static void each_free(void (*use)(uint64_t pa, uint64_t bytes))
{
    for (const struct range *range = memory; range < memory + memory_count; range++) {
        uint64_t pa = range->pa, end = range->pa + range->bytes;
        while (pa < end) {
            const struct range *hole = first_reserved(pa, end);
            uint64_t stop = hole ? MAX(hole->pa, pa) : end;
            if (stop > pa) {
                use(pa, stop - pa);
            }
            pa = hole ? hole->pa + hole->bytes : end;
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
    if (best_bytes < bytes) {
        return NULL;
    }
    uint64_t pa = ALIGN_DOWN(best_pa + best_bytes - bytes, PAGE_BYTES);
    add(reserved, &reserved_count, pa, bytes + PAGE_BYTES);
    return linear_va(pa);
}

int boot_read_memory(const void *tree, uint64_t *top_pa)
{
    read_tree(tree);
    uint64_t block = LAYOUT_BLOCK_BYTES, kernel_bytes = (uint64_t)(__kernel_end - __kernel_begin);
    add(reserved, &reserved_count, 0, PAGE_BYTES); /* the armstub's spin table */
    add(reserved, &reserved_count, kernel_pa, kernel_bytes);
    uint64_t top = 0;
    for (struct range *range = memory; range < memory + memory_count; range++) {
        uint64_t end = ALIGN_DOWN(range->pa + range->bytes, block);
        range->pa = ALIGN_UP(range->pa, block);
        range->bytes = end > range->pa ? end - range->pa : 0;
        for (uint64_t pa = range->pa; pa < end; pa += block) {
            if (pa < kernel_pa || pa >= kernel_pa + kernel_bytes) {
                mmu_map_linear(pa, block);
                top = pa + block;
            }
        }
    }
    *top_pa = top;
    if (!top || page_start(top, take_table) < 0) {
        return -ENOMEM;
    }
    each_free(page_add_range);
    return 0;
}

static const void *range_data(const struct range *range, size_t *bytes)
{
    *bytes = range->bytes;
    return range->bytes && mmu_translate(LAYOUT_LINEAR_VA + range->pa) != MMU_NO_PA
               ? linear_va(range->pa)
               : NULL;
}

const void *boot_bundle(size_t *bytes)
{
    return range_data(&bundle, bytes);
}

int world_boot_package(unsigned index, const void **data, size_t *size)
{
    if (index >= package_count) {
        return -ENOENT;
    }
    *data = range_data(&packages[index], size);
    return *data ? 0 : -ENOENT;
}
EXPORT(world_boot_package);

/* SPDX-License-Identifier: MIT */
/* RAM and what is taken of it, from trees as boards have them and from such as none should. */
#include "memory_map.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <libfdt.h>
#include <stdio.h>

#define MIB (1ul << 20)
#define BLOCK (2 * MIB)
#define LAST (16ul << 30)

static char tree[16384];
static struct devicetree device_tree;
static unsigned ignored;

static void count_ignored(const char *words, const struct memory_range *range)
{
    (void)words;
    (void)range;
    ignored++;
}

static struct memory_map map;

static void begin(void)
{
    ignored = 0;
    map = (struct memory_map){.ignore = count_ignored};
}

TestSuite(memory_map, .init = begin);

/* Two cells for addresses and sizes. */
static void begin_tree(void)
{
    cr_assert_eq(fdt_create_empty_tree(tree, sizeof(tree)), 0);
    cr_assert_eq(fdt_setprop_u32(tree, 0, "#address-cells", 2), 0);
    cr_assert_eq(fdt_setprop_u32(tree, 0, "#size-cells", 2), 0);
}

static void add_node(int parent, const char *name, const char *type, uint64_t pa, uint64_t bytes)
{
    int node = fdt_add_subnode(tree, parent, name);
    cr_assert_geq(node, 0);
    fdt64_t reg[] = {cpu_to_fdt64(pa), cpu_to_fdt64(bytes)};
    cr_assert_eq(fdt_setprop(tree, node, "reg", reg, sizeof(reg)), 0);
    if (type) {
        cr_assert_eq(fdt_setprop_string(tree, node, "device_type", type), 0);
    }
}

static int read(void)
{
    cr_assert_eq(devicetree_open(&device_tree, tree), 0);
    return memory_map_read(&map, &device_tree, LAST, BLOCK);
}

/* All free pieces, in text: "0+100000 ..." */
static const char *pieces(void)
{
    static char text[1000];
    struct memory_range piece = {0};
    size_t length = 0;
    text[0] = 0;
    while (memory_map_next_free(&map, memory_range_end(&piece), &piece)) {
        length +=
            (size_t)snprintf(text + length, sizeof(text) - length, "%s%llx+%llx", length ? " " : "",
                             (unsigned long long)piece.pa, (unsigned long long)piece.bytes);
    }
    return text;
}

Test(memory_map, joins_what_touches_and_keeps_it_in_order)
{
    memory_map_add(&map, 8 * MIB, 4 * MIB);
    memory_map_add(&map, 0, 2 * MIB);
    memory_map_add(&map, 20 * MIB, MIB);
    cr_expect_str_eq(pieces(), "0+200000 800000+400000 1400000+100000");
    memory_map_add(&map, MIB, 8 * MIB); /* over both */
    cr_expect_str_eq(pieces(), "0+c00000 1400000+100000");
    cr_expect_eq(map.ram_count, 2);
}

Test(memory_map, leaves_out_what_is_reserved)
{
    memory_map_add(&map, 0, 16 * MIB);
    cr_expect_eq(memory_map_reserve(&map, 4 * MIB, MIB), 0);
    cr_expect_eq(memory_map_reserve(&map, 4 * MIB + 4096, 2 * MIB), 0); /* overlaps the first */
    cr_expect_eq(memory_map_reserve(&map, 0, 4096), 0);
    cr_expect_eq(memory_map_reserve(&map, 15 * MIB, 64 * MIB), 0); /* over the end */
    cr_expect_eq(memory_map_reserve(&map, 5, 0), 0);               /* nothing */
    cr_expect_str_eq(pieces(), "1000+3ff000 601000+8ff000");
}

Test(memory_map, knows_what_lies_in_ram)
{
    memory_map_add(&map, 2 * MIB, 2 * MIB);
    memory_map_add(&map, 8 * MIB, 2 * MIB);
    cr_expect(memory_map_holds(&map, 2 * MIB, 2 * MIB));
    cr_expect(!memory_map_holds(&map, 2 * MIB, 2 * MIB + 1));
    cr_expect(!memory_map_holds(&map, 3 * MIB, UINT64_MAX));
    cr_expect(!memory_map_holds(&map, 3 * MIB, 0));
    cr_expect(!memory_map_holds(&map, 3 * MIB, 6 * MIB), "there is a gap in it");
    cr_expect(memory_map_touches(&map, 0, 2 * MIB + 1));
    cr_expect(!memory_map_touches(&map, 4 * MIB, 4 * MIB));
}

Test(memory_map, is_read_from_a_tree)
{
    begin_tree();
    add_node(0, "memory@0", "memory", 0, 0x3b400000);
    add_node(0, "memory@40000000", "memory", 0x40000000, 0xbc000000);
    add_node(0, "not-memory@0", NULL, 0x200000000, BLOCK);
    int reserved = fdt_add_subnode(tree, 0, "reserved-memory");
    cr_assert_eq(fdt_setprop_u32(tree, reserved, "#address-cells", 2), 0);
    cr_assert_eq(fdt_setprop_u32(tree, reserved, "#size-cells", 2), 0);
    add_node(reserved, "atf@0", NULL, 0, 0x80000);
    cr_assert_eq(fdt_add_mem_rsv(tree, 0x100000, 0x1000), 0);
    cr_assert_eq(read(), 0);
    cr_expect_str_eq(pieces(), "80000+80000 101000+3b2ff000 40000000+bc000000");
    cr_expect_eq(ignored, 0);
}

Test(memory_map, takes_whole_blocks_below_the_end)
{
    begin_tree();
    add_node(0, "memory@0", "memory", MIB, 6 * MIB); /* from 1 to 7: two blocks from 2 to 6 */
    add_node(0, "memory@1", "memory", LAST - BLOCK, 4 * BLOCK);
    add_node(0, "memory@2", "memory", 2 * LAST, BLOCK);
    cr_assert_eq(read(), 0);
    cr_expect_str_eq(pieces(), "200000+400000 3ffe00000+200000");
    cr_expect_eq(ignored, 2, "what is not mapped is told");
}

Test(memory_map, survives_an_absurd_tree)
{
    begin_tree();
    add_node(0, "memory@0", "memory", UINT64_MAX - 100, 200);
    add_node(0, "memory@1", "memory", 0, UINT64_MAX);
    add_node(0, "memory@2", "memory", 0, 0);
    int reserved = fdt_add_subnode(tree, 0, "reserved-memory");
    cr_assert_eq(fdt_setprop_u32(tree, reserved, "#address-cells", 2), 0);
    cr_assert_eq(fdt_setprop_u32(tree, reserved, "#size-cells", 2), 0);
    add_node(reserved, "absurd@0", NULL, UINT64_MAX, UINT64_MAX);
    cr_assert_eq(read(), 0);
    cr_expect_str_eq(pieces(), "0+400000000");
    cr_expect_eq(ignored, 3);
}

Test(memory_map, says_when_it_is_full)
{
    for (unsigned i = 0; i < MEMORY_MAP_RANGES; i++) {
        memory_map_add(&map, 2 * i * MIB, MIB);
        cr_assert_eq(memory_map_reserve(&map, i, 1), 0);
    }
    cr_expect_eq(ignored, 0);
    memory_map_add(&map, 999 * MIB, MIB);
    cr_expect_eq(ignored, 1);
    cr_expect_eq(map.ram_count, MEMORY_MAP_RANGES);
    cr_expect_eq(memory_map_reserve(&map, 0, 1), -ENOSPC);
    memory_map_add(&map, 0, 999 * MIB); /* joins them all */
    cr_expect_eq(map.ram_count, 1);
}

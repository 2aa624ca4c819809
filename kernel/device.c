/* SPDX-License-Identifier: MIT */
/*
 * The device tree as devices: lookup by compatible, translated addresses, claims. The tree is
 * checked and copied at boot, and is only read. claim_lock guards the table of claims.
 */
#include <errno.h>
#include <hal/board.h>
#include <lib/devicetree.h>
#include <lib/format.h>
#include <libfdt.h>
#include <string.h>

#include "nucleus.h"

#define CLAIMS 64
#define MAPS_PER_CLAIM 3
#define TREE_BYTES_MAX (128u << 10)
#define REGISTERS_BYTES_MAX (1ul << 28)
#define PA_END (1ul << 40) /* TCR_EL1_IPS_40 */

static struct spinlock claim_lock;
static struct claim {
    int node; /* < 0: free */
    struct component *owner;
    struct {
        void *page;
        size_t pages;
    } maps[MAPS_PER_CLAIM];
} claims[CLAIMS];

static struct devicetree tree;
static int console; /* its node; < 0: none */

const struct devicetree *device_tree(void)
{
    return &tree;
}

/* Everything is checked here, once, so that nobody runs over the tree's end later. */
int device_start(const void *boot_tree)
{
    if (fdt_check_full(boot_tree, TREE_BYTES_MAX) < 0 || devicetree_open(&tree, boot_tree) < 0) {
        return -EINVAL;
    }
    console = devicetree_find_console(boot_tree);
    if (console < 0) {
        console = devicetree_find_device(&tree, -1, BOARD_CONSOLE);
    }
    for (unsigned i = 0; i < CLAIMS; i++) {
        claims[i].node = -1;
    }
    return 0;
}

int device_keep_tree(void)
{
    size_t bytes = fdt_totalsize(tree.fdt);
    void *copy = page_allocate_owned(ALIGN_UP(bytes, PAGE_BYTES) / PAGE_BYTES, NULL);
    if (!copy) {
        return -ENOMEM;
    }
    tree.fdt = memcpy(copy, tree.fdt, bytes);
    return 0;
}

/*
 * Register block `index` of a node. -ENOENT: it has none. -EINVAL: nonsense, or RAM: that has its
 * one writable mapping, and the nucleus block must not get any.
 */
static int read_reg(int node, unsigned index, uint64_t *pa, uint64_t *size)
{
    int result = devicetree_read_reg(&tree, node, index, pa, size);
    if (result < 0) {
        return result;
    }
    bool is_sane = devicetree_translate(&tree, node, pa) == 0 && *size != 0 &&
                   *size <= REGISTERS_BYTES_MAX && *pa <= PA_END - *size;
    return is_sane && !boot_is_ram(*pa, *size) ? 0 : -EINVAL;
}

static struct claim *find_claim(int node)
{
    for (struct claim *claim = claims; claim < claims + CLAIMS; claim++) {
        if (claim->node == node) {
            return claim;
        }
    }
    return NULL;
}

/* Maps `bytes` from a physical address on for a claim, to go with it. */
static int map_range(struct claim *claim, uint64_t pa, uint64_t bytes, enum mmu_access access,
                     volatile void **base)
{
    uint64_t first = ALIGN_DOWN(pa, PAGE_BYTES);
    size_t pages = (ALIGN_UP(pa + bytes, PAGE_BYTES) - first) / PAGE_BYTES;
    for (unsigned i = 0; i < MAPS_PER_CLAIM; i++) {
        if (!claim->maps[i].page) {
            char *page = area_map(first, pages, access, 1);
            if (!page) {
                return -ENOMEM;
            }
            claim->maps[i].page = page;
            claim->maps[i].pages = pages;
            *base = page + (pa - first);
            return 0;
        }
    }
    return -ENOMEM;
}

static int map_reg(struct claim *claim, unsigned index, struct device *device, volatile void **base)
{
    uint64_t pa, size;
    int result = read_reg(claim->node, index, &pa, &size);
    if (result < 0) {
        return result;
    }
    result = map_range(claim, pa, size, MMU_DEVICE, base);
    if (result == 0 && index == 0) {
        device->base_pa = pa;
        device->size_bytes = size;
    }
    return result;
}

static void drop_claim(struct claim *claim)
{
    for (unsigned i = 0; i < MAPS_PER_CLAIM; i++) {
        if (claim->maps[i].page) {
            area_unmap(claim->maps[i].page, claim->maps[i].pages, 1);
        }
    }
    *claim = (struct claim){.node = -1};
}

static int claim_node(int node, struct device *device, struct component *owner)
{
    struct claim *claim = find_claim(-1);
    if (!claim) {
        return -ENOMEM;
    }
    *claim = (struct claim){.node = node, .owner = owner};
    *device = (struct device){
        .node = node,
        .irq = devicetree_read_gic_irq(tree.fdt, node),
        .is_console = node == console,
    };
    int result = map_reg(claim, 0, device, &device->base);
    if (result < 0 && result != -ENOENT) { /* no registers at all is fine: a timer */
        drop_claim(claim);
        return result;
    }
    return 0;
}

int device_claim_owned(const char *compatible, struct device *device, struct component *owner)
{
    uint64_t daif = spin_lock(&claim_lock);
    int result = -ENODEV;
    int node = -1;
    while ((node = devicetree_find_device(&tree, node, compatible)) >= 0) {
        if (devicetree_is_okay(tree.fdt, node) && !find_claim(node)) {
            result = claim_node(node, device, owner);
            break;
        }
    }
    spin_unlock(&claim_lock, daif);
    return result;
}

int device_map_owned(const struct device *device, unsigned index, volatile void **base,
                     struct component *owner)
{
    uint64_t daif = spin_lock(&claim_lock);
    struct claim *claim = find_claim(device->node);
    struct device ignored;
    int result = claim && claim->owner == owner ? map_reg(claim, index, &ignored, base) : -ENODEV;
    spin_unlock(&claim_lock, daif);
    return result;
}

int device_map_memory_owned(const struct device *device, uint64_t pa, uint64_t bytes,
                            volatile void **base, struct component *owner)
{
    if (!bytes || bytes > REGISTERS_BYTES_MAX || pa > PA_END - bytes || boot_is_ram(pa, bytes)) {
        return -EINVAL;
    }
    uint64_t daif = spin_lock(&claim_lock);
    struct claim *claim = find_claim(device->node);
    int result =
        claim && claim->owner == owner ? map_range(claim, pa, bytes, MMU_UNCACHED, base) : -ENODEV;
    spin_unlock(&claim_lock, daif);
    return result;
}

int device_read_u32(const struct device *device, const char *property, unsigned index,
                    uint32_t *value)
{
    return devicetree_read_u32(&tree, device->node, property, index, value);
}

int device_read_console_baud(uint32_t *baud)
{
    return devicetree_read_console_baud(tree.fdt, baud);
}

void device_revoke(struct component *owner)
{
    uint64_t daif = spin_lock(&claim_lock);
    for (struct claim *claim = claims; claim < claims + CLAIMS; claim++) {
        if (claim->node >= 0 && claim->owner == owner) {
            drop_claim(claim);
        }
    }
    spin_unlock(&claim_lock, daif);
}

int device_describe(unsigned *index, const struct component *owner, char *text, size_t size)
{
    for (struct claim *claim = claims; claim < claims + CLAIMS; claim++) {
        if (claim->node >= 0 && claim->owner == owner && (*index)-- == 0) {
            return format_print(text, size, "device %s", fdt_get_name(tree.fdt, claim->node, NULL));
        }
    }
    return -ENOENT;
}

/* For the early UART, before there are claims: registers of the console's node. */
int device_console_registers(uint64_t *pa, const char **compatible)
{
    uint64_t size;
    if (console < 0) {
        return -ENODEV;
    }
    *compatible = fdt_getprop(tree.fdt, console, "compatible", NULL);
    return *compatible ? read_reg(console, 0, pa, &size) : -ENODEV;
}

int device_registers_of(const char *compatible, uint64_t *pa)
{
    uint64_t size;
    int node = devicetree_find_device(&tree, -1, compatible);
    return node < 0 ? -ENODEV : read_reg(node, 0, pa, &size);
}

/* SPDX-License-Identifier: MIT */
/*
 * Translation tables: built once at boot, then changed only page by page in the nucleus block
 * (arena) and the areas. An entry goes from invalid to valid and back, never from valid to valid
 * (ARM ARM D8.13.1, break-before-make). W^X holds from the first table on.
 * Callers serialise changes of one page; changes of different pages need no lock. tables_lock
 * guards the adding of tables to the areas; page allocator's lock may be taken under it.
 */
#include <errno.h>
#include <neurath/page.h>

#include "../nucleus.h"

#define ENTRIES 512
#define GIB 0x40000000ul
#define LINEAR_GIB (LAYOUT_LINEAR_BYTES / GIB)
#define AREA_TABLES_STATIC 2

#define EARLY __attribute__((section(".early"), aligned(4096)))

/* Written with caches off; the section is not zeroed by the loader of .bss. */
EARLY uint64_t mmu_identity_l1[ENTRIES];
static EARLY uint64_t identity_l2[ENTRIES];
EARLY uint64_t mmu_kernel_l1[ENTRIES];
static EARLY uint64_t kernel_l2[ENTRIES];
static EARLY uint64_t kernel_l3[LAYOUT_KERNEL_BLOCKS][ENTRIES];
static EARLY uint64_t area_l2[ENTRIES];
static EARLY uint64_t boot_l2[ENTRIES];

static uint64_t linear_l2[LINEAR_GIB][ENTRIES] __attribute__((aligned(4096)));
static uint64_t area_l3[AREA_TABLES_STATIC][ENTRIES] __attribute__((aligned(4096)));

static struct spinlock tables_lock;

uint64_t kernel_pa;

#define ATTRIBUTES (PTE_ACCESSED | PTE_INNER | PTE_UXN)
static const uint64_t access_bits[] = {
    [MMU_READ_EXECUTE] = ATTRIBUTES | PTE_READ_ONLY,
    [MMU_READ_ONLY] = ATTRIBUTES | PTE_READ_ONLY | PTE_PXN,
    [MMU_READ_WRITE] = ATTRIBUTES | PTE_PXN,
    [MMU_DEVICE] = ATTRIBUTES | PTE_PXN | PTE_DEVICE,
    [MMU_UNCACHED] = ATTRIBUTES | PTE_PXN | PTE_UNCACHED,
};

static_assert(LAYOUT_AREA_VA >> 30 != LAYOUT_KERNEL_VA >> 30, "a level-1 entry each");
static_assert(LAYOUT_AREA_BYTES <= GIB, "one level-2 table");

static unsigned l1_index(uint64_t va)
{
    return va >> 30 & (ENTRIES - 1);
}

static unsigned l2_index(uint64_t va)
{
    return va >> 21 & (ENTRIES - 1);
}

static unsigned l3_index(uint64_t va)
{
    return va >> 12 & (ENTRIES - 1);
}

/*
 * Runs at physical addresses with translation off: no call, no unaligned access, only PC-relative
 * references. The loop that zeroes must stay one (no memset).
 */
__attribute__((target("strict-align"), optimize("no-tree-loop-distribute-patterns"))) void
mmu_build_early(uint64_t pa)
{
    for (volatile uint64_t *word = (uint64_t *)__early_begin; word < (uint64_t *)__early_tables_end;
         word++) {
        *word = 0;
    }
    mmu_identity_l1[l1_index(pa)] = (uint64_t)identity_l2 | PTE_TABLE;
    identity_l2[l2_index(pa)] = pa | PTE_BLOCK | ATTRIBUTES | PTE_READ_ONLY;
    mmu_kernel_l1[l1_index(LAYOUT_KERNEL_VA)] = (uint64_t)kernel_l2 | PTE_TABLE;
    mmu_kernel_l1[l1_index(LAYOUT_AREA_VA)] = (uint64_t)area_l2 | PTE_TABLE;

    uint64_t begin = (uint64_t)__kernel_begin; /* physical here: pc-relative */
    uint64_t arena = (uint64_t)__arena_begin - begin;
    for (uint64_t offset = 0; offset < (uint64_t)__kernel_end - begin; offset += PAGE_BYTES) {
        uint64_t at = begin + offset;
        uint64_t bits = ATTRIBUTES | PTE_PXN;
        if (at < (uint64_t)__gates_end) {
            bits = ATTRIBUTES | PTE_READ_ONLY; /* text, gates */
        } else if (at < (uint64_t)__data_begin ||
                   (at >= (uint64_t)__symbols_begin && at < (uint64_t)__symbols_end)) {
            bits |= PTE_READ_ONLY;
        }
        uint64_t *table = kernel_l3[offset >> 21];
        kernel_l2[offset >> 21] = (uint64_t)table | PTE_TABLE;
        if (offset < arena) {
            table[l3_index(offset)] = (pa + offset) | PTE_PAGE | bits;
        }
    }
}

static void write_entry(uint64_t *entry, uint64_t value)
{
    WRITE_ONCE(*entry, value);
}

/* A new entry must be visible to walks before it is used (ARM ARM D8.2.6). */
static void publish_entries(void)
{
    asm volatile("dsb ishst\n\tisb" ::: "memory");
}

const void *mmu_map_boot(uint64_t pa)
{
    uint64_t block = ALIGN_DOWN(pa, LAYOUT_BLOCK_BYTES);
    uint64_t bits = access_bits[MMU_READ_ONLY] | PTE_BLOCK;
    mmu_kernel_l1[l1_index(LAYOUT_AREA_VA) - 1] = kernel_image_pa(boot_l2) | PTE_TABLE;
    write_entry(&boot_l2[0], block | bits);
    write_entry(&boot_l2[1], (block + LAYOUT_BLOCK_BYTES) | bits);
    publish_entries();
    return (const void *)(LAYOUT_AREA_VA - GIB + (pa - block));
}

void mmu_map_linear(uint64_t pa, uint64_t bytes)
{
    for (uint64_t at = pa; at < pa + bytes && at < LAYOUT_LINEAR_BYTES; at += LAYOUT_BLOCK_BYTES) {
        uint64_t *table = linear_l2[at >> 30];
        write_entry(&mmu_kernel_l1[l1_index(LAYOUT_LINEAR_VA + at)],
                    kernel_image_pa(table) | PTE_TABLE);
        write_entry(&table[l2_index(at)], at | PTE_BLOCK | access_bits[MMU_READ_WRITE]);
    }
    publish_entries();
}

/*
 * The level-3 entry of an address of the nucleus block or the areas, where `last` is that of the
 * page before or NULL; NULL: no table there.
 */
static uint64_t *find_entry(uint64_t va, uint64_t *last)
{
    if (last && l3_index(va) != 0) {
        return last + 1;
    }
    if (va >= LAYOUT_KERNEL_VA && va < (uint64_t)__kernel_end) {
        return &kernel_l3[(va - LAYOUT_KERNEL_VA) >> 21][l3_index(va)];
    }
    if (va - LAYOUT_AREA_VA >= LAYOUT_AREA_BYTES || !(area_l2[l2_index(va)] & PTE_VALID)) {
        return NULL;
    }
    unsigned index = l2_index(va);
    uint64_t *table = index < AREA_TABLES_STATIC ? area_l3[index]
                                                 : linear_va(area_l2[index] & 0x0000fffffffff000);
    return &table[l3_index(va)];
}

/* Under tables_lock: a level-3 table for an address of the areas, unless it has one. */
static int add_table(uint64_t va)
{
    unsigned index = l2_index(va);
    if (area_l2[index] & PTE_VALID) {
        return 0;
    }
    uint64_t pa;
    if (index < AREA_TABLES_STATIC) {
        pa = kernel_image_pa(area_l3[index]);
    } else {
        void *page = page_allocate_owned(1, NULL);
        if (!page) {
            return -ENOMEM;
        }
        pa = linear_pa(page);
    }
    asm volatile("dsb ishst" ::: "memory"); /* its zeroes must be visible before it is */
    write_entry(&area_l2[index], pa | PTE_TABLE);
    publish_entries();
    return 0;
}

static int add_tables(uint64_t va, size_t pages)
{
    int result = 0;
    if (va - LAYOUT_AREA_VA >= LAYOUT_AREA_BYTES) {
        return 0; /* the nucleus block has all of its tables */
    }
    uint64_t daif = spin_lock(&tables_lock);
    for (uint64_t at = va; at < va + pages * PAGE_BYTES && result == 0;
         at = ALIGN_DOWN(at, LAYOUT_BLOCK_BYTES) + LAYOUT_BLOCK_BYTES) {
        result = add_table(at);
    }
    spin_unlock(&tables_lock, daif);
    return result;
}

int mmu_map(uint64_t va, uint64_t pa, size_t pages, enum mmu_access access)
{
    if (add_tables(va, pages) < 0) {
        return -ENOMEM; /* nothing is mapped yet: tables go first */
    }
    uint64_t *entry = NULL;
    for (size_t i = 0; i < pages; i++) {
        entry = find_entry(va + i * PAGE_BYTES, entry);
        assert(entry && !(*entry & PTE_VALID));
        write_entry(entry, (pa + i * PAGE_BYTES) | PTE_PAGE | access_bits[access]);
    }
    publish_entries();
    return 0;
}

void mmu_unmap(uint64_t va, size_t pages)
{
    uint64_t *entry = NULL;
    for (size_t i = 0; i < pages; i++) {
        entry = find_entry(va + i * PAGE_BYTES, entry);
        assert(entry);
        write_entry(entry, 0);
    }
    asm volatile("dsb ishst" ::: "memory");
    for (size_t i = 0; i < pages; i++) {
        asm volatile("tlbi vaae1is, %0" ::"r"((va + i * PAGE_BYTES) >> 12 & 0xfffffffffff)
                     : "memory");
    }
    asm volatile("dsb ish\n\tisb" ::: "memory");
}

uint64_t mmu_translate(uint64_t va)
{
    uint64_t result; /* PAR_EL1, ARM ARM D17.2.103 */
    uint64_t daif = cpu_irq_save();
    asm volatile("at s1e1r, %1\n\tisb\n\tmrs %0, par_el1" : "=r"(result) : "r"(va) : "memory");
    cpu_irq_restore(daif);
    return result & 1 ? MMU_NO_PA : (result & 0x0000fffffffff000) | (va & (PAGE_BYTES - 1));
}

/* Tables lie in the nucleus block or in the linear map. */
static const uint64_t *table_at(uint64_t entry)
{
    uint64_t pa = entry & 0x0000fffffffff000;
    uint64_t offset = pa - kernel_pa;
    return offset < (uint64_t)(__kernel_end - __kernel_begin)
               ? (const uint64_t *)(LAYOUT_KERNEL_VA + offset)
               : linear_va(pa);
}

/* Whether a page of RAM can be executed through the nucleus block's mapping of it. */
static bool is_code(uint64_t pa)
{
    uint64_t offset = pa - kernel_pa;
    if (offset >= (uint64_t)(__kernel_end - __kernel_begin)) {
        return false;
    }
    const uint64_t *entry = find_entry(LAYOUT_KERNEL_VA + offset, NULL);
    return entry && *entry & PTE_VALID && !(*entry & PTE_PXN);
}

static void count_leaf(struct mmu_census *census, uint64_t entry, uint32_t pages)
{
    bool is_writable = !(entry & PTE_READ_ONLY), is_executable = !(entry & PTE_PXN);
    census->writable += is_writable ? pages : 0;
    census->executable += is_executable ? pages : 0;
    census->both += is_writable && is_executable ? pages : 0;
    for (uint32_t i = 0; is_writable && !is_executable && i < pages; i++) {
        census->aliased += is_code((entry & 0x0000fffffffff000) + i * PAGE_BYTES);
    }
}

/* Level 1 to 3: bits 1..0 are 01 for a block, 11 for a table or, at level 3, a page (D8.3). */
static void count_table(struct mmu_census *census, const uint64_t *table, unsigned level)
{
    for (unsigned i = 0; i < ENTRIES; i++) {
        uint64_t entry = READ_ONCE(table[i]);
        if (!(entry & PTE_VALID)) {
            continue;
        }
        if (level < 3 && (entry & PTE_TABLE) == PTE_TABLE) {
            count_table(census, table_at(entry), level + 1);
        } else {
            count_leaf(census, entry, 1u << 9 * (3 - level));
        }
    }
}

void mmu_count(struct mmu_census *census)
{
    *census = (struct mmu_census){0};
    count_table(census, mmu_kernel_l1, 1);
}

uint64_t mmu_hash_arena(void)
{
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a, by words */
    for (char *page = __arena_begin; page < __arena_end; page += PAGE_BYTES) {
        const uint64_t *entry = find_entry((uint64_t)page, NULL);
        hash = (hash ^ (entry ? *entry : 0)) * 0x100000001b3u;
    }
    return hash;
}

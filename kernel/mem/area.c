/* SPDX-License-Identifier: MIT */
/*
 * Areas: runs of kernel addresses for stacks, states, registers and windows, each after an
 * unmapped guard page; and the arena's pages, in which images live. Both are bitmaps of pages,
 * searched from the start so that the same tables and cache lines are used again.
 */
#include <errno.h>
#include <lib/bitmap.h>

#include "../nucleus.h"
#include "../swap/component.h"
#include "../swap/step.h"

#define AREA_PAGES (LAYOUT_AREA_BYTES / PAGE_BYTES)
#define ARENA_PAGES_MAX (CONFIG_ARENA_KIB / 4 + LAYOUT_BLOCK_BYTES / PAGE_BYTES)

struct pool {
    struct spinlock lock;
    uint64_t *used; /* one bit a page */
    size_t pages, free;
};

static uint64_t area_bits[AREA_PAGES / BITMAP_WORD_BITS];
static uint64_t arena_bits[ARENA_PAGES_MAX / BITMAP_WORD_BITS + 1];
static struct pool areas = {.used = area_bits, .pages = AREA_PAGES, .free = AREA_PAGES};
static struct pool arena = {.used = arena_bits};
static uint16_t arena_owners[ARENA_PAGES_MAX]; /* component_slot() of each page */

static void change(struct pool *pool, size_t page, size_t count, bool is_used)
{
    bool is_new = bitmap_change(pool->used, page, count, is_used);
    assert(is_new);
    pool->free += is_used ? -count : count;
}

static int64_t pool_take(struct pool *pool, size_t count, size_t align)
{
    uint64_t daif = spin_lock(&pool->lock);
    int64_t page = bitmap_find_run(pool->used, pool->pages, count, align);
    if (page >= 0) {
        change(pool, (size_t)page, count, true);
    }
    spin_unlock(&pool->lock, daif);
    return page;
}

static void pool_give(struct pool *pool, size_t page, size_t count)
{
    uint64_t daif = spin_lock(&pool->lock);
    change(pool, page, count, false);
    spin_unlock(&pool->lock, daif);
}

/* The guard before an area is as long as its alignment: a page, or for stacks, a stack. */
void *area_map(uint64_t pa, size_t pages, enum mmu_access access, size_t align_pages)
{
    int64_t page = step_fails("an area") ? -1 : pool_take(&areas, pages + align_pages, align_pages);
    if (page < 0) {
        return NULL;
    }
    uint64_t va = LAYOUT_AREA_VA + ((uint64_t)page + align_pages) * PAGE_BYTES;
    if (mmu_map(va, pa, pages, access) < 0) {
        pool_give(&areas, (size_t)page, pages + align_pages);
        return NULL;
    }
    return (void *)va;
}

void area_unmap(void *va, size_t pages, size_t align_pages)
{
    mmu_unmap((uint64_t)va, pages);
    pool_give(&areas, ((uint64_t)va - LAYOUT_AREA_VA) / PAGE_BYTES - align_pages,
              pages + align_pages);
}

#define STACK_PAGES (LAYOUT_STACK_BYTES / PAGE_BYTES)

/* An odd multiple of the size, so that the bit the vectors test is set inside, clear below. */
static_assert((LAYOUT_STACK_BYTES & (LAYOUT_STACK_BYTES - 1)) == 0, "a power of two");

void *stack_create(void)
{
    void *pages = page_allocate_owned(STACK_PAGES, NULL);
    if (!pages) {
        return NULL;
    }
    int64_t page = pool_take(&areas, 2 * STACK_PAGES, 2 * STACK_PAGES);
    uint64_t va = LAYOUT_AREA_VA + ((uint64_t)page + STACK_PAGES) * PAGE_BYTES;
    if (page < 0 || mmu_map(va, linear_pa(pages), STACK_PAGES, MMU_READ_WRITE) < 0) {
        if (page >= 0) {
            pool_give(&areas, (size_t)page, 2 * STACK_PAGES);
        }
        page_free(pages);
        return NULL;
    }
    return (void *)(va + LAYOUT_STACK_BYTES);
}

void stack_destroy(void *top)
{
    uint64_t va = (uint64_t)top - LAYOUT_STACK_BYTES;
    void *pages = linear_va(mmu_translate(va));
    mmu_unmap(va, STACK_PAGES);
    pool_give(&areas, (va - LAYOUT_AREA_VA) / PAGE_BYTES - STACK_PAGES, 2 * STACK_PAGES);
    page_free(pages);
}

static void arena_ready(void)
{
    if (!arena.pages) {
        arena.pages = (size_t)(__arena_end - __arena_begin) / PAGE_BYTES;
        arena.free = arena.pages;
        assert(arena.pages <= ARENA_PAGES_MAX);
    }
}

static void set_owner(size_t page, size_t count, const struct component *owner)
{
    for (size_t i = page; i < page + count; i++) {
        arena_owners[i] = (uint16_t)component_slot(owner);
    }
}

void *arena_allocate(size_t pages, const struct component *owner)
{
    arena_ready();
    int64_t page = pages && !step_fails("the arena") ? pool_take(&arena, pages, 1) : -1;
    if (page < 0) {
        return NULL;
    }
    set_owner((size_t)page, pages, owner);
    return __arena_begin + page * PAGE_BYTES;
}

void arena_free(void *va, size_t pages)
{
    if (va) {
        size_t page = (size_t)((char *)va - __arena_begin) / PAGE_BYTES;
        set_owner(page, pages, NULL);
        pool_give(&arena, page, pages);
    }
}

struct component *arena_owner(uint64_t address)
{
    size_t page = (address - (uint64_t)__arena_begin) / PAGE_BYTES;
    return component_at_slot(page < arena.pages ? arena_owners[page] : 0);
}

size_t arena_count_free(void)
{
    arena_ready();
    return arena.free;
}

size_t arena_count_total(void)
{
    arena_ready();
    return arena.pages;
}

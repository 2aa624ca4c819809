/* SPDX-License-Identifier: MIT */
/* RAM by pages, each with an owner: over the linear map. page_lock guards all. */
#include <string.h>

#include "../nucleus.h"
#include "../swap/component.h"
#include "../swap/step.h"

static_assert(BUDDY_PAGE_BYTES == PAGE_BYTES);

static struct spinlock page_lock;
struct buddy page_ram;

int page_start(uint64_t top_pa, void *(*take)(size_t bytes))
{
    uint64_t end = top_pa / PAGE_BYTES;
    size_t bytes = buddy_count_sections(end) * sizeof(struct buddy_section);
    struct buddy_section *sections = take(bytes);
    if (!sections) {
        return -1;
    }
    buddy_start(&page_ram, linear_va(0), end, memset(sections, 0, bytes));
    return 0;
}

void page_add_range(uint64_t pa, uint64_t bytes)
{
    buddy_add(&page_ram, ALIGN_UP(pa, PAGE_BYTES) / PAGE_BYTES, (pa + bytes) / PAGE_BYTES);
}

void *page_allocate_owned(size_t count, struct component *owner)
{
    if (step_fails("pages")) {
        return NULL;
    }
    uint64_t daif = spin_lock(&page_lock);
    int64_t page = buddy_allocate(&page_ram, count, component_slot(owner));
    if (page >= 0) {
        component_account_pages(owner, (int)count);
    }
    spin_unlock(&page_lock, daif);
    if (page < 0) {
        return NULL;
    }
    void *pages = linear_va((uint64_t)page * PAGE_BYTES);
    cache_zero(pages, count * PAGE_BYTES);
    return pages;
}

void page_free(void *pages)
{
    if (!pages) {
        return;
    }
    assert((uint64_t)pages >= LAYOUT_LINEAR_VA);
    uint32_t slot;
    uint64_t daif = spin_lock(&page_lock);
    size_t count = buddy_free(&page_ram, linear_pa(pages) / PAGE_BYTES, &slot);
    assert(count);
    component_account_pages(component_at_slot(slot), -(int)count);
    spin_unlock(&page_lock, daif);
}

void *page_mark_plain(void *pages)
{
    if (pages) {
        uint64_t daif = spin_lock(&page_lock);
        buddy_mark_plain(&page_ram, linear_pa(pages) / PAGE_BYTES);
        spin_unlock(&page_lock, daif);
    }
    return pages;
}

bool page_each_owned(bool (*visit)(void *block, size_t bytes, const struct component *owner,
                                   void *argument),
                     void *argument)
{
    struct buddy_block block = {0};
    while (true) {
        uint64_t daif = spin_lock(&page_lock);
        bool is_found = buddy_next(&page_ram, &block);
        spin_unlock(&page_lock, daif);
        if (!is_found) {
            return true;
        }
        if (block.owner && !block.is_plain &&
            !visit(linear_va(block.page * PAGE_BYTES), block.count * PAGE_BYTES,
                   component_at_slot(block.owner), argument)) {
            return false;
        }
    }
}

void page_give(struct component *from, struct component *to)
{
    struct buddy_block block = {0};
    for (bool is_found = true; is_found;) {
        uint64_t daif = spin_lock(&page_lock);
        is_found = buddy_next(&page_ram, &block);
        if (is_found && block.owner == component_slot(from)) {
            if (to) {
                buddy_give(&page_ram, &block, component_slot(to));
                component_account_pages(to, (int)block.count);
            } else {
                (void)buddy_free(&page_ram, block.page, &block.owner);
            }
            component_account_pages(from, -(int)block.count);
        }
        spin_unlock(&page_lock, daif);
    }
}

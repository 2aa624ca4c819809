/* SPDX-License-Identifier: MIT */
/*
 * RAM by pages: a binary buddy allocator over the linear map.
 *
 * Each page has a 32-bit word: whether it begins a free or an allocated block, the block's order,
 * and the owner's slot. Free blocks are linked through their own first bytes. page_lock guards all.
 */
#include <string.h>

#include "../nucleus.h"
#include "../swap/component.h"
#include "../swap/step.h"

#define ORDERS 19 /* blocks of 4 KiB to 1 GiB */

/* A page's word: kind in the low 2 bits, order in the next 6, owner's slot above. */
enum page_kind { PAGE_INSIDE, PAGE_FREE, PAGE_USED, PAGE_PLAIN }; /* plain: used as well */

static struct spinlock page_lock;
static uint32_t *page_words; /* by page number */
static uint64_t page_end;    /* number of the first page beyond RAM */
static struct list free_blocks[ORDERS];
static uint64_t pages_total, pages_free;

static uint32_t make_word(enum page_kind kind, unsigned order, unsigned slot)
{
    return kind | order << 2 | slot << 8;
}

static enum page_kind word_kind(uint32_t word)
{
    return word & 3;
}

static bool is_used(uint32_t word)
{
    return word_kind(word) >= PAGE_USED;
}

static unsigned word_order(uint32_t word)
{
    return word >> 2 & 63;
}

static struct list *block_node(uint64_t page)
{
    return linear_va(page * PAGE_BYTES);
}

static uint64_t node_page(const struct list *node)
{
    return linear_pa(node) / PAGE_BYTES;
}

static void put_free(uint64_t page, unsigned order)
{
    while (order + 1 < ORDERS) {
        uint64_t buddy = page ^ 1ul << order;
        if (buddy + (1ul << order) > page_end ||
            page_words[buddy] != make_word(PAGE_FREE, order, 0)) {
            break;
        }
        list_remove(block_node(buddy));
        page_words[buddy] = 0;
        page = MIN(page, buddy);
        order++;
    }
    page_words[page] = make_word(PAGE_FREE, order, 0);
    list_append(&free_blocks[order], block_node(page));
}

int page_start(uint64_t top_pa, void *(*take)(size_t bytes))
{
    for (unsigned order = 0; order < ORDERS; order++) {
        list_init(&free_blocks[order]);
    }
    page_end = top_pa / PAGE_BYTES;
    page_words = take(page_end * sizeof(*page_words));
    if (!page_words) {
        return -1;
    }
    memset(page_words, 0, page_end * sizeof(*page_words));
    return 0;
}

void page_add_range(uint64_t pa, uint64_t bytes)
{
    uint64_t page = ALIGN_UP(pa, PAGE_BYTES) / PAGE_BYTES;
    uint64_t end = MIN((pa + bytes) / PAGE_BYTES, page_end);
    for (; page < end;) {
        unsigned order = 0;
        while (order + 1 < ORDERS && !(page & ((2ul << order) - 1)) &&
               page + (2ul << order) <= end) {
            order++;
        }
        put_free(page, order);
        page += 1ul << order;
        pages_total += 1ul << order;
        pages_free += 1ul << order;
    }
}

void *page_allocate_owned(size_t count, struct component *owner)
{
    if (!count || count > 1ul << (ORDERS - 1) || step_fails("pages")) {
        return NULL;
    }
    unsigned order = count == 1 ? 0 : 64 - __builtin_clzl(count - 1);
    uint64_t daif = spin_lock(&page_lock);
    unsigned from = order;
    while (from < ORDERS && list_is_empty(&free_blocks[from])) {
        from++;
    }
    if (from == ORDERS) {
        spin_unlock(&page_lock, daif);
        return NULL;
    }
    struct list *node = free_blocks[from].next;
    list_remove(node);
    uint64_t page = node_page(node);
    while (from > order) {
        from--;
        uint64_t half = page + (1ul << from);
        page_words[half] = make_word(PAGE_FREE, from, 0);
        list_append(&free_blocks[from], block_node(half));
    }
    page_words[page] = make_word(PAGE_USED, order, component_slot(owner));
    pages_free -= 1ul << order;
    component_account_pages(owner, 1 << order);
    spin_unlock(&page_lock, daif);
    void *pages = linear_va(page * PAGE_BYTES);
    cache_zero(pages, PAGE_BYTES << order);
    return pages;
}

void page_free(void *pages)
{
    if (!pages) {
        return;
    }
    uint64_t page = linear_pa(pages) / PAGE_BYTES;
    uint64_t daif = spin_lock(&page_lock);
    assert((uint64_t)pages >= LAYOUT_LINEAR_VA && page < page_end && is_used(page_words[page]));
    uint32_t word = page_words[page];
    page_words[page] = 0;
    pages_free += 1ul << word_order(word);
    component_account_pages(component_at_slot(word >> 8), -(1 << word_order(word)));
    put_free(page, word_order(word));
    spin_unlock(&page_lock, daif);
}

void *page_mark_plain(void *pages)
{
    uint64_t daif = spin_lock(&page_lock);
    if (pages) {
        page_words[linear_pa(pages) / PAGE_BYTES] |= PAGE_PLAIN;
    }
    spin_unlock(&page_lock, daif);
    return pages;
}

uint64_t page_count_total(void)
{
    return pages_total;
}

uint64_t page_count_free(void)
{
    return READ_ONCE(pages_free);
}

/*
 * The block that begins at *page or, else, the next page; moves *page behind it. Blocks come and go
 * meanwhile: then some are met in part, or twice.
 */
static uint32_t next_block(uint64_t *page)
{
    uint32_t word = READ_ONCE(page_words[*page]);
    *page += word_kind(word) == PAGE_INSIDE ? 1 : 1ul << word_order(word);
    return word;
}

bool page_each_owned(bool (*visit)(void *block, size_t bytes, const struct component *owner,
                                   void *argument),
                     void *argument)
{
    for (uint64_t page = 0; page < page_end;) {
        uint64_t begin = page;
        uint32_t word = next_block(&page);
        if (word_kind(word) == PAGE_USED && word >> 8 &&
            !visit(linear_va(begin * PAGE_BYTES), PAGE_BYTES << word_order(word),
                   component_at_slot(word >> 8), argument)) {
            return false;
        }
    }
    return true;
}

uint32_t page_revoke(const struct component *owner)
{
    uint32_t freed = 0;
    uint32_t slot = component_slot(owner);
    for (uint64_t page = 0; page < page_end;) {
        uint64_t begin = page;
        uint32_t word = next_block(&page);
        if (is_used(word) && word >> 8 == slot) {
            freed += 1u << word_order(word);
            page_free(linear_va(begin * PAGE_BYTES));
        }
    }
    return freed;
}

void page_give(const struct component *from, struct component *to)
{
    uint32_t slot = component_slot(from);
    for (uint64_t page = 0; page < page_end;) {
        uint64_t daif = spin_lock(&page_lock);
        uint64_t begin = page;
        uint32_t word = next_block(&page);
        if (is_used(word) && word >> 8 == slot) {
            page_words[begin] = make_word(word_kind(word), word_order(word), component_slot(to));
            component_account_pages(component_at_slot(slot), -(1 << word_order(word)));
            component_account_pages(to, 1 << word_order(word));
        }
        spin_unlock(&page_lock, daif);
    }
}

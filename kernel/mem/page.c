/* SPDX-License-Identifier: MIT */
/*
 * RAM by pages: a binary buddy allocator over the linear map.
 *
 * Each page has a 32-bit word: whether it begins a free or an allocated block, the block's order,
 * and the owner's slot. A number of pages that is no power of two is allocated as blocks one behind
 * the other, which halve. Free blocks are linked through their own first bytes. page_lock guards
 * all.
 */
#include <string.h>

#include "../nucleus.h"
#include "../swap/component.h"
#include "../swap/step.h"

#define ORDERS 19 /* blocks of 4 KiB to 1 GiB */

/* A page's word: kind in the low 2 bits, order in the next 5, PAGE_MORE, owner's slot above. */
enum page_kind { PAGE_INSIDE, PAGE_FREE, PAGE_USED, PAGE_PLAIN }; /* plain: used as well */
#define PAGE_MORE 0x80u /* what was allocated goes on in the block behind */

static struct spinlock page_lock;
static uint32_t *page_words; /* by page number */
static uint64_t page_end;    /* number of the first page beyond RAM */
static struct list free_blocks[ORDERS];
uint64_t pages_total, pages_free;

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
    return word >> 2 & 31;
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

/* Of a block that is in no list the first pages are used from now on, the others are free. */
static void keep(uint64_t page, unsigned order, size_t count, unsigned slot)
{
    page_words[page] = PAGE_INSIDE;
    while (count < 1ul << order) {
        order--;
        if (count > 1ul << order) {
            page_words[page] = make_word(PAGE_USED, order, slot) | PAGE_MORE;
            page += 1ul << order;
            count -= 1ul << order;
        } else {
            put_free(page + (1ul << order), order);
        }
    }
    page_words[page] = make_word(PAGE_USED, order, slot);
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
    while (order < ORDERS && list_is_empty(&free_blocks[order])) {
        order++;
    }
    if (order == ORDERS) {
        spin_unlock(&page_lock, daif);
        return NULL;
    }
    struct list *node = free_blocks[order].next;
    list_remove(node);
    keep(node_page(node), order, count, component_slot(owner));
    pages_free -= count;
    component_account_pages(owner, (int)count);
    spin_unlock(&page_lock, daif);
    cache_zero(node, count * PAGE_BYTES);
    return node;
}

/* page_lock is held. A block and those that go on behind it become free. */
static void give_back(uint64_t page)
{
    uint32_t word;
    do {
        word = page_words[page];
        page_words[page] = PAGE_INSIDE;
        component_account_pages(component_at_slot(word >> 8), -(1 << word_order(word)));
        put_free(page, word_order(word));
        page += 1ul << word_order(word);
        pages_free += 1ul << word_order(word);
    } while (word & PAGE_MORE);
}

void page_free(void *pages)
{
    if (!pages) {
        return;
    }
    uint64_t page = linear_pa(pages) / PAGE_BYTES;
    uint64_t daif = spin_lock(&page_lock);
    assert((uint64_t)pages >= LAYOUT_LINEAR_VA && page < page_end && is_used(page_words[page]));
    give_back(page);
    spin_unlock(&page_lock, daif);
}

void *page_mark_plain(void *pages)
{
    uint64_t daif = spin_lock(&page_lock);
    uint32_t word = pages ? PAGE_MORE : 0;
    for (uint64_t page = linear_pa(pages) / PAGE_BYTES; word & PAGE_MORE;) {
        word = page_words[page] |= PAGE_PLAIN;
        page += 1ul << word_order(word);
    }
    spin_unlock(&page_lock, daif);
    return pages;
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

void page_give(const struct component *from, struct component *to)
{
    for (uint64_t page = 0; page < page_end;) {
        uint64_t daif = spin_lock(&page_lock);
        uint64_t begin = page;
        uint32_t word = next_block(&page);
        if (is_used(word) && word >> 8 == component_slot(from)) {
            if (to) {
                page_words[begin] = (word & 0xff) | component_slot(to) << 8;
                component_account_pages(component_at_slot(word >> 8), -(1 << word_order(word)));
                component_account_pages(to, 1 << word_order(word));
            } else {
                give_back(begin);
            }
        }
        spin_unlock(&page_lock, daif);
    }
}

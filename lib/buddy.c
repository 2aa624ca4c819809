/* SPDX-License-Identifier: MIT */
#include "buddy.h"

#include <string.h>

#define SECTION_ORDER 10
_Static_assert(BUDDY_SECTION == 1u << SECTION_ORDER);
_Static_assert(BUDDY_SECTION * sizeof(uint32_t) == BUDDY_PAGE_BYTES);

/* A page's word: kind in the low 2 bits, order in the next 5, WORD_MORE, WORD_PART, the owner. */
enum { WORD_INSIDE, WORD_FREE, WORD_USED, WORD_PLAIN }; /* plain: used as well */
#define WORD_MORE 0x80u  /* what was taken together goes on in the block behind */
#define WORD_PART 0x100u /* and this one goes on with it */
#define OWNER_SHIFT 9

static uint32_t make_word(unsigned kind, unsigned order, uint32_t owner)
{
    return kind | order << 2 | owner << OWNER_SHIFT;
}

/* Whether something begins there that is given out. */
static bool is_taken(uint32_t word)
{
    return (word & 3) >= WORD_USED && !(word & WORD_PART);
}

static unsigned word_order(uint32_t word)
{
    return word >> 2 & 31;
}

static uint64_t word_pages(uint32_t word)
{
    return 1ul << word_order(word);
}

static struct buddy_section *section_of(const struct buddy *buddy, uint64_t page)
{
    return &buddy->sections[page / BUDDY_SECTION];
}

/* Of a page with which a block begins, or may begin: in a section without table its first one. */
static uint32_t *word_at(const struct buddy *buddy, uint64_t page)
{
    struct buddy_section *section = section_of(buddy, page);
    return section->words ? &section->words[page % BUDDY_SECTION] : &section->whole;
}

static void *reach(const struct buddy *buddy, uint64_t page)
{
    return buddy->base + page * BUDDY_PAGE_BYTES;
}

/* Of any page. */
static uint32_t read_word(const struct buddy *buddy, uint64_t page)
{
    bool may_begin = section_of(buddy, page)->words || page % BUDDY_SECTION == 0;
    return may_begin ? *word_at(buddy, page) : WORD_INSIDE;
}

/* Rounded down; number: not 0. */
static unsigned log2_of(uint64_t number)
{
    return 63 - (unsigned)__builtin_clzl(number);
}

/* The word of a block's buddy; NULL: it has none. In one section it is in the same table. */
static uint32_t *buddy_word(const struct buddy *buddy, uint32_t *word, uint64_t page,
                            uint64_t other, unsigned order)
{
    if (order < SECTION_ORDER) {
        return word + (int64_t)(other - page);
    }
    return other + (1ul << order) <= buddy->end ? word_at(buddy, other) : NULL;
}

/* Puts a block into the list of its order, joined with its buddies as far as they are free. */
static void put_free(struct buddy *buddy, uint32_t *word, uint64_t page, unsigned order)
{
    for (; order + 1 < BUDDY_ORDERS; order++) {
        uint64_t other = page ^ 1ul << order;
        uint32_t *of_other = buddy_word(buddy, word, page, other, order);
        if (!of_other || *of_other != make_word(WORD_FREE, order, 0)) {
            break;
        }
        list_remove(reach(buddy, other));
        *(other < page ? word : of_other) = WORD_INSIDE;
        word = other < page ? of_other : word;
        page = MIN(page, other);
    }
    *word = make_word(WORD_FREE, order, 0);
    list_append(&buddy->free[order], reach(buddy, page));
}

/* Whole sections, or pages of one that has a table. */
static void put_range(struct buddy *buddy, uint64_t page, uint64_t end)
{
    while (page < end) {
        unsigned aligned = page ? (unsigned)__builtin_ctzl(page) : BUDDY_ORDERS;
        unsigned order = MIN(MIN(aligned, log2_of(end - page)), BUDDY_ORDERS - 1u);
        put_free(buddy, word_at(buddy, page), page, order);
        page += 1ul << order;
    }
}

/* Gives the section of a page, which is in no list, a table, in that page. */
static void make_table(struct buddy *buddy, uint64_t page)
{
    struct buddy_section *section = section_of(buddy, page);
    section->whole = WORD_INSIDE;
    section->used = 0;
    section->words = memset(reach(buddy, page), 0, BUDDY_PAGE_BYTES);
    section->words[page % BUDDY_SECTION] = make_word(WORD_USED, 0, 0) | WORD_PART;
    buddy->tables++;
}

static bool is_empty(const struct buddy_section *section)
{
    return section && section->words && section->used == 0;
}

/* A section of which nothing is used any more becomes one block. */
static void drop_table(struct buddy *buddy, struct buddy_section *section)
{
    uint64_t begin = (uint64_t)(section - buddy->sections) * BUDDY_SECTION;
    for (uint64_t page = begin; page < begin + BUDDY_SECTION - 1;
         page += word_pages(*word_at(buddy, page))) {
        list_remove(reach(buddy, page));
    }
    section->words = NULL;
    buddy->tables--;
    put_free(buddy, &section->whole, begin, SECTION_ORDER);
}

/* Of empty sections one keeps its table: single pages that come and go do not make it each time. */
static void keep_one_table(struct buddy *buddy, struct buddy_section *section)
{
    if (section->used > 0) {
        return;
    }
    if (is_empty(buddy->spare) && buddy->spare != section) {
        drop_table(buddy, section);
    } else {
        buddy->spare = section;
    }
}

void buddy_start(struct buddy *buddy, void *base, uint64_t end, struct buddy_section *sections)
{
    *buddy = (struct buddy){.base = base, .end = end, .sections = sections};
    for (unsigned order = 0; order < BUDDY_ORDERS; order++) {
        list_init(&buddy->free[order]);
    }
}

/* Pages of one section that is not free as a whole: it has a table for good. */
static void add_part(struct buddy *buddy, uint64_t page, uint64_t end)
{
    struct buddy_section *section = section_of(buddy, page);
    if (!section->words) {
        make_table(buddy, --end);
        section->used = BUDDY_SECTION; /* more than can be given back */
    }
    put_range(buddy, page, end);
}

void buddy_add(struct buddy *buddy, uint64_t page, uint64_t end)
{
    end = MIN(end, buddy->end);
    if (page >= end) {
        return;
    }
    buddy->pages += end - page;
    buddy->pages_free += end - page;
    uint64_t whole = ALIGN_UP(page, BUDDY_SECTION), rest = ALIGN_DOWN(end, BUDDY_SECTION);
    if (page < whole) {
        add_part(buddy, page, MIN(whole, end));
    }
    put_range(buddy, whole, rest);
    if (rest >= whole && rest < end) {
        add_part(buddy, rest, end);
    }
}

static void mark_used(struct buddy *buddy, uint64_t page, size_t count, uint32_t owner)
{
    for (uint32_t part = 0; count > 0; part = WORD_PART) {
        unsigned order = log2_of(count);
        count -= 1ul << order;
        *word_at(buddy, page) =
            make_word(WORD_USED, order, owner) | part | (count > 0 ? WORD_MORE : 0);
        if (order < SECTION_ORDER) {
            section_of(buddy, page)->used += 1u << order;
        }
        page += 1ul << order;
    }
}

/* The lowest from this one on of which a block is free; BUDDY_ORDERS: there is none. */
static unsigned find_order(struct buddy *buddy, unsigned from)
{
    unsigned order = from;
    while (order < BUDDY_ORDERS && list_is_empty(&buddy->free[order])) {
        order++;
    }
    if (order == BUDDY_ORDERS && is_empty(buddy->spare)) {
        drop_table(buddy, buddy->spare);
        return find_order(buddy, from);
    }
    return order;
}

int64_t buddy_allocate(struct buddy *buddy, size_t count, uint32_t owner)
{
    if (!count || count > 1ul << (BUDDY_ORDERS - 1)) {
        return -1;
    }
    unsigned order = find_order(buddy, count == 1 ? 0 : log2_of(count - 1) + 1);
    if (order == BUDDY_ORDERS) {
        return -1;
    }
    struct list *node = buddy->free[order].next;
    list_remove(node);
    uint64_t page = (uint64_t)((uint8_t *)node - buddy->base) / BUDDY_PAGE_BYTES;
    uint64_t rest = page + count, end = page + (1ul << order), table = end;
    if (order >= SECTION_ORDER && rest % BUDDY_SECTION) {
        table = ALIGN_UP(rest, BUDDY_SECTION) - 1;
        make_table(buddy, table);
    }
    mark_used(buddy, page, count, owner);
    if (rest < end) {
        put_range(buddy, rest, table);
        put_range(buddy, table + 1, end);
    }
    buddy->pages_free -= count;
    return (int64_t)page;
}

size_t buddy_free(struct buddy *buddy, uint64_t page, uint32_t *owner)
{
    size_t count = 0;
    uint32_t word = page < buddy->end ? read_word(buddy, page) : WORD_INSIDE;
    if (!is_taken(word)) {
        return 0;
    }
    *owner = word >> OWNER_SHIFT;
    do {
        struct buddy_section *section = section_of(buddy, page);
        uint32_t *at = word_at(buddy, page);
        word = *at;
        put_free(buddy, at, page, word_order(word));
        if (word_order(word) < SECTION_ORDER) {
            section->used -= (uint32_t)word_pages(word);
            keep_one_table(buddy, section);
        }
        page += word_pages(word);
        count += word_pages(word);
    } while (word & WORD_MORE);
    buddy->pages_free += count;
    return count;
}

/* Changes the words of what was taken together: clears bits, sets bits. Returns how many pages. */
static size_t change_words(struct buddy *buddy, uint64_t page, uint32_t clear, uint32_t set)
{
    size_t count = 0;
    for (uint32_t word = WORD_MORE; word & WORD_MORE; count += word_pages(word)) {
        uint32_t *at = word_at(buddy, page + count);
        word = *at = (*at & ~clear) | set;
    }
    return count;
}

void buddy_mark_plain(struct buddy *buddy, uint64_t page)
{
    (void)change_words(buddy, page, 0, WORD_PLAIN);
}

void buddy_give(struct buddy *buddy, const struct buddy_block *block, uint32_t owner)
{
    (void)change_words(buddy, block->page, UINT32_MAX << OWNER_SHIFT, owner << OWNER_SHIFT);
}

bool buddy_next(const struct buddy *buddy, struct buddy_block *block)
{
    uint64_t page = block->page + block->count;
    while (page < buddy->end) {
        uint32_t word = read_word(buddy, page);
        if (is_taken(word)) {
            *block = (struct buddy_block){
                .page = page,
                .count = word_pages(word),
                .owner = word >> OWNER_SHIFT,
                .is_plain = (word & 3) == WORD_PLAIN,
            };
            for (; word & WORD_MORE; block->count += word_pages(word)) {
                word = *word_at(buddy, page + block->count);
            }
            return true;
        }
        if (word != WORD_INSIDE) {
            page += word_pages(word);
        } else {
            page += section_of(buddy, page)->words ? 1 : BUDDY_SECTION - page % BUDDY_SECTION;
        }
    }
    return false;
}

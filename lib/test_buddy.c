/* SPDX-License-Identifier: MIT */
/* Pages that are given out and come back: none twice, none lost, and what is kept of them. */
#include "buddy.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define SECTIONS 8u
#define PAGES (SECTIONS * BUDDY_SECTION)

static struct buddy_section sections[SECTIONS];
static struct buddy buddy;
static uint8_t *memory;

static void begin(void)
{
    memory = aligned_alloc(BUDDY_PAGE_BYTES, (size_t)PAGES * BUDDY_PAGE_BYTES);
    cr_assert(memory);
    buddy_start(&buddy, memory, PAGES, sections);
}

static void end(void)
{
    free(memory);
}

TestSuite(buddy, .init = begin, .fini = end);

static uint64_t take(size_t count, uint32_t owner)
{
    int64_t page = buddy_allocate(&buddy, count, owner);
    cr_assert_geq(page, 0, "no %zu pages", count);
    memset(memory + page * BUDDY_PAGE_BYTES, 0xa5, count * BUDDY_PAGE_BYTES);
    return (uint64_t)page;
}

static void give(uint64_t page, size_t count, uint32_t owner)
{
    uint32_t whose;
    memset(memory + page * BUDDY_PAGE_BYTES, 0x5a, count * BUDDY_PAGE_BYTES);
    cr_assert_eq(buddy_free(&buddy, page, &whose), count);
    cr_assert_eq(whose, owner);
}

Test(buddy, gives_all_that_was_added_and_nothing_else)
{
    cr_expect_eq(buddy_allocate(&buddy, 1, 0), -1);
    buddy_add(&buddy, 10, 20);
    bool is_given[20] = {0};
    for (unsigned i = 0; i < 9; i++) { /* the tenth holds the table */
        uint64_t page = take(1, 7);
        cr_assert(page >= 10 && page < 20 && !is_given[page]);
        is_given[page] = true;
    }
    cr_expect_eq(buddy_allocate(&buddy, 1, 0), -1);
    cr_expect_eq(buddy.pages, 10);
    cr_expect_eq(buddy.pages_free, 1);
    cr_expect_eq(buddy.tables, 1);
}

Test(buddy, aligns_and_refuses_what_is_absurd)
{
    buddy_add(&buddy, 0, PAGES);
    cr_expect_eq(buddy_allocate(&buddy, 0, 0), -1);
    cr_expect_eq(buddy_allocate(&buddy, (1ul << 18) + 1, 0), -1);
    cr_expect_eq(buddy_allocate(&buddy, SIZE_MAX, 0), -1);
    for (size_t count = 1; count <= 2000; count = count * 3 + 1) {
        size_t rounded = 1;
        while (rounded < count) {
            rounded *= 2;
        }
        cr_expect_eq(take(count, 1) % rounded, 0, "%zu pages", count);
    }
}

Test(buddy, what_no_block_in_use_begins_with_is_not_given_back)
{
    uint32_t owner;
    buddy_add(&buddy, 0, PAGES);
    cr_expect_eq(buddy_free(&buddy, 3, &owner), 0);
    cr_expect_eq(buddy_free(&buddy, PAGES, &owner), 0);
    uint64_t page = take(3, 5); /* 2 + 1 */
    cr_expect_eq(buddy_free(&buddy, page + 1, &owner), 0);
    cr_expect_eq(buddy_free(&buddy, page + 2, &owner), 0);
    cr_expect_eq(buddy_free(&buddy, page | (BUDDY_SECTION - 1), &owner), 0, "a table's");
    uint64_t large = take((size_t)2 * BUDDY_SECTION, 5);
    cr_expect_eq(buddy_free(&buddy, large + BUDDY_SECTION, &owner), 0);
    cr_expect_eq(buddy_free(&buddy, large + 1, &owner), 0);
    give(page, 3, 5);
}

Test(buddy, nothing_is_given_back_twice)
{
    uint32_t owner;
    buddy_add(&buddy, 0, PAGES);
    uint64_t pair[] = {take(1, 6), take(1, 6)};
    (void)take(1, 6); /* so the table stays */
    cr_assert_eq(pair[0] ^ pair[1], 1);
    for (unsigned i = 0; i < 2; i++) {
        give(pair[i], 1, 6);
        cr_expect_eq(buddy_free(&buddy, pair[i], &owner), 0, "the second time");
    }
    cr_expect_eq(buddy_free(&buddy, pair[0], &owner), 0);
    cr_expect_eq(buddy_free(&buddy, pair[1], &owner), 0);
}

Test(buddy, tables_come_and_go_with_what_is_in_use)
{
    buddy_add(&buddy, 0, PAGES);
    cr_expect_eq(buddy.tables, 0);
    uint64_t whole = take(BUDDY_SECTION, 1);
    cr_expect_eq(buddy.tables, 0, "a whole section needs none");
    uint64_t one = take(1, 1);
    cr_expect_eq(buddy.tables, 1);
    uint64_t more = take(BUDDY_SECTION + 1, 2);
    cr_expect_eq(buddy.tables, 2);
    give(more, BUDDY_SECTION + 1, 2);
    cr_expect_eq(buddy.tables, 2, "one stays with an empty section");
    give(one, 1, 1);
    cr_expect_eq(buddy.tables, 1);
    give(whole, BUDDY_SECTION, 1);
    cr_expect_eq(buddy.pages_free, PAGES);
    (void)take((size_t)SECTIONS * BUDDY_SECTION, 1);
    cr_expect_eq(buddy.tables, 0, "unless all is to be in one piece");
}

Test(buddy, half_a_section_has_room_once_in_each)
{
    buddy_add(&buddy, 0, PAGES);
    for (unsigned i = 0; i < SECTIONS; i++) {
        (void)take(BUDDY_SECTION / 2, 1);
    }
    cr_expect_eq(buddy_allocate(&buddy, BUDDY_SECTION / 2, 1), -1);
    for (unsigned i = 0; i < SECTIONS; i++) {
        (void)take(BUDDY_SECTION / 4, 1);
    }
}

Test(buddy, blocks_change_their_owner_and_are_plain)
{
    buddy_add(&buddy, 0, PAGES);
    uint64_t page = take(7, 3); /* 4 + 2 + 1 */
    buddy_mark_plain(&buddy, page);
    struct buddy_block block = {0};
    cr_assert(buddy_next(&buddy, &block));
    cr_expect_eq(block.page, page);
    cr_expect_eq(block.count, 7);
    cr_expect_eq(block.owner, 3);
    cr_expect(block.is_plain);
    buddy_give(&buddy, &block, 4);
    cr_expect_not(buddy_next(&buddy, &block));
    give(page, 7, 4);
}

Test(buddy, a_walk_goes_on_where_its_block_has_become_another)
{
    buddy_add(&buddy, 0, (uint64_t)6 * BUDDY_SECTION);
    uint64_t last = take((size_t)2 * BUDDY_SECTION, 4); /* the smaller block is taken first */
    uint64_t pages[3];
    for (unsigned i = 0; i < 3; i++) {
        pages[i] = take(1, 1);
    }
    struct buddy_block block = {0};
    cr_assert(buddy_next(&buddy, &block));
    cr_expect_eq(block.page, pages[0]);
    for (unsigned i = 0; i < 3; i++) {
        give(pages[i], 1, 1);
    }
    cr_expect_eq(take((size_t)4 * BUDDY_SECTION, 2), pages[0], "where the walk is");
    cr_assert(buddy_next(&buddy, &block), "the large block's begin is behind the walk");
    cr_expect_eq(block.page, last);
    cr_expect_not(buddy_next(&buddy, &block));
}

/* Pages that are in use, by their owner: what the allocator should know as well. */
static uint32_t owners[PAGES];

static void check_all(void)
{
    static uint32_t found[PAGES];
    memset(found, 0, sizeof(found));
    size_t used = 0;
    struct buddy_block block = {0};
    while (buddy_next(&buddy, &block)) {
        for (size_t i = 0; i < block.count; i++) {
            found[block.page + i] = block.owner;
        }
        used += block.count;
    }
    cr_assert_arr_eq(found, owners, sizeof(found));
    cr_assert_eq(buddy.pages - buddy.pages_free, used);
}

static void fill(uint64_t page, size_t count, uint32_t owner)
{
    for (size_t i = 0; i < count; i++) {
        owners[page + i] = owner;
    }
}

/* Twenty thousand steps of taking and giving; what is written into pages harms none of the rest. */
Test(buddy, agrees_with_a_list_of_what_was_taken)
{
    enum { SLOTS = 200 };
    static struct {
        uint64_t page;
        size_t count;
    } taken[SLOTS];
    buddy_start(&buddy, memory, PAGES - 300, sections); /* as boards have it: with holes */
    buddy_add(&buddy, 5, 700);
    buddy_add(&buddy, 900, 5 * BUDDY_SECTION + 17);
    buddy_add(&buddy, 5 * BUDDY_SECTION + 20, PAGES + 1000);
    cr_expect_eq(buddy.pages, 695 + (5 * BUDDY_SECTION + 17 - 900) + (3 * BUDDY_SECTION - 320));
    uint64_t holes = buddy.tables;
    srand(20261130);
    unsigned refused = 0, sections_taken = 0;
    for (unsigned step = 0; step < 20000; step++) {
        unsigned slot = (unsigned)rand() % SLOTS;
        if (taken[slot].count) {
            give(taken[slot].page, taken[slot].count, slot + 1);
            fill(taken[slot].page, taken[slot].count, 0);
            taken[slot].count = 0;
            continue;
        }
        size_t most = rand() % 20 ? 12 : (size_t)BUDDY_SECTION * 3 / 2;
        size_t count = 1 + (size_t)rand() % most;
        int64_t page = buddy_allocate(&buddy, count, slot + 1);
        if (page < 0) {
            refused++;
            continue;
        }
        for (size_t i = 0; i < count; i++) {
            cr_assert_eq(owners[(size_t)page + i], 0, "page %zu is given twice", (size_t)page + i);
        }
        memset(memory + page * BUDDY_PAGE_BYTES, 0xa5, count * BUDDY_PAGE_BYTES);
        fill((uint64_t)page, count, slot + 1);
        taken[slot].page = (uint64_t)page;
        taken[slot].count = count;
        sections_taken += count > BUDDY_SECTION;
        if (step % 16 == 0) {
            check_all();
        }
    }
    cr_expect_gt(refused, 0);
    cr_expect_gt(sections_taken, 0);
    for (unsigned slot = 0; slot < SLOTS; slot++) {
        if (taken[slot].count) {
            give(taken[slot].page, taken[slot].count, slot + 1);
        }
    }
    cr_expect_eq(buddy.pages_free, buddy.pages);
    cr_expect_leq(buddy.tables, holes + 1, "those that are for good, and a spare one");
    cr_expect_eq(take((size_t)2 * BUDDY_SECTION, 1), 2 * BUDDY_SECTION, "in one piece again");
}

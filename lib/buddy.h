/* SPDX-License-Identifier: MIT */
/*
 * A binary buddy allocator of pages (Knuth, The Art of Computer Programming 1, 2.5).
 *
 * A number of pages that is no power of two is given out as blocks one behind the other, which
 * halve. What is kept of the pages grows with what is in use, by sections of 4 MiB: one that is a
 * single block, or in the middle of one, takes the 16 bytes below. Only a section in smaller blocks
 * has a word for each of its pages, in a table that takes its last page; so it has room for one
 * block of half its size, not for two. One empty section may keep its table.
 *
 * Pages are told by their numbers. Pure code, no locking.
 */
#pragma once

#include "list.h"

#define BUDDY_PAGE_BYTES 4096u
#define BUDDY_ORDERS 19     /* blocks of 1 page to 2^18: 1 GiB */
#define BUDDY_SECTION 1024u /* pages */

/* Of a section; zeroed: none of its pages was added. */
struct buddy_section {
    uint32_t *words; /* NULL: it is one block, or in the middle of one: see whole */
    uint32_t whole;
    uint32_t used; /* pages given out of a section with a table; the table not counted */
};

struct buddy {
    uint8_t *base; /* where page 0 is, or would be, reached */
    uint64_t end;  /* number of the first page beyond RAM */
    struct buddy_section *sections;
    struct list free[BUDDY_ORDERS]; /* through the first bytes of the free blocks */
    uint64_t pages, pages_free;     /* free: given to nobody, tables among them */
    uint64_t tables;                /* pages in which tables lie just now */
    struct buddy_section *spare;    /* while it is empty, it keeps its table; NULL: none yet */
};

/* How many sections there are for so many pages. */
static inline uint64_t buddy_count_sections(uint64_t end)
{
    return (end + BUDDY_SECTION - 1) / BUDDY_SECTION;
}

/* Without any page. `sections`: buddy_count_sections(end) of them, zeroed; lent for good. */
void buddy_start(struct buddy *buddy, void *base, uint64_t end, struct buddy_section *sections);

/* Adds pages that are free, up to `end`; what is beyond the end of RAM is left out. */
void buddy_add(struct buddy *buddy, uint64_t page, uint64_t end);

/*
 * Takes `count` pages for an owner (below 2^23), aligned to their size rounded up to a power of
 * two. Returns the first one's number, -1: there is no such room, or count is 0 or above 2^18.
 */
int64_t buddy_allocate(struct buddy *buddy, size_t count, uint32_t owner);

/*
 * Gives back what was taken together. Returns how many pages it was, and whose; 0: nothing that is
 * given out begins there.
 */
size_t buddy_free(struct buddy *buddy, uint64_t page, uint32_t *owner);

/* Marks what was taken together: see buddy_block. */
void buddy_mark_plain(struct buddy *buddy, uint64_t page);

/* What was taken together. Zeroed: before the first of all. */
struct buddy_block {
    uint64_t page;
    size_t count;
    uint32_t owner;
    bool is_plain; /* marked so */
};

/*
 * What is given out next behind this; false: there is nothing more. Between two calls blocks may
 * come and go: then some of these may be met twice, or not.
 */
bool buddy_next(const struct buddy *buddy, struct buddy_block *block);

/* Gives what was just found another owner. */
void buddy_give(struct buddy *buddy, const struct buddy_block *block, uint32_t owner);

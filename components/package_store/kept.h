/* SPDX-License-Identifier: MIT */
/*
 * What is kept: a table of the files in the card's kept/, and which of them are meant.
 *
 * Nothing is ever renamed there, since a FAT whose power goes in the middle of that has the file
 * under two names. What is not whole, or not proven, has an empty file beside it, its mark, which
 * is on the card before it matters, and whose removal is one block.
 */
#pragma once

#include "card.h"
#include "names.h"

#define KEPT_MAX 32u
#define KEPT_STARTS 3u

struct kept_table {
    uint32_t is_open; /* the folder, while it is read */
    uint32_t is_cut;  /* it has more than there is room for */
    uint32_t starts;  /* up to KEPT_STARTS, the last ones: how many have not lasted */
    uint32_t count;
    struct kept kept[KEPT_MAX];
};

/*
 * Reads the folder; one that is not there is empty. As the functions of card.h. -E2BIG: too many,
 * and the table has the first of them, with all their marks. -ENOMEDIUM: there is no card.
 */
int kept_scan(struct kept_table *table, struct store_card *card);

/* Whether it is whole, has no mark, and was not set aside at this start. */
bool kept_is_sound(const struct kept *kept);

/* The newest sound one of a name whose number is below `below`; NULL: none. */
struct kept *kept_newest(struct kept_table *table, const char *name, uint32_t below);

/* Of those that are meant the first whose turn has not been; NULL: none. */
struct kept *kept_next(struct kept_table *table);

/* Of those that are meant the one that was kept last; NULL: none. */
struct kept *kept_last(struct kept_table *table);

/* The same one in another table; NULL: it is not there. */
struct kept *kept_find(struct kept_table *table, const struct kept *wanted);

/* Makes a mark, or removes it: 0 when it is on the card. *step is 0 at first. As card.h's. */
int kept_mark(struct store_card *card, const struct kept *kept, enum kept_file mark,
              uint32_t *step);
int kept_unmark(struct store_card *card, const struct kept *kept, enum kept_file mark,
                uint32_t *step);

/*
 * A start is counted by an empty file start.1 to start.3, which are removed once it has lasted: so
 * what is there at the next start tells how many have not. As kept_mark().
 */
int kept_count_start(struct store_card *card, uint32_t number, uint32_t *step);
int kept_forget_starts(struct store_card *card, uint32_t *step);

/* SPDX-License-Identifier: MIT */
/* What is kept; see kept.h. */
#include "kept.h"

static bool is_same(const struct kept *a, const struct kept *b)
{
    return a->number == b->number && a->version == b->version && a->build == b->build &&
           strcmp(a->name, b->name) == 0 && strcmp(a->old, b->old) == 0;
}

/* A file was found: a package, a mark of one, or that of a start. */
static int take_file(struct kept_table *table, const struct file_entry *file)
{
    struct kept found;
    uint32_t start;
    if (store_parse_start(file->name, &start) && start <= KEPT_STARTS) {
        table->starts = MAX(table->starts, start);
    }
    if (file->info.is_directory || !store_parse_kept(file->name, &found)) {
        return 0;
    }
    for (uint32_t i = 0; i < table->count; i++) {
        if (is_same(&table->kept[i], &found)) {
            table->kept[i].files |= found.files;
            return 0;
        }
    }
    if (table->count == KEPT_MAX) {
        return -E2BIG;
    }
    table->kept[table->count++] = found;
    return 0;
}

static int open_folder(struct kept_table *table, struct store_card *card)
{
    int result = store_card_open(card, STORE_KEPT, FILE_DIRECTORY);
    if (result == -EAGAIN) {
        return result;
    }
    table->count = table->is_cut = table->starts = 0;
    if (result == -ENOENT) {
        result = store_card_look();
        return result == -ENOENT ? -ENOMEDIUM : result;
    }
    table->is_open = result == 0;
    return result < 0 ? result : 1;
}

int kept_scan(struct kept_table *table, struct store_card *card)
{
    if (!table->is_open) {
        return open_folder(table, card);
    }
    int result = store_card_list(card);
    if (result == 1 && take_file(table, &card->entry) < 0) {
        table->is_cut = 1; /* what follows may be a mark of one that is known */
    }
    table->is_open = result == 1 || result == -EAGAIN;
    return result == 0 && table->is_cut ? -E2BIG : result;
}

bool kept_is_sound(const struct kept *kept)
{
    return kept->files == KEPT_PACKAGE && !kept->is_aside;
}

struct kept *kept_newest(struct kept_table *table, const char *name, uint32_t below)
{
    struct kept *newest = NULL;
    for (struct kept *kept = table->kept; kept < table->kept + table->count; kept++) {
        if (kept_is_sound(kept) && kept->number < below && strcmp(kept->name, name) == 0 &&
            (!newest || kept->number > newest->number)) {
            newest = kept;
        }
    }
    return newest;
}

/* Whether it is the one of its name that is loaded. */
static bool is_meant(struct kept_table *table, const struct kept *kept)
{
    return kept_is_sound(kept) && kept_newest(table, kept->name, UINT32_MAX) == kept;
}

struct kept *kept_next(struct kept_table *table)
{
    struct kept *next = NULL;
    for (struct kept *kept = table->kept; kept < table->kept + table->count; kept++) {
        if (is_meant(table, kept) && !kept->is_done && (!next || kept->number < next->number)) {
            next = kept;
        }
    }
    return next;
}

struct kept *kept_last(struct kept_table *table)
{
    struct kept *last = NULL;
    for (struct kept *kept = table->kept; kept < table->kept + table->count; kept++) {
        if (is_meant(table, kept) && (!last || kept->number > last->number)) {
            last = kept;
        }
    }
    return last;
}

struct kept *kept_find(struct kept_table *table, const struct kept *wanted)
{
    for (struct kept *kept = table->kept; kept < table->kept + table->count; kept++) {
        if (is_same(kept, wanted)) {
            return kept;
        }
    }
    return NULL;
}

/* Counts the steps of a row of which each is done when it returns 0. */
static int advance_step(uint32_t *step, int result, uint32_t last)
{
    if (result != 0) {
        return result;
    }
    if ((*step)++ < last) {
        return 1;
    }
    *step = 0;
    return 0;
}

static int make_file(struct store_card *card, const char *path, uint32_t *step)
{
    return advance_step(step,
                        *step == 0   ? store_card_open(card, path, FILE_CREATE | FILE_WRITE)
                        : *step == 1 ? store_card_close(card)
                                     : store_card_sync(),
                        2);
}

int kept_mark(struct store_card *card, const struct kept *kept, enum kept_file mark, uint32_t *step)
{
    char path[STORE_PATH_BYTES];
    store_kept_path(path, kept, mark);
    return make_file(card, path, step);
}

int kept_count_start(struct store_card *card, uint32_t number, uint32_t *step)
{
    char path[STORE_PATH_BYTES];
    store_start_path(path, number);
    return make_file(card, path, step);
}

/* The highest first: what is left when the power goes is fewer. */
int kept_forget_starts(struct store_card *card, uint32_t *step)
{
    char path[STORE_PATH_BYTES];
    store_start_path(path, KEPT_STARTS - *step);
    return advance_step(
        step, *step < KEPT_STARTS ? store_card_remove(card, path) : store_card_sync(), KEPT_STARTS);
}

int kept_unmark(struct store_card *card, const struct kept *kept, enum kept_file mark,
                uint32_t *step)
{
    char path[STORE_PATH_BYTES];
    store_kept_path(path, kept, mark);
    return advance_step(step, *step == 0 ? store_card_remove(card, path) : store_card_sync(), 1);
}

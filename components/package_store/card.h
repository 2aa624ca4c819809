/* SPDX-License-Identifier: MIT */
/*
 * The card's files in small steps, all through the vfs. What finds it busy returns -EAGAIN and is
 * to be called again with the same; 1: there is more to do, likewise; 0: done; others: it failed.
 * By whoever holds the component's word.
 */
#pragma once

#include <interface/vfs.h>

#define STORE_PIECE_BYTES 16384u
#define STORE_PACKAGE_MAX (16u << 20) /* bytes of a package that is read */

struct store_card {
    uint32_t handle;   /* 0: none is open */
    uint32_t position; /* in a directory */
    uint64_t bytes;    /* of the file, when it was opened */
    uint64_t done;     /* so much of it was read or written */
    uint8_t *data;     /* pages with what was read; NULL: none */
    uint64_t data_bytes;
    uint32_t piece_bytes, piece_done;
    struct file_entry entry; /* the one that was listed last */
    uint8_t piece[STORE_PIECE_BYTES];
};

/* Is there a card? 0; -ENOENT. */
int store_card_look(void);

/* The same, but while the machine starts it may yet come: look again after so many microseconds. */
int store_card_await(void);

/* Opens a file or directory, and closes the one before. */
int store_card_open(struct store_card *card, const char *path, uint32_t flags);
int store_card_close(struct store_card *card);

/* The next entry of the open directory, in card->entry. 1: there it is; 0: no more. */
int store_card_list(struct store_card *card);

/* Reads the open file to card->data, where it stays until it is dropped. -EFBIG: it is empty, or
 * too large. -ENOMEM. */
int store_card_read(struct store_card *card);
void store_card_drop(struct store_card *card); /* what was read */

/* Writes card->piece behind what was written. */
int store_card_write(struct store_card *card);

/* Removes a file; one that is not there is removed. */
int store_card_remove(struct store_card *card, const char *path);

/* Until all is on the medium, and the volume is marked as clean. */
int store_card_sync(void);

/* What an error means, for a person. */
const char *store_card_words(int error);

/* SPDX-License-Identifier: MIT */
/*
 * Looking for packages in the card's components/, and putting one on the loader's shelf. By whoever
 * holds the component's word.
 */
#pragma once

#include "card.h"
#include "names.h"

#define FETCH_ENTRIES_MAX 64u

struct fetch {
    uint32_t step;
    uint32_t is_list; /* 1: all are listed, none is fetched */
    uint32_t has_version, has_best;
    uint32_t version;
    char name[COMPONENT_NAME_BYTES];
    struct package_store_entry best;
    uint32_t count;
    struct package_store_entry entries[FETCH_ENTRIES_MAX]; /* all that were found */
};

/* Begins; package: NAME or NAME-X.Y.Z, "": only lists. 0; -EINVAL: it cannot be a package. */
int fetch_begin(struct fetch *fetch, const char *package);

/*
 * Does a piece. 0: done. 1: there is more. > 1: so many microseconds until the next. -EAGAIN: the
 * files are busy. Others: it failed; -ENOENT: there is no such package. What it has to say goes to
 * message (PACKAGE_STORE_MESSAGE_BYTES).
 */
int fetch_continue(struct fetch *fetch, struct store_card *card, char *message);

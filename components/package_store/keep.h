/* SPDX-License-Identifier: MIT */
/*
 * Keeping a package, and keeping it no more. By whoever holds the component's word.
 *
 * Wherever the power goes, the next start finds what was kept before or what is kept now: the file
 * is written beside its mark .new, and is meant once that has gone. Of each name the one before
 * stays, to fall back to.
 */
#pragma once

#include "kept.h"

struct keep {
    uint32_t step;
    uint32_t is_unkeep;
    uint32_t part;    /* of a step */
    uint32_t removed; /* how many packages */
    int32_t error;    /* that is being cleaned up after */
    struct kept wanted;
    struct kept_table table;
    char message[PACKAGE_STORE_MESSAGE_BYTES]; /* of the error */
};

/* Begin; old may be "". 0; -EINVAL: a name that cannot be. */
int keep_begin(struct keep *keep, const char *name, const char *old);
int unkeep_begin(struct keep *keep, const char *name);

/* Does a piece, as fetch_continue(). */
int keep_continue(struct keep *keep, struct store_card *card, char *message);

/* SPDX-License-Identifier: MIT */
/*
 * One update under way: an image that is received into update.part of a slot, checked, and made
 * the slot's system. By whoever holds the component's word.
 */
#pragma once

#include <bearssl_hash.h>
#include <interface/update.h>

#include "card.h"

/* What is left to be done once the file was found to be what it should be. */
enum put_step {
    PUT_NOTHING,
    PUT_REMOVE,
    PUT_COPY,
    PUT_COMPARE,
    PUT_SYNC,
    PUT_READ_ENVIRONMENT,
    PUT_ENVIRONMENT,
    PUT_SYNC_AGAIN,
    PUT_REMOVE_PART,
    PUT_LOOK,
};

struct receive {
    uint32_t phase;      /* enum update_phase */
    enum slot slot;      /* where it goes */
    uint32_t bytes;      /* of the whole image */
    uint32_t received;   /* on the card */
    uint32_t hashed;     /* while it measures, checks or compares */
    uint32_t copied;     /* into the slot's system, */
    uint32_t held;       /* and read for that: the piece in memory ends there */
    uint32_t step;       /* enum put_step */
    uint32_t is_written; /* the image has a piece of this transfer */
    br_sha256_context hash;
    uint8_t expected[UPDATE_DIGEST_BYTES];
    uint8_t digest[UPDATE_DIGEST_BYTES]; /* of what was there */
    char message[UPDATE_MESSAGE_BYTES];
};

/* The operations of struct update_ops, for an image that goes to `slot`. */
void receive_begin(struct receive *receive, enum slot slot, uint32_t bytes, const uint8_t *digest);
int receive_write(struct receive *receive, struct card *card, uint32_t offset, const void *data,
                  uint32_t size);
int receive_finish(struct receive *receive, struct card *card);

/*
 * Does a piece of measuring or checking. 1: there is more. 0: nothing is to be done. -EAGAIN: the
 * files are busy. What fails ends the update, with words.
 */
int receive_continue(struct receive *receive, struct card *card);

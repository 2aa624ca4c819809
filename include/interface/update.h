/* SPDX-License-Identifier: MIT */
/*
 * Updates of the whole system: an offer of kind UPDATE_KIND by whoever keeps the systems on the
 * card. One image at a time is received, into the slot that does not run, and becomes what the next
 * start tries.
 *
 *     begin(bytes, digest)   it measures what is there of an earlier transfer
 *     read_status()          until UPDATE_RECEIVING: so much is there, with its digest
 *     write(offset, ...)     from there on; or from 0, if that is of another image
 *     finish()               it checks the whole, and makes it the next
 *     read_status()          until UPDATE_DONE or UPDATE_FAILED
 *
 * No call waits: who wants to know how it goes asks again, as the far end of a wire does anyway. A
 * transfer that is left alone stays on the card, and another begin() ends it here.
 */
#pragma once

#include <errno.h>

#include <neurath/component.h>

INTERFACE(update, 2, 0);

#ifndef ENOMEDIUM /* Linux has it, picolibc has not */
#define ENOMEDIUM 123
#endif

#define UPDATE_KIND "update"
#define UPDATE_DIGEST_BYTES 32u     /* SHA-256 */
#define UPDATE_BYTES_MAX 0x2000000u /* of an image: what U-Boot has room for */
#define UPDATE_MESSAGE_BYTES 120u

enum update_phase {
    UPDATE_IDLE,
    UPDATE_MEASURING,
    UPDATE_RECEIVING,
    UPDATE_CHECKING,
    UPDATE_DONE,   /* the next start tries it */
    UPDATE_FAILED, /* see message */
};

struct update_status {
    uint32_t phase;                      /* enum update_phase */
    uint32_t bytes;                      /* of the whole image */
    uint32_t received;                   /* of it on the card */
    char slot[4];                        /* where it goes: "a" or "b" */
    uint8_t digest[UPDATE_DIGEST_BYTES]; /* when receiving began: of what was there */
    char message[UPDATE_MESSAGE_BYTES];  /* why it failed, or what comes next */
};

/* Context of all: thread. */
struct update_ops {
    /*
     * Begins, or begins anew. digest: SHA-256 of the whole image. 0. -EINVAL: 0 bytes or too many.
     * -EBUSY: this system is itself on trial, and the other slot is what it would fall back to; or
     * the image before is being put in place.
     * -ENOMEDIUM: there is no card. -EAGAIN: try again.
     */
    int (*begin)(uint32_t bytes, const uint8_t *digest);
    /*
     * Writes a piece behind what is there; at offset 0: begins with it, and what was there is gone.
     * Returns 0. -EINVAL: not receiving, or the piece does not follow. -EAGAIN: the files are busy:
     * try again. Others: as vfs_write().
     */
    int (*write)(uint32_t offset, const void *data, uint32_t size);
    /* All is there. 0. -EINVAL: it is not. -EAGAIN: try again. */
    int (*finish)(void);
    int (*read_status)(struct update_status *status); /* 0. -EAGAIN: try again. */
};

/* SPDX-License-Identifier: MIT */
/* One update under way; see receive.h. */
#include "receive.h"

#include <errno.h>
#include <string.h>

#include <neurath/library.h>
#include <neurath/log.h>

#define BLOCK_MASK 511u /* what is taken over of an earlier transfer ends with a block */

/* The context lives in the state: it must not point at constants of this version. */
static void hash_begin(br_sha256_context *hash)
{
    br_sha256_init(hash);
    hash->vtable = NULL;
}

static int fail(struct receive *receive, int error, const char *words)
{
    receive->phase = UPDATE_FAILED;
    (void)format_print(receive->message, sizeof(receive->message), "%s (error %d)", words, -error);
    log_warning("boot_slots: the update of slot %c failed: %s", card_letter(receive->slot),
                receive->message);
    return 0;
}

void receive_begin(struct receive *receive, enum slot slot, uint32_t bytes, const uint8_t *digest)
{
    *receive = (struct receive){.phase = UPDATE_MEASURING, .slot = slot, .bytes = bytes};
    memcpy(receive->expected, digest, sizeof(receive->expected));
    hash_begin(&receive->hash);
}

int receive_write(struct receive *receive, struct card *card, uint32_t offset, const void *data,
                  uint32_t size)
{
    if (receive->phase != UPDATE_RECEIVING || size == 0 || size > receive->bytes) {
        return -EINVAL;
    }
    if (offset == 0 && receive->received > 0 && !receive->is_written) {
        int result = vfs_truncate(card->handle, 0);
        if (result < 0) {
            return result;
        }
        receive->received = 0;
        hash_begin(&receive->hash);
    }
    if (offset != receive->received || size > receive->bytes - offset) {
        return -EINVAL;
    }
    uint32_t done = 0;
    int result = card_write(card, offset, data, size, &done);
    if (result < 0) {
        return result;
    }
    br_sha256_update(&receive->hash, data, size);
    receive->received += size;
    receive->is_written = 1;
    return 0;
}

int receive_finish(struct receive *receive)
{
    if (receive->phase != UPDATE_RECEIVING || receive->received != receive->bytes) {
        return -EINVAL;
    }
    receive->phase = UPDATE_CHECKING;
    receive->hashed = 0;
    hash_begin(&receive->hash);
    return 0;
}

/* Takes the next piece of the first `end` bytes into the hash. 1: there is more. */
static int hash_piece(struct receive *receive, struct card *card, uint32_t end)
{
    uint32_t size = MIN(end - receive->hashed, CARD_PIECE_BYTES);
    int got = size > 0 ? vfs_read(card->handle, receive->hashed, card->piece, size) : 0;
    if (got < 0 || (uint32_t)got < size) {
        return got < 0 ? got : -EIO;
    }
    br_sha256_update(&receive->hash, card->piece, size);
    receive->hashed += size;
    return receive->hashed < end;
}

static int open_part(const struct receive *receive, struct card *card)
{
    char path[CARD_PATH_BYTES];
    card_path(path, receive->slot, CARD_PART);
    int result = card_open(card, path, FILE_READ | FILE_WRITE | FILE_CREATE);
    if (result == -ENOENT) { /* a card without the slot's folder */
        card_path(path, receive->slot, "");
        result = vfs_make_directory(path);
        return result == 0 ? -EAGAIN : result;
    }
    return result;
}

/* What an earlier transfer has left is the beginning, if the host finds it to be of its image. */
static int measure(struct receive *receive, struct card *card)
{
    int result = open_part(receive, card);
    if (result < 0) {
        return result;
    }
    uint32_t end = (uint32_t)MIN(card->file_bytes, receive->bytes);
    end = end < receive->bytes ? end & ~BLOCK_MASK : end;
    result = hash_piece(receive, card, end);
    if (result == 0 && card->file_bytes > end) {
        result = vfs_truncate(card->handle, end);
    }
    if (result == 0) {
        receive->received = end;
        br_sha256_out(&receive->hash, receive->digest);
        receive->phase = UPDATE_RECEIVING;
    }
    return result;
}

/* All of the file, as the card gives it back: nothing that was in memory counts. */
static int check(struct receive *receive, struct card *card)
{
    char version[CARD_VERSION_BYTES];
    uint8_t digest[UPDATE_DIGEST_BYTES];
    int result = open_part(receive, card);
    if (result < 0) {
        return result;
    }
    if (receive->hashed < receive->bytes) {
        result = hash_piece(receive, card, receive->bytes);
        return result < 0 ? result : 1;
    }
    br_sha256_out(&receive->hash, digest);
    if (memcmp(digest, receive->expected, sizeof(digest)) != 0) {
        return fail(receive, -EBADMSG, "what is on the card is not what was sent");
    }
    int got = vfs_read(card->handle, 0, card->piece, CARD_HEAD_BYTES);
    if (got < 0) {
        return got;
    }
    if (card_read_head(card->piece, (size_t)got, version) < 0) {
        return fail(receive, -EBADMSG, "this is no FIT of Neurath");
    }
    receive->step = PUT_REMOVE;
    return 1;
}

/*
 * The old system of the slot goes only now. If the power goes in between, the slot that runs is the
 * one to be started still, and update.part is whole.
 */
static int put_in_place(struct receive *receive, struct card *card)
{
    char part[CARD_PATH_BYTES], path[CARD_PATH_BYTES];
    card_path(part, receive->slot, CARD_PART);
    card_path(path, receive->slot, CARD_SYSTEM);
    if (receive->step == PUT_REMOVE) {
        int result = card_close(card);
        result = result == 0 ? vfs_remove(path) : result;
        if (result < 0 && result != -ENOENT) {
            return result;
        }
        receive->step = PUT_RENAME;
    }
    if (receive->step == PUT_RENAME) {
        int result = vfs_rename(part, path);
        if (result < 0) {
            return result;
        }
        receive->step = PUT_SYNC;
    }
    if (receive->step == PUT_SYNC) {
        int result = vfs_sync();
        if (result != 0) {
            return result;
        }
        if (card_set_next(card, receive->slot, true) < 0 ||
            card_set(card, "failed_slot", NULL) < 0 || card_set(card, "failed_why", NULL) < 0) {
            return -ENOSPC;
        }
        receive->step = PUT_ENVIRONMENT;
    }
    if (receive->step == PUT_ENVIRONMENT) {
        int result = card_write_environment(card);
        if (result < 0) {
            return result;
        }
        receive->step = PUT_SYNC_AGAIN;
    }
    if (receive->step == PUT_SYNC_AGAIN) {
        int result = vfs_sync();
        if (result != 0) {
            return result;
        }
        receive->step = PUT_LOOK;
    }
    int result = card_read_slots(card);
    if (result == 0) {
        receive->phase = UPDATE_DONE;
        (void)format_print(receive->message, sizeof(receive->message),
                           "the next start tries slot %c: %s", card_letter(receive->slot),
                           card->version[receive->slot]);
        log_info("boot_slots: %s", receive->message);
    }
    return result;
}

int receive_continue(struct receive *receive, struct card *card)
{
    int result = 0;
    if (receive->phase == UPDATE_MEASURING) {
        result = measure(receive, card);
    } else if (receive->phase == UPDATE_CHECKING) {
        result = receive->step != PUT_NOTHING ? put_in_place(receive, card) : check(receive, card);
    }
    if (result < 0 && result != -EAGAIN) {
        return fail(receive, result,
                    result == -ENOSPC      ? "there is no room left on the card"
                    : result == -ENOMEDIUM ? "the card is gone"
                    : result == -ENOENT    ? "there is no card"
                    : result == -EROFS     ? "the card is not to be written"
                                           : "the card fails, see the log");
    }
    return result;
}

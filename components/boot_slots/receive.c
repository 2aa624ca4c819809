/* SPDX-License-Identifier: MIT */
/* One update under way; see receive.h. */
#include "receive.h"

#include <errno.h>
#include <string.h>

#include <neurath/library.h>
#include <neurath/log.h>

#define BLOCK_MASK 511u /* what is taken over of an earlier transfer ends with a block */

/* The context lives in the state: it must not point at constants of this version. */
static void begin_hash(struct receive *receive)
{
    receive->hashed = 0;
    br_sha256_init(&receive->hash);
    receive->hash.vtable = NULL;
}

static int fail(struct receive *receive, int error, const char *words)
{
    receive->phase = UPDATE_FAILED;
    (void)format_print(receive->message, sizeof(receive->message), "%s%s (error %d)",
                       receive->step > PUT_ENVIRONMENT ? "it is next already, but " : "", words,
                       -error);
    log_warning("boot_slots: the update of slot %c failed: %s", card_letter(receive->slot),
                receive->message);
    return 0;
}

void receive_begin(struct receive *receive, enum slot slot, uint32_t bytes, const uint8_t *digest)
{
    *receive = (struct receive){.phase = UPDATE_MEASURING, .slot = slot, .bytes = bytes};
    memcpy(receive->expected, digest, sizeof(receive->expected));
    begin_hash(receive);
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

int receive_write(struct receive *receive, struct card *card, uint32_t offset, const void *data,
                  uint32_t size)
{
    if (receive->phase != UPDATE_RECEIVING || size == 0 || size > receive->bytes) {
        return -EINVAL;
    }
    int result = open_part(receive, card); /* the card's handle may be at something else */
    if (result < 0) {
        return result == -ENOENT ? -ENOMEDIUM : result;
    }
    if (offset == 0 && receive->received > 0 && !receive->is_written) {
        result = vfs_truncate(card->handle, 0);
        if (result < 0) {
            return result;
        }
        receive->received = 0;
    }
    if (offset != receive->received || size > receive->bytes - offset) {
        return -EINVAL;
    }
    uint32_t done = 0;
    result = card_write(card, offset, data, size, &done);
    if (result < 0) {
        return result;
    }
    receive->received += size;
    receive->is_written = 1;
    return 0;
}

int receive_finish(struct receive *receive, struct card *card)
{
    if (receive->phase != UPDATE_RECEIVING || receive->received != receive->bytes) {
        return -EINVAL;
    }
    int result = card_close(card); /* and with that the vfs keeps nothing of it in memory */
    if (result < 0) {
        return result;
    }
    receive->phase = UPDATE_CHECKING;
    begin_hash(receive);
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
        return -EBADMSG;
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

/* One piece of update.part goes into the slot's system. 1: it did. */
static int copy_piece(struct receive *receive, struct card *card)
{
    uint32_t done = receive->copied % CARD_PIECE_BYTES, begin = receive->copied - done;
    if (receive->held == receive->copied) {
        uint32_t size = MIN(receive->bytes - begin, CARD_PIECE_BYTES);
        int got = vfs_read(card->source, begin, card->piece, size);
        if (got < 0 || (uint32_t)got < size) {
            return got < 0 ? got : -EIO;
        }
        receive->held += size;
    }
    int result = card_write(card, begin, card->piece, receive->held - begin, &done);
    receive->copied = begin + done;
    return result < 0 ? result : 1;
}

static int copy(struct receive *receive, struct card *card, const char *part, const char *path)
{
    if (receive->copied == receive->bytes) {
        return card_close(card);
    }
    int result = card_open(card, path, FILE_WRITE | FILE_CREATE);
    if (result == 0) {
        result = card_open_source(card, part);
    }
    return result == 0 ? copy_piece(receive, card) : result;
}

/* The copy is opened anew: what was in memory does not count here either. */
static int compare(struct receive *receive, struct card *card, const char *path)
{
    uint8_t digest[UPDATE_DIGEST_BYTES];
    int result = card_open(card, path, FILE_READ);
    if (result == 0) {
        result = hash_piece(receive, card, receive->bytes);
    }
    if (result == 0) {
        br_sha256_out(&receive->hash, digest);
        result = memcmp(digest, receive->expected, sizeof(digest)) == 0 ? 0 : -EBADMSG;
    }
    return result;
}

static int look(struct receive *receive, struct card *card)
{
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

/*
 * The old system of the slot goes only now. Wherever the power goes, the slot that runs is the one
 * to be started until the environment is written, and update.part is whole until after that. It is
 * copied, not renamed: a FAT whose power goes in the middle of that has the file under two names,
 * and to remove one of them takes the other's clusters. 1: there is more.
 */
static int put_in_place(struct receive *receive, struct card *card)
{
    char part[CARD_PATH_BYTES], path[CARD_PATH_BYTES];
    int result;
    card_path(part, receive->slot, CARD_PART);
    card_path(path, receive->slot, CARD_SYSTEM);
    switch (receive->step) {
    case PUT_REMOVE:
        result = card_remove(card, path);
        break;
    case PUT_COPY:
        result = copy(receive, card, part, path);
        break;
    case PUT_COMPARE:
        result = compare(receive, card, path);
        break;
    case PUT_READ_ENVIRONMENT: /* another computer may have changed it meanwhile */
        result = card_read_environment(card);
        break;
    case PUT_ENVIRONMENT:
        result = card_set_next(card, receive->slot, true);
        result = result == 0 ? card_write_environment(card) : result;
        break;
    case PUT_REMOVE_PART:
        result = card_remove(card, part);
        break;
    case PUT_SYNC:
    case PUT_SYNC_AGAIN:
        result = vfs_sync();
        break;
    default:
        return look(receive, card);
    }
    if (result == 0 && ++receive->step == PUT_COMPARE) {
        begin_hash(receive);
    }
    return result < 0 ? result : 1;
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
                    : result == -EBADMSG   ? "what is on the card is not what was sent"
                    : result == -EBUSY     ? "a file of the slot is open elsewhere"
                                           : "the card fails, see the log");
    }
    return result;
}

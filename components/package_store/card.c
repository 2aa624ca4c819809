/* SPDX-License-Identifier: MIT */
/* The card's files in small steps; see card.h. */
#include "card.h"

#include <errno.h>

#include <neurath/page.h>
#include <neurath/time.h>

#define OWNER "package_store" /* of handles */
#define READ_BYTES 65536u
#define LOOK_US 50000
#define CARD_COMES_NS 10000000000ull /* since boot: until then it may yet be mounted */

int store_card_look(void)
{
    struct file_info info;
    return vfs_look("/card", &info);
}

int store_card_await(void)
{
    int result = store_card_look();
    return result == -ENOENT && time_now_ns() < CARD_COMES_NS ? LOOK_US : result;
}

int store_card_close(struct store_card *card)
{
    int result = card->handle ? vfs_close(card->handle) : 0;
    if (result != -EAGAIN) {
        card->handle = 0; /* a handle that is refused is none any more */
    }
    return result == -EAGAIN ? result : 0;
}

int store_card_open(struct store_card *card, const char *path, uint32_t flags)
{
    struct file_info info;
    int result = store_card_close(card);
    if (result == 0) {
        result = vfs_open(OWNER, path, flags, &card->handle, &info);
    }
    if (result < 0) {
        card->handle = result == -EAGAIN ? card->handle : 0;
        return result;
    }
    card->bytes = info.bytes;
    card->done = 0;
    card->position = card->piece_bytes = card->piece_done = 0;
    return 0;
}

int store_card_list(struct store_card *card)
{
    int result = vfs_list(card->handle, &card->position, &card->entry);
    return result == -ENOENT ? 0 : result < 0 ? result : 1;
}

void store_card_drop(struct store_card *card)
{
    if (card->data) {
        page_free(card->data);
    }
    card->data = NULL;
}

int store_card_read(struct store_card *card)
{
    if (card->bytes < 1 || card->bytes > STORE_PACKAGE_MAX) {
        return -EFBIG;
    }
    if (!card->data) {
        card->data = page_mark_plain(page_allocate((card->bytes + PAGE_BYTES - 1) / PAGE_BYTES));
    }
    if (!card->data) {
        return -ENOMEM;
    }
    card->data_bytes = card->bytes;
    uint32_t size = (uint32_t)MIN(card->bytes - card->done, READ_BYTES);
    int result = vfs_read(card->handle, card->done, card->data + card->done, size);
    if (result < 0) {
        return result;
    }
    if (result == 0) {
        return -EIO; /* it is shorter than it was said to be */
    }
    card->done += (uint32_t)result;
    return card->done < card->bytes;
}

int store_card_write(struct store_card *card)
{
    uint32_t left = card->piece_bytes - card->piece_done;
    int result = vfs_write(card->handle, card->done, card->piece + card->piece_done, left);
    if (result < 0) {
        return result;
    }
    if (result == 0) {
        return -ENOSPC;
    }
    card->done += (uint32_t)result;
    card->piece_done += (uint32_t)result;
    return card->piece_done < card->piece_bytes;
}

int store_card_remove(struct store_card *card, const char *path)
{
    int result = store_card_close(card); /* what is open cannot be removed */
    if (result == 0) {
        result = vfs_remove(path);
    }
    return result == -ENOENT ? 0 : result;
}

int store_card_sync(void)
{
    return vfs_sync();
}

const char *store_card_words(int error)
{
    switch (error) {
    case -ENOENT: /* of what was there, or is made: its folder has gone */
    case -ENODEV:
    case -ENOMEDIUM:
        return "there is no card";
    case -ENOSPC:
        return "there is no room left on the card";
    case -EROFS:
        return "the card is not to be written";
    case -EFBIG:
        return "it has not the size of a package";
    case -ENOMEM:
        return "there is not enough memory for it";
    case -E2BIG:
        return "too many packages are kept: unkeep some";
    case -EBUSY:
        return "others are in the way: try again";
    case -EMFILE:
        return "too many files are open";
    case -ETIMEDOUT:
        return "the card does not answer";
    default:
        return "the card cannot be read or written";
    }
}

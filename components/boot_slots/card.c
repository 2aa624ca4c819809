/* SPDX-License-Identifier: MIT */
/* What is on the card; see card.h. */
#include "card.h"

#include <errno.h>
#include <string.h>

#include <lib/message.h>
#include <lib/number.h>
#include <neurath/library.h>

#define OWNER "boot_slots"
#define NO_COPY 2u
#define REFUSED_MAX 20u /* times; then a copy that cannot be read is none */
#define SYSTEM_NAME "Neurath "

/* As U-Boot's configuration names them (boot/u-boot.config). */
static const char environment_path[2][CARD_PATH_BYTES] = {"/card/uboot.env",
                                                          "/card/uboot-redund.env"};

void card_path(char path[CARD_PATH_BYTES], enum slot slot, const char *file)
{
    (void)format_print(path, CARD_PATH_BYTES, "/card/slot-%c%s%s", card_letter(slot),
                       *file ? "/" : "", file);
}

/* Any error but -EAGAIN means that it is gone. */
static int close_handle(uint32_t *handle)
{
    int result = *handle ? vfs_close(*handle) : 0;
    if (result == -EAGAIN) {
        return result;
    }
    *handle = 0;
    return 0;
}

int card_close(struct card *card)
{
    int result = close_handle(&card->source);
    return result == 0 ? close_handle(&card->handle) : result;
}

int card_open(struct card *card, const char *path, uint32_t flags)
{
    struct file_info info = {0};
    if (card->handle && card->handle_flags == flags && strcmp(card->path, path) == 0) {
        return 0;
    }
    int result = card_close(card);
    if (result == 0) {
        result = vfs_open(OWNER, path, flags, &card->handle, &info);
    }
    if (result == 0) {
        card->handle_flags = flags;
        card->file_bytes = info.bytes;
        (void)format_print(card->path, sizeof(card->path), "%s", path);
    } else if (result != -EAGAIN) {
        card->handle = 0;
    }
    return result;
}

int card_open_source(struct card *card, const char *path)
{
    return card->source ? 0 : vfs_open(OWNER, path, FILE_READ, &card->source, NULL);
}

int card_write(struct card *card, uint64_t offset, const void *data, uint32_t size, uint32_t *done)
{
    while (*done < size) {
        int result =
            vfs_write(card->handle, offset + *done, (const uint8_t *)data + *done, size - *done);
        if (result <= 0) {
            return result < 0 ? result : -ENOSPC;
        }
        *done += (uint32_t)result;
    }
    return 0;
}

int card_remove(struct card *card, const char *path)
{
    int result = card_close(card); /* what is open cannot be removed */
    if (result == 0) {
        result = vfs_remove(path);
    }
    return result == -ENOENT ? 0 : result;
}

/* The beginning of a file. Returns how much there was. */
static int read_head(struct card *card, const char *path, void *buffer, uint32_t size)
{
    int result = card_open(card, path, FILE_READ);
    return result < 0 ? result : vfs_read(card->handle, 0, buffer, size);
}

static int read_copy(struct card *card, uint32_t i)
{
    int got = read_head(card, environment_path[i], card->copy[i], ENVIRONMENT_BYTES);
    if (got == -EIO && card->refused < REFUSED_MAX) {
        card->refused++;
        return got;
    }
    if (got < 0 && got != -EIO && got != -ENOENT) {
        return got;
    }
    card->is_whole[i] = got == ENVIRONMENT_BYTES && environment_is_whole(card->copy[i]);
    return 0;
}

int card_read_environment(struct card *card)
{
    struct file_info info;
    int result = 0;
    while (card->read < 2 && result == 0) {
        result = read_copy(card, card->read);
        card->read += result == 0;
    }
    if (result == 0) {
        result = vfs_look("/card", &info); /* else it is the card that is not there */
    }
    card->read = result == -EAGAIN ? card->read : 0;
    if (result == 0) {
        card_revert(card);
    }
    return result;
}

void card_revert(struct card *card)
{
    if (card->is_whole[0] && card->is_whole[1]) {
        card->current = environment_choose(environment_serial(card->copy[0]),
                                           environment_serial(card->copy[1]));
    } else {
        card->current = card->is_whole[0] ? 0 : card->is_whole[1] ? 1 : NO_COPY;
    }
    if (card->current == NO_COPY) {
        environment_clear(card->image);
    } else {
        memcpy(card->image, card->copy[card->current], ENVIRONMENT_BYTES);
    }
    card->is_changed = 0;
}

/* What the card says is shown on terminals. */
static void make_printable(char *text)
{
    for (char *at = text; *at; at++) {
        *at = *at >= ' ' && *at < 0x7f ? *at : '?';
    }
}

void card_get(const struct card *card, const char *name, char *value, size_t size)
{
    (void)environment_get(card->image, name, value, size); /* none is "" */
    make_printable(value);
}

uint32_t card_get_number(const struct card *card, const char *name)
{
    char text[12];
    uint32_t number = 0;
    card_get(card, name, text, sizeof(text));
    (void)number_read_decimal(text, UINT32_MAX, &number); /* else it stays 0 */
    return number;
}

enum slot card_next(const struct card *card)
{
    char slot[4];
    card_get(card, "slot", slot, sizeof(slot));
    return strcmp(slot, "b") == 0 ? SLOT_B : SLOT_A;
}

int card_set_next(struct card *card, enum slot slot, bool is_trial)
{
    char letter[2] = {card_letter(slot), 0};
    const char *const variables[][2] = {{"slot", letter},
                                        {"upgrade_available", is_trial ? "1" : "0"},
                                        {"bootcount", "0"},
                                        {"failed_slot", NULL},
                                        {"failed_why", NULL}};
    int result = 0;
    card->is_changed = 1;
    for (unsigned i = 0; i < ARRAY_SIZE(variables) && result == 0; i++) {
        result = environment_set(card->image, variables[i][0], variables[i][1]);
    }
    if (result < 0) {
        card_revert(card);
    }
    return result;
}

static int write_copy(struct card *card, unsigned target, const uint8_t *image)
{
    int result = card_open(card, environment_path[target], FILE_WRITE | FILE_CREATE);
    if (result == 0 && card->file_bytes > ENVIRONMENT_BYTES) {
        result = vfs_truncate(card->handle, ENVIRONMENT_BYTES);
        card->file_bytes = result == 0 ? ENVIRONMENT_BYTES : card->file_bytes;
    }
    if (result == 0) {
        result = card_write(card, 0, image, ENVIRONMENT_BYTES, &card->written);
    }
    if (result == 0) {
        result = card_close(card);
    }
    card->written = result == -EAGAIN ? card->written : 0;
    if (result == 0) {
        memmove(card->copy[target], image, ENVIRONMENT_BYTES);
        card->is_whole[target] = 1;
        card->current = target;
    }
    return result;
}

/*
 * A card that has none gets both. U-Boot counts in the other one, and does not notice if there is
 * no room for it: so that one comes first, and says what none at all says.
 */
static int write_first(struct card *card)
{
    uint8_t *first = card->copy[1];
    environment_clear(first);
    (void)environment_set(first, "slot", "a"); /* an empty one has room */
    environment_seal(first, 0);
    return write_copy(card, 1, first);
}

int card_write_environment(struct card *card)
{
    int result = card->current == NO_COPY ? write_first(card) : 0;
    if (result < 0) {
        return result;
    }
    unsigned target = card->current == 0 ? 1 : 0;
    if (card->is_changed) {
        environment_seal(card->image, (uint8_t)(environment_serial(card->copy[card->current]) + 1));
        card->is_changed = 0;
    }
    return write_copy(card, target, card->image);
}

int card_read_head(const void *head, size_t size, char version[CARD_VERSION_BYTES])
{
    struct message tree;
    const char *description;
    version[0] = 0;
    if (size < CARD_HEAD_BYTES || message_open(&tree, head, size) < 0 ||
        message_get_string(&tree, "description", &description) < 0 ||
        strncmp(description, SYSTEM_NAME, strlen(SYSTEM_NAME)) != 0) {
        return -EBADMSG;
    }
    (void)format_print(version, CARD_VERSION_BYTES, "%s", description + strlen(SYSTEM_NAME));
    make_printable(version);
    return 0;
}

int card_read_slots(struct card *card)
{
    for (; card->read < 2; card->read++) {
        enum slot slot = card->read == 0 ? SLOT_A : SLOT_B;
        char path[CARD_PATH_BYTES];
        card_path(path, slot, CARD_SYSTEM);
        int got = read_head(card, path, card->piece, CARD_HEAD_BYTES);
        if (got == -EAGAIN || got == -ENOMEDIUM) {
            card->read = got == -EAGAIN ? card->read : 0;
            return got;
        }
        (void)card_read_head(card->piece, got < 0 ? 0 : (size_t)got, card->version[slot]);
    }
    card->read = 0;
    return 0;
}

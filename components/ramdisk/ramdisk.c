/* SPDX-License-Identifier: MIT */
/*
 * A disk in RAM: the block device ram0, empty until the command `ramdisk MIB` gives it a medium.
 *
 * Its bytes lie in pages that it owns, a MiB each, so they stay where they are when the component
 * is replaced. Transfers of several callers run side by side; only a change of the medium needs
 * that nobody is in a transfer, and is refused as busy otherwise.
 */
#include <errno.h>
#include <string.h>

#include <interface/block.h>
#include <interface/command.h>
#include <lib/number.h>
#include <neurath/cpu.h>
#include <neurath/offer.h>
#include <neurath/page.h>

#define PIECE_BYTES (1u << 20)
#define PIECE_BLOCKS (PIECE_BYTES / BLOCK_BYTES)
#define PIECES_MAX 256u

struct ramdisk {
    struct event changed;
    struct spinlock lock; /* guards what follows, but for the bytes in the pieces */
    uint32_t pieces;      /* of the medium that is in; 0: none */
    uint32_t medium;      /* counts media */
    uint32_t users;       /* transfers under way */
    uint32_t is_changing; /* 1: nobody may begin a transfer */
    uint8_t *piece[PIECES_MAX];
};

STATE(struct ramdisk) state = {};

static int begin_transfer(uint64_t first, const void *buffer, uint32_t count)
{
    int result = 0;
    if (count == 0 || count > BLOCK_TRANSFER_MAX || (uintptr_t)buffer % 4 != 0) {
        return -EINVAL;
    }
    uint64_t daif = spin_lock(&state.lock);
    uint64_t blocks = (uint64_t)state.pieces * PIECE_BLOCKS;
    if (state.is_changing || blocks == 0) {
        result = -ENOMEDIUM;
    } else if (first >= blocks || count > blocks - first) {
        result = -EINVAL;
    } else {
        state.users++;
    }
    spin_unlock(&state.lock, daif);
    return result;
}

static void end_transfer(void)
{
    uint64_t daif = spin_lock(&state.lock);
    state.users--;
    spin_unlock(&state.lock, daif);
}

static uint8_t *find_block(uint64_t block)
{
    return state.piece[block / PIECE_BLOCKS] + block % PIECE_BLOCKS * BLOCK_BYTES;
}

static int disk_read(uint32_t unit, uint64_t first, void *buffer, uint32_t count)
{
    (void)unit;
    int result = begin_transfer(first, buffer, count);
    if (result < 0) {
        return result;
    }
    for (uint32_t i = 0; i < count; i++) {
        memcpy((uint8_t *)buffer + (size_t)i * BLOCK_BYTES, find_block(first + i), BLOCK_BYTES);
    }
    end_transfer();
    return 0;
}

static int disk_write(uint32_t unit, uint64_t first, const void *buffer, uint32_t count)
{
    (void)unit;
    int result = begin_transfer(first, buffer, count);
    if (result < 0) {
        return result;
    }
    for (uint32_t i = 0; i < count; i++) {
        memcpy(find_block(first + i), (const uint8_t *)buffer + (size_t)i * BLOCK_BYTES,
               BLOCK_BYTES);
    }
    end_transfer();
    return 0;
}

static int disk_flush(uint32_t unit)
{
    (void)unit;
    return READ_ONCE(state.pieces) > 0 ? 0 : -ENOMEDIUM;
}

static int disk_read_info(uint32_t unit, struct block_info *info)
{
    (void)unit;
    uint64_t daif = spin_lock(&state.lock);
    uint32_t pieces = state.is_changing ? 0 : state.pieces;
    *info = (struct block_info){.blocks = (uint64_t)pieces * PIECE_BLOCKS,
                                .medium = pieces > 0 ? state.medium : 0};
    spin_unlock(&state.lock, daif);
    return 0;
}

/* Takes the medium out, if nobody uses it, and keeps everybody off until end_change(). */
static int begin_change(void)
{
    uint64_t daif = spin_lock(&state.lock);
    bool may_change = !state.is_changing && state.users == 0;
    if (may_change) {
        state.is_changing = 1;
    }
    spin_unlock(&state.lock, daif);
    return may_change ? 0 : -EBUSY;
}

static void end_change(uint32_t pieces)
{
    uint64_t daif = spin_lock(&state.lock);
    state.pieces = pieces;
    state.medium += pieces > 0;
    state.is_changing = 0;
    spin_unlock(&state.lock, daif);
    event_signal(&state.changed);
}

/* Frees all pieces from `first` on. */
static void free_pieces(uint32_t first)
{
    for (uint32_t i = first; i < PIECES_MAX && state.piece[i]; i++) {
        page_free(state.piece[i]);
        state.piece[i] = NULL;
    }
}

static int set_size(uint32_t pieces)
{
    int result = begin_change();
    if (result < 0) {
        return result;
    }
    free_pieces(0); /* a new medium is empty */
    for (uint32_t i = 0; i < pieces; i++) {
        state.piece[i] = page_mark_plain(page_allocate(PIECE_BYTES / PAGE_BYTES));
        if (!state.piece[i]) {
            free_pieces(0);
            pieces = 0;
            result = -ENOMEM;
        }
    }
    end_change(pieces);
    return result;
}

static int run(int count, char *const words[], struct command_output *output)
{
    uint32_t mib;
    if (count > 2 || (count == 2 && number_read_decimal(words[1], PIECES_MAX, &mib) < 0)) {
        command_print(output, "usage: ramdisk [MIB]; MIB: 0 (no medium) to %u\n", PIECES_MAX);
        return -EINVAL;
    }
    int result = count == 2 ? set_size(mib) : 0;
    if (result == -EBUSY) {
        command_print(output, "ram0 is being read or written: try again\n");
    } else if (result == -ENOMEM) {
        command_print(output, "there is not so much memory; ram0 has no medium now\n");
    } else if (READ_ONCE(state.pieces) == 0) {
        command_print(output, "ram0 has no medium\n");
    } else {
        command_print(output, "ram0 has %u MiB, medium %u\n", READ_ONCE(state.pieces),
                      READ_ONCE(state.medium));
    }
    return result;
}

static int start(void)
{
    static const struct command_ops command = {run, "ramdisk [MIB] - gives ram0 a new, empty "
                                                    "medium"};
    const struct block_ops ops = {.read = disk_read,
                                  .write = disk_write,
                                  .flush = disk_flush,
                                  .read_info = disk_read_info,
                                  .changed = &state.changed};
    event_init(&state.changed);
    int result = offer_add(BLOCK_KIND, "ram0", &ops, sizeof(ops));
    return result < 0 ? result : offer_add(COMMAND_KIND, "ramdisk", &command, sizeof(command));
}

COMPONENT(ramdisk, .version = VERSION(1, 0, 0), .summary = "A block device in RAM", .start = start);

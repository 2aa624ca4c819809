/* SPDX-License-Identifier: MIT */
/*
 * The blocks of a volume that are kept in memory: tables, directories, and those of which only a
 * part is read or written. What is changed is written at once, but for the table's block (table.c).
 */
#include <errno.h>
#include <string.h>

#include "fat.h"

static const uint8_t zeroes[8 * BLOCK_BYTES] __attribute__((aligned(8)));

static int find_line(struct fat_volume *volume, uint32_t block)
{
    uint32_t last = volume->last_line;
    if (volume->lines[last].used != 0 && volume->lines[last].block == block) {
        return (int)last;
    }
    for (uint32_t i = 0; i < FAT_LINES; i++) {
        if (volume->lines[i].used != 0 && volume->lines[i].block == block) {
            return (int)i;
        }
    }
    return -ENOENT;
}

/* The line that was not used longest; never the one of a table that is not written yet. */
static uint32_t choose_line(const struct fat_volume *volume)
{
    uint32_t oldest = 0, age = 0;
    for (uint32_t i = 0; i < FAT_LINES; i++) {
        const struct fat_line *line = &volume->lines[i];
        if (line->used == 0) {
            return i;
        }
        if (volume->ticks - line->used >= age &&
            (volume->table_block == 0 || line->block != volume->table_block)) {
            oldest = i;
            age = volume->ticks - line->used;
        }
    }
    return oldest;
}

int fat_block(struct fat_volume *volume, uint32_t block, uint8_t **data)
{
    int line = find_line(volume, block);
    if (++volume->ticks == 0) {
        volume->ticks = 1;
    }
    if (line < 0) {
        line = (int)choose_line(volume);
        volume->lines[line].used = 0;
        int result = volume->disk.read(volume->disk.unit, block, volume->data[line], 1);
        if (result < 0) {
            return result;
        }
        volume->lines[line].block = block;
    }
    volume->lines[line].used = volume->ticks;
    volume->last_line = (uint32_t)line;
    *data = volume->data[line];
    return 0;
}

int fat_block_write(struct fat_volume *volume, uint32_t block)
{
    int line = find_line(volume, block);
    if (line < 0) {
        return fat_complain(volume, "block %u was lost from memory before it was written", block);
    }
    int result = volume->disk.write(volume->disk.unit, block, volume->data[line], 1);
    if (result < 0) {
        volume->lines[line].used = 0;
    }
    return result;
}

static void forget(struct fat_volume *volume, uint32_t first, uint32_t count)
{
    for (uint32_t i = 0; i < FAT_LINES; i++) {
        if (volume->lines[i].block - first < count) {
            volume->lines[i].used = 0;
        }
    }
}

/* As many at once as the disk takes; data is aligned. */
static int move_blocks(struct fat_volume *volume, uint32_t first, void *data, uint32_t count,
                       bool is_write)
{
    const struct block_ops *disk = &volume->disk;
    for (uint32_t done = 0; done < count;) {
        uint8_t *at = (uint8_t *)data + (size_t)done * BLOCK_BYTES;
        uint32_t now = MIN(count - done, BLOCK_TRANSFER_MAX);
        int result = is_write ? disk->write(disk->unit, first + done, at, now)
                              : disk->read(disk->unit, first + done, at, now);
        if (result < 0) {
            return result;
        }
        done += now;
    }
    return 0;
}

int fat_blocks_read(struct fat_volume *volume, uint32_t first, void *buffer, uint32_t count)
{
    uint8_t *to = buffer;
    if ((uintptr_t)buffer % 4 == 0) {
        return move_blocks(volume, first, buffer, count, false);
    }
    for (uint32_t i = 0; i < count; i++) {
        uint8_t *data;
        int result = fat_block(volume, first + i, &data);
        if (result < 0) {
            return result;
        }
        memcpy(to + (size_t)i * BLOCK_BYTES, data, BLOCK_BYTES);
    }
    return 0;
}

int fat_blocks_write(struct fat_volume *volume, uint32_t first, const void *buffer, uint32_t count)
{
    const uint8_t *from = buffer;
    if ((uintptr_t)buffer % 4 == 0) {
        forget(volume, first, count);
        /* which only reads it then */
        return move_blocks(volume, first, (void *)(uintptr_t)buffer, count, true);
    }
    for (uint32_t i = 0; i < count; i++) {
        uint8_t *data;
        int result = fat_block(volume, first + i, &data);
        if (result == 0) {
            memcpy(data, from + (size_t)i * BLOCK_BYTES, BLOCK_BYTES);
            result = fat_block_write(volume, first + i);
        }
        if (result < 0) {
            return result;
        }
    }
    return 0;
}

int fat_blocks_clear(struct fat_volume *volume, uint32_t first, uint32_t count)
{
    for (uint32_t done = 0; done < count;) {
        uint32_t now = MIN(count - done, (uint32_t)(sizeof(zeroes) / BLOCK_BYTES));
        int result = fat_blocks_write(volume, first + done, zeroes, now);
        if (result < 0) {
            return result;
        }
        done += now;
    }
    return 0;
}

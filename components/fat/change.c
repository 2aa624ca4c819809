/* SPDX-License-Identifier: MIT */
/*
 * Changing directories, in an order that may be cut anywhere: parts of a long name stand before the
 * short entry that makes them a file, and are struck out after it.
 */
#include <errno.h>
#include <string.h>

#include "entry.h"
#include "fat.h"

#define TAILS_MAX 64u

/* The bytes of a slot, in memory; *block: where it is. */
static int slot_bytes(struct fat_volume *volume, uint32_t directory, uint32_t slot, uint32_t *block,
                      uint8_t **bytes)
{
    int result = fat_slot_block(volume, directory, slot, block);
    if (result == 0) {
        result = fat_block(volume, *block, bytes);
    }
    if (result == 0) {
        *bytes += (size_t)(slot % FAT_SLOTS) * FAT_ENTRY_BYTES;
    }
    return result;
}

/* One cluster more for a directory, empty before it is linked. */
static int extend(struct fat_volume *volume, uint32_t directory)
{
    uint32_t last = directory, next = 0, cluster = 0;
    if (directory == 0) {
        return -ENOSPC; /* FAT16's root has its size for ever */
    }
    for (uint32_t i = 0; i <= FAT_SLOTS_MAX; i++) {
        int result = fat_next(volume, last, &next);
        if (result != 0) {
            return result;
        }
        if (next == 0) {
            break;
        }
        last = next;
    }
    if (next != 0) {
        return fat_complain(volume, "the directory at cluster %u does not end", directory);
    }
    int result = fat_allocate(volume, last, &cluster);
    if (result == 0) {
        result =
            fat_blocks_clear(volume, fat_cluster_block(volume, cluster), volume->cluster_blocks);
    }
    if (result == 0) {
        result = fat_table_set(volume, last, cluster);
    }
    return result < 0 ? result : fat_table_flush(volume);
}

/* Finds `count` free slots in a row; *is_at_end: behind them stood the directory's end mark. */
static int find_room(struct fat_volume *volume, uint32_t directory, uint32_t count, uint32_t *first,
                     bool *is_at_end)
{
    uint32_t run = 0, block;
    *is_at_end = false;
    for (uint32_t slot = 0; slot < FAT_SLOTS_MAX; slot++) {
        uint8_t *bytes;
        int result = slot_bytes(volume, directory, slot, &block, &bytes);
        if (result == -ENOENT) {
            result = extend(volume, directory);
            if (result == 0) {
                result = slot_bytes(volume, directory, slot, &block, &bytes);
            }
        }
        if (result != 0) {
            return result;
        }
        *is_at_end |= bytes[0] == ENTRY_IS_END; /* from there on all are free, whatever they hold */
        run = *is_at_end || bytes[0] == ENTRY_IS_DELETED ? run + 1 : 0;
        if (run == count) {
            *first = slot + 1 - count;
            return 0;
        }
    }
    return -ENOSPC;
}

/* The mark moves behind new entries. It stands there already unless the directory was untidy. */
static int move_end(struct fat_volume *volume, uint32_t directory, uint32_t slot)
{
    uint32_t block;
    uint8_t *bytes;
    int result = slot_bytes(volume, directory, slot, &block, &bytes);
    if (result != 0 || bytes[0] == ENTRY_IS_END) {
        return result == -ENOENT ? 0 : result;
    }
    bytes[0] = ENTRY_IS_END;
    return fat_block_write(volume, block);
}

/* -EEXIST: the directory has an entry of that short name. 0: it has none. */
static int check_short(struct fat_volume *volume, uint32_t directory, const uint8_t *name)
{
    struct fat_entry other;
    uint32_t slot = 0;
    int result;
    while ((result = fat_next_entry(volume, directory, &slot, &other)) == 0) {
        if (memcmp(other.name, name, FAT_SHORT_BYTES) == 0) {
            return -EEXIST;
        }
    }
    return result == -ENOENT ? 0 : result;
}

/* A short name for volume->wanted that the directory does not have. *is_long: it needs a long one.
 */
static int choose_short(struct fat_volume *volume, uint32_t directory, uint8_t *name, bool *is_long)
{
    const uint16_t *units = volume->wanted;
    uint32_t count = volume->wanted_units;
    enum fat_short kind = fat_make_short(units, count, name);
    int result = -EEXIST;
    *is_long = kind != FAT_SHORT_EXACT;
    if (kind != FAT_SHORT_LOSSY) {
        result = check_short(volume, directory, name);
    }
    for (uint32_t try = 1; result == -EEXIST && try <= TAILS_MAX; try++) {
        *is_long = true;
        (void)fat_make_short(units, count, name);
        fat_add_tail(name, units, count, try);
        result = check_short(volume, directory, name);
    }
    return result == -EEXIST ? -ENOSPC : result;
}

static void fill_part(const struct fat_volume *volume, uint32_t order, bool is_last, uint8_t sum,
                      uint8_t *bytes)
{
    memset(bytes, 0, FAT_ENTRY_BYTES);
    bytes[0] = (uint8_t)(order | (is_last ? PART_IS_LAST : 0));
    bytes[ENTRY_ATTRIBUTES] = FAT_PART;
    bytes[PART_SUM] = sum;
    for (uint32_t i = 0; i < FAT_PART_UNITS; i++) {
        uint32_t at = (order - 1) * FAT_PART_UNITS + i;
        uint32_t unit = at < volume->wanted_units    ? volume->wanted[at]
                        : at == volume->wanted_units ? 0
                                                     : 0xffff;
        fat_put16(bytes + part_offsets[i], unit);
    }
}

static void fill_short(const struct fat_volume *volume, const struct fat_entry *entry,
                       uint8_t *bytes)
{
    memset(bytes, 0, FAT_ENTRY_BYTES);
    memcpy(bytes, entry->name, FAT_SHORT_BYTES);
    bytes[ENTRY_ATTRIBUTES] = (uint8_t)entry->attributes;
    fat_put16(bytes + ENTRY_CREATED_TIME, volume->now & 0xffff);
    fat_put16(bytes + ENTRY_CREATED_DATE, volume->now >> 16);
    fat_put16(bytes + ENTRY_ACCESSED_DATE, volume->now >> 16);
    fat_put16(bytes + ENTRY_TIME, entry->time);
    fat_put16(bytes + ENTRY_DATE, entry->date);
    fat_put16(bytes + ENTRY_FIRST_HIGH, entry->first >> 16);
    fat_put16(bytes + ENTRY_FIRST_LOW, entry->first & 0xffff);
    fat_put32(bytes + ENTRY_BYTES, entry->bytes);
}

int fat_add_entry(struct fat_volume *volume, uint32_t directory, struct fat_entry *entry)
{
    bool is_long, is_at_end;
    uint32_t first = 0, block = 0, written = 0;
    int result = choose_short(volume, directory, entry->name, &is_long);
    uint32_t parts = (volume->wanted_units + FAT_PART_UNITS - 1) / FAT_PART_UNITS;
    parts = is_long ? parts : 0;
    if (result == 0) {
        result = find_room(volume, directory, parts + 1, &first, &is_at_end);
    }
    if (result == 0 && is_at_end) {
        result = move_end(volume, directory, first + parts + 1);
    }
    for (uint32_t i = 0; i <= parts && result == 0; i++) {
        uint8_t *bytes;
        result = slot_bytes(volume, directory, first + i, &block, &bytes);
        if (result == 0 && written != 0 && written != block) {
            result = fat_block_write(volume, written);
        }
        if (result != 0) {
            break;
        }
        written = block;
        if (i < parts) {
            fill_part(volume, parts - i, i == 0, fat_short_sum(entry->name), bytes);
        } else {
            fill_short(volume, entry, bytes);
        }
    }
    if (result == 0) {
        result = fat_block_write(volume, written);
    }
    entry->directory = directory;
    entry->slot_first = first;
    entry->slot = first + parts;
    entry->block = block;
    entry->offset = entry->slot % FAT_SLOTS * FAT_ENTRY_BYTES;
    return result;
}

int fat_strike_entry(struct fat_volume *volume, const struct fat_entry *entry)
{
    uint32_t written = 0, block = 0;
    fat_forget(volume, entry);
    for (uint32_t slot = entry->slot + 1; slot > entry->slot_first; slot--) {
        uint8_t *bytes;
        int result = slot_bytes(volume, entry->directory, slot - 1, &block, &bytes);
        if (result == 0 && written != 0 && written != block) {
            result = fat_block_write(volume, written);
        }
        if (result != 0) {
            return result;
        }
        written = block;
        bytes[0] = ENTRY_IS_DELETED;
    }
    return fat_block_write(volume, written);
}

int fat_update_entry(struct fat_volume *volume, uint32_t block, uint32_t offset, uint32_t first,
                     uint32_t bytes)
{
    uint8_t *data;
    int result = fat_block(volume, block, &data);
    if (result != 0) {
        return result;
    }
    uint8_t *entry = data + offset;
    entry[ENTRY_ATTRIBUTES] |= FAT_ARCHIVE;
    fat_put16(entry + ENTRY_TIME, volume->now & 0xffff);
    fat_put16(entry + ENTRY_DATE, volume->now >> 16);
    fat_put16(entry + ENTRY_ACCESSED_DATE, volume->now >> 16);
    fat_put16(entry + ENTRY_FIRST_HIGH, first >> 16);
    fat_put16(entry + ENTRY_FIRST_LOW, first & 0xffff);
    fat_put32(entry + ENTRY_BYTES, bytes);
    return fat_block_write(volume, block);
}

/* What ".." says of a parent: the root is 0, also on FAT32. */
static uint32_t parent_number(const struct fat_volume *volume, uint32_t parent)
{
    return parent == fat_root(volume) ? 0 : parent;
}

int fat_make_directory(struct fat_volume *volume, uint32_t parent, uint32_t *cluster)
{
    uint8_t *data;
    struct fat_entry dots = {.attributes = FAT_DIRECTORY,
                             .time = (uint16_t)volume->now,
                             .date = (uint16_t)(volume->now >> 16)};
    int result = fat_allocate(volume, parent, cluster);
    if (result != 0) {
        return result;
    }
    uint32_t block = fat_cluster_block(volume, *cluster);
    result = fat_table_flush(volume);
    if (result == 0) {
        result = fat_blocks_clear(volume, block, volume->cluster_blocks);
    }
    if (result == 0) {
        result = fat_block(volume, block, &data);
    }
    if (result != 0) {
        return result;
    }
    memset(dots.name, ' ', sizeof(dots.name));
    dots.name[0] = '.';
    dots.first = *cluster;
    fill_short(volume, &dots, data);
    dots.name[1] = '.';
    dots.first = parent_number(volume, parent);
    fill_short(volume, &dots, data + FAT_ENTRY_BYTES);
    return fat_block_write(volume, block);
}

int fat_is_empty(struct fat_volume *volume, uint32_t directory)
{
    struct fat_entry entry;
    uint32_t slot = 0;
    int result;
    while ((result = fat_next_entry(volume, directory, &slot, &entry)) == 0) {
        if (!fat_is_dots(&entry)) {
            return 0;
        }
    }
    return result == -ENOENT ? 1 : result;
}

int fat_set_parent(struct fat_volume *volume, uint32_t directory, uint32_t parent)
{
    uint8_t *data;
    uint32_t block = fat_cluster_block(volume, directory);
    int result = fat_block(volume, block, &data);
    if (result != 0) {
        return result;
    }
    uint8_t *dots = data + FAT_ENTRY_BYTES;
    if (memcmp(dots, "..         ", FAT_SHORT_BYTES) != 0) {
        return 0; /* it has none: not ours to mend */
    }
    fat_put16(dots + ENTRY_FIRST_HIGH, parent_number(volume, parent) >> 16);
    fat_put16(dots + ENTRY_FIRST_LOW, parent_number(volume, parent) & 0xffff);
    return fat_block_write(volume, block);
}

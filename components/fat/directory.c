/* SPDX-License-Identifier: MIT */
/*
 * Reading directories (the specification, "FAT Directory Structure" and "Long File Name
 * Implementation"). A long name whose parts do not belong to the short entry behind them does not
 * count, as everywhere.
 */
#include <errno.h>
#include <string.h>

#include "entry.h"
#include "fat.h"

uint32_t fat_root(const struct fat_volume *volume)
{
    return volume->bits == 32 ? volume->root_cluster : 0;
}

int fat_slot_block(struct fat_volume *volume, uint32_t directory, uint32_t slot, uint32_t *block)
{
    uint32_t cluster = 0, index = slot / FAT_SLOTS;
    if (slot >= FAT_SLOTS_MAX) {
        return -ENOENT;
    }
    if (directory == 0) {
        *block = volume->root_first + index;
        return index < volume->root_blocks ? 0 : -ENOENT;
    }
    int result =
        fat_chain_at(volume, &volume->place, directory, index / volume->cluster_blocks, &cluster);
    if (result != 0 || cluster == 0) {
        return result < 0 ? result : -ENOENT;
    }
    *block = fat_cluster_block(volume, cluster) + index % volume->cluster_blocks;
    return 0;
}

void fat_read_entry(const struct fat_volume *volume, const uint8_t *bytes, struct fat_entry *entry)
{
    memcpy(entry->name, bytes + ENTRY_NAME, sizeof(entry->name));
    entry->attributes = bytes[ENTRY_ATTRIBUTES];
    entry->first = fat_get16(bytes + ENTRY_FIRST_LOW);
    if (volume->bits == 32) {
        entry->first |= fat_get16(bytes + ENTRY_FIRST_HIGH) << 16;
    }
    entry->bytes = fat_get32(bytes + ENTRY_BYTES);
    entry->time = (uint16_t)fat_get16(bytes + ENTRY_TIME);
    entry->date = (uint16_t)fat_get16(bytes + ENTRY_DATE);
}

void fat_fill_info(const struct fat_entry *entry, struct file_info *info)
{
    uint32_t date = entry->date, time = entry->time;
    bool is_directory = entry->attributes & FAT_DIRECTORY;
    *info = (struct file_info){.bytes = is_directory ? 0 : entry->bytes,
                               .is_directory = is_directory,
                               .is_read_only = (entry->attributes & FAT_READ_ONLY) != 0};
    if (date != 0) {
        info->year = (uint16_t)(1980 + (date >> 9));
        info->month = date >> 5 & 0xf;
        info->day = date & 0x1f;
        info->hour = (uint8_t)(time >> 11);
        info->minute = time >> 5 & 0x3f;
        info->second = (time & 0x1f) * 2;
    }
}

/* What is known of a long name while its parts go by. */
struct parts {
    uint32_t expected; /* order of the next part; 0: all came */
    uint32_t count;    /* how many there are; 0: there is no long name */
    uint32_t slot;     /* of the first one */
    uint8_t sum;
};

static void take_part(struct fat_volume *volume, const uint8_t *bytes, uint32_t slot,
                      struct parts *parts)
{
    uint32_t order = bytes[PART_ORDER] & PART_ORDER_MASK;
    if (bytes[PART_ORDER] & PART_IS_LAST) {
        *parts =
            (struct parts){.expected = order, .count = order, .slot = slot, .sum = bytes[PART_SUM]};
    }
    if (order == 0 || order > FAT_PARTS || order != parts->expected ||
        bytes[PART_SUM] != parts->sum) {
        parts->count = 0;
        return;
    }
    for (uint32_t i = 0; i < FAT_PART_UNITS; i++) {
        volume->found[(order - 1) * FAT_PART_UNITS + i] =
            (uint16_t)fat_get16(bytes + part_offsets[i]);
    }
    parts->expected--;
}

/* The entry's name into volume->found, long or short. */
static void finish_name(struct fat_volume *volume, const uint8_t *bytes, uint32_t slot,
                        const struct parts *parts, struct fat_entry *entry)
{
    uint32_t units = 0;
    entry->slot_first = entry->slot = slot;
    if (parts->count > 0 && parts->expected == 0 && parts->sum == fat_short_sum(bytes)) {
        entry->slot_first = parts->slot;
        while (units < parts->count * FAT_PART_UNITS && volume->found[units] != 0) {
            units++;
        }
    }
    entry->units =
        units > 0 && units <= FAT_UNITS ? units : fat_short_to_units(bytes, volume->found);
}

int fat_next_entry(struct fat_volume *volume, uint32_t directory, uint32_t *slot,
                   struct fat_entry *entry)
{
    struct parts parts = {0};
    for (;; (*slot)++) {
        uint8_t *data;
        uint32_t block = 0;
        int result = fat_slot_block(volume, directory, *slot, &block);
        if (result == 0) {
            result = fat_block(volume, block, &data);
        }
        if (result != 0) {
            return result;
        }
        uint32_t offset = *slot % FAT_SLOTS * FAT_ENTRY_BYTES;
        const uint8_t *bytes = data + offset;
        if (bytes[ENTRY_NAME] == ENTRY_IS_END) {
            return -ENOENT;
        }
        bool is_deleted = bytes[ENTRY_NAME] == ENTRY_IS_DELETED;
        if (!is_deleted && (bytes[ENTRY_ATTRIBUTES] & 0x3f) == FAT_PART) {
            take_part(volume, bytes, *slot, &parts);
        } else if (is_deleted || (bytes[ENTRY_ATTRIBUTES] & FAT_LABEL)) {
            parts.count = 0;
        } else {
            *entry = (struct fat_entry){.directory = directory, .block = block, .offset = offset};
            fat_read_entry(volume, bytes, entry);
            finish_name(volume, bytes, *slot, &parts, entry);
            (*slot)++;
            return 0;
        }
    }
}

bool fat_is_dots(const struct fat_entry *entry)
{
    return entry->name[0] == '.';
}

/* Whether the entry found last goes by a name. */
static bool is_called(const struct fat_volume *volume, const struct fat_entry *entry,
                      const uint16_t *units, uint32_t count)
{
    uint16_t name[FAT_SHORT_BYTES + 2];
    uint8_t bytes[FAT_SHORT_BYTES + 2] = {0};
    if (fat_is_dots(entry)) {
        return false;
    }
    memcpy(bytes, entry->name, sizeof(entry->name));
    return fat_names_equal(volume->found, entry->units, units, count) ||
           fat_names_equal(name, fat_short_to_units(bytes, name), units, count);
}

int fat_find(struct fat_volume *volume, uint32_t directory, const uint16_t *units, uint32_t count,
             struct fat_entry *entry)
{
    uint32_t slot = 0, hash = fat_name_hash(directory, units, count);
    struct fat_name *known = &volume->names[hash % FAT_NAMES];
    int result;
    if (known->hash == hash && known->directory == directory) {
        slot = known->slot;
        result = fat_next_entry(volume, directory, &slot, entry);
        if (result == 0 && is_called(volume, entry, units, count)) {
            return 0;
        }
        slot = 0; /* of two names with this hash it is the other */
    }
    while ((result = fat_next_entry(volume, directory, &slot, entry)) == 0) {
        if (is_called(volume, entry, units, count)) {
            *known = (struct fat_name){hash, directory, entry->slot_first};
            return 0;
        }
    }
    return result;
}

void fat_forget(struct fat_volume *volume, const struct fat_entry *entry)
{
    for (unsigned i = 0; i < FAT_NAMES; i++) {
        struct fat_name *known = &volume->names[i];
        if (known->directory == entry->directory && known->slot == entry->slot_first) {
            known->hash = 0;
        }
    }
}

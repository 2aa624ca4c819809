/* SPDX-License-Identifier: MIT */
/*
 * The file allocation table: which cluster follows which (the specification, "FAT Data Structure").
 *
 * The block changed last is written when another one is to be changed, or by fat_table_flush(): so
 * a chain of new clusters costs a write for each block of the table and not for each cluster, and
 * what was changed first is on the medium first.
 */
#include <errno.h>

#include "fat.h"

#define CLEAN_16 0x8000u
#define CLEAN_32 0x08000000u
#define VALUE_32 0x0fffffffu /* the upper four bits are kept as they are */
#define SETTLE_CLUSTERS 8192u
#define SETTLE_BLOCKS 32u

static uint32_t entries_per_block(const struct fat_volume *volume)
{
    return BLOCK_BYTES * 8 / volume->bits;
}

static uint32_t table_block(const struct fat_volume *volume, uint32_t cluster)
{
    return volume->table_first + cluster / entries_per_block(volume);
}

static int find_entry(struct fat_volume *volume, uint32_t cluster, uint8_t **at)
{
    uint8_t *data;
    int result = fat_block(volume, table_block(volume, cluster), &data);
    if (result == 0) {
        *at = data + (size_t)(cluster % entries_per_block(volume)) * (volume->bits / 8);
    }
    return result;
}

static int get_raw(struct fat_volume *volume, uint32_t cluster, uint32_t *value)
{
    uint8_t *at;
    int result = find_entry(volume, cluster, &at);
    if (result == 0) {
        *value = volume->bits == 16 ? fat_get16(at) : fat_get32(at);
    }
    return result;
}

static int set_raw(struct fat_volume *volume, uint32_t cluster, uint32_t value)
{
    uint8_t *at;
    uint32_t block = table_block(volume, cluster);
    if (volume->table_block != 0 && volume->table_block != block) {
        int result = fat_table_flush(volume);
        if (result < 0) {
            return result;
        }
    }
    int result = find_entry(volume, cluster, &at);
    if (result != 0) {
        return result;
    }
    if (volume->bits == 16) {
        fat_put16(at, value);
    } else {
        fat_put32(at, value);
    }
    volume->table_block = block;
    return 0;
}

int fat_table_flush(struct fat_volume *volume)
{
    uint8_t *data;
    uint32_t block = volume->table_block;
    if (block == 0) {
        return 0;
    }
    volume->table_block = 0;
    int result = fat_block(volume, block, &data);
    if (result == 0) {
        result = fat_block_write(volume, block);
    }
    for (uint32_t copy = 1; copy < volume->tables && result == 0; copy++) {
        result = fat_blocks_write(volume, block + copy * volume->table_blocks, data, 1);
    }
    return result;
}

int fat_table_get(struct fat_volume *volume, uint32_t cluster, uint32_t *value)
{
    if (!fat_is_cluster(volume, cluster)) {
        return fat_complain(volume, "cluster %u is none of this volume", cluster);
    }
    int result = get_raw(volume, cluster, value);
    *value &= VALUE_32;
    if (result == 0 && volume->bits == 16 && *value >= 0xfff7) {
        *value |= 0x0fff0000;
    }
    if (result == 0 && *value > FAT_BAD) {
        *value = FAT_END;
    }
    return result;
}

int fat_table_set(struct fat_volume *volume, uint32_t cluster, uint32_t value)
{
    uint32_t old = 0;
    if (!fat_is_cluster(volume, cluster)) {
        return fat_complain(volume, "cluster %u is none of this volume", cluster);
    }
    int result = get_raw(volume, cluster, &old);
    if (result < 0) {
        return result;
    }
    result =
        set_raw(volume, cluster, volume->bits == 16 ? value & 0xffff : (old & ~VALUE_32) | value);
    if (result == 0 && (volume->is_free_known || cluster < volume->counted)) {
        bool was_free = (old & (volume->bits == 16 ? 0xffff : VALUE_32)) == FAT_FREE;
        volume->free_count += (value == FAT_FREE && !was_free) - (value != FAT_FREE && was_free);
        if (volume->free_count > volume->clusters) { /* what it told was wrong: we count */
            volume->is_free_known = volume->counted = 0;
        }
    }
    return result;
}

int fat_table_get_clean(struct fat_volume *volume, bool *is_clean)
{
    uint32_t value = 0;
    int result = get_raw(volume, 1, &value);
    *is_clean = value & (volume->bits == 16 ? CLEAN_16 : CLEAN_32);
    return result;
}

int fat_table_set_clean(struct fat_volume *volume, bool is_clean)
{
    uint32_t value = 0, bit = volume->bits == 16 ? CLEAN_16 : CLEAN_32;
    int result = get_raw(volume, 1, &value);
    if (result == 0) {
        result = set_raw(volume, 1, is_clean ? value | bit : value & ~bit);
    }
    return result < 0 ? result : fat_table_flush(volume);
}

int fat_next(struct fat_volume *volume, uint32_t cluster, uint32_t *next)
{
    int result = fat_table_get(volume, cluster, next);
    if (result < 0) {
        return result;
    }
    if (*next == FAT_END) {
        *next = 0;
        return 0;
    }
    if (!fat_is_cluster(volume, *next)) {
        return fat_complain(volume, "cluster %u is followed by %u, which is %s", cluster, *next,
                            *next == FAT_FREE  ? "free"
                            : *next == FAT_BAD ? "marked as bad"
                                               : "none of this volume");
    }
    return 0;
}

int fat_chain_at(struct fat_volume *volume, struct fat_place *place, uint32_t first, uint32_t index,
                 uint32_t *cluster)
{
    if (place->first != first || place->first == 0 || place->index > index) {
        *place = (struct fat_place){.first = first, .cluster = first};
    }
    while (place->index < index) {
        uint32_t next = 0;
        int result = fat_next(volume, place->cluster, &next);
        if (result < 0 || next == 0) {
            *cluster = 0;
            return result;
        }
        place->cluster = next;
        place->index++;
        if (next == place->mark) {
            *place = (struct fat_place){0};
            *cluster = 0;
            return fat_complain(volume, "a chain comes to cluster %u again", next);
        }
        if ((place->index & (place->index - 1)) == 0) {
            place->mark = next;
        }
    }
    *cluster = place->cluster;
    return 0;
}

/* A free cluster in the block of the table that `*cluster` is in, from there on; 0: none. */
static int find_free_here(struct fat_volume *volume, uint32_t *cluster)
{
    uint32_t per_block = entries_per_block(volume);
    uint32_t end =
        MIN((*cluster / per_block + 1) * per_block, volume->clusters + FAT_CLUSTER_FIRST);
    uint32_t step = volume->bits / 8;
    uint8_t *at;
    int result = find_entry(volume, *cluster, &at);
    for (uint32_t i = *cluster; result == 0 && i < end; i++, at += step) {
        uint32_t value = volume->bits == 16 ? fat_get16(at) : fat_get32(at) & VALUE_32;
        if (value == FAT_FREE) {
            *cluster = i;
            return 0;
        }
    }
    *cluster = 0;
    return result;
}

static bool is_pending(const struct fat_volume *volume)
{
    uint32_t any = 0;
    for (uint32_t i = 0; i < FAT_PENDING; i++) {
        any |= volume->pending[i];
    }
    return any != 0;
}

int fat_allocate(struct fat_volume *volume, uint32_t near, uint32_t *cluster)
{
    uint32_t per_block = entries_per_block(volume);
    uint32_t start = fat_is_cluster(volume, near + 1) ? near + 1 : volume->next_free;
    if (!fat_is_cluster(volume, start)) {
        start = FAT_CLUSTER_FIRST;
    }
    int settled = 1;
    while (settled > 0 && is_pending(volume)) {
        settled = fat_settle_chains(volume);
        if (!volume->is_free_known || volume->free_count > 0) {
            break; /* there is enough; the rest at leisure */
        }
    }
    if (settled < 0) {
        return settled;
    }
    uint32_t end = volume->clusters + FAT_CLUSTER_FIRST;
    if (volume->counted == end && volume->free_count == 0) { /* else it is only told */
        return -ENOSPC;
    }
    /* Once round the table; the first block is looked at twice, its start in the end. */
    uint32_t blocks = (volume->clusters + FAT_CLUSTER_FIRST + per_block - 1) / per_block + 1;
    for (uint32_t at = start, i = 0; i < blocks; i++) {
        *cluster = at;
        int result = find_free_here(volume, cluster);
        if (result == 0 && *cluster != 0) {
            volume->next_free = *cluster + 1;
            return fat_table_set(volume, *cluster, FAT_END);
        }
        if (result < 0) {
            return result;
        }
        at = (at / per_block + 1) * per_block;
        at = at < volume->clusters + FAT_CLUSTER_FIRST ? at : FAT_CLUSTER_FIRST;
    }
    volume->free_count = 0;
    volume->is_free_known = 1;
    volume->counted = end;
    return is_pending(volume) ? fat_allocate(volume, near, cluster) : -ENOSPC;
}

int fat_settle_chains(struct fat_volume *volume)
{
    uint32_t budget = SETTLE_CLUSTERS;
    for (uint32_t i = 0; i < FAT_PENDING; i++) {
        while (fat_is_cluster(volume, volume->pending[i])) {
            uint32_t cluster = volume->pending[i], next = 0;
            if (budget-- == 0) {
                int flushed = fat_table_flush(volume);
                return flushed < 0 ? flushed : 1;
            }
            int result = fat_table_get(volume, cluster, &next);
            if (result < 0) {
                return result;
            }
            /* What is free already belongs to a chain that ran into itself or into another. */
            volume->pending[i] = next == FAT_END || next == FAT_BAD ? 0 : next;
            if (next == FAT_FREE) {
                break;
            }
            if (next != FAT_BAD) {
                result = fat_table_set(volume, cluster, FAT_FREE);
            }
            if (result < 0) {
                return result;
            }
        }
        volume->pending[i] = 0;
    }
    return fat_table_flush(volume);
}

int fat_free_chain(struct fat_volume *volume, uint32_t first)
{
    if (first == 0) {
        return 0;
    }
    int result = fat_table_flush(volume);
    for (uint32_t round = 0; result >= 0; round++) {
        for (uint32_t i = 0; i < FAT_PENDING; i++) {
            if (volume->pending[i] == 0) {
                volume->pending[i] = first;
                result = fat_settle_chains(volume);
                return result > 0 ? 0 : result;
            }
        }
        if (round == 1) {
            return 0; /* many and long ones: lost clusters, which is what a check is for */
        }
        result = fat_settle_chains(volume);
    }
    return result;
}

int fat_count_free(struct fat_volume *volume)
{
    if (volume->is_free_known) {
        return 0;
    }
    uint32_t end = volume->clusters + FAT_CLUSTER_FIRST;
    uint32_t stop = MIN(end, volume->counted + SETTLE_BLOCKS * entries_per_block(volume));
    if (volume->counted < FAT_CLUSTER_FIRST) {
        volume->counted = FAT_CLUSTER_FIRST;
        volume->free_count = 0;
    }
    for (; volume->counted < stop; volume->counted++) {
        uint32_t value = 0;
        int result = fat_table_get(volume, volume->counted, &value);
        if (result < 0) {
            return result;
        }
        volume->free_count += value == FAT_FREE;
    }
    volume->is_free_known = volume->counted == end;
    return !volume->is_free_known;
}

/* SPDX-License-Identifier: MIT */
/* Partition tables; see table.h. The GPT's part is in gpt.c. */
#include "table.h"

#include <errno.h>

#include <neurath/library.h>

#include "gpt.h"
#include "table_inside.h"

/* MBR: UEFI specification 5.2.1. */
#define MBR_TABLE 446u
#define MBR_ENTRY_BYTES 16u
#define MBR_ENTRIES 4u
#define MBR_SIGNATURE 510u
#define ENTRY_TYPE 4u
#define ENTRY_FIRST 8u
#define ENTRY_BLOCKS 12u
#define TYPE_FREE 0x00u
#define TYPE_EXTENDED 0x05u
#define TYPE_EXTENDED_LBA 0x0fu
#define TYPE_EXTENDED_LINUX 0x85u
#define TYPE_GPT 0xeeu
#define LOGICAL_NUMBER 5u

void table_add(struct table *table, uint64_t disk_blocks, struct table_entry entry)
{
    char *text = table->text;
    if (entry.blocks == 0 || entry.first == 0 || entry.first >= disk_blocks ||
        entry.blocks > disk_blocks - entry.first) {
        (void)format_print(text, sizeof(table->text),
                           "partition %u (%llu blocks from block %llu on) is not within the disk's "
                           "%llu blocks: left out",
                           entry.number, (unsigned long long)entry.blocks,
                           (unsigned long long)entry.first, (unsigned long long)disk_blocks);
        table->complain(text);
        return;
    }
    for (uint32_t i = 0; i < table->count; i++) {
        const struct table_entry *other = &table->entries[i];
        if (entry.first < other->first + other->blocks &&
            other->first < entry.first + entry.blocks) {
            (void)format_print(text, sizeof(table->text),
                               "partition %u (%llu blocks from block %llu on) overlaps partition "
                               "%u: left out",
                               entry.number, (unsigned long long)entry.blocks,
                               (unsigned long long)entry.first, other->number);
            table->complain(text);
            return;
        }
    }
    if (table->count == TABLE_ENTRIES_MAX) {
        (void)format_print(text, sizeof(table->text),
                           "partition %u is one too many, %u are known already: left out",
                           entry.number, TABLE_ENTRIES_MAX);
        table->complain(text);
        return;
    }
    table->entries[table->count++] = entry;
}

static bool has_signature(const uint8_t *block)
{
    return block[MBR_SIGNATURE] == 0x55 && block[MBR_SIGNATURE + 1] == 0xaa;
}

/* A file system over the whole disk has its boot record where a table would be: no partitions. */
static bool is_boot_record(const uint8_t *block)
{
    uint32_t block_bytes = block[11] | (uint32_t)block[12] << 8;
    uint32_t cluster = block[13];
    bool has_jump = (block[0] == 0xeb && block[2] == 0x90) || block[0] == 0xe9;
    return has_jump && block_bytes >= 512 && block_bytes <= 4096 &&
           (block_bytes & (block_bytes - 1)) == 0 && cluster > 0 && (cluster & (cluster - 1)) == 0;
}

static const uint8_t *entry_at(const uint8_t *block, uint32_t index)
{
    return block + MBR_TABLE + (size_t)index * MBR_ENTRY_BYTES;
}

static bool is_extended(uint32_t type)
{
    return type == TYPE_EXTENDED || type == TYPE_EXTENDED_LBA || type == TYPE_EXTENDED_LINUX;
}

/*
 * Follows the chain of logical partitions: each link's first entry lies relative to the link, its
 * second, the next link, relative to the extended partition.
 */
static int read_logical(const struct block_ops *disk, uint64_t disk_blocks, uint64_t base,
                        uint64_t base_blocks, struct table *table)
{
    uint64_t link = base;
    uint32_t number = LOGICAL_NUMBER;
    for (uint32_t links = 0; links < TABLE_LOGICAL_MAX; links++) {
        int result = disk->read(disk->unit, link, table->block, 1);
        if (result < 0) {
            return result;
        }
        const uint8_t *entry = entry_at(table->block, 0), *next = entry_at(table->block, 1);
        if (!has_signature(table->block)) {
            table->complain("the chain of logical partitions ends in a block that is no table");
            return 0;
        }
        struct table_entry logical = {.number = number,
                                      .first = link + table_get32(entry + ENTRY_FIRST),
                                      .blocks = table_get32(entry + ENTRY_BLOCKS)};
        if (entry[ENTRY_TYPE] != TYPE_FREE) {
            table_add(table, disk_blocks, logical);
            number++;
        }
        uint64_t offset = table_get32(next + ENTRY_FIRST);
        if (!is_extended(next[ENTRY_TYPE]) || offset == 0) {
            return 0;
        }
        if (offset >= base_blocks || base + offset >= disk_blocks) {
            table->complain("the chain of logical partitions leaves the extended partition: what "
                            "comes there is left out");
            return 0;
        }
        link = base + offset;
    }
    table->complain("the chain of logical partitions does not end: the rest is left out");
    return 0;
}

/* The primary ones first: logical ones are judged against them. table->header holds the MBR. */
static int read_mbr(const struct block_ops *disk, uint64_t disk_blocks, struct table *table)
{
    for (uint32_t i = 0; i < MBR_ENTRIES; i++) {
        const uint8_t *entry = entry_at(table->header, i);
        struct table_entry primary = {.number = i + 1,
                                      .first = table_get32(entry + ENTRY_FIRST),
                                      .blocks = table_get32(entry + ENTRY_BLOCKS)};
        if (entry[ENTRY_TYPE] != TYPE_FREE && !is_extended(entry[ENTRY_TYPE])) {
            table_add(table, disk_blocks, primary);
        }
    }
    for (uint32_t i = 0; i < MBR_ENTRIES; i++) {
        const uint8_t *entry = entry_at(table->header, i);
        uint64_t base = table_get32(entry + ENTRY_FIRST);
        if (!is_extended(entry[ENTRY_TYPE])) {
            continue;
        }
        if (base == 0 || base >= disk_blocks) {
            table->complain("the extended partition is not within the disk: left out");
            continue;
        }
        return read_logical(disk, disk_blocks, base, table_get32(entry + ENTRY_BLOCKS), table);
    }
    return 0;
}

int table_read(const struct block_ops *disk, uint64_t blocks, struct table *table)
{
    table->count = 0;
    if (blocks == 0) {
        return 0;
    }
    int result = disk->read(disk->unit, 0, table->header, 1);
    if (result < 0 || !has_signature(table->header) || is_boot_record(table->header)) {
        return result;
    }
    for (uint32_t i = 0; i < MBR_ENTRIES; i++) {
        if (entry_at(table->header, i)[ENTRY_TYPE] == TYPE_GPT) {
            return gpt_read(disk, blocks, table);
        }
    }
    return read_mbr(disk, blocks, table);
}

/* SPDX-License-Identifier: MIT */
/* GUID partition tables; see gpt.h. */
#include "gpt.h"

#include <errno.h>
#include <string.h>

#include <lib/crc.h>
#include <neurath/library.h>

#include "table_inside.h"

/* Of the header: UEFI specification, table 5-5. */
#define HEADER_BLOCK 1u
#define HEADER_BYTES_MIN 92u
#define HEADER_SIZE 12u
#define HEADER_CRC 16u
#define HEADER_OWN_BLOCK 24u
#define HEADER_ENTRIES_BLOCK 72u
#define HEADER_ENTRIES 80u
#define HEADER_ENTRY_BYTES 84u
#define HEADER_ENTRIES_CRC 88u
/* Of an entry: table 5-6. */
#define ENTRY_BYTES_MIN 128u
#define ENTRY_FIRST 32u
#define ENTRY_LAST 40u
#define TYPE_BYTES 16u

#define ENTRIES_MAX 1024u /* 128 are usual; a claim beyond this is none that we follow */

/* NULL: the header in table->header, read from block `own`, is one. Else what is wrong with it. */
static const char *check_header(struct table *table, uint64_t own, uint64_t disk_blocks)
{
    uint8_t *header = table->header;
    uint32_t bytes = table_get32(header + HEADER_SIZE);
    if (memcmp(header, "EFI PART", 8) != 0) {
        return "has no signature";
    }
    if (bytes < HEADER_BYTES_MIN || bytes > BLOCK_BYTES) {
        return "has an impossible size";
    }
    uint32_t crc = table_get32(header + HEADER_CRC);
    memset(header + HEADER_CRC, 0, 4);
    if (crc32(header, bytes) != crc) {
        return "has a wrong check sum";
    }
    if (table_get64(header + HEADER_OWN_BLOCK) != own) {
        return "belongs to another block";
    }
    uint32_t entries = table_get32(header + HEADER_ENTRIES);
    uint32_t entry_bytes = table_get32(header + HEADER_ENTRY_BYTES);
    uint64_t first = table_get64(header + HEADER_ENTRIES_BLOCK);
    if (entries > ENTRIES_MAX || (entry_bytes != 128 && entry_bytes != 256 && entry_bytes != 512)) {
        return "names more or larger entries than can be";
    }
    uint64_t blocks = ((uint64_t)entries * entry_bytes + BLOCK_BYTES - 1) / BLOCK_BYTES;
    if (first < 2 || first >= disk_blocks || blocks > disk_blocks - first) {
        return "has its entries outside of the disk";
    }
    return NULL;
}

/* Adds the entries in table->block, the first of which has number `number`. */
static void add_entries(struct table *table, uint64_t disk_blocks, uint32_t number,
                        uint32_t entry_bytes, uint32_t entries)
{
    static const uint8_t unused[TYPE_BYTES];
    for (uint32_t i = 0; i < entries; i++) {
        const uint8_t *entry = table->block + (size_t)i * entry_bytes;
        uint64_t first = table_get64(entry + ENTRY_FIRST), last = table_get64(entry + ENTRY_LAST);
        if (memcmp(entry, unused, sizeof(unused)) == 0) {
            continue;
        }
        struct table_entry found = {.number = number + i, .first = first};
        if (last >= first && last < UINT64_MAX) {
            found.blocks = last - first + 1;
        }
        table_add(table, disk_blocks, found);
    }
}

/* Goes through the entries: is_adding: takes them, else only sums them up into *crc. */
static int walk_entries(const struct block_ops *disk, uint64_t disk_blocks, struct table *table,
                        bool is_adding, uint32_t *crc)
{
    uint32_t entry_bytes = table_get32(table->header + HEADER_ENTRY_BYTES);
    uint32_t entries = table_get32(table->header + HEADER_ENTRIES);
    uint64_t block = table_get64(table->header + HEADER_ENTRIES_BLOCK);
    uint32_t per_block = BLOCK_BYTES / entry_bytes;
    *crc = 0;
    for (uint32_t done = 0; done < entries; done += per_block, block++) {
        uint32_t here = MIN(per_block, entries - done);
        int result = disk->read(disk->unit, block, table->block, 1);
        if (result < 0) {
            return result;
        }
        *crc = crc32_extend(*crc, table->block, (size_t)here * entry_bytes);
        if (is_adding) {
            add_entries(table, disk_blocks, done + 1, entry_bytes, here);
        }
    }
    return 0;
}

/* Reads the table whose header is in block `own`. -EBADMSG: it is none; complained of. */
static int read_one(const struct block_ops *disk, uint64_t disk_blocks, uint64_t own,
                    const char *which, struct table *table)
{
    uint32_t crc = 0;
    int result = disk->read(disk->unit, own, table->header, 1);
    if (result < 0) {
        return result;
    }
    const char *wrong = check_header(table, own, disk_blocks);
    if (!wrong) {
        result = walk_entries(disk, disk_blocks, table, false, &crc);
        if (result < 0) {
            return result;
        }
        if (crc != table_get32(table->header + HEADER_ENTRIES_CRC)) {
            wrong = "has entries with a wrong check sum";
        }
    }
    if (wrong) {
        (void)format_print(table->text, sizeof(table->text), "the GPT at the disk's %s %s", which,
                           wrong);
        table->complain(table->text);
        return -EBADMSG;
    }
    return walk_entries(disk, disk_blocks, table, true, &crc);
}

int gpt_read(const struct block_ops *disk, uint64_t blocks, struct table *table)
{
    if (blocks < 3) {
        table->complain("the disk is too small for the GPT that its MBR names");
        return 0;
    }
    int result = read_one(disk, blocks, HEADER_BLOCK, "start", table);
    if (result == -EBADMSG || result == -EIO) { /* a bad block there is damage as well */
        table->count = 0;
        result = read_one(disk, blocks, blocks - 1, "end", table);
    }
    return result == -EBADMSG ? 0 : result;
}

/* SPDX-License-Identifier: MIT */
/*
 * Partition tables: MBR with extended partitions, GPT (UEFI specification, 5.2 and 5.3).
 *
 * Pure: reads blocks by the disk's own table of functions and writes into the caller's struct. What
 * stands on a disk is taken for a claim: each entry is checked against the disk and against those
 * taken before; one that cannot be is left out, and said in words to `complain`.
 */
#pragma once

#include <interface/block.h>

#define TABLE_ENTRIES_MAX 16u
#define TABLE_LOGICAL_MAX 64u /* links of a chain of logical partitions that are followed */

struct table_entry {
    uint32_t number; /* 1 and up; logical ones from 5 on */
    uint64_t first;  /* block of the disk */
    uint64_t blocks; /* never 0 */
};

struct table {
    uint32_t count;
    struct table_entry entries[TABLE_ENTRIES_MAX];
    uint8_t block[BLOCK_BYTES] __attribute__((aligned(8)));  /* for the reader's own use */
    uint8_t header[BLOCK_BYTES] __attribute__((aligned(8))); /* also */
    char text[160];                                          /* also */
    void (*complain)(const char *text);                      /* one line, without its end */
};

/*
 * Reads the table of a disk of `blocks` blocks into table->entries; complain is set. 0, also when
 * there is none (count 0: the disk is empty, or holds a file system as a whole); else what the
 * disk's read returned.
 */
int table_read(const struct block_ops *disk, uint64_t blocks, struct table *table);

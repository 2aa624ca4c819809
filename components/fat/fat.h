/* SPDX-License-Identifier: MIT */
/*
 * A FAT16 or FAT32 volume (Microsoft, FAT: General Overview of On-Disk Format, 1.03, "the
 * specification" here), between the component's parts. Pure: it reads and writes by the block
 * device's table of functions, and knows nothing of how the volume is called.
 *
 * All that is written goes to the device at once, in an order that leaves nothing but lost clusters
 * and entries without their last parts wherever it is cut: clusters are taken before anything
 * points at them, filled before they are linked, and let go after nothing points at them any more.
 * But what was cut while it was renamed may stand under both names, with one chain: who removes one
 * takes the other's contents. The one exception to "at once" is the block of the table changed
 * last, which waits for the next one or for fat_table_flush(). Of a volume's functions one runs at
 * a time.
 */
#pragma once

#include <interface/filesystem.h>
#include <neurath/library.h>
#include <neurath/log.h>

#define FAT_LINES 64u  /* blocks kept in memory */
#define FAT_FILES 64u  /* open at a time */
#define FAT_PENDING 8u /* chains to be freed at leisure */
#define FAT_UNITS 255u /* of a name, in UTF-16 */
#define FAT_PARTS 20u  /* entries with 13 units each, at most, before the short one */
#define FAT_PART_UNITS 13u
#define FAT_ENTRY_BYTES 32u
#define FAT_SLOTS (BLOCK_BYTES / FAT_ENTRY_BYTES)
#define FAT_SLOTS_MAX 65536u /* of a directory: 2 MiB */
#define FAT_SHORT_BYTES 11u
#define FAT_NAMES 32u /* remembered, with where they are */

/* What fat_table_get() returns, of both widths. */
#define FAT_FREE 0u
#define FAT_BAD 0x0ffffff7u
#define FAT_END 0x0fffffffu
#define FAT_CLUSTER_FIRST 2u

/* Attributes of entries. */
#define FAT_READ_ONLY 0x01u
#define FAT_LABEL 0x08u
#define FAT_DIRECTORY 0x10u
#define FAT_ARCHIVE 0x20u
#define FAT_PART 0x0fu /* a part of a long name */

/* A spot in a chain that was found before, from which the way on is shorter. */
struct fat_place {
    uint32_t first;   /* of which chain; 0: nothing is known */
    uint32_t index;   /* the how manieth cluster, */
    uint32_t cluster; /* and which one */
    uint32_t mark;    /* one passed before, moved on at 1, 2, 4, 8 ...: who meets it goes round */
};

struct fat_file {
    uint32_t number; /* of this opening; 0: the place is free */
    uint32_t opens;
    uint32_t is_directory;
    uint32_t is_root;
    uint32_t block, offset; /* of its short entry; the root has none */
    uint32_t first;         /* cluster; 0: none, or the root of FAT16 */
    uint32_t bytes;
    struct fat_place place;
};

/* A name that was found. What is struck out is forgotten, so what it says is so. */
struct fat_name {
    uint32_t hash; /* of directory and name; 0: none */
    uint32_t directory;
    uint32_t slot; /* the first of its entry */
};

struct fat_line {
    uint32_t block;
    uint32_t used; /* when; 0: empty */
};

/* An entry that was found; its long name stands in fat_volume.found. */
struct fat_entry {
    uint32_t directory;        /* first cluster; 0: the root of FAT16 */
    uint32_t slot_first, slot; /* of its first part; of the short entry */
    uint32_t block, offset;    /* of the short entry */
    uint32_t first, bytes;
    uint32_t attributes;
    uint32_t units; /* of fat_volume.found */
    uint16_t date, time;
    uint8_t name[FAT_SHORT_BYTES];
};

struct fat_volume {
    struct block_ops disk;
    uint32_t medium;
    uint32_t is_busy;
    uint32_t is_read_only;
    uint32_t is_damaged;
    uint32_t is_dirty;   /* the table says that it is in use */
    uint32_t complaints; /* written to the log */
    uint32_t now;        /* what is written as time: date << 16 | time, as entries have it */

    uint32_t bits; /* 16 or 32 */
    uint32_t cluster_blocks;
    uint32_t table_first, table_blocks;
    uint32_t tables;     /* how many are written */
    uint32_t root_first; /* FAT16: blocks of the root */
    uint32_t root_blocks;
    uint32_t root_cluster; /* FAT32 */
    uint32_t data_first;
    uint32_t clusters;   /* valid are 2 to clusters + 1 */
    uint32_t info_block; /* FAT32; 0: none */

    uint32_t next_free;  /* where to look first */
    uint32_t free_count; /* valid if is_free_known */
    uint32_t is_free_known;
    uint32_t counted; /* the next cluster to be looked at by the count; 0: the volume's is taken */
    uint32_t pending[FAT_PENDING];
    uint32_t table_block; /* changed and not written yet; 0: none */
    uint32_t ticks;
    uint32_t numbers;       /* of files, counted up */
    struct fat_place place; /* in the directory looked at last */
    struct fat_name names[FAT_NAMES];
    struct fat_file files[FAT_FILES];

    uint32_t wanted_units;
    uint16_t wanted[FAT_UNITS + 1]; /* the last name of the path taken apart last */
    uint16_t found[FAT_PARTS * FAT_PART_UNITS + 1];
    uint32_t last_line;
    struct fat_line lines[FAT_LINES];
    uint8_t data[FAT_LINES][BLOCK_BYTES] __attribute__((aligned(8)));
};

static inline uint32_t fat_get16(const uint8_t *bytes)
{
    return bytes[0] | (uint32_t)bytes[1] << 8;
}

static inline uint32_t fat_get32(const uint8_t *bytes)
{
    return fat_get16(bytes) | fat_get16(bytes + 2) << 16;
}

static inline void fat_put16(uint8_t *bytes, uint32_t value)
{
    bytes[0] = (uint8_t)value;
    bytes[1] = (uint8_t)(value >> 8);
}

static inline void fat_put32(uint8_t *bytes, uint32_t value)
{
    fat_put16(bytes, value & 0xffff);
    fat_put16(bytes + 2, value >> 16);
}

static inline uint32_t fat_cluster_bytes(const struct fat_volume *volume)
{
    return volume->cluster_blocks * BLOCK_BYTES;
}

static inline bool fat_is_cluster(const struct fat_volume *volume, uint32_t cluster)
{
    return cluster >= FAT_CLUSTER_FIRST && cluster - FAT_CLUSTER_FIRST < volume->clusters;
}

static inline uint32_t fat_cluster_block(const struct fat_volume *volume, uint32_t cluster)
{
    return volume->data_first + (cluster - FAT_CLUSTER_FIRST) * volume->cluster_blocks;
}

/* Says in the log what is wrong with the volume (not for ever the same), and returns -EIO. */
PRINTF_LIKE(2, 3) int fat_complain(struct fat_volume *volume, const char *format, ...);

/* --- volume.c --- */

/*
 * Fills a zeroed volume. -ENXIO: nothing like a FAT is there; -EINVAL: no FAT16 or FAT32, with the
 * reason in why. Else as read.
 */
int fat_mount(struct fat_volume *volume, const struct block_ops *disk, struct why *why);

/* Before the first change: is writing allowed, and does the table say that it goes on. */
int fat_begin_change(struct fat_volume *volume);

/* As filesystem_ops. */
int fat_settle(struct fat_volume *volume, bool is_sync);
int fat_read_volume(struct fat_volume *volume, struct volume_info *info);

/* --- format.c --- */

/* Makes an empty FAT16 of a device of 2.1 MiB to 2 GiB. -EINVAL: another size, said in why. */
int fat_format(const struct block_ops *disk, struct why *why);

/* --- cache.c --- */

/* *data: the block, in memory until some ten others were asked for. */
int fat_block(struct fat_volume *volume, uint32_t block, uint8_t **data);
/* Writes a block that was changed there. After an error it is as the device has it. */
int fat_block_write(struct fat_volume *volume, uint32_t block);
/* Past the cache; any alignment of buffer. */
int fat_blocks_read(struct fat_volume *volume, uint32_t first, void *buffer, uint32_t count);
int fat_blocks_write(struct fat_volume *volume, uint32_t first, const void *buffer, uint32_t count);
/* Fills blocks with zeroes. */
int fat_blocks_clear(struct fat_volume *volume, uint32_t first, uint32_t count);

/* --- table.c --- */

/* The value of a cluster that must be one. */
int fat_table_get(struct fat_volume *volume, uint32_t cluster, uint32_t *value);
int fat_table_set(struct fat_volume *volume, uint32_t cluster, uint32_t value);
/* The bits of entry 1 that say whether the volume is in use. */
int fat_table_get_clean(struct fat_volume *volume, bool *is_clean);
int fat_table_set_clean(struct fat_volume *volume, bool is_clean);
int fat_table_flush(struct fat_volume *volume);

/* *next: the cluster behind this one; 0: it is the last. -EIO: neither can be. */
int fat_next(struct fat_volume *volume, uint32_t cluster, uint32_t *next);
/*
 * *cluster: number `index` (from 0) of a chain; 0: the chain is shorter, and place is at its last
 * one.
 */
int fat_chain_at(struct fat_volume *volume, struct fat_place *place, uint32_t first, uint32_t index,
                 uint32_t *cluster);
/* Takes a free cluster, near `near` if possible, and marks it as the last of a chain. -ENOSPC. */
int fat_allocate(struct fat_volume *volume, uint32_t near, uint32_t *cluster);
/* Frees a chain to which nothing points any more, now or at leisure. */
int fat_free_chain(struct fat_volume *volume, uint32_t first);
/* Frees some of what is to be freed. 1: there is more. */
int fat_settle_chains(struct fat_volume *volume);
/* Looks at a piece of the table. 1: there is more to be counted. */
int fat_count_free(struct fat_volume *volume);

/* --- name.c --- */

/* Units of a name that can be one: its number; -EINVAL, -EILSEQ, -ENAMETOOLONG. */
int fat_name_to_units(const char *name, size_t bytes, uint16_t *units);
/* Writes a name in UTF-8, NUL-terminated; what is no UTF-16 becomes U+FFFD. */
void fat_units_to_name(const uint16_t *units, uint32_t count, char *name, size_t size);
/* The same for names that are equal; never 0. */
uint32_t fat_name_hash(uint32_t directory, const uint16_t *units, uint32_t count);
bool fat_names_equal(const uint16_t *a, uint32_t a_units, const uint16_t *b, uint32_t b_units);
/* The short name of an entry, as it is shown; its number of units, 12 at most. */
uint32_t fat_short_to_units(const uint8_t *entry, uint16_t *units);
uint8_t fat_short_sum(const uint8_t *name);
/*
 * Makes the short name for a long one. FAT_SHORT_EXACT: it says it all, no long name is needed;
 * FAT_SHORT_CASE: all but the case of letters; FAT_SHORT_LOSSY: it needs a tail.
 */
enum fat_short { FAT_SHORT_EXACT, FAT_SHORT_CASE, FAT_SHORT_LOSSY };
enum fat_short fat_make_short(const uint16_t *units, uint32_t count, uint8_t *name);
/* Gives a short name its tail ~N: try 1 to 4 plainly, later ones with a hash of the long name. */
void fat_add_tail(uint8_t *name, const uint16_t *units, uint32_t count, uint32_t try);

/* --- directory.c --- */

/* The directory as chains know it: 0 or the root's cluster for the root. */
uint32_t fat_root(const struct fat_volume *volume);
/* Block of a slot of a directory. -ENOENT: the directory has no such slot. */
int fat_slot_block(struct fat_volume *volume, uint32_t directory, uint32_t slot, uint32_t *block);
/* Finds the next entry at or behind *slot and moves that on. -ENOENT: no more. */
int fat_next_entry(struct fat_volume *volume, uint32_t directory, uint32_t *slot,
                   struct fat_entry *entry);
bool fat_is_dots(const struct fat_entry *entry);
/* Finds an entry by its name, long or short, in whatever case. -ENOENT. */
int fat_find(struct fat_volume *volume, uint32_t directory, const uint16_t *units, uint32_t count,
             struct fat_entry *entry);
/* Forgets where an entry is. */
void fat_forget(struct fat_volume *volume, const struct fat_entry *entry);
/* Fills an entry from the 32 bytes of a short one. */
void fat_read_entry(const struct fat_volume *volume, const uint8_t *bytes, struct fat_entry *entry);
void fat_fill_info(const struct fat_entry *entry, struct file_info *info);

/* --- change.c --- */

/*
 * Adds an entry with the name volume->wanted; of `entry` attributes, first, bytes, date and time
 * count, and where it came to be is filled in. -ENOSPC.
 */
int fat_add_entry(struct fat_volume *volume, uint32_t directory, struct fat_entry *entry);
/* Strikes an entry out, its long name after it. */
int fat_strike_entry(struct fat_volume *volume, const struct fat_entry *entry);
/* Writes first cluster, size and time of an entry. */
int fat_update_entry(struct fat_volume *volume, uint32_t block, uint32_t offset, uint32_t first,
                     uint32_t bytes);
/* A new directory's cluster, with its dots. */
int fat_make_directory(struct fat_volume *volume, uint32_t parent, uint32_t *cluster);
/* 1: nothing but dots is in there; 0: something is. */
int fat_is_empty(struct fat_volume *volume, uint32_t directory);
/* Writes who a moved directory's parent is. */
int fat_set_parent(struct fat_volume *volume, uint32_t directory, uint32_t parent);

/* --- path.c, file.c: as filesystem_ops --- */

int fat_open(struct fat_volume *volume, const char *path, uint32_t flags, uint32_t *number,
             struct file_info *info);
int fat_list(struct fat_volume *volume, uint32_t number, uint32_t *position,
             struct file_entry *entry);
int fat_remove(struct fat_volume *volume, const char *path, bool is_directory);
int fat_rename(struct fat_volume *volume, const char *path, const char *new_path);

/* NULL: no such number. */
struct fat_file *fat_file(struct fat_volume *volume, uint32_t number);
/* The open file whose short entry is there; NULL: it is not open. */
struct fat_file *fat_file_at(struct fat_volume *volume, uint32_t block, uint32_t offset);
/* Opens an entry (NULL: the root). -EMFILE. */
int fat_file_open(struct fat_volume *volume, const struct fat_entry *entry, uint32_t *number);
int fat_close(struct fat_volume *volume, uint32_t number);
int fat_read(struct fat_volume *volume, struct fat_file *file, uint64_t offset, void *buffer,
             uint32_t size);
int fat_write(struct fat_volume *volume, struct fat_file *file, uint64_t offset, const void *buffer,
              uint32_t size);
int fat_resize(struct fat_volume *volume, struct fat_file *file, uint64_t bytes);

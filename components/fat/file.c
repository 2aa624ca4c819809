/* SPDX-License-Identifier: MIT */
/*
 * Open files: reading, writing, cutting.
 *
 * A file that is open more than once has one place here: so all see the same size and chain.
 */
#include <errno.h>
#include <string.h>

#include "fat.h"

#define BYTES_MAX UINT32_MAX /* of a file: its entry has 32 bits for it */
#define NUMBER_SHIFT 8u

struct fat_file *fat_file(struct fat_volume *volume, uint32_t number)
{
    struct fat_file *file = &volume->files[number % FAT_FILES];
    return number != 0 && file->number == number ? file : NULL;
}

struct fat_file *fat_file_at(struct fat_volume *volume, uint32_t block, uint32_t offset)
{
    for (uint32_t i = 0; i < FAT_FILES; i++) {
        struct fat_file *file = &volume->files[i];
        if (file->number != 0 && !file->is_root && file->block == block && file->offset == offset) {
            return file;
        }
    }
    return NULL;
}

static struct fat_file *find_root(struct fat_volume *volume)
{
    for (uint32_t i = 0; i < FAT_FILES; i++) {
        if (volume->files[i].number != 0 && volume->files[i].is_root) {
            return &volume->files[i];
        }
    }
    return NULL;
}

int fat_file_open(struct fat_volume *volume, const struct fat_entry *entry, uint32_t *number)
{
    static_assert(FAT_FILES <= 1u << NUMBER_SHIFT, "a number holds the place");
    struct fat_file *file =
        entry ? fat_file_at(volume, entry->block, entry->offset) : find_root(volume);
    for (uint32_t i = 0; i < FAT_FILES && !file; i++) {
        if (volume->files[i].number != 0) {
            continue;
        }
        volume->numbers = (volume->numbers + 1) & (UINT32_MAX >> NUMBER_SHIFT);
        volume->numbers += volume->numbers == 0;
        file = &volume->files[i];
        *file = (struct fat_file){
            .number = volume->numbers << NUMBER_SHIFT | i, .is_directory = 1, .is_root = !entry};
        if (entry) {
            file->is_directory = (entry->attributes & FAT_DIRECTORY) != 0;
            file->block = entry->block;
            file->offset = entry->offset;
            file->first = entry->first;
            file->bytes = file->is_directory ? 0 : entry->bytes;
        }
    }
    if (!file) {
        return -EMFILE;
    }
    bool is_chain = fat_is_cluster(volume, file->first);
    if (!file->is_root && !is_chain && (file->is_directory || file->bytes > 0 || file->first)) {
        file->number = file->opens > 0 ? file->number : 0;
        return fat_complain(volume, "a file of %u bytes begins at cluster %u, which is none",
                            file->bytes, file->first);
    }
    file->opens++;
    *number = file->number;
    return 0;
}

int fat_close(struct fat_volume *volume, uint32_t number)
{
    struct fat_file *file = fat_file(volume, number);
    if (!file) {
        return -ENOENT;
    }
    if (--file->opens == 0) {
        file->number = 0;
    }
    return 0;
}

/*
 * How many bytes from `offset` on lie in one row on the medium (at most `size`), and in which block
 * they begin. 0: the chain ends before.
 */
static int find_run(struct fat_volume *volume, struct fat_file *file, uint32_t offset,
                    uint32_t size, uint32_t *block)
{
    uint32_t cluster_bytes = fat_cluster_bytes(volume), cluster = 0;
    uint32_t within = offset % cluster_bytes, index = offset / cluster_bytes;
    int result = fat_chain_at(volume, &file->place, file->first, index, &cluster);
    if (result < 0 || cluster == 0) {
        return result;
    }
    *block = fat_cluster_block(volume, cluster) + within / BLOCK_BYTES;
    uint32_t run = cluster_bytes - within;
    while (run < size) {
        uint32_t next = 0;
        result = fat_next(volume, cluster, &next);
        if (result < 0 || next != cluster + 1) {
            break; /* what is wrong further on is told when it is reached */
        }
        cluster = next;
        run += cluster_bytes;
    }
    return (int)MIN(run, size);
}

/* Bytes of one block, by way of memory. */
static int read_part(struct fat_volume *volume, uint32_t block, uint32_t within, void *to,
                     uint32_t size)
{
    uint8_t *data;
    int result = fat_block(volume, block, &data);
    if (result == 0) {
        memcpy(to, data + within, size);
    }
    return result;
}

static int read_run(struct fat_volume *volume, uint32_t block, uint32_t within, uint8_t *to,
                    uint32_t size)
{
    int result = 0;
    while (size > 0 && result == 0) {
        uint32_t now = MIN(BLOCK_BYTES - within, size);
        if (within == 0 && size >= BLOCK_BYTES) {
            now = ALIGN_DOWN(size, BLOCK_BYTES);
            result = fat_blocks_read(volume, block, to, now / BLOCK_BYTES);
        } else {
            result = read_part(volume, block, within, to, now);
        }
        block += (within + now) / BLOCK_BYTES;
        within = 0;
        to += now;
        size -= now;
    }
    return result;
}

int fat_read(struct fat_volume *volume, struct fat_file *file, uint64_t offset, void *buffer,
             uint32_t size)
{
    uint32_t done = 0;
    if (file->is_directory) {
        return -EISDIR;
    }
    if (offset >= file->bytes) {
        return 0;
    }
    size = MIN(MIN(size, FILESYSTEM_TRANSFER_MAX), file->bytes - (uint32_t)offset);
    while (done < size) {
        uint32_t at = (uint32_t)offset + done, block = 0;
        int run = find_run(volume, file, at, size - done, &block);
        if (run == 0) {
            run = fat_complain(volume, "a file of %u bytes has clusters for less", file->bytes);
        }
        int result = run < 0 ? run
                             : read_run(volume, block, at % BLOCK_BYTES, (uint8_t *)buffer + done,
                                        (uint32_t)run);
        if (result < 0) {
            return done > 0 ? (int)done : result;
        }
        done += (uint32_t)run;
    }
    return (int)done;
}

/* Bytes of one block. is_fresh: nothing of what is there counts. */
static int write_part(struct fat_volume *volume, uint32_t block, uint32_t within, const void *from,
                      uint32_t size, bool is_fresh)
{
    uint8_t *data;
    int result = fat_block(volume, block, &data);
    if (result < 0) {
        return result;
    }
    if (is_fresh) {
        memset(data, 0, BLOCK_BYTES);
    }
    memcpy(data + within, from, size);
    return fat_block_write(volume, block);
}

static int write_run(struct fat_volume *volume, uint32_t block, uint32_t within,
                     const uint8_t *from, uint32_t size, bool is_fresh)
{
    int result = 0;
    while (size > 0 && result == 0) {
        uint32_t now = MIN(BLOCK_BYTES - within, size);
        if (within == 0 && size >= BLOCK_BYTES) {
            now = ALIGN_DOWN(size, BLOCK_BYTES);
            result = fat_blocks_write(volume, block, from, now / BLOCK_BYTES);
        } else {
            result = write_part(volume, block, within, from, now, is_fresh);
        }
        block += (within + now) / BLOCK_BYTES;
        within = 0;
        from += now;
        size -= now;
    }
    return result;
}

/* What lies in clusters that the file has. Returns the bytes written. */
static int overwrite(struct fat_volume *volume, struct fat_file *file, uint32_t offset,
                     const uint8_t *from, uint32_t size)
{
    uint32_t done = 0;
    while (done < size && file->first != 0) {
        uint32_t at = offset + done, block = 0;
        int run = find_run(volume, file, at, size - done, &block);
        if (run == 0) {
            break;
        }
        int result =
            run < 0 ? run
                    : write_run(volume, block, at % BLOCK_BYTES, from + done, (uint32_t)run, false);
        if (result < 0) {
            return result;
        }
        done += (uint32_t)run;
    }
    return (int)done;
}

/*
 * Takes clusters for up to `size` bytes and fills them, while nothing points at them. *first: of
 * the chain; returns the bytes written, fewer if the volume gets full.
 */
static int fill_new_chain(struct fat_volume *volume, uint32_t near, const uint8_t *from,
                          uint32_t size, uint32_t *first)
{
    uint32_t cluster_bytes = fat_cluster_bytes(volume), last = 0, done = 0;
    int result = 0;
    *first = 0;
    while (done < size) {
        uint32_t cluster = 0, now = MIN(size - done, cluster_bytes);
        result = fat_allocate(volume, last ? last : near, &cluster);
        if (result == 0) {
            result =
                write_run(volume, fat_cluster_block(volume, cluster), 0, from + done, now, true);
            if (*first == 0) {
                *first = cluster;
            } else if (result == 0) {
                result = fat_table_set(volume, last, cluster);
            }
        }
        if (result < 0) {
            break;
        }
        last = cluster;
        done += now;
    }
    if (done == 0 || (result < 0 && result != -ENOSPC)) {
        (void)fat_free_chain(volume, *first); /* the first error is the one to tell */
        return result;
    }
    result = fat_table_flush(volume);
    return result < 0 ? result : (int)done;
}

/* Appends behind the last cluster, at whose end `offset` is. Returns the bytes written. */
static int append(struct fat_volume *volume, struct fat_file *file, uint32_t offset,
                  const uint8_t *from, uint32_t size)
{
    uint32_t cluster_bytes = fat_cluster_bytes(volume), last = 0, first = 0, index, none;
    if (file->first != 0) {
        index = offset / cluster_bytes;
        int result = fat_chain_at(volume, &file->place, file->first, index, &none);
        if (result < 0) {
            return result;
        }
        if (offset % cluster_bytes != 0 || none != 0 || file->place.index + 1 != index) {
            return fat_complain(volume, "a file of %u bytes has clusters for less", file->bytes);
        }
        last = file->place.cluster;
    }
    int done = fill_new_chain(volume, last, from, size, &first);
    if (done <= 0) {
        return done;
    }
    if (last == 0) {
        file->first = first; /* its entry is written with the size */
        file->place = (struct fat_place){0};
        return done;
    }
    int result = fat_table_set(volume, last, first);
    if (result == 0) {
        result = fat_table_flush(volume);
    }
    return result < 0 ? result : done;
}

int fat_write(struct fat_volume *volume, struct fat_file *file, uint64_t offset, const void *buffer,
              uint32_t size)
{
    const uint8_t *from = buffer;
    if (file->is_directory) {
        return -EISDIR;
    }
    if (offset > file->bytes) {
        return -EINVAL;
    }
    size = MIN(MIN(size, FILESYSTEM_TRANSFER_MAX), BYTES_MAX - (uint32_t)offset);
    if (size == 0) {
        return offset == BYTES_MAX ? -EFBIG : 0;
    }
    int result = fat_begin_change(volume);
    if (result < 0) {
        return result;
    }
    uint32_t old_first = file->first, old_bytes = file->bytes;
    int done = overwrite(volume, file, (uint32_t)offset, from, size);
    if (done >= 0 && (uint32_t)done < size) {
        result = append(volume, file, (uint32_t)(offset + (uint32_t)done), from + done,
                        size - (uint32_t)done);
        done = result >= 0 ? done + result : done > 0 ? done : result;
    }
    if (done <= 0) {
        return done;
    }
    uint32_t end = (uint32_t)offset + (uint32_t)done;
    if (end > old_bytes || file->first != old_first) {
        file->bytes = MAX(end, old_bytes);
        result = fat_update_entry(volume, file->block, file->offset, file->first, file->bytes);
    }
    return result < 0 && result != -ENOSPC ? result : done;
}

/* The entry first: clusters that it does not know of any more are lost, and no other's. */
int fat_resize(struct fat_volume *volume, struct fat_file *file, uint64_t bytes)
{
    uint32_t cut = 0, last = 0;
    if (file->is_directory) {
        return -EISDIR;
    }
    if (bytes > file->bytes) {
        return -EINVAL;
    }
    if (bytes == file->bytes) {
        return 0;
    }
    int result = fat_begin_change(volume);
    if (result == 0 && bytes > 0) {
        result = fat_chain_at(volume, &file->place, file->first,
                              (uint32_t)(bytes - 1) / fat_cluster_bytes(volume), &last);
        if (result == 0 && last == 0) {
            result = fat_complain(volume, "a file of %u bytes has clusters for less", file->bytes);
        }
        if (result == 0) {
            result = fat_next(volume, last, &cut);
        }
    } else {
        cut = file->first;
    }
    if (result < 0) {
        return result;
    }
    uint32_t first = bytes > 0 ? file->first : 0;
    result = fat_update_entry(volume, file->block, file->offset, first, (uint32_t)bytes);
    if (result < 0) {
        return result;
    }
    file->bytes = (uint32_t)bytes;
    file->first = first;
    file->place = (struct fat_place){0};
    if (last != 0 && cut != 0) {
        result = fat_table_set(volume, last, FAT_END);
    }
    return result < 0 ? result : fat_free_chain(volume, cut);
}

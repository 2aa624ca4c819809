/* SPDX-License-Identifier: MIT */
/*
 * FAT as a file system on offer: volumes by number, one call on each at a time.
 *
 * A volume lies on the heap with all that is known of it - open files, blocks in memory, what is to
 * be freed - so a new version of this component goes on where the old one was. Nobody is inside
 * then: a volume that is marked as in use belonged to a call that was cut off.
 */
#include <errno.h>
#include <string.h>

#include <interface/command.h>
#include <interface/heap.h>
#include <neurath/cpu.h>
#include <neurath/offer.h>

#include "fat.h"

#define VOLUMES_MAX 8u
#define SETTLE_ROUNDS 64u /* when unmounting; what is left then are lost clusters */

struct fat_slot {
    uint32_t number; /* 0: free */
    uint32_t reserved;
    struct fat_volume *volume;
};

struct fat {
    struct spinlock lock; /* guards what follows, and each volume's is_busy */
    uint32_t numbers;
    struct fat_slot slots[VOLUMES_MAX];
};

STATE(struct fat) state = {};

/* The volume, for the caller alone until end(). */
static int take(uint32_t number, struct fat_volume **volume)
{
    int result = -ENOENT;
    uint64_t daif = spin_lock(&state.lock);
    for (uint32_t i = 0; i < VOLUMES_MAX; i++) {
        if (number != 0 && state.slots[i].number == number) {
            *volume = state.slots[i].volume;
            result = (*volume)->is_busy ? -EBUSY : 0;
            (*volume)->is_busy = 1; /* whoever it is */
        }
    }
    spin_unlock(&state.lock, daif);
    return result;
}

static int end(struct fat_volume *volume, int result)
{
    uint64_t daif = spin_lock(&state.lock);
    volume->is_busy = 0;
    spin_unlock(&state.lock, daif);
    return result;
}

/* The same, if its medium is still in. */
static int begin(uint32_t number, struct fat_volume **volume)
{
    struct block_info info;
    int result = take(number, volume);
    if (result < 0) {
        return result;
    }
    result = (*volume)->disk.read_info((*volume)->disk.unit, &info);
    if (result < 0 || info.medium != (*volume)->medium) {
        return end(*volume, -ENOMEDIUM);
    }
    return 0;
}

static int keep(struct fat_volume *volume, uint32_t *number)
{
    int result = -ENOSPC;
    uint64_t daif = spin_lock(&state.lock);
    for (uint32_t i = 0; i < VOLUMES_MAX && result < 0; i++) {
        if (state.slots[i].number == 0) {
            state.numbers += state.numbers == UINT32_MAX ? 2 : 1;
            state.slots[i] = (struct fat_slot){.number = state.numbers, .volume = volume};
            *number = state.numbers;
            result = 0;
        }
    }
    spin_unlock(&state.lock, daif);
    return result;
}

static int volume_mount(const struct block_ops *disk, uint32_t *number)
{
    struct why why = {""};
    struct fat_volume *volume = heap_new(struct fat_volume);
    if (!volume) {
        return -ENOMEM;
    }
    int result = fat_mount(volume, disk, &why);
    if (result == 0) {
        result = keep(volume, number);
    } else if (result == -ENXIO) {
        result = -EINVAL;
    } else {
        log_info("fat: cannot be mounted: %s", why.text);
    }
    if (result < 0) {
        (void)heap_free(volume); /* has just been allocated */
    }
    return result;
}

static int volume_unmount(uint32_t number)
{
    struct fat_volume *volume;
    int result = begin(number, &volume);
    if (result == 0) {
        result = 1;
        for (uint32_t i = 0; i < SETTLE_ROUNDS && result > 0; i++) {
            result = fat_settle(volume, true);
        }
        (void)end(volume, 0);
    } else if (result != -ENOMEDIUM) {
        return result;
    }
    if (take(number, &volume) < 0) { /* for good */
        return -ENOENT;
    }
    uint64_t daif = spin_lock(&state.lock);
    for (uint32_t i = 0; i < VOLUMES_MAX; i++) {
        if (state.slots[i].number == number) {
            state.slots[i] = (struct fat_slot){0};
        }
    }
    spin_unlock(&state.lock, daif);
    (void)heap_free(volume); /* it was ours */
    return MIN(result, 0);
}

static int volume_open(uint32_t number, const char *path, uint32_t flags, uint32_t *file,
                       struct file_info *info)
{
    struct fat_volume *volume;
    int result = begin(number, &volume);
    return result < 0 ? result : end(volume, fat_open(volume, path, flags, file, info));
}

static int volume_close(uint32_t number, uint32_t file)
{
    struct fat_volume *volume;
    int result = take(number, &volume); /* whatever became of the medium */
    return result < 0 ? result : end(volume, fat_close(volume, file));
}

static int volume_read(uint32_t number, uint32_t file, uint64_t offset, void *buffer, uint32_t size)
{
    struct fat_volume *volume;
    int result = begin(number, &volume);
    if (result < 0) {
        return result;
    }
    struct fat_file *open = fat_file(volume, file);
    return end(volume, open ? fat_read(volume, open, offset, buffer, size) : -ENOENT);
}

static int volume_write(uint32_t number, uint32_t file, uint64_t offset, const void *buffer,
                        uint32_t size)
{
    struct fat_volume *volume;
    int result = begin(number, &volume);
    if (result < 0) {
        return result;
    }
    struct fat_file *open = fat_file(volume, file);
    return end(volume, open ? fat_write(volume, open, offset, buffer, size) : -ENOENT);
}

static int volume_resize(uint32_t number, uint32_t file, uint64_t bytes)
{
    struct fat_volume *volume;
    int result = begin(number, &volume);
    if (result < 0) {
        return result;
    }
    struct fat_file *open = fat_file(volume, file);
    return end(volume, open ? fat_resize(volume, open, bytes) : -ENOENT);
}

static int volume_list(uint32_t number, uint32_t file, uint32_t *position, struct file_entry *entry)
{
    struct fat_volume *volume;
    int result = begin(number, &volume);
    return result < 0 ? result : end(volume, fat_list(volume, file, position, entry));
}

static int volume_remove(uint32_t number, const char *path, uint32_t is_directory)
{
    struct fat_volume *volume;
    int result = begin(number, &volume);
    return result < 0 ? result : end(volume, fat_remove(volume, path, is_directory));
}

static int volume_rename(uint32_t number, const char *path, const char *new_path)
{
    struct fat_volume *volume;
    int result = begin(number, &volume);
    return result < 0 ? result : end(volume, fat_rename(volume, path, new_path));
}

static int volume_settle(uint32_t number, uint32_t is_sync)
{
    struct fat_volume *volume;
    int result = begin(number, &volume);
    return result < 0 ? result : end(volume, fat_settle(volume, is_sync));
}

static int volume_read_info(uint32_t number, struct volume_info *info)
{
    struct fat_volume *volume;
    int result = begin(number, &volume);
    return result < 0 ? result : end(volume, fat_read_volume(volume, info));
}

static bool is_mounted(const struct block_ops *disk)
{
    bool is_found = false;
    uint64_t daif = spin_lock(&state.lock);
    for (uint32_t i = 0; i < VOLUMES_MAX; i++) {
        const struct fat_volume *volume = state.slots[i].volume;
        is_found |= state.slots[i].number != 0 && volume->disk.unit == disk->unit &&
                    volume->disk.read == disk->read;
    }
    spin_unlock(&state.lock, daif);
    return is_found;
}

/* Is there a partition on that disk? By names: disk mmc0, partition mmc0p1. */
static bool has_partitions(const char *disk)
{
    struct offer offer;
    size_t length = strlen(disk);
    for (uint32_t id = 0; offer_find(BLOCK_KIND, NULL, id, &offer) == 0; id = offer.id) {
        struct block_ops ops;
        struct block_info info;
        memcpy(&ops, offer.table, sizeof(ops));
        if (strncmp(offer.name, disk, length) == 0 && offer.name[length] == 'p' &&
            ops.read_info(ops.unit, &info) == 0 && info.is_partition && info.medium != 0) {
            return true;
        }
    }
    return false;
}

static int run_format(int count, char *const words[], struct command_output *output)
{
    struct offer offer;
    struct block_ops disk;
    struct why why;
    if (count != 3 || strcmp(words[2], "yes") != 0) {
        command_print(output, "usage: format DEVICE yes\n");
        return -EINVAL;
    }
    if (strlen(words[1]) >= OFFER_NAME_BYTES || offer_find(BLOCK_KIND, words[1], 0, &offer) < 0) {
        command_print(output, "there is no block device called %.24s\n", words[1]);
        return -ENOENT;
    }
    memcpy(&disk, offer.table, sizeof(disk));
    if (is_mounted(&disk)) {
        command_print(output, "%s is mounted: unmount it first\n", words[1]);
        return -EBUSY;
    }
    if (has_partitions(words[1])) {
        command_print(output, "%s has partitions: format one of those\n", words[1]);
        return -EBUSY;
    }
    int result = fat_format(&disk, &why);
    if (result < 0) {
        command_print(output, "%s cannot be formatted: %.160s\n", words[1], why.text);
    } else {
        command_print(output, "%s is an empty FAT now\n", words[1]);
    }
    return result;
}

static int start(void)
{
    static const struct command_ops command = {run_format,
                                               "format DEVICE yes - makes an empty FAT of it"};
    const struct filesystem_ops ops = {
        .mount = volume_mount,
        .unmount = volume_unmount,
        .open = volume_open,
        .close = volume_close,
        .read = volume_read,
        .write = volume_write,
        .resize = volume_resize,
        .list = volume_list,
        .remove = volume_remove,
        .rename = volume_rename,
        .settle = volume_settle,
        .read_volume = volume_read_info,
    };
    static_assert(sizeof(ops) <= OFFER_BYTES, "fits an offer");
    state = (struct fat){.numbers = state.numbers};
    int result = offer_add(FILESYSTEM_KIND, "fat", &ops, sizeof(ops));
    return result < 0 ? result : offer_add(COMMAND_KIND, "format", &command, sizeof(command));
}

static int adopt(void)
{
    for (uint32_t i = 0; i < VOLUMES_MAX; i++) {
        if (state.slots[i].number != 0) {
            state.slots[i].volume->is_busy = 0;
        }
    }
    return 0;
}

COMPONENT(fat, .version = VERSION(1, 0, 0), .summary = "FAT16 and FAT32, read and written",
          .start = start, .adopt = adopt);

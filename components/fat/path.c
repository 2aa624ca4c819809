/* SPDX-License-Identifier: MIT */
/* What is done by paths: opening, listing, removing, renaming. */
#include <errno.h>
#include <string.h>

#include "fat.h"

struct target {
    bool is_root;
    bool is_there;
    uint32_t directory; /* in which it is, or would be */
    struct fat_entry entry;
};

/*
 * Follows a path; its last name, which need not be there, stands in volume->wanted then. -EINVAL:
 * the way leads through the directory `forbidden` (0: none is).
 */
static int follow(struct fat_volume *volume, const char *path, uint32_t forbidden,
                  struct target *target)
{
    *target = (struct target){.is_root = *path == '\0', .directory = fat_root(volume)};
    while (*path) {
        size_t bytes = strcspn(path, "/");
        int units = fat_name_to_units(path, bytes, volume->wanted);
        if (units < 0) {
            return units;
        }
        volume->wanted_units = (uint32_t)units;
        int result =
            fat_find(volume, target->directory, volume->wanted, (uint32_t)units, &target->entry);
        path += bytes;
        if (*path == '\0') {
            target->is_there = result == 0;
            return result == -ENOENT ? 0 : result;
        }
        path++;
        if (result < 0) {
            return result;
        }
        if (!(target->entry.attributes & FAT_DIRECTORY)) {
            return -ENOTDIR;
        }
        target->directory = target->entry.first;
        if (!fat_is_cluster(volume, target->directory)) {
            return fat_complain(volume, "a directory begins at cluster %u, which is none",
                                target->directory);
        }
        if (target->directory == forbidden) {
            return -EINVAL;
        }
    }
    return 0;
}

/* Makes an empty file or a directory where target says that there is none. */
static int create(struct fat_volume *volume, struct target *target, bool is_directory)
{
    uint32_t first = 0;
    int result = fat_begin_change(volume);
    if (result == 0 && is_directory) {
        result = fat_make_directory(volume, target->directory, &first);
    }
    target->entry = (struct fat_entry){.attributes = is_directory ? FAT_DIRECTORY : FAT_ARCHIVE,
                                       .first = first,
                                       .time = (uint16_t)volume->now,
                                       .date = (uint16_t)(volume->now >> 16)};
    if (result == 0) {
        result = fat_add_entry(volume, target->directory, &target->entry);
    }
    if (result < 0 && first != 0) {
        (void)fat_free_chain(volume, first); /* the first error is the one to tell */
    }
    return result;
}

static int check_flags(const struct fat_volume *volume, const struct target *target, uint32_t flags)
{
    bool is_directory = target->is_root || (target->entry.attributes & FAT_DIRECTORY);
    if (!target->is_root && !target->is_there) {
        return flags & FILE_CREATE ? 0 : -ENOENT;
    }
    if ((flags & FILE_CREATE) && (flags & FILE_EXCLUSIVE)) {
        return -EEXIST;
    }
    if (is_directory != ((flags & FILE_DIRECTORY) != 0)) {
        return is_directory ? -EISDIR : -ENOTDIR;
    }
    bool is_read_only = volume->is_read_only || (target->entry.attributes & FAT_READ_ONLY);
    return (flags & FILE_WRITE) && is_read_only ? -EROFS : 0;
}

int fat_open(struct fat_volume *volume, const char *path, uint32_t flags, uint32_t *number,
             struct file_info *info)
{
    struct target target;
    int result = follow(volume, path, 0, &target);
    if (result == 0 && flags == FILE_LOOK) {
        result = target.is_root || target.is_there ? 0 : -ENOENT;
    } else if (result == 0 && !(flags & (FILE_READ | FILE_WRITE | FILE_DIRECTORY))) {
        result = -EINVAL;
    } else if (result == 0) {
        result = check_flags(volume, &target, flags);
        if (result == 0 && !target.is_root && !target.is_there) {
            result = create(volume, &target, flags & FILE_DIRECTORY);
        }
        if (result == 0) {
            result = fat_file_open(volume, target.is_root ? NULL : &target.entry, number);
        }
        if (result == 0 && (flags & FILE_TRUNCATE) && (flags & FILE_WRITE)) {
            result = fat_resize(volume, fat_file(volume, *number), 0);
            target.entry.bytes = 0;
            if (result < 0) {
                (void)fat_close(volume, *number); /* has just been opened */
            }
        }
    }
    if (result == 0 && info) {
        *info = (struct file_info){.is_directory = 1};
        if (!target.is_root) {
            fat_fill_info(&target.entry, info);
        }
    }
    return result;
}

int fat_list(struct fat_volume *volume, uint32_t number, uint32_t *position,
             struct file_entry *entry)
{
    struct fat_file *file = fat_file(volume, number);
    struct fat_entry found;
    int result;
    if (!file || !file->is_directory) {
        return file ? -ENOTDIR : -ENOENT;
    }
    uint32_t directory = file->is_root ? fat_root(volume) : file->first;
    do {
        result = fat_next_entry(volume, directory, position, &found);
    } while (result == 0 && fat_is_dots(&found));
    if (result == 0) {
        fat_fill_info(&found, &entry->info);
        fat_units_to_name(volume->found, found.units, entry->name, sizeof(entry->name));
    }
    return result;
}

static int check_removal(struct fat_volume *volume, const struct target *target, bool is_directory)
{
    const struct fat_entry *entry = &target->entry;
    if (target->is_root) {
        return -EBUSY;
    }
    if (!target->is_there) {
        return -ENOENT;
    }
    if (is_directory != ((entry->attributes & FAT_DIRECTORY) != 0)) {
        return is_directory ? -ENOTDIR : -EISDIR;
    }
    if (entry->attributes & FAT_READ_ONLY) {
        return -EROFS;
    }
    if (fat_file_at(volume, entry->block, entry->offset)) {
        return -EBUSY;
    }
    if (!is_directory) {
        return 0;
    }
    if (!fat_is_cluster(volume, entry->first) || entry->first == fat_root(volume)) {
        return fat_complain(volume, "a directory begins at cluster %u, which cannot be",
                            entry->first);
    }
    int result = fat_is_empty(volume, entry->first);
    return result == 0 ? -ENOTEMPTY : result < 0 ? result : 0;
}

int fat_remove(struct fat_volume *volume, const char *path, bool is_directory)
{
    struct target target;
    int result = follow(volume, path, 0, &target);
    if (result == 0) {
        result = check_removal(volume, &target, is_directory);
    }
    if (result == 0) {
        result = fat_begin_change(volume);
    }
    if (result == 0) {
        result = fat_strike_entry(volume, &target.entry);
    }
    if (result < 0) {
        return result;
    }
    if (target.entry.first != 0 && !fat_is_cluster(volume, target.entry.first)) {
        return 0; /* it never had any */
    }
    return fat_free_chain(volume, target.entry.first);
}

static bool is_same(const struct fat_entry *a, const struct fat_entry *b)
{
    return a->block == b->block && a->offset == b->offset;
}

/* The new entry first, so that at no time there is none; then who its parent is; then the old. */
static int move(struct fat_volume *volume, const struct fat_entry *old, uint32_t directory,
                struct fat_entry *new)
{
    int result = fat_begin_change(volume);
    if (result == 0) {
        result = fat_add_entry(volume, directory, new);
    }
    if (result < 0) {
        return result;
    }
    if ((old->attributes & FAT_DIRECTORY) && directory != old->directory) {
        result = fat_set_parent(volume, old->first, directory);
    }
    if (result == 0) {
        result = fat_strike_entry(volume, old);
    }
    if (result < 0) {
        (void)fat_strike_entry(volume, new); /* the first error is the one to tell */
    }
    return result;
}

int fat_rename(struct fat_volume *volume, const char *path, const char *new_path)
{
    struct target from, to = {0};
    int result = follow(volume, path, 0, &from);
    if (result == 0 && (from.is_root || !from.is_there)) {
        result = from.is_root ? -EBUSY : -ENOENT;
    }
    bool is_directory = from.entry.attributes & FAT_DIRECTORY;
    if (result == 0 && is_directory && !fat_is_cluster(volume, from.entry.first)) {
        result = fat_complain(volume, "a directory begins at cluster %u, which is none",
                              from.entry.first);
    }
    if (result == 0) {
        result = follow(volume, new_path, is_directory ? from.entry.first : 0, &to);
    }
    if (result == 0 && (to.is_root || (to.is_there && !is_same(&from.entry, &to.entry)))) {
        result = -EEXIST;
    }
    if (result < 0) {
        return result;
    }
    struct fat_entry new = from.entry;
    struct fat_file *file = fat_file_at(volume, from.entry.block, from.entry.offset);
    result = move(volume, &from.entry, to.directory, &new);
    if (result == 0 && file) {
        file->block = new.block;
        file->offset = new.offset;
    }
    return result;
}

/* SPDX-License-Identifier: MIT */
/*
 * File systems: offers of kind FILESYSTEM_KIND - what understands the bytes of a volume. Programs
 * do not call these; they call the vfs (interface/vfs.h), which mounts volumes and hands out
 * handles.
 *
 * Calls on one volume come one at a time: the caller sees to it. Paths are relative to the volume's
 * root, which is "": names in UTF-8, parted by single slashes, without "." and "..". What stands on
 * a medium may be anything: it is met with -EIO and words in the log.
 */
#pragma once

#include <interface/block.h>

INTERFACE(filesystem, 1, 0);

#define FILESYSTEM_KIND "filesystem"
#define FILESYSTEM_NAME_BYTES 768u     /* 255 units of UTF-16, three bytes each, and a NUL */
#define FILESYSTEM_PATH_BYTES 1024u    /* with its NUL */
#define FILESYSTEM_TRANSFER_MAX 65536u /* bytes in one call: so that each call ends soon */

/* How to open. Of FILE_READ and FILE_WRITE at least one, unless it is a directory or a look. */
enum file_flags {
    FILE_READ = 1,
    FILE_WRITE = 2,
    FILE_CREATE = 4,     /* makes it if it is not there */
    FILE_EXCLUSIVE = 8,  /* with CREATE: -EEXIST if it is there */
    FILE_TRUNCATE = 16,  /* with WRITE: its contents go */
    FILE_DIRECTORY = 32, /* a directory, for list(); with CREATE: makes one */
    FILE_LOOK = 64,      /* only fills *info: nothing stays open; no other flag */
};

struct file_info {
    uint64_t bytes; /* of a file's contents; 0 for a directory */
    uint32_t is_directory;
    uint32_t
        is_read_only; /* 1: marked as not to be written; such a file is opened for reading only */
    uint16_t year;    /* when it was changed last, in whatever zone its writer was; 0: unknown */
    uint8_t month, day, hour, minute, second;
    uint8_t reserved;
};

struct file_entry {
    struct file_info info;
    char name[FILESYSTEM_NAME_BYTES];
};

struct volume_info {
    char kind[8];        /* "FAT32" */
    char label[16];      /* "" if it has none */
    uint64_t bytes;      /* room for contents, all in all */
    uint64_t free_bytes; /* of them; counted at leisure: see is_free_known */
    uint32_t is_free_known;
    uint32_t cluster_bytes; /* what a file takes is a multiple of this */
    uint32_t is_read_only;
    uint32_t is_damaged; /* 1: something was found that cannot be; have it checked */
};

/*
 * The table of an offer. Context of all: thread. Errors that all may return:
 *   -ENOENT     no such volume, or file number
 *   -ENOMEDIUM  the medium is gone, or another one is in: the volume is to be unmounted
 *   -EIO        the device failed, or what stands on it makes no sense
 *   -EBUSY      another call is at work on the volume
 */
struct filesystem_ops {
    /*
     * Mounts a volume; the table is copied. *volume is its number. -EINVAL: this is no volume of
     * this file system (said in the log at level debug, or info if it is nearly one). -ENOMEM,
     * -ENOSPC: no room for one more.
     */
    int (*mount)(const struct block_ops *disk, uint32_t *volume);

    /* Settles what it can and forgets the volume; its files are closed. */
    int (*unmount)(uint32_t volume);

    /*
     * Opens, creates or looks; *info may be NULL. -ENOENT: not there. -EEXIST. -ENOTDIR, -EISDIR:
     * it, or something on the way, is the other one. -EINVAL: a name that cannot be. -EILSEQ: not
     * UTF-8. -ENAMETOOLONG. -ENOSPC: the volume or its directory is full. -EROFS: the medium or the
     * file is not to be written. -EMFILE: too many are open.
     */
    int (*open)(uint32_t volume, const char *path, uint32_t flags, uint32_t *file,
                struct file_info *info);
    int (*close)(uint32_t volume, uint32_t file);

    /*
     * Read or write up to FILESYSTEM_TRANSFER_MAX bytes from `offset` on. They return how many,
     * which may be fewer; read: 0 at the end. A write begins at or before the end (else -EINVAL:
     * there are no holes), and what it returns is in the file, size and all. -ENOSPC, -EFBIG,
     * -EROFS.
     */
    int (*read)(uint32_t volume, uint32_t file, uint64_t offset, void *buffer, uint32_t size);
    int (*write)(uint32_t volume, uint32_t file, uint64_t offset, const void *buffer,
                 uint32_t size);

    /* Cuts a file to `bytes`. -EINVAL: that would make it longer. */
    int (*resize)(uint32_t volume, uint32_t file, uint64_t bytes);

    /*
     * Reads an entry of an open directory: *position is 0 for the first, and is moved on to the
     * next. -ENOENT: no more. What is made or removed meanwhile may be seen or not; the rest once.
     */
    int (*list)(uint32_t volume, uint32_t file, uint32_t *position, struct file_entry *entry);

    /* Removes a file, or an empty directory. -EBUSY: it is open. -ENOTEMPTY. -EROFS. As open(). */
    int (*remove)(uint32_t volume, const char *path, uint32_t is_directory);

    /*
     * Gives a file or directory another name and place, open or not. -EEXIST: the new path is
     * taken, unless by the same file under other letters. -EINVAL: a directory into itself.
     */
    int (*rename)(uint32_t volume, const char *path, const char *new_path);

    /*
     * Does a piece of what was put off (free what was removed, count what is free). 1: there is
     * more; 0: all is done. is_sync: besides, when all is done, all that was written is on the
     * medium and the volume is marked as clean.
     */
    int (*settle)(uint32_t volume, uint32_t is_sync);

    int (*read_volume)(uint32_t volume, struct volume_info *info); /* 0 */
};

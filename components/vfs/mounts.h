/* SPDX-License-Identifier: MIT */
/*
 * The mounted volumes, and what is to be tried next. No locking: the vfs's own.
 */
#pragma once

#include <interface/vfs.h>
#include <neurath/offer.h>

#define MOUNTS_MAX 8u
#define TRIED_MAX 32u

struct mount {
    uint32_t id; /* never used twice; 0: the place is free */
    uint32_t disk_offer, filesystem_offer;
    uint32_t medium;
    uint32_t volume;
    uint32_t is_written; /* 1: to be synced */
    uint32_t is_settled; /* 1: nothing is put off */
    uint32_t is_gone;    /* 1: its medium or one of its components has left */
    uint64_t written_ns; /* when it was written last */
    char name[VFS_NAME_BYTES];
    char device[VFS_NAME_BYTES];
    struct block_ops disk;
    struct filesystem_ops ops;
};

/* A medium that is not to be mounted by itself: nobody knew it, or it was unmounted by hand. */
struct tried {
    uint32_t disk_offer, medium;
};

struct mounts {
    uint32_t ids;
    uint32_t filesystems; /* the newest file system's offer that was seen */
    uint32_t next_tried;
    uint32_t reserved;
    struct mount mount[MOUNTS_MAX];
    struct tried tried[TRIED_MAX];
};

/* By name, or by id; NULL: there is none. */
struct mount *mounts_find(struct mounts *mounts, const char *name);
struct mount *mounts_find_id(struct mounts *mounts, uint32_t id);

/* As vfs_mount(). */
int mounts_add(struct mounts *mounts, const struct offer *disk);
/* Unmounts and forgets, whatever the file system says. is_by_hand: not to be mounted again. */
void mounts_remove(struct mounts *mounts, struct mount *mount, bool is_by_hand);

/* Marks those as gone whose disk, medium or file system is no longer there. */
void mounts_check(struct mounts *mounts);
/* Mounts one medium that is new; true: there may be more. */
bool mounts_add_new(struct mounts *mounts);

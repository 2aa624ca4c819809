/* SPDX-License-Identifier: MIT */
/*
 * Files, for everybody: paths, handles, mounts. One provider at a time.
 *
 * Below "/" there is a directory for each mounted volume: /card is the first partition of the card
 * in the slot (mmc0p1), /ram the disk in RAM (ram0), any other is called like its block device.
 * Volumes are mounted as they come. Paths begin with "/" and are UTF-8; "." and ".." and doubled
 * slashes are understood. There is no current directory.
 *
 * One call at a time is carried out; a caller that comes in between gets -EAGAIN, waits for
 * vfs_event() and tries again, as with all that may have to wait:
 *
 *     uint32_t seen = event_read(vfs_event());
 *     int result = vfs_read(handle, offset, buffer, size);
 *     if (result == -EAGAIN) come again when vfs_event() is no longer `seen`
 *
 * A handle is a number, looked up in every call: it outlives the replacement of this component, of
 * the file system, and of its owner by a new version. It belongs to the component whose name was
 * given when it was opened; when no component of that name is in the world any more, it is closed.
 * A number is not used again soon. When its medium has gone, all but vfs_close() return -ENOMEDIUM.
 *
 * What was written is with the device when the call returns; a second later, or by vfs_sync(), the
 * volume is marked as clean. Errors besides those listed: as in interface/filesystem.h; -EAGAIN;
 * -EBADF: there is no such handle; -EINVAL: a path that cannot be; -ENAMETOOLONG.
 */
#pragma once

#include <interface/filesystem.h>
#include <neurath/event.h>

INTERFACE(vfs, 1, 0);

#define VFS_NAME_BYTES 24u /* of a mount */
#define VFS_HANDLES 64u

struct vfs_mount {
    char name[VFS_NAME_BYTES];   /* without "/" */
    char device[VFS_NAME_BYTES]; /* the block device's offer */
    uint32_t handles;            /* open on it */
    uint32_t reserved;
    struct volume_info volume;
};

struct vfs_handle {
    uint32_t number;
    uint32_t flags;
    char owner[32];             /* the component's name */
    char mount[VFS_NAME_BYTES]; /* "" for "/", "?" if it has gone */
};

/*
 * Opens a file or directory (flags: FILE_…, not FILE_LOOK). owner: the name of the component that
 * opens it. *info may be NULL. -EMFILE: too many handles. -EPERM: no component is called so.
 */
GATED(thread)
int vfs_open(const char *owner, const char *path, uint32_t flags, uint32_t *handle,
             struct file_info *info);
GATED(thread) int vfs_close(uint32_t handle);

/*
 * Read or write from `offset` on, at most FILESYSTEM_TRANSFER_MAX bytes; they return how many, as
 * filesystem_ops do. -EACCES: the handle was not opened for that.
 */
GATED(thread) int vfs_read(uint32_t handle, uint64_t offset, void *buffer, uint32_t size);
GATED(thread) int vfs_write(uint32_t handle, uint64_t offset, const void *buffer, uint32_t size);
GATED(thread) int vfs_truncate(uint32_t handle, uint64_t bytes);

/* The next entry of an open directory, as filesystem_ops.list. */
GATED(thread) int vfs_list(uint32_t handle, uint32_t *position, struct file_entry *entry);

/* What stands at a path. */
GATED(thread) int vfs_look(const char *path, struct file_info *info);

GATED(thread) int vfs_make_directory(const char *path);
GATED(thread) int vfs_remove(const char *path);           /* a file */
GATED(thread) int vfs_remove_directory(const char *path); /* an empty one */

/* -EXDEV: the two are not on one volume. */
GATED(thread) int vfs_rename(const char *path, const char *new_path);

/*
 * Does a piece of what is left to be done until all volumes are clean. 1: come again; 0: they are.
 */
GATED(thread) int vfs_sync(void);

/*
 * Mounts a block device by hand, as after it was formatted. -ENOENT: there is no such device.
 * -EBUSY: it is mounted. -EINVAL: no file system knows what is on it. -ENOSPC: no room.
 */
GATED(thread) int vfs_mount(const char *device);

/* Unmounts by the mount's name; it stays so until the medium changes. -EBUSY: handles are open. */
GATED(thread) int vfs_unmount(const char *name);

/* Copies mount, or handle, number `index` (from 0). -ENOENT: no more. */
GATED(thread) int vfs_read_mount(uint32_t index, struct vfs_mount *mount);
GATED(thread) int vfs_read_handle(uint32_t index, struct vfs_handle *handle);

/* Signalled when a call that was refused with -EAGAIN may be tried again. */
GATED(any) struct event *vfs_event(void);

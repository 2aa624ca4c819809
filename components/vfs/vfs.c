/* SPDX-License-Identifier: MIT */
/*
 * Files for everybody: handles on what file systems have mounted.
 *
 * One call at a time has the word `is_taken`; the others are told to come again, since waiting is
 * not for a component. All that goes on between two calls is in the state: handles, mounts, pages.
 * The one worker follows offers and media, looks at them anyway a few times a second, syncs what
 * was written and then left alone, and closes the handles of components that have left.
 */
#include <errno.h>
#include <string.h>

#include <interface/vfs.h>
#include <neurath/library.h>
#include <neurath/thread.h>
#include <neurath/time.h>

#include "handles.h"
#include "path.h"

#define LOOK_US 250000
#define QUIET_NS 1000000000u /* without a write: then a volume is synced */
#define SWEEP_LOOKS 8u       /* how many looks are between two at the owners of handles */

struct vfs {
    struct event released;
    uint32_t is_taken;
    uint32_t is_wanted; /* somebody was told to come again */
    /* Of who has is_taken: */
    uint32_t looks;
    uint32_t reserved;
    struct path path, other_path; /* of the call */
    struct handles handles;
};

STATE(struct vfs) state = {};

static int enter(void)
{
    if (__atomic_exchange_n(&state.is_taken, 1, __ATOMIC_SEQ_CST) == 0) {
        return 0;
    }
    __atomic_store_n(&state.is_wanted, 1, __ATOMIC_SEQ_CST);
    /* It may have been given up just before the wish was written down. */
    return __atomic_exchange_n(&state.is_taken, 1, __ATOMIC_SEQ_CST) == 0 ? 0 : -EAGAIN;
}

static int leave(int result)
{
    __atomic_store_n(&state.is_taken, 0, __ATOMIC_SEQ_CST);
    if (__atomic_exchange_n(&state.is_wanted, 0, __ATOMIC_SEQ_CST)) {
        event_signal(&state.released);
    }
    return result;
}

struct event *vfs_event(void)
{
    return &state.released;
}

static void note_change(struct mount *mount)
{
    mount->is_written = 1;
    mount->is_settled = 0;
    mount->written_ns = time_now_ns();
}

/* The handle and its mount, for an operation that needs `flags`. */
static int find_open(uint32_t number, uint32_t flags, struct handle **handle, struct mount **mount)
{
    *handle = handles_find(&state.handles, number);
    if (!*handle) {
        return -EBADF;
    }
    if (((*handle)->flags & flags) != flags) {
        return -EACCES;
    }
    *mount = mounts_find_id(&state.handles.mounts, (*handle)->mount);
    if ((*handle)->mount == 0) {
        return 0; /* "/" */
    }
    return *mount && !(*mount)->is_gone ? 0 : -ENOMEDIUM;
}

/* enter(), and find_open(); to be left if it returns 0. */
static int enter_open(uint32_t number, uint32_t flags, struct handle **handle, struct mount **mount)
{
    int result = enter();
    if (result < 0) {
        return result;
    }
    result = find_open(number, flags, handle, mount);
    return result < 0 ? leave(result) : 0;
}

/* Parses a path below a mount. -EBUSY: it is "/" or a mount itself, and must not be. */
static int find_path(const char *text, struct path *path, bool may_be_root, struct mount **mount)
{
    int result = path_parse(text, path);
    if (result < 0) {
        return result;
    }
    *mount = mounts_find(&state.handles.mounts, path->mount);
    if (path->mount[0] == '\0' || (*mount && path->rest[0] == '\0')) {
        return may_be_root ? 0 : -EBUSY;
    }
    return *mount ? 0 : -ENOENT;
}

static int open_taken(const char *owner, const char *text, uint32_t flags, uint32_t *number,
                      struct file_info *info)
{
    struct mount *mount;
    uint32_t file = 0;
    int result = find_path(text, &state.path, true, &mount);
    if (result == 0 && !mount && state.path.mount[0] != '\0') {
        result = -ENOENT;
    }
    struct handle *handle = result == 0 ? handles_find_place(&state.handles) : NULL;
    if (!handle) {
        return result < 0 ? result : -EMFILE;
    }
    if (mount) {
        result = handles_judge(mount,
                               mount->ops.open(mount->volume, state.path.rest, flags, &file, info));
        if (flags & (FILE_CREATE | FILE_TRUNCATE)) {
            note_change(mount);
        }
        if (result == 0 && (flags & FILE_TRUNCATE)) {
            pages_drop(&state.handles.pages, mount->id, file);
        }
    } else if (!(flags & FILE_DIRECTORY)) {
        result = -EISDIR;
    } else if (flags & FILE_CREATE) {
        result = -EEXIST;
    } else if (info) {
        *info = (struct file_info){.is_directory = 1};
    }
    if (result < 0) {
        return result;
    }
    struct handle contents = {.mount = mount ? mount->id : 0, .file = file, .flags = flags};
    (void)format_print(contents.owner, sizeof(contents.owner), "%s", owner);
    *number = handles_fill(&state.handles, handle, &contents);
    return 0;
}

int vfs_open(const char *owner, const char *path, uint32_t flags, uint32_t *handle,
             struct file_info *info)
{
    if (flags & FILE_LOOK) {
        return -EINVAL;
    }
    if (!handles_is_in_world(owner)) {
        return -EPERM;
    }
    int result = enter();
    return result < 0 ? result : leave(open_taken(owner, path, flags, handle, info));
}

int vfs_close(uint32_t number)
{
    int result = enter();
    if (result < 0) {
        return result;
    }
    struct handle *handle = handles_find(&state.handles, number);
    if (handle) {
        handles_close(&state.handles, handle);
    }
    return leave(handle ? 0 : -EBADF);
}

int vfs_read(uint32_t number, uint64_t offset, void *buffer, uint32_t size)
{
    struct handle *handle;
    struct mount *mount;
    int result = enter_open(number, FILE_READ, &handle, &mount);
    if (result < 0) {
        return result;
    }
    if (!mount || (handle->flags & FILE_DIRECTORY)) {
        return leave(-EISDIR);
    }
    if (offset > UINT32_MAX) {
        return leave(0); /* no file is so long, and no page has such an index */
    }
    return leave(handles_read(&state.handles, handle, mount, offset, buffer,
                              MIN(size, FILESYSTEM_TRANSFER_MAX)));
}

int vfs_write(uint32_t number, uint64_t offset, const void *buffer, uint32_t size)
{
    struct handle *handle;
    struct mount *mount;
    int result = enter_open(number, FILE_WRITE, &handle, &mount);
    if (result < 0) {
        return result;
    }
    if (!mount) {
        return leave(-EISDIR);
    }
    size = MIN(size, FILESYSTEM_TRANSFER_MAX);
    note_change(mount);
    result =
        handles_judge(mount, mount->ops.write(mount->volume, handle->file, offset, buffer, size));
    if (result > 0) {
        pages_write(&state.handles.pages, handle->mount, handle->file, offset, buffer,
                    (uint32_t)result);
    } else {
        pages_drop(&state.handles.pages, handle->mount, handle->file); /* any part may be written */
    }
    return leave(result);
}

int vfs_truncate(uint32_t number, uint64_t bytes)
{
    struct handle *handle;
    struct mount *mount;
    int result = enter_open(number, FILE_WRITE, &handle, &mount);
    if (result < 0) {
        return result;
    }
    if (!mount) {
        return leave(-EISDIR);
    }
    note_change(mount);
    pages_drop(&state.handles.pages, handle->mount, handle->file);
    result = handles_judge(mount, mount->ops.resize(mount->volume, handle->file, bytes));
    return leave(result);
}

/* "/" holds the mounts. */
static int list_mounts(uint32_t *position, struct file_entry *entry)
{
    while (*position < MOUNTS_MAX) {
        const struct mount *mount = &state.handles.mounts.mount[(*position)++];
        if (mount->id != 0 && !mount->is_gone) {
            entry->info = (struct file_info){.is_directory = 1};
            (void)format_print(entry->name, sizeof(entry->name), "%s", mount->name);
            return 0;
        }
    }
    return -ENOENT;
}

int vfs_list(uint32_t number, uint32_t *position, struct file_entry *entry)
{
    struct handle *handle;
    struct mount *mount;
    int result = enter_open(number, FILE_DIRECTORY, &handle, &mount);
    if (result < 0) {
        return result;
    }
    return leave(
        mount ? handles_judge(mount, mount->ops.list(mount->volume, handle->file, position, entry))
              : list_mounts(position, entry));
}

int vfs_look(const char *path, struct file_info *info)
{
    struct mount *mount;
    uint32_t file;
    int result = enter();
    if (result < 0) {
        return result;
    }
    result = find_path(path, &state.path, true, &mount);
    if (result == 0 && mount) {
        result = handles_judge(
            mount, mount->ops.open(mount->volume, state.path.rest, FILE_LOOK, &file, info));
    } else if (result == 0 && state.path.mount[0] == '\0') {
        *info = (struct file_info){.is_directory = 1};
    } else if (result == 0) {
        result = -ENOENT;
    }
    return leave(result);
}

int vfs_make_directory(const char *path)
{
    struct mount *mount;
    uint32_t file;
    int result = enter();
    if (result < 0) {
        return result;
    }
    result = find_path(path, &state.path, false, &mount);
    if (result == 0) {
        note_change(mount);
        result = handles_judge(mount, mount->ops.open(mount->volume, state.path.rest,
                                                      FILE_DIRECTORY | FILE_CREATE | FILE_EXCLUSIVE,
                                                      &file, NULL));
        if (result == 0) {
            result = handles_judge(mount, mount->ops.close(mount->volume, file));
        }
    }
    return leave(result == -EBUSY ? -EEXIST : result); /* a mount is there already */
}

static int remove_any(const char *path, bool is_directory)
{
    struct mount *mount;
    int result = enter();
    if (result < 0) {
        return result;
    }
    result = find_path(path, &state.path, false, &mount);
    if (result == 0) {
        note_change(mount);
        result =
            handles_judge(mount, mount->ops.remove(mount->volume, state.path.rest, is_directory));
    }
    return leave(result);
}

int vfs_remove(const char *path)
{
    return remove_any(path, false);
}

int vfs_remove_directory(const char *path)
{
    return remove_any(path, true);
}

int vfs_rename(const char *path, const char *new_path)
{
    struct mount *from, *to;
    int result = enter();
    if (result < 0) {
        return result;
    }
    result = find_path(path, &state.path, false, &from);
    if (result == 0) {
        result = find_path(new_path, &state.other_path, false, &to);
    }
    if (result == 0 && from != to) {
        result = -EXDEV;
    }
    if (result == 0) {
        note_change(from);
        result = handles_judge(
            from, from->ops.rename(from->volume, state.path.rest, state.other_path.rest));
    }
    return leave(result);
}

/* A piece of what one mount has put off. 1: there is more. */
static int settle(struct mount *mount, bool is_sync)
{
    int result = handles_judge(mount, mount->ops.settle(mount->volume, is_sync));
    if (result <= 0 && is_sync) {
        mount->is_written = 0;
    } else if (result <= 0) {
        mount->is_settled = 1;
    }
    return result;
}

int vfs_sync(void)
{
    int result = enter();
    if (result < 0) {
        return result;
    }
    for (uint32_t i = 0; i < MOUNTS_MAX && result == 0; i++) {
        struct mount *mount = &state.handles.mounts.mount[i];
        if (mount->id != 0 && !mount->is_gone && mount->is_written) {
            result = settle(mount, true);
        }
    }
    return leave(result);
}

int vfs_mount(const char *device)
{
    struct offer offer;
    if (strlen(device) >= OFFER_NAME_BYTES || offer_find(BLOCK_KIND, device, 0, &offer) < 0) {
        return -ENOENT;
    }
    int result = enter();
    return result < 0 ? result : leave(mounts_add(&state.handles.mounts, &offer));
}

int vfs_unmount(const char *name)
{
    int result = enter();
    if (result < 0) {
        return result;
    }
    struct mount *mount = mounts_find(&state.handles.mounts, name);
    if (!mount) {
        return leave(-ENOENT);
    }
    if (handles_count(&state.handles, mount->id) > 0) {
        return leave(-EBUSY);
    }
    pages_drop(&state.handles.pages, mount->id, 0);
    mounts_remove(&state.handles.mounts, mount, true);
    return leave(0);
}

int vfs_read_mount(uint32_t index, struct vfs_mount *copy)
{
    int result = enter();
    if (result < 0) {
        return result;
    }
    result = -ENOENT;
    for (uint32_t i = 0; i < MOUNTS_MAX; i++) {
        struct mount *mount = &state.handles.mounts.mount[i];
        if (mount->id == 0 || mount->is_gone || index-- != 0) {
            continue;
        }
        *copy = (struct vfs_mount){.handles = handles_count(&state.handles, mount->id)};
        memcpy(copy->name, mount->name, sizeof(copy->name));
        memcpy(copy->device, mount->device, sizeof(copy->device));
        result = handles_judge(mount, mount->ops.read_volume(mount->volume, &copy->volume));
        break;
    }
    return leave(result);
}

int vfs_read_handle(uint32_t index, struct vfs_handle *copy)
{
    int result = enter();
    if (result < 0) {
        return result;
    }
    result = -ENOENT;
    for (uint32_t i = 0; i < VFS_HANDLES; i++) {
        const struct handle *handle = &state.handles.handle[i];
        if (handle->number == 0 || index-- != 0) {
            continue;
        }
        const struct mount *mount = mounts_find_id(&state.handles.mounts, handle->mount);
        *copy = (struct vfs_handle){.number = handle->number, .flags = handle->flags};
        memcpy(copy->owner, handle->owner, sizeof(copy->owner));
        (void)format_print(copy->mount, sizeof(copy->mount), "%s",
                           mount                ? mount->name
                           : handle->mount == 0 ? ""
                                                : "?");
        result = 0;
        break;
    }
    return leave(result);
}

/* Settles what is left alone. True: there is more. */
static bool settle_quiet(void)
{
    bool is_more = false;
    uint64_t now = time_now_ns();
    for (uint32_t i = 0; i < MOUNTS_MAX; i++) {
        struct mount *mount = &state.handles.mounts.mount[i];
        if (mount->id == 0 || mount->is_gone) {
            continue;
        }
        if (mount->is_written && now - mount->written_ns > QUIET_NS) {
            is_more |= settle(mount, true) > 0;
        } else if (!mount->is_settled) {
            is_more |= settle(mount, false) > 0;
        }
    }
    return is_more;
}

static void remove_gone(void)
{
    mounts_check(&state.handles.mounts);
    for (uint32_t i = 0; i < MOUNTS_MAX; i++) {
        struct mount *mount = &state.handles.mounts.mount[i];
        if (mount->id != 0 && mount->is_gone) {
            pages_drop(&state.handles.pages, mount->id, 0);
            mounts_remove(&state.handles.mounts, mount, false);
        }
    }
}

static int step(void *argument)
{
    (void)argument;
    if (enter() < 0) {
        return LOOK_US;
    }
    remove_gone();
    bool is_more = mounts_add_new(&state.handles.mounts);
    is_more |= settle_quiet();
    if (++state.looks % SWEEP_LOOKS == 0) {
        handles_sweep(&state.handles);
    }
    return leave(is_more ? 1 : LOOK_US);
}

static int start(void)
{
    const struct worker_config config = {
        .name = "vfs volumes", .step = step, .event = offer_event()};
    event_init(&state.released);
    int result = worker_start(&config);
    return result < 0 ? result : 0;
}

/* Nobody is inside: a word that was not given up belonged to a call that was cut off. */
static int adopt(void)
{
    state.is_taken = 0;
    return 0;
}

static void stop(void)
{
    for (uint32_t i = 0; i < MOUNTS_MAX; i++) {
        if (state.handles.mounts.mount[i].id != 0) {
            mounts_remove(&state.handles.mounts, &state.handles.mounts.mount[i], true);
        }
    }
}

COMPONENT(vfs, .version = VERSION(1, 0, 0), .summary = "Files: paths, handles, mounts",
          .start = start, .adopt = adopt, .stop = stop);

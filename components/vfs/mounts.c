/* SPDX-License-Identifier: MIT */
/* Mounts; see mounts.h. */
#include "mounts.h"

#include <errno.h>
#include <string.h>

#include <neurath/library.h>
#include <neurath/log.h>

static_assert(VFS_NAME_BYTES == OFFER_NAME_BYTES, "a mount may be called like its device");

/* Those that have a name of their own. */
static const struct {
    char device[8];
    char name[8];
} nicknames[] = {{"mmc0p1", "card"}, {"ram0", "ram"}};

struct mount *mounts_find(struct mounts *mounts, const char *name)
{
    for (uint32_t i = 0; i < MOUNTS_MAX; i++) {
        struct mount *mount = &mounts->mount[i];
        if (mount->id != 0 && !mount->is_gone && strcmp(mount->name, name) == 0) {
            return mount;
        }
    }
    return NULL;
}

struct mount *mounts_find_id(struct mounts *mounts, uint32_t id)
{
    for (uint32_t i = 0; i < MOUNTS_MAX; i++) {
        if (id != 0 && mounts->mount[i].id == id) {
            return &mounts->mount[i];
        }
    }
    return NULL;
}

static bool is_tried(const struct mounts *mounts, uint32_t disk_offer, uint32_t medium)
{
    for (uint32_t i = 0; i < TRIED_MAX; i++) {
        if (mounts->tried[i].disk_offer == disk_offer && mounts->tried[i].medium == medium) {
            return true;
        }
    }
    return false;
}

static void note_tried(struct mounts *mounts, uint32_t disk_offer, uint32_t medium)
{
    mounts->tried[mounts->next_tried++ % TRIED_MAX] = (struct tried){disk_offer, medium};
}

static const char *choose_name(const char *device)
{
    for (size_t i = 0; i < ARRAY_SIZE(nicknames); i++) {
        if (strcmp(nicknames[i].device, device) == 0) {
            return nicknames[i].name;
        }
    }
    return device;
}

/* The first file system that takes the medium. */
static int try_all(struct mount *mount)
{
    struct offer offer;
    int result = -EINVAL;
    for (uint32_t id = 0; offer_find(FILESYSTEM_KIND, NULL, id, &offer) == 0; id = offer.id) {
        memcpy(&mount->ops, offer.table, sizeof(mount->ops));
        mount->filesystem_offer = offer.id;
        int tried = mount->ops.mount(&mount->disk, &mount->volume);
        if (tried == 0) {
            return 0;
        }
        result = tried == -ENOSYS ? result : tried;
    }
    return result;
}

int mounts_add(struct mounts *mounts, const struct offer *disk)
{
    struct block_info info;
    struct mount *mount = NULL;
    for (uint32_t i = 0; i < MOUNTS_MAX; i++) {
        struct mount *other = &mounts->mount[i];
        if (other->id != 0 && other->disk_offer == disk->id && !other->is_gone) {
            return -EBUSY;
        }
        mount = other->id == 0 && !mount ? other : mount;
    }
    if (!mount) {
        return -ENOSPC;
    }
    *mount = (struct mount){.disk_offer = disk->id};
    memcpy(&mount->disk, disk->table, sizeof(mount->disk));
    (void)format_print(mount->device, sizeof(mount->device), "%s", disk->name);
    (void)format_print(mount->name, sizeof(mount->name), "%s", choose_name(mount->device));
    int result = mount->disk.read_info(mount->disk.unit, &info);
    if (result == 0 && info.medium == 0) {
        result = -ENOMEDIUM;
    }
    mount->medium = info.medium;
    if (result == 0) {
        result = try_all(mount);
        note_tried(mounts, disk->id, info.medium);
        if (result == -EINVAL && info.is_partition) {
            log_info("vfs: %s: no file system here knows what is on it", mount->device);
        }
    }
    if (result == 0) {
        mounts->ids += mounts->ids == UINT32_MAX ? 2 : 1;
        mount->id = mounts->ids;
        log_info("vfs: %s is /%s", mount->device, mount->name);
    } else {
        *mount = (struct mount){0}; /* keeps nobody's functions */
    }
    return result;
}

void mounts_remove(struct mounts *mounts, struct mount *mount, bool is_by_hand)
{
    int result = mount->ops.unmount(mount->volume);
    if (result < 0 && !mount->is_gone) {
        log_warning("vfs: /%s was not unmounted cleanly: error %d", mount->name, result);
    }
    log_info("vfs: /%s is gone", mount->name);
    if (!is_by_hand) { /* should the very same medium come back */
        for (uint32_t i = 0; i < TRIED_MAX; i++) {
            if (mounts->tried[i].disk_offer == mount->disk_offer) {
                mounts->tried[i] = (struct tried){0};
            }
        }
    }
    *mount = (struct mount){0};
}

static bool has_offer(const char *kind, uint32_t id)
{
    struct offer offer;
    return offer_find(kind, NULL, id - 1, &offer) == 0 && offer.id == id;
}

void mounts_check(struct mounts *mounts)
{
    for (uint32_t i = 0; i < MOUNTS_MAX; i++) {
        struct mount *mount = &mounts->mount[i];
        struct block_info info;
        if (mount->id == 0) {
            continue;
        }
        mount->is_gone |= !has_offer(BLOCK_KIND, mount->disk_offer) ||
                          !has_offer(FILESYSTEM_KIND, mount->filesystem_offer) ||
                          mount->disk.read_info(mount->disk.unit, &info) < 0 ||
                          info.medium != mount->medium;
    }
}

/* A file system that came may know what nobody knew before. */
static void look_for_filesystems(struct mounts *mounts)
{
    struct offer offer;
    uint32_t newest = 0;
    for (uint32_t id = 0; offer_find(FILESYSTEM_KIND, NULL, id, &offer) == 0; id = offer.id) {
        newest = offer.id;
    }
    if (newest != mounts->filesystems) {
        mounts->filesystems = newest;
        memset(mounts->tried, 0, sizeof(mounts->tried));
    }
}

bool mounts_add_new(struct mounts *mounts)
{
    struct offer offer;
    look_for_filesystems(mounts);
    for (uint32_t id = 0; offer_find(BLOCK_KIND, NULL, id, &offer) == 0; id = offer.id) {
        struct block_ops ops;
        struct block_info info;
        memcpy(&ops, offer.table, sizeof(ops));
        if (ops.read_info(ops.unit, &info) == 0 && info.medium != 0 &&
            !is_tried(mounts, offer.id, info.medium)) {
            int result = mounts_add(mounts, &offer);
            if (result < 0) {
                note_tried(mounts, offer.id, info.medium);
            }
            return true;
        }
    }
    return false;
}

/* SPDX-License-Identifier: MIT */
/* Handles; see handles.h. */
#include "handles.h"

#include <errno.h>
#include <string.h>

#include <neurath/library.h>
#include <neurath/log.h>
#include <neurath/world.h>

#define NUMBER_SHIFT 8u

int handles_judge(struct mount *mount, int result)
{
    if (result == -ENOMEDIUM || result == -ENOSYS) {
        mount->is_gone = 1;
        return -ENOMEDIUM;
    }
    return result;
}

bool handles_is_in_world(const char *name)
{
    struct world_component component;
    return world_find(name, &component) == 0;
}

struct handle *handles_find(struct handles *handles, uint32_t number)
{
    struct handle *handle = &handles->handle[number % VFS_HANDLES];
    return number != 0 && handle->number == number ? handle : NULL;
}

void handles_close(struct handles *handles, struct handle *handle)
{
    struct mount *mount = mounts_find_id(&handles->mounts, handle->mount);
    if (mount) {
        bool is_last = true;
        (void)mount->ops.close(mount->volume, handle->file); /* gone is closed as well */
        handle->number = 0;
        for (uint32_t i = 0; i < VFS_HANDLES; i++) {
            const struct handle *other = &handles->handle[i];
            is_last &=
                other->number == 0 || other->mount != handle->mount || other->file != handle->file;
        }
        if (is_last) {
            pages_drop(&handles->pages, handle->mount, handle->file);
        }
    }
    *handle = (struct handle){0};
}

void handles_sweep(struct handles *handles)
{
    for (uint32_t i = 0; i < VFS_HANDLES; i++) {
        struct handle *handle = &handles->handle[i];
        if (handle->number != 0 && !handles_is_in_world(handle->owner)) {
            log_info("vfs: %s has left without closing a file", handle->owner);
            handles_close(handles, handle);
        }
    }
}

struct handle *handles_find_place(struct handles *handles)
{
    for (uint32_t round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < VFS_HANDLES; i++) {
            if (handles->handle[i].number == 0) {
                return &handles->handle[i];
            }
        }
        handles_sweep(handles);
    }
    return NULL;
}

uint32_t handles_count(const struct handles *handles, uint32_t mount)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < VFS_HANDLES; i++) {
        count += handles->handle[i].number != 0 && handles->handle[i].mount == mount;
    }
    return count;
}

uint32_t handles_fill(struct handles *handles, struct handle *place, const struct handle *contents)
{
    static_assert(VFS_HANDLES <= 1u << NUMBER_SHIFT, "a number holds the place");
    handles->numbers = (handles->numbers + 1) & (UINT32_MAX >> NUMBER_SHIFT);
    handles->numbers += handles->numbers == 0;
    *place = *contents;
    place->number = handles->numbers << NUMBER_SHIFT | (uint32_t)(place - handles->handle);
    return place->number;
}

int handles_read(struct handles *handles, const struct handle *handle, struct mount *mount,
                 uint64_t offset, uint8_t *buffer, uint32_t size)
{
    uint32_t done = 0;
    while (done < size) {
        uint64_t at = offset + done;
        uint32_t within = at % PAGE_BYTES, index = (uint32_t)(at / PAGE_BYTES);
        struct cached_page *page = pages_find(&handles->pages, handle->mount, handle->file, index);
        if (!page && size - done < 2 * PAGE_BYTES) {
            page = pages_take(&handles->pages, handle->mount, handle->file, index);
            int result =
                page ? handles_judge(mount, mount->ops.read(mount->volume, handle->file,
                                                            at - within, page->data, PAGE_BYTES))
                     : 0;
            if (result < 0) {
                page->mount = 0;
                return done > 0 ? (int)done : result;
            }
            if (page) {
                page->bytes = (uint32_t)result;
            }
        }
        if (!page || within >= page->bytes) { /* none; or the end, or an error, which is told */
            int result = handles_judge(mount, mount->ops.read(mount->volume, handle->file, at,
                                                              buffer + done, size - done));
            return result > 0 || done > 0 ? (int)done + MAX(result, 0) : result;
        }
        uint32_t now = MIN(page->bytes - within, size - done);
        memcpy(buffer + done, page->data + within, now);
        done += now;
        if (page->bytes < PAGE_BYTES) {
            break; /* the end, or all that could be read */
        }
    }
    return (int)done;
}

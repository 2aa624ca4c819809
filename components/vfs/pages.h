/* SPDX-License-Identifier: MIT */
/*
 * Pages of open files in memory, so that reading by small pieces is not slow.
 *
 * What is written goes to the file system at once, and into pages that are here already: so a page
 * never holds anything that the volume does not, and may be dropped at any time. No locking: the
 * vfs's own.
 */
#pragma once

#include <neurath/component.h>
#include <neurath/page.h>

#ifndef CONFIG_VFS_CACHE_KIB
#define CONFIG_VFS_CACHE_KIB 512
#endif
#define PAGES_MAX (CONFIG_VFS_CACHE_KIB / 4)

struct cached_page {
    uint32_t mount; /* the mount's id; 0: holds nothing */
    uint32_t file;  /* the file system's number */
    uint32_t index; /* which page of the file */
    uint32_t bytes; /* valid; fewer than a page: the file ends there */
    uint64_t used;
    uint8_t *data; /* NULL: not allocated yet */
};

struct pages {
    uint64_t ticks;
    struct cached_page page[PAGES_MAX];
};

/* The page, or NULL. */
struct cached_page *pages_find(struct pages *pages, uint32_t mount, uint32_t file, uint32_t index);
/* A page to be filled and given its bytes; NULL: there is no memory. */
struct cached_page *pages_take(struct pages *pages, uint32_t mount, uint32_t file, uint32_t index);
/* Tells of what was written. */
void pages_write(struct pages *pages, uint32_t mount, uint32_t file, uint64_t offset,
                 const void *buffer, uint32_t size);
/* Drops a file's pages, or with file 0 all of a mount. */
void pages_drop(struct pages *pages, uint32_t mount, uint32_t file);

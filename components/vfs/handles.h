/* SPDX-License-Identifier: MIT */
/*
 * Handles: numbers that stand for open files, and what is read through them. No locking: the vfs's
 * own.
 */
#pragma once

#include <neurath/swap.h>

#include "mounts.h"
#include "pages.h"

struct handle {
    uint32_t number; /* 0: free */
    uint32_t mount;  /* id; 0: "/" itself */
    uint32_t file;   /* the file system's number */
    uint32_t flags;
    char owner[COMPONENT_NAME_BYTES];
};

struct handles {
    uint32_t numbers;
    uint32_t reserved;
    struct mounts mounts;
    struct pages pages;
    struct handle handle[VFS_HANDLES];
};

/* Is there a component of that name? */
bool handles_is_in_world(const char *name);
/* NULL: no such number. */
struct handle *handles_find(struct handles *handles, uint32_t number);
/* A free place, if need be one that somebody has left behind; NULL: none. */
struct handle *handles_find_place(struct handles *handles);
/* Fills a place; returns the number. */
uint32_t handles_fill(struct handles *handles, struct handle *place, const struct handle *contents);
void handles_close(struct handles *handles, struct handle *handle);
/* Closes the handles of components that have left. */
void handles_sweep(struct handles *handles);
uint32_t handles_count(const struct handles *handles, uint32_t mount);

/* What a file system returned; a medium that is gone is noted. */
int handles_judge(struct mount *mount, int result);
/* Reads: small pieces by way of pages, from the first large one on directly. */
int handles_read(struct handles *handles, const struct handle *handle, struct mount *mount,
                 uint64_t offset, uint8_t *buffer, uint32_t size);

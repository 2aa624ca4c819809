/* SPDX-License-Identifier: MIT */
/*
 * What heaps under test have in common: pages of the host in the place of the nucleus's, and the
 * table by which a test of two of them knows each.
 */
#pragma once

#include <neurath/component.h>

struct component {
    int unused;
};

struct heap_account;

struct heap_under_test {
    int (*allocate)(struct component *owner, uint32_t type_hash, size_t element_bytes, size_t count,
                    void **object);
    int (*free)(void *object);
    int (*revoke)(struct component *owner);
    int (*read_account)(const struct component *owner, struct heap_account *account);
    int (*health)(void);
    int (*export)(void *data, size_t size);
    int (*import)(const void *data, size_t size);
    void *state;
    size_t state_bytes;
};

extern int64_t heap_pages_left; /* that can still be had */
extern int64_t heap_pages_out;  /* blocks of them that are allocated */

void *heap_pages_allocate(size_t count, struct component *owner);
void heap_pages_free(void *pages);

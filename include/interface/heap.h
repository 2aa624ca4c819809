/* SPDX-License-Identifier: MIT */
/*
 * The heap: objects by type. One provider at a time.
 *
 * Use heap_new() and heap_new_array(); raw bytes only for buffers. Each object's header knows its
 * owner, type and count: accounts, audit and revocation rest on it. Memory is zeroed when given
 * and poisoned (0xa5) when taken back.
 */
#pragma once

#include <neurath/component.h>

INTERFACE(heap, 1, 0);

#define HEAP_ALIGNMENT 16

/* What stands before each object; the same for every heap, so that one can free another's. */
struct heap_header {
    uint32_t magic;          /* HEAP_LIVE or HEAP_FREE */
    uint32_t type_hash;      /* heap_hash() of the type's name; 0: raw bytes */
    uint32_t element_bytes;  /* size of one */
    uint32_t count;          /* how many */
    struct component *owner; /* who asked for it */
    uint64_t provider_word;  /* the region it is in, see heap/region.h */
};
#define HEAP_LIVE 0x4c495645u
#define HEAP_FREE 0x46524545u
static_assert(sizeof(struct heap_header) % HEAP_ALIGNMENT == 0, "objects are aligned");

struct heap_account {
    uint64_t objects;     /* live */
    uint64_t bytes;       /* live, as asked for, headers not counted */
    uint64_t pages;       /* taken from the nucleus by the heap (owner NULL only) */
    uint64_t allocations; /* ever (owner NULL only) */
};

/*
 * Allocates count elements. 0 and *object; -ENOMEM; -EINVAL: zero or overflowing size.
 */
GATED(any)
int heap_allocate(struct component *owner, uint32_t type_hash, size_t element_bytes, size_t count,
                  void **object);

/* Frees an object of whatever owner. 0, also for NULL; -EINVAL: no live object stands there. */
GATED(any) int heap_free(void *object);

/* Frees all objects of an owner that leaves the world. Returns how many. */
GATED(any) int heap_revoke(struct component *owner);

/* Fills *account for an owner; NULL: for all. 0. */
GATED(any) int heap_read_account(const struct component *owner, struct heap_account *account);

/* FNV-1a of a name, folded by the compiler. */
static inline uint32_t heap_hash(const char *name)
{
    uint32_t hash = 2166136261u;
    while (*name) {
        hash = (hash ^ (uint8_t)*name++) * 16777619u;
    }
    return hash;
}

static inline void *heap_take(struct component *owner, uint32_t type_hash, size_t bytes,
                              size_t count)
{
    void *object = NULL;
    return heap_allocate(owner, type_hash, bytes, count, &object) < 0 ? NULL : object;
}

/* One object, n objects, or n bytes for a buffer; NULL when there is no memory. */
#define heap_new(type) ((type *)heap_take(this_component, heap_hash(#type), sizeof(type), 1))
#define heap_new_array(type, n)                                                                    \
    ((type *)heap_take(this_component, heap_hash(#type), sizeof(type), n))
#define heap_new_bytes(n) heap_take(this_component, 0, 1, n)

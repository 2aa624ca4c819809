/* SPDX-License-Identifier: MIT */
/*
 * Which RAM there is, and what of it is taken: as a device tree tells it, which may be anything.
 * Addresses are physical. Pure code, no locking.
 */
#pragma once

#include "devicetree.h"

#define MEMORY_MAP_RANGES 64

struct memory_range {
    uint64_t pa, bytes; /* their sum does not overflow */
};

struct memory_map {
    struct memory_range ram[MEMORY_MAP_RANGES]; /* in order, apart from each other */
    struct memory_range reserved[MEMORY_MAP_RANGES];
    unsigned ram_count, reserved_count;
    /* Told of what is left out: a range that is absurd, too much, or not mapped. May be NULL. */
    void (*ignore)(const char *why, const struct memory_range *range);
};

static inline uint64_t memory_range_end(const struct memory_range *range)
{
    return range->pa + range->bytes;
}

static inline bool memory_range_overlaps(const struct memory_range *range, uint64_t pa,
                                         uint64_t bytes)
{
    return range->pa < pa + bytes && pa < memory_range_end(range);
}

/* Adds RAM, or leaves it out: see ignore. */
void memory_map_add(struct memory_map *map, uint64_t pa, uint64_t bytes);

/* Takes a range out of what is free, RAM or not. -ENOSPC: there are too many. */
int memory_map_reserve(struct memory_map *map, uint64_t pa, uint64_t bytes);

/*
 * Adds what a tree says of RAM and reservations (3.4, 3.5, 5.3). Of RAM only whole blocks of
 * `block` bytes (a power of 2) are used, and those below `end`. -ENOSPC: too many reservations.
 */
int memory_map_read(struct memory_map *map, const struct devicetree *tree, uint64_t end,
                    uint64_t block);

/* Whether all of a range lies in one of RAM; whether any of it lies in RAM. */
bool memory_map_holds(const struct memory_map *map, uint64_t pa, uint64_t bytes);
bool memory_map_touches(const struct memory_map *map, uint64_t pa, uint64_t bytes);

/* The first free piece of RAM at or above an address. False: there is none. */
bool memory_map_next_free(const struct memory_map *map, uint64_t from, struct memory_range *piece);

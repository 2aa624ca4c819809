/* SPDX-License-Identifier: MIT */
/*
 * What heaps have in common, for those who write one: regions, and how one heap hands them over.
 *
 * A region is a run of pages from the nucleus. It begins with its header; behind that are units of
 * one size. An object takes one unit or several in a row: first its heap_header, whose
 * provider_word is the region's address, then its bytes. Which units are taken stands in the
 * region's header only, never in the units: writing to a freed object cannot lead a heap astray.
 *
 * So every heap can free, count and revoke the objects of a region that another has made: that is
 * how one takes over from another (struct heap_handover). What it allocates from is its own affair.
 *
 * An object's life: its units are taken (under the heap's lock) - header and zeroes are written -
 * its magic becomes HEAP_LIVE - heap_claim() turns that to HEAP_FREE, by which one of two frees
 * wins - it is poisoned - its units are released (under the lock); with the last object the heap
 * gives the pages back. Writing zeroes and poison needs no lock, since nobody else has the units.
 *
 * Locking: whoever changes a region holds the lock that its keeper has. Context: any.
 */
#pragma once

#include <errno.h>
#include <interface/heap.h>
#include <neurath/chain.h>
#include <neurath/page.h>
#include <string.h>

#define HEAP_REGION_MAGIC 0x52474e31u /* "RGN1"; another number when the layout changes */
#define HEAP_REGION_UNITS 256u
#define HEAP_REGION_WORDS (HEAP_REGION_UNITS / 64)
#define HEAP_REGION_REACH (4 * PAGE_BYTES) /* no object begins further from its region's begin */
#define HEAP_POISON 0xa5
#define HEAP_BYTES_MAX ((size_t)PAGE_BYTES << 18) /* more than the nucleus gives at once */

struct heap_region {
    struct list node;    /* in a chain of the heap that has it */
    void *keeper;        /* that heap's own: an address in its state, where the lock is */
    uint32_t magic;      /* HEAP_REGION_MAGIC; 0 once it was given back */
    uint32_t units;      /* 1 to HEAP_REGION_UNITS */
    uint64_t unit_bytes; /* a multiple of HEAP_ALIGNMENT */
    uint64_t pages;
    uint32_t objects;                      /* that have units, not all of them live yet or still */
    uint32_t taken;                        /* units that they have */
    uint64_t bytes;                        /* as asked for, of those objects */
    uint64_t begins[HEAP_REGION_WORDS];    /* bit n: an object begins at unit n */
    uint64_t continues[HEAP_REGION_WORDS]; /* bit n: unit n is of the same object as n-1 */
};
static_assert(sizeof(struct heap_region) == 128, "the same in all heaps");
static_assert(sizeof(struct heap_region) % HEAP_ALIGNMENT == 0, "units are aligned");

/*
 * What a heap exports: all its regions, and nothing is changed by that. Whoever imports it takes
 * them out of these chains, which are the exporter's no more from then on.
 */
#define HEAP_HANDOVER_CHAINS 32
struct heap_handover {
    uint32_t region_magic; /* HEAP_REGION_MAGIC: refused if it is another */
    uint32_t chain_count;
    uint64_t allocations; /* ever, for the account */
    struct chain chains[HEAP_HANDOVER_CHAINS];
};

static inline bool heap_bit(const uint64_t *words, uint32_t unit)
{
    return READ_ONCE(words[unit / 64]) >> unit % 64 & 1;
}

/* Bytes of count elements: 0 and *bytes; -EINVAL: none, or overflowing; -ENOMEM: never to be had */
static inline int heap_measure(size_t element_bytes, size_t count, size_t *bytes)
{
    if (!element_bytes || !count || element_bytes > UINT32_MAX || count > UINT32_MAX ||
        __builtin_mul_overflow(element_bytes, count, bytes)) {
        return -EINVAL;
    }
    return *bytes > HEAP_BYTES_MAX ? -ENOMEM : 0;
}

static inline uint64_t heap_object_bytes(const struct heap_header *header)
{
    return (uint64_t)header->element_bytes * header->count;
}

/* A region of as many units as its pages hold, in no chain, without a keeper; NULL: no memory. */
static inline struct heap_region *heap_region_create(size_t pages, size_t unit_bytes)
{
    struct heap_region *region = page_allocate(pages);
    if (region) {
        size_t units = (pages * PAGE_BYTES - sizeof(*region)) / unit_bytes;
        region->units = (uint32_t)MIN(units, HEAP_REGION_UNITS);
        region->unit_bytes = unit_bytes;
        region->pages = pages;
        region->magic = HEAP_REGION_MAGIC;
    }
    return region;
}

/* A region of one unit, for one object of so many bytes; NULL: no memory. */
static inline struct heap_region *heap_region_create_whole(size_t bytes)
{
    size_t unit = sizeof(struct heap_header) + ALIGN_UP(bytes, HEAP_ALIGNMENT);
    size_t pages = ALIGN_UP(sizeof(struct heap_region) + unit, PAGE_BYTES) / PAGE_BYTES;
    struct heap_region *region = heap_region_create(pages, unit);
    if (region) {
        region->units = 1; /* there may be room for another, but none is asked for */
    }
    return region;
}

static inline struct heap_header *heap_region_unit(struct heap_region *region, uint32_t unit)
{
    return (struct heap_header *)((uintptr_t)(region + 1) + unit * region->unit_bytes);
}

/* Units of the object that begins at a unit. Needs no lock if that object is the caller's. */
static inline uint32_t heap_region_extent(const struct heap_region *region, uint32_t unit)
{
    uint32_t end = unit + 1;
    while (end < region->units && heap_bit(region->continues, end)) {
        end++;
    }
    return end - unit;
}

/* Takes free units for an object of so many bytes. Under the lock. */
static inline struct heap_header *heap_region_take(struct heap_region *region, uint32_t unit,
                                                   uint32_t units, size_t bytes)
{
    region->begins[unit / 64] |= 1ull << unit % 64;
    for (uint32_t next = unit + 1; next < unit + units; next++) {
        region->continues[next / 64] |= 1ull << next % 64;
    }
    region->objects++;
    region->taken += units;
    region->bytes += bytes;
    return heap_region_unit(region, unit);
}

/* Releases the units of the object that begins at a unit. Under the lock. */
static inline void heap_region_release(struct heap_region *region, uint32_t unit, uint64_t bytes)
{
    uint32_t units = heap_region_extent(region, unit);
    region->begins[unit / 64] &= ~(1ull << unit % 64);
    for (uint32_t next = unit + 1; next < unit + units; next++) {
        region->continues[next / 64] &= ~(1ull << next % 64);
    }
    region->objects--;
    region->taken -= units;
    region->bytes -= bytes;
}

/* Writes the header of an object that has its units, and makes it live. */
static inline void *heap_region_give(struct heap_region *region, struct heap_header *header,
                                     struct component *owner, uint32_t type_hash,
                                     size_t element_bytes, size_t count)
{
    header->type_hash = type_hash;
    header->element_bytes = (uint32_t)element_bytes;
    header->count = (uint32_t)count;
    header->owner = owner;
    header->provider_word = (uintptr_t)region;
    __atomic_store_n(&header->magic, HEAP_LIVE, __ATOMIC_RELEASE);
    return header + 1;
}

static inline bool heap_is_live(const struct heap_header *header)
{
    return __atomic_load_n(&header->magic, __ATOMIC_ACQUIRE) == HEAP_LIVE;
}

/* Makes a live object the caller's to discard; false: somebody else was first. */
static inline bool heap_claim(struct heap_header *header)
{
    uint32_t live = HEAP_LIVE;
    return __atomic_compare_exchange_n(&header->magic, &live, HEAP_FREE, false, __ATOMIC_ACQ_REL,
                                       __ATOMIC_ACQUIRE);
}

/*
 * The region and the unit of a live object; NULL: none stands there. Whatever the object's header
 * says, it looks only at memory close before the object.
 */
static inline struct heap_region *heap_region_find(void *object, uint32_t *unit)
{
    if ((uintptr_t)object % HEAP_ALIGNMENT || (uintptr_t)object < PAGE_BYTES) {
        return NULL;
    }
    const struct heap_header *header = (struct heap_header *)object - 1;
    if (!heap_is_live(header)) {
        return NULL;
    }
    struct heap_region *region = (struct heap_region *)(uintptr_t)header->provider_word;
    uintptr_t offset = (uintptr_t)header - (uintptr_t)region - sizeof(*region);
    if ((uintptr_t)region % PAGE_BYTES || (uintptr_t)region > (uintptr_t)header ||
        offset >= HEAP_REGION_REACH || region->magic != HEAP_REGION_MAGIC || !region->unit_bytes ||
        offset % region->unit_bytes || offset / region->unit_bytes >= region->units) {
        return NULL;
    }
    *unit = (uint32_t)(offset / region->unit_bytes);
    return heap_bit(region->begins, *unit) ? region : NULL;
}

/* Poisons a claimed object. */
static inline void heap_region_poison(struct heap_region *region, uint32_t unit)
{
    struct heap_header *header = heap_region_unit(region, unit);
    memset(header + 1, HEAP_POISON,
           heap_region_extent(region, unit) * region->unit_bytes - sizeof(*header));
}

/* The live object of an owner (NULL: of anybody) from *unit on; NULL: none. Under the lock. */
static inline struct heap_header *heap_region_next(struct heap_region *region, uint32_t *unit,
                                                   const struct component *owner)
{
    for (; *unit < region->units; ++*unit) {
        struct heap_header *header = heap_region_unit(region, *unit);
        if (heap_bit(region->begins, *unit) && heap_is_live(header) &&
            (!owner || header->owner == owner)) {
            return header;
        }
    }
    return NULL;
}

/* Claims an object of an owner in a chain of regions; NULL: there is none. Under the lock. */
static inline struct heap_region *heap_chain_claim(const struct chain *chain,
                                                   const struct component *owner, uint32_t *unit)
{
    struct heap_region *region;
    chain_for_each(region, chain, node)
    {
        struct heap_header *header;
        for (*unit = 0; (header = heap_region_next(region, unit, owner)); ++*unit) {
            if (heap_claim(header)) {
                return region;
            }
        }
    }
    return NULL;
}

/* Adds an owner's objects in a chain of regions to an account. Under the lock. */
static inline void heap_chain_count(const struct chain *chain, const struct component *owner,
                                    struct heap_account *account)
{
    struct heap_region *region;
    chain_for_each(region, chain, node)
    {
        const struct heap_header *header;
        for (uint32_t unit = 0; (header = heap_region_next(region, &unit, owner)); unit++) {
            account->objects++;
            account->bytes += heap_object_bytes(header);
        }
    }
}

/* Whether what a region says of itself is consistent. Under the lock. */
static inline bool heap_region_is_sound(const struct heap_region *region)
{
    uint32_t objects = 0, taken = 0;
    bool may_continue = false;
    for (uint32_t unit = 0; unit < HEAP_REGION_UNITS; unit++) {
        bool begins = heap_bit(region->begins, unit);
        bool continues = heap_bit(region->continues, unit);
        if ((begins && continues) || (continues && !may_continue) ||
            ((begins || continues) && unit >= region->units)) {
            return false;
        }
        may_continue = begins || continues;
        objects += begins;
        taken += may_continue;
    }
    return region->magic == HEAP_REGION_MAGIC && objects == region->objects &&
           taken == region->taken;
}

/* Whether every region of a chain is sound and kept by keeper; adds up their objects. */
static inline bool heap_chain_is_sound(const struct chain *chain, const void *keeper,
                                       uint64_t *objects)
{
    const struct heap_region *region;
    chain_for_each(region, chain, node)
    {
        if (region->keeper != keeper || !heap_region_is_sound(region)) {
            return false;
        }
        *objects += region->objects;
    }
    return true;
}

/* Begins to write what is exported; heap_handover_add() for each chain. */
static inline void heap_handover_begin(struct heap_handover *handover)
{
    *handover = (struct heap_handover){.region_magic = HEAP_REGION_MAGIC};
}

static inline void heap_handover_add(struct heap_handover *handover, const struct chain *chain)
{
    handover->chains[handover->chain_count++] = *chain;
}

/* What was exported, if it can be understood; NULL: it cannot. */
static inline const struct heap_handover *heap_handover_read(const void *data, size_t size)
{
    const struct heap_handover *handover = data;
    return size == sizeof(*handover) && handover->region_magic == HEAP_REGION_MAGIC &&
                   handover->chain_count <= HEAP_HANDOVER_CHAINS
               ? handover
               : NULL;
}

/* Calls take(region) for each region that was exported; it is in no chain any more. */
static inline void heap_handover_each(const struct heap_handover *handover,
                                      void (*take)(struct heap_region *region))
{
    for (uint32_t i = 0; i < handover->chain_count; i++) {
        struct chain chain = handover->chains[i];
        struct heap_region *region;
        while ((region = chain_first(&chain, struct heap_region, node))) {
            chain_remove(&chain, &region->node);
            take(region);
        }
    }
}

/* SPDX-License-Identifier: MIT */
/*
 * Indices of a ring of bytes; the bytes stand in an array of the owner's beside them.
 *
 * The capacity, a power of two up to 2^31, is given to each call, so that struct ring is two words
 * whatever the size. Both indices run freely and are masked on use: all of the capacity can be
 * used, and head - tail is always what the ring holds. No locking. Context: any.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct ring {
    uint32_t head; /* bytes ever put in, modulo 2^32 */
    uint32_t tail; /* bytes ever taken out, modulo 2^32 */
};

/* How many bytes it holds. */
static inline uint32_t ring_used(const struct ring *ring)
{
    return ring->head - ring->tail;
}

/* Puts in a byte; there must be room. */
static inline void ring_put_byte(struct ring *ring, uint8_t *bytes, uint32_t capacity,
                                 uint8_t value)
{
    bytes[ring->head++ & (capacity - 1)] = value;
}

/* Takes out the oldest byte; there must be one. */
static inline uint8_t ring_take_byte(struct ring *ring, const uint8_t *bytes, uint32_t capacity)
{
    return bytes[ring->tail++ & (capacity - 1)];
}

/* Puts in as much of data as there is room for; returns how much. */
static inline size_t ring_put(struct ring *ring, uint8_t *bytes, uint32_t capacity,
                              const void *data, size_t size)
{
    uint32_t room = capacity - ring_used(ring);
    uint32_t at = ring->head & (capacity - 1);
    size_t count = size < room ? size : room;
    size_t first = count < capacity - at ? count : capacity - at;
    memcpy(bytes + at, data, first);
    memcpy(bytes, (const uint8_t *)data + first, count - first);
    ring->head += (uint32_t)count;
    return count;
}

/* Copies up to size bytes, from `skip` bytes after the oldest on; they stay. Returns how many. */
static inline size_t ring_peek(const struct ring *ring, const uint8_t *bytes, uint32_t capacity,
                               uint32_t skip, void *data, size_t size)
{
    uint32_t used = ring_used(ring);
    uint32_t rest = skip < used ? used - skip : 0;
    uint32_t at = (ring->tail + skip) & (capacity - 1);
    size_t count = size < rest ? size : rest;
    size_t first = count < capacity - at ? count : capacity - at;
    memcpy(data, bytes + at, first);
    memcpy((uint8_t *)data + first, bytes, count - first);
    return count;
}

/* Takes up to size of the oldest bytes out; returns how many. */
static inline size_t ring_take(struct ring *ring, const uint8_t *bytes, uint32_t capacity,
                               void *data, size_t size)
{
    size_t count = ring_peek(ring, bytes, capacity, 0, data, size);
    ring->tail += (uint32_t)count;
    return count;
}

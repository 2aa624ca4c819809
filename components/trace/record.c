/* SPDX-License-Identifier: MIT */
/* Rings of calls, and histograms: see record.h. */
#include "record.h"

#include <errno.h>
#include <string.h>

void record_put(struct ring_of_records *ring, const struct record *record)
{
    struct record *records = __atomic_load_n(&ring->records, __ATOMIC_ACQUIRE);
    if (records) {
        __atomic_thread_fence(__ATOMIC_RELEASE); /* the head is seen to have passed it before */
        records[ring->head % ring->count] = *record;
        __atomic_store_n(&ring->head, ring->head + 1, __ATOMIC_RELEASE);
    }
}

void record_clear(struct ring_of_records *ring)
{
    __atomic_store_n(&ring->first, __atomic_load_n(&ring->head, __ATOMIC_RELAXED),
                     __ATOMIC_RELAXED);
}

int record_get(const struct ring_of_records *ring, uint64_t number, struct record *record,
               uint64_t *oldest)
{
    if (!ring->records || number >= __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE)) {
        return -ENOENT;
    }
    *record = ring->records[number % ring->count];
    __atomic_thread_fence(__ATOMIC_ACQUIRE); /* copied before the head is read again */
    uint64_t head = __atomic_load_n(&ring->head, __ATOMIC_RELAXED);
    *oldest = head < ring->count ? 0 : head - ring->count + 1; /* the one before is being written */
    *oldest = MAX(*oldest, __atomic_load_n(&ring->first, __ATOMIC_RELAXED));
    return number < *oldest ? -ESTALE : 0;
}

/* 0 to 3 have a class each; from then on the two bits behind the highest one choose among four. */
static unsigned class_of(uint32_t ns)
{
    if (ns < 4) {
        return ns;
    }
    unsigned power = 31 - (unsigned)__builtin_clz(ns);
    return (power - 1) * 4 + (ns >> (power - 2) & 3);
}

/* The longest duration of a class. */
static uint32_t class_end(unsigned class)
{
    if (class < 4) {
        return class;
    }
    unsigned shift = class / 4 - 1;
    return (uint32_t)(((5ul + class % 4) << shift) - 1);
}

void histogram_add(struct histogram *histogram, uint32_t component, uint32_t took_ns)
{
    uint32_t max = __atomic_load_n(&histogram->max_ns, __ATOMIC_RELAXED);
    __atomic_store_n(&histogram->component, component, __ATOMIC_RELAXED);
    __atomic_add_fetch(&histogram->calls, 1, __ATOMIC_RELAXED);
    __atomic_add_fetch(&histogram->classes[class_of(took_ns)], 1, __ATOMIC_RELAXED);
    while (took_ns > max && !__atomic_compare_exchange_n(&histogram->max_ns, &max, took_ns, false,
                                                         __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
    }
}

void histogram_clear(struct histogram *histogram)
{
    for (unsigned class = 0; class < HISTOGRAM_CLASSES; class ++) {
        __atomic_store_n(&histogram->classes[class], 0, __ATOMIC_RELAXED);
    }
    __atomic_store_n(&histogram->calls, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&histogram->max_ns, 0, __ATOMIC_RELAXED);
}

uint32_t histogram_percentile(const struct histogram *histogram, unsigned percent)
{
    uint64_t calls = 0, seen = 0;
    for (unsigned class = 0; class < HISTOGRAM_CLASSES; class ++) {
        calls += __atomic_load_n(&histogram->classes[class], __ATOMIC_RELAXED);
    }
    uint64_t wanted = (calls * percent + 99) / 100;
    for (unsigned class = 0; class < HISTOGRAM_CLASSES; class ++) {
        seen += __atomic_load_n(&histogram->classes[class], __ATOMIC_RELAXED);
        if (seen >= wanted && seen > 0) {
            return MIN(class_end(class), __atomic_load_n(&histogram->max_ns, __ATOMIC_RELAXED));
        }
    }
    return 0;
}

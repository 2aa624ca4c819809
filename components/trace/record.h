/* SPDX-License-Identifier: MIT */
/*
 * What tracing keeps: the last calls on each CPU, and how long the calls of each method took.
 *
 * A ring has one writer at a time, its CPU with interrupts off; readers come at any time, and find
 * out afterwards whether what they copied was being overwritten.
 */
#pragma once

#include <neurath/trace.h>
#include <neurath/world.h>

struct record {
    uint64_t began_ns;
    uint32_t took_ns; /* UINT32_MAX: that or longer */
    uint32_t thread;
    uint32_t caller, callee; /* components; 0: the nucleus */
    int32_t result;
    uint16_t gate;
    uint16_t cpu;
};
static_assert(sizeof(struct record) == 32, "CONFIG_TRACE_RECORDS says what they take");

struct ring_of_records {
    struct record *records; /* NULL: none are kept */
    uint32_t count;         /* a power of 2 */
    uint64_t head;          /* how many were ever written; record n lies at n % count */
    uint64_t first;         /* those below are not wanted any more */
};

/* Context: the ring's CPU, interrupts off. */
void record_put(struct ring_of_records *ring, const struct record *record);

/* What is there is not wanted any more. Context: any. */
void record_clear(struct ring_of_records *ring);

/*
 * Copies record `number`. 0; -ENOENT: it is not written yet; -ESTALE: it was overwritten or
 * cleared, as is all below *oldest. Context: any.
 */
int record_get(const struct ring_of_records *ring, uint64_t number, struct record *record,
               uint64_t *oldest);

/* Four classes for each power of 2: what is told of a duration is at most a quarter too much. */
#define HISTOGRAM_CLASSES 124

struct histogram {
    char name[GATE_NAME_BYTES]; /* of the method, since the gate may become another's */
    uint32_t is_on;             /* 1: its calls are recorded */
    uint32_t component;         /* whose, at the last call */
    uint32_t calls;
    uint32_t max_ns;
    uint32_t classes[HISTOGRAM_CLASSES]; /* calls by duration */
};

/* Context: any, from all CPUs at once. */
void histogram_add(struct histogram *histogram, uint32_t component, uint32_t took_ns);
/* Begins anew. What is added meanwhile may be counted or not. */
void histogram_clear(struct histogram *histogram);
/* So many ns or less took `percent` of the calls; 0: there was none. */
uint32_t histogram_percentile(const struct histogram *histogram, unsigned percent);

/* SPDX-License-Identifier: MIT */
/*
 * What is to be seen of what a board has recorded: slices of time in rows, the rows in processes.
 * trace_json.c writes them down; for nobody else.
 *
 *     struct trace_picture picture = {0};
 *     trace_picture_make(&picture, trace);        sorted by rows
 *     trace_picture_sort_by_time(&picture);
 *     trace_picture_free(&picture);
 */
#pragma once

#include "tools/nr/trace.h"

/* Processes: two that are none on the board, then its components by their ids. */
enum { PID_CPUS = 1, PID_SWAPS = 2, PID_COMPONENTS = 1000 };

#define TRACE_PICTURE_NONE UINT32_MAX

enum slice_kind { SLICE_RUNNING, SLICE_INTERRUPT, SLICE_CALLER, SLICE_CALLEE, SLICE_SWAP };

struct slice {
    uint64_t begin_ns, end_ns;
    uint64_t shown_end_ns; /* end_ns, or that of the slice around it if that is over before */
    uint32_t pid, tid;     /* its row */
    uint32_t order;        /* of those at the same time: the smaller is the outer one */
    uint32_t subject;      /* place of the call or swap; number of the thread or interrupt */
    uint32_t around;       /* place of the slice around it, while they are sorted by rows */
    const char *phase;     /* of a swap; NULL: the whole of it */
    enum slice_kind kind;
};

struct trace_picture {
    const struct trace *trace;
    struct slice *slices;
    uint32_t count, room;
    uint64_t zero_ns; /* the earliest begin; 0: there are no slices */
    unsigned cut;     /* slices that end before their call did */
};

/* Rows of PID_CPUS: tids 1, 2 are CPU 0 and its interrupts, 3, 4 CPU 1... */
uint32_t trace_picture_cpu_of(uint32_t tid);
bool trace_picture_is_of_interrupts(uint32_t tid);

/* Rows of PID_SWAPS: tid 1 is the first swap, and so on. */

/* The thread whose row this is, in a component. */
uint32_t trace_picture_thread_of(uint32_t tid);

/*
 * Puts all of a trace into the picture, whose rows are sorted, and whose slices nest, each behind
 * the one around it. trace: sorted; it stays in use. 0, or -ENOMEM.
 */
int trace_picture_make(struct trace_picture *picture, const struct trace *trace);

/* Whether the slice at a place is the first one of its row. Only while they are sorted by rows. */
bool trace_picture_is_new_row(const struct trace_picture *picture, uint32_t place);

/* By time only, in all rows together; a call's side at the caller stands before the other one. */
void trace_picture_sort_by_time(struct trace_picture *picture);

void trace_picture_free(struct trace_picture *picture);

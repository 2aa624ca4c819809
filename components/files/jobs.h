/* SPDX-License-Identifier: MIT */
/*
 * What takes long: copying, comparing, filling files. A job is carried out in pieces by a worker;
 * all it needs between two is in the state, and its buffer in pages.
 */
#pragma once

#include <interface/vfs.h>

#define JOBS_MAX 4u
#define JOB_PIECE_BYTES 32768u
#define JOB_NAME_BYTES 64u
#define JOB_LEFTOVERS 16u

enum job_kind { JOB_NONE, JOB_COPY, JOB_COMPARE, JOB_FILL };
enum job_phase { JOB_GOES_ON, JOB_DONE, JOB_FAILED };

struct job {
    uint32_t number; /* 0: free */
    enum job_kind kind;
    enum job_phase phase;
    int32_t error;      /* of a failed one */
    uint32_t is_gentle; /* small pieces, with pauses */
    uint32_t is_seen;   /* its end was told */
    uint32_t from, to;  /* handles; 0: none */
    uint64_t done, bytes;
    uint8_t *buffer; /* two pieces; pages */
    char name[JOB_NAME_BYTES];
};

struct jobs {
    uint32_t is_taken; /* somebody is at a piece */
    uint32_t numbers;
    struct job job[JOBS_MAX];
    uint32_t leftovers[JOB_LEFTOVERS]; /* handles that could not be closed when they should be */
};

/*
 * Begins a job. FILL: from is NULL, bytes says how many. COMPARE: both must be there. Returns its
 * number; -EBUSY: too many are going on; -EAGAIN, and errors of the files.
 */
int jobs_begin(struct jobs *jobs, enum job_kind kind, const char *from, const char *to,
               uint64_t bytes, bool is_gentle);

/*
 * Does a piece of each job. 0: there is more; > 0: more, after so many microseconds; -EAGAIN: the
 * vfs is busy or nothing is to be done.
 */
int jobs_continue(struct jobs *jobs);

/* Closes a handle, now or, if the vfs is busy for long, at leisure. */
void jobs_close(struct jobs *jobs, uint32_t handle);

/* The job of that number; NULL. */
struct job *jobs_find(struct jobs *jobs, uint32_t number);

/* The byte that JOB_FILL puts at an offset. */
uint8_t jobs_pattern(uint64_t offset);

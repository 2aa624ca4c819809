/* SPDX-License-Identifier: MIT */
/* Jobs; see jobs.h. */
#include "jobs.h"

#include <errno.h>
#include <string.h>

#include <neurath/library.h>
#include <neurath/log.h>
#include <neurath/page.h>

#include "files.h"

#define GENTLE_BYTES 4096u
#define GENTLE_US 2000
#define OWNER "files"

uint8_t jobs_pattern(uint64_t offset)
{
    uint32_t value = (uint32_t)(offset / 4) * 2654435761u;
    return (uint8_t)((value ^ value >> 15) >> (8 * (offset % 4)));
}

struct job *jobs_find(struct jobs *jobs, uint32_t number)
{
    for (uint32_t i = 0; i < JOBS_MAX; i++) {
        if (number != 0 && jobs->job[i].number == number) {
            return &jobs->job[i];
        }
    }
    return NULL;
}

/* A place of no job, or of the oldest that has ended. */
static struct job *find_place(struct jobs *jobs)
{
    struct job *best = NULL;
    for (uint32_t i = 0; i < JOBS_MAX; i++) {
        struct job *job = &jobs->job[i];
        bool is_free = job->number == 0 || job->phase != JOB_GOES_ON;
        if (is_free && (!best || job->number < best->number)) {
            best = job;
        }
    }
    return best;
}

void jobs_close(struct jobs *jobs, uint32_t handle)
{
    if (FILES_TRY(vfs_close(handle)) != -EAGAIN) {
        return;
    }
    for (uint32_t i = 0; i < JOB_LEFTOVERS; i++) {
        uint32_t none = 0;
        if (__atomic_compare_exchange_n(&jobs->leftovers[i], &none, handle, false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_SEQ_CST)) {
            return;
        }
    }
}

/* True: there are some left. */
static bool close_leftovers(struct jobs *jobs)
{
    bool is_more = false;
    for (uint32_t i = 0; i < JOB_LEFTOVERS; i++) {
        uint32_t handle = jobs->leftovers[i];
        if (handle != 0 && vfs_close(handle) != -EAGAIN) {
            __atomic_store_n(&jobs->leftovers[i], 0, __ATOMIC_SEQ_CST);
        }
        is_more |= jobs->leftovers[i] != 0;
    }
    return is_more;
}

static int close_file(uint32_t *handle)
{
    int result = *handle != 0 ? vfs_close(*handle) : 0;
    if (result != -EAGAIN) {
        *handle = 0;
    }
    return result;
}

/* Ends a job, once its files are closed. -EAGAIN: they cannot be now. */
static int finish(struct job *job, int result)
{
    if (job->phase == JOB_GOES_ON && job->error == 0) {
        job->error = result;
    }
    if (close_file(&job->from) == -EAGAIN || close_file(&job->to) == -EAGAIN) {
        return -EAGAIN;
    }
    page_free(job->buffer);
    job->buffer = NULL;
    job->phase = job->error < 0 ? JOB_FAILED : JOB_DONE;
    job->error = MIN(job->error, 0);
    return 0;
}

int jobs_begin(struct jobs *jobs, enum job_kind kind, const char *from, const char *to,
               uint64_t bytes, bool is_gentle)
{
    struct file_info info = {.bytes = bytes};
    struct job job = {.kind = kind, .is_gentle = is_gentle};
    int result = 0;
    if (__atomic_exchange_n(&jobs->is_taken, 1, __ATOMIC_SEQ_CST)) {
        return -EAGAIN;
    }
    struct job *place = find_place(jobs);
    job.buffer = place ? page_allocate(2 * JOB_PIECE_BYTES / PAGE_BYTES) : NULL;
    if (!job.buffer) {
        result = place ? -ENOMEM : -EBUSY;
    }
    if (result == 0 && from) {
        result = vfs_open(OWNER, from, FILE_READ, &job.from, &info);
    }
    if (result == 0) {
        bool is_read = kind == JOB_COMPARE;
        result = vfs_open(OWNER, to, is_read ? FILE_READ : FILE_WRITE | FILE_CREATE | FILE_TRUNCATE,
                          &job.to, NULL);
    }
    job.bytes = info.bytes;
    (void)format_print(job.name, sizeof(job.name), "%s", to);
    if (result == 0) {
        job.number = ++jobs->numbers;
        *place = job;
        result = (int)job.number;
    } else {
        if (job.from != 0) {
            jobs_close(jobs, job.from);
        }
        if (job.buffer) {
            page_free(job.buffer);
        }
    }
    __atomic_store_n(&jobs->is_taken, 0, __ATOMIC_SEQ_CST);
    return result;
}

/* Writes what is in the buffer; 0, or an error. */
static int put(struct job *job, int bytes)
{
    int written = vfs_write(job->to, job->done, job->buffer, (uint32_t)bytes);
    if (written > 0) {
        job->done += (uint32_t)written;
    }
    return written == 0 && bytes > 0 ? -ENOSPC : MIN(written, 0);
}

static int compare(struct job *job, int bytes)
{
    uint8_t *other = job->buffer + JOB_PIECE_BYTES;
    int read = vfs_read(job->to, job->done, other, (uint32_t)MAX(bytes, 1));
    if (read < 0) {
        return read;
    }
    if (read != bytes || memcmp(job->buffer, other, (size_t)bytes) != 0) {
        return -EILSEQ;
    }
    job->done += (uint32_t)bytes;
    return 0;
}

/* A piece. 1: that was the last one. */
static int work(struct job *job)
{
    uint32_t piece = job->is_gentle ? GENTLE_BYTES : JOB_PIECE_BYTES;
    int bytes = (int)MIN(piece, job->bytes - job->done);
    if (job->kind == JOB_FILL) {
        for (int i = 0; i < bytes; i++) {
            job->buffer[i] = jobs_pattern(job->done + (uint32_t)i);
        }
    } else {
        bytes = vfs_read(job->from, job->done, job->buffer, piece);
    }
    if (bytes < 0) {
        return bytes;
    }
    int result = job->kind == JOB_COMPARE ? compare(job, bytes) : bytes > 0 ? put(job, bytes) : 0;
    return result == 0 && bytes == 0 ? 1 : result;
}

static void tell(struct job *job)
{
    if (!job->is_seen && job->phase == JOB_FAILED) {
        log_warning("files: job %u, %s: error %d after %llu bytes", job->number, job->name,
                    job->error, (unsigned long long)job->done);
    } else if (!job->is_seen) {
        log_info("files: job %u, %s: done, %llu bytes", job->number, job->name,
                 (unsigned long long)job->done);
    }
    job->is_seen = 1;
}

int jobs_continue(struct jobs *jobs)
{
    bool is_more = false, is_gentle = true;
    if (__atomic_exchange_n(&jobs->is_taken, 1, __ATOMIC_SEQ_CST)) {
        return GENTLE_US;
    }
    for (uint32_t i = 0; i < JOBS_MAX; i++) {
        struct job *job = &jobs->job[i];
        if (job->number == 0 || job->phase != JOB_GOES_ON) {
            continue;
        }
        int result = job->error != 0 ? job->error : work(job);
        if (result != 0 && result != -EAGAIN) {
            result = finish(job, result);
        }
        if (job->phase != JOB_GOES_ON) {
            tell(job);
            continue;
        }
        is_more = true;
        is_gentle &= job->is_gentle || result == -EAGAIN;
    }
    is_more |= close_leftovers(jobs);
    __atomic_store_n(&jobs->is_taken, 0, __ATOMIC_SEQ_CST);
    return !is_more ? -EAGAIN : is_gentle ? GENTLE_US : 0;
}

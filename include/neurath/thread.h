/* SPDX-License-Identifier: MIT */
/*
 * Threads as schedulers see them, and workers: the threads that components have.
 *
 * The nucleus keeps threads, switches and puts them to sleep; a scheduler component only
 * chooses who runs next. A component has no thread bodies of its own: it has workers, loops in
 * the nucleus that wait for an event and call the component's step function, which returns.
 */
#pragma once

#include <neurath/cpu.h>
#include <neurath/event.h>

#define THREAD_NAME_BYTES 24
#define THREAD_WEIGHT_DEFAULT 1024

/*
 * What a scheduler may read of a thread, and eight words that are its own while the thread is
 * runnable or runs. Everything else of a thread belongs to the nucleus.
 */
struct thread {
    char name[THREAD_NAME_BYTES];
    uint32_t id;       /* counts up from 1, never used twice */
    uint32_t weight;   /* share of CPU time; THREAD_WEIGHT_DEFAULT is usual; 1 to 65536 */
    uint32_t cpu_mask; /* CPUs it may run on, never 0 */
    uint32_t cpu;      /* where it runs or ran last */
    uint64_t cpu_ns;   /* CPU time so far */
    uint64_t scheduler_words[8];
};

/*
 * Calls visit for every runnable thread that does not run at this moment; a new scheduler takes
 * them over so. Context: rendezvous (a scheduler's import).
 */
NUCLEUS_API void thread_each_runnable(void (*visit)(struct thread *thread));

/*
 * Gives the CPU away if another thread wants it. Context: thread, not inside a component whose
 * calls should end soon.
 */
NUCLEUS_API void thread_yield(void);

/*
 * A worker's step: does what there is to do, without waiting for the outside world, and returns
 *   0         there is more to do: call again soon
 *   -EAGAIN   nothing to do: call again when the worker's event is signalled
 *   > 0       as -EAGAIN, but after that many microseconds at the latest
 *   other < 0 an error: it is logged, and the worker stops
 */
typedef int worker_step(void *argument);

#define WORKER_ANY_CPU UINT32_MAX

struct worker_config {
    const char *name;    /* shown in lists; copied */
    worker_step *step;   /* a gate: survives replacement */
    void *argument;      /* passed to step; points into state or heap, or is a number */
    struct event *event; /* what to wait for; NULL: only time */
    uint32_t cpu_mask;   /* 0 or WORKER_ANY_CPU: all */
    uint32_t weight;     /* 0: THREAD_WEIGHT_DEFAULT */
};

/*
 * Starts a worker. It ends when its owner leaves the world, or by worker_stop().
 * Returns its number (> 0). -EINVAL: no step, no such CPU. -ENOMEM: no memory for its stack.
 * Context: thread.
 */
NUCLEUS_API int worker_start_owned(const struct worker_config *config, struct component *owner);
#define worker_start(config) worker_start_owned(config, this_component)

/*
 * Makes a worker of one's own end after its current step. It may still be in that step when this
 * returns. -ENOENT: the owner has no such worker. Context: thread.
 */
NUCLEUS_API int worker_stop_owned(int worker, struct component *owner);
#define worker_stop(worker) worker_stop_owned(worker, this_component)

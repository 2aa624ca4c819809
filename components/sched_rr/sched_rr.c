/* SPDX-License-Identifier: MIT */
/*
 * Round robin: all runnable threads wait in one queue, each runs for a time slice at most.
 *
 * One spinlock guards everything. A thread's scheduler_words hold its place in the queue; they
 * count only while they bear the mark of the present epoch, since another scheduler may have
 * written there before this one took over. Threads that run are not remembered, only which CPUs
 * are busy, so that a thread that becomes runnable is sent where nobody runs.
 */
#include <errno.h>

#include <interface/scheduler.h>
#include <neurath/chain.h>
#include <neurath/component.h>
#include <neurath/time.h>

#define SLICE_NS 10000000u
#define ALL_CPUS ((1u << CPU_MAX) - 1)

/* What lies in thread->scheduler_words. */
struct __attribute__((may_alias)) place {
    struct list node;
    uint64_t unused[5];
    uint64_t mark; /* state.mark while the thread is in the queue */
};
static_assert(sizeof(struct place) == sizeof(((struct thread *)0)->scheduler_words), "it fits");

struct sched_rr {
    struct spinlock lock; /* guards all below */
    uint32_t busy_mask;   /* CPUs that run a thread, or were just told to come for one */
    struct chain queue;   /* of struct place, who waits longest first */
    uint64_t mark;        /* another whenever the queue is made anew; 0 is in new threads' words */
};

STATE(struct sched_rr) state = {.mark = 1};

static struct place *place_of(struct thread *thread)
{
    return (struct place *)thread->scheduler_words;
}

static struct thread *thread_of(struct place *place)
{
    return container_of((uint64_t *)place, struct thread, scheduler_words);
}

/*
 * Where a thread should run: a CPU without work, best its last one; else its last one. An idle CPU
 * counts as busy from here on, so that the next thread wakes another.
 */
static unsigned choose_cpu(const struct thread *thread)
{
    uint32_t allowed = thread->cpu_mask & ALL_CPUS;
    if (allowed & cpu_online_mask()) {
        allowed &= cpu_online_mask();
    }
    uint32_t idle = allowed & ~state.busy_mask;
    uint32_t last = thread->cpu < CPU_MAX ? 1u << thread->cpu : 0;
    uint32_t candidates = idle ? idle : allowed;
    if (candidates & last) {
        candidates = last;
    }
    unsigned cpu = (unsigned)__builtin_ctz(candidates);
    state.busy_mask |= 1u << cpu;
    return cpu;
}

static int enqueue_locked(struct thread *thread)
{
    struct place *place = place_of(thread);
    if (!(thread->cpu_mask & ALL_CPUS)) {
        return -EINVAL;
    }
    if (place->mark != state.mark) {
        chain_append(&state.queue, &place->node);
        place->mark = state.mark;
    }
    return (int)choose_cpu(thread);
}

static struct place *first_for(unsigned cpu)
{
    struct place *place;
    chain_for_each(place, &state.queue, node)
    {
        if (thread_of(place)->cpu_mask & 1u << cpu) {
            break;
        }
    }
    return place;
}

static void take_out(struct place *place)
{
    chain_remove(&state.queue, &place->node);
    place->mark = 0;
}

int scheduler_enqueue(struct thread *thread)
{
    uint64_t daif = spin_lock(&state.lock);
    int result = enqueue_locked(thread);
    spin_unlock(&state.lock, daif);
    return result;
}

/* Keeps nobody: who gives way is enqueued, behind all who wait. */
int scheduler_pick(unsigned cpu, struct thread *current, uint64_t now_ns, struct thread **next)
{
    (void)now_ns;
    int result = -ENOENT;
    if (cpu >= CPU_MAX) {
        return result;
    }
    uint64_t daif = spin_lock(&state.lock);
    struct place *place = first_for(cpu);
    if (place) {
        take_out(place);
        *next = thread_of(place);
        state.busy_mask |= 1u << cpu;
        result = current != NULL;
    } else if (current) {
        *next = current;
        result = 0;
    } else {
        state.busy_mask &= ~(1u << cpu);
    }
    spin_unlock(&state.lock, daif);
    return result;
}

int scheduler_remove(struct thread *thread)
{
    int result = -ENOENT;
    uint64_t daif = spin_lock(&state.lock);
    struct place *place = place_of(thread);
    if (place->mark == state.mark) {
        take_out(place);
        result = 0;
    }
    spin_unlock(&state.lock, daif);
    return result;
}

int scheduler_tick(unsigned cpu, struct thread *current, uint64_t ran_ns)
{
    int switch_now = 0;
    if (cpu >= CPU_MAX) {
        return 0;
    }
    uint64_t daif = spin_lock(&state.lock);
    if (current) {
        state.busy_mask |= 1u << cpu;
    } else {
        state.busy_mask &= ~(1u << cpu);
    }
    if (!current || ran_ns >= SLICE_NS) {
        switch_now = first_for(cpu) != NULL;
    }
    spin_unlock(&state.lock, daif);
    return switch_now;
}

static void take_over(struct thread *thread)
{
    place_of(thread)->mark = 0;
    /* A thread without a CPU cannot be runnable: the nucleus does not let it come about. */
    (void)enqueue_locked(thread);
}

/* In the rendezvous: what is in the words of threads is the predecessor's from here on. */
static int import(const void *data, size_t size)
{
    (void)data; /* the nucleus knows the threads; schedulers have nothing to tell one another */
    (void)size;
    state = (struct sched_rr){.mark = time_now_ns() + 1};
    thread_each_runnable(take_over);
    state.busy_mask = 0; /* not known: the next tick of each CPU says it */
    return 0;
}

/* A call that faulted, and is made again, may have taken out somebody for good, or worse. */
static int adopt(void)
{
    state.mark++;
    state.queue = (struct chain){};
    thread_each_runnable(take_over);
    return 0;
}

COMPONENT(sched_rr, .version = VERSION(1, 0, 0), .summary = "Round-robin scheduler", .adopt = adopt,
          .import = import);

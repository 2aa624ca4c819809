/* SPDX-License-Identifier: MIT */
/*
 * What is to be seen of what a board has recorded: which thread each CPU ran, interrupts, both
 * sides of each call, the phases of transactions; and their order.
 */
#include "tools/nr/trace_picture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- rows --- */

static uint32_t tid_of_cpu(unsigned cpu, bool is_interrupts)
{
    return 2 * cpu + is_interrupts + 1;
}

uint32_t trace_picture_cpu_of(uint32_t tid)
{
    return (tid - 1) / 2;
}

bool trace_picture_is_of_interrupts(uint32_t tid)
{
    return tid % 2 == 0;
}

/* Threads count from 1; a 0 from a board that errs gets a row of its own. */
static uint32_t tid_of(uint32_t number)
{
    return number ? number : TRACE_PICTURE_NONE;
}

uint32_t trace_picture_thread_of(uint32_t tid)
{
    return tid == TRACE_PICTURE_NONE ? 0 : tid;
}

/* --- what there is to be seen --- */

/* NULL: no memory. */
static struct slice *add_slice(struct trace_picture *picture, struct slice slice)
{
    if (!picture->slices || picture->count == picture->room) {
        uint32_t room = picture->room ? 2 * picture->room : 1024;
        struct slice *larger = reallocarray(picture->slices, room, sizeof(*larger));
        if (!larger) {
            return NULL;
        }
        picture->slices = larger;
        picture->room = room;
    }
    slice.shown_end_ns = slice.end_ns;
    picture->slices[picture->count] = slice;
    return &picture->slices[picture->count++];
}

static uint64_t end_of(const struct trace_call *call)
{
    return call->began_ns + call->duration_ns;
}

/* What has been seen of a CPU so far. */
struct cpu_state {
    bool has_pick, is_in_interrupt;
    uint64_t picked_ns, acknowledged_ns;
    uint32_t interrupt;
    uint32_t running; /* place of the slice that ends with the last pick, or TRACE_PICTURE_NONE */
};

/* A pick is made on the stack of the thread that has run until then. */
static int draw_pick(struct trace_picture *picture, struct cpu_state *cpu,
                     const struct trace_call *call)
{
    uint64_t end_ns = end_of(call);
    bool goes_on =
        cpu->running != TRACE_PICTURE_NONE && picture->slices[cpu->running].subject == call->thread;
    if (cpu->has_pick && end_ns <= cpu->picked_ns) {
        return 0; /* of no length */
    }
    if (goes_on) {
        struct slice *last = &picture->slices[cpu->running];
        last->end_ns = last->shown_end_ns = end_ns;
    } else if (cpu->has_pick) {
        if (!add_slice(picture, (struct slice){.begin_ns = cpu->picked_ns,
                                               .end_ns = end_ns,
                                               .pid = PID_CPUS,
                                               .tid = tid_of_cpu(call->cpu, false),
                                               .subject = call->thread,
                                               .kind = SLICE_RUNNING})) {
            return -ENOMEM;
        }
        cpu->running = picture->count - 1;
    }
    cpu->has_pick = true;
    cpu->picked_ns = end_ns;
    return 0;
}

static int draw_interrupt_end(struct trace_picture *picture, struct cpu_state *cpu,
                              const struct trace_call *call)
{
    struct slice slice = {.begin_ns = cpu->acknowledged_ns,
                          .end_ns = call->began_ns,
                          .pid = PID_CPUS,
                          .tid = tid_of_cpu(call->cpu, true),
                          .subject = cpu->interrupt,
                          .kind = SLICE_INTERRUPT};
    bool is_one = cpu->is_in_interrupt && slice.begin_ns <= slice.end_ns;
    cpu->is_in_interrupt = false;
    return !is_one || add_slice(picture, slice) ? 0 : -ENOMEM;
}

/* The two sides of a call. Of those at the same time the one that was recorded later is around. */
static int draw_sides(struct trace_picture *picture, uint32_t place)
{
    const struct trace_call *call = &picture->trace->calls[place];
    struct slice slice = {.begin_ns = call->began_ns,
                          .end_ns = end_of(call),
                          .tid = tid_of(call->thread),
                          .order = (picture->trace->call_count - place) * 2,
                          .subject = place};
    if (call->caller != call->callee) {
        slice.pid = PID_COMPONENTS + call->caller;
        slice.kind = SLICE_CALLER;
        if (!add_slice(picture, slice)) {
            return -ENOMEM;
        }
    }
    slice.pid = PID_COMPONENTS + call->callee;
    slice.kind = SLICE_CALLEE;
    slice.order++;
    return add_slice(picture, slice) ? 0 : -ENOMEM;
}

static int draw_calls(struct trace_picture *picture)
{
    const struct trace *trace = picture->trace;
    struct cpu_state cpus[TRACE_CPUS];
    int result = 0;
    for (unsigned i = 0; i < TRACE_CPUS; i++) {
        cpus[i] = (struct cpu_state){.running = TRACE_PICTURE_NONE};
    }
    for (uint32_t i = 0; i < trace->call_count && result == 0; i++) {
        const struct trace_call *call = &trace->calls[i];
        const struct trace_gate *gate = trace_find_gate(trace, call->gate);
        const char *name = gate ? gate->name : "";
        struct cpu_state *cpu = &cpus[call->cpu];
        if (call->is_after_loss) {
            *cpu = (struct cpu_state){.running = TRACE_PICTURE_NONE};
        }
        if (strcmp(name, "scheduler_pick") == 0) {
            result = draw_pick(picture, cpu, call);
        } else if (strcmp(name, "irqchip_acknowledge") == 0) {
            cpu->is_in_interrupt = call->result >= 0;
            cpu->acknowledged_ns = end_of(call);
            cpu->interrupt = (uint32_t)call->result;
        } else if (strcmp(name, "irqchip_end") == 0) {
            result = draw_interrupt_end(picture, cpu, call);
        } else {
            result = draw_sides(picture, i);
        }
    }
    return result;
}

/* order: the smaller is the outer one of those at the same time; 0: the whole of the swap. */
static int add_phase(struct trace_picture *picture, uint32_t place, uint32_t order,
                     const char *phase, uint64_t begin_ns, uint64_t end_ns)
{
    struct slice slice = {.begin_ns = begin_ns,
                          .end_ns = end_ns,
                          .pid = PID_SWAPS,
                          .tid = place + 1,
                          .order = order,
                          .subject = place,
                          .phase = phase,
                          .kind = SLICE_SWAP};
    if (phase && end_ns <= begin_ns) {
        return 0; /* it was not gone through */
    }
    return add_slice(picture, slice) ? 0 : -ENOMEM;
}

static uint64_t max(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/*
 * The whole of a transaction, and its phases one behind the other; the blackout is the end of the
 * drain. Memory is given back (retire) at the very end: after the probation, or else after the
 * start.
 */
static int draw_swap(struct trace_picture *picture, uint32_t place)
{
    const struct trace_swap *swap = &picture->trace->swaps[place];
    uint64_t staged_ns = swap->began_ns + swap->stage_ns;
    uint64_t drained_ns = staged_ns + swap->drain_ns;
    uint64_t started_ns = max(swap->began_ns + swap->total_ns, drained_ns);
    uint64_t ended_ns = max(swap->ended_ns, started_ns);
    uint64_t since_ns = ended_ns > started_ns ? started_ns : drained_ns; /* of the last phase */
    bool is_retired = swap->ended_ns == ended_ns && swap->retire_ns <= ended_ns - since_ns;
    uint64_t retired_ns = ended_ns - (is_retired ? swap->retire_ns : 0);
    uint64_t stopped_ns =
        drained_ns - (swap->blackout_ns <= swap->drain_ns ? swap->blackout_ns : 0);
    const struct {
        const char *name;
        uint64_t begin_ns, end_ns;
    } phases[] = {
        {NULL, swap->began_ns, ended_ns},
        {"stage", swap->began_ns, staged_ns},
        {"drain", staged_ns, drained_ns},
        {"blackout", stopped_ns, drained_ns},
        {"start", drained_ns, ended_ns > started_ns ? started_ns : retired_ns},
        {"probation", started_ns, retired_ns},
        {"retire", retired_ns, ended_ns},
    };
    int result = 0;
    for (size_t i = 0; i < sizeof(phases) / sizeof(phases[0]) && result == 0; i++) {
        result = add_phase(picture, place, (uint32_t)i, phases[i].name, phases[i].begin_ns,
                           phases[i].end_ns);
    }
    return result;
}

/* --- their order --- */

static int compare(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

/* By time; of those that begin together the longer one, which is around the others, comes first. */
static int compare_times(const void *a, const void *b)
{
    const struct slice *first = a, *second = b;
    int result = compare(first->begin_ns, second->begin_ns);
    result = result ? result : compare(second->end_ns, first->end_ns);
    return result ? result : compare(first->order, second->order);
}

static int compare_rows(const void *a, const void *b)
{
    const struct slice *first = a, *second = b;
    int result = compare(first->pid, second->pid);
    result = result ? result : compare(first->tid, second->tid);
    return result ? result : compare_times(a, b);
}

bool trace_picture_is_new_row(const struct trace_picture *picture, uint32_t place)
{
    const struct slice *slice = &picture->slices[place];
    return place == 0 || slice->pid != slice[-1].pid || slice->tid != slice[-1].tid;
}

/* Has those of each row nest. They are sorted by rows. */
static void nest(struct trace_picture *picture)
{
    uint32_t around = TRACE_PICTURE_NONE;
    for (uint32_t i = 0; i < picture->count; i++) {
        struct slice *slice = &picture->slices[i];
        around = trace_picture_is_new_row(picture, i) ? TRACE_PICTURE_NONE : around;
        while (around != TRACE_PICTURE_NONE &&
               picture->slices[around].shown_end_ns <= slice->begin_ns) {
            around = picture->slices[around].around;
        }
        if (around != TRACE_PICTURE_NONE && slice->end_ns > picture->slices[around].shown_end_ns) {
            slice->shown_end_ns = picture->slices[around].shown_end_ns;
            picture->cut++;
        }
        slice->around = around;
        around = i;
    }
}

static int draw_all(struct trace_picture *picture)
{
    int result = draw_calls(picture);
    for (uint32_t i = 0; i < picture->trace->swap_count && result == 0; i++) {
        result = draw_swap(picture, i);
    }
    picture->zero_ns = UINT64_MAX;
    for (uint32_t i = 0; i < picture->count; i++) {
        uint64_t begin_ns = picture->slices[i].begin_ns;
        picture->zero_ns = begin_ns < picture->zero_ns ? begin_ns : picture->zero_ns;
    }
    picture->zero_ns = picture->count ? picture->zero_ns : 0;
    return result;
}

/* Empty lists cannot be sorted. */
static void sort_slices(struct trace_picture *picture, int (*order)(const void *, const void *))
{
    if (picture->count > 0) {
        qsort(picture->slices, picture->count, sizeof(*picture->slices), order);
    }
}

int trace_picture_make(struct trace_picture *picture, const struct trace *trace)
{
    *picture = (struct trace_picture){.trace = trace};
    int result = draw_all(picture);
    sort_slices(picture, compare_rows);
    nest(picture);
    return result;
}

void trace_picture_sort_by_time(struct trace_picture *picture)
{
    sort_slices(picture, compare_times);
}

void trace_picture_free(struct trace_picture *picture)
{
    free(picture->slices);
}

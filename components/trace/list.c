/* SPDX-License-Identifier: MIT */
/* Lists of what was traced: see list.h. */
#include "list.h"

#include <errno.h>
#include <string.h>

#include <lib/number.h>
#include <lib/version.h>

#define PAGE_LINES 128u
#define LAST_MAX 64u
#define NAME_BYTES (COMPONENT_NAME_BYTES + 12)

/* world_component() gives the next one behind an id. */
static bool find_component(uint32_t id, struct world_component *component)
{
    return id && world_component(id - 1, component) == 0 && component->id == id;
}

static const char *name_component(uint32_t id, char name[NAME_BYTES])
{
    struct world_component component;
    if (!id) {
        return "nucleus";
    }
    if (find_component(id, &component)) {
        (void)format_print(name, NAME_BYTES, "%s", component.name);
    } else {
        (void)format_print(name, NAME_BYTES, "component %u", id);
    }
    return name;
}

static const char *name_thread(uint32_t id, struct world_thread *thread)
{
    return world_thread(id - 1, thread) == (int)id ? thread->name : "a thread that ended";
}

static void print_call(const struct record *record, struct command_output *output)
{
    char caller[NAME_BYTES], callee[NAME_BYTES];
    struct world_thread thread;
    struct world_gate gate;
    bool has_name = world_gate(record->gate, &gate) == record->gate;
    command_print(output, "%10llu.%06llu CPU %u  %s: %s -> %s  %s  %u.%03u us = %d\n",
                  (unsigned long long)(record->began_ns / 1000000000),
                  (unsigned long long)(record->began_ns % 1000000000 / 1000), record->cpu,
                  name_thread(record->thread, &thread), name_component(record->caller, caller),
                  name_component(record->callee, callee), has_name ? gate.name : "?",
                  record->took_ns / 1000, record->took_ns % 1000, record->result);
}

static uint64_t end_of(const struct record *record)
{
    return record->began_ns + record->took_ns;
}

static const char *const swap_kinds[] = {"load", "replace", "unload", "revert"};
static const char *const swap_phases[] = {"settled", "probation", "taken-back"};

/* Up to the begin of a probation: what was replaced is retired at its end. */
static uint64_t total_of(const struct swap_report *report)
{
    if (report->probation_ms) {
        return report->total_ns - (report->phase == SWAP_SETTLED ? report->retire_ns : 0);
    }
    return report->ended_ns - report->began_ns;
}

static void print_swap(const struct swap_report *report, struct command_output *output)
{
    bool is_both = report->old[0] && report->new[0];
    uint64_t total_ns = total_of(report);
    command_print(output, "%10llu.%06llu swap %u  %s%s%s%s  %llu us, blackout %llu.%llu us: ",
                  (unsigned long long)(report->began_ns / 1000000000),
                  (unsigned long long)(report->began_ns % 1000000000 / 1000), report->ticket,
                  is_both ? report->old : swap_kinds[report->kind], is_both ? " -> " : " ",
                  is_both ? "" : report->old, report->new, (unsigned long long)total_ns / 1000,
                  (unsigned long long)report->blackout_ns / 1000,
                  (unsigned long long)report->blackout_ns / 100 % 10);
    if (report->result < 0 && report->phase == SWAP_SETTLED) {
        command_print(output, "refused, error %d\n", report->result);
    } else {
        command_print(output, "%s\n", swap_phases[report->phase]);
    }
}

void list_keep_swap(struct traced *traced, const struct swap_report *report)
{
    struct swap_report *place = &traced->swaps[0], *end = &traced->swaps[TRACE_SWAPS];
    while (place < end && place->ticket != report->ticket) {
        place++;
    }
    if (place == end) {
        place = &traced->swaps[traced->swap_count++ % TRACE_SWAPS];
        traced->swaps_lost += place->ticket && place->began_ns >= traced->since_ns;
    }
    *place = *report;
}

/* What is shown by time, going backwards. */
struct walk {
    const struct traced *traced;
    bool is_all;
    uint64_t left[CPU_MAX]; /* records */
    uint32_t swaps_left;    /* a bit for each place */
};

static bool is_shown(const struct walk *walk, const struct record *record)
{
    bool shown = true;
    for (unsigned i = 0; i < TRACE_ALWAYS; i++) {
        shown &= record->gate + 1u != walk->traced->always[i];
    }
    return shown || walk->is_all;
}

/* Goes back to the last record that is shown. False: none is left. */
static bool find_last(struct walk *walk, unsigned cpu, struct record *record)
{
    uint64_t oldest, *left = &walk->left[cpu];
    const struct ring_of_records *ring = &walk->traced->rings[cpu];
    for (; *left && record_get(ring, *left - 1, record, &oldest) == 0; --*left) {
        if (is_shown(walk, record)) {
            return true;
        }
    }
    return false;
}

/* The place of the last transaction; -1: none is left. */
static int find_last_swap(const struct walk *walk, uint64_t *ended_ns)
{
    int found = -1;
    for (int i = 0; i < TRACE_SWAPS; i++) {
        const struct swap_report *report = &walk->traced->swaps[i];
        uint64_t end_ns = report->began_ns + total_of(report);
        if (walk->swaps_left >> i & 1 && report->ticket &&
            report->began_ns >= walk->traced->since_ns && (found < 0 || end_ns > *ended_ns)) {
            found = i;
            *ended_ns = end_ns;
        }
    }
    return found;
}

/* A call, or a transaction. */
struct shown {
    struct record call;
    const struct swap_report *swap; /* NULL: it is a call */
};

/* Goes back by one. False: there is none. */
static bool go_back(struct walk *walk, struct shown *shown)
{
    struct record candidate;
    uint64_t ended_ns = 0;
    int cpu = -1, swap = find_last_swap(walk, &ended_ns);
    for (int i = 0; i < CPU_MAX; i++) {
        if (find_last(walk, (unsigned)i, &candidate) &&
            ((swap < 0 && cpu < 0) || end_of(&candidate) > ended_ns)) {
            cpu = i;
            ended_ns = end_of(&candidate);
            shown->call = candidate;
        }
    }
    shown->swap = cpu < 0 && swap >= 0 ? &walk->traced->swaps[swap] : NULL;
    if (cpu >= 0) {
        walk->left[cpu]--;
    } else if (swap >= 0) {
        walk->swaps_left &= ~(1u << swap);
    }
    return cpu >= 0 || swap >= 0;
}

void list_last(const struct traced *traced, bool is_all, unsigned count,
               struct command_output *output)
{
    struct walk walk = {.traced = traced, .is_all = is_all, .swaps_left = UINT32_MAX};
    struct shown last[LAST_MAX];
    unsigned found = 0;
    for (unsigned cpu = 0; cpu < CPU_MAX; cpu++) {
        walk.left[cpu] = __atomic_load_n(&traced->rings[cpu].head, __ATOMIC_ACQUIRE);
    }
    while (found < MIN(count, LAST_MAX) && go_back(&walk, &last[found])) {
        found++;
    }
    while (found--) {
        if (last[found].swap) {
            print_swap(last[found].swap, output);
        } else {
            print_call(&last[found].call, output);
        }
    }
}

void list_statistics(const struct traced *traced, struct command_output *output)
{
    char component[NAME_BYTES];
    command_print(output, "%-28s %-16s %9s %9s %9s %9s  ns\n", "method", "component", "calls",
                  "p50", "p99", "max");
    for (uint32_t i = 0; traced->histograms && i < traced->gate_count; i++) {
        const struct histogram *histogram = READ_ONCE(traced->histograms[i]);
        if (histogram && histogram->calls) {
            command_print(output, "%-28s %-16s %9u %9u %9u %9u\n", histogram->name,
                          name_component(histogram->component, component), histogram->calls,
                          histogram_percentile(histogram, 50), histogram_percentile(histogram, 99),
                          histogram->max_ns);
        }
    }
}

/* Each prints a page from a number on; returns the number of the next one, 0: that was all. */
static uint64_t list_gates(uint64_t from, struct command_output *output)
{
    struct world_gate gate;
    for (unsigned i = 0; i < PAGE_LINES; i++) {
        int number = world_gate((unsigned)from, &gate);
        if (number < 0) {
            return 0;
        }
        command_print(output, "gate %d %s %u\n", number, gate.name, gate.provider);
        from = (uint64_t)number + 1;
    }
    return from;
}

static uint64_t list_components(uint64_t from, struct command_output *output)
{
    struct world_component component;
    for (unsigned i = 0; i < PAGE_LINES; i++) {
        if (world_component((uint32_t)from, &component) < 0) {
            return 0;
        }
        command_print(output, "component %u %s %u.%u.%u\n", component.id, component.name,
                      VERSION_MAJOR(component.version), VERSION_MINOR(component.version),
                      VERSION_PATCH(component.version));
        from = component.id;
    }
    return from;
}

static uint64_t list_threads(uint64_t from, struct command_output *output)
{
    struct world_thread thread;
    for (unsigned i = 0; i < PAGE_LINES; i++) {
        if (world_thread((uint32_t)from, &thread) < 0) {
            return 0;
        }
        command_print(output, "thread %u %u %s\n", thread.id, thread.owner, thread.name);
        from = thread.id;
    }
    return from;
}

static void list_swap(const struct swap_report *report, struct command_output *output)
{
    command_print(output, "swap %u %s %d %s %llu %llu %llu %llu %llu %llu %llu %s %s\n",
                  report->ticket, swap_kinds[report->kind], report->result,
                  swap_phases[report->phase], (unsigned long long)report->began_ns,
                  (unsigned long long)report->stage_ns, (unsigned long long)report->drain_ns,
                  (unsigned long long)report->blackout_ns, (unsigned long long)total_of(report),
                  (unsigned long long)report->retire_ns, (unsigned long long)report->ended_ns,
                  report->old[0] ? report->old : "-", report->new[0] ? report->new : "-");
}

/* All on one page. */
static uint64_t list_swaps(const struct traced *traced, uint64_t from,
                           struct command_output *output)
{
    command_print(output, "lost-swaps %u\n", traced->swaps_lost);
    for (unsigned i = 0; i < TRACE_SWAPS; i++) {
        const struct swap_report *report = &traced->swaps[i];
        if (report->ticket > from && report->began_ns >= traced->since_ns) {
            list_swap(report, output);
        }
    }
    return 0;
}

/* `from` is the lower half of a number, not far below the head. */
static uint64_t list_calls(const struct ring_of_records *ring, uint32_t from,
                           struct command_output *output)
{
    struct record record;
    uint64_t oldest = 0, head = __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE);
    uint64_t first = head - (uint32_t)((uint32_t)head - from);
    first = MAX(first, __atomic_load_n(&ring->first, __ATOMIC_RELAXED)); /* cleared is not lost */
    uint64_t number = first;
    int result = record_get(ring, number, &record, &oldest);
    while (result == -ESTALE) {
        number = oldest;
        result = record_get(ring, number, &record, &oldest);
    }
    command_print(output, "lost %llu\n", (unsigned long long)(number - first));
    for (unsigned i = 0; i < PAGE_LINES && result == 0; i++) {
        command_print(output, "%llu %u %u %u %u %u %d\n", (unsigned long long)record.began_ns,
                      record.took_ns, record.thread, record.caller, record.callee, record.gate,
                      record.result);
        result = record_get(ring, ++number, &record, &oldest);
    }
    return result == -ENOENT ? 0 : number;
}

int list_page(const struct traced *traced, int count, char *const words[],
              struct command_output *output)
{
    const char *what = count > 1 ? words[1] : "";
    bool is_calls = !strcmp(what, "calls");
    uint32_t cpu = 0, from;
    uint64_t next;
    if (count != (is_calls ? 4 : 3) ||
        number_read_decimal(words[count - 1], UINT32_MAX, &from) < 0 ||
        (is_calls && number_read_decimal(words[2], CPU_MAX - 1, &cpu) < 0)) {
        return -EINVAL;
    }
    if (is_calls) {
        next = list_calls(&traced->rings[cpu], from, output);
    } else if (!strcmp(what, "gates")) {
        next = list_gates(from, output);
    } else if (!strcmp(what, "components")) {
        next = list_components(from, output);
    } else if (!strcmp(what, "threads")) {
        next = list_threads(from, output);
    } else if (!strcmp(what, "swaps")) {
        next = list_swaps(traced, from, output);
    } else {
        return -EINVAL;
    }
    if (next) {
        command_print(output, "next %u\n", (uint32_t)next);
    } else {
        command_print(output, "end\n");
    }
    return 0;
}

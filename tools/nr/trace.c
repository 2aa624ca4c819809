/* SPDX-License-Identifier: MIT */
/*
 * What a board has recorded, line by line; how it is asked is in trace_fetch.c, the file in
 * trace_json.c.
 */
#include "tools/nr/trace.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/version.h"

#define ENTRIES_MAX (1u << 20)       /* of one list: more is a board that does not come to an end */
#define NUMBER_MAX 0x7fffffff        /* of ids and indices: room for what trace_json.c adds */
#define TIME_MAX ((uint64_t)1 << 60) /* 36 years in ns: sums of a few stay far from the end */

/* --- words of a line --- */

struct reader {
    const char *at;
    bool is_bad; /* sticks */
};

/* The next word, cut to the room there is. */
static void read_word(struct reader *reader, char *word, size_t size)
{
    reader->at += strspn(reader->at, " ");
    size_t length = strcspn(reader->at, " ");
    reader->is_bad |= length == 0;
    snprintf(word, size, "%.*s", (int)length, reader->at);
    reader->at += length;
}

/* All that is left of the line; it may be empty. */
static void read_rest(struct reader *reader, char *rest, size_t size)
{
    reader->at += strspn(reader->at, " ");
    snprintf(rest, size, "%s", reader->at);
    reader->at += strlen(reader->at);
}

static uint64_t read_number(struct reader *reader, uint64_t max)
{
    char word[24], *end;
    read_word(reader, word, sizeof(word));
    errno = 0;
    uint64_t number = strtoull(word, &end, 10);
    reader->is_bad |= !isdigit((unsigned char)word[0]) || *end || errno || number > max;
    return number;
}

static uint32_t read_id(struct reader *reader)
{
    return (uint32_t)read_number(reader, NUMBER_MAX);
}

static uint64_t read_time(struct reader *reader)
{
    return read_number(reader, TIME_MAX);
}

static int32_t read_result(struct reader *reader)
{
    reader->at += strspn(reader->at, " ");
    bool is_negative = *reader->at == '-';
    reader->at += is_negative;
    int64_t number = (int64_t)read_number(reader, (uint64_t)INT32_MAX + is_negative);
    return (int32_t)(is_negative ? -number : number);
}

/* One of some words, which end with NULL. */
static void read_one_of(struct reader *reader, const char *const *words, char *word, size_t size)
{
    read_word(reader, word, size);
    while (*words && strcmp(*words, word) != 0) {
        words++;
    }
    reader->is_bad |= !*words;
}

/* --- lists --- */

/* Room for one more at the end, of zeros; NULL: none. */
static void *grow(void **list, unsigned *count, size_t size)
{
    if ((*count & (*count - 1)) == 0) { /* full: it doubles */
        void *larger = reallocarray(*list, *count ? (size_t)*count * 2 : 1, size);
        if (!larger) {
            return NULL;
        }
        *list = larger;
    }
    return memset((char *)*list + (*count)++ * size, 0, size);
}

/* Puts an entry at the end of a list, unless the line that told of it is a bad one. */
static int add(void **list, unsigned *count, const void *entry, size_t size,
               const struct reader *reader)
{
    if (reader->is_bad || *reader->at) {
        return -EBADMSG;
    }
    if (*count >= ENTRIES_MAX) {
        return -E2BIG;
    }
    void *place = grow(list, count, size);
    if (!place) {
        return -ENOMEM;
    }
    memcpy(place, entry, size);
    return 0;
}

static int take_gate(struct trace *trace, struct reader *reader)
{
    struct trace_gate gate = {0};
    gate.index = read_id(reader);
    read_word(reader, gate.name, sizeof(gate.name));
    gate.provider = read_id(reader);
    return add((void **)&trace->gates, &trace->gate_count, &gate, sizeof(gate), reader);
}

static int take_component(struct trace *trace, struct reader *reader)
{
    struct trace_component component = {0};
    char version[2 * VERSION_TEXT_MAX];
    component.id = read_id(reader);
    read_word(reader, component.name, sizeof(component.name));
    read_word(reader, version, sizeof(version));
    reader->is_bad |= version_parse(version, &component.version) < 0;
    return add((void **)&trace->components, &trace->component_count, &component, sizeof(component),
               reader);
}

static int take_thread(struct trace *trace, struct reader *reader)
{
    struct trace_thread thread = {0};
    thread.id = read_id(reader);
    thread.owner = read_id(reader);
    read_rest(reader, thread.name, sizeof(thread.name));
    return add((void **)&trace->threads, &trace->thread_count, &thread, sizeof(thread), reader);
}

static int take_swap(struct trace *trace, struct reader *reader)
{
    static const char *const kinds[] = {"load", "replace", "unload", "revert", NULL};
    static const char *const phases[] = {"settled", "probation", "taken-back", NULL};
    struct trace_swap swap = {0};
    swap.ticket = read_id(reader);
    read_one_of(reader, kinds, swap.kind, sizeof(swap.kind));
    swap.result = read_result(reader);
    read_one_of(reader, phases, swap.phase, sizeof(swap.phase));
    swap.began_ns = read_time(reader);
    swap.stage_ns = read_time(reader);
    swap.drain_ns = read_time(reader);
    swap.blackout_ns = read_time(reader);
    swap.total_ns = read_time(reader);
    swap.retire_ns = read_time(reader);
    swap.ended_ns = read_time(reader);
    read_word(reader, swap.old, sizeof(swap.old));
    read_word(reader, swap.new, sizeof(swap.new));
    return add((void **)&trace->swaps, &trace->swap_count, &swap, sizeof(swap), reader);
}

static int take_lost(struct trace *trace, struct reader *reader)
{
    uint64_t lost = read_number(reader, TIME_MAX);
    if (reader->is_bad || *reader->at) {
        return -EBADMSG;
    }
    trace->lost += lost;
    trace->has_lost |= lost > 0;
    return 0;
}

/* The board keeps a few transactions. */
static int take_lost_swaps(struct trace *trace, struct reader *reader)
{
    uint64_t lost = read_number(reader, NUMBER_MAX);
    if (reader->is_bad || *reader->at) {
        return -EBADMSG;
    }
    trace->swaps_lost = (unsigned)lost;
    return 0;
}

static int take_call(struct trace *trace, struct reader *reader)
{
    struct trace_call call = {.cpu = trace->cpu, .is_after_loss = trace->has_lost};
    call.began_ns = read_time(reader);
    call.duration_ns = read_time(reader);
    call.thread = read_id(reader);
    call.caller = read_id(reader);
    call.callee = read_id(reader);
    call.gate = read_id(reader);
    call.result = read_result(reader);
    trace->has_lost = false;
    return add((void **)&trace->calls, &trace->call_count, &call, sizeof(call), reader);
}

static const struct form {
    const char *word;
    int (*take)(struct trace *trace, struct reader *reader);
} forms[] = {
    {"gate", take_gate}, {"component", take_component}, {"thread", take_thread},
    {"swap", take_swap}, {"lost", take_lost},           {"lost-swaps", take_lost_swaps},
};

void trace_begin_cpu(struct trace *trace, unsigned cpu)
{
    trace->cpu = (uint8_t)cpu;
    trace->has_lost = false;
}

/* Its first signs, without those that a terminal would obey. */
static int refuse(const char *line, struct why *why)
{
    char shown[64];
    snprintf(shown, sizeof(shown), "%s", line);
    for (char *at = shown; *at; at++) {
        *at = (unsigned char)*at < 0x20 || (unsigned char)*at >= 0x7f ? '?' : *at;
    }
    return why_set(why, -EBADMSG, "\"%s\" cannot be understood", shown);
}

int trace_take(struct trace *trace, const char *line, struct why *why)
{
    struct reader reader = {.at = line};
    int result = -EBADMSG;
    if (isdigit((unsigned char)*line)) {
        result = take_call(trace, &reader);
    }
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        size_t length = strlen(forms[i].word);
        if (strncmp(line, forms[i].word, length) == 0 && line[length] == ' ') {
            reader.at = line + length;
            result = forms[i].take(trace, &reader);
        }
    }
    switch (result) {
    case -EBADMSG:
        return refuse(line, why);
    case -E2BIG:
        return why_set(why, result, "over %u entries: does the board still record?", ENTRIES_MAX);
    case -ENOMEM:
        return why_set(why, result, "no memory");
    default:
        return result;
    }
}

void trace_free(struct trace *trace)
{
    free(trace->gates);
    free(trace->components);
    free(trace->threads);
    free(trace->swaps);
    free(trace->calls);
    *trace = (struct trace){0};
}

/* --- to look things up: the number that they go by is the first member of each --- */

static int compare_first(const void *a, const void *b)
{
    uint32_t first = *(const uint32_t *)a, second = *(const uint32_t *)b;
    return (first > second) - (first < second);
}

static void sort(void *list, unsigned count, size_t size)
{
    if (count > 0) {
        qsort(list, count, size, compare_first);
    }
}

void trace_sort(struct trace *trace)
{
    sort(trace->gates, trace->gate_count, sizeof(*trace->gates));
    sort(trace->components, trace->component_count, sizeof(*trace->components));
    sort(trace->threads, trace->thread_count, sizeof(*trace->threads));
    sort(trace->swaps, trace->swap_count, sizeof(*trace->swaps));
}

static const void *find(const void *list, unsigned count, size_t size, uint32_t number)
{
    return count > 0 ? bsearch(&number, list, count, size, compare_first) : NULL;
}

const struct trace_gate *trace_find_gate(const struct trace *trace, uint32_t index)
{
    return find(trace->gates, trace->gate_count, sizeof(*trace->gates), index);
}

const struct trace_component *trace_find_component(const struct trace *trace, uint32_t id)
{
    return find(trace->components, trace->component_count, sizeof(*trace->components), id);
}

const struct trace_thread *trace_find_thread(const struct trace *trace, uint32_t id)
{
    return find(trace->threads, trace->thread_count, sizeof(*trace->threads), id);
}

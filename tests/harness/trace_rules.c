/* SPDX-License-Identifier: MIT */
/*
 * The rules of Trace Event Format, by a JSON reader that is not ours. Times are compared in
 * nanoseconds: a double has them exactly for a hundred days.
 */
#include "tests/harness/trace_rules.h"

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define NONE SIZE_MAX
#define TIME_MAX_NS 9e15 /* up to here a double has each one */

/* A slice, the end of an arrow, or a name: what of an event is compared with others. */
struct mark {
    size_t place; /* in the file */
    int64_t pid, tid, begin_ns, end_ns;
    const char *name, *category;
    int64_t id;    /* of an arrow */
    size_t around; /* the slice around a slice, in their order; NONE: none */
};

struct marks {
    struct mark *list; /* with room for all events */
    size_t count;
};

struct file {
    struct marks slices, starts, ends, processes, rows;
    struct why *why;
};

static int break_rule(const struct file *file, size_t place, const char *rule)
{
    return why_set(file->why, -EBADMSG, "event %zu: %s", place, rule);
}

/* --- each event on its own --- */

static bool read_id(const json_t *event, const char *key, int64_t *id)
{
    const json_t *value = json_object_get(event, key);
    *id = json_integer_value(value);
    return json_is_integer(value) && *id > 0 && *id <= UINT32_MAX;
}

/* Microseconds with up to three decimals. */
static bool read_time(const json_t *event, const char *key, int64_t *ns)
{
    const json_t *value = json_object_get(event, key);
    double exact = json_number_value(value) * 1000;
    if (!json_is_number(value) || exact < 0 || exact > TIME_MAX_NS) {
        return false;
    }
    *ns = (int64_t)(exact + 0.5);
    return exact - (double)*ns < 0.1 && (double)*ns - exact < 0.1;
}

static const char *read_text(const json_t *event, const char *key)
{
    const char *text = json_string_value(json_object_get(event, key));
    return text && text[0] ? text : NULL;
}

static void add(struct marks *marks, struct mark mark)
{
    marks->list[marks->count++] = mark;
}

static int take_metadata(struct file *file, const json_t *event, struct mark mark)
{
    const json_t *arguments = json_object_get(event, "args");
    bool is_process = strcmp(mark.name, "process_name") == 0;
    if (is_process || strcmp(mark.name, "thread_name") == 0) {
        if (!read_text(arguments, "name")) {
            return break_rule(file, mark.place, "a name that is none");
        }
        mark.tid = is_process ? 0 : mark.tid;
        add(is_process ? &file->processes : &file->rows, mark);
        return 0;
    }
    if (strcmp(mark.name, "process_sort_index") != 0 &&
        strcmp(mark.name, "thread_sort_index") != 0) {
        return break_rule(file, mark.place, "metadata of a kind that is not known");
    }
    return json_is_integer(json_object_get(arguments, "sort_index"))
               ? 0
               : break_rule(file, mark.place, "a place in the order that is no number");
}

static int take_slice(struct file *file, const json_t *event, struct mark mark)
{
    int64_t length_ns;
    if (!read_time(event, "dur", &length_ns)) {
        return break_rule(file, mark.place, "a slice without a length, or of a negative one");
    }
    mark.end_ns = mark.begin_ns + length_ns;
    add(&file->slices, mark);
    return 0;
}

static int take_flow(struct file *file, const json_t *event, struct mark mark, bool is_start)
{
    const char *point = read_text(event, "bp");
    if (!read_id(event, "id", &mark.id)) {
        return break_rule(file, mark.place, "an arrow without a number");
    }
    if (!is_start && (!point || strcmp(point, "e") != 0)) {
        return break_rule(file, mark.place, "an arrow that does not end in the slice around it");
    }
    add(is_start ? &file->starts : &file->ends, mark);
    return 0;
}

static int take_event(struct file *file, size_t place, const json_t *event)
{
    struct mark mark = {.place = place, .around = NONE};
    const json_t *arguments = json_object_get(event, "args");
    const char *phase = read_text(event, "ph");
    mark.name = read_text(event, "name");
    if (!mark.name || !phase || strlen(phase) != 1) {
        return break_rule(file, place, "no name, or no phase");
    }
    if (!read_id(event, "pid", &mark.pid) || !read_id(event, "tid", &mark.tid)) {
        return break_rule(file, place, "a pid or tid that is no number above 0");
    }
    if (arguments && !json_is_object(arguments)) {
        return break_rule(file, place, "arguments that are no object");
    }
    if (*phase == 'M') {
        return take_metadata(file, event, mark);
    }
    mark.category = read_text(event, "cat");
    if (!mark.category || !read_time(event, "ts", &mark.begin_ns)) {
        return break_rule(file, place, "no category, or no time, or a negative one");
    }
    switch (*phase) {
    case 'X':
        return take_slice(file, event, mark);
    case 's':
    case 'f':
        return take_flow(file, event, mark, *phase == 's');
    default:
        return break_rule(file, place, "a phase that is not known");
    }
}

/* --- all of them together --- */

static int compare(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int compare_rows(const void *a, const void *b)
{
    const struct mark *first = a, *second = b;
    int result = compare(first->pid, second->pid);
    return result ? result : compare(first->tid, second->tid);
}

/* By rows; in each by time, as readers put them: of those at the same time that which comes first.
 */
static int compare_slices(const void *a, const void *b)
{
    const struct mark *first = a, *second = b;
    int result = compare_rows(a, b);
    result = result ? result : compare(first->begin_ns, second->begin_ns);
    return result ? result : compare((int64_t)first->place, (int64_t)second->place);
}

static int compare_flows(const void *a, const void *b)
{
    const struct mark *first = a, *second = b;
    int result = compare(first->id, second->id);
    result = result ? result : strcmp(first->category, second->category);
    return result ? result : strcmp(first->name, second->name);
}

/* Refuses two that are alike. */
static int sort(const struct file *file, struct marks *marks,
                int (*order)(const void *, const void *), const char *rule)
{
    qsort(marks->list, marks->count, sizeof(*marks->list), order);
    for (size_t i = 1; i < marks->count; i++) {
        if (order(&marks->list[i - 1], &marks->list[i]) == 0) {
            return break_rule(file, marks->list[i].place, rule);
        }
    }
    return 0;
}

static int check_name(const struct file *file, const struct mark *mark)
{
    struct mark process = {.pid = mark->pid};
    const struct marks *processes = &file->processes, *rows = &file->rows;
    if (!bsearch(&process, processes->list, processes->count, sizeof(process), compare_rows)) {
        return break_rule(file, mark->place, "its process has no name");
    }
    return bsearch(mark, rows->list, rows->count, sizeof(*mark), compare_rows)
               ? 0
               : break_rule(file, mark->place, "its row has no name");
}

static int check_names(struct file *file)
{
    const struct marks *used[] = {&file->slices, &file->starts, &file->ends};
    int result = sort(file, &file->processes, compare_rows, "a process with two names");
    result = result ? result : sort(file, &file->rows, compare_rows, "a row with two names");
    for (size_t i = 0; i < sizeof(used) / sizeof(used[0]); i++) {
        for (size_t j = 0; j < used[i]->count && result == 0; j++) {
            result = check_name(file, &used[i]->list[j]);
        }
    }
    return result;
}

static bool is_in_swap(const struct file *file, const struct mark *slice)
{
    while (slice->around != NONE) {
        slice = &file->slices.list[slice->around];
        if (strcmp(slice->category, "swap") == 0) {
            return true;
        }
    }
    return false;
}

static int check_slices(struct file *file)
{
    struct mark *list = file->slices.list;
    size_t around = NONE;
    int result = sort(file, &file->slices, compare_slices, "one event twice");
    for (size_t i = 0; i < file->slices.count && result == 0; i++) {
        around = i == 0 || compare_rows(&list[i - 1], &list[i]) != 0 ? NONE : around;
        while (around != NONE && list[around].end_ns <= list[i].begin_ns) {
            around = list[around].around;
        }
        if (around != NONE && list[i].end_ns > list[around].end_ns) {
            result = break_rule(file, list[i].place, "it ends after the slice that it began in");
        }
        list[i].around = around;
        if (strcmp(list[i].category, "phase") == 0 && !is_in_swap(file, &list[i])) {
            result = break_rule(file, list[i].place, "the phase of a swap outside of it");
        }
        around = i;
    }
    return result;
}

/* A slice of its row that stands before it in the file and encloses its time. */
static bool is_in_slice(const struct file *file, const struct mark *flow)
{
    const struct mark *list = file->slices.list;
    size_t low = 0, high = file->slices.count; /* the first slice behind it in their order */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_slices(&list[middle], flow) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    /* Of some with no length at this very time each is on its own: the last one counts. */
    for (size_t i = low ? low - 1 : NONE; i != NONE; i = list[i].around) {
        if (compare_rows(&list[i], flow) != 0) {
            return false;
        }
        if (list[i].end_ns >= flow->begin_ns) {
            return list[i].place < flow->place;
        }
    }
    return false;
}

static int check_flows(struct file *file)
{
    int result = sort(file, &file->starts, compare_flows, "an arrow with two starts");
    result = result ? result : sort(file, &file->ends, compare_flows, "an arrow with two ends");
    for (size_t i = 0; i < file->starts.count && result == 0; i++) {
        const struct mark *start = &file->starts.list[i], *end = &file->ends.list[i];
        if (i >= file->ends.count || compare_flows(start, end) != 0) {
            result = break_rule(file, start->place, "an arrow without an end, or one before it");
        } else if (start->begin_ns > end->begin_ns || start->place > end->place) {
            result = break_rule(file, start->place, "an arrow that leads backwards");
        } else if (!is_in_slice(file, start) || !is_in_slice(file, end)) {
            result = break_rule(file, start->place, "an arrow that is bound to no slice");
        }
    }
    if (result == 0 && file->ends.count > file->starts.count) {
        result =
            break_rule(file, file->ends.list[file->starts.count].place, "an arrow without a start");
    }
    return result;
}

static void count(const struct file *file, struct trace_rules *counts)
{
    const struct {
        const char *category;
        unsigned *count;
    } known[] = {{"call", &counts->calls},      {"caller", &counts->callers},
                 {"swap", &counts->swaps},      {"phase", &counts->phases},
                 {"running", &counts->running}, {"interrupt", &counts->interrupts}};
    *counts = (struct trace_rules){.flows = (unsigned)file->starts.count,
                                   .processes = (unsigned)file->processes.count,
                                   .rows = (unsigned)file->rows.count};
    for (size_t i = 0; i < file->slices.count; i++) {
        for (size_t j = 0; j < sizeof(known) / sizeof(known[0]); j++) {
            *known[j].count += strcmp(file->slices.list[i].category, known[j].category) == 0;
        }
    }
}

static int check_events(struct file *file, const json_t *events)
{
    size_t place;
    const json_t *event;
    int result = 0;
    json_array_foreach(events, place, event)
    {
        result = result ? result : take_event(file, place, event);
    }
    result = result ? result : check_names(file);
    result = result ? result : check_slices(file);
    return result ? result : check_flows(file);
}

int trace_rules_check(const char *json, size_t size, struct trace_rules *counts, struct why *why)
{
    json_error_t error;
    struct file file = {.why = why};
    struct marks *all[] = {&file.slices, &file.starts, &file.ends, &file.processes, &file.rows};
    json_t *root = json_loadb(json, size, JSON_REJECT_DUPLICATES, &error);
    if (!root) {
        return why_set(why, -EBADMSG, "no JSON: %s, in line %d", error.text, error.line);
    }
    const json_t *events = json_object_get(root, "traceEvents");
    const json_t *other = json_object_get(root, "otherData");
    const char *unit = read_text(root, "displayTimeUnit");
    int result = 0;
    if (!json_is_array(events) || !unit || strcmp(unit, "ns") != 0 || !json_is_object(other)) {
        result = why_set(why, -EBADMSG, "not the object that holds events");
    }
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        all[i]->list = calloc(json_array_size(events) + 1, sizeof(*all[i]->list));
        result = all[i]->list ? result : why_set(why, -ENOMEM, "no memory");
    }
    result = result ? result : check_events(&file, events);
    if (result == 0) {
        count(&file, counts);
    }
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        free(all[i]->list);
    }
    json_decref(root);
    return result;
}

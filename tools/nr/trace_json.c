/* SPDX-License-Identifier: MIT */
/*
 * What a board has recorded as Trace Event Format, the JSON that Perfetto and chrome://tracing read
 * ("Trace Event Format", Google, 2016). What is to be known of it:
 *
 * - A row is a pair of pid and tid. Slices of a row ("X") nest: one that begins within another ends
 *   within it. Perfetto drops what does not.
 * - An arrow ("s" to "f") is bound to the slice that stands before it in the file and encloses its
 *   time. So slices are written in the order of time, outer ones first, each with its end of an
 *   arrow right behind it, and a caller's before its callee's.
 * - A pid or tid of 0 is the idle task of Linux to Perfetto: there is none here.
 * - Times are microseconds; three decimals make them exact.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/version.h"
#include "tools/nr/trace_picture.h"

#define LABEL_BYTES (2 * TRACE_NAME_BYTES + 32)

struct output {
    FILE *file;
    const struct trace_picture *picture;
    const struct trace *trace;
    bool has_event; /* the next one takes a comma */
};

/* --- names --- */

static const char *name_component(const struct trace *trace, uint32_t id, char label[LABEL_BYTES])
{
    const struct trace_component *component = trace_find_component(trace, id);
    if (component) {
        snprintf(label, LABEL_BYTES, "%s", component->name);
    } else if (id == TRACE_NUCLEUS) {
        snprintf(label, LABEL_BYTES, "nucleus");
    } else {
        snprintf(label, LABEL_BYTES, "component %u", id);
    }
    return label;
}

static const char *name_thread(const struct trace *trace, uint32_t id, char label[LABEL_BYTES])
{
    const struct trace_thread *thread = trace_find_thread(trace, id);
    if (thread && thread->name[0]) {
        snprintf(label, LABEL_BYTES, "%s", thread->name);
    } else {
        snprintf(label, LABEL_BYTES, "thread %u", id);
    }
    return label;
}

static const char *name_gate(const struct trace *trace, uint32_t index, char label[LABEL_BYTES])
{
    const struct trace_gate *gate = trace_find_gate(trace, index);
    if (gate) {
        snprintf(label, LABEL_BYTES, "%s", gate->name);
    } else {
        snprintf(label, LABEL_BYTES, "gate %u", index);
    }
    return label;
}

/* "swap led_blink -> led_blink2", "load shell" */
static const char *name_swap(const struct trace_swap *swap, char label[LABEL_BYTES])
{
    const char *kind = strcmp(swap->kind, "replace") == 0 ? "swap" : swap->kind;
    bool has_old = strcmp(swap->old, "-") != 0, has_new = strcmp(swap->new, "-") != 0;
    snprintf(label, LABEL_BYTES, "%s %s%s%s", kind, has_old ? swap->old : "",
             has_old && has_new ? " -> " : "", has_new ? swap->new : "");
    return label;
}

static const char *name_slice(const struct trace *trace, const struct slice *slice,
                              char label[LABEL_BYTES])
{
    switch (slice->kind) {
    case SLICE_RUNNING:
        return name_thread(trace, slice->subject, label);
    case SLICE_INTERRUPT: /* GIC: those below 16 come from other CPUs */
        snprintf(label, LABEL_BYTES, "%s %u", slice->subject < 16 ? "IPI" : "interrupt",
                 slice->subject);
        return label;
    case SLICE_CALLER:
        return name_component(trace, trace->calls[slice->subject].callee, label);
    case SLICE_CALLEE:
        return name_gate(trace, trace->calls[slice->subject].gate, label);
    default:
        return slice->phase ? slice->phase : name_swap(&trace->swaps[slice->subject], label);
    }
}

static const char *name_process(const struct trace *trace, uint32_t pid, char label[LABEL_BYTES])
{
    char version[VERSION_TEXT_MAX];
    if (pid < PID_COMPONENTS) {
        snprintf(label, LABEL_BYTES, "%s", pid == PID_CPUS ? "CPUs" : "swaps");
        return label;
    }
    const struct trace_component *component = trace_find_component(trace, pid - PID_COMPONENTS);
    if (!component) {
        return name_component(trace, pid - PID_COMPONENTS, label);
    }
    version_print(version, sizeof(version), component->version);
    snprintf(label, LABEL_BYTES, "%s %s", component->name, version);
    return label;
}

static const char *name_row(const struct trace *trace, uint32_t pid, uint32_t tid,
                            char label[LABEL_BYTES])
{
    if (pid == PID_CPUS) {
        snprintf(label, LABEL_BYTES, "CPU %u%s", trace_picture_cpu_of(tid),
                 trace_picture_is_of_interrupts(tid) ? " interrupts" : "");
        return label;
    }
    if (pid == PID_SWAPS) {
        snprintf(label, LABEL_BYTES, "ticket %u", trace->swaps[tid - 1].ticket);
        return label;
    }
    return name_thread(trace, trace_picture_thread_of(tid), label);
}

/* --- JSON --- */

/*
 * The prefix is ours and written as it is. Of the text what is no plain ASCII is taken for a sign
 * by its number, so that all is valid UTF-8.
 */
static void put_string(FILE *file, const char *prefix, const char *text)
{
    fprintf(file, "\"%s", prefix);
    for (; *text; text++) {
        unsigned char sign = (unsigned char)*text;
        if (sign == '"' || sign == '\\') {
            fprintf(file, "\\%c", sign);
        } else if (sign < 0x20 || sign >= 0x7f) {
            fprintf(file, "\\u%04x", sign);
        } else {
            fputc(sign, file);
        }
    }
    fputc('"', file);
}

static void put_pair(FILE *file, const char *key, const char *text)
{
    fprintf(file, "\"%s\":", key);
    put_string(file, "", text);
}

static void put_time(FILE *file, const char *key, uint64_t ns)
{
    fprintf(file, ",\"%s\":%llu.%03u", key, (unsigned long long)(ns / 1000), (unsigned)(ns % 1000));
}

static void begin_event(struct output *output, char phase, uint32_t pid, uint32_t tid)
{
    fprintf(output->file, "%s\n{\"ph\":\"%c\",\"pid\":%u,\"tid\":%u,", output->has_event ? "," : "",
            phase, pid, tid);
    output->has_event = true;
}

static void put_name(struct output *output, const struct slice *row, const char *what,
                     const char *name)
{
    begin_event(output, 'M', row->pid, row->tid);
    fprintf(output->file, "\"name\":\"%s\",\"args\":{", what);
    put_pair(output->file, "name", name);
    fputs("}}", output->file);
}

static void put_place(struct output *output, const struct slice *row, const char *what,
                      uint32_t place)
{
    begin_event(output, 'M', row->pid, row->tid);
    fprintf(output->file, "\"name\":\"%s\",\"args\":{\"sort_index\":%u}}", what, place);
}

/* What each process and each row is called. They are sorted by rows. */
static void put_rows(struct output *output)
{
    char label[LABEL_BYTES];
    for (uint32_t i = 0; i < output->picture->count; i++) {
        const struct slice *slice = &output->picture->slices[i];
        if (i == 0 || slice->pid != slice[-1].pid) {
            put_name(output, slice, "process_name", name_process(output->trace, slice->pid, label));
            put_place(output, slice, "process_sort_index", slice->pid);
        }
        if (trace_picture_is_new_row(output->picture, i)) {
            put_name(output, slice, "thread_name",
                     name_row(output->trace, slice->pid, slice->tid, label));
            put_place(output, slice, "thread_sort_index", trace_picture_thread_of(slice->tid));
        }
    }
}

static void put_running_arguments(FILE *file, const struct trace *trace, uint32_t id)
{
    const struct trace_thread *thread = trace_find_thread(trace, id);
    char label[LABEL_BYTES];
    fprintf(file, ",\"args\":{\"thread\":%u", id);
    if (thread) {
        fputc(',', file);
        put_pair(file, "owner", name_component(trace, thread->owner, label));
    }
    fputc('}', file);
}

static void put_call_arguments(FILE *file, const struct trace *trace, const struct trace_call *call)
{
    char label[LABEL_BYTES];
    fputs(",\"args\":{", file);
    put_pair(file, "caller", name_component(trace, call->caller, label));
    fprintf(file, ",\"result\":%d,\"cpu\":%u}", call->result, call->cpu);
}

static void put_swap_arguments(FILE *file, const struct trace_swap *swap)
{
    fprintf(file, ",\"args\":{\"ticket\":%u,\"result\":%d,", swap->ticket, swap->result);
    put_pair(file, "kind", swap->kind);
    fputc(',', file);
    put_pair(file, "phase", swap->phase);
    fputc('}', file);
}

static void put_arguments(const struct output *output, const struct slice *slice)
{
    const struct trace *trace = output->trace;
    if (slice->kind == SLICE_RUNNING) {
        put_running_arguments(output->file, trace, slice->subject);
    } else if (slice->kind == SLICE_CALLEE) {
        put_call_arguments(output->file, trace, &trace->calls[slice->subject]);
    } else if (slice->kind == SLICE_SWAP && !slice->phase) {
        put_swap_arguments(output->file, &trace->swaps[slice->subject]);
    }
}

/* One end of the arrow from a caller to its callee. */
static void put_arrow(struct output *output, const struct slice *slice, bool is_start)
{
    begin_event(output, is_start ? 's' : 'f', slice->pid, slice->tid);
    fprintf(output->file, "\"name\":\"call\",\"cat\":\"call\",\"id\":%u", slice->subject + 1);
    put_time(output->file, "ts", slice->begin_ns - output->picture->zero_ns);
    fputs(is_start ? "}" : ",\"bp\":\"e\"}", output->file);
}

static void put_slice(struct output *output, const struct slice *slice)
{
    static const char *const categories[] = {[SLICE_RUNNING] = "running",
                                             [SLICE_INTERRUPT] = "interrupt",
                                             [SLICE_CALLER] = "caller",
                                             [SLICE_CALLEE] = "call",
                                             [SLICE_SWAP] = "swap"};
    char label[LABEL_BYTES];
    FILE *file = output->file;
    begin_event(output, 'X', slice->pid, slice->tid);
    fputs("\"name\":", file);
    put_string(file, slice->kind == SLICE_CALLER ? "→ " : "",
               name_slice(output->trace, slice, label));
    fputc(',', file);
    put_pair(file, "cat", slice->phase ? "phase" : categories[slice->kind]);
    put_time(file, "ts", slice->begin_ns - output->picture->zero_ns);
    put_time(file, "dur", slice->shown_end_ns - slice->begin_ns);
    put_arguments(output, slice);
    fputc('}', file);
}

static void put_slices(struct output *output)
{
    for (uint32_t i = 0; i < output->picture->count; i++) {
        const struct slice *slice = &output->picture->slices[i];
        const struct trace_call *call = NULL;
        if (slice->kind == SLICE_CALLER || slice->kind == SLICE_CALLEE) {
            call = &output->trace->calls[slice->subject];
        }
        put_slice(output, slice);
        if (call && call->caller != call->callee) {
            put_arrow(output, slice, slice->kind == SLICE_CALLER);
        }
    }
}

int trace_write(FILE *file, struct trace *trace)
{
    struct trace_picture picture;
    struct output output = {.file = file, .picture = &picture, .trace = trace};
    trace_sort(trace);
    int result = trace_picture_make(&picture, trace);
    if (result == 0) {
        trace->cut = picture.cut;
        fputs("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[", file);
        put_rows(&output);
        trace_picture_sort_by_time(&picture);
        put_slices(&output);
        fprintf(file,
                "\n],\"otherData\":{\"system\":\"Neurath\",\"calls\":%u,\"swaps\":%u,"
                "\"lost\":%llu,\"lost_swaps\":%u,\"cut\":%u,\"began_ns\":%llu}}\n",
                trace->call_count, trace->swap_count, (unsigned long long)trace->lost,
                trace->swaps_lost, picture.cut, (unsigned long long)picture.zero_ns);
        result = ferror(file) ? -EIO : 0;
    }
    trace_picture_free(&picture);
    return result;
}

int trace_save(struct trace *trace, const char *name, struct why *why)
{
    FILE *file = name ? fopen(name, "w") : stdout;
    if (!file) {
        return why_set(why, -errno, "%s: %s", name, strerror(errno));
    }
    int result = trace_write(file, trace);
    int closed = name ? fclose(file) : fflush(stdout);
    if (result == 0 && closed != 0) {
        result = -errno;
    }
    return result < 0 ? why_set(why, result, "%s: %s", name ? name : "stdout", strerror(-result))
                      : 0;
}

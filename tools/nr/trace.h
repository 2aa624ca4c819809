/* SPDX-License-Identifier: MIT */
/*
 * What a board has recorded, calls through gates and transactions, and the file that shows it:
 * Trace Event Format in JSON, as Perfetto (ui.perfetto.dev) and chrome://tracing open it.
 *
 *     struct trace trace = {0};
 *     struct trace_board board = trace_board_of(&client);
 *     trace_record(&board, names, 1000, &why);        or what the board has recorded before
 *     trace_fetch(&trace, &board, &why);
 *     trace_save(&trace, "trace.json", &why);
 *     trace_free(&trace);
 *
 * What it is told comes from a board and is not trusted: a line that says nothing sensible is
 * refused, names are cut to the room there is and escaped, and calls that cannot be are cut so that
 * the file keeps to the format.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/why.h"
#include "tools/nr/client.h"

#define TRACE_NAME_BYTES 64
#define TRACE_CPUS 4
#define TRACE_NUCLEUS 0 /* the id of the owner, caller, callee that is no component */

struct trace_gate {
    uint32_t index;
    uint32_t provider; /* a component, or TRACE_NUCLEUS: the nucleus, or nobody */
    char name[TRACE_NAME_BYTES];
};

struct trace_component {
    uint32_t id;
    uint32_t version; /* as VERSION() */
    char name[TRACE_NAME_BYTES];
};

struct trace_thread {
    uint32_t id;
    uint32_t owner; /* a component, or TRACE_NUCLEUS */
    char name[TRACE_NAME_BYTES];
};

/* A transaction. Times as the board's report has them; began_ns and ended_ns since it started. */
struct trace_swap {
    uint32_t ticket;
    int32_t result; /* 0 or the board's negative errno */
    char kind[12], phase[12];
    uint64_t began_ns, stage_ns, drain_ns, blackout_ns, total_ns, retire_ns;
    uint64_t ended_ns;                                 /* 0: its probation still runs */
    char old[TRACE_NAME_BYTES], new[TRACE_NAME_BYTES]; /* "-": none */
};

struct trace_call {
    uint64_t began_ns, duration_ns;
    uint32_t thread, caller, callee, gate;
    int32_t result;
    uint8_t cpu;
    bool is_after_loss; /* calls on this CPU that came before it were lost */
};

/* Each list in the order in which it came; trace_write() sorts all but the calls. */
struct trace {
    struct trace_gate *gates;
    struct trace_component *components;
    struct trace_thread *threads;
    struct trace_swap *swaps;
    struct trace_call *calls; /* of each CPU: by their ends */
    unsigned gate_count, component_count, thread_count, swap_count, call_count;
    uint64_t lost;       /* calls that were overwritten before they could be read */
    unsigned swaps_lost; /* transactions that the board does not keep any more */
    unsigned cut;        /* slices that did not end within the one around them, by trace_write() */
    uint8_t cpu;         /* the one whose calls are taken */
    bool has_lost;       /* calls, since the last one that was taken */
};

/* --- what a board says --- */

/* From now on trace_take() is given calls of this CPU, below TRACE_CPUS. */
void trace_begin_cpu(struct trace *trace, unsigned cpu);

/*
 * Takes one line of a list, without its end:
 *     gate INDEX NAME PROVIDER
 *     component ID NAME VERSION
 *     thread ID OWNER NAME                   (a name with spaces)
 *     swap TICKET KIND RESULT PHASE BEGAN STAGE DRAIN BLACKOUT TOTAL RETIRE ENDED OLD NEW
 *     lost COUNT
 *     lost-swaps COUNT
 *     BEGAN DURATION THREAD CALLER CALLEE GATE RESULT
 * 0; -EBADMSG: it is none of these; -E2BIG: the list does not end; -ENOMEM.
 */
int trace_take(struct trace *trace, const char *line, struct why *why);

void trace_free(struct trace *trace);

/* NULL: the board did not tell of it, it has left. Only once the lists are sorted. */
void trace_sort(struct trace *trace);
const struct trace_gate *trace_find_gate(const struct trace *trace, uint32_t index);
const struct trace_component *trace_find_component(const struct trace *trace, uint32_t id);
const struct trace_thread *trace_find_thread(const struct trace *trace, uint32_t id);

/* --- a board, and how it is asked --- */

struct trace_board {
    /* Runs a line of the shell. *text: what it said, for the caller to free. */
    int (*run)(void *context, const char *line, char **text, struct why *why);
    int (*wait)(void *context, unsigned ms, struct why *why);
    void *context;
};

/* The one at the other end of a client that is connected. */
struct trace_board trace_board_of(struct client *client);

/*
 * Has the board record calls of the components called so (or "all") for a while. names ends with
 * NULL. Whatever happens, it does not record any more afterwards, as far as it can be told; but
 * where it refused the first name, a recording of somebody else's goes on. 0; -EREMOTEIO: it
 * refuses; else as client_call().
 */
int trace_record(const struct trace_board *board, char **names, unsigned ms, struct why *why);

/* Takes all that the board has recorded. 0; as trace_record() and trace_take(). */
int trace_fetch(struct trace *trace, const struct trace_board *board, struct why *why);

/* --- the file --- */

/* 0; -ENOMEM; -EIO: it was not written. */
int trace_write(FILE *file, struct trace *trace);

/* The same to the file of that name; NULL: stdout. 0; -ENOMEM; -errno of the file. */
int trace_save(struct trace *trace, const char *name, struct why *why);

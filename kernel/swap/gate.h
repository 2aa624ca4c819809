/* SPDX-License-Identifier: MIT */
/*
 * Gates: the sixteen bytes of code through which every call between components goes.
 *
 *     +0   b    target        open: the implementation      otherwise: b .+4
 *     +4   adr  x16, .-4
 *     +8   b    gate_park     closed: saves the arguments, waits, goes to +0 again
 *          b    gate_guard    guarded: notes how it was called, and calls the implementation
 *          b    gate_trace    traced: notes when, calls the implementation, and tells of it
 *     +12  .word index
 *
 * One aligned 32-bit store opens, closes or retargets; a B may be replaced by a B while others
 * execute it (ARM ARM B2.2.5), so +8 is written first: whoever is on the way to it waits or goes
 * on, and either is right. A version on probation is called through guarded gates: a call that
 * faults can be cut off at the guard's frame and made again, see contain.c. A traced gate is so in
 * whatever mode it is, unless closed; trace.c. The gates are mapped executable; they are written
 * through a window, a second mapping that exists during a transaction only.
 *
 * A gate is known by its owner, symbol and the structural hash of its prototype: who was built for
 * another prototype has another gate. Functions of interfaces belong to nobody (owner NULL):
 * any component may come to provide them. An own function of a component whose address is
 * taken has the component as owner, and lives as long as it is loaded in some version.
 * The transaction under way is the only one that changes gates.
 */
#pragma once

#include "../nucleus.h"

/* A64 B, and what makes it BL (ARM ARM C6.2.25, C6.2.33). Both reach 128 MiB. */
#define A64_B(offset) (0x14000000u | ((uint32_t)((int64_t)(offset) >> 2) & 0x3ffffff))
#define A64_LINK 0x80000000u

enum gate_mode { GATE_OPEN, GATE_CLOSED, GATE_GUARDED };

struct gate {
    char name[GATE_NAME_BYTES]; /* the symbol; "": free */
    struct component *owner;
    uint64_t target;  /* where it leads when open; gate_unbound: nobody provides it */
    uint64_t onward;  /* where the stub of a traced one goes on: to the target, or its guard */
    uint64_t planned; /* while a transaction is staged: where it will lead; 0: as now */
    uint64_t hash;    /* of the prototype; 0: not known yet (static), or not told */
    uint32_t uses;    /* images that import, provide or own it; 0: free it */
    bool is_static;   /* the nucleus itself calls through it */
    bool is_traced;   /* calls are told to the recorder, see trace.c */
    bool is_held;     /* no call leads past it: a transaction is about it, see direct.c */
    enum gate_mode mode;
};

/* Makes the static gates known. Boot. */
void gate_start(void);

/* -ENOMEM: no area for the window. */
int gate_open_window(void);
void gate_close_window(void);

/*
 * Finds or creates one (unbound), and counts a use. Returns its index. -ENOSPC: CONFIG_GATES are in
 * use; -ENAMETOOLONG; -EINVAL: no name. A static gate takes the hash of its first use.
 */
int gate_use(struct component *owner, const char *name, uint64_t hash);
/* Takes a use back; the last one frees the gate. */
void gate_unuse(int index);
struct gate *gate_at(int index);
uint64_t gate_address(int index);
/* Index of the gate at an address; -ENOENT. */
int gate_index_of(uint64_t address);
/* Name of a static gate that nobody provides; NULL: there is none. */
const char *gate_find_unbound(void);
uint32_t gate_count_free(void);
uint64_t gate_unbound_target(void);

/*
 * Writes the gate's branches, and cleans them to the point of unification. After the
 * last one of a batch: gate_finish_writes(), and an isb on each CPU before it relies on it.
 */
void gate_write(int index, uint64_t target, enum gate_mode mode);
void gate_finish_writes(void);

/*
 * What gate_guard keeps of a call, on the caller's stack: all that is needed to make it again, or
 * to return from it in its callee's place (AAPCS64 6.1.1: which registers a call preserves).
 */
struct guard_frame {
    struct frame_record record; /* the caller's x29, x30 */
    uint64_t x[9];              /* arguments, and where a large result goes */
    uint64_t gate;
    uint64_t x19_x28[10];
    uint64_t daif;
    uint64_t held_count;     /* locks held by this CPU */
    uint64_t entered_ns;     /* when */
    uint64_t entered_cpu_ns; /* CPU time of the thread then */
};
static_assert(sizeof(struct guard_frame) == 208, "gate.S");
static_assert(offsetof(struct guard_frame, daif) == 176, "gate.S");

/* What gate_trace keeps of a call, on the caller's stack. */
struct trace_frame {
    struct frame_record record; /* the caller's x29, x30 */
    uint64_t x[9];              /* arguments, and where a large result goes */
    uint64_t gate;
    uint64_t target, began_ns;
    uint64_t results[2]; /* x0, x1 */
};
static_assert(sizeof(struct trace_frame) == 128, "gate.S");
static_assert(offsetof(struct trace_frame, results) == 112, "gate.S");

/* gate.S */
void gate_park(void);
void gate_trace(void);
void gate_unbound(void);
void gate_guard(void);
extern char gate_guard_return[]; /* what the guarded callee returns to */
/* Goes on at pc with all registers as they were when the guarded call was made. */
NORETURN void gate_guard_resume(const struct guard_frame *frame, uint64_t pc);
/* drain.c, from gate_park: waits; where the call goes on. */
uint64_t gate_wait(uint64_t gate);
/* contain.c, from gate_guard: fills in the rest of the frame; the implementation. */
uint64_t gate_note_guard(struct guard_frame *frame);
/* trace.c, from gate_trace: the gate's onward; and when the callee has returned. */
const uint64_t *gate_note_call(struct trace_frame *frame);
void gate_note_return(const struct trace_frame *frame);

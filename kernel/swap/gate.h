/* SPDX-License-Identifier: MIT */
/*
 * Gates: the sixteen bytes of code through which every call between components goes.
 *
 *     +0   b    target        open: the implementation      closed: b .+4
 *     +4   adr  x16, .-4
 *     +8   b    gate_park     saves the arguments, waits, goes to +0 again
 *     +12  .word index
 *
 * One aligned 32-bit store opens, closes or retargets; a B may be replaced by a B while others
 * execute it (ARM ARM B2.2.5). The gates are mapped executable; they are written through a window,
 * a second mapping that exists during a transaction only.
 *
 * A gate is known by its owner, symbol and the structural hash of its prototype: who was built for
 * another prototype has another gate. Functions of interfaces belong to nobody (owner NULL):
 * any component may come to provide them. An own function of a component whose address is
 * taken has the component as owner, and lives as long as it is loaded in some version.
 * The transaction under way is the only one that changes gates.
 */
#pragma once

#include "../nucleus.h"

#define GATE_NAME_BYTES 48

struct gate {
    char name[GATE_NAME_BYTES]; /* the symbol; "": free */
    struct component *owner;
    uint64_t target; /* where it leads when open; gate_unbound: nobody provides it */
    uint64_t hash;   /* of the prototype; 0: not known yet (static), or not told */
    uint32_t uses;   /* images that import, provide or own it; 0: free it */
    bool is_static;  /* the nucleus itself calls through it */
    bool is_closed;
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
/* Whether the nucleus itself calls an interface function of that name. */
bool gate_is_static(const char *name);
/* Name of a static gate that nobody provides; NULL: there is none. */
const char *gate_find_unbound(void);
uint32_t gate_count_free(void);
uint64_t gate_unbound_target(void);

/*
 * Writes the gate's branch, open or closed, and cleans it to the point of unification. After the
 * last one of a batch: gate_finish_writes(), and an isb on each CPU before it relies on it.
 */
void gate_write(int index, uint64_t target, bool is_closed);
void gate_finish_writes(void);

/* gate.S */
void gate_park(void);
void gate_unbound(void);
/* drain.c, from gate_park: waits; where the call goes on. */
uint64_t gate_wait(uint64_t gate);

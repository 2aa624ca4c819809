/* SPDX-License-Identifier: MIT */
/*
 * The world as it is now: what is loaded, bound, registered, used. Copies, for lists and tests.
 */
#pragma once

#include <errno.h>
#include <string.h>

#include <lib/bundle.h>
#include <neurath/swap.h>
#include <neurath/thread.h>

struct world_component {
    uint32_t id; /* never used twice */
    char name[COMPONENT_NAME_BYTES];
    uint32_t version; /* VERSION() */
    uint32_t build;   /* distinguishes builds of one version */
    uint32_t swaps;   /* times its code was replaced */
    uint32_t text_bytes, rodata_bytes;
    uint64_t text_va, rodata_va, state_va;
    char state_type[COMPONENT_NAME_BYTES]; /* "" when stateless */
    uint64_t state_bytes;
    uint64_t state_hash;
    uint32_t pages;               /* of RAM it owns: state, and what it allocated */
    uint32_t registrations;       /* handlers, workers, offers, devices, events */
    uint64_t cpu_ns;              /* CPU time of its workers and of its interrupt handlers */
    uint64_t heap_bytes;          /* that it holds of the heap */
    uint64_t calls_in, calls_out; /* through gates, while those were traced */
    uint32_t heap_objects;
    uint32_t faults; /* of its calls that were cut off while it was on probation */
};

/*
 * Copies the component with the smallest id above `after` (start with 0). -ENOENT: none.
 * Context: any.
 */
NUCLEUS_API int world_component(uint32_t after, struct world_component *component);

/* Copies the component of that name. -ENOENT: there is none. Context: any. */
static inline int world_find(const char *name, struct world_component *component)
{
    component->id = 0;
    while (world_component(component->id, component) == 0) {
        if (strcmp(component->name, name) == 0) {
            return 0;
        }
    }
    return -ENOENT;
}

/*
 * The package of the first component whose id is above `after` (begin with 0), as long as it is
 * held: *bundle, and the component's place in it. Each one is to be let go. Returns the component's
 * id; -ENOENT: no more. Context: any; letting go: thread.
 */
NUCLEUS_API int world_hold_package(uint32_t after, const struct bundle **bundle,
                                   struct component_descriptor *descriptor);
NUCLEUS_API void world_let_package_go(const struct bundle *bundle);

/*
 * Describes registration `index` (from 0) of a component in words ("interrupt 125, 3071 handled").
 * -ENOENT: no more. Context: any.
 */
NUCLEUS_API int world_registration(uint32_t component, unsigned index, char *text, size_t size);

struct world_totals {
    uint64_t pages, pages_free; /* of RAM; free: given to nobody */
    uint64_t page_tables;       /* of the free ones those that the page allocator needs itself */
    uint64_t arena_bytes, arena_free_bytes;
    uint32_t gates, gates_free;
    uint32_t components, threads, cpus;
    uint32_t transactions; /* committed since boot */
    uint64_t worst_blackout_ns;
    uint64_t uptime_ns;
};

/* Fills *totals. Context: any. */
NUCLEUS_API void world_read_totals(struct world_totals *totals);

/*
 * Describes replaced image `index` (from 0) that cannot go yet, and who refers to it. -ENOENT: no
 * more. Context: any.
 */
NUCLEUS_API int world_limbo(unsigned index, char *text, size_t size);

/*
 * Hash over components and versions, states (where they are, their types), gates and their targets,
 * registrations, what is revoked, and the arena's page tables: equal before and after a transaction
 * that was refused. Context: any.
 */
NUCLEUS_API uint64_t world_hash(void);

struct world_thread {
    uint32_t id;    /* never used twice */
    uint32_t owner; /* component; 0: the nucleus */
    uint32_t cpu;   /* where it runs, or ran last */
    char name[THREAD_NAME_BYTES];
    char state[8]; /* in a word: "running" */
    uint64_t cpu_ns;
};

/* Copies thread `after`'s successor by id. Returns its id; -ENOENT: no more. Context: any. */
NUCLEUS_API int world_thread(uint32_t after, struct world_thread *thread);

#define GATE_NAME_BYTES 48

struct world_gate {
    char name[GATE_NAME_BYTES]; /* of the function */
    uint32_t owner;             /* component whose own function it is; 0: it is an interface's */
    uint32_t provider;          /* component that it leads to; 0: none */
    uint32_t uses;              /* images that call, provide or own it */
    bool is_traced;
};

/*
 * Copies the gate of the smallest number from `from` on; -ENOENT: no more. Returns the number: the
 * same until it is free again, below world_totals.gates. Context: any; when gates change meanwhile
 * some may be missing.
 */
NUCLEUS_API int world_gate(unsigned from, struct world_gate *gate);

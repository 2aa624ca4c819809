/* SPDX-License-Identifier: MIT */
/*
 * The audit: does anything refer to addresses that are to go, or to gates that would lead nowhere?
 * It looks, word by word, at all stacks and saved registers, at the states of all components, at
 * all memory that they own (their heap objects among it), and at what they have registered.
 */
#pragma once

#include "../nucleus.h"

struct span {
    uint64_t begin, end; /* addresses; equal: empty */
};
/*
 * The last span is code, and not looked for on stacks: return addresses are the drain's business,
 * and any other address of code is a gate. So what looks like one on a stack was left there;
 * elsewhere it breaks law 1, and is found.
 */
#define AUDIT_SPANS 3
#define AUDIT_STACK_SPANS 2

struct audit {
    struct span spans[AUDIT_SPANS];
    struct span all;             /* from the first to the last of them; set by audit_finds() */
    const struct image *leaving; /* whose gates are looked for, those no other image has */
    const char *gate;            /* name of the one that was found, if it was one */
    char holder[64];             /* in words: who refers to them */
};

/*
 * Whether somebody does; then holder says who. The stacks of those who run are looked at in a
 * rendezvous, all else while the world goes on: nobody makes such references any more, so none that
 * stays escapes. Context: thread.
 */
bool audit_finds(struct audit *audit);

/* Whether one of the words lies in one of the spans, or is such a gate's. Context: any. */
bool audit_hits(struct audit *audit, const void *words, size_t bytes);

/* Each looks at its registrations; the owner of one that refers, or NULL. */
const struct component *irq_find_holder(struct audit *audit);
const struct component *worker_find_holder(struct audit *audit);
const struct component *offer_find_holder(struct audit *audit);
const struct component *trace_find_holder(struct audit *audit);

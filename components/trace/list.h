/* SPDX-License-Identifier: MIT */
/*
 * Lists of what was traced: for people, and in pages of plain numbers for the host's tool, which
 * makes a file of them. Context: thread.
 */
#pragma once

#include <interface/command.h>

#include "record.h"

#define TRACE_SWAPS 32 /* as many as the nucleus knows the reports of */

/* Gates that are traced with any other: they tell who runs where, and which interrupts come. */
enum { TRACE_PICK, TRACE_ACKNOWLEDGE, TRACE_END, TRACE_ALWAYS };

struct traced {
    struct ring_of_records rings[CPU_MAX];
    uint32_t always[TRACE_ALWAYS]; /* their numbers, + 1; 0: not found yet */
    uint64_t since_ns;             /* when it was cleared */
    uint32_t gate_count;
    struct histogram **histograms; /* one for each gate that was ever traced; NULL: no gate was */
    struct swap_report swaps[TRACE_SWAPS]; /* number n at n % TRACE_SWAPS; ticket 0: none */
    uint32_t swap_count;                   /* that were ever kept */
    uint32_t swaps_lost;                   /* since it was cleared */
};

/* What is known of a transaction, in the place of what was known of it before. */
void list_keep_swap(struct traced *traced, const struct swap_report *report);

/*
 * The last calls of all CPUs and transactions, one a line, by their ends, the newest last; is_all:
 * picks and interrupts too.
 */
void list_last(const struct traced *traced, bool is_all, unsigned count,
               struct command_output *output);

/* How often each method was called, and how long it took. */
void list_statistics(const struct traced *traced, struct command_output *output);

/*
 * "list gates|components|threads|swaps FROM" and "list calls CPU FROM": a page of it, and in its
 * last line "next N", with which the next page is to be asked for, or "end". words[0] is "list".
 * -EINVAL: there is no such list.
 */
int list_page(const struct traced *traced, int count, char *const words[],
              struct command_output *output);

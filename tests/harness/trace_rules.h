/* SPDX-License-Identifier: MIT */
/*
 * Whether a file of `nr trace` keeps to the rules of Trace Event Format, those included which the
 * programs that read it keep silent about: what breaks them is dropped or drawn wrong there.
 *
 * - Each event has a name, a known phase (X, M, s, f), a pid and a tid above 0, and, unless it is
 *   metadata, a category and a time that is not negative.
 * - Each process and each row that is used has exactly one name.
 * - Slices have a length that is not negative; those of one row nest.
 * - Each arrow has one start and one end of the same name, category and id; it does not lead
 *   backwards, neither in time nor in the file, and both lie in a slice of their row that stands
 *   before them in the file.
 * - A slice of category "phase" lies in one of category "swap".
 */
#pragma once

#include <stddef.h>

#include "lib/why.h"

/* How many of each there are: slices by their category, but flows. */
struct trace_rules {
    unsigned calls;      /* "call": at the callee */
    unsigned callers;    /* "caller": the other side of those between two components */
    unsigned flows;      /* arrows */
    unsigned swaps;      /* "swap": the whole of a transaction */
    unsigned phases;     /* "phase": parts of it */
    unsigned running;    /* "running": a thread on a CPU */
    unsigned interrupts; /* "interrupt" */
    unsigned processes, rows;
};

/* 0; -EBADMSG: it is no JSON, or breaks a rule: why says which and where. */
int trace_rules_check(const char *json, size_t size, struct trace_rules *counts, struct why *why);

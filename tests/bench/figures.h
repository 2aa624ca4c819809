/* SPDX-License-Identifier: MIT */
/*
 * Figures: names and numbers in their order, and the file they are kept in, a flat object of JSON
 * (RFC 8259), a figure a line.
 */
#pragma once

#include <stddef.h>
#include <stdio.h>

#include "lib/why.h"

#define FIGURES_MAX 256
/*
 * Percent by which one may be larger, or smaller, and still be the same. The largest of many may
 * hold a tick or not, and the phase of the ticks moves with everything that comes before.
 */
#define FIGURES_TOLERANCE 5.0
#define FIGURES_TIMES_WORST 3.0 /* so many times KEY_max may be more, or less, */
#define FIGURES_MANY 1000       /* and KEY_p99 of fewer than so many */

struct figures {
    size_t count;
    struct {
        char key[48];
        double value;
    } list[FIGURES_MAX];
};

/* -ENOSPC: there are FIGURES_MAX; or the key is too long. */
int figures_add(struct figures *figures, const char *key, double value, struct why *why);

/* NULL: there is none of that name. */
const double *figures_find(const struct figures *figures, const char *key);

/* -errno of the file; reading: -EBADMSG, it is no flat object of numbers. */
int figures_write(const struct figures *figures, const char *path, struct why *why);
int figures_read(struct figures *figures, const char *path, struct why *why);

/*
 * Prints a table: KEY, KEY_p50, KEY_p99, KEY_max and KEY_n are a row. KEY is the median if there is
 * KEY_p99 and no KEY_p50; else it is the only one, or the least of n.
 */
void figures_print(const struct figures *figures, FILE *out);

struct figures_changes {
    unsigned worse, better; /* how many, by more than is tolerated */
};

/*
 * Prints both side by side, and how many percent each has become larger. Of those that are in both
 * KEY_n, which is no cost, is not judged. `out` may be NULL.
 */
struct figures_changes figures_compare(const struct figures *old, const struct figures *new,
                                       FILE *out);

/* Prints those that are not in both, or not equal to the digit. Returns how many. */
unsigned figures_differ(const struct figures *one, const struct figures *other, FILE *out);

/*
 * Prints those which, so many times, are more than the limit of that name says, and those which are
 * missing. Returns how many.
 */
unsigned figures_above(const struct figures *figures, const struct figures *limits, double times,
                       FILE *out);

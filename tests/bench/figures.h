/* SPDX-License-Identifier: MIT */
/*
 * Figures: names and numbers in their order, and the file they are kept in, a flat object of JSON
 * (RFC 8259), a figure a line.
 */
#pragma once

#include <stddef.h>
#include <stdio.h>

#include "lib/why.h"

#define FIGURES_MAX 96
#define FIGURES_TOLERANCE 5.0 /* percent by which one may be larger and still be no worse */

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
 * Prints a table: KEY_p50, KEY_p99, KEY_max and KEY_n are a row; what has only KEY, perhaps with
 * KEY_n, stands where the median does.
 */
void figures_print(const struct figures *figures, FILE *out);

/*
 * Prints both side by side, and how many percent each has become larger. Returns how many of those
 * that are in both have by more than FIGURES_TOLERANCE. Not judged are KEY_max and KEY_p99, since
 * the worst of many is what happened to come together, and KEY_n, which is no cost. `out` may be
 * NULL.
 */
unsigned figures_compare(const struct figures *old, const struct figures *new, FILE *out);

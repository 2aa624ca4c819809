/* SPDX-License-Identifier: MIT */
/*
 * Declarations as text, as packages carry them: for each method its prototype and every type that
 * is reachable from it, each on a line of its own, in C, the same for the same types:
 *
 *     int tick_add(struct tick *, unsigned long);
 *     struct tick { unsigned long n; struct tick *next; }; // 16 bytes
 *
 * So the first line that differs is the first declaration that does. No allocation, no globals.
 * Context: any. The texts are untrusted, but strings.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Less than this is no room for a difference. */
#define DECLARATION_ROOM_MIN 64

/* A piece of a text. */
struct declaration {
    const char *text;
    size_t length; /* without the newline; 0: the other side has more lines */
};

/* The first line that differs. false: none does, and then what differs is not in the texts. */
bool declaration_find_difference(const char *a, const char *b, struct declaration *in_a,
                                 struct declaration *in_b);

/*
 * Writes "a_words A | b_words B", A and B being the first declarations that differ, as much of them
 * as fits: members alike are left out first ("struct tick { ... int n; }"). size: room, at least
 * DECLARATION_ROOM_MIN and the words. Returns the length, 0 when none differs (buffer is "" then).
 */
size_t declaration_print_difference(const char *a, const char *a_words, const char *b,
                                    const char *b_words, char *buffer, size_t size);

/*
 * A declaration for people: a member a line, indented. Writes one line of it to buffer (cut to
 * size) and goes on to the next; *depth begins at 0. false: that was all.
 */
bool declaration_next_line(struct declaration *declaration, unsigned *depth, char *buffer,
                           size_t size);

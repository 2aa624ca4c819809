/* SPDX-License-Identifier: MIT */
/*
 * Packages that must be refused: each case is a good package, the one thing that is wrong with it,
 * and words of the refusal. The tables are in rejections_*.c, what runs them in test_rejections.c.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "tests/harness/package.h"

struct rejection {
    const char *name;
    const char *words;
    void (*damage)(struct package *package, const struct rejection *rejection);
    const char *package; /* NULL: REJECTION_PACKAGE */
    const char *old;     /* what it shall replace; NULL: whoever has its name */
    /* What damage() is told, as far as it asks. */
    const char *where, *which, *other;
    size_t at, width;
    uint64_t value;
    const void *bytes;
    int count;
};

/* A row of a table; the rest are members by name. */
#define CASE(text, refusal, function, ...)                                                         \
    {                                                                                              \
        .name = (text), .words = (refusal), .damage = (function), __VA_ARGS__                      \
    }

#define REJECTION_PACKAGE "build/packages/counter-1.1.0.nrb"

struct rejection_table {
    const char *name;
    const struct rejection *list;
    size_t count;
};

extern const struct rejection_table rejections_object, rejections_link, rejections_tree,
    rejections_descriptor, rejections_world;

/* Writes a number of width bytes (1, 2, 4, 8), little endian, any alignment. */
void rejection_poke(uint8_t *at, size_t width, uint64_t value);

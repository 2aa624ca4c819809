/* SPDX-License-Identifier: MIT */
/*
 * The world as a whole, put together from the parts in which the wire brings it, and written down
 * for other programs: as device-tree source, as a graph for graphviz, as a picture.
 *
 *     struct chart chart = {0};
 *     chart_take(&chart, tree);           for each part of the answer
 *     chart_write_svg(stdout, &chart);
 *     chart_free(&chart);
 *
 * What it is told comes from a board and is not trusted: names are cut to the room there is, and
 * each format gets them escaped.
 */
#pragma once

#include <stdint.h>
#include <stdio.h>

#define CHART_NAME_BYTES 64
#define CHART_NUCLEUS "nucleus" /* the provider that is no component */
#define CHART_NOBODY (-1)
#define CHART_IS_NUCLEUS (-2)

/* One interface that a component provides or needs. */
struct chart_binding {
    char interface[CHART_NAME_BYTES];
    char provider[CHART_NAME_BYTES]; /* "": nobody */
    uint32_t major, minor, methods;
};

struct chart_bindings {
    struct chart_binding *list;
    unsigned count;
};

struct chart_component {
    char name[CHART_NAME_BYTES];
    char state_type[CHART_NAME_BYTES]; /* "": stateless */
    uint32_t id, version, build, swaps, text_bytes, rodata_bytes, pages, registrations;
    uint64_t state_bytes, state_hash;
    struct chart_bindings provides, needs;
};

/* A number of the world as a whole, under the name that the wire has for it. */
struct chart_total {
    char name[CHART_NAME_BYTES];
    uint64_t value;
    unsigned cells; /* 1 or 2 */
};

struct chart {
    struct chart_component *components;
    struct chart_total *totals;
    unsigned count, total_count;
    int error; /* 0, or -ENOMEM: something is missing; sticks */
};

/* Takes what one part of the answer to `world` tells. tree: checked by the client. */
void chart_take(struct chart *chart, const void *tree);
void chart_free(struct chart *chart);

/* The place of the component of that name, CHART_IS_NUCLEUS, or CHART_NOBODY. */
int chart_find(const struct chart *chart, const char *name);

/* "1.2.0", valid until the next call. */
const char *chart_version(uint32_t version);

/* These return 0, or a negative errno: it was not written. */

/* Source that dtc takes: a node for each component, a reference for each binding. */
int chart_write_dts(FILE *file, const struct chart *chart);

/* A directed graph: from the user to the provider. */
int chart_write_dot(FILE *file, const struct chart *chart);

/* A picture: users above their providers, the nucleus at the bottom. */
int chart_write_svg(FILE *file, const struct chart *chart);

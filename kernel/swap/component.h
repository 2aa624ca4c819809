/* SPDX-License-Identifier: MIT */
/*
 * The table of components: one record for each name in the world, which stays the same through all
 * its versions. Records are changed by the transaction that is under way only (there is one at a
 * time); readers elsewhere take component_lock for a consistent look.
 */
#pragma once

#include "../nucleus.h"

#define COMPONENTS_MAX CONFIG_COMPONENTS /* slots from 1 on; slot 0 is the nucleus */

struct image;

struct component {
    uint32_t id;         /* > 0: in the world, or being staged; never used twice */
    bool is_live;        /* committed */
    uint32_t swaps;      /* times its image was replaced */
    int32_t pages;       /* of RAM it owns, see component_account_pages() */
    struct image *image; /* the one that runs; NULL while staged */
    uint32_t images;     /* of it in limbo: the record stays for them */
    /* Its account, besides its pages: */
    uint32_t faults;              /* of its calls that were cut off */
    uint64_t calls_in, calls_out; /* through traced gates */
    uint64_t cpu_ns;              /* of its interrupt handlers, and of its threads that ended */
    char name[COMPONENT_NAME_BYTES];
    /* Its state: mapped for as long as any version adopts it. NULL: stateless. */
    void *state;
    size_t state_bytes; /* 0: stateless */
    uint64_t state_hash;
    char state_type[COMPONENT_NAME_BYTES];
};

extern struct spinlock component_lock;

/* A live component of that name, or NULL. */
struct component *component_find(const char *name);
/* A record for a new one, not live yet; NULL: table full. */
struct component *component_create(const char *name);
/* Empties a record. Its pages must have been revoked. */
void component_destroy(struct component *component);
/* The next used record after one (NULL: the first), or NULL. */
struct component *component_next(const struct component *component);
const char *component_name(const struct component *component);
/* 0 for NULL: the nucleus. */
unsigned component_slot(const struct component *component);
struct component *component_at_slot(unsigned slot);
void component_account_pages(struct component *component, int count);
/* Takes back all it has registered. Its gates lead nowhere by then, so nobody is inside. */
void component_revoke(struct component *component);
/* Gives its state's memory back. */
void component_free_state(struct component *component, void *state, size_t bytes);
/* Zeroed memory for a state, where ADRP reaches; owned by the component. NULL: none. */
void *component_allocate_state(struct component *component, size_t bytes);

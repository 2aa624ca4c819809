/* SPDX-License-Identifier: MIT */
/*
 * Images: one loaded version of a component. Its code and constants lie in the arena, executable
 * or read-only, never writable there; they are written through a temporary second mapping.
 */
#pragma once

#include <lib/bundle.h>
#include <lib/link.h>
#include <lib/signature.h>

#include "component.h"
#include "gate.h"

/* A bundle in RAM of our own, kept while an image of it is loaded: names point into it. */
struct blob {
    uint32_t uses;
    struct bundle bundle;
    uint64_t copy[]; /* made, then checked, so that nobody changes what was checked */
};

/* The key whose signature bundles need: the build's, see `nrpack public`. */
extern const struct signature_key signature_trusted_key;

/*
 * Copies it, unless it is_ours (RAM that stays, and that nobody else knows), and checks: first the
 * signature, so that nothing unsigned is looked into, then the rest.
 * 0 and *blob with one use; -ENOMEM; what signature_verify() and bundle_open() refuse.
 */
int blob_create(const void *data, size_t bytes, bool is_ours, struct blob **blob, struct why *why);
void blob_use(struct blob *blob);
void blob_unuse(struct blob *blob);

struct image {
    struct image *next; /* in the list of all images */
    struct component *component;
    struct blob *blob;
    struct component_descriptor descriptor; /* into the blob */
    struct elf elf;
    struct link_layout layout;
    char *text, *rodata; /* in the arena */
    void *state;         /* that it was linked to; NULL: none */
    size_t text_pages, rodata_pages;
    const struct component_ops *ops; /* in rodata; NULL: not linked yet */
    uint32_t gate_count, gate_room;
    uint32_t provided; /* so many of the gates, the first, are of methods it provides */
    uint16_t *gates;   /* indices of all it uses */
    /* CONFIG_GATE_DIRECT: its branches to gates; pages. */
    struct call_site {
        uint32_t offset; /* in text */
        uint32_t gate;
    } * sites;
    uint32_t site_count;
    uint32_t build;
    bool is_plain; /* linked without gates for its own functions, for a test */
    /* Once it was replaced and somebody still refers to it, see retire.c: */
    struct image *next_in_limbo;
    bool owns_state;    /* no successor has adopted it */
    char holder[64];    /* who refers to it, in words */
    uint64_t scratch[]; /* layout's memory, then gates */
};

/*
 * Makes an image of a component of the blob: memory, layout, gates for what it provides, needs and
 * has its addresses taken of. Not linked yet. The gate window is open. -ENOMEM, -ENOSPC, or what
 * the linker refuses, in words.
 */
int image_create(struct component *component, struct blob *blob,
                 const struct component_descriptor *descriptor, struct image **image,
                 struct why *why);

/*
 * Links it: its state at `state`, initialised only if write_state. Afterwards it is mapped, and its
 * code is visible to all CPUs that have passed an isb.
 */
int image_link(struct image *image, void *state, bool write_state, struct why *why);

/* Writes the initial state of a linked image again; aside has room for its code and constants. */
void image_write_state(struct image *image, void *state, size_t bytes, void *aside);

/* Unmaps and frees it, lets go of its gates and its blob. Nobody may be inside. */
void image_destroy(struct image *image);

/* Address of a function of the image itself, not its gate; 0: it has none of that name. */
uint64_t image_find_symbol(const struct image *image, const char *name);

/*
 * Does nothing. Called when an image has been linked, before any of its code runs, and when one has
 * left the list of images: a debugger's breakpoint here is told when to look at the list again
 * (images/gdb.py does).
 */
void image_changed(void);

/* Whether a method is one of an interface that it provides. */
bool image_provides_method(const struct image *image, const char *name);

/* Whether a gate is among those it needs, provides or has. */
bool image_uses_gate(const struct image *image, int gate);

/* Whether a gate is one of its COMPONENT record's hooks, which leave with the version that has
 * them.
 */
bool image_is_hook(const struct image *image, int gate);

/* Whether pc lies in its code. */
bool image_contains(const struct image *image, uint64_t pc);

/* Function of any image at pc, for backtraces; NULL: none. Lock-free: used by panics. */
const char *image_find_function(uint64_t pc, const char **component, uint64_t *offset);

/* The image behind one in the list of all; NULL: the first. In the transaction's thread. */
struct image *image_next(const struct image *image);

/* Calls each gate that the image provides or owns with the address it has there. */
int image_each_entry(const struct image *image,
                     int (*each)(void *argument, int gate, uint64_t target), void *argument);

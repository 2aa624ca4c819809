/* SPDX-License-Identifier: MIT */
/*
 * Reader of bundles: flattened device trees, shaped like FIT images, that carry components.
 *
 *     / { description; neurath,format = <1>; neurath,abi = <N>; neurath,start;
 *         images {
 *             NAME-1.2.0 { description; type; arch; os; compression; data;
 *                 hash-1 { algo = "crc32"; value; };
 *                 component { name; version = <1 2 0>; oldest = <1 1 0>; build; compatible;
 *                     provides { IFACE { version = <1 0>; methods; hashes; contexts;
 *                                        declarations; }; };
 *                     needs { IFACE { version = <1 0>; below = <2 0>; methods; hashes;
 *                                     declarations; }; };
 *                     state { type; version = <1 2 0>; size; align; hash; };
 *                     gates { functions; hashes; }; }; }; }; };
 *
 * bundle_open() checks all of it once: the tree itself, that every string ends inside its property,
 * every list has as many entries as its hashes, and the check sum of each object. After that the
 * iterators cannot fail. Everything they hand out points into the blob, which must stay unchanged
 * and mapped. The object itself is checked by elf_open(); the signature, before all of this, by
 * signature_verify(). No allocation, no globals, no lock. Context: any; not meant for interrupts
 * (reads the whole blob).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "why.h"

#define BUNDLE_FORMAT 1u

/* More than that is refused before anything else is looked at. */
#define BUNDLE_SIZE_MAX (64u << 20)

struct bundle {
    const void *fdt;
    size_t size;  /* of the tree, as its header says: <= what was given */
    uint32_t abi; /* neurath,abi */
    uint32_t component_count;
    const char *description; /* never NULL */
    const char *start;       /* names of components in the order in which they shall start */
    uint32_t start_count;    /* how many; those not named start behind them, in the blob's order */
};

/* From where a method may be called: what GATED() says in its interface's header. */
enum method_context {
    METHOD_ANY,    /* interrupts too: only the rendezvous drains it */
    METHOD_THREAD, /* threads only: its gate may be closed */
    METHOD_ONCE,   /* together with one of them: never made again */
};
#define METHOD_CONTEXTS 4

struct descriptor_method {
    const char *name;
    uint64_t hash;               /* btf_hash() of its prototype */
    enum method_context context; /* METHOD_ANY where the list does not say (needs, gates) */
    const char *declarations;    /* of lib/declaration.h; "" where the list does not say */
};

/* A list of methods; walk it with descriptor_next_method(). Copy it to walk it again. */
struct descriptor_methods {
    uint32_t count;
    uint32_t next;            /* how many have been handed out */
    const char *names;        /* of the next one */
    const void *hashes;       /* of the first one: pairs of big-endian cells */
    const char *contexts;     /* of the next one, or NULL */
    const char *declarations; /* likewise */
};

struct descriptor_interface {
    const char *name;
    uint32_t version; /* packed, patch 0; of a need: at least that */
    uint32_t below;   /* of a need: and older than this; the next major one if it does not say */
    struct descriptor_methods methods;
};

struct component_descriptor {
    const char *name;
    const char *summary; /* never NULL */
    const char *build;   /* hexadecimal id of the object, never NULL */
    uint32_t version;    /* packed, see version.h */
    uint32_t oldest;     /* versions before it are revoked, likewise; 0: none are */
    uint32_t crc;        /* CRC-32 of the object, checked */
    const void *elf;     /* the object, aligned to 4 */
    size_t elf_size;
    const char *compatible; /* a string list of compatible_size bytes, or NULL */
    size_t compatible_size;
    const char *state_type; /* "struct led_blink", or NULL: stateless */
    uint32_t state_version; /* of the component whose layout it is */
    uint32_t state_size;
    bool state_is_plain; /* it holds no pointer */
    uint32_t state_align;
    uint64_t state_hash;
    struct descriptor_methods gates; /* own functions whose address is taken */
    int image;                       /* node offsets, for who wants more from the tree; */
    int component;
    int provides; /* < 0: there is no such node */
    int needs;
};

/*
 * Checks a bundle. data: aligned to 8. abi: what this kernel is (NEURATH_ABI), 0: any.
 * Returns 0; -EINVAL: not aligned; -EBADMSG: not a device tree, cut short, or a check sum does not
 * match; -EPROTO: well formed, but not as a bundle must be; -ENOEXEC: another format or ABI.
 */
int bundle_open(struct bundle *bundle, const void *data, size_t size, uint32_t abi,
                struct why *why);

/*
 * Walks the components in the order of the blob: *cursor begins at 0.
 * Returns true and fills *component, or false: that was all.
 */
bool bundle_next(const struct bundle *bundle, int *cursor, struct component_descriptor *component);

/* The component of that name. Returns 0 or -ENOENT. */
int bundle_find(const struct bundle *bundle, const char *name,
                struct component_descriptor *component);

/* Walks the interfaces of a node, `component->provides` or `component->needs`; *cursor begins at 0.
 */
bool descriptor_next_interface(const struct bundle *bundle, int node, int *cursor,
                               struct descriptor_interface *interface);

/* The one of that name: quicker than to walk, which reads them all. Returns whether it is there. */
bool descriptor_find_interface(const struct bundle *bundle, int node, const char *name,
                               struct descriptor_interface *interface);

/* Walks the methods. Returns false at the end. */
bool descriptor_next_method(struct descriptor_methods *methods, struct descriptor_method *method);

/* The method of that name in a list. Returns whether it is there. */
bool descriptor_find_method(struct descriptor_methods methods, const char *name,
                            struct descriptor_method *method);

/* The method of that name among those of all interfaces that a component provides; likewise. */
bool descriptor_find_provided(const struct bundle *bundle,
                              const struct component_descriptor *component, const char *name,
                              struct descriptor_method *method);

/* How many methods the interfaces of a node have. */
uint32_t descriptor_count_methods(const struct bundle *bundle, int node);

/* "any", "thread", "any-once" or "thread-once". The other way round, (enum method_context)-1: none
 * of these. */
const char *method_context_name(enum method_context context);
enum method_context method_context_of(const char *name);

/* The first 32 bits of a build id: enough to tell the builds of one version apart in a list. */
static inline uint32_t bundle_build_number(const char *hex)
{
    uint32_t number = 0;
    for (unsigned i = 0; i < 8; i++) {
        char digit = hex[i];
        if (digit >= '0' && digit <= '9') {
            number = number << 4 | (uint32_t)(digit - '0');
        } else if (digit >= 'a' && digit <= 'f') {
            number = number << 4 | (uint32_t)(digit - 'a' + 10);
        } else {
            break;
        }
    }
    return number;
}

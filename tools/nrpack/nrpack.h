/* SPDX-License-Identifier: MIT */
/*
 * The packager's parts: see nrpack.c for what it does. Memory lives until the process ends: each
 * run handles a few files. The subcommands return the exit status.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lib/btf.h>
#include <lib/bundle.h>
#include <lib/elf.h>
#include <lib/link.h>

enum {
    STATUS_DONE = 0,
    STATUS_REFUSED = 1, /* for diff: they differ */
    STATUS_TROUBLE = 2, /* wrong use, or a file cannot be read or written */
};

/* --- file.c --- */

/* Prints "nrpack: …" and ends the process with STATUS_TROUBLE. */
__attribute__((noreturn, format(printf, 1, 2))) void die(const char *format, ...);
/* Prints "PATH: …"; for what is wrong with an input. */
__attribute__((format(printf, 2, 3))) void complain(const char *path, const char *format, ...);
/* Memory, zeroed; dies rather than fail. */
void *allocate(size_t size);
/* An array with room for at least count + 1 elements. */
void *grow(void *array, size_t count, size_t element_size);
char *print_text(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The whole file, aligned to 16, with a NUL behind it. Dies if it cannot. */
void *read_file(const char *path, size_t *size);
/* Writes beside it and renames, so that no half-written file is ever seen. "-": standard output. */
void write_file(const char *path, const void *data, size_t size);

/* --- object.c: an object as the compiler, ld -r and pahole left it --- */

struct interface_record {
    const char *name;
    uint32_t version;
};

struct object {
    const char *path;
    struct elf elf;
    struct btf btf;
    void *scratch; /* for btf_hash() and btf_same() */
    size_t scratch_bytes;
    struct interface_record *interfaces; /* whose headers it includes */
    size_t interface_count;
};

/* Reads ELF, BTF and the records of interfaces. Returns false after a complaint. */
bool object_open(struct object *object, const char *path);
/* The source file a symbol is from, as far as the symbol table tells; else the object's path. */
const char *object_source_of(const struct object *object, uint32_t symbol);
/* The string that a pointer at section + offset points to; NULL: null pointer, or no string. */
const char *object_string_at(const struct object *object, uint32_t section, uint64_t offset);
uint64_t object_hash(const struct object *object, uint32_t type);
/* Whether all arguments of a function or prototype are passed in registers: a gate keeps no more.
 */
bool object_passes_in_registers(const struct object *object, uint32_t type);
/* "int f(void)": into memory of its own. */
char *object_declaration(const struct object *object, uint32_t type, const char *name);

/* --- declare.c --- */

/* A named type, spelled out on a line with its newline. */
struct spelled {
    uint32_t type;
    char *line;
};

/* All types that are reachable from a type, itself included: into memory of their own. */
struct spelled *object_reach(const struct object *object, uint32_t type, size_t *count);
/* The text of lib/declaration.h for a function: into memory of its own. */
char *object_declarations(const struct object *object, uint32_t type, const char *name);

/* --- interface.c: the stubs of all interfaces --- */

struct method {
    const char *name;
    const struct interface *interface;
    enum method_context context;
    uint32_t type; /* its prototype in the stub's BTF; 0: fixed by the C standard */
    uint64_t hash;
    const char *declarations; /* see lib/declaration.h; "" where type is 0 */
};

struct interface {
    const char *name;
    uint32_t version;
    struct object object;
    struct method *methods;
    size_t method_count;
    uint32_t
        types; /* a struct in the stub's BTF with a pointer to each type of the header; 0: none */
};

struct interfaces {
    struct interface **list; /* by name */
    size_t count;
    struct method **methods; /* of all, by name */
    size_t method_count;
};

/*
 * Reads each *.o in the folders; of an interface that is in several the one in the first. Returns
 * false after complaints.
 */
bool interfaces_open(struct interfaces *interfaces, char **folders, size_t count);
/* Reads one. Returns false after complaints. */
bool interface_open(struct interface *interface, const char *path);

/*
 * Functions of the C library that the nucleus offers, and that the compiler may call by itself, up
 * to NULL. Their prototypes are fixed by the standard: they need no header of ours, and their hash
 * is 0.
 */
extern const char *const standard_functions[];
const struct method *interfaces_find(const struct interfaces *interfaces, const char *name);
const struct interface *interfaces_find_by_name(const struct interfaces *interfaces,
                                                const char *name);

/* --- check.c: the laws; and what a component offers and wants --- */

struct gate {
    const char *name;
    uint64_t hash;
};

struct component {
    struct object object;
    const struct interfaces *interfaces;
    struct link_layout layout;
    uint32_t abi;
    uint32_t version;
    uint32_t oldest; /* 0: revokes none */
    const char *name;
    const char *summary;
    const char *compatible; /* NULL: none */
    const char *state_type; /* NULL: stateless */
    uint32_t state_size;
    uint32_t state_align;
    uint64_t state_hash;
    bool state_is_plain; /* it holds no pointer, so no audit need look through it */
    const struct interface **provides;
    size_t provides_count;
    const struct method **needs; /* sorted by interface, then name */
    size_t needs_count;
    struct gate *gates; /* sorted by name */
    size_t gate_count;
    unsigned complaints;
};

/* Fills everything from object and interfaces. Returns false after complaints. */
bool component_derive(struct component *component);

/* check.c's halves */
void check_component_record(struct component *component);
void check_state(struct component *component);
void check_writable(struct component *component);
void check_addresses(struct component *component);
void derive_gates(struct component *component);
void derive_provides(struct component *component);
void derive_needs(struct component *component);

/* --- strip.c --- */

/* The object as it is loaded: allocated sections, their relocations, the symbols needed. */
void *strip_object(const struct elf *elf, const struct link_layout *layout, size_t *size);

/* --- sign.c --- */

/* A copy of the tree with the key's signature behind it; dies if it cannot. */
void *sign_tree(const void *tree, size_t tree_bytes, const char *key, size_t *size);
/* Prints whose signature a bundle's file says it has; it is not checked. */
void show_signature(const char *path);

/* --- columns.c --- */

/* Prints the first declaration that differs between two texts of lib/declaration.h, side by side.
 */
void print_columns(const char *old, const char *new);

/* --- the subcommands --- */

int run_pack(int argc, char **argv);
int run_bundle(int argc, char **argv);
int run_stub(int argc, char **argv);
int run_exports(int argc, char **argv);
int run_show(int argc, char **argv);
int run_diff(int argc, char **argv);
int run_sign(int argc, char **argv);
int run_verify(int argc, char **argv);
int run_public(int argc, char **argv);
int run_symbols(int argc, char **argv);
int run_abi(int argc, char **argv);

/* A bundle from a file, checked; dies if it is none. */
void open_bundle_file(struct bundle *bundle, const char *path);

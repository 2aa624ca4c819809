/* SPDX-License-Identifier: MIT */
/*
 * Reader of BTF, the compact type information that `pahole -J` puts into the section .BTF.
 * Format: Linux' Documentation/bpf/btf.rst, version 1, kinds INT to ENUM64, little endian.
 *
 * btf_open() checks the header, every record, every name and every type id once; the rest is cheap
 * and stays inside. Type id 0 is void. Nothing is allocated or copied; the data must stay
 * unchanged. Context: any; not meant for interrupts.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "why.h"

enum btf_kind {
    BTF_VOID,
    BTF_INT,
    BTF_POINTER,
    BTF_ARRAY,
    BTF_STRUCT,
    BTF_UNION,
    BTF_ENUM,
    BTF_FORWARD,
    BTF_TYPEDEF,
    BTF_VOLATILE,
    BTF_CONST,
    BTF_RESTRICT,
    BTF_FUNCTION,
    BTF_PROTOTYPE,
    BTF_VARIABLE,
    BTF_DATA_SECTION,
    BTF_FLOAT,
    BTF_DECL_TAG,
    BTF_TYPE_TAG,
    BTF_ENUM64,
    BTF_KINDS,
};

struct btf {
    const uint8_t *types; /* the records */
    size_t types_size;
    const char *strings;
    size_t strings_size;
    uint32_t count;          /* of types, void included: ids are 0 .. count - 1 */
    const uint32_t *offsets; /* by id, in types; [0] unused */
};

/* One type, decoded. `type` and `size` share their place in the file: the one that fits is set. */
struct btf_type {
    enum btf_kind kind;
    const char *name; /* "" if it has none */
    uint32_t count;   /* members, enumerators, parameters */
    bool flag;        /* bit-field members; FORWARD: union; ENUM: signed */
    uint32_t size;    /* bytes: INT, FLOAT, STRUCT, UNION, ENUM, DATA_SECTION */
    uint32_t type;    /* id: of what is pointed at, returned, an array's element… */
    uint32_t extra;   /* INT: encoding << 24 | bit offset << 16 | bits; FUNCTION: linkage; VARIABLE:
                         linkage */
    uint32_t elements;   /* ARRAY */
    const uint8_t *list; /* members, enumerators or parameters in the file */
};

struct btf_member {
    const char *name;
    uint32_t type;
    uint32_t bit_offset;
    uint32_t bit_size; /* 0: not a bit-field */
};

struct btf_enumerator {
    const char *name;
    int64_t value; /* of an unsigned 64-bit enum: its bits */
};

struct btf_parameter {
    const char *name;
    uint32_t type; /* 0 with name "": the `...` at the end */
};

/* How many bytes of memory btf_open() needs for data of this size. */
size_t btf_scratch_bytes(size_t size);

/*
 * memory: aligned to 4, at least btf_scratch_bytes(size), belongs to the view.
 * Returns 0; -EBADMSG: malformed; -ENOTSUP: version, byte order or kind unknown; -ENOMEM: memory
 * too small.
 */
int btf_open(struct btf *btf, const void *data, size_t size, void *memory, size_t bytes,
             struct why *why);

struct btf_type btf_type(const struct btf *btf, uint32_t id);
struct btf_member btf_member(const struct btf *btf, const struct btf_type *type, uint32_t index);
struct btf_enumerator btf_enumerator(const struct btf *btf, const struct btf_type *type,
                                     uint32_t index);
struct btf_parameter btf_parameter(const struct btf *btf, const struct btf_type *type,
                                   uint32_t index);

/* The first type of that kind and name. Returns its id, or 0: none. Linear. */
uint32_t btf_find(const struct btf *btf, enum btf_kind kind, const char *name);

/* Follows typedefs, type tags, const, volatile and restrict. Returns the id of what is behind. */
uint32_t btf_strip(const struct btf *btf, uint32_t id);

/* sizeof in bytes, 0 for void, functions and incomplete types. */
uint64_t btf_size(const struct btf *btf, uint32_t id);

/*
 * Hash of a type and everything reachable from it: equal for equal types whatever their ids, their
 * order in the file, or the object they come from. What counts: kinds, names of base types,
 * structs, unions, enums, of their members and enumerators, values, offsets, sizes, bit-fields,
 * array lengths, pointers, const and volatile (but for those of a parameter or a returned value
 * itself, which the caller cannot notice), parameters' types, `...`. What does not: typedefs'
 * names, parameters' names, restrict, tags, a function's own name. A struct that is only declared
 * counts by its name. memory: btf_hash_scratch_bytes(), aligned to 4, only used during the call.
 * Returns 0; -ELOOP: types nest in a way C cannot write (malformed); -ENOMEM.
 */
size_t btf_hash_scratch_bytes(const struct btf *btf);
int btf_hash(const struct btf *btf, uint32_t id, void *memory, size_t bytes, uint64_t *hash,
             struct why *why);

/*
 * A number for a base type's name, the same for each spelling: gcc's "long unsigned int" is clang's
 * "unsigned long". 0: not of C's words; such a name is known by its text only.
 */
uint32_t btf_base_number(const char *name);

/*
 * Whether type `ia` of `a` and `ib` of `b` are the same by the same rules, except that a struct
 * which one side only declares matches one of that name which the other side defines. memory:
 * btf_hash_scratch_bytes(a). Returns 1; 0, with the first difference in *why; -ELOOP or -ENOMEM.
 */
int btf_same(const struct btf *a, uint32_t ia, const struct btf *b, uint32_t ib, void *memory,
             size_t bytes, struct why *why);

/*
 * Prints a declaration of `name` with this type as C would write it: "int (*name)(const char *)".
 * name may be
 * ""; for a FUNCTION it is its own name that is taken if "". typedef names are kept.
 * Returns the length, without NUL; >= size: it was cut (and would have been at least that long).
 */
int btf_print(const struct btf *btf, uint32_t id, const char *name, char *buffer, size_t size);

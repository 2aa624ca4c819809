/* SPDX-License-Identifier: MIT */
/*
 * The linker: places an object's sections and relocates them to where they will run.
 *
 *     elf_open(&elf, data, size, &why);
 *     memory = allocate(link_scratch_bytes(&elf));      8-byte aligned, kept as long as the layout
 *     link_measure(&elf, memory, bytes, &layout, &why); sizes and alignments of the three regions
 *     link_each_gate(&elf, &layout, look_up_or_allocate, context, &why);
 *     link_apply(&elf, &layout, &target, &why);         copies and relocates
 *
 * How a relocation binds (S: its symbol, A: its addend):
 *  - S undefined: to the address that resolve() gives: a gate of another component or something of
 *    the nucleus. A must be 0 when the relocation is a branch.
 *  - a branch (CALL26, JUMP26, CONDBR19, TSTBR14) into own code: to the code itself.
 *  - anything else that lands on the first byte of an own function: to the gate that gate() gives,
 *    asked once for each function. PREL and PLT32 included.
 *  - anything else that lands inside an own function, or between functions: refused, -EPERM. No
 *    address of the middle of a function leaves the component, so that its code can be replaced.
 *  - from .eh_frame and .gcc_except_table: always to the code itself.
 *  - into own read-only data or state: to its address.
 *  - S absolute (SHN_ABS): refused, -EPERM: an address that neither linker nor nucleus has given
 *    would be a way in, or out, around the gates.
 * Every value is checked against its field as AAELF64 demands, never cut: -ERANGE names symbol,
 * relocation, place, value and range. A scaled load or store (LDST16...128) and a branch must also
 * be aligned. Types not named in elf.h are refused, -ENOTSUP.
 *
 * No globals, no lock, no allocation: two links may run at once with memories of their own.
 * Work is O(relocations * log functions). The input is untrusted: no input makes it write outside
 * the regions, read outside the file, or loop. Context: any; not meant for interrupts.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "elf.h"
#include "why.h"

enum link_region {
    LINK_TEXT,   /* executable */
    LINK_RODATA, /* allocated, neither writable nor executable */
    LINK_STATE,  /* the section .state: the only writable one */
    LINK_REGIONS,
    LINK_NONE = LINK_REGIONS, /* section is not loaded */
};

/* No section of a component may ask for more: regions are mapped by pages. */
#define LINK_ALIGN_MAX 4096u
/* No region may be larger; keeps branches inside a component in reach. */
#define LINK_REGION_MAX (64u << 20)

struct link_placement {
    uint32_t region; /* enum link_region */
    uint32_t offset; /* of the section in its region */
};

struct link_function {
    const char *name; /* in the object's string table */
    uint32_t offset;  /* in TEXT */
    uint32_t size;    /* 0: unknown */
    uint32_t symbol;  /* index in the symbol table */
};

struct link_binding {
    uint64_t address;
    uint64_t known;
};

struct link_layout {
    struct {
        uint32_t size;  /* bytes; 0: there is none */
        uint32_t align; /* bytes, a power of two, >= 1 */
    } region[LINK_REGIONS];
    uint32_t function_count;
    struct link_function *functions;   /* by offset, one for each offset */
    struct link_placement *placements; /* by section index */
    struct link_binding *bindings;     /* by symbol index, a cache of link_apply() */
};

/* How many bytes of memory a layout of this object needs. */
size_t link_scratch_bytes(const struct elf *elf);

/*
 * Places every allocated section and lists the functions.
 * memory: at least link_scratch_bytes(), aligned to 8; belongs to the layout until that is done
 * with. Returns 0; -EPERM: a writable section other than .state, one writable and executable,
 * absolute or weak undefined symbols in use; -ENOTSUP: TLS, groups, common, IFUNC, compressed or
 * unknown kinds; -EFBIG: region over LINK_REGION_MAX; -EINVAL: alignment; -ENOMEM: memory too
 * small.
 */
int link_measure(const struct elf *elf, void *memory, size_t bytes, struct link_layout *layout,
                 struct why *why);

struct link_target {
    struct {
        uint64_t address; /* where the region will run; a multiple of its align */
        void *write;      /* through which it is written now, any alignment; NULL (allowed for
                             LINK_STATE, or an empty region): adopted, not touched at all */
    } region[LINK_REGIONS];
    void *context;
    /* Address of a symbol that the object does not define. 0, or a negative errno: link_apply()
     * returns it; it adds its own words unless resolve() has set some. Asked once for each symbol.
     */
    int (*resolve)(void *context, const char *name, uint64_t *address, struct why *why);
    /* Address of the gate of an own function, function->symbol being its identity. Likewise. */
    int (*gate)(void *context, const struct link_function *function, uint64_t *address,
                struct why *why);
};

/*
 * Copies the regions to where they are written and relocates them there. The space at `write` must
 * have layout->region[].size bytes; gaps between sections are zeroed. Not touched on an error of
 * measure; on an error here the regions are partly written and must be thrown away. Returns 0;
 * -ENOENT: resolve() knew no such symbol; -ERANGE, -EPERM, -ENOTSUP: see above; -EINVAL: a
 * relocation outside its section, a value with the wrong alignment; what the callbacks return.
 */
int link_apply(const struct elf *elf, struct link_layout *layout, const struct link_target *target,
               struct why *why);

/*
 * Calls back once for each own function whose address is taken (each one that link_apply() will ask
 * gate() for), in the order of relocations. A negative return of `each` ends it and is returned,
 * with its words if it has set some in the same *why.
 * What link_apply() would refuse as the address of no function is refused here too.
 */
int link_each_gate(const struct elf *elf, struct link_layout *layout,
                   int (*each)(void *context, const struct link_function *function), void *context,
                   struct why *why);

/*
 * Calls back for each undefined symbol that a loaded section refers to, once, in symbol order;
 * `branches` and `addresses` count the relocations of either sort. So the kernel can bind its
 * imports before it links, and the packager can derive `needs`.
 */
struct link_import {
    const char *name;
    uint32_t symbol;
    uint32_t branches;
    uint32_t addresses;
};
int link_each_import(const struct elf *elf, struct link_layout *layout,
                     int (*each)(void *context, const struct link_import *import), void *context,
                     struct why *why);

/*
 * Calls back for each CALL26 and JUMP26 to a symbol that the object does not define, after
 * link_apply(): where in TEXT it is, and the address that resolve() gave. A negative return of
 * `each` ends it and is returned.
 */
int link_each_call(const struct elf *elf, const struct link_layout *layout,
                   int (*each)(void *context, uint32_t offset, uint64_t address), void *context,
                   struct why *why);

/*
 * Finds a defined symbol by name. *region and *offset say where it begins; size may be NULL.
 * Returns 0, -ENOENT: none of that name in a loaded section. Linear.
 */
int link_symbol(const struct elf *elf, const struct link_layout *layout, const char *name,
                enum link_region *region, uint32_t *offset, uint32_t *size);

/* The same for the first loaded section of that name (say ".rodata.component"). */
int link_section(const struct elf *elf, const struct link_layout *layout, const char *name,
                 enum link_region *region, uint32_t *offset, uint32_t *size);

/* The function that the byte at this offset of TEXT belongs to, or NULL. For backtraces. O(log n).
 */
const struct link_function *link_function_at(const struct link_layout *layout, uint32_t offset);

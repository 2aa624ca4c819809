/* SPDX-License-Identifier: MIT */
/*
 * What a relocation of a placed object means, before any address is known. Internal to the linker:
 * link.c places, link_bind.c says what binds to what, link_apply.c writes.
 */
#pragma once

#include "link.h"
#include "relocate.h"

enum link_sort {
    LINK_IMPORT, /* an undefined symbol: symbol, addend */
    LINK_GATE,   /* the address of an own function: function */
    LINK_OWN,    /* own code, data or state: region, offset */
};

/* A relocation of a loaded section, decoded. */
struct link_reference {
    const struct relocation_rule *rule;
    uint32_t section; /* that is relocated */
    uint64_t place;   /* offset in it */
    enum link_sort sort;
    uint32_t symbol;
    int64_t addend;
    const struct link_function *function;
    uint32_t region;
    int64_t offset; /* in the region; data may be addressed from outside of it */
};

/*
 * Calls back for each relocation of each loaded section but NONE, in the order of the file. A
 * negative return ends it and is returned, with the place put in front of the words.
 */
int link_each_reference(const struct elf *elf, const struct link_layout *layout,
                        int (*each)(void *context, const struct link_reference *reference,
                                    struct why *why),
                        void *context, struct why *why);

/* Forgets the bindings, and what link_each_gate() and link_each_import() have counted there. */
void link_forget_bindings(const struct elf *elf, struct link_layout *layout);

/* SPDX-License-Identifier: MIT */
/* Finding a function by an address: in the table that nrpack symbols writes. Pure code. */
#pragma once

#include <stdint.h>

struct symbol {
    uint64_t address;
    uint32_t name; /* offset in the table of names */
    uint32_t unused;
};

/* The last one of `count`, in order, that begins at address or before; NULL: none does. */
const struct symbol *symbol_find(const struct symbol *table, uint64_t count, uint64_t address);

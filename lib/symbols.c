/* SPDX-License-Identifier: MIT */
/* Finding a function by an address; see symbols.h. */
#include "symbols.h"

#include <stddef.h>

const struct symbol *symbol_find(const struct symbol *table, uint64_t count, uint64_t address)
{
    uint64_t low = 0, high = count; /* those before low begin at address or before */
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (table[middle].address <= address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low > 0 ? &table[low - 1] : NULL;
}

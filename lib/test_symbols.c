/* SPDX-License-Identifier: MIT */
/* Finding a function by an address. */
#include "symbols.h"

#include <criterion/criterion.h>

#define FIRST 0x1000u
#define STEP 0x10u

Test(symbols, are_found_from_their_first_byte_to_the_next_ones)
{
    struct symbol table[9];
    for (uint32_t i = 0; i < 9; i++) {
        table[i] = (struct symbol){.address = FIRST + i * STEP, .name = i};
    }
    for (uint32_t count = 1; count <= 9; count++) {
        cr_assert_null(symbol_find(table, count, 0));
        cr_assert_null(symbol_find(table, count, FIRST - 1));
        for (uint32_t i = 0; i < count; i++) {
            cr_assert_eq(symbol_find(table, count, table[i].address), &table[i]);
            cr_assert_eq(symbol_find(table, count, table[i].address + STEP - 1), &table[i]);
        }
        cr_assert_eq(symbol_find(table, count, UINT64_MAX), &table[count - 1]);
    }
}

Test(symbols, of_an_empty_table_are_none)
{
    cr_assert_null(symbol_find(NULL, 0, FIRST));
}

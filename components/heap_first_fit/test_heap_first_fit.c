/* SPDX-License-Identifier: MIT */
/* The first-fit heap: the contract of all heaps, and what is particular to this one. */
#define SUITE heap_first_fit
#define PROVIDER "components/heap_first_fit/heap_first_fit.c"
#include <tests/contract/heap.h>

Test(heap_first_fit, takes_the_first_place_that_is_large_enough)
{
    uint8_t *objects[5];
    for (unsigned i = 0; i < 5; i++) {
        objects[i] = take(&owner_a, i == 1 ? 90 : 500); /* 2 units, and 9 */
    }
    cr_assert_eq(heap_free(objects[1]), 0);
    cr_assert_eq(heap_free(objects[3]), 0);
    cr_assert_eq(take(&owner_a, 400), objects[3], "the first hole is too small");
    cr_assert_eq(take(&owner_a, 30), objects[1]);
    cr_assert_eq(take(&owner_a, 32), objects[1] + UNIT_BYTES, "the rest of the first hole");
    cr_assert_eq(take(&owner_a, 33), objects[3] + 7 * UNIT_BYTES, "the rest of the second");
    cr_assert_eq(health(), 0);
}

Test(heap_first_fit, keeps_objects_of_all_sizes_in_the_same_pages)
{
    for (size_t bytes = 1; bytes <= 1024; bytes *= 2) {
        (void)take(&owner_a, bytes);
    }
    cr_assert_eq(account_of(NULL).pages, REGION_PAGES);
}

Test(heap_first_fit, fills_a_region_to_the_last_unit)
{
    for (unsigned i = 0; i < REGION_UNITS; i++) {
        (void)take(&owner_a, 1);
    }
    cr_assert_eq(account_of(NULL).pages, REGION_PAGES);
    uint8_t *next = take(&owner_a, 1);
    cr_assert_eq(account_of(NULL).pages, 2 * REGION_PAGES);
    cr_assert_eq(heap_free(next), 0);
    cr_assert_eq(account_of(NULL).pages, REGION_PAGES);
    cr_assert_eq(health(), 0);
}

Test(heap_first_fit, finds_that_a_region_was_damaged)
{
    const struct heap_header *header = (struct heap_header *)take(&owner_a, 16) - 1;
    ((struct heap_region *)(uintptr_t)header->provider_word)->continues[1] |= 1;
    cr_assert_lt(health(), 0);
}

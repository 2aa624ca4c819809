/* SPDX-License-Identifier: MIT */
/* The heap of slabs: the contract of all heaps, and what is particular to this one. */
#define SUITE heap
#define PROVIDER "components/heap/heap.c"
#include <tests/contract/heap.h>

Test(heap, finds_that_a_slab_was_damaged)
{
    const struct heap_header *header = (struct heap_header *)take(&owner_a, 16) - 1;
    ((struct heap_region *)(uintptr_t)header->provider_word)->begins[0] |= 1ull << 40;
    cr_assert_lt(health(), 0);
}

Test(heap, keeps_each_size_in_slabs_of_its_own)
{
    (void)take(&owner_a, 16);
    cr_assert_eq(account_of(NULL).pages, 1);
    (void)take(&owner_a, 17);
    cr_assert_eq(account_of(NULL).pages, 2);
    (void)take(&owner_a, 1000);
    cr_assert_eq(account_of(NULL).pages, 2 + SLAB_PAGES);
}

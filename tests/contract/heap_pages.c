/* SPDX-License-Identifier: MIT */
/*
 * Pages of the host for heaps under test.
 */
#include "tests/contract/heap_pages.h"

#include <criterion/criterion.h>
#include <neurath/page.h>
#include <stdlib.h>
#include <string.h>

int64_t heap_pages_left = 1 << 20;
int64_t heap_pages_out;

/* Asks for the page contract's alignment: the size rounded up to a power of two. */
void *heap_pages_allocate(size_t count, struct component *owner)
{
    size_t alignment = PAGE_BYTES;
    cr_assert_not_null(owner);
    if (__atomic_sub_fetch(&heap_pages_left, (int64_t)count, __ATOMIC_RELAXED) < 0) {
        __atomic_add_fetch(&heap_pages_left, (int64_t)count, __ATOMIC_RELAXED);
        return NULL;
    }
    while (alignment < count * PAGE_BYTES) {
        alignment *= 2;
    }
    char *pages = NULL;
    cr_assert_eq(posix_memalign((void **)&pages, alignment, alignment), 0);
    memset(pages, 0, alignment);
    __atomic_add_fetch(&heap_pages_out, 1, __ATOMIC_RELAXED);
    return pages;
}

void heap_pages_free(void *pages)
{
    __atomic_sub_fetch(&heap_pages_out, 1, __ATOMIC_RELAXED);
    free(pages);
}

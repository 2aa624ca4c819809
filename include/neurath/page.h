/* SPDX-License-Identifier: MIT */
/*
 * Pages of RAM: 4 KiB each, contiguous, mapped writable in the linear map, accounted to an owner.
 */
#pragma once

#include <neurath/compiler.h>

struct component;

#define PAGE_BYTES 4096u

/*
 * Allocates `count` contiguous zeroed pages, aligned to their size rounded up to a power of two.
 * NULL: no memory, or count 0 or above 2^18. Context: any but rendezvous.
 */
NUCLEUS_API void *page_allocate_owned(size_t count, struct component *owner);
#define page_allocate(count) page_allocate_owned(count, this_component)

/*
 * Says of pages just allocated that they will never hold an address, but pixels, letters, blocks of
 * a disk: so the audit, which takes every word for an address, does not look there. Returns pages;
 * NULL stays NULL. Context: any but rendezvous.
 */
NUCLEUS_API void *page_mark_plain(void *pages);

/*
 * Gives back what page_allocate() gave, whole. The owner may be another than the allocator: a new
 * heap frees what the old one took. Context: any but rendezvous.
 */
NUCLEUS_API void page_free(void *pages);

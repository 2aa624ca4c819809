/* SPDX-License-Identifier: MIT */
/*
 * Random numbers made by hardware. One provider.
 */
#pragma once

#include <neurath/component.h>

INTERFACE(random, 1, 0);

#define RANDOM_BYTES_MAX 64u

/*
 * Fills up to RANDOM_BYTES_MAX of size bytes. Returns how many (> 0); ask again for more. -EAGAIN:
 * none are ready, some are within a millisecond or, after the start, a second. -EIO: the generator
 * has failed its own tests, and begins anew. -EINVAL: size 0. -ENODEV: there is none.
 */
GATED(any) int random_read(void *buffer, size_t size);

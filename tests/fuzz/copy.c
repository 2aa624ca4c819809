/* SPDX-License-Identifier: MIT */
/* The data where the targets want it; see fuzz.h. */

#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"

void *fuzz_copy(const uint8_t *data, size_t size)
{
    void *copy = malloc(size ? size : 1);
    if (!copy) {
        abort();
    }
    if (size) {
        memcpy(copy, data, size);
    }
    return copy;
}

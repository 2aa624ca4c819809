/* SPDX-License-Identifier: MIT */
/* What libFuzzer calls; FUZZ_TARGET says which target this program is for. */

#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FUZZ_TARGET(data, size);
    return 0;
}

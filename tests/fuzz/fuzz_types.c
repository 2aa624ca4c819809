/* SPDX-License-Identifier: MIT */
/* Types: what opens can be hashed, compared with itself, measured and printed, or says why not. */

#include <stdlib.h>

#include "lib/btf.h"
#include "tests/fuzz/fuzz.h"

#define TYPES_MAX 48 /* looked at: the work on each is bounded, but by all of the input */

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void look_at(const struct btf *btf, uint32_t id, void *memory, size_t bytes)
{
    struct why why = {""};
    uint64_t hash, again;
    char text[200];
    must(btf_print(btf, id, "name", text, sizeof(text)) >= 0);
    must(btf_strip(btf, id) < btf->count);
    (void)btf_size(btf, id);
    (void)btf_base_number(btf_type(btf, id).name);
    if (btf_hash(btf, id, memory, bytes, &hash, &why) == 0) {
        must(btf_hash(btf, id, memory, bytes, &again, &why) == 0 && hash == again);
        must(btf_same(btf, id, btf, id, memory, bytes, &why) != 0);
    } else {
        must(why.text[0] != '\0');
    }
}

void fuzz_types(const uint8_t *data, size_t size)
{
    struct btf btf;
    struct why why = {""};
    void *copy = fuzz_copy(data, size);
    size_t bytes = btf_scratch_bytes(size);
    void *memory = malloc(bytes);
    if (btf_open(&btf, copy, size, memory, bytes, &why) == 0) {
        size_t scratch_bytes = btf_hash_scratch_bytes(&btf);
        void *scratch = malloc(scratch_bytes);
        for (uint32_t id = 0; id < btf.count && id < TYPES_MAX; id++) {
            look_at(&btf, id, scratch, scratch_bytes);
        }
        free(scratch);
    } else {
        must(why.text[0] != '\0');
    }
    free(memory);
    free(copy);
}

/* SPDX-License-Identifier: MIT */
/* Objects: read, measured and linked into memory of exactly the size that they say. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/elf.h"
#include "lib/link.h"
#include "tests/fuzz/fuzz.h"

#define REGION_LIMIT (1u << 20) /* larger ones are right, but slow */

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

static int resolve(void *context, const char *name, uint64_t *address, struct why *why)
{
    (void)context;
    (void)why;
    *address = 0x40400000 + 16 * strlen(name);
    return name[0] == '!' ? -ENOENT : 0;
}

static int find_gate(void *context, const struct link_function *function, uint64_t *address,
                     struct why *why)
{
    (void)context;
    (void)why;
    *address = 0x40500000 + 16 * (uint64_t)function->symbol;
    return 0;
}

static int each_gate(void *context, const struct link_function *function)
{
    (void)context;
    return strlen(function->name) > 1000 ? -ENAMETOOLONG : 0;
}

static int each_import(void *context, const struct link_import *import)
{
    (void)context;
    must(import->branches + import->addresses > 0);
    return strlen(import->name) > 1000 ? -ENAMETOOLONG : 0;
}

static void apply(const struct elf *elf, struct link_layout *layout)
{
    struct link_target target = {.resolve = resolve, .gate = find_gate};
    struct why why = {""};
    for (unsigned i = 0; i < LINK_REGIONS; i++) {
        if (layout->region[i].size > REGION_LIMIT) {
            return;
        }
    }
    for (unsigned i = 0; i < LINK_REGIONS; i++) {
        target.region[i].address = 0x40000000 + (uint64_t)i * 0x100000;
        target.region[i].write = malloc(layout->region[i].size);
    }
    int result = link_apply(elf, layout, &target, &why);
    must(result == 0 || why.text[0] != '\0');
    for (unsigned i = 0; i < LINK_REGIONS; i++) {
        free(target.region[i].write);
    }
}

static void look_up(const struct elf *elf, const struct link_layout *layout)
{
    enum link_region region;
    uint32_t offset, size;
    for (uint32_t i = 1; i < elf->symbol_count && i < 64; i++) {
        (void)link_symbol(elf, layout, elf_symbol_name(elf, i), &region, &offset, &size);
    }
    for (uint32_t i = 1; i < elf->section_count && i < 64; i++) {
        if (link_section(elf, layout, elf_section_name(elf, i), &region, &offset, &size) == 0) {
            must(offset <= layout->region[region].size &&
                 size <= layout->region[region].size - offset);
        }
    }
    for (uint32_t at = 0; at < layout->region[LINK_TEXT].size && at < 4096; at += 4) {
        (void)link_function_at(layout, at);
    }
}

void fuzz_object(const uint8_t *data, size_t size)
{
    struct elf elf;
    struct link_layout layout;
    struct why why = {""};
    void *copy = fuzz_copy(data, size);
    if (elf_open(&elf, copy, size, &why) < 0) {
        must(why.text[0] != '\0');
        free(copy);
        return;
    }
    size_t bytes = link_scratch_bytes(&elf);
    void *memory = malloc(bytes);
    if (link_measure(&elf, memory, bytes, &layout, &why) == 0) {
        (void)link_each_gate(&elf, &layout, each_gate, NULL, &why);
        (void)link_each_import(&elf, &layout, each_import, NULL, &why);
        look_up(&elf, &layout);
        apply(&elf, &layout);
    }
    free(memory);
    free(copy);
}

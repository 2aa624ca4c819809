/* SPDX-License-Identifier: MIT */
/* lib/elf: what a good object shows, and that no bad one gets through or crashes it. */

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <lib/elf.h>
#include <lib/link.h>

#include "elf_builder.h"

static const uint32_t code[8] = {0xd65f03c0, 0xd65f03c0};
static const char constants[24] = "text";

/* .text with two functions, .rodata, .state, an import, relocations. */
static uint8_t *build(size_t *size)
{
    struct elf_builder b;
    elf_builder_init(&b);
    uint32_t text = elf_builder_add_section(&b, ".text", ELF_SECTION_PROGBITS,
                                            ELF_FLAG_ALLOC | ELF_FLAG_EXEC, 16, code, sizeof(code));
    uint32_t rodata = elf_builder_add_section(&b, ".rodata", ELF_SECTION_PROGBITS, ELF_FLAG_ALLOC,
                                              8, constants, sizeof(constants));
    uint32_t state = elf_builder_add_section(&b, ".state", ELF_SECTION_NOBITS,
                                             ELF_FLAG_ALLOC | ELF_FLAG_WRITE, 8, NULL, 16);
    uint32_t f =
        elf_builder_add_symbol(&b, "f", ELF_BIND_LOCAL, ELF_SYMBOL_FUNCTION, (uint16_t)text, 0, 4);
    elf_builder_add_symbol(&b, "state", ELF_BIND_LOCAL, ELF_SYMBOL_OBJECT, (uint16_t)state, 0, 16);
    elf_builder_add_symbol(&b, "g", ELF_BIND_LOCAL, ELF_SYMBOL_FUNCTION, (uint16_t)text, 4, 4);
    elf_builder_add_symbol(&b, "g", ELF_BIND_GLOBAL, ELF_SYMBOL_FUNCTION, (uint16_t)text, 8, 4);
    uint32_t import =
        elf_builder_add_symbol(&b, "import", ELF_BIND_GLOBAL, ELF_SYMBOL_NOTYPE, 0, 0, 0);
    elf_builder_add_rela(&b, text, 0, R_AARCH64_CALL26, import, 0);
    elf_builder_add_rela(&b, rodata, 8, R_AARCH64_ABS64, f, 0);
    return elf_builder_finish(&b, size);
}

Test(elf, shows_sections_symbols_and_relocations)
{
    size_t size, count;
    uint8_t *data = build(&size);
    struct elf elf;
    struct why why;
    cr_assert_eq(elf_open(&elf, data, size, &why), 0, "%s", why.text);

    uint32_t text = elf_find_section(&elf, ".text");
    cr_assert_str_eq(elf_section_name(&elf, text), ".text");
    cr_assert_eq(memcmp(elf_section_data(&elf, text), code, sizeof(code)), 0);
    cr_assert_null(elf_section_data(&elf, elf_find_section(&elf, ".state")));
    cr_assert_eq(elf_find_section(&elf, ".none"), 0);
    cr_assert_eq(elf.symbols[elf_find_symbol(&elf, "g")].value, 8, "global before local");
    cr_assert_eq(elf_find_symbol(&elf, "import"), 0, "it is not defined here");
    for (uint32_t i = 0; i < elf.section_count; i++) {
        if (elf.sections[i].type == ELF_SECTION_RELA && elf.sections[i].info == text) {
            const struct elf_rela *rela = elf_relas(&elf, i, &count);
            cr_assert_eq(count, 1);
            cr_assert_eq(elf_rela_type(rela), R_AARCH64_CALL26);
            cr_assert_str_eq(elf_symbol_name(&elf, elf_rela_symbol(rela)), "import");
        }
    }
    free(data);
}

/* Whatever passes must be safe to link: the sanitizers watch. */
static int resolve(void *context, const char *name, uint64_t *address, struct why *why)
{
    (void)context;
    (void)name;
    (void)why;
    *address = 0x10000;
    return 0;
}

static int gate(void *context, const struct link_function *function, uint64_t *address,
                struct why *why)
{
    return resolve(context, function->name, address, why);
}

static int ignore_import(void *context, const struct link_import *import)
{
    (void)context;
    return strlen(import->name) > 1000 ? -E2BIG : 0;
}

static void use(const struct elf *elf)
{
    struct why why;
    struct link_layout layout;
    size_t bytes = link_scratch_bytes(elf);
    void *memory = malloc(bytes ? bytes : 8);
    if (link_measure(elf, memory, bytes, &layout, &why) == 0) {
        struct link_target target = {.resolve = resolve, .gate = gate};
        uint64_t address = 0x20000;
        for (unsigned i = 0; i < LINK_REGIONS; i++) {
            target.region[i].address = address;
            target.region[i].write = malloc(layout.region[i].size ? layout.region[i].size : 1);
            address += 0x10000000;
        }
        (void)link_each_import(elf, &layout, ignore_import, NULL, &why); /* only must not crash */
        (void)link_apply(elf, &layout, &target, &why);
        (void)link_function_at(&layout, 4);
        for (unsigned i = 0; i < LINK_REGIONS; i++) {
            free(target.region[i].write);
        }
    }
    free(memory);
}

/* Opens a copy of exactly that size, so that one byte too far is noticed. */
static int open_copy(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    memcpy(copy, data, size);
    struct elf elf;
    struct why why = {""};
    int error = elf_open(&elf, copy, size, &why);
    cr_assert(error == 0 || why.text[0] != '\0', "a refusal without words");
    if (error == 0) {
        use(&elf);
    }
    free(copy);
    return error;
}

Test(elf, refuses_a_file_cut_at_any_byte)
{
    size_t size;
    uint8_t *data = build(&size);
    cr_assert_eq(open_copy(data, size), 0);
    for (size_t cut = 0; cut < size; cut++) {
        cr_assert_eq(open_copy(data, cut), -ENOEXEC, "cut at %zu of %zu", cut, size);
    }
    free(data);
}

Test(elf, refuses_absurd_values_in_every_field_of_the_header)
{
    /* Fields that are not looked at, since objects have no use for them: OS ABI and padding, entry,
     * program headers, flags. */
    static const struct {
        size_t offset, width;
        bool is_ignored;
    } fields[] = {{0, 1, false},  {1, 1, false}, {2, 1, false}, {3, 1, false},  {4, 1, false},
                  {5, 1, false},  {6, 1, false}, {7, 1, true},  {16, 2, false}, {18, 2, false},
                  {20, 4, false}, {24, 8, true}, {32, 8, true}, {40, 8, false}, {48, 4, true},
                  {52, 2, false}, {54, 2, true}, {56, 2, true}, {58, 2, false}, {60, 2, false},
                  {62, 2, false}};
    size_t size;
    uint8_t *data = build(&size);
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        uint8_t saved[8];
        memcpy(saved, data + fields[i].offset, fields[i].width);
        memset(data + fields[i].offset, 0xff, fields[i].width);
        cr_assert_eq(open_copy(data, size), fields[i].is_ignored ? 0 : -ENOEXEC, "field at %zu",
                     fields[i].offset);
        memcpy(data + fields[i].offset, saved, fields[i].width);
    }
    free(data);
}

Test(elf, survives_any_byte_set_to_any_of_several_values)
{
    static const uint8_t values[] = {0x00, 0x01, 0x04, 0x7f, 0x80, 0xff};
    size_t size;
    uint8_t *data = build(&size);
    for (size_t at = 0; at < size; at++) {
        uint8_t saved = data[at];
        for (size_t i = 0; i < sizeof(values); i++) {
            data[at] = values[i];
            (void)open_copy(data, size); /* must neither crash nor loop */
        }
        data[at] = saved;
    }
    free(data);
}

Test(elf, survives_every_word_of_its_tables_set_to_extremes)
{
    static const uint64_t values[] = {0, 1, INT64_MAX, 1ull << 63, UINT64_MAX, UINT64_MAX - 63};
    size_t size;
    uint8_t *data = build(&size);
    for (size_t at = 0; at + 8 <= size; at += 4) {
        uint64_t saved;
        memcpy(&saved, data + at, 8);
        for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
            memcpy(data + at, &values[i], 8);
            (void)open_copy(data, size); /* must neither crash nor loop */
        }
        memcpy(data + at, &saved, 8);
    }
    free(data);
}

Test(elf, refuses_data_at_an_odd_address)
{
    size_t size;
    uint8_t *data = build(&size);
    uint8_t *odd = malloc(size + 1);
    memcpy(odd + 1, data, size);
    struct elf elf;
    struct why why;
    cr_assert_eq(elf_open(&elf, odd + 1, size, &why), -EINVAL);
    free(odd);
    free(data);
}

Test(elf, names_every_relocation_that_the_linker_knows)
{
    cr_assert_str_eq(elf_relocation_name(R_AARCH64_CALL26), "CALL26");
    cr_assert_str_eq(elf_relocation_name(R_AARCH64_LDST128_ABS_LO12_NC), "LDST128_ABS_LO12_NC");
    cr_assert_null(elf_relocation_name(9999));
}

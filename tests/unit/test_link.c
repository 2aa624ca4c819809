/* SPDX-License-Identifier: MIT */
/* lib/link: where sections go, what relocations bind to, and that nothing is ever cut. */

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <lib/link.h>

#include "elf_builder.h"

enum {
    TEXT_AT = 0x40000000,
    RODATA_AT = 0x40100000,
    STATE_AT = 0x40200000,
    GATE_AT = 0x40300000, /* gate of symbol n: + 16 n */
};

/* --- a fixture: an object, its layout, memory to link it to --- */

struct fixture {
    struct elf_builder builder;
    uint32_t text, rodata, state, own, second, import;
    uint8_t *file;
    struct elf elf;
    void *memory;
    struct link_layout layout;
    struct why why;
    uint8_t *written[LINK_REGIONS];
    struct link_target target;
    uint64_t import_address;
    unsigned resolved, gated;
};

static const uint32_t text_content[16];
static const uint64_t data_content[8];

static int resolve(void *context, const char *name, uint64_t *address, struct why *why)
{
    struct fixture *f = context;
    (void)why;
    f->resolved++;
    if (strcmp(name, "import") != 0) {
        return -ENOENT;
    }
    *address = f->import_address;
    return 0;
}

static int gate(void *context, const struct link_function *function, uint64_t *address,
                struct why *why)
{
    struct fixture *f = context;
    (void)why;
    f->gated++;
    *address = GATE_AT + 16 * function->symbol;
    return 0;
}

/* .text of 64 bytes with functions own at 16 and second at 32, .rodata and .state of 64, import. */
static void begin(struct fixture *f)
{
    *f = (struct fixture){0};
    struct elf_builder *b = &f->builder;
    elf_builder_init(b);
    f->text =
        elf_builder_add_section(b, ".text", ELF_SECTION_PROGBITS, ELF_FLAG_ALLOC | ELF_FLAG_EXEC,
                                16, text_content, sizeof(text_content));
    f->rodata = elf_builder_add_section(b, ".rodata", ELF_SECTION_PROGBITS, ELF_FLAG_ALLOC, 8,
                                        data_content, sizeof(data_content));
    f->state =
        elf_builder_add_section(b, ".state", ELF_SECTION_PROGBITS, ELF_FLAG_ALLOC | ELF_FLAG_WRITE,
                                8, data_content, sizeof(data_content));
    f->own = elf_builder_add_symbol(b, "own", ELF_BIND_LOCAL, ELF_SYMBOL_FUNCTION,
                                    (uint16_t)f->text, 16, 16);
    f->second = elf_builder_add_symbol(b, "second", ELF_BIND_GLOBAL, ELF_SYMBOL_FUNCTION,
                                       (uint16_t)f->text, 32, 16);
    f->import = elf_builder_add_symbol(b, "import", ELF_BIND_GLOBAL, ELF_SYMBOL_NOTYPE, 0, 0, 0);
}

static uint32_t section_symbol(struct fixture *f, uint32_t section)
{
    return elf_builder_add_symbol(&f->builder, "", ELF_BIND_LOCAL, ELF_SYMBOL_SECTION,
                                  (uint16_t)section, 0, 0);
}

static void rela(struct fixture *f, uint32_t section, uint64_t offset, uint32_t type,
                 uint32_t symbol, int64_t addend)
{
    elf_builder_add_rela(&f->builder, section, offset, type, symbol, addend);
}

/* Finishes the object and measures it. */
static int measure(struct fixture *f)
{
    size_t size;
    f->file = elf_builder_finish(&f->builder, &size);
    int error = elf_open(&f->elf, f->file, size, &f->why);
    cr_assert_eq(error, 0, "%s", f->why.text);
    size_t bytes = link_scratch_bytes(&f->elf);
    f->memory = malloc(bytes);
    return link_measure(&f->elf, f->memory, bytes, &f->layout, &f->why);
}

static int apply(struct fixture *f)
{
    int error = measure(f);
    cr_assert_eq(error, 0, "%s", f->why.text);
    static const uint64_t addresses[LINK_REGIONS] = {TEXT_AT, RODATA_AT, STATE_AT};
    f->target.context = f;
    f->target.resolve = resolve;
    f->target.gate = gate;
    for (unsigned i = 0; i < LINK_REGIONS; i++) {
        size_t bytes = f->layout.region[i].size;
        f->written[i] = malloc(bytes ? bytes : 1);
        memset(f->written[i], 0xa5, bytes);
        f->target.region[i].address = addresses[i];
        f->target.region[i].write = f->written[i];
    }
    return link_apply(&f->elf, &f->layout, &f->target, &f->why);
}

static void end(struct fixture *f)
{
    for (unsigned i = 0; i < LINK_REGIONS; i++) {
        free(f->written[i]);
    }
    free(f->memory);
    free(f->file);
}

static uint32_t word_at(const struct fixture *f, enum link_region region, size_t offset)
{
    uint32_t word;
    memcpy(&word, f->written[region] + offset, sizeof(word));
    return word;
}

static uint64_t long_at(const struct fixture *f, enum link_region region, size_t offset)
{
    uint64_t value;
    memcpy(&value, f->written[region] + offset, sizeof(value));
    return value;
}

/* --- relocations: value, limits, one beyond --- */

/* One relocation of `type` at .text+4 (an instruction) or .rodata+8 (data), against an import so
 * placed that AAELF64's X becomes x. Returns the error; *result: what stands there. */
static int link_one(uint32_t type, bool is_data, bool is_relative, bool is_page, uint32_t before,
                    uint64_t x, uint64_t *result)
{
    struct fixture f;
    uint32_t text[16] = {0, before};
    begin(&f);
    f.builder.section_data[f.text] = text;
    uint64_t place = is_data ? RODATA_AT + 8 : TEXT_AT + 4;
    f.import_address = is_page ? x + (place & ~0xfffull) : is_relative ? x + place : x;
    rela(&f, is_data ? f.rodata : f.text, is_data ? 8 : 4, type, f.import, 0);
    int error = apply(&f);
    *result = is_data ? long_at(&f, LINK_RODATA, 8) : word_at(&f, LINK_TEXT, 4);
    if (error < 0) {
        cr_assert_eq(*result, is_data ? 0 : before, "written in spite of an error");
        cr_assert_not_null(strstr(f.why.text, "import"), "%s", f.why.text);
        cr_assert_not_null(strstr(f.why.text, is_data ? ".rodata+0x8" : ".text+0x4"), "%s",
                           f.why.text);
        cr_assert_not_null(strstr(f.why.text, elf_relocation_name(type)), "%s", f.why.text);
    }
    end(&f);
    return error;
}

struct instruction_case {
    uint32_t type;
    uint32_t before;
    uint64_t x;
    uint32_t after; /* if error is 0 */
    int error;
};

static void check_instructions(const struct instruction_case *cases, size_t count, bool is_relative,
                               bool is_page)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t result;
        int error = link_one(cases[i].type, false, is_relative, is_page, cases[i].before,
                             cases[i].x, &result);
        cr_assert_eq(error, cases[i].error, "%s x=0x%llx: %d", elf_relocation_name(cases[i].type),
                     (unsigned long long)cases[i].x, error);
        if (error == 0) {
            cr_assert_eq(result, cases[i].after, "%s x=0x%llx: 0x%llx",
                         elf_relocation_name(cases[i].type), (unsigned long long)cases[i].x,
                         (unsigned long long)result);
        }
    }
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

Test(link, writes_branches_within_reach_and_refuses_others)
{
    static const struct instruction_case cases[] = {
        {R_AARCH64_CALL26, 0x94000000, 4, 0x94000001, 0},
        {R_AARCH64_CALL26, 0x94000000, -4ull, 0x97ffffff, 0},
        {R_AARCH64_CALL26, 0x94000000, 0x7fffffc, 0x95ffffff, 0},
        {R_AARCH64_CALL26, 0x94000000, 0x8000000, 0, -ERANGE},
        {R_AARCH64_CALL26, 0x94000000, -0x8000000ull, 0x96000000, 0},
        {R_AARCH64_CALL26, 0x94000000, -0x8000004ull, 0, -ERANGE},
        {R_AARCH64_CALL26, 0x94000000, 2, 0, -EINVAL},
        {R_AARCH64_CALL26, 0x94000000, 0x100000000000, 0, -ERANGE},
        {R_AARCH64_JUMP26, 0x14000000, 0x100, 0x14000040, 0},
        {R_AARCH64_JUMP26, 0x14000000, 0x7fffffc, 0x15ffffff, 0},
        {R_AARCH64_JUMP26, 0x14000000, 0x8000000, 0, -ERANGE},
        {R_AARCH64_JUMP26, 0x14000000, -0x8000000ull, 0x16000000, 0},
        {R_AARCH64_JUMP26, 0x14000000, -0x8000004ull, 0, -ERANGE},
        {R_AARCH64_JUMP26, 0x14000000, 1, 0, -EINVAL},
        {R_AARCH64_CONDBR19, 0x54000001, 8, 0x54000041, 0},
        {R_AARCH64_CONDBR19, 0x54000001, 0xffffc, 0x547fffe1, 0},
        {R_AARCH64_CONDBR19, 0x54000001, 0x100000, 0, -ERANGE},
        {R_AARCH64_CONDBR19, 0x54000001, -0x100000ull, 0x54800001, 0},
        {R_AARCH64_CONDBR19, 0x54000001, -0x100004ull, 0, -ERANGE},
        {R_AARCH64_CONDBR19, 0x54000001, 6, 0, -EINVAL},
        {R_AARCH64_TSTBR14, 0x36000003, 4, 0x36000023, 0},
        {R_AARCH64_TSTBR14, 0x36000003, 0x7ffc, 0x3603ffe3, 0},
        {R_AARCH64_TSTBR14, 0x36000003, 0x8000, 0, -ERANGE},
        {R_AARCH64_TSTBR14, 0x36000003, -0x8000ull, 0x36040003, 0},
        {R_AARCH64_TSTBR14, 0x36000003, -0x8004ull, 0, -ERANGE},
        {R_AARCH64_TSTBR14, 0x36000003, 2, 0, -EINVAL},
    };
    check_instructions(cases, COUNT(cases), true, false);
}

Test(link, refuses_call26_that_does_not_reach)
{
    uint64_t result;
    cr_assert_eq(link_one(R_AARCH64_CALL26, false, true, false, 0x94000000, 0x8000000, &result),
                 -ERANGE);
}

Test(link, writes_pc_relative_addresses_within_reach_and_refuses_others)
{
    static const struct instruction_case near[] = {
        {R_AARCH64_ADR_PREL_LO21, 0x10000000, 1, 0x30000000, 0},
        {R_AARCH64_ADR_PREL_LO21, 0x10000000, 0xfffff, 0x707fffe0, 0},
        {R_AARCH64_ADR_PREL_LO21, 0x10000000, 0x100000, 0, -ERANGE},
        {R_AARCH64_ADR_PREL_LO21, 0x10000000, -0x100000ull, 0x10800000, 0},
        {R_AARCH64_ADR_PREL_LO21, 0x10000000, -0x100001ull, 0, -ERANGE},
        {R_AARCH64_LD_PREL_LO19, 0x58000000, 8, 0x58000040, 0},
        {R_AARCH64_LD_PREL_LO19, 0x58000000, 0xffffc, 0x587fffe0, 0},
        {R_AARCH64_LD_PREL_LO19, 0x58000000, 0x100000, 0, -ERANGE},
        {R_AARCH64_LD_PREL_LO19, 0x58000000, -0x100000ull, 0x58800000, 0},
        {R_AARCH64_LD_PREL_LO19, 0x58000000, -0x100004ull, 0, -ERANGE},
        {R_AARCH64_LD_PREL_LO19, 0x58000000, 2, 0, -EINVAL},
    };
    static const struct instruction_case pages[] = {
        {R_AARCH64_ADR_PREL_PG_HI21, 0x90000000, 0x1000, 0xb0000000, 0},
        {R_AARCH64_ADR_PREL_PG_HI21, 0x90000000, 0x1fff, 0xb0000000, 0},
        {R_AARCH64_ADR_PREL_PG_HI21, 0x90000000, 0xfffff000, 0xf07fffe0, 0},
        {R_AARCH64_ADR_PREL_PG_HI21, 0x90000000, 0x100000000, 0, -ERANGE},
        {R_AARCH64_ADR_PREL_PG_HI21, 0x90000000, -0x100000000ull, 0x90800000, 0},
        {R_AARCH64_ADR_PREL_PG_HI21, 0x90000000, -0x100001000ull, 0, -ERANGE},
        {R_AARCH64_ADR_PREL_PG_HI21_NC, 0x90000000, 0x1000, 0xb0000000, 0},
        {R_AARCH64_ADR_PREL_PG_HI21_NC, 0x90000000, 0x100001000, 0xb0800000, 0},
    };
    check_instructions(near, COUNT(near), true, false);
    check_instructions(pages, COUNT(pages), true, true);
}

Test(link, writes_low_halves_of_addresses_and_refuses_unaligned_ones)
{
    static const struct instruction_case cases[] = {
        {R_AARCH64_ADD_ABS_LO12_NC, 0x91000000, 0x12345abc, 0x912af000, 0},
        {R_AARCH64_ADD_ABS_LO12_NC, 0x91000000, 0xfff, 0x913ffc00, 0},
        {R_AARCH64_LDST8_ABS_LO12_NC, 0x39400000, 0x7fff, 0x397ffc00, 0},
        {R_AARCH64_LDST16_ABS_LO12_NC, 0x79400000, 0x7ffe, 0x795ffc00, 0},
        {R_AARCH64_LDST16_ABS_LO12_NC, 0x79400000, 0x7fff, 0, -EINVAL},
        {R_AARCH64_LDST32_ABS_LO12_NC, 0xb9400000, 0x7ffc, 0xb94ffc00, 0},
        {R_AARCH64_LDST32_ABS_LO12_NC, 0xb9400000, 0x7ffe, 0, -EINVAL},
        {R_AARCH64_LDST64_ABS_LO12_NC, 0xf9400000, 0x7ff8, 0xf947fc00, 0},
        {R_AARCH64_LDST64_ABS_LO12_NC, 0xf9400000, 0x7ffc, 0, -EINVAL},
        {R_AARCH64_LDST128_ABS_LO12_NC, 0x3dc00000, 0x7ff0, 0x3dc3fc00, 0},
        {R_AARCH64_LDST128_ABS_LO12_NC, 0x3dc00000, 0x7ff8, 0, -EINVAL},
    };
    check_instructions(cases, COUNT(cases), false, false);
}

Test(link, writes_moves_of_quarters_and_refuses_what_is_lost)
{
    static const struct instruction_case cases[] = {
        {R_AARCH64_MOVW_UABS_G0, 0xd2800000, 0xffff, 0xd29fffe0, 0},
        {R_AARCH64_MOVW_UABS_G0, 0xd2800000, 0x10000, 0, -ERANGE},
        {R_AARCH64_MOVW_UABS_G0, 0xd2800000, -1ull, 0, -ERANGE},
        {R_AARCH64_MOVW_UABS_G0_NC, 0xf2800000, 0x12345678, 0xf28acf00, 0},
        {R_AARCH64_MOVW_UABS_G1, 0xd2a00000, 0xffffffff, 0xd2bfffe0, 0},
        {R_AARCH64_MOVW_UABS_G1, 0xd2a00000, 0x100000000, 0, -ERANGE},
        {R_AARCH64_MOVW_UABS_G1_NC, 0xf2a00000, 0x912345678, 0xf2a24680, 0},
        {R_AARCH64_MOVW_UABS_G2, 0xd2c00000, 0xffffffffffff, 0xd2dfffe0, 0},
        {R_AARCH64_MOVW_UABS_G2, 0xd2c00000, 0x1000000000000, 0, -ERANGE},
        {R_AARCH64_MOVW_UABS_G2_NC, 0xf2c00000, 0x5000100000000, 0xf2c00020, 0},
        {R_AARCH64_MOVW_UABS_G3, 0xd2e00000, 0xffff000000000000, 0xd2ffffe0, 0},
        {R_AARCH64_MOVW_SABS_G0, 0xd2800000, 0xffff, 0xd29fffe0, 0},
        {R_AARCH64_MOVW_SABS_G0, 0xd2800000, 0x10000, 0, -ERANGE},
        {R_AARCH64_MOVW_SABS_G0, 0xd2800000, -1ull, 0x92800000, 0},
        {R_AARCH64_MOVW_SABS_G0, 0x92800000, 1, 0xd2800020, 0},
        {R_AARCH64_MOVW_SABS_G0, 0xd2800000, -0x10000ull, 0x929fffe0, 0},
        {R_AARCH64_MOVW_SABS_G0, 0xd2800000, -0x10001ull, 0, -ERANGE},
        {R_AARCH64_MOVW_SABS_G1, 0xd2a00000, 0xffffffff, 0xd2bfffe0, 0},
        {R_AARCH64_MOVW_SABS_G1, 0xd2a00000, 0x100000000, 0, -ERANGE},
        {R_AARCH64_MOVW_SABS_G1, 0xd2a00000, -0x100000000ull, 0x92bfffe0, 0},
        {R_AARCH64_MOVW_SABS_G1, 0xd2a00000, -0x100000001ull, 0, -ERANGE},
        {R_AARCH64_MOVW_SABS_G2, 0xd2c00000, 0xffffffffffff, 0xd2dfffe0, 0},
        {R_AARCH64_MOVW_SABS_G2, 0xd2c00000, 0x1000000000000, 0, -ERANGE},
        {R_AARCH64_MOVW_SABS_G2, 0xd2c00000, -0x1000000000000ull, 0x92dfffe0, 0},
        {R_AARCH64_MOVW_SABS_G2, 0xd2c00000, -0x1000000000001ull, 0, -ERANGE},
    };
    check_instructions(cases, COUNT(cases), false, false);
}

Test(link, writes_data_within_range_and_refuses_others)
{
    static const struct {
        uint32_t type;
        bool is_relative;
        uint64_t x, after;
        int error;
    } cases[] = {
        {R_AARCH64_ABS64, false, UINT64_MAX, UINT64_MAX, 0},
        {R_AARCH64_ABS32, false, 0xffffffff, 0xffffffff, 0},
        {R_AARCH64_ABS32, false, 0x100000000, 0, -ERANGE},
        {R_AARCH64_ABS32, false, -0x80000000ull, 0x80000000, 0},
        {R_AARCH64_ABS32, false, -0x80000001ull, 0, -ERANGE},
        {R_AARCH64_ABS16, false, 0xffff, 0xffff, 0},
        {R_AARCH64_ABS16, false, 0x10000, 0, -ERANGE},
        {R_AARCH64_ABS16, false, -0x8000ull, 0x8000, 0},
        {R_AARCH64_ABS16, false, -0x8001ull, 0, -ERANGE},
        {R_AARCH64_PREL64, true, -3ull, -3ull, 0},
        {R_AARCH64_PREL32, true, 0xffffffff, 0xffffffff, 0},
        {R_AARCH64_PREL32, true, 0x100000000, 0, -ERANGE},
        {R_AARCH64_PREL32, true, -0x80000000ull, 0x80000000, 0},
        {R_AARCH64_PREL32, true, -0x80000001ull, 0, -ERANGE},
        {R_AARCH64_PREL16, true, 0xffff, 0xffff, 0},
        {R_AARCH64_PREL16, true, 0x10000, 0, -ERANGE},
        {R_AARCH64_PREL16, true, -0x8000ull, 0x8000, 0},
        {R_AARCH64_PREL16, true, -0x8001ull, 0, -ERANGE},
        {R_AARCH64_PLT32, true, 0x7fffffff, 0x7fffffff, 0},
        {R_AARCH64_PLT32, true, 0x80000000, 0, -ERANGE},
        {R_AARCH64_PLT32, true, -0x80000000ull, 0x80000000, 0},
        {R_AARCH64_PLT32, true, -0x80000001ull, 0, -ERANGE},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint64_t result;
        int error =
            link_one(cases[i].type, true, cases[i].is_relative, false, 0, cases[i].x, &result);
        cr_assert_eq(error, cases[i].error, "case %zu: %d", i, error);
        cr_assert(error < 0 || result == cases[i].after, "case %zu: 0x%llx", i,
                  (unsigned long long)result);
    }
}

Test(link, ignores_none)
{
    struct fixture f;
    begin(&f);
    rela(&f, f.text, 4000, R_AARCH64_NONE, 0, 0);
    rela(&f, f.text, 0, R_AARCH64_NONE_WITHDRAWN, f.import, 0);
    cr_assert_eq(apply(&f), 0, "%s", f.why.text);
    cr_assert_eq(f.resolved, 0);
    end(&f);
}

/* --- what binds to what --- */

Test(link, binds_branches_to_own_code_directly)
{
    struct fixture f;
    begin(&f);
    uint32_t text = section_symbol(&f, f.text);
    rela(&f, f.text, 0, R_AARCH64_CALL26, f.own, 0);
    rela(&f, f.text, 4, R_AARCH64_JUMP26, text, 32);
    rela(&f, f.text, 8, R_AARCH64_JUMP26, text, 36); /* into the middle: a cold part's way back */
    cr_assert_eq(apply(&f), 0, "%s", f.why.text);
    cr_assert_eq(word_at(&f, LINK_TEXT, 0), 16 / 4);
    cr_assert_eq(word_at(&f, LINK_TEXT, 4), (32 - 4) / 4);
    cr_assert_eq(word_at(&f, LINK_TEXT, 8), (36 - 8) / 4);
    cr_assert_eq(f.gated, 0);
    end(&f);
}

Test(link, binds_addresses_of_own_functions_to_gates_each_asked_for_once)
{
    struct fixture f;
    begin(&f);
    uint32_t text = section_symbol(&f, f.text);
    uint64_t own_gate = GATE_AT + 16 * f.own, second_gate = GATE_AT + 16 * f.second;
    rela(&f, f.rodata, 0, R_AARCH64_ABS64, f.own, 0);
    rela(&f, f.state, 8, R_AARCH64_ABS64, text, 16);
    rela(&f, f.rodata, 16, R_AARCH64_PREL32, text, 32);
    rela(&f, f.text, 0, R_AARCH64_ADR_PREL_PG_HI21, f.second, 0);
    rela(&f, f.text, 4, R_AARCH64_ADD_ABS_LO12_NC, f.second, 0);
    cr_assert_eq(apply(&f), 0, "%s", f.why.text);
    cr_assert_eq(long_at(&f, LINK_RODATA, 0), own_gate);
    cr_assert_eq(long_at(&f, LINK_STATE, 8), own_gate);
    cr_assert_eq(word_at(&f, LINK_RODATA, 16), (uint32_t)(second_gate - (RODATA_AT + 16)));
    cr_assert_eq(word_at(&f, LINK_TEXT, 4), (second_gate & 0xfff) << 10);
    cr_assert_eq(f.gated, 2);
    end(&f);
}

static int collect_gate(void *context, const struct link_function *function)
{
    strcat(context, function->name);
    strcat(context, function->offset == 16 ? "@16 " : "@32 ");
    return 0;
}

Test(link, lists_each_gate_once)
{
    struct fixture f;
    char names[64] = "";
    begin(&f);
    rela(&f, f.rodata, 0, R_AARCH64_ABS64, f.second, 0);
    rela(&f, f.rodata, 8, R_AARCH64_ABS64, f.own, 0);
    rela(&f, f.state, 0, R_AARCH64_ABS64, f.second, 0);
    rela(&f, f.text, 0, R_AARCH64_CALL26, f.own, 0);
    cr_assert_eq(measure(&f), 0);
    cr_assert_eq(link_each_gate(&f.elf, &f.layout, collect_gate, names, &f.why), 0);
    cr_assert_str_eq(names, "second@32 own@16 ");
    end(&f);
}

static int refuse_gate(void *context, const struct link_function *function)
{
    (void)context;
    (void)function;
    return -ENOSPC;
}

Test(link, hands_on_what_a_callback_refuses)
{
    struct fixture f;
    begin(&f);
    rela(&f, f.rodata, 0, R_AARCH64_ABS64, f.own, 0);
    cr_assert_eq(measure(&f), 0);
    cr_assert_eq(link_each_gate(&f.elf, &f.layout, refuse_gate, NULL, &f.why), -ENOSPC);
    cr_assert_not_null(strstr(f.why.text, "own"));
    end(&f);
}

static int collect_import(void *context, const struct link_import *import)
{
    cr_assert_str_eq(import->name, "import");
    cr_assert_eq(import->branches, 2);
    cr_assert_eq(import->addresses, 1);
    ++*(unsigned *)context;
    return 0;
}

Test(link, lists_each_import_with_its_uses_and_resolves_it_once)
{
    struct fixture f;
    unsigned count = 0;
    begin(&f);
    f.import_address = TEXT_AT + 0x1000;
    rela(&f, f.text, 0, R_AARCH64_CALL26, f.import, 0);
    rela(&f, f.text, 4, R_AARCH64_JUMP26, f.import, 0);
    rela(&f, f.rodata, 0, R_AARCH64_ABS64, f.import, 8);
    cr_assert_eq(apply(&f), 0, "%s", f.why.text);
    cr_assert_eq(f.resolved, 1);
    cr_assert_eq(long_at(&f, LINK_RODATA, 0), TEXT_AT + 0x1008);
    cr_assert_eq(link_each_import(&f.elf, &f.layout, collect_import, &count, &f.why), 0);
    cr_assert_eq(count, 1);
    end(&f);
}

struct sites {
    unsigned count;
    uint32_t offsets[4];
    uint64_t addresses[4];
};

static int note_call(void *context, uint32_t offset, uint64_t address)
{
    struct sites *sites = context;
    sites->offsets[sites->count] = offset;
    sites->addresses[sites->count++] = address;
    return 0;
}

static int refuse_call(void *context, uint32_t offset, uint64_t address)
{
    (void)context, (void)offset, (void)address;
    return -ENOSPC;
}

Test(link, lists_each_call_of_what_it_does_not_define)
{
    struct fixture f;
    struct sites sites = {0};
    begin(&f);
    f.import_address = TEXT_AT + 0x1000;
    rela(&f, f.text, 0, R_AARCH64_CALL26, f.own, 0);
    rela(&f, f.text, 4, R_AARCH64_CALL26, f.import, 0);
    rela(&f, f.text, 8, R_AARCH64_ADR_PREL_PG_HI21, f.import, 0);
    rela(&f, f.text, 12, R_AARCH64_JUMP26, f.import, 0);
    rela(&f, f.rodata, 0, R_AARCH64_ABS64, f.import, 0);
    cr_assert_eq(apply(&f), 0, "%s", f.why.text);
    cr_assert_eq(link_each_call(&f.elf, &f.layout, note_call, &sites, &f.why), 0);
    cr_assert_eq(sites.count, 2);
    cr_expect_eq(sites.offsets[0], 4);
    cr_expect_eq(sites.offsets[1], 12);
    cr_expect_eq(sites.addresses[0], f.import_address);
    cr_expect_eq(sites.addresses[1], f.import_address);
    cr_expect_eq(link_each_call(&f.elf, &f.layout, refuse_call, &sites, &f.why), -ENOSPC);
    end(&f);
}

Test(link, binds_frame_tables_to_the_code_itself)
{
    struct fixture f;
    begin(&f);
    uint32_t frames = elf_builder_add_section(&f.builder, ".eh_frame", ELF_SECTION_PROGBITS,
                                              ELF_FLAG_ALLOC, 8, data_content, 64);
    uint32_t text = section_symbol(&f, f.text);
    rela(&f, frames, 0, R_AARCH64_PREL32, text, 16);
    rela(&f, frames, 4, R_AARCH64_PREL32, text, 20);
    cr_assert_eq(apply(&f), 0, "%s", f.why.text);
    uint32_t at = f.layout.placements[frames].offset;
    cr_assert_eq(word_at(&f, LINK_RODATA, at), (uint32_t)(TEXT_AT + 16 - (RODATA_AT + at)));
    cr_assert_eq(word_at(&f, LINK_RODATA, at + 4), (uint32_t)(TEXT_AT + 20 - (RODATA_AT + at + 4)));
    cr_assert_eq(f.gated, 0);
    end(&f);
}

Test(link, binds_data_to_where_it_will_be)
{
    struct fixture f;
    begin(&f);
    uint32_t rodata = section_symbol(&f, f.rodata), state = section_symbol(&f, f.state);
    rela(&f, f.rodata, 0, R_AARCH64_ABS64, state, 24);
    rela(&f, f.state, 0, R_AARCH64_ABS64, state, 8);
    rela(&f, f.rodata, 8, R_AARCH64_ABS64, rodata, -8); /* compilers do that, indexing from 1 */
    cr_assert_eq(apply(&f), 0, "%s", f.why.text);
    cr_assert_eq(long_at(&f, LINK_RODATA, 0), STATE_AT + 24);
    cr_assert_eq(long_at(&f, LINK_STATE, 0), STATE_AT + 8);
    cr_assert_eq(long_at(&f, LINK_RODATA, 8), RODATA_AT - 8);
    end(&f);
}

/* Links the fixture with one more relocation, which must be refused with these words. */
static void refuses(struct fixture *f, int error, const char *words)
{
    int result = apply(f);
    cr_assert_eq(result, error, "%d: %s", result, f->why.text);
    cr_assert_not_null(strstr(f->why.text, words), "%s", f->why.text);
    end(f);
}

Test(link, refuses_an_address_inside_a_function)
{
    struct fixture f;
    begin(&f);
    rela(&f, f.rodata, 8, R_AARCH64_ABS64, f.own, 4);
    refuses(&f, -EPERM,
            "ABS64 at .rodata+0x8 to own+0x4: takes an address inside function own, at +0x4");
}

Test(link, refuses_an_address_between_functions)
{
    struct fixture f;
    begin(&f);
    rela(&f, f.rodata, 8, R_AARCH64_ABS64, section_symbol(&f, f.text), 8);
    refuses(&f, -EPERM, "where no function is");
}

Test(link, refuses_to_leave_the_text_section)
{
    struct fixture f;
    begin(&f);
    rela(&f, f.text, 0, R_AARCH64_CALL26, f.own, 48);
    refuses(&f, -EPERM, "outside that section");
    begin(&f);
    rela(&f, f.text, 0, R_AARCH64_CALL26, f.own, -20);
    refuses(&f, -EPERM, "outside that section");
    begin(&f);
    rela(&f, f.rodata, 0, R_AARCH64_ABS64, f.own, INT64_MAX);
    refuses(&f, -ERANGE, "beyond any component");
}

Test(link, refuses_branches_into_data_and_past_an_import)
{
    struct fixture f;
    begin(&f);
    rela(&f, f.text, 0, R_AARCH64_CALL26, section_symbol(&f, f.rodata), 0);
    refuses(&f, -EPERM, "branch into data");
    begin(&f);
    rela(&f, f.text, 0, R_AARCH64_CALL26, f.import, 4);
    refuses(&f, -EPERM, "branch past the beginning");
}

Test(link, refuses_absolute_symbols)
{
    struct fixture f;
    begin(&f);
    uint32_t symbol = elf_builder_add_symbol(&f.builder, "fixed", ELF_BIND_GLOBAL,
                                             ELF_SYMBOL_NOTYPE, ELF_INDEX_ABSOLUTE, 0x1234, 0);
    rela(&f, f.text, 0, R_AARCH64_CALL26, symbol, 0);
    refuses(&f, -EPERM, "fixed+0x0: absolute address");
    begin(&f);
    rela(&f, f.rodata, 0, R_AARCH64_ABS64, 0, 0x1234);
    refuses(&f, -EPERM, "(no symbol)");
}

Test(link, refuses_unknown_symbols_and_types_by_name)
{
    struct fixture f;
    begin(&f);
    uint32_t symbol =
        elf_builder_add_symbol(&f.builder, "nobody", ELF_BIND_GLOBAL, ELF_SYMBOL_NOTYPE, 0, 0, 0);
    rela(&f, f.text, 20, R_AARCH64_CALL26, symbol, 0);
    refuses(&f, -ENOENT, "CALL26 at .text+0x14 (in own) to nobody+0x0: no such symbol");
    begin(&f);
    rela(&f, f.text, 4, 311, f.import, 0); /* ADR_GOT_PAGE */
    refuses(&f, -ENOTSUP, "relocation type 311");
}

Test(link, refuses_relocations_outside_their_section)
{
    static const struct {
        uint32_t type;
        uint64_t offset;
    } data[] = {{R_AARCH64_ABS64, 57},
                {R_AARCH64_ABS32, 61},
                {R_AARCH64_ABS16, 63},
                {R_AARCH64_ABS64, UINT64_MAX},
                {R_AARCH64_ABS64, UINT64_MAX - 7}};
    struct fixture f;
    for (size_t i = 0; i < COUNT(data); i++) {
        begin(&f);
        rela(&f, f.rodata, data[i].offset, data[i].type, f.import, 0);
        refuses(&f, -EINVAL, "outside the section");
    }
    begin(&f);
    f.import_address = 1;
    rela(&f, f.rodata, 62, R_AARCH64_ABS16, f.import, 0);
    cr_assert_eq(apply(&f), 0, "%s", f.why.text);
    end(&f);
}

Test(link, refuses_instructions_where_there_are_none)
{
    struct fixture f;
    begin(&f);
    rela(&f, f.text, 2, R_AARCH64_CALL26, f.own, 0);
    refuses(&f, -EINVAL, "not at an instruction");
    begin(&f);
    rela(&f, f.rodata, 0, R_AARCH64_CALL26, f.own, 0);
    refuses(&f, -EINVAL, "not at an instruction");
}

/* --- regions --- */

Test(link, places_sections_by_kind_and_alignment)
{
    struct fixture f;
    begin(&f);
    uint32_t cold = elf_builder_add_section(&f.builder, ".text.unlikely", ELF_SECTION_PROGBITS,
                                            ELF_FLAG_ALLOC | ELF_FLAG_EXEC, 64, text_content, 8);
    uint32_t more = elf_builder_add_section(&f.builder, ".rodata.str", ELF_SECTION_PROGBITS,
                                            ELF_FLAG_ALLOC, 1, data_content, 3);
    uint32_t debug = elf_builder_add_section(&f.builder, ".debug_info", ELF_SECTION_PROGBITS, 0, 1,
                                             data_content, 16);
    elf_builder_add_section(&f.builder, ".bss", ELF_SECTION_NOBITS, ELF_FLAG_ALLOC | ELF_FLAG_WRITE,
                            1, NULL, 0);
    cr_assert_eq(measure(&f), 0, "%s", f.why.text);
    cr_assert_eq(f.layout.region[LINK_TEXT].size, 64 + 8);
    cr_assert_eq(f.layout.region[LINK_TEXT].align, 64);
    cr_assert_eq(f.layout.placements[cold].offset, 64);
    cr_assert_eq(f.layout.region[LINK_RODATA].size, 64 + 3);
    cr_assert_eq(f.layout.placements[more].offset, 64);
    cr_assert_eq(f.layout.region[LINK_STATE].size, 64);
    cr_assert_eq(f.layout.placements[debug].region, LINK_NONE);
    end(&f);
}

static const struct {
    const char *name;
    uint32_t type;
    uint64_t flags, align, size;
    int error;
} bad_sections[] = {
    {".data", ELF_SECTION_PROGBITS, ELF_FLAG_ALLOC | ELF_FLAG_WRITE, 8, 8, -EPERM},
    {".bss", ELF_SECTION_NOBITS, ELF_FLAG_ALLOC | ELF_FLAG_WRITE, 8, 8, -EPERM},
    {".text.rw", ELF_SECTION_PROGBITS, ELF_FLAG_ALLOC | ELF_FLAG_WRITE | ELF_FLAG_EXEC, 8, 8,
     -EPERM},
    {".state", ELF_SECTION_PROGBITS, ELF_FLAG_ALLOC | ELF_FLAG_WRITE, 8, 8, -EPERM},
    {".state", ELF_SECTION_PROGBITS, ELF_FLAG_ALLOC, 8, 8, -EPERM},
    {".tdata", ELF_SECTION_PROGBITS, ELF_FLAG_ALLOC | ELF_FLAG_WRITE | ELF_FLAG_TLS, 8, 8,
     -ENOTSUP},
    {".init_array", ELF_SECTION_INIT_ARRAY, ELF_FLAG_ALLOC | ELF_FLAG_WRITE, 8, 8, -ENOTSUP},
    {".odd", 0x70000003, ELF_FLAG_ALLOC, 8, 8, -ENOTSUP},
    {".rodata.z", ELF_SECTION_PROGBITS, ELF_FLAG_ALLOC | ELF_FLAG_COMPRESSED, 8, 8, -ENOTSUP},
    {".group", ELF_SECTION_GROUP, 0, 4, 8, -ENOTSUP},
    {".text.f", ELF_SECTION_PROGBITS, ELF_FLAG_ALLOC | ELF_FLAG_EXEC | ELF_FLAG_GROUP, 4, 8,
     -ENOTSUP},
    {".rodata.none", ELF_SECTION_NOBITS, ELF_FLAG_ALLOC, 8, 8, -ENOTSUP},
    {".rodata.big", ELF_SECTION_PROGBITS, ELF_FLAG_ALLOC, 8192, 8, -EINVAL},
    {".state", ELF_SECTION_NOBITS, ELF_FLAG_ALLOC | ELF_FLAG_WRITE, 8, UINT64_MAX, -EPERM},
};

Test(link, refuses_sections_that_a_component_must_not_have)
{
    for (size_t i = 0; i < COUNT(bad_sections); i++) {
        struct fixture f;
        begin(&f);
        elf_builder_add_section(&f.builder, bad_sections[i].name, bad_sections[i].type,
                                bad_sections[i].flags, bad_sections[i].align,
                                bad_sections[i].type == ELF_SECTION_NOBITS ? NULL : data_content,
                                bad_sections[i].size);
        int error = measure(&f);
        cr_assert_eq(error, bad_sections[i].error, "%s: %d %s", bad_sections[i].name, error,
                     f.why.text);
        end(&f);
    }
}

Test(link, refuses_a_region_that_is_too_large)
{
    static const uint64_t sizes[] = {LINK_REGION_MAX + 1ull, UINT32_MAX, UINT64_MAX,
                                     UINT64_MAX - 7};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        struct fixture f = {0};
        elf_builder_init(&f.builder);
        elf_builder_add_section(&f.builder, ".state", ELF_SECTION_NOBITS,
                                ELF_FLAG_ALLOC | ELF_FLAG_WRITE, 8, NULL, sizes[i]);
        cr_assert_eq(measure(&f), -EFBIG, "%s", f.why.text);
        end(&f);
    }
}

static const struct {
    const char *name;
    unsigned bind, type;
    uint16_t section;
    int error;
} bad_symbols[] = {
    {"thread_local", ELF_BIND_GLOBAL, ELF_SYMBOL_TLS, 0, -ENOTSUP},
    {"indirect", ELF_BIND_GLOBAL, ELF_SYMBOL_IFUNC, 1, -ENOTSUP},
    {"common", ELF_BIND_GLOBAL, ELF_SYMBOL_OBJECT, ELF_INDEX_COMMON, -ENOTSUP},
    {"common_type", ELF_BIND_GLOBAL, ELF_SYMBOL_COMMON, 0, -ENOTSUP},
    {"odd_section", ELF_BIND_GLOBAL, ELF_SYMBOL_OBJECT, 0xff05, -ENOTSUP},
    {"perhaps", ELF_BIND_WEAK, ELF_SYMBOL_NOTYPE, 0, -EPERM},
};

Test(link, refuses_symbols_of_unsupported_kinds_by_name)
{
    for (size_t i = 0; i < COUNT(bad_symbols); i++) {
        struct fixture f;
        begin(&f);
        elf_builder_add_symbol(&f.builder, bad_symbols[i].name, bad_symbols[i].bind,
                               bad_symbols[i].type, bad_symbols[i].section, 0, 0);
        cr_assert_eq(measure(&f), bad_symbols[i].error, "%s", f.why.text);
        cr_assert_not_null(strstr(f.why.text, bad_symbols[i].name), "%s", f.why.text);
        end(&f);
    }
}

Test(link, leaves_an_adopted_state_alone)
{
    struct fixture f;
    begin(&f);
    rela(&f, f.state, 0, R_AARCH64_ABS64, f.own, 0);
    rela(&f, f.rodata, 0, R_AARCH64_ABS64, section_symbol(&f, f.state), 8);
    cr_assert_eq(measure(&f), 0);
    uint8_t text[64], rodata[64];
    f.target = (struct link_target){
        .region = {{TEXT_AT, text}, {RODATA_AT, rodata}, {STATE_AT, NULL}},
        .context = &f,
        .resolve = resolve,
        .gate = gate,
    };
    cr_assert_eq(link_apply(&f.elf, &f.layout, &f.target, &f.why), 0, "%s", f.why.text);
    cr_assert_eq(f.gated, 0);
    uint64_t address;
    memcpy(&address, rodata, sizeof(address));
    cr_assert_eq(address, STATE_AT + 8);
    end(&f);
}

Test(link, zeroes_a_state_without_content_and_gaps_between_sections)
{
    struct fixture f;
    begin(&f);
    f.builder.sections[f.state].type = ELF_SECTION_NOBITS;
    elf_builder_add_section(&f.builder, ".rodata.a", ELF_SECTION_PROGBITS, ELF_FLAG_ALLOC, 1, "abc",
                            3);
    elf_builder_add_section(&f.builder, ".rodata.b", ELF_SECTION_PROGBITS, ELF_FLAG_ALLOC, 8, "xyz",
                            3);
    cr_assert_eq(apply(&f), 0, "%s", f.why.text);
    cr_assert_eq(memcmp(f.written[LINK_STATE], data_content, 64), 0);
    cr_assert_eq(memcmp(f.written[LINK_RODATA] + 64, "abc\0\0\0\0\0xyz", 11), 0);
    end(&f);
}

Test(link, refuses_targets_that_do_not_fit)
{
    struct fixture f;
    begin(&f);
    cr_assert_eq(apply(&f), 0);
    f.target.region[LINK_TEXT].address = TEXT_AT + 8;
    cr_assert_eq(link_apply(&f.elf, &f.layout, &f.target, &f.why), -EINVAL);
    f.target.region[LINK_TEXT].address = TEXT_AT;
    f.target.region[LINK_RODATA].write = NULL;
    cr_assert_eq(link_apply(&f.elf, &f.layout, &f.target, &f.why), -EINVAL);
    end(&f);
}

Test(link, refuses_memory_that_is_too_small)
{
    struct fixture f;
    begin(&f);
    cr_assert_eq(measure(&f), 0);
    cr_assert_eq(link_measure(&f.elf, f.memory, link_scratch_bytes(&f.elf) - 1, &f.layout, &f.why),
                 -ENOMEM);
    end(&f);
}

/* --- names --- */

Test(link, finds_symbols_and_sections)
{
    struct fixture f;
    enum link_region region;
    uint32_t offset, size;
    begin(&f);
    elf_builder_add_symbol(&f.builder, "table", ELF_BIND_GLOBAL, ELF_SYMBOL_OBJECT,
                           (uint16_t)f.rodata, 24, 8);
    cr_assert_eq(measure(&f), 0);
    cr_assert_eq(link_symbol(&f.elf, &f.layout, "table", &region, &offset, &size), 0);
    cr_assert(region == LINK_RODATA && offset == 24 && size == 8);
    cr_assert_eq(link_symbol(&f.elf, &f.layout, "import", &region, &offset, NULL), -ENOENT);
    cr_assert_eq(link_section(&f.elf, &f.layout, ".state", &region, &offset, &size), 0);
    cr_assert(region == LINK_STATE && offset == 0 && size == 64);
    cr_assert_eq(link_section(&f.elf, &f.layout, ".symtab", &region, &offset, &size), -ENOENT);
    end(&f);
}

Test(link, finds_the_function_of_each_offset)
{
    struct fixture f;
    begin(&f);
    cr_assert_eq(measure(&f), 0);
    cr_assert_eq(f.layout.function_count, 2);
    for (uint32_t offset = 0; offset < 64; offset++) {
        const struct link_function *function = link_function_at(&f.layout, offset);
        const char *expected = offset < 16   ? NULL
                               : offset < 32 ? "own"
                               : offset < 48 ? "second"
                                             : NULL;
        cr_assert(expected ? function && strcmp(function->name, expected) == 0 : !function,
                  "offset %u", offset);
    }
    end(&f);
}

Test(link, prefers_the_global_of_two_names_for_one_place)
{
    struct fixture f;
    begin(&f);
    elf_builder_add_symbol(&f.builder, "alias", ELF_BIND_GLOBAL, ELF_SYMBOL_FUNCTION,
                           (uint16_t)f.text, 16, 16);
    cr_assert_eq(measure(&f), 0);
    cr_assert_eq(f.layout.function_count, 2);
    cr_assert_str_eq(link_function_at(&f.layout, 16)->name, "alias");
    end(&f);
}

Test(link, sorts_functions_given_in_any_order)
{
    for (unsigned seed = 1; seed < 50; seed++) {
        struct fixture f = {0};
        unsigned random = seed;
        elf_builder_init(&f.builder);
        f.text = elf_builder_add_section(&f.builder, ".text", ELF_SECTION_PROGBITS,
                                         ELF_FLAG_ALLOC | ELF_FLAG_EXEC, 4, text_content, 64);
        for (unsigned i = 0; i < 16; i++) {
            random = random * 1103515245 + 12345;
            elf_builder_add_symbol(&f.builder, "f", ELF_BIND_GLOBAL, ELF_SYMBOL_FUNCTION,
                                   (uint16_t)f.text, random >> 16 & 60, 4);
        }
        cr_assert_eq(measure(&f), 0);
        for (uint32_t i = 1; i < f.layout.function_count; i++) {
            cr_assert_lt(f.layout.functions[i - 1].offset, f.layout.functions[i].offset);
        }
        end(&f);
    }
}

/* SPDX-License-Identifier: MIT */
/* Objects that are well formed but cannot be linked, or should not run; see rejections.h. */

#include <assert.h>
#include <string.h>

#include "lib/elf.h"
#include "neurath/component.h"
#include "tests/hotswap/rejections.h"

static struct elf open_object(struct package *package, uint8_t **object)
{
    size_t size;
    struct elf elf;
    struct why why;
    *object = package_object(package, &size);
    int error = elf_open(&elf, *object, size, &why);
    assert(error == 0);
    (void)error;
    return elf;
}

/* The relocations of section `where`. */
static uint32_t find_relas(const struct elf *elf, const char *where)
{
    uint32_t target = elf_find_section(elf, where);
    for (uint32_t i = 1; i < elf->section_count; i++) {
        if (elf->sections[i].type == ELF_SECTION_RELA && elf->sections[i].info == target) {
            return i;
        }
    }
    assert(!"no relocations");
    return 0;
}

static void damage_rela_section(struct package *package, const struct rejection *r)
{
    uint8_t *object;
    struct elf elf = open_object(package, &object);
    uint32_t section = find_relas(&elf, r->where);
    size_t header = (size_t)((const uint8_t *)&elf.sections[section] - elf.data);
    rejection_poke(object + header + r->at, r->width, r->value);
}

/* A relocation of section `where`: the first one of type `count`, or, with count 0, the one at the
 * component record's hook `start`. */
static struct elf_rela *find_rela(const struct elf *elf, uint8_t *object, const struct rejection *r)
{
    size_t count;
    uint32_t section = find_relas(elf, r->where);
    const struct elf_rela *relas = elf_relas(elf, section, &count);
    for (size_t i = 0; i < count; i++) {
        if (r->count ? elf_rela_type(&relas[i]) == (uint32_t)r->count
                     : relas[i].offset == offsetof(struct component_ops, start)) {
            return (struct elf_rela *)(void *)(object + ((const uint8_t *)&relas[i] - elf->data));
        }
    }
    assert(!"no such relocation");
    return NULL;
}

static void damage_rela(struct package *package, const struct rejection *r)
{
    uint8_t *object;
    struct elf elf = open_object(package, &object);
    rejection_poke((uint8_t *)find_rela(&elf, object, r) + r->at, r->width, r->value);
}

/* The relocation gets another type. */
static void retype(struct package *package, const struct rejection *r)
{
    uint8_t *object;
    struct elf elf = open_object(package, &object);
    struct elf_rela *rela = find_rela(&elf, object, r);
    rela->info = (uint64_t)elf_rela_symbol(rela) << 32 | r->value;
}

/* The relocation gets another symbol, that of name `which`, or of section `which`. */
static void redirect(struct package *package, const struct rejection *r)
{
    uint8_t *object;
    struct elf elf = open_object(package, &object);
    struct elf_rela *rela = find_rela(&elf, object, r);
    for (uint32_t i = 1; i < elf.symbol_count; i++) {
        const struct elf_symbol *symbol = &elf.symbols[i];
        const char *name = elf_symbol_type(symbol) == ELF_SYMBOL_SECTION
                               ? elf_section_name(&elf, symbol->section)
                               : elf_symbol_name(&elf, i);
        if (strcmp(name, r->which) == 0) {
            rela->info = (uint64_t)i << 32 | elf_rela_type(rela);
            return;
        }
    }
    assert(!"no such symbol");
}

/* A name in the symbols' strings becomes another one of the same length. */
static void rename_symbol(struct package *package, const struct rejection *r)
{
    uint8_t *object;
    struct elf elf = open_object(package, &object);
    size_t length = strlen(r->where);
    for (uint32_t i = 1; i < elf.symbol_count; i++) {
        if (strcmp(elf_symbol_name(&elf, i), r->where) == 0) {
            memcpy(object + ((const uint8_t *)elf_symbol_name(&elf, i) - elf.data), r->which,
                   length);
            return;
        }
    }
    assert(!"no such symbol");
}

/* The symbol `where` goes by the name of another one. */
static void merge_names(struct package *package, const struct rejection *r)
{
    uint8_t *object;
    struct elf elf = open_object(package, &object);
    uint32_t name = 0, at = 0;
    for (uint32_t i = 1; i < elf.symbol_count; i++) {
        name = strcmp(elf_symbol_name(&elf, i), r->which) == 0 ? elf.symbols[i].name : name;
        at = strcmp(elf_symbol_name(&elf, i), r->where) == 0 ? i : at;
    }
    assert(name && at);
    size_t entry = (size_t)((const uint8_t *)&elf.symbols[at] - elf.data);
    rejection_poke(object + entry + offsetof(struct elf_symbol, name), sizeof(name), name);
}

/* Bytes of section `where`. Relocations go over them. */
static void damage_bytes(struct package *package, const struct rejection *r)
{
    uint8_t *object;
    struct elf elf = open_object(package, &object);
    const struct elf_section *section = &elf.sections[elf_find_section(&elf, r->where)];
    rejection_poke(object + section->offset + r->at, r->width, r->value);
}

/* The record's hook `start` becomes a number that no relocation touches. */
static void fix_hook(struct package *package, const struct rejection *r)
{
    uint8_t *object;
    struct elf elf = open_object(package, &object);
    find_rela(&elf, object, r)->info = R_AARCH64_NONE;
    damage_bytes(package, r);
}

#define FIELD(structure, field)                                                                    \
    .at = offsetof(structure, field), .width = sizeof(((structure *)0)->field)
#define RELAS(text, section, field, number, refusal)                                               \
    CASE(text, refusal, damage_rela_section, .where = (section), FIELD(struct elf_section, field), \
         .value = (number))
#define RELA(text, section, type, field, number, refusal)                                          \
    CASE(text, refusal, damage_rela, .where = (section), .count = (type),                          \
         FIELD(struct elf_rela, field), .value = (number))
#define TYPE(text, section, type, other, refusal)                                                  \
    CASE(text, refusal, retype, .where = (section), .count = (type), .value = (other))
#define TO(text, section, type, symbol, refusal)                                                   \
    CASE(text, refusal, redirect, .where = (section), .count = (type), .which = (symbol))
#define RECORD(text, field, number, refusal)                                                       \
    CASE(text, refusal, damage_bytes, .where = RECORD_SECTION, FIELD(struct component_ops, field), \
         .value = (number))
#define HOOK 0
#define RECORD_SECTION ".rodata.component"

static const struct rejection cases[] = {
    RELAS("relocations with other symbols", ".text", link, 1, "but the symbol table is"),
    RELAS("relocations of the null section", ".text", info, 0, "relocates section 0"),
    RELAS("relocations of no section", ".text", info, 77, "relocates section 77"),
    RELAS("relocations of another size", ".text", entry_size, 16, "need entries of 24"),
    RELAS("half a relocation", ".text", size, 36, "need entries of 24"),
    RELAS("relocations at an odd place", ".text", offset, 0x41, "aligned to 4"),
    RELAS("relocations without addend", ".text", type, ELF_SECTION_REL, "(REL)"),

    RELA("a relocation of no symbol there is", ".text", R_AARCH64_CALL26, info,
         (uint64_t)999 << 32 | R_AARCH64_CALL26, "names symbol 999"),
    TYPE("a relocation of unknown type", ".text", R_AARCH64_CALL26, 599, "type 599"),
    TYPE("a relocation for dynamic linking", ".text", R_AARCH64_CALL26, 1027, "type 1027"),
    TYPE("a relocation for a table of addresses", ".text", R_AARCH64_ADR_PREL_PG_HI21, 311,
         "type 311"),
    RELA("a relocation beyond its section", ".text", R_AARCH64_CALL26, offset, 1u << 20,
         "outside the section"),
    RELA("a relocation that ends beyond its section", RECORD_SECTION, HOOK, offset,
         sizeof(struct component_ops) - 4, "outside the section"),
    RELA("a relocation at the end of the address space", RECORD_SECTION, HOOK, offset,
         UINT64_MAX - 3, "outside the section"),
    RELA("a branch at an odd place", ".text", R_AARCH64_CALL26, offset, 0x11,
         "not at an instruction"),
    TYPE("a branch in constants", RECORD_SECTION, HOOK, R_AARCH64_CALL26, "not at an instruction"),
    RELA("the address of the middle of a function", RECORD_SECTION, HOOK, addend, 4,
         "inside function start"),
    RELA("the address of what is between functions", RECORD_SECTION, HOOK, addend, 0x38,
         "where no function is"),
    RELA("an address before the code", RECORD_SECTION, HOOK, addend, (uint64_t)-4,
         "outside that section"),
    RELA("an address behind the code", RECORD_SECTION, HOOK, addend, 0x10000,
         "outside that section"),
    RELA("an addend that wraps around", RECORD_SECTION, HOOK, addend, INT64_MAX,
         "beyond any component"),
    TO("a branch into data", ".text", R_AARCH64_CALL26, ".rodata", "branch into data"),
    TO("a branch into the state", ".text", R_AARCH64_CALL26, ".state", "branch into data"),
    RELA("a branch past the beginning of another", ".text", R_AARCH64_CALL26, addend, 8,
         "branch past the beginning"),
    TYPE("half an address", RECORD_SECTION, HOOK, R_AARCH64_ABS32, "is no function of its own"),
    TYPE("an address in 16 bits", RECORD_SECTION, HOOK, R_AARCH64_ABS16, "out of the range"),
    TYPE("an address in a move of 16 bits", ".text", R_AARCH64_CALL26, R_AARCH64_MOVW_UABS_G0,
         "out of the range"),
    TYPE("a signed address in a move of 16 bits", ".text", R_AARCH64_CALL26, R_AARCH64_MOVW_SABS_G0,
         "out of the range"),
    TYPE("a conditional branch to a far gate", ".text", R_AARCH64_CALL26, R_AARCH64_TSTBR14,
         "out of the range"),
    TYPE("a distance in 16 bits", RECORD_SECTION, HOOK, R_AARCH64_PREL16, "out of the range"),
    RELA("a page out of reach", ".text", R_AARCH64_ADR_PREL_PG_HI21, addend, (uint64_t)1 << 36,
         "out of the range"),
    RELA("an odd place for a load", ".text", R_AARCH64_ADD_ABS_LO12_NC, info,
         (uint64_t)3 << 32 | R_AARCH64_LDST128_ABS_LO12_NC, "no multiple of 16"),
    RELA("a branch to no symbol", ".text", R_AARCH64_CALL26, info, R_AARCH64_CALL26,
         "absolute address"),

    CASE("two functions of one name", "two functions named start", merge_names, .where = "run",
         .which = "start"),
    CASE("a need that nobody meets", "uses mumset, which neither", rename_symbol, .where = "memset",
         .which = "mumset"),
    CASE("a need that the descriptor does not tell", "counter_reed", rename_symbol,
         .where = "format_vprint", .which = "counter_reedX"),
    CASE("a function that the descriptor tells, but is not there", "lacks a function",
         rename_symbol, .where = "counter_read", .which = "counter_reed"),

    RECORD("a record with another magic", magic, 0x4e524332, "was built for ABI"),
    RECORD("a record for another ABI", abi, 99, "was built for ABI 99"),
    RECORD("a record with another version", version, VERSION(7, 7, 7), "another name or version"),
    RECORD("a record that revokes other versions", oldest, 1, "another name or version"),
    CASE("a record with another name", "another name or version", redirect, .where = RECORD_SECTION,
         .count = R_AARCH64_ABS64, .which = ".rodata"),
    CASE("a record with no name at all", "another name or version", damage_rela,
         .where = RECORD_SECTION, .count = R_AARCH64_ABS64, .at = offsetof(struct elf_rela, info),
         .width = 8, .value = R_AARCH64_NONE),
    CASE("a hook that is no gate", "is no function of its own", fix_hook, .where = RECORD_SECTION,
         .at = offsetof(struct component_ops, start), .width = 8, .value = 0x1000),
    CASE("a hook in the nucleus", "is no function of its own", redirect, .where = RECORD_SECTION,
         .count = HOOK, .which = "memset"),
    CASE("a hook among the constants", "is no function of its own", redirect,
         .where = RECORD_SECTION, .count = HOOK, .which = ".rodata"),
};

const struct rejection_table rejections_link = {"link", cases, sizeof(cases) / sizeof(cases[0])};

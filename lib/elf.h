/* SPDX-License-Identifier: MIT */
/*
 * A checked view of an untrusted relocatable object: ELF64, little endian, AArch64, ET_REL.
 *
 * elf_open() checks every offset, size, index and string once; after it the accessors below are
 * cheap and stay inside the file. The view points into the file: it must stay unchanged and
 * mapped as long as the view is used. Nothing is copied or allocated. Context: any.
 *
 * Structures and numbers: "ELF-64 Object File Format" 1.5 draft 2; "ELF for the Arm 64-bit
 * Architecture (AArch64)", Arm IHI 0056 (below: AAELF64). Declared with an alignment of 4, since
 * a property of a device tree, which is where our objects come from, has no better.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "why.h"

enum {
    ELF_CLASS_64 = 2,
    ELF_DATA_LITTLE = 1,
    ELF_TYPE_REL = 1,
    ELF_MACHINE_AARCH64 = 183,
    ELF_VERSION_CURRENT = 1,
};

enum elf_section_type {
    ELF_SECTION_NULL = 0,
    ELF_SECTION_PROGBITS = 1,
    ELF_SECTION_SYMTAB = 2,
    ELF_SECTION_STRTAB = 3,
    ELF_SECTION_RELA = 4,
    ELF_SECTION_NOTE = 7,
    ELF_SECTION_NOBITS = 8,
    ELF_SECTION_REL = 9,
    ELF_SECTION_INIT_ARRAY = 14,
    ELF_SECTION_GROUP = 17,
    ELF_SECTION_SYMTAB_SHNDX = 18,
};

enum {
    ELF_FLAG_WRITE = 0x1,
    ELF_FLAG_ALLOC = 0x2,
    ELF_FLAG_EXEC = 0x4,
    ELF_FLAG_MERGE = 0x10,
    ELF_FLAG_STRINGS = 0x20,
    ELF_FLAG_INFO_LINK = 0x40,
    ELF_FLAG_GROUP = 0x200,
    ELF_FLAG_TLS = 0x400,
    ELF_FLAG_COMPRESSED = 0x800,
};

enum {
    ELF_INDEX_UNDEFINED = 0,
    ELF_INDEX_RESERVED = 0xff00,
    ELF_INDEX_ABSOLUTE = 0xfff1,
    ELF_INDEX_COMMON = 0xfff2,
    ELF_INDEX_EXTENDED = 0xffff,
};

enum elf_symbol_type {
    ELF_SYMBOL_NOTYPE = 0,
    ELF_SYMBOL_OBJECT = 1,
    ELF_SYMBOL_FUNCTION = 2,
    ELF_SYMBOL_SECTION = 3,
    ELF_SYMBOL_FILE = 4,
    ELF_SYMBOL_COMMON = 5,
    ELF_SYMBOL_TLS = 6,
    ELF_SYMBOL_IFUNC = 10,
};

enum elf_symbol_bind {
    ELF_BIND_LOCAL = 0,
    ELF_BIND_GLOBAL = 1,
    ELF_BIND_WEAK = 2,
};

struct elf_header {
    uint8_t ident[16];
    uint16_t type;
    uint16_t machine;
    uint32_t version;
    uint64_t entry;
    uint64_t program_offset;
    uint64_t section_offset;
    uint32_t flags;
    uint16_t header_size;
    uint16_t program_entry_size;
    uint16_t program_count;
    uint16_t section_entry_size;
    uint16_t section_count;
    uint16_t section_names;
} __attribute__((packed, aligned(4)));

struct elf_section {
    uint32_t name; /* offset in the section names */
    uint32_t type;
    uint64_t flags;
    uint64_t address;
    uint64_t offset;
    uint64_t size;
    uint32_t link;
    uint32_t info;
    uint64_t align; /* 0 and 1: none */
    uint64_t entry_size;
} __attribute__((packed, aligned(4)));

struct elf_symbol {
    uint32_t name; /* offset in the strings */
    uint8_t info;  /* bind << 4 | type */
    uint8_t other;
    uint16_t section;
    uint64_t value; /* offset in its section */
    uint64_t size;
} __attribute__((packed, aligned(4)));

struct elf_rela {
    uint64_t offset; /* in the section that is relocated */
    uint64_t info;   /* symbol << 32 | type */
    int64_t addend;
} __attribute__((packed, aligned(4)));

_Static_assert(sizeof(struct elf_header) == 64);
_Static_assert(sizeof(struct elf_section) == 64);
_Static_assert(sizeof(struct elf_symbol) == 24);
_Static_assert(sizeof(struct elf_rela) == 24);

/* Relocation types, AAELF64 chapter "Relocation". */
enum elf_relocation {
    R_AARCH64_NONE = 0,
    R_AARCH64_NONE_WITHDRAWN = 256,
    R_AARCH64_ABS64 = 257,
    R_AARCH64_ABS32 = 258,
    R_AARCH64_ABS16 = 259,
    R_AARCH64_PREL64 = 260,
    R_AARCH64_PREL32 = 261,
    R_AARCH64_PREL16 = 262,
    R_AARCH64_MOVW_UABS_G0 = 263,
    R_AARCH64_MOVW_UABS_G0_NC = 264,
    R_AARCH64_MOVW_UABS_G1 = 265,
    R_AARCH64_MOVW_UABS_G1_NC = 266,
    R_AARCH64_MOVW_UABS_G2 = 267,
    R_AARCH64_MOVW_UABS_G2_NC = 268,
    R_AARCH64_MOVW_UABS_G3 = 269,
    R_AARCH64_MOVW_SABS_G0 = 270,
    R_AARCH64_MOVW_SABS_G1 = 271,
    R_AARCH64_MOVW_SABS_G2 = 272,
    R_AARCH64_LD_PREL_LO19 = 273,
    R_AARCH64_ADR_PREL_LO21 = 274,
    R_AARCH64_ADR_PREL_PG_HI21 = 275,
    R_AARCH64_ADR_PREL_PG_HI21_NC = 276,
    R_AARCH64_ADD_ABS_LO12_NC = 277,
    R_AARCH64_LDST8_ABS_LO12_NC = 278,
    R_AARCH64_TSTBR14 = 279,
    R_AARCH64_CONDBR19 = 280,
    R_AARCH64_JUMP26 = 282,
    R_AARCH64_CALL26 = 283,
    R_AARCH64_LDST16_ABS_LO12_NC = 284,
    R_AARCH64_LDST32_ABS_LO12_NC = 285,
    R_AARCH64_LDST64_ABS_LO12_NC = 286,
    R_AARCH64_LDST128_ABS_LO12_NC = 299,
    R_AARCH64_PLT32 = 314,
};

struct elf {
    const uint8_t *data;
    size_t size;
    const struct elf_section *sections;
    uint32_t section_count;
    const char *section_names; /* every name ends inside the table */
    const struct elf_symbol *symbols;
    uint32_t symbol_count; /* 0: no symbol table */
    const char *strings;
};

/*
 * Checks the file and fills the view. data: aligned to 4 bytes; tables must lie at multiples of 4.
 * After success: every section lies inside the file (NOBITS excepted), every name is a string,
 * every symbol's section exists and a defined symbol lies inside it (value + size <= section's
 * size), every RELA section points at the symbol table and at a section, has whole entries, and
 * each entry names an existing symbol. Offsets of relocations are checked by the linker, who knows
 * their width. Returns 0; -ENOEXEC (not an object for us, or malformed), -EINVAL (data not
 * aligned); words in *why.
 */
int elf_open(struct elf *elf, const void *data, size_t size, struct why *why);

static inline const char *elf_section_name(const struct elf *elf, uint32_t section)
{
    return elf->section_names + elf->sections[section].name;
}

/* The section's bytes; NULL for those without: NOBITS and NULL. */
static inline const uint8_t *elf_section_data(const struct elf *elf, uint32_t section)
{
    const struct elf_section *s = &elf->sections[section];
    return s->type == ELF_SECTION_NOBITS || s->type == ELF_SECTION_NULL ? NULL
                                                                        : elf->data + s->offset;
}

static inline const char *elf_symbol_name(const struct elf *elf, uint32_t symbol)
{
    return elf->strings + elf->symbols[symbol].name;
}

static inline unsigned elf_symbol_type(const struct elf_symbol *symbol)
{
    return symbol->info & 0xf;
}

static inline unsigned elf_symbol_bind(const struct elf_symbol *symbol)
{
    return symbol->info >> 4;
}

/* Whether the symbol lives in one of the file's sections. */
static inline bool elf_symbol_is_defined(const struct elf_symbol *symbol)
{
    return symbol->section != ELF_INDEX_UNDEFINED && symbol->section < ELF_INDEX_RESERVED;
}

static inline const struct elf_rela *elf_relas(const struct elf *elf, uint32_t section,
                                               size_t *count)
{
    *count = elf->sections[section].size / sizeof(struct elf_rela);
    return (const struct elf_rela *)(const void *)(elf->data + elf->sections[section].offset);
}

static inline uint32_t elf_rela_symbol(const struct elf_rela *rela)
{
    return (uint32_t)(rela->info >> 32);
}

static inline uint32_t elf_rela_type(const struct elf_rela *rela)
{
    return (uint32_t)rela->info;
}

/* The first section of that name, or 0 (the null section): not there. Linear. */
uint32_t elf_find_section(const struct elf *elf, const char *name);

/* The first symbol of that name that is defined here, globals before locals, or 0. Linear. */
uint32_t elf_find_symbol(const struct elf *elf, const char *name);

/* "CALL26" for R_AARCH64_CALL26, and so on; NULL for a type that the linker does not know. */
const char *elf_relocation_name(uint32_t type);

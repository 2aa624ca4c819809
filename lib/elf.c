/* SPDX-License-Identifier: MIT */
/* Checks an untrusted object once; see elf.h. */

#include "elf.h"

#include <errno.h>
#include <string.h>

#define BAD(...) why_set(why, -ENOEXEC, __VA_ARGS__)

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "tables are read in place");

/* Whether [offset, offset + size) lies inside the file. */
static bool fits(const struct elf *elf, uint64_t offset, uint64_t size)
{
    return offset <= elf->size && size <= elf->size - offset;
}

static int check_header(const struct elf *elf, const struct elf_header *header, struct why *why)
{
    static const uint8_t magic[4] = {0x7f, 'E', 'L', 'F'};

    if (memcmp(header->ident, magic, sizeof(magic)) != 0) {
        return BAD("not an ELF file: begins with %02x %02x %02x %02x", header->ident[0],
                   header->ident[1], header->ident[2], header->ident[3]);
    }
    if (header->ident[4] != ELF_CLASS_64 || header->ident[5] != ELF_DATA_LITTLE) {
        return BAD("ELF class %u, data %u: need 64-bit (2), little endian (1)", header->ident[4],
                   header->ident[5]);
    }
    if (header->ident[6] != ELF_VERSION_CURRENT || header->version != ELF_VERSION_CURRENT) {
        return BAD("ELF versions %u and %u: need 1", header->ident[6], header->version);
    }
    if (header->type != ELF_TYPE_REL) {
        return BAD("ELF type %u: need a relocatable object (1)", header->type);
    }
    if (header->machine != ELF_MACHINE_AARCH64) {
        return BAD("ELF machine %u: need AArch64 (183)", header->machine);
    }
    if (header->header_size != sizeof(struct elf_header) ||
        header->section_entry_size != sizeof(struct elf_section)) {
        return BAD("ELF header of %u bytes, section headers of %u: need 64 and 64",
                   header->header_size, header->section_entry_size);
    }
    if (header->section_count == 0 || header->section_count >= ELF_INDEX_RESERVED) {
        return BAD("%u sections: need 1 to 65279", header->section_count);
    }
    if (header->section_offset % 4 != 0 ||
        !fits(elf, header->section_offset,
              (uint64_t)header->section_count * sizeof(struct elf_section))) {
        return BAD("%u section headers at 0x%llx do not fit a file of 0x%zx bytes",
                   header->section_count, (unsigned long long)header->section_offset, elf->size);
    }
    if (header->section_names >= header->section_count) {
        return BAD("section names in section %u of %u", header->section_names,
                   header->section_count);
    }
    return 0;
}

/* A string table is one when it ends in NUL: then each offset inside it begins a string. */
static int check_strings(const struct elf *elf, uint32_t section, const char *what, struct why *why)
{
    const struct elf_section *s = &elf->sections[section];

    if (s->type != ELF_SECTION_STRTAB) {
        return BAD("%s: section %u has type %u: need a string table (3)", what, section, s->type);
    }
    if (!fits(elf, s->offset, s->size)) {
        return BAD("%s: section %u, 0x%llx bytes at 0x%llx, outside the file", what, section,
                   (unsigned long long)s->size, (unsigned long long)s->offset);
    }
    if (s->size == 0 || elf->data[s->offset + s->size - 1] != '\0') {
        return BAD("%s: section %u does not end in NUL", what, section);
    }
    return 0;
}

static int check_sections(const struct elf *elf, uint32_t names, struct why *why)
{
    for (uint32_t i = 0; i < elf->section_count; i++) {
        const struct elf_section *s = &elf->sections[i];
        if (s->name >= elf->sections[names].size) {
            return BAD("section %u: name at 0x%x, beyond the names' 0x%llx bytes", i, s->name,
                       (unsigned long long)elf->sections[names].size);
        }
        if (s->type != ELF_SECTION_NULL && s->type != ELF_SECTION_NOBITS &&
            !fits(elf, s->offset, s->size)) {
            return BAD("section %u (%s): 0x%llx bytes at 0x%llx, outside the file's 0x%zx", i,
                       elf->section_names + s->name, (unsigned long long)s->size,
                       (unsigned long long)s->offset, elf->size);
        }
        if (s->align & (s->align - 1)) {
            return BAD("section %u (%s): alignment 0x%llx is no power of two", i,
                       elf->section_names + s->name, (unsigned long long)s->align);
        }
    }
    return 0;
}

/* Common to tables of structures: whole entries, aligned, not too many for an index. */
static int check_table(const struct elf *elf, uint32_t section, size_t entry, struct why *why)
{
    const struct elf_section *s = &elf->sections[section];

    if (s->entry_size != entry || s->size % entry != 0 || s->offset % 4 != 0) {
        return BAD("section %u (%s): entries of %llu bytes, 0x%llx in all, at 0x%llx: need entries "
                   "of %zu, whole, aligned to 4",
                   section, elf_section_name(elf, section), (unsigned long long)s->entry_size,
                   (unsigned long long)s->size, (unsigned long long)s->offset, entry);
    }
    if (s->size / entry > UINT32_MAX) {
        return BAD("section %u (%s): too many entries", section, elf_section_name(elf, section));
    }
    return 0;
}

static int check_symbols(const struct elf *elf, uint64_t strings_size, struct why *why)
{
    for (uint32_t i = 0; i < elf->symbol_count; i++) {
        const struct elf_symbol *symbol = &elf->symbols[i];
        if (symbol->name >= strings_size) {
            return BAD("symbol %u: name at 0x%x, beyond the strings' 0x%llx bytes", i, symbol->name,
                       (unsigned long long)strings_size);
        }
        if (symbol->section == ELF_INDEX_EXTENDED) {
            return BAD("symbol %u (%s): extended section index", i, elf_symbol_name(elf, i));
        }
        if (!elf_symbol_is_defined(symbol)) {
            continue;
        }
        if (symbol->section >= elf->section_count) {
            return BAD("symbol %u (%s): in section %u of %u", i, elf_symbol_name(elf, i),
                       symbol->section, elf->section_count);
        }
        uint64_t limit = elf->sections[symbol->section].size;
        if (symbol->value > limit || symbol->size > limit - symbol->value) {
            return BAD("symbol %u (%s): 0x%llx bytes at 0x%llx, outside section %u (%s) of 0x%llx",
                       i, elf_symbol_name(elf, i), (unsigned long long)symbol->size,
                       (unsigned long long)symbol->value, symbol->section,
                       elf_section_name(elf, symbol->section), (unsigned long long)limit);
        }
    }
    return 0;
}

static int find_symbols(struct elf *elf, uint32_t *table, struct why *why)
{
    *table = 0;
    for (uint32_t i = 0; i < elf->section_count; i++) {
        const struct elf_section *s = &elf->sections[i];
        if (s->type != ELF_SECTION_SYMTAB) {
            continue;
        }
        if (*table) {
            return BAD("two symbol tables: sections %u and %u", *table, i);
        }
        int error = check_table(elf, i, sizeof(struct elf_symbol), why);
        if (error < 0) {
            return error;
        }
        if (s->link >= elf->section_count) {
            return BAD("section %u (%s): strings in section %u of %u", i, elf_section_name(elf, i),
                       s->link, elf->section_count);
        }
        error = check_strings(elf, s->link, "symbol names", why);
        if (error < 0) {
            return error;
        }
        *table = i;
        elf->symbols = (const struct elf_symbol *)(const void *)(elf->data + s->offset);
        elf->symbol_count = (uint32_t)(s->size / sizeof(struct elf_symbol));
        elf->strings = (const char *)elf->data + elf->sections[s->link].offset;
        error = check_symbols(elf, elf->sections[s->link].size, why);
        if (error < 0) {
            return error;
        }
    }
    return 0;
}

static int check_relas(const struct elf *elf, uint32_t section, uint32_t symbols, struct why *why)
{
    const struct elf_section *s = &elf->sections[section];
    int error = check_table(elf, section, sizeof(struct elf_rela), why);
    if (error < 0) {
        return error;
    }
    if (symbols == 0 || s->link != symbols) {
        return BAD("section %u (%s): symbols in section %u, but the symbol table is %u", section,
                   elf_section_name(elf, section), s->link, symbols);
    }
    if (s->info == 0 || s->info >= elf->section_count) {
        return BAD("section %u (%s): relocates section %u of %u", section,
                   elf_section_name(elf, section), s->info, elf->section_count);
    }
    size_t count;
    const struct elf_rela *relas = elf_relas(elf, section, &count);
    for (size_t i = 0; i < count; i++) {
        if (elf_rela_symbol(&relas[i]) >= elf->symbol_count) {
            return BAD("section %u (%s): relocation %zu names symbol %u of %u", section,
                       elf_section_name(elf, section), i, elf_rela_symbol(&relas[i]),
                       elf->symbol_count);
        }
    }
    return 0;
}

int elf_open(struct elf *elf, const void *data, size_t size, struct why *why)
{
    *elf = (struct elf){.data = data, .size = size};

    if ((uintptr_t)data % 4 != 0) {
        return why_set(why, -EINVAL, "object at an address that is no multiple of 4");
    }
    if (size < sizeof(struct elf_header)) {
        return BAD("%zu bytes: too short for an ELF header", size);
    }
    const struct elf_header *header = data;
    int error = check_header(elf, header, why);
    if (error < 0) {
        return error;
    }
    elf->sections = (const struct elf_section *)(const void *)(elf->data + header->section_offset);
    elf->section_count = header->section_count;
    /* Names are needed by messages: point them somewhere harmless until they are checked. */
    elf->section_names = "";
    error = check_strings(elf, header->section_names, "section names", why);
    if (error < 0) {
        return error;
    }
    elf->section_names = (const char *)elf->data + elf->sections[header->section_names].offset;
    error = check_sections(elf, header->section_names, why);
    if (error < 0) {
        return error;
    }
    uint32_t symbols;
    error = find_symbols(elf, &symbols, why);
    for (uint32_t i = 0; error == 0 && i < elf->section_count; i++) {
        if (elf->sections[i].type == ELF_SECTION_RELA) {
            error = check_relas(elf, i, symbols, why);
        }
    }
    return error;
}

uint32_t elf_find_section(const struct elf *elf, const char *name)
{
    for (uint32_t i = 1; i < elf->section_count; i++) {
        if (strcmp(elf_section_name(elf, i), name) == 0) {
            return i;
        }
    }
    return 0;
}

uint32_t elf_find_symbol(const struct elf *elf, const char *name)
{
    uint32_t local = 0;
    for (uint32_t i = 1; i < elf->symbol_count; i++) {
        if (!elf_symbol_is_defined(&elf->symbols[i]) ||
            strcmp(elf_symbol_name(elf, i), name) != 0) {
            continue;
        }
        if (elf_symbol_bind(&elf->symbols[i]) != ELF_BIND_LOCAL) {
            return i;
        }
        local = local ? local : i;
    }
    return local;
}

const char *elf_relocation_name(uint32_t type)
{
#define NAME(relocation)                                                                           \
    case R_AARCH64_##relocation:                                                                   \
        return #relocation
    switch (type) {
        NAME(NONE);
        NAME(NONE_WITHDRAWN);
        NAME(ABS64);
        NAME(ABS32);
        NAME(ABS16);
        NAME(PREL64);
        NAME(PREL32);
        NAME(PREL16);
        NAME(MOVW_UABS_G0);
        NAME(MOVW_UABS_G0_NC);
        NAME(MOVW_UABS_G1);
        NAME(MOVW_UABS_G1_NC);
        NAME(MOVW_UABS_G2);
        NAME(MOVW_UABS_G2_NC);
        NAME(MOVW_UABS_G3);
        NAME(MOVW_SABS_G0);
        NAME(MOVW_SABS_G1);
        NAME(MOVW_SABS_G2);
        NAME(LD_PREL_LO19);
        NAME(ADR_PREL_LO21);
        NAME(ADR_PREL_PG_HI21);
        NAME(ADR_PREL_PG_HI21_NC);
        NAME(ADD_ABS_LO12_NC);
        NAME(LDST8_ABS_LO12_NC);
        NAME(TSTBR14);
        NAME(CONDBR19);
        NAME(JUMP26);
        NAME(CALL26);
        NAME(LDST16_ABS_LO12_NC);
        NAME(LDST32_ABS_LO12_NC);
        NAME(LDST64_ABS_LO12_NC);
        NAME(LDST128_ABS_LO12_NC);
        NAME(PLT32);
    default:
        return NULL;
    }
#undef NAME
}

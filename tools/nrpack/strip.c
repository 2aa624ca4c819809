/* SPDX-License-Identifier: MIT */
/*
 * Writes the object that is loaded: header, allocated sections, their relocations, and of the
 * symbols those that relocations name, all functions (for backtraces) and all global definitions.
 * Branches inside a section, which are the same wherever it lies, are written now and need no
 * relocation. The result passes elf_open() and links like the original.
 */

#include <string.h>

#include <lib/relocate.h>

#include "nrpack.h"

struct output {
    uint8_t *data;
    size_t size;
    struct elf_section *sections;
    uint32_t section_count;
    char *names; /* of sections */
    size_t names_size;
};

struct strip {
    const struct elf *elf;
    const struct link_layout *layout;
    uint32_t *new_section; /* by old index, 0: dropped */
    uint32_t *new_symbol;  /* likewise */
    struct output out;
};

static uint64_t append(struct output *out, const void *data, size_t size, size_t align)
{
    size_t at = (out->size + align - 1) & ~(align - 1);
    memset(out->data + out->size, 0, at - out->size);
    if (size > 0) {
        memcpy(out->data + at, data, size);
    }
    out->size = at + size;
    return at;
}

static uint32_t add_section(struct output *out, const char *name, struct elf_section section)
{
    section.name = (uint32_t)out->names_size;
    section.address = 0;
    memcpy(out->names + out->names_size, name, strlen(name) + 1);
    out->names_size += strlen(name) + 1;
    out->sections[out->section_count] = section;
    return out->section_count++;
}

/* Whether a section's bytes are all zero, before and after linking. */
static bool is_zero(const struct elf *elf, uint32_t section)
{
    const uint8_t *data = elf_section_data(elf, section);
    for (uint64_t i = 0; data && i < elf->sections[section].size; i++) {
        if (data[i] != 0) {
            return false;
        }
    }
    for (uint32_t i = 1; i < elf->section_count; i++) {
        if (elf->sections[i].type == ELF_SECTION_RELA && elf->sections[i].info == section) {
            return false;
        }
    }
    return data != NULL;
}

static void copy_sections(struct strip *strip)
{
    for (uint32_t i = 1; i < strip->elf->section_count; i++) {
        if (strip->layout->placements[i].region == LINK_NONE) {
            continue;
        }
        struct elf_section section = strip->elf->sections[i];
        if (strip->layout->placements[i].region == LINK_STATE && is_zero(strip->elf, i)) {
            section.type = ELF_SECTION_NOBITS; /* compilers write a named section's zeroes out */
        }
        const uint8_t *data =
            section.type == ELF_SECTION_NOBITS ? NULL : elf_section_data(strip->elf, i);
        section.offset = data ? append(&strip->out, data, section.size, 8) : strip->out.size;
        section.link = 0;
        section.info = 0;
        section.flags &= ~(uint64_t)(ELF_FLAG_MERGE | ELF_FLAG_STRINGS);
        section.entry_size = 0;
        strip->new_section[i] = add_section(&strip->out, elf_section_name(strip->elf, i), section);
    }
}

static bool is_loaded_rela(const struct strip *strip, uint32_t section)
{
    const struct elf_section *s = &strip->elf->sections[section];
    return s->type == ELF_SECTION_RELA && strip->new_section[s->info] != 0;
}

/* Whether it is a branch of a section to that section itself. */
static bool is_inside(const struct elf *elf, uint32_t section, const struct elf_rela *rela)
{
    uint32_t type = elf_rela_type(rela);
    return (type == R_AARCH64_CALL26 || type == R_AARCH64_JUMP26) &&
           elf->symbols[elf_rela_symbol(rela)].section == section;
}

/* Whether the linker is to see it. */
static bool is_needed(const struct elf *elf, uint32_t section, const struct elf_rela *rela)
{
    uint32_t type = elf_rela_type(rela);
    return type != R_AARCH64_NONE && type != R_AARCH64_NONE_WITHDRAWN &&
           !is_inside(elf, section, rela);
}

static void write_branches(struct strip *strip)
{
    const struct elf *elf = strip->elf;
    struct why why;
    for (uint32_t i = 1; i < elf->section_count; i++) {
        uint32_t section = elf->sections[i].info;
        size_t count = 0;
        const struct elf_rela *relas = is_loaded_rela(strip, i) ? elf_relas(elf, i, &count) : NULL;
        for (size_t k = 0; k < count; k++) {
            const struct elf_rela *rela = &relas[k];
            if (!is_inside(elf, section, rela)) {
                continue;
            }
            uint64_t begin = strip->out.sections[strip->new_section[section]].offset;
            uint64_t value = elf->symbols[elf_rela_symbol(rela)].value + (uint64_t)rela->addend;
            if (relocation_write(relocation_rule(elf_rela_type(rela)),
                                 strip->out.data + begin + rela->offset, rela->offset, value,
                                 &why) < 0) {
                die("a branch at %s+0x%llx: %s", elf_section_name(elf, section),
                    (unsigned long long)rela->offset, why.text);
            }
        }
    }
}

static void mark_symbols(const struct strip *strip, bool *is_kept)
{
    const struct elf *elf = strip->elf;
    for (uint32_t i = 1; i < elf->symbol_count; i++) {
        const struct elf_symbol *symbol = &elf->symbols[i];
        is_kept[i] = elf_symbol_is_defined(symbol) && strip->new_section[symbol->section] != 0 &&
                     (elf_symbol_type(symbol) == ELF_SYMBOL_FUNCTION ||
                      elf_symbol_bind(symbol) != ELF_BIND_LOCAL);
    }
    for (uint32_t i = 1; i < elf->section_count; i++) {
        if (!is_loaded_rela(strip, i)) {
            continue;
        }
        size_t count;
        const struct elf_rela *relas = elf_relas(elf, i, &count);
        for (size_t k = 0; k < count; k++) {
            if (is_needed(elf, elf->sections[i].info, &relas[k])) {
                is_kept[elf_rela_symbol(&relas[k])] = true;
            }
        }
    }
    is_kept[0] = true;
}

/* Locals first, as ELF demands. Returns the index of the first global one. */
static uint32_t write_symbols(struct strip *strip, const bool *is_kept)
{
    const struct elf *elf = strip->elf;
    struct elf_symbol *symbols = allocate(elf->symbol_count * sizeof(*symbols));
    char *strings = allocate(elf->size + 1);
    size_t strings_size = 1;
    uint32_t count = 0, first_global = 0;

    for (unsigned pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < elf->symbol_count; i++) {
            bool is_local = elf_symbol_bind(&elf->symbols[i]) == ELF_BIND_LOCAL;
            if (!is_kept[i] || is_local != (pass == 0)) {
                continue;
            }
            const char *name = elf_symbol_name(elf, i);
            struct elf_symbol symbol = elf->symbols[i];
            symbol.name = name[0] ? (uint32_t)strings_size : 0;
            if (name[0]) {
                memcpy(strings + strings_size, name, strlen(name) + 1);
                strings_size += strlen(name) + 1;
            }
            if (elf_symbol_is_defined(&symbol)) {
                symbol.section = (uint16_t)strip->new_section[symbol.section];
            }
            strip->new_symbol[i] = count;
            symbols[count++] = symbol;
        }
        first_global = pass == 0 ? count : first_global;
    }
    uint64_t at = append(&strip->out, symbols, count * sizeof(*symbols), 8);
    uint32_t index = add_section(&strip->out, ".symtab",
                                 (struct elf_section){
                                     .type = ELF_SECTION_SYMTAB,
                                     .offset = at,
                                     .size = count * sizeof(*symbols),
                                     .link = strip->out.section_count + 1,
                                     .info = first_global,
                                     .align = 8,
                                     .entry_size = sizeof(*symbols),
                                 });
    at = append(&strip->out, strings, strings_size, 1);
    add_section(&strip->out, ".strtab",
                (struct elf_section){
                    .type = ELF_SECTION_STRTAB, .offset = at, .size = strings_size, .align = 1});
    return index;
}

static void write_relas(struct strip *strip, uint32_t symbol_table)
{
    for (uint32_t i = 1; i < strip->elf->section_count; i++) {
        if (!is_loaded_rela(strip, i)) {
            continue;
        }
        size_t count, kept = 0;
        const struct elf_rela *relas = elf_relas(strip->elf, i, &count);
        uint64_t at = append(&strip->out, NULL, 0, 8);
        for (size_t k = 0; k < count; k++) {
            if (!is_needed(strip->elf, strip->elf->sections[i].info, &relas[k])) {
                continue;
            }
            struct elf_rela rela = relas[k];
            rela.info =
                (uint64_t)strip->new_symbol[elf_rela_symbol(&rela)] << 32 | elf_rela_type(&rela);
            append(&strip->out, &rela, sizeof(rela), 8);
            kept++;
        }
        struct elf_section section = strip->elf->sections[i];
        section.offset = at;
        section.size = kept * sizeof(struct elf_rela);
        section.link = symbol_table;
        section.info = strip->new_section[section.info];
        add_section(&strip->out, elf_section_name(strip->elf, i), section);
    }
}

void *strip_object(const struct elf *elf, const struct link_layout *layout, size_t *size)
{
    struct strip strip = {.elf = elf, .layout = layout};
    strip.new_section = allocate(elf->section_count * sizeof(uint32_t));
    strip.new_symbol = allocate(elf->symbol_count * sizeof(uint32_t));
    bool *is_kept = allocate(elf->symbol_count + 1);
    /* What is kept is not larger than what was there, but for padding and three sections of our
     * own. */
    strip.out.data = allocate(2 * elf->size + 16 * elf->section_count + 4096);
    strip.out.sections = allocate((elf->section_count + 4) * sizeof(struct elf_section));
    strip.out.names = allocate(elf->size + 64);

    struct elf_header header;
    memcpy(&header, elf->data, sizeof(header));
    append(&strip.out, &header, sizeof(header), 1);
    add_section(&strip.out, "", (struct elf_section){0});
    copy_sections(&strip);
    write_branches(&strip);
    mark_symbols(&strip, is_kept);
    uint32_t symbol_table = write_symbols(&strip, is_kept);
    write_relas(&strip, symbol_table);

    struct elf_section names = {.type = ELF_SECTION_STRTAB, .offset = strip.out.size, .align = 1};
    header.section_names = (uint16_t)add_section(&strip.out, ".shstrtab", names);
    strip.out.sections[header.section_names].size = strip.out.names_size;
    append(&strip.out, strip.out.names, strip.out.names_size, 1);
    header.section_offset = append(&strip.out, strip.out.sections,
                                   strip.out.section_count * sizeof(struct elf_section), 8);
    header.section_count = (uint16_t)strip.out.section_count;
    memcpy(strip.out.data, &header, sizeof(header));
    *size = strip.out.size;
    return strip.out.data;
}

/* SPDX-License-Identifier: MIT */
/* Builds relocatable objects in memory; see elf_builder.h. */

#include "elf_builder.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct file {
    uint8_t *bytes;
    size_t size;
};

/* Returns where it lies: at a multiple of 8. */
static size_t append(struct file *file, const void *data, size_t size)
{
    size_t at = (file->size + 7) & ~(size_t)7;
    file->bytes = realloc(file->bytes, at + size + 1);
    assert(file->bytes);
    memset(file->bytes + file->size, 0, at + size - file->size);
    if (data && size > 0) {
        memcpy(file->bytes + at, data, size);
    }
    file->size = at + size;
    return at;
}

static uint32_t add_name(char *names, size_t *size, const char *name)
{
    uint32_t at = (uint32_t)*size;
    assert(*size + strlen(name) + 1 < 4096);
    memcpy(names + at, name, strlen(name) + 1);
    *size += strlen(name) + 1;
    return at;
}

void elf_builder_init(struct elf_builder *builder)
{
    *builder = (struct elf_builder){.section_count = 1, .symbol_count = 1};
    builder->section_names[0] = "";
    builder->symbol_names[0] = "";
}

uint32_t elf_builder_add_section(struct elf_builder *builder, const char *name, uint32_t type,
                                 uint64_t flags, uint64_t align, const void *data, size_t size)
{
    uint32_t index = builder->section_count++;
    assert(index < ELF_BUILDER_SECTIONS - 8);
    builder->sections[index] =
        (struct elf_section){.type = type, .flags = flags, .align = align, .size = size};
    builder->section_names[index] = name;
    builder->section_data[index] = data;
    return index;
}

uint32_t elf_builder_add_symbol(struct elf_builder *builder, const char *name, unsigned bind,
                                unsigned type, uint16_t section, uint64_t value, uint64_t size)
{
    uint32_t index = builder->symbol_count++;
    assert(index < ELF_BUILDER_SYMBOLS);
    builder->symbols[index] = (struct elf_symbol){
        .info = (uint8_t)(bind << 4 | type), .section = section, .value = value, .size = size};
    builder->symbol_names[index] = name;
    return index;
}

void elf_builder_add_rela(struct elf_builder *builder, uint32_t section, uint64_t offset,
                          uint32_t type, uint32_t symbol, int64_t addend)
{
    uint32_t index = builder->rela_count++;
    assert(index < ELF_BUILDER_RELAS);
    builder->relas[index].section = section;
    builder->relas[index].rela = (struct elf_rela){
        .offset = offset, .info = (uint64_t)symbol << 32 | type, .addend = addend};
}

/* One relocation section for each section that has relocations. */
static void write_relas(struct elf_builder *b, struct file *file, uint32_t symbol_table)
{
    uint32_t sections = symbol_table;
    for (uint32_t section = 1; section < sections; section++) {
        struct elf_rela relas[ELF_BUILDER_RELAS];
        size_t count = 0;
        for (uint32_t i = 0; i < b->rela_count; i++) {
            if (b->relas[i].section == section) {
                relas[count++] = b->relas[i].rela;
            }
        }
        if (count > 0) {
            size_t bytes = count * sizeof(relas[0]);
            assert(b->section_count < ELF_BUILDER_SECTIONS);
            b->section_names[b->section_count] = ".rela";
            b->sections[b->section_count++] = (struct elf_section){
                .type = ELF_SECTION_RELA,
                .flags = ELF_FLAG_INFO_LINK,
                .offset = append(file, relas, bytes),
                .size = bytes,
                .link = symbol_table,
                .info = section,
                .align = 8,
                .entry_size = sizeof(relas[0]),
            };
        }
    }
}

uint8_t *elf_builder_finish(const struct elf_builder *builder, size_t *size)
{
    struct elf_builder b = *builder;
    struct file file = {0};
    struct elf_header header = {
        .ident = {0x7f, 'E', 'L', 'F', ELF_CLASS_64, ELF_DATA_LITTLE, ELF_VERSION_CURRENT},
        .type = ELF_TYPE_REL,
        .machine = ELF_MACHINE_AARCH64,
        .version = ELF_VERSION_CURRENT,
        .header_size = sizeof(header),
        .section_entry_size = sizeof(struct elf_section),
    };
    char names[4096] = "", strings[4096] = "";
    size_t names_size = 1, strings_size = 1;

    append(&file, &header, sizeof(header));
    for (uint32_t i = 1; i < b.section_count; i++) {
        bool is_stored = b.sections[i].type != ELF_SECTION_NOBITS;
        b.sections[i].offset = append(&file, b.section_data[i], is_stored ? b.sections[i].size : 0);
    }
    for (uint32_t i = 1; i < b.symbol_count; i++) {
        b.symbols[i].name = add_name(strings, &strings_size, b.symbol_names[i]);
    }
    uint32_t symbol_table = b.section_count;
    size_t bytes = b.symbol_count * sizeof(struct elf_symbol);
    b.section_names[b.section_count] = ".symtab";
    b.sections[b.section_count++] = (struct elf_section){.type = ELF_SECTION_SYMTAB,
                                                         .offset = append(&file, b.symbols, bytes),
                                                         .size = bytes,
                                                         .link = symbol_table + 1,
                                                         .align = 8,
                                                         .entry_size = sizeof(struct elf_symbol)};
    b.section_names[b.section_count] = ".strtab";
    b.sections[b.section_count++] =
        (struct elf_section){.type = ELF_SECTION_STRTAB,
                             .offset = append(&file, strings, strings_size),
                             .size = strings_size};
    write_relas(&b, &file, symbol_table);

    header.section_names = (uint16_t)b.section_count;
    b.section_names[b.section_count] = ".shstrtab";
    b.sections[b.section_count++] = (struct elf_section){.type = ELF_SECTION_STRTAB};
    for (uint32_t i = 1; i < b.section_count; i++) {
        b.sections[i].name = add_name(names, &names_size, b.section_names[i]);
    }
    struct elf_section *last = &b.sections[b.section_count - 1];
    last->offset = append(&file, names, names_size);
    last->size = names_size;
    header.section_offset = append(&file, b.sections, b.section_count * sizeof(struct elf_section));
    header.section_count = (uint16_t)b.section_count;
    memcpy(file.bytes, &header, sizeof(header));
    *size = file.size;
    return file.bytes;
}

/* SPDX-License-Identifier: MIT */
/*
 * Builds relocatable objects in memory, for tests: sections, symbols, relocations, then the file.
 * Data is borrowed until elf_builder_finish(); names too. Limits are asserted.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <lib/elf.h>

enum { ELF_BUILDER_SECTIONS = 24, ELF_BUILDER_SYMBOLS = 24, ELF_BUILDER_RELAS = 24 };

struct elf_builder {
    struct elf_section sections[ELF_BUILDER_SECTIONS];
    const char *section_names[ELF_BUILDER_SECTIONS];
    const void *section_data[ELF_BUILDER_SECTIONS];
    uint32_t section_count;
    struct elf_symbol symbols[ELF_BUILDER_SYMBOLS];
    const char *symbol_names[ELF_BUILDER_SYMBOLS];
    uint32_t symbol_count;
    struct {
        uint32_t section;
        struct elf_rela rela;
    } relas[ELF_BUILDER_RELAS];
    uint32_t rela_count;
};

void elf_builder_init(struct elf_builder *builder);

/* Returns the section's index. data NULL: zeros (or, with NOBITS, nothing). */
uint32_t elf_builder_add_section(struct elf_builder *builder, const char *name, uint32_t type,
                                 uint64_t flags, uint64_t align, const void *data, size_t size);

/* Returns the symbol's index. Add locals before globals. */
uint32_t elf_builder_add_symbol(struct elf_builder *builder, const char *name, unsigned bind,
                                unsigned type, uint16_t section, uint64_t value, uint64_t size);

void elf_builder_add_rela(struct elf_builder *builder, uint32_t section, uint64_t offset,
                          uint32_t type, uint32_t symbol, int64_t addend);

/* The file: *size bytes, to be freed by the caller. */
uint8_t *elf_builder_finish(const struct elf_builder *builder, size_t *size);

/* SPDX-License-Identifier: MIT */
/*
 * nrpack symbols: the functions of a linked ELF file (the nucleus) as assembly, for backtraces.
 * Section .rodata.symbols:
 *     symbols_count:  .quad n
 *     symbols_table:  n times, by address: .quad address; .long offset of its name; .long 0
 *     symbols_names:  the names, each with its NUL
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nrpack.h"

struct function {
    uint64_t address;
    const char *name;
    bool is_local;
};

static int compare(const void *a, const void *b)
{
    const struct function *first = a, *second = b;
    if (first->address != second->address) {
        return first->address < second->address ? -1 : 1;
    }
    if (first->is_local != second->is_local) {
        return first->is_local ? 1 : -1;
    }
    return strcmp(first->name, second->name);
}

/* A linked file: elf_open() is for objects only. The table's bytes, checked; NULL: outside the
 * file. */
static const void *table(const uint8_t *data, size_t size, uint64_t offset, uint64_t bytes)
{
    return offset <= size && bytes <= size - offset && offset % 4 == 0 ? data + offset : NULL;
}

static size_t read_symbols(const struct elf_symbol *symbols, size_t count, const char *strings,
                           uint64_t strings_size, struct function **functions)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        const struct elf_symbol *symbol = &symbols[i];
        if (elf_symbol_type(symbol) != ELF_SYMBOL_FUNCTION ||
            symbol->section == ELF_INDEX_UNDEFINED || symbol->name >= strings_size ||
            strings[symbol->name] == '\0') {
            continue;
        }
        *functions = grow(*functions, kept, sizeof(**functions));
        (*functions)[kept++] = (struct function){
            .address = symbol->value,
            .name = strings + symbol->name,
            .is_local = elf_symbol_bind(symbol) == ELF_BIND_LOCAL,
        };
    }
    return kept;
}

/* The functions of the first symbol table; none if there is no such table. */
static size_t read_functions(const char *path, struct function **functions)
{
    size_t size;
    const uint8_t *data = read_file(path, &size);
    const struct elf_header *header = (const void *)data;
    if (size < sizeof(*header) || memcmp(header->ident, "\177ELF\2\1", 6) != 0) {
        die("%s: not a 64-bit little-endian ELF file", path);
    }
    const struct elf_section *sections =
        table(data, size, header->section_offset,
              (uint64_t)header->section_count * sizeof(struct elf_section));
    if (!sections || header->section_entry_size != sizeof(struct elf_section)) {
        die("%s: section headers are outside the file", path);
    }
    for (unsigned i = 0; i < header->section_count; i++) {
        const struct elf_section *s = &sections[i];
        if (s->type != ELF_SECTION_SYMTAB) {
            continue;
        }
        const struct elf_section *names = s->link < header->section_count ? &sections[s->link] : s;
        const void *symbols = table(data, size, s->offset, s->size);
        const char *strings =
            names == s || names->offset > size || names->size > size - names->offset
                ? NULL
                : (const char *)data + names->offset;
        if (!symbols || !strings || names->size == 0 || strings[names->size - 1] != '\0') {
            die("%s: symbol table is malformed", path);
        }
        return read_symbols(symbols, s->size / sizeof(struct elf_symbol), strings, names->size,
                            functions);
    }
    return 0;
}

int run_symbols(int argc, char **argv)
{
    if (argc != 2) {
        return STATUS_TROUBLE;
    }
    struct function *functions = NULL;
    size_t count = read_functions(argv[1], &functions), kept = 0;
    if (count > 0) {
        qsort(functions, count, sizeof(*functions), compare);
    }
    for (size_t i = 0; i < count; i++) { /* one name for each address */
        if (kept == 0 || functions[kept - 1].address != functions[i].address) {
            functions[kept++] = functions[i];
        }
    }
    printf("/* Made by `nrpack symbols`. */\n"
           "    .section .rodata.symbols, \"a\"\n"
           "    .balign 8\n"
           "    .global symbols_count, symbols_table, symbols_names\n"
           "symbols_count:\n    .quad %zu\nsymbols_table:\n",
           kept);
    size_t offset = 0;
    for (size_t i = 0; i < kept; i++) {
        printf("    .quad 0x%" PRIx64 "\n    .long %zu, 0\n", functions[i].address, offset);
        offset += strlen(functions[i].name) + 1;
    }
    printf("symbols_names:\n");
    for (size_t i = 0; i < kept; i++) {
        printf("    .asciz \"%s\"\n", functions[i].name);
    }
    printf("    .balign 8\n");
    return STATUS_DONE;
}

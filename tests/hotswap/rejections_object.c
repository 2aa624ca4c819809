/* SPDX-License-Identifier: MIT */
/* Objects with wrong headers, sections and symbols; see rejections.h. */

#include <assert.h>
#include <string.h>

#include "lib/elf.h"
#include "tests/hotswap/rejections.h"

static void damage_header(struct package *package, const struct rejection *r)
{
    size_t size;
    uint8_t *object = package_object(package, &size);
    rejection_poke(object + r->at, r->width, r->value);
}

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

/* `where` is the section's name. */
static void damage_section(struct package *package, const struct rejection *r)
{
    uint8_t *object;
    struct elf elf = open_object(package, &object);
    uint32_t section = elf_find_section(&elf, r->where);
    assert(section);
    size_t header = (size_t)((const uint8_t *)&elf.sections[section] - elf.data);
    rejection_poke(object + header + r->at, r->width, r->value);
}

/* `where` is the symbol's name. */
static void damage_symbol(struct package *package, const struct rejection *r)
{
    uint8_t *object;
    struct elf elf = open_object(package, &object);
    uint32_t symbol = 1;
    while (strcmp(elf_symbol_name(&elf, symbol), r->where) != 0) {
        symbol++;
        assert(symbol < elf.symbol_count);
    }
    size_t entry = (size_t)((const uint8_t *)&elf.symbols[symbol] - elf.data);
    rejection_poke(object + entry + r->at, r->width, r->value);
}

/* Only the first `value` bytes stay. */
static void cut(struct package *package, const struct rejection *r)
{
    static uint8_t copy[1 << 16];
    size_t size;
    const uint8_t *object = package_object(package, &size);
    assert(r->value < size && r->value < sizeof(copy));
    memcpy(copy, object, r->value);
    package_set(package, "", "data", copy, (int)r->value);
}

/* The last byte of the section `where` becomes no NUL. */
static void leave_open(struct package *package, const struct rejection *r)
{
    uint8_t *object;
    struct elf elf = open_object(package, &object);
    const struct elf_section *section = &elf.sections[elf_find_section(&elf, r->where)];
    object[section->offset + section->size - 1] = 'x';
}

#define FIELD(structure, field)                                                                    \
    .at = offsetof(structure, field), .width = sizeof(((structure *)0)->field)
#define HEADER(text, field, number, refusal)                                                       \
    CASE(text, refusal, damage_header, FIELD(struct elf_header, field), .value = (number))
#define SECTION(text, section, field, number, refusal)                                             \
    CASE(text, refusal, damage_section, .where = (section), FIELD(struct elf_section, field),      \
         .value = (number))
#define SYMBOL(text, symbol, field, number, refusal)                                               \
    CASE(text, refusal, damage_symbol, .where = (symbol), FIELD(struct elf_symbol, field),         \
         .value = (number))

static const struct rejection cases[] = {
    HEADER("magic of another format", ident[1], 'X', "not an ELF file"),
    HEADER("32-bit class", ident[4], 1, "ELF class 1"),
    HEADER("big endian", ident[5], 2, "data 2"),
    HEADER("unknown version in the identification", ident[6], 2, "ELF versions 2 and 1"),
    HEADER("unknown version", version, 7, "ELF versions 1 and 7"),
    HEADER("an executable", type, 2, "ELF type 2"),
    HEADER("a shared library", type, 3, "ELF type 3"),
    HEADER("another machine's", machine, 62, "ELF machine 62"),
    HEADER("odd size of the header", header_size, 52, "ELF header of 52 bytes"),
    HEADER("odd size of section headers", section_entry_size, 40, "section headers of 40"),
    HEADER("no sections", section_count, 0, "0 sections"),
    HEADER("more sections than an index can tell", section_count, 0xff00, "65280 sections"),
    HEADER("more sections than the file holds", section_count, 0x7fff, "do not fit a file"),
    HEADER("section headers beyond the file", section_offset, 1u << 30, "do not fit a file"),
    HEADER("section headers at the end of the address space", section_offset, UINT64_MAX - 3,
           "do not fit a file"),
    HEADER("section headers at an odd place", section_offset, 0x41, "do not fit a file"),
    HEADER("names in no section", section_names, 0x1000, "section names in section 4096"),
    HEADER("names in a section of another kind", section_names, 1, "need a string table"),
    CASE("an object of one byte", "too short for an ELF header", cut, .value = 1),
    CASE("an object of a header alone", "do not fit a file", cut, .value = 64),
    CASE("an object without its end", "do not fit a file", cut, .value = 1000),
    CASE("section names without an end", "section names: section", leave_open,
         .where = ".shstrtab"),
    CASE("symbol names without an end", "symbol names: section", leave_open, .where = ".strtab"),

    SECTION("a section's name beyond the names", ".text", name, 1u << 20, "beyond the names"),
    SECTION("a section beyond the file", ".text", offset, 1u << 30, "outside the file"),
    SECTION("a section larger than the file", ".text", size, 1u << 30, "outside the file"),
    SECTION("a section whose end wraps around", ".rodata", size, UINT64_MAX - 8,
            "outside the file"),
    SECTION("alignment that is no power of two", ".rodata", align, 24, "no power of two"),
    SECTION("alignment of more than a page", ".rodata", align, 8192, "at most 0x1000"),
    SECTION("code that is writable", ".text", flags,
            ELF_FLAG_ALLOC | ELF_FLAG_EXEC | ELF_FLAG_WRITE, "both writable and executable"),
    SECTION("constants that are writable", ".rodata", flags, ELF_FLAG_ALLOC | ELF_FLAG_WRITE,
            "outside the component's state"),
    SECTION("state that is not writable", ".state", flags, ELF_FLAG_ALLOC, "not writable"),
    SECTION("state that is executable", ".state", flags,
            ELF_FLAG_ALLOC | ELF_FLAG_EXEC | ELF_FLAG_WRITE, "both writable and executable"),
    SECTION("state of more than any region may have", ".state", size, 1u << 30,
            "more than 0x4000000 together"),
    SECTION("thread-local data", ".rodata", flags, ELF_FLAG_ALLOC | ELF_FLAG_TLS, "thread-local"),
    SECTION("a compressed section", ".rodata", flags, ELF_FLAG_ALLOC | ELF_FLAG_COMPRESSED,
            "compressed"),
    SECTION("a member of a group", ".text", flags, ELF_FLAG_ALLOC | ELF_FLAG_EXEC | ELF_FLAG_GROUP,
            "groups"),
    SECTION("a group", ".rodata", type, ELF_SECTION_GROUP, "groups"),
    SECTION("extended section indices", ".rodata", type, ELF_SECTION_SYMTAB_SHNDX, "extended"),
    SECTION("constructors", ".rodata", type, ELF_SECTION_INIT_ARRAY, "type 14 cannot be loaded"),
    SECTION("a section of unknown kind", ".rodata", type, 0x6ffffff6, "cannot be loaded"),
    SECTION("constants without content", ".rodata", type, ELF_SECTION_NOBITS, "without content"),
    SECTION("code without content", ".text", type, ELF_SECTION_NOBITS, "without content"),
    SECTION("code that is not loaded", ".text", flags, ELF_FLAG_EXEC, "no COMPONENT record"),
    SECTION("no record of a component", ".rodata.component", name, 0, "no COMPONENT record"),
    SECTION("a record among the code", ".rodata.component", flags, ELF_FLAG_ALLOC | ELF_FLAG_EXEC,
            "no COMPONENT record"),
    SECTION("constants that say they are symbols", ".rodata", type, ELF_SECTION_SYMTAB,
            "need entries of 24"),
    SECTION("symbols of another size", ".symtab", entry_size, 16, "need entries of 24"),
    SECTION("half a symbol", ".symtab", size, 24 * 3 + 12, "need entries of 24"),
    SECTION("symbols at an odd place", ".symtab", offset, 0x42, "aligned to 4"),
    SECTION("symbols' names in no section", ".symtab", link, 99, "strings in section 99"),
    SECTION("symbols' names in code", ".symtab", link, 1, "need a string table"),
    SECTION("no symbol table", ".symtab", type, ELF_SECTION_NOTE, "symbols in section"),

    SYMBOL("a symbol's name beyond the names", "memset", name, 1u << 24, "beyond the strings"),
    SYMBOL("a symbol in no section", "start", section, 0x123, "in section 291"),
    SYMBOL("a symbol with an extended index", "start", section, ELF_INDEX_EXTENDED, "extended"),
    SYMBOL("a symbol in a reserved section", "memset", section, 0xff3f, "index 0xff3f"),
    SYMBOL("a symbol beyond its section", "start", value, 1u << 20, "outside section"),
    SYMBOL("a symbol larger than its section", "start", size, UINT64_MAX, "outside section"),
    SYMBOL("a thread-local symbol", "start", info, ELF_SYMBOL_TLS, "thread-local"),
    SYMBOL("an indirect function", "start", info, ELF_SYMBOL_IFUNC, "indirect functions"),
    SYMBOL("a common symbol by its type", "memset", info, ELF_SYMBOL_COMMON, "common"),
    SYMBOL("a common symbol by its section", "memset", section, ELF_INDEX_COMMON, "common"),
    SYMBOL("a weak need", "memset", info, ELF_BIND_WEAK << 4, "undefined and weak"),
    SYMBOL("an absolute address", "memset", section, ELF_INDEX_ABSOLUTE, "absolute address"),
};

const struct rejection_table rejections_object = {"object", cases,
                                                  sizeof(cases) / sizeof(cases[0])};

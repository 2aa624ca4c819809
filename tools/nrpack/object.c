/* SPDX-License-Identifier: MIT */
/* Reads an object: ELF, BTF, and the records of the interfaces it includes. */

#include <stdlib.h>
#include <string.h>

#include <lib/version.h>

#include "nrpack.h"

/* Records are strings "NAME MAJOR.MINOR", one for each inclusion. */
static bool read_interface_records(struct object *object)
{
    uint32_t section = elf_find_section(&object->elf, ".neurath.interfaces");
    if (section == 0) {
        return true;
    }
    const char *text = (const char *)elf_section_data(&object->elf, section);
    uint64_t size = object->elf.sections[section].size;
    if (size == 0 || text[size - 1] != '\0') {
        complain(object->path, ".neurath.interfaces does not end in NUL");
        return false;
    }
    for (const char *end = text + size; text < end; text += strlen(text) + 1) {
        const char *space = strchr(text, ' ');
        struct interface_record record;
        if (!space || version_parse(space + 1, &record.version) < 0) {
            complain(object->path, ".neurath.interfaces: bad record '%s'", text);
            return false;
        }
        record.name = print_text("%.*s", (int)(space - text), text);
        bool is_known = false;
        for (size_t i = 0; i < object->interface_count; i++) {
            if (strcmp(object->interfaces[i].name, record.name) != 0) {
                continue;
            }
            is_known = true;
            if (object->interfaces[i].version != record.version) {
                complain(object->path, "includes interface %s in two versions: rebuild it",
                         record.name);
                return false;
            }
        }
        if (!is_known) {
            object->interfaces = grow(object->interfaces, object->interface_count, sizeof(record));
            object->interfaces[object->interface_count++] = record;
        }
    }
    return true;
}

bool object_open(struct object *object, const char *path)
{
    struct why why;
    size_t size;

    *object = (struct object){.path = path};
    void *data = read_file(path, &size);
    if (elf_open(&object->elf, data, size, &why) < 0) {
        complain(path, "%s", why.text);
        return false;
    }
    uint32_t section = elf_find_section(&object->elf, ".BTF");
    if (section == 0 || !elf_section_data(&object->elf, section)) {
        complain(path, "has no section .BTF: compile with -g and run `pahole -J` on it");
        return false;
    }
    uint64_t btf_bytes = object->elf.sections[section].size;
    size_t memory = btf_scratch_bytes(btf_bytes);
    if (btf_open(&object->btf, elf_section_data(&object->elf, section), btf_bytes, allocate(memory),
                 memory, &why) < 0) {
        complain(path, ".BTF: %s", why.text);
        return false;
    }
    object->scratch_bytes = btf_hash_scratch_bytes(&object->btf);
    object->scratch = allocate(object->scratch_bytes);
    return read_interface_records(object);
}

const char *object_source_of(const struct object *object, uint32_t symbol)
{
    const struct elf *elf = &object->elf;
    const char *source = NULL;
    unsigned files = 0;
    /* Locals stand behind their file's symbol; globals behind all of them. */
    bool is_local = elf_symbol_bind(&elf->symbols[symbol]) == ELF_BIND_LOCAL;
    for (uint32_t i = 1; i < (is_local ? symbol : elf->symbol_count); i++) {
        if (elf_symbol_type(&elf->symbols[i]) == ELF_SYMBOL_FILE &&
            elf_symbol_name(elf, i)[0] != '\0') {
            source = elf_symbol_name(elf, i);
            files++;
        }
    }
    return source && (is_local || files == 1) ? source : object->path;
}

const char *object_string_at(const struct object *object, uint32_t section, uint64_t offset)
{
    const struct elf *elf = &object->elf;
    for (uint32_t i = 1; i < elf->section_count; i++) {
        if (elf->sections[i].type != ELF_SECTION_RELA || elf->sections[i].info != section) {
            continue;
        }
        size_t count;
        const struct elf_rela *relas = elf_relas(elf, i, &count);
        for (size_t k = 0; k < count; k++) {
            const struct elf_symbol *symbol = &elf->symbols[elf_rela_symbol(&relas[k])];
            if (relas[k].offset != offset || elf_rela_type(&relas[k]) != R_AARCH64_ABS64 ||
                !elf_symbol_is_defined(symbol)) {
                continue;
            }
            const uint8_t *data = elf_section_data(elf, symbol->section);
            uint64_t at = symbol->value + (uint64_t)relas[k].addend;
            uint64_t size = elf->sections[symbol->section].size;
            if (!data || at >= size || !memchr(data + at, '\0', size - at)) {
                return NULL;
            }
            return (const char *)data + at;
        }
    }
    return NULL;
}

uint64_t object_hash(const struct object *object, uint32_t type)
{
    struct why why;
    uint64_t hash;
    if (btf_hash(&object->btf, type, object->scratch, object->scratch_bytes, &hash, &why) < 0) {
        die("%s: %s", object->path, why.text);
    }
    return hash;
}

/* AAPCS64 6.8.2: x0 to x7; up to 16 bytes take one or two of them, what is larger is copied. */
bool object_passes_in_registers(const struct object *object, uint32_t type)
{
    struct btf_type prototype = btf_type(&object->btf, type);
    if (prototype.kind == BTF_FUNCTION) {
        prototype = btf_type(&object->btf, prototype.type);
    }
    uint64_t registers = 0;
    for (uint32_t i = 0; i < prototype.count; i++) {
        struct btf_parameter parameter = btf_parameter(&object->btf, &prototype, i);
        uint64_t bytes = btf_size(&object->btf, parameter.type);
        if (parameter.type == 0) {
            return false; /* ... */
        }
        registers += bytes > 8 && bytes <= 16 ? 2 : 1;
    }
    return registers <= 8;
}

char *object_declaration(const struct object *object, uint32_t type, const char *name)
{
    char text[512];
    (void)btf_print(&object->btf, type, name, text,
                    sizeof(text)); /* may be cut: it is shown only */
    return print_text("%s", text);
}

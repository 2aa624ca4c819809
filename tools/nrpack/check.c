/* SPDX-License-Identifier: MIT */
/* The component's record, and the laws as far as its object can break them. */

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The linker's own walk over relocations: so that packager and kernel cannot differ. */
#include <lib/link_bind.h>
#include <neurath/component.h>

#include "nrpack.h"

/* Layout of struct component_ops, include/neurath/component.h. */
enum {
    RECORD_MAGIC = 0x4e524331, /* "NRC1" */
    RECORD_ABI_OFFSET = 4,
    RECORD_VERSION_OFFSET = 8,
    RECORD_OLDEST_OFFSET = 12,
    RECORD_NAME_OFFSET = 16,
    RECORD_SUMMARY_OFFSET = 24,
    RECORD_COMPATIBLE_OFFSET = 32,
    RECORD_BYTES = sizeof(struct component_ops),
};

#define TYPE_DEPTH_MAX 64 /* C's types do not nest deeper; malformed BTF may */

__attribute__((format(printf, 3, 4))) static void
refuse(struct component *component, const char *source, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    complain(source, "%s", text);
    component->complaints++;
}

static uint32_t get32(const uint8_t *bytes)
{
    uint32_t value;
    memcpy(&value, bytes, sizeof(value));
    return value;
}

/* "count.0", as the compiler calls a function's own static, is shown as "count". */
static int base_length(const char *name)
{
    const char *dot = strrchr(name, '.');
    if (!dot || dot == name || !dot[1] || strspn(dot + 1, "0123456789") != strlen(dot + 1)) {
        return (int)strlen(name);
    }
    return (int)(dot - name);
}

/* --- the record --- */

static bool is_name(const char *name)
{
    if (!name || !islower((unsigned char)name[0])) {
        return false;
    }
    for (; *name; name++) {
        if (!islower((unsigned char)*name) && !isdigit((unsigned char)*name) && *name != '_') {
            return false;
        }
    }
    return true;
}

void check_component_record(struct component *component)
{
    const struct object *object = &component->object;
    uint32_t section = elf_find_section(&object->elf, ".rodata.component");
    const uint8_t *record = section ? elf_section_data(&object->elf, section) : NULL;
    uint64_t size = section ? object->elf.sections[section].size : 0;

    if (!record || size == 0) {
        refuse(component, object->path, "has no COMPONENT(...): one is needed");
        return;
    }
    if (size != RECORD_BYTES) {
        refuse(component, object->path, "has %.1f COMPONENT(...) blocks: one is needed",
               (double)size / RECORD_BYTES);
        return;
    }
    if (get32(record) != RECORD_MAGIC) {
        refuse(component, object->path, "COMPONENT's magic is 0x%08x: need 0x%08x", get32(record),
               (unsigned)RECORD_MAGIC);
        return;
    }
    component->abi = get32(record + RECORD_ABI_OFFSET);
    component->version = get32(record + RECORD_VERSION_OFFSET);
    component->oldest = get32(record + RECORD_OLDEST_OFFSET);
    component->name = object_string_at(object, section, RECORD_NAME_OFFSET);
    component->summary = object_string_at(object, section, RECORD_SUMMARY_OFFSET);
    component->compatible = object_string_at(object, section, RECORD_COMPATIBLE_OFFSET);
    if (!is_name(component->name)) {
        refuse(component, object->path, "COMPONENT's name '%s' is not of a-z, 0-9, _",
               component->name ? component->name : "");
    }
    if (component->version == 0) {
        refuse(component, object->path, "COMPONENT has no .version");
    }
    if (component->oldest > component->version) {
        refuse(component, object->path, "COMPONENT's .oldest is newer than its .version");
    }
    if (!component->summary) {
        refuse(component, object->path, "COMPONENT has no .summary");
    }
}

/* --- law 2 --- */

static void refuse_section(struct component *component, uint32_t section)
{
    const struct object *object = &component->object;
    const struct elf *elf = &object->elf;
    unsigned named = 0;

    for (uint32_t i = 1; i < elf->symbol_count; i++) {
        const struct elf_symbol *symbol = &elf->symbols[i];
        const char *name = elf_symbol_name(elf, i);
        if (symbol->section != section || elf_symbol_type(symbol) != ELF_SYMBOL_OBJECT) {
            continue;
        }
        named++;
        int length = base_length(name);
        refuse(component, object_source_of(object, i),
               "%s'%.*s' (%llu bytes in %s) is writable, but no part of STATE: move it there, or "
               "make it const",
               name[length] ? "a function's static " : "", length, name,
               (unsigned long long)symbol->size, elf_section_name(elf, section));
    }
    if (named == 0) {
        refuse(component, object->path, "section %s has %llu writable bytes outside of STATE",
               elf_section_name(elf, section), (unsigned long long)elf->sections[section].size);
    }
}

void check_writable(struct component *component)
{
    const struct elf *elf = &component->object.elf;
    for (uint32_t i = 1; i < elf->section_count; i++) {
        const struct elf_section *s = &elf->sections[i];
        if ((s->flags & ELF_FLAG_ALLOC) && (s->flags & ELF_FLAG_WRITE) && s->size > 0 &&
            strcmp(elf_section_name(elf, i), ".state") != 0) {
            refuse_section(component, i);
        }
    }
}

/* The type's name: STATE's record, if it left one, else the struct with the component's name. */
static const char *state_type_name(const struct component *component)
{
    const struct elf *elf = &component->object.elf;
    uint32_t section = elf_find_section(elf, ".neurath.state");
    const char *text = section ? (const char *)elf_section_data(elf, section) : NULL;
    uint64_t size = section ? elf->sections[section].size : 0;
    if (text && size > 0 && text[size - 1] == '\0') {
        return text;
    }
    return print_text("struct %s", component->name ? component->name : "");
}

/* The id of "struct x" or of a typedef, 0: none. */
static uint32_t find_type(const struct btf *btf, const char *name)
{
    if (strncmp(name, "struct ", 7) == 0) {
        return btf_find(btf, BTF_STRUCT, name + 7);
    }
    if (strncmp(name, "union ", 6) == 0) {
        return btf_find(btf, BTF_UNION, name + 6);
    }
    uint32_t id = btf_find(btf, BTF_TYPEDEF, name);
    return id ? id : btf_find(btf, BTF_INT, name);
}

/*
 * Whether an object of this type can hold an address: a pointer, an integer that says it is one, or
 * what cannot be told. Other integers are trusted.
 */
static bool may_hold_address(const struct btf *btf, uint32_t id, unsigned depth)
{
    struct btf_type type = btf_type(btf, id);
    switch (depth < TYPE_DEPTH_MAX ? type.kind : BTF_POINTER) {
    case BTF_INT:
    case BTF_ENUM:
    case BTF_ENUM64:
    case BTF_FLOAT:
        return false;
    case BTF_TYPEDEF:
        return strcmp(type.name, "uintptr_t") == 0 || strcmp(type.name, "intptr_t") == 0 ||
               may_hold_address(btf, type.type, depth + 1);
    case BTF_ARRAY:
    case BTF_CONST:
    case BTF_VOLATILE:
    case BTF_TYPE_TAG:
        return may_hold_address(btf, type.type, depth + 1);
    case BTF_STRUCT:
    case BTF_UNION:
        for (uint32_t i = 0; i < type.count; i++) {
            if (may_hold_address(btf, btf_member(btf, &type, i).type, depth + 1)) {
                return true;
            }
        }
        return false;
    default:
        return true;
    }
}

void check_state(struct component *component)
{
    const struct object *object = &component->object;
    const struct elf *elf = &object->elf;
    uint32_t section = elf_find_section(elf, ".state"), variable = 0;
    unsigned count = 0;

    if (section == 0 || elf->sections[section].size == 0) {
        return; /* stateless */
    }
    for (uint32_t i = 1; i < elf->symbol_count; i++) {
        const struct elf_symbol *symbol = &elf->symbols[i];
        if (symbol->section == section && elf_symbol_type(symbol) == ELF_SYMBOL_OBJECT) {
            variable = i;
            if (++count > 1) {
                refuse(component, object_source_of(object, i),
                       "'%s' is a second STATE: put it into the first", elf_symbol_name(elf, i));
            }
        }
    }
    if (count != 1) {
        if (count == 0) {
            refuse(component, object->path, "section .state holds no variable: use STATE(type)");
        }
        return;
    }
    component->state_type = state_type_name(component);
    component->state_size = (uint32_t)elf->sections[section].size;
    component->state_align =
        elf->sections[section].align ? (uint32_t)elf->sections[section].align : 1;
    uint32_t type = find_type(&object->btf, component->state_type);
    if (type == 0 || btf_size(&object->btf, type) != elf->symbols[variable].size) {
        refuse(component, object_source_of(object, variable),
               "STATE '%s' has %llu bytes, but '%s' %s: a state's type is named like its component",
               elf_symbol_name(elf, variable), (unsigned long long)elf->symbols[variable].size,
               component->state_type, type ? "has another size" : "is not there");
        return;
    }
    component->state_hash = object_hash(object, type);
    component->state_is_plain = !may_hold_address(&object->btf, type, 0);
}

/* --- law 1 --- */

/* "state.name" for an offset in the state, as far as one level of members goes. */
static const char *state_member(const struct component *component, uint64_t offset)
{
    const struct btf *btf = &component->object.btf;
    struct btf_type type = btf_type(btf, btf_strip(btf, find_type(btf, component->state_type)));
    const char *name = "";
    for (uint32_t i = 0; type.kind == BTF_STRUCT && i < type.count; i++) {
        struct btf_member member = btf_member(btf, &type, i);
        if (member.bit_offset / 8 <= offset) {
            name = member.name;
        }
    }
    return name;
}

/* In whose source a byte of a text section is, for refusals. */
static const char *source_at(const struct component *component,
                             const struct link_function *function)
{
    return function ? object_source_of(&component->object, function->symbol)
                    : component->object.path;
}

/*
 * Leaving by a branch that does not link takes the function's frame off the stack while the callee
 * may still use what the component lent it: the drain would not see anybody inside.
 */
static void refuse_sibling_call(struct component *component, const struct link_reference *reference)
{
    const struct elf *elf = &component->object.elf;
    if (reference->sort != LINK_IMPORT || !relocation_is_branch(reference->rule) ||
        reference->rule == relocation_rule(R_AARCH64_CALL26)) {
        return;
    }
    uint64_t offset = component->layout.placements[reference->section].offset + reference->place;
    const struct link_function *function = link_function_at(&component->layout, (uint32_t)offset);
    refuse(component, source_at(component, function),
           "function %s leaves by a branch to %s, at %s+0x%llx: built with sibling calls: "
           "-fno-optimize-sibling-calls",
           function ? function->name : "?", elf_symbol_name(elf, reference->symbol),
           elf_section_name(elf, reference->section), (unsigned long long)reference->place);
}

static int visit_reference(void *context, const struct link_reference *reference, struct why *why)
{
    struct component *component = context;
    (void)why; /* complaints are printed here, and the walk goes on */
    if (component->layout.placements[reference->section].region == LINK_STATE &&
        reference->sort == LINK_OWN && reference->region == LINK_RODATA && component->state_type) {
        refuse(component, component->object.path,
               "STATE's initialiser: member '%s' (offset 0x%llx) points to the component's own "
               "constants, which leave with this version: set it in start and adopt",
               state_member(component, reference->place), (unsigned long long)reference->place);
    }
    refuse_sibling_call(component, reference);
    return 0;
}

/*
 * What an instruction without relocation does that the linker would have refused, had the assembler
 * not resolved it: an `adr` within the section (only jump tables and computed gotos do that), a
 * branch to an absolute address, a sibling call through a pointer. NULL: nothing.
 */
static const char *unseen(uint32_t word, uint64_t index, uint64_t words)
{
    if ((word & 0x9f000000) == 0x10000000) { /* adr */
        return "takes an address inside of itself (a jump table or computed goto? Build with "
               "-fno-jump-tables)";
    }
    if ((word & 0xfffffc1f) == 0xd61f0000) { /* br */
        return "leaves by a branch to what a register holds (built with sibling calls: "
               "-fno-optimize-sibling-calls? Or a jump table)";
    }
    if ((word & 0x7c000000) == 0x14000000) { /* b, bl: a signed distance of 26 bits, in words */
        int64_t distance = (int64_t)((word & 0x3ffffff) ^ 0x2000000) - 0x2000000;
        if ((int64_t)index + distance < 0 || (int64_t)index + distance >= (int64_t)words) {
            return "branches out of its section without the linker's knowing";
        }
    }
    return NULL;
}

static void check_unseen_addresses(struct component *component, uint32_t section)
{
    const struct elf *elf = &component->object.elf;
    const uint8_t *code = elf_section_data(elf, section);
    uint64_t words = elf->sections[section].size / 4;
    bool *is_relocated = allocate(words + 1);

    for (uint32_t i = 1; i < elf->section_count; i++) {
        if (elf->sections[i].type != ELF_SECTION_RELA || elf->sections[i].info != section) {
            continue;
        }
        size_t count;
        const struct elf_rela *relas = elf_relas(elf, i, &count);
        for (size_t k = 0; k < count; k++) {
            if (relas[k].offset / 4 < words) {
                is_relocated[relas[k].offset / 4] = true;
            }
        }
    }
    for (uint64_t i = 0; i < words; i++) {
        const char *what = is_relocated[i] ? NULL : unseen(get32(code + 4 * i), i, words);
        if (!what) {
            continue;
        }
        uint32_t offset = component->layout.placements[section].offset + 4 * (uint32_t)i;
        const struct link_function *function = link_function_at(&component->layout, offset);
        refuse(component, source_at(component, function), "function %s %s, at %s+0x%llx",
               function ? function->name : "?", what, elf_section_name(elf, section),
               4 * (unsigned long long)i);
    }
    free(is_relocated);
}

void check_addresses(struct component *component)
{
    const struct elf *elf = &component->object.elf;
    size_t bytes = link_scratch_bytes(elf);
    struct why why;

    if (link_measure(elf, allocate(bytes), bytes, &component->layout, &why) < 0 ||
        link_each_reference(elf, &component->layout, visit_reference, component, &why) < 0) {
        refuse(component, component->object.path, "%s%s", why.text,
               strstr(why.text, "inside function")
                   ? ": a jump table or computed goto? Build with -fno-jump-tables"
                   : "");
        return;
    }
    for (uint32_t i = 1; i < elf->section_count; i++) {
        if (component->layout.placements[i].region == LINK_TEXT) {
            check_unseen_addresses(component, i);
        }
    }
}

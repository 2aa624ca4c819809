/* SPDX-License-Identifier: MIT */
/*
 * The linker's view of an object: which section goes where, which symbols are functions, what a
 * relocation means. See link.h for the rules.
 */

#include "link.h"

#include <errno.h>
#include <string.h>

#include "link_bind.h"

static size_t round_up(size_t value, size_t align)
{
    return (value + align - 1) & ~(align - 1);
}

static size_t placements_bytes(const struct elf *elf)
{
    return round_up(elf->section_count * sizeof(struct link_placement), 8);
}

size_t link_scratch_bytes(const struct elf *elf)
{
    return placements_bytes(elf) + elf->symbol_count * sizeof(struct link_binding) +
           elf->symbol_count * sizeof(struct link_function);
}

/* Which region a section belongs to, or a negative errno. */
static int region_of(const struct elf *elf, uint32_t section, struct why *why)
{
    const struct elf_section *s = &elf->sections[section];
    const char *name = elf_section_name(elf, section);

    if (s->type == ELF_SECTION_GROUP || (s->flags & ELF_FLAG_GROUP)) {
        return why_set(why, -ENOTSUP, "section %s: groups (COMDAT) are not supported", name);
    }
    if (s->type == ELF_SECTION_SYMTAB_SHNDX) {
        return why_set(why, -ENOTSUP, "section %s: extended section indices are not supported",
                       name);
    }
    if (!(s->flags & ELF_FLAG_ALLOC) || s->size == 0) {
        return LINK_NONE;
    }
    if (s->flags & ELF_FLAG_TLS) {
        return why_set(why, -ENOTSUP, "section %s: thread-local data is not supported", name);
    }
    if (s->flags & ELF_FLAG_COMPRESSED) {
        return why_set(why, -ENOTSUP, "section %s: compressed sections are not supported", name);
    }
    bool is_state = strcmp(name, ".state") == 0;
    if (s->type != ELF_SECTION_PROGBITS && s->type != ELF_SECTION_NOTE &&
        s->type != ELF_SECTION_NOBITS) {
        return why_set(why, -ENOTSUP, "section %s: type %u cannot be loaded", name, s->type);
    }
    if ((s->flags & ELF_FLAG_WRITE) && (s->flags & ELF_FLAG_EXEC)) {
        return why_set(why, -EPERM, "section %s: both writable and executable", name);
    }
    if ((s->flags & ELF_FLAG_WRITE) && !is_state) {
        return why_set(why, -EPERM,
                       "section %s: 0x%llx writable bytes outside the component's state", name,
                       (unsigned long long)s->size);
    }
    if (is_state && !(s->flags & ELF_FLAG_WRITE)) {
        return why_set(why, -EPERM, "section %s: not writable", name);
    }
    if (s->type == ELF_SECTION_NOBITS && !is_state) {
        return why_set(why, -ENOTSUP, "section %s: read-only and without content", name);
    }
    return is_state ? LINK_STATE : s->flags & ELF_FLAG_EXEC ? LINK_TEXT : LINK_RODATA;
}

static int place_section(const struct elf *elf, struct link_layout *layout, uint32_t section,
                         struct why *why)
{
    const struct elf_section *s = &elf->sections[section];
    const char *name = elf_section_name(elf, section);

    int region = region_of(elf, section, why);
    if (region < 0) {
        return region;
    }
    layout->placements[section] = (struct link_placement){.region = (uint32_t)region};
    if (region == LINK_NONE) {
        return 0;
    }
    uint32_t *size = &layout->region[region].size;
    uint32_t *align = &layout->region[region].align;
    if (s->align > LINK_ALIGN_MAX) {
        return why_set(why, -EINVAL, "section %s: alignment 0x%llx, at most 0x%x is possible", name,
                       (unsigned long long)s->align, LINK_ALIGN_MAX);
    }
    if (region == LINK_STATE && *size > 0) {
        return why_set(why, -EPERM, "section %u: a second %s", section, name);
    }
    uint32_t section_align = s->align > 1 ? (uint32_t)s->align : 1;
    if (region == LINK_TEXT && section_align < 4) {
        section_align = 4; /* instructions */
    }
    uint32_t offset = (uint32_t)round_up(*size, section_align);
    if (offset > LINK_REGION_MAX || s->size > LINK_REGION_MAX - offset) {
        return why_set(why, -EFBIG, "section %s: 0x%llx bytes, more than 0x%x together", name,
                       (unsigned long long)s->size, LINK_REGION_MAX);
    }
    layout->placements[section].offset = offset;
    *size = offset + (uint32_t)s->size;
    *align = *align > section_align ? *align : section_align;
    return 0;
}

static int check_symbol(const struct elf *elf, uint32_t index, struct why *why)
{
    const struct elf_symbol *symbol = &elf->symbols[index];
    const char *name = elf_symbol_name(elf, index);

    switch (elf_symbol_type(symbol)) {
    case ELF_SYMBOL_TLS:
        return why_set(why, -ENOTSUP, "symbol %s: thread-local data is not supported", name);
    case ELF_SYMBOL_IFUNC:
        return why_set(why, -ENOTSUP, "symbol %s: indirect functions are not supported", name);
    case ELF_SYMBOL_COMMON:
        return why_set(why, -ENOTSUP, "symbol %s: common symbols are not supported", name);
    default:
        break;
    }
    if (symbol->section == ELF_INDEX_COMMON) {
        return why_set(why, -ENOTSUP, "symbol %s: common symbols are not supported", name);
    }
    if (symbol->section >= ELF_INDEX_RESERVED && symbol->section != ELF_INDEX_ABSOLUTE) {
        return why_set(why, -ENOTSUP, "symbol %s: section index 0x%x is not supported", name,
                       symbol->section);
    }
    if (symbol->section == ELF_INDEX_UNDEFINED && elf_symbol_bind(symbol) == ELF_BIND_WEAK) {
        return why_set(why, -EPERM, "symbol %s: undefined and weak; a need must be certain", name);
    }
    return 0;
}

/* Order of functions: by place; of several at one place the global one, then the first, comes
 * first. */
static bool function_before(const struct elf *elf, const struct link_function *a,
                            const struct link_function *b)
{
    if (a->offset != b->offset) {
        return a->offset < b->offset;
    }
    bool a_local = elf_symbol_bind(&elf->symbols[a->symbol]) == ELF_BIND_LOCAL;
    bool b_local = elf_symbol_bind(&elf->symbols[b->symbol]) == ELF_BIND_LOCAL;
    return a_local != b_local ? b_local : a->symbol < b->symbol;
}

static void sift_down(const struct elf *elf, struct link_function *heap, uint32_t root,
                      uint32_t count)
{
    for (;;) {
        uint32_t child = 2 * root + 1;
        if (child >= count) {
            return;
        }
        if (child + 1 < count && function_before(elf, &heap[child], &heap[child + 1])) {
            child++;
        }
        if (!function_before(elf, &heap[root], &heap[child])) {
            return;
        }
        struct link_function swap = heap[root];
        heap[root] = heap[child];
        heap[child] = swap;
        root = child;
    }
}

/* Heapsort: in place, no recursion, and no input makes it slow. */
static void sort_functions(const struct elf *elf, struct link_layout *layout)
{
    struct link_function *functions = layout->functions;
    for (uint32_t i = layout->function_count / 2; i-- > 0;) {
        sift_down(elf, functions, i, layout->function_count);
    }
    for (uint32_t end = layout->function_count; end > 1; end--) {
        struct link_function swap = functions[0];
        functions[0] = functions[end - 1];
        functions[end - 1] = swap;
        sift_down(elf, functions, 0, end - 1);
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < layout->function_count; i++) {
        if (kept == 0 || functions[kept - 1].offset != functions[i].offset) {
            functions[kept++] = functions[i];
        }
    }
    layout->function_count = kept;
}

static void collect_functions(const struct elf *elf, struct link_layout *layout)
{
    for (uint32_t i = 1; i < elf->symbol_count; i++) {
        const struct elf_symbol *symbol = &elf->symbols[i];
        if (elf_symbol_type(symbol) != ELF_SYMBOL_FUNCTION || !elf_symbol_is_defined(symbol) ||
            layout->placements[symbol->section].region != LINK_TEXT ||
            symbol->value >= elf->sections[symbol->section].size) {
            continue;
        }
        layout->functions[layout->function_count++] = (struct link_function){
            .name = elf_symbol_name(elf, i),
            .offset = layout->placements[symbol->section].offset + (uint32_t)symbol->value,
            .size = (uint32_t)symbol->size,
            .symbol = i,
        };
    }
    sort_functions(elf, layout);
}

int link_measure(const struct elf *elf, void *memory, size_t bytes, struct link_layout *layout,
                 struct why *why)
{
    *layout = (struct link_layout){0};
    if (bytes < link_scratch_bytes(elf) || (uintptr_t)memory % 8 != 0) {
        return why_set(why, -ENOMEM, "%zu bytes of memory at %p: need %zu, aligned to 8", bytes,
                       memory, link_scratch_bytes(elf));
    }
    uint8_t *next = memory;
    layout->placements = (struct link_placement *)(void *)next;
    next += placements_bytes(elf);
    layout->bindings = (struct link_binding *)(void *)next;
    next += elf->symbol_count * sizeof(struct link_binding);
    layout->functions = (struct link_function *)(void *)next;

    for (unsigned region = 0; region < LINK_REGIONS; region++) {
        layout->region[region].align = 1;
    }
    int error = 0;
    for (uint32_t i = 0; error == 0 && i < elf->section_count; i++) {
        error = place_section(elf, layout, i, why);
    }
    for (uint32_t i = 0; error == 0 && i < elf->section_count; i++) {
        const struct elf_section *s = &elf->sections[i];
        if (s->type == ELF_SECTION_REL && s->info < elf->section_count &&
            layout->placements[s->info].region != LINK_NONE) {
            error = why_set(why, -ENOTSUP, "section %s: relocations without addend (REL)",
                            elf_section_name(elf, i));
        }
    }
    for (uint32_t i = 1; error == 0 && i < elf->symbol_count; i++) {
        error = check_symbol(elf, i, why);
    }
    if (error == 0) {
        collect_functions(elf, layout);
    }
    return error;
}

const struct link_function *link_function_at(const struct link_layout *layout, uint32_t offset)
{
    uint32_t low = 0,
             high = layout->function_count; /* the first one beyond offset: low <= it <= high */
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (layout->functions[middle].offset <= offset) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == 0) {
        return NULL;
    }
    const struct link_function *function = &layout->functions[low - 1];
    return function->size == 0 || offset - function->offset < function->size ? function : NULL;
}

int link_symbol(const struct elf *elf, const struct link_layout *layout, const char *name,
                enum link_region *region, uint32_t *offset, uint32_t *size)
{
    uint32_t index = elf_find_symbol(elf, name);
    if (index == 0) {
        return -ENOENT;
    }
    const struct elf_symbol *symbol = &elf->symbols[index];
    const struct link_placement *placement = &layout->placements[symbol->section];
    if (placement->region == LINK_NONE) {
        return -ENOENT;
    }
    *region = placement->region;
    *offset = placement->offset + (uint32_t)symbol->value;
    if (size) {
        *size = (uint32_t)symbol->size;
    }
    return 0;
}

int link_section(const struct elf *elf, const struct link_layout *layout, const char *name,
                 enum link_region *region, uint32_t *offset, uint32_t *size)
{
    uint32_t index = elf_find_section(elf, name);
    if (index == 0 || layout->placements[index].region == LINK_NONE) {
        return -ENOENT;
    }
    *region = layout->placements[index].region;
    *offset = layout->placements[index].offset;
    if (size) {
        *size = (uint32_t)elf->sections[index].size;
    }
    return 0;
}

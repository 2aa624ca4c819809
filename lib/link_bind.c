/* SPDX-License-Identifier: MIT */
/* What binds to what: the linker's half of law 1. See link.h for the rules. */

#include "link_bind.h"

#include <errno.h>
#include <string.h>

void link_forget_bindings(const struct elf *elf, struct link_layout *layout)
{
    for (uint32_t i = 0; i < elf->symbol_count; i++) {
        layout->bindings[i] = (struct link_binding){0};
    }
}

/* Frame tables speak of the code itself: an unwinder compares them with return addresses. */
static bool is_frame_table(const char *section)
{
    return strcmp(section, ".eh_frame") == 0 || strcmp(section, ".gcc_except_table") == 0;
}

static int bind_text(const struct elf *elf, const struct link_layout *layout,
                     struct link_reference *reference, uint32_t target, int64_t offset,
                     struct why *why)
{
    bool is_branch = relocation_is_branch(reference->rule);
    bool is_frame = is_frame_table(elf_section_name(elf, reference->section));
    int64_t limit =
        (int64_t)elf->sections[target].size + is_frame; /* a range's end is one beyond */

    if (offset < 0 || offset >= limit) {
        return why_set(why, -EPERM, "lands at %s%+lld, outside that section of 0x%llx bytes",
                       elf_section_name(elf, target), (long long)offset,
                       (unsigned long long)elf->sections[target].size);
    }
    reference->region = LINK_TEXT;
    reference->offset = layout->placements[target].offset + offset;
    if (is_branch || is_frame) {
        reference->sort = LINK_OWN;
        return 0;
    }
    const struct link_function *function = link_function_at(layout, (uint32_t)reference->offset);
    if (!function) {
        return why_set(why, -EPERM, "takes an address in %s+0x%llx, where no function is",
                       elf_section_name(elf, target), (unsigned long long)offset);
    }
    if (function->offset != reference->offset) {
        return why_set(why, -EPERM, "takes an address inside function %s, at +0x%llx",
                       function->name, (unsigned long long)(reference->offset - function->offset));
    }
    reference->sort = LINK_GATE;
    reference->function = function;
    return 0;
}

static int bind(const struct elf *elf, const struct link_layout *layout,
                struct link_reference *reference, struct why *why)
{
    const struct elf_symbol *symbol = &elf->symbols[reference->symbol];
    bool is_branch = relocation_is_branch(reference->rule);

    if (reference->symbol != 0 && symbol->section == ELF_INDEX_UNDEFINED) {
        if (is_branch && reference->addend != 0) {
            return why_set(why, -EPERM, "branch past the beginning, by 0x%llx",
                           (unsigned long long)reference->addend);
        }
        reference->sort = LINK_IMPORT;
        return 0;
    }
    if (!elf_symbol_is_defined(symbol)) {
        return why_set(why, -EPERM, "absolute address: nothing that linker or nucleus has given");
    }
    const struct link_placement *placement = &layout->placements[symbol->section];
    if (placement->region == LINK_NONE) {
        return why_set(why, -EPERM, "in section %s, which is not loaded",
                       elf_section_name(elf, symbol->section));
    }
    int64_t offset;
    if (__builtin_add_overflow((int64_t)symbol->value, reference->addend, &offset) ||
        offset > (int64_t)UINT32_MAX || offset < -(int64_t)UINT32_MAX) {
        return why_set(why, -ERANGE, "addend 0x%llx is beyond any component",
                       (unsigned long long)reference->addend);
    }
    if (placement->region == LINK_TEXT) {
        return bind_text(elf, layout, reference, symbol->section, offset, why);
    }
    if (is_branch) {
        return why_set(why, -EPERM, "branch into data, section %s",
                       elf_section_name(elf, symbol->section));
    }
    reference->sort = LINK_OWN;
    reference->region = placement->region;
    reference->offset = placement->offset + offset;
    return 0;
}

static int decode(const struct elf *elf, const struct link_layout *layout, uint32_t section,
                  const struct elf_rela *rela, struct link_reference *reference, struct why *why)
{
    uint32_t type = elf_rela_type(rela);

    *reference = (struct link_reference){
        .rule = relocation_rule(type),
        .section = section,
        .place = rela->offset,
        .symbol = elf_rela_symbol(rela),
        .addend = rela->addend,
    };
    if (!reference->rule) {
        return why_set(why, -ENOTSUP, "relocation type %u is not supported", type);
    }
    uint64_t size = elf->sections[section].size;
    size_t width = relocation_width(reference->rule);
    if (width > size || rela->offset > size - width) {
        return why_set(why, -EINVAL, "%zu bytes outside the section's 0x%llx", width,
                       (unsigned long long)size);
    }
    if (relocation_is_instruction(reference->rule) &&
        (rela->offset % 4 != 0 || layout->placements[section].region != LINK_TEXT)) {
        return why_set(why, -EINVAL, "not at an instruction");
    }
    return bind(elf, layout, reference, why);
}

/* What a reference is called in messages: a section symbol has no name of its own. */
static const char *target_name(const struct elf *elf, uint32_t symbol)
{
    const struct elf_symbol *s = &elf->symbols[symbol];
    if (elf_symbol_type(s) == ELF_SYMBOL_SECTION && elf_symbol_is_defined(s)) {
        return elf_section_name(elf, s->section);
    }
    return symbol == 0 ? "(no symbol)" : elf_symbol_name(elf, symbol);
}

static int put_place(const struct elf *elf, const struct link_layout *layout, uint32_t section,
                     const struct elf_rela *rela, int error, struct why *why)
{
    const char *name = elf_relocation_name(elf_rela_type(rela));
    bool is_negative = rela->addend < 0;
    uint64_t addend = is_negative ? 0 - (uint64_t)rela->addend : (uint64_t)rela->addend;
    const struct link_placement *placement = &layout->placements[section];
    const struct link_function *function =
        placement->region == LINK_TEXT && rela->offset < elf->sections[section].size
            ? link_function_at(layout, placement->offset + (uint32_t)rela->offset)
            : NULL;

    return why_prepend(why, error, "%s at %s+0x%llx%s%s%s to %s%s0x%llx",
                       name ? name : "relocation", elf_section_name(elf, section),
                       (unsigned long long)rela->offset, function ? " (in " : "",
                       function ? function->name : "", function ? ")" : "",
                       target_name(elf, elf_rela_symbol(rela)), is_negative ? "-" : "+",
                       (unsigned long long)addend);
}

int link_each_reference(const struct elf *elf, const struct link_layout *layout,
                        int (*each)(void *context, const struct link_reference *reference,
                                    struct why *why),
                        void *context, struct why *why)
{
    for (uint32_t i = 0; i < elf->section_count; i++) {
        const struct elf_section *s = &elf->sections[i];
        if (s->type != ELF_SECTION_RELA || layout->placements[s->info].region == LINK_NONE) {
            continue;
        }
        size_t count;
        const struct elf_rela *relas = elf_relas(elf, i, &count);
        for (size_t k = 0; k < count; k++) {
            uint32_t type = elf_rela_type(&relas[k]);
            if (type == R_AARCH64_NONE || type == R_AARCH64_NONE_WITHDRAWN) {
                continue;
            }
            struct link_reference reference;
            int error = decode(elf, layout, s->info, &relas[k], &reference, why);
            if (error == 0) {
                error = each(context, &reference, why);
            }
            if (error < 0) {
                return put_place(elf, layout, s->info, &relas[k], error, why);
            }
        }
    }
    return 0;
}

struct gates {
    struct link_layout *layout;
    int (*each)(void *context, const struct link_function *function);
    void *context;
};

static int visit_gate(void *context, const struct link_reference *reference, struct why *why)
{
    struct gates *gates = context;
    if (reference->sort != LINK_GATE) {
        return 0;
    }
    struct link_binding *binding = &gates->layout->bindings[reference->function->symbol];
    if (binding->known) {
        return 0;
    }
    binding->known = 1;
    why->text[0] = '\0';
    int error = gates->each(gates->context, reference->function);
    return error < 0 && !why->text[0]
               ? why_set(why, error, "no gate for function %s", reference->function->name)
               : error;
}

int link_each_gate(const struct elf *elf, struct link_layout *layout,
                   int (*each)(void *context, const struct link_function *function), void *context,
                   struct why *why)
{
    struct gates gates = {.layout = layout, .each = each, .context = context};
    link_forget_bindings(elf, layout);
    int error = link_each_reference(elf, layout, visit_gate, &gates, why);
    link_forget_bindings(elf, layout);
    return error;
}

/* Counts in the symbol's binding: branches in `address`, addresses in `known`. */
static int count_import(void *context, const struct link_reference *reference, struct why *why)
{
    struct link_layout *layout = context;
    (void)why; /* never fails */
    if (reference->sort == LINK_IMPORT) {
        struct link_binding *binding = &layout->bindings[reference->symbol];
        if (relocation_is_branch(reference->rule)) {
            binding->address++;
        } else {
            binding->known++;
        }
    }
    return 0;
}

int link_each_import(const struct elf *elf, struct link_layout *layout,
                     int (*each)(void *context, const struct link_import *import), void *context,
                     struct why *why)
{
    link_forget_bindings(elf, layout);
    int error = link_each_reference(elf, layout, count_import, layout, why);
    for (uint32_t i = 1; error == 0 && i < elf->symbol_count; i++) {
        const struct link_import import = {
            .name = elf_symbol_name(elf, i),
            .symbol = i,
            .branches = (uint32_t)layout->bindings[i].address,
            .addresses = (uint32_t)layout->bindings[i].known,
        };
        if (import.branches + import.addresses == 0) {
            continue;
        }
        error = each(context, &import);
        if (error < 0) {
            error = why_set(why, error, "symbol %s refused", import.name);
        }
    }
    link_forget_bindings(elf, layout);
    return error;
}

/* SPDX-License-Identifier: MIT */
/* Copies an object's regions and relocates them; see link.h. */

#include <errno.h>
#include <string.h>

#include "link_bind.h"

struct job {
    const struct elf *elf;
    struct link_layout *layout;
    const struct link_target *target;
};

static int check_target(const struct link_layout *layout, const struct link_target *target,
                        struct why *why)
{
    static const char *const names[LINK_REGIONS] = {"text", "rodata", "state"};

    for (unsigned i = 0; i < LINK_REGIONS; i++) {
        if (layout->region[i].size == 0) {
            continue;
        }
        if (target->region[i].address % layout->region[i].align != 0) {
            return why_set(why, -EINVAL, "%s at 0x%llx: no multiple of its alignment 0x%x",
                           names[i], (unsigned long long)target->region[i].address,
                           layout->region[i].align);
        }
        if (!target->region[i].write && i != LINK_STATE) {
            return why_set(why, -EINVAL, "%s: nowhere to write it to", names[i]);
        }
    }
    return 0;
}

static void copy_sections(const struct job *job)
{
    for (unsigned i = 0; i < LINK_REGIONS; i++) {
        if (job->target->region[i].write) {
            memset(job->target->region[i].write, 0, job->layout->region[i].size);
        }
    }
    for (uint32_t i = 0; i < job->elf->section_count; i++) {
        const struct link_placement *placement = &job->layout->placements[i];
        const uint8_t *data = elf_section_data(job->elf, i);
        if (placement->region == LINK_NONE || !data ||
            !job->target->region[placement->region].write) {
            continue;
        }
        uint8_t *write = job->target->region[placement->region].write;
        memcpy(write + placement->offset, data, job->elf->sections[i].size);
    }
}

/* S + A of a reference, with gates and imports asked for once each. */
static int find_value(const struct job *job, const struct link_reference *reference,
                      uint64_t *value, struct why *why)
{
    if (reference->sort == LINK_OWN) {
        *value = job->target->region[reference->region].address + (uint64_t)reference->offset;
        return 0;
    }
    bool is_gate = reference->sort == LINK_GATE;
    uint32_t symbol = is_gate ? reference->function->symbol : reference->symbol;
    struct link_binding *binding = &job->layout->bindings[symbol];
    if (!binding->known) {
        why->text[0] = '\0';
        int error =
            is_gate ? job->target->gate(job->target->context, reference->function,
                                        &binding->address, why)
                    : job->target->resolve(job->target->context, elf_symbol_name(job->elf, symbol),
                                           &binding->address, why);
        if (error < 0) {
            return why->text[0]
                       ? error
                       : why_set(why, error, is_gate ? "no gate for it" : "no such symbol");
        }
        binding->known = 1;
    }
    *value = binding->address + (is_gate ? 0 : (uint64_t)reference->addend);
    return 0;
}

static int relocate(void *context, const struct link_reference *reference, struct why *why)
{
    const struct job *job = context;
    const struct link_placement *placement = &job->layout->placements[reference->section];
    uint8_t *write = job->target->region[placement->region].write;
    if (!write) {
        return 0; /* adopted: what is there stays */
    }
    uint64_t value = 0;
    int error = find_value(job, reference, &value, why);
    if (error < 0) {
        return error;
    }
    uint64_t offset = placement->offset + reference->place;
    return relocation_write(reference->rule, write + offset,
                            job->target->region[placement->region].address + offset, value, why);
}

int link_apply(const struct elf *elf, struct link_layout *layout, const struct link_target *target,
               struct why *why)
{
    struct job job = {.elf = elf, .layout = layout, .target = target};
    int error = check_target(layout, target, why);
    if (error < 0) {
        return error;
    }
    copy_sections(&job);
    link_forget_bindings(elf, layout);
    return link_each_reference(elf, layout, relocate, &job, why);
}

struct calls {
    const struct link_layout *layout;
    int (*each)(void *context, uint32_t offset, uint64_t address);
    void *context;
};

static int visit_call(void *context, const struct link_reference *reference, struct why *why)
{
    const struct calls *calls = context;
    bool is_call = reference->rule == relocation_rule(R_AARCH64_CALL26) ||
                   reference->rule == relocation_rule(R_AARCH64_JUMP26);
    (void)why; /* the caller's own, if it has words */
    if (!is_call || reference->sort != LINK_IMPORT) {
        return 0;
    }
    uint32_t section = calls->layout->placements[reference->section].offset;
    return calls->each(calls->context, section + (uint32_t)reference->place,
                       calls->layout->bindings[reference->symbol].address);
}

int link_each_call(const struct elf *elf, const struct link_layout *layout,
                   int (*each)(void *context, uint32_t offset, uint64_t address), void *context,
                   struct why *why)
{
    struct calls calls = {layout, each, context};
    return link_each_reference(elf, layout, visit_call, &calls, why);
}

/* SPDX-License-Identifier: MIT */
/* What a component provides, needs, and has gates for: derived from its object and the interfaces.
 */

#include <stdlib.h>
#include <string.h>

#include <lib/version.h>

#include "nrpack.h"

/* --- gates --- */

static int add_gate(void *context, const struct link_function *function)
{
    struct component *component = context;
    const struct object *object = &component->object;
    uint32_t type = btf_find(&object->btf, BTF_FUNCTION, function->name);
    if (type == 0) {
        complain(object_source_of(object, function->symbol),
                 "the address of %s is taken, but .BTF has no prototype of it", function->name);
        component->complaints++;
        return 0;
    }
    if (!object_passes_in_registers(object, type)) {
        complain(object_source_of(object, function->symbol),
                 "the address of %s is taken, which has arguments on the stack: a gate keeps only "
                 "those in the eight registers",
                 function->name);
        component->complaints++;
        return 0;
    }
    component->gates = grow(component->gates, component->gate_count, sizeof(*component->gates));
    component->gates[component->gate_count++] =
        (struct gate){.name = function->name, .hash = object_hash(object, type)};
    return 0;
}

static int compare_gates(const void *a, const void *b)
{
    return strcmp(((const struct gate *)a)->name, ((const struct gate *)b)->name);
}

void derive_gates(struct component *component)
{
    struct why why;
    if (link_each_gate(&component->object.elf, &component->layout, add_gate, component, &why) < 0) {
        complain(component->object.path, "%s", why.text);
        component->complaints++;
    }
    if (component->gate_count > 0) {
        qsort(component->gates, component->gate_count, sizeof(*component->gates), compare_gates);
    }
    for (size_t i = 1; i < component->gate_count; i++) {
        if (strcmp(component->gates[i - 1].name, component->gates[i].name) == 0) {
            complain(component->object.path,
                     "two functions named %s have their address taken: a gate is found by its "
                     "name, rename one",
                     component->gates[i].name);
            component->complaints++;
        }
    }
}

/* --- provides --- */

static const struct interface_record *record_of(const struct component *component,
                                                const struct interface *interface)
{
    for (size_t i = 0; i < component->object.interface_count; i++) {
        if (strcmp(component->object.interfaces[i].name, interface->name) == 0) {
            return &component->object.interfaces[i];
        }
    }
    return NULL;
}

/* The object's global function of that name, or 0. */
static uint32_t find_function(const struct elf *elf, const char *name)
{
    uint32_t symbol = elf_find_symbol(elf, name);
    return symbol && elf_symbol_bind(&elf->symbols[symbol]) != ELF_BIND_LOCAL &&
                   elf_symbol_type(&elf->symbols[symbol]) == ELF_SYMBOL_FUNCTION
               ? symbol
               : 0;
}

static void check_record(struct component *component, const struct interface *interface,
                         const char *does, const char *method)
{
    const struct interface_record *record = record_of(component, interface);
    char built[VERSION_TEXT_MAX], now[VERSION_TEXT_MAX];

    if (strcmp(interface->name, "nucleus") == 0) {
        return; /* part of the ABI, which COMPONENT() records */
    }
    if (!record) {
        complain(component->object.path,
                 "%s %s of interface %s without its header: #include <interface/%s.h>", does,
                 method, interface->name, interface->name);
        component->complaints++;
    } else if (record->version != interface->version) {
        version_print_interface(built, sizeof(built), record->version);
        version_print_interface(now, sizeof(now), interface->version);
        complain(component->object.path,
                 "was built with interface %s %s, which is %s now: rebuild it", interface->name,
                 built, now);
        component->complaints++;
    }
}

static void check_prototype(struct component *component, const struct method *method,
                            uint32_t symbol)
{
    struct object *stub = (struct object *)&method->interface->object;
    const struct object *own = &component->object;
    uint32_t type = btf_find(&own->btf, BTF_FUNCTION, method->name);
    struct why why;

    if (type == 0) {
        complain(object_source_of(own, symbol), ".BTF has no prototype of %s", method->name);
        component->complaints++;
        return;
    }
    int result = btf_same(&stub->btf, method->type, &own->btf, type, stub->scratch,
                          stub->scratch_bytes, &why);
    if (result > 0) {
        return;
    }
    complain(object_source_of(own, symbol),
             "%s is not what interface %s declares:\n    declared: %s\n    defined:  %s\n    %s",
             method->name, method->interface->name,
             object_declaration(stub, method->type, method->name),
             object_declaration(own, type, method->name), why.text);
    component->complaints++;
}

static void derive_provided(struct component *component, const struct interface *interface)
{
    const struct method *first = NULL, *missing = NULL;
    size_t defined = 0;

    for (size_t i = 0; i < interface->method_count; i++) {
        const struct method *method = &interface->methods[i];
        uint32_t symbol = find_function(&component->object.elf, method->name);
        if (symbol) {
            defined++;
            first = first ? first : method;
            check_prototype(component, method, symbol);
        } else {
            missing = missing ? missing : method;
        }
    }
    if (defined == 0) {
        return;
    }
    check_record(component, interface, "defines", first->name);
    if (strcmp(interface->name, "nucleus") == 0) {
        complain(component->object.path, "defines %s, which the nucleus has", first->name);
        component->complaints++;
        return;
    }
    if (missing) {
        complain(component->object.path,
                 "defines %zu of the %zu functions of interface %s (%s), but not %s: all or none",
                 defined, interface->method_count, interface->name, first->name, missing->name);
        component->complaints++;
        return;
    }
    component->provides =
        grow(component->provides, component->provides_count, sizeof(const struct interface *));
    component->provides[component->provides_count++] = interface;
}

void derive_provides(struct component *component)
{
    for (size_t i = 0; i < component->interfaces->count; i++) {
        derive_provided(component, component->interfaces->list[i]);
    }
}

/* --- needs --- */

static int add_need(void *context, const struct link_import *import)
{
    struct component *component = context;
    if (strcmp(import->name, "component_self") == 0) {
        return 0; /* the component's own record, which the kernel's linker knows */
    }
    const struct method *method = interfaces_find(component->interfaces, import->name);
    if (!method) {
        complain(component->object.path,
                 "needs %s, which neither an interface nor the nucleus declares", import->name);
        component->complaints++;
        return 0;
    }
    check_record(component, method->interface, "uses", method->name);
    component->needs =
        grow(component->needs, component->needs_count, sizeof(const struct method *));
    component->needs[component->needs_count++] = method;
    return 0;
}

static int compare_needs(const void *a, const void *b)
{
    const struct method *first = *(const struct method *const *)a;
    const struct method *second = *(const struct method *const *)b;
    int order = strcmp(first->interface->name, second->interface->name);
    return order ? order : strcmp(first->name, second->name);
}

void derive_needs(struct component *component)
{
    struct why why;
    if (link_each_import(&component->object.elf, &component->layout, add_need, component, &why) <
        0) {
        complain(component->object.path, "%s", why.text);
        component->complaints++;
    }
    if (component->needs_count > 0) {
        qsort(component->needs, component->needs_count, sizeof(const struct method *),
              compare_needs);
    }
}

bool component_derive(struct component *component)
{
    check_component_record(component);
    check_writable(component);
    check_state(component);
    if (component->complaints > 0) {
        return false; /* what follows would only repeat them */
    }
    check_addresses(component);
    if (component->complaints > 0) {
        return false;
    }
    derive_gates(component);
    derive_provides(component);
    derive_needs(component);
    return component->complaints == 0;
}

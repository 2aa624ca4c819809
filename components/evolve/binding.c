/* SPDX-License-Identifier: MIT */
/*
 * Who is bound to whom, read from the packages of the components that are in the world.
 */
#include <errno.h>
#include <string.h>

#include <interface/evolve.h>
#include <neurath/library.h>
#include <neurath/world.h>

/* A component's package, held. */
struct held {
    const struct bundle *bundle;
    struct component_descriptor descriptor;
};

static bool is_provided_by(uint32_t component, const char *interface)
{
    struct held held;
    struct descriptor_interface unused;
    if (world_hold_package(component, &held.bundle, &held.descriptor) < 0) {
        return false;
    }
    bool is_provided =
        descriptor_find_interface(held.bundle, held.descriptor.provides, interface, &unused);
    world_let_package_go(held.bundle);
    return is_provided;
}

static void find_provider(struct evolve_binding *binding)
{
    struct world_component each = {0};
    if (!strcmp(binding->interface, "nucleus")) {
        format_print(binding->provider, sizeof(binding->provider), "nucleus");
        return;
    }
    while (world_component(each.id, &each) == 0) {
        if (is_provided_by(each.id, binding->interface)) {
            format_print(binding->provider, sizeof(binding->provider), "%s", each.name);
            return;
        }
    }
}

/* Fills in binding `index`, counted from what is provided to what is needed. */
static int read_binding(const struct held *held, unsigned index, struct evolve_binding *binding)
{
    struct descriptor_interface interface;
    for (uint16_t needs = 0; needs < 2; needs++) {
        int node = needs ? held->descriptor.needs : held->descriptor.provides;
        for (int cursor = 0; descriptor_next_interface(held->bundle, node, &cursor, &interface);) {
            if (index-- == 0) {
                *binding = (struct evolve_binding){
                    .major = (uint16_t)version_major(interface.version),
                    .minor = (uint16_t)version_minor(interface.version),
                    .methods = (uint16_t)interface.methods.count,
                    .is_needed = needs,
                };
                format_print(binding->interface, sizeof(binding->interface), "%s", interface.name);
                return 0;
            }
        }
    }
    return -ENOENT;
}

int evolve_read_binding(uint32_t component, unsigned index, struct evolve_binding *binding)
{
    struct held held;
    int result = world_hold_package(component, &held.bundle, &held.descriptor);
    if (result < 0) {
        return result;
    }
    result = read_binding(&held, index, binding);
    if (result == 0) {
        format_print(binding->provider, sizeof(binding->provider), "%s", held.descriptor.name);
        if (binding->is_needed) {
            binding->provider[0] = 0;
            find_provider(binding);
        }
    }
    world_let_package_go(held.bundle);
    return result;
}

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

/* That of the component with this very id. */
static bool hold(uint32_t id, struct held *held)
{
    int found = world_hold_package(id - 1, &held->bundle, &held->descriptor);
    if (found > 0 && (uint32_t)found != id) {
        world_let_package_go(held->bundle);
    }
    return found > 0 && (uint32_t)found == id;
}

static void find_provider(struct evolve_binding *binding)
{
    struct held held;
    struct descriptor_interface unused;
    const char *provider = strcmp(binding->interface, "nucleus") == 0 ? "nucleus" : "";
    format_print(binding->provider, sizeof(binding->provider), "%s", provider);
    for (int id = 0; !binding->provider[0] &&
                     (id = world_hold_package((uint32_t)id, &held.bundle, &held.descriptor)) > 0;) {
        if (descriptor_find_interface(held.bundle, held.descriptor.provides, binding->interface,
                                      &unused)) {
            format_print(binding->provider, sizeof(binding->provider), "%s", held.descriptor.name);
        }
        world_let_package_go(held.bundle);
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
    if (!hold(component, &held)) {
        return -ENOENT;
    }
    int result = read_binding(&held, index, binding);
    if (result == 0 && binding->is_needed) {
        find_provider(binding);
    } else if (result == 0) {
        format_print(binding->provider, sizeof(binding->provider), "%s", held.descriptor.name);
    }
    world_let_package_go(held.bundle);
    return result;
}

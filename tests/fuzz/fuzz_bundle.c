/* SPDX-License-Identifier: MIT */
/* Bundles: what opens must show all it has. */

#include <stdlib.h>
#include <string.h>

#include "lib/bundle.h"
#include "lib/declaration.h"
#include "tests/fuzz/fuzz.h"

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

static size_t walk_methods(struct descriptor_methods methods)
{
    struct descriptor_method method, before = {.declarations = ""};
    size_t bytes = 0;
    char text[300];
    while (descriptor_next_method(&methods, &method)) {
        bytes += strlen(method.name) + strlen(method.declarations);
        must(method_context_name(method.context)[0] != '\0');
        size_t length = declaration_print_difference(before.declarations, "a", method.declarations,
                                                     "b", text, sizeof(text));
        must(length < sizeof(text));
        struct declaration all = {method.declarations, strlen(method.declarations)};
        for (unsigned depth = 0; declaration_next_line(&all, &depth, text, sizeof(text));) {
        }
        before = method;
    }
    return bytes;
}

static size_t walk_interfaces(const struct bundle *bundle, int node)
{
    struct descriptor_interface interface;
    size_t bytes = 0;
    for (int cursor = 0; descriptor_next_interface(bundle, node, &cursor, &interface);) {
        must(interface.below > interface.version);
        bytes += strlen(interface.name) + walk_methods(interface.methods);
    }
    return bytes;
}

static void walk(const struct bundle *bundle)
{
    struct component_descriptor c, found;
    size_t bytes = strlen(bundle->description);
    uint32_t count = 0;
    for (int cursor = 0; bundle_next(bundle, &cursor, &c); count++) {
        bytes += strlen(c.name) + strlen(c.summary) + strlen(c.build);
        bytes += c.state_type ? strlen(c.state_type) : 0;
        bytes += walk_interfaces(bundle, c.provides) + walk_interfaces(bundle, c.needs);
        bytes += walk_methods(c.gates);
        must(bundle_find(bundle, c.name, &found) == 0);
        (void)bundle_build_number(c.build);
    }
    must(count == bundle->component_count);
    (void)bytes;
}

void fuzz_bundle(const uint8_t *data, size_t size)
{
    struct bundle bundle;
    struct why why = {""};
    void *copy = fuzz_copy(data, size);
    if (bundle_open(&bundle, copy, size, 0, &why) == 0) {
        walk(&bundle);
    } else {
        must(why.text[0] != '\0');
    }
    free(copy);
}

/* SPDX-License-Identifier: MIT */
/* nrpack show and nrpack diff: descriptors for people. */

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lib/version.h>

#include "nrpack.h"

/* --- show --- */

static void show_methods(struct descriptor_methods methods, bool has_context)
{
    struct descriptor_method method;
    while (descriptor_next_method(&methods, &method)) {
        printf("    %016" PRIx64 "  %-6s  %s\n", method.hash,
               has_context ? method_context_name(method.context) : "", method.name);
    }
}

static void show_interfaces(const struct bundle *bundle, int node, const char *word)
{
    struct descriptor_interface interface;
    for (int cursor = 0; descriptor_next_interface(bundle, node, &cursor, &interface);) {
        char version[VERSION_TEXT_MAX];
        version_print_interface(version, sizeof(version), interface.version);
        printf("  %s %s %s", word, interface.name, version);
        if (interface.below != version_next_major(interface.version)) {
            version_print_interface(version, sizeof(version), interface.below);
            printf(", below %s", version);
        }
        printf("\n");
        show_methods(interface.methods, interface.methods.contexts != NULL);
    }
}

static void show_component(const struct bundle *bundle, const struct component_descriptor *c)
{
    char version[VERSION_TEXT_MAX];
    version_print(version, sizeof(version), c->version);
    printf("%s %s: %s\n", c->name, version, c->summary);
    if (c->oldest) {
        version_print(version, sizeof(version), c->oldest);
        printf("  revokes versions before %s\n", version);
    }
    printf("  object %zu bytes, crc32 %08" PRIx32 ", build %s\n", c->elf_size, c->crc, c->build);
    for (const char *s = c->compatible; s && s < c->compatible + c->compatible_size;
         s += strlen(s) + 1) {
        printf("  drives %s\n", s);
    }
    show_interfaces(bundle, c->provides, "provides");
    show_interfaces(bundle, c->needs, "needs");
    if (c->state_type) {
        version_print(version, sizeof(version), c->state_version);
        printf("  state %s of %s, %" PRIu32 " bytes, aligned to %" PRIu32 "%s\n    %016" PRIx64
               "\n",
               c->state_type, version, c->state_size, c->state_align,
               c->state_is_plain ? ", holds no pointer" : "", c->state_hash);
    } else {
        printf("  no state\n");
    }
    if (c->gates.count > 0) {
        printf("  gates\n");
        show_methods(c->gates, false);
    }
}

int run_show(int argc, char **argv)
{
    if (argc != 2) {
        return STATUS_TROUBLE;
    }
    struct bundle bundle;
    struct component_descriptor component;
    open_bundle_file(&bundle, argv[1]);
    printf("%s: ABI %" PRIu32 ", %" PRIu32 " component%s\n", bundle.description, bundle.abi,
           bundle.component_count, bundle.component_count == 1 ? "" : "s");
    show_signature(argv[1]);
    for (int cursor = 0; bundle_next(&bundle, &cursor, &component);) {
        show_component(&bundle, &component);
    }
    return STATUS_DONE;
}

/* --- diff --- */

static bool find_method(struct descriptor_methods methods, const char *name,
                        struct descriptor_method *method)
{
    while (descriptor_next_method(&methods, method)) {
        if (strcmp(method->name, name) == 0) {
            return true;
        }
    }
    return false;
}

static bool find_interface(const struct bundle *bundle, int node, const char *name,
                           struct descriptor_interface *interface)
{
    for (int cursor = 0; descriptor_next_interface(bundle, node, &cursor, interface);) {
        if (strcmp(interface->name, name) == 0) {
            return true;
        }
    }
    return false;
}

struct difference {
    const char *component;
    unsigned count;
};

__attribute__((format(printf, 2, 3))) static void tell(struct difference *difference,
                                                       const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    printf("%s: ", difference->component);
    vprintf(format, arguments);
    printf("\n");
    va_end(arguments);
    difference->count++;
}

static void diff_methods(struct difference *difference, const char *what,
                         struct descriptor_methods old, struct descriptor_methods new)
{
    struct descriptor_method a, b;
    for (struct descriptor_methods walk = old; descriptor_next_method(&walk, &a);) {
        if (!find_method(new, a.name, &b)) {
            tell(difference, "%s: %s is gone", what, a.name);
        } else if (a.hash != b.hash) {
            tell(difference, "%s: %s changed its type, %016" PRIx64 " to %016" PRIx64, what, a.name,
                 a.hash, b.hash);
            print_columns(a.declarations, b.declarations);
        } else if (a.context != b.context) {
            tell(difference, "%s: %s changed its context, %s to %s", what, a.name,
                 method_context_name(a.context), method_context_name(b.context));
        }
    }
    for (struct descriptor_methods walk = new; descriptor_next_method(&walk, &b);) {
        if (!find_method(old, b.name, &a)) {
            tell(difference, "%s: %s is new", what, b.name);
        }
    }
}

static void diff_interfaces(struct difference *difference, const char *word,
                            const struct bundle *old, int old_node, const struct bundle *new,
                            int new_node)
{
    struct descriptor_interface a, b;
    for (int cursor = 0; descriptor_next_interface(old, old_node, &cursor, &a);) {
        if (!find_interface(new, new_node, a.name, &b)) {
            tell(difference, "no longer %s %s", word, a.name);
            continue;
        }
        char *what = print_text("%s %s", word, a.name);
        if (a.version != b.version) {
            char from[VERSION_TEXT_MAX], to[VERSION_TEXT_MAX];
            version_print_interface(from, sizeof(from), a.version);
            version_print_interface(to, sizeof(to), b.version);
            tell(difference, "%s: version %s to %s", what, from, to);
        }
        if (a.below != b.below && a.version == b.version) {
            tell(difference, "%s: up to other versions", what);
        }
        diff_methods(difference, what, a.methods, b.methods);
        free(what);
    }
    for (int cursor = 0; descriptor_next_interface(new, new_node, &cursor, &b);) {
        if (!find_interface(old, old_node, b.name, &a)) {
            tell(difference, "newly %s %s", word, b.name);
        }
    }
}

static void diff_components(struct difference *difference, const struct bundle *old,
                            const struct component_descriptor *a, const struct bundle *new,
                            const struct component_descriptor *b)
{
    if (a->version != b->version) {
        char from[VERSION_TEXT_MAX], to[VERSION_TEXT_MAX];
        version_print(from, sizeof(from), a->version);
        version_print(to, sizeof(to), b->version);
        tell(difference, "version %s to %s", from, to);
    }
    if (strcmp(a->build, b->build) != 0) {
        tell(difference, "object %s (%zu bytes) to %s (%zu bytes)", a->build, a->elf_size, b->build,
             b->elf_size);
    }
    diff_interfaces(difference, "provides", old, a->provides, new, b->provides);
    diff_interfaces(difference, "needs", old, a->needs, new, b->needs);
    const char *old_state = a->state_type ? a->state_type : "none";
    const char *new_state = b->state_type ? b->state_type : "none";
    if (strcmp(old_state, new_state) != 0) {
        tell(difference, "state: %s to %s", old_state, new_state);
    } else if (a->state_size != b->state_size || a->state_align != b->state_align) {
        tell(difference, "state: %s has %u bytes (aligned to %u), had %u (%u)", new_state,
             b->state_size, b->state_align, a->state_size, a->state_align);
    } else if (a->state_hash != b->state_hash) {
        tell(difference, "state: %s, or what it points to, has another layout", new_state);
    }
    diff_methods(difference, "gates", a->gates, b->gates);
}

int run_diff(int argc, char **argv)
{
    if (argc != 3) {
        return STATUS_TROUBLE;
    }
    struct bundle old, new;
    struct component_descriptor a, b;
    struct difference difference = {0};
    open_bundle_file(&old, argv[1]);
    open_bundle_file(&new, argv[2]);
    for (int cursor = 0; bundle_next(&old, &cursor, &a);) {
        difference.component = a.name;
        if (bundle_find(&new, a.name, &b) < 0) {
            tell(&difference, "is gone");
        } else {
            diff_components(&difference, &old, &a, &new, &b);
        }
    }
    for (int cursor = 0; bundle_next(&new, &cursor, &b);) {
        difference.component = b.name;
        if (bundle_find(&old, b.name, &a) < 0) {
            tell(&difference, "is new");
        }
    }
    return difference.count > 0 ? STATUS_REFUSED : STATUS_DONE;
}

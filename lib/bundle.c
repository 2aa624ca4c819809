/* SPDX-License-Identifier: MIT */
/* Checks and reads bundles; see bundle.h. The tree is read by libfdt. */

#include "bundle.h"

#include <errno.h>
#include <libfdt.h>
#include <string.h>

#include "crc.h"
#include "version.h"

/* Older trees spell names otherwise, and libfdt 1.6 trips over them in its own check. */
#define BUNDLE_TREE_VERSION 17u

/* The number again, for analysers, which do not look into why_set(). */
#define BAD(...) ((void)why_set(why, -EPROTO, __VA_ARGS__), -EPROTO)

/* A property's bytes, or NULL and *size = 0. */
static const void *property(const void *fdt, int node, const char *name, size_t *size)
{
    int length = 0;
    const void *data = fdt_getprop(fdt, node, name, &length);
    *size = data && length > 0 ? (size_t)length : 0;
    return data;
}

static const char *node_name(const void *fdt, int node)
{
    const char *name = fdt_get_name(fdt, node, NULL);
    return name ? name : "?";
}

static uint32_t get_cell(const void *data, uint32_t index)
{
    return fdt32_ld((const fdt32_t *)data + index);
}

/* Exactly `count` cells, or NULL. */
static const void *cells(const void *fdt, int node, const char *name, uint32_t count,
                         struct why *why)
{
    size_t size;
    const void *data = property(fdt, node, name, &size);
    if (!data || size != count * sizeof(fdt32_t)) {
        (void)BAD("%s: property %s has %zu bytes: need %zu", node_name(fdt, node), name, size,
                  count * sizeof(fdt32_t));
        return NULL;
    }
    return data;
}

/* A list of strings, each ending in NUL. Returns how many, 0 when there is no such property. */
static int strings(const void *fdt, int node, const char *name, const char **list, struct why *why)
{
    size_t size;
    *list = property(fdt, node, name, &size);
    if (!*list || size == 0) {
        return 0;
    }
    if ((*list)[size - 1] != '\0') {
        return BAD("%s: property %s does not end in NUL", node_name(fdt, node), name);
    }
    int count = 0;
    for (const char *text = *list; text < *list + size; text += strlen(text) + 1) {
        count++;
    }
    return count;
}

/* Exactly one string; NULL: there is none, or it is bad (then *error). */
static const char *string(const void *fdt, int node, const char *name, int *error, struct why *why)
{
    const char *text;
    int count = strings(fdt, node, name, &text, why);
    if (count > 1) {
        count = BAD("%s: property %s has %d strings: need one", node_name(fdt, node), name, count);
    }
    if (count < 0) {
        *error = count;
    }
    return count == 1 ? text : NULL;
}

static const char *needed_string(const void *fdt, int node, const char *name, int *error,
                                 struct why *why)
{
    const char *text = string(fdt, node, name, error, why);
    if (!text && *error == 0) {
        *error = BAD("%s: no property %s", node_name(fdt, node), name);
    }
    return text;
}

/* Reads a version of 2 or 3 cells. */
static int read_version(const void *fdt, int node, const char *name, uint32_t parts,
                        uint32_t *version, struct why *why)
{
    const void *data = cells(fdt, node, name, parts, why);
    if (!data) {
        return -EPROTO;
    }
    uint32_t major = get_cell(data, 0), minor = get_cell(data, 1);
    uint32_t patch = parts == 3 ? get_cell(data, 2) : 0;
    if (major > VERSION_MAJOR_MAX || minor > VERSION_MINOR_MAX || patch > VERSION_PATCH_MAX) {
        return BAD("%s: %s %u.%u.%u is out of range", node_name(fdt, node), name, major, minor,
                   patch);
    }
    *version = version_pack(major, minor, patch);
    return 0;
}

static const char *const context_names[METHOD_CONTEXTS] = {
    [METHOD_ANY] = "any",
    [METHOD_THREAD] = "thread",
    [METHOD_ANY | METHOD_ONCE] = "any-once",
    [METHOD_THREAD | METHOD_ONCE] = "thread-once",
};

enum method_context method_context_of(const char *name)
{
    int context = METHOD_CONTEXTS - 1;
    while (context >= 0 && strcmp(name, context_names[context]) != 0) {
        context--;
    }
    return (enum method_context)context;
}

/* Whether each of `count` strings is the name of a context. */
static bool are_contexts(const char *list, uint32_t count)
{
    for (; count > 0; count--, list += strlen(list) + 1) {
        if ((int)method_context_of(list) < 0) {
            return false;
        }
    }
    return true;
}

/* Names, hashes and, if they are there, contexts, of equal number. */
static int read_methods(const void *fdt, int node, const char *names,
                        struct descriptor_methods *methods, struct why *why)
{
    *methods = (struct descriptor_methods){0};
    int count = strings(fdt, node, names, &methods->names, why);
    if (count <= 0) {
        return count;
    }
    methods->count = (uint32_t)count;
    methods->hashes = cells(fdt, node, "hashes", 2 * methods->count, why);
    if (!methods->hashes) {
        return -EPROTO;
    }
    int contexts = strings(fdt, node, "contexts", &methods->contexts, why);
    if (contexts < 0) {
        return contexts;
    }
    if (contexts == 0) {
        methods->contexts = NULL;
    } else if (contexts != count) {
        return BAD("%s: %d contexts for %d methods", node_name(fdt, node), contexts, count);
    } else if (!are_contexts(methods->contexts, methods->count)) {
        return BAD("%s: a context is neither 'any' nor 'thread', once or not",
                   node_name(fdt, node));
    }
    int declarations = strings(fdt, node, "declarations", &methods->declarations, why);
    if (declarations == 0) {
        methods->declarations = NULL;
    } else if (declarations > 0 && declarations != count) {
        return BAD("%s: %d declarations for %d methods", node_name(fdt, node), declarations, count);
    }
    return declarations < 0 ? declarations : 0;
}

/* Up to which version a need goes. */
static int read_below(const void *fdt, int node, struct descriptor_interface *interface,
                      struct why *why)
{
    interface->below = version_next_major(interface->version);
    if (!fdt_getprop(fdt, node, "below", NULL)) {
        return 0;
    }
    int error = read_version(fdt, node, "below", 2, &interface->below, why);
    if (error == 0 && interface->below <= interface->version) {
        return BAD("%s: no version is both from %u.%u on and below %u.%u", node_name(fdt, node),
                   version_major(interface->version), version_minor(interface->version),
                   version_major(interface->below), version_minor(interface->below));
    }
    return error;
}

static int read_interface(const void *fdt, int node, struct descriptor_interface *interface,
                          struct why *why)
{
    interface->name = node_name(fdt, node);
    int error = read_version(fdt, node, "version", 2, &interface->version, why);
    if (error == 0) {
        error = read_below(fdt, node, interface, why);
    }
    return error < 0 ? error : read_methods(fdt, node, "methods", &interface->methods, why);
}

static int check_interfaces(const void *fdt, int node, struct why *why)
{
    int child;
    if (node < 0) {
        return 0;
    }
    fdt_for_each_subnode(child, fdt, node)
    {
        struct descriptor_interface interface;
        int error = read_interface(fdt, child, &interface, why);
        if (error < 0) {
            return why_prepend(why, error, "%s", node_name(fdt, node));
        }
    }
    return 0;
}

static int read_state(const void *fdt, int node, struct component_descriptor *c, struct why *why)
{
    int error = 0;
    c->state_type = needed_string(fdt, node, "type", &error, why);
    if (error == 0) {
        error = read_version(fdt, node, "version", 3, &c->state_version, why);
    }
    if (error < 0) {
        return error;
    }
    const void *size = cells(fdt, node, "size", 1, why);
    const void *align = size ? cells(fdt, node, "align", 1, why) : NULL;
    const void *hash = align ? cells(fdt, node, "hash", 2, why) : NULL;
    if (!hash) {
        return -EPROTO;
    }
    c->state_size = get_cell(size, 0);
    c->state_is_plain = fdt_getprop(fdt, node, "plain", NULL);
    c->state_align = get_cell(align, 0);
    c->state_hash = (uint64_t)get_cell(hash, 0) << 32 | get_cell(hash, 1);
    if (c->state_align == 0 || (c->state_align & (c->state_align - 1)) != 0) {
        return BAD("state: alignment %u is no power of two", c->state_align);
    }
    return 0;
}

static int read_object(const void *fdt, struct component_descriptor *c, struct why *why)
{
    c->elf = property(fdt, c->image, "data", &c->elf_size);
    if (!c->elf || c->elf_size == 0) {
        return BAD("no property data");
    }
    int hash = fdt_subnode_offset(fdt, c->image, "hash-1");
    if (hash < 0) {
        return BAD("no node hash-1");
    }
    int error = 0;
    const char *algorithm = needed_string(fdt, hash, "algo", &error, why);
    if (error < 0) {
        return error;
    }
    if (strcmp(algorithm, "crc32") != 0) {
        return BAD("hash-1: algorithm '%s': need crc32", algorithm);
    }
    const void *value = cells(fdt, hash, "value", 1, why);
    if (!value) {
        return -EPROTO;
    }
    c->crc = get_cell(value, 0);
    return 0;
}

static int read_versions(const void *fdt, struct component_descriptor *c, struct why *why)
{
    int error = read_version(fdt, c->component, "version", 3, &c->version, why);
    if (error == 0 && fdt_getprop(fdt, c->component, "oldest", NULL)) {
        error = read_version(fdt, c->component, "oldest", 3, &c->oldest, why);
    }
    if (error == 0 && c->oldest > c->version) {
        error = BAD("component: revokes itself: oldest is newer than version");
    }
    return error;
}

/* The nodes of a component, in one walk. */
static int read_parts(const void *fdt, struct component_descriptor *c, struct why *why)
{
    int node, error = 0;
    c->provides = c->needs = -FDT_ERR_NOTFOUND;
    fdt_for_each_subnode(node, fdt, c->component)
    {
        const char *name = node_name(fdt, node);
        if (strcmp(name, "provides") == 0) {
            c->provides = node;
        } else if (strcmp(name, "needs") == 0) {
            c->needs = node;
        } else if (strcmp(name, "state") == 0) {
            error = read_state(fdt, node, c, why);
        } else if (strcmp(name, "gates") == 0) {
            error = read_methods(fdt, node, "functions", &c->gates, why);
        }
        if (error < 0) {
            break;
        }
    }
    return error;
}

/* A component is called as COMPONENT() calls it: it is shown, looked for, and typed. */
static bool is_name(const char *name)
{
    if (*name < 'a' || *name > 'z') {
        return false;
    }
    return name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")] == '\0';
}

static int read_component(const void *fdt, int image, struct component_descriptor *c,
                          struct why *why)
{
    *c = (struct component_descriptor){.image = image};
    c->component = fdt_subnode_offset(fdt, image, "component");
    if (c->component < 0) {
        return BAD("no node component");
    }
    int error = read_object(fdt, c, why);
    if (error < 0) {
        return error;
    }
    c->name = needed_string(fdt, c->component, "name", &error, why);
    if (error == 0 && !is_name(c->name)) {
        error = BAD("the component's name is not of a-z, 0-9, _, beginning with a letter");
    }
    c->summary = error < 0 ? NULL : string(fdt, image, "description", &error, why);
    c->build = error < 0 ? NULL : string(fdt, c->component, "build", &error, why);
    if (error < 0) {
        return error;
    }
    c->summary = c->summary ? c->summary : "";
    c->build = c->build ? c->build : "";
    error = strings(fdt, c->component, "compatible", &c->compatible, why);
    if (error < 0) {
        return error;
    }
    c->compatible = property(fdt, c->component, "compatible", &c->compatible_size);
    error = read_versions(fdt, c, why);
    return error < 0 ? error : read_parts(fdt, c, why);
}

static int check_component(const void *fdt, int image, struct why *why)
{
    struct component_descriptor c;
    int error = read_component(fdt, image, &c, why);
    if (error == 0) {
        error = check_interfaces(fdt, c.provides, why);
    }
    if (error == 0) {
        error = check_interfaces(fdt, c.needs, why);
    }
    if (error == 0) {
        uint32_t crc = crc32(c.elf, c.elf_size);
        if (crc != c.crc) {
            error = why_set(why, -EBADMSG, "check sum of the object is 0x%08x: need 0x%08x", crc,
                            c.crc);
        }
    }
    return error < 0 ? why_prepend(why, error, "image %s", node_name(fdt, image)) : 0;
}

/* Walks the tags once: so that nothing libfdt does later runs outside of the blob. */
static int check_tree(const void *fdt, size_t size, struct why *why)
{
    if (size < sizeof(struct fdt_header) || fdt_magic(fdt) != FDT_MAGIC) {
        return why_set(why, -EBADMSG, "%zu bytes: not a device tree", size);
    }
    if (fdt_totalsize(fdt) > size || fdt_totalsize(fdt) > BUNDLE_SIZE_MAX) {
        return why_set(why, -EBADMSG, "device tree of 0x%x bytes in 0x%zx, at most 0x%x",
                       fdt_totalsize(fdt), size, BUNDLE_SIZE_MAX);
    }
    if (fdt_version(fdt) < BUNDLE_TREE_VERSION) {
        return why_set(why, -EBADMSG, "device tree of version %u: need %u", fdt_version(fdt),
                       BUNDLE_TREE_VERSION);
    }
    int error = fdt_check_full(fdt, size);
    if (error < 0) {
        return why_set(why, -EBADMSG, "device tree is malformed: %s", fdt_strerror(error));
    }
    return 0;
}

static int check_root(struct bundle *bundle, uint32_t abi, struct why *why)
{
    const void *format = cells(bundle->fdt, 0, "neurath,format", 1, why);
    const void *their_abi = format ? cells(bundle->fdt, 0, "neurath,abi", 1, why) : NULL;
    if (!their_abi) {
        return why_prepend(why, -EPROTO, "not a bundle");
    }
    if (get_cell(format, 0) != BUNDLE_FORMAT) {
        return why_set(why, -ENOEXEC, "bundle of format %u: need %u", get_cell(format, 0),
                       BUNDLE_FORMAT);
    }
    bundle->abi = get_cell(their_abi, 0);
    if (abi != 0 && bundle->abi != abi) {
        return why_set(why, -ENOEXEC, "bundle for ABI %u: need %u", bundle->abi, abi);
    }
    int error = 0;
    bundle->description = string(bundle->fdt, 0, "description", &error, why);
    bundle->description = bundle->description ? bundle->description : "";
    int count = error < 0 ? error : strings(bundle->fdt, 0, "neurath,start", &bundle->start, why);
    bundle->start_count = count > 0 ? (uint32_t)count : 0;
    return count < 0 ? count : 0;
}

int bundle_open(struct bundle *bundle, const void *data, size_t size, uint32_t abi, struct why *why)
{
    *bundle = (struct bundle){.fdt = data};
    if ((uintptr_t)data % 8 != 0) {
        return why_set(why, -EINVAL, "bundle at an address that is no multiple of 8");
    }
    int error = check_tree(data, size, why);
    if (error < 0) {
        return error;
    }
    bundle->size = fdt_totalsize(data);
    error = check_root(bundle, abi, why);
    if (error < 0) {
        return error;
    }
    int images = fdt_subnode_offset(data, 0, "images");
    if (images < 0) {
        return BAD("no node images");
    }
    int image;
    fdt_for_each_subnode(image, data, images)
    {
        error = check_component(data, image, why);
        if (error < 0) {
            return error;
        }
        bundle->component_count++;
    }
    return bundle->component_count > 0 ? 0 : BAD("no components");
}

bool bundle_next(const struct bundle *bundle, int *cursor, struct component_descriptor *component)
{
    struct why ignored; /* checked by bundle_open() */
    int image = *cursor == 0
                    ? fdt_first_subnode(bundle->fdt, fdt_subnode_offset(bundle->fdt, 0, "images"))
                    : fdt_next_subnode(bundle->fdt, *cursor);
    if (image < 0) {
        return false;
    }
    *cursor = image;
    return read_component(bundle->fdt, image, component, &ignored) == 0;
}

int bundle_find(const struct bundle *bundle, const char *name,
                struct component_descriptor *component)
{
    int cursor = 0;
    while (bundle_next(bundle, &cursor, component)) {
        if (strcmp(component->name, name) == 0) {
            return 0;
        }
    }
    return -ENOENT;
}

bool descriptor_next_interface(const struct bundle *bundle, int node, int *cursor,
                               struct descriptor_interface *interface)
{
    struct why ignored; /* checked by bundle_open() */
    if (node < 0) {
        return false;
    }
    int child = *cursor == 0 ? fdt_first_subnode(bundle->fdt, node)
                             : fdt_next_subnode(bundle->fdt, *cursor);
    if (child < 0) {
        return false;
    }
    *cursor = child;
    return read_interface(bundle->fdt, child, interface, &ignored) == 0;
}

bool descriptor_find_interface(const struct bundle *bundle, int node, const char *name,
                               struct descriptor_interface *interface)
{
    struct why ignored; /* checked by bundle_open() */
    int child = node < 0 ? node : fdt_subnode_offset(bundle->fdt, node, name);
    return child >= 0 && read_interface(bundle->fdt, child, interface, &ignored) == 0;
}

bool descriptor_next_method(struct descriptor_methods *methods, struct descriptor_method *method)
{
    if (methods->next >= methods->count) {
        return false;
    }
    uint32_t cell = 2 * methods->next++;
    method->name = methods->names;
    method->hash =
        (uint64_t)get_cell(methods->hashes, cell) << 32 | get_cell(methods->hashes, cell + 1);
    methods->names += strlen(methods->names) + 1;
    method->context = METHOD_ANY;
    if (methods->contexts) {
        method->context = method_context_of(methods->contexts);
        methods->contexts += strlen(methods->contexts) + 1;
    }
    method->declarations = "";
    if (methods->declarations) {
        method->declarations = methods->declarations;
        methods->declarations += strlen(methods->declarations) + 1;
    }
    return true;
}

const char *method_context_name(enum method_context context)
{
    return context_names[context];
}

bool descriptor_find_method(struct descriptor_methods methods, const char *name,
                            struct descriptor_method *method)
{
    while (descriptor_next_method(&methods, method)) {
        if (!strcmp(method->name, name)) {
            return true;
        }
    }
    return false;
}

bool descriptor_find_provided(const struct bundle *bundle,
                              const struct component_descriptor *component, const char *name,
                              struct descriptor_method *method)
{
    struct descriptor_interface interface;
    for (int cursor = 0;
         descriptor_next_interface(bundle, component->provides, &cursor, &interface);) {
        if (descriptor_find_method(interface.methods, name, method)) {
            return true;
        }
    }
    return false;
}

uint32_t descriptor_count_methods(const struct bundle *bundle, int node)
{
    uint32_t count = 0;
    struct descriptor_interface interface;
    for (int cursor = 0; descriptor_next_interface(bundle, node, &cursor, &interface);) {
        count += interface.methods.count;
    }
    return count;
}

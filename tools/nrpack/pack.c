/* SPDX-License-Identifier: MIT */
/* nrpack pack and nrpack bundle: writes device trees, in order, with libfdt. */

#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

#include <lib/crc.h>
#include <lib/plan.h>
#include <lib/version.h>

#include "nrpack.h"

/* Room for a descriptor: nodes and strings are small beside the object. */
#define DESCRIPTOR_BYTES (1u << 20)

/* The blob is as large as what goes into it needs: an error is a bug of ours. */
static void sure(int error)
{
    if (error < 0) {
        die("cannot write the device tree: %s", fdt_strerror(error));
    }
}

/* --- a list of strings and its cells --- */

struct list {
    char *text;
    size_t size;
};

static void add_string(struct list *list, const char *string)
{
    size_t length = strlen(string) + 1;
    list->text = realloc(list->text, list->size + length);
    if (!list->text) {
        die("no memory");
    }
    memcpy(list->text + list->size, string, length);
    list->size += length;
}

static void add_cell(struct list *list, uint32_t value)
{
    fdt32_t cell = cpu_to_fdt32(value);
    list->text = realloc(list->text, list->size + sizeof(cell));
    if (!list->text) {
        die("no memory");
    }
    memcpy(list->text + list->size, &cell, sizeof(cell));
    list->size += sizeof(cell);
}

static void add_hash(struct list *list, uint64_t hash)
{
    add_cell(list, (uint32_t)(hash >> 32));
    add_cell(list, (uint32_t)hash);
}

static void put_list(void *fdt, const char *name, struct list *list)
{
    sure(fdt_property(fdt, name, list->text, (int)list->size));
    free(list->text);
    *list = (struct list){0};
}

/* --- the head and tail of every bundle --- */

/* start: names in the order in which they start, freed; NULL: there is but one. */
static void begin_bundle(void *fdt, size_t size, const char *description, uint32_t abi,
                         struct list *start)
{
    sure(fdt_create(fdt, (int)size));
    sure(fdt_finish_reservemap(fdt));
    sure(fdt_begin_node(fdt, ""));
    sure(fdt_property_string(fdt, "description", description));
    const char *epoch = getenv("SOURCE_DATE_EPOCH");
    if (epoch) {
        sure(fdt_property_u32(fdt, "timestamp", (uint32_t)strtoul(epoch, NULL, 10)));
    }
    sure(fdt_property_u32(fdt, "neurath,format", BUNDLE_FORMAT));
    sure(fdt_property_u32(fdt, "neurath,abi", abi));
    if (start) {
        put_list(fdt, "neurath,start", start);
    }
    sure(fdt_begin_node(fdt, "images"));
}

/* key: NULL, unsigned. */
static void end_bundle(void *fdt, const char *key, const char *path)
{
    sure(fdt_end_node(fdt));
    sure(fdt_end_node(fdt));
    sure(fdt_finish(fdt));
    struct bundle bundle;
    struct why why;
    if (bundle_open(&bundle, fdt, fdt_totalsize(fdt), 0, &why) < 0) {
        die("%s: what was written cannot be read: %s", path, why.text);
    }
    size_t size = fdt_totalsize(fdt);
    const void *file = key ? sign_tree(fdt, size, key, &size) : fdt;
    write_file(path, file, size);
}

/* --- the descriptor --- */

static void put_interface_version(void *fdt, const char *name, uint32_t version)
{
    struct list cells = {0};
    add_cell(&cells, version_major(version));
    add_cell(&cells, version_minor(version));
    put_list(fdt, name, &cells);
}

/* A need is met up to the next major version; the last one there can be has no next. */
static void put_below(void *fdt, uint32_t version)
{
    if (version_major(version) < VERSION_MAJOR_MAX) {
        put_interface_version(fdt, "below", version_next_major(version));
    }
}

/* The nucleus compares ABIs, not types: what it offers need not be spelled out. */
static void put_declarations(void *fdt, const struct interface *interface, struct list *list)
{
    if (strcmp(interface->name, "nucleus") != 0) {
        put_list(fdt, "declarations", list);
    }
    free(list->text);
}

static void put_version(void *fdt, const char *name, uint32_t version)
{
    struct list cells = {0};
    add_cell(&cells, version_major(version));
    add_cell(&cells, version_minor(version));
    add_cell(&cells, version_patch(version));
    put_list(fdt, name, &cells);
}

static void put_provides(void *fdt, const struct component *component)
{
    if (component->provides_count == 0) {
        return;
    }
    sure(fdt_begin_node(fdt, "provides"));
    for (size_t i = 0; i < component->provides_count; i++) {
        const struct interface *interface = component->provides[i];
        struct list names = {0}, hashes = {0}, contexts = {0}, declarations = {0};
        for (size_t k = 0; k < interface->method_count; k++) {
            add_string(&names, interface->methods[k].name);
            add_hash(&hashes, interface->methods[k].hash);
            add_string(&contexts, method_context_name(interface->methods[k].context));
            add_string(&declarations, interface->methods[k].declarations);
        }
        sure(fdt_begin_node(fdt, interface->name));
        put_interface_version(fdt, "version", interface->version);
        put_list(fdt, "methods", &names);
        put_list(fdt, "hashes", &hashes);
        put_list(fdt, "contexts", &contexts);
        put_declarations(fdt, interface, &declarations);
        sure(fdt_end_node(fdt));
    }
    sure(fdt_end_node(fdt));
}

static void put_needs(void *fdt, const struct component *component)
{
    if (component->needs_count == 0) {
        return;
    }
    sure(fdt_begin_node(fdt, "needs"));
    for (size_t i = 0; i < component->needs_count;) {
        const struct interface *interface = component->needs[i]->interface;
        struct list names = {0}, hashes = {0}, declarations = {0};
        for (; i < component->needs_count && component->needs[i]->interface == interface; i++) {
            add_string(&names, component->needs[i]->name);
            add_hash(&hashes, component->needs[i]->hash);
            add_string(&declarations, component->needs[i]->declarations);
        }
        sure(fdt_begin_node(fdt, interface->name));
        put_interface_version(fdt, "version", interface->version);
        put_below(fdt, interface->version);
        put_list(fdt, "methods", &names);
        put_list(fdt, "hashes", &hashes);
        put_declarations(fdt, interface, &declarations);
        sure(fdt_end_node(fdt));
    }
    sure(fdt_end_node(fdt));
}

static void put_state(void *fdt, const struct component *component)
{
    if (!component->state_type) {
        return;
    }
    struct list hash = {0};
    add_hash(&hash, component->state_hash);
    sure(fdt_begin_node(fdt, "state"));
    sure(fdt_property_string(fdt, "type", component->state_type));
    put_version(fdt, "version", component->version); /* whose layout it is */
    sure(fdt_property_u32(fdt, "size", component->state_size));
    sure(fdt_property_u32(fdt, "align", component->state_align));
    put_list(fdt, "hash", &hash);
    if (component->state_is_plain) {
        sure(fdt_property(fdt, "plain", NULL, 0));
    }
    sure(fdt_end_node(fdt));
}

static void put_gates(void *fdt, const struct component *component)
{
    if (component->gate_count == 0) {
        return;
    }
    struct list names = {0}, hashes = {0};
    for (size_t i = 0; i < component->gate_count; i++) {
        add_string(&names, component->gates[i].name);
        add_hash(&hashes, component->gates[i].hash);
    }
    sure(fdt_begin_node(fdt, "gates"));
    put_list(fdt, "functions", &names);
    put_list(fdt, "hashes", &hashes);
    sure(fdt_end_node(fdt));
}

/* Names the object's content: two builds of the same are the same. */
static char *build_id(const uint8_t *data, size_t size)
{
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ data[i]) * 0x100000001b3u;
    }
    return print_text("%016llx", (unsigned long long)hash);
}

static void put_component(void *fdt, const struct component *component, const void *object,
                          size_t object_size)
{
    sure(fdt_begin_node(fdt, "component"));
    sure(fdt_property_string(fdt, "name", component->name));
    put_version(fdt, "version", component->version);
    if (component->oldest) {
        put_version(fdt, "oldest", component->oldest);
    }
    sure(fdt_property_string(fdt, "build", build_id(object, object_size)));
    if (component->compatible) {
        sure(fdt_property_string(fdt, "compatible", component->compatible));
    }
    put_provides(fdt, component);
    put_needs(fdt, component);
    put_state(fdt, component);
    put_gates(fdt, component);
    sure(fdt_end_node(fdt));
}

static void write_package(const struct component *component, const char *key, const char *path)
{
    size_t object_size;
    void *object = strip_object(&component->object.elf, &component->layout, &object_size);
    struct elf elf;
    struct why why;
    if (elf_open(&elf, object, object_size, &why) < 0) {
        die("%s: what was stripped cannot be read: %s", path, why.text);
    }
    size_t room = object_size + DESCRIPTOR_BYTES;
    void *fdt = allocate(room);
    char version[VERSION_TEXT_MAX];
    version_print(version, sizeof(version), component->version);
    char *name = print_text("%s-%s", component->name, version);

    begin_bundle(fdt, room, name, component->abi, NULL);
    sure(fdt_begin_node(fdt, name));
    sure(fdt_property_string(fdt, "description", component->summary));
    sure(fdt_property_string(fdt, "type", "firmware"));
    sure(fdt_property_string(fdt, "arch", "arm64"));
    sure(fdt_property_string(fdt, "os", "neurath"));
    sure(fdt_property_string(fdt, "compression", "none"));
    sure(fdt_property(fdt, "data", object, (int)object_size));
    sure(fdt_begin_node(fdt, "hash-1"));
    sure(fdt_property_string(fdt, "algo", "crc32"));
    sure(fdt_property_u32(fdt, "value", crc32(object, object_size)));
    sure(fdt_end_node(fdt));
    put_component(fdt, component, object, object_size);
    sure(fdt_end_node(fdt));
    end_bundle(fdt, key, path);
}

int run_pack(int argc, char **argv)
{
    const char *key = NULL, *out = NULL, *path = NULL;
    char **folders = allocate((size_t)argc * sizeof(*folders));
    size_t folder_count = 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--interfaces") == 0 && i + 1 < argc) {
            folders[folder_count++] = argv[++i];
        } else if (strcmp(argv[i], "--key") == 0 && i + 1 < argc) {
            key = argv[++i];
        } else if (strcmp(argv[i], "-o") == 0 && i + 1 < argc) {
            out = argv[++i];
        } else if (argv[i][0] != '-' && !path) {
            path = argv[i];
        } else {
            return STATUS_TROUBLE;
        }
    }
    if (folder_count == 0 || !out || !path) {
        return STATUS_TROUBLE;
    }
    struct interfaces interfaces;
    struct component component = {.interfaces = &interfaces};
    if (!interfaces_open(&interfaces, folders, folder_count) ||
        !object_open(&component.object, path) || !component_derive(&component)) {
        return STATUS_REFUSED;
    }
    write_package(&component, key, out);
    return STATUS_DONE;
}

/* --- several into one --- */

void open_bundle_file(struct bundle *bundle, const char *path)
{
    size_t size;
    struct why why;
    void *data = read_file(path, &size);
    if (bundle_open(bundle, data, size, 0, &why) < 0) {
        die("%s: %s", path, why.text);
    }
}

static void copy_node(void *to, const void *from, int node)
{
    int property, child;
    sure(fdt_begin_node(to, fdt_get_name(from, node, NULL)));
    fdt_for_each_property_offset(property, from, node)
    {
        const char *name;
        int length;
        const void *data = fdt_getprop_by_offset(from, property, &name, &length);
        sure(fdt_property(to, name, data, length));
    }
    fdt_for_each_subnode(child, from, node)
    {
        copy_node(to, from, child);
    }
    sure(fdt_end_node(to));
}

static bool is_in(const struct bundle *bundles, int count, const char *name)
{
    struct component_descriptor component;
    for (int i = 0; i < count; i++) {
        if (bundle_find(&bundles[i], name, &component) == 0) {
            return true;
        }
    }
    return false;
}

static struct list order_of_start(const struct bundle *bundles, size_t count)
{
    struct list names = {0};
    size_t total = 0;
    for (size_t i = 0; i < count; i++) {
        total += bundles[i].component_count;
    }
    struct plan_part *parts = allocate(total * sizeof(*parts));
    size_t *order = allocate(total * sizeof(*order));
    total = 0;
    for (size_t i = 0; i < count; i++) {
        for (int cursor = 0; bundle_next(&bundles[i], &cursor, &parts[total].descriptor);) {
            parts[total++].bundle = &bundles[i];
        }
    }
    plan_order(parts, total, order);
    for (size_t i = 0; i < total; i++) {
        add_string(&names, parts[order[i]].descriptor.name);
    }
    free(order);
    free(parts);
    return names;
}

int run_bundle(int argc, char **argv)
{
    const char *key = NULL, *out = NULL;
    int first = 1;
    for (; first + 1 < argc && argv[first][0] == '-'; first += 2) {
        if (strcmp(argv[first], "--key") == 0) {
            key = argv[first + 1];
        } else if (strcmp(argv[first], "-o") == 0) {
            out = argv[first + 1];
        } else {
            return STATUS_TROUBLE;
        }
    }
    if (!out || first >= argc) {
        return STATUS_TROUBLE;
    }
    char **inputs = argv + first;
    int count = argc - first;
    struct bundle *bundles = allocate((size_t)count * sizeof(*bundles));
    size_t room = DESCRIPTOR_BYTES;

    for (int i = 0; i < count; i++) {
        open_bundle_file(&bundles[i], inputs[i]);
        room += bundles[i].size;
        if (bundles[i].abi != bundles[0].abi) {
            complain(inputs[i], "is for ABI %u, but %s for %u", bundles[i].abi, inputs[0],
                     bundles[0].abi);
            return STATUS_REFUSED;
        }
        struct component_descriptor component;
        for (int cursor = 0; bundle_next(&bundles[i], &cursor, &component);) {
            if (is_in(bundles, i, component.name)) {
                complain(inputs[i], "component %s is in the bundle already", component.name);
                return STATUS_REFUSED;
            }
        }
    }
    void *fdt = allocate(room);
    struct list start = order_of_start(bundles, (size_t)count);
    begin_bundle(fdt, room, count == 1 ? bundles[0].description : "bundle", bundles[0].abi, &start);
    for (int i = 0; i < count; i++) {
        struct component_descriptor component;
        for (int cursor = 0; bundle_next(&bundles[i], &cursor, &component);) {
            copy_node(fdt, bundles[i].fdt, component.image);
        }
    }
    end_bundle(fdt, key, out);
    return STATUS_DONE;
}

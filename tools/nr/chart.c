/* SPDX-License-Identifier: MIT */
/*
 * The world as a whole, and its two forms in text; the picture is in chart_svg.c.
 */
#include "tools/nr/chart.h"

#include <ctype.h>
#include <errno.h>
#include <libfdt.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tools/nr/client.h"

static void copy(char to[CHART_NAME_BYTES], const char *from, int size)
{
    snprintf(to, CHART_NAME_BYTES, "%.*s", from && size > 0 ? size : 0, from ? from : "");
}

static void copy_property(char to[CHART_NAME_BYTES], const void *tree, int node, const char *name)
{
    int size;
    const char *value = fdt_getprop(tree, node, name, &size);
    copy(to, value, size);
}

static void copy_node_name(char to[CHART_NAME_BYTES], const void *tree, int node)
{
    int size;
    const char *name = fdt_get_name(tree, node, &size);
    copy(to, name, size);
}

/* One more, of zeros, at the end of a list. NULL: no memory. */
static void *grow(void **list, unsigned *count, size_t size)
{
    char *larger = reallocarray(*list, *count + 1, size);
    if (!larger) {
        return NULL;
    }
    *list = larger;
    memset(larger + *count * size, 0, size);
    return larger + (*count)++ * size;
}

static int take_bindings(struct chart_bindings *bindings, const void *tree, int component,
                         const char *list)
{
    int parent = fdt_subnode_offset(tree, component, list);
    int node;
    if (parent < 0) {
        return 0;
    }
    fdt_for_each_subnode(node, tree, parent)
    {
        int size;
        const fdt32_t *version = fdt_getprop(tree, node, "version", &size);
        struct chart_binding *binding =
            grow((void **)&bindings->list, &bindings->count, sizeof(*binding));
        if (!binding) {
            return -ENOMEM;
        }
        copy_node_name(binding->interface, tree, node);
        copy_property(binding->provider, tree, node, "provider");
        binding->major = version && size == 8 ? fdt32_ld(version) : 0;
        binding->minor = version && size == 8 ? fdt32_ld(version + 1) : 0;
        binding->methods = (uint32_t)client_number(tree, node, "methods");
    }
    return 0;
}

static int take_component(struct chart *chart, const void *tree, int node)
{
    struct chart_component *component =
        grow((void **)&chart->components, &chart->count, sizeof(*component));
    if (!component) {
        return -ENOMEM;
    }
    copy_node_name(component->name, tree, node);
    copy_property(component->state_type, tree, node, "state-type");
    component->id = (uint32_t)client_number(tree, node, "id");
    component->version = (uint32_t)client_number(tree, node, "version");
    component->build = (uint32_t)client_number(tree, node, "build");
    component->swaps = (uint32_t)client_number(tree, node, "swaps");
    component->text_bytes = (uint32_t)client_number(tree, node, "text-bytes");
    component->rodata_bytes = (uint32_t)client_number(tree, node, "rodata-bytes");
    component->pages = (uint32_t)client_number(tree, node, "pages");
    component->registrations = (uint32_t)client_number(tree, node, "registrations");
    component->state_bytes = client_number(tree, node, "state-bytes");
    component->state_hash = client_number(tree, node, "state-hash");
    int result = take_bindings(&component->provides, tree, node, "provides");
    return result < 0 ? result : take_bindings(&component->needs, tree, node, "needs");
}

static int take_totals(struct chart *chart, const void *tree, int node)
{
    int property;
    fdt_for_each_property_offset(property, tree, node)
    {
        const char *name;
        int size;
        const void *value = fdt_getprop_by_offset(tree, property, &name, &size);
        if (!value || (size != 4 && size != 8)) {
            continue;
        }
        struct chart_total *total =
            grow((void **)&chart->totals, &chart->total_count, sizeof(*total));
        if (!total) {
            return -ENOMEM;
        }
        copy(total->name, name, (int)strlen(name));
        total->value = size == 8 ? fdt64_ld(value) : fdt32_ld(value);
        total->cells = (unsigned)size / 4;
    }
    return 0;
}

void chart_take(struct chart *chart, const void *tree)
{
    int components = fdt_path_offset(tree, "/components");
    int totals = fdt_path_offset(tree, "/totals");
    int node;
    if (components >= 0) {
        fdt_for_each_subnode(node, tree, components)
        {
            chart->error = chart->error < 0 ? chart->error : take_component(chart, tree, node);
        }
    }
    if (totals >= 0 && chart->error == 0) {
        chart->error = take_totals(chart, tree, totals);
    }
}

void chart_free(struct chart *chart)
{
    for (unsigned i = 0; i < chart->count; i++) {
        free(chart->components[i].provides.list);
        free(chart->components[i].needs.list);
    }
    free(chart->components);
    free(chart->totals);
    *chart = (struct chart){0};
}

int chart_find(const struct chart *chart, const char *name)
{
    for (unsigned i = 0; i < chart->count; i++) {
        if (strcmp(chart->components[i].name, name) == 0) {
            return (int)i;
        }
    }
    return strcmp(name, CHART_NUCLEUS) == 0 ? CHART_IS_NUCLEUS : CHART_NOBODY;
}

const char *chart_version(uint32_t version)
{
    static char text[24];
    snprintf(text, sizeof(text), "%u.%u.%u", version >> 24, version >> 12 & 0xfff, version & 0xfff);
    return text;
}

/* --- device-tree source --- */

/* What may stand in a node's name or, without signs, in a label; anything else becomes '_'. */
static void put_word(FILE *file, const char *word, const char *signs)
{
    for (; *word; word++) {
        bool is_plain = (isalnum((unsigned char)*word) && (unsigned char)*word < 0x80) ||
                        *word == '_' || strchr(signs, *word);
        fputc(is_plain ? *word : '_', file);
    }
}

/* Between quotes, for dtc and for graphviz alike. */
static void put_quoted(FILE *file, const char *text)
{
    fputc('"', file);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\') {
            fputc('\\', file);
        }
        fputc((unsigned char)*text < 0x20 || (unsigned char)*text >= 0x7f ? '?' : *text, file);
    }
    fputc('"', file);
}

/*
 * The label by which a component is referred to. It has the component's number: names that differ
 * in a sign only would otherwise have the same.
 */
static void put_label(FILE *file, const struct chart *chart, int place)
{
    if (place < 0) {
        fputs(CHART_NUCLEUS, file);
        return;
    }
    const struct chart_component *component = &chart->components[place];
    fputs(isdigit((unsigned char)component->name[0]) ? "_" : "", file);
    put_word(file, component->name, "");
    fprintf(file, "_%u", component->id);
}

static void dts_string(FILE *file, const char *indent, const char *name, const char *value)
{
    fprintf(file, "%s%s = ", indent, name);
    put_quoted(file, value);
    fputs(";\n", file);
}

static void dts_u32(FILE *file, const char *indent, const char *name, uint32_t value)
{
    fputs(indent, file);
    put_word(file, name, "-");
    fprintf(file, " = <%u>;\n", value);
}

static void dts_u64(FILE *file, const char *indent, const char *name, uint64_t value)
{
    fputs(indent, file);
    put_word(file, name, "-");
    fprintf(file, " = /bits/ 64 <0x%llx>;\n", (unsigned long long)value);
}

static void dts_bindings(FILE *file, const struct chart *chart,
                         const struct chart_bindings *bindings, bool is_needed)
{
    fprintf(file, "\n\t\t\t%s {\n", is_needed ? "needs" : "provides");
    for (unsigned i = 0; i < bindings->count; i++) {
        const struct chart_binding *binding = &bindings->list[i];
        int provider = is_needed ? chart_find(chart, binding->provider) : CHART_NOBODY;
        fputs("\t\t\t\t", file);
        put_word(file, binding->interface, "-");
        fprintf(file, "-%u.%u {\n", binding->major, binding->minor);
        dts_string(file, "\t\t\t\t\t", "interface", binding->interface);
        fprintf(file, "\t\t\t\t\tversion = <%u %u>;\n", binding->major, binding->minor);
        dts_u32(file, "\t\t\t\t\t", "methods", binding->methods);
        if (provider != CHART_NOBODY) {
            fputs("\t\t\t\t\tprovider = <&", file);
            put_label(file, chart, provider);
            fputs(">;\n", file);
        }
        fputs("\t\t\t\t};\n", file);
    }
    fputs("\t\t\t};\n", file);
}

/*
 * Nodes are named as packages are, NAME-VERSION: plain names would be held for what they are not,
 * for dtc has rules of its own for nodes called "spi" or "i2c".
 */
static void dts_component(FILE *file, const struct chart *chart, int place)
{
    const struct chart_component *component = &chart->components[place];
    static const char indent[] = "\t\t\t";
    uint32_t version = component->version;
    fputs("\n\t\t", file);
    put_label(file, chart, place);
    fputs(": ", file);
    put_word(file, component->name, "-");
    fprintf(file, "-%s {\n", chart_version(version));
    dts_string(file, indent, "component", component->name);
    dts_u32(file, indent, "id", component->id);
    fprintf(file, "%sversion = <%u %u %u>;\n", indent, version >> 24, version >> 12 & 0xfff,
            version & 0xfff);
    fprintf(file, "%sbuild = <0x%08x>;\n", indent, component->build);
    dts_u32(file, indent, "swaps", component->swaps);
    dts_u32(file, indent, "text-bytes", component->text_bytes);
    dts_u32(file, indent, "rodata-bytes", component->rodata_bytes);
    if (component->state_bytes > 0) {
        dts_string(file, indent, "state-type", component->state_type);
        dts_u64(file, indent, "state-bytes", component->state_bytes);
        dts_u64(file, indent, "state-hash", component->state_hash);
    }
    dts_u32(file, indent, "pages", component->pages);
    dts_u32(file, indent, "registrations", component->registrations);
    dts_bindings(file, chart, &component->provides, false);
    dts_bindings(file, chart, &component->needs, true);
    fputs("\t\t};\n", file);
}

static void dts_totals(FILE *file, const struct chart *chart)
{
    fputs("\n\ttotals {\n", file);
    for (unsigned i = 0; i < chart->total_count; i++) {
        const struct chart_total *total = &chart->totals[i];
        if (total->cells == 2) {
            dts_u64(file, "\t\t", total->name, total->value);
        } else {
            dts_u32(file, "\t\t", total->name, (uint32_t)total->value);
        }
    }
    fputs("\t};\n", file);
}

int chart_write_dts(FILE *file, const struct chart *chart)
{
    fputs("/dts-v1/;\n\n/ {\n\t" CHART_NUCLEUS ": " CHART_NUCLEUS " {\n\t};\n", file);
    fputs("\n\tcomponents {", file);
    for (unsigned i = 0; i < chart->count; i++) {
        dts_component(file, chart, (int)i);
    }
    fputs("\t};\n", file);
    dts_totals(file, chart);
    return fputs("};\n", file) < 0 ? -EIO : 0;
}

/* --- a graph --- */

static void dot_node(FILE *file, const struct chart_component *component)
{
    char label[2 * CHART_NAME_BYTES];
    snprintf(label, sizeof(label), "%s %s", component->name, chart_version(component->version));
    fputs("    ", file);
    put_quoted(file, component->name);
    fputs(" [label=", file);
    put_quoted(file, label);
    fputs("];\n", file);
}

static void dot_edge(FILE *file, const struct chart_component *user,
                     const struct chart_binding *binding)
{
    char label[2 * CHART_NAME_BYTES];
    snprintf(label, sizeof(label), "%s %u.%u", binding->interface, binding->major, binding->minor);
    fputs("    ", file);
    put_quoted(file, user->name);
    fputs(" -> ", file);
    put_quoted(file, binding->provider);
    fputs(" [label=", file);
    put_quoted(file, label);
    fputs("];\n", file);
}

int chart_write_dot(FILE *file, const struct chart *chart)
{
    fputs("digraph world {\n    rankdir=TB;\n    node [shape=box, fontname=\"sans-serif\"];\n"
          "    edge [fontname=\"sans-serif\", fontsize=9];\n"
          "    { rank=max; \"" CHART_NUCLEUS "\" [style=filled]; }\n",
          file);
    for (unsigned i = 0; i < chart->count; i++) {
        dot_node(file, &chart->components[i]);
    }
    for (unsigned i = 0; i < chart->count; i++) {
        const struct chart_bindings *needs = &chart->components[i].needs;
        for (unsigned j = 0; j < needs->count; j++) {
            if (chart_find(chart, needs->list[j].provider) != CHART_NOBODY) {
                dot_edge(file, &chart->components[i], &needs->list[j]);
            }
        }
    }
    return fputs("}\n", file) < 0 ? -EIO : 0;
}

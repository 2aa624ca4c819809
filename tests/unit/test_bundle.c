/* SPDX-License-Identifier: MIT */
/* lib/bundle: what a good bundle shows, and that no bad one gets through or crashes it. */

#include <criterion/criterion.h>
#include <errno.h>
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

#include <lib/bundle.h>
#include <lib/crc.h>
#include <lib/version.h>

enum { ROOM = 8192 };

static const uint8_t object[40] = {0x7f, 'E', 'L', 'F'};

static void put_cells(void *fdt, const char *name, const uint32_t *values, int count)
{
    fdt32_t cells[8];
    for (int i = 0; i < count; i++) {
        cells[i] = cpu_to_fdt32(values[i]);
    }
    cr_assert_eq(fdt_property(fdt, name, cells, 4 * count), 0);
}

#define CELLS(fdt, name, ...)                                                                      \
    put_cells(fdt, name, (const uint32_t[]){__VA_ARGS__},                                          \
              (int)(sizeof((const uint32_t[]){__VA_ARGS__}) / 4))
/* A string list: "a\0b" has the last NUL from the literal. */
#define STRINGS(fdt, name, text) cr_assert_eq(fdt_property(fdt, name, text, sizeof(text)), 0)

static void put_component(void *fdt, const char *name)
{
    fdt_begin_node(fdt, "component");
    fdt_property_string(fdt, "name", name);
    CELLS(fdt, "version", 1, 2, 3);
    CELLS(fdt, "oldest", 1, 1, 0);
    fdt_property_string(fdt, "build", "00ff");
    STRINGS(fdt, "compatible", "a,b\0c,d");
    fdt_begin_node(fdt, "provides");
    fdt_begin_node(fdt, "counter");
    CELLS(fdt, "version", 1, 4);
    STRINGS(fdt, "methods", "counter_read\0counter_increment");
    CELLS(fdt, "hashes", 1, 2, 3, 4);
    STRINGS(fdt, "contexts", "any\0thread-once");
    STRINGS(fdt, "declarations", "int read;\n\0int increment;\n");
    fdt_end_node(fdt);
    fdt_end_node(fdt);
    fdt_begin_node(fdt, "needs");
    fdt_begin_node(fdt, "heap");
    CELLS(fdt, "version", 2, 0);
    CELLS(fdt, "below", 2, 7);
    STRINGS(fdt, "methods", "heap_free");
    CELLS(fdt, "hashes", 5, 6);
    fdt_end_node(fdt);
    fdt_end_node(fdt);
    fdt_begin_node(fdt, "state");
    fdt_property_string(fdt, "type", "struct counter");
    CELLS(fdt, "version", 1, 1, 0);
    CELLS(fdt, "size", 24);
    CELLS(fdt, "align", 8);
    CELLS(fdt, "hash", 7, 8);
    fdt_end_node(fdt);
    fdt_begin_node(fdt, "gates");
    STRINGS(fdt, "functions", "start");
    CELLS(fdt, "hashes", 9, 10);
    fdt_end_node(fdt);
    fdt_end_node(fdt);
}

/* Two components, of which only the first matters; a tree open for changes, to be freed. */
static void *build(void)
{
    static const char *const names[] = {"counter", "led_blink"};
    void *fdt = calloc(1, ROOM);
    cr_assert_eq(fdt_create(fdt, ROOM), 0);
    fdt_finish_reservemap(fdt);
    fdt_begin_node(fdt, "");
    fdt_property_string(fdt, "description", "two");
    CELLS(fdt, "neurath,format", 1);
    CELLS(fdt, "neurath,abi", 1);
    fdt_begin_node(fdt, "images");
    for (int i = 0; i < 2; i++) {
        fdt_begin_node(fdt, i == 0 ? "counter-1.2.3" : "led_blink-1.2.3");
        fdt_property_string(fdt, "description", "Counts");
        cr_assert_eq(fdt_property(fdt, "data", object, sizeof(object)), 0);
        fdt_begin_node(fdt, "hash-1");
        fdt_property_string(fdt, "algo", "crc32");
        CELLS(fdt, "value", crc32(object, sizeof(object)));
        fdt_end_node(fdt);
        put_component(fdt, names[i]);
        fdt_end_node(fdt);
    }
    fdt_end_node(fdt);
    fdt_end_node(fdt);
    cr_assert_eq(fdt_finish(fdt), 0);
    cr_assert_eq(fdt_open_into(fdt, fdt, ROOM), 0);
    return fdt;
}

static int open_tree(const void *fdt, struct bundle *bundle, struct why *why)
{
    *why = (struct why){""};
    return bundle_open(bundle, fdt, fdt_totalsize(fdt), 1, why);
}

Test(bundle, shows_all_of_a_component)
{
    void *fdt = build();
    struct bundle bundle;
    struct why why;
    struct component_descriptor c;
    int error = open_tree(fdt, &bundle, &why), cursor = 0;
    cr_assert_eq(error, 0, "%s", why.text);
    cr_assert_eq(bundle.component_count, 2);
    cr_assert_str_eq(bundle.description, "two");
    cr_assert(bundle_next(&bundle, &cursor, &c));
    cr_assert_str_eq(c.name, "counter");
    cr_assert_str_eq(c.summary, "Counts");
    cr_assert_str_eq(c.build, "00ff");
    cr_assert_eq(c.version, version_pack(1, 2, 3));
    cr_assert_eq(c.oldest, version_pack(1, 1, 0));
    cr_assert_eq(c.elf_size, sizeof(object));
    cr_assert_eq(memcmp(c.elf, object, sizeof(object)), 0);
    cr_assert_eq((uintptr_t)c.elf % 4, 0);
    cr_assert_eq(c.compatible_size, 8);
    cr_assert_str_eq(c.compatible + 4, "c,d");
    cr_assert_str_eq(c.state_type, "struct counter");
    cr_assert(c.state_size == 24 && c.state_align == 8 && c.state_hash == 0x700000008);
    cr_assert(bundle_next(&bundle, &cursor, &c));
    cr_assert_str_eq(c.name, "led_blink");
    cr_assert_not(bundle_next(&bundle, &cursor, &c));
    cr_assert_eq(bundle_find(&bundle, "led_blink", &c), 0);
    cr_assert_eq(bundle_find(&bundle, "nobody", &c), -ENOENT);
    free(fdt);
}

Test(bundle, walks_interfaces_methods_and_gates)
{
    void *fdt = build();
    struct bundle bundle;
    struct why why;
    struct component_descriptor c;
    struct descriptor_interface interface;
    struct descriptor_method method;
    int cursor = 0;
    cr_assert_eq(open_tree(fdt, &bundle, &why), 0);
    cr_assert_eq(bundle_find(&bundle, "counter", &c), 0);

    cr_assert(descriptor_next_interface(&bundle, c.provides, &cursor, &interface));
    cr_assert_str_eq(interface.name, "counter");
    cr_assert_eq(interface.version, version_pack(1, 4, 0));
    cr_assert_eq(interface.methods.count, 2);
    cr_assert(descriptor_next_method(&interface.methods, &method));
    cr_assert_str_eq(method.name, "counter_read");
    cr_assert(method.hash == 0x100000002 && method.context == METHOD_ANY);
    cr_assert_str_eq(method.declarations, "int read;\n");
    cr_assert(descriptor_next_method(&interface.methods, &method));
    cr_assert_str_eq(method.name, "counter_increment");
    cr_assert(method.hash == 0x300000004 && method.context == (METHOD_THREAD | METHOD_ONCE));
    cr_assert_str_eq(method.declarations, "int increment;\n");
    cr_assert_not(descriptor_next_method(&interface.methods, &method));
    cr_assert_not(descriptor_next_interface(&bundle, c.provides, &cursor, &interface));

    cr_assert(descriptor_find_interface(&bundle, c.provides, "counter", &interface));
    cr_assert_eq(interface.version, version_pack(1, 4, 0));
    cr_assert_eq(interface.methods.count, 2);
    cr_assert_not(descriptor_find_interface(&bundle, c.provides, "heap", &interface));
    cr_assert_not(descriptor_find_interface(&bundle, -1, "counter", &interface));

    cursor = 0;
    cr_assert(descriptor_next_interface(&bundle, c.needs, &cursor, &interface));
    cr_assert_str_eq(interface.name, "heap");
    cr_assert(interface.version == version_pack(2, 0, 0) &&
              interface.below == version_pack(2, 7, 0));
    cr_assert(descriptor_next_method(&interface.methods, &method));
    cr_assert_str_eq(method.declarations, "", "the list does not say");
    cr_assert(descriptor_next_method(&c.gates, &method));
    cr_assert_str_eq(method.name, "start");
    cr_assert_eq(method.hash, 0x90000000a);
    free(fdt);
}

Test(bundle, allows_what_is_optional_to_be_absent)
{
    static const char *const nodes[] = {"provides", "needs", "state", "gates"};
    void *fdt = build();
    struct bundle bundle;
    struct why why;
    struct component_descriptor c;
    struct descriptor_interface interface;
    int cursor = 0;
    for (size_t i = 0; i < 4; i++) {
        int component = fdt_path_offset(fdt, "/images/counter-1.2.3/component");
        cr_assert_eq(fdt_del_node(fdt, fdt_subnode_offset(fdt, component, nodes[i])), 0);
    }
    fdt_delprop(fdt, fdt_path_offset(fdt, "/images/counter-1.2.3"), "description");
    fdt_delprop(fdt, fdt_path_offset(fdt, "/images/counter-1.2.3/component"), "compatible");
    fdt_delprop(fdt, fdt_path_offset(fdt, "/images/counter-1.2.3/component"), "oldest");
    cr_assert_eq(open_tree(fdt, &bundle, &why), 0, "%s", why.text);
    cr_assert_eq(bundle_find(&bundle, "counter", &c), 0);
    cr_assert_null(c.state_type);
    cr_assert_null(c.compatible);
    cr_assert_str_eq(c.summary, "");
    cr_assert_eq(c.oldest, 0);
    cr_assert_eq(c.gates.count, 0);
    cr_assert_not(descriptor_next_interface(&bundle, c.provides, &cursor, &interface));
    cr_assert_not(descriptor_next_interface(&bundle, c.needs, &cursor, &interface));
    free(fdt);
}

#define IMAGE "/images/counter-1.2.3"
#define COMPONENT IMAGE "/component"

/* A property with a value that must be refused; size -1: it is taken away. */
static const struct {
    const char *node, *property;
    const void *value;
    int size, error;
} bad[] = {
    {"/", "neurath,format", NULL, -1, -EPROTO},
    {"/", "neurath,format", "\0\0\0\2", 4, -ENOEXEC},
    {"/", "neurath,abi", NULL, -1, -EPROTO},
    {"/", "neurath,abi", "\0\0\0\2", 4, -ENOEXEC},
    {"/", "neurath,abi", "\0\0\0\1\0\0\0\1", 8, -EPROTO},
    {"/", "description", "no end", 6, -EPROTO},
    {IMAGE, "data", NULL, -1, -EPROTO},
    {IMAGE, "data", "", 0, -EPROTO},
    {IMAGE, "data", "other", 5, -EBADMSG},
    {IMAGE, "description", "two\0texts", 10, -EPROTO},
    {IMAGE "/hash-1", "algo", NULL, -1, -EPROTO},
    {IMAGE "/hash-1", "algo", "md5", 4, -EPROTO},
    {IMAGE "/hash-1", "value", "\0\0\0\0", 4, -EBADMSG},
    {IMAGE "/hash-1", "value", "\0\0\0", 3, -EPROTO},
    {COMPONENT, "name", NULL, -1, -EPROTO},
    {COMPONENT, "name", "no end", 6, -EPROTO},
    {COMPONENT, "name", "two\0names", 10, -EPROTO},
    {COMPONENT, "build", "no end", 6, -EPROTO},
    {COMPONENT, "compatible", "no end", 6, -EPROTO},
    {COMPONENT, "version", NULL, -1, -EPROTO},
    {COMPONENT, "version", "\0\0\0\1\0\0\0\1", 8, -EPROTO},
    {COMPONENT, "version", "\0\0\1\0\0\0\0\0\0\0\0\0", 12, -EPROTO},
    {COMPONENT, "oldest", "\0\0\0\1\0\0\0\1", 8, -EPROTO},
    {COMPONENT, "oldest", "\0\0\1\0\0\0\0\0\0\0\0\0", 12, -EPROTO},
    {COMPONENT, "oldest", "\0\0\0\1\0\0\0\2\0\0\0\4", 12, -EPROTO},
    {COMPONENT "/provides/counter", "version", NULL, -1, -EPROTO},
    {COMPONENT "/provides/counter", "version", "\0\0\0\1\0\0\x10\0", 8, -EPROTO},
    {COMPONENT "/provides/counter", "methods", "a\0b\0c", 6, -EPROTO},
    {COMPONENT "/provides/counter", "methods", "a\0b", 3, -EPROTO},
    {COMPONENT "/provides/counter", "hashes", NULL, -1, -EPROTO},
    {COMPONENT "/provides/counter", "hashes", "\0\0\0\1", 4, -EPROTO},
    {COMPONENT "/provides/counter", "contexts", "any", 4, -EPROTO},
    {COMPONENT "/provides/counter", "contexts", "any\0any\0any", 12, -EPROTO},
    {COMPONENT "/provides/counter", "contexts", "any\0never", 10, -EPROTO},
    {COMPONENT "/provides/counter", "contexts", "any\0once", 9, -EPROTO},
    {COMPONENT "/provides/counter", "contexts", "any\0any", 7, -EPROTO},
    {COMPONENT "/provides/counter", "declarations", "one", 4, -EPROTO},
    {COMPONENT "/provides/counter", "declarations", "one\0two", 7, -EPROTO},
    {COMPONENT "/needs/heap", "hashes", "\0\0\0\1", 4, -EPROTO},
    {COMPONENT "/needs/heap", "below", "\0\0\0\3", 4, -EPROTO},
    {COMPONENT "/needs/heap", "below", "\0\0\0\2\0\0\0\0", 8, -EPROTO},
    {COMPONENT "/needs/heap", "below", "\0\0\0\1\0\0\0\5", 8, -EPROTO},
    {COMPONENT "/needs/heap", "below", "\0\0\1\0\0\0\0\0", 8, -EPROTO},
    {COMPONENT "/state", "type", NULL, -1, -EPROTO},
    {COMPONENT "/state", "version", NULL, -1, -EPROTO},
    {COMPONENT "/state", "version", "\0\0\1\0\0\0\0\0\0\0\0\0", 12, -EPROTO},
    {COMPONENT "/state", "size", NULL, -1, -EPROTO},
    {COMPONENT "/state", "align", "\0\0\0\0", 4, -EPROTO},
    {COMPONENT "/state", "align", "\0\0\0\3", 4, -EPROTO},
    {COMPONENT "/state", "hash", "\0\0\0\1", 4, -EPROTO},
    {COMPONENT "/gates", "hashes", "\0\0\0\1", 4, -EPROTO},
    {COMPONENT "/gates", "functions", "a", 1, -EPROTO},
};

Test(bundle, lets_a_need_go_up_to_the_next_major_version_if_it_does_not_say)
{
    void *fdt = build();
    struct bundle bundle;
    struct why why;
    struct component_descriptor c;
    struct descriptor_interface interface;
    int cursor = 0;
    cr_assert_eq(fdt_delprop(fdt, fdt_path_offset(fdt, COMPONENT "/needs/heap"), "below"), 0);
    cr_assert_eq(open_tree(fdt, &bundle, &why), 0, "%s", why.text);
    cr_assert_eq(bundle_find(&bundle, "counter", &c), 0);
    cr_assert(descriptor_next_interface(&bundle, c.needs, &cursor, &interface));
    cr_assert_eq(interface.below, version_pack(3, 0, 0));
    free(fdt);
}

Test(bundle, refuses_each_wrong_property)
{
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        void *fdt = build();
        struct bundle bundle;
        struct why why;
        int node = fdt_path_offset(fdt, bad[i].node);
        cr_assert_geq(node, 0);
        int changed = bad[i].size < 0
                          ? fdt_delprop(fdt, node, bad[i].property)
                          : fdt_setprop(fdt, node, bad[i].property, bad[i].value, bad[i].size);
        cr_assert_eq(changed, 0);
        int error = open_tree(fdt, &bundle, &why);
        cr_assert_eq(error, bad[i].error, "%s %s, case %zu: %d %s", bad[i].node, bad[i].property, i,
                     error, why.text);
        cr_assert(why.text[0]);
        free(fdt);
    }
}

Test(bundle, refuses_missing_nodes)
{
    static const char *const nodes[] = {"/images", COMPONENT, IMAGE "/hash-1"};
    for (size_t i = 0; i < 3; i++) {
        void *fdt = build();
        struct bundle bundle;
        struct why why;
        cr_assert_eq(fdt_del_node(fdt, fdt_path_offset(fdt, nodes[i])), 0);
        cr_assert_eq(open_tree(fdt, &bundle, &why), -EPROTO, "%s", nodes[i]);
        free(fdt);
    }
}

Test(bundle, names_image_and_property_in_its_words)
{
    void *fdt = build();
    struct bundle bundle;
    struct why why;
    fdt_setprop(fdt, fdt_path_offset(fdt, COMPONENT "/needs/heap"), "hashes", "\0\0\0\1", 4);
    cr_assert_eq(open_tree(fdt, &bundle, &why), -EPROTO);
    cr_assert_str_eq(why.text,
                     "image counter-1.2.3: needs: heap: property hashes has 4 bytes: need 8");
    free(fdt);
}

Test(bundle, takes_any_abi_if_told_so)
{
    void *fdt = build();
    struct bundle bundle;
    struct why why;
    cr_assert_eq(bundle_open(&bundle, fdt, fdt_totalsize(fdt), 2, &why), -ENOEXEC);
    cr_assert_eq(bundle_open(&bundle, fdt, fdt_totalsize(fdt), 0, &why), 0);
    free(fdt);
}

/* A copy of exactly that size, opened and, if it opens, used: the sanitizers watch. */
static int open_copy(const uint8_t *data, size_t size)
{
    void *copy = malloc(size);
    memcpy(copy, data, size);
    struct bundle bundle;
    struct why why = {""};
    int error = bundle_open(&bundle, copy, size, 0, &why), cursor = 0;
    cr_assert(error == 0 || why.text[0], "a refusal without words");
    if (error == 0) {
        struct component_descriptor c;
        while (bundle_next(&bundle, &cursor, &c)) {
            struct descriptor_interface interface;
            struct descriptor_method method;
            for (int i = 0; descriptor_next_interface(&bundle, c.provides, &i, &interface);) {
                while (descriptor_next_method(&interface.methods, &method)) {
                    cr_assert_lt(strlen(method.name), ROOM);
                }
            }
        }
    }
    free(copy);
    return error;
}

Test(bundle, refuses_data_cut_at_any_byte)
{
    void *fdt = build();
    fdt_pack(fdt);
    size_t size = fdt_totalsize(fdt);
    cr_assert_eq(open_copy(fdt, size), 0);
    for (size_t cut = 1; cut < size; cut++) {
        cr_assert_eq(open_copy(fdt, cut), -EBADMSG, "cut at %zu of %zu", cut, size);
    }
    free(fdt);
}

Test(bundle, survives_every_byte_and_word_set_to_extremes)
{
    static const uint8_t values[] = {0, 1, 2, 3, 4, 9, 0x7f, 0x80, 0xff};
    uint8_t *fdt = build();
    fdt_pack(fdt);
    size_t size = fdt_totalsize(fdt);
    for (size_t at = 0; at < size; at++) {
        uint8_t saved[4];
        size_t width = at % 4 == 0 && size - at >= 4 ? 4 : 1;
        memcpy(saved, fdt + at, width);
        for (size_t i = 0; i < sizeof(values); i++) {
            fdt[at] = values[i];
            (void)open_copy(fdt, size); /* must neither crash nor loop */
            memset(fdt + at, values[i], width);
            (void)open_copy(fdt, size);
            memcpy(fdt + at, saved, width);
        }
    }
    free(fdt);
}

Test(bundle, notices_every_flipped_bit_of_the_object)
{
    void *fdt = build();
    struct bundle bundle;
    struct why why;
    struct component_descriptor c;
    cr_assert_eq(open_tree(fdt, &bundle, &why), 0);
    cr_assert_eq(bundle_find(&bundle, "counter", &c), 0);
    uint8_t *data = (uint8_t *)fdt + ((const uint8_t *)c.elf - (const uint8_t *)fdt);
    for (size_t bit = 0; bit < 8 * sizeof(object); bit++) {
        data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        cr_assert_eq(open_tree(fdt, &bundle, &why), -EBADMSG);
        data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    free(fdt);
}

Test(bundle, refuses_data_at_an_odd_address)
{
    void *fdt = build();
    struct bundle bundle;
    struct why why;
    cr_assert_eq(bundle_open(&bundle, (const uint8_t *)fdt + 4, 100, 0, &why), -EINVAL);
    free(fdt);
}

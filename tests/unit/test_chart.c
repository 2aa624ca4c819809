/* SPDX-License-Identifier: MIT */
/*
 * The world as device-tree source, as a graph, as a picture: of parts as the wire brings them, also
 * with names that mean something in the format which they are written in.
 */
#include <criterion/criterion.h>

#include "lib/message.h"
#include "tools/nr/chart.c"
#include "tools/nr/chart_svg.c"

static struct message_writer writer;
static char buffer[8192];
static char written[100000];

static void put_binding(const char *interface, uint8_t minor, const char *provider)
{
    uint8_t version[8] = {[3] = 1, [7] = minor};
    message_begin_node(&writer, interface);
    message_put_bytes(&writer, "version", version, sizeof(version));
    message_put_u32(&writer, "methods", 3);
    message_put_string(&writer, "provider", provider);
    message_end_node(&writer);
}

/* A component that provides an interface of its name and needs those that two others provide. */
static void put_component(const char *name, uint32_t id, const char *first, const char *second)
{
    message_begin_node(&writer, name);
    message_put_u32(&writer, "id", id);
    message_put_u32(&writer, "version", 1u << 24 | 2u << 12 | id);
    message_put_u32(&writer, "build", 0xabcd1234);
    message_put_string(&writer, "state-type", "struct thing");
    message_put_u64(&writer, "state-bytes", id * 100);
    message_put_u64(&writer, "state-hash", 0x123456789abcdef0);
    message_put_u32(&writer, "pages", 7);
    message_begin_node(&writer, "provides");
    put_binding(name, 0, name);
    message_end_node(&writer);
    message_begin_node(&writer, "needs");
    if (first) {
        put_binding(first, 2, first);
    }
    if (second) {
        put_binding(second, 3, second);
    }
    message_end_node(&writer);
    message_end_node(&writer);
}

static void begin_part(void)
{
    message_begin(&writer, buffer, sizeof(buffer));
    message_begin_node(&writer, "components");
}

static void end_part(struct chart *chart, bool is_last)
{
    message_end_node(&writer);
    if (is_last) {
        message_begin_node(&writer, "totals");
        message_put_u64(&writer, "uptime-ns", 5000000000);
        message_put_u32(&writer, "cpus", 4);
        message_end_node(&writer);
    }
    cr_assert_gt(message_finish(&writer), 0);
    chart_take(chart, buffer);
    cr_assert_eq(chart->error, 0);
}

/* shell -> console -> serial, and serial -> console: a ring. All but heap use the nucleus. */
static struct chart make_world(void)
{
    struct chart chart = {0};
    begin_part();
    put_component("console", 1, "serial", "nucleus");
    put_component("heap", 2, NULL, NULL);
    end_part(&chart, false);
    begin_part();
    put_component("serial", 3, "console", "nucleus");
    put_component("shell", 4, "console", "heap");
    put_component("i2c", 5, "nobody", NULL);
    end_part(&chart, true);
    return chart;
}

static const char *write_down(int (*form)(FILE *, const struct chart *), const struct chart *chart)
{
    FILE *file = fmemopen(written, sizeof(written), "w");
    cr_assert_eq(form(file, chart), 0);
    cr_assert_eq(fclose(file), 0);
    return written;
}

/* What dtc makes of what was written; the caller frees it. It must have nothing to complain of. */
static void *compile(void)
{
    char name[] = "/tmp/test-chart-XXXXXX", command[128];
    void *tree = calloc(1, sizeof(written));
    int fd = mkstemp(name);
    cr_assert_geq(fd, 0);
    FILE *file = fdopen(fd, "w");
    fputs(written, file);
    fclose(file);
    snprintf(command, sizeof(command), "dtc -I dts -O dtb %s 2>&1", name);
    FILE *pipe = popen(command, "r");
    size_t size = fread(tree, 1, sizeof(written), pipe);
    cr_assert_eq(pclose(pipe), 0, "%.*s\n%s", (int)size, (char *)tree, written);
    cr_assert_eq(fdt_check_full(tree, size), 0, "%.*s", (int)size, (char *)tree);
    remove(name);
    return tree;
}

Test(chart, takes_a_world_part_by_part)
{
    struct chart chart = make_world();
    cr_assert_eq(chart.count, 5);
    cr_assert_eq(chart_find(&chart, "shell"), 3);
    cr_assert_eq(chart_find(&chart, "nucleus"), CHART_IS_NUCLEUS);
    cr_assert_eq(chart_find(&chart, "nobody"), CHART_NOBODY);
    cr_assert_eq(chart.components[3].needs.count, 2);
    cr_assert_str_eq(chart.components[3].needs.list[1].provider, "heap");
    cr_assert_eq(chart.total_count, 2);
    chart_free(&chart);
}

Test(chart, is_device_tree_source_whose_references_lead_to_the_providers)
{
    struct chart chart = make_world();
    write_down(chart_write_dts, &chart);
    void *tree = compile();
    int shell = fdt_path_offset(tree, "/components/shell-1.2.4");
    int need = fdt_path_offset(tree, "/components/shell-1.2.4/needs/heap-1.3");
    cr_assert_geq(shell, 0);
    cr_assert_eq(client_number(tree, shell, "state-hash"), 0x123456789abcdef0);
    cr_assert_eq(client_number(tree, shell, "state-bytes"), 400);
    cr_assert_eq(client_number(tree, shell, "pages"), 7);
    cr_assert_eq(client_number(tree, need, "methods"), 3);
    cr_assert_eq(fdt_node_offset_by_phandle(tree, (uint32_t)client_number(tree, need, "provider")),
                 fdt_path_offset(tree, "/components/heap-1.2.2"));
    need = fdt_path_offset(tree, "/components/serial-1.2.3/needs/nucleus-1.3");
    cr_assert_eq(fdt_node_offset_by_phandle(tree, (uint32_t)client_number(tree, need, "provider")),
                 fdt_path_offset(tree, "/nucleus"));
    need = fdt_path_offset(tree, "/components/i2c-1.2.5/needs/nobody-1.2");
    cr_assert_geq(need, 0);
    cr_assert_null(fdt_getprop(tree, need, "provider", NULL));
    cr_assert_eq(client_number(tree, fdt_path_offset(tree, "/totals"), "uptime-ns"), 5000000000);
    free(tree);
    chart_free(&chart);
}

Test(chart, is_a_graph_with_each_component_and_each_binding)
{
    struct chart chart = make_world();
    const char *dot = write_down(chart_write_dot, &chart);
    cr_assert_not_null(strstr(dot, "digraph world {\n"));
    cr_assert_not_null(strstr(dot, "    \"shell\" [label=\"shell 1.2.4\"];\n"), "%s", dot);
    cr_assert_not_null(strstr(dot, "    \"shell\" -> \"heap\" [label=\"heap 1.3\"];\n"));
    cr_assert_not_null(strstr(dot, "    \"serial\" -> \"console\" [label=\"console 1.2\"];\n"));
    cr_assert_not_null(strstr(dot, "    \"console\" -> \"serial\" [label=\"serial 1.2\"];\n"));
    cr_assert_not_null(strstr(dot, "    \"console\" -> \"nucleus\" [label=\"nucleus 1.3\"];\n"));
    cr_assert_null(strstr(dot, "-> \"nobody\""));
    chart_free(&chart);
}

/* Elements are closed in the order in which they were opened, and no sign stands where it may not.
 */
static void must_be_well_formed(const char *xml)
{
    char open[16][16];
    unsigned depth = 0;
    for (const char *at = xml; *at; at++) {
        cr_assert_neq(*at, '>', "a lone > at \"%.30s\"", at);
        if (*at == '&') {
            cr_assert_eq(strspn(at + 1, "agltmpquo"), strcspn(at + 1, ";"), "%.30s", at);
        }
        if (*at != '<') {
            continue;
        }
        const char *end = strchr(at, '>');
        cr_assert_not_null(end);
        cr_assert_null(memchr(at + 1, '<', (size_t)(end - at - 1)), "%.60s", at);
        if (at[1] == '/') {
            cr_assert_gt(depth, 0);
            depth--;
            cr_assert_eq(strncmp(at + 2, open[depth], strlen(open[depth])), 0, "%.40s", at);
        } else if (end[-1] != '/' && at[1] != '?') {
            cr_assert_lt(depth, 16);
            snprintf(open[depth++], 16, "%.*s", (int)strcspn(at + 1, " >"), at + 1);
        }
        at = end;
    }
    cr_assert_eq(depth, 0);
}

static int top_of_text(const char *svg, const char *text)
{
    char end[64];
    snprintf(end, sizeof(end), "class=\"name\">%s</text>", text);
    const char *at = strstr(svg, end);
    cr_assert_not_null(at, "%s in %s", text, svg);
    while (strncmp(at, " y=\"", 4) != 0) {
        at--;
    }
    return atoi(at + 4);
}

Test(chart, is_a_picture_with_users_above_their_providers)
{
    struct chart chart = make_world();
    const char *svg = write_down(chart_write_svg, &chart);
    must_be_well_formed(svg);
    cr_assert_lt(top_of_text(svg, "shell"), top_of_text(svg, "console"));
    cr_assert_lt(top_of_text(svg, "shell"), top_of_text(svg, "heap"));
    cr_assert_not_null(strstr(svg, "<title>shell uses console 1.2 of console</title>"), "%s", svg);
    cr_assert_not_null(strstr(svg, "class=\"line up\""), "a ring has one line upwards");
    cr_assert_not_null(strstr(svg, ", used by 2 of 5 components"));
    chart_free(&chart);
}

Test(chart, breaks_a_long_row_and_keeps_its_boxes_apart)
{
    struct chart chart = {0};
    struct drawing drawing = {.chart = &chart};
    char name[16];
    for (uint32_t i = 0; i < 30; i++) {
        begin_part();
        snprintf(name, sizeof(name), "part%u", i);
        put_component(name, i + 1, i >= 25 ? "part3" : NULL, NULL);
        end_part(&chart, false);
    }
    drawing.boxes = calloc(30, sizeof(*drawing.boxes));
    drawing.order = calloc(30, sizeof(*drawing.order));
    lay_out(&drawing);
    cr_assert_eq(drawing.rows, 1 + (25 + ROW_BOXES - 1) / ROW_BOXES);
    for (unsigned i = 0; i < 30; i++) {
        for (unsigned j = i + 1; j < 30; j++) {
            const struct box *a = &drawing.boxes[i], *b = &drawing.boxes[j];
            double apart = a->middle < b->middle ? b->middle - a->middle : a->middle - b->middle;
            cr_assert(a->row != b->row || apart >= BOX_WIDTH + GAP, "%u on %u", i, j);
        }
        cr_assert_geq(drawing.boxes[i].middle, MARGIN + BOX_WIDTH / 2.0);
        cr_assert_leq(drawing.boxes[i].middle, drawing.width - MARGIN - BOX_WIDTH / 2.0);
    }
    free(drawing.boxes);
    free(drawing.order);
    chart_free(&chart);
}

Test(chart, escapes_what_a_board_calls_its_components)
{
    static const char name[] = "a<b>&\"c\\;}\x01\xff";
    struct chart chart = {0};
    begin_part();
    put_component(name, 1, "plain", name);
    put_component("plain", 2, name, NULL);
    put_component("9", 3, "a-b", "a_b");
    put_component("a-b", 4, NULL, NULL);
    put_component("a_b", 5, NULL, NULL);
    end_part(&chart, true);
    must_be_well_formed(write_down(chart_write_svg, &chart));
    cr_assert_not_null(strstr(written, "a&lt;b&gt;&amp;&quot;c\\;}?\?<"), "%s", written);
    write_down(chart_write_dot, &chart);
    cr_assert_not_null(strstr(written, "\"plain\" -> \"a<b>&\\\"c\\\\;}??\" "), "%s", written);
    write_down(chart_write_dts, &chart);
    free(compile());
    chart_free(&chart);
}

Test(chart, of_nothing_is_valid_too)
{
    struct chart chart = {0};
    must_be_well_formed(write_down(chart_write_svg, &chart));
    write_down(chart_write_dts, &chart);
    free(compile());
    cr_assert_not_null(strstr(write_down(chart_write_dot, &chart), "}\n"));
}

/* SPDX-License-Identifier: MIT */
/*
 * What the host tool makes of a machine's world: forms that other programs read, and a component
 * put in as `nr watch` does at each save.
 */
#include <errno.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/hotswap/suite.h"
#include "tools/nr/chart.h"
#include "tools/nr/port.h"
#include "tools/nr/watch.h"

#define PLACE "build/tests/world"

TestSuite(tools, .init = suite_attach, .fini = suite_detach, .timeout = 120);

static void take_part(void *context, const void *tree)
{
    chart_take(context, tree);
}

static struct chart read_chart(void)
{
    struct chart chart = {0};
    struct client_call call = {.on_part = take_part, .context = &chart};
    client_begin(&machine.client, &call, "world");
    must(client_call(&machine.client, &call, MACHINE_ANSWER_MS, &why));
    cr_assert_eq(chart.error, 0);
    return chart;
}

/* Written to PLACE and read back; the caller frees it. */
static char *write_down(int (*form)(FILE *, const struct chart *), const struct chart *chart)
{
    size_t size;
    FILE *file = fopen(PLACE, "w");
    cr_assert_not_null(file);
    cr_assert_eq(form(file, chart), 0);
    cr_assert_eq(fclose(file), 0);
    char *text = client_read_file(PLACE, &size, &why);
    cr_assert_not_null(text, "%s", why.text);
    char *whole = realloc(text, size + 1);
    whole[size] = 0;
    return whole;
}

static void must_hold_all(const char *dot, const char *svg, const struct chart *chart)
{
    char words[256];
    for (unsigned i = 0; i < chart->count; i++) {
        const struct chart_component *component = &chart->components[i];
        snprintf(words, sizeof(words), "\"%s\" [label=\"%s %s\"]", component->name, component->name,
                 chart_version(component->version));
        cr_expect_not_null(strstr(dot, words), "%s", words);
        snprintf(words, sizeof(words), "class=\"name\">%s</text>", component->name);
        cr_expect_not_null(strstr(svg, words), "%s", words);
        for (unsigned j = 0; j < component->needs.count; j++) {
            const struct chart_binding *need = &component->needs.list[j];
            snprintf(words, sizeof(words), "\"%s\" -> \"%s\" [label=\"%s %u.%u\"]", component->name,
                     need->provider, need->interface, need->major, need->minor);
            cr_expect(need->provider[0] == 0 || strstr(dot, words), "%s", words);
        }
    }
}

/* dtc says nothing, and its tree has as many components as the board. */
static void must_compile(unsigned count)
{
    size_t size;
    unsigned found = 0;
    int node;
    cr_assert_eq(system("dtc -I dts -O dtb -o " PLACE ".dtb " PLACE " 2>" PLACE ".log && "
                        "! grep . " PLACE ".log"),
                 0);
    void *tree = client_read_file(PLACE ".dtb", &size, &why);
    cr_assert_not_null(tree, "%s", why.text);
    cr_assert_eq(fdt_check_full(tree, size), 0);
    fdt_for_each_subnode(node, tree, fdt_path_offset(tree, "/components"))
    {
        found++;
    }
    cr_assert_eq(found, count);
    cr_assert_geq(fdt_path_offset(tree, "/components/load-1.0.0/needs/counter-1.0"), 0);
    free(tree);
}

Test(tools, write_the_world_for_other_programs)
{
    struct chart chart = read_chart();
    cr_assert_gt(chart.count, 15);
    cr_assert_gt(chart.total_count, 10);
    free(write_down(chart_write_dts, &chart));
    must_compile(chart.count);
    char *dot = write_down(chart_write_dot, &chart);
    char *svg = write_down(chart_write_svg, &chart);
    must_hold_all(dot, svg, &chart);
    cr_assert_eq(system("/usr/bin/python3 -c 'import sys, xml.sax; "
                        "xml.sax.parse(sys.argv[1], xml.sax.ContentHandler())' " PLACE),
                 0, "no XML");
    free(dot);
    free(svg);
    chart_free(&chart);
}

/* A variant stands for what a save would make. Numbers of seconds depend on the host: none here. */
Test(tools, put_in_what_was_saved_and_say_how_it_went)
{
    struct watch_times times = {.saved = now_ms(), .built = now_ms()};
    machine.client.options.probation_ms = 100;
    must(watch_push(&machine.client, PACKAGE("counter-1.1.0+rebuilt"), &times, &why));
    cr_assert_gt(times.sent, 0);
    cr_assert_geq(times.running, times.sent);
    times.built = now_ms();
    must_refuse(watch_push(&machine.client, "README.md", &times, &why), "refused: ");
    must(watch_push(&machine.client, PACKAGE("counter-1.1.0"), &times, &why));
    machine.client.options.probation_ms = 0;
}

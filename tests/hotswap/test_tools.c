/* SPDX-License-Identifier: MIT */
/*
 * What the host tool makes of a machine's world, forms that other programs read; and the tool
 * itself, as a person calls it.
 */
#include <errno.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/harness/trace_rules.h"
#include "tests/hotswap/program.h"
#include "tests/hotswap/suite.h"
#include "tools/nr/chart.h"

#define PLACE "build/tests/world"
#define TRACE "build/tests/recorded.json"
#define NR "build/tools/nr --port build/tests/" SUITE_MACHINE ".console "
#define SAYS_MS 60000

/* For those that have the line to themselves. */
TestSuite(command_lines, .timeout = 180);

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

Test(command_lines, record_for_a_while_and_keep_to_the_rules_of_the_format)
{
    struct trace_rules rules;
    size_t size;
    suite_sh(NR "trace --out " TRACE " --for 0.2 console wire 2>" TRACE ".said");
    suite_sh("grep -Eq '^nr: [0-9]+ calls, [0-9]+ swaps; lost: 0 calls, 0 swaps$' " TRACE ".said");
    char *json = client_read_file(TRACE, &size, &why);
    cr_assert_not_null(json, "%s", why.text);
    must(trace_rules_check(json, size, &rules, &why));
    cr_expect_gt(rules.running, 0);
    cr_expect_gt(rules.interrupts, 0);
    free(json);
    suite_sh("! " NR "trace --for 0.2 2>" TRACE ".said >/dev/null");
    suite_sh("grep -q 'nr: --for takes seconds, and the names of components' " TRACE ".said");
}

Test(command_lines, give_the_world_to_other_programs)
{
    suite_sh(NR "world --dts | dtc -I dts -O dtb -o " PLACE ".dtb 2>" PLACE ".log");
    suite_sh("! grep . " PLACE ".log && fdtget -t s " PLACE ".dtb /components/load-1.0.0 component "
             "| grep -qx load");
    suite_sh(NR "world --svg | /usr/bin/python3 -c 'import sys, xml.sax; "
                "xml.sax.parse(sys.stdin.buffer, xml.sax.ContentHandler())'");
    suite_sh(NR "world --dot >" PLACE ".dot && grep -q '\"load\" -> \"counter\"' " PLACE ".dot");
    suite_sh("! command -v dot || dot -Tsvg -o " PLACE ".svg " PLACE ".dot");
}

Test(command_lines, take_the_keys_of_top)
{
    static struct program program;
    program_start(&program, NR "top h");
    program_expect(&program, "[h heap]", SAYS_MS);
    program_type(&program, "n");
    program_expect(&program, ">component", SAYS_MS);
    program_expect(&program, "[n name]", SAYS_MS);
    program_type(&program, "I");
    program_expect(&program, "calls are counted", SAYS_MS);
    program_expect(&program, "[I in]", SAYS_MS);
    program_type(&program, "s");
    program_expect(&program, "keys in capitals count calls", SAYS_MS);
    program_expect(&program, "[s swaps]", SAYS_MS);
    program_type(&program, "q");
    cr_expect_eq(program_end(&program), 0);
    suite_attach();
    suite_until("trace", "nothing is traced");
    suite_detach();
}

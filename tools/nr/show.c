/* SPDX-License-Identifier: MIT */
/*
 * How answers look to a person.
 */
#include "tools/nr/show.h"

#include <libfdt.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/nr/client.h"

#define BAR_CELLS 40

static const char *string(const void *tree, int node, const char *name)
{
    int size;
    const char *value = fdt_getprop(tree, node, name, &size);
    return value && size > 0 && value[size - 1] == 0 ? value : "";
}

static void show_bindings(const void *tree, int component, const char *list)
{
    int node = fdt_subnode_offset(tree, component, list);
    int binding;
    if (node < 0 || fdt_first_subnode(tree, node) < 0) {
        return;
    }
    printf("    %s", list);
    fdt_for_each_subnode(binding, tree, node)
    {
        const char *provider = string(tree, binding, "provider");
        const uint32_t *version = fdt_getprop(tree, binding, "version", NULL);
        printf(" %s %u.%u", fdt_get_name(tree, binding, NULL), version ? fdt32_ld(version) : 0,
               version ? fdt32_ld(version + 1) : 0);
        if (strcmp(list, "needs") == 0 && provider[0]) {
            printf(" (%s)", provider);
        }
    }
    putchar('\n');
}

static void show_component(const void *tree, int node)
{
    uint32_t version = (uint32_t)client_number(tree, node, "version");
    char text[24];
    unsigned long long code =
        client_number(tree, node, "text-bytes") + client_number(tree, node, "rodata-bytes");
    snprintf(text, sizeof(text), "%u.%u.%u", version >> 24, version >> 12 & 0xfff, version & 0xfff);
    printf("%-16s %-9s build %08x  code %6llu  swaps %-5u pages %-4u registered %u",
           fdt_get_name(tree, node, NULL), text, (unsigned)client_number(tree, node, "build"), code,
           (unsigned)client_number(tree, node, "swaps"),
           (unsigned)client_number(tree, node, "pages"),
           (unsigned)client_number(tree, node, "registrations"));
    if (client_number(tree, node, "state-bytes") > 0) {
        printf("  state %s, %llu bytes", string(tree, node, "state-type"),
               (unsigned long long)client_number(tree, node, "state-bytes"));
    }
    putchar('\n');
    show_bindings(tree, node, "provides");
    show_bindings(tree, node, "needs");
}

static void show_totals(const void *tree, int node)
{
    printf("\n%llu of %llu pages free, %llu of %llu bytes of arena free, %u of %u gates free\n",
           (unsigned long long)client_number(tree, node, "pages-free"),
           (unsigned long long)client_number(tree, node, "pages"),
           (unsigned long long)client_number(tree, node, "arena-free-bytes"),
           (unsigned long long)client_number(tree, node, "arena-bytes"),
           (unsigned)client_number(tree, node, "gates-free"),
           (unsigned)client_number(tree, node, "gates"));
    printf("%u components, %u replaced but in limbo, %u threads, %u CPUs, up %.1f s\n",
           (unsigned)client_number(tree, node, "components"),
           (unsigned)client_number(tree, node, "in-limbo"),
           (unsigned)client_number(tree, node, "threads"),
           (unsigned)client_number(tree, node, "cpus"),
           (double)client_number(tree, node, "uptime-ns") / 1e9);
    printf("%u transactions, worst blackout %.1f us, world %016llx\n",
           (unsigned)client_number(tree, node, "transactions"),
           (double)client_number(tree, node, "worst-blackout-ns") / 1000,
           (unsigned long long)client_number(tree, node, "hash"));
}

void show_world(const void *tree)
{
    int components = fdt_path_offset(tree, "/components");
    int totals = fdt_path_offset(tree, "/totals");
    int node;
    if (components >= 0) {
        fdt_for_each_subnode(node, tree, components)
        {
            show_component(tree, node);
        }
    }
    if (totals >= 0) {
        show_totals(tree, totals);
    }
}

void show_report(const struct client_report *report)
{
    char text[256];
    client_describe(report, text, sizeof(text));
    printf("%s\n", text);
    fflush(stdout); /* whatever comes next may take a while */
}

void show_settled(const struct client_report *report)
{
    if (report->probation_ms) {
        printf("%s stays, after %u calls\n", report->new, report->calls);
    } else {
        show_report(report);
    }
}

void show_progress(unsigned long done, unsigned long size)
{
    if (isatty(STDERR_FILENO) && size > 0) {
        int full = (int)(done * BAR_CELLS / size);
        fprintf(stderr, "\r  [%.*s%*s] %lu of %lu bytes", full,
                "########################################", BAR_CELLS - full, "", done, size);
    }
}

void show_progress_end(void)
{
    if (isatty(STDERR_FILENO)) {
        fprintf(stderr, "\r\033[K");
    }
}

void show_progress_lines(unsigned long done, unsigned long size)
{
    static unsigned long tenths;
    show_progress(done, size);
    if (!isatty(STDERR_FILENO) && done * 10 / size != tenths) {
        tenths = done * 10 / size;
        fprintf(stderr, "nr: %lu of %lu bytes\n", done, size);
    }
}

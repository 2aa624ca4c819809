/* SPDX-License-Identifier: MIT */
/* What components claim is in the device trees that boards are started with: ours, and Debian's. */
#include <criterion/criterion.h>
#include <libfdt.h>
#include <stdio.h>
#include <string.h>

#include "lib/devicetree.h"

/* Each string that a component claims, or says that it drives; a line each. */
#define CLAIMED                                                                                    \
    "grep -rhoE --include='*.c' --exclude='test_*' "                                               \
    "'(device_claim\\(|\\.compatible = )\"[^\"]*\"' components | cut -d '\"' -f 2 | sort -u"

/* Debian's has these once U-Boot has put them in. */
static const char ours[] = "neurath,";

static char fdt[256 << 10] __attribute__((aligned(8)));
static struct devicetree tree;

static void read_tree(const char *name)
{
    FILE *file = fopen(name, "rb");
    cr_assert_not_null(file, "%s", name);
    size_t size = fread(fdt, 1, sizeof(fdt), file);
    fclose(file);
    cr_assert_eq(fdt_check_full(fdt, size), 0, "%s", name);
    cr_assert_eq(devicetree_open(&tree, fdt), 0, "%s", name);
}

/* How many of the strings were looked for; each that is missing fails the test. */
static unsigned look_up(bool is_ours)
{
    char line[128];
    unsigned count = 0;
    FILE *claimed = popen(CLAIMED, "r");
    cr_assert_not_null(claimed);
    while (fgets(line, sizeof(line), claimed)) {
        line[strcspn(line, "\n")] = 0;
        if (is_ours || strncmp(line, ours, sizeof(ours) - 1) != 0) {
            cr_expect_geq(devicetree_find_device(&tree, -1, line), 0, "no node is a %s", line);
            count++;
        }
    }
    cr_assert_eq(pclose(claimed), 0);
    return count;
}

Test(device_trees, ours_has_what_components_claim)
{
    read_tree("build/boot/bcm2711-rpi-4-b.dtb");
    cr_assert_geq(look_up(true), 20u);
}

Test(device_trees, debians_has_what_components_claim)
{
    read_tree(".cache/debian-tree/bcm2711-rpi-4-b.dtb");
    cr_assert_geq(look_up(false), 18u);
}

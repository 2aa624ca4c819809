/* SPDX-License-Identifier: MIT */
/* Device trees of boards, and such as no board has. */
#include "devicetree.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *tree; /* flattened */
static struct devicetree nodes;

/* Compiles the source of a tree. */
static void use(const char *source)
{
    char name[] = "/tmp/devicetree-XXXXXX", command[128];
    int fd = mkstemp(name);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, source, strlen(source)), (ssize_t)strlen(source));
    close(fd);
    snprintf(command, sizeof(command), "dtc -q -I dts -O dtb %s", name);
    FILE *pipe = popen(command, "r");
    free(tree);
    tree = calloc(1, 65536);
    size_t size = fread(tree, 1, 65536, pipe);
    cr_assert_eq(pclose(pipe), 0, "dtc refuses it");
    unlink(name);
    cr_assert_eq(fdt_check_full(tree, size), 0);
    cr_assert_eq(devicetree_open(&nodes, tree), 0);
}

static int node(const char *path)
{
    int offset = fdt_path_offset(tree, path);
    cr_assert_geq(offset, 0, "%s", path);
    return offset;
}

/* All rows of a node's reg, as text. */
static const char *rows(const char *path)
{
    static char text[512];
    uint64_t address, size;
    text[0] = 0;
    for (unsigned i = 0; devicetree_read_reg(&nodes, node(path), i, &address, &size) == 0; i++) {
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "%llx+%llx ",
                 (unsigned long long)address, (unsigned long long)size);
    }
    return text;
}

TestSuite(devicetree, .timeout = 30);

/* What the firmware of boards of 1, 2, 4 and 8 GB writes, with 76 MiB for the VideoCore. */
Test(devicetree, has_the_ram_of_each_board)
{
    use("/dts-v1/; / { #address-cells = <2>; #size-cells = <1>;"
        "memory@0 { device_type = \"memory\"; reg = <0 0 0x3b400000>; }; };");
    cr_expect_str_eq(rows("/memory@0"), "0+3b400000 ");
    use("/dts-v1/; / { #address-cells = <2>; #size-cells = <1>;"
        "memory@0 { reg = <0 0 0x3b400000>, <0 0x40000000 0x40000000>; }; };");
    cr_expect_str_eq(rows("/memory@0"), "0+3b400000 40000000+40000000 ");
    use("/dts-v1/; / { #address-cells = <2>; #size-cells = <1>;"
        "memory@0 { reg = <0 0 0x3b400000>, <0 0x40000000 0xbc000000>; }; };");
    cr_expect_str_eq(rows("/memory@0"), "0+3b400000 40000000+bc000000 ");
    use("/dts-v1/; / { #address-cells = <2>; #size-cells = <2>;"
        "memory@0 { reg = <0 0 0 0x3b400000>, <0 0x40000000 0 0xbc000000>,"
        "<1 0 1 0>; }; };");
    cr_expect_str_eq(rows("/memory@0"), "0+3b400000 40000000+bc000000 100000000+100000000 ");
}

#define SOC                                                                                        \
    "/dts-v1/; / { #address-cells = <2>; #size-cells = <1>;"                                       \
    "soc { #address-cells = <1>; #size-cells = <1>;"                                               \
    "ranges = <0x7e000000 0 0xfe000000 0x1800000>, <0x40000000 0 0xff800000 0x800000>;"            \
    "inner { #address-cells = <1>; #size-cells = <1>; ranges;"                                     \
    "uart@7e201000 { reg = <0x7e201000 0x200>; interrupts = <0 121 4>; }; };"                      \
    "local@40000000 { reg = <0x40000000 0x100>; interrupts = <1 14 8>; status = \"disabled\"; };"  \
    "far@10 { reg = <0x10 0x10>; status = \"okay\"; }; };"                                         \
    "wall { #address-cells = <1>; #size-cells = <1>; behind { reg = <0x10 0x10>; }; }; };"

static int translated(const char *path, uint64_t *address)
{
    uint64_t size;
    cr_assert_eq(devicetree_read_reg(&nodes, node(path), 0, address, &size), 0);
    return devicetree_translate(&nodes, node(path), address);
}

Test(devicetree, translates_through_the_ranges_of_each_bus)
{
    uint64_t address;
    use(SOC);
    cr_expect_eq(translated("/soc/inner/uart@7e201000", &address), 0);
    cr_expect_eq(address, 0xfe201000);
    cr_expect_eq(translated("/soc/local@40000000", &address), 0);
    cr_expect_eq(address, 0xff800000);
    cr_expect_eq(translated("/soc/far@10", &address), -EINVAL, "in none of the ranges");
    cr_expect_eq(translated("/wall/behind", &address), -EINVAL, "a bus without ranges");
}

Test(devicetree, reads_cells_of_a_node_of_the_buses_above_it_and_of_nodes_in_it)
{
    uint32_t value = 0;
    use("/dts-v1/; / { own = <1>; bus { own = <2 3>; device { own = <4>; }; }; };");
    int device = node("/bus/device");
    cr_expect(devicetree_read_u32(&nodes, device, "own", 0, &value) == 0 && value == 4);
    cr_expect(devicetree_read_u32(&nodes, device, "../own", 1, &value) == 0 && value == 3);
    cr_expect(devicetree_read_u32(&nodes, device, "../../own", 0, &value) == 0 && value == 1);
    cr_expect_eq(devicetree_read_u32(&nodes, device, "own", 1, &value), -ENOENT);
    cr_expect_eq(devicetree_read_u32(&nodes, device, "../none", 0, &value), -ENOENT);
    cr_expect_eq(devicetree_read_u32(&nodes, device, "../../../own", 0, &value), -ENOENT);
    cr_expect_eq(devicetree_read_u32(&nodes, node("/bus"), "none/own", 0, &value), -ENOENT);
    cr_expect_eq(devicetree_read_u32(&nodes, node("/bus"), "dev/own", 0, &value), -ENOENT);
    cr_expect_eq(value, 1);
    cr_expect(devicetree_read_u32(&nodes, node("/bus"), "device/own", 0, &value) == 0);
    cr_expect_eq(value, 4);
}

Test(devicetree, knows_status_and_interrupts)
{
    use(SOC);
    cr_expect_eq(devicetree_read_gic_irq(tree, node("/soc/inner/uart@7e201000")), 153);
    cr_expect_eq(devicetree_read_gic_irq(tree, node("/soc/local@40000000")), 30);
    cr_expect_eq(devicetree_read_gic_irq(tree, node("/soc/far@10")), -ENOENT);
    cr_expect(devicetree_is_okay(tree, node("/soc/inner/uart@7e201000")));
    cr_expect(devicetree_is_okay(tree, node("/soc/far@10")));
    cr_expect_not(devicetree_is_okay(tree, node("/soc/local@40000000")));
}

Test(devicetree, finds_the_console_by_alias_or_path)
{
    use("/dts-v1/; / { aliases { serial1 = \"/uart\"; };"
        "chosen { stdout-path = \"serial1:115200n8\"; }; uart { }; };");
    cr_expect_eq(devicetree_find_console(tree), node("/uart"));
    use("/dts-v1/; / { chosen { stdout-path = \"/uart\"; }; uart { }; };");
    cr_expect_eq(devicetree_find_console(tree), node("/uart"));
    use("/dts-v1/; / { chosen { stdout-path = \"nobody:1\"; }; };");
    cr_expect_lt(devicetree_find_console(tree), 0);
    use("/dts-v1/; / { chosen { stdout-path = [41 42]; }; };");
    cr_expect_lt(devicetree_find_console(tree), 0, "a text without an end");
    use("/dts-v1/; / { chosen { }; };");
    cr_expect_lt(devicetree_find_console(tree), 0);
}

Test(devicetree, takes_no_harm_from_an_absurd_tree)
{
    uint64_t address, size;
    use("/dts-v1/; / { #address-cells = <0>; #size-cells = <9>;"
        "a { reg = <1 2 3>; interrupts = <7 5000 1>; status = [6f 6b]; };"
        "b { #address-cells = <1>; #size-cells = <1>; ranges = <1 2>; reg = <1>;"
        "c { reg = <0xffffffff 0xffffffff>; interrupts = <0>; x = <1>, <2>; y = [00]; }; }; };");
    cr_expect_lt(devicetree_read_reg(&nodes, node("/a"), 0, &address, &size), 0);
    cr_expect_lt(devicetree_read_reg(&nodes, node("/b"), 0, &address, &size), 0);
    cr_expect_eq(devicetree_read_reg(&nodes, node("/b/c"), 0, &address, &size), 0);
    cr_expect_eq(devicetree_read_reg(&nodes, node("/b/c"), 1, &address, &size), -ENOENT);
    cr_expect_eq(devicetree_read_reg(&nodes, node("/b/c"), UINT32_MAX, &address, &size), -ENOENT);
    cr_expect_eq(devicetree_translate(&nodes, node("/b/c"), &address), -EINVAL);
    cr_expect_eq(devicetree_read_gic_irq(tree, node("/a")), -ENOENT);
    cr_expect_eq(devicetree_read_gic_irq(tree, node("/b/c")), -ENOENT);
    cr_expect_not(devicetree_is_okay(tree, node("/a")), "a text without an end");
    cr_expect_eq(devicetree_read_number(tree, node("/b/c"), "x"), 0x100000002u);
    cr_expect_eq(devicetree_read_number(tree, node("/b/c"), "y"), 0);
    cr_expect_eq(devicetree_read_number(tree, node("/b/c"), "z"), 0);
}

Test(devicetree, has_the_baud_rate_of_the_console)
{
    uint32_t baud = 7;
    use("/dts-v1/; / { chosen { stdout-path = \"serial1:921600n8\"; }; };");
    cr_expect_eq(devicetree_read_console_baud(tree, &baud), 0);
    cr_expect_eq(baud, 921600u);
    use("/dts-v1/; / { chosen { stdout-path = \"/soc/serial:9600\"; }; };");
    cr_expect_eq(devicetree_read_console_baud(tree, &baud), 0);
    cr_expect_eq(baud, 9600u);
    static const char *const none[] = {"serial0",   "serial0:",  "serial0:n8",
                                       "serial0:0", "serial0:x", "serial0:99999999999999999999n8"};
    for (unsigned i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        char source[128];
        snprintf(source, sizeof(source), "/dts-v1/; / { chosen { stdout-path = \"%s\"; }; };",
                 none[i]);
        use(source);
        cr_expect_eq(devicetree_read_console_baud(tree, &baud), -ENOENT, "%s", none[i]);
    }
    use("/dts-v1/; / { chosen { stdout-path = [31 3a 39]; }; };");
    cr_expect_eq(devicetree_read_console_baud(tree, &baud), -ENOENT, "a string without an end");
    use("/dts-v1/; / { };");
    cr_expect_eq(devicetree_read_console_baud(tree, &baud), -ENOENT);
    cr_expect_eq(baud, 9600u);
}

Test(devicetree, finds_devices_in_their_order)
{
    use("/dts-v1/; / { compatible = \"board\"; a { compatible = \"x,new\", \"x,old\"; b { }; };"
        "c { compatible = \"x,old\"; }; };");
    int first = devicetree_find_device(&nodes, -1, "x,old");
    cr_expect_eq(first, node("/a"));
    cr_expect_eq(devicetree_find_device(&nodes, first, "x,old"), node("/c"));
    cr_expect_lt(devicetree_find_device(&nodes, node("/c"), "x,old"), 0);
    cr_expect_lt(devicetree_find_device(&nodes, -1, "x"), 0);
    cr_expect_eq(devicetree_find_device(&nodes, -1, "board"), 0);
}

Test(devicetree, has_no_more_than_so_many_nodes)
{
    static char source[20 * DEVICETREE_NODES_MAX];
    char *end = source + sprintf(source, "/dts-v1/; / {");
    for (unsigned i = 1; i < DEVICETREE_NODES_MAX; i++) { /* and the root */
        end += sprintf(end, "n%u { };", i);
    }
    strcpy(end, "};");
    use(source);
    cr_expect_eq(nodes.count, DEVICETREE_NODES_MAX);
    cr_assert_eq(fdt_open_into(tree, tree, 65536), 0);
    cr_expect_geq(fdt_add_subnode(tree, 0, "more"), 0);
    cr_expect_eq(devicetree_open(&nodes, tree), -E2BIG);
}

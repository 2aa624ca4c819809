/* SPDX-License-Identifier: MIT */
/*
 * Boards other than QEMU's: device trees as the firmware of boards with 1, 2, 4 and 8 GB passes
 * them, and that of Debian's kernel.
 */
#include <string.h>

#include "tests/harness/direct.h"
#include "tests/hotswap/suite.h"

#define DEBIAN_TREE ".cache/debian-tree/bcm2711-rpi-4-b.dtb"

/* As the firmware writes it, with 76 MiB for the VideoCore. */
#define RAM_1GB "0 0 0x3b400000"
#define RAM_2GB RAM_1GB " 0 0x40000000 0x40000000"
#define RAM_4GB RAM_1GB " 0 0x40000000 0xbc000000"
#define RAM_8GB RAM_4GB " 1 0 0x80000000 1 0x80000000 0x80000000"

TestSuite(boards, .fini = suite_detach, .timeout = 120); /* machines of their own */

/*
 * Boots, and looks for what the log says of RAM. QEMU has 2 GiB at most: what the tree says of more
 * is reserved as absent.
 */
static void boots(const char *tree, const char *ram, const char *words)
{
    const struct direct direct = {.name = "board", .tree = tree, .ram = ram};
    must(direct_start(&machine, &direct, &why));
    const char *log = suite_until("log 100", "vfs: mmc0p1 is /card");
    cr_assert_not_null(strstr(log, words), "%s", log);
    cr_assert_eq(suite_world_now().cpus, 4);
}

Test(boards, with_1_gb)
{
    boots(NULL, RAM_1GB, ", 943 MiB of RAM,");
}

Test(boards, with_2_gb)
{
    boots(NULL, RAM_2GB, ", 1967 MiB of RAM,");
}

Test(boards, with_4_gb)
{
    boots(NULL, RAM_4GB, ", 1967 MiB of RAM,");
}

Test(boards, with_8_gb)
{
    boots(NULL, RAM_8GB, ", 1967 MiB of RAM,");
}

Test(boards, with_the_device_tree_of_debians_kernel)
{
    boots(DEBIAN_TREE, RAM_1GB, ", 943 MiB of RAM,");
    suite_says("screen", "640 x 480");
    suite_says("watchdog", "the watchdog does not run");
    suite_says("sd", "mmc0: ");
    suite_says("led", "now o");
}

/* U-Boot adds the node that tells which slot runs. */
Test(boards, with_the_device_tree_of_debians_kernel_by_way_of_u_boot)
{
    must(machine_start_with(&machine, "board", "-dtb " DEBIAN_TREE, &why));
    suite_says("world boot_slots", "device boot");
    suite_until("slots", "slot a");
    suite_says("slots", "runs");
}

/* Each is told in words or passed over; what is not absurd works. */
Test(boards, with_an_absurd_device_tree)
{
    static const char tree[] = "build/tests/absurd_tree.dtb";
    suite_sh("cp " DIRECT_OUR_TREE " %s", tree);
    suite_sh("fdtput -t x %s /soc/gpio@7e200000 reg 0 0xb4",
             tree); /* on no bus that is passed on */
    suite_sh("fdtput -t x %s /soc/usb@7e980000 reg 0x7e980000 0xffffffff", tree); /* too long */
    suite_sh("fdtput -t bx %s /soc/spi@7e204000 reg 1 2 3", tree);                /* no cells */
    suite_sh("fdtput -t x %s /soc/i2c@7e804000 interrupts 0xffffffff 0xffffffff 0xffffffff", tree);
    suite_sh("fdtput -t s %s /chosen stdout-path nowhere:what", tree);
    suite_sh("fdtput -p -t x %s /reserved-memory/no@0 reg 0xffffffff 0xffffffff 0xffffffff", tree);
    suite_sh("fdtput -t s %s /aliases serial0 /soc", tree);
    boots(tree, "0 0 0x3c000000 0xffffffff 0xfffffff0 0x1000", " MiB of RAM,");
    const char *log = suite_run("log 100");
    cr_expect_not_null(strstr(log, "is absurd: ignored"), "%s", log);
    cr_expect_not_null(strstr(log, "gpio did not start, and stays idle"), "%s", log);
    cr_expect_not_null(strstr(log, "dwc2: there is no USB here"), "%s", log);
    suite_says("ls /card", "components");
    must(machine_push(&machine, PACKAGE("led_blink-1.1.0"), "", NULL, &why));
}

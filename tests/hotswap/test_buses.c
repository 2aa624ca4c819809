/* SPDX-License-Identifier: MIT */
/*
 * The buses of the header with devices on them, which QEMU can attach: a thermometer on i2c1, a
 * flash memory on spi0. A machine of its own, since the others' has none.
 */
#include <errno.h>
#include <string.h>

#include "tests/harness/direct.h"
#include "tests/hotswap/suite.h"

#define DEVICES "-device tmp105,bus=i2c-bus.1,address=0x48 -device en25q32b,bus=spi"

static struct machine board = {.qmp = -1, .log = -1, .lock = -1, .client = {.fd = -1}};
static char output[4096];

static void begin(void)
{
    must(direct_start(&board, &(struct direct){.name = "buses", .options = DEVICES}, &why));
}

static void end(void)
{
    machine_stop(&board);
}

TestSuite(buses, .init = begin, .fini = end, .timeout = 180);

static void expect(const char *line, const char *words)
{
    must(machine_run(&board, line, output, sizeof(output), &why));
    cr_expect_str_eq(output, words, "%s says: %s", line, output);
}

/* Its registers 2 and 3 are limits of the temperature, 75 and 80 degrees at first. */
Test(buses, i2c_finds_and_talks_to_a_device_also_after_its_driver_was_replaced)
{
    struct client_report report;
    expect("i2c scan 0", "0 devices\n");
    expect("i2c scan 1", "0x48\n1 device\n");
    expect("i2c transfer 1 0x48 2 2", "4b 00\n");
    expect("i2c transfer 1 0x48 0 3 0x12 0x30", "");
    must(machine_push(&board, PACKAGE("i2c-1.0.0+rebuilt"), "", &report, &why));
    cr_expect_str_eq(report.transfer, "adopted");
    expect("i2c transfer 1 0x48 2 3", "12 30\n");
    cr_expect_lt(machine_run(&board, "i2c transfer 1 0x49 1", output, sizeof(output), &why), 0);
    cr_expect_str_eq(output, "nobody answers at 0x49\n");
    must(machine_run(&board, "gpio 2", output, sizeof(output), &why));
    cr_expect_not_null(strstr(output, "alt0"), "says: %s", output);
}

/* What the flash memory answers to 9f: manufacturer, type, capacity. */
Test(buses, spi_reads_what_a_device_is)
{
    must(machine_push(&board, PACKAGE("spi-1.0.0+rebuilt"), "", NULL, &why));
    must(machine_run(&board, "spi 0 0x9f 0 0 0", output, sizeof(output), &why));
    cr_expect_not_null(strstr(output, " 1c 30 16\n"), "says: %s", output);
}

/* SPDX-License-Identifier: MIT */
/*
 * The end of a run: a restart boots again, a power-off ends QEMU. Each test has a machine of its
 * own.
 */
#include <string.h>
#include <sys/wait.h>

#include "tests/hotswap/suite.h"
#include "tools/nr/port.h"

#define SAYS_MS 20000

static struct machine board = {.qmp = -1, .log = -1, .lock = -1, .client = {.fd = -1}};

static void begin(void)
{
    must(machine_start(&board, "power", &why));
}

static void end(void)
{
    machine_stop(&board);
}

TestSuite(power_down, .init = begin, .fini = end, .timeout = 240);

Test(power_down, reboot_boots_again_also_after_its_driver_was_replaced)
{
    must(machine_push(&board, PACKAGE("power-1.0.0+rebuilt"), "", NULL, &why));
    machine_type(&board, "reboot\n");
    must(machine_expect(&board, "restarting", SAYS_MS, &why));
    must(machine_expect(&board, "U-Boot", SAYS_MS, &why));
    must(machine_expect(&board, MACHINE_PROMPT, MACHINE_BOOT_MS, &why));
}

Test(power_down, poweroff_switches_the_machine_off)
{
    int status = -1;
    machine_type(&board, "poweroff\n");
    must(machine_expect(&board, "going off", SAYS_MS, &why));
    /* Its CPU would wait for ever at the UART if nobody read what is said at the end. */
    uint64_t end_ms = now_ms() + SAYS_MS;
    while (client_pump(&board.client, 1000) == 0 && now_ms() < end_ms) {
    }
    cr_assert_eq(waitpid(board.pid, &status, 0), board.pid); /* or the test's deadline */
    board.pid = 0;
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status 0x%x", status);
    cr_expect_null(strstr(board.text, MACHINE_PANIC));
}

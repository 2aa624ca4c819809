/* SPDX-License-Identifier: MIT */
/*
 * Drivers of the board's small devices, as far as QEMU has them: what is absent there is said, and
 * nothing else suffers.
 */
#include <errno.h>
#include <string.h>

#include "tests/hotswap/suite.h"

TestSuite(drivers, .init = suite_attach, .fini = suite_detach, .timeout = 120);

Test(drivers, of_absent_devices_say_so_and_can_be_replaced_all_the_same)
{
    suite_fails("random", "no random number generator");
    suite_fails("temperature", "no thermal sensor");
    suite_fails("pwm", "no PWM");
    must(machine_push(&machine, PACKAGE("rng-1.0.0+rebuilt"), "", NULL, &why));
    must(machine_push(&machine, PACKAGE("thermal-1.0.0+rebuilt"), "", NULL, &why));
    must(machine_push(&machine, PACKAGE("pwm-1.0.0+rebuilt"), "", NULL, &why));
    suite_fails("random", "no random number generator");
    suite_fails("temperature", "no thermal sensor");
    suite_fails("pwm", "no PWM");
}

/* The second copy is begun by one version, and ended by the next. */
Test(drivers, dma_copies_a_mebibyte_also_across_a_replacement)
{
    static const char right[] = "1048576 bytes copied, 0 words wrong\n";
    struct client_report report;
    (void)suite_run("dma copy 1024");
    cr_expect_str_eq(suite_run("dma check"), right);
    (void)suite_run("dma copy 1024");
    must(machine_push(&machine, PACKAGE("dma-1.0.0+rebuilt"), "", &report, &why));
    cr_expect_str_eq(report.transfer, "adopted");
    cr_expect_str_eq(suite_run("dma check"), right);
    cr_expect_not_null(strstr(suite_run("dma"), "4 channels, "));
    cr_expect_not_null(strstr(suite_run("dma"), ", 0 errors"));
    must(machine_push(&machine, PACKAGE("dma-1.0.0"), "", NULL, &why));
}

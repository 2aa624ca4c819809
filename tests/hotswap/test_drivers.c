/* SPDX-License-Identifier: MIT */
/*
 * Drivers of the board's small devices, as far as QEMU has them: what is absent there is said, and
 * nothing else suffers.
 */
#include <errno.h>
#include <string.h>

#include "tests/hotswap/suite.h"

TestSuite(drivers, .init = suite_attach, .fini = suite_detach, .timeout = 120);

/* The command fails, and says why. */
static void must_say(const char *line, const char *words)
{
    char output[512];
    int result = machine_run(&machine, line, output, sizeof(output), &why);
    cr_expect_lt(result, 0, "%s", line);
    cr_expect_not_null(strstr(output, words), "%s says: %s", line, output);
}

Test(drivers, of_absent_devices_say_so_and_can_be_replaced_all_the_same)
{
    must_say("random", "no random number generator");
    must_say("temperature", "no thermal sensor");
    must_say("pwm", "no PWM");
    must(machine_push(&machine, PACKAGE("rng-1.0.0+rebuilt"), "", NULL, &why));
    must(machine_push(&machine, PACKAGE("thermal-1.0.0+rebuilt"), "", NULL, &why));
    must(machine_push(&machine, PACKAGE("pwm-1.0.0+rebuilt"), "", NULL, &why));
    must_say("random", "no random number generator");
    must_say("temperature", "no thermal sensor");
    must_say("pwm", "no PWM");
}

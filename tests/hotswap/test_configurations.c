/* SPDX-License-Identifier: MIT */
/*
 * The configurations for boards, images/configs/, each built beside ours and started in QEMU by its
 * own U-Boot, to the shell's prompt.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/hotswap/suite.h"

TestSuite(configurations, .fini = suite_detach, .timeout = 300); /* machines of their own */

static void start(const char *name)
{
    char text[256];
    /* This may be run by a make, whose words are not for another. */
    snprintf(text, sizeof(text),
             "env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL tools/build-as %s -s -j2 build/neurath.img "
             ">build/tests/%s.build.log 2>&1",
             name, name);
    cr_assert_eq(system(text), 0, "see build/tests/%s.build.log", name);
    snprintf(text, sizeof(text), "build/as/%s/build", name);
    cr_assert_eq(setenv("BUILD", text, 1), 0);
    snprintf(text, sizeof(text), "build/as/%s/build/neurath.img", name);
    must(machine_start_card(&machine, name, text, "-snapshot", &why));
    cr_expect_eq(suite_world_now().cpus, 4);
    suite_until("df", "/card ");
}

Test(configurations, pi4_starts)
{
    start("pi4");
    cr_expect_gt(suite_version("sched_fair"), 0u);
    must(machine_load(&machine, "ramdisk", NULL, &why)); /* on the card, as ours */
}

/* All that it has is there from the start. */
Test(configurations, pi4_minimal_starts)
{
    start("pi4_minimal");
    cr_expect_eq(suite_version("load"), 0u);
    cr_expect_eq(suite_version("counter"), 0u);
    must_refuse(machine_load(&machine, "ramdisk", NULL, &why), "ramdisk");
}

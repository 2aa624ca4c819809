/* SPDX-License-Identifier: MIT */
/* What the nucleus lends for C's memory functions, in the machine: compiled as it is used. */
#include "tests/hotswap/suite.h"

TestSuite(memory, .init = suite_attach, .fini = suite_detach, .timeout = 60);

Test(memory, functions_do_what_loops_over_bytes_do)
{
    must(machine_push(&machine, PACKAGE("mover-1.0.0"), "", NULL, &why));
    must(machine_unload(&machine, "mover", NULL, &why));
}

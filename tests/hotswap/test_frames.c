/* SPDX-License-Identifier: MIT */
/*
 * No frame is dropped when the code that draws them is replaced: on a machine of its own, in which
 * an instruction takes one nanosecond, so that the host's pace does not matter.
 */
#include <stdio.h>

#include "tests/harness/direct.h"
#include "tests/hotswap/suite.h"

#define SWAPS 20u

TestSuite(frames, .fini = suite_detach, .timeout = 240);

/* Returns how many there were; none is missing. */
static unsigned expect_all_frames(int version)
{
    int says = 0;
    unsigned drawn = 0;
    unsigned long long shown = 0, again = 0, dropped = 0;
    const char *text = suite_run("plasma");
    cr_assert_eq(sscanf(text,
                        "version %d: %u frames drawn, %llu shown, %llu tried again, %llu dropped",
                        &says, &drawn, &shown, &again, &dropped),
                 5, "%s", text);
    cr_expect_eq(says, version);
    cr_expect_eq(again, 0u, "%s", text);
    cr_expect_eq(dropped, 0u, "%s", text);
    cr_expect_leq(shown - drawn, 1u, "%s", text); /* one may be shown between the two counts */
    return drawn;
}

Test(frames, none_is_dropped_when_the_renderer_is_replaced)
{
    must(direct_start(&machine,
                      &(struct direct){.name = "frames", .options = MACHINE_ONE_INSTRUCTION_PER_NS},
                      &why));
    must(machine_push(&machine, PACKAGE("plasma-1.0.0"), "", NULL, &why));
    suite_run("screen 6");
    unsigned before = expect_all_frames(1);
    for (unsigned i = 0; i < SWAPS; i++) {
        must(machine_push(&machine, i % 2 ? PACKAGE("plasma-1.0.0") : PACKAGE("plasma-2.0.0"), "",
                          NULL, &why));
        unsigned drawn = expect_all_frames(i % 2 ? 1 : 2);
        cr_expect_gt(drawn, before);
        before = drawn;
    }
    fprintf(stderr, "  %u frames, %u swaps\n", before, SWAPS);
}

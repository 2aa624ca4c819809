/* SPDX-License-Identifier: MIT */
/* Reads the load's account; see calls.h. */

#include "tests/hotswap/calls.h"

#include <stdio.h>
#include <string.h>

#include "tests/hotswap/suite.h"

struct calls calls_read(const char *expected_state)
{
    struct calls calls;
    char state[16];
    const char *text = suite_run("drive show");
    int found = sscanf(text,
                       "%15[a-z]: %*u workers, %llu calls made, %llu answered, %llu failed; "
                       "counted %llu",
                       state, &calls.made, &calls.answered, &calls.failed, &calls.counted);
    cr_assert_eq(found, 5, "drive says: %s", text);
    cr_assert_str_eq(state, expected_state);
    return calls;
}

struct calls calls_stop(void)
{
    suite_run("drive stop");
    for (unsigned i = 0; i < 1000 && !strstr(suite_run("drive show"), "stopped: "); i++) {
    }
    return calls_read("stopped");
}

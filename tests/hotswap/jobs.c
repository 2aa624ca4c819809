/* SPDX-License-Identifier: MIT */
/* Jobs of files; see jobs.h. */
#include "tests/hotswap/jobs.h"

#include <stdio.h>
#include <string.h>

#include "tests/hotswap/suite.h"

unsigned job_begin(const char *line)
{
    const char *said = suite_run(line);
    unsigned number = 0;
    cr_assert_eq(sscanf(said, "job %u", &number), 1, "%s: %s", line, said);
    return number;
}

const char *job_look(unsigned number)
{
    static char line[256];
    char expected[64];
    const char *said = suite_run("jobs");
    snprintf(expected, sizeof(expected), "job %u ", number);
    said = strstr(said, expected);
    cr_assert_not_null(said, "job %u is not there", number);
    snprintf(line, sizeof(line), "%.*s", (int)strcspn(said, "\n"), said);
    return line + strlen(expected);
}

void job_end(unsigned number, const char *words)
{
    for (unsigned i = 0; i < SUITE_PATIENCE; i++) {
        const char *line = job_look(number);
        if (strstr(line, ": done")) {
            cr_assert_not_null(strstr(line, words), "%s", line);
            return;
        }
        cr_assert_null(strstr(line, "failed"), "%s", line);
        cr_assert_null(strstr(line, "differs"), "%s", line);
    }
    cr_assert_fail("job %u does not end", number);
}

/* SPDX-License-Identifier: MIT */
/*
 * Measures, and compares what was measured.
 *
 *     build/tests/bench measure FILE.json       measures, prints and writes all figures
 *     build/tests/bench compare OLD NEW         prints them side by side
 *
 * Status: 0 done; 1 some have become worse; 2 wrong use, or it cannot be done.
 */
#include <stdio.h>
#include <string.h>

#include "measure.h"

static int fail(const struct why *why)
{
    fprintf(stderr, "bench: %s\n", why->text);
    return 2;
}

static int run_measure(const char *path)
{
    static struct figures figures;
    struct why why;
    if (measure_all(&figures, &why) < 0 || figures_write(&figures, path, &why) < 0) {
        return fail(&why);
    }
    figures_print(&figures, stdout);
    return 0;
}

static int run_compare(const char *old_path, const char *new_path)
{
    static struct figures old, new;
    struct why why;
    if (figures_read(&old, old_path, &why) < 0 || figures_read(&new, new_path, &why) < 0) {
        return fail(&why);
    }
    unsigned worse = figures_compare(&old, &new, stdout);
    if (worse > 0) {
        printf("%u worse by more than %.0f %%\n", worse, FIGURES_TOLERANCE);
    }
    return worse > 0;
}

int main(int argc, char **argv)
{
    if (argc == 3 && !strcmp(argv[1], "measure")) {
        return run_measure(argv[2]);
    }
    if (argc == 4 && !strcmp(argv[1], "compare")) {
        return run_compare(argv[2], argv[3]);
    }
    fprintf(stderr, "usage: bench measure FILE.json | bench compare OLD.json NEW.json\n");
    return 2;
}

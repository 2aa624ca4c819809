/* SPDX-License-Identifier: MIT */
/*
 * Measures, and compares what was measured.
 *
 *     build/tests/bench measure FILE.json       measures, prints and writes all figures
 *     build/tests/bench compare OLD NEW         prints them side by side
 *     build/tests/bench differ ONE OTHER        prints those that are not equal
 *
 * Status: 0 done; 1 some have become worse, or better, or differ; 2 wrong use, or it cannot be
 * done.
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
    struct figures_changes changes = figures_compare(&old, &new, stdout);
    if (changes.worse + changes.better > 0) {
        printf("%u worse, %u better\n", changes.worse, changes.better);
    }
    return changes.worse + changes.better > 0;
}

static int run_differ(const char *one_path, const char *other_path)
{
    static struct figures one, other;
    struct why why;
    if (figures_read(&one, one_path, &why) < 0 || figures_read(&other, other_path, &why) < 0) {
        return fail(&why);
    }
    unsigned different = figures_differ(&one, &other, stdout);
    printf("%u of %zu figures differ\n", different, one.count);
    return different > 0;
}

int main(int argc, char **argv)
{
    if (argc == 3 && !strcmp(argv[1], "measure")) {
        return run_measure(argv[2]);
    }
    if (argc == 4 && !strcmp(argv[1], "compare")) {
        return run_compare(argv[2], argv[3]);
    }
    if (argc == 4 && !strcmp(argv[1], "differ")) {
        return run_differ(argv[2], argv[3]);
    }
    fprintf(stderr, "usage: bench measure FILE.json | bench compare OLD.json NEW.json | "
                    "bench differ ONE.json OTHER.json\n");
    return 2;
}

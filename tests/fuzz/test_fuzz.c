/* SPDX-License-Identifier: MIT */
/* Replays the corpus of each fuzz target: what once broke something, or shows a way through it. */

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/fuzz/fuzz.h"

static void replay(const char *name, void (*target)(const uint8_t *data, size_t size))
{
    char folder[64], path[512];
    unsigned count = 0;
    snprintf(folder, sizeof(folder), "tests/fuzz/corpus/%s", name);
    DIR *directory = opendir(folder);
    cr_assert_not_null(directory, "%s", folder);
    for (struct dirent *entry; (entry = readdir(directory));) {
        static uint8_t bytes[1 << 16];
        if (entry->d_name[0] == '.') {
            continue;
        }
        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        FILE *file = fopen(path, "rb");
        cr_assert_not_null(file, "%s", path);
        size_t size = fread(bytes, 1, sizeof(bytes), file);
        fclose(file);
        target(bytes, size);
        count++;
    }
    closedir(directory);
    cr_assert_gt(count, 0, "%s is empty", folder);
}

Test(fuzz, replays_bundles, .timeout = 60)
{
    replay("bundle", fuzz_bundle);
}

Test(fuzz, replays_objects, .timeout = 60)
{
    replay("object", fuzz_object);
}

Test(fuzz, replays_types, .timeout = 60)
{
    replay("types", fuzz_types);
}

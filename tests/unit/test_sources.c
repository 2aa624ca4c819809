/* SPDX-License-Identifier: MIT */
/*
 * Which saves concern a component: in a tree of its own, with notes as the compiler writes them.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/nr/sources.h"

static struct sources sources;
static char root[] = "/tmp/test-sources-XXXXXX";

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(name, "w");
    cr_assert_not_null(file, "%s", name);
    fputs(text, file);
    fclose(file);
}

static void begin(void)
{
    cr_assert_not_null(mkdtemp(root));
    cr_assert_eq(chdir(root), 0);
    cr_assert_eq(system("mkdir -p components/led components/other lib include/interface "
                        "build/components/led/lib"),
                 0);
    write_file("build/components/led/led.c.d",
               "build/components/led/led.c.o: components/led/led.c \\\n build/generated/x.h "
               "include/interface/led.h \\\n /usr/include/stdint.h\ninclude/interface/led.h:\n");
    write_file("build/components/led/lib/crc.c.d", "crc.c.o: lib/crc.c lib/crc.h\n");
    struct why why;
    cr_assert_eq(sources_open(&sources, "led", &why), 0);
}

static void end(void)
{
    char command[64];
    sources_close(&sources);
    snprintf(command, sizeof(command), "rm -rf %s", root);
    cr_assert_eq(system(command), 0);
}

TestSuite(sources, .init = begin, .fini = end);

/* The name that is told when a file was written, or "". */
static const char *save(const char *name)
{
    static char saved[256];
    saved[0] = 0;
    write_file(name, "x");
    cr_assert_eq(sources_take(&sources, saved, sizeof(saved)), saved[0] != 0);
    return saved;
}

Test(sources, are_what_the_compiler_noted)
{
    cr_assert_eq(sources.count, 4);
    cr_assert_str_eq(save("components/led/led.c"), "components/led/led.c");
    cr_assert_str_eq(save("include/interface/led.h"), "include/interface/led.h");
    cr_assert_str_eq(save("lib/crc.c"), "lib/crc.c");
    cr_assert_str_eq(save("lib/crc.h"), "lib/crc.h");
    cr_assert_str_eq(save("lib/cobs.c"), "");
    cr_assert_str_eq(save("include/interface/heap.h"), "");
}

Test(sources, are_the_folders_too_but_for_tests_and_what_editors_leave)
{
    cr_assert_str_eq(save("components/led/new.c"), "components/led/new.c");
    cr_assert_str_eq(save("components/led/component.mk"), "components/led/component.mk");
    cr_assert_str_eq(save("components/led/test_led.c"), "");
    cr_assert_str_eq(save("components/led/.led.c"), "");
    cr_assert_str_eq(save("components/led/led.c~"), "");
    cr_assert_str_eq(save("components/other/led.c"), "");
}

Test(sources, are_saved_when_another_file_takes_their_place)
{
    char saved[256] = "";
    cr_assert_str_eq(save("components/led/temporary"), "");
    cr_assert_eq(rename("components/led/temporary", "components/led/led.c"), 0);
    cr_assert(sources_take(&sources, saved, sizeof(saved)));
    cr_assert_str_eq(saved, "components/led/led.c");
    cr_assert_not(sources_take(&sources, saved, sizeof(saved)));
}

Test(sources, grow_with_the_next_build)
{
    struct why why;
    cr_assert_str_eq(save("lib/cobs.c"), "");
    write_file("build/components/led/lib/cobs.c.d", "cobs.c.o: lib/cobs.c\n");
    cr_assert_eq(sources_learn(&sources, &why), 0);
    cr_assert_str_eq(save("lib/cobs.c"), "lib/cobs.c");
    cr_assert_eq(sources_learn(&sources, &why), 0);
    cr_assert_eq(sources.count, 5);
}

Test(sources, of_no_component_are_refused)
{
    struct sources none;
    struct why why;
    cr_assert_eq(sources_open(&none, "nothing", &why), -ENOENT);
    cr_assert_str_eq(why.text, "there is no components/nothing here");
    cr_assert_eq(sources_open(&none, "../lib", &why), -ENOENT);
    cr_assert_eq(sources_open(&none, "", &why), -ENOENT);
}

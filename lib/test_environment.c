/* SPDX-License-Identifier: MIT */
/* U-Boot's environment: also with mkenvimage, fw_printenv and fw_setenv, both ways. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "environment.h"

#define DATA (ENVIRONMENT_BYTES - ENVIRONMENT_HEADER_BYTES)

static uint8_t image[ENVIRONMENT_BYTES];
static char value[64];

static void fill(const char *text, size_t size)
{
    environment_clear(image);
    memcpy(image + ENVIRONMENT_HEADER_BYTES, text, size);
}

static const char *get(const char *name)
{
    return environment_get(image, name, value, sizeof(value)) < 0 ? "(none)" : value;
}

Test(environment, changes_a_variable_and_keeps_those_of_others)
{
    static const char text[] = "a=1\0slot=a\0others=x=y z\0slotted=2\0";
    fill(text, sizeof(text));
    cr_expect_eq(environment_set(image, "slot", "b"), 0);
    cr_expect_eq(environment_set(image, "bootcount", "0"), 0);
    cr_expect_str_eq(get("slot"), "b");
    cr_expect_str_eq(get("others"), "x=y z");
    cr_expect_str_eq(get("slotted"), "2");
    cr_expect_str_eq(get("bootcount"), "0");
    static const char expected[] = "a=1\0others=x=y z\0slotted=2\0slot=b\0bootcount=0\0";
    cr_expect_eq(memcmp(image + ENVIRONMENT_HEADER_BYTES, expected, sizeof(expected)), 0);
    cr_expect_eq(environment_set(image, "a", ""), 0);
    cr_expect_eq(environment_set(image, "others", NULL), 0);
    cr_expect_str_eq(get("a"), "(none)");
    cr_expect_str_eq(get("others"), "(none)");
    cr_expect_str_eq(get("slot"), "b");
}

Test(environment, is_whole_after_sealing_and_not_after_any_change)
{
    environment_clear(image);
    cr_expect_eq(environment_set(image, "slot", "b"), 0);
    cr_expect_not(environment_is_whole(image));
    environment_seal(image, 255);
    cr_expect(environment_is_whole(image));
    cr_expect_eq(environment_serial(image), 255);
    for (size_t at = 0; at < ENVIRONMENT_BYTES; at += at < 32 ? 1 : 997) {
        image[at] ^= 0x10;
        cr_expect_eq(environment_is_whole(image), at == 4, "byte %zu", at);
        image[at] ^= 0x10;
    }
}

Test(environment, of_two_copies_the_one_that_u_boot_takes)
{
    cr_expect_eq(environment_choose(1, 2), 1u);
    cr_expect_eq(environment_choose(2, 1), 0u);
    cr_expect_eq(environment_choose(255, 0), 1u);
    cr_expect_eq(environment_choose(0, 255), 0u);
    cr_expect_eq(environment_choose(7, 7), 0u);
    cr_expect_eq(environment_choose(254, 255), 1u);
}

Test(environment, an_absurd_one_is_read_within_its_bounds)
{
    memset(image, 'x', sizeof(image)); /* no end anywhere */
    cr_expect_str_eq(get("x"), "(none)");
    cr_expect_eq(environment_set(image, "slot", "a"), 0);
    cr_expect_str_eq(get("slot"), "a");

    memset(image, 'x', sizeof(image)); /* one variable up to the very end, without a NUL */
    memcpy(image + ENVIRONMENT_HEADER_BYTES, "slot=", 5);
    cr_expect_str_eq(get("slot"), "(none)");
    image[ENVIRONMENT_BYTES - 1] = 0; /* and with one */
    cr_expect_eq(environment_get(image, "slot", value, sizeof(value)), (int)DATA - 6);
    cr_expect_eq(strlen(value), sizeof(value) - 1);
    cr_expect_eq(environment_set(image, "bootcount", "1"), -ENOSPC);
    cr_expect_eq(environment_get(image, "slot", value, sizeof(value)), (int)DATA - 6);
    cr_expect_eq(environment_set(image, "slot", "b"), 0); /* it makes room itself */

    static const char odd[] = "noequals\0=noname\0slot=a\0slot=b\0empty=\0";
    fill(odd, sizeof(odd));
    cr_expect_str_eq(get("slot"), "b");
    cr_expect_str_eq(get("empty"), "");
    cr_expect_str_eq(get("noequals"), "(none)");
    cr_expect_str_eq(get(""), "(none)");
    cr_expect_eq(environment_set(image, "", "1"), -EINVAL);
    cr_expect_eq(environment_set(image, "a=b", "1"), -EINVAL);
    cr_expect_eq(environment_set(image, "slot", "c"), 0);
    cr_expect_str_eq(get("slot"), "c");
    cr_expect_eq(memcmp(image + ENVIRONMENT_HEADER_BYTES, "empty=\0slot=c\0", 15), 0);

    srand(7);
    for (unsigned round = 0; round < 300; round++) { /* under the sanitizers */
        for (size_t i = 0; i < sizeof(image); i++) {
            image[i] = (uint8_t)("a=\0b"[rand() % 4]);
        }
        (void)environment_get(image, "a", value, sizeof(value));
        (void)environment_set(image, "b", "abc");
        cr_expect_str_eq(get("b"), "abc");
    }
}

Test(environment, takes_values_up_to_the_last_byte)
{
    static char large[ENVIRONMENT_BYTES];
    memset(large, 'v', DATA - 4); /* "n=", its NUL, and one more */
    environment_clear(image);
    cr_expect_eq(environment_set(image, "n", large), 0);
    large[DATA - 4] = 'v';
    cr_expect_eq(environment_set(image, "n", large), -ENOSPC);
    cr_expect_eq(environment_get(image, "n", value, sizeof(value)), (int)DATA - 4);
}

static void run(const char *command)
{
    cr_assert_eq(system(command), 0, "%s", command);
}

/* A folder of one's own, with the two copies that are given; NULL: none. */
static void make_folder(char folder[32], const uint8_t *first, const uint8_t *second)
{
    const uint8_t *const copies[] = {first, second};
    char name[64];
    snprintf(folder, 32, "/tmp/environment-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    for (unsigned i = 0; i < 2; i++) {
        snprintf(name, sizeof(name), "%s/%u.env", folder, i);
        FILE *file = copies[i] ? fopen(name, "wb") : NULL;
        if (file) {
            cr_assert_eq(fwrite(copies[i], 1, ENVIRONMENT_BYTES, file), ENVIRONMENT_BYTES);
            fclose(file);
        }
    }
    snprintf(name, sizeof(name), "%s/fw_env.config", folder);
    FILE *file = fopen(name, "w");
    for (unsigned i = 0; i < 2; i++) {
        fprintf(file, "%s/%u.env 0x0 0x%x\n", folder, i, ENVIRONMENT_BYTES);
    }
    fclose(file);
}

static void read_copy(const char *folder, unsigned copy, uint8_t *bytes)
{
    char name[64];
    snprintf(name, sizeof(name), "%s/%u.env", folder, copy);
    FILE *file = fopen(name, "rb");
    cr_assert_not_null(file);
    cr_assert_eq(fread(bytes, 1, ENVIRONMENT_BYTES, file), ENVIRONMENT_BYTES);
    fclose(file);
}

static void remove_folder(const char *folder)
{
    char line[64];
    snprintf(line, sizeof(line), "rm -r %s", folder);
    run(line);
}

Test(environment, is_the_one_of_mkenvimage_to_the_byte)
{
    char folder[32], line[256];
    static uint8_t theirs[ENVIRONMENT_BYTES];
    make_folder(folder, NULL, NULL);
    snprintf(line, sizeof(line),
             "cd %s && printf 'slot=b\\nbootcount=3\\n' | mkenvimage -r -p 0 -s 0x%x -o 0.env -",
             folder, ENVIRONMENT_BYTES);
    run(line);
    environment_clear(image);
    cr_expect_eq(environment_set(image, "slot", "b"), 0);
    cr_expect_eq(environment_set(image, "bootcount", "3"), 0);
    environment_seal(image, 1); /* as mkenvimage marks it */
    read_copy(folder, 0, theirs);
    cr_expect_eq(memcmp(theirs, image, sizeof(image)), 0);
    cr_expect(environment_is_whole(theirs));
    remove_folder(folder);
}

Test(environment, is_read_and_written_by_others)
{
    char folder[32], line[256];
    static uint8_t other[ENVIRONMENT_BYTES], copies[2][ENVIRONMENT_BYTES];
    static const uint8_t serials[][2] = {{1, 2}, {2, 1}, {255, 0}, {0, 255}};
    for (unsigned i = 0; i < 4; i++) {
        environment_clear(image);
        cr_expect_eq(environment_set(image, "slot", "a"), 0);
        cr_expect_eq(environment_set(image, "mine", "x=y z"), 0);
        memcpy(other, image, sizeof(other));
        cr_expect_eq(environment_set(other, "slot", "b"), 0);
        environment_seal(image, serials[i][0]);
        environment_seal(other, serials[i][1]);
        make_folder(folder, image, other);
        snprintf(line, sizeof(line),
                 "cd %s && test $(fw_printenv -c fw_env.config -n slot) = %c && "
                 "fw_setenv -c fw_env.config bootcount 7 2>/dev/null",
                 folder, environment_choose(serials[i][0], serials[i][1]) == 0 ? 'a' : 'b');
        run(line);
        read_copy(folder, 0, copies[0]);
        read_copy(folder, 1, copies[1]);
        cr_assert(environment_is_whole(copies[0]));
        cr_assert(environment_is_whole(copies[1]));
        memcpy(image,
               copies[environment_choose(environment_serial(copies[0]),
                                         environment_serial(copies[1]))],
               sizeof(image));
        cr_expect_str_eq(get("bootcount"), "7");
        cr_expect_str_eq(get("mine"), "x=y z");
        remove_folder(folder);
    }
}

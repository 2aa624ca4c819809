/* SPDX-License-Identifier: MIT */
#include "tests/bench/figures.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct figures old, new;
static struct why why;

static int read_text(const char *text)
{
    char path[] = "/tmp/figures-XXXXXX";
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    int result = figures_read(&new, path, &why);
    unlink(path);
    return result;
}

Test(figures, come_back_as_they_were_written)
{
    char path[] = "/tmp/figures-XXXXXX";
    close(mkstemp(path));
    cr_assert_eq(figures_add(&old, "gate_call", 7, &why), 0);
    cr_assert_eq(figures_add(&old, "boot_to_shell", 64872000.25, &why), 0);
    cr_assert_eq(figures_write(&old, path, &why), 0);
    cr_assert_eq(figures_read(&new, path, &why), 0, "%s", why.text);
    unlink(path);
    cr_expect_eq(new.count, 2u);
    cr_expect_float_eq(*figures_find(&new, "boot_to_shell"), 64872000.25, 0.001);
    cr_expect_null(figures_find(&new, "gate"));
    cr_expect_eq(figures_compare(&old, &new, NULL), 0);
}

Test(figures, refuses_what_is_no_flat_object_of_numbers)
{
    static const char *const wrong[] = {"",
                                        "[1]",
                                        "{\"a\": \"b\"}",
                                        "{\"a\" 1}",
                                        "{\"a\": 1",
                                        "{\"a\": 1; \"b\": 2}",
                                        "{\"a\": 1,}",
                                        "{\"A b\": 1}",
                                        "{a: 1}"};
    for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        cr_expect_eq(read_text(wrong[i]), -EBADMSG, "%s", wrong[i]);
    }
    cr_expect_eq(read_text("{ \"a\":1 , \"b\" : 2.5 }"), 0);
    cr_expect_eq(figures_read(&new, "/no/such/file", &why), -ENOENT);
}

Test(figures, are_worse_from_five_percent_on)
{
    cr_assert_eq(figures_add(&old, "a", 100, &why), 0);
    cr_assert_eq(figures_add(&old, "none", 0, &why), 0);
    cr_assert_eq(figures_add(&old, "gone", 1, &why), 0);
    cr_assert_eq(figures_add(&new, "a", 105, &why), 0);
    cr_assert_eq(figures_add(&new, "none", 0, &why), 0);
    cr_assert_eq(figures_add(&new, "came", 1, &why), 0);
    cr_expect_eq(figures_compare(&old, &new, NULL), 0);
    new.list[0].value = 105.1;
    cr_expect_eq(figures_compare(&old, &new, NULL), 1);
    new.list[1].value = 0.1;
    cr_expect_eq(figures_compare(&old, &new, NULL), 2);
    new.list[0].value = 1;
    cr_expect_eq(figures_compare(&old, &new, NULL), 1);
    cr_assert_eq(figures_add(&old, "irq_latency_max", 256, &why), 0);
    cr_assert_eq(figures_add(&new, "irq_latency_max", 960, &why), 0);
    cr_assert_eq(figures_add(&old, "blackout_p99", 4864, &why), 0);
    cr_assert_eq(figures_add(&new, "blackout_p99", 5520, &why), 0);
    cr_expect_eq(figures_compare(&old, &new, NULL), 1, "a worst case is told, not judged");
}

Test(figures, are_so_many_at_most)
{
    char key[16];
    for (unsigned i = 0; i < FIGURES_MAX; i++) {
        snprintf(key, sizeof(key), "k%u", i);
        cr_assert_eq(figures_add(&old, key, i, &why), 0);
    }
    cr_expect_eq(figures_add(&old, "more", 1, &why), -ENOSPC);
    old.count = 0;
    cr_expect_eq(figures_add(&old, "a_name_that_is_longer_than_any_figure_can_be_called", 1, &why),
                 -ENOSPC);
}

Test(figures, are_printed_as_a_table)
{
    static struct figures list;
    char text[2000] = {0};
    struct why none;
    FILE *file = fmemopen(text, sizeof(text), "w");
    cr_assert_not_null(file);
    cr_assert_eq(figures_add(&list, "gate_call", 7, &none), 0);
    cr_assert_eq(figures_add(&list, "late_p50", 256, &none), 0);
    cr_assert_eq(figures_add(&list, "late_p99", 300.5, &none), 0);
    cr_assert_eq(figures_add(&list, "late_max", 400, &none), 0);
    cr_assert_eq(figures_add(&list, "late_n", 1000, &none), 0);
    cr_assert_eq(figures_add(&list, "alone_max", 9, &none), 0);
    figures_print(&list, file);
    fclose(file);
    cr_expect_not_null(strstr(text, "gate_call                                         7"), "%s",
                       text);
    cr_expect_not_null(
        strstr(
            text,
            "late                                            256        300.5          400   1000"),
        "%s", text);
    cr_expect_not_null(strstr(text, "alone_max "), "%s", text);
    cr_expect_null(strstr(text, "late_"), "%s", text);
}

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
    cr_expect_eq(figures_compare(&old, &new, NULL).worse, 0);
    cr_expect_eq(figures_differ(&old, &new, stderr), 0);
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

static void expect_changes(unsigned worse, unsigned better)
{
    struct figures_changes changes = figures_compare(&old, &new, NULL);
    cr_expect_eq(changes.worse, worse, "%u", changes.worse);
    cr_expect_eq(changes.better, better, "%u", changes.better);
}

Test(figures, are_worse_or_better_from_five_percent_on)
{
    cr_assert_eq(figures_add(&old, "a", 100, &why), 0);
    cr_assert_eq(figures_add(&old, "none", 0, &why), 0);
    cr_assert_eq(figures_add(&old, "gone", 1, &why), 0);
    cr_assert_eq(figures_add(&new, "a", 105, &why), 0);
    cr_assert_eq(figures_add(&new, "none", 0, &why), 0);
    cr_assert_eq(figures_add(&new, "came", 1, &why), 0);
    expect_changes(0, 0);
    new.list[0].value = 105.1;
    expect_changes(1, 0);
    new.list[1].value = 0.1;
    expect_changes(2, 0);
    new.list[0].value = 95;
    expect_changes(1, 0);
    new.list[0].value = 94.9;
    expect_changes(1, 1);
}

/* They may be further apart; but they may not be anything. */
Test(figures, are_judged_in_the_worst_case_too)
{
    static const char *const keys[] = {"late_n", "late_p50", "late_p99", "late_max"};
    for (unsigned i = 0; i < 4; i++) {
        cr_assert_eq(figures_add(&old, keys[i], 999, &why), 0);
        cr_assert_eq(figures_add(&new, keys[i], i > 1 ? 3 * 999 : 999, &why), 0);
    }
    expect_changes(0, 0);
    new.list[3].value = 2998;
    expect_changes(1, 0);
    new.list[2].value = 332;
    expect_changes(1, 1);
    new.list[0].value = 1000; /* of so many it is as certain as the median */
    new.list[2].value = 999;
    expect_changes(1, 0);
    new.list[2].value = 1050;
    expect_changes(2, 0);
}

static const char *printed(void (*print)(FILE *file))
{
    static char text[4000];
    memset(text, 0, sizeof(text));
    FILE *file = fmemopen(text, sizeof(text) - 1, "w");
    cr_assert_not_null(file);
    print(file);
    fclose(file);
    return text;
}

static void compare(FILE *file)
{
    (void)figures_compare(&old, &new, file);
}

Test(figures, that_are_better_say_what_is_to_be_done)
{
    cr_assert_eq(figures_add(&old, "a", 100, &why), 0);
    cr_assert_eq(figures_add(&new, "a", 90, &why), 0);
    const char *text = printed(compare);
    cr_expect_not_null(strstr(text, "-10.0 %  better: take it over with make bench-baseline"), "%s",
                       text);
}

Test(figures, differ_by_a_digit_or_a_name)
{
    cr_assert_eq(figures_add(&old, "a", 100, &why), 0);
    cr_assert_eq(figures_add(&old, "gone", 1, &why), 0);
    cr_assert_eq(figures_add(&new, "a", 100, &why), 0);
    cr_assert_eq(figures_add(&new, "came", 1, &why), 0);
    cr_expect_eq(figures_differ(&old, &new, stderr), 2);
    new.list[0].value = 100.01;
    cr_expect_eq(figures_differ(&old, &new, stderr), 3);
}

Test(figures, keep_so_many_times_below_limits)
{
    cr_assert_eq(figures_add(&old, "a", 100, &why), 0); /* a limit */
    cr_assert_eq(figures_add(&new, "a", 10, &why), 0);
    cr_assert_eq(figures_add(&new, "other", 1000, &why), 0);
    cr_expect_eq(figures_above(&new, &old, 10, stderr), 0);
    new.list[0].value = 10.1;
    cr_expect_eq(figures_above(&new, &old, 10, stderr), 1);
    cr_assert_eq(figures_add(&old, "missing", 100, &why), 0);
    cr_expect_eq(figures_above(&new, &old, 10, stderr), 2);
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

static struct figures list;

static void print_list(FILE *file)
{
    figures_print(&list, file);
}

static void expect_row(const char *text, const char *row)
{
    cr_expect_not_null(strstr(text, row), "%s", text);
}

Test(figures, are_printed_as_a_table)
{
    static const struct {
        const char *key;
        double value;
    } given[] = {
        {"gate_call", 7},  {"late_p50", 256}, {"late_p99", 300.5}, {"late_max", 400},
        {"late_n", 1000},  {"alone_max", 9},  {"median", 3},       {"median_p99", 4},
        {"median_n", 5},   {"least", 10},     {"least_p50", 11},   {"least_p99", 12},
        {"least_max", 13},
    };
    for (unsigned i = 0; i < sizeof(given) / sizeof(given[0]); i++) {
        cr_assert_eq(figures_add(&list, given[i].key, given[i].value, &why), 0);
    }
    const char *text = printed(print_list);
    expect_row(text, "\ngate_call                                                 7   ");
    expect_row(text,
               "\nlate                                                                 256        "
               "300.5          400   1000\n");
    expect_row(
        text,
        "\nmedian                                                                 3            "
        "4                   5\n");
    expect_row(
        text,
        "\nleast                                                    10           11           "
        "12           13       \n");
    expect_row(text, "\nalone_max                                                 9   ");
    cr_expect_null(strstr(text, "late_"), "%s", text);
    cr_expect_null(strstr(text, "least_"), "%s", text);
}

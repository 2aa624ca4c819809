/* SPDX-License-Identifier: MIT */
/* Words of command lines. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "words.c"

static int split(const char *line, char *words[], int max)
{
    static char buffer[256];
    strcpy(buffer, line);
    return words_split(buffer, words, max);
}

static void expect(const char *line, int count, const char *const wanted[])
{
    char *words[16];
    cr_assert_eq(split(line, words, 16), count, "%s", line);
    for (int i = 0; i < count; i++) {
        cr_expect_str_eq(words[i], wanted[i]);
    }
}

Test(words, are_parted_by_spaces)
{
    expect("", 0, NULL);
    expect(" \t ", 0, NULL);
    expect("help", 1, (const char *[]){"help"});
    expect("  swap  a\tb  ", 3, (const char *[]){"swap", "a", "b"});
}

Test(words, are_kept_together_by_quotes_and_backslashes)
{
    expect("echo \"a b\" 'c  d'", 3, (const char *[]){"echo", "a b", "c  d"});
    expect("a\" \"b'\"'", 1, (const char *[]){"a b\""});
    expect("\"\" ''", 2, (const char *[]){"", ""});
    expect("\\\"x\\ y \"q\\\"r\" '\\'", 3, (const char *[]){"\"x y", "q\"r", "\\"});
}

Test(words, without_an_end_are_refused)
{
    char *words[4];
    cr_expect_eq(split("echo \"a", words, 4), -EINVAL);
    cr_expect_eq(split("echo 'a", words, 4), -EINVAL);
    cr_expect_eq(split("echo a\\", words, 4), -EINVAL);
}

Test(words, too_many_are_refused)
{
    char *words[4];
    cr_expect_eq(split("a b c d ", words, 4), 4);
    cr_expect_eq(split("a b c d e", words, 4), -E2BIG);
}

Test(words, any_line_stays_inside_itself)
{
    static const char letters[] = "ab \\\"'\t";
    srandom(5);
    for (unsigned i = 0; i < 100000; i++) {
        size_t length = (size_t)random() % 24;
        char *line = malloc(length + 1); /* so that a byte too far is seen */
        char *words[8];
        for (size_t j = 0; j < length; j++) {
            line[j] = letters[random() % 7];
        }
        line[length] = '\0';
        int count = words_split(line, words, 8);
        for (int j = 0; j < count; j++) {
            cr_assert_leq(words[j] + strlen(words[j]), line + length);
        }
        free(line);
    }
}

Test(words, are_as_far_apart_as_there_are_slips)
{
    cr_expect_eq(words_distance("world", "world"), 0u);
    cr_expect_eq(words_distance("wrold", "world"), 1u);
    cr_expect_eq(words_distance("wold", "world"), 1u);
    cr_expect_eq(words_distance("worlds", "world"), 1u);
    cr_expect_eq(words_distance("word", "world"), 1u);
    cr_expect_eq(words_distance("swop", "swap"), 1u);
    cr_expect_eq(words_distance("", "log"), 3u);
    cr_expect_eq(words_distance("log", ""), 3u);
    cr_expect_eq(words_distance("load", "unload"), 2u);
    cr_expect_eq(words_distance("kitten", "sitting"), 3u);
}

Test(words, however_long_can_be_compared)
{
    char a[201];
    char b[201];
    memset(a, 'a', sizeof(a));
    memset(b, 'b', sizeof(b));
    a[200] = b[200] = '\0';
    cr_expect_eq(words_distance(a, b), COMPARED_BYTES);
}

Test(words, that_are_numbers_are_read_and_no_others)
{
    uint32_t number = 7;
    cr_expect_eq(words_read_number("4294967295", &number), 0);
    cr_expect_eq(number, UINT32_MAX);
    cr_expect_eq(words_read_number("0", &number), 0);
    cr_expect_eq(number, 0u);
    const char *wrong[] = {"", "-1", "1x", " 1", "4294967296", "99999999999999999999999999"};
    for (unsigned i = 0; i < 6; i++) {
        cr_expect_eq(words_read_number(wrong[i], &number), -EINVAL, "%s", wrong[i]);
    }
    cr_expect_eq(number, 0u);
}

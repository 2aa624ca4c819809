/* SPDX-License-Identifier: MIT */
/* lib/format: against the C library's own snprintf, and where it means to differ. */

#include <criterion/criterion.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <lib/format.h>
#include <lib/why.h>

/* Same text and length as snprintf. */
#define AS_SNPRINTF(...)                                                                           \
    do {                                                                                           \
        char ours[128], theirs[128];                                                               \
        int our_length = format_print(ours, sizeof(ours), __VA_ARGS__);                            \
        int their_length = snprintf(theirs, sizeof(theirs), __VA_ARGS__);                          \
        cr_assert_str_eq(ours, theirs);                                                            \
        cr_assert_eq(our_length, their_length);                                                    \
    } while (0)

Test(format, prints_numbers_as_the_standard_does)
{
    AS_SNPRINTF("%d %i %u", 0, -1, 4000000000u);
    AS_SNPRINTF("%d %d", INT_MIN, INT_MAX);
    AS_SNPRINTF("%ld %ld", LONG_MIN, LONG_MAX);
    AS_SNPRINTF("%lld %llu", LLONG_MIN, ULLONG_MAX);
    AS_SNPRINTF("%x %X %lx %llx", 0xdeadbeefu, 0xdeadbeefu, ULONG_MAX, 0x123456789abcdefull);
    AS_SNPRINTF("%zu %zx %zd", SIZE_MAX, SIZE_MAX, (ssize_t)-5);
    AS_SNPRINTF("%hhu %hu %hhd", (unsigned char)255, (unsigned short)65535, (signed char)-128);
    AS_SNPRINTF("%jd %td", (intmax_t)-7, (ptrdiff_t)-8);
}

Test(format, pads_as_the_standard_does)
{
    AS_SNPRINTF("[%5d] [%-5d] [%05d] [%05d]", 42, 42, 42, -42);
    AS_SNPRINTF("[%8x] [%-8x] [%08x]", 0xabc, 0xabc, 0xabc);
    AS_SNPRINTF("[%2d] [%1d]", 12345, -12345);
    AS_SNPRINTF("[%10s] [%-10s] [%.2s] [%10.2s]", "text", "text", "text", "text");
    AS_SNPRINTF("[%*d] [%-*d] [%*d] [%.*s]", 6, 1, 6, 1, -6, 1, 2, "abc");
    AS_SNPRINTF("[%3c] [%-3c] [%c]", 'a', 'b', 'c');
}

Test(format, prints_percent_signs_and_plain_text)
{
    AS_SNPRINTF("100%% of %s", "it");
    AS_SNPRINTF("%s", "");
}

Test(format, does_not_read_beyond_a_precision)
{
    const char text[3] = {'a', 'b', 'c'}; /* no NUL: the sanitizer watches */
    char out[8];
    cr_assert_eq(format_print(out, sizeof(out), "%.*s", 3, text), 3);
    cr_assert_str_eq(out, "abc");
}

Test(format, cuts_and_tells_the_whole_length)
{
    char out[8];
    memset(out, 'x', sizeof(out));
    cr_assert_eq(format_print(out, 5, "%s-%d", "abcdef", 12), 9);
    cr_assert_str_eq(out, "abcd");
    cr_assert_eq(out[5], 'x');
    cr_assert_eq(format_print(out, 1, "%s", "abc"), 3);
    cr_assert_str_eq(out, "");
    cr_assert_eq(format_print(NULL, 0, "%s", "abc"), 3);
}

/* The compiler would warn, and rightly, if it saw these formats. */
static int print_odd(char *out, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    int length = format_vprint(out, size, format, arguments);
#pragma GCC diagnostic pop
    va_end(arguments);
    return length;
}

Test(format, survives_odd_formats)
{
    char out[64];
    cr_assert_eq(print_odd(out, sizeof(out), "a%"), 1);
    cr_assert_str_eq(out, "a");
    print_odd(out, sizeof(out), "%q.", 1);
    cr_assert_str_eq(out, "%q.");
    print_odd(out, sizeof(out), "%s", (char *)NULL);
    cr_assert_str_eq(out, "(null)");
    cr_assert_eq(print_odd(out, sizeof(out), "%99999999999d", 1) > 1000, 1);
    print_odd(out, sizeof(out), "%p", (void *)0x1234);
    cr_assert_str_eq(out, "0x0000000000001234");
}

Test(why, sets_and_prepends)
{
    struct why why;
    cr_assert_eq(why_set(&why, -5, "value %d", 7), -5);
    cr_assert_eq(why_prepend(&why, -6, "place %s", "x"), -6);
    cr_assert_str_eq(why.text, "place x: value 7");
}

Test(why, cuts_what_does_not_fit)
{
    struct why why;
    char large[2 * sizeof(why.text)];
    memset(large, 'a', sizeof(large) - 1);
    large[sizeof(large) - 1] = '\0';
    why_set(&why, -1, "%s", large);
    cr_assert_eq(strlen(why.text), sizeof(why.text) - 1);
    why_prepend(&why, -1, "b");
    cr_assert_eq(strlen(why.text), sizeof(why.text) - 1);
    cr_assert_eq(strncmp(why.text, "b: a", 4), 0);
    why_prepend(&why, -1, "%s", large);
    cr_assert_eq(strlen(why.text), sizeof(why.text) - 1);
}

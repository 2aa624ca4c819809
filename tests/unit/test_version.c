/* SPDX-License-Identifier: MIT */
/* lib/version: text, order, and what serves what. */

#include <criterion/criterion.h>
#include <errno.h>

#include <lib/version.h>

Test(version, parses_one_to_three_parts)
{
    uint32_t version;
    cr_assert_eq(version_parse("1", &version), 0);
    cr_assert_eq(version, version_pack(1, 0, 0));
    cr_assert_eq(version_parse("1.2", &version), 0);
    cr_assert_eq(version, version_pack(1, 2, 0));
    cr_assert_eq(version_parse("255.4095.4095", &version), 0);
    cr_assert_eq(version, UINT32_MAX);
}

Test(version, refuses_what_is_no_version)
{
    static const char *const bad[] = {"",     ".",    "1.", "1..2", "1.2.3.4", "a",      "1.2a",
                                      " 1.2", "1.2 ", "-1", "+1",   "1,2",     "1.2.3.", "0x1"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        uint32_t version = 77;
        cr_assert_eq(version_parse(bad[i], &version), -EINVAL, "'%s'", bad[i]);
        cr_assert_eq(version, 77);
    }
}

Test(version, refuses_parts_over_their_limit)
{
    static const char *const bad[] = {"256", "1.4096", "1.2.4096", "4294967297.0.0",
                                      "99999999999999999999"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        uint32_t version = 77;
        cr_assert_eq(version_parse(bad[i], &version), -ERANGE, "'%s'", bad[i]);
        cr_assert_eq(version, 77);
    }
}

Test(version, prints_what_it_parsed)
{
    char text[VERSION_TEXT_MAX];
    cr_assert_eq(version_print(text, sizeof(text), version_pack(255, 4095, 4095)), 13);
    cr_assert_str_eq(text, "255.4095.4095");
    version_print(text, sizeof(text), version_pack(1, 20, 3));
    cr_assert_str_eq(text, "1.20.3");
    version_print_interface(text, sizeof(text), version_pack(1, 20, 3));
    cr_assert_str_eq(text, "1.20");
}

Test(version, compares_part_by_part)
{
    cr_assert_lt(version_compare(version_pack(1, 9, 9), version_pack(2, 0, 0)), 0);
    cr_assert_lt(version_compare(version_pack(1, 2, 9), version_pack(1, 10, 0)), 0);
    cr_assert_gt(version_compare(version_pack(200, 0, 0), version_pack(100, 4095, 4095)), 0);
    cr_assert_eq(version_compare(version_pack(1, 2, 3), version_pack(1, 2, 3)), 0);
}

static bool serves(uint32_t provider, uint32_t needed)
{
    return version_satisfies(provider, needed, version_next_major(needed));
}

Test(version, serves_the_same_major_and_no_older_minor)
{
    cr_assert(serves(version_pack(1, 2, 0), version_pack(1, 2, 9)));
    cr_assert(serves(version_pack(1, 3, 0), version_pack(1, 2, 0)));
    cr_assert(serves(version_pack(1, 4095, 0), version_pack(1, 2, 0)));
    cr_assert_not(serves(version_pack(1, 1, 0), version_pack(1, 2, 0)));
    cr_assert_not(serves(version_pack(2, 2, 0), version_pack(1, 2, 0)));
    cr_assert_not(serves(version_pack(0, 2, 0), version_pack(1, 2, 0)));
    cr_assert(serves(version_pack(255, 3, 0), version_pack(255, 2, 0)));
    cr_assert_not(serves(version_pack(254, 3, 0), version_pack(255, 2, 0)));
}

Test(version, serves_the_range_that_is_asked_for)
{
    uint32_t from = version_pack(1, 2, 0);
    cr_assert(version_satisfies(version_pack(2, 9, 0), from, version_pack(3, 0, 0)));
    cr_assert(version_satisfies(version_pack(1, 4, 7), from, version_pack(1, 5, 0)));
    cr_assert_not(version_satisfies(version_pack(1, 5, 0), from, version_pack(1, 5, 0)));
    cr_assert_not(version_satisfies(version_pack(1, 6, 0), from, version_pack(1, 5, 0)));
    cr_assert_not(version_satisfies(from, from, from));
}

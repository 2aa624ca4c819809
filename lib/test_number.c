/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>

#include "number.h"

Test(number, reads_what_persons_write)
{
    uint32_t number = 7;
    cr_expect_eq(number_read("0", 10, &number), 0);
    cr_expect_eq(number, 0u);
    cr_expect_eq(number_read("4294967295", UINT32_MAX, &number), 0);
    cr_expect_eq(number, UINT32_MAX);
    cr_expect_eq(number_read("0x1aF", 0x1af, &number), 0);
    cr_expect_eq(number, 0x1afu);
    cr_expect_eq(number_read_decimal("0100", 100, &number), 0);
    cr_expect_eq(number, 100u);
    cr_expect_eq(number_read_decimal("0x10", 100, &number), -EINVAL);
    cr_expect_eq(number_read_decimal("101", 100, &number), -EINVAL);
    cr_expect_eq(number_read_decimal("", 100, &number), -EINVAL);
    cr_expect_eq(number, 100u);
}

Test(number, refuses_everything_else)
{
    static const char *const wrong[] = {
        "", "0x", "x", "-1", "1 ", "12a", "0xg", "101", "+1", "0x65", "99999999999999999999999"};
    uint32_t number = 7;
    for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        cr_expect_eq(number_read(wrong[i], 100, &number), -EINVAL, "%s", wrong[i]);
    }
    cr_expect_eq(number, 7u);
}

/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>

#include "package_name.h"
#include "version.h"

static char name[8];
static uint32_t version;
static bool has_version;

static int parse(const char *text)
{
    return package_name_parse(text, name, sizeof(name), &version, &has_version);
}

Test(package_name, may_have_a_version)
{
    cr_expect_eq(parse("gpio"), 0);
    cr_expect_str_eq(name, "gpio");
    cr_expect_not(has_version);
    cr_expect_eq(version, 0u);
    cr_expect_eq(parse("a_7-1.20.3"), 0);
    cr_expect_str_eq(name, "a_7");
    cr_expect(has_version);
    cr_expect_eq(version, version_pack(1, 20, 3));
    cr_expect_eq(parse("seven77"), 0);
}

Test(package_name, is_refused_where_it_cannot_be_one)
{
    static const char *const wrong[] = {"",          "-",        "-1.0.0",  "gpio-", "gpio-x",
                                        "gpio-1.0.", "Gpio",     "g/io",    "g io",  "gpio+x",
                                        "eight888",  "gpio.nrb", "gpio-1-2"};
    for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        cr_expect_eq(parse(wrong[i]), -EINVAL, "%s", wrong[i]);
    }
}

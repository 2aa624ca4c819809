/* SPDX-License-Identifier: MIT */
/* Revoked versions. */
#include "revocation.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "version.h"

static struct revocations table;
static struct why why;

static struct component_descriptor component(const char *name, uint32_t version, uint32_t oldest)
{
    return (struct component_descriptor){
        .name = name, .version = version, .oldest = oldest, .summary = "", .build = ""};
}

Test(revocation, keeps_older_versions_out)
{
    struct component_descriptor new =
        component("led", version_pack(1, 2, 0), version_pack(1, 1, 0));
    struct component_descriptor old = component("led", version_pack(1, 0, 9), 0);
    struct component_descriptor other = component("lid", version_pack(1, 0, 9), 0);
    cr_expect_eq(revocation_check(&table, &old, 0, &why), 0);
    cr_expect(revocation_add(&table, &new));
    cr_expect_eq(revocation_check(&table, &old, 0, &why), -EPERM);
    cr_expect_str_eq(why.text, "led 1.0.9 is revoked: the oldest that may be loaded is 1.1.0");
    cr_expect_eq(revocation_check(&table, &other, 0, &why), 0);
    cr_expect(!revocation_add(&table, &new), "it says nothing new");
}

Test(revocation, is_only_ever_raised)
{
    struct component_descriptor high =
        component("led", version_pack(3, 0, 0), version_pack(3, 0, 0));
    struct component_descriptor low =
        component("led", version_pack(3, 1, 0), version_pack(2, 0, 0));
    struct component_descriptor none = component("led", version_pack(3, 2, 0), 0);
    cr_expect(revocation_add(&table, &high));
    cr_expect(!revocation_add(&table, &low));
    cr_expect(!revocation_add(&table, &none));
    cr_expect_eq(table.entries[0].oldest, version_pack(3, 0, 0));
    cr_expect_eq(table.count, 1);
}

Test(revocation, says_when_it_is_full)
{
    char name[REVOCATION_NAME_BYTES];
    for (unsigned i = 0; i < REVOCATIONS_MAX - 1; i++) {
        snprintf(name, sizeof(name), "c%u", i);
        struct component_descriptor each = component(name, 2, 1);
        cr_assert_eq(revocation_check(&table, &each, 0, &why), 0);
        cr_assert(revocation_add(&table, &each));
    }
    struct component_descriptor one = component("one", 2, 1), known = component("c5", 2, 2);
    cr_expect_eq(revocation_check(&table, &one, 0, &why), 0);
    cr_expect_eq(revocation_check(&table, &one, 1, &why), -ENOSPC);
    cr_expect_eq(revocation_check(&table, &known, 1, &why), 0);
    cr_assert(revocation_add(&table, &one));
    struct component_descriptor two = component("two", 2, 1);
    cr_expect_eq(revocation_check(&table, &two, 0, &why), -ENOSPC);
    cr_expect(!revocation_add(&table, &two));
    cr_expect(revocation_add(&table, &known));
}

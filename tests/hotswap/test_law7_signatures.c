/* SPDX-License-Identifier: MIT */
/*
 * Law 7: unsigned code never becomes executable. Whatever is not, to the bit, what the owner of the
 * build's key has signed is refused, in words that say why, and the world stays as it was.
 */
#include <errno.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/signature.h"
#include "neurath/compiler.h"
#include "tests/harness/package.h"
#include "tests/hotswap/suite.h"

#define OTHER_KEY "build/tests/other.key"
#define BUNDLE "build/tests/relic.nrb"
#define OLD_RELIC "build/fixtures/relic-1.0.0/package.nrb"
#define NEW_RELIC "build/fixtures/relic/package.nrb"
#define BITS_FLIPPED 96

static uint64_t before;
static struct package package;

static void begin(void)
{
    suite_attach();
    before = suite_hash();
    must(package_read(&package, PACKAGE("led_blink-1.1.0"), &why));
    cr_assert_eq(package.size, package_tree_bytes(&package) + sizeof(struct signature_trailer));
}

/* Every test here ends by this. */
static void end(void)
{
    cr_expect_eq(suite_hash(), before, "the world has changed");
    package_free(&package);
    suite_detach();
}

TestSuite(law7_signatures, .init = begin, .fini = end, .timeout = 120);

static int push(void)
{
    return machine_push_bytes(&machine, package.bytes, package.size, "", NULL, &why);
}

static struct signature_trailer *trailer(void)
{
    return (struct signature_trailer *)(package.bytes + package_tree_bytes(&package));
}

static void run(const char *command)
{
    cr_assert_eq(system(command), 0, "%s", command);
}

Test(law7_signatures, refuses_what_is_unsigned)
{
    if (!IS_ENABLED(CONFIG_SIGNATURE_REQUIRED)) {
        cr_skip_test("this nucleus lets it in");
    }
    package.size = package_tree_bytes(&package);
    must_refuse(push(), "unsigned: need a signature by the key");
}

Test(law7_signatures, refuses_the_signature_of_another_key)
{
    char words[64];
    run("openssl genrsa -out " OTHER_KEY " 2048 2>/dev/null");
    struct signature_trailer ours = *trailer();
    must(package_sign(&package, OTHER_KEY, &why));
    snprintf(words, sizeof(words), "the unknown key %016llx: need %016llx",
             (unsigned long long)signature_id(trailer()->key_id),
             (unsigned long long)signature_id(ours.key_id));
    must_refuse(push(), words);
    memcpy(trailer()->key_id, ours.key_id, sizeof(ours.key_id)); /* it lies about whose it is */
    must_refuse(push(), "does not match");
}

Test(law7_signatures, refuses_the_signature_of_another_package)
{
    struct package other;
    must(package_read(&other, PACKAGE("led_blink-1.2.0"), &why));
    memcpy(trailer(), other.bytes + package_tree_bytes(&other), sizeof(*trailer()));
    package_free(&other);
    must_refuse(push(), "does not match");
}

Test(law7_signatures, refuses_an_object_that_was_changed_with_its_check_sum)
{
    size_t size;
    uint8_t *object = package_object(&package, &size);
    object[size / 2] ^= 1;
    package_mend_sums(&package);
    must_refuse(push(), "does not match");
}

Test(law7_signatures, refuses_a_change_of_what_means_nothing)
{
    char *text = fdt_getprop_w(package.bytes, 0, "description", NULL);
    cr_assert_not_null(text);
    text[0] ^= 1;
    must_refuse(push(), "does not match");
}

/* The loader looks at some of them first, and finds other words. */
Test(law7_signatures, refuses_whatever_bit_is_flipped)
{
    srandom(7);
    for (unsigned i = 0; i < BITS_FLIPPED; i++) {
        size_t at = i % 2 ? (size_t)random() % package.size
                          : package.size - 1 - (size_t)random() % sizeof(*trailer());
        uint8_t bit = (uint8_t)(1u << random() % 8);
        package.bytes[at] ^= bit;
        int result = push();
        package.bytes[at] ^= bit;
        cr_assert_eq(result, -EREMOTEIO, "bit %u of byte %zu: %d", bit, at, result);
        cr_assert_neq(why.text[0], 0);
    }
}

Test(law7_signatures, refuses_a_signature_cut_short_or_followed_by_more)
{
    static const int differences[] = {-271, -256, -1, 1, 8, sizeof(struct signature_trailer)};
    size_t whole = package.size;
    memcpy(package.bytes + whole, trailer(), sizeof(struct signature_trailer));
    for (size_t i = 0; i < sizeof(differences) / sizeof(differences[0]); i++) {
        package.size = whole + (size_t)differences[i];
        must_refuse(push(), "bytes behind the device tree: a signature has 272");
    }
}

Test(law7_signatures, refuses_a_bundle_of_signed_packages_that_is_unsigned)
{
    if (!IS_ENABLED(CONFIG_SIGNATURE_REQUIRED)) {
        cr_skip_test("this nucleus lets it in");
    }
    run("build/tools/nrpack bundle -o " BUNDLE " " OLD_RELIC " build/fixtures/flop/package.nrb");
    must_refuse(machine_push(&machine, BUNDLE, "", NULL, &why), "unsigned");
}

Test(law7_signatures, refuses_a_version_that_is_revoked)
{
    static const char words[] = "relic 1.0.0 is revoked: the oldest that may be loaded is 1.1.0";
    /* A transaction that is undone revokes nothing. */
    suite_bundle(BUNDLE, NEW_RELIC " build/fixtures/flop/package.nrb");
    must_refuse(machine_push(&machine, BUNDLE, "", NULL, &why), "flop did not start");
    cr_assert_eq(suite_hash(), before);
    must(machine_push(&machine, OLD_RELIC, "", NULL, &why));

    must(machine_push(&machine, NEW_RELIC, "", NULL, &why));
    uint64_t hash = suite_hash();
    must_refuse(machine_push(&machine, OLD_RELIC, "", NULL, &why), words);
    cr_assert_eq(suite_hash(), hash);

    must(machine_unload(&machine, "relic", NULL, &why));
    hash = suite_hash();
    cr_assert_neq(hash, before, "what is revoked is part of the world");
    must_refuse(machine_push(&machine, OLD_RELIC, "", NULL, &why), words);
    suite_bundle(BUNDLE, OLD_RELIC " " PACKAGE("led_blink-1.1.0"));
    must_refuse(machine_push(&machine, BUNDLE, "", NULL, &why), words);
    cr_assert_eq(suite_hash(), hash);

    must(machine_push(&machine, NEW_RELIC, "", NULL, &why));
    must(machine_unload(&machine, "relic", NULL, &why));
    before = suite_hash();
}

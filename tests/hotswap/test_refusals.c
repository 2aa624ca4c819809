/* SPDX-License-Identifier: MIT */
/*
 * What is wrong is refused: in words that say what, and with the world afterwards as it was, to the
 * bit of its hash.
 */
#include <errno.h>
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

#include "tests/harness/package.h"
#include "tests/hotswap/suite.h"

static uint64_t before;
static struct package package;

static void begin(void)
{
    suite_attach();
    before = suite_hash();
    must(package_read(&package, PACKAGE("led_blink-1.1.0"), &why));
}

/* Every test here ends by this. */
static void end(void)
{
    cr_expect_eq(suite_hash(), before, "the world has changed");
    package_free(&package);
    suite_detach();
}

TestSuite(refusals, .init = begin, .fini = end, .timeout = 120);

static int push(const char *old)
{
    return machine_push_bytes(&machine, package.bytes, package.size, old, NULL, &why);
}

Test(refusals, says_so_when_bundle_is_corrupt)
{
    size_t size;
    uint8_t *object = package_object(&package, &size);
    object[size / 2] ^= 1;
    must(package_sign(&package, package_key(), &why));
    must_refuse(push(""), "check sum");
}

Test(refusals, says_so_when_bundle_is_cut_short)
{
    package.size /= 2;
    must_refuse(push(""), "no package that can be used");
}

Test(refusals, says_so_when_bundle_is_rubbish)
{
    memset(package.bytes, 0x5a, package.size);
    must_refuse(push(""), "not a device tree");
    package.size = 1;
    must_refuse(push(""), "not a device tree");
}

Test(refusals, says_so_whatever_bit_is_flipped)
{
    srandom(1);
    for (unsigned i = 0; i < 12; i++) {
        size_t at = (size_t)random() % package_tree_bytes(&package);
        uint8_t bit = (uint8_t)(1u << random() % 8);
        package.bytes[at] ^= bit;
        (void)package_sign(&package, package_key(), &why); /* not if its size was hit */
        int result = push("");
        package_free(&package); /* a signature may stand anywhere in it */
        must(package_read(&package, PACKAGE("led_blink-1.1.0"), &why));
        if (result == 0) {
            /* In what means nothing - padding, a description: then it is that very driver. */
            cr_assert_eq(suite_version("led_blink"), 1u << 24 | 1u << 12);
            must(machine_push(&machine, PACKAGE("led_blink-1.2.0"), "", NULL, &why));
        } else {
            cr_assert_eq(result, -EREMOTEIO, "bit %u of byte %zu: %s", bit, at, why.text);
            cr_assert_neq(why.text[0], 0);
        }
    }
    before = suite_hash(); /* it may have been replaced to and fro, which counts */
}

Test(refusals, says_so_when_package_is_for_another_abi)
{
    cr_assert_eq(fdt_setprop_inplace_u32(package.bytes, 0, "neurath,abi", 99), 0);
    must(package_sign(&package, package_key(), &why));
    must_refuse(push(""), "ABI 99");
}

Test(refusals, says_so_when_component_to_replace_is_unknown)
{
    must_refuse(push("nobody"), "nobody");
    must_refuse(machine_swap(&machine, "nobody", "led_blink", NULL, &why), "nobody");
}

Test(refusals, says_so_when_package_is_unknown)
{
    must_refuse(machine_load(&machine, "nonsense", NULL, &why), "nonsense");
    must_refuse(machine_swap(&machine, "led_blink", "nonsense-1.0.0", NULL, &why), "nonsense");
}

Test(refusals, says_so_when_name_is_no_name)
{
    must_refuse(machine_load(&machine, "../etc/passwd", NULL, &why), "cannot be a package");
    must_refuse(machine_load(&machine, "", NULL, &why), "cannot be a package");
    must_refuse(machine_load(&machine, "led_blink-1.x", NULL, &why), "cannot be a package");
}

Test(refusals, says_so_when_successor_does_not_provide_the_interface)
{
    must_refuse(machine_push(&machine, PACKAGE("chatter-1.0.0"), "counter", NULL, &why),
                "does not provide the interface counter");
    must_refuse(push("counter"), "led_blink is in the world already");
}

Test(refusals, says_so_when_a_second_provider_is_loaded)
{
    must_refuse(machine_push(&machine, PACKAGE("sched_rr-1.0.0"), "", NULL, &why), "scheduler");
}

Test(refusals, says_so_when_unloading_what_others_need)
{
    must_refuse(machine_unload(&machine, "heap", NULL, &why), "heap");
    must_refuse(machine_unload(&machine, "counter", NULL, &why), "counter");
    must_refuse(machine_unload(&machine, "gic400", NULL, &why), "irqchip");
}

Test(refusals, says_so_when_unloading_what_is_not_there)
{
    must_refuse(machine_unload(&machine, "nobody", NULL, &why), "nobody");
}

Test(refusals, says_so_when_a_push_has_no_bytes_or_too_many)
{
    struct client_call call = {0};
    client_begin(&machine.client, &call, "push-open");
    message_put_u32(&call.writer, "size", 0);
    must_refuse(client_call(&machine.client, &call, 10000, &why), "1 byte to 16 MiB");
    client_begin(&machine.client, &call, "push-open");
    message_put_u32(&call.writer, "size", (16u << 20) + 1);
    must_refuse(client_call(&machine.client, &call, 10000, &why), "1 byte to 16 MiB");
}

Test(refusals, says_so_when_pieces_come_out_of_order)
{
    struct client_call call = {0};
    client_begin(&machine.client, &call, "push-write");
    message_put_u32(&call.writer, "handle", 12345);
    message_put_u32(&call.writer, "offset", 0);
    message_put_bytes(&call.writer, "data", "x", 1);
    must_refuse(client_call(&machine.client, &call, 10000, &why), "another transfer");
    client_begin(&machine.client, &call, "push-commit");
    message_put_u32(&call.writer, "handle", 12345);
    must_refuse(client_call(&machine.client, &call, 10000, &why), "no such push");
}

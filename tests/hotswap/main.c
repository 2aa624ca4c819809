/* SPDX-License-Identifier: MIT */
/*
 * Runs the tests in QEMU: boots the machine they share, one test after the other, ends the machine.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/hooks.h>

#include "tests/harness/package.h"
#include "tests/hotswap/suite.h"

#define LOOKS 5000 /* at what is in limbo: some 10 s, and it is audited each second */

struct machine machine;
struct why why;
static struct machine shared = {
    .qmp = -1, .log = -1, .lock = -1, .client = {.fd = -1}}; /* the runner's */

void suite_attach(void)
{
    must(machine_attach(&machine, SUITE_MACHINE, &why));
}

void suite_detach(void)
{
    machine_stop(&machine);
}

struct machine_world suite_world_now(void)
{
    static struct machine_world world;
    must(machine_read_world(&machine, &world, &why));
    return world;
}

struct machine_world suite_world(void)
{
    struct machine_world world = suite_world_now();
    for (unsigned i = 0; i < LOOKS && world.in_limbo > 0; i++) {
        world = suite_world_now();
    }
    cr_assert_eq(world.in_limbo, 0, "%s", suite_run("world"));
    return world;
}

uint64_t suite_hash(void)
{
    return suite_world().hash;
}

uint32_t suite_version(const char *name)
{
    struct machine_world world = suite_world_now();
    const struct machine_component *component = machine_find(&world, name);
    return component ? component->version : 0;
}

void suite_package(const char *name, const char *variant, char *file, size_t size)
{
    uint32_t version = suite_version(name);
    cr_assert_neq(version, 0, "%s is not in the world", name);
    snprintf(file, size, PACKAGE("%s-%u.%u.%u%s"), name, version >> 24, version >> 12 & 0xfff,
             version & 0xfff, variant);
}

void suite_unload_others(struct machine *own)
{
    /* Each before what it needs. */
    static const char *const others[] = {
        "world_view", "screen",    "framebuffer", "package_store", "boot_slots",   "files", "vfs",
        "fat",        "partition", "emmc2",       "power",         "usb_keyboard", "usb",   "dwc2",
        "thermal",    "rng",       "i2c",         "spi",           "pwm",          "dma",
    };
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        must(machine_unload(own, others[i], NULL, &why));
    }
}

void suite_bundle(const char *file, const char *packages)
{
    suite_sh("build/tools/nrpack bundle --key %s -o %s %s", package_key(), file, packages);
}

const char *suite_run(const char *line)
{
    static char output[20000];
    int result = machine_run(&machine, line, output, sizeof(output), &why);
    cr_assert_geq(result, 0, "%s: %s, it says: %s", line, why.text, output);
    return output;
}

void suite_says(const char *line, const char *words)
{
    const char *said = suite_run(line);
    cr_assert_not_null(strstr(said, words), "%s: \"%s\"", line, said);
}

void suite_fails(const char *line, const char *words)
{
    static char said[20000];
    int result = machine_run(&machine, line, said, sizeof(said), &why);
    cr_assert_lt(result, 0, "%s: \"%s\"", line, said);
    cr_assert_not_null(strstr(said, words), "%s: \"%s\"", line, said);
}

void suite_sh(const char *format, ...)
{
    char command[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(command, sizeof(command), format, arguments);
    va_end(arguments);
    cr_assert_eq(system(command), 0, "%s", command);
}

const char *suite_until(const char *line, const char *words)
{
    static char said[20000];
    for (unsigned i = 0; i < SUITE_PATIENCE; i++) {
        (void)machine_run(&machine, line, said, sizeof(said), &why);
        if (strstr(said, words)) {
            return said;
        }
    }
    cr_assert_fail("%s: no \"%s\" in \"%s\"", line, words, said);
    return said;
}

/* Tests run in processes of their own: theirs is to fail if this did not come up. */
ReportHook(PRE_ALL)(struct criterion_test_set *set)
{
    struct why reason;
    (void)set;
    if (machine_start(&shared, SUITE_MACHINE, &reason) < 0) {
        fprintf(stderr, "the machine does not start: %s\n", reason.text);
        machine_show_tail(SUITE_MACHINE);
        machine_stop(&shared);
        return;
    }
    machine_detach(&shared);
}

ReportHook(POST_TEST)(struct criterion_test_stats *stats)
{
    if (stats->test_status == CR_STATUS_FAILED) {
        machine_show_tail(SUITE_MACHINE);
    }
}

ReportHook(POST_ALL)(struct criterion_global_stats *stats)
{
    (void)stats;
    machine_stop(&shared);
}

int main(int count, char *words[])
{
    struct criterion_test_set *tests = criterion_initialize();
    int result = 0;
    criterion_options.jobs = 1;
    if (criterion_handle_args(count, words, true)) {
        result = !criterion_run_all_tests(tests);
    }
    criterion_finalize(tests);
    return result;
}

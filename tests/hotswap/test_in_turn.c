/* SPDX-License-Identifier: MIT */
/*
 * Two minutes in which every component that there is in two builds is replaced in turn, again and
 * again, while all of it is in use: a file is copied and compared on the card, all CPUs call the
 * counter, a timer ticks, a key is held on the keyboard, colours move on the screen. In the end
 * nothing is lost: no byte, no call, no tick.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/harness/direct.h"
#include "tests/hotswap/calls.h"
#include "tests/hotswap/jobs.h"
#include "tests/hotswap/suite.h"
#include "tools/nr/port.h"

#define LOAD_MS 120000
#define DEVICES "-device usb-hub,port=1 -device usb-kbd,port=1.1"
#define COPIED "1048576 bytes"

static void begin(void)
{
    must(direct_start(&machine, &(struct direct){.name = "turns", .options = DEVICES}, &why));
}

TestSuite(in_turn, .init = begin, .fini = suite_detach, .timeout = 600);

/* The package of another build of a component, or of the usual one; false: there is none. */
static bool find_package(const struct machine_component *component, bool is_rebuilt, char path[128])
{
    uint32_t version = component->version;
    snprintf(path, 128, PACKAGE("%s-%u.%u.%u%s"), component->name, version >> 24,
             version >> 12 & 0xfff, version & 0xfff, is_rebuilt ? "+rebuilt" : "");
    return access(path, R_OK) == 0;
}

/* Each component once; returns how many were replaced. */
static unsigned replace_all(const struct machine_world *world, bool is_rebuilt)
{
    unsigned count = 0;
    for (unsigned i = 0; i < world->count; i++) {
        struct client_report report;
        char path[128];
        if (find_package(&world->components[i], true, path) &&
            find_package(&world->components[i], is_rebuilt, path)) {
            must(machine_push(&machine, path, "", &report, &why));
            cr_assert(!strcmp(report.transfer, "adopted") || !strcmp(report.transfer, "stateless"),
                      "%s: %s", path, report.transfer);
            count++;
        }
    }
    return count;
}

Test(in_turn, all_drivers_are_replaced_for_two_minutes_under_load)
{
    struct machine_world world;
    unsigned long long fired, due, early;
    unsigned rounds = 0, swaps = 0;
    suite_until("df", "/card ");
    job_end(job_begin("fill /card/original 1024"), COPIED);
    must(machine_push(&machine, PACKAGE("ticker-1.0.0"), "", NULL, &why));
    must(machine_push(&machine, PACKAGE("plasma-1.0.0"), "", NULL, &why));
    must(machine_read_world(&machine, &world, &why));
    suite_run("screen 6"); /* plasma's */
    suite_run("drive start gently");
    suite_run("ticker start 1000");
    for (uint64_t end_ms = now_ms() + LOAD_MS; now_ms() < end_ms; rounds++) {
        unsigned copy = job_begin("cp -g /card/original /card/copy");
        swaps += replace_all(&world, rounds % 2 == 0);
        job_end(copy, COPIED);
        job_end(job_begin("cmp /card/original /card/copy"), COPIED);
        suite_run("rm /card/copy");
    }
    fprintf(stderr, "  %u rounds, %u swaps\n", rounds, swaps);
    cr_assert_gt(rounds, 1);
    const char *said = suite_run("ticker stop");
    cr_assert_eq(sscanf(said, "fired %llu of %llu, %llu early", &fired, &due, &early), 3, "%s",
                 said);
    cr_assert_eq(fired, due, "%s", said);
    cr_assert_eq(early, 0, "%s", said);
    struct calls calls = calls_stop();
    cr_assert_eq(calls.failed, 0);
    cr_assert_eq(calls.answered, calls.made);
    cr_assert_eq(calls.counted, calls.made);
    cr_assert_not_null(strstr(suite_run("usb"), "QEMU USB Keyboard"));
}

/* SPDX-License-Identifier: MIT */
/*
 * Two minutes in which every component of the default card but those of which there is one build is
 * replaced in turn, again and again, while all of it is in use: a file is copied and compared on
 * the card, DMA copies, all CPUs call the counter, a timer ticks; in one round colours move on the
 * screen, in the next a line is typed on the USB keyboard, a key between two replacements. In the
 * end nothing is lost: no byte, no call, no tick, no frame, no key.
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
#define ROUNDS_MIN 4u /* either build, with colours and with keys */
#define DEVICES "-device usb-hub,port=1 -device usb-kbd,port=1.1"
#define COPIED "1048576 bytes"
#define TYPED "write -a /card/typed " /* and a word for each line */

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

static void press(char character)
{
    char letter[2] = {character, '\0'};
    must(machine_press(&machine,
                       character == ' '    ? "spc"
                       : character == '-'  ? "minus"
                       : character == '/'  ? "slash"
                       : character == '\n' ? "ret"
                                           : letter,
                       &why));
}

/* There is one build of it: others do its work in other suites, or it is a test's. */
static bool is_left_alone(const char *name)
{
    static const char *const names[] = {"load", "sched_fair", "ticker"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (!strcmp(names[i], name)) {
            return true;
        }
    }
    return false;
}

/* Each component once, a key of the line after each; returns how many were replaced. */
static unsigned replace_all(const struct machine_world *world, bool is_rebuilt, const char *line)
{
    unsigned count = 0;
    for (unsigned i = 0; i < world->count; i++) {
        struct client_report report;
        char path[128];
        if (is_left_alone(world->components[i].name)) {
            continue;
        }
        cr_assert(find_package(&world->components[i], true, path) &&
                      find_package(&world->components[i], is_rebuilt, path),
                  "%s", path);
        must(machine_push(&machine, path, "", &report, &why));
        cr_assert(!strcmp(report.transfer, "adopted") || !strcmp(report.transfer, "stateless"),
                  "%s: %s", path, report.transfer);
        count++;
        if (*line) {
            press(*line++);
        }
    }
    cr_assert_eq(*line, '\0', "too long to be typed: %s", line);
    return count;
}

/* What was typed has written a word into a file for each line. */
static void expect_typed(unsigned lines)
{
    char wanted[64] = "";
    for (unsigned i = 0; i < lines; i++) {
        size_t length = strlen(wanted);
        snprintf(wanted + length, sizeof(wanted) - length, "%c\n", 'a' + (int)i);
    }
    suite_until("cat /card/typed", wanted);
    cr_expect_str_eq(suite_run("cat /card/typed"), wanted);
}

static void expect_all_frames(void)
{
    unsigned drawn = 0;
    unsigned long long shown = 0;
    suite_run("screen 1"); /* plasma rests */
    const char *said = suite_run("plasma");
    cr_assert_eq(sscanf(said, "version 1: %u frames drawn, %llu shown", &drawn, &shown), 2, "%s",
                 said);
    cr_expect_gt(drawn, 0u);
    cr_expect_eq(drawn, shown, "%s", said);
}

Test(in_turn, all_drivers_are_replaced_for_two_minutes_under_load)
{
    struct machine_world world;
    unsigned long long fired, due, early;
    unsigned rounds = 0, swaps = 0, lines = 0;
    suite_until("df", "/card ");
    job_end(job_begin("fill /card/original 1024"), COPIED);
    must(machine_push(&machine, PACKAGE("ticker-1.0.0"), "", NULL, &why));
    must(machine_push(&machine, PACKAGE("plasma-1.0.0"), "", NULL, &why));
    must(machine_read_world(&machine, &world, &why));
    suite_until("usb", "QEMU USB Keyboard");
    suite_run("drive start gently");
    suite_run("ticker start 1000");
    for (uint64_t end_ms = now_ms() + LOAD_MS; now_ms() < end_ms || rounds < ROUNDS_MIN; rounds++) {
        bool is_typed = rounds % 4 > 1; /* with either build of what is replaced */
        char line[64] = "";
        if (is_typed) {
            snprintf(line, sizeof(line), TYPED "%c\n", 'a' + (int)lines);
            lines = (lines + 1) % 26;
        }
        suite_run(is_typed ? "screen 2" : "screen 6"); /* a terminal, plasma's */
        unsigned copy = job_begin("cp -g /card/original /card/copy");
        suite_run("dma copy 1024");
        swaps += replace_all(&world, rounds % 2 == 0, line);
        cr_expect_str_eq(suite_run("dma check"), "1048576 bytes copied, 0 words wrong\n");
        job_end(copy, COPIED);
        job_end(job_begin("cmp /card/original /card/copy"), COPIED);
        suite_run("rm /card/copy");
    }
    fprintf(stderr, "  %u rounds, %u swaps\n", rounds, swaps);
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
    expect_typed(lines);
    expect_all_frames();
}

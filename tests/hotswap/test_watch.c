/* SPDX-License-Identifier: MIT */
/*
 * `nr watch`, as a person has it: a file is saved, and what was built of it runs; within a second,
 * which is a claim of real time, so that one save of several has to keep to it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/hotswap/program.h"
#include "tests/hotswap/suite.h"
#include "tools/nr/port.h"
#include "tools/nr/watch.h"

#define SOURCE "components/counter/counter.c"
#define WATCH "build/tools/nr --port build/tests/" SUITE_MACHINE ".console --probation "
#define RUNS " s from save to running: "
#define GOAL_S 1.0
#define SAVES 20
#define SAVES_MS 120000 /* for all of them */
#define ONE_MS 60000    /* on a host that others use, too */
#define LONG_MS "300000"

static struct program program;

#define WORDS "calls counted"
#define OTHER_WORDS "calls COUNTED"

/* Where a test was cut off. */
static void restore(void)
{
    suite_sh("! grep -q '" OTHER_WORDS "' " SOURCE " || "
             "sed -i 's/" OTHER_WORDS "/" WORDS "/' " SOURCE);
}

static void attach(void)
{
    restore();
    suite_attach();
}

static void detach(void)
{
    restore();
    suite_detach();
}

TestSuite(watch, .init = attach, .fini = detach, .timeout = 300);

/* As an editor does, but for the text, which stays. */
static void save(void)
{
    int fd = open(SOURCE, O_WRONLY | O_APPEND);
    cr_assert_geq(fd, 0);
    cr_assert_eq(close(fd), 0);
}

/* Seconds, as it says, of the save that is to come next. */
static double see_one(void)
{
    program_expect(&program, SOURCE "\r\n", ONE_MS);
    const char *at = program_expect(&program, RUNS, ONE_MS);
    while (at > program.text && at[-1] != ' ') {
        at--;
    }
    return strtod(at, NULL);
}

static void begin(const char *probation)
{
    char line[128];
    suite_detach(); /* the line is nr's */
    snprintf(line, sizeof(line), WATCH "%s watch counter", probation);
    program_start(&program, line);
    program_expect(&program, "watching counter: ", ONE_MS);
    program_expect(&program, "^C ends\r\n", ONE_MS);
}

Test(watch, has_new_code_run_within_a_second_of_a_save)
{
    double least = 1000;
    unsigned saves = 0;
    uint64_t end = now_ms() + SAVES_MS;
    begin("100");
    while (least >= GOAL_S && saves < SAVES && now_ms() < end) {
        save();
        double took = see_one();
        program_expect(&program, "healthy: it stays, after ", ONE_MS);
        least = took < least ? took : least;
        saves++;
    }
    fprintf(stderr, "from a save to its code running: %.3f s, the least of %u saves\n", least,
            saves);
    program_type(&program, "\003");
    cr_expect_eq(program_end(&program), 0);
    suite_attach();
    cr_expect_lt(least, GOAL_S, "%s", program.text);
}

/* The source is changed, and what it says now the board says. */
static void change(const char *from, const char *to)
{
    begin("100");
    suite_sh("sed -i 's/%s/%s/' " SOURCE, from, to);
    (void)see_one();
    program_expect(&program, "healthy: it stays, after ", ONE_MS);
    program_type(&program, "\003");
    cr_expect_eq(program_end(&program), 0);
    suite_attach();
    suite_says("counter", to);
}

Test(watch, brings_in_what_was_saved)
{
    change(WORDS, OTHER_WORDS);
    change(OTHER_WORDS, WORDS);
}

Test(watch, does_not_wait_for_a_probation_that_the_next_save_ends)
{
    begin(LONG_MS);
    save();
    (void)see_one();
    save();
    program_expect(&program, "saved again: ", ONE_MS);
    (void)see_one();
    cr_expect_null(strstr(program.text, "healthy"), "%s", program.text);
    program_type(&program, "\003");
    program_expect(&program, "its probation goes on\r\n", ONE_MS);
    cr_expect_eq(program_end(&program), 0);
    suite_attach();
    must(machine_push(&machine, PACKAGE("counter-1.1.0"), "", NULL, &why)); /* it ends that, too */
}

/* A save counts from when it was made, not from when it is looked at. */
Test(watch, counts_from_the_save)
{
    char file[] = "build/tests/saved-XXXXXX";
    struct watch_saves saves = {.last = 0};
    int fd = mkstemp(file);
    cr_assert_geq(fd, 0);
    close(fd);
    uint64_t before = now_ms();
    snprintf(saves.file, sizeof(saves.file), "%s", file);
    suite_sh("echo >>%s", file);
    uint64_t after = now_ms();
    suite_run("world"); /* takes its time */
    uint64_t at = watch_saved_at(&saves);
    cr_expect_geq(at + 10, before); /* clocks of files tick more coarsely */
    cr_expect_leq(at, after + 1);
    saves.last = now_ms(); /* it was not written since: somebody had it open, no more */
    cr_expect_geq(watch_saved_at(&saves), after);
    (void)remove(file);
}

/* Variants stand for what a save would make. */
Test(watch, says_how_it_went)
{
    struct watch_times times = {.saved = now_ms(), .built = now_ms()};
    machine.client.options.probation_ms = 100;
    must(watch_push(&machine.client, PACKAGE("counter-1.1.0+rebuilt"), NULL, &times, &why));
    cr_assert_gt(times.sent, 0);
    cr_assert_geq(times.running, times.sent);
    must_refuse(watch_push(&machine.client, "README.md", NULL, &times, &why), "refused: ");
    must(watch_push(&machine.client, PACKAGE("counter-1.1.0"), NULL, &times, &why));
}

Test(watch, says_what_was_taken_back)
{
    struct watch_times times = {.saved = now_ms(), .built = now_ms()};
    machine.client.options.probation_ms = 60000;
    suite_run("drive start gently");
    must_refuse(watch_push(&machine.client, PACKAGE("counter-1.9.0+faults"), NULL, &times, &why),
                "counter was taken back: data abort at counter: read_nowhere");
    cr_expect_gt(times.running, 0u, "it did run");
    cr_expect_eq(suite_version("counter"), 1u << 24 | 1u << 12);
    suite_run("drive stop");
}

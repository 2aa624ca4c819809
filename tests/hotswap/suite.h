/* SPDX-License-Identifier: MIT */
/*
 * What the tests in QEMU share: one machine for all of them, started by the runner (main.c), one
 * test at a time. Each test attaches, which is a new session of the wire, and leaves the world as
 * it found it. A test that could bring the machine down starts one of its own.
 */
#pragma once

#include <criterion/criterion.h>

#include "tests/harness/machine.h"

#define SUITE_MACHINE "hotswap"
#define PACKAGE(name) "build/packages/" name ".nrb"
#define SUITE_PATIENCE 3000 /* looks until something must have come */

extern struct machine machine;
extern struct why why;

/* For .init and .fini of suites. */
void suite_attach(void);
void suite_detach(void);

/* Fails the test with the words of why. */
#define must(call)                                                                                 \
    do {                                                                                           \
        int must_result = (call);                                                                  \
        cr_assert_geq(must_result, 0, "%s", must_result < 0 ? why.text : "");                      \
    } while (0)

/* The call must be refused by the board, in words that hold `words`. */
#define must_refuse(call, words)                                                                   \
    do {                                                                                           \
        int refused = (call);                                                                      \
        cr_assert_eq(refused, -EREMOTEIO, "not refused: %d %s", refused,                           \
                     refused < 0 ? why.text : "");                                                 \
        cr_assert_not_null(strstr(why.text, words), "says: %s", why.text);                         \
    } while (0)

/*
 * The world, once nothing of what was replaced is in limbo any more: hash and accounts of memory
 * depend on that. The test fails if that does not come.
 */
struct machine_world suite_world(void);
uint64_t suite_hash(void);

/* The world as it is at the moment. */
struct machine_world suite_world_now(void);

/* The version of a component, 0: it is not in the world. */
uint32_t suite_version(const char *name);

/* The file of a component's package, of the version that runs; variant: "", or "+rebuilt". */
void suite_package(const char *name, const char *variant, char *file, size_t size);

/*
 * Takes out of a machine of one's own what the replacing itself does not need: displays, files,
 * buses and the like. What is left are some fifteen components.
 */
void suite_unload_others(struct machine *own);

/* Puts packages, a blank between them, into one bundle: signed, as the machine wants it. */
void suite_bundle(const char *file, const char *packages);

/* Runs a line and returns what it wrote, until the next call. It must succeed. */
const char *suite_run(const char *line);

/* The line ends as it should, or fails, and what it writes has the words in it. */
void suite_says(const char *line, const char *words);
void suite_fails(const char *line, const char *words);

/* Runs a line of the host's shell; it must succeed. */
__attribute__((format(printf, 1, 2))) void suite_sh(const char *format, ...);

/* Runs a line until what it writes has `words` in it, whatever it returns; that, until the next. */
const char *suite_until(const char *line, const char *words);

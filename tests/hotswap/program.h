/* SPDX-License-Identifier: MIT */
/*
 * A program of the host in a terminal of its own, as a person has it. It dies with the test, which
 * fails when it does not say what is expected.
 *
 *     program_start(&program, "build/tools/nr --port build/tests/hotswap.console top");
 *     program_expect(&program, ">cpu %", 20000);
 *     program_type(&program, "q");
 *     cr_assert_eq(program_end(&program), 0);
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#define PROGRAM_TEXT_BYTES 262144

struct program {
    pid_t pid;
    int terminal;
    size_t size, expected; /* up to where it was looked */
    char text[PROGRAM_TEXT_BYTES];
};

/* line: one command of a shell. What a make that runs the tests has told them is not for it. */
void program_start(struct program *program, const char *line);

void program_type(struct program *program, const char *text);

/* Waits for text after what was expected before. Returns where it is. */
const char *program_expect(struct program *program, const char *text, unsigned timeout_ms);

/* Waits for its end. Returns its exit status, 128 and more: a signal ended it. */
int program_end(struct program *program);

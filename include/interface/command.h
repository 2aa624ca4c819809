/* SPDX-License-Identifier: MIT */
/*
 * Commands: offers of kind COMMAND_KIND, run by a shell for a person or for the host's tool.
 */
#pragma once

#include <neurath/component.h>

INTERFACE(command, 1, 0);

#define COMMAND_KIND "command"
#define COMMAND_WORDS_MAX 16

/* Where a command writes: print as lib/format.h. */
struct command_output {
    void (*write)(struct command_output *output, const char *text, size_t size);
};

struct command_ops {
    /*
     * Runs the command: words[0] is its name. Writes what it has to say to output and returns 0 or
     * a negative errno; it does not wait. Context: thread.
     */
    int (*run)(int count, char *const words[], struct command_output *output);
    char help[64]; /* one line: "led period MS - sets how fast the LED blinks" */
};

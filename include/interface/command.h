/* SPDX-License-Identifier: MIT */
/*
 * Commands: offers of kind COMMAND_KIND, run by a shell for a person or for the host's tool.
 */
#pragma once

#include <lib/format.h>
#include <neurath/component.h>

INTERFACE(command, 1, 1);

#define COMMAND_KIND "command"
#define COMMAND_WORDS_MAX 16

/* Where a command writes. */
struct command_output {
    void (*write)(struct command_output *output, const char *text, size_t size);
};

#define COMMAND_PRINT_BYTES 256

/* Writes text in lib/format.h's formats, cut to COMMAND_PRINT_BYTES - 1. */
PRINTF_LIKE(2, 3)
static inline void command_print(struct command_output *output, const char *format, ...)
{
    char text[COMMAND_PRINT_BYTES];
    va_list arguments;
    va_start(arguments, format);
    int length = format_vprint(text, sizeof(text), format, arguments);
    va_end(arguments);
    output->write(output, text, MIN((size_t)length, sizeof(text) - 1));
}

#define COMMAND_SOON_US 20000 /* there is no event for it */

#define COMMAND_LIVE 1 /* from run(): what it wrote is a picture of now */
#define COMMAND_LIVE_US 1000000

struct command_ops {
    /*
     * Runs the command: words[0] is its name. Writes what it has to say to output and returns 0 or
     * a negative errno; it does not wait. -EINPROGRESS: it has written nothing yet, and is to be
     * run again with the same words after COMMAND_SOON_US. COMMAND_LIVE: before a person it is run
     * again each COMMAND_LIVE_US, and what it writes takes the place of what it wrote before, until
     * q, Ctrl-C or Enter is pressed. The last other key that was pressed comes as one more word, of
     * one character; blanks, control characters and keys beyond ASCII do not count. If it is
     * refused by -EINVAL, the one before it stays. A picture that is too long is cut before its
     * last line. Where nobody presses keys it is shown once, and counts as 0. Context: thread.
     */
    int (*run)(int count, char *const words[], struct command_output *output);
    char help[64]; /* one line: "led period MS - sets how fast the LED blinks" */
};

/* SPDX-License-Identifier: MIT */
/*
 * Runs a line of the shell with a component's own command, and keeps what it says. Included by the
 * test of a component, behind its source.
 */
#pragma once

#include <string.h>

#include <interface/command.h>

static char said[4000]; /* by the last line */

static void keep_said(struct command_output *output, const char *text, size_t size)
{
    (void)output;
    strncat(said, text, MIN(size, sizeof(said) - 1 - strlen(said)));
}

/* The words of the line are parted by single spaces. Returns what the command does. */
static int run_line_with(const struct command_ops *command, const char *line)
{
    static char copy[128];
    char *words[COMMAND_WORDS_MAX];
    struct command_output output = {.write = keep_said};
    int count = 0;
    strcpy(copy, line);
    for (char *word = strtok(copy, " "); word; word = strtok(NULL, " ")) {
        words[count++] = word;
    }
    said[0] = '\0';
    return command->run(count, words, &output);
}

/* SPDX-License-Identifier: MIT */
/*
 * Between the shell's parts: one run of a command line, and the commands that are built in.
 */
#pragma once

#include <interface/command.h>
#include <neurath/swap.h>

struct shell_run {
    struct command_output *output;
    uint32_t ticket; /* of the transaction that the command asked for; 0: none */
};

/*
 * Runs a line. As shell_execute(), but for the ticket, which is for the caller to tell.
 * -EINPROGRESS: nothing was said; to be run again.
 */
int shell_run_line(const char *line, struct shell_run *run);

struct shell_builtin {
    const char *name;
    const char *help; /* "swap OLD PACKAGE - replaces a component" */
    int (*run)(int count, char *const words[], struct shell_run *run);
};

/* Built-in command `index` (from 0), or NULL: no more. */
const struct shell_builtin *shell_builtin(unsigned index);

/* Commands of world.c. As shell_builtin.run. */
int shell_run_world(int count, char *const words[], struct shell_run *run);
int shell_run_packages(int count, char *const words[], struct shell_run *run);
int shell_run_threads(int count, char *const words[], struct shell_run *run);

/* Commands of transaction.c. As shell_builtin.run. */
int shell_run_load(int count, char *const words[], struct shell_run *run);
int shell_run_swap(int count, char *const words[], struct shell_run *run);
int shell_run_unload(int count, char *const words[], struct shell_run *run);
int shell_run_revert(int count, char *const words[], struct shell_run *run);
int shell_run_report(int count, char *const words[], struct shell_run *run);

/* Says in one sentence how a transaction ended. */
void shell_print_report(struct command_output *output, const struct swap_report *report);

/* Writes a duration as "950 ns", "12.3 us", "2.1 ms", "7.0 s". Any size of text. */
void shell_print_duration(char *text, size_t size, uint64_t duration_ns);

/* Writes "1.2.0", into SHELL_VERSION_BYTES at most. */
#define SHELL_VERSION_BYTES 16
void shell_print_version(char *text, size_t size, uint32_t version);

/* Says how a command is called, and returns -EINVAL. */
int shell_refuse_words(struct command_output *output, const char *usage);

/* SPDX-License-Identifier: MIT */
/* Between the commands: what each has to say when something fails. */
#pragma once

#include <interface/command.h>
#include <interface/vfs.h>
#include <neurath/time.h>

/*
 * Tries a call again for a short while, as long as the vfs is at work for others. Commands cannot
 * wait; what still finds it busy then is told so.
 */
#define FILES_PATIENCE_NS 500000000u
#define FILES_TRY(call)                                                                            \
    ({                                                                                             \
        uint64_t files_end = time_now_ns() + FILES_PATIENCE_NS;                                    \
        int files_result;                                                                          \
        do {                                                                                       \
            files_result = (call);                                                                 \
        } while (files_result == -EAGAIN && time_now_ns() < files_end);                            \
        files_result;                                                                              \
    })

/* Says what went wrong with `what` if result is an error; returns result. */
int files_tell(struct command_output *output, const char *what, int result);
int files_refuse_words(struct command_output *output, const char *usage);
/* Decimal; -EINVAL. */
int files_read_number(const char *word, uint32_t *number);

/* Closes a handle, at leisure if need be. */
void files_close(uint32_t handle);

/* Commands of show.c. */
int files_run_ls(int count, char *const words[], struct command_output *output);
int files_run_cat(int count, char *const words[], struct command_output *output);
int files_run_hexdump(int count, char *const words[], struct command_output *output);
int files_run_df(int count, char *const words[], struct command_output *output);

/* SPDX-License-Identifier: MIT */
/*
 * The shell: runs command lines, for a person at the console and for the host's tool. One provider.
 */
#pragma once

#include <interface/command.h>

INTERFACE(shell, 1, 0);

/*
 * Runs one line ("swap led_blink led_blink-1.2.0") and writes what it has to say to output, by
 * calls of output->write before it returns. Words are parted by spaces; '…' and "…" and a backslash
 * keep them together. Replacing, loading and unloading only begin here: the text names a ticket,
 * and `report TICKET` tells how it ended. 0, also for an empty line. -ENOENT: no such command.
 * -EINVAL: quotes without an end, too many words or wrong ones. -EINPROGRESS: what the command
 * needs is being fetched, and nothing was done or said yet: call again with the same line after
 * some milliseconds, or when swap_event() is signalled. Else what the command returns.
 */
GATED(thread) int shell_execute(const char *line, struct command_output *output);

/* SPDX-License-Identifier: MIT */
/*
 * `nr console`: the board's console in this terminal, and the side door by which others reach the
 * board meanwhile.
 */
#pragma once

#include "lib/why.h"

/*
 * Runs until Ctrl-], until the line ends, or until command (NULL: none) ends. command is started
 * first, its port is waited for, and it is ended with the console. Returns 0 or a negative errno.
 */
int console_run(const char *name, unsigned baud, char *const command[], struct why *why);

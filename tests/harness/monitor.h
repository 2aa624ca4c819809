/* SPDX-License-Identifier: MIT */
/*
 * QEMU's machine protocol (docs/interop/qmp-spec), as little as tests need: commands of the human
 * monitor. fd: a connected socket, not blocking.
 */
#pragma once

#include <stddef.h>

#include "lib/why.h"

/* Reads the greeting and leaves the negotiation. */
int monitor_greet(int fd, struct why *why);

/*
 * Runs a command of the human monitor; output is NUL-terminated, cut to size. -EPROTO: it refuses,
 * or what it writes is an error; or, if size is 0, it writes anything.
 */
int monitor_run(int fd, const char *command, char *output, size_t size, struct why *why);

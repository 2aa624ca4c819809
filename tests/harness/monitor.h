/* SPDX-License-Identifier: MIT */
/*
 * QEMU's machine protocol (docs/interop/qmp-spec), as little as tests need: commands of the human
 * monitor. fd: a connected socket, not blocking. serial: the other end of the machine's serial
 * line, which is served meanwhile: QEMU does nothing else while nobody takes what is written there,
 * and some hundred bytes fill a socket to which they come one by one.
 */
#pragma once

#include <stddef.h>

#include "tools/nr/client.h"

/* Reads the greeting and leaves the negotiation. */
int monitor_greet(int fd, struct client *serial, struct why *why);

/*
 * Runs a command of the human monitor; output is NUL-terminated, cut to size. -EPROTO: it refuses,
 * or what it writes is an error; or, if size is 0, it writes anything.
 */
int monitor_run(int fd, struct client *serial, const char *command, char *output, size_t size,
                struct why *why);

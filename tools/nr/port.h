/* SPDX-License-Identifier: MIT */
/*
 * The port a board or a QEMU is at, and how several `nr` share it.
 *
 * A port is a tty, the path of a UNIX socket, or tcp:HOST:NUMBER. A line has one owner: whoever
 * holds the lock file. An owner that stays (`nr console`) listens on a UNIX socket, the side door;
 * another nr finds it there and sends its frames through. An owner that does one thing and leaves
 * does not listen: others wait for the lock. Lock and side door of a socket lie beside it as
 * PORT.lock and PORT.nr, those of other ports in $XDG_RUNTIME_DIR, else /tmp.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/why.h"

#define PORT_BAUD 115200
#define PORT_WAIT_MS 20000 /* for another nr to leave the line */
#define PORT_TELL_MS 1000  /* who waits no longer than this says nothing */

struct port {
    int fd;           /* bytes of the line, not blocking */
    int lock;         /* holds the line, -1: through the side door */
    bool is_brokered; /* through the side door: frames only, no text */
};

/* $NR_PORT, else build/console.sock if it is there, else /dev/ttyUSB0. */
const char *port_default(void);

/*
 * Opens the line itself; the lock must be free. 0; -EBUSY: another nr has it; a negative errno of
 * opening it.
 */
int port_open_own(struct port *port, const char *name, unsigned baud, struct why *why);

/*
 * Opens it by the side door, if there is one, else itself; waits while others are at it, and says
 * so on stderr if that takes more than PORT_TELL_MS. 0; -EBUSY: they still were after wait_ms; a
 * negative errno of opening it.
 */
int port_open_any(struct port *port, const char *name, unsigned baud, unsigned wait_ms,
                  struct why *why);

/* Opens without lock or side door: for tests, who have the line to themselves. */
int port_open_raw(const char *name, unsigned baud, struct why *why);

/* Opens the side door for others. Returns a listening socket. */
int port_listen(const char *name, struct why *why);
void port_unlisten(const char *name, int fd);

/*
 * Waits, a second at most, until the other side has taken what was written: a machine in QEMU loses
 * what is still under way when the line is closed, and would be left in the middle of a frame.
 */
void port_drain(int fd);

void port_close(struct port *port);

/* Milliseconds on a clock that does not go backwards. */
uint64_t now_ms(void);

/* SPDX-License-Identifier: MIT */
/*
 * A session with the board at a port, from opening the line to leaving it to others.
 *
 *     struct session session;
 *     int result = session_open(&session, &place, &why);
 *     if (result == 0) {
 *         use session.client
 *     }
 *     session_close(&session);
 */
#pragma once

#include "tools/nr/client.h"
#include "tools/nr/port.h"

/* Where the board is, and how it is asked. */
struct session_place {
    const char *port; /* as port.h has it */
    unsigned baud;
    unsigned wait_ms;              /* while others are at the line */
    struct client_options options; /* of each transaction */
};

struct session {
    struct port port;
    struct client client;
};

/*
 * 0; as port_open_any() and client_connect(), *why names the port. Either way it is to be closed.
 */
int session_open(struct session *session, const struct session_place *place, struct why *why);

void session_close(struct session *session);

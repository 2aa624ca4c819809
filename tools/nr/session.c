/* SPDX-License-Identifier: MIT */
/* A session with a board: see session.h. */
#include "tools/nr/session.h"

#define CONNECT_MS 6000

int session_open(struct session *session, const struct session_place *place, struct why *why)
{
    int result = port_open_any(&session->port, place->port, place->baud, place->wait_ms, why);
    if (result < 0) {
        return result;
    }
    client_init(&session->client, session->port.fd);
    session->client.options = place->options;
    result = client_connect(&session->client, CONNECT_MS, why);
    return result < 0 ? why_prepend(why, result, "%s", place->port) : 0;
}

void session_close(struct session *session)
{
    if (session->port.fd >= 0) {
        client_close(&session->client);
        session->port.fd = -1;
    }
    port_close(&session->port);
}

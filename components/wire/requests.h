/* SPDX-License-Identifier: MIT */
/*
 * What the host may ask for, and the answers. docs/wire.md lists them.
 *
 * A request is dealt with at once; what it begins - a transaction, a long answer - is a job in
 * struct requests, and requests_continue() goes on with it when there is room on the wire. All by
 * whoever holds the component's turn; nothing waits.
 */
#pragma once

#include <interface/command.h>
#include <lib/wire.h>
#include <neurath/swap.h>

#define REQUEST_TICKETS 8          /* transactions under way at once */
#define REQUEST_OUTPUT_BYTES 16384 /* of one command */

struct request_ticket {
    uint32_t ticket;  /* 0: free */
    uint32_t id;      /* of the request */
    uint32_t is_told; /* that it is committed, and on probation */
};

struct requests {
    uint32_t generation; /* of the session the jobs belong to */
    struct request_ticket tickets[REQUEST_TICKETS];
    uint32_t is_run_open; /* output of a command is being sent */
    uint32_t run_id;
    int32_t run_result;
    uint32_t run_bytes, run_sent;
    uint32_t is_world_open; /* the world is being sent */
    uint32_t world_id;
    uint32_t world_after; /* the last component that was sent */
    uint32_t update_id;   /* of the request whose end the update's phase will tell; 0: none */
    char output[REQUEST_OUTPUT_BYTES];
    struct command_output capture;
    uint8_t answer[WIRE_MESSAGE_MAX];
};

/* Whether a request can be dealt with now: there is room for its answer. */
bool requests_has_room(const struct requests *requests, const struct wire_link *link);

/*
 * Deals with one request: a message that came, untrusted. False: what it needs is being fetched,
 * and nothing was done or answered: to be called again with the same soon.
 */
bool requests_handle(struct requests *requests, struct wire_link *link, const void *tree,
                     size_t size);

/* Goes on with jobs. Returns whether some wait for what others do: transactions, an update. */
bool requests_continue(struct requests *requests, struct wire_link *link);

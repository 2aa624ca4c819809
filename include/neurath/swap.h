/* SPDX-License-Identifier: MIT */
/*
 * Transactions: how the loader component asks the nucleus to change the world.
 *
 * A request returns at once with a ticket; a nucleus worker stages, drains, transfers, commits and
 * retires, and signals swap_event(). Either all components of the bundle change, or none.
 */
#pragma once

#include <neurath/event.h>

#define COMPONENT_NAME_BYTES 32
#define SWAP_MESSAGE_BYTES 512

enum swap_kind {
    SWAP_LOAD,    /* bring in the bundle's components; those loaded already are replaced */
    SWAP_REPLACE, /* the bundle's one component takes the place of `old` */
    SWAP_UNLOAD,  /* take `old` out of the world */
};

struct swap_request {
    enum swap_kind kind;
    const void *bundle;  /* a package or bundle (lib/bundle.h), copied by the call; UNLOAD: NULL */
    size_t bundle_bytes; /* its size */
    char old[COMPONENT_NAME_BYTES]; /* REPLACE, UNLOAD: a component in the world */
    uint32_t deadline_ms;           /* for the drain; 0: CONFIG_DRAIN_DEADLINE_MS */
};

enum swap_transfer { SWAP_STATELESS, SWAP_FRESH, SWAP_ADOPTED, SWAP_HANDED_OVER };

struct swap_report {
    uint32_t ticket;
    enum swap_kind kind;               /* what was asked for */
    int result;                        /* 0, or the negative errno of a refusal */
    char message[SWAP_MESSAGE_BYTES];  /* a refusal, or what was done, in words */
    char old[COMPONENT_NAME_BYTES];    /* "" when nothing was replaced */
    char new[COMPONENT_NAME_BYTES];    /* the bundle's first component; "" for UNLOAD */
    uint32_t old_version, new_version; /* VERSION() */
    uint32_t components;               /* how many the transaction changed */
    enum swap_transfer transfer;       /* of the first component */
    uint64_t state_bytes;              /* carried over */
    uint32_t attempts;                 /* rendezvous until nobody was inside */
    uint64_t stage_ns, drain_ns, blackout_ns, retire_ns, total_ns;
};

/*
 * Asks for a transaction; they are carried out one by one in order. Returns the ticket (> 0).
 * -EINVAL: the request makes no sense. -EBUSY: too many waiting. -ENOMEM. Context: thread.
 */
NUCLEUS_API int swap_submit(const struct swap_request *request);

/*
 * Reads the report of a ticket. 0: done (see result). -EAGAIN: under way, wait for swap_event().
 * -ENOENT: no such ticket, or older than the 32 last. Context: any.
 */
NUCLEUS_API int swap_read_report(uint32_t ticket, struct swap_report *report);

/* Signalled whenever a transaction has ended. */
NUCLEUS_API struct event *swap_event(void);

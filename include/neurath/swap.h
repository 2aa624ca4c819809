/* SPDX-License-Identifier: MIT */
/*
 * Transactions: how the loader component asks the nucleus to change the world.
 *
 * A request returns at once with a ticket; a nucleus worker stages, drains, transfers and commits,
 * and signals swap_event(). Either all components of the bundle change, or none.
 *
 * Then the new versions are on probation: a fault, a failed health(), or a call that does not end
 * brings the old ones back, with the state as it then is. swap_event() is signalled again when it
 * is over, and the report says how. The next request waits for that, unless it is about the same
 * component: then, if all is well, the probation is over at once.
 */
#pragma once

#include <neurath/event.h>

#define COMPONENT_NAME_BYTES 32
#define SWAP_MESSAGE_BYTES 512

enum swap_kind {
    SWAP_LOAD,    /* bring in the bundle's components; those loaded already are replaced */
    SWAP_REPLACE, /* the bundle's one component takes the place of `old` */
    SWAP_UNLOAD,  /* take `old` out of the world */
    SWAP_REVERT,  /* `old` is on probation: bring back what was before it */
    SWAP_TRACE, /* trace those gates, and no others, whose bits are set: bit n % 8 of byte n / 8 */
};

#define SWAP_NO_PROBATION UINT32_MAX

/* How a transaction is to go about it. All 0: as configured. */
struct swap_options {
    uint32_t deadline_ms;  /* for the drain; 0: CONFIG_DRAIN_DEADLINE_MS */
    uint32_t probation_ms; /* 0: CONFIG_PROBATION_MS; SWAP_NO_PROBATION: none */
    /* For tests, with CONFIG_SWAP_TESTS: */
    uint32_t fail_at;    /* the step, counted from 1, that is to fail; 0: none */
    uint32_t is_audited; /* 1: walk the page tables at each step */
    uint32_t is_plain; /* 1: addresses of functions are no gates, as where code is only relocated */
};

struct swap_request {
    enum swap_kind kind;
    const void *bundle; /* LOAD, REPLACE: a package or bundle (lib/bundle.h); TRACE: bits. Copied */
    size_t bundle_bytes;            /* its size */
    char old[COMPONENT_NAME_BYTES]; /* a component in the world; LOAD: the one this is about, or ""
                                     */
    struct swap_options options;
};

enum swap_phase {
    SWAP_SETTLED,      /* it stays so; also what was refused */
    SWAP_ON_PROBATION, /* the new versions work, the old ones can come back */
    SWAP_TAKEN_BACK,   /* they have come back; result and message say why */
    SWAP_DRAINING,     /* under way: it waits until nobody is inside of what is replaced */
};

enum swap_transfer { SWAP_STATELESS, SWAP_FRESH, SWAP_ADOPTED, SWAP_HANDED_OVER, SWAP_MIGRATED };

struct swap_report {
    uint32_t ticket;
    enum swap_kind kind;               /* what was asked for */
    uint64_t began_ns, ended_ns;       /* when; ended: its probation too, 0: not yet */
    int result;                        /* 0, or the negative errno of a refusal */
    char message[SWAP_MESSAGE_BYTES];  /* why it was refused or taken back, in words */
    char old[COMPONENT_NAME_BYTES];    /* "" when nothing was replaced */
    char new[COMPONENT_NAME_BYTES];    /* the bundle's first component; "" for UNLOAD */
    uint32_t old_version, new_version; /* VERSION() */
    uint32_t components;               /* how many the transaction changed */
    enum swap_transfer transfer;       /* of the first component */
    uint64_t state_bytes;              /* carried over */
    uint32_t attempts;                 /* rendezvous until nobody was inside */
    uint64_t stage_ns, drain_ns, blackout_ns, retire_ns, total_ns; /* total: without probation */
    uint64_t commit_ns;  /* of the blackout: from when nobody was found inside to its end */
    uint64_t stopped_ns; /* how long all CPUs stood still, in all: blackout, audit, other looks */
    enum swap_phase phase;
    uint32_t probation_ms;  /* how long it is, or was to be */
    uint32_t calls;         /* of the new versions meanwhile */
    uint32_t traced;        /* TRACE: how many gates are */
    uint32_t steps;         /* that could have failed */
    uint32_t wx_violations; /* pages found writable and executable, if is_audited */
};

/*
 * Asks for a transaction; they are carried out one by one in order. Returns the ticket (> 0).
 * -EINVAL: the request makes no sense. -EBUSY: too many waiting. -ENOMEM. Context: thread.
 */
NUCLEUS_API int swap_submit(const struct swap_request *request);

/*
 * Reads the report of a ticket. 0: done (see result). -EAGAIN: under way, wait for swap_event();
 * from the drain on *report says so, and what it is about, else it is left alone. -ENOENT: no such
 * ticket, or older than the 32 last. Context: any.
 */
NUCLEUS_API int swap_read_report(uint32_t ticket, struct swap_report *report);

/* The last ticket that was handed out; 0: none was. Context: any. */
NUCLEUS_API uint32_t swap_last_ticket(void);

/* Signalled whenever a transaction has ended, or its probation. */
NUCLEUS_API struct event *swap_event(void);

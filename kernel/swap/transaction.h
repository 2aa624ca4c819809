/* SPDX-License-Identifier: MIT */
/*
 * The transaction: stage, drain, transfer, commit, retire. One is under way at a time, in the
 * nucleus's own worker (at boot: in the first thread). See docs/transaction.md for the protocol.
 */
#pragma once

#include "image.h"

#define MEMBERS_MAX 64

/* One component of the bundle and what it takes the place of. */
struct member {
    struct component *component; /* the record it will be */
    struct component *old;       /* replaced: the same record, another, or NULL */
    struct image *image;         /* new; NULL: it leaves */
    struct image *old_image;
    enum swap_transfer transfer;
    void *state, *old_state; /* the same when adopted */
    size_t state_bytes, old_state_bytes;
    void *handover; /* what the old one exported */
    size_t handover_room, handover_bytes;
    bool is_started;  /* its start has been called, and went well */
    bool has_adopted; /* its adopt has been called */
};

/* One gate to retarget, and back. */
struct retarget {
    int gate;
    uint64_t from, to;
};

struct transaction {
    const struct swap_request *request;
    struct swap_report *report;
    struct why *why;
    bool is_boot;
    struct blob *blob;
    struct member members[MEMBERS_MAX];
    unsigned member_count;
    struct retarget *retargets; /* pages */
    unsigned retarget_count, retarget_room;
    bool is_closable;  /* all that is replaced is only called from threads */
    bool is_backwards; /* the new images are to go, the old ones come back */
    bool is_aborted;   /* a gate was met closed where none may sleep */
    char culprit[160]; /* who was inside at the last attempt */
};

#define refuse(transaction, error, ...) why_set((transaction)->why, error, __VA_ARGS__)

/* check.c: provides, needs, types, own gates, once all images have been made. */
int transaction_check(struct transaction *transaction);

/* stage.c: everything that can be refused. Leaves nothing behind when it refuses. */
int transaction_stage(struct transaction *transaction);
void transaction_unstage(struct transaction *transaction);

/* drain.c: attempts until nobody is inside, then action; gates closed meanwhile where allowed. */
int transaction_drain(struct transaction *transaction, int (*action)(struct transaction *),
                      uint64_t deadline_ns);

/* transaction.c: carries out a request, from any thread but never two at once. */
void transaction_run(const struct swap_request *request, struct swap_report *report, bool is_boot);
/* queue.c: starts the thread that takes requests. */
void transaction_start_worker(void);
void transaction_read_totals(uint32_t *committed, uint64_t *worst_blackout_ns);

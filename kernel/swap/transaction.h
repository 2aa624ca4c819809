/* SPDX-License-Identifier: MIT */
/*
 * The transaction: stage, drain, transfer, commit, probation, retire. One is under way at a time,
 * in the nucleus's own worker (at boot: in the first thread). See docs/transaction.md for the
 * protocol.
 */
#pragma once

#include <lib/revocation.h>

#include "image.h"
#include "step.h"

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
    void *aside;    /* pages to link the old one's initial state again, if it is dismissed */
    void *handover; /* what the old one exported */
    size_t handover_room, handover_bytes;
    bool is_started;     /* its start has been called, and went well */
    bool has_adopted;    /* its adopt has been called */
    bool has_taken_over; /* its import has been called, and went well */
    bool has_migrated;   /* its migrate has been called */
};

/* Whether what a member replaces leaves for good: it is of another name, or nothing comes. */
static inline bool member_is_dismissed(const struct member *member)
{
    return member->old && (!member->image || member->component != member->old);
}

/* Whether a member begins anew: what start() registers is not there when only code was replaced. */
static inline bool member_is_newcomer(const struct member *member)
{
    return member->image && member->component != member->old;
}

/* One gate to retarget, and back. */
struct retarget {
    int gate;
    uint64_t from, to;
};

/* Changed in a rendezvous only, once the gates have turned. */
enum transaction_phase {
    PHASE_STAGED,
    PHASE_COMMITTED, /* the gates lead to the new images; guarded while on probation */
    PHASE_KEPT,      /* for good */
    PHASE_TAKEN_BACK /* and back again */
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
    char culprit[352]; /* who was inside at the last attempt */
    enum transaction_phase phase;
    const struct kthread *thread; /* that carries it out: never parked */
    bool is_guarded;              /* calls of the new images can be cut off */
    bool has_migrated;            /* one of the members has */
    uint32_t is_failing;          /* 1: failure is being written, or has been */
    uint32_t has_failed;          /* 1: a call was cut off; failure says why */
    char failure[160];
    uint32_t calls;             /* of the new images, while guarded */
    uint64_t inside_since_ns;   /* the oldest guarded call under way; UINT64_MAX: none */
    uint64_t stopped_before_ns; /* what rendezvous_read_stopped_ns() said when it began */
    bool is_on_probation;
    uint64_t watched_ns; /* since when */
    uint64_t settle_ns;  /* when that is over */
    bool is_time_over;   /* it was, at the last look */
};

#define refuse(transaction, error, ...) why_set((transaction)->why, error, __VA_ARGS__)

static_assert(COMPONENT_NAME_BYTES <= REVOCATION_NAME_BYTES, "names fit");
/* After a restart it is what the boot bundle says. Changed at a transaction's end, under
 * component_lock. */
extern struct revocations revocations;

/* check.c: calls and held addresses lead somewhere in the world to come. */
int transaction_check(struct transaction *transaction);

/* stage.c: everything that can be refused. Leaves nothing behind when it refuses. */
int transaction_stage(struct transaction *transaction);
void transaction_unstage(struct transaction *transaction);

/* drain.c: attempts until nobody is inside, then action; gates closed meanwhile where allowed. */
int transaction_drain(struct transaction *transaction, int (*action)(struct transaction *),
                      uint64_t deadline_ns);

/* contain.c: calls of the new images are guarded from now on, or not any more. In a rendezvous. */
void contain_begin(struct transaction *transaction);
void contain_end(void);
/* The transaction on probation of which a call was cut off; NULL: none. */
struct transaction *contain_failed(void);
/*
 * In a rendezvous; argument: the transaction. Cuts off the calls that have been inside for longer
 * than CONFIG_CALL_DEADLINE_MS, and notes since when the oldest is that has not.
 */
void contain_cut_calls(void *argument);
/* From where nobody may sleep: turns the gates back at once. False: somebody stays inside. */
bool contain_turn_back(struct transaction *transaction);

/* drain.c. In a rendezvous: whether somebody is inside what is to go; then culprit says who. */
bool drain_find_inside(struct transaction *transaction);
/* Lets those go on who wait at gates that have turned meanwhile. */
void drain_wake_parked(void);
/*
 * transaction.c: carries out a request, from any thread but never two at once, nor while one is on
 * probation: then report->phase says so, and it must stay where it is.
 */
void transaction_run(const struct swap_request *request, struct swap_report *report, bool is_boot);

/*
 * The probation, if there is one: looks at it, and ends it when it is over. next: what is to be
 * done next; NULL: nothing. Returns in how many ns to look again; 0: what is next can be done.
 */
uint64_t transaction_look(const struct swap_request *next);
/* Whether an address lies in the code of the new images. */
bool transaction_is_new_code(const struct transaction *transaction, uint64_t target);
/* Turns all gates to the new images, or back. In a rendezvous. */
void transaction_retarget(struct transaction *transaction, bool back);
/*
 * Interrupts of components without code behind their handlers' gates must not come: those of who is
 * new, or of who is dismissed. In a rendezvous.
 */
void transaction_mask_irqs(const struct transaction *transaction, bool of_newcomers,
                           bool is_masked);

/* start.c: in this order, once the gates have turned. */
void transaction_dismiss(struct transaction *transaction);
void transaction_renew_dismissed(struct transaction *transaction);
int transaction_start_newcomers(struct transaction *transaction);
/* Calls stop() of an image that the gates do not lead to any more. */
void member_call_stop(const struct image *image);

/* report.c: makes the records say what is so now, and what was so before. */
void member_settle(struct member *member);
void member_unsettle(struct member *member);
void transaction_describe(struct transaction *transaction);

/* back.c: in a rendezvous, nobody inside the new images: the gates turn back. 0. */
int transaction_undo_commit(struct transaction *transaction);
/* The whole way back, from a thread; then the transaction is to be unstaged. */
void transaction_roll_back(struct transaction *transaction);

/* probation.c */
void transaction_begin_probation(struct transaction *transaction);
uint64_t transaction_watch(struct transaction *transaction, const struct swap_request *next);
int transaction_revert(struct transaction *transaction, const struct swap_request *request,
                       struct swap_report *report, struct why *why);

/*
 * direct.c: calls go through the gates of a transaction (-ENOMEM), or not any more; and wherever a
 * gate has come to be traced or not. is_again: for direct_hold() alone.
 */
int direct_hold(struct transaction *transaction);
void direct_release(const struct transaction *transaction);
int direct_settle(bool is_again);

/* trace.c: carries out a request of that kind. -ENOMEM, in words. */
int trace_apply(const struct swap_request *request, struct swap_report *report, struct why *why);

/* retire.c: what was replaced goes, now or when nobody refers to it any more. */
void transaction_finish(struct transaction *transaction);
/* Of a transaction that was taken back: the new images go in the same manner. */
void retire_new_images(struct transaction *transaction);
/* Looks again at what is in limbo; returns in how many ns to come again, 0: nothing is. */
uint64_t retire_again(void);
/* queue.c: starts the thread that takes requests. */
void transaction_start_worker(void);
/* It is to look at the probation now. */
void transaction_wake_worker(void);
/* Tells a report, for the first time or anew. */
void transaction_publish(const struct swap_report *report);
void transaction_read_totals(uint32_t *committed, uint64_t *worst_blackout_ns);

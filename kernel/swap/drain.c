/* SPDX-License-Identifier: MIT */
/*
 * Draining: waiting until no thread and no interrupt is inside the images that are to go, looking
 * at every stack while all CPUs are stopped. The first look costs nobody anything; if it fails,
 * gates that may be are closed, so that nobody new enters, and the next look comes a little later.
 */
#include <errno.h>
#include <lib/format.h>
#include <string.h>

#include "rendezvous.h"
#include "transaction.h"

/* Between attempts: long enough to leave a call; longer each time, or looking would be all we do.
 */
#define FIRST_INTERVAL_NS 100000u
#define LAST_INTERVAL_NS 20000000u

static struct transaction *draining; /* whose gates may be closed; NULL: none */
static struct event reopened;
static struct event nobody_signals;

struct look {
    const struct transaction *transaction;
    const char *thread;
    bool found;
    char trail[128];
    size_t length;
};

static bool is_old_code(const struct transaction *transaction, uint64_t pc)
{
    for (unsigned i = 0; i < transaction->member_count; i++) {
        const struct image *old = transaction->members[i].old_image;
        if (old && image_contains(old, pc)) {
            return true;
        }
    }
    return false;
}

static bool look_at(uint64_t pc, void *argument)
{
    struct look *look = argument;
    look->found = is_old_code(look->transaction, pc);
    return !look->found;
}

static bool add_to_trail(uint64_t pc, void *argument)
{
    struct look *look = argument;
    if (look->length < sizeof(look->trail)) {
        if (look->length) {
            look->length += (size_t)format_print(look->trail + look->length,
                                                 sizeof(look->trail) - look->length, " < ");
        }
        size_t room = sizeof(look->trail) - MIN(look->length, sizeof(look->trail));
        look->length += (size_t)symbol_describe(pc, look->trail + look->length, room);
    }
    return look->length < sizeof(look->trail);
}

/* One thread's frames, or those of the thread that a stopped CPU was running. */
static void walk(const struct kthread *thread, walk_visit *visit, struct look *look)
{
    if (!thread->is_on_cpu) {
        walk_thread(thread, visit, look);
    } else if (thread == thread_current()) {
        walk_current(visit, look);
    } else {
        walk_trap(percpu[thread->public.cpu].trap, visit, look);
    }
}

/* In the rendezvous: whether somebody is inside; if so, who and where, in words. */
static bool find_inside(struct transaction *transaction)
{
    struct kthread *thread;
    list_for_each(thread, &thread_list, all)
    {
        struct look look = {.transaction = transaction};
        walk(thread, look_at, &look);
        if (look.found) {
            walk(thread, add_to_trail, &look);
            format_print(transaction->culprit, sizeof(transaction->culprit), "%s: %s",
                         thread->public.name, look.trail);
            return true;
        }
    }
    return false;
}

struct attempt {
    struct transaction *transaction;
    int (*action)(struct transaction *);
};

static int attempt(void *argument)
{
    struct attempt *this = argument;
    return find_inside(this->transaction) ? -EAGAIN : this->action(this->transaction);
}

/* Closes or opens the gates of interfaces that the old images provide. */
static void set_closed(struct transaction *transaction, bool is_closed)
{
    for (unsigned i = 0; i < transaction->retarget_count; i++) {
        int gate = transaction->retargets[i].gate;
        if (!gate_at(gate)->owner && gate_at(gate)->is_closed != is_closed) {
            gate_write(gate, gate_at(gate)->target, is_closed);
        }
    }
    gate_finish_writes();
}

static void reopen(struct transaction *transaction)
{
    set_closed(transaction, false);
    draining = NULL;
    event_signal(&reopened);
}

/*
 * From gate_park: returns where the call goes on. Waits until the gates are open again; but who is
 * inside what is being drained passes through to it, and from where nobody may sleep the whole
 * drain is given up.
 */
uint64_t gate_wait(uint64_t gate)
{
    uint32_t seen = event_read(&reopened);
    struct transaction *transaction = __atomic_load_n(&draining, __ATOMIC_ACQUIRE);
    int index = gate_index_of(gate);
    if (!transaction || index < 0 || !READ_ONCE(gate_at(index)->is_closed)) {
        return gate;
    }
    struct look look = {.transaction = transaction};
    walk_current(look_at, &look);
    if (look.found) {
        return gate_at(index)->target;
    }
    if (cpu_irq_is_masked() || this_cpu()->trap) {
        transaction->is_aborted = true;
        return gate_at(index)->target;
    }
    (void)event_wait(&reopened, seen, WAIT_FOREVER); /* cancelled or signalled: look again */
    return gate;
}

int transaction_drain(struct transaction *transaction, int (*action)(struct transaction *),
                      uint64_t deadline_ns)
{
    if (!reopened.waiters.next) {
        event_prepare(&reopened);
        event_prepare(&nobody_signals);
    }
    struct attempt this = {transaction, action};
    uint64_t interval = FIRST_INTERVAL_NS;
    int result;
    for (;;) {
        uint64_t blackout = 0;
        transaction->report->attempts++;
        result = rendezvous_run(attempt, &this, &blackout);
        transaction->report->blackout_ns = blackout;
        if (result != -EAGAIN || transaction->is_aborted || time_now_ns() >= deadline_ns) {
            break;
        }
        if (transaction->is_closable && !draining) {
            __atomic_store_n(&draining, transaction, __ATOMIC_RELEASE);
            set_closed(transaction, true);
        }
        (void)event_wait(&nobody_signals, event_read(&nobody_signals), interval);
        interval = MIN(interval * 2, LAST_INTERVAL_NS);
    }
    if (draining) {
        reopen(transaction); /* of the new ones, if action has committed */
    }
    if (result == -EAGAIN) {
        return transaction->is_aborted
                   ? why_set(
                         transaction->why, -EBUSY,
                         "it was called from where nobody may wait, while its gates were closed")
                   : why_set(transaction->why, -EBUSY, "somebody is still inside: %s",
                             transaction->culprit);
    }
    return result == -ETIMEDOUT
               ? why_set(transaction->why, result, "a CPU does not stop, see the log")
               : result;
}

/* SPDX-License-Identifier: MIT */
/*
 * Draining: waiting until no thread and no interrupt is inside the images that are to go, looking
 * at every stack while all CPUs are stopped. The first look costs nobody anything; if it fails,
 * gates that may be are closed and workers are held before their next step, so that nobody new
 * enters, and the next look comes a little later.
 */
#include <errno.h>
#include <lib/format.h>
#include <string.h>

#include "../arch/walk.h"
#include "audit.h"
#include "rendezvous.h"
#include "transaction.h"

/* Between attempts: long enough to leave a call; longer each time, or looking would be all we do.
 */
#define FIRST_INTERVAL_NS 100000u
#define LAST_INTERVAL_NS 20000000u

static struct transaction *draining; /* whose gates may be closed; NULL: none */
static struct event reopened = EVENT_READY(reopened);
static struct event nobody_signals = EVENT_READY(nobody_signals);

/* What is looked for on a stack: addresses in a range that holds all that is to go, then exactly.
 */
struct look {
    uint64_t begin, bytes;
    const struct transaction *transaction;
};

/* Who is inside, in words: its functions, innermost first. */
struct trail {
    char text[320];
    size_t length;
};

static const struct image *leaving_image(const struct transaction *transaction, unsigned i)
{
    const struct member *member = &transaction->members[i];
    return transaction->is_backwards ? member->image : member->old_image;
}

static struct look look_for(const struct transaction *transaction)
{
    uint64_t begin = UINT64_MAX, end = 0;
    for (unsigned i = 0; i < transaction->member_count; i++) {
        const struct image *leaving = leaving_image(transaction, i);
        if (leaving) {
            begin = MIN(begin, (uint64_t)leaving->text);
            end = MAX(end, (uint64_t)leaving->text + leaving->text_pages * PAGE_BYTES);
        }
    }
    return (struct look){begin, end ? end - begin : 0, transaction};
}

static __attribute__((noinline)) bool is_leaving_code(const struct transaction *transaction,
                                                      uint64_t pc)
{
    for (unsigned i = 0; i < transaction->member_count; i++) {
        const struct image *leaving = leaving_image(transaction, i);
        if (leaving && image_contains(leaving, pc)) {
            return true;
        }
    }
    return false;
}

static inline __attribute__((always_inline)) bool look_at(uint64_t pc, void *argument)
{
    const struct look *look = argument;
    /* Between a guarded gate and its target: it may hold the target's address already. */
    if (pc - (uint64_t)gate_guard < (uint64_t)gate_guard_return - (uint64_t)gate_guard) {
        return false;
    }
    return pc - look->begin >= look->bytes || !is_leaving_code(look->transaction, pc);
}

static bool add_to_trail(uint64_t pc, void *argument)
{
    struct trail *trail = argument;
    if (trail->length < sizeof(trail->text)) {
        if (trail->length) {
            trail->length += (size_t)format_print(trail->text + trail->length,
                                                  sizeof(trail->text) - trail->length, " < ");
        }
        size_t room = sizeof(trail->text) - MIN(trail->length, sizeof(trail->text));
        trail->length += (size_t)symbol_describe(pc, trail->text + trail->length, room);
    }
    return trail->length < sizeof(trail->text);
}

/* One thread's frames, or those of the thread that a stopped CPU was running. */
static inline __attribute__((always_inline)) bool walk(const struct kthread *thread,
                                                       walk_visit *visit, void *argument)
{
    uint64_t top = (uint64_t)thread->stack_top;
    if (thread == thread_current()) {
        return walk_current(visit, argument);
    }
    const struct frame_record *record =
        thread_is_on_cpu(thread) ? thread_stopped_frame(thread) : NULL;
    if (!record) {
        record = (const struct frame_record *)thread->context.fp;
        if (!visit(thread->context.lr, argument)) {
            return false;
        }
    }
    return walk_records(record, top, visit, argument);
}

static __attribute__((noinline)) void describe_culprit(struct transaction *transaction,
                                                       const struct kthread *thread)
{
    struct trail trail = {0};
    (void)walk(thread, add_to_trail, &trail);
    format_print(transaction->culprit, sizeof(transaction->culprit), "%s: %s", thread->public.name,
                 trail.text);
}

/* In the rendezvous: whether somebody is inside; if so, who and where, in words. */
bool drain_find_inside(struct transaction *transaction)
{
    struct look look = look_for(transaction);
    struct kthread *thread;
    list_for_each(thread, &thread_list, all)
    {
        if (!walk(thread, look_at, &look)) { /* found, or not to be ruled out */
            describe_culprit(transaction, thread);
            return true;
        }
    }
    return false;
}

struct attempt {
    struct transaction *transaction;
    int (*action)(struct transaction *);
    bool was_inside;
    int result;
};

static void attempt(void *argument)
{
    struct attempt *this = argument;
    this->was_inside = drain_find_inside(this->transaction);
    if (!this->was_inside) {
        uint64_t begin = time_now_ns();
        this->result = this->action(this->transaction);
        this->transaction->report->commit_ns = time_now_ns() - begin;
    }
}

/* Whether a component's own function stands in an offer: those are called from threads only. */
static bool is_offered(int gate)
{
    uint64_t address = gate_address(gate);
    struct span span = {address, address + LAYOUT_GATE_BYTES};
    return offer_find_holder(&(struct audit){.spans = {span}, .all = span});
}

/*
 * Closes or opens the gates of interfaces and offers that what is to go provides. Each with
 * interrupts off: so no urgent rendezvous turns it between the look and the write.
 */
static void set_closed(struct transaction *transaction, bool is_closed)
{
    for (unsigned i = 0; i < transaction->retarget_count; i++) {
        int gate = transaction->retargets[i].gate;
        bool may_turn = !is_closed || !gate_at(gate)->owner || is_offered(gate);
        uint64_t daif = cpu_irq_save();
        uint64_t target = gate_at(gate)->target;
        bool is_now = gate_at(gate)->mode == GATE_CLOSED;
        bool is_guarded = transaction->phase == PHASE_COMMITTED && transaction->is_guarded &&
                          transaction_is_new_code(transaction, target);
        if (is_now != is_closed && may_turn) {
            gate_write(gate, target,
                       is_closed    ? GATE_CLOSED
                       : is_guarded ? GATE_GUARDED
                                    : GATE_OPEN);
        }
        cpu_irq_restore(daif);
    }
    gate_finish_writes();
}

static void reopen(struct transaction *transaction)
{
    set_closed(transaction, false);
    draining = NULL;
    event_signal(&reopened);
}

/* What a call gets that can be neither made nor put off; gate_park goes on there. */
static int fail_call(void)
{
    return -EFAULT;
}

/*
 * From gate_park: returns where the call goes on. Waits until the gates are open again; but who is
 * inside what is being drained passes through to it, and from where nobody may sleep the whole
 * drain is given up. The gates of a version that has failed on probation turn back meanwhile.
 */
uint64_t gate_wait(uint64_t gate)
{
    uint32_t seen = event_read(&reopened);
    int index = gate_index_of(gate);
    struct transaction *failed;
    while ((failed = contain_failed()) && index >= 0 &&
           READ_ONCE(gate_at(index)->mode) == GATE_GUARDED) {
        if (cpu_irq_is_masked()) {
            return contain_turn_back(failed) ? gate : (uint64_t)fail_call;
        }
        transaction_wake_worker();
        if (event_wait(&reopened, seen, WAIT_FOREVER) == -ECANCELED) {
            return (uint64_t)fail_call; /* the thread is to end */
        }
        seen = event_read(&reopened);
    }
    struct transaction *transaction = __atomic_load_n(&draining, __ATOMIC_ACQUIRE);
    if (!transaction || index < 0 || READ_ONCE(gate_at(index)->mode) != GATE_CLOSED) {
        return gate;
    }
    struct look look = look_for(transaction);
    if (!walk_current(look_at, &look)) { /* inside, or not to be ruled out */
        return gate_at(index)->target;
    }
    if (cpu_irq_is_masked()) { /* handlers are entered so */
        transaction->is_aborted = true;
        return gate_at(index)->target;
    }
    (void)event_wait(&reopened, seen, WAIT_FOREVER); /* cancelled or signalled: look again */
    return gate;
}

void drain_wake_parked(void)
{
    event_signal(&reopened);
}

/* Attempts until one finds nobody inside, or it is time to give up. 0: action was run. */
static int try_until(struct transaction *transaction, struct attempt *this, uint64_t deadline_ns)
{
    uint64_t interval = FIRST_INTERVAL_NS;
    for (;;) {
        transaction->report->attempts++;
        if (step_fails("the rendezvous") ||
            rendezvous_run(attempt, this, &transaction->report->blackout_ns) < 0) {
            return why_set(transaction->why, -EIO, "a CPU does not stop, see the log");
        }
        event_signal(log_event()); /* for lines written meanwhile */
        if (!this->was_inside) {
            return 0;
        }
        if (READ_ONCE(transaction->is_aborted)) {
            return why_set(transaction->why, -EBUSY,
                           "it was called from where nobody may wait, while its gates were closed");
        }
        if (time_now_ns() >= deadline_ns) {
            return why_set(transaction->why, -EBUSY, "somebody is still inside: %s",
                           transaction->culprit);
        }
        if (!draining) {
            __atomic_store_n(&draining, transaction, __ATOMIC_RELEASE);
            set_closed(transaction, transaction->is_closable);
        }
        (void)event_wait(&nobody_signals, event_read(&nobody_signals), interval);
        interval = MIN(interval * 2, LAST_INTERVAL_NS);
    }
}

void drain_hold_worker(const struct component *owner)
{
    uint32_t seen = event_read(&reopened);
    const struct transaction *transaction = __atomic_load_n(&draining, __ATOMIC_ACQUIRE);
    for (unsigned i = 0; transaction && owner && i < transaction->member_count; i++) {
        const struct member *member = &transaction->members[i];
        if (owner == (transaction->is_backwards ? member->component : member->old)) {
            (void)event_wait(&reopened, seen, WAIT_FOREVER); /* cancelled or signalled: go on */
            return;
        }
    }
}

int transaction_drain(struct transaction *transaction, int (*action)(struct transaction *),
                      uint64_t deadline_ns)
{
    struct attempt this = {.transaction = transaction, .action = action};
    int result = try_until(transaction, &this, deadline_ns);
    if (draining) {
        reopen(transaction); /* of the new ones, if action has committed */
    }
    return result < 0 ? result : this.result;
}

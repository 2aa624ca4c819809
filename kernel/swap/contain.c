/* SPDX-License-Identifier: MIT */
/*
 * Containing a fault of a version on probation: the call is cut off and made again by the old one.
 *
 * While a version is on probation, every call into it leaves a struct guard_frame on the caller's
 * stack. A fault below such a frame is put down to that version, whichever code it struck: it is
 * what is new. The registers are put back to what they were at the call, the locks taken since are
 * let go, and the call starts anew at its gate, which waits until it leads to the old version. From
 * where nobody may sleep, the gates are turned back on the spot.
 *
 * Some cannot wait until the gates have turned, since that waits for them: a call made from inside
 * the failing version, by the thread that carries out the transaction, or in a rendezvous. They go
 * to the old version directly, which has the same state; if it has none, or if the call was a hook,
 * it fails with -EFAULT; and so does any call of a method that is marked `once`. Not contained, but
 * a panic as ever: a fault of the nucleus under a lock of its own.
 */
#include <errno.h>
#include <lib/format.h>

#include "../arch/walk.h"
#include "rendezvous.h"
#include "transaction.h"

/* How long gates are tried to be turned back with interrupts off, somebody being inside. */
#define TURN_BACK_NS 200000000u

static struct transaction *guarded; /* on probation; NULL: none. Changed in a rendezvous */

void contain_begin(struct transaction *transaction)
{
    guarded = transaction;
}

void contain_end(void)
{
    guarded = NULL;
}

struct transaction *contain_failed(void)
{
    struct transaction *transaction = READ_ONCE(guarded);
    return transaction && READ_ONCE(transaction->has_failed) ? transaction : NULL;
}

uint64_t gate_note_guard(struct guard_frame *frame)
{
    struct transaction *transaction = READ_ONCE(guarded);
    frame->daif = cpu_irq_save();
    frame->held_count = cpu_record()->held_count;
    frame->entered_ns = time_now_ns();
    frame->entered_cpu_ns = thread_cpu_ns(thread_current()); /* no switch in between */
    cpu_irq_restore(frame->daif);
    if (transaction) {
        __atomic_add_fetch(&transaction->calls, 1, __ATOMIC_RELAXED);
    }
    return gate_at(gate_index_of(frame->gate))->target;
}

/*
 * The innermost guarded call among the records of a stack; NULL: none. lr is that of the context
 * which the first record belongs to: in its first and last instructions the callee has no record,
 * and x29 is the guard's. *trap is set to the last exception met before it, if there was one.
 */
static struct guard_frame *find_guard(const struct frame_record *record, uint64_t lr,
                                      struct trap_frame **trap)
{
    const struct frame_record *before = NULL;
    while (record) {
        if (!walk_is_readable(record, sizeof(*record), 0) || record <= before) {
            return NULL; /* a damaged stack: records lie one above the other */
        }
        before = record;
        if (record->return_address == (uint64_t)gate_guard_return) {
            return (struct guard_frame *)record->next;
        }
        if (lr == (uint64_t)gate_guard_return) {
            return (struct guard_frame *)record;
        }
        lr = 0;
        if (record->return_address == (uint64_t)trap_return) {
            *trap = container_of(record->next, struct trap_frame, record);
            lr = (*trap)->x[30];
            record = record->next;
        }
        record = record->next;
    }
    return NULL;
}

static bool is_outside(uint64_t pc, void *argument)
{
    const struct transaction *transaction = argument;
    for (unsigned i = 0; i < transaction->member_count; i++) {
        const struct image *image = transaction->members[i].image;
        if (image && image_contains(image, pc)) {
            return false;
        }
    }
    return true;
}

/* Whether a lock of the nucleus itself was taken since the call: its data may be half changed. */
static bool holds_nucleus_lock(const struct guard_frame *guard)
{
    const struct cpu_record *cpu = cpu_record();
    for (uint64_t i = guard->held_count; i < cpu->held_count; i++) {
        const char *lock = i < CPU_HELD_MAX ? (const char *)cpu->held[i] : NULL;
        if (!lock || (lock >= __data_begin && lock < __bss_end)) {
            return true;
        }
    }
    return false;
}

/* A call that is cut off counts as a fault of who was called. */
static void count_fault(const struct guard_frame *guard)
{
    struct component *culprit = arena_owner(gate_at(gate_index_of(guard->gate))->target);
    if (culprit) {
        __atomic_add_fetch(&culprit->faults, 1, __ATOMIC_RELAXED);
    }
}

/* The first failure is the one that is told. */
static void note_failure(struct transaction *transaction, const char *what, uint64_t pc)
{
    char place[96];
    if (!__atomic_exchange_n(&transaction->is_failing, 1, __ATOMIC_ACQ_REL)) {
        (void)symbol_describe(pc, place, sizeof(place));
        format_print(transaction->failure, sizeof(transaction->failure), "%s at %s", what, place);
    }
    __atomic_store_n(&transaction->has_failed, 1, __ATOMIC_RELEASE);
}

/* Whether the caller can wait for the way back: it is not part of it, nor in its way. */
static bool can_wait(struct transaction *transaction, const struct guard_frame *guard)
{
    return !rendezvous_is_mine() && thread_current() != transaction->thread &&
           walk_frames(&guard->record, 0, is_outside, transaction);
}

/* What a gate led to before, with the state that the new version has adopted; 0: nothing. */
static uint64_t old_target(const struct transaction *transaction, int gate)
{
    for (unsigned i = 0; i < transaction->retarget_count; i++) {
        const struct retarget *retarget = &transaction->retargets[i];
        for (unsigned k = 0; retarget->gate == gate && k < transaction->member_count; k++) {
            const struct member *member = &transaction->members[k];
            if (member->old_image && member->state == member->old_state &&
                image_contains(member->old_image, retarget->from) &&
                !image_is_hook(member->image, gate)) {
                return retarget->from;
            }
        }
    }
    return 0;
}

/* Whether the method must not be done twice. */
static bool is_once(const struct transaction *transaction, const struct guard_frame *guard)
{
    const struct gate *gate = gate_at(gate_index_of(guard->gate));
    struct descriptor_method method;
    for (unsigned i = 0; i < transaction->member_count && !gate->owner; i++) {
        const struct image *image = transaction->members[i].image;
        if (image && descriptor_find_provided(&image->blob->bundle, &image->descriptor, gate->name,
                                              &method)) {
            return method.context & METHOD_ONCE;
        }
    }
    return false;
}

/* Makes a call fail that is not to be made again; where it goes on. */
static uint64_t fail_call(struct guard_frame *guard)
{
    guard->x[0] = (uint64_t)-EFAULT;
    return guard->record.return_address;
}

void contain_fault(struct trap_frame *frame, const char *what)
{
    struct transaction *transaction = READ_ONCE(guarded);
    struct trap_frame *trap = NULL;
    struct guard_frame *guard =
        transaction ? find_guard(frame->record.next, frame->x[30], &trap) : NULL;
    if (!guard || trap || holds_nucleus_lock(guard)) {
        return; /* nothing on probation, or the call it interrupted is another one */
    }
    note_failure(transaction, what, frame->pc);
    count_fault(guard);
    spin_release_above((uint32_t)guard->held_count);
    bool is_over = is_once(transaction, guard);
    if (!is_over && can_wait(transaction, guard)) {
        gate_guard_resume(guard, (uint64_t)gate_park);
    }
    if (!cpu_record()->held_count && !rendezvous_is_mine()) {
        transaction_wake_worker();
    }
    uint64_t target = is_over ? 0 : old_target(transaction, gate_index_of(guard->gate));
    gate_guard_resume(guard, target ? target : fail_call(guard));
}

static void turn(void *argument)
{
    struct transaction *transaction = argument;
    if (transaction->phase == PHASE_COMMITTED) { /* else somebody else was first */
        transaction->is_backwards = true;
        if (!drain_find_inside(transaction)) {
            (void)transaction_undo_commit(transaction); /* always 0 */
        }
    }
}

bool contain_turn_back(struct transaction *transaction)
{
    uint64_t deadline = time_now_ns() + TURN_BACK_NS;
    if (transaction->has_migrated) { /* moving what is registered takes locks that may be held */
        return false;
    }
    while (READ_ONCE(transaction->phase) == PHASE_COMMITTED && time_now_ns() < deadline) {
        (void)rendezvous_run(turn, transaction, NULL); /* if not all came, it is tried again */
    }
    if (!cpu_record()->held_count) {
        transaction_wake_worker(); /* else it notices at its next look */
    }
    return READ_ONCE(transaction->phase) != PHASE_COMMITTED;
}

/* A thread's frames begin where it sleeps, or where its CPU was stopped. */
static const struct frame_record *first_frame(const struct kthread *thread)
{
    const struct frame_record *frame = thread_stopped_frame(thread);
    return frame ? frame : (const struct frame_record *)thread->context.fp;
}

void contain_cut_calls(void *argument)
{
    struct transaction *transaction = argument;
    struct kthread *thread;
    transaction->inside_since_ns = UINT64_MAX;
    list_for_each(thread, &thread_list, all)
    {
        struct trap_frame *trap = NULL;
        struct guard_frame *guard =
            thread == thread_current() ? NULL : find_guard(first_frame(thread), 0, &trap);
        if (!guard) {
            continue;
        }
        /* Who is kept waiting for a CPU does not hang. */
        if (thread_cpu_ns(thread) - guard->entered_cpu_ns < CONFIG_CALL_DEADLINE_MS * 1000000ul) {
            transaction->inside_since_ns = MIN(transaction->inside_since_ns, guard->entered_ns);
            continue;
        }
        note_failure(transaction, "a call that does not end", trap ? trap->pc : thread->context.lr);
        /* Interrupts were on, so it holds no lock. Who sleeps in there is left to wake up. */
        if (trap && !(trap->pstate & PSTATE_IRQ_MASKED) &&
            walk_frames(&guard->record, 0, is_outside, transaction)) {
            count_fault(guard);
            trap->pc = (uint64_t)gate_guard_resume;
            trap->pstate |= PSTATE_IRQ_MASKED;
            trap->x[0] = (uint64_t)guard;
            trap->x[1] = is_once(transaction, guard) ? fail_call(guard) : (uint64_t)gate_park;
        }
    }
}

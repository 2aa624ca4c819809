/* SPDX-License-Identifier: MIT */
/*
 * Events: waiting and waking. One lock for all, held for a few instructions.
 *
 * An event may vanish with its owner while others hold its address: threads that wait for it, and
 * components that were given it. So nothing here looks into an event that is not in the list of
 * those there are, and a thread that was woken finds the result in its own record.
 */
#include <errno.h>
#include <lib/format.h>
#include <neurath/chain.h>

#include "../nucleus.h"
#include "../swap/component.h"

static struct spinlock wait_lock;

/* Those of components, by their address; the nucleus's need no list. */
#define BUCKETS 64
static struct chain events[BUCKETS];

static struct chain *bucket_of(const void *event)
{
    /* Many open a state, which begins a page. */
    return &events[((uintptr_t)event / 64 ^ (uintptr_t)event / PAGE_BYTES) % BUCKETS];
}

/* The component's event at an address, or NULL. Under wait_lock. */
static struct event *find(const void *address)
{
    struct event *event;
    chain_for_each(event, bucket_of(address), owned)
    {
        if (event == address) {
            break;
        }
    }
    return event;
}

/* Whether there is such an event. Under wait_lock. */
static bool is_known(const struct event *event)
{
    return ((const char *)event >= __data_begin && (const char *)event < __bss_end) || find(event);
}

/* Wakes all who wait; they find result in their records. Under wait_lock. */
static void wake_all(struct event *event, int result)
{
    struct kthread *thread;
    while ((thread = list_first(&event->waiters, struct kthread, waiting))) {
        list_remove(&thread->waiting);
        thread->wait_signals = event->signals;
        __atomic_store_n(&thread->wait_result, result, __ATOMIC_RELEASE); /* read without a lock */
        thread_wake(thread);
    }
}

void event_init_owned(struct event *event, struct component *owner)
{
    uint64_t daif = spin_lock(&wait_lock);
    if (is_known(event)) { /* made ready twice: out of the list, before it is written over */
        wake_all(event, -ECANCELED);
        chain_remove(bucket_of(event), &event->owned);
    }
    *event = (struct event){.owner = owner};
    list_init(&event->waiters);
    chain_append(bucket_of(event), &event->owned);
    spin_unlock(&wait_lock, daif);
}

void event_signal(struct event *event)
{
    uint64_t daif = spin_lock(&wait_lock);
    if (is_known(event)) {
        __atomic_store_n(&event->signals, event->signals + 1, __ATOMIC_RELEASE);
        wake_all(event, 0);
    }
    spin_unlock(&wait_lock, daif);
}

int event_look(const struct event *event, uint32_t *signals)
{
    uint64_t daif = spin_lock(&wait_lock);
    int result = is_known(event) ? 0 : -ECANCELED;
    if (result == 0) {
        *signals = event->signals;
    }
    spin_unlock(&wait_lock, daif);
    return result;
}

/* Whether the wait is over, and how; WAITING: not yet. Under wait_lock. */
#define WAITING 1
static int check(struct kthread *current, const struct event *event, uint32_t seen,
                 uint64_t deadline)
{
    if (current->is_cancelled || !is_known(event)) {
        return -ECANCELED;
    }
    current->wait_signals = event->signals;
    if (event->signals != seen) {
        return 0;
    }
    return deadline != WAIT_FOREVER && time_now_ns() >= deadline ? -ETIMEDOUT : WAITING;
}

/* Sleeps until woken, by whomever. In under wait_lock, out without. */
static void sleep(struct kthread *current, struct event *event, uint64_t deadline)
{
    list_append(&event->waiters, &current->waiting);
    __atomic_store_n(&current->run, THREAD_WAITING | THREAD_ON_CPU, __ATOMIC_RELEASE);
    spin_release(&wait_lock);
    if (deadline != WAIT_FOREVER) {
        (void)clock_arm(&current->timeout, deadline); /* callback is set: cannot fail */
    }
    stack_clear_below();
    thread_schedule();
    if (deadline != WAIT_FOREVER) {
        (void)clock_cancel(&current->timeout); /* fired already, or now is not to */
    }
}

int event_wait_next(struct event *event, uint32_t *seen, uint64_t timeout_ns)
{
    struct kthread *current = thread_current();
    uint64_t start = timeout_ns == WAIT_FOREVER ? 0 : time_now_ns();
    uint64_t deadline = timeout_ns > WAIT_FOREVER - start ? WAIT_FOREVER : start + timeout_ns;
    uint64_t daif = cpu_irq_save();
    int result = current->wait_result = WAITING;
    while (result == WAITING) {
        spin_acquire(&wait_lock);
        list_remove(&current->waiting); /* it is there still if something else woke it */
        result = current->wait_result == WAITING ? check(current, event, *seen, deadline)
                                                 : current->wait_result;
        if (result == WAITING) {
            sleep(current, event, deadline);
            result = __atomic_load_n(&current->wait_result, __ATOMIC_ACQUIRE);
        } else {
            spin_release(&wait_lock);
        }
    }
    cpu_irq_restore(daif);
    *seen = result == 0 ? current->wait_signals : *seen;
    return result;
}

int event_wait(struct event *event, uint32_t seen, uint64_t timeout_ns)
{
    return event_wait_next(event, &seen, timeout_ns);
}

void event_revoke(struct component *owner)
{
    uint64_t daif = spin_lock(&wait_lock);
    for (struct chain *bucket = events; bucket < events + BUCKETS; bucket++) {
        struct event *event = chain_first(bucket, struct event, owned), *following;
        for (; event; event = following) {
            following = chain_next(event, owned);
            if (event->owner == owner) {
                chain_remove(bucket, &event->owned);
                wake_all(event, -ECANCELED);
            }
        }
    }
    spin_unlock(&wait_lock, daif);
}

/* In a rendezvous: who waits is linked to the new head, who asks for the old one is told it left.
 */
static void move_event(struct event *from, struct event *to)
{
    *to = *from;
    list_init(&to->waiters);
    struct kthread *thread;
    while ((thread = list_first(&from->waiters, struct kthread, waiting))) {
        list_remove(&thread->waiting);
        list_append(&to->waiters, &thread->waiting);
    }
    chain_remove(bucket_of(from), &from->owned);
    chain_append(bucket_of(to), &to->owned);
}

void registration_move(const void *from, void *to)
{
    struct event *event = find(from);
    if (event) {
        move_event(event, to);
    }
    worker_move(from, to);
    irq_move(from, to);
}

void event_cancel_wait(struct kthread *thread)
{
    uint64_t daif = spin_lock(&wait_lock);
    thread->is_cancelled = true;
    thread_wake(thread);
    spin_unlock(&wait_lock, daif);
}

int event_describe(unsigned *index, const struct component *owner, char *text, size_t size)
{
    int result = -ENOENT;
    uint64_t daif = spin_lock(&wait_lock);
    for (struct chain *bucket = events; bucket < events + BUCKETS && result < 0; bucket++) {
        struct event *event;
        chain_for_each(event, bucket, owned)
        {
            if (event->owner == owner && (*index)-- == 0) {
                result = format_print(text, size, "event at %p, %u signals", (void *)event,
                                      event->signals);
                break;
            }
        }
    }
    spin_unlock(&wait_lock, daif);
    return result;
}

/* SPDX-License-Identifier: MIT */
/*
 * Events: waiting and waking. One lock for all: it is held for a few instructions, and an
 * event may vanish with its owner while threads wait for it, so it cannot guard itself.
 */
#include <errno.h>
#include <lib/format.h>

#include "../nucleus.h"
#include "../swap/component.h"

static struct spinlock wait_lock;
static struct list events = {&events, &events};

void event_prepare(struct event *event)
{
    event_init_owned(event, NULL);
}

void event_init_owned(struct event *event, struct component *owner)
{
    *event = (struct event){.owner = owner};
    list_init(&event->waiters);
    uint64_t daif = spin_lock(&wait_lock);
    list_append(&events, &event->owned);
    spin_unlock(&wait_lock, daif);
}
EXPORT(event_init_owned);

static void wake_all(struct event *event)
{
    struct kthread *thread;
    while ((thread = list_first(&event->waiters, struct kthread, waiting))) {
        list_remove(&thread->waiting);
        thread_wake(thread);
    }
}

void event_signal(struct event *event)
{
    uint64_t daif = spin_lock(&wait_lock);
    __atomic_store_n(&event->signals, event->signals + 1, __ATOMIC_RELEASE);
    wake_all(event);
    spin_unlock(&wait_lock, daif);
}
EXPORT(event_signal);

/* Whether the wait is over, and how; 1: not yet. Under wait_lock. */
static int wait_result(struct kthread *current, const struct event *event, uint32_t seen,
                       uint64_t deadline)
{
    if (current->wait_cancelled || current->is_cancelled || event->is_revoked) {
        return -ECANCELED;
    }
    if (event->signals != seen) {
        return 0;
    }
    return time_now_ns() >= deadline ? -ETIMEDOUT : 1;
}

int event_wait(struct event *event, uint32_t seen, uint64_t timeout_ns)
{
    struct kthread *current = thread_current();
    uint64_t start = time_now_ns();
    uint64_t deadline = timeout_ns > WAIT_FOREVER - start ? WAIT_FOREVER : start + timeout_ns;
    int result;
    uint64_t daif = spin_lock(&wait_lock);
    current->wait_cancelled = false;
    while ((result = wait_result(current, event, seen, deadline)) > 0) {
        list_append(&event->waiters, &current->waiting);
        spin_acquire(&current->lock);
        current->state = THREAD_WAITING;
        spin_release(&current->lock);
        spin_release(&wait_lock);
        if (deadline != WAIT_FOREVER) {
            (void)clock_arm(&current->timeout, deadline); /* callback is set: cannot fail */
        }
        thread_schedule();
        if (deadline != WAIT_FOREVER) {
            (void)clock_cancel(&current->timeout); /* fired already, or now is not to */
        }
        spin_acquire(&wait_lock);
        list_remove(&current->waiting);
    }
    spin_unlock(&wait_lock, daif);
    return result;
}
EXPORT(event_wait);

void event_revoke(struct component *owner)
{
    uint64_t daif = spin_lock(&wait_lock);
    struct event *event, *following;
    list_for_each_safe(event, following, &events, owned)
    {
        if (event->owner == owner) {
            struct kthread *thread;
            list_for_each(thread, &event->waiters, waiting)
            {
                thread->wait_cancelled = true;
            }
            event->is_revoked = 1;
            list_remove(&event->owned);
            wake_all(event);
        }
    }
    spin_unlock(&wait_lock, daif);
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
    struct event *event;
    list_for_each(event, &events, owned)
    {
        if (event->owner == owner && (*index)-- == 0) {
            result =
                format_print(text, size, "event at %p, %u signals", (void *)event, event->signals);
            break;
        }
    }
    spin_unlock(&wait_lock, daif);
    return result;
}

void event_forget(struct event *event)
{
    uint64_t daif = spin_lock(&wait_lock);
    list_remove(&event->owned);
    spin_unlock(&wait_lock, daif);
}

/* SPDX-License-Identifier: MIT */
/*
 * Workers: the nucleus's loops around a component's step function. The wait is here, so a worker
 * that waits has no frame of its component on the stack.
 */
#include <errno.h>
#include <lib/format.h>

#include "../nucleus.h"
#include "../swap/audit.h"
#include "../swap/component.h"

static struct event never = EVENT_READY(never); /* for workers that wait for time alone */

static struct event *event_of(const struct kthread *self)
{
    struct event *event = READ_ONCE(self->worker.event); /* it may move */
    return event ? event : &never;
}

/* Reads how often the event has been signalled. False: it has left, and the worker ends. */
static bool look(const struct kthread *self, uint32_t *seen)
{
    if (event_of(self) != &never && event_look(event_of(self), seen) < 0) {
        log_info("%s: worker %s ends, what it waits for has left", component_name(self->owner),
                 self->public.name);
        return false;
    }
    return true;
}

/* One turn: a step, and the wait it asks for. False: the worker is at its end. */
static bool take_turn(struct kthread *self, uint32_t *seen)
{
    drain_hold_worker(self->owner);
    if (READ_ONCE(self->is_cancelled)) {
        return false;
    }
    int result = self->worker.step(self->worker.argument);
    self->steps++;
    if (result == 0) {
        return look(self, seen);
    }
    if (result == -ENOSYS) {
        return false; /* its component has left, and the worker is about to be told */
    }
    if (result < 0 && result != -EAGAIN) {
        log_error("%s: worker %s stops: error %d", component_name(self->owner), self->public.name,
                  result);
        return false;
    }
    uint64_t timeout = result > 0 ? (uint64_t)result * 1000 : WAIT_FOREVER;
    return event_wait_next(event_of(self), seen, timeout) != -ECANCELED || look(self, seen);
}

static void worker_body(void)
{
    struct kthread *self = thread_current();
    uint32_t seen = 0; /* as never */
    if (look(self, &seen)) {
        while (take_turn(self, &seen)) {
        }
    }
}

int worker_start_owned(const struct worker_config *config, struct component *owner)
{
    uint32_t mask = config->cpu_mask ? config->cpu_mask : WORKER_ANY_CPU;
    if (!config->step || !(mask & ((1u << CPU_MAX) - 1))) {
        return -EINVAL;
    }
    struct kthread *thread =
        thread_create(config->name ? config->name : "worker", worker_body, mask,
                      config->weight ? config->weight : THREAD_WEIGHT_DEFAULT, owner);
    if (!thread) {
        return -ENOMEM;
    }
    thread->worker = *config;
    thread->worker.name = NULL; /* the thread has its copy */
    int number = (int)thread->public.id;
    thread_start(thread);
    return number;
}

void worker_move(const void *from, void *to)
{
    struct kthread *thread;
    list_for_each(thread, &thread_list, all)
    {
        if (thread->owner && thread->worker.argument == from) {
            thread->worker.argument = to;
        }
        if (thread->owner && thread->worker.event == from) {
            thread->worker.event = to;
        }
    }
}

/* Makes the workers of an owner end (number 0: all); returns how many there were. */
static unsigned cancel(struct component *owner, uint32_t number)
{
    unsigned found = 0;
    uint64_t daif = spin_lock(&thread_list_lock);
    struct kthread *thread;
    list_for_each_back(thread, &thread_list, all) /* who is made to end soon is among the last */
    {
        if (thread->owner == owner && (!number || thread->public.id == number)) {
            event_cancel_wait(thread);
            found++;
            if (number) {
                break;
            }
        }
    }
    spin_unlock(&thread_list_lock, daif);
    return found;
}

int worker_stop_owned(int worker, struct component *owner)
{
    return worker > 0 && owner && cancel(owner, (uint32_t)worker) ? 0 : -ENOENT;
}

void worker_revoke(struct component *owner)
{
    uint32_t seen = event_read(&thread_ended);
    while (cancel(owner, 0)) {
        (void)event_wait(&thread_ended, seen, WAIT_FOREVER);
        seen = event_read(&thread_ended);
    }
    thread_reap();
}

const struct component *worker_find_holder(struct audit *audit)
{
    const struct component *holder = NULL;
    uint64_t daif = spin_lock(&thread_list_lock);
    const struct kthread *thread;
    list_for_each(thread, &thread_list, all)
    {
        if (thread->owner && audit_hits(audit, &thread->worker, sizeof(thread->worker))) {
            holder = thread->owner;
            break;
        }
    }
    spin_unlock(&thread_list_lock, daif);
    return holder;
}

int worker_describe(unsigned *index, const struct component *owner, char *text, size_t size)
{
    int result = -ENOENT;
    uint64_t daif = spin_lock(&thread_list_lock);
    struct kthread *thread;
    list_for_each(thread, &thread_list, all)
    {
        if (thread->owner == owner && (*index)-- == 0) {
            result = format_print(text, size, "worker %u %s, %llu steps", thread->public.id,
                                  thread->public.name, (unsigned long long)thread->steps);
            break;
        }
    }
    spin_unlock(&thread_list_lock, daif);
    return result;
}

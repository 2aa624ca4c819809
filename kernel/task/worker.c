/* SPDX-License-Identifier: MIT */
/*
 * Workers: the nucleus's loops around a component's step function. The wait is here, so a worker
 * that waits has no frame of its component on the stack.
 */
#include <errno.h>
#include <lib/format.h>

#include "../nucleus.h"
#include "../swap/component.h"

static struct event worker_ended;

static void worker_body(void *argument)
{
    struct kthread *self = argument;
    const struct worker_config *config = &self->worker;
    struct event nothing; /* a worker without an event waits for time alone */
    if (!config->event) {
        event_prepare(&nothing);
    }
    struct event *event = config->event ? config->event : &nothing;
    while (!READ_ONCE(self->is_cancelled)) {
        uint32_t seen = event_read(event);
        int result = config->step(config->argument);
        self->steps++;
        if (result == 0) {
            continue;
        }
        if (result < 0 && result != -EAGAIN) {
            log_error("%s: worker %s stops: error %d", component_name(self->owner),
                      self->public.name, result);
            break;
        }
        uint64_t timeout = result > 0 ? (uint64_t)result * 1000 : WAIT_FOREVER;
        if (event_wait(event, seen, timeout) == -ECANCELED) {
            break;
        }
    }
    if (!config->event) {
        event_forget(&nothing);
    }
    self->owner = NULL;
    event_signal(&worker_ended);
}

int worker_start_owned(const struct worker_config *config, struct component *owner)
{
    uint32_t mask = config->cpu_mask ? config->cpu_mask : WORKER_ANY_CPU;
    if (!config->step || (mask != WORKER_ANY_CPU && !(mask & ((1u << CPU_MAX) - 1)))) {
        return -EINVAL;
    }
    if (!worker_ended.waiters.next) {
        event_prepare(&worker_ended);
    }
    struct kthread *thread =
        thread_create(config->name ? config->name : "worker", worker_body, NULL, mask,
                      config->weight ? config->weight : THREAD_WEIGHT_DEFAULT, owner);
    if (!thread) {
        return -ENOMEM;
    }
    thread->context.x19_x28[1] = (uint64_t)thread;
    thread->worker = *config;
    thread->worker.name = NULL; /* the thread has its copy */
    int number = (int)thread->public.id;
    thread_start(thread);
    return number;
}
EXPORT(worker_start_owned);

/* Makes the workers of an owner end (number 0: all); returns how many there were. */
static unsigned cancel(struct component *owner, uint32_t number)
{
    unsigned found = 0;
    uint64_t daif = spin_lock(&thread_list_lock);
    struct kthread *thread;
    list_for_each(thread, &thread_list, all)
    {
        if (thread->owner == owner && (!number || thread->public.id == number)) {
            event_cancel_wait(thread);
            found++;
        }
    }
    spin_unlock(&thread_list_lock, daif);
    return found;
}

int worker_stop_owned(int worker, struct component *owner)
{
    return worker > 0 && owner && cancel(owner, (uint32_t)worker) ? 0 : -ENOENT;
}
EXPORT(worker_stop_owned);

uint32_t worker_count(const struct component *owner)
{
    uint32_t count = 0;
    uint64_t daif = spin_lock(&thread_list_lock);
    struct kthread *thread;
    list_for_each(thread, &thread_list, all)
    {
        count += thread->owner == owner;
    }
    spin_unlock(&thread_list_lock, daif);
    return count;
}

int worker_revoke(struct component *owner, uint64_t deadline_ns)
{
    while (owner) {
        uint32_t seen = event_read(&worker_ended);
        if (!cancel(owner, 0)) {
            break;
        }
        uint64_t now = time_now_ns();
        if (now >= deadline_ns ||
            event_wait(&worker_ended, seen, deadline_ns - now) == -ETIMEDOUT) {
            return -ETIMEDOUT;
        }
    }
    thread_reap();
    return 0;
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

/* SPDX-License-Identifier: MIT */
/*
 * Requests for transactions and their reports, and the thread that carries them out one by one.
 */
#include <errno.h>
#include <string.h>

#include "transaction.h"

#define REPORTS 32
#define REQUESTS 16

/* Requests and reports: a ring each, under queue_lock. */
static struct spinlock queue_lock;
static struct queued {
    struct swap_request request;
    uint32_t ticket;
} requests[REQUESTS];
static uint32_t last_ticket, next_ticket = 1; /* last handed out; next to carry out */
static struct swap_report reports[REPORTS];
static struct event submitted = EVENT_READY(submitted), ended = EVENT_READY(ended);

int swap_submit(const struct swap_request *request)
{
    bool has_bundle =
        request->kind == SWAP_LOAD || request->kind == SWAP_REPLACE || request->kind == SWAP_TRACE;
    if (request->kind > SWAP_TRACE || (has_bundle && !request->bundle)) {
        return -EINVAL;
    }
    void *copy = NULL;
    if (has_bundle) {
        size_t pages = ALIGN_UP(request->bundle_bytes, PAGE_BYTES) / PAGE_BYTES;
        copy = page_allocate_owned(pages, NULL);
        if (!copy) {
            return -ENOMEM;
        }
        memcpy(copy, request->bundle, request->bundle_bytes);
    }
    uint64_t daif = spin_lock(&queue_lock);
    int result = -EBUSY;
    if (last_ticket + 1 - next_ticket < REQUESTS) {
        uint32_t ticket = ++last_ticket;
        struct queued *queued = &requests[ticket % REQUESTS];
        *queued = (struct queued){*request, ticket};
        queued->request.bundle = copy;
        queued->request.old[COMPONENT_NAME_BYTES - 1] = 0;
        result = (int)ticket;
    }
    spin_unlock(&queue_lock, daif);
    if (result < 0) {
        page_free(copy);
    } else {
        event_signal(&submitted);
    }
    return result;
}

int swap_read_report(uint32_t ticket, struct swap_report *report)
{
    uint64_t daif = spin_lock(&queue_lock);
    int result = -ENOENT;
    if (ticket && ticket <= last_ticket && ticket + REPORTS > last_ticket) {
        result = ticket < next_ticket ? 0 : -EAGAIN;
        if (reports[ticket % REPORTS].ticket == ticket) {
            *report = reports[ticket % REPORTS];
        }
    }
    spin_unlock(&queue_lock, daif);
    return result;
}

uint32_t swap_last_ticket(void)
{
    return READ_ONCE(last_ticket);
}

struct event *swap_event(void)
{
    return &ended;
}

void transaction_publish(const struct swap_report *report)
{
    uint64_t daif = spin_lock(&queue_lock);
    bool is_over = report->phase != SWAP_DRAINING;
    reports[report->ticket % REPORTS] = *report;
    if (report->ticket == next_ticket && is_over) {
        next_ticket++;
    }
    spin_unlock(&queue_lock, daif);
    if (is_over) { /* else those who listen would be about, where nobody is to be */
        event_signal(&ended);
    }
}

void transaction_wake_worker(void)
{
    event_signal(&submitted);
}

/* Carries out a request. What is on probation afterwards goes on to use its report. */
static void carry_out(const struct queued *queued)
{
    static struct swap_report of_changes, of_others;
    bool is_other = queued->request.kind == SWAP_REVERT || queued->request.kind == SWAP_TRACE;
    struct swap_report *report = is_other ? &of_others : &of_changes;
    *report = (struct swap_report){.ticket = queued->ticket, .kind = queued->request.kind};
    transaction_run(&queued->request, report, false);
    page_free((void *)queued->request.bundle);
    transaction_publish(report);
}

static void swap_worker(void)
{
    static struct queued next; /* the request stays here while it is carried out */
    for (;;) {
        uint32_t seen = event_read(&submitted);
        uint64_t daif = spin_lock(&queue_lock);
        bool is_empty = next_ticket > last_ticket;
        next = requests[next_ticket % REQUESTS];
        spin_unlock(&queue_lock, daif);
        uint64_t look_ns = transaction_look(is_empty ? NULL : &next.request);
        if (is_empty && !look_ns) {
            look_ns = retire_again();
        }
        if (is_empty || look_ns) {
            (void)event_wait(&submitted, seen, look_ns ? look_ns : WAIT_FOREVER);
        } else {
            carry_out(&next);
        }
    }
}

void transaction_start_worker(void)
{
    struct kthread *thread =
        thread_create("swap", swap_worker, UINT32_MAX, 16 * THREAD_WEIGHT_DEFAULT, NULL);
    if (!thread) {
        panic("no memory for the thread that replaces");
    }
    thread_start(thread);
}

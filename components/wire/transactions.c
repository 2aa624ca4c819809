/* SPDX-License-Identifier: MIT */
/* Requests for transactions, and their reports. */
#include <errno.h>

#include <interface/package_store.h>

#include "answer.h"

/*
 * A transaction was asked for: it is answered when it has ended, or now if it was refused. Or its
 * package is being fetched: then the request comes again.
 */
static void ticket_open(const struct request *request, struct request_ticket *slot, int result,
                        const struct evolve_answer *answer)
{
    if (result == -EINPROGRESS) {
        *request->is_put_off = true;
        return;
    }
    if (result < 0) {
        refuse(request, result, answer->message);
        return;
    }
    slot->ticket = (uint32_t)answer->ticket;
    slot->id = request->id;
    slot->is_told = 0;
}

static struct request_ticket *need_ticket(const struct request *request)
{
    for (size_t i = 0; i < REQUEST_TICKETS; i++) {
        if (request->requests->tickets[i].ticket == 0) {
            return &request->requests->tickets[i];
        }
    }
    refuse(request, -EBUSY, "too many transactions are under way: wait for a report");
    return NULL;
}

/* All may be absent: then they stay 0, as configured. */
static struct swap_options get_options(const struct request *request)
{
    struct swap_options options = {0};
    (void)message_get_u32(&request->message, "deadline-ms", &options.deadline_ms);
    (void)message_get_u32(&request->message, "probation-ms", &options.probation_ms);
    (void)message_get_u32(&request->message, "fail-at", &options.fail_at);
    (void)message_get_u32(&request->message, "is-audited", &options.is_audited);
    (void)message_get_u32(&request->message, "is-plain", &options.is_plain);
    return options;
}

void do_swap(const struct request *request)
{
    struct swap_options options = get_options(request);
    struct evolve_answer answer = {0};
    const char *old = need_string(request, "old");
    const char *package = old ? need_string(request, "package") : NULL;
    struct request_ticket *slot = package ? need_ticket(request) : NULL;
    if (slot) {
        int result = package_store_swap(old, package, &options, &answer);
        ticket_open(request, slot, result, &answer);
    }
}

void do_load(const struct request *request)
{
    struct swap_options options = get_options(request);
    struct evolve_answer answer = {0};
    const char *package = need_string(request, "package");
    struct request_ticket *slot = package ? need_ticket(request) : NULL;
    if (slot) {
        int result = package_store_swap("", package, &options, &answer);
        ticket_open(request, slot, result, &answer);
    }
}

void do_unload(const struct request *request)
{
    struct swap_options options = get_options(request);
    struct evolve_answer answer = {0};
    const char *name = need_string(request, "name");
    struct request_ticket *slot = name ? need_ticket(request) : NULL;
    if (slot) {
        ticket_open(request, slot, evolve_unload(name, &options, &answer), &answer);
    }
}

void do_revert(const struct request *request)
{
    struct evolve_answer answer = {0};
    const char *name = need_string(request, "name");
    struct request_ticket *slot = name ? need_ticket(request) : NULL;
    if (slot) {
        ticket_open(request, slot, evolve_revert(name, &answer), &answer);
    }
}

void do_push_open(const struct request *request)
{
    struct message_writer writer;
    uint32_t size, handle = 0;
    if (!need_u32(request, "size", &size)) {
        return;
    }
    int result = evolve_push_open(size, &handle);
    if (result < 0) {
        refuse(request, result,
               result == -EINVAL ? "a package has 1 byte to 16 MiB" : words_for(result));
        return;
    }
    answer_begin(request->requests, &writer, request->id);
    message_put_u32(&writer, "result", 0);
    message_put_u32(&writer, "handle", handle);
    answer_send(request->requests, request->link, &writer);
}

void do_push_write(const struct request *request)
{
    uint32_t handle, offset;
    const void *data;
    if (!need_u32(request, "handle", &handle) || !need_u32(request, "offset", &offset)) {
        return;
    }
    int size = message_get_bytes(&request->message, "data", &data);
    if (size < 0) {
        refuse(request, -EINVAL, "the request has no \"data\"");
        return;
    }
    int result = evolve_push_write(handle, offset, data, (size_t)size);
    if (result == -ENOENT) {
        refuse(request, result, "another transfer took the place of this one");
    } else if (result < 0) {
        refuse(request, result,
               result == -EINVAL ? "the piece does not follow the one before" : words_for(result));
    } else {
        answer_result(request->requests, request->link, request->id, 0, "");
    }
}

void do_push_commit(const struct request *request)
{
    struct swap_options options = get_options(request);
    struct evolve_answer answer = {0};
    const char *old = "";
    uint32_t handle;
    if (!need_u32(request, "handle", &handle)) {
        return;
    }
    (void)message_get_string(&request->message, "old", &old); /* may be absent */
    struct request_ticket *slot = need_ticket(request);
    if (slot) {
        ticket_open(request, slot, evolve_push_commit(handle, old, &options, &answer), &answer);
    }
}

static const char *transfer_name(enum swap_transfer transfer)
{
    switch (transfer) {
    case SWAP_STATELESS:
        return "stateless";
    case SWAP_FRESH:
        return "fresh";
    case SWAP_ADOPTED:
        return "adopted";
    case SWAP_HANDED_OVER:
        return "handed over";
    case SWAP_MIGRATED:
        return "migrated";
    }
    return "unknown";
}

static const char *phase_name(enum swap_phase phase)
{
    switch (phase) {
    case SWAP_SETTLED:
        return "settled";
    case SWAP_ON_PROBATION:
        return "on probation";
    case SWAP_TAKEN_BACK:
        return "taken back";
    case SWAP_DRAINING:
        return "draining";
    }
    return "unknown";
}

static void send_report(struct requests *requests, struct wire_link *link, uint32_t id,
                        const struct swap_report *report)
{
    struct message_writer writer;
    answer_begin(requests, &writer, id);
    if (report->phase != SWAP_ON_PROBATION) { /* the result is the end of the answer */
        message_put_u32(&writer, "result", (uint32_t)report->result);
    }
    message_put_string(&writer, "message", report->message);
    message_put_string(&writer, "phase", phase_name(report->phase));
    message_put_u32(&writer, "probation-ms", report->probation_ms);
    message_put_u32(&writer, "calls", report->calls);
    message_put_u32(&writer, "steps", report->steps);
    message_put_u32(&writer, "wx-violations", report->wx_violations);
    message_put_u32(&writer, "ticket", report->ticket);
    message_put_string(&writer, "old", report->old);
    message_put_string(&writer, "new", report->new);
    message_put_u32(&writer, "old-version", report->old_version);
    message_put_u32(&writer, "new-version", report->new_version);
    message_put_u32(&writer, "components", report->components);
    message_put_string(&writer, "transfer", transfer_name(report->transfer));
    message_put_u64(&writer, "state-bytes", report->state_bytes);
    message_put_u32(&writer, "attempts", report->attempts);
    message_put_u64(&writer, "stage-ns", report->stage_ns);
    message_put_u64(&writer, "drain-ns", report->drain_ns);
    message_put_u64(&writer, "blackout-ns", report->blackout_ns);
    message_put_u64(&writer, "stopped-ns", report->stopped_ns);
    message_put_u64(&writer, "retire-ns", report->retire_ns);
    message_put_u64(&writer, "total-ns", report->total_ns);
    answer_send(requests, link, &writer);
}

/*
 * Answers those whose transaction has ended: once when it is committed, and again when its
 * probation is over. Returns whether some are left.
 */
bool continue_tickets(struct requests *requests, struct wire_link *link)
{
    bool is_open = false;
    for (size_t i = 0; i < REQUEST_TICKETS; i++) {
        struct request_ticket *slot = &requests->tickets[i];
        struct swap_report report = {0};
        int result = slot->ticket ? swap_read_report(slot->ticket, &report) : -ENOENT;
        if (slot->ticket == 0) {
            continue;
        }
        if (result == -EAGAIN || wire_room(link) < ROOM_FOR_PART) {
            is_open = true;
            continue;
        }
        bool is_final = result < 0 || report.phase != SWAP_ON_PROBATION;
        if (result < 0) {
            answer_result(requests, link, slot->id, result, "its report is lost");
        } else if (is_final || !slot->is_told) {
            send_report(requests, link, slot->id, &report);
        }
        slot->is_told = 1;
        slot->ticket = is_final ? 0 : slot->ticket;
        is_open |= !is_final;
    }
    return is_open;
}

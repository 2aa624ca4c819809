/* SPDX-License-Identifier: MIT */
/*
 * Requests and answers. A request that cannot be understood or done is answered in words, with its
 * id if it has one. Numbers of errors differ between C libraries: the words are what counts.
 */
#include "requests.h"

#include <errno.h>
#include <string.h>

#include <interface/evolve.h>
#include <interface/heap.h>
#include <interface/shell.h>
#include <lib/format.h>
#include <lib/message.h>
#include <neurath/world.h>

#define ROOM_FOR_ANSWER (2 * WIRE_PAYLOAD_MAX)
#define ROOM_FOR_PART (8 * WIRE_PAYLOAD_MAX)
#define TEXT_PER_PART 900 /* bytes of a command's output: with the rest, two fragments */

static void answer_begin(struct requests *requests, struct message_writer *writer, uint32_t id)
{
    message_begin(writer, requests->answer, sizeof(requests->answer));
    message_put_u32(writer, "id", id);
}

/* There is room: it was looked for before. */
static void answer_send(struct requests *requests, struct wire_link *link,
                        struct message_writer *writer)
{
    int size = message_finish(writer);
    if (size > 0) {
        (void)wire_send(link, requests->answer, (size_t)size); /* no session: nobody to tell */
    }
}

static void answer_result(struct requests *requests, struct wire_link *link, uint32_t id,
                          int result, const char *words)
{
    struct message_writer writer;
    answer_begin(requests, &writer, id);
    message_put_u32(&writer, "result", (uint32_t)result);
    message_put_string(&writer, "message", words);
    answer_send(requests, link, &writer);
}

/* For callees that refuse without a word of their own. */
static const char *words_for(int error)
{
    switch (error) {
    case -ENOENT:
        return "there is no such thing";
    case -EINVAL:
        return "that makes no sense";
    case -EBUSY:
        return "too much is under way: try again";
    case -ENOMEM:
        return "out of memory";
    default:
        return "it failed";
    }
}

/* One request being dealt with. */
struct request {
    struct requests *requests;
    struct wire_link *link;
    struct message message;
    uint32_t id;
};

static void refuse(const struct request *request, int error, const char *words)
{
    answer_result(request->requests, request->link, request->id, error,
                  words && words[0] ? words : words_for(error));
}

/* A string property; its absence is answered. */
static const char *need_string(const struct request *request, const char *name)
{
    char words[96];
    const char *value = NULL;
    if (message_get_string(&request->message, name, &value) < 0) {
        (void)format_print(words, sizeof(words), "the request has no string \"%s\"", name);
        refuse(request, -EINVAL, words);
        return NULL;
    }
    return value;
}

static bool need_u32(const struct request *request, const char *name, uint32_t *value)
{
    char words[96];
    if (message_get_u32(&request->message, name, value) < 0) {
        (void)format_print(words, sizeof(words), "the request has no number \"%s\"", name);
        refuse(request, -EINVAL, words);
        return false;
    }
    return true;
}

/* A transaction was asked for: it is answered when it has ended, or now if it was refused. */
static void ticket_open(const struct request *request, struct request_ticket *slot, int result,
                        const struct evolve_answer *answer)
{
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

static void do_hello(const struct request *request)
{
    struct message_writer writer;
    answer_begin(request->requests, &writer, request->id);
    message_put_u32(&writer, "result", 0);
    message_put_string(&writer, "message", "");
    message_put_string(&writer, "version", "1");
    message_put_u32(&writer, "abi", NEURATH_ABI);
    message_put_u64(&writer, "hash", world_hash());
    answer_send(request->requests, request->link, &writer);
}

static void do_world(const struct request *request)
{
    request->requests->is_world_open = 1;
    request->requests->world_id = request->id;
    request->requests->world_after = 0;
}

/* Of a command: kept until it is sent; what is too much is cut. */
static void capture_write(struct command_output *output, const char *text, size_t size)
{
    struct requests *requests = container_of(output, struct requests, capture);
    size_t room = REQUEST_OUTPUT_BYTES - requests->run_bytes;
    size = MIN(size, room);
    memcpy(requests->output + requests->run_bytes, text, size);
    requests->run_bytes += (uint32_t)size;
}

static void do_run(const struct request *request)
{
    struct requests *requests = request->requests;
    const char *line = need_string(request, "line");
    if (!line) {
        return;
    }
    requests->run_bytes = requests->run_sent = 0;
    requests->capture.write = capture_write;
    requests->run_result = shell_execute(line, &requests->capture);
    requests->run_id = request->id;
    requests->is_run_open = 1;
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

static void do_swap(const struct request *request)
{
    struct swap_options options = get_options(request);
    struct evolve_answer answer = {0};
    const char *old = need_string(request, "old");
    const char *package = old ? need_string(request, "package") : NULL;
    struct request_ticket *slot = package ? need_ticket(request) : NULL;
    if (slot) {
        ticket_open(request, slot, evolve_swap(old, package, &options, &answer), &answer);
    }
}

static void do_load(const struct request *request)
{
    struct swap_options options = get_options(request);
    struct evolve_answer answer = {0};
    const char *package = need_string(request, "package");
    struct request_ticket *slot = package ? need_ticket(request) : NULL;
    if (slot) {
        ticket_open(request, slot, evolve_load(package, &options, &answer), &answer);
    }
}

static void do_unload(const struct request *request)
{
    struct swap_options options = get_options(request);
    struct evolve_answer answer = {0};
    const char *name = need_string(request, "name");
    struct request_ticket *slot = name ? need_ticket(request) : NULL;
    if (slot) {
        ticket_open(request, slot, evolve_unload(name, &options, &answer), &answer);
    }
}

static void do_revert(const struct request *request)
{
    struct evolve_answer answer = {0};
    const char *name = need_string(request, "name");
    struct request_ticket *slot = name ? need_ticket(request) : NULL;
    if (slot) {
        ticket_open(request, slot, evolve_revert(name, &answer), &answer);
    }
}

static void do_push_open(const struct request *request)
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

static void do_push_write(const struct request *request)
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

static void do_push_commit(const struct request *request)
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

static void do_packages(const struct request *request)
{
    struct message_writer writer;
    struct evolve_package package;
    answer_begin(request->requests, &writer, request->id);
    message_put_u32(&writer, "result", 0);
    for (unsigned i = 0; evolve_package(i, &package) == 0; i++) {
        struct message_writer before = writer;
        char name[COMPONENT_NAME_BYTES + 24];
        (void)format_print(name, sizeof(name), "%s-%u.%u.%u", package.name,
                           VERSION_MAJOR(package.version), VERSION_MINOR(package.version),
                           VERSION_PATCH(package.version));
        message_begin_node(&writer, name);
        message_put_u32(&writer, "build", package.build);
        message_put_u32(&writer, "bytes", package.bytes);
        message_put_string(&writer, "summary", package.summary);
        message_end_node(&writer);
        if (message_room(&writer) == 0 || writer.end + writer.strings > ROOM_FOR_PART) {
            writer = before; /* a list cut is better than none */
            break;
        }
    }
    answer_send(request->requests, request->link, &writer);
}

static const struct {
    char op[16];
    void (*handle)(const struct request *request);
} operations[] = {
    {"hello", do_hello},
    {"world", do_world},
    {"run", do_run},
    {"swap", do_swap},
    {"load", do_load},
    {"unload", do_unload},
    {"revert", do_revert},
    {"push-open", do_push_open},
    {"push-write", do_push_write},
    {"push-commit", do_push_commit},
    {"packages", do_packages},
};

bool requests_has_room(const struct requests *requests, const struct wire_link *link)
{
    return !requests->is_run_open && !requests->is_world_open && wire_room(link) >= ROOM_FOR_PART;
}

/* Jobs of a session that is over are forgotten; what they began in the world goes on. */
static void forget_old(struct requests *requests, const struct wire_link *link)
{
    if (requests->generation != link->generation) {
        requests->generation = link->generation;
        requests->is_run_open = requests->is_world_open = 0;
        memset(requests->tickets, 0, sizeof(requests->tickets));
    }
}

void requests_handle(struct requests *requests, struct wire_link *link, const void *tree,
                     size_t size)
{
    struct request request = {.requests = requests, .link = link};
    const char *op;
    char words[96];
    forget_old(requests, link);
    if (message_open(&request.message, tree, size) < 0) {
        refuse(&request, -EBADMSG, "the request is not a device tree");
        return;
    }
    if (message_get_u32(&request.message, "id", &request.id) < 0) {
        refuse(&request, -EINVAL, "the request has no number \"id\"");
        return;
    }
    op = need_string(&request, "op");
    if (!op) {
        return;
    }
    for (size_t i = 0; i < ARRAY_SIZE(operations); i++) {
        if (strcmp(operations[i].op, op) == 0) {
            operations[i].handle(&request);
            return;
        }
    }
    (void)format_print(words, sizeof(words), "there is no request \"%.32s\"", op);
    refuse(&request, -ENOSYS, words);
}

static void continue_run(struct requests *requests, struct wire_link *link)
{
    while (requests->is_run_open && wire_room(link) >= ROOM_FOR_ANSWER) {
        struct message_writer writer;
        uint32_t left = requests->run_bytes - requests->run_sent;
        uint32_t size = MIN(left, TEXT_PER_PART);
        answer_begin(requests, &writer, requests->run_id);
        message_put_bytes(&writer, "text", requests->output + requests->run_sent, size);
        requests->run_sent += size;
        if (size == left) {
            message_put_u32(&writer, "result", (uint32_t)requests->run_result);
            requests->is_run_open = 0;
        }
        answer_send(requests, link, &writer);
    }
}

static void put_bindings(struct message_writer *writer, uint32_t component, bool is_needed)
{
    struct evolve_binding binding;
    message_begin_node(writer, is_needed ? "needs" : "provides");
    for (unsigned i = 0; evolve_read_binding(component, i, &binding) == 0; i++) {
        if (binding.is_needed == is_needed) {
            uint8_t version[8] = {[2] = (uint8_t)(binding.major >> 8),
                                  [3] = (uint8_t)binding.major,
                                  [6] = (uint8_t)(binding.minor >> 8),
                                  [7] = (uint8_t)binding.minor};
            message_begin_node(writer, binding.interface);
            message_put_bytes(writer, "version", version, sizeof(version));
            message_put_u32(writer, "methods", binding.methods);
            message_put_string(writer, "provider", binding.provider);
            message_end_node(writer);
        }
    }
    message_end_node(writer);
}

static void put_component(struct message_writer *writer, const struct world_component *component)
{
    message_begin_node(writer, component->name);
    message_put_u32(writer, "id", component->id);
    message_put_u32(writer, "version", component->version);
    message_put_u32(writer, "build", component->build);
    message_put_u32(writer, "swaps", component->swaps);
    message_put_u32(writer, "text-bytes", component->text_bytes);
    message_put_u32(writer, "rodata-bytes", component->rodata_bytes);
    message_put_string(writer, "state-type", component->state_type);
    message_put_u64(writer, "state-bytes", component->state_bytes);
    message_put_u64(writer, "state-hash", component->state_hash);
    message_put_u32(writer, "pages", component->pages);
    message_put_u32(writer, "registrations", component->registrations);
    put_bindings(writer, component->id, false);
    put_bindings(writer, component->id, true);
    message_end_node(writer);
}

static uint32_t count_limbo(void)
{
    char text[4]; /* of no interest */
    uint32_t count = 0;
    while (world_limbo(count, text, sizeof(text)) == 0) {
        count++;
    }
    return count;
}

static void put_totals(struct message_writer *writer)
{
    struct world_totals totals = {0};
    struct heap_account account = {0};
    world_read_totals(&totals);
    (void)heap_read_account(NULL, &account); /* zeros when it cannot tell */
    message_begin_node(writer, "totals");
    message_put_u64(writer, "pages", totals.pages);
    message_put_u64(writer, "pages-free", totals.pages_free);
    message_put_u64(writer, "arena-bytes", totals.arena_bytes);
    message_put_u64(writer, "arena-free-bytes", totals.arena_free_bytes);
    message_put_u32(writer, "gates", totals.gates);
    message_put_u32(writer, "gates-free", totals.gates_free);
    message_put_u32(writer, "components", totals.components);
    message_put_u32(writer, "in-limbo", count_limbo());
    message_put_u32(writer, "threads", totals.threads);
    message_put_u32(writer, "cpus", totals.cpus);
    message_put_u32(writer, "transactions", totals.transactions);
    message_put_u64(writer, "worst-blackout-ns", totals.worst_blackout_ns);
    message_put_u64(writer, "uptime-ns", totals.uptime_ns);
    message_put_u64(writer, "heap-objects", account.objects);
    message_put_u64(writer, "heap-bytes", account.bytes);
    message_put_u64(writer, "heap-pages", account.pages);
    message_put_u64(writer, "hash", world_hash());
    message_end_node(writer);
}

/* Returns false: there was none left. */
static bool send_components(struct requests *requests, struct wire_link *link)
{
    struct message_writer writer;
    struct world_component component;
    unsigned count = 0;
    message_begin(&writer, requests->answer, ROOM_FOR_PART);
    message_put_u32(&writer, "id", requests->world_id);
    message_begin_node(&writer, "components");
    while (world_component(requests->world_after, &component) == 0) {
        struct message_writer before = writer;
        put_component(&writer, &component);
        /* One that does not fit in an empty part is left out: the list must go on. */
        bool is_full = message_room(&writer) == 0;
        if (is_full) {
            writer = before;
        }
        if (is_full && count > 0) {
            break;
        }
        requests->world_after = component.id;
        count++;
    }
    message_end_node(&writer);
    if (count > 0) {
        answer_send(requests, link, &writer);
    }
    return count > 0;
}

static void continue_world(struct requests *requests, struct wire_link *link)
{
    while (requests->is_world_open && wire_room(link) >= ROOM_FOR_PART) {
        struct message_writer writer;
        if (send_components(requests, link)) {
            continue;
        }
        answer_begin(requests, &writer, requests->world_id);
        message_put_u32(&writer, "result", 0);
        put_totals(&writer);
        answer_send(requests, link, &writer);
        requests->is_world_open = 0;
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
static bool continue_tickets(struct requests *requests, struct wire_link *link)
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

bool requests_continue(struct requests *requests, struct wire_link *link)
{
    forget_old(requests, link);
    continue_run(requests, link);
    continue_world(requests, link);
    return continue_tickets(requests, link);
}

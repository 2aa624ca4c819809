/* SPDX-License-Identifier: MIT */
/* Requests: what is asked for, and the small answers. */
#include "requests.h"

#include <errno.h>
#include <string.h>

#include <interface/package_store.h>
#include <interface/shell.h>
#include <lib/format.h>
#include <neurath/world.h>

#include "answer.h"

#define TEXT_PER_PART 900 /* bytes of a command's output: with the rest, two fragments */

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
    if (requests->run_result == -EINPROGRESS) {
        *request->is_put_off = true;
        return;
    }
    requests->run_id = request->id;
    requests->is_run_open = 1;
}

static void begin_package(struct message_writer *writer, const char *package, uint32_t version,
                          const char *variant)
{
    char name[COMPONENT_NAME_BYTES + 24 + PACKAGE_STORE_VARIANT_BYTES];
    (void)format_print(name, sizeof(name), "%s-%u.%u.%u%s%s", package, VERSION_MAJOR(version),
                       VERSION_MINOR(version), VERSION_PATCH(version), variant[0] ? "+" : "",
                       variant);
    message_begin_node(writer, name);
}

/* A list cut is better than none. */
static bool has_room_for_package(const struct message_writer *writer)
{
    return message_room(writer) >= 256 && writer->end + writer->strings + 256 <= ROOM_FOR_PART;
}

static void do_packages(const struct request *request)
{
    struct message_writer writer;
    struct evolve_package package;
    struct package_store_entry stored;
    int listed = package_store_list(0, &stored);
    if (listed == -EINPROGRESS) {
        *request->is_put_off = true;
        return;
    }
    answer_begin(request->requests, &writer, request->id);
    message_put_u32(&writer, "result", 0);
    for (unsigned i = 0; has_room_for_package(&writer) && evolve_package(i, &package) == 0; i++) {
        begin_package(&writer, package.name, package.version, "");
        message_put_u32(&writer, "build", package.build);
        message_put_u32(&writer, "bytes", package.bytes);
        message_put_string(&writer, "summary", package.summary);
        message_end_node(&writer);
    }
    for (unsigned i = 0; listed == 0 && has_room_for_package(&writer); i++) {
        begin_package(&writer, stored.name, stored.version, stored.variant);
        message_put_u32(&writer, "bytes", stored.bytes);
        message_put_u32(&writer, "is-stored", 1);
        message_end_node(&writer);
        listed = package_store_list(i + 1, &stored);
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
    {"update-open", do_update_open},
    {"update-write", do_update_write},
    {"update-finish", do_update_finish},
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
        requests->update_id = 0;
        memset(requests->tickets, 0, sizeof(requests->tickets));
    }
}

bool requests_handle(struct requests *requests, struct wire_link *link, const void *tree,
                     size_t size)
{
    bool is_put_off = false;
    struct request request = {.requests = requests, .link = link, .is_put_off = &is_put_off};
    const char *op;
    char words[96];
    forget_old(requests, link);
    if (message_open(&request.message, tree, size) < 0) {
        refuse(&request, -EBADMSG, "the request is not a device tree");
        return true;
    }
    if (message_get_u32(&request.message, "id", &request.id) < 0) {
        refuse(&request, -EINVAL, "the request has no number \"id\"");
        return true;
    }
    op = need_string(&request, "op");
    if (!op) {
        return true;
    }
    for (size_t i = 0; i < ARRAY_SIZE(operations); i++) {
        if (strcmp(operations[i].op, op) == 0) {
            operations[i].handle(&request);
            return !is_put_off;
        }
    }
    (void)format_print(words, sizeof(words), "there is no request \"%.32s\"", op);
    refuse(&request, -ENOSYS, words);
    return true;
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

bool requests_continue(struct requests *requests, struct wire_link *link)
{
    forget_old(requests, link);
    continue_run(requests, link);
    continue_world(requests, link);
    bool is_ticket_open = continue_tickets(requests, link);
    return continue_update(requests, link) || is_ticket_open;
}

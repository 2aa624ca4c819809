/* SPDX-License-Identifier: MIT */
/*
 * The host's end of the wire.
 */
#include "tools/nr/client.h"

#include <errno.h>
#include <libfdt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/nr/port.h"

#define OUT_MAX 4096 /* no more frames are made while so many bytes wait */
#define PIECES 3     /* of a package, on the way at once */
#define RUN_MS 20000

void client_init(struct client *client, int fd)
{
    signal(SIGPIPE, SIG_IGN); /* a line that goes is an error of write() */
    *client = (struct client){.fd = fd};
    wire_init(&client->wire, WIRE_HOST);
}

static void out_put(struct client *client, const void *bytes, size_t size)
{
    if (client->out_size + size > client->out_room) {
        size_t room = (client->out_size + size) * 2;
        uint8_t *larger = realloc(client->out, room);
        if (!larger) {
            client->error = -ENOMEM;
            return;
        }
        client->out = larger;
        client->out_room = room;
    }
    memcpy(client->out + client->out_size, bytes, size);
    client->out_size += size;
}

void client_type(struct client *client, const char *text, size_t size)
{
    out_put(client, text, size);
}

static void out_frames(struct client *client)
{
    uint8_t frame[WIRE_FRAME_MAX + 2] = {0};
    size_t size;
    while (client->out_size < OUT_MAX &&
           (size = wire_take_frame(&client->wire, frame + 1, now_ms())) > 0) {
        frame[1 + size] = 0;
        out_put(client, frame, size + 2);
    }
}

static void out_write(struct client *client)
{
    ssize_t written = client->out_size > 0 ? write(client->fd, client->out, client->out_size) : 0;
    if (written > 0) {
        client->out_size -= (size_t)written;
        memmove(client->out, client->out + written, client->out_size);
    } else if (written < 0 && errno != EAGAIN && errno != EINTR) {
        client->error = errno == EPIPE ? -ECONNRESET : -errno;
    }
}

void client_close(struct client *client)
{
    wire_close(&client->wire);
    out_frames(client);
    out_write(client); /* if it does not fit the board learns it from the next HELLO */
    port_drain(client->fd);
    close(client->fd);
    free(client->out);
    client->out = NULL;
    client->fd = -1;
}

static void copy_string(char *to, size_t room, const void *tree, const char *name)
{
    int size;
    const char *value = fdt_getprop(tree, 0, name, &size);
    snprintf(to, room, "%.*s", value && size > 0 ? size - 1 : 0, value ? value : "");
}

uint64_t client_number(const void *tree, int node, const char *name)
{
    int size;
    const void *value = fdt_getprop(tree, node, name, &size);
    if (!value) {
        return 0;
    }
    return size == 8 ? fdt64_ld(value) : size == 4 ? fdt32_ld(value) : 0;
}

static void read_report(struct client_report *report, const void *tree)
{
    copy_string(report->old, sizeof(report->old), tree, "old");
    copy_string(report->new, sizeof(report->new), tree, "new");
    copy_string(report->transfer, sizeof(report->transfer), tree, "transfer");
    copy_string(report->phase, sizeof(report->phase), tree, "phase");
    report->probation_ms = (uint32_t)client_number(tree, 0, "probation-ms");
    report->calls = (uint32_t)client_number(tree, 0, "calls");
    report->steps = (uint32_t)client_number(tree, 0, "steps");
    report->wx_violations = (uint32_t)client_number(tree, 0, "wx-violations");
    report->old_version = (uint32_t)client_number(tree, 0, "old-version");
    report->new_version = (uint32_t)client_number(tree, 0, "new-version");
    report->components = (uint32_t)client_number(tree, 0, "components");
    report->attempts = (uint32_t)client_number(tree, 0, "attempts");
    report->state_bytes = client_number(tree, 0, "state-bytes");
    report->stage_ns = client_number(tree, 0, "stage-ns");
    report->drain_ns = client_number(tree, 0, "drain-ns");
    report->blackout_ns = client_number(tree, 0, "blackout-ns");
    report->stopped_ns = client_number(tree, 0, "stopped-ns");
    report->retire_ns = client_number(tree, 0, "retire-ns");
    report->total_ns = client_number(tree, 0, "total-ns");
}

static struct client_call **find_call(struct client *client, uint32_t id)
{
    struct client_call **at = &client->calls;
    while (*at && (*at)->id != id) {
        at = &(*at)->next;
    }
    return at;
}

static void dispatch(struct client *client, const void *tree, size_t size)
{
    /* Older versions are none of the board's, and libfdt 1.6 trips over them. */
    if (size < sizeof(struct fdt_header) || fdt_version(tree) < 17 ||
        fdt_check_full(tree, size) != 0) {
        return; /* not ours: nobody waits for it */
    }
    struct client_call **at = find_call(client, (uint32_t)client_number(tree, 0, "id"));
    struct client_call *call = *at;
    if (!call) {
        return; /* given up */
    }
    if (fdt_getprop(tree, 0, "phase", NULL)) {
        read_report(&call->report, tree);
    }
    if (call->on_part) {
        call->on_part(call->context, tree);
    }
    if (fdt_getprop(tree, 0, "result", NULL)) {
        call->result = (int)(uint32_t)client_number(tree, 0, "result");
        copy_string(call->message, sizeof(call->message), tree, "message");
        call->is_done = true;
        *at = call->next;
    }
}

static void take_in(struct client *client, const uint8_t *bytes, size_t size)
{
    const void *tree;
    for (size_t i = 0; i < size; i++) {
        struct wire_piece piece = wire_split(&client->splitter, bytes[i]);
        if (piece.kind == WIRE_TEXT && client->on_text) {
            client->on_text(client->context, piece.bytes, piece.size);
        } else if (piece.kind == WIRE_FRAME) {
            (void)wire_receive(&client->wire, piece.bytes, piece.size, now_ms());
            int got = wire_read(&client->wire, &tree);
            if (got >= 0) {
                dispatch(client, tree, (size_t)got);
                wire_release(&client->wire);
            }
        }
    }
}

int client_pump(struct client *client, unsigned timeout_ms)
{
    uint8_t bytes[4096];
    out_frames(client);
    out_write(client);
    uint64_t now = now_ms();
    uint64_t next = wire_next_ms(&client->wire, now);
    if (client->out_size < OUT_MAX && next < now + timeout_ms) {
        timeout_ms = next > now ? (unsigned)(next - now) : 0;
    }
    struct pollfd wait = {.fd = client->fd,
                          .events = (short)(POLLIN | (client->out_size > 0 ? POLLOUT : 0))};
    if (client->error == 0 && poll(&wait, 1, (int)timeout_ms) > 0 && (wait.revents & ~POLLOUT)) {
        ssize_t got = read(client->fd, bytes, sizeof(bytes));
        if (got > 0) {
            take_in(client, bytes, (size_t)got);
        } else if (got == 0) {
            client->error = -ECONNRESET;
        } else if (errno != EAGAIN && errno != EINTR) {
            client->error = -errno;
        }
    }
    out_frames(client);
    out_write(client);
    if (client->error < 0) {
        return client->error;
    }
    return client->wire.state == WIRE_CLOSED ? client->wire.error : 0;
}

static int say_why(struct client *client, int error, struct why *why)
{
    if (client->error < 0) {
        return why_set(why, error, "the line was cut: %s", strerror(-error));
    }
    if (error == -ECONNRESET) {
        return why_set(why, error, "the board ended the session: it may have started again");
    }
    return why_set(why, error, "no answer from the board");
}

int client_connect(struct client *client, unsigned timeout_ms, struct why *why)
{
    uint32_t session = 0;
    if (getrandom(&session, sizeof(session), 0) < 0) {
        session = (uint32_t)now_ms() ^ (uint32_t)getpid() << 16;
    }
    uint64_t end = now_ms() + timeout_ms;
    wire_connect(&client->wire, session, now_ms());
    while (client->wire.state == WIRE_CONNECTING) {
        int result = now_ms() < end ? client_pump(client, (unsigned)(end - now_ms())) : -ETIMEDOUT;
        if (result < 0) {
            return say_why(client, result, why);
        }
    }
    return 0;
}

static void put_option(struct client_call *call, const char *name, uint32_t value)
{
    if (value) {
        message_put_u32(&call->writer, name, value);
    }
}

void client_begin(struct client *client, struct client_call *call, const char *op)
{
    call->id = ++client->last_id;
    call->is_done = false;
    call->result = 0;
    call->message[0] = 0;
    message_begin(&call->writer, call->request, sizeof(call->request));
    message_put_u32(&call->writer, "id", call->id);
    message_put_string(&call->writer, "op", op);
    put_option(call, "deadline-ms", client->options.deadline_ms);
    put_option(call, "probation-ms", client->options.probation_ms);
    put_option(call, "fail-at", client->options.fail_at);
    put_option(call, "is-audited", client->options.is_audited);
    put_option(call, "is-plain", client->options.is_plain);
}

int client_send(struct client *client, struct client_call *call, struct why *why)
{
    int size = message_finish(&call->writer);
    if (size < 0) {
        return why_set(why, size, "the request is too long");
    }
    int result;
    while ((result = wire_send(&client->wire, call->request, (size_t)size)) == -EAGAIN) {
        result = client_pump(client, 1000);
        if (result < 0) {
            return say_why(client, result, why);
        }
    }
    if (result < 0) {
        return say_why(client, client->wire.error < 0 ? client->wire.error : result, why);
    }
    call->next = client->calls;
    client->calls = call;
    return 0;
}

int client_wait(struct client *client, struct client_call *call, unsigned timeout_ms,
                struct why *why)
{
    uint64_t end = now_ms() + timeout_ms;
    while (!call->is_done) {
        uint64_t now = now_ms();
        int result = now < end ? client_pump(client, (unsigned)(end - now)) : -ETIMEDOUT;
        if (result < 0 && !call->is_done) {
            struct client_call **at = find_call(client, call->id);
            *at = *at ? (*at)->next : NULL;
            return say_why(client, result, why);
        }
    }
    return 0;
}

int client_result(const struct client_call *call, struct why *why)
{
    if (call->result >= 0) {
        return 0;
    }
    if (call->message[0] == 0) {
        return why_set(why, -EREMOTEIO, "the board refuses, error %d", -call->result);
    }
    return why_set(why, -EREMOTEIO, "%s", call->message);
}

int client_call(struct client *client, struct client_call *call, unsigned timeout_ms,
                struct why *why)
{
    int result = client_send(client, call, why);
    if (result == 0) {
        result = client_wait(client, call, timeout_ms, why);
    }
    return result == 0 ? client_result(call, why) : result;
}

/* What a command says, part by part. */
struct capture {
    char *text;
    size_t size;
    bool is_cut; /* no memory for all of it */
};

static void take_text(void *context, const void *tree)
{
    struct capture *capture = context;
    int size;
    const char *text = fdt_getprop(tree, 0, "text", &size);
    if (!text || size <= 0) {
        return;
    }
    char *larger = realloc(capture->text, capture->size + (size_t)size + 1);
    if (!larger) {
        capture->is_cut = true;
        return;
    }
    memcpy(larger + capture->size, text, (size_t)size);
    capture->text = larger;
    capture->size += (size_t)size;
    capture->text[capture->size] = 0;
}

int client_run(struct client *client, const char *line, char **text, struct why *why)
{
    struct capture capture = {.text = strdup("")};
    struct client_call call = {.on_part = take_text, .context = &capture};
    client_begin(client, &call, "run");
    message_put_string(&call.writer, "line", line);
    int result = client_call(client, &call, RUN_MS, why);
    if (capture.is_cut || !capture.text) {
        result = why_set(why, -ENOMEM, "no memory");
    } else if (result == -EREMOTEIO && call.message[0] == 0 && capture.size > 0) {
        why_set(why, result, "%.*s", (int)strcspn(capture.text, "\r\n"), capture.text);
    }
    *text = capture.text;
    return result;
}

static void take_handle(void *context, const void *tree)
{
    *(uint32_t *)context = (uint32_t)client_number(tree, 0, "handle");
}

/* Sends the pieces, some of them on the way at once. */
static int push_pieces(struct client *client, uint32_t handle, const uint8_t *package, size_t size,
                       void (*progress)(size_t done, size_t size), struct why *why)
{
    struct client_call *calls = calloc(PIECES, sizeof(*calls));
    size_t pieces = (size + CLIENT_PIECE_BYTES - 1) / CLIENT_PIECE_BYTES;
    int result = 0;
    if (!calls) {
        return why_set(why, -ENOMEM, "no memory");
    }
    for (size_t i = 0; result == 0 && i < pieces + PIECES; i++) {
        struct client_call *call = &calls[i % PIECES];
        if (i >= PIECES && i - PIECES < pieces) { /* the answer of the one before in this place */
            result = client_wait(client, call, 30000, why);
            if (result == 0 && call->result < 0) {
                result = why_set(why, -EREMOTEIO, "%s", call->message);
            }
            size_t done = (i - PIECES + 1) * CLIENT_PIECE_BYTES;
            if (result == 0 && progress) {
                progress(done < size ? done : size, size);
            }
        }
        if (result == 0 && i < pieces) {
            size_t offset = i * CLIENT_PIECE_BYTES;
            size_t left = size - offset;
            client_begin(client, call, "push-write");
            message_put_u32(&call->writer, "handle", handle);
            message_put_u32(&call->writer, "offset", (uint32_t)offset);
            message_put_bytes(&call->writer, "data", package + offset,
                              left < CLIENT_PIECE_BYTES ? left : CLIENT_PIECE_BYTES);
            result = client_send(client, call, why);
        }
    }
    client->calls = result < 0 ? NULL : client->calls; /* what is under way will be freed */
    free(calls);
    return result;
}

int client_push_begin(struct client *client, const void *package, size_t size, const char *old,
                      void (*progress)(size_t done, size_t size), struct client_call *call,
                      struct why *why)
{
    uint32_t handle = 0;
    client_begin(client, call, "push-open");
    message_put_u32(&call->writer, "size", (uint32_t)size);
    void (*on_part)(void *, const void *) = call->on_part;
    void *context = call->context;
    call->on_part = take_handle;
    call->context = &handle; /* cppcheck-suppress autoVariables ; taken back below */
    int result = client_call(client, call, 10000, why);
    call->on_part = on_part;
    call->context = context;
    if (result == 0) {
        result = push_pieces(client, handle, package, size, progress, why);
    }
    if (result == 0) {
        client_begin(client, call, "push-commit");
        message_put_u32(&call->writer, "handle", handle);
        message_put_string(&call->writer, "old", old ? old : "");
        result = client_send(client, call, why);
    }
    return result;
}

int client_push(struct client *client, const void *package, size_t size, const char *old,
                void (*progress)(size_t done, size_t size), struct client_call *call,
                struct why *why)
{
    int result = client_push_begin(client, package, size, old, progress, call, why);
    if (result == 0) {
        result = client_wait(client, call, CLIENT_PUSH_MS, why);
    }
    return result == 0 ? client_result(call, why) : result;
}

static int print_version(char *text, size_t size, uint32_t version)
{
    return snprintf(text, size, "%u.%u.%u", version >> 24, version >> 12 & 0xfff, version & 0xfff);
}

void client_describe(const struct client_report *report, char *text, size_t size)
{
    char old[24], new[24];
    int length;
    print_version(old, sizeof(old), report->old_version);
    print_version(new, sizeof(new), report->new_version);
    if (report->old[0] && report->new[0] && strcmp(report->old, report->new) == 0) {
        length = snprintf(text, size, "%s %s -> %s", report->new, old, new);
    } else if (report->old[0] && report->new[0]) {
        length = snprintf(text, size, "%s %s -> %s %s", report->old, old, report->new, new);
    } else if (report->new[0]) {
        length = snprintf(text, size, "%s %s loaded", report->new, new);
    } else {
        length = snprintf(text, size, "%s %s unloaded", report->old, old);
    }
    if (report->components > 1 && length >= 0 && (size_t)length < size) {
        length +=
            snprintf(text + length, size - (size_t)length, " and %u more", report->components - 1);
    }
    if (report->old[0] && report->new[0] && length >= 0 && (size_t)length < size) {
        bool is_carried =
            strcmp(report->transfer, "fresh") != 0 && strcmp(report->transfer, "stateless") != 0;
        length += is_carried
                      ? snprintf(text + length, size - (size_t)length, ", state %s (%llu bytes)",
                                 report->transfer, (unsigned long long)report->state_bytes)
                      : snprintf(text + length, size - (size_t)length, ", %s",
                                 report->transfer[0] == 'f' ? "state fresh" : "stateless");
    }
    if (length >= 0 && (size_t)length < size) {
        length += snprintf(text + length, size - (size_t)length, ", blackout %.1f us",
                           (double)report->blackout_ns / 1000);
    }
    if (strcmp(report->phase, "on probation") == 0 && length >= 0 && (size_t)length < size) {
        snprintf(text + length, size - (size_t)length, "; on probation for %u ms",
                 report->probation_ms);
    }
}

void *client_read_file(const char *name, size_t *size, struct why *why)
{
    FILE *file = fopen(name, "rb");
    struct stat status;
    void *bytes = NULL;
    if (!file || fstat(fileno(file), &status) < 0) {
        why_set(why, -errno, "%s: %s", name, strerror(errno));
    } else if (status.st_size == 0) {
        why_set(why, -ENODATA, "%s: is empty", name);
    } else {
        *size = (size_t)status.st_size;
        bytes = malloc(*size + 1);
        if (!bytes || fread(bytes, 1, *size, file) != *size) {
            why_set(why, -EIO, "%s: cannot be read", name);
            free(bytes);
            bytes = NULL;
        }
    }
    if (file) {
        fclose(file);
    }
    return bytes;
}

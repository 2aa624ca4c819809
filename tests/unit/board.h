/* SPDX-License-Identifier: MIT */
/*
 * A board of pretence on the host: the wire component's own requests, with made-up neighbours,
 * served on a file descriptor by board_serve(). Included by one source.
 *
 * Its world: components that have names and versions. A package is the text "NAME X.Y.Z" (a version
 * of it at X.Y.Z); a text that begins otherwise is refused.
 */
#pragma once

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bearssl_hash.h>

/* Other tests in the same program may pretend too. */
#define evolve_load pretended_evolve_load
#define evolve_swap pretended_evolve_swap
#define evolve_unload pretended_evolve_unload
#define evolve_revert pretended_evolve_revert
#define evolve_push_open pretended_evolve_push_open
#define evolve_push_write pretended_evolve_push_write
#define evolve_push_commit pretended_evolve_push_commit
#define evolve_package pretended_evolve_package
#define shell_execute pretended_shell_execute
#define heap_read_account pretended_heap_read_account
#define world_component pretended_world_component
#define evolve_read_binding pretended_evolve_read_binding
#define world_read_totals pretended_world_read_totals
#define world_limbo pretended_world_limbo
#define world_hash pretended_world_hash
#define swap_read_report pretended_swap_read_report
#define offer_find pretended_offer_find

#include "components/wire/answer.c"
#include "components/wire/requests.c"
#include "components/wire/transactions.c"
#include "components/wire/update.c"
#include "components/wire/world.c"

#define PRETENDED_COMPONENTS 40
#define PRETENDED_REPORTS 32

static struct {
    struct world_component components[PRETENDED_COMPONENTS];
    unsigned count;
    struct swap_report reports[PRETENDED_REPORTS];
    uint32_t polls[PRETENDED_REPORTS]; /* how often a report is still asked for in vain */
    uint32_t tickets;
    uint8_t *package;
    size_t package_size, package_got;
    uint32_t handle;
    /* Who takes updates: */
    bool has_no_update;
    struct update_status update;
    uint8_t image[100000]; /* update.received bytes are there */
    uint32_t update_polls, update_writes, update_calls;
} pretended;

static struct world_component *pretended_find(const char *name)
{
    for (unsigned i = 0; i < pretended.count; i++) {
        if (strcmp(pretended.components[i].name, name) == 0) {
            return &pretended.components[i];
        }
    }
    return NULL;
}

static void pretended_add(const char *name, uint32_t version)
{
    struct world_component *component = &pretended.components[pretended.count++];
    *component = (struct world_component){.id = pretended.count, .version = version};
    snprintf(component->name, sizeof(component->name), "%s", name);
    component->state_bytes = 48;
    snprintf(component->state_type, sizeof(component->state_type), "struct %s", name);
}

static int pretended_ticket(struct evolve_answer *answer, const struct swap_report *report)
{
    uint32_t ticket = ++pretended.tickets;
    pretended.reports[ticket % PRETENDED_REPORTS] = *report;
    pretended.reports[ticket % PRETENDED_REPORTS].ticket = ticket;
    pretended.polls[ticket % PRETENDED_REPORTS] = 3;
    answer->ticket = (int)ticket;
    return 0;
}

/* Puts "NAME X.Y.Z" or "NAME-X.Y.Z" in the place of old ("": of the same name, if it is there). */
static int pretended_replace(const char *old, const char *package, struct evolve_answer *answer)
{
    struct swap_report report = {.transfer = SWAP_ADOPTED, .state_bytes = 48, .blackout_ns = 12345};
    unsigned x, y, z;
    char name[COMPONENT_NAME_BYTES];
    if (sscanf(package, "%31[a-z_]%*1[ -]%u.%u.%u", name, &x, &y, &z) != 4) {
        report.result = -EBADMSG;
        snprintf(report.message, sizeof(report.message), "not a package: \"%.20s\"", package);
        return pretended_ticket(answer, &report);
    }
    struct world_component *component = pretended_find(old[0] ? old : name);
    if (!component && old[0]) {
        snprintf(answer->message, sizeof(answer->message), "no component \"%.32s\"", old);
        return -ENOENT;
    }
    report.components = 1;
    report.new_version = VERSION(x, y, z);
    snprintf(report.new, sizeof(report.new), "%s", name);
    if (component) {
        report.old_version = component->version;
        snprintf(report.old, sizeof(report.old), "%s", component->name);
        component->version = report.new_version;
        component->swaps++;
    } else {
        pretended_add(name, report.new_version);
    }
    return pretended_ticket(answer, &report);
}

int evolve_load(const char *package, const struct swap_options *options,
                struct evolve_answer *answer)
{
    (void)options;
    return pretended_replace("", package, answer);
}

int evolve_swap(const char *old, const char *package, const struct swap_options *options,
                struct evolve_answer *answer)
{
    (void)options;
    return pretended_replace(old, package, answer);
}

int evolve_unload(const char *name, const struct swap_options *options,
                  struct evolve_answer *answer)
{
    (void)options;
    (void)name;
    (void)answer;
    return -ENOENT; /* without a word */
}

int evolve_revert(const char *name, struct evolve_answer *answer)
{
    snprintf(answer->message, sizeof(answer->message), "%s is not on probation", name);
    return -ENOENT;
}

int evolve_push_open(size_t size, uint32_t *handle)
{
    if (size == 0 || size > 16u << 20) {
        return -EINVAL;
    }
    free(pretended.package);
    pretended.package = calloc(1, size + 1);
    pretended.package_size = size;
    pretended.package_got = 0;
    *handle = ++pretended.handle;
    return 0;
}

int evolve_push_write(uint32_t handle, size_t offset, const void *piece, size_t size)
{
    if (handle != pretended.handle || !pretended.package) {
        return -ENOENT;
    }
    if (offset != pretended.package_got || size > pretended.package_size - offset) {
        return -EINVAL;
    }
    memcpy(pretended.package + offset, piece, size);
    pretended.package_got += size;
    return 0;
}

int evolve_push_commit(uint32_t handle, const char *old, const struct swap_options *options,
                       struct evolve_answer *answer)
{
    (void)options;
    if (handle != pretended.handle || pretended.package_got != pretended.package_size) {
        return handle != pretended.handle ? -ENOENT : -EINVAL;
    }
    return pretended_replace(old, (const char *)pretended.package, answer);
}

int evolve_package(unsigned index, struct evolve_package *package)
{
    *package = (struct evolve_package){.name = "led_blink", .version = VERSION(1, 1, 0)};
    return index < 200 ? 0 : -ENOENT;
}

int shell_execute(const char *line, struct command_output *output)
{
    unsigned count;
    if (sscanf(line, "numbers %u", &count) != 1) {
        output->write(output, "no such command\n", 16);
        return -ENOENT;
    }
    for (unsigned i = 0; i < count; i++) {
        char text[16];
        output->write(output, text, (size_t)snprintf(text, sizeof(text), "%u\n", i));
    }
    return 0;
}

int heap_read_account(const struct component *owner, struct heap_account *account)
{
    (void)owner;
    *account = (struct heap_account){.objects = 7};
    return 0;
}

int world_component(uint32_t after, struct world_component *component)
{
    if (after >= pretended.count) {
        return -ENOENT;
    }
    *component = pretended.components[after];
    return 0;
}

int evolve_read_binding(uint32_t component, unsigned index, struct evolve_binding *binding)
{
    *binding = (struct evolve_binding){.major = 1, .minor = 2, .methods = 3};
    binding->is_needed = index > 0;
    snprintf(binding->interface, sizeof(binding->interface), "interface%u", index);
    snprintf(binding->provider, sizeof(binding->provider), "component%u", component);
    return index < 5 ? 0 : -ENOENT;
}

void world_read_totals(struct world_totals *totals)
{
    *totals = (struct world_totals){.pages = 1000, .components = pretended.count, .cpus = 4};
}

int world_limbo(unsigned index, char *text, size_t size)
{
    snprintf(text, size, "component%u, replaced", index);
    return index < 2 ? 0 : -ENOENT;
}

uint64_t world_hash(void)
{
    uint64_t hash = pretended.count;
    for (unsigned i = 0; i < pretended.count; i++) {
        hash = hash * 31 + pretended.components[i].version;
    }
    return hash;
}

int swap_read_report(uint32_t ticket, struct swap_report *report)
{
    uint32_t at = ticket % PRETENDED_REPORTS;
    if (pretended.polls[at] > 0) {
        pretended.polls[at]--;
        return -EAGAIN;
    }
    *report = pretended.reports[at];
    return 0;
}

static int pretended_update_begin(uint32_t bytes, const uint8_t *digest)
{
    br_sha256_context hash;
    (void)digest;
    if (++pretended.update_calls % 2) {
        return -EAGAIN;
    }
    if (bytes > sizeof(pretended.image)) {
        return -EINVAL;
    }
    pretended.update.phase = UPDATE_MEASURING;
    pretended.update.bytes = bytes;
    br_sha256_init(&hash);
    br_sha256_update(&hash, pretended.image, pretended.update.received);
    br_sha256_out(&hash, pretended.update.digest);
    pretended.update_polls = 3;
    return 0;
}

/* Busy at each seventh time; the other two at each second. */
static int pretended_update_write(uint32_t offset, const void *data, uint32_t size)
{
    pretended.update.received = offset == 0 ? 0 : pretended.update.received;
    if (++pretended.update_writes % 7 == 0) {
        return -EAGAIN;
    }
    if (offset != pretended.update.received || size > sizeof(pretended.image) - offset) {
        return -EINVAL;
    }
    memcpy(pretended.image + offset, data, size);
    pretended.update.received += size;
    return 0;
}

static int pretended_update_finish(void)
{
    if (++pretended.update_calls % 2) {
        return -EAGAIN;
    }
    if (pretended.update.received != pretended.update.bytes) {
        return -EINVAL;
    }
    pretended.update.phase = UPDATE_CHECKING;
    pretended.update_polls = 3;
    return 0;
}

static int pretended_update_status(struct update_status *status)
{
    struct update_status *now = &pretended.update;
    if (pretended.update_polls > 0) {
        pretended.update_polls--;
    } else if (now->phase == UPDATE_MEASURING) {
        now->phase = UPDATE_RECEIVING;
    } else if (now->phase == UPDATE_CHECKING) {
        now->phase = pretended.image[0] == 'X' ? UPDATE_FAILED : UPDATE_DONE;
        snprintf(now->message, sizeof(now->message), "%s",
                 now->phase == UPDATE_DONE ? "the next start tries it" : "this is none");
    }
    *status = *now;
    status->slot[0] = 'b';
    return 0;
}

int offer_find(const char *kind, const char *name, uint32_t after, struct offer *offer)
{
    static const struct update_ops ops = {pretended_update_begin, pretended_update_write,
                                          pretended_update_finish, pretended_update_status};
    (void)name;
    if (pretended.has_no_update || strcmp(kind, UPDATE_KIND) != 0 || after > 0) {
        return -ENOENT;
    }
    *offer = (struct offer){.id = 1};
    memcpy(offer->table, &ops, sizeof(ops));
    return 0;
}

static void pretended_begin(unsigned components)
{
    static const char *const names[] = {"heap", "counter", "led_blink", "sched_fair"};
    char name[COMPONENT_NAME_BYTES];
    free(pretended.package);
    memset(&pretended, 0, sizeof(pretended));
    for (unsigned i = 0; i < components; i++) {
        snprintf(name, sizeof(name), "component_%c", 'a' + (int)i % 26);
        pretended_add(i < 4 ? names[i] : name, VERSION(1, 0, 0));
    }
}

struct board_line {
    int fd;
    unsigned noise; /* of 1000 bytes read, how many are spoilt */
};

static uint64_t board_now_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

static void board_send(int fd, const void *bytes, size_t size)
{
    const char *from = bytes;
    while (size > 0) {
        struct pollfd wait = {.fd = fd, .events = POLLOUT};
        ssize_t written = write(fd, from, size);
        if (written < 0 && errno == EAGAIN) {
            poll(&wait, 1, -1);
        } else if (written < 0) {
            return;
        } else {
            from += written;
            size -= (size_t)written;
        }
    }
}

/* Serves until the line is closed. Text that comes is sent back, as an echo. */
static void board_serve(const struct board_line *line)
{
    struct wire_link *link = calloc(1, sizeof(*link));
    struct requests *requests = calloc(1, sizeof(*requests));
    struct wire_splitter splitter = {0};
    wire_init(link, WIRE_BOARD);
    for (;;) {
        uint8_t bytes[1024];
        uint8_t frame[WIRE_FRAME_MAX + 2] = {0};
        const void *message;
        size_t size;
        bool is_open = requests_continue(requests, link);
        while ((size = wire_take_frame(link, frame + 1, board_now_ms())) > 0) {
            frame[size + 1] = 0;
            board_send(line->fd, frame, size + 2);
        }
        uint64_t now = board_now_ms(), next = wire_next_ms(link, now);
        struct pollfd wait = {.fd = line->fd, .events = POLLIN};
        poll(&wait, 1, is_open ? 1 : next == WIRE_NEVER ? -1 : next > now ? (int)(next - now) : 0);
        ssize_t got = read(line->fd, bytes, sizeof(bytes));
        if (got == 0 || (got < 0 && errno != EAGAIN)) {
            break;
        }
        for (ssize_t i = 0; i < got; i++) {
            bool is_spoilt = (unsigned)random() % 1000 < line->noise;
            struct wire_piece piece = wire_split(&splitter, bytes[i] ^ (is_spoilt ? 4 : 0));
            if (piece.kind == WIRE_TEXT) {
                board_send(line->fd, piece.bytes, piece.size);
            } else if (piece.kind == WIRE_FRAME) {
                (void)wire_receive(link, piece.bytes, piece.size, board_now_ms());
            }
            int length = wire_read(link, &message);
            if (length >= 0 && requests_has_room(requests, link)) {
                if (requests_handle(requests, link, message, (size_t)length)) {
                    wire_release(link);
                }
            }
            (void)requests_continue(requests, link);
        }
        int length = wire_read(link, &message);
        if (length >= 0 && requests_has_room(requests, link)) {
            if (requests_handle(requests, link, message, (size_t)length)) {
                wire_release(link);
            }
        }
    }
    free(link);
    free(requests);
}

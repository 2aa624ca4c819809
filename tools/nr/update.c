/* SPDX-License-Identifier: MIT */
/* An update of the whole system; see update.h. */
#include "tools/nr/update.h"

#include <bearssl_hash.h>
#include <errno.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIGEST_BYTES 32
#define PIECES 3         /* on the way at once */
#define OPEN_MS 120000   /* it reads what is there */
#define FINISH_MS 180000 /* it reads all of it */
#define PIECE_MS 60000
#define BUSY_TIMES 200
#define BOARD_EAGAIN (-11) /* of the board's C library */

/* What the board says of a transfer. */
struct state {
    uint32_t received;
    uint8_t digest[DIGEST_BYTES];
    char slot[4];
};

/* mkimage -E lays the data of each part behind the tree, at the next multiple of four. */
static bool is_data_whole(const void *image, size_t size, int part)
{
    size_t room = size - fdt_totalsize(image);
    int length;
    const fdt32_t *offset = fdt_getprop(image, part, "data-offset", &length);
    const fdt32_t *bytes =
        offset && length == 4 ? fdt_getprop(image, part, "data-size", &length) : NULL;
    if (!bytes || length != 4) {
        return fdt_getprop(image, part, "data", NULL) != NULL;
    }
    uint64_t skipped = (4 - fdt_totalsize(image) % 4) % 4;
    return skipped + fdt32_to_cpu(*offset) + fdt32_to_cpu(*bytes) <= room;
}

int update_check(const void *image, size_t size, struct why *why)
{
    if (size < sizeof(struct fdt_header) || fdt_check_header(image) != 0 ||
        fdt_totalsize(image) > size || fdt_check_full(image, fdt_totalsize(image)) != 0) {
        return why_set(why, -EINVAL, "it is no FIT (the file is build/neurath.itb)");
    }
    int configurations = fdt_path_offset(image, "/configurations");
    int configuration = configurations < 0 ? -1 : fdt_first_subnode(image, configurations);
    if (configuration < 0 || fdt_subnode_offset(image, configuration, "signature") < 0) {
        return why_set(why, -EINVAL, "it is no signed FIT: no board would start it");
    }
    int part;
    fdt_for_each_subnode(part, image, fdt_path_offset(image, "/images"))
    {
        if (!is_data_whole(image, size, part)) {
            return why_set(why, -EINVAL, "it is cut: not all of %s is there",
                           fdt_get_name(image, part, NULL));
        }
    }
    return 0;
}

static void digest_of(const void *bytes, size_t size, uint8_t digest[DIGEST_BYTES])
{
    br_sha256_context hash;
    br_sha256_init(&hash);
    br_sha256_update(&hash, bytes, size);
    br_sha256_out(&hash, digest);
}

static void take_state(void *context, const void *tree)
{
    struct state *state = context;
    int size;
    const fdt32_t *received = fdt_getprop(tree, 0, "received", &size);
    if (received && size == 4) {
        state->received = fdt32_to_cpu(*received);
    }
    const void *digest = fdt_getprop(tree, 0, "digest", &size);
    if (digest && size == DIGEST_BYTES) {
        memcpy(state->digest, digest, DIGEST_BYTES);
    }
    const char *slot = fdt_getprop(tree, 0, "slot", &size);
    snprintf(state->slot, sizeof(state->slot), "%.*s", slot && size > 0 ? size - 1 : 0,
             slot ? slot : "");
}

static int send_piece(struct client *client, struct client_call *call, const uint8_t *image,
                      size_t size, size_t offset, struct why *why)
{
    size_t left = size - offset;
    client_begin(client, call, "update-write");
    message_put_u32(&call->writer, "offset", (uint32_t)offset);
    message_put_bytes(&call->writer, "data", image + offset,
                      left < CLIENT_PIECE_BYTES ? left : CLIENT_PIECE_BYTES);
    return client_send(client, call, why);
}

/*
 * Some pieces on the way at once, from *offset on, which goes up as they are answered. 0: all these
 * were taken, or the board was busy and it is to be tried again from there.
 */
static int send_some(struct client *client, struct client_call *calls, const uint8_t *image,
                     size_t size, size_t *offset, bool *was_busy, struct why *why)
{
    unsigned sent = 0;
    int result = 0;
    *was_busy = false;
    for (size_t at = *offset; result == 0 && sent < PIECES && at < size; at += CLIENT_PIECE_BYTES) {
        result = send_piece(client, &calls[sent], image, size, at, why);
        sent += result == 0;
    }
    for (unsigned i = 0; i < sent && result == 0; i++) {
        result = client_wait(client, &calls[i], PIECE_MS, why);
        if (result == 0 && !*was_busy && calls[i].result == 0) {
            *offset += size - *offset < CLIENT_PIECE_BYTES ? size - *offset : CLIENT_PIECE_BYTES;
        } else if (result == 0 && calls[i].result == BOARD_EAGAIN) {
            *was_busy = true; /* what comes behind is refused, since it does not follow */
        } else if (result == 0 && !*was_busy) {
            result = why_set(why, -EREMOTEIO, "%s", calls[i].message);
        }
    }
    return result;
}

static int send_all(struct client *client, const uint8_t *image, size_t size, size_t offset,
                    void (*progress)(size_t done, size_t size), size_t stop_at, struct why *why)
{
    struct client_call *calls = calloc(PIECES, sizeof(*calls));
    unsigned busy = 0;
    int result = 0;
    if (!calls) {
        return why_set(why, -ENOMEM, "no memory");
    }
    while (result == 0 && offset < size) {
        bool was_busy;
        if (stop_at > 0 && offset >= stop_at) {
            result = why_set(why, -ECANCELED, "stopped at %zu bytes", offset);
            break;
        }
        result = send_some(client, calls, image, size, &offset, &was_busy, why);
        busy = was_busy ? busy + 1 : 0;
        if (busy > BUSY_TIMES) {
            result = why_set(why, -EREMOTEIO, "the board's files stay busy");
        }
        if (result == 0 && progress) {
            progress(offset, size);
        }
    }
    client->calls = result < 0 ? NULL : client->calls; /* what is under way will be freed */
    free(calls);
    return result;
}

int client_update(struct client *client, const void *image, size_t size,
                  void (*progress)(size_t done, size_t size), size_t stop_at,
                  struct update_report *report, struct why *why)
{
    struct state state = {0};
    struct client_call call = {.on_part = take_state, .context = &state};
    uint8_t digest[DIGEST_BYTES];
    size_t offset = 0;
    *report = (struct update_report){0};
    digest_of(image, size, digest);
    client_begin(client, &call, "update-open");
    message_put_u32(&call.writer, "size", (uint32_t)size);
    message_put_bytes(&call.writer, "digest", digest, sizeof(digest));
    int result = client_call(client, &call, OPEN_MS, why);
    if (result == 0 && state.received <= size) {
        digest_of(image, state.received, digest);
        offset = memcmp(digest, state.digest, sizeof(digest)) == 0 ? state.received : 0;
        report->resumed = offset;
    }
    if (result == 0) {
        result = send_all(client, image, size, offset, progress, stop_at, why);
    }
    if (result == 0) {
        client_begin(client, &call, "update-finish");
        result = client_call(client, &call, FINISH_MS, why);
    }
    snprintf(report->slot, sizeof(report->slot), "%s", state.slot);
    snprintf(report->message, sizeof(report->message), "%s", call.message);
    return result;
}

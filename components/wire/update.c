/* SPDX-License-Identifier: MIT */
/*
 * Requests for updates of the whole system: passed on to whoever offers them. What takes time there
 * is answered when its phase has come.
 */
#include <errno.h>
#include <string.h>

#include <interface/update.h>
#include <neurath/offer.h>

#include "answer.h"

static int find_update(struct update_ops *ops)
{
    struct offer offer;
    if (offer_find(UPDATE_KIND, NULL, 0, &offer) < 0) {
        return -ENOENT;
    }
    memcpy(ops, offer.table, sizeof(*ops));
    return 0;
}

static const char *update_words(int error)
{
    switch (error) {
    case -ENOENT:
        return "nobody here takes updates";
    case -EAGAIN:
        return "the files are busy: try again";
    case -EBUSY:
        return "wait: this system is on trial, or the update before is being put in place";
    case -ENODEV:
    case -ENOMEDIUM:
        return "there is no card";
    case -ENOSPC:
        return "there is no room left on the card";
    default:
        return NULL;
    }
}

static void put_status(struct message_writer *writer, const struct update_status *status)
{
    message_put_u32(writer, "bytes", status->bytes);
    message_put_u32(writer, "received", status->received);
    message_put_string(writer, "slot", status->slot);
    message_put_bytes(writer, "digest", status->digest, sizeof(status->digest));
}

void do_update_open(const struct request *request)
{
    struct update_ops ops;
    uint32_t size;
    const void *digest;
    if (!need_u32(request, "size", &size)) {
        return;
    }
    if (message_get_bytes(&request->message, "digest", &digest) != (int)UPDATE_DIGEST_BYTES) {
        refuse(request, -EINVAL, "the request has no \"digest\" of 32 bytes");
        return;
    }
    int result = find_update(&ops);
    result = result == 0 ? ops.begin(size, digest) : result;
    if (result == -EAGAIN) {
        *request->is_put_off = true;
        return;
    }
    if (result < 0) {
        refuse(request, result,
               result == -EINVAL ? "a system has 1 byte to 32 MiB" : update_words(result));
        return;
    }
    request->requests->update_id = request->id; /* one before it will not be answered */
}

void do_update_write(const struct request *request)
{
    struct update_ops ops;
    uint32_t offset;
    const void *data;
    if (!need_u32(request, "offset", &offset)) {
        return;
    }
    int size = message_get_bytes(&request->message, "data", &data);
    if (size < 0) {
        refuse(request, -EINVAL, "the request has no \"data\"");
        return;
    }
    int result = find_update(&ops);
    result = result == 0 ? ops.write(offset, data, (uint32_t)size) : result;
    if (result < 0) {
        refuse(request, result,
               result == -EINVAL ? "the piece does not follow the one before, or another transfer "
                                   "took the place of this one"
                                 : update_words(result));
    } else {
        answer_result(request->requests, request->link, request->id, 0, "");
    }
}

void do_update_finish(const struct request *request)
{
    struct update_ops ops;
    int result = find_update(&ops);
    result = result == 0 ? ops.finish() : result;
    if (result == -EAGAIN) {
        *request->is_put_off = true;
        return;
    }
    if (result < 0) {
        refuse(request, result,
               result == -EINVAL ? "the system has not come whole" : update_words(result));
        return;
    }
    request->requests->update_id = request->id;
}

bool continue_update(struct requests *requests, struct wire_link *link)
{
    struct update_ops ops;
    struct update_status status;
    struct message_writer writer;
    if (requests->update_id == 0) {
        return false;
    }
    int result = find_update(&ops);
    result = result == 0 ? ops.read_status(&status) : result;
    if (result == -EAGAIN || wire_room(link) < ROOM_FOR_ANSWER ||
        (result == 0 && (status.phase == UPDATE_MEASURING || status.phase == UPDATE_CHECKING))) {
        return true;
    }
    if (result == 0 && (status.phase == UPDATE_FAILED || status.phase == UPDATE_IDLE)) {
        result = -EBADMSG;
    }
    answer_begin(requests, &writer, requests->update_id);
    message_put_u32(&writer, "result", (uint32_t)result);
    if (result == -ENOENT) {
        message_put_string(&writer, "message", update_words(result));
    } else {
        message_put_string(&writer, "message", status.message);
        put_status(&writer, &status);
    }
    answer_send(requests, link, &writer);
    requests->update_id = 0;
    return false;
}

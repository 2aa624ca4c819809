/* SPDX-License-Identifier: MIT */
/*
 * Between the kinds of requests: how one is answered. A request that cannot be understood or done
 * is answered in words, with its id if it has one. Numbers of errors differ between C libraries:
 * the words are what counts.
 */
#pragma once

#include <lib/message.h>

#include "requests.h"

#define ROOM_FOR_ANSWER (2 * WIRE_PAYLOAD_MAX)
#define ROOM_FOR_PART (8 * WIRE_PAYLOAD_MAX)

/* One request being dealt with. */
struct request {
    struct requests *requests;
    struct wire_link *link;
    struct message message;
    uint32_t id;
    bool *is_put_off; /* set: it is to be handled again later */
};

/* An answer, or a part of one: what it says is put to writer between these two. */
void answer_begin(struct requests *requests, struct message_writer *writer, uint32_t id);
void answer_send(struct requests *requests, struct wire_link *link, struct message_writer *writer);

/* A result and words, no more. */
void answer_result(struct requests *requests, struct wire_link *link, uint32_t id, int result,
                   const char *words);

/* words NULL or "": what is usually said of the error. */
void refuse(const struct request *request, int error, const char *words);
const char *words_for(int error);

/* A property of the request; its absence is answered. NULL, false: it is absent. */
const char *need_string(const struct request *request, const char *name);
bool need_u32(const struct request *request, const char *name, uint32_t *value);

/* transactions.c: what replaces, and how it ended. */
void do_swap(const struct request *request);
void do_load(const struct request *request);
void do_unload(const struct request *request);
void do_revert(const struct request *request);
void do_push_open(const struct request *request);
void do_push_write(const struct request *request);
void do_push_commit(const struct request *request);
bool continue_tickets(struct requests *requests, struct wire_link *link);

/* world.c */
void do_world(const struct request *request);
void continue_world(struct requests *requests, struct wire_link *link);

/* update.c: a new system for the card. */
void do_update_open(const struct request *request);
void do_update_write(const struct request *request);
void do_update_finish(const struct request *request);
bool continue_update(struct requests *requests, struct wire_link *link);

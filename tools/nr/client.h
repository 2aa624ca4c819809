/* SPDX-License-Identifier: MIT */
/*
 * The host's end of the wire: requests to a board, its answers, and the console's text beside them.
 * Used by the tool and by the tests in QEMU.
 *
 *     client_init(&client, fd);
 *     client_connect(&client, 5000, &why);
 *     struct client_call call = {0};
 *     client_begin(&client, &call, "run");
 *     message_put_string(&call.writer, "line", "help");
 *     client_send(&client, &call, &why);           returns when it is queued
 *     client_wait(&client, &call, 5000, &why);     or do others meanwhile, and client_pump()
 *
 * One thread. Several calls may be under way; each must stay in place until it is done or given up.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/message.h"
#include "lib/why.h"
#include "lib/wire.h"

/*
 * Reads a file whole; the caller frees it, and has room for one byte more behind it. NULL: why says
 * it; an empty one too.
 */
void *client_read_file(const char *name, size_t *size, struct why *why);

/* A number of 32 or 64 bits in a node of an answer; 0: there is none. */
uint64_t client_number(const void *tree, int node, const char *name);

#define CLIENT_REQUEST_BYTES 4608
#define CLIENT_PUSH_MS 60000    /* until it is known what became of a package */
#define CLIENT_PIECE_BYTES 4096 /* of a package in one request */

/* How a transaction is to go about it; all 0: as the board is configured. */
struct client_options {
    uint32_t deadline_ms, probation_ms;     /* probation: CLIENT_NO_PROBATION: none */
    uint32_t fail_at, is_audited, is_plain; /* for tests */
};
#define CLIENT_NO_PROBATION UINT32_MAX

struct client_report {
    char old[32], new[32];
    uint32_t old_version, new_version; /* as VERSION() */
    uint32_t components, attempts;
    char phase[24]; /* "settled", "on probation", "taken back" */
    uint32_t probation_ms, calls, steps, wx_violations;
    char transfer[24]; /* "adopted", "handed over", "fresh", "stateless" */
    uint64_t state_bytes;
    uint64_t stage_ns, drain_ns, blackout_ns, stopped_ns, retire_ns, total_ns;
};

struct client_call {
    struct client_call *next;
    uint32_t id;
    bool is_done;
    int result;         /* of the board: 0, or negative; its numbers are not this host's errnos */
    char message[1024]; /* the board's words */
    struct client_report report; /* of a transaction; first when it is on probation */
    /* Called for each part of an answer; the last one has a result. May be NULL. */
    void (*on_part)(void *context, const void *tree);
    void *context;
    struct message_writer writer;
    uint8_t request[CLIENT_REQUEST_BYTES];
};

struct client {
    int fd;
    int error; /* of the line: 0 or a negative errno */
    struct wire_link wire;
    struct wire_splitter splitter;
    void (*on_text)(void *context, const void *text, size_t size); /* console's text; may be NULL */
    void *context;
    struct client_call *calls; /* under way */
    uint32_t last_id;
    struct client_options options; /* put to each request for a transaction */
    uint8_t *out;                  /* bytes for the line */
    size_t out_size, out_room;
};

/* fd: not blocking; the client closes it. The process ignores SIGPIPE from then on. */
void client_init(struct client *client, int fd);

/* Says goodbye to the board if there is a session, and closes. */
void client_close(struct client *client);

/* Begins a session. 0; -ETIMEDOUT: nobody answers; -ECONNRESET: the line is gone. */
int client_connect(struct client *client, unsigned timeout_ms, struct why *why);

/* Moves bytes both ways, waits for the line up to timeout_ms. 0, or the line's or session's error.
 */
int client_pump(struct client *client, unsigned timeout_ms);

/* Queues text for the console, as if it were typed. */
void client_type(struct client *client, const char *text, size_t size);

/* Begins a request; its properties are put to call->writer, then client_send() queues it. */
void client_begin(struct client *client, struct client_call *call, const char *op);
int client_send(struct client *client, struct client_call *call, struct why *why);

/* 0: the answer is in *call, whatever it says. < 0: there is none; the call is given up. */
int client_wait(struct client *client, struct client_call *call, unsigned timeout_ms,
                struct why *why);

/* What an answer means: 0; -EREMOTEIO: the board refuses, its words are in *why. */
int client_result(const struct client_call *call, struct why *why);

/* Send and wait, and the board's refusal is an error too: -EREMOTEIO, its words in *why. */
int client_call(struct client *client, struct client_call *call, unsigned timeout_ms,
                struct why *why);

/*
 * Runs a line of the shell. *text: what it said, for the caller to free, whatever the result is. 0;
 * -EREMOTEIO: the board refuses, *why has its words or else the first line of what it said;
 * -ENOMEM; else as client_wait().
 */
int client_run(struct client *client, const char *line, char **text, struct why *why);

/*
 * Pushes a package. old: the component it shall replace, or NULL. progress (may be NULL) is told
 * the bytes that have arrived. call->report is filled. 0; -EREMOTEIO: refused; else as
 * client_wait().
 */
int client_push(struct client *client, const void *package, size_t size, const char *old,
                void (*progress)(size_t done, size_t size), struct client_call *call,
                struct why *why);

/*
 * The same without the wait for what comes of it: call is under way then, and to be waited for. <
 * 0: it is not.
 */
int client_push_begin(struct client *client, const void *package, size_t size, const char *old,
                      void (*progress)(size_t done, size_t size), struct client_call *call,
                      struct why *why);

/* "led_blink 1.1.0 -> 1.2.0, state adopted (48 bytes), blackout 12.3 us" */
void client_describe(const struct client_report *report, char *text, size_t size);

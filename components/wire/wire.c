/* SPDX-License-Identifier: MIT */
/*
 * The wire: the host's requests on the console's line.
 *
 * Three workers - a frame came, the line takes bytes again, a transaction ended - do the same: all
 * there is to do, one at a time by turns, and go. No call waits, so a replacement finds the
 * component empty soon, and session, half sent answers and open tickets go on in the new version.
 */
#include <errno.h>

#include <interface/console.h>
#include <lib/turn.h>
#include <lib/wire.h>
#include <neurath/log.h>
#include <neurath/swap.h>
#include <neurath/thread.h>
#include <neurath/time.h>

#include "requests.h"

#define FRAMES_PER_TURN 32 /* before others get the CPU */
#define PATIENCE_US 100000 /* look again after that, whatever events say */
#define NS_PER_MS 1000000

struct wire {
    struct turn turn; /* whose holder may touch the rest */
    struct wire_link link;
    struct requests requests;
    uint32_t is_put_off; /* 1: the message that came is to be handled again soon */
    uint32_t frame_size; /* of a frame that the console has not taken yet; 0: none */
    uint8_t frame[WIRE_FRAME_MAX];
    uint8_t received[CONSOLE_FRAME_BYTES];
};

STATE(struct wire) state = {};

static uint64_t now_ms(void)
{
    return time_now_ns() / NS_PER_MS;
}

/*
 * Takes the message that has come, if its answer has room and what it needs is there; else the peer
 * is told to wait.
 */
static void handle_message(void)
{
    const void *message;
    int size = wire_read(&state.link, &message);
    state.is_put_off = 0;
    if (size >= 0 && requests_has_room(&state.requests, &state.link)) {
        if (requests_handle(&state.requests, &state.link, message, (size_t)size)) {
            wire_release(&state.link);
        } else {
            state.is_put_off = 1;
        }
    }
}

/* Returns whether there may be more frames. */
static bool receive_frames(void)
{
    handle_message();
    for (unsigned i = 0; i < FRAMES_PER_TURN; i++) {
        int size = console_read_frame(state.received, sizeof(state.received));
        if (size == -EAGAIN) {
            return false;
        }
        if (size > 0) {
            (void)wire_receive(&state.link, state.received, (size_t)size, now_ms()); /* or noise */
            handle_message();
        }
    }
    return true;
}

/* Returns whether the console has no room now. */
static bool send_frames(void)
{
    for (;;) {
        if (state.frame_size == 0) {
            state.frame_size = (uint32_t)wire_take_frame(&state.link, state.frame, now_ms());
        }
        if (state.frame_size == 0) {
            return false;
        }
        if (console_write_frame(state.frame, state.frame_size) == -EAGAIN) {
            return true;
        }
        state.frame_size = 0; /* taken; an error costs the frame, which is then sent again */
    }
}

/* What step returns: when to come again at the latest. */
static int come_again(bool is_more, bool is_blocked, bool is_ticket_open)
{
    uint64_t now = now_ms();
    uint64_t next = wire_next_ms(&state.link, now);
    if (is_more) {
        return 0;
    }
    if (state.is_put_off) {
        return COMMAND_SOON_US;
    }
    if (is_blocked || is_ticket_open) {
        return PATIENCE_US;
    }
    if (next == WIRE_NEVER) {
        return -EAGAIN;
    }
    return next <= now ? 0 : (int)MIN((next - now) * 1000, WIRE_RESEND_MAX_MS * 1000);
}

static int step(void *argument)
{
    bool is_more, is_blocked, is_ticket_open;
    (void)argument;
    if (!turn_take(&state.turn)) {
        return -EAGAIN; /* its holder goes round once more */
    }
    int result;
    do {
        is_more = receive_frames();
        is_ticket_open = requests_continue(&state.requests, &state.link);
        is_blocked = send_frames();
        result = come_again(is_more, is_blocked, is_ticket_open);
    } while (turn_pass(&state.turn));
    return result;
}

static int start(void)
{
    struct worker_config workers[] = {
        {.name = "wire frames", .step = step, .event = console_frame_ready()},
        {.name = "wire room", .step = step, .event = console_writable()},
        {.name = "wire reports", .step = step, .event = swap_event()},
    };
    wire_init(&state.link, WIRE_BOARD);
    for (size_t i = 0; i < ARRAY_SIZE(workers); i++) {
        int result = worker_start(&workers[i]);
        if (result < 0) {
            log_error("wire: no worker for \"%s\": %d", workers[i].name, result);
            return result;
        }
    }
    return 0;
}

/* The link's timers hang on nothing that could stop; a turn held for ever would be our bug. */
static int health(void)
{
    return state.link.state <= WIRE_OPEN ? 0 : -EIO;
}

COMPONENT(wire, .version = VERSION(1, 0, 0),
          .summary = "Answers the host's tool on the console's line", .start = start,
          .health = health);

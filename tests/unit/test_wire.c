/* SPDX-License-Identifier: MIT */
/*
 * The wire's link layer between two ends in one process: time is a number, and the line between
 * them loses, doubles, reorders and spoils frames by a seeded generator. Whatever it does, every
 * message arrives once, whole and in order, or the session says that it failed.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/wire.h"

#define LINE_FRAMES 256

struct frame {
    size_t size;
    uint64_t due_ms;
    uint8_t bytes[WIRE_FRAME_MAX];
};

/* One direction. */
struct line {
    unsigned loss, doubling, reordering, spoiling; /* per mille */
    unsigned delay_ms;
    unsigned count;
    struct frame frames[LINE_FRAMES];
};

struct world {
    uint64_t now_ms;
    uint64_t random;
    struct wire_link host, board;
    struct line to_board, to_host;
    bool is_prompt; /* messages are taken before the next frame comes */
};

static unsigned draw(struct world *world, unsigned below)
{
    world->random ^= world->random << 13; /* xorshift64, Marsaglia 2003 */
    world->random ^= world->random >> 7;
    world->random ^= world->random << 17;
    return (unsigned)(world->random >> 32) % below;
}

static void line_put(struct world *world, struct line *line, const void *bytes, size_t size)
{
    unsigned copies = draw(world, 1000) < line->loss ? 0 : 1;
    copies += copies && draw(world, 1000) < line->doubling;
    while (copies-- > 0 && line->count < LINE_FRAMES) {
        struct frame *frame = &line->frames[line->count++];
        memcpy(frame->bytes, bytes, size);
        frame->size = size;
        frame->due_ms = world->now_ms + line->delay_ms;
        if (draw(world, 1000) < line->spoiling) {
            frame->bytes[draw(world, (unsigned)size)] ^= (uint8_t)(1u << draw(world, 8));
        }
        if (draw(world, 1000) < line->reordering) {
            frame->due_ms += draw(world, 30);
        }
    }
}

static void line_deliver(struct world *world, struct line *line, struct wire_link *to)
{
    for (unsigned i = 0; i < line->count;) {
        struct frame frame = line->frames[i];
        if (frame.due_ms > world->now_ms || (world->is_prompt && to->is_whole)) {
            i++;
            continue;
        }
        memmove(&line->frames[i], &line->frames[i + 1], (--line->count - i) * sizeof(frame));
        (void)wire_receive(to, frame.bytes, frame.size, world->now_ms);
    }
}

static void line_take(struct world *world, struct wire_link *from, struct line *line)
{
    uint8_t frame[WIRE_FRAME_MAX];
    size_t size;
    while ((size = wire_take_frame(from, frame, world->now_ms)) > 0) {
        cr_assert_leq(size, WIRE_FRAME_MAX);
        cr_assert_null(memchr(frame, 0, size));
        line_put(world, line, frame, size);
    }
}

static void turn(struct world *world)
{
    line_take(world, &world->host, &world->to_board);
    line_take(world, &world->board, &world->to_host);
    line_deliver(world, &world->to_board, &world->board);
    line_deliver(world, &world->to_host, &world->host);
    world->now_ms++;
}

static struct world *world_make(uint64_t seed)
{
    struct world *world = calloc(1, sizeof(*world));
    world->random = seed * 2654435761u + 1;
    world->to_board.delay_ms = world->to_host.delay_ms = 1;
    wire_init(&world->host, WIRE_HOST);
    wire_init(&world->board, WIRE_BOARD);
    return world;
}

static void connect(struct world *world, uint32_t session)
{
    wire_connect(&world->host, session, world->now_ms);
    for (unsigned i = 0; i < 20000 && world->host.state == WIRE_CONNECTING; i++) {
        turn(world);
    }
    cr_assert_eq(world->host.state, WIRE_OPEN, "error %d", world->host.error);
}

/* Message `number` of a direction: its size and content follow from the number. */
static size_t message_make(uint8_t *message, uint32_t number)
{
    size_t size = number % 5 == 0 ? number % 3 : number * 7919 % (WIRE_MESSAGE_MAX - 4);
    size = number % 101 == 100 ? WIRE_MESSAGE_MAX - 4 : size;
    memcpy(message, &number, 4);
    for (size_t i = 0; i < size; i++) {
        message[4 + i] = (uint8_t)(number + i * 31);
    }
    return size + 4;
}

static void send_next(struct wire_link *from, uint32_t *number, uint32_t count)
{
    uint8_t message[WIRE_MESSAGE_MAX];
    if (*number < count && wire_send(from, message, message_make(message, *number)) == 0) {
        (*number)++;
    }
}

static void expect_next(struct wire_link *to, uint32_t *number)
{
    uint8_t expected[WIRE_MESSAGE_MAX];
    const void *message;
    int size = wire_read(to, &message);
    if (size >= 0) {
        cr_assert_eq((size_t)size, message_make(expected, *number), "message %u", *number);
        cr_assert_eq(memcmp(message, expected, (size_t)size), 0, "message %u", *number);
        (*number)++;
        wire_release(to);
    }
}

/* Sends `count` messages both ways; returns the turns it took, or 0: it did not end. */
static unsigned exchange(struct world *world, uint32_t count, unsigned slowness)
{
    uint32_t sent_up = 0, sent_down = 0, got_up = 0, got_down = 0;
    for (unsigned turns = 1; turns < 4000000; turns++) {
        send_next(&world->host, &sent_down, count);
        send_next(&world->board, &sent_up, count);
        turn(world);
        if (slowness == 0 || draw(world, slowness) == 0) {
            expect_next(&world->board, &got_down);
            expect_next(&world->host, &got_up);
        }
        cr_assert_eq(world->host.state, WIRE_OPEN, "host: error %d", world->host.error);
        cr_assert_eq(world->board.state, WIRE_OPEN, "board: error %d", world->board.error);
        if (got_up == count && got_down == count && wire_is_drained(&world->host) &&
            wire_is_drained(&world->board)) {
            return turns;
        }
    }
    return 0;
}

Test(wire, connects_and_exchanges_messages_on_a_good_line)
{
    struct world *world = world_make(1);
    world->is_prompt = true;
    connect(world, 0x12345678);
    cr_assert_eq(world->board.session, 0x12345678);
    cr_assert_neq(exchange(world, 300, 0), 0);
    cr_assert_eq(world->host.counters.resends, 0);
    cr_assert_eq(world->board.counters.resends, 0);
    cr_assert_eq(world->board.counters.duplicates, 0);
    cr_assert_eq(wire_next_ms(&world->host, world->now_ms), WIRE_NEVER, "nothing left to do");
    free(world);
}

Test(wire, loses_and_doubles_nothing_on_a_bad_line)
{
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct world *world = world_make(seed);
        struct line bad = {
            .loss = 30, .doubling = 30, .reordering = 30, .spoiling = 30, .delay_ms = 2};
        world->to_board = bad;
        world->to_host = bad;
        connect(world, (uint32_t)seed);
        cr_assert_neq(exchange(world, 60, 0), 0, "seed %lu", seed);
        cr_assert_gt(world->board.counters.bad + world->host.counters.bad, 0);
        cr_assert_gt(world->board.counters.duplicates + world->host.counters.duplicates, 0);
        cr_assert_gt(world->board.counters.gaps + world->host.counters.gaps, 0);
        free(world);
    }
}

Test(wire, works_when_a_fifth_of_all_frames_is_lost)
{
    struct world *world = world_make(7);
    world->to_board.loss = world->to_host.loss = 200;
    connect(world, 99);
    cr_assert_neq(exchange(world, 100, 0), 0);
    free(world);
}

Test(wire, waits_for_a_peer_that_is_slow_to_take_its_messages)
{
    struct world *world = world_make(3);
    world->to_board.loss = world->to_host.loss = 20;
    connect(world, 5);
    cr_assert_neq(exchange(world, 40, 900), 0);
    free(world);
}

Test(wire, survives_numbers_that_wrap_around)
{
    struct world *world = world_make(4);
    connect(world, 6);
    world->host.acked = world->host.sent = world->host.high = world->host.queued = 65500;
    world->board.expected = 65500;
    cr_assert_neq(exchange(world, 100, 0), 0);
    free(world);
}

Test(wire, costs_a_round_trip_not_a_timeout_when_one_frame_of_many_is_lost)
{
    struct world *world = world_make(8);
    uint8_t message[4 * WIRE_PAYLOAD_MAX] = {1};
    uint8_t frame[WIRE_FRAME_MAX];
    connect(world, 7);
    cr_assert_eq(wire_send(&world->host, message, sizeof(message)), 0);
    cr_assert_gt(wire_take_frame(&world->host, frame, world->now_ms), 0); /* into the void */
    for (unsigned i = 0; i < 20; i++) {
        turn(world);
    }
    const void *got;
    cr_assert_eq(wire_read(&world->board, &got), (int)sizeof(message));
    cr_assert_eq(world->host.counters.resends, 1);
    free(world);
}

Test(wire, gives_up_after_a_bounded_number_of_resends_when_the_line_is_dead)
{
    struct world *world = world_make(5);
    connect(world, 8);
    world->to_board.loss = 1000;
    unsigned before = world->host.counters.frames_out;
    cr_assert_eq(wire_send(&world->host, "x", 1), 0);
    for (unsigned i = 0; i < 60000 && world->host.state == WIRE_OPEN; i++) {
        turn(world);
    }
    cr_assert_eq(world->host.state, WIRE_CLOSED);
    cr_assert_eq(world->host.error, -ETIMEDOUT);
    cr_assert_eq(world->host.counters.frames_out - before, 1 + WIRE_RESENDS);
    cr_assert_eq(wire_send(&world->host, "x", 1), -ENOTCONN);
    free(world);
}

Test(wire, gives_up_connecting_when_nobody_answers)
{
    struct world *world = world_make(6);
    world->to_host.loss = 1000;
    wire_connect(&world->host, 9, world->now_ms);
    for (unsigned i = 0; i < 60000 && world->host.state == WIRE_CONNECTING; i++) {
        turn(world);
    }
    cr_assert_eq(world->host.error, -ETIMEDOUT);
    cr_assert_eq(world->host.counters.frames_out, WIRE_HELLOS);
    free(world);
}

Test(wire, begins_afresh_when_a_new_host_says_hello)
{
    struct world *world = world_make(9);
    uint8_t big[WIRE_MESSAGE_MAX];
    uint8_t frame[WIRE_FRAME_MAX];
    memset(big, 7, sizeof(big));
    connect(world, 10);
    cr_assert_eq(wire_send(&world->host, big, sizeof(big)), 0);
    cr_assert_eq(wire_send(&world->board, "old answer", 10), 0);
    size_t size = wire_take_frame(&world->host, frame, world->now_ms);
    cr_assert_eq(wire_receive(&world->board, frame, size, world->now_ms), 0); /* and dies there */
    uint32_t generation = world->board.generation;
    wire_init(&world->host, WIRE_HOST);
    connect(world, 11);
    cr_assert_neq(world->board.generation, generation, "the board's user can tell");
    const void *message;
    cr_assert_eq(wire_read(&world->board, &message), -EAGAIN, "half a message is forgotten");
    cr_assert_neq(exchange(world, 20, 0), 0);
    free(world);
}

Test(wire, tells_the_host_when_the_board_has_started_again)
{
    struct world *world = world_make(10);
    connect(world, 12);
    wire_init(&world->board, WIRE_BOARD);
    cr_assert_eq(wire_send(&world->host, "who are you", 11), 0);
    for (unsigned i = 0; i < 10; i++) {
        turn(world);
    }
    cr_assert_eq(world->host.error, -ECONNRESET);
    connect(world, 13);
    cr_assert_neq(exchange(world, 5, 0), 0);
    free(world);
}

Test(wire, tells_the_board_when_the_host_leaves)
{
    struct world *world = world_make(11);
    connect(world, 14);
    wire_close(&world->host);
    for (unsigned i = 0; i < 10; i++) {
        turn(world);
    }
    cr_assert_eq(world->board.state, WIRE_CLOSED);
    cr_assert_eq(world->board.error, -ECONNRESET);
    free(world);
}

Test(wire, refuses_messages_that_do_not_fit)
{
    struct world *world = world_make(12);
    static uint8_t big[WIRE_MESSAGE_MAX + 1];
    cr_assert_eq(wire_send(&world->host, "x", 1), -ENOTCONN);
    connect(world, 15);
    cr_assert_eq(wire_send(&world->host, big, sizeof(big)), -EMSGSIZE);
    cr_assert_eq(wire_send(&world->host, big, WIRE_MESSAGE_MAX), 0);
    cr_assert_eq(wire_send(&world->host, "x", 1), -EAGAIN);
    free(world);
}

Test(wire, takes_no_harm_from_noise)
{
    struct world *world = world_make(13);
    connect(world, 16);
    for (unsigned round = 0; round < 200000; round++) {
        uint8_t noise[700];
        size_t size = draw(world, sizeof(noise));
        for (size_t i = 0; i < size; i++) {
            noise[i] = (uint8_t)(draw(world, 255) + 1);
        }
        cr_assert_eq(wire_receive(&world->board, noise, size, world->now_ms), -EBADMSG);
    }
    cr_assert_neq(exchange(world, 20, 0), 0);
    free(world);
}

/* What a splitter makes of bytes: text as it stands, a frame as '#'. */
static void split_into(char *result, struct wire_splitter *splitter, const void *bytes, size_t size)
{
    const uint8_t *from = bytes;
    for (size_t i = 0; i < size; i++) {
        struct wire_piece piece = wire_split(splitter, from[i]);
        if (piece.kind == WIRE_FRAME) {
            strcat(result, "#");
        } else if (piece.kind == WIRE_TEXT) {
            strncat(result, (const char *)piece.bytes, piece.size);
        }
    }
}

/* A frame between NULs. Returns the size. */
static size_t delimited(uint8_t *to, unsigned payload)
{
    struct world *world = world_make(14);
    uint8_t message[WIRE_PAYLOAD_MAX];
    memset(message, 'm', sizeof(message));
    connect(world, 17);
    cr_assert_eq(wire_send(&world->host, message, payload), 0);
    to[0] = 0;
    size_t size = wire_take_frame(&world->host, to + 1, world->now_ms);
    to[1 + size] = 0;
    free(world);
    return size + 2;
}

Test(wire, tells_text_from_frames)
{
    uint8_t frame[WIRE_FRAME_MAX + 2];
    size_t size = delimited(frame, 30);
    struct wire_splitter splitter = {0};
    char result[2000] = "";
    split_into(result, &splitter, "hello ", 6);
    split_into(result, &splitter, frame, size);
    split_into(result, &splitter, "w", 1);
    cr_assert_str_eq(result, "hello #w", "text is not withheld: %s", result);
    split_into(result, &splitter, "orld", 4);
    split_into(result, &splitter, frame, size);
    split_into(result, &splitter, frame, size);
    split_into(result, &splitter, "!", 1);
    cr_assert_str_eq(result, "hello #world##!");
}

Test(wire, finds_back_after_a_lost_or_invented_delimiter)
{
    uint8_t frame[WIRE_FRAME_MAX + 2];
    size_t size = delimited(frame, 30);
    struct wire_splitter splitter = {0};
    char result[4000] = "";
    split_into(result, &splitter, "a\0bcd", 5); /* invented */
    split_into(result, &splitter, frame, size);
    split_into(result, &splitter, "ef", 2);
    cr_assert_str_eq(result, "abcd#ef");
    split_into(result, &splitter, frame, size - 1); /* its end is lost, and it takes "gh" along */
    split_into(result, &splitter, "gh", 2);
    split_into(result, &splitter, frame, size);
    split_into(result, &splitter, "ij", 2);
    cr_assert_str_eq(result, "abcd#ef#ij");
    result[0] = 0;
    split_into(result, &splitter, frame + 1,
               size - 1); /* its beginning is lost: rubbish, then text */
    split_into(result, &splitter, "kl", 2);
    split_into(result, &splitter, frame, size);
    split_into(result, &splitter, "mn", 2);
    cr_assert_not_null(strstr(result, "kl#mn"), "%s", result);
    result[0] = 0;
    frame[20] ^= 1; /* spoilt */
    split_into(result, &splitter, frame, size);
    split_into(result, &splitter, "op", 2);
    cr_assert_str_eq(result, "op");
    frame[20] ^= 1;
    split_into(result, &splitter, frame, size);
    cr_assert_str_eq(result, "op#");
    cr_assert_eq(splitter.spoilt, 2);
}

Test(wire, splitter_keeps_within_its_buffer_whatever_comes)
{
    struct world *world = world_make(15);
    struct wire_splitter splitter = {0};
    for (unsigned i = 0; i < 2000000; i++) {
        unsigned kind = draw(world, 40);
        struct wire_piece piece = wire_split(&splitter, kind == 0   ? 0
                                                        : kind == 1 ? 0x12
                                                                    : (uint8_t)draw(world, 256));
        cr_assert_leq(piece.size, sizeof(splitter.bytes));
        cr_assert_neq(piece.kind, WIRE_FRAME);
    }
    free(world);
}

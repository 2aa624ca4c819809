/* SPDX-License-Identifier: MIT */
/*
 * The wire's link layer: messages both ways over a serial line that loses, doubles and spoils
 * bytes. The same code in the kernel's component and in the host's tool. docs/wire.md has the
 * bytes.
 *
 * A session begins when the host says HELLO with a random number; it ends when either side says
 * RESET, hears a HELLO with another number, or gets no answer for too long. Within a session every
 * message arrives once, whole and in order, or the session fails and says so.
 *
 * It neither reads nor writes nor looks at a clock: its user
 *   - feeds each frame that came (the bytes between two NULs) to wire_receive(),
 *   - after it, takes the message that may be complete by wire_read(), and gives it back by
 *     wire_release(): until then the peer is told to wait,
 *   - then takes frames out by wire_take_frame() until there is none, and sends them,
 *   - and does so again at wire_next_ms() at the latest.
 *
 * No allocation, no pointers into itself (it may be copied or moved), no lock: one user at a time.
 * Times are milliseconds on any clock that does not go backwards.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cobs.h"

#define WIRE_VERSION 1
#define WIRE_HEADER_BYTES 10
#define WIRE_CRC_BYTES 4
#define WIRE_PAYLOAD_MAX 512
#define WIRE_FRAME_MAX COBS_ENCODED_MAX(WIRE_HEADER_BYTES + WIRE_PAYLOAD_MAX + WIRE_CRC_BYTES)
#define WIRE_SLOTS 16 /* fragments that may be queued; a power of two */
#define WIRE_WINDOW 8 /* fragments on the way at once */
#define WIRE_MESSAGE_MAX (WIRE_SLOTS * WIRE_PAYLOAD_MAX)

#define WIRE_HELLO_MS 500  /* between two HELLOs */
#define WIRE_HELLOS 10     /* how many before -ETIMEDOUT */
#define WIRE_RESEND_MS 600 /* first wait for an ack; doubled each time */
#define WIRE_RESEND_MAX_MS 4000
#define WIRE_RESENDS 8 /* without any progress, before -ETIMEDOUT */
#define WIRE_NEVER UINT64_MAX

enum wire_kind { WIRE_HELLO = 1, WIRE_WELCOME, WIRE_RESET, WIRE_DATA, WIRE_ACK };
enum wire_role { WIRE_HOST, WIRE_BOARD };
enum wire_state { WIRE_CLOSED, WIRE_CONNECTING, WIRE_OPEN };

struct wire_slot {
    uint16_t size;
    uint8_t flags; /* first and last of a message */
    uint8_t reserved;
    uint8_t payload[WIRE_PAYLOAD_MAX];
};

struct wire_counters {
    uint32_t frames_in, frames_out;
    uint32_t bad;        /* frames thrown away: COBS, CRC, version */
    uint32_t duplicates; /* data that had come before */
    uint32_t gaps;       /* data that came too early */
    uint32_t resends;    /* timeouts, and gaps the peer told */
};

struct wire_link {
    uint32_t role;  /* enum wire_role */
    uint32_t state; /* enum wire_state */
    int32_t error;  /* why it is closed: 0, -ETIMEDOUT, -ECONNRESET, -EMSGSIZE */
    uint32_t session;
    uint32_t generation; /* counts sessions: a change means that all before is void */

    /* Outgoing, numbers modulo 2^16: acked <= sent <= high <= queued. */
    uint16_t acked;    /* the peer has all before this */
    uint16_t sent;     /* the next to send */
    uint16_t high;     /* the next that was never sent */
    uint16_t queued;   /* the next free */
    uint16_t attempts; /* resends (or HELLOs) since the last progress */
    uint8_t is_gap_answered;

    /* Incoming. */
    uint8_t is_whole;        /* the message is complete, and its user's */
    uint8_t is_within;       /* fragments of a message have come */
    uint8_t has_turned_away; /* data came while is_whole: ask for it again */
    uint16_t expected;

    uint8_t is_ack_due, is_gap_due, is_welcome_due, is_reset_due;
    uint32_t reset_session;
    uint64_t deadline_ms; /* for an ack, or the next HELLO */
    uint32_t message_size;
    struct wire_counters counters;
    struct wire_slot slots[WIRE_SLOTS];
    uint8_t message[WIRE_MESSAGE_MAX] __attribute__((aligned(8)));
};

/* Readies a closed link; a board's opens when a host says HELLO. */
void wire_init(struct wire_link *wire, enum wire_role role);

/* Host: begins a session; the number should be random. Anything before is forgotten. */
void wire_connect(struct wire_link *wire, uint32_t session, uint64_t now_ms);

/* Ends the session; the next frame taken tells the peer. */
void wire_close(struct wire_link *wire);

/*
 * Takes in a frame without its delimiters, of any size and content. 0; -EBADMSG: it was no frame,
 * and is forgotten (which its sender will notice).
 */
int wire_receive(struct wire_link *wire, const void *frame, size_t size, uint64_t now_ms);

/*
 * Writes the next frame to send, without delimiters, into frame (WIRE_FRAME_MAX bytes). Returns its
 * size, 0: none now.
 */
size_t wire_take_frame(struct wire_link *wire, void *frame, uint64_t now_ms);

/* When wire_take_frame() will have something to do: a time that may have passed, or WIRE_NEVER. */
uint64_t wire_next_ms(const struct wire_link *wire, uint64_t now_ms);

/*
 * Queues a message (copied). 0; -EAGAIN: no room until the peer acks; -EMSGSIZE: larger than
 * WIRE_MESSAGE_MAX; -ENOTCONN: no session.
 */
int wire_send(struct wire_link *wire, const void *message, size_t size);

/* The largest message that wire_send() would take now, in bytes; 0: none. */
size_t wire_room(const struct wire_link *wire);

/*
 * The message that came, at *message (aligned to 8) until wire_release(). Returns its size;
 * -EAGAIN: none.
 */
int wire_read(const struct wire_link *wire, const void **message);
void wire_release(struct wire_link *wire);

/* Whether all that was queued has been acked. */
bool wire_is_drained(const struct wire_link *wire);

/*
 * Tells text from frames in what a line brings. Text never holds a NUL, a frame's second byte is
 * always 0x11 to 0x15: so both a lost and an invented NUL cost one frame or a few bytes, and what
 * follows is told apart rightly again. A spoilt frame is thrown away.
 */
struct wire_splitter {
    uint16_t size; /* bytes held */
    uint8_t mode;
    uint8_t reserved;
    uint32_t spoilt; /* frames thrown away */
    uint8_t bytes[WIRE_FRAME_MAX + 1];
};

enum wire_piece_kind { WIRE_NOTHING, WIRE_TEXT, WIRE_FRAME };

struct wire_piece {
    enum wire_piece_kind kind;
    const uint8_t *bytes; /* valid until the next call */
    size_t size;
};

/* Takes one byte from the line; returns the text or the frame that it completes. Begin with zeros.
 */
struct wire_piece wire_split(struct wire_splitter *splitter, uint8_t byte);

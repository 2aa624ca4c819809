/* SPDX-License-Identifier: MIT */
/*
 * The wire's link layer: go-back-N with cumulative acks, since a serial line does not reorder. A
 * receiver that sees a gap says so at once (GAP), so that a lost frame costs a round trip and the
 * timeout is only for the last one. A receiver that holds a message says BUSY, which keeps the
 * sender patient.
 */
#include "wire.h"

#include <errno.h>
#include <string.h>

#include "crc.h"

enum { FLAG_FIRST = 1, FLAG_LAST = 2, FLAG_BUSY = 4, FLAG_GAP = 8 };

struct header {
    uint8_t kind;
    uint8_t flags;
    uint16_t sequence;
    uint32_t session;
    uint16_t ack;
};

static void put16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
}

static void put32(uint8_t *at, uint32_t value)
{
    put16(at, (uint16_t)value);
    put16(at + 2, (uint16_t)(value >> 16));
}

static uint16_t get16(const uint8_t *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}

static uint32_t get32(const uint8_t *at)
{
    return get16(at) | (uint32_t)get16(at + 2) << 16;
}

/* Decodes and checks; bare has room for a whole frame. Returns the payload's size or -EBADMSG. */
static int frame_open(const void *frame, size_t size, uint8_t *bare, struct header *header)
{
    const size_t room = WIRE_HEADER_BYTES + WIRE_PAYLOAD_MAX + WIRE_CRC_BYTES;
    int decoded = cobs_decode(bare, room, frame, size);
    if (decoded < WIRE_HEADER_BYTES + WIRE_CRC_BYTES) {
        return -EBADMSG;
    }
    size_t checked = (size_t)decoded - WIRE_CRC_BYTES;
    *header = (struct header){
        .kind = bare[0] & 0xf,
        .flags = bare[1],
        .sequence = get16(bare + 2),
        .session = get32(bare + 4),
        .ack = get16(bare + 8),
    };
    if (crc32c(bare, checked) != get32(bare + checked) || bare[0] >> 4 != WIRE_VERSION ||
        header->kind < WIRE_HELLO || header->kind > WIRE_ACK) {
        return -EBADMSG;
    }
    return (int)(checked - WIRE_HEADER_BYTES);
}

static size_t frame_make(void *frame, const struct header *header, const void *payload, size_t size)
{
    uint8_t bare[WIRE_HEADER_BYTES + WIRE_PAYLOAD_MAX + WIRE_CRC_BYTES];
    bare[0] = (uint8_t)(WIRE_VERSION << 4 | header->kind);
    bare[1] = header->flags;
    put16(bare + 2, header->sequence);
    put32(bare + 4, header->session);
    put16(bare + 8, header->ack);
    if (size > 0) {
        memcpy(bare + WIRE_HEADER_BYTES, payload, size);
    }
    size += WIRE_HEADER_BYTES;
    put32(bare + size, crc32c(bare, size));
    return cobs_encode(frame, bare, size + WIRE_CRC_BYTES);
}

/* Numbers, attempts and half messages of a session; counters, slots' contents stay. */
static void session_begin(struct wire_link *wire, enum wire_state state, uint32_t session)
{
    wire->state = state;
    wire->error = 0;
    wire->session = session;
    wire->generation++;
    wire->acked = wire->sent = wire->high = wire->queued = wire->expected = 0;
    wire->attempts = 0;
    wire->is_gap_answered = 0;
    wire->is_whole = wire->is_within = wire->has_turned_away = 0;
    wire->is_ack_due = wire->is_gap_due = wire->is_welcome_due = 0;
    wire->message_size = 0;
}

static void session_end(struct wire_link *wire, int error)
{
    session_begin(wire, WIRE_CLOSED, wire->session);
    wire->error = error;
}

static void reset_later(struct wire_link *wire, uint32_t session)
{
    wire->is_reset_due = 1;
    wire->reset_session = session;
}

void wire_init(struct wire_link *wire, enum wire_role role)
{
    memset(wire, 0, sizeof(*wire));
    wire->role = role;
}

void wire_connect(struct wire_link *wire, uint32_t session, uint64_t now_ms)
{
    session_begin(wire, WIRE_CONNECTING, session);
    wire->is_reset_due = 0;
    wire->deadline_ms = now_ms;
}

void wire_close(struct wire_link *wire)
{
    if (wire->state != WIRE_CLOSED) {
        reset_later(wire, wire->session);
        session_end(wire, 0);
    }
}

static void receive_hello(struct wire_link *wire, const struct header *header)
{
    if (wire->role != WIRE_BOARD) {
        return;
    }
    if (wire->state != WIRE_OPEN || wire->session != header->session) {
        session_begin(wire, WIRE_OPEN, header->session);
        wire->is_reset_due = 0;
    }
    wire->is_welcome_due = 1; /* again, if the first was lost */
}

static void receive_ack(struct wire_link *wire, const struct header *header, uint64_t now_ms)
{
    uint16_t news = (uint16_t)(header->ack - wire->acked);
    if (news > (uint16_t)(wire->high - wire->acked)) {
        return; /* older than what we know */
    }
    if (news > 0) {
        wire->acked = header->ack;
        if ((uint16_t)(wire->queued - wire->sent) > (uint16_t)(wire->queued - wire->acked)) {
            wire->sent = wire->acked; /* it was being sent again, and had arrived after all */
        }
        wire->attempts = 0;
        wire->is_gap_answered = 0;
        wire->deadline_ms = now_ms + WIRE_RESEND_MS;
    }
    if (header->flags & FLAG_BUSY) {
        wire->attempts = 0;
    }
    if ((header->flags & FLAG_GAP) && !wire->is_gap_answered && wire->high != wire->acked) {
        wire->is_gap_answered = 1; /* frames that follow the lost one will tell of it again */
        wire->sent = wire->acked;
        wire->counters.resends++;
    }
}

static void receive_data(struct wire_link *wire, const struct header *header,
                         const uint8_t *payload, size_t size)
{
    wire->is_ack_due = 1;
    int16_t distance = (int16_t)(header->sequence - wire->expected);
    if (distance < 0) {
        wire->counters.duplicates++;
        return;
    }
    if (wire->is_whole) {
        wire->has_turned_away = 1;
        return;
    }
    if (distance > 0) {
        wire->counters.gaps++;
        wire->is_gap_due = 1;
        return;
    }
    bool is_first = header->flags & FLAG_FIRST;
    if (is_first == (wire->is_within != 0) ||
        size > WIRE_MESSAGE_MAX - (is_first ? 0u : wire->message_size)) {
        reset_later(wire, wire->session); /* the peer breaks the rules */
        session_end(wire, -EMSGSIZE);
        return;
    }
    if (is_first) {
        wire->message_size = 0;
    }
    memcpy(wire->message + wire->message_size, payload, size);
    wire->message_size += (uint32_t)size;
    wire->expected++;
    wire->is_within = !(header->flags & FLAG_LAST);
    wire->is_whole = !wire->is_within;
}

int wire_receive(struct wire_link *wire, const void *frame, size_t size, uint64_t now_ms)
{
    uint8_t bare[WIRE_HEADER_BYTES + WIRE_PAYLOAD_MAX + WIRE_CRC_BYTES];
    struct header header;
    int payload = frame_open(frame, size, bare, &header);
    if (payload < 0) {
        wire->counters.bad++;
        return payload;
    }
    wire->counters.frames_in++;
    bool is_ours = header.session == wire->session;
    switch (header.kind) {
    case WIRE_HELLO:
        receive_hello(wire, &header);
        break;
    case WIRE_WELCOME:
        if (wire->state == WIRE_CONNECTING && is_ours) {
            wire->state = WIRE_OPEN;
            wire->attempts = 0;
        }
        break;
    case WIRE_RESET:
        /* A host that is still connecting may hear of a session before this one only. */
        if (wire->state == WIRE_OPEN && is_ours) {
            session_end(wire, -ECONNRESET);
        }
        break;
    default:
        if (wire->state == WIRE_OPEN && is_ours) {
            receive_ack(wire, &header, now_ms);
            if (header.kind == WIRE_DATA) {
                receive_data(wire, &header, bare + WIRE_HEADER_BYTES, (size_t)payload);
            }
        } else if (header.kind == WIRE_DATA && wire->state != WIRE_CONNECTING) {
            reset_later(wire, header.session); /* so that it need not wait for its timeout */
        }
        break;
    }
    return 0;
}

static size_t take_control(struct wire_link *wire, void *frame, enum wire_kind kind,
                           uint32_t session)
{
    struct header header = {.kind = (uint8_t)kind, .session = session};
    wire->counters.frames_out++;
    return frame_make(frame, &header, NULL, 0);
}

/* Acks ride on data; alone they go only when there is no data to send. */
static size_t take_open(struct wire_link *wire, void *frame, struct header *header)
{
    const struct wire_slot *slot = NULL;
    *header = (struct header){.kind = WIRE_ACK, .session = wire->session, .ack = wire->expected};
    header->flags = (uint8_t)((wire->is_whole ? FLAG_BUSY : 0) | (wire->is_gap_due ? FLAG_GAP : 0));
    if (wire->sent != wire->queued && (uint16_t)(wire->sent - wire->acked) < WIRE_WINDOW) {
        slot = &wire->slots[wire->sent % WIRE_SLOTS];
        header->kind = WIRE_DATA;
        header->flags |= slot->flags;
        header->sequence = wire->sent++;
        if ((uint16_t)(wire->sent - wire->acked) > (uint16_t)(wire->high - wire->acked)) {
            wire->high = wire->sent;
        }
    } else if (!wire->is_ack_due) {
        return 0;
    }
    wire->is_ack_due = wire->is_gap_due = 0;
    wire->counters.frames_out++;
    return frame_make(frame, header, slot ? slot->payload : NULL, slot ? slot->size : 0);
}

static uint64_t resend_after_ms(const struct wire_link *wire)
{
    uint64_t wait = (uint64_t)WIRE_RESEND_MS << (wire->attempts < 4 ? wire->attempts : 4);
    return wait < WIRE_RESEND_MAX_MS ? wait : WIRE_RESEND_MAX_MS;
}

size_t wire_take_frame(struct wire_link *wire, void *frame, uint64_t now_ms)
{
    if (wire->is_reset_due) {
        wire->is_reset_due = 0;
        return take_control(wire, frame, WIRE_RESET, wire->reset_session);
    }
    if (wire->is_welcome_due) {
        wire->is_welcome_due = 0;
        return take_control(wire, frame, WIRE_WELCOME, wire->session);
    }
    if (wire->state == WIRE_CLOSED) {
        return 0;
    }
    if (wire->state == WIRE_CONNECTING) {
        if (now_ms < wire->deadline_ms) {
            return 0;
        }
        if (wire->attempts++ == WIRE_HELLOS) {
            session_end(wire, -ETIMEDOUT);
            return 0;
        }
        wire->deadline_ms = now_ms + WIRE_HELLO_MS;
        return take_control(wire, frame, WIRE_HELLO, wire->session);
    }
    if (wire->high != wire->acked && now_ms >= wire->deadline_ms) {
        if (wire->attempts++ == WIRE_RESENDS) {
            session_end(wire, -ETIMEDOUT);
            return 0;
        }
        wire->counters.resends++;
        wire->is_gap_answered = 0;
        wire->sent = wire->acked;
        wire->deadline_ms = now_ms + resend_after_ms(wire);
    }
    struct header header;
    size_t size = take_open(wire, frame, &header);
    if (size > 0 && header.kind == WIRE_DATA) {
        wire->deadline_ms = now_ms + resend_after_ms(wire);
    }
    return size;
}

uint64_t wire_next_ms(const struct wire_link *wire, uint64_t now_ms)
{
    if (wire->is_reset_due || wire->is_welcome_due) {
        return now_ms;
    }
    if (wire->state == WIRE_CLOSED) {
        return WIRE_NEVER;
    }
    if (wire->state == WIRE_CONNECTING) {
        return wire->deadline_ms;
    }
    bool may_send =
        wire->sent != wire->queued && (uint16_t)(wire->sent - wire->acked) < WIRE_WINDOW;
    if (may_send || wire->is_ack_due) {
        return now_ms;
    }
    return wire->high != wire->acked ? wire->deadline_ms : WIRE_NEVER;
}

int wire_send(struct wire_link *wire, const void *message, size_t size)
{
    if (size > WIRE_MESSAGE_MAX) {
        return -EMSGSIZE;
    }
    if (wire->state != WIRE_OPEN) {
        return -ENOTCONN;
    }
    size_t fragments = size == 0 ? 1 : (size + WIRE_PAYLOAD_MAX - 1) / WIRE_PAYLOAD_MAX;
    size_t used = (uint16_t)(wire->queued - wire->acked);
    if (fragments > WIRE_SLOTS - used) {
        return -EAGAIN;
    }
    const uint8_t *from = message;
    for (size_t i = 0; i < fragments; i++) {
        struct wire_slot *slot = &wire->slots[wire->queued++ % WIRE_SLOTS];
        slot->size = (uint16_t)(size < WIRE_PAYLOAD_MAX ? size : WIRE_PAYLOAD_MAX);
        slot->flags = (uint8_t)((i == 0 ? FLAG_FIRST : 0) | (i + 1 == fragments ? FLAG_LAST : 0));
        if (slot->size > 0) {
            memcpy(slot->payload, from, slot->size);
        }
        from += slot->size;
        size -= slot->size;
    }
    return 0;
}

size_t wire_room(const struct wire_link *wire)
{
    size_t used = (uint16_t)(wire->queued - wire->acked);
    return wire->state == WIRE_OPEN ? (WIRE_SLOTS - used) * WIRE_PAYLOAD_MAX : 0;
}

int wire_read(const struct wire_link *wire, const void **message)
{
    if (!wire->is_whole) {
        return -EAGAIN;
    }
    *message = wire->message;
    return (int)wire->message_size;
}

void wire_release(struct wire_link *wire)
{
    wire->is_whole = 0;
    if (wire->has_turned_away) {
        wire->has_turned_away = 0;
        wire->is_ack_due = wire->is_gap_due = 1;
    }
}

bool wire_is_drained(const struct wire_link *wire)
{
    return wire->acked == wire->queued;
}

enum { MODE_TEXT, MODE_BEGIN, MODE_FRAME };

static bool is_frame_start(uint8_t code, uint8_t second)
{
    /* The header's first byte is not NUL, so the first block holds it. */
    return code > 1 && second > (WIRE_VERSION << 4) && second <= (WIRE_VERSION << 4 | WIRE_ACK);
}

static struct wire_piece piece(struct wire_splitter *splitter, enum wire_piece_kind kind)
{
    struct wire_piece result = {.kind = kind, .bytes = splitter->bytes, .size = splitter->size};
    splitter->size = 0;
    return result;
}

static struct wire_piece split_delimiter(struct wire_splitter *splitter)
{
    uint8_t bare[WIRE_HEADER_BYTES + WIRE_PAYLOAD_MAX + WIRE_CRC_BYTES];
    struct header header;
    bool was_frame = splitter->mode == MODE_FRAME;
    if (was_frame && frame_open(splitter->bytes, splitter->size, bare, &header) >= 0) {
        splitter->mode = MODE_TEXT;
        return piece(splitter, WIRE_FRAME);
    }
    /* Whatever it ended, this NUL may be the beginning of a frame. */
    splitter->mode = MODE_BEGIN;
    if (was_frame) {
        splitter->spoilt++;
        splitter->size = 0;
    }
    return piece(splitter, splitter->size > 0 ? WIRE_TEXT : WIRE_NOTHING);
}

struct wire_piece wire_split(struct wire_splitter *splitter, uint8_t byte)
{
    if (byte == 0) {
        return split_delimiter(splitter);
    }
    splitter->bytes[splitter->size++] = byte;
    if (splitter->mode == MODE_BEGIN && splitter->size == 2) {
        bool is_frame = is_frame_start(splitter->bytes[0], byte);
        splitter->mode = is_frame ? MODE_FRAME : MODE_TEXT;
    }
    if (splitter->mode == MODE_FRAME && splitter->size > WIRE_FRAME_MAX) {
        splitter->mode = MODE_TEXT; /* its end was lost: better some rubbish than text withheld */
        splitter->spoilt++;
    }
    if (splitter->mode == MODE_TEXT) {
        return piece(splitter, WIRE_TEXT);
    }
    return (struct wire_piece){.kind = WIRE_NOTHING};
}

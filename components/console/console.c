/* SPDX-License-Identifier: MIT */
/*
 * The console: joins a person, the log and the wire's frames on one serial port.
 *
 * What comes in is taken by a worker on the port's `readable`, split (splitter.h) and given to the
 * line editor (dialogue.h) or the queue of frames. What goes out is queued under the lock, and sent
 * by whoever holds the turn `sending`, with no lock held: a call to the port is a call to another
 * component, whose gate may be closed for a while. One worker follows the offers of serial ports,
 * so ports may come and go; one shows the log.
 */
#include <errno.h>

#include <interface/console.h>
#include <interface/serial.h>
#include <interface/terminal.h>
#include <lib/dialogue.h>
#include <lib/output.h>
#include <lib/turn.h>
#include <neurath/cpu.h>
#include <neurath/log.h>
#include <neurath/offer.h>
#include <neurath/thread.h>
#include <neurath/time.h>

#include "splitter.h"

static_assert(SPLITTER_FRAME_BYTES == CONSOLE_FRAME_BYTES, "what comes in can go out");
static_assert(LINE_EDITOR_BYTES == CONSOLE_LINE_BYTES, "a line fits its reader's buffer");
static_assert(TERMINAL_LINE_BYTES == CONSOLE_LINE_BYTES, "either way");

#define ROWS 24u /* of the terminal at the other end: no smaller one is in use */
#define PIECE_BYTES 256u
#define READ_BYTES 64u     /* taken in under one lock */
#define READ_ROUNDS 64u    /* of those in a step */
#define SEND_ROUNDS 128u   /* pieces until somebody else goes on */
#define FRAMES_BYTES 8192u /* of frames nobody has read yet */
#define LOG_BYTES 512u
#define IDLE_US 250000 /* so long, */
#define IDLE_ROUNDS 8u /* so often without a byte in a frame: it is given up */
#define LOG_RETRY_US 20000
#define LOG_PATIENCE_NS 100000000u /* how long the log waits for a program to end its line */

struct console {
    struct event writable;
    struct event line_ready;
    struct event frame_ready;
    struct turn sending;
    int32_t receive_worker; /* 0: none */
    int32_t send_worker;
    uint32_t is_log_shown;

    /* Of the log's worker alone. */
    uint64_t log_position;
    uint32_t log_length;
    char log_bytes[LOG_BYTES];

    struct spinlock lock; /* guards what follows */
    uint32_t port_id;     /* 0: no port */
    struct serial_ops port;
    uint32_t is_line_cut; /* 1: the port changed since the last piece */
    uint32_t is_text_waiting;
    uint32_t is_frame_waiting;
    uint32_t idle_rounds;
    uint32_t frames_dropped;
    struct ring frames; /* that came in, each ended by a NUL */
    struct splitter splitter;
    struct dialogue dialogue;
    struct output output;
    uint8_t frame_bytes[FRAMES_BYTES];
};

STATE(struct console) state = {};

/* Whether a waiting writer should be told. Lock held. */
static bool take_writers(void)
{
    bool has_room = false;
    if (state.is_text_waiting && output_text_room(&state.output) >= OUTPUT_TEXT_BYTES / 2) {
        state.is_text_waiting = 0;
        has_room = true;
    }
    if (state.is_frame_waiting && output_frame_room(&state.output) >= OUTPUT_FRAME_BYTES / 2) {
        state.is_frame_waiting = 0;
        has_room = true;
    }
    return has_room;
}

/* Sends one piece. False: nothing to send, or the port takes nothing now. Turn held. */
static bool send_piece(void)
{
    uint8_t piece[PIECE_BYTES];

    uint64_t daif = spin_lock(&state.lock);
    if (state.is_line_cut) {
        state.is_line_cut = 0;
        output_cut(&state.output);
    }
    int (*write)(const void *bytes, size_t size) = state.port_id ? state.port.write : NULL;
    size_t count = write ? output_next(&state.output, piece, sizeof(piece)) : 0;
    spin_unlock(&state.lock, daif);

    int sent = count > 0 ? write(piece, count) : 0;
    if (sent <= 0) {
        return false; /* -EAGAIN: the port signals; else it leaves, and that is signalled too */
    }
    daif = spin_lock(&state.lock);
    output_sent(&state.output, MIN((size_t)sent, count));
    bool has_room = take_writers();
    spin_unlock(&state.lock, daif);
    if (has_room) {
        event_signal(&state.writable);
    }
    return true;
}

/* Has the port's worker send what is left. */
static void call_worker(void)
{
    uint64_t daif = spin_lock(&state.lock);
    struct event *writable = state.port_id ? state.port.writable : NULL;
    spin_unlock(&state.lock, daif);
    if (writable) {
        event_signal(writable);
    }
}

/* Sends what there is. Context: thread, no lock held. */
static void send(void)
{
    unsigned rounds = 0;

    if (!turn_take(&state.sending)) {
        return;
    }
    do {
        while (send_piece()) {
            if (++rounds == SEND_ROUNDS) {
                turn_leave(&state.sending); /* a call must end though others write on and on */
                call_worker();
                return;
            }
        }
    } while (turn_pass(&state.sending));
}

int console_write(const char *text, size_t size)
{
    if (size == 0) {
        return -EINVAL;
    }
    uint64_t now_ns = time_now_ns();
    uint64_t daif = spin_lock(&state.lock);
    size_t count = dialogue_write(&state.dialogue, &state.output, text, size, now_ns);
    if (count == 0) {
        state.is_text_waiting = 1;
    }
    spin_unlock(&state.lock, daif);
    send();
    return count > 0 ? (int)count : -EAGAIN;
}

int console_read_line(char *line, size_t size)
{
    if (size == 0) {
        return -EINVAL;
    }
    uint64_t daif = spin_lock(&state.lock);
    int result = dialogue_read_line(&state.dialogue, line, size);
    spin_unlock(&state.lock, daif);
    return result;
}

int console_set_prompt(const char *prompt)
{
    uint64_t daif = spin_lock(&state.lock);
    dialogue_set_prompt(&state.dialogue, &state.output, prompt);
    spin_unlock(&state.lock, daif);
    send();
    return 0;
}

int console_write_frame(const void *frame, size_t size)
{
    if (size == 0) {
        return -EINVAL;
    }
    if (size > CONSOLE_FRAME_BYTES) {
        return -EMSGSIZE;
    }
    for (size_t i = 0; i < size; i++) {
        if (((const uint8_t *)frame)[i] == 0) {
            return -EINVAL;
        }
    }
    uint64_t daif = spin_lock(&state.lock);
    bool is_taken = output_put_frame(&state.output, frame, size);
    if (!is_taken) {
        state.is_frame_waiting = 1;
    }
    spin_unlock(&state.lock, daif);
    send();
    return is_taken ? 0 : -EAGAIN;
}

int console_read_frame(void *frame, size_t size)
{
    uint8_t *bytes = frame;
    size_t length = 0;
    uint8_t byte;

    uint64_t daif = spin_lock(&state.lock);
    bool is_there = ring_used(&state.frames) > 0;
    while (is_there &&
           (byte = ring_take_byte(&state.frames, state.frame_bytes, FRAMES_BYTES)) != 0) {
        if (length < size) {
            bytes[length] = byte;
        }
        length++;
    }
    spin_unlock(&state.lock, daif);
    return !is_there ? -EAGAIN : length > size ? -EMSGSIZE : (int)length;
}

struct event *console_writable(void)
{
    return &state.writable;
}

struct event *console_line_ready(void)
{
    return &state.line_ready;
}

struct event *console_frame_ready(void)
{
    return &state.frame_ready;
}

/* What a piece of input has brought. */
struct news {
    bool has_line;
    bool has_frame;
};

/* Lock held. */
static void take_frame(struct news *news)
{
    if (state.splitter.length + 1 > FRAMES_BYTES - ring_used(&state.frames)) {
        state.frames_dropped++; /* the wire sends it again */
        return;
    }
    (void)ring_put(&state.frames, state.frame_bytes, FRAMES_BYTES, state.splitter.frame,
                   state.splitter.length);
    ring_put_byte(&state.frames, state.frame_bytes, FRAMES_BYTES, 0);
    news->has_frame = true;
}

static void tell(const struct news *news)
{
    if (news->has_line) {
        event_signal(&state.line_ready);
    }
    if (news->has_frame) {
        event_signal(&state.frame_ready);
    }
}

static void take_input(const uint8_t *bytes, size_t count)
{
    struct news news = {};
    uint64_t now_ns = time_now_ns();

    uint64_t daif = spin_lock(&state.lock);
    state.idle_rounds = 0;
    for (size_t i = 0; i < count; i++) {
        enum splitter_event event = splitter_feed(&state.splitter, bytes[i]);
        if (event == SPLITTER_TEXT) {
            news.has_line |= dialogue_type(&state.dialogue, &state.output, bytes[i], now_ns);
        } else if (event == SPLITTER_FRAME) {
            take_frame(&news);
        }
    }
    spin_unlock(&state.lock, daif);
    tell(&news);
}

/* Nothing came for a while: a frame must not swallow text for ever. Returns the step's result. */
static int pass_idle_time(void)
{
    struct news news = {};
    uint64_t now_ns = time_now_ns();

    uint64_t daif = spin_lock(&state.lock);
    if (state.splitter.is_in_frame && ++state.idle_rounds > IDLE_ROUNDS) {
        size_t count = splitter_give_up(&state.splitter);
        for (size_t i = 0; i < count; i++) {
            news.has_line |=
                dialogue_type(&state.dialogue, &state.output, state.splitter.frame[i], now_ns);
        }
    }
    int result = state.splitter.is_in_frame ? IDLE_US : -EAGAIN;
    spin_unlock(&state.lock, daif);
    tell(&news);
    return result;
}

/* argument: id of the offer that the worker belongs to. */
static int receive_step(void *argument)
{
    uint8_t bytes[READ_BYTES];

    uint64_t daif = spin_lock(&state.lock);
    bool is_mine = state.port_id != 0 && state.port_id == (uintptr_t)argument;
    int (*read)(void *buffer, size_t size) = state.port.read;
    spin_unlock(&state.lock, daif);
    if (!is_mine) {
        return -EAGAIN;
    }
    for (unsigned round = 0; round < READ_ROUNDS; round++) {
        int count = read(bytes, sizeof(bytes));
        if (count <= 0) {
            int result = pass_idle_time();
            send();
            return result;
        }
        take_input(bytes, (size_t)count);
    }
    send();
    return 0;
}

static int send_step(void *argument)
{
    (void)argument;
    send();
    return -EAGAIN;
}

/* Length of the whole lines in the log's buffer; all of it, when it is full without one. */
static uint32_t whole_lines(void)
{
    for (uint32_t i = state.log_length; i > 0; i--) {
        if (state.log_bytes[i - 1] == '\n') {
            return i;
        }
    }
    return state.log_length == LOG_BYTES ? LOG_BYTES : 0;
}

static int log_step(void *argument)
{
    (void)argument;
    int count = log_read(&state.log_position, state.log_bytes + state.log_length,
                         LOG_BYTES - state.log_length);
    if (count > 0) {
        state.log_length += (uint32_t)count;
    }
    uint32_t length = whole_lines();
    if (length == 0) {
        return count > 0 ? 0 : -EAGAIN;
    }
    uint64_t now_ns = time_now_ns();
    uint64_t daif = spin_lock(&state.lock);
    size_t written = 0;
    if (!state.dialogue.is_in_line || now_ns - state.dialogue.text_ns > LOG_PATIENCE_NS) {
        if (state.dialogue.is_in_line && output_put_text(&state.output, "\r\n", 2)) {
            state.dialogue.is_in_line = 0;
        }
        written = dialogue_write(&state.dialogue, &state.output, state.log_bytes, length, now_ns);
    }
    spin_unlock(&state.lock, daif);
    memmove(state.log_bytes, state.log_bytes + written, state.log_length - written);
    state.log_length -= (uint32_t)written;
    send();
    return written > 0 ? 0 : LOG_RETRY_US;
}

/* From the first port on the log is shown here; the early UART has shown it up to now. */
static int show_log(void)
{
    char skipped[256];

    if (state.is_log_shown) {
        return 0;
    }
    while (log_read(&state.log_position, skipped, sizeof(skipped)) > 0) {
    }
    log_attach();
    struct worker_config config = {.name = "console log", .step = log_step, .event = log_event()};
    int result = worker_start(&config);
    state.is_log_shown = result > 0;
    return MIN(result, 0);
}

static int connect(const struct offer *offer, const struct serial_ops *port)
{
    uint64_t daif = spin_lock(&state.lock);
    state.port = *port;
    state.port_id = offer->id;
    state.is_line_cut = 1;
    spin_unlock(&state.lock, daif);

    void *id = (void *)(uintptr_t)offer->id;
    struct worker_config config = {
        .name = "console in", .step = receive_step, .argument = id, .event = port->readable};
    state.receive_worker = worker_start(&config);
    config.name = "console out";
    config.step = send_step;
    config.event = port->writable;
    state.send_worker = worker_start(&config);
    if (state.receive_worker < 0 || state.send_worker < 0) {
        return -ENOMEM;
    }
    return show_log();
}

static void disconnect(void)
{
    uint64_t daif = spin_lock(&state.lock);
    state.port_id = 0;
    state.port = (struct serial_ops){};
    spin_unlock(&state.lock, daif);
    if (state.receive_worker > 0) {
        (void)worker_stop(state.receive_worker); /* it may have ended with its event */
    }
    if (state.send_worker > 0) {
        (void)worker_stop(state.send_worker);
    }
    state.receive_worker = 0;
    state.send_worker = 0;
}

/* Follows the offers: leaves a port that went, takes the console's when it comes. */
static int watch_step(void *argument)
{
    struct offer offer;
    struct serial_ops port;
    bool is_there = false;
    bool has_other = false;
    struct offer other;

    (void)argument;
    for (uint32_t id = 0; offer_find(SERIAL_KIND, NULL, id, &offer) == 0; id = offer.id) {
        memcpy(&port, offer.table, sizeof(port));
        is_there |= offer.id == state.port_id;
        if (port.is_console && offer.id != state.port_id && !has_other) {
            has_other = true;
            other = offer;
        }
    }
    if (state.port_id != 0 && !is_there) {
        disconnect();
    }
    if (state.port_id == 0 && has_other) {
        memcpy(&port, other.table, sizeof(port));
        int result = connect(&other, &port);
        if (result < 0) {
            log_error("console: port %s cannot be used: error %d", other.name, result);
            disconnect();
            return -EAGAIN;
        }
        send();
    }
    return -EAGAIN;
}

/* The same as a terminal among others. */
static int terminal_write(uint32_t unit, const char *text, size_t size)
{
    (void)unit;
    return console_write(text, size);
}

static int terminal_read_line(uint32_t unit, char *line, size_t size)
{
    (void)unit;
    return console_read_line(line, size);
}

static int terminal_set_prompt(uint32_t unit, const char *prompt)
{
    (void)unit;
    return console_set_prompt(prompt);
}

static int terminal_take_keys(uint32_t unit, bool are_wanted)
{
    (void)unit;
    uint64_t daif = spin_lock(&state.lock);
    dialogue_take_keys(&state.dialogue, &state.output, are_wanted);
    spin_unlock(&state.lock, daif);
    send();
    return 0;
}

static int terminal_read_key(uint32_t unit)
{
    (void)unit;
    uint64_t daif = spin_lock(&state.lock);
    int key = dialogue_read_key(&state.dialogue);
    spin_unlock(&state.lock, daif);
    return key;
}

static int start(void)
{
    event_init(&state.writable);
    event_init(&state.line_ready);
    event_init(&state.frame_ready);
    const struct terminal_ops terminal = {
        .columns = LINE_EDITOR_COLUMNS,
        .rows = ROWS,
        .write = terminal_write,
        .read_line = terminal_read_line,
        .set_prompt = terminal_set_prompt,
        .take_keys = terminal_take_keys,
        .read_key = terminal_read_key,
        .writable = &state.writable,
        .line_ready = &state.line_ready,
    };
    int result = offer_add(TERMINAL_KIND, "console", &terminal, sizeof(terminal));
    if (result < 0) {
        return result;
    }
    struct worker_config config = {
        .name = "console port", .step = watch_step, .event = offer_event()};
    return MIN(worker_start(&config), 0);
}

static int health(void)
{
    uint64_t daif = spin_lock(&state.lock);
    bool is_sane = ring_used(&state.frames) <= FRAMES_BYTES &&
                   ring_used(&state.dialogue.lines) <= DIALOGUE_LINES_BYTES &&
                   ring_used(&state.dialogue.keys) <= DIALOGUE_KEYS &&
                   ring_used(&state.output.text) <= OUTPUT_TEXT_BYTES &&
                   ring_used(&state.output.frames) <= OUTPUT_FRAME_BYTES &&
                   state.dialogue.editor.length < LINE_EDITOR_BYTES;
    spin_unlock(&state.lock, daif);
    return is_sane ? 0 : -EIO;
}

/* Gives the port what it takes now; nothing is sent after this. */
static void stop(void)
{
    send();
    disconnect();
}

COMPONENT(console, .version = VERSION(1, 1, 0), .summary = "Lines, log and frames on a serial port",
          .start = start, .health = health, .stop = stop);

/* SPDX-License-Identifier: MIT */
/* Pictures of now: see live.h. */
#include "live.h"

#include <errno.h>

#include <lib/format.h>
#include <neurath/time.h>

#include "shell.h"

#define KEYS_AT_ONCE 32u
#define CTRL_C 3
/* ECMA-48 CUP, EL, ED: the cursor goes home; erase to the end of the line, of the screen. */
#define HOME "\033[H"
#define ERASE_LINE "\033[K"
#define ERASE_REST "\033[J"
/* Left free in the ring, so that there is room for those of the first lines. */
#define SPARE_BYTES 1024u

/* Where it stands in the text of a picture. */
struct cut {
    uint32_t rows, columns; /* it may have: with one more the terminal would scroll, or wrap */
    uint32_t lines;         /* of the text */
    uint32_t line, column;
    bool is_in_sequence;
};

static uint8_t byte_at(const struct session *session, uint32_t index)
{
    return session->output_bytes[index % SESSION_OUTPUT_BYTES];
}

static bool ends_its_line(const struct session *session)
{
    return ring_used(&session->output) > 0 && byte_at(session, session->output.head - 1) == '\n';
}

/* Of the first `size` bytes that are kept. */
static uint32_t count_lines(const struct session *session, uint32_t size)
{
    uint32_t lines = 0;
    for (uint32_t i = 0; i < size; i++) {
        lines += byte_at(session, session->output.tail + i) == '\n';
    }
    return lines;
}

/* Of lines there are too many for, those before the last one are left out. */
static bool has_row(const struct cut *cut)
{
    return cut->line + 1 < cut->rows || cut->line + 1 == cut->lines;
}

static bool has_column(struct cut *cut, uint8_t byte)
{
    if (cut->is_in_sequence) {
        cut->is_in_sequence = byte == '[' || byte < 0x40;
        return true;
    }
    cut->is_in_sequence = byte == '\033';
    if (!cut->is_in_sequence && (byte & 0xc0) != 0x80) {
        cut->column++;
    }
    return cut->is_in_sequence || cut->column <= cut->columns;
}

static void put_byte(struct session *session, struct cut *cut, uint8_t byte)
{
    bool is_last = cut->line + 1 == cut->lines;
    if (byte == '\n') {
        if (has_row(cut)) {
            session_keep(session, is_last ? ERASE_REST "\n" : ERASE_LINE "\n", 4);
        }
        cut->line++;
        cut->column = 0;
        cut->is_in_sequence = false;
    } else if (has_row(cut) && has_column(cut, byte)) {
        session_keep(session, (const char *)&byte, 1);
    }
}

/* Makes a picture of the text that is kept: taken out at one end, put in at the other. */
static void draw(struct session *session)
{
    if (!ends_its_line(session)) {
        session_keep(session, "\n", 1);
    }
    uint32_t size = MIN(ring_used(&session->output), SESSION_OUTPUT_BYTES - SPARE_BYTES);
    struct cut cut = {
        .rows = MAX(session->ops.rows, 2u) - 1,
        .columns = MAX(session->ops.columns, 2u) - 1,
        .lines = count_lines(session, size),
    };
    session->output.head = session->output.tail + size;
    session->is_cut = 0;
    session_keep(session, HOME, 3);
    for (uint32_t i = 0; i < size; i++) {
        put_byte(session, &cut,
                 ring_take_byte(&session->output, session->output_bytes, SESSION_OUTPUT_BYTES));
    }
}

bool live_begin(struct session *session)
{
    if (!session->ops.take_keys) {
        return false;
    }
    (void)session->ops.take_keys(session->ops.unit, true); /* has no errors */
    session->is_live = 1;
    session->key = session->wanted_key = 0;
    session->refresh_ns = time_now_ns() + COMMAND_LIVE_US * 1000ull;
    draw(session);
    return true;
}

static void end(struct session *session)
{
    session->is_live = 0;
    session->is_prompt_due = 1;
    (void)session->ops.take_keys(session->ops.unit, false); /* has no errors */
}

/* The line again, with the wanted key as one more word. */
static int run_with_key(struct session *session, struct command_output *output)
{
    struct shell_run run = {.output = output};
    char line[TERMINAL_LINE_BYTES + 4];
    if (session->wanted_key == 0) {
        return shell_run_line(session->line, &run);
    }
    (void)format_print(line, sizeof(line), "%s \\%c", session->line, (int)session->wanted_key);
    return shell_run_line(line, &run);
}

/* Returns as live_show(). */
static int refresh(struct session *session, struct command_output *output)
{
    uint32_t head = session->output.head;
    int result = run_with_key(session, output);
    if (result == -EINVAL && session->wanted_key != session->key) {
        session->output.head = head; /* not a key of this command: not a word of it */
        session->is_cut = 0;
        session->wanted_key = session->key;
        result = run_with_key(session, output);
    }
    if (result == -EINPROGRESS) {
        return COMMAND_SOON_US;
    }
    if (result != COMMAND_LIVE) {
        end(session); /* the command has said why */
        return 0;
    }
    session->key = session->wanted_key;
    session->refresh_ns = time_now_ns() + COMMAND_LIVE_US * 1000ull;
    draw(session);
    return COMMAND_LIVE_US;
}

int live_show(struct session *session, struct command_output *output)
{
    for (unsigned i = 0; i < KEYS_AT_ONCE; i++) {
        int key = session->ops.read_key(session->ops.unit);
        if (key < 0) {
            break;
        }
        if (key == 'q' || key == '\r' || key == CTRL_C) {
            end(session);
            return 0;
        }
        if (key > ' ' && key < 0x7f) {
            session->wanted_key = key;
        }
    }
    uint64_t now_ns = time_now_ns();
    if (session->wanted_key == session->key && now_ns < session->refresh_ns) {
        return (int)((session->refresh_ns - now_ns) / 1000) + 1;
    }
    return refresh(session, output);
}

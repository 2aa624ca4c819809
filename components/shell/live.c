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
/* Of a picture's text; what is left of the ring is room for the sequences of the first lines. */
#define PICTURE_BYTES (SESSION_OUTPUT_BYTES - 1024u)
/* Of these, for the last line of a picture there is no room for. */
#define LAST_BYTES 512u
#define MARK "(the rest was too long)"

/* Where it stands in the text of a picture. */
struct cut {
    uint32_t rows, columns; /* it may have: with one more the terminal would scroll, or wrap */
    uint32_t lines;         /* of the text */
    uint32_t line, column;
    bool is_in_sequence;
    bool is_marked; /* a line before the last one says that some are missing */
};

/* What a command says while a picture is shown. */
struct picture_output {
    struct command_output output;
    struct session *session;
};

static uint8_t byte_at(const struct session *session, uint32_t index)
{
    return session->output_bytes[index % SESSION_OUTPUT_BYTES];
}

static bool ends_its_line(const struct session *session)
{
    return ring_used(&session->output) > 0 && byte_at(session, session->output.head - 1) == '\n';
}

/* Where the line begins that ends, or is to go on, at `index`. */
static uint32_t find_start(const struct session *session, uint32_t index)
{
    while (index != session->output.tail && byte_at(session, index - 1) != '\n') {
        index--;
    }
    return index;
}

/* Leaves out lines before the one that is being said. */
static void make_room(struct session *session)
{
    struct ring *output = &session->output;
    uint32_t from = find_start(session, output->head);
    uint32_t to = find_start(session, output->tail + PICTURE_BYTES - LAST_BYTES);

    session->is_cut = 1;
    if (from == to) {
        return; /* all the others have room, and this one is too long */
    }
    for (; from != output->head; from++, to++) {
        session->output_bytes[to % SESSION_OUTPUT_BYTES] = byte_at(session, from);
    }
    output->head = to;
}

/* Once there was no room, each line takes the place of the one before: so the last one stays. */
static void keep_picture(struct command_output *output, const char *text, size_t size)
{
    struct session *session = container_of(output, struct picture_output, output)->session;

    for (size_t i = 0; i < size; i++) {
        if (session->is_cut && ends_its_line(session)) {
            session->output.head = find_start(session, session->output.head - 1);
        }
        if (ring_used(&session->output) >= PICTURE_BYTES && !session->is_cut) {
            make_room(session);
        }
        if (ring_used(&session->output) < PICTURE_BYTES) {
            session_keep(session, &text[i], 1);
        }
    }
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

static void put_mark(struct session *session, const struct cut *cut)
{
    if (cut->is_marked && cut->line + 1 == cut->lines) {
        session_keep(session, MARK, MIN(sizeof(MARK) - 1, cut->columns));
        session_keep(session, ERASE_LINE "\n", 4);
    }
}

/*
 * Makes a picture of the text that is kept, PICTURE_BYTES of it: taken out at one end, put in at
 * the other.
 */
static void draw(struct session *session)
{
    if (!ends_its_line(session)) {
        session_keep(session, "\n", 1);
    }
    uint32_t size = ring_used(&session->output);
    struct cut cut = {
        .rows = MAX(session->ops.rows, 2u) - 1,
        .columns = MAX(session->ops.columns, 2u) - 1,
        .lines = count_lines(session, size),
        .is_marked = session->is_cut && session->ops.rows > 2,
    };
    cut.rows -= cut.is_marked;
    session->is_cut = 0;
    session_keep(session, HOME, 3);
    put_mark(session, &cut);
    for (uint32_t i = 0; i < size; i++) {
        uint8_t byte =
            ring_take_byte(&session->output, session->output_bytes, SESSION_OUTPUT_BYTES);
        put_byte(session, &cut, byte);
        if (byte == '\n') {
            put_mark(session, &cut);
        }
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
    session->refresh_ns = time_now_ns();
    if (session->is_cut || ring_used(&session->output) > PICTURE_BYTES) {
        session->output.head = session->output.tail; /* said once more, it is kept as a picture */
        session->is_cut = 0;
        return true;
    }
    session->refresh_ns += COMMAND_LIVE_US * 1000ull;
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
static int refresh(struct session *session)
{
    struct picture_output picture = {.output.write = keep_picture, .session = session};
    uint32_t head = session->output.head;
    int result = run_with_key(session, &picture.output);
    if (result == -EINVAL && session->wanted_key != session->key) {
        session->output.head = head; /* not a key of this command: not a word of it */
        session->is_cut = 0;
        session->wanted_key = session->key;
        result = run_with_key(session, &picture.output);
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

int live_show(struct session *session)
{
    int key;

    for (unsigned i = 0; (key = session->ops.read_key(session->ops.unit)) >= 0; i++) {
        if (key == 'q' || key == '\r' || key == CTRL_C) {
            end(session);
            return 0;
        }
        if (key > ' ' && key < 0x7f) {
            session->wanted_key = key;
        }
        if (i + 1 == KEYS_AT_ONCE) {
            return 0; /* there may be more */
        }
    }
    uint64_t now_ns = time_now_ns();
    if (session->wanted_key == session->key && now_ns < session->refresh_ns) {
        return (int)((session->refresh_ns - now_ns) / 1000) + 1;
    }
    return refresh(session);
}

/* SPDX-License-Identifier: MIT */
/* The line editor: see line_editor.h. */
#include "line_editor.h"

#include <stdbool.h>
#include <string.h>

enum key {
    KEY_NONE,
    KEY_LEFT,
    KEY_RIGHT,
    KEY_UP,
    KEY_DOWN,
    KEY_HOME,
    KEY_END,
    KEY_BACKSPACE,
    KEY_DELETE,
    KEY_KILL_REST,
    KEY_KILL_LINE,
    KEY_KILL_WORD,
    KEY_CLEAR,
    KEY_ABANDON,
};

enum escape { ESCAPE_NONE, ESCAPE_BEGUN, ESCAPE_CSI, ESCAPE_CSI_LATER, ESCAPE_SS3 };

void line_output_put(struct line_output *output, const char *bytes, size_t size)
{
    if (size <= output->capacity - output->length) {
        memcpy(output->bytes + output->length, bytes, size);
        output->length += size;
    }
}

static void put_text(struct line_output *output, const char *text)
{
    line_output_put(output, text, strlen(text));
}

/* ECMA-48 CUF: the cursor goes right by `columns`, 0 to 99. */
static void put_right(struct line_output *output, size_t columns)
{
    char sequence[] = {'\033', '[', (char)('0' + columns / 10 % 10), (char)('0' + columns % 10),
                       'C'};
    if (columns > 0) {
        line_output_put(output, sequence, sizeof(sequence));
    }
}

static bool is_continuation(char byte)
{
    return ((uint8_t)byte & 0xc0) == 0x80;
}

static size_t columns_of(const char *text, size_t size)
{
    size_t columns = 0;
    for (size_t i = 0; i < size; i++) {
        columns += !is_continuation(text[i]);
    }
    return columns;
}

static size_t previous_character(const struct line_editor *editor, size_t at)
{
    while (at > 0 && is_continuation(editor->line[--at])) {
    }
    return at;
}

static size_t next_character(const struct line_editor *editor, size_t at)
{
    if (at < editor->length) {
        at++;
    }
    while (at < editor->length && is_continuation(editor->line[at])) {
        at++;
    }
    return at;
}

/* Columns left for text behind the prompt; the terminal's last one stays free, or it would wrap. */
static size_t text_columns(const struct line_editor *editor)
{
    return LINE_EDITOR_COLUMNS - 1 - columns_of(editor->prompt, strlen(editor->prompt));
}

static void draw(const struct line_editor *editor, struct line_output *output)
{
    size_t room = text_columns(editor);
    size_t cursor = columns_of(editor->line, editor->cursor);
    size_t skipped = cursor > room ? cursor - room : 0;
    size_t first = 0;
    for (size_t i = 0; i < skipped; i++) {
        first = next_character(editor, first);
    }
    size_t last = first;
    for (size_t i = 0; i < room && last < editor->length; i++) {
        last = next_character(editor, last);
    }
    put_text(output, "\r");
    put_text(output, editor->prompt);
    line_output_put(output, editor->line + first, last - first);
    put_text(output, "\033[K"); /* EL: erase to the line's end */
    if (editor->cursor != last) {
        put_text(output, "\r");
        put_right(output, LINE_EDITOR_COLUMNS - 1 - room + cursor - skipped);
    }
}

static void redraw(const struct line_editor *editor, struct line_output *output)
{
    if (editor->is_shown) {
        draw(editor, output);
    }
}

void line_editor_show(struct line_editor *editor, struct line_output *output)
{
    editor->is_shown = 1;
    draw(editor, output);
}

void line_editor_hide(struct line_editor *editor, struct line_output *output)
{
    if (editor->is_shown) {
        editor->is_shown = 0;
        put_text(output, "\r\033[K");
    }
}

void line_editor_set_prompt(struct line_editor *editor, const char *prompt)
{
    size_t size = strlen(prompt);
    if (size >= sizeof(editor->prompt)) {
        size = sizeof(editor->prompt) - 1;
        while (size > 0 && is_continuation(prompt[size])) {
            size--;
        }
    }
    memcpy(editor->prompt, prompt, size);
    editor->prompt[size] = '\0';
}

static void set_line(struct line_editor *editor, const char *line)
{
    size_t size = strlen(line);
    memcpy(editor->line, line, size + 1);
    editor->length = (uint16_t)size;
    editor->cursor = (uint16_t)size;
}

static void erase(struct line_editor *editor, size_t from, size_t to)
{
    memmove(editor->line + from, editor->line + to, editor->length - to + 1);
    editor->length = (uint16_t)(editor->length - (to - from));
    editor->cursor = (uint16_t)from;
}

/* The n-th line from history's end, n from 1 to history_count. */
static const char *history_line(const struct line_editor *editor, unsigned n)
{
    return editor->history[(editor->history_next + LINE_EDITOR_HISTORY - n) % LINE_EDITOR_HISTORY];
}

static void go_to_history(struct line_editor *editor, unsigned position)
{
    if (position > editor->history_count) {
        return;
    }
    if (editor->history_position == 0) {
        memcpy(editor->kept, editor->line, editor->length + 1u);
    }
    editor->history_position = (uint8_t)position;
    set_line(editor, position == 0 ? editor->kept : history_line(editor, position));
}

void line_editor_next(struct line_editor *editor)
{
    if (editor->length > 0 &&
        (editor->history_count == 0 || strcmp(history_line(editor, 1), editor->line) != 0)) {
        memcpy(editor->history[editor->history_next], editor->line, editor->length + 1u);
        editor->history_next = (editor->history_next + 1) % LINE_EDITOR_HISTORY;
        if (editor->history_count < LINE_EDITOR_HISTORY) {
            editor->history_count++;
        }
    }
    editor->history_position = 0;
    set_line(editor, "");
}

/* Puts a character in at the cursor. Appending to a line that fits is the common case: no redraw.
 */
static void insert(struct line_editor *editor, const char *bytes, size_t size,
                   struct line_output *output)
{
    if (editor->length + size >= LINE_EDITOR_BYTES) {
        if (editor->is_shown) {
            put_text(output, "\a");
        }
        return;
    }
    char *at = editor->line + editor->cursor;
    memmove(at + size, at, editor->length - editor->cursor + 1u);
    memcpy(at, bytes, size);
    editor->length = (uint16_t)(editor->length + size);
    editor->cursor = (uint16_t)(editor->cursor + size);
    if (!editor->is_shown) {
        return;
    }
    if (editor->cursor == editor->length &&
        columns_of(editor->line, editor->length) <= text_columns(editor)) {
        line_output_put(output, bytes, size);
    } else {
        draw(editor, output);
    }
}

static size_t word_start(const struct line_editor *editor)
{
    size_t at = editor->cursor;
    while (at > 0 && editor->line[at - 1] == ' ') {
        at--;
    }
    while (at > 0 && editor->line[at - 1] != ' ') {
        at--;
    }
    return at;
}

static void move_to(struct line_editor *editor, size_t cursor)
{
    editor->cursor = (uint16_t)cursor;
}

/* What a key does to the line; the caller redraws. */
static void edit(struct line_editor *editor, enum key key)
{
    size_t cursor = editor->cursor;

    if (key == KEY_LEFT) {
        move_to(editor, previous_character(editor, cursor));
    } else if (key == KEY_RIGHT) {
        move_to(editor, next_character(editor, cursor));
    } else if (key == KEY_HOME) {
        move_to(editor, 0);
    } else if (key == KEY_END) {
        move_to(editor, editor->length);
    } else if (key == KEY_UP) {
        go_to_history(editor, editor->history_position + 1u);
    } else if (key == KEY_DOWN && editor->history_position > 0) {
        go_to_history(editor, editor->history_position - 1u);
    } else if (key == KEY_BACKSPACE) {
        erase(editor, previous_character(editor, cursor), cursor);
    } else if (key == KEY_DELETE) {
        erase(editor, cursor, next_character(editor, cursor));
    } else if (key == KEY_KILL_REST) {
        erase(editor, cursor, editor->length);
    } else if (key == KEY_KILL_LINE) {
        erase(editor, 0, cursor);
    } else if (key == KEY_KILL_WORD) {
        erase(editor, word_start(editor), cursor);
    } else if (key == KEY_ABANDON) {
        editor->history_position = 0;
        set_line(editor, "");
    }
}

static enum line_event press(struct line_editor *editor, enum key key, struct line_output *output)
{
    if (key == KEY_NONE) {
        return LINE_EDITED;
    }
    if (editor->is_shown && key == KEY_CLEAR) {
        put_text(output, "\033[H\033[2J"); /* CUP, ED: home, erase all */
    } else if (editor->is_shown && key == KEY_ABANDON) {
        put_text(output, "^C\r\n");
    }
    edit(editor, key);
    redraw(editor, output);
    return key == KEY_CLEAR ? LINE_CLEARED : LINE_EDITED;
}

static enum key control_key(uint8_t byte)
{
    static const uint8_t keys[32] = {
        [1] = KEY_HOME,       [2] = KEY_LEFT,  [3] = KEY_ABANDON,   [4] = KEY_DELETE,
        [5] = KEY_END,        [6] = KEY_RIGHT, [8] = KEY_BACKSPACE, [11] = KEY_KILL_REST,
        [12] = KEY_CLEAR,     [14] = KEY_DOWN, [16] = KEY_UP,       [21] = KEY_KILL_LINE,
        [23] = KEY_KILL_WORD,
    };
    return byte == 127 ? KEY_BACKSPACE : (enum key)keys[byte & 31];
}

/* The key that a sequence ends with: xterm's letters, or VT220's "number ~". */
static enum key final_key(uint8_t final, unsigned number)
{
    static const struct {
        char final;
        uint8_t number;
        uint8_t key;
    } keys[] = {
        {'A', 0, KEY_UP},   {'B', 0, KEY_DOWN}, {'C', 0, KEY_RIGHT},  {'D', 0, KEY_LEFT},
        {'H', 0, KEY_HOME}, {'F', 0, KEY_END},  {'~', 1, KEY_HOME},   {'~', 7, KEY_HOME},
        {'~', 4, KEY_END},  {'~', 8, KEY_END},  {'~', 3, KEY_DELETE},
    };
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if ((uint8_t)keys[i].final == final && (final != '~' || keys[i].number == number)) {
            return keys[i].key;
        }
    }
    return KEY_NONE;
}

/* ECMA-48 5.4: after ESC [ come bytes 30-3f, 20-2f, and one of 40-7e that ends it. */
static enum key scan_escape(struct line_editor *editor, uint8_t byte)
{
    uint8_t escape = editor->escape;

    if (escape == ESCAPE_BEGUN) {
        editor->escape_number = 0;
        editor->escape = byte == '[' ? ESCAPE_CSI : byte == 'O' ? ESCAPE_SS3 : ESCAPE_NONE;
        return KEY_NONE;
    }
    if (byte >= 0x20 && byte < 0x40 && escape != ESCAPE_SS3) {
        if (escape == ESCAPE_CSI && byte >= '0' && byte <= '9') {
            editor->escape_number = (uint8_t)(editor->escape_number * 10u + byte - '0');
        } else {
            editor->escape = ESCAPE_CSI_LATER;
        }
        return KEY_NONE;
    }
    editor->escape = ESCAPE_NONE;
    return byte < 0x7f ? final_key(byte, editor->escape_number) : KEY_NONE;
}

/* RFC 3629: how many bytes a character with this first byte has; 0: no character begins so. */
static uint8_t character_bytes(uint8_t byte)
{
    return byte < 0x80   ? 1
           : byte < 0xc2 ? 0
           : byte < 0xe0 ? 2
           : byte < 0xf0 ? 3
           : byte < 0xf5 ? 4
                         : 0;
}

static void feed_text(struct line_editor *editor, uint8_t byte, struct line_output *output)
{
    if (is_continuation((char)byte)) {
        if (editor->partial_length == 0) {
            return;
        }
    } else {
        editor->partial_length = 0;
        editor->partial_wanted = character_bytes(byte);
        if (editor->partial_wanted == 0) {
            return;
        }
    }
    editor->partial[editor->partial_length++ & 3] = (char)byte;
    if (editor->partial_length == editor->partial_wanted) {
        editor->partial_length = 0;
        insert(editor, editor->partial, editor->partial_wanted, output);
    }
}

enum line_event line_editor_feed(struct line_editor *editor, uint8_t byte,
                                 struct line_output *output)
{
    bool is_after_cr = editor->is_after_cr;
    editor->is_after_cr = byte == '\r';

    if (byte == '\r' || byte == '\n') {
        editor->escape = ESCAPE_NONE;
        editor->partial_length = 0;
        if (byte == '\n' && is_after_cr) {
            return LINE_EDITED;
        }
        if (editor->is_shown) {
            editor->is_shown = 0;
            put_text(output, "\r\n");
        }
        return LINE_DONE;
    }
    if (byte == '\033') {
        editor->partial_length = 0;
        editor->escape = ESCAPE_BEGUN;
        return LINE_EDITED;
    }
    if (editor->escape != ESCAPE_NONE && byte >= 0x20) {
        return press(editor, scan_escape(editor, byte), output);
    }
    if (byte < 0x20 || byte == 0x7f) {
        editor->escape = ESCAPE_NONE;
        editor->partial_length = 0;
        return press(editor, control_key(byte), output);
    }
    feed_text(editor, byte, output);
    return LINE_EDITED;
}

int line_editor_read_key(struct line_editor *editor, uint8_t byte)
{
    bool is_after_cr = editor->is_after_cr;
    editor->is_after_cr = byte == '\r';
    editor->partial_length = 0;

    if (byte == '\033') {
        editor->escape = ESCAPE_BEGUN;
        return 0;
    }
    if (editor->escape != ESCAPE_NONE && byte >= 0x20) {
        (void)scan_escape(editor, byte);
        return 0;
    }
    editor->escape = ESCAPE_NONE;
    if (byte == '\n') {
        return is_after_cr ? 0 : '\r';
    }
    return byte;
}

int line_editor_take_byte(struct line_editor *editor)
{
    if (editor->length == 0) {
        return 0;
    }
    uint8_t byte = (uint8_t)editor->line[0];
    erase(editor, 0, 1);
    move_to(editor, editor->length);
    return byte;
}

/* SPDX-License-Identifier: MIT */
/* Text above, the edited line below: see dialogue.h. */
#include "dialogue.h"

#include <errno.h>
#include <string.h>

/* Kept free of programs' text, so that there is room to echo keys and to draw the line again. */
#define ECHO_BYTES 1024u
/* When a command takes longer than this, or nobody reads lines, the line shows all the same. */
#define HIDDEN_NS 1000000000u
/* At most so much of a program's text is written by a call, as interrupts are off. */
#define WRITE_BYTES 1024u

enum { LINE_SEEN = 1, LINE_UNSEEN = 2 };

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Output of the editor: to a buffer, and from there to the line as one piece. */
struct sketch {
    struct line_output output;
    char bytes[LINE_EDITOR_OUTPUT_BYTES];
};

static void sketch_begin(struct sketch *sketch)
{
    sketch->output = (struct line_output){sketch->bytes, sizeof(sketch->bytes), 0};
}

/* Without room it is lost, which is what should happen to echo on a line that has stopped. */
static void sketch_end(struct sketch *sketch, struct output *output)
{
    (void)output_put_text(output, sketch->bytes, sketch->output.length);
}

static void show(struct dialogue *dialogue, struct output *output)
{
    struct sketch sketch;

    if (dialogue->editor.is_shown || !dialogue->is_prompting) {
        return;
    }
    sketch_begin(&sketch);
    if (dialogue->is_in_line) {
        line_output_put(&sketch.output, "\r\n", 2);
        dialogue->is_in_line = 0;
    }
    line_editor_show(&dialogue->editor, &sketch.output);
    sketch_end(&sketch, output);
}

static void hide(struct dialogue *dialogue, struct output *output)
{
    struct sketch sketch;

    sketch_begin(&sketch);
    line_editor_hide(&dialogue->editor, &sketch.output);
    sketch_end(&sketch, output);
}

/*
 * How much of the text goes in, with CR before each LF: all, else whole lines. A line is only cut
 * when it is longer than what is ever written at once: so lines of several programs do not mix.
 */
static size_t fit(const char *text, size_t size, size_t room)
{
    size_t needed = 0;
    size_t lines = 0;
    for (size_t i = 0; i < size; i++) {
        needed += text[i] == '\n' ? 2 : 1;
        if (needed > room) {
            return lines > 0 ? lines : room == WRITE_BYTES ? i : 0;
        }
        if (text[i] == '\n') {
            lines = i + 1;
        }
    }
    return size;
}

size_t dialogue_write(struct dialogue *dialogue, struct output *output, const char *text,
                      size_t size, uint64_t now_ns)
{
    size_t room = output_text_room(output);
    size_t count = room > ECHO_BYTES ? fit(text, size, smaller(room - ECHO_BYTES, WRITE_BYTES)) : 0;
    if (count == 0) {
        return 0;
    }
    hide(dialogue, output);
    for (size_t i = 0; i < count; i++) {
        if (text[i] == '\n') {
            (void)output_put_text(output, "\r\n", 2);
        } else if (text[i] != '\0') {
            (void)output_put_text(output, &text[i], 1);
        }
    }
    dialogue->is_in_line = text[count - 1] != '\n';
    dialogue->text_ns = now_ns;
    if (!dialogue->is_in_line) {
        show(dialogue, output);
    }
    return count;
}

static bool queue_line(struct dialogue *dialogue, bool is_seen)
{
    size_t size = dialogue->editor.length + 1u;
    if (size + 1 > DIALOGUE_LINES_BYTES - ring_used(&dialogue->lines)) {
        dialogue->lines_dropped++;
        return false;
    }
    ring_put_byte(&dialogue->lines, dialogue->line_bytes, DIALOGUE_LINES_BYTES,
                  is_seen ? LINE_SEEN : LINE_UNSEEN);
    (void)ring_put(&dialogue->lines, dialogue->line_bytes, DIALOGUE_LINES_BYTES,
                   dialogue->editor.line, size);
    return true;
}

static bool press(struct dialogue *dialogue, struct output *output, uint8_t byte)
{
    int key = line_editor_read_key(&dialogue->editor, byte);
    if (key == 0) {
        return false;
    }
    if (ring_used(&dialogue->keys) == DIALOGUE_KEYS) {
        (void)output_put_text(output, "\a", 1); /* without room nothing is lost but the bell */
        return false;
    }
    ring_put_byte(&dialogue->keys, dialogue->key_bytes, DIALOGUE_KEYS, (uint8_t)key);
    return key < 0x80;
}

bool dialogue_type(struct dialogue *dialogue, struct output *output, uint8_t byte, uint64_t now_ns)
{
    struct sketch sketch;
    bool is_entered = false;

    if (dialogue->are_keys_wanted) {
        return press(dialogue, output, byte);
    }
    if (!dialogue->is_prompting && now_ns - dialogue->entered_ns > HIDDEN_NS) {
        dialogue->is_prompting = 1;
    }
    show(dialogue, output);
    bool is_seen = dialogue->editor.is_shown;
    sketch_begin(&sketch);
    if (line_editor_feed(&dialogue->editor, byte, &sketch.output) == LINE_DONE) {
        is_entered = queue_line(dialogue, is_seen);
        if (!is_entered) {
            line_output_put(&sketch.output, "\a", 1);
        }
        line_editor_next(&dialogue->editor);
        dialogue->is_prompting = 0;
        dialogue->entered_ns = now_ns;
    }
    sketch_end(&sketch, output);
    return is_entered;
}

int dialogue_read_line(struct dialogue *dialogue, char *line, size_t size)
{
    size_t length = 0;
    uint8_t byte;

    if (ring_used(&dialogue->lines) == 0 || dialogue->are_keys_wanted) {
        return -EAGAIN;
    }
    (void)ring_take_byte(&dialogue->lines, dialogue->line_bytes, DIALOGUE_LINES_BYTES);
    while ((byte = ring_take_byte(&dialogue->lines, dialogue->line_bytes, DIALOGUE_LINES_BYTES)) !=
           0) {
        if (length + 1 < size) {
            line[length++] = (char)byte;
        }
    }
    line[length] = '\0';
    return (int)length;
}

/* Shows the oldest line that waits as if it had been typed now. */
static void show_typed_ahead(struct dialogue *dialogue, struct output *output)
{
    uint8_t text[LINE_EDITOR_BYTES + 1];
    size_t size = ring_peek(&dialogue->lines, dialogue->line_bytes, DIALOGUE_LINES_BYTES, 0, text,
                            sizeof(text));
    if (size == 0 || text[0] == LINE_SEEN) {
        return;
    }
    dialogue->line_bytes[dialogue->lines.tail & (DIALOGUE_LINES_BYTES - 1)] = LINE_SEEN;
    if (dialogue->is_in_line) {
        (void)output_put_text(output, "\r\n", 2);
        dialogue->is_in_line = 0;
    }
    (void)output_put_text(output, dialogue->editor.prompt, strlen(dialogue->editor.prompt));
    (void)output_put_text(output, text + 1, strnlen((const char *)text + 1, size - 1));
    (void)output_put_text(output, "\r\n", 2);
}

void dialogue_set_prompt(struct dialogue *dialogue, struct output *output, const char *prompt)
{
    hide(dialogue, output);
    line_editor_set_prompt(&dialogue->editor, prompt);
    if (dialogue->are_keys_wanted) {
        return;
    }
    if (ring_used(&dialogue->lines) > 0) {
        show_typed_ahead(dialogue, output);
        return;
    }
    dialogue->is_prompting = 1;
    show(dialogue, output);
}

void dialogue_take_keys(struct dialogue *dialogue, struct output *output, bool are_wanted)
{
    struct line_editor *editor = &dialogue->editor;
    uint8_t keys[DIALOGUE_KEYS];

    if (are_wanted) {
        hide(dialogue, output);
        dialogue->is_prompting = 0;
        dialogue->are_keys_wanted = 1;
        return;
    }
    dialogue->are_keys_wanted = 0;
    size_t count =
        ring_take(&dialogue->keys, dialogue->key_bytes, DIALOGUE_KEYS, keys, sizeof(keys));
    /* A sequence that has begun, and a CR, are later than these keys: the next byte belongs to it.
     */
    uint8_t escape = editor->escape, is_after_cr = editor->is_after_cr;
    editor->escape = 0;
    for (size_t i = 0; i < count; i++) { /* no time has gone by: the line stays hidden */
        (void)dialogue_type(dialogue, output, keys[i], dialogue->entered_ns);
    }
    editor->escape = escape;
    editor->is_after_cr = is_after_cr;
}

/* The first byte of the oldest line, NUL at its end: what is left of it stays a line. */
static uint8_t take_from_line(struct dialogue *dialogue)
{
    dialogue->lines.tail++; /* whether it was seen */
    uint8_t byte = ring_take_byte(&dialogue->lines, dialogue->line_bytes, DIALOGUE_LINES_BYTES);
    if (byte != '\0') {
        dialogue->lines.tail--;
        dialogue->line_bytes[dialogue->lines.tail & (DIALOGUE_LINES_BYTES - 1)] = LINE_UNSEEN;
    }
    return byte;
}

int dialogue_read_key(struct dialogue *dialogue)
{
    int key;

    if (!dialogue->are_keys_wanted) {
        return -EAGAIN;
    }
    while (ring_used(&dialogue->lines) > 0) {
        uint8_t byte = take_from_line(dialogue);
        if (byte < 0x80) {
            return byte != '\0' ? byte : '\r';
        }
    }
    while ((key = line_editor_take_byte(&dialogue->editor)) != 0) {
        if (key < 0x80) {
            return key;
        }
    }
    while (ring_used(&dialogue->keys) > 0) {
        uint8_t byte = ring_take_byte(&dialogue->keys, dialogue->key_bytes, DIALOGUE_KEYS);
        if (byte < 0x80) {
            return byte;
        }
    }
    return -EAGAIN;
}

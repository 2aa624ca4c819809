/* SPDX-License-Identifier: MIT */
/* Text above, the edited line below: see screen.h. */
#include "screen.h"

#include <errno.h>
#include <string.h>

/* Kept free of programs' text, so that there is room to echo keys and to draw the line again. */
#define ECHO_BYTES 1024u
/* When a command takes longer than this, or nobody reads lines, the line shows all the same. */
#define HIDDEN_NS 1000000000u
/* At most so much of a program's text is written by a call, as interrupts are off. */
#define WRITE_BYTES 1024u

enum { LINE_SEEN = 1, LINE_UNSEEN = 2 };

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

static void show(struct screen *screen, struct output *output)
{
    struct sketch sketch;

    if (screen->editor.is_shown || !screen->is_prompting) {
        return;
    }
    sketch_begin(&sketch);
    if (screen->is_in_line) {
        line_output_put(&sketch.output, "\r\n", 2);
        screen->is_in_line = 0;
    }
    line_editor_show(&screen->editor, &sketch.output);
    sketch_end(&sketch, output);
}

static void hide(struct screen *screen, struct output *output)
{
    struct sketch sketch;

    sketch_begin(&sketch);
    line_editor_hide(&screen->editor, &sketch.output);
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

size_t screen_write(struct screen *screen, struct output *output, const char *text, size_t size,
                    uint64_t now_ns)
{
    size_t room = output_text_room(output);
    size_t count = room > ECHO_BYTES ? fit(text, size, MIN(room - ECHO_BYTES, WRITE_BYTES)) : 0;
    if (count == 0) {
        return 0;
    }
    hide(screen, output);
    for (size_t i = 0; i < count; i++) {
        if (text[i] == '\n') {
            (void)output_put_text(output, "\r\n", 2);
        } else if (text[i] != '\0') {
            (void)output_put_text(output, &text[i], 1);
        }
    }
    screen->is_in_line = text[count - 1] != '\n';
    screen->text_ns = now_ns;
    if (!screen->is_in_line) {
        show(screen, output);
    }
    return count;
}

static bool queue_line(struct screen *screen, bool is_seen)
{
    size_t size = screen->editor.length + 1u;
    if (size + 1 > SCREEN_LINES_BYTES - ring_used(&screen->lines)) {
        screen->lines_dropped++;
        return false;
    }
    ring_put_byte(&screen->lines, screen->line_bytes, SCREEN_LINES_BYTES,
                  is_seen ? LINE_SEEN : LINE_UNSEEN);
    (void)ring_put(&screen->lines, screen->line_bytes, SCREEN_LINES_BYTES, screen->editor.line,
                   size);
    return true;
}

bool screen_type(struct screen *screen, struct output *output, uint8_t byte, uint64_t now_ns)
{
    struct sketch sketch;
    bool is_entered = false;

    if (!screen->is_prompting && now_ns - screen->entered_ns > HIDDEN_NS) {
        screen->is_prompting = 1;
    }
    show(screen, output);
    bool is_seen = screen->editor.is_shown;
    sketch_begin(&sketch);
    if (line_editor_feed(&screen->editor, byte, &sketch.output) == LINE_DONE) {
        is_entered = queue_line(screen, is_seen);
        if (!is_entered) {
            line_output_put(&sketch.output, "\a", 1);
        }
        line_editor_next(&screen->editor);
        screen->is_prompting = 0;
        screen->entered_ns = now_ns;
    }
    sketch_end(&sketch, output);
    return is_entered;
}

int screen_read_line(struct screen *screen, char *line, size_t size)
{
    size_t length = 0;
    uint8_t byte;

    if (ring_used(&screen->lines) == 0) {
        return -EAGAIN;
    }
    (void)ring_take_byte(&screen->lines, screen->line_bytes, SCREEN_LINES_BYTES);
    while ((byte = ring_take_byte(&screen->lines, screen->line_bytes, SCREEN_LINES_BYTES)) != 0) {
        if (length + 1 < size) {
            line[length++] = (char)byte;
        }
    }
    line[length] = '\0';
    return (int)length;
}

/* Shows the oldest line that waits as if it had been typed now. */
static void show_typed_ahead(struct screen *screen, struct output *output)
{
    uint8_t text[LINE_EDITOR_BYTES + 1];
    size_t size =
        ring_peek(&screen->lines, screen->line_bytes, SCREEN_LINES_BYTES, 0, text, sizeof(text));
    if (size == 0 || text[0] == LINE_SEEN) {
        return;
    }
    screen->line_bytes[screen->lines.tail & (SCREEN_LINES_BYTES - 1)] = LINE_SEEN;
    if (screen->is_in_line) {
        (void)output_put_text(output, "\r\n", 2);
        screen->is_in_line = 0;
    }
    (void)output_put_text(output, screen->editor.prompt, strlen(screen->editor.prompt));
    (void)output_put_text(output, text + 1, strnlen((const char *)text + 1, size - 1));
    (void)output_put_text(output, "\r\n", 2);
}

void screen_set_prompt(struct screen *screen, struct output *output, const char *prompt)
{
    hide(screen, output);
    line_editor_set_prompt(&screen->editor, prompt);
    if (ring_used(&screen->lines) > 0) {
        show_typed_ahead(screen, output);
        return;
    }
    screen->is_prompting = 1;
    show(screen, output);
}

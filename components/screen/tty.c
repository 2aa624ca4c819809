/* SPDX-License-Identifier: MIT */
/* Terminals: dialogues whose output goes to a vt at once. See tty.h. */
#include "tty.h"

#include <errno.h>
#include <string.h>

#include <lib/font.h>
#include <neurath/log.h>
#include <neurath/offer.h>
#include <neurath/time.h>

#define PIECE_BYTES 256u
#define LOG_RETRY_US 20000
#define LOG_PATIENCE_NS 100000000u /* how long the log waits for a program to end its line */

static_assert(OUTPUT_TEXT_BYTES >= DIALOGUE_OUTPUT_BYTES, "nothing is lost on the way");

/* What the dialogue has put out goes to the cells. Lock held. */
static void show(struct screen *screen, struct tty *tty)
{
    uint8_t piece[PIECE_BYTES];
    size_t count;
    while ((count = output_next(&screen->output, piece, sizeof(piece))) > 0) {
        output_sent(&screen->output, count);
        bool was_short = tty->vt.is_short;
        vt_write(&tty->vt, (const char *)piece, count);
        if (tty->vt.is_short && !was_short) {
            log_warning("screen: no memory for more of what scrolls away on tty%u",
                        (unsigned)(tty - screen->ttys) + 1);
        }
    }
}

int tty_write(struct screen *screen, uint32_t unit, const char *text, size_t size)
{
    if (size == 0 || unit >= TTYS) {
        return -EINVAL;
    }
    uint64_t now_ns = time_now_ns();
    uint64_t daif = spin_lock(&screen->lock);
    struct tty *tty = &screen->ttys[unit];
    size_t count = dialogue_write(&tty->dialogue, &screen->output, text, size, now_ns);
    show(screen, tty);
    spin_unlock(&screen->lock, daif);
    event_signal(&screen->redraw);
    return count > 0 ? (int)count : -EAGAIN;
}

int tty_read_line(struct screen *screen, uint32_t unit, char *line, size_t size)
{
    if (size == 0 || unit >= TTYS) {
        return -EINVAL;
    }
    uint64_t daif = spin_lock(&screen->lock);
    int result = dialogue_read_line(&screen->ttys[unit].dialogue, line, size);
    spin_unlock(&screen->lock, daif);
    return result;
}

int tty_set_prompt(struct screen *screen, uint32_t unit, const char *prompt)
{
    if (unit >= TTYS) {
        return -EINVAL;
    }
    uint64_t daif = spin_lock(&screen->lock);
    dialogue_set_prompt(&screen->ttys[unit].dialogue, &screen->output, prompt);
    show(screen, &screen->ttys[unit]);
    spin_unlock(&screen->lock, daif);
    event_signal(&screen->redraw);
    return 0;
}

int tty_take_keys(struct screen *screen, uint32_t unit, bool are_wanted)
{
    if (unit >= TTYS) {
        return -EINVAL;
    }
    uint64_t daif = spin_lock(&screen->lock);
    dialogue_take_keys(&screen->ttys[unit].dialogue, &screen->output, are_wanted);
    show(screen, &screen->ttys[unit]);
    spin_unlock(&screen->lock, daif);
    event_signal(&screen->redraw);
    return 0;
}

int tty_read_key(struct screen *screen, uint32_t unit)
{
    if (unit >= TTYS) {
        return -EINVAL;
    }
    uint64_t daif = spin_lock(&screen->lock);
    int key = dialogue_read_key(&screen->ttys[unit].dialogue);
    spin_unlock(&screen->lock, daif);
    return key;
}

void tty_type(struct screen *screen, uint32_t unit, const char *bytes, size_t size)
{
    bool has_line = false;
    uint64_t now_ns = time_now_ns();
    uint64_t daif = spin_lock(&screen->lock);
    struct tty *tty = &screen->ttys[unit];
    vt_scroll_view(&tty->vt, -(int)tty->vt.history);
    for (size_t i = 0; i < size; i++) {
        has_line |= dialogue_type(&tty->dialogue, &screen->output, (uint8_t)bytes[i], now_ns);
        show(screen, tty);
    }
    spin_unlock(&screen->lock, daif);
    if (has_line) {
        event_signal(&tty->line_ready);
    }
    event_signal(&screen->redraw);
}

void tty_scroll(struct screen *screen, uint32_t unit, bool is_up)
{
    uint64_t daif = spin_lock(&screen->lock);
    struct vt *vt = &screen->ttys[unit].vt;
    vt_scroll_view(vt, is_up ? (int)vt->rows / 2 : -(int)vt->rows / 2);
    spin_unlock(&screen->lock, daif);
    event_signal(&screen->redraw);
}

/* Length of the whole lines in the log's buffer; all of it, when it is full without one. */
static uint32_t whole_lines(const struct screen *screen)
{
    for (uint32_t i = screen->log_length; i > 0; i--) {
        if (screen->log_bytes[i - 1] == '\n') {
            return i;
        }
    }
    return screen->log_length == LOG_BYTES ? LOG_BYTES : 0;
}

int tty_show_log(struct screen *screen)
{
    int count = log_read(&screen->log_position, screen->log_bytes + screen->log_length,
                         LOG_BYTES - screen->log_length);
    if (count > 0) {
        screen->log_length += (uint32_t)count;
    }
    uint32_t length = whole_lines(screen);
    if (length == 0) {
        return count > 0 ? 0 : -EAGAIN;
    }
    uint64_t now_ns = time_now_ns();
    uint64_t daif = spin_lock(&screen->lock);
    struct tty *tty = &screen->ttys[0];
    size_t written = 0;
    if (!tty->dialogue.is_in_line || now_ns - tty->dialogue.text_ns > LOG_PATIENCE_NS) {
        if (tty->dialogue.is_in_line && output_put_text(&screen->output, "\r\n", 2)) {
            tty->dialogue.is_in_line = 0;
        }
        written =
            dialogue_write(&tty->dialogue, &screen->output, screen->log_bytes, length, now_ns);
        show(screen, tty);
    }
    spin_unlock(&screen->lock, daif);
    memmove(screen->log_bytes, screen->log_bytes + written, screen->log_length - written);
    screen->log_length -= (uint32_t)written;
    event_signal(&screen->redraw);
    return written > 0 ? 0 : LOG_RETRY_US;
}

static int start_one(struct screen *screen, uint32_t unit, const struct display_mode *mode)
{
    struct tty *tty = &screen->ttys[unit];
    uint32_t height = mode->height - (unit == 0 ? draw_logo_height(screen) : 0);
    uint32_t columns = MIN(mode->width / (FONT_WIDTH * screen->scale), VT_COLUMNS_MAX);
    uint32_t rows = MIN(height / (FONT_HEIGHT * screen->scale), VT_ROWS_MAX);
    event_init(&tty->line_ready);
    event_init(&tty->writable);
    return vt_start(&tty->vt, columns, rows, rows + VT_HISTORY);
}

int ttys_start(struct screen *screen, const struct display_mode *mode,
               const struct terminal_ops *ops)
{
    char name[] = "tty1";
    int result = 0;

    for (uint32_t unit = 0; unit < TTYS && result >= 0; unit++) {
        name[3] = (char)('1' + unit);
        result = start_one(screen, unit, mode);
        if (result == 0) {
            result = display_open(unit + 1, name);
        }
        struct terminal_ops offered = *ops;
        offered.unit = unit;
        offered.columns = (uint16_t)screen->ttys[unit].vt.columns;
        offered.rows = (uint16_t)screen->ttys[unit].vt.rows;
        offered.writable = &screen->ttys[unit].writable;
        offered.line_ready = &screen->ttys[unit].line_ready;
        if (result == 0) {
            result = offer_add(TERMINAL_KIND, name, &offered, sizeof(offered));
        }
    }
    if (result >= 0) { /* the log fills the first anyway: what is free is not to change with it */
        vt_fill(&screen->ttys[0].vt);
    }
    return MIN(result, 0);
}

/* SPDX-License-Identifier: MIT */
/*
 * The component's state, shared by its parts: terminals (tty.c), what is seen of them (draw.c),
 * keys and workers (screen.c).
 */
#pragma once

#include <interface/display.h>
#include <interface/keyboard.h>
#include <interface/terminal.h>
#include <lib/dialogue.h>
#include <lib/output.h>
#include <lib/turn.h>
#include <neurath/cpu.h>

#include "vt.h"

#define TTYS 4u /* on layers 1 to TTYS */
#define KEYBOARDS 4u
#define LOG_BYTES 512u

struct tty {
    struct event line_ready;
    struct event writable; /* never signalled: a tty takes all */
    struct vt vt;
    struct dialogue dialogue;
};

struct keyboard {
    uint32_t id; /* of the offer; 0: free */
    int32_t worker;
    struct keyboard_ops ops;
};

struct screen {
    struct event redraw;
    uint64_t next_draw_ns; /* not before that */
    uint32_t has_display;
    uint32_t width, scale; /* of the picture; pixels of it for each of the font's */
    uint32_t *strip;       /* pages: some cells of a row of text, or a row of pixels of the logo */
    uint32_t strip_cells;

    struct turn drawing; /* its holder may touch the next two, and the strip */
    uint32_t drawn;      /* the layer that was drawn last */
    uint32_t is_logo_due;

    uint64_t log_position; /* these three: of the log's worker alone */
    uint32_t log_length;
    char log_bytes[LOG_BYTES];

    uint32_t is_caps_locked;
    struct keyboard keyboards[KEYBOARDS]; /* of the watcher's worker; read under the lock */

    struct spinlock lock; /* guards what follows */
    struct tty ttys[TTYS];
    struct output output; /* on the way from a dialogue to its vt; empty between calls */
};

/*
 * Makes terminals of a display's size, and offers them; ops: the functions, without unit, size and
 * events. < 0: as offer_add(), -ENOMEM.
 */
int ttys_start(struct screen *screen, const struct display_mode *mode,
               const struct terminal_ops *ops);

/* As those of struct terminal_ops. */
int tty_write(struct screen *screen, uint32_t unit, const char *text, size_t size);
int tty_read_line(struct screen *screen, uint32_t unit, char *line, size_t size);
int tty_set_prompt(struct screen *screen, uint32_t unit, const char *prompt);
int tty_take_keys(struct screen *screen, uint32_t unit, bool are_wanted);
int tty_read_key(struct screen *screen, uint32_t unit);

/* Types on a terminal (unit from 0). Context: thread. */
void tty_type(struct screen *screen, uint32_t unit, const char *bytes, size_t size);

/* Scrolls what is seen of a terminal by half a screen. Context: thread. */
void tty_scroll(struct screen *screen, uint32_t unit, bool is_up);

/* Shows the log's next lines on the first terminal. Returns the worker's result. */
int tty_show_log(struct screen *screen);

/* Draws what has changed on the terminal that is shown. Context: thread. */
void draw(struct screen *screen);

/* Of the logo, in pixels; the first terminal begins below it. */
uint32_t draw_logo_height(const struct screen *screen);

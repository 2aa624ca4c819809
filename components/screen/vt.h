/* SPDX-License-Identifier: MIT */
/*
 * A terminal: text with control sequences in, rows of cells out, with those that scrolled away.
 *
 * Understands UTF-8 and of ECMA-48: BS HT LF CR, CUU CUD CUF CUB CHA CUP VPA CNL CPL, ED, EL, SGR
 * with 16 colours, cursor saved, restored, hidden; what else comes is passed over. The cells lie in
 * one ring of lines: the screen is the last `rows` of them. It grows by a page when a line scrolls
 * away, as long as it may and there is memory; else the oldest line goes. No locking. Context: any
 * but rendezvous.
 */
#pragma once

#include <neurath/compiler.h>
#include <neurath/page.h>

#define VT_ROWS_MAX 128u
#define VT_COLUMNS_MAX 256u
#define VT_HISTORY 400u
#define VT_LINES_MAX (VT_ROWS_MAX + VT_HISTORY)
#define VT_PARAMETERS 8u

/* There are many: so they are packed. */
struct cell {
    uint16_t character; /* of Unicode's first plane; 0: never written, a space */
    uint8_t colours;    /* foreground, from bit 4 on background; 0-7 plain, 8-15 bright */
} __attribute__((packed));

#define VT_COLOURS 0x07u /* light grey on black */

#define VT_PAGE_CELLS (PAGE_BYTES / (uint32_t)sizeof(struct cell))
#define VT_PAGES (VT_LINES_MAX / (VT_PAGE_CELLS / VT_COLUMNS_MAX) + 1)

struct vt {
    struct cell *pages[VT_PAGES]; /* page_lines lines each */
    uint32_t page_lines;
    uint32_t columns, rows;
    uint32_t lines, lines_max; /* in the ring: now; at most */
    uint32_t is_short;         /* 1: there was no memory when a line more was wanted last */
    uint32_t top;              /* line of the screen's first row */
    uint32_t history;          /* lines above it that hold something */
    uint32_t view;             /* so many lines further up is what is shown */
    uint32_t column, row;      /* of the cursor */
    uint32_t is_at_end;        /* 1: the last column was written; the next character wraps */
    uint32_t saved_column, saved_row;
    uint32_t is_cursor_hidden;
    uint8_t foreground, background, is_bold, is_inverse;
    uint8_t is_bright; /* 1: a bright foreground was asked for by its number */
    uint8_t scan;      /* where in a control sequence it is */
    uint8_t is_private;
    uint8_t parameter_count;
    uint16_t parameters[VT_PARAMETERS];
    uint32_t partial; /* of a character in UTF-8 */
    uint32_t partial_left, partial_least;
    uint64_t dirty[VT_ROWS_MAX / 64]; /* rows to be drawn again */
};

/* rows <= lines_max <= VT_LINES_MAX. 0; -ENOMEM: there is none for the screen. */
int vt_start(struct vt *vt, uint32_t columns, uint32_t rows, uint32_t lines_max);

/* Takes the memory of all lines now, as far as there is any, so that none is taken later. */
void vt_fill(struct vt *vt);

void vt_write(struct vt *vt, const char *text, size_t size);

/* Shows what is `rows` further up (> 0) or down (< 0), as far as there is any. */
void vt_scroll_view(struct vt *vt, int rows);

/* A row as shown: `columns` cells. */
const struct cell *vt_row(const struct vt *vt, uint32_t row);

/* The row in which the cursor is shown; VT_ROWS_MAX: it is not. */
uint32_t vt_cursor_row(const struct vt *vt);

/* Whether a row is to be drawn; it is not any more. */
bool vt_take_dirty(struct vt *vt, uint32_t row);
void vt_mark(struct vt *vt, uint32_t row);
void vt_mark_all(struct vt *vt);

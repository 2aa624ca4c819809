/* SPDX-License-Identifier: MIT */
/* The terminal: see vt.h. */
#include "vt.h"

#include <errno.h>
#include <string.h>

#include <neurath/component.h>

#define REPLACEMENT 0xfffdu
#define PARAMETER_MAX 9999u

enum scan {
    SCAN_TEXT,
    SCAN_ESCAPE,
    SCAN_CSI,
    SCAN_CSI_ODD, /* with an intermediate byte: none that is known */
    SCAN_STRING,  /* OSC and the like: up to BEL or ST */
    SCAN_STRING_ESCAPE,
};

static struct cell *line_of(const struct vt *vt, uint32_t row)
{
    uint32_t line = (vt->top + row) % vt->lines;
    return vt->pages[line / vt->page_lines] + (size_t)(line % vt->page_lines) * vt->columns;
}

const struct cell *vt_row(const struct vt *vt, uint32_t row)
{
    return line_of(vt, vt->lines - vt->view + row);
}

uint32_t vt_cursor_row(const struct vt *vt)
{
    uint32_t row = vt->row + vt->view;
    return vt->is_cursor_hidden || row >= vt->rows ? VT_ROWS_MAX : row;
}

void vt_mark(struct vt *vt, uint32_t row)
{
    if (row < VT_ROWS_MAX) {
        vt->dirty[row / 64] |= 1ull << row % 64;
    }
}

void vt_mark_all(struct vt *vt)
{
    for (uint32_t row = 0; row < vt->rows; row++) {
        vt_mark(vt, row);
    }
}

bool vt_take_dirty(struct vt *vt, uint32_t row)
{
    uint64_t bit = 1ull << row % 64;
    bool is_dirty = vt->dirty[row / 64] & bit;
    vt->dirty[row / 64] &= ~bit;
    return is_dirty;
}

/* A row of the screen, as it is shown now. */
static void mark_shown(struct vt *vt, uint32_t row)
{
    if (row + vt->view < vt->rows) {
        vt_mark(vt, row + vt->view);
    }
}

static void reset_colours(struct vt *vt)
{
    vt->foreground = VT_COLOURS & 15;
    vt->background = VT_COLOURS >> 4;
    vt->is_bold = vt->is_inverse = vt->is_bright = 0;
}

static uint8_t colours_of(const struct vt *vt)
{
    unsigned foreground = vt->foreground | (vt->is_bold || vt->is_bright ? 8u : 0);
    unsigned background = vt->background;
    return (uint8_t)(vt->is_inverse ? background | foreground << 4 : foreground | background << 4);
}

/* Cells from (inclusive) to (not) of a row become spaces in the present background. */
static void erase(struct vt *vt, uint32_t row, uint32_t from, uint32_t to)
{
    struct cell *cells = line_of(vt, row);
    for (uint32_t i = from; i < to; i++) {
        cells[i] = (struct cell){.colours = (uint8_t)(vt->background << 4 | vt->foreground)};
    }
    mark_shown(vt, row);
}

/* A page more of lines, behind the last. */
static int grow(struct vt *vt)
{
    struct cell *cells = page_mark_plain(page_allocate(1));
    if (!cells) {
        return -ENOMEM;
    }
    vt->pages[vt->lines / vt->page_lines] = cells;
    vt->lines = MIN(vt->lines + vt->page_lines, vt->lines_max);
    return 0;
}

int vt_start(struct vt *vt, uint32_t columns, uint32_t rows, uint32_t lines_max)
{
    *vt = (struct vt){.page_lines = VT_PAGE_CELLS / columns,
                      .columns = columns,
                      .rows = rows,
                      .lines_max = lines_max};
    reset_colours(vt);
    while (vt->lines < rows) {
        int result = grow(vt);
        if (result < 0) {
            return result;
        }
    }
    for (uint32_t row = 0; row < rows; row++) {
        erase(vt, row, 0, columns);
    }
    return 0;
}

void vt_fill(struct vt *vt)
{
    while (vt->lines < vt->lines_max && grow(vt) == 0) {
    }
}

/* What is shown stays put while somebody looks at what was before. */
static void scroll(struct vt *vt)
{
    bool is_in_order = vt->top + vt->rows == vt->lines; /* nothing older lies behind the screen */
    if (is_in_order && vt->lines < vt->lines_max) {
        vt->is_short = grow(vt) < 0;
    }
    vt->top = (vt->top + 1) % vt->lines;
    if (vt->history < vt->lines - vt->rows) {
        vt->history++;
    }
    if (vt->view > 0 && vt->view < vt->history) {
        vt->view++;
    }
    erase(vt, vt->rows - 1, 0, vt->columns);
    vt_mark_all(vt);
}

static void go_to(struct vt *vt, uint32_t row, uint32_t column)
{
    mark_shown(vt, vt->row);
    vt->row = MIN(row, vt->rows - 1);
    vt->column = MIN(column, vt->columns - 1);
    vt->is_at_end = 0;
    mark_shown(vt, vt->row);
}

static void line_feed(struct vt *vt)
{
    mark_shown(vt, vt->row);
    if (vt->row + 1 == vt->rows) {
        scroll(vt);
    } else {
        vt->row++;
    }
    vt->is_at_end = 0;
    mark_shown(vt, vt->row);
}

static void put(struct vt *vt, uint32_t character)
{
    if (character >= 0x300 && character < 0x370) {
        return; /* combining marks: a cell holds one character */
    }
    if (vt->is_at_end) {
        vt->column = 0;
        line_feed(vt);
    }
    line_of(vt, vt->row)[vt->column] = (struct cell){
        .character = character > 0xffff ? REPLACEMENT : (uint16_t)character,
        .colours = colours_of(vt),
    };
    mark_shown(vt, vt->row);
    if (vt->column + 1 == vt->columns) {
        vt->is_at_end = 1;
    } else {
        vt->column++;
    }
}

/* Parameter `index`, or what it is when it was left out or 0. */
static uint32_t parameter(const struct vt *vt, unsigned index, uint32_t otherwise)
{
    uint32_t value = index < vt->parameter_count ? vt->parameters[index] : 0;
    return value != 0 ? value : otherwise;
}

/* 38 and 48: 5, number of a colour; 2, red, green, blue. Returns how many more it took. */
static unsigned set_extended(struct vt *vt, unsigned index, bool is_background)
{
    if (parameter(vt, index + 1, 0) == 2) {
        return 4; /* too fine for us */
    }
    uint32_t colour = parameter(vt, index + 2, 0);
    if (parameter(vt, index + 1, 0) == 5 && colour < 16 && is_background) {
        vt->background = (uint8_t)colour;
    } else if (parameter(vt, index + 1, 0) == 5 && colour < 16) {
        vt->foreground = colour & 7;
        vt->is_bright = colour > 7;
    }
    return 2;
}

/* One of SGR's numbers, ECMA-48 8.3.117; 90 and 100 up are xterm's. Returns how many more it took.
 */
static unsigned set_attribute(struct vt *vt, unsigned index)
{
    uint32_t value = parameter(vt, index, 0);
    if (value == 0) {
        reset_colours(vt);
    } else if (value == 1 || value == 22) {
        vt->is_bold = value == 1;
    } else if (value == 7 || value == 27) {
        vt->is_inverse = value == 7;
    } else if ((value >= 30 && value <= 37) || (value >= 90 && value <= 97)) {
        vt->foreground = (uint8_t)(value % 10);
        vt->is_bright = value >= 90;
    } else if (value >= 40 && value <= 47) {
        vt->background = (uint8_t)(value - 40);
    } else if (value >= 100 && value <= 107) {
        vt->background = (uint8_t)(value - 100 + 8);
    } else if (value == 39) {
        vt->foreground = VT_COLOURS & 15;
        vt->is_bright = 0;
    } else if (value == 49) {
        vt->background = VT_COLOURS >> 4;
    } else if (value == 38 || value == 48) {
        return set_extended(vt, index, value == 48);
    }
    return 0;
}

static void select_graphics(struct vt *vt)
{
    for (unsigned i = 0; i < MAX(vt->parameter_count, 1u); i++) {
        i += set_attribute(vt, i);
    }
}

/* ED and EL: 0 from the cursor on, 1 up to it, 2 all. */
static void erase_line(struct vt *vt, uint32_t how)
{
    erase(vt, vt->row, how == 0 ? vt->column : 0, how == 1 ? vt->column + 1 : vt->columns);
}

static void erase_display(struct vt *vt, uint32_t how)
{
    for (uint32_t row = how == 0 ? vt->row + 1 : 0; row < (how == 1 ? vt->row : vt->rows); row++) {
        erase(vt, row, 0, vt->columns);
    }
    if (how < 2) {
        erase_line(vt, how);
    }
}

static void save_cursor(struct vt *vt)
{
    vt->saved_row = vt->row;
    vt->saved_column = vt->column;
}

static void move_rows(struct vt *vt, uint32_t count, bool is_up, uint32_t column)
{
    go_to(vt, is_up ? vt->row - MIN(count, vt->row) : vt->row + count, column);
}

/* The end of a control sequence. */
static void obey(struct vt *vt, char final)
{
    uint32_t count = parameter(vt, 0, 1);
    if (vt->is_private) {
        if ((final == 'h' || final == 'l') && parameter(vt, 0, 0) == 25) {
            vt->is_cursor_hidden = final == 'l';
            mark_shown(vt, vt->row);
        }
    } else if (final == 'A' || final == 'B') {
        move_rows(vt, count, final == 'A', vt->column);
    } else if (final == 'E' || final == 'F') {
        move_rows(vt, count, final == 'F', 0);
    } else if (final == 'C') {
        go_to(vt, vt->row, vt->column + count);
    } else if (final == 'D') {
        go_to(vt, vt->row, vt->column - MIN(count, vt->column));
    } else if (final == 'G') {
        go_to(vt, vt->row, count - 1);
    } else if (final == 'd') {
        go_to(vt, count - 1, vt->column);
    } else if (final == 'H' || final == 'f') {
        go_to(vt, count - 1, parameter(vt, 1, 1) - 1);
    } else if (final == 'J') {
        erase_display(vt, parameter(vt, 0, 0));
    } else if (final == 'K') {
        erase_line(vt, parameter(vt, 0, 0));
    } else if (final == 'm') {
        select_graphics(vt);
    } else if (final == 's') {
        save_cursor(vt);
    } else if (final == 'u') {
        go_to(vt, vt->saved_row, vt->saved_column);
    }
}

static void scan_csi(struct vt *vt, uint8_t byte)
{
    if (byte >= '0' && byte <= '9' && vt->scan == SCAN_CSI) {
        vt->parameter_count = MAX(vt->parameter_count, 1);
        uint16_t *value = &vt->parameters[vt->parameter_count - 1];
        *value = (uint16_t)MIN(*value * 10u + byte - '0', PARAMETER_MAX);
    } else if (byte == ';' && vt->scan == SCAN_CSI) {
        vt->parameter_count = (uint8_t)MIN(MAX(vt->parameter_count, 1) + 1u, VT_PARAMETERS);
        vt->parameters[vt->parameter_count - 1] = 0;
    } else if (byte == '?') {
        vt->is_private = 1;
    } else if (byte >= 0x40 && byte <= 0x7e) {
        bool is_known = vt->scan == SCAN_CSI;
        vt->scan = SCAN_TEXT;
        if (is_known) {
            obey(vt, (char)byte);
        }
    } else {
        vt->scan = SCAN_CSI_ODD;
    }
}

static void scan_escape(struct vt *vt, uint8_t byte)
{
    vt->scan = SCAN_TEXT;
    if (byte == '[') {
        vt->scan = SCAN_CSI;
        vt->is_private = vt->parameter_count = 0;
        memset(vt->parameters, 0, sizeof(vt->parameters));
    } else if (byte == ']' || byte == 'P' || byte == 'X' || byte == '^' || byte == '_') {
        vt->scan = SCAN_STRING;
    } else if (byte == '7') {
        save_cursor(vt);
    } else if (byte == '8') {
        go_to(vt, vt->saved_row, vt->saved_column);
    } else if (byte == 'c') {
        reset_colours(vt);
        vt->is_cursor_hidden = 0;
        erase_display(vt, 2);
        go_to(vt, 0, 0);
    } else if (byte >= 0x20 && byte <= 0x2f) {
        vt->scan = SCAN_ESCAPE; /* one of more bytes: a character set, which we have not */
    }
}

static void control(struct vt *vt, uint8_t byte)
{
    if (byte == '\b') {
        go_to(vt, vt->row, vt->column - MIN(1u, vt->column));
    } else if (byte == '\t') {
        go_to(vt, vt->row, (vt->column / 8 + 1) * 8);
    } else if (byte == '\n' || byte == '\v' || byte == '\f') {
        line_feed(vt);
    } else if (byte == '\r') {
        go_to(vt, vt->row, 0);
    }
}

/* RFC 3629: what is not well-formed shows as one sign for each beginning of it. */
static void scan_text(struct vt *vt, uint8_t byte)
{
    if ((byte & 0xc0) == 0x80) {
        if (vt->partial_left == 0) {
            put(vt, REPLACEMENT);
            return;
        }
        vt->partial = vt->partial << 6 | (byte & 0x3fu);
        if (--vt->partial_left == 0) {
            bool is_wrong = vt->partial < vt->partial_least || vt->partial > 0x10ffff ||
                            (vt->partial >= 0xd800 && vt->partial < 0xe000);
            put(vt, is_wrong ? REPLACEMENT : vt->partial);
        }
        return;
    }
    if (vt->partial_left > 0) {
        vt->partial_left = 0;
        put(vt, REPLACEMENT);
    }
    if (byte < 0x80) {
        put(vt, byte);
    } else if (byte < 0xf8) {
        vt->partial_left = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
        vt->partial_least = byte < 0xe0 ? 0x80 : byte < 0xf0 ? 0x800 : 0x10000;
        vt->partial = byte & (0x3fu >> vt->partial_left);
    } else {
        put(vt, REPLACEMENT);
    }
}

static void take(struct vt *vt, uint8_t byte)
{
    if (vt->scan == SCAN_STRING || vt->scan == SCAN_STRING_ESCAPE) {
        bool is_end = byte == '\a' || (vt->scan == SCAN_STRING_ESCAPE && byte == '\\');
        vt->scan = is_end ? SCAN_TEXT : byte == '\033' ? SCAN_STRING_ESCAPE : SCAN_STRING;
    } else if (byte == '\033') {
        vt->scan = SCAN_ESCAPE;
    } else if (byte < 0x20 || byte == 0x7f) {
        vt->partial_left = 0;
        control(vt, byte);
    } else if (vt->scan == SCAN_ESCAPE) {
        scan_escape(vt, byte);
    } else if (vt->scan == SCAN_CSI || vt->scan == SCAN_CSI_ODD) {
        scan_csi(vt, byte);
    } else {
        scan_text(vt, byte);
    }
}

void vt_write(struct vt *vt, const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        take(vt, (uint8_t)text[i]);
    }
}

void vt_scroll_view(struct vt *vt, int rows)
{
    int64_t view = (int64_t)vt->view + rows;
    uint32_t before = vt->view;
    vt->view = (uint32_t)(view < 0 ? 0 : MIN(view, (int64_t)vt->history));
    if (vt->view != before) {
        vt_mark_all(vt);
    }
}

/* SPDX-License-Identifier: MIT */
/* The terminals as a whole, on a display that the test plays: what is drawn, what memory it takes.
 */
#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>

/* The nucleus's part, under names of this test's own: all tests are linked into one program. */
#define component_self screen_test_self
#define display_blit screen_test_blit
#define display_changed screen_test_changed
#define display_close screen_test_close
#define display_flush screen_test_flush
#define display_open screen_test_open
#define display_read_layer screen_test_read_layer
#define display_read_mode screen_test_read_mode
#define display_show screen_test_show
#define event_init_owned screen_test_event_init
#define event_signal screen_test_event_signal
#define log_event screen_test_log_event
#define log_read screen_test_log_read
#define log_write screen_test_log_write
#define offer_add_owned screen_test_offer_add
#define offer_event screen_test_offer_event
#define offer_find screen_test_offer_find
#define page_allocate_owned screen_test_page_allocate
#define page_mark_plain screen_test_page_mark_plain
#define time_now_ns screen_test_time_now_ns
#define worker_start_owned screen_test_worker_start
#define worker_stop_owned screen_test_worker_stop
/* So are those of test_vt.c. */
#define vt_cursor_row screen_test_vt_cursor_row
#define vt_fill screen_test_vt_fill
#define vt_mark screen_test_vt_mark
#define vt_mark_all screen_test_vt_mark_all
#define vt_row screen_test_vt_row
#define vt_scroll_view screen_test_vt_scroll_view
#define vt_start screen_test_vt_start
#define vt_take_dirty screen_test_vt_take_dirty
#define vt_write screen_test_vt_write

#include "draw.c"
#include "logo.c"
#include "screen.c"
#include "tty.c"
#include "vt.c"

#define WIDTH_MAX 1920u
#define HEIGHT_MAX 1080u
#define UNIT 1u /* the second terminal: no logo above it */

struct component {
    int unused;
};
struct component component_self;

static struct display_mode mode = {640, 480, 1, UNIT + 1};
static uint32_t picture[HEIGHT_MAX][WIDTH_MAX];
static struct terminal_ops terminals[TTYS];
static struct event event;
static uint8_t memory[256][PAGE_BYTES] __attribute__((aligned(8)));
static size_t taken, limit = ARRAY_SIZE(memory);
static char said[512];

int display_read_mode(struct display_mode *read)
{
    *read = mode;
    return 0;
}

int display_open(uint32_t layer, const char *name)
{
    (void)name;
    return layer <= TTYS ? 0 : -EINVAL;
}

int display_close(uint32_t layer)
{
    (void)layer;
    return 0;
}

int display_show(uint32_t layer)
{
    mode.shown = layer;
    return 0;
}

int display_read_layer(uint32_t layer, struct display_layer *info)
{
    (void)layer;
    (void)info;
    return -EINVAL;
}

int display_blit(uint32_t layer, const struct display_area *area, const uint32_t *pixels,
                 size_t stride)
{
    cr_assert_eq(layer, mode.shown);
    cr_assert(area->x + area->width <= mode.width && area->y + area->height <= mode.height);
    for (uint32_t y = 0; y < area->height; y++) {
        memcpy(&picture[area->y + y][area->x], pixels + y * stride, sizeof(*pixels) * area->width);
    }
    return 0;
}

int display_flush(uint32_t layer)
{
    return layer == mode.shown ? 0 : -EAGAIN;
}

struct event *display_changed(void)
{
    return &event;
}

void event_init_owned(struct event *initialised, struct component *owner)
{
    (void)initialised;
    (void)owner;
}

void event_signal(struct event *signalled)
{
    (void)signalled;
}

struct event *log_event(void)
{
    return &event;
}

int log_read(uint64_t *position, char *buffer, size_t size)
{
    (void)position;
    (void)buffer;
    (void)size;
    return -EAGAIN;
}

void log_write(enum log_level level, const char *format, ...)
{
    size_t used = strlen(said);
    va_list arguments;
    (void)level;
    va_start(arguments, format);
    (void)vsnprintf(said + used, sizeof(said) - used, format, arguments);
    va_end(arguments);
    strncat(said, "\n", sizeof(said) - strlen(said) - 1);
}

int offer_add_owned(const char *kind, const char *name, const void *table, size_t size,
                    struct component *owner)
{
    (void)name;
    (void)owner;
    if (strcmp(kind, TERMINAL_KIND) == 0) {
        struct terminal_ops ops;
        cr_assert_eq(size, sizeof(ops));
        memcpy(&ops, table, sizeof(ops));
        terminals[ops.unit] = ops;
    }
    return 1;
}

struct event *offer_event(void)
{
    return &event;
}

int offer_find(const char *kind, const char *name, uint32_t after, struct offer *offer)
{
    (void)kind;
    (void)name;
    (void)after;
    (void)offer;
    return -ENOENT;
}

void *page_allocate_owned(size_t count, struct component *owner)
{
    cr_assert_eq(owner, &component_self);
    if (count > limit - taken) {
        return NULL;
    }
    taken += count;
    return memory[taken - count];
}

void *page_mark_plain(void *pages)
{
    return pages;
}

uint64_t time_now_ns(void)
{
    return 0;
}

int worker_start_owned(const struct worker_config *config, struct component *owner)
{
    (void)config;
    (void)owner;
    return 1;
}

int worker_stop_owned(int worker, struct component *owner)
{
    (void)worker;
    (void)owner;
    return 0;
}

static void say(uint32_t unit, const char *text)
{
    cr_assert_eq(terminals[unit].write(unit, text, strlen(text)), (int)strlen(text));
}

static void say_numbers(uint32_t unit, unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++) {
        char line[16];
        (void)snprintf(line, sizeof(line), "%u\n", i);
        say(unit, line);
    }
}

/* What stands at the start of a row of cells. */
static void expect_row(uint32_t unit, uint32_t row, const char *wanted)
{
    const struct cell *cells = vt_row(&state.ttys[unit].vt, row);
    for (size_t i = 0; wanted[i] != '\0'; i++) {
        cr_expect_eq(cells[i].character, (uint8_t)wanted[i], "row %u, not %s", row, wanted);
    }
}

/* The whole screen, as its cells say. */
static void expect_picture(uint32_t scale)
{
    const struct vt *vt = &state.ttys[UNIT].vt;
    cr_assert_eq(vt->columns, mode.width / FONT_WIDTH / scale);
    for (uint32_t y = 0; y < vt->rows * FONT_HEIGHT * scale; y++) {
        const struct cell *cells = vt_row(vt, y / scale / FONT_HEIGHT);
        bool is_cursor = y / scale / FONT_HEIGHT == vt->row &&
                         y / scale % FONT_HEIGHT >= FONT_HEIGHT - CURSOR_ROWS;
        for (uint32_t x = 0; x < mode.width; x++) {
            const struct cell *cell = &cells[x / scale / FONT_WIDTH];
            uint8_t rows[FONT_HEIGHT];
            (void)font_draw(cell->character != 0 ? cell->character : ' ', rows);
            bool is_ink = rows[y / scale % FONT_HEIGHT] & 0x80 >> x / scale % FONT_WIDTH;
            is_ink |= is_cursor && x / scale / FONT_WIDTH == vt->column;
            uint32_t wanted = palette[is_ink ? cell->colours & 15 : cell->colours >> 4];
            cr_assert_eq(picture[y][x], wanted, "%u, %u: %06x", x, y, picture[y][x]);
        }
    }
}

static void draw_text(uint32_t scale)
{
    cr_assert_eq(start(), 0);
    memset(picture, 0xff, sizeof(picture));
    say(UNIT, "\033[2;1H\033[33;44m");
    for (uint32_t i = 0; i < 3 * state.ttys[UNIT].vt.columns; i++) {
        char letter[] = {(char)('!' + i % 90), '\0'};
        say(UNIT, letter);
    }
    say(UNIT, "\033[0m\033[5;3H");
    draw(&state);
    expect_picture(scale);
}

Test(screen, draws_each_cell)
{
    draw_text(1);
}

Test(screen, draws_each_cell_larger_on_a_large_display)
{
    mode.width = WIDTH_MAX;
    mode.height = HEIGHT_MAX;
    draw_text(2);
}

Test(screen, draws_each_cell_where_the_last_are_few)
{
    mode.width = 103 * FONT_WIDTH;
    draw_text(1);
}

Test(screen, its_terminals_begin_with_what_is_seen_of_them)
{
    cr_assert_eq(start(), 0);
    for (uint32_t unit = 0; unit < TTYS; unit++) {
        cr_assert_eq(terminals[unit].set_prompt(unit, "neurath> "), 0);
        expect_row(unit, 0, "neurath> ");
    }
    cr_expect_leq(taken, 1 + 2 * TTYS + 25, "%zu pages", taken); /* the first has all of it */
}

Test(screen, a_terminal_takes_memory_for_what_scrolls_away)
{
    cr_assert_eq(start(), 0);
    size_t before = taken;
    say_numbers(UNIT, 0, 1000);
    expect_row(UNIT, 0, "971");
    cr_expect(taken > before + 20 && taken < before + 30, "%zu pages", taken - before);
    tty_scroll(&state, UNIT, true);
    expect_row(UNIT, 0, "956");
    vt_scroll_view(&state.ttys[UNIT].vt, 1000);
    expect_row(UNIT, 0, "571");
    cr_expect_str_eq(said, "");
}

Test(screen, says_once_that_there_is_no_memory_and_goes_on)
{
    cr_assert_eq(start(), 0);
    limit = taken;
    say_numbers(UNIT, 0, 200);
    cr_expect_str_eq(said, "screen: no memory for more of what scrolls away on tty2\n");
    expect_row(UNIT, 0, "171");
    expect_row(UNIT, 28, "199");
    limit = ARRAY_SIZE(memory);
    say_numbers(UNIT, 200, 700);
    vt_scroll_view(&state.ttys[UNIT].vt, 1000);
    expect_row(UNIT, 0, "271");
    cr_expect_str_eq(said, "screen: no memory for more of what scrolls away on tty2\n");
    cr_expect_eq(health(), 0);
}

Test(screen, does_not_start_without_memory_for_its_terminals)
{
    for (limit = 0; start() == -ENOMEM; limit++) {
        memset(&state, 0, sizeof(state));
        taken = 0;
    }
    cr_expect_eq(limit, 1 + 2 * TTYS);
}

/* SPDX-License-Identifier: MIT */
/*
 * The screen: text terminals on the display, typed on by the keyboards there are.
 *
 * Terminals are offered (interface/terminal.h), so the shell serves them; each is a layer of the
 * display, and Alt with F1 to F12 shows another layer, whoever's. What is written goes to cells
 * under the lock, and from there to pixels by whoever has the turn `drawing` (draw.c). A worker
 * each follows the display, the log, the keyboards; and one reads each keyboard. Cells and strip
 * are pages of ours, so a replacement goes on with the text as it stands; it draws all of it again.
 */
#include <errno.h>
#include <string.h>

#include <interface/command.h>
#include <lib/font.h>
#include <neurath/log.h>
#include <neurath/offer.h>
#include <neurath/page.h>
#include <neurath/thread.h>
#include <neurath/time.h>

#include "keys.h"
#include "logo.h"
#include "tty.h"

#define KEYS_AT_ONCE 16u
#define LARGE_WIDTH 1600u /* from here on a letter is drawn twice as large */
#define DRAW_PERIOD_NS 20000000u
#define STRIP_PAGE_CELLS (PAGE_BYTES / (sizeof(uint32_t) * FONT_WIDTH * FONT_HEIGHT))

static_assert(STRIP_PAGE_CELLS >= 4, "one of twice the size");
static_assert(LOGO_HEIGHT >= FONT_HEIGHT && LOGO_HEIGHT % FONT_HEIGHT == 0, "rows of text");

STATE(struct screen) state = {};

static int write_text(uint32_t unit, const char *text, size_t size)
{
    return tty_write(&state, unit, text, size);
}

static int read_line(uint32_t unit, char *line, size_t size)
{
    return tty_read_line(&state, unit, line, size);
}

static int set_prompt(uint32_t unit, const char *prompt)
{
    return tty_set_prompt(&state, unit, prompt);
}

static int take_keys(uint32_t unit, bool are_wanted)
{
    return tty_take_keys(&state, unit, are_wanted);
}

static int read_key(uint32_t unit)
{
    return tty_read_key(&state, unit);
}

static void press(const struct key_event *event)
{
    struct display_mode mode;
    struct keys_meaning meaning = keys_read(event, state.is_caps_locked);

    if (meaning.action == KEYS_LOCK) {
        state.is_caps_locked = !state.is_caps_locked;
        return;
    }
    if (meaning.action == KEYS_SHOW) {
        (void)display_show(meaning.count); /* or nobody has it */
        return;
    }
    if (display_read_mode(&mode) < 0 || mode.shown == 0 || mode.shown > TTYS) {
        return;
    }
    if (meaning.action == KEYS_TYPE) {
        tty_type(&state, mode.shown - 1, meaning.bytes, meaning.count);
    } else if (meaning.action == KEYS_UP || meaning.action == KEYS_DOWN) {
        tty_scroll(&state, mode.shown - 1, meaning.action == KEYS_UP);
    }
}

/* argument: id of the keyboard's offer. */
static int keyboard_step(void *argument)
{
    struct key_event events[KEYS_AT_ONCE];
    struct keyboard_ops ops = {};

    uint64_t daif = spin_lock(&state.lock);
    for (unsigned i = 0; i < KEYBOARDS; i++) {
        if (state.keyboards[i].id != 0 && state.keyboards[i].id == (uintptr_t)argument) {
            ops = state.keyboards[i].ops;
        }
    }
    spin_unlock(&state.lock, daif);
    int count = ops.read ? ops.read(ops.unit, events, ARRAY_SIZE(events)) : -EAGAIN;
    for (int i = 0; i < count && i < (int)ARRAY_SIZE(events); i++) {
        press(&events[i]);
    }
    return count > 0 ? 0 : -EAGAIN;
}

static void set_keyboard(struct keyboard *keyboard, const struct offer *offer)
{
    uint64_t daif = spin_lock(&state.lock);
    *keyboard = (struct keyboard){};
    if (offer) {
        keyboard->id = offer->id;
        memcpy(&keyboard->ops, offer->table, sizeof(keyboard->ops));
    }
    spin_unlock(&state.lock, daif);
}

static void connect(const struct offer *offer)
{
    for (unsigned i = 0; i < KEYBOARDS; i++) {
        struct keyboard *keyboard = &state.keyboards[i];
        if (keyboard->id != 0) {
            continue;
        }
        set_keyboard(keyboard, offer);
        const struct worker_config config = {.name = "screen keys",
                                             .step = keyboard_step,
                                             .argument = (void *)(uintptr_t)offer->id,
                                             .event = keyboard->ops.readable};
        keyboard->worker = worker_start(&config);
        return;
    }
    log_warning("screen: too many keyboards for %s", offer->name);
}

/* Follows the offers of keyboards. */
static int watch_step(void *argument)
{
    struct offer offer;
    bool is_there[KEYBOARDS] = {};

    (void)argument;
    for (uint32_t id = 0; offer_find(KEYBOARD_KIND, NULL, id, &offer) == 0; id = offer.id) {
        for (unsigned i = 0; i < KEYBOARDS; i++) {
            is_there[i] |= state.keyboards[i].id == offer.id;
        }
    }
    for (unsigned i = 0; i < KEYBOARDS; i++) {
        if (state.keyboards[i].id != 0 && !is_there[i]) {
            if (state.keyboards[i].worker > 0) {
                (void)worker_stop(state.keyboards[i].worker); /* it may have ended by itself */
            }
            set_keyboard(&state.keyboards[i], NULL);
        }
    }
    for (uint32_t id = 0; offer_find(KEYBOARD_KIND, NULL, id, &offer) == 0; id = offer.id) {
        bool is_known = false;
        for (unsigned i = 0; i < KEYBOARDS; i++) {
            is_known |= state.keyboards[i].id == offer.id;
        }
        if (!is_known) {
            connect(&offer);
        }
    }
    return -EAGAIN;
}

/* So many pictures a second at most: what changes meanwhile is drawn with the next one. */
static int draw_step(void *argument)
{
    uint64_t now_ns = time_now_ns();
    (void)argument;
    if (now_ns < state.next_draw_ns) {
        return (int)((state.next_draw_ns - now_ns) / 1000 + 1);
    }
    state.next_draw_ns = now_ns + DRAW_PERIOD_NS;
    draw(&state);
    return -EAGAIN;
}

static int log_step(void *argument)
{
    (void)argument;
    return tty_show_log(&state);
}

static void list_layers(struct command_output *output)
{
    struct display_layer layer;
    for (uint32_t i = 1; display_read_layer(i, &layer) == 0; i++) {
        if (layer.name[0] != '\0') {
            command_print(output, "%u %s, %llu pictures%s\n", i, layer.name,
                          (unsigned long long)layer.flushes, layer.is_shown ? ", shown" : "");
        }
    }
}

/* screen; screen N */
static int run_command(int count, char *const words[], struct command_output *output)
{
    struct display_mode mode;
    uint32_t layer = 0;

    if (display_read_mode(&mode) < 0) {
        command_print(output, "there is no display\n");
        return -ENODEV;
    }
    if (count == 1) {
        command_print(output, "%u x %u, %u buffers\n", mode.width, mode.height, mode.buffers);
        list_layers(output);
        return 0;
    }
    for (const char *digit = words[1]; *digit >= '0' && *digit <= '9' && layer < 100; digit++) {
        layer = layer * 10 + (uint32_t)(*digit - '0');
    }
    int result = count == 2 ? display_show(layer) : -EINVAL;
    if (result < 0) {
        command_print(output, "usage: screen [LAYER]; `screen` lists them\n");
    }
    return result;
}

static int start_workers(void)
{
    const struct worker_config workers[] = {
        {.name = "screen draw", .step = draw_step, .event = &state.redraw},
        {.name = "screen layer", .step = draw_step, .event = display_changed()},
        {.name = "screen log", .step = log_step, .event = log_event()},
        {.name = "screen keyboards", .step = watch_step, .event = offer_event()},
    };
    for (unsigned i = 0; i < ARRAY_SIZE(workers); i++) {
        int result = worker_start(&workers[i]);
        if (result < 0) {
            return result;
        }
    }
    return 0;
}

static int start(void)
{
    static const struct command_ops command = {
        run_command, "screen [LAYER] - lists what can be shown, or shows it"};
    struct display_mode mode;

    event_init(&state.redraw);
    state.next_draw_ns = time_now_ns() + DRAW_PERIOD_NS; /* at the start others go first */
    int result = offer_add(COMMAND_KIND, "screen", &command, sizeof(command));
    if (result < 0 || display_read_mode(&mode) < 0) {
        return MIN(result, 0); /* without a display there is nothing to do */
    }
    state.width = mode.width;
    state.scale = mode.width >= LARGE_WIDTH ? 2 : 1;
    if (mode.height < 2 * draw_logo_height(&state)) {
        return 0; /* nor with one that nothing fits on */
    }
    size_t strip_pages = (sizeof(uint32_t) * mode.width + PAGE_BYTES - 1) / PAGE_BYTES;
    state.strip = page_mark_plain(page_allocate(strip_pages));
    if (!state.strip) {
        return -ENOMEM;
    }
    state.strip_cells = (uint32_t)(strip_pages * STRIP_PAGE_CELLS) / (state.scale * state.scale);
    const struct terminal_ops ops = {.write = write_text,
                                     .read_line = read_line,
                                     .set_prompt = set_prompt,
                                     .take_keys = take_keys,
                                     .read_key = read_key};
    result = ttys_start(&state, &mode, &ops);
    if (result < 0) {
        return result;
    }
    state.has_display = 1;
    return start_workers();
}

/* Another version may draw otherwise. */
static int adopt(void)
{
    state.drawn = 0;
    event_signal(&state.redraw);
    return 0;
}

static int health(void)
{
    uint64_t daif = spin_lock(&state.lock);
    bool is_sane = true;
    for (unsigned i = 0; i < TTYS && state.has_display; i++) {
        const struct vt *vt = &state.ttys[i].vt;
        is_sane &= vt->row < vt->rows && vt->column < vt->columns && vt->top < vt->lines;
    }
    spin_unlock(&state.lock, daif);
    return is_sane ? 0 : -EIO;
}

static void stop(void)
{
    for (uint32_t layer = 1; layer <= TTYS; layer++) {
        (void)display_close(layer); /* nobody had it without a display */
    }
}

COMPONENT(screen, .version = VERSION(1, 1, 0), .summary = "Text terminals on the display",
          .start = start, .adopt = adopt, .health = health, .stop = stop);

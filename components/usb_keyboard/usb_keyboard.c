/* SPDX-License-Identifier: MIT */
/*
 * Keyboards on the USB, in the boot protocol that all of them speak (HID 1.11, appendix B): one
 * offer for each that was ever there, which stays and is silent while there is none.
 *
 * One worker looks for keyboards, readies them, reads their reports, and makes keys repeat. A
 * keyboard whose events nobody takes is not read until there is room, so that nothing is lost.
 */
#include <errno.h>
#include <string.h>

#include <interface/usb.h>
#include <lib/format.h>
#include <neurath/cpu.h>
#include <neurath/library.h>
#include <neurath/log.h>
#include <neurath/offer.h>
#include <neurath/thread.h>
#include <neurath/time.h>

#include "report.h"

#define KEYBOARDS 4u
#define EVENTS 128u /* kept for a reader: a power of two */
#define ROOM_US 20000
#define REPEAT_DELAY_NS 500000000u
#define REPEAT_NS 33000000u
#define ERRORS_MAX 3u
#define USAGE_MODIFIERS 0xe0u

/* HID 1.11, 4.2 and 4.3: boot interface, keyboard; 7.2: requests */
#define HID_SUBCLASS_BOOT 1u
#define HID_PROTOCOL_KEYBOARD 1u
#define HID_SET_IDLE 0x0au     /* value 0: reports only changes */
#define HID_SET_PROTOCOL 0x0bu /* value 0: boot protocol */

enum stage { STAGE_NONE, STAGE_PROTOCOL, STAGE_IDLE, STAGE_READING, STAGE_BROKEN };

struct keyboard {
    struct event readable;
    uint32_t is_offered;

    /* The worker's alone. */
    uint32_t stage;  /* enum stage */
    uint32_t device; /* its number; 0: none */
    uint8_t interface;
    uint8_t has_asked; /* the request of its stage is under way */
    uint8_t errors;    /* in a row */
    struct report_keys held;
    uint16_t repeated; /* the key that repeats; 0: none */
    uint64_t repeat_ns;

    struct spinlock lock; /* guards what follows */
    uint32_t head, tail;
    struct key_event events[EVENTS];
};

struct usb_keyboard {
    struct keyboard keyboards[KEYBOARDS];
    uint32_t refused; /* highest number of a device for which there was no room */
};

STATE(struct usb_keyboard) state = {};

static uint32_t room(const struct keyboard *keyboard)
{
    return EVENTS - (READ_ONCE(keyboard->head) - READ_ONCE(keyboard->tail));
}

static void put(struct keyboard *keyboard, const struct key_event *events, int count)
{
    uint64_t daif = spin_lock(&keyboard->lock);
    for (int i = 0; i < count && keyboard->head - keyboard->tail < EVENTS; i++) {
        keyboard->events[keyboard->head++ % EVENTS] = events[i];
    }
    spin_unlock(&keyboard->lock, daif);
    if (count > 0) {
        event_signal(&keyboard->readable);
    }
}

static int read(uint32_t unit, struct key_event *events, size_t count)
{
    if (unit >= KEYBOARDS || count == 0) {
        return -EINVAL;
    }
    struct keyboard *keyboard = &state.keyboards[unit];
    size_t taken = 0;
    uint64_t daif = spin_lock(&keyboard->lock);
    while (taken < count && keyboard->head != keyboard->tail) {
        events[taken++] = keyboard->events[keyboard->tail++ % EVENTS];
    }
    spin_unlock(&keyboard->lock, daif);
    return taken > 0 ? (int)taken : -EAGAIN;
}

/* The key pressed last repeats, until it is let go or another is pressed. */
static void watch_repeat(struct keyboard *keyboard, const struct key_event *events, int count,
                         uint64_t now_ns)
{
    for (int i = 0; i < count; i++) {
        if (events[i].usage >= USAGE_MODIFIERS) {
            continue;
        }
        if (events[i].is_pressed) {
            keyboard->repeated = events[i].usage;
            keyboard->repeat_ns = now_ns + REPEAT_DELAY_NS;
        } else if (events[i].usage == keyboard->repeated) {
            keyboard->repeated = 0;
        }
    }
}

static void lose(struct keyboard *keyboard, unsigned unit)
{
    struct key_event events[REPORT_EVENTS_MAX] = {};
    log_info("keyboard%u: gone", unit);
    put(keyboard, events, report_let_go(&keyboard->held, events));
    keyboard->repeated = 0;
    keyboard->device = 0;
    keyboard->stage = STAGE_NONE;
}

/* It failed, but is still there. */
static void suffer(struct keyboard *keyboard, unsigned unit, int error)
{
    if (++keyboard->errors < ERRORS_MAX && usb_open(keyboard->device, keyboard->interface) == 0) {
        return;
    }
    log_warning("keyboard%u: left alone: error %d", unit, error);
    (void)usb_close(keyboard->device, keyboard->interface); /* it may not be open */
    keyboard->stage = STAGE_BROKEN;
    keyboard->repeated = 0;
}

/* Reads what it has to say. When to come again. */
static uint64_t read_reports(struct keyboard *keyboard, unsigned unit, uint64_t now_ns)
{
    uint8_t report[64];
    struct key_event events[REPORT_EVENTS_MAX] = {};

    while (room(keyboard) > REPORT_EVENTS_MAX) { /* and one that repeats */
        int size = usb_read(keyboard->device, keyboard->interface, report, sizeof(report));
        if (size == -EAGAIN) {
            break;
        }
        int count = size < 0 ? size
                             : report_take(&keyboard->held, report,
                                           MIN((size_t)size, sizeof(report)), events);
        if (size == -ENODEV) {
            lose(keyboard, unit);
            return UINT64_MAX;
        }
        if (count < 0) {
            suffer(keyboard, unit, count);
            return now_ns;
        }
        keyboard->errors = 0;
        watch_repeat(keyboard, events, count, now_ns);
        put(keyboard, events, count);
    }
    if (keyboard->repeated && now_ns >= keyboard->repeat_ns && room(keyboard) > 0) {
        struct key_event again = {keyboard->repeated, keyboard->held.modifiers, 1};
        put(keyboard, &again, 1);
        keyboard->repeat_ns = now_ns + REPEAT_NS;
    }
    if (room(keyboard) <= REPORT_EVENTS_MAX) {
        return now_ns + ROOM_US * 1000u;
    }
    return keyboard->repeated ? keyboard->repeat_ns : UINT64_MAX;
}

/* The two requests that ready it; one that it refuses is not needed. When to come again. */
static uint64_t make_ready(struct keyboard *keyboard, unsigned unit, uint64_t now_ns)
{
    bool is_first = keyboard->stage == STAGE_PROTOCOL;
    struct usb_setup setup = {.type = USB_TYPE_CLASS | USB_TYPE_INTERFACE,
                              .request = is_first ? HID_SET_PROTOCOL : HID_SET_IDLE,
                              .index = keyboard->interface};
    int result = keyboard->has_asked ? usb_collect(keyboard->device, NULL, 0)
                                     : usb_submit(keyboard->device, &setup, NULL);
    if (result == -ENODEV) {
        lose(keyboard, unit);
        return UINT64_MAX;
    }
    if (!keyboard->has_asked) {
        if (result == -EBUSY) { /* somebody before us has not taken his answer */
            (void)usb_collect(keyboard->device, NULL, 0);
        }
        keyboard->has_asked = result == 0;
        return result == 0 ? now_ns : now_ns + ROOM_US * 1000u;
    }
    if (result == -EAGAIN) {
        return UINT64_MAX;
    }
    keyboard->has_asked = 0;
    if (is_first) {
        keyboard->stage = STAGE_IDLE;
        return now_ns;
    }
    result = usb_open(keyboard->device, keyboard->interface);
    if (result == -EAGAIN) {
        return now_ns + ROOM_US * 1000u; /* asks once more, which does no harm */
    }
    keyboard->stage = STAGE_READING;
    if (result < 0) {
        suffer(keyboard, unit, result);
    } else {
        log_info("keyboard%u: ready", unit);
    }
    return now_ns;
}

static uint64_t step_keyboard(struct keyboard *keyboard, unsigned unit, uint64_t now_ns)
{
    struct usb_interface_info info;
    switch (keyboard->stage) {
    case STAGE_NONE:
        return UINT64_MAX;
    case STAGE_READING:
        return read_reports(keyboard, unit, now_ns);
    case STAGE_BROKEN:
        if (usb_read_interface(keyboard->device, 0, &info) == -ENODEV) {
            lose(keyboard, unit);
        }
        return UINT64_MAX;
    default:
        return make_ready(keyboard, unit, now_ns);
    }
}

static int offer_keyboard(struct keyboard *keyboard, unsigned unit)
{
    char name[OFFER_NAME_BYTES];
    if (keyboard->is_offered) {
        return 0;
    }
    struct keyboard_ops ops = {.unit = unit, .read = read, .readable = &keyboard->readable};
    (void)format_print(name, sizeof(name), "keyboard%u", unit);
    int result = offer_add(KEYBOARD_KIND, name, &ops, sizeof(ops));
    keyboard->is_offered = result > 0;
    return MIN(result, 0);
}

static void take_device(uint32_t device, uint8_t interface)
{
    struct keyboard *empty = NULL;
    for (unsigned i = 0; i < KEYBOARDS; i++) {
        struct keyboard *keyboard = &state.keyboards[i];
        if (keyboard->device == device && keyboard->interface == interface) {
            return;
        }
        if (keyboard->device == 0 && !empty) {
            empty = keyboard;
        }
    }
    if (device <= state.refused) {
        return;
    }
    unsigned unit = empty ? (unsigned)(empty - state.keyboards) : 0;
    int result = empty ? offer_keyboard(empty, unit) : -ENOSPC;
    if (result < 0) {
        state.refused = device;
        log_warning("usb_keyboard: one keyboard too many is left alone: error %d", result);
        return;
    }
    empty->stage = STAGE_PROTOCOL;
    empty->device = device;
    empty->interface = interface;
    empty->has_asked = empty->errors = 0;
}

/* All devices: which are keyboards and not driven yet? */
static void look(void)
{
    struct usb_device_info device = {};
    struct usb_interface_info interface;
    while (usb_next_device(device.id, &device) == 0) {
        for (uint32_t i = 0; i < device.interfaces; i++) {
            if (usb_read_interface(device.id, i, &interface) == 0 &&
                interface.class == USB_CLASS_HID && interface.subclass == HID_SUBCLASS_BOOT &&
                interface.protocol == HID_PROTOCOL_KEYBOARD && interface.endpoint != 0) {
                take_device(device.id, interface.number);
            }
        }
    }
}

static int step(void *argument)
{
    uint64_t now_ns = time_now_ns(), next_ns = UINT64_MAX;
    (void)argument;
    for (unsigned i = 0; i < KEYBOARDS; i++) {
        next_ns = MIN(next_ns, step_keyboard(&state.keyboards[i], i, now_ns));
    }
    look();
    for (unsigned i = 0; i < KEYBOARDS; i++) {
        if (state.keyboards[i].stage == STAGE_PROTOCOL) {
            next_ns = MIN(next_ns, step_keyboard(&state.keyboards[i], i, now_ns));
        }
    }
    if (next_ns == UINT64_MAX) {
        return -EAGAIN;
    }
    return next_ns <= now_ns ? 0 : (int)((next_ns - now_ns) / 1000 + 1);
}

static int start(void)
{
    struct worker_config worker = {.name = "usb_keyboard", .step = step, .event = usb_changed()};
    for (unsigned i = 0; i < KEYBOARDS; i++) {
        event_init(&state.keyboards[i].readable);
    }
    return MIN(worker_start(&worker), 0);
}

/* Nobody reads them any more: they need not be asked. */
static void stop(void)
{
    for (unsigned i = 0; i < KEYBOARDS; i++) {
        if (state.keyboards[i].stage == STAGE_READING) {
            (void)usb_close(state.keyboards[i].device, state.keyboards[i].interface);
        }
    }
}

COMPONENT(usb_keyboard, .version = VERSION(1, 0, 0), .summary = "Keyboards on the USB",
          .start = start, .stop = stop);

/* SPDX-License-Identifier: MIT */
/* Reports as key events; and the driver with keyboards that the test plays. */
#include <criterion/criterion.h>

#define component_self usb_keyboard_test_self
#define event_init_owned usb_keyboard_test_event_init
#define event_signal usb_keyboard_test_event_signal
#define offer_add_owned usb_keyboard_test_offer_add
#define read usb_keyboard_test_read
#define time_now_ns usb_keyboard_test_time_now_ns
#define usb_changed usb_keyboard_test_usb_changed
#define usb_close usb_keyboard_test_usb_close
#define usb_collect usb_keyboard_test_usb_collect
#define usb_next_device usb_keyboard_test_usb_next_device
#define usb_open usb_keyboard_test_usb_open
#define usb_read usb_keyboard_test_usb_read
#define usb_read_interface usb_keyboard_test_usb_read_interface
#define usb_submit usb_keyboard_test_usb_submit
#define worker_start_owned usb_keyboard_test_worker_start

#include "report.c"
#include "usb_keyboard.c"

struct component {
    int unused;
};
struct component component_self;

#define DEVICES 6u

/* What is plugged in: device n has the number n + 1. */
static struct {
    bool is_there, is_open, is_asked;
    uint8_t protocol;
    unsigned requests;
    int error; /* what reading says, when it has nothing */
    uint8_t reports[64][8];
    unsigned head, tail;
} devices[DEVICES];
static uint64_t clock_ns = 1000;
static struct event changed;
static struct keyboard_ops offers[KEYBOARDS];
static unsigned offer_count;

uint64_t time_now_ns(void)
{
    return clock_ns;
}

void event_init_owned(struct event *event, struct component *owner)
{
    (void)event;
    (void)owner;
}

void event_signal(struct event *event)
{
    event->signals++;
}

int offer_add_owned(const char *kind, const char *name, const void *table, size_t size,
                    struct component *owner)
{
    (void)owner;
    cr_assert_str_eq(kind, KEYBOARD_KIND);
    cr_assert_eq(name[strlen(name) - 1], (char)('0' + offer_count));
    memcpy(&offers[offer_count++], table, size);
    return (int)offer_count;
}

struct event *usb_changed(void)
{
    return &changed;
}

static bool is_there(uint32_t device)
{
    return device >= 1 && device <= DEVICES && devices[device - 1].is_there;
}

int usb_close(uint32_t device, uint8_t interface)
{
    cr_assert_eq(interface, 3);
    if (!is_there(device)) {
        return -ENODEV;
    }
    devices[device - 1].is_open = false;
    return 0;
}

int usb_collect(uint32_t device, void *data, size_t size)
{
    (void)data;
    cr_assert_eq(size, 0u);
    if (!is_there(device)) {
        return -ENODEV;
    }
    cr_assert(devices[device - 1].is_asked);
    devices[device - 1].is_asked = false;
    return -EPIPE; /* it need not understand */
}

int usb_next_device(uint32_t after, struct usb_device_info *info)
{
    for (uint32_t device = after + 1; device <= DEVICES; device++) {
        if (is_there(device)) {
            *info = (struct usb_device_info){.id = device, .interfaces = 1};
            return 0;
        }
    }
    return -ENOENT;
}

int usb_open(uint32_t device, uint8_t interface)
{
    cr_assert_eq(interface, 3);
    if (!is_there(device)) {
        return -ENODEV;
    }
    devices[device - 1].is_open = true;
    return 0;
}

int usb_read(uint32_t device, uint8_t interface, void *data, size_t size)
{
    cr_assert(interface == 3 && size >= 8);
    if (!is_there(device)) {
        return -ENODEV;
    }
    cr_assert(devices[device - 1].is_open);
    if (devices[device - 1].head == devices[device - 1].tail) {
        return devices[device - 1].error ? devices[device - 1].error : -EAGAIN;
    }
    memcpy(data, devices[device - 1].reports[devices[device - 1].tail++ % 64], 8);
    return 8;
}

int usb_read_interface(uint32_t device, uint32_t index, struct usb_interface_info *info)
{
    if (!is_there(device)) {
        return -ENODEV;
    }
    *info = (struct usb_interface_info){.number = 3,
                                        .class = 3,
                                        .subclass = 1,
                                        .protocol = devices[device - 1].protocol,
                                        .endpoint = 1,
                                        .packet_bytes = 8};
    return index == 0 ? 0 : -ENOENT;
}

int usb_submit(uint32_t device, const struct usb_setup *setup, const void *data)
{
    (void)data;
    cr_assert(setup->type == 0x21 && setup->index == 3 && setup->value == 0);
    if (!is_there(device)) {
        return -ENODEV;
    }
    if (devices[device - 1].is_asked) {
        return -EBUSY;
    }
    cr_assert_eq(setup->request, devices[device - 1].requests++ == 0 ? 0x0b : 0x0a);
    devices[device - 1].is_asked = true;
    return 0;
}

int worker_start_owned(const struct worker_config *config, struct component *owner)
{
    (void)owner;
    cr_assert_eq(config->event, &changed);
    return 1;
}

static void pass(unsigned ms)
{
    clock_ns += ms * (uint64_t)1000000;
    for (unsigned i = 0; i < 20 && step(NULL) == 0; i++) {
    }
}

static void plug_in(unsigned device)
{
    devices[device].is_there = true;
    devices[device].protocol = 1;
    pass(0);
}

static void report(unsigned device, uint8_t modifiers, uint8_t key, uint8_t other)
{
    uint8_t *bytes = devices[device].reports[devices[device].head++ % 64];
    memset(bytes, 0, 8);
    bytes[0] = modifiers;
    bytes[2] = key;
    bytes[3] = other;
}

/* The next event of keyboard `unit`. */
static void expect(unsigned unit, unsigned usage, unsigned modifiers, bool is_pressed)
{
    struct key_event event;
    cr_assert_eq(offers[unit].read(offers[unit].unit, &event, 1), 1, "usage %x", usage);
    cr_expect_eq(event.usage, usage);
    cr_expect_eq(event.modifiers, modifiers);
    cr_expect_eq(event.is_pressed, is_pressed);
}

static void expect_nothing(unsigned unit)
{
    struct key_event event;
    cr_expect_eq(offers[unit].read(offers[unit].unit, &event, 1), -EAGAIN);
}

static int take(struct report_keys *held, const uint8_t keys[6], struct key_event *events)
{
    uint8_t bytes[8] = {0};
    memcpy(bytes + 2, keys, 6);
    return report_take(held, bytes, 8, events);
}

Test(report, tells_what_was_pressed_and_let_go)
{
    struct report_keys held = {};
    struct key_event events[REPORT_EVENTS_MAX];
    cr_assert_eq(take(&held, (uint8_t[6]){4, 5}, events), 2);
    cr_expect(events[0].usage == 4 && events[0].is_pressed && events[1].usage == 5);
    cr_expect_eq(take(&held, (uint8_t[6]){5, 4}, events), 0, "their order says nothing");
    cr_assert_eq(take(&held, (uint8_t[6]){0, 6, 5}, events), 2);
    cr_expect(events[0].usage == 4 && !events[0].is_pressed);
    cr_expect(events[1].usage == 6 && events[1].is_pressed);
    cr_assert_eq(report_let_go(&held, events), 2);
    cr_expect_not(events[0].is_pressed || events[1].is_pressed);
    cr_expect_eq(report_let_go(&held, events), 0);
}

Test(report, modifiers_are_keys_and_come_with_others)
{
    struct report_keys held = {};
    struct key_event events[REPORT_EVENTS_MAX];
    cr_assert_eq(report_take(&held, (uint8_t[8]){0x22, 0, 4}, 8, events), 3);
    cr_expect(events[0].usage == 0xe1 && events[0].is_pressed && events[0].modifiers == 0x22);
    cr_expect(events[1].usage == 0xe5 && events[2].usage == 4 && events[2].modifiers == 0x22);
    cr_assert_eq(report_take(&held, (uint8_t[8]){0x20, 0, 4}, 8, events), 1);
    cr_expect(events[0].usage == 0xe1 && !events[0].is_pressed && events[0].modifiers == 0x20);
}

Test(report, too_many_keys_change_nothing_but_modifiers)
{
    struct report_keys held = {};
    struct key_event events[REPORT_EVENTS_MAX];
    static const uint8_t rollover[8] = {0x02, 0, 1, 1, 1, 1, 1, 1};
    cr_assert_eq(take(&held, (uint8_t[6]){4, 5, 6, 7, 8, 9}, events), 6);
    cr_assert_eq(report_take(&held, rollover, 8, events), 1);
    cr_expect_eq(events[0].usage, 0xe1);
    cr_expect_eq(report_take(&held, rollover, 8, events), 0);
    cr_assert_eq(take(&held, (uint8_t[6]){4, 5, 6, 7, 8}, events), 2);
    cr_expect(events[0].usage == 0xe1 && !events[0].is_pressed);
    cr_expect(events[1].usage == 9 && !events[1].is_pressed);
}

Test(report, the_same_key_twice_is_one_key)
{
    struct report_keys held = {};
    struct key_event events[REPORT_EVENTS_MAX];
    cr_expect_eq(take(&held, (uint8_t[6]){4, 4, 4, 4, 4, 4}, events), 1);
    cr_expect_eq(report_let_go(&held, events), 1);
}

Test(report, all_at_once_has_room)
{
    struct report_keys held = {};
    struct key_event events[REPORT_EVENTS_MAX];
    (void)report_take(&held, (uint8_t[8]){0xff, 0, 4, 5, 6, 7, 8, 9}, 8, events);
    cr_expect_eq(report_take(&held, (uint8_t[8]){0, 0, 10, 11, 12, 13, 14, 15}, 8, events),
                 (int)REPORT_EVENTS_MAX);
}

Test(report, refuses_what_is_too_short)
{
    struct report_keys held = {.modifiers = 1};
    struct key_event events[REPORT_EVENTS_MAX];
    for (size_t size = 0; size < 8; size++) {
        cr_expect_eq(report_take(&held, (uint8_t[8]){0}, size, events), -EPROTO);
    }
    cr_expect_eq(held.modifiers, 1);
}

Test(usb_keyboard, is_readied_and_read)
{
    cr_assert_eq(start(), 0);
    plug_in(0);
    cr_expect_eq(devices[0].requests, 2u);
    cr_assert(devices[0].is_open);
    cr_assert_eq(offer_count, 1u);
    report(0, 0, 4, 0);
    report(0, 0, 0, 0);
    pass(0);
    expect(0, 4, 0, true);
    expect(0, 4, 0, false);
    expect_nothing(0);
    struct key_event event;
    cr_expect_eq(offers[0].read(KEYBOARDS, &event, 1), -EINVAL);
}

Test(usb_keyboard, leaves_mice_alone)
{
    cr_assert_eq(start(), 0);
    devices[0].is_there = true;
    devices[0].protocol = 2;
    pass(0);
    cr_expect_eq(offer_count, 0u);
    cr_expect_eq(devices[0].requests, 0u);
}

Test(usb_keyboard, the_key_pressed_last_repeats)
{
    cr_assert_eq(start(), 0);
    plug_in(0);
    report(0, 2, 4, 5);
    pass(0);
    expect(0, 0xe1, 2, true);
    expect(0, 4, 2, true);
    expect(0, 5, 2, true);
    pass(490);
    expect_nothing(0);
    pass(20);
    expect(0, 5, 2, true);
    expect_nothing(0);
    pass(40);
    expect(0, 5, 2, true);
    report(0, 0, 4, 0);
    pass(10);
    expect(0, 0xe1, 0, false);
    expect(0, 5, 0, false);
    pass(1000);
    expect_nothing(0);
}

Test(usb_keyboard, what_was_held_is_let_go_when_it_is_pulled_out)
{
    cr_assert_eq(start(), 0);
    plug_in(0);
    report(0, 1, 4, 0);
    pass(0);
    devices[0].is_there = false;
    pass(0);
    expect(0, 0xe0, 1, true);
    expect(0, 4, 1, true);
    expect(0, 0xe0, 0, false);
    expect(0, 4, 0, false);
    pass(1000);
    expect_nothing(0);
    plug_in(3);
    cr_expect_eq(offer_count, 1u, "its successor takes its place");
    report(3, 0, 6, 0);
    pass(0);
    expect(0, 6, 0, true);
}

Test(usb_keyboard, several_are_told_apart_and_the_fifth_is_left_alone)
{
    cr_assert_eq(start(), 0);
    for (unsigned i = 0; i < 5; i++) {
        plug_in(i);
    }
    cr_expect_eq(offer_count, KEYBOARDS);
    cr_expect_eq(devices[4].requests, 0u);
    report(2, 0, 4, 0);
    pass(0);
    expect(2, 4, 0, true);
    expect_nothing(0);
    expect_nothing(1);
    expect_nothing(3);
}

Test(usb_keyboard, events_that_nobody_takes_hold_it_back_and_none_is_lost)
{
    cr_assert_eq(start(), 0);
    plug_in(0);
    for (unsigned i = 0; i < 64; i++) {
        report(0, 0, (uint8_t)(4 + i), (uint8_t)(104 + i)); /* four events, but the first */
    }
    pass(0);
    cr_expect_lt(devices[0].tail, 64u);
    unsigned pressed = 0;
    for (unsigned rounds = 0; rounds < 64; rounds++) {
        struct key_event event;
        while (offers[0].read(0, &event, 1) == 1) {
            if (event.is_pressed) {
                cr_assert_eq(event.usage, (pressed % 2 ? 104 : 4) + pressed / 2);
                pressed++;
            }
        }
        pass(1); /* none repeats so soon */
    }
    cr_expect_eq(pressed, 128u);
}

Test(usb_keyboard, one_that_fails_is_opened_again_and_then_left_alone)
{
    cr_assert_eq(start(), 0);
    plug_in(0);
    devices[0].error = -EIO;
    pass(0);
    cr_expect_not(devices[0].is_open);
    pass(100);
    devices[0].is_there = false;
    pass(0);
    devices[0].error = 0;
    devices[0].requests = 0;
    plug_in(0);
    cr_expect(devices[0].is_open, "plugged in again it gets another chance");
}

Test(usb_keyboard, an_answer_that_a_predecessor_left_does_not_stop_it)
{
    cr_assert_eq(start(), 0);
    devices[0].is_asked = true;
    plug_in(0);
    pass(20);
    cr_expect(devices[0].is_open);
}

Test(usb_keyboard, stop_closes_what_is_read)
{
    cr_assert_eq(start(), 0);
    plug_in(0);
    stop();
    cr_expect_not(devices[0].is_open);
}

/* SPDX-License-Identifier: MIT */
/*
 * Enumeration against a model of a controller with a tree of devices and hubs, which answer as the
 * specification has it, or as a test would have it.
 */
#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>

#define component_self usb_test_self
#define event_init_owned usb_test_event_init
#define event_signal usb_test_event_signal
#define log_write usb_test_log_write
#define offer_add_owned usb_test_offer_add
#define offer_event usb_test_offer_event
#define offer_find usb_test_offer_find
#define time_now_ns usb_test_time_now_ns
#define usb_changed usb_test_usb_changed
#define usb_close usb_test_usb_close
#define usb_collect usb_test_usb_collect
#define usb_next_device usb_test_usb_next_device
#define usb_open usb_test_usb_open
#define usb_read usb_test_usb_read
#define usb_read_interface usb_test_usb_read_interface
#define usb_submit usb_test_usb_submit
#define worker_start_owned usb_test_worker_start
#define worker_stop_owned usb_test_worker_stop

#include "descriptor.c"
#include "device.c"
#include "hub.c"
#include "usb.c"

#include "test_model.h"

/* --- a person's hands --- */

static void pass(unsigned ms)
{
    for (unsigned i = 0; i < ms; i++) {
        clock_ns += MS_NS;
        if (root_reset_ms > 0 && --root_reset_ms == 0) {
            root.is_resetting = 0;
            root.is_enabled = root.is_connected;
            set_reset(0, 1, true);
        }
        unsigned rounds = 0;
        while (step((void *)(uintptr_t)OFFER) == 0) {
            cr_assert_lt(rounds++, 1000u, "it goes round and round");
        }
    }
}

static unsigned make(unsigned parent, unsigned port, bool is_hub)
{
    unsigned i = 1;
    while (models[i].is_there) {
        i++;
    }
    cr_assert_lt(i, MODELS);
    models[i] = (struct model){.is_there = true, .parent = parent, .port = port};
    memcpy(models[i].device, is_hub ? hub_device : keyboard_device, 18);
    models[i].size = is_hub ? sizeof(hub_configuration) : sizeof(keyboard_configuration);
    memcpy(models[i].bytes, is_hub ? hub_configuration : keyboard_configuration, models[i].size);
    if (parent == 0) {
        root.is_connected = 1;
        root.connections++;
    } else {
        models[parent].status[port] |= PORT_CONNECTED;
        models[parent].change[port] |= CHANGED_CONNECTION;
    }
    return i;
}

static void pull_out(unsigned model)
{
    unsigned parent = models[model].parent, port = models[model].port;
    models[model].is_there = false;
    for (unsigned i = 1; i < MODELS; i++) {
        if (models[i].is_there && models[i].parent == model) {
            pull_out(i);
        }
    }
    if (parent == 0) {
        root.is_connected = root.is_enabled = 0;
    } else {
        models[parent].status[port] = 0;
        models[parent].change[port] |= CHANGED_CONNECTION;
    }
}

/* The number of the device at a place; 0: none is ready there. */
static uint32_t device_at(const char *place)
{
    struct usb_device_info info = {};
    while (usb_next_device(info.id, &info) == 0) {
        if (strcmp(info.place, place) == 0) {
            return info.id;
        }
    }
    return 0;
}

static void begin(void)
{
    cr_assert_geq(start(), 0);
    cr_assert_eq(watch_step(NULL), -EAGAIN);
    pass(10);
    cr_assert_eq(device_at("1"), 0u);
}

Test(usb, a_keyboard_at_the_root_becomes_ready)
{
    struct usb_device_info info;
    struct usb_interface_info interface;
    begin();
    make(0, 1, false);
    uint32_t signals = state.changed.signals;
    pass(400);
    cr_assert_eq(usb_next_device(0, &info), 0);
    cr_expect(info.vendor == 0x0627 && info.product == 1 && info.interfaces == 1);
    cr_expect_str_eq(info.place, "1");
    cr_expect_str_eq(info.name, "Key?", "what is not ASCII is not shown");
    cr_expect(info.address > 0 && info.address == models[1].address);
    cr_expect_eq(models[1].configuration, 1);
    cr_expect_gt(state.changed.signals, signals);
    cr_assert_eq(usb_read_interface(info.id, 0, &interface), 0);
    cr_expect(interface.class == 3 && interface.endpoint == 1 && interface.packet_bytes == 8);
    cr_expect_eq(interface.interval_ms, 10);
    cr_expect_eq(usb_read_interface(info.id, 1, &interface), -ENOENT);
    cr_expect_eq(usb_read_interface(info.id + 1, 0, &interface), -ENODEV);
    cr_expect_eq(open_tickets(), 0u);
}

Test(usb, devices_behind_hubs_get_an_address_each)
{
    begin();
    unsigned hub = make(0, 1, true);
    make(hub, 1, false);
    unsigned inner = make(hub, 3, true);
    make(inner, 4, false);
    make(hub, 4, false);
    pass(3000);
    cr_expect(device_at("1") && device_at("1.1") && device_at("1.3") && device_at("1.4"));
    cr_expect_neq(device_at("1.3.4"), 0u);
    for (unsigned port = 1; port <= PORTS; port++) {
        cr_expect(models[hub].is_powered[port]);
        cr_expect_eq(models[hub].change[port], 0, "all changes are cleared");
    }
    cr_expect_eq(open_tickets(), 2u, "each hub's endpoint");
}

Test(usb, a_hub_takes_all_behind_it_along)
{
    begin();
    unsigned hub = make(0, 1, true);
    unsigned inner = make(hub, 2, true);
    make(inner, 1, false);
    pass(3000);
    uint32_t device = device_at("1.2.1");
    cr_assert_neq(device, 0u);
    pull_out(inner);
    pass(100);
    cr_expect(device_at("1") && !device_at("1.2") && !device_at("1.2.1"));
    cr_expect_eq(usb_read(device, 0, NULL, 0), -ENODEV);
    cr_expect_eq(open_tickets(), 1u);
    make(hub, 2, false);
    pass(1000);
    cr_expect_neq(device_at("1.2"), 0u);
    pull_out(hub);
    pass(10);
    cr_expect_eq(device_at("1"), 0u);
    cr_expect_eq(open_tickets(), 0u);
    for (unsigned i = 0; i < 4; i++) {
        cr_expect_eq(state.buses[0].addresses[i], 0u, "addresses come back");
    }
}

Test(usb, pulling_out_at_any_moment_leaves_nothing)
{
    for (unsigned ms = 0; ms < 700; ms += 7) {
        state = (struct usb){};
        memset(models, 0, sizeof(models));
        memset(tickets, 0, sizeof(tickets));
        root = (struct usb_port){.speed = USB_SPEED_FULL};
        root_reset_ms = 0;
        begin();
        unsigned hub = make(0, 1, true);
        pass(400);
        unsigned keyboard = make(hub, 2, false);
        pass(ms);
        pull_out(keyboard);
        pass(50);
        cr_assert_eq(device_at("1.2"), 0u);
        make(hub, 3, false);
        pass(1500);
        cr_assert_neq(device_at("1.3"), 0u, "address 0 is free again, after %u ms", ms);
        pull_out(hub);
        pass(50);
        cr_assert_eq(open_tickets(), 0u, "after %u ms", ms);
    }
}

Test(usb, one_changed_unseen_is_another)
{
    begin();
    unsigned keyboard = make(0, 1, false);
    pass(400);
    uint32_t device = device_at("1");
    pull_out(keyboard);
    make(0, 1, false);
    pass(400);
    cr_expect_neq(device_at("1"), 0u);
    cr_expect_neq(device_at("1"), device);
}

Test(usb, one_that_does_not_answer_is_named_and_left_alone)
{
    begin();
    unsigned hub = make(0, 1, true);
    models[make(hub, 1, false)].is_silent = true;
    make(hub, 2, false);
    pass(4000);
    cr_expect(!device_at("1.1") && device_at("1.2"), "it stops nobody else");
    cr_expect_not_null(strstr(last_warning, "usb 1.1: left alone: "), "%s", last_warning);
    cr_expect_eq(state.buses[0].addressing, 0u);
}

Test(usb, one_whose_port_never_comes_up_holds_up_nobody)
{
    begin();
    unsigned hub = make(0, 1, true);
    pass(1000);
    models[hub].status[1] = PORT_CONNECTED; /* and nobody behind it */
    models[hub].change[1] = CHANGED_CONNECTION;
    make(hub, 2, false);
    pass(6000);
    cr_expect_neq(device_at("1.2"), 0u);
    cr_expect_not_null(strstr(last_warning, "not enabled by a reset"), "%s", last_warning);
}

Test(usb, a_hub_that_always_reports_changes_makes_no_endless_step)
{
    begin();
    unsigned hub = make(0, 1, true);
    models[hub].report = 0xff;
    make(hub, 2, false);
    pass(2000);
    cr_expect_neq(device_at("1.2"), 0u);
}

Test(usb, more_devices_than_there_is_room_for_are_left_alone)
{
    begin();
    unsigned hub = make(0, 1, true), parent = hub;
    for (unsigned depth = 0; depth < 7; depth++) {
        parent = make(parent, 1, true);
    }
    pass(10000);
    cr_expect_neq(device_at("1.1.1.1.1.1"), 0u);
    cr_expect_eq(device_at("1.1.1.1.1.1.1"), 0u);
    cr_expect_not_null(strstr(last_warning, "too many hubs"), "%s", last_warning);
}

Test(usb, a_disabled_port_makes_a_new_beginning)
{
    begin();
    unsigned hub = make(0, 1, true), keyboard = make(hub, 1, false);
    pass(2000);
    uint32_t device = device_at("1.1");
    models[hub].status[1] &= (uint16_t)~PORT_ENABLED; /* 11.8.1: a babble does that */
    models[hub].change[1] |= CHANGED_ENABLE;
    models[keyboard].is_reset = false;
    pass(20);
    cr_expect_eq(device_at("1.1"), 0u);
    pass(1000);
    cr_expect_neq(device_at("1.1"), 0u);
    cr_expect_neq(device_at("1.1"), device);
}

Test(usb, users_talk_to_their_device)
{
    struct usb_setup setup = {.type = 0x80, .request = 6, .value = 0x100, .length = 18};
    uint8_t data[18] = {0};
    begin();
    make(0, 1, false);
    pass(400);
    uint32_t device = device_at("1");
    cr_expect_eq(usb_collect(device, data, 18), -ENOENT);
    cr_assert_eq(usb_submit(device, &setup, NULL), 0);
    cr_expect_eq(usb_submit(device, &setup, NULL), -EBUSY);
    cr_expect_eq(usb_collect(device, data, 18), 18);
    cr_expect_arr_eq(data, keyboard_device, 18);
    cr_expect_eq(usb_open(device, 9), -ENOENT);
    cr_assert_eq(usb_open(device, 0), 0);
    cr_expect_eq(usb_open(device, 0), 0, "once more: afresh");
    cr_expect_eq(open_tickets(), 1u);
    cr_expect_eq(usb_read(device, 0, data, 18), -EAGAIN);
    models[1].report = 9;
    clock_ns += MS_NS;
    cr_expect_eq(usb_read(device, 0, data, 18), 1);
    cr_expect_eq(data[0], 9);
    cr_expect_eq(usb_close(device, 0), 0);
    cr_expect_eq(usb_close(device, 0), -ENOENT);
    cr_expect_eq(usb_open(device, 0), 0);
    pull_out(1);
    pass(2);
    cr_expect_eq(usb_read(device, 0, data, 18), -ENODEV);
    cr_expect_eq(usb_submit(device, &setup, NULL), -ENODEV);
    cr_expect_eq(open_tickets(), 0u);
}

Test(usb, a_controller_that_leaves_takes_its_devices_along)
{
    begin();
    make(make(0, 1, true), 1, false);
    pass(2000);
    cr_assert_neq(device_at("1.1"), 0u);
    is_offered = false;
    cr_assert_eq(watch_step(NULL), -EAGAIN);
    cr_expect_eq(device_at("1"), 0u);
    cr_expect_eq(workers_stopped, 1u);
    is_offered = true;
    memset(tickets, 0, sizeof(tickets));
    cr_assert_eq(watch_step(NULL), -EAGAIN);
    pass(2000);
    cr_expect_neq(device_at("1.1"), 0u);
}

Test(usb, stop_closes_all_transfers)
{
    begin();
    make(make(0, 1, true), 1, false);
    pass(2000);
    cr_assert_eq(usb_open(device_at("1.1"), 0), 0);
    stop();
    cr_expect_eq(open_tickets(), 0u);
    cr_expect_eq(step((void *)(uintptr_t)OFFER), TURN_US, "nothing begins after it");
}

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

struct component {
    int unused;
};
struct component component_self;

#define OFFER 7u
#define MODELS 12u
#define TICKETS 64u
#define PORTS 4u

static const uint8_t keyboard_device[18] = {18,   1, 0, 2, 0, 0, 0, 8, 0x27,
                                            0x06, 1, 0, 0, 0, 0, 2, 0, 1};
static const uint8_t keyboard_configuration[] = {9,  2,  34, 0, 1, 1,    0, 0xa0, 50,   9, 4, 0,
                                                 0,  1,  3,  1, 1, 0,    9, 0x21, 0x11, 1, 0, 1,
                                                 34, 63, 0,  7, 5, 0x81, 3, 8,    0,    10};
static const uint8_t keyboard_name[] = {10, 3, 'K', 0, 'e', 0, 'y', 0, 0xe9, 0};
static const uint8_t hub_device[18] = {18,   1,    0x10, 1, 9, 0, 0, 8, 0x09,
                                       0x04, 0xaa, 0x55, 0, 0, 0, 0, 0, 1};
static const uint8_t hub_configuration[] = {9, 2, 25, 0, 1, 1, 0, 0xe0, 0, 9, 4, 0,  0,
                                            1, 9, 0,  0, 0, 7, 5, 0x81, 3, 2, 0, 255};
static const uint8_t hub_ports[] = {9, 0x29, PORTS, 0, 0, 10, 0, 0, 0xff};

/* A device; a hub if its class says so. Slot 0 is nobody. */
static struct model {
    bool is_there;
    unsigned parent, port; /* 0: the root */
    uint8_t address, configuration;
    bool is_reset; /* listens to its address */
    uint8_t device[18];
    uint8_t bytes[2048]; /* of its configuration */
    size_t size;
    uint16_t status[PORTS + 1], change[PORTS + 1];
    bool is_powered[PORTS + 1];
    bool stalls, is_silent;
    uint8_t report;
    uint64_t asked_ns; /* its interrupt endpoint */
} models[MODELS];

static struct {
    bool is_used, is_interrupt;
    int result;
    uint8_t data[2048];
    struct usb_pipe pipe;
} tickets[TICKETS];

static uint64_t clock_ns = 1000;
static struct event host_changed;
static struct usb_port root = {.speed = USB_SPEED_FULL};
static bool is_offered = true;
static unsigned root_reset_ms, workers_stopped;
static char last_warning[256];

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

void log_write(enum log_level level, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (level == LOG_WARNING) {
        vsnprintf(last_warning, sizeof(last_warning), format, arguments);
    }
    va_end(arguments);
}

int offer_add_owned(const char *kind, const char *name, const void *table, size_t size,
                    struct component *owner)
{
    (void)owner;
    (void)table;
    (void)size;
    cr_assert_str_eq(kind, COMMAND_KIND);
    cr_assert_str_eq(name, "usb");
    return 1;
}

struct event *offer_event(void)
{
    static struct event event;
    return &event;
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
    workers_stopped++;
    return 0;
}

/* --- the controller --- */

static struct model *find_model(unsigned parent, unsigned port)
{
    for (struct model *model = models + 1; model < models + MODELS; model++) {
        if (model->is_there && model->parent == parent && model->port == port) {
            return model;
        }
    }
    return NULL;
}

/* Who listens to an address: only one may. */
static struct model *who_is(uint8_t address)
{
    struct model *found = NULL;
    for (struct model *model = models + 1; model < models + MODELS; model++) {
        if (model->is_there && model->is_reset && model->address == address) {
            cr_assert_null(found, "two devices listen to address %u", address);
            found = model;
        }
    }
    return found;
}

static int copy(uint8_t *data, uint16_t length, const void *bytes, size_t size)
{
    size_t count = MIN((size_t)length, size);
    memcpy(data, bytes, count);
    return (int)count;
}

static void set_reset(unsigned parent, unsigned port, bool is_reset)
{
    struct model *model = find_model(parent, port);
    if (model) {
        model->is_reset = is_reset;
        model->address = model->configuration = 0;
    }
}

static int answer_hub(struct model *hub, const struct usb_setup *setup, uint8_t *data)
{
    unsigned port = setup->index;
    unsigned self = (unsigned)(hub - models);
    cr_assert_leq(port, PORTS);
    if (setup->request == USB_GET_DESCRIPTOR) {
        return copy(data, setup->length, hub_ports, sizeof(hub_ports));
    }
    if (setup->request == USB_GET_STATUS) {
        uint16_t words[2] = {hub->status[port], hub->change[port]};
        return copy(data, setup->length, words, 4);
    }
    if (setup->request == USB_CLEAR_FEATURE && setup->value == PORT_ENABLE) {
        hub->status[port] &= (uint16_t)~PORT_ENABLED;
        set_reset(self, port, false);
    } else if (setup->request == USB_CLEAR_FEATURE) {
        cr_assert(setup->value >= 16 && setup->value <= 20);
        hub->change[port] &= (uint16_t) ~(1u << (setup->value - 16));
    } else if (setup->value == PORT_POWER) {
        hub->is_powered[port] = true;
    } else if (setup->value == PORT_RESET) {
        cr_assert(hub->is_powered[port]);
        if (find_model(self, port)) {
            set_reset(self, port, true);
            hub->status[port] |= PORT_ENABLED;
            hub->change[port] |= CHANGED_RESET;
        }
    }
    return 0;
}

static int answer(struct model *model, const struct usb_setup *setup, uint8_t *data)
{
    if (!model || model->is_silent) {
        return -EIO;
    }
    if (model->stalls) {
        return -EPIPE;
    }
    if (setup->type & USB_TYPE_CLASS) {
        return model->device[4] == USB_CLASS_HUB ? answer_hub(model, setup, data) : 0;
    }
    if (setup->request == USB_SET_ADDRESS) {
        model->address = (uint8_t)setup->value;
    } else if (setup->request == USB_SET_CONFIGURATION) {
        model->configuration = (uint8_t)setup->value;
    } else if (setup->value == USB_DESCRIPTOR_DEVICE << 8) {
        return copy(data, setup->length, model->device, 18);
    } else if (setup->value == USB_DESCRIPTOR_CONFIGURATION << 8) {
        return copy(data, setup->length, model->bytes, model->size);
    } else {
        return copy(data, setup->length, keyboard_name, sizeof(keyboard_name));
    }
    return 0;
}

static int take_ticket(const struct usb_pipe *pipe)
{
    for (unsigned i = 1; i < TICKETS; i++) {
        if (!tickets[i].is_used) {
            memset(&tickets[i], 0, sizeof(tickets[i]));
            tickets[i].is_used = true;
            tickets[i].pipe = *pipe;
            return (int)i;
        }
    }
    return -EAGAIN;
}

static unsigned open_tickets(void)
{
    unsigned count = 0;
    for (unsigned i = 0; i < TICKETS; i++) {
        count += tickets[i].is_used;
    }
    return count;
}

static int host_read_port(uint32_t unit, struct usb_port *port)
{
    cr_assert_eq(unit, 3u);
    *port = root;
    return 0;
}

static int host_reset_port(uint32_t unit)
{
    (void)unit;
    root.is_resetting = 1;
    root.is_enabled = 0;
    root_reset_ms = 60;
    return 0;
}

static int host_submit(uint32_t unit, const struct usb_pipe *pipe, const struct usb_setup *setup,
                       const void *data)
{
    (void)unit;
    (void)data;
    int ticket = take_ticket(pipe);
    cr_assert_gt(ticket, 0);
    cr_assert_leq(setup->length, sizeof(tickets[0].data));
    tickets[ticket].result = answer(who_is(pipe->address), setup, tickets[ticket].data);
    event_signal(&host_changed);
    return ticket;
}

static int host_open(uint32_t unit, const struct usb_pipe *pipe)
{
    (void)unit;
    int ticket = take_ticket(pipe);
    cr_assert_gt(ticket, 0);
    tickets[ticket].is_interrupt = true;
    return ticket;
}

static int read_pipe(struct model *model, uint8_t *data)
{
    if (!model) {
        return -EIO;
    }
    if (model->asked_ns == clock_ns) {
        return -EAGAIN; /* not so often */
    }
    model->asked_ns = clock_ns;
    data[0] = model->report;
    for (unsigned port = 1; port <= PORTS; port++) {
        data[0] |= (uint8_t)((model->change[port] ? 1u : 0) << port);
    }
    return data[0] ? 1 : -EAGAIN;
}

static int host_collect(uint32_t unit, int ticket, void *data, size_t size)
{
    (void)unit;
    cr_assert(ticket > 0 && ticket < (int)TICKETS && tickets[ticket].is_used);
    uint8_t changes[1] = {0};
    int result = tickets[ticket].result;
    const uint8_t *bytes = tickets[ticket].data;
    if (tickets[ticket].is_interrupt) {
        result = read_pipe(who_is(tickets[ticket].pipe.address), changes);
        bytes = changes;
    } else {
        tickets[ticket].is_used = false;
    }
    if (result > 0) {
        memcpy(data, bytes, MIN(size, (size_t)result));
    }
    return result;
}

static int host_close(uint32_t unit, int ticket)
{
    (void)unit;
    cr_assert(tickets[ticket].is_used);
    tickets[ticket].is_used = false;
    return 0;
}

int offer_find(const char *kind, const char *name, uint32_t after, struct offer *offer)
{
    struct usb_host_ops ops = {3,         host_read_port, host_reset_port, host_submit,
                               host_open, host_collect,   host_close,      &host_changed};
    cr_assert_str_eq(kind, USB_HOST_KIND);
    cr_assert_null(name);
    if (after >= OFFER || !is_offered) {
        return -ENOENT;
    }
    *offer = (struct offer){.id = OFFER};
    memcpy(offer->table, &ops, sizeof(ops));
    return 0;
}

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

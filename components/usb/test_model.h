/* SPDX-License-Identifier: MIT */
/*
 * A model of a controller with a tree of devices and hubs, which answer as the specification has
 * it, or as a test would have it. A part of test_usb.c, which includes it behind the component.
 */
#pragma once

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

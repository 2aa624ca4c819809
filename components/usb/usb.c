/* SPDX-License-Identifier: MIT */
/*
 * Devices on USBs: follows the offers of host controllers, has a worker for each, and answers those
 * who drive devices. The tree is in the state, so a successor goes on in the middle of enumerating.
 */
#include <errno.h>
#include <string.h>

#include <interface/command.h>
#include <neurath/log.h>
#include <neurath/offer.h>
#include <neurath/thread.h>
#include <neurath/time.h>

#include "bus.h"

#define BUSES 2u
#define TURN_US 1000
#define STOP_NS 100000000u /* longest wait for a step to end */

struct usb {
    struct event changed;
    struct bus buses[BUSES];
};

STATE(struct usb) state = {};

static bool take_turn(struct bus *bus)
{
    return !__atomic_exchange_n(&bus->is_busy, 1, __ATOMIC_ACQUIRE);
}

static void end_turn(struct bus *bus)
{
    __atomic_store_n(&bus->is_busy, 0, __ATOMIC_RELEASE);
}

static struct bus *find_bus(uint32_t offer_id)
{
    for (struct bus *bus = state.buses; bus < state.buses + BUSES; bus++) {
        if (READ_ONCE(bus->offer_id) == offer_id) {
            return bus;
        }
    }
    return NULL;
}

/* argument: id of the offer that the worker belongs to. */
static int step(void *argument)
{
    bool has_news = false;
    uint64_t now_ns = time_now_ns(), next_ns = UINT64_MAX;
    struct bus *bus = find_bus((uint32_t)(uintptr_t)argument);
    if (!bus) {
        return -EAGAIN; /* the controller has left, and this worker will */
    }
    if (!take_turn(bus)) {
        return TURN_US;
    }
    if (bus->offer_id == (uintptr_t)argument) {
        next_ns = bus_step(bus, now_ns, &has_news);
    }
    end_turn(bus);
    if (has_news) {
        event_signal(&state.changed);
    }
    if (next_ns == UINT64_MAX) {
        return -EAGAIN;
    }
    return next_ns <= now_ns ? 0 : (int)MIN((next_ns - now_ns) / 1000 + 1, 1000000ul);
}

static void connect(struct bus *bus, const struct offer *offer)
{
    memcpy(&bus->host, offer->table, sizeof(bus->host));
    struct worker_config worker = {.name = "usb bus",
                                   .step = step,
                                   .argument = (void *)(uintptr_t)offer->id,
                                   .event = bus->host.changed};
    bus->ids = bus->number;
    WRITE_ONCE(bus->offer_id, offer->id);
    bus->worker = worker_start(&worker);
    if (bus->worker < 0) {
        log_error("usb: controller %s cannot be used: error %d", offer->name, bus->worker);
        bus->offer_id = 0;
    }
}

/* The controller has left; its event has ended the worker, or will. False: it is in its step. */
static bool disconnect(struct bus *bus)
{
    if (!take_turn(bus)) {
        return false;
    }
    (void)worker_stop(bus->worker); /* it may have ended */
    WRITE_ONCE(bus->offer_id, 0);
    bus_drop_all(bus, true);
    end_turn(bus);
    event_signal(&state.changed);
    return true;
}

/* Follows the offers of controllers. */
static int watch_step(void *argument)
{
    struct offer offer;
    uint32_t there[BUSES] = {0};
    (void)argument;
    for (uint32_t id = 0; offer_find(USB_HOST_KIND, NULL, id, &offer) == 0; id = offer.id) {
        struct bus *bus = find_bus(offer.id);
        struct bus *empty = find_bus(0);
        if (!bus && empty) {
            connect(empty, &offer);
            bus = empty;
        }
        if (bus) {
            there[bus - state.buses] = offer.id;
        }
    }
    for (unsigned i = 0; i < BUSES; i++) {
        if (state.buses[i].offer_id != there[i] && !disconnect(&state.buses[i])) {
            return TURN_US;
        }
    }
    return -EAGAIN;
}

/* --- for users --- */

/* A ready device, with its bus locked: then *daif is what unlocks it. NULL: there is none. */
static struct bus_device *lock_device(uint32_t id, struct bus **bus, uint64_t *daif)
{
    *bus = &state.buses[id % BUSES];
    *daif = spin_lock(&(*bus)->lock);
    for (unsigned i = 0; id != 0 && i < BUS_DEVICES; i++) {
        if ((*bus)->devices[i].id == id) {
            return &(*bus)->devices[i];
        }
    }
    spin_unlock(&(*bus)->lock, *daif);
    return NULL;
}

int usb_next_device(uint32_t after, struct usb_device_info *info)
{
    uint32_t found = 0;
    for (struct bus *bus = state.buses; bus < state.buses + BUSES; bus++) {
        uint64_t daif = spin_lock(&bus->lock);
        for (unsigned i = 0; i < BUS_DEVICES; i++) {
            uint32_t id = bus->devices[i].id;
            if (id > after && (found == 0 || id < found)) {
                found = id;
                *info = bus->devices[i].info;
            }
        }
        spin_unlock(&bus->lock, daif);
    }
    return found ? 0 : -ENOENT;
}

int usb_read_interface(uint32_t id, uint32_t index, struct usb_interface_info *info)
{
    struct bus *bus;
    uint64_t daif;
    struct bus_device *device = lock_device(id, &bus, &daif);
    if (!device) {
        return -ENODEV;
    }
    int result = index < device->configuration.interfaces ? 0 : -ENOENT;
    if (result == 0) {
        *info = device->configuration.interface[index % USB_INTERFACES_MAX];
    }
    spin_unlock(&bus->lock, daif);
    return result;
}

static struct usb_pipe pipe_of(const struct bus_device *device)
{
    return (struct usb_pipe){.address = device->info.address,
                             .speed = device->info.speed,
                             .packet_bytes = device->packet_bytes};
}

/* Which of its interfaces has that number; < 0: none. */
static int find_interface(const struct bus_device *device, uint8_t number)
{
    for (int i = 0; i < device->configuration.interfaces; i++) {
        if (device->configuration.interface[i].number == number) {
            return i;
        }
    }
    return -ENOENT;
}

/*
 * Keeps a new ticket with its device, where `index` says: an interface's, or < 0: of its control
 * transfer. What was kept there before, or the new one if the device is gone, is closed.
 */
static int keep_ticket(uint32_t id, int index, int ticket, const struct usb_host_ops *host)
{
    struct bus *bus;
    uint64_t daif;
    struct bus_device *device = lock_device(id, &bus, &daif);
    int superfluous = ticket;
    if (device) {
        int32_t *kept = index < 0 ? &device->user_ticket : &device->user_pipes[index];
        superfluous = *kept;
        *kept = ticket;
        spin_unlock(&bus->lock, daif);
    }
    if (superfluous > 0) {
        (void)host->close(host->unit, superfluous); /* it may be cut off */
    }
    return device ? 0 : -ENODEV;
}

int usb_submit(uint32_t id, const struct usb_setup *setup, const void *data)
{
    struct bus *bus;
    uint64_t daif;
    struct bus_device *device = lock_device(id, &bus, &daif);
    if (!device) {
        return -ENODEV;
    }
    struct usb_pipe pipe = pipe_of(device);
    struct usb_host_ops host = bus->host;
    bool is_busy = device->user_ticket != 0;
    spin_unlock(&bus->lock, daif);
    if (is_busy) {
        return -EBUSY;
    }
    int ticket = host.submit ? host.submit(host.unit, &pipe, setup, data) : -ENODEV;
    return ticket < 0 ? ticket : keep_ticket(id, -1, ticket, &host);
}

/* The ticket kept with a device, and whom to show it. > 0; -ENOENT; -ENODEV. */
static int read_ticket(uint32_t id, bool is_control, uint8_t interface, struct usb_host_ops *host)
{
    struct bus *bus;
    uint64_t daif;
    struct bus_device *device = lock_device(id, &bus, &daif);
    if (!device) {
        return -ENODEV;
    }
    int index = is_control ? 0 : find_interface(device, interface);
    int ticket = is_control ? device->user_ticket : index < 0 ? 0 : device->user_pipes[index];
    *host = bus->host;
    spin_unlock(&bus->lock, daif);
    return ticket > 0 && host->collect ? ticket : -ENOENT;
}

static void forget_ticket(uint32_t id, int ticket)
{
    struct bus *bus;
    uint64_t daif;
    struct bus_device *device = lock_device(id, &bus, &daif);
    if (!device) {
        return;
    }
    if (device->user_ticket == ticket) {
        device->user_ticket = 0;
    }
    for (unsigned i = 0; i < USB_INTERFACES_MAX; i++) {
        if (device->user_pipes[i] == ticket) {
            device->user_pipes[i] = 0;
        }
    }
    spin_unlock(&bus->lock, daif);
}

int usb_collect(uint32_t id, void *data, size_t size)
{
    struct usb_host_ops host;
    int ticket = read_ticket(id, true, 0, &host);
    if (ticket < 0) {
        return ticket;
    }
    int result = host.collect(host.unit, ticket, data, size);
    if (result != -EAGAIN) {
        forget_ticket(id, ticket);
    }
    return result == -ENOENT ? -ENODEV : result; /* cut off: the device goes */
}

int usb_open(uint32_t id, uint8_t interface)
{
    struct bus *bus;
    uint64_t daif;
    struct bus_device *device = lock_device(id, &bus, &daif);
    if (!device) {
        return -ENODEV;
    }
    int index = device->hub.ports ? -ENOENT : find_interface(device, interface);
    struct usb_pipe pipe = pipe_of(device);
    if (index >= 0) {
        const struct usb_interface_info *info = &device->configuration.interface[index];
        pipe.endpoint = info->endpoint;
        pipe.interval_ms = info->interval_ms;
        pipe.packet_bytes = info->packet_bytes;
    }
    struct usb_host_ops host = bus->host;
    spin_unlock(&bus->lock, daif);
    if (index < 0 || pipe.endpoint == 0) {
        return -ENOENT;
    }
    int ticket = host.open ? host.open(host.unit, &pipe) : -ENODEV;
    return ticket < 0 ? ticket : keep_ticket(id, index, ticket, &host);
}

int usb_read(uint32_t id, uint8_t interface, void *data, size_t size)
{
    struct usb_host_ops host;
    int ticket = read_ticket(id, false, interface, &host);
    if (ticket < 0) {
        return ticket;
    }
    int result = host.collect(host.unit, ticket, data, size);
    return result == -ENOENT ? -ENODEV : result;
}

int usb_close(uint32_t id, uint8_t interface)
{
    struct usb_host_ops host;
    int ticket = read_ticket(id, false, interface, &host);
    if (ticket < 0) {
        return ticket;
    }
    forget_ticket(id, ticket);
    (void)host.close(host.unit, ticket); /* it may be cut off */
    return 0;
}

struct event *usb_changed(void)
{
    return &state.changed;
}

static int run(int count, char *const words[], struct command_output *output)
{
    struct usb_device_info info = {};
    bool has_any = false;
    (void)count;
    (void)words;
    while (usb_next_device(info.id, &info) == 0) {
        command_print(output, "%s: %s (%04x:%04x), %s speed, address %u, class %u\n", info.place,
                      info.name[0] ? info.name : "a device without name", info.vendor, info.product,
                      info.speed == USB_SPEED_LOW ? "low" : "full", info.address, info.class);
        for (uint32_t i = 0; i < info.interfaces; i++) {
            struct usb_interface_info interface;
            if (usb_read_interface(info.id, i, &interface) == 0) {
                command_print(output, "    interface %u: class %u/%u/%u\n", interface.number,
                              interface.class, interface.subclass, interface.protocol);
            }
        }
        has_any = true;
    }
    if (!has_any) {
        command_print(output, "usb: nothing is plugged in\n");
    }
    return 0;
}

static int start(void)
{
    static const struct command_ops command = {run, "usb - what is plugged in"};
    struct worker_config worker = {.name = "usb", .step = watch_step, .event = offer_event()};
    event_init(&state.changed);
    for (unsigned i = 0; i < BUSES; i++) {
        state.buses[i].number = i;
    }
    int result = worker_start(&worker);
    return result < 0 ? result : offer_add(COMMAND_KIND, "usb", &command, sizeof(command));
}

/* Nobody is inside: whose turn it was has been cut off. */
static int adopt(void)
{
    for (unsigned i = 0; i < BUSES; i++) {
        state.buses[i].is_busy = 0;
    }
    return 0;
}

/* Closes all transfers, so that controllers ask nobody any more; no step comes after this. */
static void stop(void)
{
    uint64_t end_ns = time_now_ns() + STOP_NS;
    for (struct bus *bus = state.buses; bus < state.buses + BUSES; bus++) {
        while (!take_turn(bus) && time_now_ns() < end_ns) {
            cpu_relax();
        }
        bus_drop_all(bus, false);
    }
}

COMPONENT(usb, .version = VERSION(1, 0, 0), .summary = "Devices, hubs and ports of USBs",
          .start = start, .adopt = adopt, .stop = stop);

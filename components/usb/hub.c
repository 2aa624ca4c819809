/* SPDX-License-Identifier: MIT */
/*
 * A hub's ports (USB 2.0, 11.24): one request at a time. Its interrupt endpoint tells which ports
 * changed; their state is asked, what changed is cleared, and devices come and go by it. A hub that
 * lies makes work, but never more than one request at a time.
 */
#include <errno.h>

#include "bus.h"

/* wPortStatus, table 11-21 */
#define PORT_CONNECTED (1u << 0)
#define PORT_ENABLED (1u << 1)
#define PORT_LOW_SPEED (1u << 9)
#define PORT_HIGH_SPEED (1u << 10)
/* wPortChange, table 11-22: bit n is cleared by feature C_PORT_CONNECTION + n */
#define CHANGED_CONNECTION (1u << 0)
#define CHANGED_ENABLE (1u << 1)
#define CHANGED_RESET (1u << 4)
#define CHANGES 0x1fu
#define CHANGES_OF_HUB 0x03u /* table 11-20; features from C_HUB_LOCAL_POWER, 0, on */
/* Feature selectors, table 11-17 */
#define PORT_ENABLE 1u
#define PORT_RESET 4u
#define C_PORT_CONNECTION 16u

#define STATUS_BYTES 4u
#define REPORTS_AT_ONCE 16u /* they repeat themselves until what changed is cleared */
#define CHANGE_BYTES 8u     /* more than a bitmap of 127 ports' first ones needs */

int hub_open(struct bus *bus, struct bus_device *device)
{
    const struct usb_interface_info *interface = &device->configuration.interface[0];
    if (device->configuration.interfaces == 0 || interface->endpoint == 0) {
        return -EPROTO;
    }
    struct usb_pipe pipe = {.address = device->info.address,
                            .endpoint = interface->endpoint,
                            .speed = device->info.speed,
                            .interval_ms = interface->interval_ms,
                            .packet_bytes = interface->packet_bytes};
    int result = bus->host.open(bus->host.unit, &pipe);
    if (result > 0) {
        device->hub.pipe = result;
        device->hub.check = ((2u << device->hub.ports) - 1) & ~1u; /* all ports, at first */
    }
    return MIN(result, 0);
}

/* Which ports have changed, by its interrupt endpoint. 0; < 0: it does not work. */
static int hear(struct bus *bus, struct bus_device *device)
{
    for (unsigned i = 0; i < REPORTS_AT_ONCE; i++) {
        uint8_t bytes[CHANGE_BYTES] = {0};
        int result = bus->host.collect(bus->host.unit, device->hub.pipe, bytes, sizeof(bytes));
        if (result < 0) {
            return result == -EAGAIN ? 0 : result;
        }
        uint32_t ports = (uint32_t)(bytes[0] | bytes[1] << 8);
        device->hub.check |= ports & ((2u << device->hub.ports) - 1);
    }
    return 0; /* the rest the next time */
}

static void meet_port(struct bus *bus, struct bus_device *hub, unsigned port, uint32_t status,
                      uint32_t change, uint64_t now_ns, bool *has_news)
{
    struct bus_device *child = bus_child(bus, hub, port);
    bool is_connected = status & PORT_CONNECTED;
    if (child && (!is_connected || (change & CHANGED_CONNECTION))) {
        bus_remove(bus, child, has_news);
        child = NULL;
    }
    if (!child) {
        hub->hub.reset &= ~(1u << port);
        hub->hub.disable &= ~(1u << port);
        if (is_connected) {
            bus_add(bus, hub, port, now_ns);
        }
        return;
    }
    bool is_enabled = status & PORT_ENABLED;
    if (child->stage == DEVICE_RESET && is_enabled && (change & CHANGED_RESET)) {
        bus_start_talking(child,
                          status & PORT_LOW_SPEED    ? USB_SPEED_LOW
                          : status & PORT_HIGH_SPEED ? USB_SPEED_HIGH
                                                     : USB_SPEED_FULL,
                          now_ns);
    } else if (child->stage > DEVICE_RESET && child->stage != DEVICE_FAILED && !is_enabled) {
        bus_retry(bus, child, "its port was disabled", now_ns, has_news);
    }
}

static void take_status(struct bus *bus, struct bus_device *device, const uint8_t *bytes,
                        uint64_t now_ns, bool *has_news)
{
    struct hub *hub = &device->hub;
    uint32_t status = (uint32_t)(bytes[0] | bytes[1] << 8);
    uint32_t change = (uint32_t)(bytes[2] | bytes[3] << 8);
    hub->changes[hub->port] |= (uint8_t)(change & (hub->port ? CHANGES : CHANGES_OF_HUB));
    if (hub->port > 0) {
        meet_port(bus, device, hub->port, status, change, now_ns, has_news);
    }
}

static unsigned lowest(uint32_t bits)
{
    return (unsigned)__builtin_ctz(bits);
}

/* What to ask next. False: nothing. */
static bool choose(struct hub *hub, struct usb_setup *setup)
{
    for (unsigned port = 0; port <= hub->ports; port++) {
        uint8_t recipient = port ? USB_TYPE_OTHER : 0;
        *setup = (struct usb_setup){.type = USB_TYPE_CLASS | recipient, .index = (uint16_t)port};
        hub->port = (uint8_t)port;
        if (hub->changes[port]) {
            unsigned change = lowest(hub->changes[port]);
            hub->request = HUB_CLEAR;
            hub->feature = (uint8_t)change;
            setup->request = USB_CLEAR_FEATURE;
            setup->value = (uint16_t)(port ? C_PORT_CONNECTION + change : change);
            return true;
        }
        if (hub->check & 1u << port) {
            hub->request = HUB_GET_STATUS;
            setup->type |= USB_TYPE_IN;
            setup->request = USB_GET_STATUS;
            setup->length = STATUS_BYTES;
            return true;
        }
        if (hub->disable & 1u << port) {
            hub->request = HUB_DISABLE;
            setup->request = USB_CLEAR_FEATURE;
            setup->value = PORT_ENABLE;
            return true;
        }
        if (hub->reset & 1u << port) {
            hub->request = HUB_RESET;
            setup->request = USB_SET_FEATURE;
            setup->value = PORT_RESET;
            return true;
        }
    }
    hub->request = HUB_IDLE;
    return false;
}

/* The request under way is answered. < 0: it does not work. */
static int finish_request(struct bus *bus, struct bus_device *device, uint64_t now_ns,
                          bool *has_news)
{
    struct hub *hub = &device->hub;
    uint8_t bytes[STATUS_BYTES] = {0};
    int result = bus->host.collect(bus->host.unit, device->ticket, bytes, sizeof(bytes));
    if (result == -EAGAIN) {
        return result;
    }
    device->ticket = 0;
    unsigned request = hub->request;
    hub->request = HUB_IDLE;
    if (result < 0) {
        return -EIO;
    }
    if (request == HUB_CLEAR) {
        hub->changes[hub->port] &= (uint8_t) ~(1u << hub->feature);
    } else if (request == HUB_RESET) {
        hub->reset &= ~(1u << hub->port);
    } else if (request == HUB_DISABLE) {
        const struct bus_device *child = bus_child(bus, device, hub->port);
        hub->disable &= ~(1u << hub->port);
        if (child) {
            bus_leave_address_0(bus, child);
        }
    } else if (result < (int)STATUS_BYTES) {
        return -EIO;
    } else {
        hub->check &= ~(1u << hub->port);
        take_status(bus, device, bytes, now_ns, has_news);
    }
    return 0;
}

uint64_t hub_step(struct bus *bus, struct bus_device *device, uint64_t now_ns, bool *has_news)
{
    struct usb_setup setup;
    if (hear(bus, device) < 0) {
        bus_retry(bus, device, "the hub says nothing more", now_ns, has_news);
        return now_ns;
    }
    if (device->ticket > 0) {
        int result = finish_request(bus, device, now_ns, has_news);
        if (result == -EAGAIN) {
            return UINT64_MAX;
        }
        if (result < 0) {
            bus_retry(bus, device, "the hub does not answer", now_ns, has_news);
            return now_ns;
        }
    }
    if (!choose(&device->hub, &setup)) {
        return UINT64_MAX;
    }
    int result = bus_submit(bus, device, &setup);
    if (result < 0) {
        device->hub.request = HUB_IDLE;
        return now_ns + 1000000; /* no room, or the root port is going */
    }
    return now_ns; /* it may be answered already; and a child may have come */
}

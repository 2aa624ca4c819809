/* SPDX-License-Identifier: MIT */
/*
 * From plugged in to ready: a device's reset, address, descriptors and configuration (USB 2.0,
 * 9.1.2), a step at a time. Only one device at a time may answer to address 0.
 */
#include <errno.h>
#include <string.h>

#include <neurath/library.h>
#include <neurath/log.h>

#include "bus.h"

#define MS_NS 1000000ul
#define DEBOUNCE_NS (100 * MS_NS) /* 7.1.7.3 */
#define RESET_NS (1000 * MS_NS)   /* a hub needs 10 to 20 ms, the root port 60 */
#define RECOVER_NS (10 * MS_NS)   /* 7.1.7.5 */
#define ADDRESS_NS (10 * MS_NS)   /* 9.2.6.3: 2 ms */
#define LOOK_NS (10 * MS_NS)      /* between looks at something that has no event */
#define LANGUAGE_ENGLISH 0x0409u
#define STRING_BYTES 255u
#define HUB_DESCRIPTOR_BYTES 9u
#define PORT_POWER 8u /* 11.24.2, table 11-17 */

unsigned bus_slot(const struct bus *bus, const struct bus_device *device)
{
    return (unsigned)(device - bus->devices);
}

struct bus_device *bus_child(struct bus *bus, const struct bus_device *hub, unsigned port)
{
    unsigned parent = hub ? bus_slot(bus, hub) + 1 : 0;
    for (struct bus_device *device = bus->devices; device < bus->devices + BUS_DEVICES; device++) {
        if (device->stage != DEVICE_NONE && device->parent == parent && device->port == port) {
            return device;
        }
    }
    return NULL;
}

void bus_leave_address_0(struct bus *bus, const struct bus_device *device)
{
    if (bus->addressing == bus_slot(bus, device) + 1) {
        bus->addressing = 0;
    }
}

static uint8_t take_address(struct bus *bus)
{
    for (unsigned i = 0; i < USB_ADDRESS_MAX; i++) {
        uint32_t address = (bus->last_address + i) % USB_ADDRESS_MAX + 1;
        uint32_t bit = 1u << address % 32;
        if (!(bus->addresses[address / 32] & bit)) {
            bus->addresses[address / 32] |= bit;
            bus->last_address = address;
            return (uint8_t)address;
        }
    }
    return 0; /* cannot be: there are more addresses than slots */
}

static void give_address(struct bus *bus, struct bus_device *device)
{
    unsigned address = device->info.address;
    if (address > 0 && address <= USB_ADDRESS_MAX) {
        bus->addresses[address / 32] &= ~(1u << address % 32);
    }
    device->info.address = 0;
}

/* What hangs on a device, and its transfers, go; it stays. */
static void clear(struct bus *bus, struct bus_device *device, bool *has_news)
{
    int32_t tickets[3 + USB_INTERFACES_MAX];
    unsigned slot = bus_slot(bus, device);

    uint64_t daif = spin_lock(&bus->lock);
    *has_news |= device->id != 0;
    device->id = 0;
    tickets[0] = device->ticket;
    tickets[1] = device->hub.pipe;
    tickets[2] = device->user_ticket;
    memcpy(tickets + 3, device->user_pipes, sizeof(device->user_pipes));
    device->ticket = device->user_ticket = 0;
    memset(device->user_pipes, 0, sizeof(device->user_pipes));
    device->hub = (struct hub){};
    spin_unlock(&bus->lock, daif);

    for (unsigned i = 0; i < ARRAY_SIZE(tickets); i++) {
        if (tickets[i] > 0 && bus->host.close) {
            (void)bus->host.close(bus->host.unit, tickets[i]); /* it may be cut off already */
        }
    }
    give_address(bus, device);
    for (unsigned i = 0; i < BUS_DEVICES; i++) {
        if (bus->devices[i].stage != DEVICE_NONE && bus->devices[i].parent == slot + 1) {
            bus_remove(bus, &bus->devices[i], has_news); /* as deep as BUS_DEPTH_MAX */
        }
    }
}

void bus_remove(struct bus *bus, struct bus_device *device, bool *has_news)
{
    if (device->stage >= DEVICE_READY) {
        log_info("usb %s: gone", device->info.place);
    }
    clear(bus, device, has_news);
    bus_leave_address_0(bus, device);
    uint64_t daif = spin_lock(&bus->lock);
    *device = (struct bus_device){};
    spin_unlock(&bus->lock, daif);
}

void bus_drop_all(struct bus *bus, bool is_gone)
{
    bool has_news = false;
    if (is_gone) {
        uint64_t daif = spin_lock(&bus->lock);
        bus->host = (struct usb_host_ops){};
        spin_unlock(&bus->lock, daif);
    }
    for (unsigned i = 0; i < BUS_DEVICES; i++) {
        if (bus->devices[i].stage != DEVICE_NONE) {
            bus_remove(bus, &bus->devices[i], &has_news);
        }
    }
    bus->connections = 0;
}

void bus_retry(struct bus *bus, struct bus_device *device, const char *what, uint64_t now_ns,
               bool *has_news)
{
    clear(bus, device, has_news);
    if (device->parent > 0) { /* it must not listen to an address that another gets */
        struct hub *hub = &bus->devices[device->parent - 1].hub;
        hub->reset &= ~(1u << device->port);
        hub->disable |= 1u << device->port;
    } else {
        bus_leave_address_0(bus, device);
    }
    if (++device->tries >= BUS_TRIES) {
        log_warning("usb %s: left alone: %s", device->info.place, what);
        device->stage = DEVICE_FAILED;
        return;
    }
    log_debug("usb %s: once more: %s", device->info.place, what);
    device->stage = DEVICE_DEBOUNCE;
    device->due_ns = now_ns + DEBOUNCE_NS;
}

void bus_add(struct bus *bus, struct bus_device *hub, unsigned port, uint64_t now_ns)
{
    for (struct bus_device *device = bus->devices; device < bus->devices + BUS_DEVICES; device++) {
        if (device->stage != DEVICE_NONE) {
            continue;
        }
        *device = (struct bus_device){
            .stage = DEVICE_DEBOUNCE,
            .parent = (uint8_t)(hub ? bus_slot(bus, hub) + 1 : 0),
            .port = (uint8_t)port,
            .depth = (uint8_t)(hub ? hub->depth + 1 : 1),
            .due_ns = now_ns + DEBOUNCE_NS,
        };
        (void)format_print(device->info.place, sizeof(device->info.place), "%s%s%u",
                           hub ? hub->info.place : "", hub ? "." : "", port);
        if (device->depth > BUS_DEPTH_MAX) {
            log_warning("usb %s: left alone: behind too many hubs", device->info.place);
            device->stage = DEVICE_FAILED;
        }
        return;
    }
    log_warning("usb: port %u of %s: left alone: more than %u devices", port,
                hub ? hub->info.place : "the root", BUS_DEVICES);
}

int bus_submit(struct bus *bus, struct bus_device *device, const struct usb_setup *setup)
{
    struct usb_pipe pipe = {.address = device->info.address,
                            .speed = device->info.speed,
                            .packet_bytes = device->packet_bytes};
    if (device->stage <= DEVICE_SET_ADDRESS) {
        pipe.address = 0; /* it has not heard of its own yet */
    }
    int result = bus->host.submit(bus->host.unit, &pipe, setup, NULL);
    device->ticket = MAX(result, 0);
    return result;
}

void bus_start_talking(struct bus_device *device, enum usb_speed speed, uint64_t now_ns)
{
    device->info.speed = (uint8_t)speed;
    device->packet_bytes = 8; /* 5.5.3: so much every device takes */
    device->stage = DEVICE_RECOVER;
    device->due_ns = now_ns + RECOVER_NS;
}

/* --- requests: one for each stage --- */

static struct usb_setup make_request(const struct bus_device *device)
{
    struct usb_setup setup = {.type = USB_TYPE_IN, .request = USB_GET_DESCRIPTOR};
    switch (device->stage) {
    case DEVICE_SET_ADDRESS:
        return (struct usb_setup){.request = USB_SET_ADDRESS, .value = device->info.address};
    case DEVICE_CONFIGURE:
        return (struct usb_setup){.request = USB_SET_CONFIGURATION,
                                  .value = device->configuration.value};
    case DEVICE_POWER_PORT:
        return (struct usb_setup){.type = USB_TYPE_CLASS | USB_TYPE_OTHER,
                                  .request = USB_SET_FEATURE,
                                  .value = PORT_POWER,
                                  .index = device->hub.port};
    case DEVICE_ASK_SIZE:
        setup.value = USB_DESCRIPTOR_CONFIGURATION << 8;
        setup.length = USB_CONFIGURATION_BYTES;
        break;
    case DEVICE_ASK_CONFIGURATION:
        setup.value = USB_DESCRIPTOR_CONFIGURATION << 8;
        setup.length = device->configuration_bytes;
        break;
    case DEVICE_ASK_NAME:
        setup.value = (uint16_t)(USB_DESCRIPTOR_STRING << 8 | device->name_index);
        setup.index = LANGUAGE_ENGLISH;
        setup.length = STRING_BYTES;
        break;
    case DEVICE_ASK_HUB:
        setup.type |= USB_TYPE_CLASS;
        setup.value = USB_DESCRIPTOR_HUB << 8;
        setup.length = HUB_DESCRIPTOR_BYTES;
        break;
    default: /* DEVICE_ASK_PACKET, DEVICE_ASK_DEVICE */
        setup.value = USB_DESCRIPTOR_DEVICE << 8;
        setup.length = device->stage == DEVICE_ASK_PACKET ? 8 : USB_DEVICE_BYTES;
        break;
    }
    return setup;
}

static void become_ready(struct bus *bus, struct bus_device *device, bool *has_news)
{
    const struct usb_device_info *info = &device->info;
    uint64_t daif = spin_lock(&bus->lock);
    device->stage = DEVICE_READY;
    device->info.interfaces = device->configuration.interfaces;
    device->info.id = bus->ids += 2; /* the other bus has the odd ones, or the even */
    device->id = device->info.id;
    spin_unlock(&bus->lock, daif);
    *has_news = true;
    const struct usb_interface_info *first = &device->configuration.interface[0];
    bool has_class = info->class != 0 || info->interfaces == 0;
    log_info("usb %s: %s (%04x:%04x), %s speed, class %u/%u/%u", info->place,
             info->name[0] ? info->name : "a device without name", info->vendor, info->product,
             info->speed == USB_SPEED_LOW ? "low" : "full", has_class ? info->class : first->class,
             has_class ? info->subclass : first->subclass,
             has_class ? info->protocol : first->protocol);
}

/* Its own hub's power is on everywhere, or it is no hub. */
static int finish(struct bus *bus, struct bus_device *device, bool *has_news)
{
    if (device->hub.ports > 0) {
        int result = hub_open(bus, device);
        if (result < 0) {
            return result;
        }
    }
    become_ready(bus, device, has_news);
    return 0;
}

static int meet_hub(struct bus_device *device, const uint8_t *bytes, size_t size, struct why *why)
{
    uint32_t settle_ms = 0;
    int ports = usb_read_hub(bytes, size, &settle_ms, why);
    if (ports < 0) {
        return ports;
    }
    device->hub.ports = (uint8_t)MIN((unsigned)ports, BUS_PORTS_MAX);
    device->hub.settle_ms = settle_ms;
    device->hub.port = 1;
    device->stage = DEVICE_POWER_PORT;
    return 0;
}

/* The answer to the request of its stage: on to the next. < 0: why says it. */
static int take_answer(struct bus *bus, struct bus_device *device, const uint8_t *bytes,
                       size_t size, uint64_t now_ns, struct why *why)
{
    int result = 0;
    switch (device->stage) {
    case DEVICE_ASK_PACKET:
        result = usb_read_packet_size(bytes, size, why);
        device->packet_bytes = (uint8_t)MAX(result, 8);
        device->info.address = take_address(bus);
        device->stage = DEVICE_SET_ADDRESS;
        break;
    case DEVICE_SET_ADDRESS:
        bus_leave_address_0(bus, device);
        device->due_ns = now_ns + ADDRESS_NS;
        device->stage = DEVICE_ASK_DEVICE;
        break;
    case DEVICE_ASK_DEVICE:
        result = usb_read_device(bytes, size, &device->info, &device->name_index, why);
        device->stage = DEVICE_ASK_SIZE;
        break;
    case DEVICE_ASK_SIZE:
        result = usb_read_configuration_size(bytes, size, why);
        device->configuration_bytes = (uint16_t)MIN((unsigned)MAX(result, 0), BUS_SCRATCH_BYTES);
        device->stage = DEVICE_ASK_CONFIGURATION;
        break;
    case DEVICE_ASK_CONFIGURATION:
        result = usb_read_configuration(bytes, size, &device->configuration, why);
        device->stage = device->name_index ? DEVICE_ASK_NAME : DEVICE_CONFIGURE;
        break;
    case DEVICE_ASK_NAME: /* without a name it works as well */
        (void)usb_read_string(bytes, size, device->info.name, sizeof(device->info.name), why);
        device->stage = DEVICE_CONFIGURE;
        break;
    case DEVICE_CONFIGURE:
        device->stage = device->info.class == USB_CLASS_HUB ? DEVICE_ASK_HUB : DEVICE_READY;
        break;
    case DEVICE_ASK_HUB:
        result = meet_hub(device, bytes, size, why);
        break;
    default: /* DEVICE_POWER_PORT */
        if (device->hub.port++ >= device->hub.ports) {
            device->due_ns = now_ns + device->hub.settle_ms * MS_NS;
            device->stage = DEVICE_READY;
        }
        break;
    }
    return result;
}

static uint64_t ask(struct bus *bus, struct bus_device *device, uint64_t now_ns, bool *has_news)
{
    struct why why = {};
    if (device->ticket == 0) {
        if (now_ns < device->due_ns) {
            return device->due_ns;
        }
        struct usb_setup setup = make_request(device);
        int result = bus_submit(bus, device, &setup);
        if (result < 0 && result != -EAGAIN) {
            bus_retry(bus, device, "the port does not work", now_ns, has_news);
        }
        return result < 0 ? now_ns + LOOK_NS : UINT64_MAX;
    }
    int result =
        bus->host.collect(bus->host.unit, device->ticket, bus->scratch, sizeof(bus->scratch));
    if (result == -EAGAIN) {
        return UINT64_MAX;
    }
    device->ticket = 0;
    size_t size = MIN((size_t)MAX(result, 0), sizeof(bus->scratch));
    if (result < 0 && device->stage != DEVICE_ASK_NAME) {
        (void)why_set(&why, result, "request %u is answered with error %d",
                      device->stage - DEVICE_ASK_PACKET, result);
    } else {
        result = take_answer(bus, device, bus->scratch, size, now_ns, &why);
    }
    if (result < 0) {
        bus_retry(bus, device, why.text, now_ns, has_news);
    }
    return now_ns;
}

static uint64_t begin_reset(struct bus *bus, struct bus_device *device, uint64_t now_ns,
                            bool *has_news)
{
    if (now_ns < device->due_ns) {
        return device->due_ns;
    }
    if (bus->addressing != 0) {
        return now_ns + LOOK_NS;
    }
    bus->addressing = bus_slot(bus, device) + 1;
    device->stage = DEVICE_RESET;
    device->due_ns = now_ns + RESET_NS;
    if (device->parent > 0) {
        bus->devices[device->parent - 1].hub.reset |= 1u << device->port;
    } else if (bus->host.reset_port(bus->host.unit) < 0) {
        bus_retry(bus, device, "the root port cannot be reset", now_ns, has_news);
    }
    return now_ns;
}

/* Behind a hub it is the hub who sees that it is over. */
static uint64_t await_reset(struct bus *bus, struct bus_device *device, uint64_t now_ns,
                            bool *has_news)
{
    struct usb_port port = {};
    if (device->parent == 0) {
        (void)bus->host.read_port(bus->host.unit, &port); /* cannot fail */
        if (port.is_enabled && !port.is_resetting) {
            bus_start_talking(device, port.speed, now_ns);
            return now_ns;
        }
    }
    if (now_ns >= device->due_ns) {
        bus_retry(bus, device, "its port is not enabled by a reset", now_ns, has_news);
        return now_ns;
    }
    return MIN(device->due_ns, now_ns + LOOK_NS);
}

static uint64_t device_step(struct bus *bus, struct bus_device *device, uint64_t now_ns,
                            bool *has_news)
{
    switch (device->stage) {
    case DEVICE_NONE:
    case DEVICE_FAILED:
        return UINT64_MAX;
    case DEVICE_DEBOUNCE:
        return begin_reset(bus, device, now_ns, has_news);
    case DEVICE_RESET:
        return await_reset(bus, device, now_ns, has_news);
    case DEVICE_RECOVER:
        if (now_ns < device->due_ns) {
            return device->due_ns;
        }
        device->stage = DEVICE_ASK_PACKET;
        return now_ns;
    case DEVICE_READY:
        if (device->id != 0) {
            return device->hub.ports ? hub_step(bus, device, now_ns, has_news) : UINT64_MAX;
        }
        if (now_ns < device->due_ns) {
            return device->due_ns;
        }
        if (finish(bus, device, has_news) < 0) {
            bus_retry(bus, device, "its ports cannot be watched", now_ns, has_news);
        }
        return now_ns;
    default:
        return ask(bus, device, now_ns, has_news);
    }
}

/* What happened at the root. */
static void watch_root(struct bus *bus, uint64_t now_ns, bool *has_news)
{
    struct usb_port port = {};
    (void)bus->host.read_port(bus->host.unit, &port); /* cannot fail */
    struct bus_device *root = bus_child(bus, NULL, 1);
    bool is_another = port.connections != bus->connections;
    if (root && (!port.is_connected || is_another)) {
        bus_remove(bus, root, has_news);
        root = NULL;
    }
    if (port.is_connected && is_another) {
        bus_add(bus, NULL, 1, now_ns);
    } else if (root && root->stage > DEVICE_RESET && root->stage != DEVICE_FAILED &&
               !port.is_enabled) {
        bus_retry(bus, root, "its port was disabled", now_ns, has_news);
    }
    bus->connections = port.connections;
}

uint64_t bus_step(struct bus *bus, uint64_t now_ns, bool *has_news)
{
    uint64_t next_ns = UINT64_MAX;
    if (!bus->host.submit) {
        return UINT64_MAX;
    }
    uint32_t signals = event_read(bus->host.changed);
    *has_news |= signals != bus->host_signals; /* what came may be a user's */
    bus->host_signals = signals;
    watch_root(bus, now_ns, has_news);
    for (unsigned i = 0; i < BUS_DEVICES; i++) {
        next_ns = MIN(next_ns, device_step(bus, &bus->devices[i], now_ns, has_news));
    }
    return next_ns;
}

/* SPDX-License-Identifier: MIT */
/*
 * A bus: one host controller and the tree of devices at it. Its worker runs bus_step(), the only
 * one who changes the tree; users' calls (usb.c) read it. The lock guards what both touch: `id`,
 * what a ready device tells, and the users' tickets. The controller is never called with it held.
 *
 * A device is a state machine (device.c); a hub, once it is ready, one more, for its ports (hub.c).
 */
#pragma once

#include <interface/usb.h>
#include <interface/usb_host.h>
#include <neurath/cpu.h>

#include "descriptor.h"

#define BUS_DEVICES 16u
#define BUS_PORTS_MAX 15u /* of a hub; those beyond are left alone */
#define BUS_DEPTH_MAX 6u  /* USB 2.0, 4.1.1: five hubs in a row, and a device */
#define BUS_SCRATCH_BYTES 1024u
#define BUS_TRIES 3u /* from plugging in to giving up */

enum device_stage {
    DEVICE_NONE,
    DEVICE_DEBOUNCE,
    DEVICE_RESET,
    DEVICE_RECOVER,
    /* From here on one request each. */
    DEVICE_ASK_PACKET,
    DEVICE_SET_ADDRESS,
    DEVICE_ASK_DEVICE,
    DEVICE_ASK_SIZE,
    DEVICE_ASK_CONFIGURATION,
    DEVICE_ASK_NAME,
    DEVICE_CONFIGURE,
    DEVICE_ASK_HUB,
    DEVICE_POWER_PORT,
    /* And this is what comes of it. */
    DEVICE_READY,
    DEVICE_FAILED, /* left alone until it is pulled out */
};

enum hub_request { HUB_IDLE, HUB_GET_STATUS, HUB_CLEAR, HUB_RESET, HUB_DISABLE };

struct hub {
    uint8_t ports;   /* 0: it is no hub */
    uint8_t port;    /* of the request, or of those that are powered one by one */
    uint8_t request; /* enum hub_request that is under way */
    uint8_t feature; /* of HUB_CLEAR */
    int32_t pipe;    /* ticket of its interrupt endpoint; 0: none */
    uint32_t settle_ms;
    uint32_t check, reset, disable;     /* wanted: bit n: of port n; bit 0: of the hub itself */
    uint8_t changes[BUS_PORTS_MAX + 1]; /* to be cleared: bit n: its n-th change feature */
};

struct bus_device {
    uint32_t stage; /* enum device_stage */
    uint32_t id;    /* 0: not ready */
    uint8_t parent; /* slot of its hub + 1; 0: the root port */
    uint8_t port, depth, tries;
    uint8_t packet_bytes, name_index;
    uint16_t configuration_bytes;
    int32_t ticket;  /* of the request of its stage, or its hub's; 0: none */
    uint64_t due_ns; /* of stages that wait */
    struct usb_device_info info;
    struct usb_configuration configuration;
    struct hub hub;
    int32_t user_ticket;                    /* a user's control transfer */
    int32_t user_pipes[USB_INTERFACES_MAX]; /* users' interrupt endpoints */
};

struct bus {
    uint32_t offer_id; /* 0: unused */
    int32_t worker;
    struct usb_host_ops host;
    uint32_t connections;  /* of the root port, as far as was seen */
    uint32_t host_signals; /* likewise */
    uint32_t addressing;   /* slot + 1 of the device that may have address 0; 0: none */
    uint32_t ids;
    uint32_t number;
    uint32_t is_busy; /* 1: somebody steps it */
    struct spinlock lock;
    uint32_t last_address; /* that was given away: none is soon given again */
    uint32_t addresses[4]; /* bit n: address n is given away */
    struct bus_device devices[BUS_DEVICES];
    uint8_t scratch[BUS_SCRATCH_BYTES];
};

/* Does what there is to do. Returns when to come again; <= now_ns: soon, UINT64_MAX: on an event.
 * *has_news: users should be told. */
uint64_t bus_step(struct bus *bus, uint64_t now_ns, bool *has_news);

/* Forgets all devices; is_gone: so is the controller, which is not told. */
void bus_drop_all(struct bus *bus, bool is_gone);

/* --- between device.c and hub.c --- */

unsigned bus_slot(const struct bus *bus, const struct bus_device *device);
struct bus_device *bus_child(struct bus *bus, const struct bus_device *hub, unsigned port);
/* Something was plugged in at a hub's port; hub NULL: at the root. */
void bus_add(struct bus *bus, struct bus_device *hub, unsigned port, uint64_t now_ns);
/* It was pulled out, with all that hangs on it. */
void bus_remove(struct bus *bus, struct bus_device *device, bool *has_news);
/* Begins anew with it, or gives it up; what: in words. */
void bus_retry(struct bus *bus, struct bus_device *device, const char *what, uint64_t now_ns,
               bool *has_news);
/* Another may have address 0 now, if it was this one's. */
void bus_leave_address_0(struct bus *bus, const struct bus_device *device);
/* Its reset is done. */
void bus_start_talking(struct bus_device *device, enum usb_speed speed, uint64_t now_ns);
int bus_submit(struct bus *bus, struct bus_device *device, const struct usb_setup *setup);

/* A hub's own turn, once it is ready; as bus_step(). */
uint64_t hub_step(struct bus *bus, struct bus_device *device, uint64_t now_ns, bool *has_news);
/* Opens its interrupt endpoint. 0 or what open() says. */
int hub_open(struct bus *bus, struct bus_device *device);

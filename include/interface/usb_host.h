/* SPDX-License-Identifier: MIT */
/*
 * Host controllers of a USB: offers of kind USB_HOST_KIND. A controller moves bytes and knows one
 * port, its root; what hangs there, behind hubs or not, is the business of whoever uses the offer.
 *
 * Nothing waits: a transfer is submitted and gets a ticket; `changed` is signalled; the result is
 * collected. What is passed by pointer is copied before the call returns. A ticket that is not
 * known - collected, closed, cut off when the root port lost its device - is answered with -ENOENT.
 */
#pragma once

#include <lib/usb.h>
#include <neurath/component.h>
#include <neurath/event.h>

INTERFACE(usb_host, 1, 0);

#define USB_HOST_KIND "usb-host"
#define USB_CONTROL_BYTES 2048u /* longest data stage of a control transfer */
#define USB_REPORT_BYTES 64u    /* longest packet of an interrupt endpoint: 5.7.3, full speed */

struct usb_port {
    uint32_t connections; /* counts devices that came; so one that was changed unseen is noticed */
    uint8_t is_connected; /* 1: a device is there */
    uint8_t is_enabled;   /* 1: it has been reset, and may be talked to */
    uint8_t is_resetting; /* 1: its reset is under way */
    uint8_t speed;        /* enum usb_speed, once it is enabled */
};

/* Where a transfer goes. */
struct usb_pipe {
    uint8_t address;       /* 0 to USB_ADDRESS_MAX */
    uint8_t endpoint;      /* number, 0 to 15; interrupt endpoints are IN */
    uint8_t speed;         /* enum usb_speed of the device */
    uint8_t interval_ms;   /* interrupt: between two questions, at least 1 */
    uint16_t packet_bytes; /* longest packet; 8 to 64 for control, 1 to 64 for interrupt */
};

/* The table of an offer. `unit` is passed back in every call. Context of all: thread. */
struct usb_host_ops {
    uint32_t unit;
    int (*read_port)(uint32_t unit, struct usb_port *port); /* 0 */
    /* Begins the root port's reset; read_port() tells when it is over. 0; -ENODEV: nobody there. */
    int (*reset_port)(uint32_t unit);
    /*
     * Begins a control transfer with setup->length bytes of data, which for an OUT transfer are
     * copied from data. Returns its ticket (> 0). -EINVAL: a pipe or a length that cannot be.
     * -EAGAIN: too many transfers under way. -ENODEV: the root port is not enabled.
     */
    int (*submit)(uint32_t unit, const struct usb_pipe *pipe, const struct usb_setup *setup,
                  const void *data);
    /* Begins to ask an interrupt endpoint, again and again, until it is closed. As submit(). */
    int (*open)(uint32_t unit, const struct usb_pipe *pipe);
    /*
     * Takes the result of a control transfer, whose ticket is forgotten, or the oldest packet of an
     * interrupt endpoint, of which some are kept and then no more are asked for, so that none is
     * lost. Returns its bytes (>= 0; at most size are copied). -EAGAIN: nothing yet. -EPIPE: the
     * device refuses (a stall). -EIO: it does not answer, or nonsense. -ETIMEDOUT: not in time.
     * -ENOENT: no such ticket.
     */
    int (*collect)(uint32_t unit, int ticket, void *data, size_t size);
    /* Gives up a transfer or an endpoint. 0; -ENOENT: no such ticket. */
    int (*close)(uint32_t unit, int ticket);
    /* Signalled when the port changed or there is something to collect. */
    struct event *changed;
};

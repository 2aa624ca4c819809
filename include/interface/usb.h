/* SPDX-License-Identifier: MIT */
/*
 * Devices on a USB, for those who drive a class of them. One provider at a time, which enumerates
 * what is plugged in. Devices are no offers: those stay as long as who made them, devices do not.
 *
 * A device that is ready has a number, never used twice; all calls answer -ENODEV once it is gone.
 * Nothing waits: on -EAGAIN wait for usb_changed(), which is signalled for all devices alike.
 */
#pragma once

#include <lib/usb.h>
#include <neurath/component.h>
#include <neurath/event.h>

INTERFACE(usb, 1, 1);

#define USB_NAME_BYTES 32

struct usb_device_info {
    uint32_t id; /* its number */
    uint16_t vendor, product;
    uint8_t class, subclass, protocol; /* of the device; 0: see its interfaces */
    uint8_t speed;                     /* enum usb_speed */
    uint8_t address;
    uint8_t interfaces;        /* how many were understood */
    char place[16];            /* ports from the root on: "1.4" */
    char name[USB_NAME_BYTES]; /* what it calls itself, printable ASCII; may be empty */
};

struct usb_interface_info {
    uint8_t number;
    uint8_t class, subclass, protocol;
    uint8_t endpoint;      /* number of its first interrupt IN endpoint; 0: none */
    uint8_t interval_ms;   /* of that: how often it wants to be asked */
    uint16_t packet_bytes; /* of that: its longest packet */
};

/* The ready device whose number is the next above `after` (start with 0). 0; -ENOENT: none. */
GATED(thread) int usb_next_device(uint32_t after, struct usb_device_info *info);

/* Its index-th interface, in the order of its descriptors. 0; -ENOENT: no more; -ENODEV. */
GATED(thread)
int usb_read_interface(uint32_t device, uint32_t index, struct usb_interface_info *info);

/*
 * Begins a control transfer of setup->length bytes, copied from data if they go to the device. 0;
 * -EBUSY: one is under way; -EAGAIN: too many on the bus; -EINVAL: too long; -ENODEV.
 */
GATED(thread, once)
int usb_submit(uint32_t device, const struct usb_setup *setup, const void *data);

/*
 * Takes its result. Returns the bytes that came; -EAGAIN; -EPIPE: the device refuses; -EIO,
 * -ETIMEDOUT: it does not answer; -ENOENT: none was begun; -ENODEV.
 */
GATED(thread) int usb_collect(uint32_t device, void *data, size_t size);

/*
 * Begins to ask the interrupt endpoint of interface number `interface`; one that is open starts
 * afresh. 0; -ENOENT: it has none; -EAGAIN: too many on the bus; -ENODEV.
 */
GATED(thread) int usb_open(uint32_t device, uint8_t interface);

/* Takes its oldest packet: bytes, or the errors of usb_collect(). -ENOENT: it is not open. */
GATED(thread) int usb_read(uint32_t device, uint8_t interface, void *data, size_t size);

/* Asks it no more. 0; -ENOENT: it is not open; -ENODEV. */
GATED(thread) int usb_close(uint32_t device, uint8_t interface);

/* Signalled when a device came or went or has something to say. Lives as long as its state. */
GATED(any) struct event *usb_changed(void);

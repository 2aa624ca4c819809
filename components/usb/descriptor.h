/* SPDX-License-Identifier: MIT */
/*
 * Descriptors, as devices tell them (USB 2.0, 9.6 and 11.23.2): read with suspicion, since a device
 * may say anything. Pure functions; -EPROTO: it makes no sense, and why says so.
 */
#pragma once

#include <interface/usb.h>
#include <lib/why.h>

#define USB_INTERFACES_MAX 8u

struct usb_configuration {
    uint8_t value;      /* to select it by */
    uint8_t interfaces; /* how many were understood; those beyond USB_INTERFACES_MAX are left out */
    struct usb_interface_info interface[USB_INTERFACES_MAX];
};

/* The first 8 bytes of a device descriptor: returns the packet size of endpoint 0. */
int usb_read_packet_size(const uint8_t *bytes, size_t size, struct why *why);

/* A device descriptor: what of *info it tells; *name: index of its name's string, 0: none. 0. */
int usb_read_device(const uint8_t *bytes, size_t size, struct usb_device_info *info, uint8_t *name,
                    struct why *why);

/* The head of a configuration descriptor: returns the size of all of it. */
int usb_read_configuration_size(const uint8_t *bytes, size_t size, struct why *why);

/*
 * A configuration descriptor with all that belongs to it. What ends before its own wTotalLength, as
 * one that was not read whole, counts as far as its descriptors are complete. 0.
 */
int usb_read_configuration(const uint8_t *bytes, size_t size,
                           struct usb_configuration *configuration, struct why *why);

/* A string descriptor, as printable ASCII; text is NUL-terminated. 0. */
int usb_read_string(const uint8_t *bytes, size_t size, char *text, size_t room, struct why *why);

/* A hub descriptor: returns the number of ports; *settle_ms: from power on to power good. */
int usb_read_hub(const uint8_t *bytes, size_t size, uint32_t *settle_ms, struct why *why);

/* SPDX-License-Identifier: MIT */
/*
 * What goes over the wire of a USB, as the Universal Serial Bus Specification 2.0 has it (chapter
 * 9: requests and descriptors; chapter 11: hubs) and HID 1.11 for its class. Numbers only, no code.
 * Words are little-endian there, as they are here.
 */
#pragma once

#include <stdint.h>

/* 9.3: the eight bytes that begin a control transfer. */
struct usb_setup {
    uint8_t type; /* direction, kind, recipient */
    uint8_t request;
    uint16_t value, index, length;
};

/* 9.3.1 */
#define USB_TYPE_IN 0x80u
#define USB_TYPE_CLASS 0x20u
#define USB_TYPE_INTERFACE 0x01u
#define USB_TYPE_OTHER 0x03u /* a hub's port */

/* 9.4, table 9-4; those of hubs are the same numbers (table 11-16) */
#define USB_GET_STATUS 0u
#define USB_CLEAR_FEATURE 1u
#define USB_SET_FEATURE 3u
#define USB_SET_ADDRESS 5u
#define USB_GET_DESCRIPTOR 6u
#define USB_SET_CONFIGURATION 9u

/* 9.4, table 9-5; 11.23.2.1 for hubs */
#define USB_DESCRIPTOR_DEVICE 1u
#define USB_DESCRIPTOR_CONFIGURATION 2u
#define USB_DESCRIPTOR_STRING 3u
#define USB_DESCRIPTOR_INTERFACE 4u
#define USB_DESCRIPTOR_ENDPOINT 5u
#define USB_DESCRIPTOR_HUB 0x29u

#define USB_DEVICE_BYTES 18u       /* table 9-8 */
#define USB_CONFIGURATION_BYTES 9u /* table 9-10 */
#define USB_INTERFACE_BYTES 9u     /* table 9-12 */
#define USB_ENDPOINT_BYTES 7u      /* table 9-13 */
#define USB_ENDPOINT_INTERRUPT 3u  /* bmAttributes, bits 1:0 */

#define USB_CLASS_HID 3u
#define USB_CLASS_HUB 9u

#define USB_ADDRESS_MAX 127u

/* Of a device: what its bus runs at. The numbers are those of the DesignWare core's PrtSpd. */
enum usb_speed { USB_SPEED_HIGH, USB_SPEED_FULL, USB_SPEED_LOW };

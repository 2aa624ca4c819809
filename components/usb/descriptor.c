/* SPDX-License-Identifier: MIT */
/* Reading of descriptors, see descriptor.h. Each step forward is of at least two bytes. */
#include "descriptor.h"

#include <errno.h>
#include <neurath/library.h>

#define HUB_BYTES 7u
#define ENDPOINT_IN 0x80u
#define PACKET_MASK 0x7ffu /* table 9-13: wMaxPacketSize 10:0 */
#define INTERRUPT_PACKET_MAX 64u

static uint16_t word(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] | bytes[1] << 8);
}

/* The head of a descriptor that must be of this type and at least so long. */
static int check(const uint8_t *bytes, size_t size, unsigned type, size_t least, struct why *why)
{
    if (size < least) {
        return why_set(why, -EPROTO, "a descriptor of type %u in %u bytes", type, (unsigned)size);
    }
    if (bytes[1] != type) {
        return why_set(why, -EPROTO, "a descriptor of type %u, not %u", bytes[1], type);
    }
    if (bytes[0] < 2) {
        return why_set(why, -EPROTO, "a descriptor that says it has %u bytes", bytes[0]);
    }
    return 0;
}

int usb_read_packet_size(const uint8_t *bytes, size_t size, struct why *why)
{
    int result = check(bytes, size, USB_DESCRIPTOR_DEVICE, 8, why);
    if (result < 0) {
        return result;
    }
    unsigned packet = bytes[7];
    if (packet != 8 && packet != 16 && packet != 32 && packet != 64) { /* 5.5.3 */
        return why_set(why, -EPROTO, "packets of %u bytes on endpoint 0", packet);
    }
    return (int)packet;
}

int usb_read_device(const uint8_t *bytes, size_t size, struct usb_device_info *info, uint8_t *name,
                    struct why *why)
{
    int result = check(bytes, size, USB_DESCRIPTOR_DEVICE, USB_DEVICE_BYTES, why);
    if (result < 0) {
        return result;
    }
    info->class = bytes[4];
    info->subclass = bytes[5];
    info->protocol = bytes[6];
    info->vendor = word(bytes + 8);
    info->product = word(bytes + 10);
    *name = bytes[15];
    if (bytes[17] == 0) {
        return why_set(why, -EPROTO, "no configuration");
    }
    return 0;
}

int usb_read_configuration_size(const uint8_t *bytes, size_t size, struct why *why)
{
    int result = check(bytes, size, USB_DESCRIPTOR_CONFIGURATION, USB_CONFIGURATION_BYTES, why);
    if (result < 0) {
        return result;
    }
    unsigned total = word(bytes + 2);
    if (total < USB_CONFIGURATION_BYTES) {
        return why_set(why, -EPROTO, "a configuration of %u bytes in all", total);
    }
    return (int)total;
}

/* What the walk is in: the interface that endpoints belong to; NULL: one that is passed over. */
struct walk {
    struct usb_configuration *configuration;
    struct usb_interface_info *interface;
};

static void meet_interface(struct walk *walk, const uint8_t *bytes)
{
    struct usb_configuration *configuration = walk->configuration;
    walk->interface = NULL;
    if (bytes[3] != 0 || configuration->interfaces == USB_INTERFACES_MAX) {
        return; /* another setting of one that we have; or one too many */
    }
    walk->interface = &configuration->interface[configuration->interfaces++];
    *walk->interface = (struct usb_interface_info){
        .number = bytes[2], .class = bytes[5], .subclass = bytes[6], .protocol = bytes[7]};
}

static void meet_endpoint(struct walk *walk, const uint8_t *bytes)
{
    struct usb_interface_info *interface = walk->interface;
    uint8_t number = bytes[2] & 15;
    uint16_t packet = word(bytes + 4) & PACKET_MASK;
    bool is_wanted = (bytes[2] & ENDPOINT_IN) && (bytes[3] & 3) == USB_ENDPOINT_INTERRUPT;
    if (!interface || !is_wanted || interface->endpoint || number == 0 || packet == 0 ||
        packet > INTERRUPT_PACKET_MAX) {
        return;
    }
    interface->endpoint = number;
    interface->packet_bytes = packet;
    interface->interval_ms = MAX(bytes[6], 1);
}

int usb_read_configuration(const uint8_t *bytes, size_t size,
                           struct usb_configuration *configuration, struct why *why)
{
    struct walk walk = {.configuration = configuration};
    *configuration = (struct usb_configuration){};
    int total = usb_read_configuration_size(bytes, size, why);
    if (total < 0) {
        return total;
    }
    bool is_whole = size >= (size_t)total;
    size_t end = MIN(size, (size_t)total);
    configuration->value = bytes[5];
    for (size_t at = 0; at + 2 <= end; at += bytes[at]) {
        unsigned length = bytes[at], type = bytes[at + 1];
        if (length < 2) {
            return why_set(why, -EPROTO, "a descriptor that says it has %u bytes", length);
        }
        if (length > end - at) {
            if (!is_whole) {
                break; /* that is where it was cut */
            }
            return why_set(why, -EPROTO, "a descriptor that reaches beyond its configuration");
        }
        if ((type == USB_DESCRIPTOR_INTERFACE && length < USB_INTERFACE_BYTES) ||
            (type == USB_DESCRIPTOR_ENDPOINT && length < USB_ENDPOINT_BYTES)) {
            return why_set(why, -EPROTO, "a descriptor of type %u with %u bytes", type, length);
        }
        if (type == USB_DESCRIPTOR_INTERFACE) {
            meet_interface(&walk, bytes + at);
        } else if (type == USB_DESCRIPTOR_ENDPOINT) {
            meet_endpoint(&walk, bytes + at);
        }
    }
    return 0;
}

int usb_read_string(const uint8_t *bytes, size_t size, char *text, size_t room, struct why *why)
{
    text[0] = '\0';
    int result = check(bytes, size, USB_DESCRIPTOR_STRING, 2, why);
    if (result < 0) {
        return result;
    }
    size_t end = MIN(size, (size_t)bytes[0]), length = 0;
    for (size_t at = 2; at + 2 <= end && length + 1 < room; at += 2) {
        uint16_t unit = word(bytes + at); /* UTF-16 */
        text[length++] = unit >= ' ' && unit < 0x7f ? (char)unit : '?';
    }
    text[length] = '\0';
    return 0;
}

int usb_read_hub(const uint8_t *bytes, size_t size, uint32_t *settle_ms, struct why *why)
{
    int result = check(bytes, size, USB_DESCRIPTOR_HUB, HUB_BYTES, why);
    if (result < 0) {
        return result;
    }
    if (bytes[2] == 0) {
        return why_set(why, -EPROTO, "a hub without ports");
    }
    *settle_ms = bytes[5] * 2u; /* table 11-13: bPwrOn2PwrGood, in 2 ms */
    return bytes[2];
}

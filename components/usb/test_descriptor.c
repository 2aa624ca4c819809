/* SPDX-License-Identifier: MIT */
/* Descriptors as they should be, and as they should not. */
#include <criterion/criterion.h>
#include <stdlib.h>

#define usb_read_configuration descriptor_test_usb_read_configuration
#define usb_read_configuration_size descriptor_test_usb_read_configuration_size
#define usb_read_device descriptor_test_usb_read_device
#define usb_read_hub descriptor_test_usb_read_hub
#define usb_read_packet_size descriptor_test_usb_read_packet_size
#define usb_read_string descriptor_test_usb_read_string

#include "descriptor.c"

static const uint8_t keyboard_configuration[] = {9,  2,  34, 0, 1, 1,    0, 0xa0, 50,   9, 4, 0,
                                                 0,  1,  3,  1, 1, 0,    9, 0x21, 0x11, 1, 0, 1,
                                                 34, 63, 0,  7, 5, 0x81, 3, 8,    0,    10};
static const uint8_t name[] = {10, 3, 'K', 0, 'e', 0, 'y', 0, 0xe9, 0};
static const uint8_t hub[] = {9, 0x29, 4, 0, 0, 10, 0, 0, 0xff};

static int read_all(const uint8_t *bytes, size_t size, struct usb_configuration *configuration)
{
    struct why reason = {};
    uint8_t *copied = malloc(MAX(size, 1u)); /* so that a byte too many is seen */
    memcpy(copied, bytes, size);
    int result = usb_read_configuration(copied, size, configuration, &reason);
    cr_expect_eq(result < 0, reason.text[0] != '\0', "an error has its words");
    free(copied);
    return result;
}

Test(descriptor, a_configuration_cut_anywhere_is_read_as_far_as_it_goes)
{
    struct usb_configuration configuration;
    for (size_t size = 0; size <= sizeof(keyboard_configuration); size++) {
        int result = read_all(keyboard_configuration, size, &configuration);
        cr_expect_eq(result, size < 9 ? -EPROTO : 0, "%zu bytes", size);
        cr_expect_eq(configuration.interfaces, size >= 18, "%zu bytes", size);
        cr_expect_eq(configuration.interface[0].endpoint, size >= 34, "%zu bytes", size);
    }
}

Test(descriptor, lengths_that_lie_are_refused)
{
    static const uint8_t no_length[] = {9, 2, 12, 0, 1, 1, 0, 0, 0, 0, 4, 0};
    static const uint8_t beyond[] = {9, 2, 18, 0, 1, 1, 0, 0, 0, 200, 4, 0, 0, 1, 3, 1, 1, 0};
    static const uint8_t short_interface[] = {9, 2, 14, 0, 1, 1, 0, 0, 0, 5, 4, 0, 0, 1};
    static const uint8_t short_total[] = {9, 2, 3, 0, 1, 1, 0, 0, 0};
    static const uint8_t zero_head[] = {0, 2, 9, 0, 1, 1, 0, 0, 0};
    static const uint8_t other_type[] = {9, 1, 9, 0, 1, 1, 0, 0, 0};
    struct usb_configuration configuration;
    cr_expect_eq(read_all(no_length, sizeof(no_length), &configuration), -EPROTO);
    cr_expect_eq(read_all(beyond, sizeof(beyond), &configuration), -EPROTO);
    cr_expect_eq(read_all(short_interface, sizeof(short_interface), &configuration), -EPROTO);
    cr_expect_eq(read_all(short_total, sizeof(short_total), &configuration), -EPROTO);
    cr_expect_eq(read_all(zero_head, sizeof(zero_head), &configuration), -EPROTO);
    cr_expect_eq(read_all(other_type, sizeof(other_type), &configuration), -EPROTO);
}

Test(descriptor, odd_endpoints_and_settings_are_passed_over)
{
    static const uint8_t bytes[] = {
        9, 2, 71,   0, 1, 1, 0, 0, 0,                         /* */
        7, 5, 0x83, 3, 8, 0, 1,                               /* before any interface */
        9, 4, 0,    0, 3, 8, 0, 0, 0, 7, 5, 0x80, 3, 8, 0, 1, /* endpoint 0 */
        7, 5, 0x82, 3, 0, 4, 1,                               /* 1024 bytes */
        7, 5, 0x02, 3, 8, 0, 1,                               /* OUT */
        9, 4, 0,    1, 1, 3, 1, 1, 0, 7, 5, 0x84, 3, 8, 0, 1, /* another setting */
        9, 4, 1,    0, 0, 3, 1, 2, 0};
    struct usb_configuration configuration;
    cr_assert_eq(sizeof(bytes), 71u);
    cr_assert_eq(read_all(bytes, sizeof(bytes), &configuration), 0);
    cr_expect_eq(configuration.interfaces, 2);
    cr_expect_eq(configuration.interface[0].endpoint, 0);
    cr_expect_eq(configuration.interface[1].endpoint, 0);
    cr_expect_eq(configuration.interface[1].protocol, 2);
}

Test(descriptor, interfaces_beyond_the_room_are_left_out)
{
    uint8_t bytes[9 + 9 * 40] = {9, 2, sizeof(bytes) & 0xff, sizeof(bytes) >> 8, 40, 1};
    struct usb_configuration configuration;
    for (unsigned i = 0; i < 40; i++) {
        bytes[9 + 9 * i] = 9;
        bytes[10 + 9 * i] = 4;
        bytes[11 + 9 * i] = (uint8_t)i;
    }
    cr_assert_eq(read_all(bytes, sizeof(bytes), &configuration), 0);
    cr_expect_eq(configuration.interfaces, USB_INTERFACES_MAX);
}

Test(descriptor, any_bytes_end_in_an_answer)
{
    uint8_t bytes[300] = {0};
    struct usb_configuration configuration;
    srandom(11);
    for (unsigned round = 0; round < 20000; round++) {
        size_t size = (size_t)random() % sizeof(bytes);
        for (size_t i = 0; i < size; i++) {
            bytes[i] = (uint8_t)(random() % (random() % 3 ? 12 : 256));
        }
        if (size > 4 && round % 2) {
            bytes[0] = 9;
            bytes[1] = 2;
            bytes[2] = (uint8_t)size;
            bytes[3] = (uint8_t)(size >> 8);
        }
        (void)read_all(bytes, size, &configuration);
        cr_assert_leq(configuration.interfaces, USB_INTERFACES_MAX);
        for (unsigned i = 0; i < configuration.interfaces; i++) {
            cr_assert_leq(configuration.interface[i].packet_bytes, 64);
        }
    }
}

Test(descriptor, packet_sizes_of_endpoint_0_are_four)
{
    struct why reason;
    uint8_t bytes[8] = {18, 1};
    unsigned right = 0;
    for (unsigned packet = 0; packet < 256; packet++) {
        bytes[7] = (uint8_t)packet;
        right += usb_read_packet_size(bytes, 8, &reason) == (int)packet;
    }
    cr_expect_eq(right, 4u);
    cr_expect_eq(usb_read_packet_size(bytes, 7, &reason), -EPROTO);
}

Test(descriptor, names_and_hubs_are_read_with_suspicion)
{
    struct why reason;
    char text[8];
    uint32_t settle_ms = 0;
    static const uint8_t longer[] = {255, 3, 'a', 0, 'b'};
    cr_expect_eq(usb_read_string(longer, sizeof(longer), text, sizeof(text), &reason), 0);
    cr_expect_str_eq(text, "a");
    cr_expect_eq(usb_read_string(longer, 1, text, sizeof(text), &reason), -EPROTO);
    cr_expect_eq(usb_read_string(name, 10, text, 3, &reason), 0);
    cr_expect_str_eq(text, "Ke");
    cr_expect_eq(usb_read_hub(hub, sizeof(hub), &settle_ms, &reason), 4);
    cr_expect_eq(settle_ms, 20u);
    cr_expect_eq(usb_read_hub(hub, 6, &settle_ms, &reason), -EPROTO);
    static const uint8_t no_ports[] = {9, 0x29, 0, 0, 0, 10, 0};
    cr_expect_eq(usb_read_hub(no_ports, sizeof(no_ports), &settle_ms, &reason), -EPROTO);
}

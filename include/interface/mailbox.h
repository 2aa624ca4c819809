/* SPDX-License-Identifier: MIT */
/*
 * The VideoCore's firmware, asked by property tags. One provider.
 *
 * A message is a row of tags: number, size of its value buffer in bytes, length, value buffer in
 * whole words. Tags, values and units: the wiki of github.com/raspberrypi/firmware, "Mailbox
 * property interface". Some tags belong together in one message, as a frame buffer's.
 */
#pragma once

#include <errno.h>

#include <neurath/component.h>

INTERFACE(mailbox, 1, 0);

#define MAILBOX_WORDS_MAX 1000u /* of tags, in one message */
#define MAILBOX_TAG_WORDS 3u    /* before a tag's value */

/*
 * Asks the firmware: words of tags, in which the answers then stand, each with its length in bytes
 * as the third word. Waits for the firmware, up to a second. 0: each tag was answered. Else
 *   -EINVAL      no row of tags, or too long
 *   -EOPNOTSUPP  a tag was not answered, or by nothing: the firmware does not know it
 *   -EMSGSIZE    an answer is longer than its value buffer
 *   -EIO         the firmware did not understand the message
 *   -ETIMEDOUT   no answer came; what comes later is thrown away
 *   -EBUSY       others ask all the time, or an answer is still out
 * In the last two nothing is known about what the firmware has done.
 */
GATED(thread) int mailbox_call(uint32_t *tags, size_t words);

enum mailbox_tag {
    MAILBOX_FIRMWARE_REVISION = 0x00000001,
    MAILBOX_BOARD_REVISION = 0x00010002,
    MAILBOX_MAC_ADDRESS = 0x00010003,
    MAILBOX_ARM_MEMORY = 0x00010005,
    MAILBOX_VIDEOCORE_MEMORY = 0x00010006,
    MAILBOX_SET_POWER = 0x00028001,
    MAILBOX_CLOCK_RATE = 0x00030002,
    MAILBOX_SET_CLOCK_RATE = 0x00038002,
    MAILBOX_TEMPERATURE = 0x00030006,
    MAILBOX_ALLOCATE_BUFFER = 0x00040001,
    MAILBOX_PHYSICAL_SIZE = 0x00040003,
    MAILBOX_PITCH = 0x00040008,
    MAILBOX_SET_PHYSICAL_SIZE = 0x00048003,
    MAILBOX_SET_VIRTUAL_SIZE = 0x00048004,
    MAILBOX_SET_DEPTH = 0x00048005,
    MAILBOX_SET_PIXEL_ORDER = 0x00048006,
    MAILBOX_SET_VIRTUAL_OFFSET = 0x00048009,
};

#define MAILBOX_VALUE_WORDS 3u

/*
 * One tag: sends `values`, takes as many of them back. -EPROTO: the answer has fewer bytes than
 * answer_bytes. Else as mailbox_call(). Context of this and what follows: thread.
 */
static inline int mailbox_ask(uint32_t tag, uint32_t *values, size_t count, size_t answer_bytes)
{
    uint32_t message[MAILBOX_TAG_WORDS + MAILBOX_VALUE_WORDS] = {tag, (uint32_t)count * 4, 0};
    if (count > MAILBOX_VALUE_WORDS) {
        return -EINVAL;
    }
    for (size_t i = 0; i < count; i++) {
        message[MAILBOX_TAG_WORDS + i] = values[i];
    }
    int result = mailbox_call(message, MAILBOX_TAG_WORDS + count);
    if (result == 0 && message[2] < answer_bytes) {
        result = -EPROTO;
    }
    for (size_t i = 0; result == 0 && i < count; i++) {
        values[i] = message[MAILBOX_TAG_WORDS + i];
    }
    return result;
}

static inline int mailbox_read_firmware_revision(uint32_t *revision)
{
    return mailbox_ask(MAILBOX_FIRMWARE_REVISION, revision, 1, 4);
}

/* As printed by "Raspberry Pi revision codes": 0xb03115 is a Pi 4 Model B of 2 GB. */
static inline int mailbox_read_board_revision(uint32_t *revision)
{
    return mailbox_ask(MAILBOX_BOARD_REVISION, revision, 1, 4);
}

static inline int mailbox_read_mac(uint8_t mac[6])
{
    uint32_t values[2] = {0};
    int result = mailbox_ask(MAILBOX_MAC_ADDRESS, values, 2, 6);
    for (unsigned i = 0; result == 0 && i < 6; i++) {
        mac[i] = (uint8_t)(values[i / 4] >> i % 4 * 8);
    }
    return result;
}

/* tag: MAILBOX_ARM_MEMORY or MAILBOX_VIDEOCORE_MEMORY. */
static inline int mailbox_read_memory(uint32_t tag, uint32_t *base, uint32_t *bytes)
{
    uint32_t values[2] = {0};
    int result = mailbox_ask(tag, values, 2, 8);
    if (result == 0) {
        *base = values[0];
        *bytes = values[1];
    }
    return result;
}

enum mailbox_clock {
    MAILBOX_CLOCK_EMMC = 1,
    MAILBOX_CLOCK_UART = 2,
    MAILBOX_CLOCK_ARM = 3,
    MAILBOX_CLOCK_CORE = 4,
    MAILBOX_CLOCK_EMMC2 = 12,
};

/* -ENODEV: there is no such clock. */
static inline int mailbox_read_clock_hz(uint32_t clock, uint32_t *hz)
{
    uint32_t values[2] = {clock};
    int result = mailbox_ask(MAILBOX_CLOCK_RATE, values, 2, 8);
    if (result == 0) {
        *hz = values[1];
    }
    return result == 0 && *hz == 0 ? -ENODEV : result;
}

/* The third word: 1 leaves the other clocks' turbo settings alone. *hz: what it is now. */
static inline int mailbox_set_clock_hz(uint32_t clock, uint32_t *hz)
{
    uint32_t values[3] = {clock, *hz, 1};
    int result = mailbox_ask(MAILBOX_SET_CLOCK_RATE, values, 3, 8);
    if (result == 0) {
        *hz = values[1];
    }
    return result;
}

/* Of the SoC, in thousandths of a degree Celsius. */
static inline int mailbox_read_temperature(uint32_t *millidegrees)
{
    uint32_t values[2] = {0};
    int result = mailbox_ask(MAILBOX_TEMPERATURE, values, 2, 8);
    if (result == 0) {
        *millidegrees = values[1];
    }
    return result;
}

enum mailbox_power { MAILBOX_POWER_SD = 0, MAILBOX_POWER_USB = 3 };

/* Switches a device on (and waits until it is stable) or off. -ENODEV: it is not there. */
static inline int mailbox_set_power(uint32_t device, bool is_on)
{
    uint32_t values[2] = {device, is_on ? 3 : 0};
    int result = mailbox_ask(MAILBOX_SET_POWER, values, 2, 8);
    if (result == 0 && (values[1] & 2)) {
        result = -ENODEV;
    }
    return result == 0 && (values[1] & 1) != is_on ? -EIO : result;
}

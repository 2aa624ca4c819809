/* SPDX-License-Identifier: MIT */
/* From the reset to moving blocks; see card.h. */
#include "card.h"

#include <string.h>

#include <interface/block.h>
#include <neurath/cpu.h>
#include <neurath/time.h>

/* Commands (4.7.4); those of an application follow CMD55. */
#define GO_IDLE_STATE 0u
#define ALL_SEND_CID 2u
#define SEND_RELATIVE_ADDR 3u
#define SWITCH_FUNC 6u
#define SET_BUS_WIDTH 6u /* of an application */
#define SELECT_CARD 7u
#define SEND_IF_COND 8u
#define SEND_CSD 9u
#define STOP_TRANSMISSION 12u
#define SEND_STATUS 13u
#define SET_BLOCKLEN 16u
#define READ_SINGLE_BLOCK 17u
#define READ_MULTIPLE_BLOCK 18u
#define WRITE_BLOCK 24u
#define WRITE_MULTIPLE_BLOCK 25u
#define SD_SEND_OP_COND 41u /* of an application */
#define SEND_SCR 51u        /* of an application */
#define APP_CMD 55u

#define IF_COND_3V3 0x1aau       /* 2.7 to 3.6 V, and a pattern that comes back (4.3.13) */
#define OCR_VOLTAGES 0x00ff8000u /* 2.7 to 3.6 V (5.1) */
#define OCR_HIGH_CAPACITY (1u << 30)
#define OCR_AWAKE (1u << 31)
#define STATUS_READY_FOR_DATA (1u << 8) /* 4.10.1 */
/*
 * What has gone wrong in the card itself, after data that came over well: an address or a length,
 * bits 30 and 29; protection, 26; ECC, 21; its controller, 20; anything else, 19. Not 31: it may be
 * set when the last block of all has been read.
 */
#define STATUS_FAULTS 0x64380000u
#define STATUS_STATE(status) ((status) >> 9 & 0xf)
#define STATE_TRANSFER 4u
#define BUS_WIDE 2u
#define SCR_BYTES 8u
#define SWITCH_BYTES 64u
#define SWITCH_CHECK_HIGH_SPEED 0x00fffff1u /* group 1 to function 1, the others stay (4.3.10) */
#define SWITCH_SET_HIGH_SPEED 0x80fffff1u
#define CLASS_SWITCH (1u << 10)
#define DEFAULT_HZ 25000000u
#define HIGH_SPEED_HZ 50000000u
#define BUSY_NS 1000000000u

static int send(struct sdhci *host, uint32_t index, uint32_t argument, enum sd_response type,
                uint32_t response[4])
{
    struct sd_command command = {.index = index, .argument = argument, .response_type = type};
    int result = sdhci_command(host, &command);
    if (response) {
        memcpy(response, command.response, sizeof(command.response));
    }
    return result;
}

static int send_application(struct sdhci *host, uint32_t relative_address, uint32_t index,
                            uint32_t argument, enum sd_response type, uint32_t response[4])
{
    int result = send(host, APP_CMD, relative_address << 16, SD_R1, NULL);
    return result < 0 ? result : send(host, index, argument, type, response);
}

static int read_register(struct sdhci *host, uint32_t index, uint32_t argument, void *data,
                         uint32_t bytes)
{
    struct sd_command command = {.index = index,
                                 .argument = argument,
                                 .response_type = SD_R1,
                                 .data = data,
                                 .blocks = 1,
                                 .block_bytes = bytes};
    return sdhci_command(host, &command);
}

/* Bits high to low of a register of 128 bits, of which the controller keeps 127 to 8. */
static uint32_t field(const uint32_t response[4], unsigned high, unsigned low)
{
    uint32_t value = 0;
    for (unsigned bit = high + 1; bit-- > low;) {
        value = value << 1 | (response[(bit - 8) / 32] >> (bit - 8) % 32 & 1);
    }
    return value;
}

int card_begin(struct sdhci *host, struct card *card)
{
    uint32_t response[4];
    *card = (struct card){0};
    int result = sdhci_start(host);
    if (result == 0) {
        result = send(host, GO_IDLE_STATE, 0, SD_NO_RESPONSE, NULL);
    }
    if (result < 0) {
        return -ENOMEDIUM;
    }
    /* Cards before version 2.00 do not know it, and are not of high capacity. */
    result = send(host, SEND_IF_COND, IF_COND_3V3, SD_R1, response);
    card->is_block_addressed = result == 0 && (response[0] & 0xfff) == IF_COND_3V3;
    return 0;
}

int card_wake(struct sdhci *host, struct card *card)
{
    uint32_t response[4];
    uint32_t argument = OCR_VOLTAGES | (card->is_block_addressed ? OCR_HIGH_CAPACITY : 0);
    if (send_application(host, 0, SD_SEND_OP_COND, argument, SD_R3, response) < 0) {
        return -ENOMEDIUM;
    }
    if (!(response[0] & OCR_AWAKE)) {
        return -EAGAIN;
    }
    card->is_block_addressed = (response[0] & OCR_HIGH_CAPACITY) != 0;
    return 0;
}

/* The card's own data (5.2) and size (5.3). */
static int read_identity(struct sdhci *host, struct card *card, uint32_t *classes)
{
    uint32_t response[4];
    int result = send(host, ALL_SEND_CID, 0, SD_R2, response);
    if (result < 0) {
        return result;
    }
    card->manufacturer = (uint8_t)field(response, 127, 120);
    card->serial = field(response, 55, 24);
    for (unsigned i = 0; i < 5; i++) {
        uint8_t letter = (uint8_t)field(response, 103 - 8 * i, 96 - 8 * i);
        card->name[i] = letter > ' ' && letter < 0x7f ? (char)letter : '?';
    }
    result = send(host, SEND_RELATIVE_ADDR, 0, SD_R1, response);
    if (result < 0) {
        return result;
    }
    card->relative_address = response[0] >> 16;
    result = send(host, SEND_CSD, card->relative_address << 16, SD_R2, response);
    if (result < 0) {
        return result;
    }
    if (field(response, 127, 126) == 1) {
        card->blocks = ((uint64_t)field(response, 69, 48) + 1) * 1024;
    } else if (field(response, 127, 126) == 0) {
        uint32_t shift = field(response, 49, 47) + 2 + field(response, 83, 80);
        card->blocks = ((uint64_t)field(response, 73, 62) + 1) << shift >> 9;
    }
    *classes = field(response, 95, 84);
    card->is_protected = field(response, 13, 12) != 0 || sdhci_is_protected(host);
    return card->blocks ? 0 : -EINVAL;
}

/* Four data lines, and 50 MHz, if the card can: registers SCR (5.6) and switch function (4.3.10).
 */
static int set_up_bus(struct sdhci *host, struct card *card, uint32_t classes)
{
    uint32_t words[SWITCH_BYTES / 4] = {0};
    const uint8_t *bytes = (const uint8_t *)words;
    int result = send(host, APP_CMD, card->relative_address << 16, SD_R1, NULL);
    if (result == 0) {
        result = read_register(host, SEND_SCR, 0, words, SCR_BYTES);
    }
    if (result < 0) {
        return result;
    }
    bool may_switch = (bytes[0] & 0xf) >= 1 && classes & CLASS_SWITCH;
    if (bytes[1] & 1u << 2) {
        result =
            send_application(host, card->relative_address, SET_BUS_WIDTH, BUS_WIDE, SD_R1, NULL);
        card->is_wide = result == 0;
        sdhci_set_bus(host, card->is_wide, false);
    }
    if (may_switch &&
        read_register(host, SWITCH_FUNC, SWITCH_CHECK_HIGH_SPEED, words, SWITCH_BYTES) == 0 &&
        bytes[13] & 1u << 1 &&
        read_register(host, SWITCH_FUNC, SWITCH_SET_HIGH_SPEED, words, SWITCH_BYTES) == 0) {
        card->is_high_speed = (bytes[16] & 0xf) == 1;
    }
    sdhci_set_bus(host, card->is_wide, card->is_high_speed);
    return sdhci_set_clock(host, card->is_high_speed ? HIGH_SPEED_HZ : DEFAULT_HZ);
}

int card_identify(struct sdhci *host, struct card *card)
{
    uint32_t classes;
    int result = read_identity(host, card, &classes);
    if (result == 0) {
        result = sdhci_set_clock(host, DEFAULT_HZ);
    }
    if (result == 0) {
        result = send(host, SELECT_CARD, card->relative_address << 16, SD_R1B, NULL);
    }
    if (result == 0 && !card->is_block_addressed) {
        result = send(host, SET_BLOCKLEN, BLOCK_BYTES, SD_R1, NULL);
    }
    return result == 0 ? set_up_bus(host, card, classes) : result;
}

int card_check(struct sdhci *host, const struct card *card)
{
    uint64_t end = time_now_ns() + BUSY_NS;
    for (;;) {
        uint32_t response[4];
        int result = send(host, SEND_STATUS, card->relative_address << 16, SD_R1, response);
        if (result < 0) {
            return result;
        }
        if (response[0] & STATUS_FAULTS) { /* some are gone once they are read */
            return -EIO;
        }
        if (response[0] & STATUS_READY_FOR_DATA && STATUS_STATE(response[0]) == STATE_TRANSFER) {
            return 0;
        }
        if (time_now_ns() > end) {
            return -EIO;
        }
        cpu_relax();
    }
}

int card_transfer(struct sdhci *host, const struct card *card, uint64_t first, void *buffer,
                  uint32_t count, bool is_write)
{
    uint32_t single = is_write ? WRITE_BLOCK : READ_SINGLE_BLOCK;
    uint32_t multiple = is_write ? WRITE_MULTIPLE_BLOCK : READ_MULTIPLE_BLOCK;
    struct sd_command command = {
        .index = count > 1 ? multiple : single,
        .argument = (uint32_t)(card->is_block_addressed ? first : first * BLOCK_BYTES),
        .response_type = SD_R1,
        .data = buffer,
        .blocks = count,
        .block_bytes = BLOCK_BYTES,
        .is_write = is_write,
    };
    int result = sdhci_command(host, &command);
    if (result < 0) { /* it may be waiting for more; if not, it refuses, and that is right too */
        (void)send(host, STOP_TRANSMISSION, 0, SD_R1B, NULL);
        return result;
    }
    if ((command.response[0] | command.stop_response) & STATUS_FAULTS) {
        return -EIO;
    }
    return is_write ? card_check(host, card) : 0;
}

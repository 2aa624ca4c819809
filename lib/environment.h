/* SPDX-License-Identifier: MIT */
/*
 * U-Boot's environment as it lies on the card, in the form with two copies: an image of
 * ENVIRONMENT_BYTES that begins with the CRC-32 (IEEE 802.3, little endian) of what is behind the
 * fifth byte, and, in the fifth, a serial number. Then "NAME=VALUE" after "NAME=VALUE", each with a
 * NUL, the last with two; the rest is 0.
 *
 *     if (environment_is_whole(image)) ...
 *     environment_set(image, "slot", "b");
 *     environment_seal(image, environment_serial(image) + 1);
 *
 * What was read from a card may be anything: no function reads beyond the image or gives back a
 * text without an end. Variables that nobody asks for stay as they are, in their order; entries
 * without a name or a "=" are dropped by the first change. Pure, no state. Context: any.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ENVIRONMENT_BYTES 0x4000u /* CONFIG_ENV_SIZE of U-Boot */
#define ENVIRONMENT_HEADER_BYTES 5u

/* Whether its check sum is right. */
bool environment_is_whole(const uint8_t image[ENVIRONMENT_BYTES]);
uint8_t environment_serial(const uint8_t image[ENVIRONMENT_BYTES]);

/*
 * Which of two whole copies U-Boot takes: 0 or 1. The serial counts up, 0 is behind 255; of equal
 * ones it is the first.
 */
unsigned environment_choose(uint8_t serial_0, uint8_t serial_1);

/* An image without variables. */
void environment_clear(uint8_t image[ENVIRONMENT_BYTES]);

/*
 * Copies a variable's value, cut to size - 1 bytes (size > 0). Returns its length; -ENOENT: there
 * is none of that name; *value is "" then.
 */
int environment_get(const uint8_t image[ENVIRONMENT_BYTES], const char *name, char *value,
                    size_t size);

/*
 * Sets a variable, in place of all that are called so; value NULL or "": takes it away, since
 * U-Boot does not tell these apart. -EINVAL: the name is empty or has a "=". -ENOSPC: no room: the
 * image is as it was.
 */
int environment_set(uint8_t image[ENVIRONMENT_BYTES], const char *name, const char *value);

/* Makes the image a whole one, with that serial number. */
void environment_seal(uint8_t image[ENVIRONMENT_BYTES], uint8_t serial);

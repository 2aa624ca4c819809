/* SPDX-License-Identifier: MIT */
/* U-Boot's environment; see environment.h. Its layout: U-Boot's include/env_internal.h. */
#include "environment.h"

#include <errno.h>
#include <string.h>

#include "crc.h"

#define DATA_BYTES (ENVIRONMENT_BYTES - ENVIRONMENT_HEADER_BYTES)

static uint32_t read_crc(const uint8_t *image)
{
    return image[0] | (uint32_t)image[1] << 8 | (uint32_t)image[2] << 16 | (uint32_t)image[3] << 24;
}

bool environment_is_whole(const uint8_t image[ENVIRONMENT_BYTES])
{
    return read_crc(image) == crc32(image + ENVIRONMENT_HEADER_BYTES, DATA_BYTES);
}

uint8_t environment_serial(const uint8_t image[ENVIRONMENT_BYTES])
{
    return image[4];
}

unsigned environment_choose(uint8_t serial_0, uint8_t serial_1)
{
    if (serial_0 == UINT8_MAX && serial_1 == 0) {
        return 1;
    }
    if (serial_1 == UINT8_MAX && serial_0 == 0) {
        return 0;
    }
    return serial_1 > serial_0 ? 1 : 0;
}

void environment_clear(uint8_t image[ENVIRONMENT_BYTES])
{
    memset(image, 0, ENVIRONMENT_BYTES);
}

void environment_seal(uint8_t image[ENVIRONMENT_BYTES], uint8_t serial)
{
    uint32_t crc = crc32(image + ENVIRONMENT_HEADER_BYTES, DATA_BYTES);
    for (unsigned i = 0; i < 4; i++) {
        image[i] = (uint8_t)(crc >> 8 * i);
    }
    image[4] = serial;
}

/* The length of the entry at `at`, 0 at the end: also where no NUL follows any more. */
static size_t entry_length(const char *data, size_t at)
{
    size_t length = at < DATA_BYTES ? strnlen(data + at, DATA_BYTES - at) : 0;
    return at + length < DATA_BYTES ? length : 0;
}

/* Whether it is a variable, and of that name; name NULL: of any. */
static bool is_variable(const char *entry, size_t length, const char *name)
{
    const char *equals = memchr(entry, '=', length);
    size_t name_length = equals ? (size_t)(equals - entry) : 0;
    if (name_length == 0) {
        return false;
    }
    return !name || (strlen(name) == name_length && memcmp(entry, name, name_length) == 0);
}

int environment_get(const uint8_t image[ENVIRONMENT_BYTES], const char *name, char *value,
                    size_t size)
{
    const char *data = (const char *)image + ENVIRONMENT_HEADER_BYTES;
    size_t length;
    int result = -ENOENT;
    value[0] = 0;
    /* The last one of a name is what U-Boot takes. */
    for (size_t at = 0; (length = entry_length(data, at)) > 0; at += length + 1) {
        if (is_variable(data + at, length, name)) {
            size_t prefix = strlen(name) + 1;
            size_t room = length - prefix < size - 1 ? length - prefix : size - 1;
            memcpy(value, data + at + prefix, room);
            value[room] = 0;
            result = (int)(length - prefix);
        }
    }
    return result;
}

int environment_set(uint8_t image[ENVIRONMENT_BYTES], const char *name, const char *value)
{
    char *data = (char *)image + ENVIRONMENT_HEADER_BYTES;
    size_t needed = value && *value ? strlen(name) + 1 + strlen(value) + 1 : 0;
    size_t kept = 0, length;
    if (!*name || strchr(name, '=')) {
        return -EINVAL;
    }
    for (size_t at = 0; (length = entry_length(data, at)) > 0; at += length + 1) {
        kept += is_variable(data + at, length, NULL) && !is_variable(data + at, length, name)
                    ? length + 1
                    : 0;
    }
    if (kept + needed + 1 > DATA_BYTES) {
        return -ENOSPC;
    }
    size_t to = 0;
    for (size_t at = 0; (length = entry_length(data, at)) > 0; at += length + 1) {
        if (is_variable(data + at, length, NULL) && !is_variable(data + at, length, name)) {
            memmove(data + to, data + at, length + 1);
            to += length + 1;
        }
    }
    if (needed > 0) {
        size_t prefix = strlen(name);
        memcpy(data + to, name, prefix);
        data[to + prefix] = '=';
        memcpy(data + to + prefix + 1, value, needed - prefix - 1);
        to += needed;
    }
    memset(data + to, 0, DATA_BYTES - to);
    return 0;
}

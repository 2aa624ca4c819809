/* SPDX-License-Identifier: MIT */
/*
 * Versions of components (major.minor.patch) and of interfaces (major.minor), packed into 32 bits:
 * major 31..22, minor 21..12, patch 11..0. So two packed versions compare as plain numbers.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VERSION_MAJOR_MAX 1023u
#define VERSION_MINOR_MAX 1023u
#define VERSION_PATCH_MAX 4095u

/* A constant expression; parts beyond their limit make it wrong, version_parse() refuses them. */
#define VERSION(major, minor, patch) \
    (((uint32_t)(major) << 22) | ((uint32_t)(minor) << 12) | (uint32_t)(patch))

/* "1023.1023.4095" and its NUL. */
#define VERSION_TEXT_MAX 16

static inline uint32_t version_major(uint32_t version)
{
    return version >> 22;
}

static inline uint32_t version_minor(uint32_t version)
{
    return (version >> 12) & 0x3ff;
}

static inline uint32_t version_patch(uint32_t version)
{
    return version & 0xfff;
}

/* < 0, 0, > 0 as a is older than, equal to, newer than b. */
static inline int version_compare(uint32_t a, uint32_t b)
{
    return (a > b) - (a < b);
}

/* Whether a provider's interface can serve who was built with `needed`: same major, minor not
 * older. */
static inline bool version_satisfies(uint32_t provider, uint32_t needed)
{
    return version_major(provider) == version_major(needed) &&
           version_minor(provider) >= version_minor(needed);
}

/*
 * Reads "1", "1.2" or "1.2.3" (parts left out are 0), the whole string, decimal, no sign, no space.
 * Returns 0, -EINVAL (not of that form), -ERANGE (a part is over its limit; *version untouched).
 */
int version_parse(const char *text, uint32_t *version);

/* Prints "1.2.3" into text[0..size), with snprintf's meaning of size and return value. */
int version_print(char *text, size_t size, uint32_t version);
/* Likewise "1.2": an interface's version. */
int version_print_interface(char *text, size_t size, uint32_t version);

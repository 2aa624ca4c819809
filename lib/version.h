/* SPDX-License-Identifier: MIT */
/*
 * Versions of components (major.minor.patch) and of interfaces (major.minor), packed into 32 bits:
 * major 31..24, minor 23..12, patch 11..0, as <neurath/component.h>'s VERSION() does. So two packed
 * versions compare as plain numbers.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VERSION_MAJOR_MAX 255u
#define VERSION_MINOR_MAX 4095u
#define VERSION_PATCH_MAX 4095u

/* "255.4095.4095" and its NUL. */
#define VERSION_TEXT_MAX 14

/* Each part must be within its limit; version_parse() refuses those that are not. */
static inline uint32_t version_pack(uint32_t major, uint32_t minor, uint32_t patch)
{
    return major << 24 | minor << 12 | patch;
}

static inline uint32_t version_major(uint32_t version)
{
    return version >> 24;
}

static inline uint32_t version_minor(uint32_t version)
{
    return (version >> 12) & 0xfff;
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

/* X.Y becomes X+1.0; of the last major version there can be: UINT32_MAX, above all. */
static inline uint32_t version_next_major(uint32_t version)
{
    return version_major(version) < VERSION_MAJOR_MAX
               ? version_pack(version_major(version) + 1, 0, 0)
               : UINT32_MAX;
}

/*
 * Whether a provider's interface can serve who needs a version from `needed` on and `below` another
 * (exclusive; version_next_major(needed) where the need says nothing else). Patches do not count.
 */
static inline bool version_satisfies(uint32_t provider, uint32_t needed, uint32_t below)
{
    return provider >> 12 >= needed >> 12 && provider >> 12 < below >> 12;
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

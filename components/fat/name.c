/* SPDX-License-Identifier: MIT */
/*
 * Names: UTF-8 outside, UTF-16 in long names, eleven bytes in short ones (the specification, "Long
 * File Name Implementation").
 *
 * Short names of others may hold bytes above 127, in a code page that the volume does not tell:
 * they are read as code page 437. Those made here are ASCII.
 */
#include <errno.h>
#include <string.h>

#include "fat.h"

#define REPLACEMENT 0xfffdu
#define BASE_BYTES 8u
#define LOWER_BASE 0x08u /* of the byte at CASE_OFFSET: shown in small letters */
#define LOWER_EXTENSION 0x10u
#define CASE_OFFSET 12u
#define PLAIN_TAILS 4u

static const uint16_t code_page_437[128] = {
    0x00c7, 0x00fc, 0x00e9, 0x00e2, 0x00e4, 0x00e0, 0x00e5, 0x00e7, 0x00ea, 0x00eb, 0x00e8, 0x00ef,
    0x00ee, 0x00ec, 0x00c4, 0x00c5, 0x00c9, 0x00e6, 0x00c6, 0x00f4, 0x00f6, 0x00f2, 0x00fb, 0x00f9,
    0x00ff, 0x00d6, 0x00dc, 0x00a2, 0x00a3, 0x00a5, 0x20a7, 0x0192, 0x00e1, 0x00ed, 0x00f3, 0x00fa,
    0x00f1, 0x00d1, 0x00aa, 0x00ba, 0x00bf, 0x2310, 0x00ac, 0x00bd, 0x00bc, 0x00a1, 0x00ab, 0x00bb,
    0x2591, 0x2592, 0x2593, 0x2502, 0x2524, 0x2561, 0x2562, 0x2556, 0x2555, 0x2563, 0x2551, 0x2557,
    0x255d, 0x255c, 0x255b, 0x2510, 0x2514, 0x2534, 0x252c, 0x251c, 0x2500, 0x253c, 0x255e, 0x255f,
    0x255a, 0x2554, 0x2569, 0x2566, 0x2560, 0x2550, 0x256c, 0x2567, 0x2568, 0x2564, 0x2565, 0x2559,
    0x2558, 0x2552, 0x2553, 0x256b, 0x256a, 0x2518, 0x250c, 0x2588, 0x2584, 0x258c, 0x2590, 0x2580,
    0x03b1, 0x00df, 0x0393, 0x03c0, 0x03a3, 0x03c3, 0x00b5, 0x03c4, 0x03a6, 0x0398, 0x03a9, 0x03b4,
    0x221e, 0x03c6, 0x03b5, 0x2229, 0x2261, 0x00b1, 0x2265, 0x2264, 0x2320, 0x2321, 0x00f7, 0x2248,
    0x00b0, 0x2219, 0x00b7, 0x221a, 0x207f, 0x00b2, 0x25a0, 0x00a0,
};

/* Takes one character of UTF-8; *length: its bytes. -EILSEQ. */
static int decode(const uint8_t *text, size_t bytes, uint32_t *length)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    uint32_t lead = text[0];
    uint32_t count = lead < 0x80       ? 1
                     : lead >> 5 == 6  ? 2
                     : lead >> 4 == 14 ? 3
                     : lead >> 3 == 30 ? 4
                                       : 0;
    if (count == 0 || count > bytes) {
        return -EILSEQ;
    }
    uint32_t value = count == 1 ? lead : lead & (0x7fu >> count);
    for (uint32_t i = 1; i < count; i++) {
        if (text[i] >> 6 != 2) {
            return -EILSEQ;
        }
        value = value << 6 | (text[i] & 0x3fu);
    }
    *length = count;
    bool is_surrogate = value >= 0xd800 && value < 0xe000;
    return value < least[count] || value > 0x10ffff || is_surrogate ? -EILSEQ : (int)value;
}

int fat_name_to_units(const char *name, size_t bytes, uint16_t *units)
{
    uint32_t count = 0, length = 0;
    if (bytes == 0 || name[bytes - 1] == '.' || name[bytes - 1] == ' ') {
        return -EINVAL; /* others drop those at the end */
    }
    for (size_t at = 0; at < bytes; at += length) {
        int value = decode((const uint8_t *)name + at, bytes - at, &length);
        if (value < 0) {
            return value;
        }
        if (value < 0x20 || value == 0x7f || (value < 0x80 && strchr("\"*/:<>?\\|", value))) {
            return -EINVAL;
        }
        if (count + (value > 0xffff) >= FAT_UNITS) {
            return -ENAMETOOLONG;
        }
        if (value > 0xffff) {
            units[count++] = (uint16_t)(0xd800 + ((uint32_t)(value - 0x10000) >> 10));
            value = 0xdc00 + (int)((uint32_t)(value - 0x10000) & 0x3ff);
        }
        units[count++] = (uint16_t)value;
    }
    return (int)count;
}

static size_t encode(uint32_t value, char *bytes)
{
    if (value < 0x80) {
        bytes[0] = (char)value;
        return 1;
    }
    size_t count = value < 0x800 ? 2 : value < 0x10000 ? 3 : 4;
    for (size_t i = count - 1; i > 0; i--, value >>= 6) {
        bytes[i] = (char)(0x80 | (value & 0x3f));
    }
    bytes[0] = (char)((0xf00u >> count & 0xf0) | value);
    return count;
}

void fat_units_to_name(const uint16_t *units, uint32_t count, char *name, size_t size)
{
    size_t used = 0;
    for (uint32_t i = 0; i < count; i++) {
        char bytes[4];
        uint32_t value = units[i];
        bool has_second = i + 1 < count && units[i + 1] >> 10 == 0xdc00 >> 10;
        if (value >> 10 == 0xd800 >> 10 && has_second) {
            value = 0x10000 + ((value & 0x3ff) << 10 | (units[++i] & 0x3ffu));
        } else if (value >> 11 == 0xd800 >> 11 || value < 0x20 || value == '/') {
            value = REPLACEMENT; /* half a pair, or what no path could name */
        }
        size_t length = encode(value, bytes);
        if (used + length >= size) {
            break;
        }
        memcpy(name + used, bytes, length);
        used += length;
    }
    name[used] = '\0';
}

static bool is_between(uint32_t value, uint32_t first, uint32_t last)
{
    return value >= first && value <= last;
}

/* The capital of a letter: Latin, Greek, Cyrillic, Armenian, as far as one unit maps to one. */
static uint32_t fold(uint32_t unit)
{
    bool is_pair = is_between(unit, 0x100, 0x12f) || is_between(unit, 0x132, 0x137) ||
                   is_between(unit, 0x14a, 0x177) || is_between(unit, 0x460, 0x481) ||
                   is_between(unit, 0x48a, 0x4bf) || is_between(unit, 0x4d0, 0x52f) ||
                   is_between(unit, 0x1e00, 0x1e95);
    if (is_pair) {
        return unit & ~1u;
    }
    if (is_between(unit, 'a', 'z') || (is_between(unit, 0xe0, 0xfe) && unit != 0xf7) ||
        (is_between(unit, 0x3b1, 0x3c9) && unit != 0x3c2) || is_between(unit, 0x430, 0x44f)) {
        return unit - 32;
    }
    if (is_between(unit, 0x139, 0x148) || is_between(unit, 0x179, 0x17e)) {
        return unit % 2 == 0 ? unit - 1 : unit;
    }
    if (is_between(unit, 0x450, 0x45f)) {
        return unit - 80;
    }
    if (is_between(unit, 0x561, 0x586)) {
        return unit - 48;
    }
    return unit == 0xff ? 0x178 : unit == 0x3c2 ? 0x3a3 : unit;
}

bool fat_names_equal(const uint16_t *a, uint32_t a_units, const uint16_t *b, uint32_t b_units)
{
    if (a_units != b_units) {
        return false;
    }
    for (uint32_t i = 0; i < a_units; i++) {
        if (a[i] != b[i] && fold(a[i]) != fold(b[i])) {
            return false;
        }
    }
    return true;
}

/* FNV-1a */
uint32_t fat_name_hash(uint32_t directory, const uint16_t *units, uint32_t count)
{
    uint32_t hash = 2166136261u ^ directory;
    for (uint32_t i = 0; i < count; i++) {
        hash = (hash ^ fold(units[i])) * 16777619u;
    }
    return hash ? hash : 1;
}

static uint32_t put_short(const uint8_t *bytes, uint32_t count, bool is_lower, uint16_t *units)
{
    uint32_t used = 0;
    while (count > 0 && bytes[count - 1] == ' ') {
        count--;
    }
    for (; used < count; used++) {
        uint32_t byte = bytes[used];
        bool is_capital = byte >= 'A' && byte <= 'Z';
        units[used] = (uint16_t)(byte >= 0x80 ? code_page_437[byte - 0x80]
                                              : byte + (is_lower && is_capital ? 32 : 0));
    }
    return used;
}

uint32_t fat_short_to_units(const uint8_t *entry, uint16_t *units)
{
    uint8_t base[BASE_BYTES];
    memcpy(base, entry, sizeof(base));
    if (base[0] == 0x05) {
        base[0] = 0xe5; /* which as a first byte would mean: deleted */
    }
    uint32_t count = put_short(base, BASE_BYTES, entry[CASE_OFFSET] & LOWER_BASE, units);
    uint32_t extension = put_short(entry + BASE_BYTES, FAT_SHORT_BYTES - BASE_BYTES,
                                   entry[CASE_OFFSET] & LOWER_EXTENSION, units + count + 1);
    units[count] = '.';
    return extension > 0 ? count + 1 + extension : count;
}

uint8_t fat_short_sum(const uint8_t *name)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < FAT_SHORT_BYTES; i++) {
        sum = ((sum & 1) << 7 | sum >> 1) + name[i];
        sum &= 0xff;
    }
    return (uint8_t)sum;
}

/* A unit as a short name can have it; 0: it is left out there; *kind grows with what is lost. */
static uint8_t shorten(uint32_t unit, enum fat_short *kind)
{
    if (unit >= 'a' && unit <= 'z') {
        *kind = MAX(*kind, FAT_SHORT_CASE);
        return (uint8_t)(unit - 32);
    }
    if ((unit >= 'A' && unit <= 'Z') || (unit >= '0' && unit <= '9') ||
        (unit > ' ' && unit < 0x80 && strchr("!#$%&'()-@^_`{}~", (int)unit))) {
        return (uint8_t)unit;
    }
    *kind = FAT_SHORT_LOSSY;
    return unit == ' ' || unit == '.' ? 0 : '_';
}

enum fat_short fat_make_short(const uint16_t *units, uint32_t count, uint8_t *name)
{
    enum fat_short kind = FAT_SHORT_EXACT;
    uint32_t dot = count, used = 0;
    for (uint32_t i = 1; i < count; i++) {
        dot = units[i] == '.' ? i : dot; /* the last one, but not the first character */
    }
    memset(name, ' ', FAT_SHORT_BYTES);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t end = i < dot ? BASE_BYTES : FAT_SHORT_BYTES;
        if (i == dot) {
            used = BASE_BYTES;
            continue;
        }
        uint8_t byte = shorten(units[i], &kind);
        if (byte != 0 && used < end) {
            name[used++] = byte;
        } else if (byte != 0) {
            kind = FAT_SHORT_LOSSY;
        }
    }
    if (name[0] == ' ') {
        name[0] = '_';
        kind = FAT_SHORT_LOSSY;
    }
    return kind;
}

void fat_add_tail(uint8_t *name, const uint16_t *units, uint32_t count, uint32_t try)
{
    static const char digits[] = "0123456789ABCDEF";
    uint32_t base = BASE_BYTES;
    while (base > 0 && name[base - 1] == ' ') {
        base--;
    }
    if (try <= PLAIN_TAILS) {
        base = MIN(base, BASE_BYTES - 2);
    } else {
        uint32_t hash = 2166136261u + try; /* FNV-1a, from another start with each try */
        for (uint32_t i = 0; i < count; i++) {
            hash = (hash ^ units[i]) * 16777619u;
        }
        base = MIN(base, 2u);
        for (uint32_t i = 0; i < 4; i++, hash >>= 7) {
            name[base++] = (uint8_t)digits[hash & 0xf];
        }
        try = 1;
    }
    name[base++] = '~';
    name[base++] = (uint8_t)('0' + try);
    memset(name + base, ' ', BASE_BYTES - base);
}

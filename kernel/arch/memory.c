/* SPDX-License-Identifier: MIT */
/*
 * memset, memcpy and memmove as the C standard has them, for the nucleus and, lent, for components.
 * picolibc's go byte by byte; staging a package clears and copies some hundred KiB.
 *
 * Only for normal memory: what they are given may have any address, and words are read where they
 * lie. memset aligns its stores, since it is called before translation is on.
 */
#include <neurath/compiler.h>
#include <string.h>

/* Or the compiler sees what the loops do, and calls the function that they are in. */
#define PLAIN_LOOPS __attribute__((optimize("no-tree-loop-distribute-patterns")))

typedef uint64_t word __attribute__((may_alias, aligned(1)));

PLAIN_LOOPS void *memset(void *to, int value, size_t bytes)
{
    uint8_t *byte = to;
    uint64_t pattern = 0x0101010101010101u * (uint8_t)value;
    for (; bytes && (uintptr_t)byte % 8; bytes--) {
        *byte++ = (uint8_t)value;
    }
    for (; bytes >= 64; bytes -= 64, byte += 64) {
        uint64_t *words = (uint64_t *)byte;
        words[0] = words[1] = words[2] = words[3] = pattern;
        words[4] = words[5] = words[6] = words[7] = pattern;
    }
    for (; bytes >= 8; bytes -= 8, byte += 8) {
        *(uint64_t *)byte = pattern;
    }
    for (; bytes; bytes--) {
        *byte++ = (uint8_t)value;
    }
    return to;
}

/* From the first byte to the last; right too when `target` lies before `source` and they overlap,
 * which is why nothing here is restrict: each block is read before it is written. */
PLAIN_LOOPS static void copy_forward(uint8_t *target, const uint8_t *source, size_t bytes)
{
    for (; bytes >= 32; bytes -= 32, target += 32, source += 32) {
        const word *in = (const word *)source;
        uint64_t a = in[0], b = in[1], c = in[2], d = in[3];
        word *out = (word *)target;
        out[0] = a, out[1] = b, out[2] = c, out[3] = d;
    }
    for (; bytes >= 8; bytes -= 8, target += 8, source += 8) {
        *(word *)target = *(const word *)source;
    }
    for (; bytes; bytes--) {
        *target++ = *source++;
    }
}

void *memcpy(void *restrict to, const void *restrict from, size_t bytes)
{
    copy_forward(to, from, bytes);
    return to;
}

PLAIN_LOOPS void *memmove(void *to, const void *from, size_t bytes)
{
    if ((uintptr_t)to - (uintptr_t)from >= bytes) {
        copy_forward(to, from, bytes);
        return to;
    }
    uint8_t *target = (uint8_t *)to + bytes;
    const uint8_t *source = (const uint8_t *)from + bytes;
    for (; bytes >= 8; bytes -= 8) {
        target -= 8, source -= 8;
        *(word *)target = *(const word *)source;
    }
    for (; bytes; bytes--) {
        *--target = *--source;
    }
    return to;
}

/* SPDX-License-Identifier: MIT */
/*
 * Consistent Overhead Byte Stuffing. A block is a code byte c and c - 1 bytes that are not NUL; it
 * stands for these bytes and, if c < 255 and it is not the last block, a NUL.
 */
#include "cobs.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#define BLOCK_FULL 255

size_t cobs_encode(void *to, const void *from, size_t size)
{
    const uint8_t *in = from;
    uint8_t *out = to;
    size_t code = 0; /* where the code of the block being written goes */
    size_t end = 1;
    for (size_t i = 0; i < size; i++) {
        if (in[i] != 0) {
            out[end++] = in[i];
        }
        /* A full block that ends the data needs no empty one after it. */
        bool is_full = end - code == BLOCK_FULL && i + 1 < size;
        if (in[i] == 0 || is_full) {
            out[code] = (uint8_t)(end - code);
            code = end++;
        }
    }
    out[code] = (uint8_t)(end - code);
    return end;
}

int cobs_decode(void *to, size_t room, const void *from, size_t size)
{
    const uint8_t *in = from;
    uint8_t *out = to;
    size_t written = 0;
    size_t read = 0;
    if (size == 0) {
        return -EBADMSG;
    }
    while (read < size) {
        size_t code = in[read++];
        if (code == 0 || code - 1 > size - read) {
            return -EBADMSG;
        }
        if (code - 1 > room - written) {
            return -EMSGSIZE;
        }
        for (size_t i = 1; i < code; i++) {
            if (in[read] == 0) {
                return -EBADMSG;
            }
            out[written++] = in[read++];
        }
        if (code < BLOCK_FULL && read < size) {
            if (written == room) {
                return -EMSGSIZE;
            }
            out[written++] = 0;
        }
    }
    return (int)written;
}

/* SPDX-License-Identifier: MIT */
/*
 * Consistent Overhead Byte Stuffing: bytes without a NUL, at most one in 254 more.
 *
 * S. Cheshire, M. Baker, "Consistent Overhead Byte Stuffing", IEEE/ACM Transactions on Networking
 * 7(2), 1999. No allocation, no globals, no lock. Context: any.
 */
#pragma once

#include <stddef.h>

/* What cobs_encode() needs at most for `size` bytes. The delimiters are not counted. */
#define COBS_ENCODED_MAX(size) ((size) + (size) / 254 + 1)

/*
 * Encodes; `to` has room for COBS_ENCODED_MAX(size) bytes and does not overlap `from`. Returns how
 * many bytes were written: at least 1, none of them NUL.
 */
size_t cobs_encode(void *to, const void *from, size_t size);

/*
 * Decodes; `to` has `room` bytes, and may be `from` itself. Returns how many bytes were written.
 * -EBADMSG: empty, a NUL inside, or a block that goes beyond the end. -EMSGSIZE: no room.
 */
int cobs_decode(void *to, size_t room, const void *from, size_t size);

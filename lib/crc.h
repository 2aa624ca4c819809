/* SPDX-License-Identifier: MIT */
/*
 * Cyclic redundancy checks: by the CPU's instructions where it has them, else by tables.
 *
 * crc32  is the one of IEEE 802.3, zlib and FIT images (polynomial 0x04c11db7, reflected): bundles.
 * crc32c is Castagnoli's, of iSCSI (RFC 3720, polynomial 0x1edc6f41, reflected): frames on the
 * wire. Both begin with and end by inverting, so `x_extend(x(a), b)` is `x` of a followed by b, and
 * `x_extend(0, a)` is `x(a)`. Context: any.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

uint32_t crc32(const void *data, size_t size);
uint32_t crc32_extend(uint32_t crc, const void *data, size_t size);
uint32_t crc32c(const void *data, size_t size);
uint32_t crc32c_extend(uint32_t crc, const void *data, size_t size);

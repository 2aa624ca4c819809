/* SPDX-License-Identifier: MIT */
/* Between the readers of tables: little-endian numbers, and the one way for an entry to get in. */
#pragma once

#include "table.h"

static inline uint32_t table_get32(const uint8_t *bytes)
{
    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static inline uint64_t table_get64(const uint8_t *bytes)
{
    return table_get32(bytes) | (uint64_t)table_get32(bytes + 4) << 32;
}

/* Takes an entry into the table, or complains why it cannot be one. */
void table_add(struct table *table, uint64_t disk_blocks, struct table_entry entry);

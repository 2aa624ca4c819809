/* SPDX-License-Identifier: MIT */
/*
 * The bytes of a directory's entries (the specification, "FAT Directory Structure" and "Long File
 * Name Implementation").
 */
#pragma once

#include "fat.h"

/* Of a short entry. */
#define ENTRY_NAME 0u
#define ENTRY_ATTRIBUTES 11u
#define ENTRY_CREATED_TIME 14u
#define ENTRY_CREATED_DATE 16u
#define ENTRY_ACCESSED_DATE 18u
#define ENTRY_FIRST_HIGH 20u
#define ENTRY_TIME 22u
#define ENTRY_DATE 24u
#define ENTRY_FIRST_LOW 26u
#define ENTRY_BYTES 28u
#define ENTRY_IS_END                                                                               \
    0x00u /* as the first byte of the name: this entry and all behind it are free */
#define ENTRY_IS_DELETED 0xe5u /* this one is */

/* Of a part of a long name. */
#define PART_ORDER 0u
#define PART_SUM 13u
#define PART_IS_LAST 0x40u
#define PART_ORDER_MASK 0x3fu

static const uint8_t part_offsets[FAT_PART_UNITS] = {1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30};

/* SPDX-License-Identifier: MIT */
/* GUID partition tables (UEFI specification, 5.3). */
#pragma once

#include "table.h"

/*
 * Reads the GPT of a disk whose MBR says that it has one: the one at its start, or, when that is
 * damaged, the one at its end. As table_read().
 */
int gpt_read(const struct block_ops *disk, uint64_t blocks, struct table *table);

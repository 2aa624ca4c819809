/* SPDX-License-Identifier: MIT */
/*
 * Block devices: offers of kind BLOCK_KIND - disks (mmc0) and, from whoever reads their tables,
 * their partitions (mmc0p1). Blocks have 512 bytes and are numbered from 0.
 *
 * A transfer is done when the call returns; drivers wait for their hardware, with a deadline. A
 * device without a medium stays offered, and says -ENOMEDIUM. One that may be taken out counts its
 * media: who keeps anything read from it compares `medium` and drops what is of another one.
 */
#pragma once

#include <errno.h>

#include <neurath/component.h>
#include <neurath/event.h>

INTERFACE(block, 1, 0);

#ifndef ENOMEDIUM /* Linux has it, picolibc has not */
#define ENOMEDIUM 123
#endif

#define BLOCK_KIND "block"
#define BLOCK_BYTES 512u
#define BLOCK_TRANSFER_MAX 128u /* blocks in one call: so that each call ends soon */

struct block_info {
    uint64_t blocks;       /* size; 0 without a medium */
    uint32_t medium;       /* which one is in, counted from 1; 0: none */
    uint32_t is_read_only; /* 1: writes are refused */
    uint32_t is_partition; /* 1: a part of another device that is offered as well */
};

/*
 * The table of an offer. `unit` is passed back in every call. Context of all: thread.
 *
 * read and write transfer count blocks (1 to BLOCK_TRANSFER_MAX) from block `first` on; buffer is
 * borrowed for the call, aligned to 4 bytes. They return 0, or
 *   -EINVAL     count, alignment, or a block beyond the end
 *   -ENOMEDIUM  there is none, or it was changed while this went on
 *   -EROFS      write: the medium is write-protected
 *   -EIO        the device reports an error or does not answer, and trying again did not help; of
 *               a write any part may have been done
 */
struct block_ops {
    uint32_t unit;
    int (*read)(uint32_t unit, uint64_t first, void *buffer, uint32_t count);
    int (*write)(uint32_t unit, uint64_t first, const void *buffer, uint32_t count);
    /* Returns when all that was written is on the medium: 0, -ENOMEDIUM, -EIO. */
    int (*flush)(uint32_t unit);
    int (*read_info)(uint32_t unit, struct block_info *info); /* 0 */
    struct event *changed; /* signalled when a medium came or went; NULL: that never happens */
};

/* SPDX-License-Identifier: MIT */
/* Making an empty FAT16 (the specification, "Boot Sector and BPB", "FAT Volume Initialization"). */
#include <errno.h>
#include <string.h>

#include "fat.h"

#define CLUSTERS_MIN 4087u /* two more than must be: some readers are off by one or two */
#define CLUSTERS_MAX 65522u
#define CLUSTER_BLOCKS_MAX 64u
#define ROOT_ENTRIES 512u
#define MEDIA 0xf8u
#define CHUNK_BLOCKS 8u

/* Offsets in the boot record that only a maker of one needs. */
#define BOOT_MEDIA 21u
#define BOOT_DRIVE 36u
#define BOOT_EXTENDED 38u
#define BOOT_SERIAL 39u

static int write_boot(const struct block_ops *disk, uint32_t blocks, uint32_t cluster_blocks,
                      uint32_t table_blocks)
{
    uint8_t boot[BLOCK_BYTES] __attribute__((aligned(8))) = {0xeb, 0x3c, 0x90};
    static const uint8_t maker[8] = {'N', 'E', 'U', 'R', 'A', 'T', 'H', ' '};
    memcpy(boot + 3, maker, sizeof(maker));
    fat_put16(boot + 11, BLOCK_BYTES);
    boot[13] = (uint8_t)cluster_blocks;
    fat_put16(boot + 14, 1); /* reserved: this block */
    boot[16] = 2;            /* tables */
    fat_put16(boot + 17, ROOT_ENTRIES);
    fat_put16(boot + 19, blocks < 0x10000 ? blocks : 0);
    boot[BOOT_MEDIA] = MEDIA;
    fat_put16(boot + 22, table_blocks);
    fat_put16(boot + 24, 63); /* a geometry that nobody has used for long */
    fat_put16(boot + 26, 255);
    fat_put32(boot + 32, blocks < 0x10000 ? 0 : blocks);
    boot[BOOT_DRIVE] = 0x80;
    boot[BOOT_EXTENDED] = 0x29; /* what follows is there */
    fat_put32(boot + BOOT_SERIAL, 0x4e524655u ^ blocks);
    (void)format_print((char *)boot + 43, 20, "%-11s%-8s", "NO NAME", "FAT16"); /* then 0 */
    boot[62] = 0xeb; /* booted, it stops: jmp . */
    boot[63] = 0xfe;
    fat_put16(boot + 510, 0xaa55);
    return disk->write(disk->unit, 0, boot, 1);
}

/* Last: until then the device is no volume at all. */
static int write_all(const struct block_ops *disk, uint32_t blocks, uint32_t cluster_blocks,
                     uint32_t table_blocks)
{
    static const uint8_t empty[CHUNK_BLOCKS * BLOCK_BYTES] __attribute__((aligned(8)));
    uint32_t end = 1 + 2 * table_blocks + ROOT_ENTRIES / FAT_SLOTS;
    int result = 0;
    for (uint32_t block = 0; block < end && result == 0; block += CHUNK_BLOCKS) {
        result = disk->write(disk->unit, block, empty, MIN(end - block, CHUNK_BLOCKS));
    }
    for (uint32_t table = 0; table < 2 && result == 0; table++) {
        uint8_t first[BLOCK_BYTES] __attribute__((aligned(8))) = {MEDIA, 0xff, 0xff, 0xff};
        result = disk->write(disk->unit, 1 + table * table_blocks, first, 1);
    }
    if (result == 0) {
        result = write_boot(disk, blocks, cluster_blocks, table_blocks);
    }
    return result < 0 ? result : disk->flush(disk->unit);
}

int fat_format(const struct block_ops *disk, struct why *why)
{
    struct block_info info;
    int result = disk->read_info(disk->unit, &info);
    if (result < 0 || info.medium == 0) {
        return why_set(why, -ENOMEDIUM, "there is no medium");
    }
    if (info.is_read_only) {
        return why_set(why, -EROFS, "it is write-protected");
    }
    for (uint32_t cluster_blocks = 1; cluster_blocks <= CLUSTER_BLOCKS_MAX; cluster_blocks *= 2) {
        if (info.blocks / cluster_blocks > CLUSTERS_MAX) {
            continue;
        }
        uint32_t blocks = (uint32_t)info.blocks;
        uint32_t table_blocks = (blocks / cluster_blocks + 2 + 255) / 256; /* at most too many */
        uint32_t taken = 1 + 2 * table_blocks + ROOT_ENTRIES / FAT_SLOTS;
        if (blocks < taken || (blocks - taken) / cluster_blocks < CLUSTERS_MIN) {
            break;
        }
        result = write_all(disk, blocks, cluster_blocks, table_blocks);
        return result < 0 ? why_set(why, result, "it cannot be written (error %d)", result) : 0;
    }
    return why_set(why, -EINVAL, "%llu blocks: FAT16 has 2.1 MiB to 2 GiB",
                   (unsigned long long)info.blocks);
}

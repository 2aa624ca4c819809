/* SPDX-License-Identifier: MIT */
/* A volume as a whole: its boot record, whether it is in use, how much of it is free. */
#include <errno.h>
#include <string.h>

#include "fat.h"

/* Of the boot record (the specification, "Boot Sector and BPB"). */
#define BOOT_BLOCK_BYTES 11u
#define BOOT_CLUSTER_BLOCKS 13u
#define BOOT_RESERVED 14u
#define BOOT_TABLES 16u
#define BOOT_ROOT_ENTRIES 17u
#define BOOT_BLOCKS_16 19u
#define BOOT_TABLE_BLOCKS_16 22u
#define BOOT_BLOCKS_32 32u
#define BOOT_TABLE_BLOCKS_32 36u
#define BOOT_FLAGS 40u
#define BOOT_VERSION 42u
#define BOOT_ROOT_CLUSTER 44u
#define BOOT_INFO_BLOCK 48u
#define BOOT_LABEL_16 43u
#define BOOT_LABEL_32 71u
#define BOOT_SIGNATURE 510u
#define FLAG_IS_NOT_MIRRORED 0x80u
/* Of the information block ("FSInfo"). */
#define INFO_LEAD 0u
#define INFO_LEAD_VALUE 0x41615252u
#define INFO_MIDDLE 484u
#define INFO_MIDDLE_VALUE 0x61417272u
#define INFO_FREE 488u
#define INFO_NEXT 492u
#define INFO_UNKNOWN 0xffffffffu

#define CLUSTERS_MIN_16 4085u /* less: FAT12 */
#define CLUSTERS_MAX_16 65524u
#define CLUSTERS_MAX_32 0x0ffffff5u
#define COMPLAINTS_MAX 16u
/* No clock tells the day: the first one that entries can hold but for those without a date. */
#define NO_TIME ((uint32_t)(1 << 5 | 1) << 16)

int fat_complain(struct fat_volume *volume, const char *format, ...)
{
    char text[128];
    va_list arguments;
    va_start(arguments, format);
    (void)format_vprint(text, sizeof(text), format, arguments);
    va_end(arguments);
    volume->is_damaged = 1;
    if (volume->complaints < COMPLAINTS_MAX) {
        volume->complaints++;
        log_warning("fat: the volume is damaged: %s", text);
    }
    return -EIO;
}

/* Reads where everything is. boot: the first block, which the device has `blocks` of. */
static int read_layout(struct fat_volume *volume, const uint8_t *boot, uint64_t blocks,
                       struct why *why)
{
    uint32_t reserved = fat_get16(boot + BOOT_RESERVED), tables = boot[BOOT_TABLES];
    uint32_t root_entries = fat_get16(boot + BOOT_ROOT_ENTRIES);
    uint32_t all = fat_get16(boot + BOOT_BLOCKS_16);
    uint32_t table_blocks = fat_get16(boot + BOOT_TABLE_BLOCKS_16);
    uint32_t cluster_blocks = boot[BOOT_CLUSTER_BLOCKS];
    volume->bits = table_blocks == 0 ? 32 : 16;
    all = all ? all : fat_get32(boot + BOOT_BLOCKS_32);
    table_blocks = table_blocks ? table_blocks : fat_get32(boot + BOOT_TABLE_BLOCKS_32);

    if (fat_get16(boot + BOOT_BLOCK_BYTES) != BLOCK_BYTES) {
        return why_set(why, -EINVAL, "its blocks have %u bytes, not 512",
                       fat_get16(boot + BOOT_BLOCK_BYTES));
    }
    if (cluster_blocks == 0 || (cluster_blocks & (cluster_blocks - 1)) != 0 || reserved == 0 ||
        tables == 0 || tables > 4) {
        return why_set(why, -EINVAL, "%u blocks in a cluster, %u reserved, %u tables: no FAT",
                       cluster_blocks, reserved, tables);
    }
    if (all > blocks) {
        return why_set(why, -EINVAL, "it claims %u blocks of a device that has %llu", all,
                       (unsigned long long)blocks);
    }
    volume->cluster_blocks = cluster_blocks;
    volume->table_first = reserved;
    volume->table_blocks = table_blocks;
    volume->tables = tables;
    volume->root_blocks = (root_entries + FAT_SLOTS - 1) / FAT_SLOTS;
    uint64_t root_first = reserved + (uint64_t)tables * table_blocks;
    uint64_t data_first = root_first + volume->root_blocks;
    if (table_blocks == 0 || data_first + cluster_blocks > all) {
        return why_set(why, -EINVAL, "its tables take %llu of its %u blocks",
                       (unsigned long long)data_first, all);
    }
    volume->root_first = (uint32_t)root_first;
    volume->data_first = (uint32_t)data_first;
    volume->clusters = (all - volume->data_first) / cluster_blocks;
    return 0;
}

static int check_layout(struct fat_volume *volume, const uint8_t *boot, struct why *why)
{
    uint64_t room = (uint64_t)volume->table_blocks * BLOCK_BYTES * 8 / volume->bits;
    if (volume->bits == 16 && volume->clusters < CLUSTERS_MIN_16) {
        return why_set(why, -EINVAL, "it is FAT12, which this does not read");
    }
    if (volume->clusters > (volume->bits == 16 ? CLUSTERS_MAX_16 : CLUSTERS_MAX_32) ||
        room < (uint64_t)volume->clusters + FAT_CLUSTER_FIRST) {
        return why_set(why, -EINVAL, "its tables have room for %llu clusters, it has %u",
                       (unsigned long long)room, volume->clusters);
    }
    if (volume->bits == 16) {
        return volume->root_blocks > 0 ? 0 : why_set(why, -EINVAL, "its root has no room");
    }
    uint32_t flags = fat_get16(boot + BOOT_FLAGS), info = fat_get16(boot + BOOT_INFO_BLOCK);
    volume->root_cluster = fat_get32(boot + BOOT_ROOT_CLUSTER);
    if (volume->root_blocks != 0 || fat_get16(boot + BOOT_VERSION) != 0 ||
        !fat_is_cluster(volume, volume->root_cluster)) {
        return why_set(why, -EINVAL, "version %u, root at cluster %u: no FAT32",
                       fat_get16(boot + BOOT_VERSION), volume->root_cluster);
    }
    if (flags & FLAG_IS_NOT_MIRRORED) {
        uint32_t active = flags & 0xf;
        if (active >= volume->tables) {
            return why_set(why, -EINVAL, "it uses table %u of %u", active, volume->tables);
        }
        volume->table_first += active * volume->table_blocks;
        volume->tables = 1;
    }
    volume->info_block = info < fat_get16(boot + BOOT_RESERVED) ? info : 0;
    return 0;
}

static bool is_info(const uint8_t *data)
{
    return fat_get32(data + INFO_LEAD) == INFO_LEAD_VALUE &&
           fat_get32(data + INFO_MIDDLE) == INFO_MIDDLE_VALUE;
}

/* What the information block says, if it can be and nobody was cut off in the middle. */
static int read_info(struct fat_volume *volume, bool is_clean)
{
    uint8_t *data;
    if (volume->info_block == 0) {
        return 0;
    }
    int result = fat_block(volume, volume->info_block, &data);
    if (result < 0) {
        return result;
    }
    if (!is_info(data)) {
        volume->info_block = 0;
        return 0;
    }
    uint32_t count = fat_get32(data + INFO_FREE), next = fat_get32(data + INFO_NEXT);
    if (is_clean && count <= volume->clusters) {
        volume->free_count = count;
        volume->is_free_known = 1;
    }
    volume->next_free = fat_is_cluster(volume, next) ? next : FAT_CLUSTER_FIRST;
    return 0;
}

static int write_info(struct fat_volume *volume)
{
    uint8_t *data;
    if (volume->info_block == 0) {
        return 0;
    }
    int result = fat_block(volume, volume->info_block, &data);
    if (result < 0) {
        return result;
    }
    fat_put32(data + INFO_FREE, volume->is_free_known ? volume->free_count : INFO_UNKNOWN);
    fat_put32(data + INFO_NEXT, volume->next_free);
    return fat_block_write(volume, volume->info_block);
}

int fat_mount(struct fat_volume *volume, const struct block_ops *disk, struct why *why)
{
    struct block_info info;
    uint8_t *boot;
    bool is_clean = false;
    volume->disk = *disk;
    volume->now = NO_TIME;
    int result = disk->read_info(disk->unit, &info);
    if (result < 0 || info.medium == 0 || info.blocks == 0) {
        return why_set(why, -ENOMEDIUM, "there is no medium");
    }
    volume->medium = info.medium;
    volume->is_read_only = info.is_read_only;
    result = fat_block(volume, 0, &boot);
    if (result < 0) {
        return why_set(why, result, "its first block cannot be read");
    }
    if (fat_get16(boot + BOOT_SIGNATURE) != 0xaa55 || (boot[0] != 0xeb && boot[0] != 0xe9)) {
        return why_set(why, -ENXIO, "it has no boot record");
    }
    result = read_layout(volume, boot, info.blocks, why);
    if (result == 0) {
        result = check_layout(volume, boot, why);
    }
    if (result < 0) {
        return result;
    }
    result = fat_table_get_clean(volume, &is_clean);
    if (result == 0) {
        result = read_info(volume, is_clean);
    }
    if (result < 0) {
        return why_set(why, result, "its tables cannot be read");
    }
    volume->is_dirty = !is_clean;
    if (!is_clean) { /* stays marked so until somebody has checked it */
        log_warning("fat: the volume was not unmounted: it should be checked");
        volume->is_damaged = 1;
    }
    return 0;
}

int fat_begin_change(struct fat_volume *volume)
{
    if (volume->is_read_only) {
        return -EROFS;
    }
    if (volume->is_dirty) {
        return 0;
    }
    int result = fat_table_set_clean(volume, false);
    volume->is_dirty = result == 0;
    return result;
}

int fat_settle(struct fat_volume *volume, bool is_sync)
{
    int result = fat_settle_chains(volume);
    if (result != 0) {
        return result;
    }
    if (!is_sync) {
        return fat_count_free(volume);
    }
    if (!volume->is_dirty) {
        return 0;
    }
    result = volume->disk.flush(volume->disk.unit);
    if (result == 0) {
        result = write_info(volume);
    }
    if (result == 0 && !volume->is_damaged) {
        result = fat_table_set_clean(volume, true);
        volume->is_dirty = result < 0;
    }
    return result < 0 ? result : volume->disk.flush(volume->disk.unit);
}

/* The label that a boot record holds; the one in the root directory may differ. */
static void read_label(const struct fat_volume *volume, const uint8_t *boot, char label[16])
{
    uint32_t length = FAT_SHORT_BYTES;
    const uint8_t *from = boot + (volume->bits == 16 ? BOOT_LABEL_16 : BOOT_LABEL_32);
    while (length > 0 && from[length - 1] == ' ') {
        length--;
    }
    for (uint32_t i = 0; i < length; i++) {
        label[i] = (char)(from[i] >= ' ' && from[i] < 0x7f ? from[i] : '?');
    }
    label[length] = '\0';
    if (strcmp(label, "NO NAME") == 0) {
        label[0] = '\0';
    }
}

int fat_read_volume(struct fat_volume *volume, struct volume_info *info)
{
    uint8_t *boot;
    int result = fat_block(volume, 0, &boot);
    if (result < 0) {
        return result;
    }
    *info = (struct volume_info){
        .kind = "FAT16",
        .bytes = (uint64_t)volume->clusters * fat_cluster_bytes(volume),
        .is_free_known = volume->is_free_known,
        .cluster_bytes = fat_cluster_bytes(volume),
        .is_read_only = volume->is_read_only,
        .is_damaged = volume->is_damaged,
    };
    if (volume->bits == 32) {
        memcpy(info->kind, "FAT32", 6);
    }
    if (volume->is_free_known) {
        info->free_bytes = (uint64_t)volume->free_count * info->cluster_bytes;
    }
    read_label(volume, boot, info->label);
    return 0;
}

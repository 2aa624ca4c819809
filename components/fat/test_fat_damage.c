/* SPDX-License-Identifier: MIT */
/*
 * Volumes that are not what they say: each is met with an error - no crash, no endless loop, and
 * nothing of what is whole is harmed by reading. The disk counts what is read of it.
 */
#include "test_volume.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define READS_MAX 200000u /* far more than anything here may take */

TestSuite(fat_damage, .fini = test_remove_file, .timeout = 120);

static uint32_t first_cluster(const char *path)
{
    uint32_t file;
    bool is_directory = strcmp(path, "dir") == 0;
    cr_assert_eq(fat_open(volume, path, is_directory ? FILE_DIRECTORY : FILE_READ, &file, NULL), 0);
    uint32_t first = fat_file(volume, file)->first;
    cr_assert_eq(fat_close(volume, file), 0);
    return first;
}

/* Bytes of an entry of the first table, of FAT16 here. */
static void set_table(uint32_t cluster, uint32_t value)
{
    for (uint32_t table = 0; table < 2; table++) {
        fat_put16(disk.bytes + (size_t)volume->table_first * BLOCK_BYTES +
                      (size_t)table * volume->table_blocks * BLOCK_BYTES + (size_t)cluster * 2,
                  value);
    }
}

static uint8_t *entry_bytes(const char *path)
{
    uint32_t file;
    bool is_directory = strcmp(path, "dir") == 0;
    cr_assert_eq(fat_open(volume, path, is_directory ? FILE_DIRECTORY : FILE_READ, &file, NULL), 0);
    const struct fat_file *open = fat_file(volume, file);
    uint8_t *bytes = disk.bytes + (size_t)open->block * BLOCK_BYTES + open->offset;
    cr_assert_eq(fat_close(volume, file), 0);
    return bytes;
}

/* A file, a directory with a file, and a file that must stay whole. */
static void make(void)
{
    test_make("-F 16 -s 1", 2300);
    cr_assert_eq(test_write_file("file", 1, 5000, 5000), 5000);
    cr_assert_eq(test_make_directory("dir"), 0);
    cr_assert_eq(test_write_file("dir/inner", 2, 1000, 1000), 1000);
    cr_assert_eq(test_write_file("whole", 3, 3000, 1000), 3000);
    test_check();
    disk.reads = 0;
}

/* Mounts it anew and goes through all of it, whatever comes of that. */
static void walk(const char *path, unsigned depth)
{
    struct file_entry *entry = malloc(sizeof(*entry));
    char inner[FILESYSTEM_PATH_BYTES];
    uint32_t directory, position = 0;
    if (depth < 5 && fat_open(volume, path, FILE_DIRECTORY, &directory, NULL) == 0) {
        for (unsigned i = 0; i < 2000 && fat_list(volume, directory, &position, entry) == 0; i++) {
            (void)format_print(inner, sizeof(inner), "%s%s%s", path, *path ? "/" : "", entry->name);
            (void)test_read_file(inner, 0, 10000);
            if (entry->info.is_directory && i < 4) {
                walk(inner, depth + 1);
            }
        }
        (void)fat_close(volume, directory);
    }
    free(entry);
}

static void expect_whole(void)
{
    cr_expect_eq(test_read_file("whole", 3, 3000), 0);
    cr_expect_lt(disk.reads, READS_MAX);
    cr_expect_neq(disk.complaints[0], '\0', "it was not told");
}

Test(fat_damage, a_chain_that_ends_too_soon)
{
    make();
    set_table(first_cluster("file") + 1, 0xffff);
    test_mount();
    cr_expect_lt(test_read_file("file", 1, 5000), 0);
    cr_expect_eq(test_append("file", 1, 5000, 100), -EIO);
    expect_whole();
}

Test(fat_damage, a_chain_that_runs_into_itself)
{
    make();
    uint32_t first = first_cluster("file");
    fat_put32(entry_bytes("file") + 28, 0xffffff00u); /* and a size to match */
    set_table(first + 3, first + 1);
    test_mount();
    cr_expect_lt(test_read_file("file", 1, 100000), 0);
    cr_expect_not_null(strstr(disk.complaints, "again"), "%s", disk.complaints);
    cr_expect_eq(fat_remove(volume, "file", false), 0, "each cluster is freed once");
    test_sync();
    cr_expect_eq(test_read_file("whole", 3, 3000), 0);
    cr_expect_eq(test_write_file("new", 4, 100000, 5000), 100000);
    cr_expect_eq(test_read_file("whole", 3, 3000), 0);
    cr_expect_lt(disk.reads, READS_MAX);
}

Test(fat_damage, clusters_that_are_none)
{
    static const uint32_t wrong[] = {1, 0xfff0, 0xfff7, 0, 60000};
    for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
        make();
        set_table(first_cluster("file") + 1, wrong[i]);
        test_mount();
        cr_expect_lt(test_read_file("file", 1, 5000), 0, "%x", wrong[i]);
        expect_whole();
        disk.complaints[0] = '\0';
    }
}

Test(fat_damage, entries_that_begin_nowhere)
{
    static const uint32_t wrong[] = {0, 1, 60000, 0xffff};
    for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
        make();
        fat_put16(entry_bytes("file") + 26, wrong[i]);
        fat_put16(entry_bytes("dir") + 26, wrong[i]);
        test_mount();
        cr_expect_eq(test_read_file("file", 1, 5000), -EIO, "%x", wrong[i]);
        cr_expect_eq(test_read_file("dir/inner", 2, 1000), -EIO);
        cr_expect_eq(fat_remove(volume, "dir", true), -EIO);
        cr_expect_eq(fat_rename(volume, "dir", "other"), -EIO);
        expect_whole();
        disk.complaints[0] = '\0';
    }
}

Test(fat_damage, directories_in_a_circle)
{
    make();
    uint32_t first = first_cluster("dir");
    uint8_t *inner = entry_bytes("dir/inner");
    inner[11] = FAT_DIRECTORY;
    fat_put16(inner + 26, first);
    test_mount();
    walk("", 0);
    cr_expect_eq(fat_remove(volume, "dir/inner", true), -ENOTEMPTY);
    cr_expect_lt(disk.reads, READS_MAX);
    cr_expect_eq(test_read_file("whole", 3, 3000), 0);
    /* A directory whose own chain is a circle, full of entries. */
    make();
    first = first_cluster("dir");
    set_table(first, first);
    memset(disk.bytes + (size_t)fat_cluster_block(volume, first) * BLOCK_BYTES, 'x', BLOCK_BYTES);
    for (unsigned i = 0; i < FAT_SLOTS; i++) {
        disk.bytes[(size_t)fat_cluster_block(volume, first) * BLOCK_BYTES + i * 32 + 11] = 0;
    }
    test_mount();
    cr_expect_eq(test_read_file("dir/not there", 0, 0), -EIO);
    cr_expect_not_null(strstr(disk.complaints, "again"), "%s", disk.complaints);
    cr_expect_lt(test_write_file("dir/new", 0, 10, 10), 0);
    cr_expect_eq(test_read_file("whole", 3, 3000), 0);
}

Test(fat_damage, two_files_that_share_clusters)
{
    make();
    fat_put16(entry_bytes("file") + 26, first_cluster("dir/inner"));
    test_mount();
    (void)test_read_file("file", 1, 5000);
    cr_expect_eq(fat_remove(volume, "file", false), 0);
    cr_expect_lt(test_read_file("dir/inner", 2, 1000), 0, "its clusters are free now");
    expect_whole();
}

Test(fat_damage, long_names_whose_parts_do_not_belong)
{
    make();
    uint8_t *bytes = entry_bytes("file");
    bytes[-32 + 13] ^= 1; /* the sum */
    test_mount();
    cr_expect_eq(test_read_file("FILE", 1, 5000), 0, "the short name counts");
    cr_expect_eq(test_read_file("file", 1, 5000), 0);
    bytes[-32] = 0x40 | 0x3f; /* the order */
    test_mount();
    walk("", 0);
    cr_expect_eq(test_read_file("whole", 3, 3000), 0);
}

Test(fat_damage, boot_records_that_lie)
{
    static const struct {
        uint32_t offset, bytes, value;
    } lies[] = {
        {11, 2, 1024}, {11, 2, 0},      {13, 1, 0}, {13, 1, 3},      {13, 1, 255},
        {14, 2, 0},    {14, 2, 0xffff}, {16, 1, 0}, {16, 1, 200},    {17, 2, 0xffff},
        {19, 2, 10},   {19, 2, 0xffff}, {22, 2, 1}, {22, 2, 0xffff}, {22, 2, 0},
        {510, 2, 0},   {0, 1, 0},       {17, 2, 0},
    };
    struct why why;
    make();
    uint8_t boot[BLOCK_BYTES];
    memcpy(boot, disk.bytes, sizeof(boot));
    for (unsigned i = 0; i < ARRAY_SIZE(lies); i++) {
        memcpy(disk.bytes, boot, sizeof(boot));
        memcpy(disk.bytes + lies[i].offset, &lies[i].value, lies[i].bytes);
        free(volume);
        volume = calloc(1, sizeof(*volume));
        int result = fat_mount(volume, &disk_ops, &why);
        cr_expect_lt(result, 0, "lie %u is believed", i);
        cr_expect_neq(why.text[0], '\0');
    }
}

Test(fat_damage, fat12_is_refused_in_words)
{
    struct why why;
    test_make("-F 16 -s 1", 2300);
    cr_assert_eq(test_run("rm %s && /usr/sbin/mkfs.fat -F 12 -C %s 1440"), 0, "%s", test_said);
    test_load();
    free(volume);
    volume = calloc(1, sizeof(*volume));
    cr_expect_eq(fat_mount(volume, &disk_ops, &why), -EINVAL);
    cr_expect_not_null(strstr(why.text, "FAT12"), "%s", why.text);
}

Test(fat_damage, a_volume_larger_than_its_device)
{
    struct why why;
    make();
    disk.info.blocks = 3000;
    free(volume);
    volume = calloc(1, sizeof(*volume));
    cr_expect_eq(fat_mount(volume, &disk_ops, &why), -EINVAL);
    cr_expect_not_null(strstr(why.text, "of a device that has 3000"), "%s", why.text);
}

/* Anything anywhere in tables and directories, then everything that there is to do. */
Test(fat_damage, bytes_at_random)
{
    srandom(11);
    make();
    size_t bytes = disk.blocks * BLOCK_BYTES;
    uint8_t *before = malloc(bytes);
    memcpy(before, disk.bytes, bytes);
    uint32_t end = (volume->data_first + 40) * BLOCK_BYTES;
    for (unsigned round = 0; round < 300; round++) {
        memcpy(disk.bytes, before, bytes);
        for (unsigned i = 0; i < 40; i++) {
            uint32_t at = (uint32_t)random() % (i % 2 ? end : 4 * BLOCK_BYTES);
            disk.bytes[MAX(at, BLOCK_BYTES)] = (uint8_t)random();
        }
        for (unsigned i = 0; i < 60; i++) { /* where the root is */
            disk.bytes[volume->root_first * BLOCK_BYTES + (uint32_t)random() % 512] =
                (uint8_t)random();
        }
        disk.reads = 0;
        disk.complaints[0] = '\0';
        test_mount();
        walk("", 0);
        (void)test_write_file("file", 9, 4000, 1000);
        (void)test_write_file("dir/new", 9, 4000, 1000);
        (void)fat_remove(volume, "dir/inner", false);
        (void)fat_rename(volume, "dir", "moved");
        (void)fat_remove(volume, "whole", false);
        for (unsigned i = 0; i < 10 && fat_settle(volume, true) > 0; i++) {
        }
        cr_assert_lt(disk.reads, 2 * READS_MAX, "round %u", round);
    }
    free(before);
}

Test(fat_damage, a_device_that_fails)
{
    make();
    for (uint64_t block = 0; block < volume->data_first + 40; block++) {
        struct why why;
        disk.bad_block = block;
        free(volume);
        volume = calloc(1, sizeof(*volume));
        if (fat_mount(volume, &disk_ops, &why) == 0) {
            walk("", 0);
            (void)test_write_file("another", 5, 3000, 700);
            (void)fat_remove(volume, "another", false);
        }
    }
    disk.bad_block = UINT64_MAX;
    test_mount();
    cr_expect_eq(test_read_file("whole", 3, 3000), 0);
}

/* What FSInfo tells of free clusters is only told. */
Test(fat_damage, a_count_of_free_clusters_that_lies_does_not_fill_the_volume)
{
    const size_t free_clusters = 488;
    for (uint32_t told = 0; told < 4; told += 3) {
        test_make("-F 32 -s 1", 1024);
        test_sync();
        uint8_t *count = disk.bytes + volume->info_block * BLOCK_BYTES + free_clusters;
        cr_assert_gt(fat_get32(count), 1000u);
        fat_put32(count, told);
        test_mount();
        cr_expect_eq(test_write_file("file", 1, 20000, 5000), 20000, "told: %u", told);
        while (fat_settle(volume, false) > 0) {
        }
        test_check();
    }
    test_make("-F 32 -s 1", 1024);
    test_sync();
    uint8_t *count = disk.bytes + volume->info_block * BLOCK_BYTES + free_clusters;
    fat_put32(count, volume->clusters);
    test_mount();
    int64_t first = test_write_file("first", 1, 400000, 5000);
    cr_assert_eq(first, 400000);
    cr_assert_eq(fat_remove(volume, "first", false), 0); /* it is still to be given back */
    cr_expect_gt(test_write_file("all", 2, UINT32_MAX, 5000), 900000);
    struct volume_info info;
    cr_assert_eq(fat_read_volume(volume, &info), 0);
    cr_expect_eq(info.free_bytes, 0u);
    test_check();
}

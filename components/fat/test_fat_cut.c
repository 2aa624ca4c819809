/* SPDX-License-Identifier: MIT */
/*
 * Power that goes: what was written is written again to what was there before, cut after each
 * single block, and each time fsck.fat repairs it, and all files that nobody touched must be whole.
 */
#include "test_volume.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

TestSuite(fat_cut, .fini = test_remove_file, .timeout = 600);

static const char *const bystanders[] = {"keep one.txt", "folder/keep two", "folder/KEEP3.BIN",
                                         "folder/deeper/a long name to be kept as well.text"};

static void make_bystanders(void)
{
    cr_assert_eq(test_make_directory("folder"), 0);
    cr_assert_eq(test_make_directory("folder/deeper"), 0);
    for (uint32_t i = 0; i < ARRAY_SIZE(bystanders); i++) {
        uint32_t bytes = 3000 + 777 * i;
        cr_assert_eq(test_write_file(bystanders[i], i, bytes, 500), bytes);
    }
}

static int check_bystanders(void)
{
    int result = 0;
    for (uint32_t i = 0; i < ARRAY_SIZE(bystanders) && result == 0; i++) {
        result = test_read_file(bystanders[i], i, 3000 + 777 * i);
    }
    return result;
}

/* One step each: what it does, and a file of its own whose contents must not be lost by it. */
static int create(void)
{
    return test_write_file("a new file with a long name.txt", 20, 5000, 1000) == 5000 ? 0 : -EPROTO;
}

static int append_it(void)
{
    return test_append("folder/grows", 21, 2500, 6000);
}

static int overwrite(void)
{
    return test_append("folder/grows", 21, 100, 2000);
}

static int rename_file(void)
{
    return fat_rename(volume, "folder/moves.txt", "folder/deeper/has been moved.text");
}

static int rename_here(void)
{
    return fat_rename(volume, "folder/moves.txt", "folder/renamed with more letters than before");
}

static int rename_directory(void)
{
    return fat_rename(volume, "carried", "folder/deeper/the carried directory");
}

static int remove_file(void)
{
    return fat_remove(volume, "folder/grows", false);
}

static int make_directory(void)
{
    return test_make_directory("folder/deeper/one directory more");
}

static int remove_directory(void)
{
    return fat_remove(volume, "empty directory with a name", true);
}

static int cut_file(void)
{
    return test_truncate("folder/grows", 700);
}

static int cut_all(void)
{
    return test_truncate("folder/grows", 0);
}

static int fill_directory(void)
{
    char path[80];
    int result = 0;
    for (unsigned i = 0; i < 12 && result == 0; i++) {
        (void)format_print(path, sizeof(path), "folder/deeper/entries for one more cluster %u", i);
        result = test_write_file(path, i, 100, 100) == 100 ? 0 : -EPROTO;
    }
    return result;
}

static const struct step {
    const char *name;
    int (*run)(void);
    const char *old, *new; /* the file whose contents stand under one of the two, ever */
    uint32_t seed, bytes;
} steps[] = {
    {"create", create, NULL, NULL, 0, 0},
    {"append", append_it, "folder/grows", "folder/grows", 21, 2500},
    {"overwrite", overwrite, "folder/grows", "folder/grows", 21, 2500},
    {"rename", rename_file, "folder/moves.txt", "folder/deeper/has been moved.text", 22, 4000},
    {"rename here", rename_here, "folder/moves.txt", "folder/renamed with more letters than before",
     22, 4000},
    {"rename directory", rename_directory, "carried/file",
     "folder/deeper/the carried directory/file", 23, 2000},
    {"remove", remove_file, NULL, NULL, 0, 0},
    {"mkdir", make_directory, NULL, NULL, 0, 0},
    {"rmdir", remove_directory, NULL, NULL, 0, 0},
    {"truncate", cut_file, NULL, NULL, 0, 0},
    {"truncate to nothing", cut_all, NULL, NULL, 0, 0},
    {"fill a directory", fill_directory, NULL, NULL, 0, 0},
};

/* It may have grown since: its first bytes count. */
static int check_prefix(const char *path, const struct step *step)
{
    uint8_t byte;
    uint32_t file;
    int result = fat_open(volume, path, FILE_READ, &file, NULL);
    if (result < 0) {
        return result;
    }
    for (uint32_t i = 0; i < step->bytes && result == 0; i++) {
        result = fat_read(volume, fat_file(volume, file), i, &byte, 1) == 1 &&
                         byte == test_byte(step->seed, i)
                     ? 0
                     : -EPROTO;
    }
    (void)fat_close(volume, file);
    return result;
}

static void check_cut(const struct step *step, size_t cut)
{
    int status = 1;
    test_save();
    /* A directory moved half - two that are the same - takes it some rounds. */
    for (unsigned round = 0; round < 4 && status == 1; round++) {
        status = test_run("/usr/sbin/fsck.fat -a -w %s");
    }
    cr_assert_eq(status, 0, "%s, cut after %zu: %s", step->name, cut, test_said);
    status = test_run("/usr/sbin/fsck.fat -n %s");
    cr_assert_eq(status, 0, "%s, cut after %zu, after repair: %s", step->name, cut, test_said);
    test_load();
    disk.complaints[0] = '\0';
    test_mount();
    cr_assert_eq(check_bystanders(), 0, "%s, cut after %zu of %zu", step->name, cut, disk.logged);
    if (step->old) {
        int old = check_prefix(step->old, step), new = check_prefix(step->new, step);
        cr_assert(old == 0 || new == 0, "%s, cut after %zu of %zu: %d, %d", step->name, cut,
                  disk.logged, old, new);
    }
}

/* The disk as it was before, and with the first `cut` blocks that were written since. */
static void restore_cut(const uint8_t *before, size_t cut)
{
    memcpy(disk.bytes, before, disk.blocks * BLOCK_BYTES);
    for (size_t i = 0; i < cut; i++) {
        memcpy(disk.bytes + (size_t)disk.log[i].block * BLOCK_BYTES, disk.log[i].bytes,
               BLOCK_BYTES);
    }
}

static void cut_everywhere(const char *options, unsigned kib)
{
    test_make(options, kib);
    make_bystanders();
    cr_assert_eq(test_write_file("folder/grows", 21, 2500, 2500), 2500);
    cr_assert_eq(test_write_file("folder/moves.txt", 22, 4000, 2500), 4000);
    cr_assert_eq(test_make_directory("carried"), 0);
    cr_assert_eq(test_make_directory("empty directory with a name"), 0);
    cr_assert_eq(test_write_file("carried/file", 23, 2000, 2500), 2000);
    test_check();
    size_t bytes = disk.blocks * BLOCK_BYTES;
    uint8_t *before = malloc(bytes);
    memcpy(before, disk.bytes, bytes);
    for (unsigned s = 0; s < ARRAY_SIZE(steps); s++) {
        memcpy(disk.bytes, before, bytes);
        test_mount();
        disk.logged = 0;
        disk.is_logging = true;
        cr_assert_eq(steps[s].run(), 0, "%s", steps[s].name);
        test_sync();
        disk.is_logging = false;
        cr_assert_gt(disk.logged, 3u);
        for (size_t cut = 0; cut <= disk.logged; cut++) {
            restore_cut(before, cut);
            check_cut(&steps[s], cut);
        }
    }
    free(before);
}

Test(fat_cut, leaves_fat16_repairable_after_every_block)
{
    cut_everywhere("-F 16 -s 1", 2300);
}

Test(fat_cut, leaves_fat16_with_larger_clusters_repairable)
{
    cut_everywhere("-F 16 -s 4", 9000);
}

/* As few clusters as FAT32 may have: mkfs.fat warns that others may take it for FAT16. */
Test(fat_cut, leaves_fat32_repairable_after_every_block)
{
    cut_everywhere("-F 32 -s 1", 1024);
}

#define UPDATE_BYTES 6000u
#define RUNNING "slot-a/neurath.itb"
#define SYSTEM "slot-b/neurath.itb"
#define PART "slot-b/update.part"

/* What boot_slots does once update.part is whole. */
static void put_in_place(uint32_t seed)
{
    int result = fat_remove(volume, SYSTEM, false);
    cr_assert(result == 0 || result == -ENOENT);
    cr_assert_eq(test_read_file(PART, seed, UPDATE_BYTES), 0);
    cr_assert_eq(test_write_file(SYSTEM, seed, UPDATE_BYTES, 1000), UPDATE_BYTES);
    test_sync();
    cr_assert_eq(test_append("uboot.env", seed, 0, 2000), 0);
    test_sync();
    cr_assert_eq(fat_remove(volume, PART, false), 0);
    test_sync();
}

/* The card as the next start finds it, which repairs nothing; and it is sent again, and another. */
static void check_cut_update(size_t cut)
{
    test_mount();
    cr_assert_eq(test_read_file(RUNNING, 1, UPDATE_BYTES), 0, "cut after %zu", cut);
    bool is_next = test_read_file("uboot.env", 3, 2000) == 0;
    int result = test_read_file(is_next ? SYSTEM : PART, 3, UPDATE_BYTES);
    cr_assert_eq(result, 0, "cut after %zu: %d", cut, result);
    if (test_read_file(PART, 3, UPDATE_BYTES) == 0) {
        put_in_place(3);
        cr_assert_eq(test_read_file(SYSTEM, 3, UPDATE_BYTES), 0, "cut after %zu", cut);
    }
    cr_assert_eq(test_write_file(PART, 4, UPDATE_BYTES, 1000), UPDATE_BYTES);
    put_in_place(4);
    test_mount();
    cr_assert_eq(test_read_file(RUNNING, 1, UPDATE_BYTES), 0, "cut after %zu", cut);
    cr_assert_eq(test_read_file(SYSTEM, 4, UPDATE_BYTES), 0, "cut after %zu", cut);
    cr_assert_eq(test_read_file("uboot.env", 4, 2000), 0, "cut after %zu", cut);
    test_save();
    (void)test_run("/usr/sbin/fsck.fat -n %s"); /* lost clusters there may be */
    cr_assert_null(strstr(test_said, "share"), "cut after %zu: %s", cut, test_said);
}

Test(fat_cut, an_update_of_the_system_can_be_cut_anywhere)
{
    test_make("-F 32 -s 1", 1024);
    cr_assert_eq(test_make_directory("slot-a"), 0);
    cr_assert_eq(test_make_directory("slot-b"), 0);
    cr_assert_eq(test_write_file(RUNNING, 1, UPDATE_BYTES, 1000), UPDATE_BYTES);
    cr_assert_eq(test_write_file(SYSTEM, 2, UPDATE_BYTES, 1000), UPDATE_BYTES);
    cr_assert_eq(test_write_file("uboot.env", 2, 2000, 2000), 2000);
    cr_assert_eq(test_write_file(PART, 3, UPDATE_BYTES, 1000), UPDATE_BYTES);
    test_sync();
    size_t bytes = disk.blocks * BLOCK_BYTES;
    uint8_t *before = malloc(bytes);
    memcpy(before, disk.bytes, bytes);
    test_mount();
    disk.logged = 0;
    disk.is_logging = true;
    put_in_place(3);
    disk.is_logging = false;
    cr_assert_gt(disk.logged, 20u);
    for (size_t cut = 0; cut <= disk.logged; cut++) {
        restore_cut(before, cut);
        check_cut_update(cut);
    }
    free(before);
}

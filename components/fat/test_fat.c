/* SPDX-License-Identifier: MIT */
/* FAT against mkfs.fat, fsck.fat and mtools: what we write they read, and the other way round. */
#define log_write fat_test_log_write
#include "cache.c"
#include "change.c"
#include "directory.c"
#include "file.c"
#include "format.c"
#include "name.c"
#include "path.c"
#include "table.c"
#include "volume.c"

#include "test_volume.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct test_disk disk = {.bad_block = UINT64_MAX};
struct fat_volume *volume;
char test_said[65536];
static size_t test_said_bytes;

void log_write(enum log_level level, const char *format, ...)
{
    size_t used = strlen(disk.complaints);
    va_list arguments;
    va_start(arguments, format);
    if (level <= LOG_WARNING) {
        vsnprintf(disk.complaints + used, sizeof(disk.complaints) - used, format, arguments);
    }
    va_end(arguments);
}

static int disk_read(uint32_t unit, uint64_t first, void *buffer, uint32_t count)
{
    cr_assert_eq(unit, 3u);
    cr_assert(count >= 1 && count <= BLOCK_TRANSFER_MAX && (uintptr_t)buffer % 4 == 0);
    cr_assert(first < disk.blocks && count <= disk.blocks - first, "reads %llu at %llu",
              (unsigned long long)count, (unsigned long long)first);
    disk.reads += count;
    if (disk.bad_block - first < count) {
        return -EIO;
    }
    memcpy(buffer, disk.bytes + first * BLOCK_BYTES, (size_t)count * BLOCK_BYTES);
    return 0;
}

static void log_block(uint64_t block, const uint8_t *bytes)
{
    if (disk.logged == disk.log_room) {
        disk.log_room = disk.log_room * 2 + 64;
        disk.log = realloc(disk.log, disk.log_room * sizeof(*disk.log));
    }
    disk.log[disk.logged].block = (uint32_t)block;
    memcpy(disk.log[disk.logged++].bytes, bytes, BLOCK_BYTES);
}

static int disk_write(uint32_t unit, uint64_t first, const void *buffer, uint32_t count)
{
    cr_assert_eq(unit, 3u);
    cr_assert(count >= 1 && count <= BLOCK_TRANSFER_MAX && (uintptr_t)buffer % 4 == 0);
    cr_assert(first < disk.blocks && count <= disk.blocks - first);
    cr_assert(!disk.info.is_read_only, "written though it is read-only");
    if (disk.bad_block - first < count) {
        return -EIO;
    }
    memcpy(disk.bytes + first * BLOCK_BYTES, buffer, (size_t)count * BLOCK_BYTES);
    for (uint32_t i = 0; i < count && disk.is_logging; i++) {
        log_block(first + i, (const uint8_t *)buffer + (size_t)i * BLOCK_BYTES);
    }
    return 0;
}

static int disk_flush(uint32_t unit)
{
    return unit == 3 ? 0 : -EIO;
}

static int disk_read_info(uint32_t unit, struct block_info *info)
{
    (void)unit;
    *info = disk.info;
    return 0;
}

const struct block_ops disk_ops = {3, disk_read, disk_write, disk_flush, disk_read_info, NULL};

static const char *file_name(void)
{
    static char name[64];
    snprintf(name, sizeof(name), "build/tests/fat-%d.img", (int)getpid());
    return name;
}

const char *test_save(void)
{
    FILE *file = fopen(file_name(), "w");
    cr_assert_not_null(file);
    cr_assert_eq(fwrite(disk.bytes, BLOCK_BYTES, disk.blocks, file), disk.blocks);
    (void)fclose(file);
    return file_name();
}

void test_load(void)
{
    FILE *file = fopen(file_name(), "r");
    cr_assert_not_null(file);
    (void)fseek(file, 0, SEEK_END);
    disk.blocks = (uint64_t)ftell(file) / BLOCK_BYTES;
    rewind(file);
    free(disk.bytes);
    disk.bytes = malloc(disk.blocks * BLOCK_BYTES);
    cr_assert_eq(fread(disk.bytes, BLOCK_BYTES, disk.blocks, file), disk.blocks);
    (void)fclose(file);
    disk.info.blocks = disk.blocks;
    disk.info.medium++;
}

void test_remove_file(void)
{
    (void)unlink(file_name());
}

int test_run(const char *format)
{
    char command[1024], with_name[1024];
    snprintf(with_name, sizeof(with_name), "(%s) 2>&1", format);
    snprintf(command, sizeof(command), with_name, file_name(), file_name()); /* NOLINT */
    FILE *pipe = popen(command, "r");
    cr_assert_not_null(pipe);
    test_said_bytes = fread(test_said, 1, sizeof(test_said) - 1, pipe);
    test_said[test_said_bytes] = '\0';
    int status = pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void test_mount(void)
{
    struct why why = {""};
    free(volume);
    volume = calloc(1, sizeof(*volume));
    cr_assert_eq(fat_mount(volume, &disk_ops, &why), 0, "%s", why.text);
}

void test_make(const char *options, unsigned kib)
{
    char command[256];
    test_remove_file();
    snprintf(command, sizeof(command), "/usr/sbin/mkfs.fat %s -C %%s %u", options, kib);
    cr_assert_eq(test_run(command), 0, "%s", test_said);
    test_load();
    test_mount();
}

void test_sync(void)
{
    int result;
    while ((result = fat_settle(volume, true)) > 0) {
    }
    cr_assert_eq(result, 0);
}

void test_check(void)
{
    test_sync();
    cr_assert_str_eq(disk.complaints, "");
    test_save();
    int status = test_run("/usr/sbin/fsck.fat -n -v %s");
    cr_assert_eq(status, 0, "%s", test_said);
}

uint8_t test_byte(uint32_t seed, uint32_t offset)
{
    uint32_t value = (offset / 4 + seed * 7919) * 2654435761u;
    return (uint8_t)(value >> (8 * (offset % 4)));
}

static int write_pattern(uint32_t file, uint32_t seed, uint32_t from, uint32_t bytes,
                         uint32_t piece)
{
    uint8_t *buffer = malloc(piece + 1);
    int result = 0;
    for (uint32_t done = 0; done < bytes;) {
        uint32_t now = MIN(piece, bytes - done);
        for (uint32_t i = 0; i < now; i++) {
            buffer[i + 1] = test_byte(seed, from + done + i); /* unaligned */
        }
        result = fat_write(volume, fat_file(volume, file), from + done, buffer + 1, now);
        if (result <= 0) {
            break;
        }
        done += (uint32_t)result;
    }
    free(buffer);
    return result < 0 ? result : 0;
}

int64_t test_write_file(const char *path, uint32_t seed, uint32_t bytes, uint32_t piece)
{
    uint32_t file;
    int result = fat_open(volume, path, FILE_WRITE | FILE_CREATE | FILE_TRUNCATE, &file, NULL);
    if (result < 0) {
        return result;
    }
    result = write_pattern(file, seed, 0, bytes, piece);
    uint32_t written = fat_file(volume, file)->bytes;
    cr_assert_eq(fat_close(volume, file), 0);
    return result < 0 && result != -ENOSPC ? result : (int64_t)written;
}

int test_append(const char *path, uint32_t seed, uint32_t from, uint32_t bytes)
{
    uint32_t file;
    int result = fat_open(volume, path, FILE_WRITE, &file, NULL);
    if (result == 0) {
        result = write_pattern(file, seed, from, bytes, 4096);
        cr_assert_eq(fat_close(volume, file), 0);
    }
    return result;
}

int test_truncate(const char *path, uint32_t bytes)
{
    uint32_t file;
    int result = fat_open(volume, path, FILE_WRITE, &file, NULL);
    if (result == 0) {
        result = fat_resize(volume, fat_file(volume, file), bytes);
        cr_assert_eq(fat_close(volume, file), 0);
    }
    return result;
}

int test_read_file(const char *path, uint32_t seed, uint32_t bytes)
{
    static uint8_t buffer[FILESYSTEM_TRANSFER_MAX + 4] __attribute__((aligned(8)));
    struct file_info info;
    uint32_t file;
    int result = fat_open(volume, path, FILE_READ, &file, &info);
    uint32_t done = 0, step = 0;
    if (result < 0) {
        return result;
    }
    do {
        uint32_t shift = ++step % 2; /* aligned, and not */
        result = fat_read(volume, fat_file(volume, file), done, buffer + shift,
                          step % 3 ? FILESYSTEM_TRANSFER_MAX : 1234);
        for (int i = 0; i < result; i++) {
            if (buffer[(uint32_t)i + shift] != test_byte(seed, done + (uint32_t)i)) {
                result = -EPROTO;
            }
        }
        done += result > 0 ? (uint32_t)result : 0;
    } while (result > 0 && done < bytes + 1);
    cr_assert_eq(fat_close(volume, file), 0);
    return result < 0 ? result : done == bytes && info.bytes == bytes ? 0 : -EPROTO;
}

int test_make_directory(const char *path)
{
    uint32_t file;
    int result = fat_open(volume, path, FILE_DIRECTORY | FILE_CREATE | FILE_EXCLUSIVE, &file, NULL);
    return result < 0 ? result : fat_close(volume, file);
}

TestSuite(fat, .fini = test_remove_file, .timeout = 120);

static const struct {
    const char *options;
    unsigned kib, cluster;
} shapes[] = {
    {"-F 16 -s 1", 4096, 512},  {"-F 16 -s 4 -f 1", 16384, 2048}, {"-F 16 -s 64", 140000, 32768},
    {"-F 32 -s 1", 36000, 512}, {"-F 32 -s 8", 270000, 4096},
};

static const char *const names[] = {
    "UPPER.TXT",
    "lower.txt",
    "A name with blanks and. dots.tar.gz",
    "ΑΒΓ grüße Привет.txt",
    "日本語のファイル名.データ",
    ".hidden",
    "no_extension_but_long",
    "+;,=.odd",
    "thirteen13.un", /* as many units as one part holds */
};

static void expect_others_read(const char *path, uint32_t seed, uint32_t bytes)
{
    char command[256];
    snprintf(command, sizeof(command), "LC_ALL=C.UTF-8 mcopy -n -i %%s '::%s' -", path);
    cr_expect_eq(test_run(command), 0, "%s", test_said);
    cr_expect_eq(test_said_bytes, bytes, "%s", path);
    for (uint32_t i = 0; i < MIN(bytes, test_said_bytes); i++) {
        cr_assert_eq((uint8_t)test_said[i], test_byte(seed, i), "%s, byte %u", path, i);
    }
}

Test(fat, what_is_written_others_read)
{
    char path[64];
    for (unsigned s = 0; s < ARRAY_SIZE(shapes); s++) {
        test_make(shapes[s].options, shapes[s].kib);
        cr_assert_eq(fat_cluster_bytes(volume), shapes[s].cluster);
        for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
            cr_assert_eq(test_write_file(names[i], i, i * 3001, 1777), i * 3001, "%s", names[i]);
        }
        cr_assert_eq(test_make_directory("Directory"), 0);
        for (unsigned i = 0; i < 100; i++) {
            snprintf(path, sizeof(path), "Directory/file number %u", i);
            cr_assert_eq(test_write_file(path, 100 + i, i * 10, 7), i * 10);
        }
        test_check();
        for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
            expect_others_read(names[i], i, i * 3001);
        }
        expect_others_read("Directory/file number 99", 199, 990);
        cr_assert_eq(test_run("mdir -b -i %s ::Directory | wc -l"), 0);
        cr_assert_str_eq(test_said, "100\n");
    }
}

Test(fat, what_others_have_written_is_read)
{
    static uint8_t contents[200000];
    char name[64], command[512];
    for (uint32_t i = 0; i < sizeof(contents); i++) {
        contents[i] = test_byte(5, i);
    }
    snprintf(name, sizeof(name), "build/tests/fat-%d.bin", (int)getpid());
    FILE *file = fopen(name, "w");
    cr_assert_not_null(file);
    cr_assert_eq(fwrite(contents, 1, sizeof(contents), file), sizeof(contents));
    (void)fclose(file);
    for (unsigned s = 0; s < ARRAY_SIZE(shapes); s++) {
        test_make(shapes[s].options, shapes[s].kib);
        for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
            snprintf(command, sizeof(command), "LC_ALL=C.UTF-8 mcopy -i %%s %s '::%s'", name,
                     names[i]);
            cr_assert_eq(test_run(command), 0, "%s", test_said);
        }
        snprintf(command, sizeof(command),
                 "LC_ALL=C.UTF-8 mmd -i %%s ::deep ::deep/deeper && mcopy -i %%s %s "
                 "::deep/deeper/file",
                 name);
        cr_assert_eq(test_run(command), 0, "%s", test_said);
        test_load();
        test_mount();
        for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
            cr_expect_eq(test_read_file(names[i], 5, sizeof(contents)), 0, "%s", names[i]);
        }
        cr_expect_eq(test_read_file("DEEP/Deeper/FILE", 5, sizeof(contents)), 0);
        cr_expect_eq(test_read_file("αβγ GRÜSSE", 5, 0), -ENOENT);
        cr_expect_eq(test_read_file("αβγ GRÜßE пРИВЕТ.TXT", 5, sizeof(contents)), 0);
        test_check();
    }
    (void)unlink(name);
}

Test(fat, lists_what_is_there_once)
{
    struct file_entry entry;
    uint32_t root, position = 0, seen = 0;
    test_make(shapes[0].options, shapes[0].kib);
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
        cr_assert_eq(test_write_file(names[i], i, i, 100), i);
    }
    cr_assert_eq(test_make_directory("folder"), 0);
    cr_assert_eq(fat_open(volume, "", FILE_DIRECTORY, &root, NULL), 0);
    while (fat_list(volume, root, &position, &entry) == 0) {
        for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
            if (strcmp(names[i], entry.name) == 0) {
                cr_expect_eq(seen >> i & 1, 0u);
                cr_expect_eq(entry.info.bytes, i);
                cr_expect_eq(entry.info.is_directory, 0u);
                seen |= 1u << i;
            }
        }
        if (strcmp(entry.name, "folder") == 0) {
            cr_expect_eq(entry.info.is_directory, 1u);
            seen |= 1u << 31;
        }
    }
    cr_expect_eq(seen, 1u << 31 | ((1u << ARRAY_SIZE(names)) - 1));
}

Test(fat, deep_directories_and_long_paths)
{
    char path[FILESYSTEM_PATH_BYTES] = "";
    char longest[256];
    test_make(shapes[3].options, shapes[3].kib);
    for (unsigned i = 0; i < 40; i++) {
        snprintf(path + strlen(path), sizeof(path) - strlen(path), "%slevel %u", i ? "/" : "", i);
        cr_assert_eq(test_make_directory(path), 0);
    }
    strcat(path, "/file");
    cr_assert_eq(test_write_file(path, 1, 100000, 65536), 100000);
    cr_assert_eq(test_read_file(path, 1, 100000), 0);
    memset(longest, 'n', sizeof(longest));
    longest[255] = '\0';
    cr_assert_eq(test_write_file(longest, 2, 10, 10), 10);
    longest[254] = 'x';
    cr_assert_eq(test_write_file(longest, 3, 10, 10), 10);
    cr_assert_eq(test_read_file(longest, 3, 10), 0);
    test_check();
}

Test(fat, many_alike_names_get_short_names_of_their_own)
{
    char path[64];
    test_make(shapes[1].options, shapes[1].kib);
    cr_assert_eq(test_make_directory("many"), 0);
    for (unsigned i = 0; i < 300; i++) {
        snprintf(path, sizeof(path), "many/a long name that differs late %u.text", i);
        cr_assert_eq(test_write_file(path, i, i, 512), i, "%u", i);
    }
    for (unsigned i = 0; i < 300; i += 2) {
        snprintf(path, sizeof(path), "many/a long name that differs late %u.text", i);
        cr_assert_eq(fat_remove(volume, path, false), 0);
    }
    for (unsigned i = 0; i < 300; i++) {
        snprintf(path, sizeof(path), "many/a long name that differs late %u.text", i);
        cr_assert_eq(test_read_file(path, i, i), i % 2 ? 0 : -ENOENT);
    }
    test_check();
}

Test(fat, files_grow_between_each_other)
{
    test_make(shapes[0].options, shapes[0].kib);
    cr_assert_eq(test_write_file("a", 1, 0, 1), 0);
    cr_assert_eq(test_write_file("b", 2, 0, 1), 0);
    for (unsigned i = 0; i < 100; i++) {
        cr_assert_eq(test_append("a", 1, i * 1000, 1000), 0);
        cr_assert_eq(test_append("b", 2, i * 700, 700), 0);
    }
    cr_assert_eq(test_read_file("a", 1, 100000), 0);
    cr_assert_eq(test_read_file("b", 2, 70000), 0);
    cr_assert_eq(test_append("a", 1, 33333, 5000), 0, "over what is there");
    cr_assert_eq(test_truncate("b", 12345), 0);
    cr_assert_eq(test_append("b", 2, 12345, 90000), 0);
    test_sync();
    test_mount();
    cr_assert_eq(test_read_file("a", 1, 100000), 0);
    cr_assert_eq(test_read_file("b", 2, 102345), 0);
    test_check();
}

Test(fat, a_full_volume_is_told_and_stays_whole)
{
    struct volume_info info;
    for (unsigned s = 0; s < 4; s += 3) {
        test_make(shapes[s].options, shapes[s].kib);
        cr_assert_eq(test_write_file("keep", 9, 5000, 5000), 5000);
        int64_t big = test_write_file("big", 1, UINT32_MAX, 60000);
        cr_assert_gt(big, 3 << 20);
        cr_expect_eq(test_append("keep", 9, 5000, 5000), -ENOSPC);
        cr_expect_eq(test_make_directory("more"), -ENOSPC);
        cr_expect_eq(test_read_file("big", 1, (uint32_t)big), 0);
        while (fat_settle(volume, false) > 0) {
        }
        cr_assert_eq(fat_read_volume(volume, &info), 0);
        cr_expect_eq(info.free_bytes, 0u);
        test_check();
        cr_assert_eq(fat_remove(volume, "big", false), 0);
        while (fat_settle(volume, false) > 0) {
        }
        cr_assert_eq(fat_read_volume(volume, &info), 0);
        cr_expect_geq(info.free_bytes, (uint64_t)big);
        cr_expect_eq(test_append("keep", 9, 5000, 5000), 0);
        cr_expect_eq(test_read_file("keep", 9, 10000), 0);
        test_check();
    }
}

Test(fat, the_root_of_fat16_gets_full)
{
    char path[64];
    int64_t result = 0;
    unsigned count = 0;
    test_make("-F 16 -s 1 -r 32", 4096);
    for (; result >= 0 && count < 100; count++) {
        snprintf(path, sizeof(path), "FILE%u", count);
        result = test_write_file(path, 0, 0, 1);
    }
    cr_expect_eq(result, -ENOSPC);
    cr_expect_eq(count, 33u);
    test_check();
}

Test(fat, renames_and_moves)
{
    test_make(shapes[0].options, shapes[0].kib);
    cr_assert_eq(test_make_directory("one"), 0);
    cr_assert_eq(test_make_directory("one/two"), 0);
    cr_assert_eq(test_make_directory("other"), 0);
    cr_assert_eq(test_write_file("one/two/file", 1, 2000, 2000), 2000);
    cr_expect_eq(fat_rename(volume, "one", "one/two/three"), -EINVAL);
    cr_expect_eq(fat_rename(volume, "one", "one"), 0);
    cr_expect_eq(fat_rename(volume, "one", "other"), -EEXIST);
    cr_expect_eq(fat_rename(volume, "one/two", "other/a new and longer name"), 0);
    cr_expect_eq(test_read_file("other/a new and longer name/file", 1, 2000), 0);
    cr_expect_eq(test_read_file("one/two/file", 1, 2000), -ENOENT);
    uint32_t file;
    cr_assert_eq(fat_open(volume, "other/a new and longer name/file", FILE_WRITE, &file, NULL), 0);
    cr_expect_eq(fat_rename(volume, "other/a new and longer name/file", "FILE"), 0);
    cr_expect_eq(write_pattern(file, 1, 2000, 3000, 512), 0, "open all the time");
    cr_expect_eq(fat_remove(volume, "file", false), -EBUSY);
    cr_assert_eq(fat_close(volume, file), 0);
    cr_expect_eq(fat_rename(volume, "FILE", "file"), 0, "only its letters");
    cr_expect_eq(test_read_file("File", 1, 5000), 0);
    cr_expect_eq(fat_remove(volume, "other", true), -ENOTEMPTY);
    cr_expect_eq(fat_remove(volume, "other/a new and longer name", true), 0);
    cr_expect_eq(fat_remove(volume, "other", true), 0);
    cr_expect_eq(fat_remove(volume, "file", true), -ENOTDIR);
    cr_expect_eq(fat_remove(volume, "one", false), -EISDIR);
    test_check();
}

Test(fat, ways_that_were_gone_are_forgotten_when_they_change)
{
    test_make(shapes[0].options, shapes[0].kib);
    cr_assert_eq(test_make_directory("one"), 0);
    cr_assert_eq(test_make_directory("one/two"), 0);
    cr_assert_eq(test_write_file("one/two/file", 1, 100, 100), 100);
    cr_expect_eq(test_read_file("one/two/file", 1, 100), 0);
    cr_expect_eq(test_read_file("one/twofile", 1, 100), -ENOENT);
    cr_expect_eq(test_read_file("one/two", 1, 100), -EISDIR);
    cr_expect_eq(test_read_file("one/two/file", 1, 100), 0);
    cr_expect_eq(fat_rename(volume, "one", "other"), 0);
    cr_expect_eq(test_read_file("one/two/file", 1, 100), -ENOENT);
    cr_expect_eq(test_read_file("other/two/file", 1, 100), 0);
    cr_expect_eq(fat_remove(volume, "other/two/file", false), 0);
    cr_expect_eq(fat_remove(volume, "other/two", true), 0);
    cr_expect_eq(test_read_file("other/two/file", 1, 100), -ENOENT);
    cr_expect_eq(test_write_file("other/two/file", 1, 100, 100), -ENOENT);
    test_check();
}

/* How many blocks it takes to look for a file. */
static uint64_t reads_of(const char *path)
{
    disk.reads = 0;
    cr_assert_eq(fat_open(volume, path, FILE_LOOK, NULL, NULL), 0, "%s", path);
    return disk.reads;
}

/* The directory is larger than what is kept of blocks: who looks through it reads it all. */
Test(fat, knows_where_the_names_are_that_were_found_last)
{
    enum { FILES = 1500 };
    char path[64];
    test_make(shapes[0].options, shapes[0].kib);
    cr_assert_eq(test_make_directory("large"), 0);
    for (unsigned i = 0; i < FILES; i++) {
        snprintf(path, sizeof(path), "large/a file with a long name, number %u", i);
        cr_assert_eq(test_write_file(path, 1, 0, 1), 0);
    }
    test_sync();
    test_mount();
    cr_expect_gt(reads_of("large/a file with a long name, number 1499"), 300u);
    cr_expect_gt(reads_of("large/a file with a long name, number 1450"), 300u, "another one");
    cr_expect_lt(reads_of("large/A FILE with a long name, number 1499"), 4u);
    cr_expect_lt(reads_of("large/a file with a long name, number 1450"), 4u);
    cr_expect_eq(fat_rename(volume, "large/a file with a long name, number 1499", "large/x"), 0);
    cr_expect_eq(
        fat_open(volume, "large/a file with a long name, number 1499", FILE_LOOK, NULL, NULL),
        -ENOENT);
    cr_expect_gt(reads_of("large/a file with a long name, number 1498"), 300u);
    cr_expect_eq(fat_remove(volume, "large/a file with a long name, number 1450", false), 0);
    cr_expect_eq(
        fat_open(volume, "large/a file with a long name, number 1450", FILE_LOOK, NULL, NULL),
        -ENOENT);
    test_check();
}

/* Else it would be taken for an entry that begins there, and the part before it left behind. */
Test(fat, forgets_a_name_that_another_entry_has_taken_the_place_of)
{
    test_make(shapes[0].options, shapes[0].kib);
    cr_assert_eq(test_write_file("FIRST", 1, 0, 1), 0);
    cr_assert_eq(test_write_file("LONGNA~1", 1, 0, 1), 0);
    cr_expect_eq(test_read_file("LONGNA~1", 1, 0), 0);
    cr_assert_eq(fat_remove(volume, "FIRST", false), 0);
    cr_assert_eq(fat_remove(volume, "LONGNA~1", false), 0);
    cr_assert_eq(test_write_file("long name of two parts", 2, 100, 100), 100);
    cr_expect_eq(test_read_file("LONGNA~1", 2, 100), 0, "the short one of it");
    cr_expect_eq(fat_remove(volume, "LONGNA~1", false), 0);
    test_check();
}

Test(fat, refuses_names_that_cannot_be)
{
    static const char *const wrong[] = {"a:b",  "a*", "end.", "end ", "\x01",
                                        "a\\b", "?",  "..",   "."};
    char longer[300];
    test_make(shapes[0].options, shapes[0].kib);
    for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
        cr_expect_eq(test_write_file(wrong[i], 0, 0, 1), -EINVAL, "%s", wrong[i]);
    }
    cr_expect_eq(test_write_file("\xff", 0, 0, 1), -EILSEQ);
    cr_expect_eq(test_write_file("\xc0\x80", 0, 0, 1), -EILSEQ);
    cr_expect_eq(test_write_file("\xed\xa0\x80", 0, 0, 1), -EILSEQ);
    cr_expect_eq(test_write_file("\xe2\x82", 0, 0, 1), -EILSEQ);
    memset(longer, 'n', sizeof(longer));
    longer[256] = '\0';
    cr_expect_eq(test_write_file(longer, 0, 0, 1), -ENAMETOOLONG);
    test_check();
}

/* mtools know only what one unit holds; so it is read back, and fsck.fat judges. */
Test(fat, names_beyond_the_first_plane)
{
    struct file_entry entry;
    uint32_t root, position = 0;
    test_make(shapes[0].options, shapes[0].kib);
    cr_assert_eq(test_write_file("emoji \xf0\x9f\x8c\x8d.txt", 1, 100, 100), 100);
    cr_assert_eq(fat_open(volume, "", FILE_DIRECTORY, &root, NULL), 0);
    cr_assert_eq(fat_list(volume, root, &position, &entry), 0);
    cr_expect_str_eq(entry.name, "emoji \xf0\x9f\x8c\x8d.txt");
    cr_expect_eq(test_read_file("EMOJI \xf0\x9f\x8c\x8d.TXT", 1, 100), 0);
    test_check();
}

Test(fat, a_medium_that_is_protected_is_only_read)
{
    test_make(shapes[0].options, shapes[0].kib);
    cr_assert_eq(test_write_file("file", 1, 1000, 100), 1000);
    test_sync();
    disk.info.is_read_only = 1;
    test_mount();
    cr_expect_eq(test_read_file("file", 1, 1000), 0);
    cr_expect_eq(test_write_file("file", 1, 1000, 100), -EROFS);
    cr_expect_eq(test_write_file("new", 1, 1000, 100), -EROFS);
    cr_expect_eq(fat_remove(volume, "file", false), -EROFS);
    cr_expect_eq(fat_rename(volume, "file", "name"), -EROFS);
    cr_expect_eq(test_make_directory("new"), -EROFS);
    test_sync();
}

Test(fat, what_it_formats_others_accept)
{
    static const unsigned sizes[] = {2300, 4096, 16384, 33000, 65536, 262144};
    struct why why;
    for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
        test_make("-F 16", 40000);
        free(disk.bytes);
        disk.blocks = disk.info.blocks = sizes[i] * 2;
        disk.bytes = malloc(disk.blocks * BLOCK_BYTES);
        memset(disk.bytes, 0xa5, disk.blocks * BLOCK_BYTES);
        cr_assert_eq(fat_format(&disk_ops, &why), 0, "%u: %s", sizes[i], why.text);
        test_mount();
        cr_expect_eq(test_write_file("a first file", 1, 50000, 1000), 50000);
        test_check();
    }
    disk.info.blocks = 4000;
    cr_expect_eq(fat_format(&disk_ops, &why), -EINVAL);
    disk.info.blocks = 1ull << 40;
    cr_expect_eq(fat_format(&disk_ops, &why), -EINVAL);
}

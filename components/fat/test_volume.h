/* SPDX-License-Identifier: MIT */
/*
 * For the tests of FAT: a disk in memory that remembers each block written, made and judged by
 * dosfstools and mtools through a file of the process's own.
 */
#pragma once

#include "fat.h"

#include <criterion/criterion.h>

struct test_write {
    uint32_t block;
    uint8_t bytes[BLOCK_BYTES];
};

struct test_disk {
    uint8_t *bytes;
    uint64_t blocks;
    struct block_info info;
    struct test_write *log; /* what was written since is_logging was set */
    size_t logged, log_room;
    bool is_logging;
    uint64_t bad_block; /* fails; UINT64_MAX: none */
    uint64_t reads;     /* blocks */
    char complaints[2048];
};

extern struct test_disk disk;
extern struct fat_volume *volume;
extern const struct block_ops disk_ops;

/* A volume by mkfs.fat with these options, in memory, mounted. */
void test_make(const char *options, unsigned kib);
/* Mounts what is in memory anew; must succeed. */
void test_mount(void);
/* Settles all. */
void test_sync(void);
/* From memory into the file, and back; its name. */
const char *test_save(void);
void test_load(void);
void test_remove_file(void);

/* Runs a command, in which %s is the file; its exit status. What it says is in test_said. */
int test_run(const char *format);
extern char test_said[65536];
/* fsck.fat must find nothing, after a sync. */
void test_check(void);

/* Bytes of a file's contents: a pattern of its own for each seed. */
uint8_t test_byte(uint32_t seed, uint32_t offset);
/* Makes a file with that pattern, in pieces; returns the bytes written or an error. */
int64_t test_write_file(const char *path, uint32_t seed, uint32_t bytes, uint32_t piece);
/* The file is there, has the pattern and the size: 0; else an error, -EPROTO: other contents. */
int test_read_file(const char *path, uint32_t seed, uint32_t bytes);
int test_make_directory(const char *path);
int test_append(const char *path, uint32_t seed, uint32_t from, uint32_t bytes);
int test_truncate(const char *path, uint32_t bytes);

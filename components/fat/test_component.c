/* SPDX-License-Identifier: MIT */
/* The component around the volumes: numbers, media, one call at a time, the command. */
#define component_self fat_test_component
#define heap_allocate fat_test_heap_allocate
#define heap_free fat_test_heap_free
#define log_write fat_test_log_write
#define offer_add_owned fat_test_offer_add
#define offer_find fat_test_offer_find
#include "fat.c"

#include "test_volume.h"

#include <stdlib.h>

struct component {
    int unused;
} component_self;

static struct filesystem_ops ops;
static struct command_ops command;
static unsigned objects;
static bool is_partitioned;
static char said[256];

int heap_allocate(struct component *owner, uint32_t type_hash, size_t element_bytes, size_t count,
                  void **object)
{
    (void)owner;
    (void)type_hash;
    *object = calloc(count, element_bytes);
    objects++;
    return 0;
}

int heap_free(void *object)
{
    objects--;
    free(object);
    return 0;
}

int offer_add_owned(const char *kind, const char *name, const void *table, size_t size,
                    struct component *owner)
{
    (void)owner;
    if (strcmp(kind, FILESYSTEM_KIND) == 0) {
        cr_assert_str_eq(name, "fat");
        memcpy(&ops, table, size);
    } else {
        cr_assert_str_eq(name, "format");
        memcpy(&command, table, size);
    }
    return 1;
}

static int part_read_info(uint32_t unit, struct block_info *info)
{
    *info = (struct block_info){.blocks = 100, .medium = unit, .is_partition = 1};
    return 0;
}

int offer_find(const char *kind, const char *name, uint32_t after, struct offer *offer)
{
    const struct block_ops part = {.unit = 1, .read_info = part_read_info};
    cr_assert_str_eq(kind, BLOCK_KIND);
    if (after < 1 && (!name || strcmp(name, "disk") == 0)) {
        *offer = (struct offer){.id = 1, .name = "disk"};
        memcpy(offer->table, &disk_ops, sizeof(disk_ops));
        return 0;
    }
    *offer = (struct offer){.id = 2, .name = "diskp1"};
    memcpy(offer->table, &part, sizeof(part));
    return !name && after < 2 && is_partitioned ? 0 : -ENOENT;
}

static void hear(struct command_output *output, const char *text, size_t size)
{
    (void)output;
    strncat(said, text, size);
}

static int format(const char *device, const char *yes)
{
    struct command_output output = {hear};
    char *words[] = {"format", (char *)(uintptr_t)device, (char *)(uintptr_t)yes};
    said[0] = '\0';
    return command.run(3, words, &output);
}

TestSuite(fat_component, .fini = test_remove_file);

Test(fat_component, mounts_by_number_and_looks_at_the_medium_in_every_call)
{
    struct fat_volume *taken;
    uint32_t number, another, file;
    char text[8];
    test_make("-F 16 -s 1", 2300);
    cr_assert_gt(start(), 0);
    cr_assert_eq(ops.mount(&disk_ops, &number), 0);
    cr_assert_eq(ops.open(number, "file", FILE_READ | FILE_WRITE | FILE_CREATE, &file, NULL), 0);
    cr_expect_eq(ops.write(number, file, 0, "text", 4), 4);
    cr_expect_eq(ops.read(number, file, 0, text, 8), 4);
    cr_expect_eq(ops.read(number, file + 1, 0, text, 8), -ENOENT);
    cr_expect_eq(ops.read(number + 1, file, 0, text, 8), -ENOENT);
    cr_assert_eq(take(number, &taken), 0); /* a call on another CPU */
    cr_expect_eq(ops.read(number, file, 0, text, 8), -EBUSY);
    cr_expect_eq(adopt(), 0, "it was cut off");
    cr_expect_eq(ops.read(number, file, 0, text, 8), 4);
    disk.info.medium++;
    cr_expect_eq(ops.read(number, file, 0, text, 8), -ENOMEDIUM);
    cr_expect_eq(ops.close(number, file), 0);
    cr_expect_eq(ops.unmount(number), -ENOMEDIUM);
    cr_expect_eq(ops.unmount(number), -ENOENT);
    cr_expect_eq(objects, 0u);
    cr_assert_eq(ops.mount(&disk_ops, &another), 0);
    cr_expect_neq(another, number);
    cr_expect_eq(ops.unmount(another), 0);
    cr_expect_eq(objects, 0u);
}

Test(fat_component, unmounting_leaves_a_clean_volume)
{
    uint32_t number, file;
    test_make("-F 32 -s 1", 36000);
    cr_assert_gt(start(), 0);
    cr_assert_eq(ops.mount(&disk_ops, &number), 0);
    cr_assert_eq(ops.open(number, "file", FILE_WRITE | FILE_CREATE, &file, NULL), 0);
    cr_assert_eq(ops.write(number, file, 0, "text", 4), 4);
    cr_assert_eq(ops.unmount(number), 0, "its files are closed");
    test_mount();
    test_check();
}

Test(fat_component, formats_only_what_nobody_needs)
{
    uint32_t number;
    test_make("-F 16 -s 1", 2300);
    cr_assert_gt(start(), 0);
    cr_expect_eq(format("disk", "no"), -EINVAL);
    cr_expect_eq(format("none", "yes"), -ENOENT);
    cr_assert_eq(ops.mount(&disk_ops, &number), 0);
    cr_expect_eq(format("disk", "yes"), -EBUSY);
    cr_expect_not_null(strstr(said, "is mounted"), "%s", said);
    cr_assert_eq(ops.unmount(number), 0);
    is_partitioned = true;
    cr_expect_eq(format("disk", "yes"), -EBUSY);
    cr_expect_not_null(strstr(said, "has partitions"), "%s", said);
    is_partitioned = false;
    cr_expect_eq(format("disk", "yes"), 0, "%s", said);
    disk.info.medium = 0;
    cr_expect_eq(format("disk", "yes"), -ENOMEDIUM);
    cr_expect_not_null(strstr(said, "no medium"), "%s", said);
}

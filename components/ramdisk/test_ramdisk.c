/* SPDX-License-Identifier: MIT */
/* The disk in RAM, its medium and its bounds. */
#define component_self ramdisk_test_component
#define event_init_owned ramdisk_test_event_init
#define event_signal ramdisk_test_event_signal
#define offer_add_owned ramdisk_test_offer_add
#define page_allocate_owned ramdisk_test_page_allocate
#define page_mark_plain ramdisk_test_page_mark_plain
#define page_free ramdisk_test_page_free
#include "ramdisk.c"

#include <criterion/criterion.h>
#include <stdlib.h>

struct component {
    int unused;
} component_self;

static struct block_ops disk;
static struct command_ops command;
static unsigned signals, pages, page_limit = 1000;
static char said[256];

void event_init_owned(struct event *event, struct component *owner)
{
    (void)event;
    (void)owner;
}

void event_signal(struct event *event)
{
    cr_assert_eq(event, disk.changed);
    signals++;
}

int offer_add_owned(const char *kind, const char *name, const void *table, size_t size,
                    struct component *owner)
{
    (void)owner;
    cr_assert_leq(size, (size_t)OFFER_BYTES);
    if (strcmp(kind, BLOCK_KIND) == 0) {
        cr_assert_str_eq(name, "ram0");
        memcpy(&disk, table, size);
    } else {
        memcpy(&command, table, size);
    }
    return 1;
}

void *page_mark_plain(void *block)
{
    return block;
}

void *page_allocate_owned(size_t count, struct component *owner)
{
    (void)owner;
    if (pages == page_limit) {
        return NULL;
    }
    pages++;
    return calloc(count, PAGE_BYTES);
}

void page_free(void *data)
{
    pages--;
    free(data);
}

static void hear(struct command_output *output, const char *text, size_t size)
{
    (void)output;
    strncat(said, text, size);
}

static int run_command(const char *size)
{
    struct command_output output = {hear};
    char *words[] = {"ramdisk", (char *)(uintptr_t)size};
    said[0] = '\0';
    return command.run(size ? 2 : 1, words, &output);
}

static uint32_t block[BLOCK_TRANSFER_MAX * BLOCK_BYTES / 4];

Test(ramdisk, has_no_medium_until_it_is_given_one)
{
    struct block_info info;
    cr_assert_gt(start(), 0);
    cr_expect_eq(disk.read(0, 0, block, 1), -ENOMEDIUM);
    cr_expect_eq(disk.write(0, 0, block, 1), -ENOMEDIUM);
    cr_expect_eq(disk.flush(0), -ENOMEDIUM);
    cr_assert_eq(disk.read_info(0, &info), 0);
    cr_expect_eq(info.medium, 0u);
    cr_assert_eq(run_command("2"), 0);
    cr_expect_str_eq(said, "ram0 has 2 MiB, medium 1\n");
    cr_expect_eq(signals, 1u);
    cr_assert_eq(disk.read_info(0, &info), 0);
    cr_expect_eq(info.blocks, 4096u);
    cr_expect_eq(info.medium, 1u);
    cr_assert_eq(run_command("0"), 0);
    cr_expect_eq(disk.flush(0), -ENOMEDIUM);
    cr_expect_eq(pages, 0u);
}

Test(ramdisk, keeps_what_is_written_across_its_pieces)
{
    cr_assert_gt(start(), 0);
    cr_assert_eq(run_command("2"), 0);
    for (uint32_t i = 0; i < 8 * BLOCK_BYTES / 4; i++) {
        block[i] = i * 77;
    }
    cr_assert_eq(disk.write(0, PIECE_BLOCKS - 3, block, 8), 0);
    memset(block, 0, sizeof(block));
    cr_assert_eq(disk.read(0, PIECE_BLOCKS - 3, block, 8), 0);
    for (uint32_t i = 0; i < 8 * BLOCK_BYTES / 4; i++) {
        cr_assert_eq(block[i], i * 77);
    }
    cr_assert_eq(run_command("2"), 0, "a new medium");
    cr_assert_eq(disk.read(0, PIECE_BLOCKS, block, 1), 0);
    cr_expect_eq(block[0], 0u, "is empty");
    cr_assert_eq(run_command("0"), 0);
}

Test(ramdisk, refuses_what_is_out_of_bounds)
{
    cr_assert_gt(start(), 0);
    cr_assert_eq(run_command("1"), 0);
    cr_expect_eq(disk.read(0, 2048, block, 1), -EINVAL);
    cr_expect_eq(disk.read(0, 2047, block, 2), -EINVAL);
    cr_expect_eq(disk.read(0, UINT64_MAX, block, 2), -EINVAL);
    cr_expect_eq(disk.read(0, 0, block, 0), -EINVAL);
    cr_expect_eq(disk.read(0, 0, block, BLOCK_TRANSFER_MAX + 1), -EINVAL);
    cr_expect_eq(disk.read(0, 0, (char *)block + 2, 1), -EINVAL);
    const char *wrong[] = {"", "x", "257", "99999999999", "-1", "1M"};
    for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
        cr_expect_eq(run_command(wrong[i]), -EINVAL, "%s", wrong[i]);
    }
    cr_assert_eq(run_command("0"), 0);
}

Test(ramdisk, a_medium_in_use_stays_and_one_too_large_is_refused)
{
    cr_assert_gt(start(), 0);
    cr_assert_eq(run_command("1"), 0);
    state.users = 1; /* a transfer under way on another CPU */
    cr_expect_eq(run_command("2"), -EBUSY);
    cr_expect_eq(disk.flush(0), 0);
    state.users = 0;
    page_limit = 3;
    cr_expect_eq(run_command("5"), -ENOMEM);
    cr_expect_eq(pages, 0u);
    cr_expect_eq(disk.read(0, 0, block, 1), -ENOMEDIUM);
    page_limit = 1000;
    cr_expect_eq(run_command("1"), 0);
    cr_assert_eq(run_command("0"), 0);
}

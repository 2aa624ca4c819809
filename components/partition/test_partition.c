/* SPDX-License-Identifier: MIT */
/* Partition tables on a disk of the test's own, right and wrong ones; disks that come and go. */
#define component_self partition_test_component
#define event_init_owned partition_test_event_init
#define event_signal partition_test_event_signal
#define log_write partition_test_log_write
#define offer_add_owned partition_test_offer_add
#define offer_event partition_test_offer_event
#define offer_find partition_test_offer_find
#define worker_start_owned partition_test_worker_start
#define worker_stop_owned partition_test_worker_stop
#define gpt_read partition_test_gpt_read
#define table_add partition_test_table_add
#define table_read partition_test_table_read
#include "gpt.c"
#undef ENTRY_FIRST
#include "partition.c"
#include "table.c"

#include <criterion/criterion.h>
#include <stdio.h>

#define DISK_BLOCKS 4096u

struct component {
    int unused;
} component_self;

static uint8_t bytes[DISK_BLOCKS][BLOCK_BYTES];
static struct block_info disk_info = {.blocks = DISK_BLOCKS, .medium = 1};
static struct event offers, disk_changed;
static uint64_t bad_block = UINT64_MAX;
static unsigned reads, workers, stopped, changes, offered_count;
static char complaints[4096];
static bool is_disk_offered = true;
static struct {
    char name[OFFER_NAME_BYTES];
    struct block_ops ops;
} offered[PARTITIONS_MAX];

static int disk_read(uint32_t unit, uint64_t first, void *buffer, uint32_t count)
{
    cr_assert_eq(unit, 7u);
    cr_assert_lt(first, DISK_BLOCKS, "block %llu", (unsigned long long)first);
    cr_assert_leq(count, DISK_BLOCKS - first);
    reads++;
    if (first == bad_block) {
        return -EIO;
    }
    memcpy(buffer, bytes[first], (size_t)count * BLOCK_BYTES);
    return 0;
}

static int disk_write(uint32_t unit, uint64_t first, const void *buffer, uint32_t count)
{
    cr_assert_eq(unit, 7u);
    memcpy(bytes[first], buffer, (size_t)count * BLOCK_BYTES);
    return 0;
}

static int disk_flush(uint32_t unit)
{
    (void)unit;
    return 0;
}

static int disk_read_info(uint32_t unit, struct block_info *info)
{
    (void)unit;
    *info = disk_info;
    return 0;
}

static const struct block_ops disk_ops = {
    .unit = 7, disk_read, disk_write, disk_flush, disk_read_info, &disk_changed};

void event_init_owned(struct event *event, struct component *owner)
{
    (void)event;
    (void)owner;
}

void event_signal(struct event *event)
{
    cr_assert_eq(event, &state.changed);
    changes++;
}

void log_write(enum log_level level, const char *format, ...)
{
    size_t used = strlen(complaints);
    va_list arguments;
    va_start(arguments, format);
    if (level == LOG_WARNING) {
        vsnprintf(complaints + used, sizeof(complaints) - used, format, arguments);
    }
    va_end(arguments);
}

int offer_add_owned(const char *kind, const char *name, const void *table, size_t size,
                    struct component *owner)
{
    (void)owner;
    cr_assert_str_eq(kind, BLOCK_KIND);
    snprintf(offered[offered_count].name, OFFER_NAME_BYTES, "%s", name);
    memcpy(&offered[offered_count].ops, table, size);
    return (int)(100 + offered_count++);
}

struct event *offer_event(void)
{
    return &offers;
}

int offer_find(const char *kind, const char *name, uint32_t after, struct offer *offer)
{
    cr_assert_str_eq(kind, BLOCK_KIND);
    cr_assert_null(name);
    *offer = (struct offer){.id = 5, .name = "disk"};
    memcpy(offer->table, &disk_ops, sizeof(disk_ops));
    if (after < 5 && is_disk_offered) {
        return 0;
    }
    uint32_t index = after < 100 ? 0 : after - 99;
    if (index >= offered_count) {
        return -ENOENT;
    }
    *offer = (struct offer){.id = 100 + index, .owner = this_component};
    memcpy(offer->table, &offered[index].ops, sizeof(struct block_ops));
    return 0;
}

int worker_start_owned(const struct worker_config *config, struct component *owner)
{
    (void)owner;
    cr_assert_eq(config->step, step);
    return (int)++workers;
}

int worker_stop_owned(int worker, struct component *owner)
{
    (void)worker;
    (void)owner;
    stopped++;
    return 0;
}

static void put32(uint8_t *at, uint32_t value)
{
    memcpy(at, &value, 4);
}

static void put64(uint8_t *at, uint64_t value)
{
    memcpy(at, &value, 8);
}

static void put_entry(uint32_t block, uint32_t index, uint8_t type, uint32_t first, uint32_t count)
{
    uint8_t *entry = bytes[block] + MBR_TABLE + (size_t)index * MBR_ENTRY_BYTES;
    entry[ENTRY_TYPE] = type;
    put32(entry + 8, first);
    put32(entry + ENTRY_BLOCKS, count);
    bytes[block][510] = 0x55;
    bytes[block][511] = 0xaa;
}

static void seal_gpt(uint64_t own, uint64_t entries)
{
    uint8_t *header = bytes[own];
    static const uint8_t signature[] = {'E', 'F', 'I', ' ', 'P', 'A', 'R', 'T'};
    memcpy(header, signature, sizeof(signature));
    put32(header + HEADER_SIZE, 92);
    put64(header + HEADER_OWN_BLOCK, own);
    put64(header + HEADER_ENTRIES_BLOCK, entries);
    put32(header + HEADER_ENTRIES, 128);
    put32(header + HEADER_ENTRY_BYTES, 128);
    put32(header + HEADER_ENTRIES_CRC, crc32(bytes[entries], 128 * 128));
    put32(header + HEADER_CRC, 0);
    put32(header + HEADER_CRC, crc32(header, 92));
}

static void put_gpt_entry(uint64_t entries, uint32_t index, uint64_t first, uint64_t last)
{
    uint8_t *entry = bytes[entries] + (size_t)index * 128;
    memset(entry, 0xab, 16);
    put64(entry + 32, first);
    put64(entry + 40, last);
}

/* Both copies, with partitions 1 and 3. */
static void make_gpt(void)
{
    put_entry(0, 0, TYPE_GPT, 1, DISK_BLOCKS - 1);
    for (unsigned i = 0; i < 2; i++) {
        uint64_t entries = i == 0 ? 2 : DISK_BLOCKS - 33;
        put_gpt_entry(entries, 0, 64, 127);
        put_gpt_entry(entries, 2, 128, DISK_BLOCKS - 40);
        seal_gpt(i == 0 ? 1 : DISK_BLOCKS - 1, entries);
    }
}

static struct table table = {.complain = complain};

static void expect_entry(uint32_t index, uint32_t number, uint64_t first, uint64_t blocks)
{
    cr_assert_lt(index, table.count);
    cr_expect_eq(table.entries[index].number, number);
    cr_expect_eq(table.entries[index].first, first);
    cr_expect_eq(table.entries[index].blocks, blocks);
}

static void expect_said(const char *words)
{
    cr_expect_not_null(strstr(complaints, words), "\"%s\" is not in \"%s\"", words, complaints);
}

Test(partition, reads_primary_and_logical_ones)
{
    put_entry(0, 0, 0x0c, 100, 200);
    put_entry(0, 1, 0x05, 1000, 2000);
    put_entry(0, 3, 0x83, 300, 100);
    put_entry(1000, 0, 0x0b, 2, 98);
    put_entry(1000, 1, 0x05, 500, 600);
    put_entry(1500, 0, 0x0b, 1, 99);
    cr_assert_eq(table_read(&disk_ops, DISK_BLOCKS, &table), 0);
    cr_assert_eq(table.count, 4u);
    expect_entry(0, 1, 100, 200);
    expect_entry(1, 4, 300, 100);
    expect_entry(2, 5, 1002, 98);
    expect_entry(3, 6, 1501, 99);
    cr_expect_str_eq(complaints, "");
}

Test(partition, a_disk_without_a_table_has_none)
{
    cr_assert_eq(table_read(&disk_ops, DISK_BLOCKS, &table), 0);
    cr_expect_eq(table.count, 0u);
    put_entry(0, 0, 0x0c, 100, 200);
    static const uint8_t boot[] = {0xeb, 0x3c, 0x90, 'm', 'k', 'f', 's', '.',
                                   'f',  'a',  't',  0,   2,   4}; /* a FAT over the whole disk */
    memcpy(bytes[0], boot, sizeof(boot));
    cr_assert_eq(table_read(&disk_ops, DISK_BLOCKS, &table), 0);
    cr_expect_eq(table.count, 0u);
    cr_assert_eq(table_read(&disk_ops, 0, &table), 0);
}

Test(partition, leaves_out_what_overlaps_or_is_not_on_the_disk)
{
    put_entry(0, 0, 0x0c, 100, 200);
    put_entry(0, 1, 0x0c, 299, 10);
    put_entry(0, 2, 0x0c, 4000, 97);
    put_entry(0, 3, 0x0c, 0xffffffff, 0xffffffff);
    cr_assert_eq(table_read(&disk_ops, DISK_BLOCKS, &table), 0);
    cr_assert_eq(table.count, 1u);
    expect_said("partition 2 (10 blocks from block 299 on) overlaps partition 1");
    expect_said("partition 3 (97 blocks from block 4000 on) is not within the disk's 4096 blocks");
    expect_said("partition 4 (4294967295 blocks");
}

Test(partition, a_chain_of_logical_ones_without_an_end_is_cut)
{
    put_entry(0, 0, 0x0f, 1000, 2000);
    put_entry(1000, 1, 0x05, 500, 600);
    put_entry(1500, 1, 0x05, 500, 600); /* to itself */
    cr_assert_eq(table_read(&disk_ops, DISK_BLOCKS, &table), 0);
    expect_said("does not end");
    cr_expect_lt(reads, 100u);
    put_entry(1500, 1, 0x05, 2500, 600);
    cr_assert_eq(table_read(&disk_ops, DISK_BLOCKS, &table), 0);
    expect_said("leaves the extended partition");
    put_entry(1500, 1, 0x05, 600, 600);
    cr_assert_eq(table_read(&disk_ops, DISK_BLOCKS, &table), 0);
    expect_said("a block that is no table");
    put_entry(0, 0, 0x0f, 5000, 2000);
    cr_assert_eq(table_read(&disk_ops, DISK_BLOCKS, &table), 0);
    expect_said("the extended partition is not within the disk");
}

Test(partition, reads_a_gpt)
{
    make_gpt();
    cr_assert_eq(table_read(&disk_ops, DISK_BLOCKS, &table), 0);
    cr_assert_eq(table.count, 2u);
    expect_entry(0, 1, 64, 64);
    expect_entry(1, 3, 128, DISK_BLOCKS - 40 - 127);
    cr_expect_str_eq(complaints, "");
}

/* Whatever is damaged of the first copy: the other is found, and the damage is told. */
Test(partition, reads_the_backup_of_a_damaged_gpt)
{
    static const struct {
        uint32_t block, byte;
        const char *words;
    } damages[] = {{1, 0, "has no signature"},
                   {1, 60, "has a wrong check sum"},
                   {1, HEADER_SIZE, "a wrong check sum"},
                   {2, 40, "entries with a wrong check sum"},
                   {1, HEADER_SIZE + 3, "impossible size"}};
    for (unsigned i = 0; i < ARRAY_SIZE(damages); i++) {
        memset(bytes, 0, sizeof(bytes));
        complaints[0] = '\0';
        make_gpt();
        bytes[damages[i].block][damages[i].byte] ^= 1;
        cr_assert_eq(table_read(&disk_ops, DISK_BLOCKS, &table), 0);
        cr_expect_eq(table.count, 2u, "damage %u", i);
        expect_said("the GPT at the disk's start ");
        expect_said(damages[i].words);
        cr_expect_null(strstr(complaints, "at the disk's end"));
    }
    make_gpt();
    bad_block = 1;
    cr_assert_eq(table_read(&disk_ops, DISK_BLOCKS, &table), 0);
    cr_expect_eq(table.count, 2u);
}

Test(partition, a_gpt_that_lies_is_refused_in_words)
{
    make_gpt();
    put_gpt_entry(2, 4, 100, 50);       /* ends before it begins */
    put_gpt_entry(2, 5, 100, 100);      /* overlaps */
    put_gpt_entry(2, 6, 0, UINT64_MAX); /* everything */
    put_gpt_entry(2, 7, UINT64_MAX - 1, UINT64_MAX - 1);
    seal_gpt(1, 2);
    cr_assert_eq(table_read(&disk_ops, DISK_BLOCKS, &table), 0);
    cr_expect_eq(table.count, 2u);
    expect_said("partition 5 (0 blocks");
    expect_said("partition 6 (1 blocks from block 100 on) overlaps partition 1");
    expect_said("partition 7 (0 blocks");
    expect_said("partition 8 (1 blocks");
    /* Headers whose sums are right and whose claims are not. */
    for (unsigned copy = 0; copy < 2; copy++) {
        uint8_t *header = bytes[copy ? DISK_BLOCKS - 1 : 1];
        put64(header + HEADER_ENTRIES_BLOCK, copy ? UINT64_MAX : DISK_BLOCKS - 3);
        put32(header + HEADER_CRC, 0);
        put32(header + HEADER_CRC, crc32(header, 92));
    }
    cr_assert_eq(table_read(&disk_ops, DISK_BLOCKS, &table), 0);
    cr_expect_eq(table.count, 0u);
    expect_said("the GPT at the disk's end has its entries outside of the disk");
}

Test(partition, bytes_at_random_make_no_trouble)
{
    srandom(4);
    for (unsigned round = 0; round < 2000; round++) {
        make_gpt();
        for (unsigned i = 0; i < 3; i++) {
            bytes[random() % 3][random() % BLOCK_BYTES] = (uint8_t)random();
        }
        if (round % 2) {
            bytes[0][MBR_TABLE + ENTRY_TYPE] = 0x05;
            put32(bytes[0] + MBR_TABLE + 8, (uint32_t)random() % 8);
        }
        complaints[0] = '\0';
        cr_assert_eq(table_read(&disk_ops, DISK_BLOCKS, &table), 0);
        for (uint32_t i = 0; i < table.count; i++) {
            cr_assert_lt(table.entries[i].first, DISK_BLOCKS);
            cr_assert_leq(table.entries[i].blocks, DISK_BLOCKS - table.entries[i].first);
        }
    }
}

Test(partition, offers_what_it_finds_and_passes_transfers_on)
{
    uint8_t block[2 * BLOCK_BYTES] __attribute__((aligned(4)));
    struct block_info info;
    put_entry(0, 0, 0x0c, 100, 200);
    cr_assert_eq(start(), 0);
    cr_assert_eq(step(NULL), -EAGAIN);
    cr_assert_eq(offered_count, 1u);
    cr_expect_str_eq(offered[0].name, "diskp1");
    const struct block_ops *ops = &offered[0].ops;
    cr_assert_eq(ops->read_info(ops->unit, &info), 0);
    cr_expect_eq(info.blocks, 200u);
    cr_expect_eq(info.is_partition, 1u);
    memset(bytes[299], 42, BLOCK_BYTES);
    cr_assert_eq(ops->read(ops->unit, 199, block, 1), 0);
    cr_expect_eq(block[0], 42);
    cr_expect_eq(ops->read(ops->unit, 199, block, 2), -EINVAL);
    cr_expect_eq(ops->read(ops->unit, UINT64_MAX, block, 2), -EINVAL);
    cr_expect_eq(ops->write(ops->unit, 200, block, 1), -EINVAL);
    memset(block, 43, sizeof(block));
    cr_assert_eq(ops->write(ops->unit, 0, block, 1), 0);
    cr_expect_eq(bytes[100][0], 43);
    cr_expect_eq(bytes[101][0], 0);
    cr_expect_eq(ops->flush(ops->unit), 0);
}

Test(partition, follows_media_that_come_and_go)
{
    uint8_t block[BLOCK_BYTES] __attribute__((aligned(4)));
    struct block_info info;
    put_entry(0, 0, 0x0c, 100, 200);
    cr_assert_eq(step(NULL), -EAGAIN);
    cr_expect_eq(workers, 1u, "one for the disk's medium");
    const struct block_ops *ops = &offered[0].ops;
    cr_assert_eq(ops->read_info(ops->unit, &info), 0);
    uint32_t medium = info.medium;
    disk_info.medium = 2; /* another card, before anybody has looked */
    cr_expect_eq(ops->read(ops->unit, 0, block, 1), -ENOMEDIUM);
    cr_expect_eq(ops->write(ops->unit, 0, block, 1), -ENOMEDIUM);
    cr_assert_eq(ops->read_info(ops->unit, &info), 0);
    cr_expect_eq(info.medium, 0u);
    cr_assert_eq(step(NULL), -EAGAIN);
    cr_assert_eq(ops->read_info(ops->unit, &info), 0);
    cr_expect_neq(info.medium, medium, "what was read of the other one is of no use");
    cr_expect_eq(ops->read(ops->unit, 0, block, 1), 0);
    cr_expect_eq(offered_count, 1u, "the same offer");
    is_disk_offered = false;
    cr_assert_eq(step(NULL), -EAGAIN);
    cr_expect_eq(stopped, 1u);
    cr_expect_eq(ops->flush(ops->unit), -ENOMEDIUM);
    cr_expect_eq(changes, 3u);
    is_disk_offered = true;
    cr_assert_eq(step(NULL), -EAGAIN);
    cr_expect_eq(ops->flush(ops->unit), 0);
}

Test(partition, a_table_that_cannot_be_read_is_tried_again_and_told_once)
{
    bad_block = 0;
    for (unsigned i = 1; i < TRIES; i++) {
        cr_assert_eq(step(NULL), RETRY_US);
        cr_expect_str_empty(complaints);
    }
    cr_assert_eq(step(NULL), -EAGAIN);
    expect_said("the table of disk cannot be read");
    unsigned before = reads;
    cr_assert_eq(step(NULL), -EAGAIN);
    cr_expect_eq(reads, before);
}

Test(partition, a_table_that_cannot_be_read_at_first_is_found)
{
    uint8_t block[BLOCK_BYTES];
    put_entry(0, 0, 0x0c, 100, 200);
    bad_block = 0;
    cr_assert_eq(step(NULL), RETRY_US);
    bad_block = UINT64_MAX;
    cr_assert_eq(step(NULL), -EAGAIN);
    cr_expect_str_empty(complaints);
    cr_assert_eq(offered_count, 1u);
    cr_expect_eq(offered[0].ops.read(offered[0].ops.unit, 0, block, 1), 0);
}

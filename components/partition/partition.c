/* SPDX-License-Identifier: MIT */
/*
 * Partitions: reads the tables of all disks on offer and offers what they name as block devices
 * NAMEpN.
 *
 * Workers - one for offers that come and go, one for each disk whose medium may change - call the
 * same step, which one of them at a time carries out (lib/turn.h): the disks' part of the state is
 * the turn's. Transfers only look at a partition's place under the lock, and go on to the disk
 * without it. An offer cannot be taken back, so a partition that is gone stays offered without a
 * medium, and is the same offer again when one of its name comes back.
 */
#include <errno.h>
#include <string.h>

#include <interface/block.h>
#include <lib/turn.h>
#include <neurath/cpu.h>
#include <neurath/library.h>
#include <neurath/log.h>
#include <neurath/offer.h>
#include <neurath/thread.h>

#include "table.h"

#define DISKS_MAX 8u
#define PARTITIONS_MAX 32u
#define RETRY_US 500000 /* after a table that could not be read, */
#define TRIES 3u        /* so often in all: it may be the disk's, or a moment's fault */

struct partition_disk {
    uint32_t offer; /* 0: the place is free */
    uint32_t medium;
    int32_t worker; /* waits for a change of the medium; 0: none */
    uint16_t is_present;
    uint16_t failures; /* to read the table of the medium that is in now */
    char name[OFFER_NAME_BYTES];
    struct block_ops ops;
};

struct partition_slot {
    char name[OFFER_NAME_BYTES]; /* "": never used */
    uint32_t disk_offer;         /* of the disk it is on; 0: it is gone */
    uint32_t disk_medium;
    uint32_t medium; /* counts the partitions that were here */
    uint32_t reserved;
    struct block_ops disk;
    uint64_t first, blocks;
};

struct partition {
    struct turn turn;
    struct event changed;
    struct partition_disk disks[DISKS_MAX]; /* the turn's */
    struct table table;                     /* the turn's */
    struct spinlock lock;                   /* guards the slots; only the turn's holder writes */
    struct partition_slot slots[PARTITIONS_MAX];
};

STATE(struct partition) state = {};

static int step(void *argument);

/* Copies a slot and sees that what it is on is still in. */
static int find_place(uint32_t unit, struct partition_slot *slot)
{
    struct block_info info;
    uint64_t daif = spin_lock(&state.lock);
    *slot = state.slots[unit % PARTITIONS_MAX];
    spin_unlock(&state.lock, daif);
    if (slot->disk_offer == 0) {
        return -ENOMEDIUM;
    }
    int result = slot->disk.read_info(slot->disk.unit, &info);
    return result < 0 || info.medium != slot->disk_medium ? -ENOMEDIUM : 0;
}

static int check_range(const struct partition_slot *slot, uint64_t first, uint32_t count)
{
    return first >= slot->blocks || count > slot->blocks - first ? -EINVAL : 0;
}

static int part_read(uint32_t unit, uint64_t first, void *buffer, uint32_t count)
{
    struct partition_slot slot;
    int result = find_place(unit, &slot);
    if (result == 0) {
        result = check_range(&slot, first, count);
    }
    return result < 0 ? result : slot.disk.read(slot.disk.unit, slot.first + first, buffer, count);
}

static int part_write(uint32_t unit, uint64_t first, const void *buffer, uint32_t count)
{
    struct partition_slot slot;
    int result = find_place(unit, &slot);
    if (result == 0) {
        result = check_range(&slot, first, count);
    }
    return result < 0 ? result : slot.disk.write(slot.disk.unit, slot.first + first, buffer, count);
}

static int part_flush(uint32_t unit)
{
    struct partition_slot slot;
    int result = find_place(unit, &slot);
    return result < 0 ? result : slot.disk.flush(slot.disk.unit);
}

static int part_read_info(uint32_t unit, struct block_info *info)
{
    struct partition_slot slot;
    struct block_info disk;
    *info = (struct block_info){.is_partition = 1};
    if (find_place(unit, &slot) == 0 && slot.disk.read_info(slot.disk.unit, &disk) == 0) {
        info->blocks = slot.blocks;
        info->medium = slot.medium;
        info->is_read_only = disk.is_read_only;
    }
    return 0;
}

static void complain(const char *text)
{
    log_warning("partition: %s", text);
}

/* The slot of that name, or a free one, which is offered. NULL: there is no room. */
static struct partition_slot *find_slot(const char *name)
{
    uint32_t unit = 0;
    while (unit < PARTITIONS_MAX && state.slots[unit].name[0] != '\0') {
        if (strcmp(state.slots[unit].name, name) == 0) {
            return &state.slots[unit];
        }
        unit++;
    }
    const struct block_ops ops = {.unit = unit,
                                  .read = part_read,
                                  .write = part_write,
                                  .flush = part_flush,
                                  .read_info = part_read_info,
                                  .changed = &state.changed};
    if (unit == PARTITIONS_MAX) {
        return NULL;
    }
    if (offer_add(BLOCK_KIND, name, &ops, sizeof(ops)) < 0) {
        return NULL;
    }
    (void)format_print(state.slots[unit].name, OFFER_NAME_BYTES, "%s", name);
    return &state.slots[unit];
}

/* Takes all partitions of a disk away. Returns whether there were any. */
static bool withdraw(uint32_t disk_offer)
{
    bool is_changed = false;
    uint64_t daif = spin_lock(&state.lock);
    for (uint32_t i = 0; i < PARTITIONS_MAX; i++) {
        if (state.slots[i].disk_offer == disk_offer) {
            state.slots[i].disk_offer = 0;
            state.slots[i].disk = (struct block_ops){0}; /* keeps nobody's functions */
            is_changed = true;
        }
    }
    spin_unlock(&state.lock, daif);
    return is_changed;
}

static void put_in(const struct partition_disk *disk, const struct table_entry *entry)
{
    char name[OFFER_NAME_BYTES];
    int length = format_print(name, sizeof(name), "%sp%u", disk->name, entry->number);
    struct partition_slot *slot = length < (int)sizeof(name) ? find_slot(name) : NULL;
    if (!slot) {
        log_warning("partition: no room for partition %u of %s", entry->number, disk->name);
        return;
    }
    uint64_t daif = spin_lock(&state.lock);
    slot->disk_offer = disk->offer;
    slot->disk_medium = disk->medium;
    slot->medium++;
    slot->disk = disk->ops;
    slot->first = entry->first;
    slot->blocks = entry->blocks;
    spin_unlock(&state.lock, daif);
    log_info("partition: %s: %llu KiB", name, (unsigned long long)entry->blocks / 2);
}

/* Looks at a disk's medium, and reads its table if that is new. True: it is to be tried again. */
static bool follow_disk(struct partition_disk *disk)
{
    struct block_info info;
    int result = disk->ops.read_info(disk->ops.unit, &info);
    if (result < 0) {
        return true;
    }
    if (info.medium == disk->medium) {
        return false;
    }
    bool is_changed = withdraw(disk->offer);
    disk->medium = 0;
    state.table.complain = complain;
    state.table.count = 0;
    result = info.medium != 0 ? table_read(&disk->ops, info.blocks, &state.table) : 0;
    if (result == -EIO && ++disk->failures == TRIES) {
        log_warning("partition: the table of %s cannot be read", disk->name);
        state.table.count = 0; /* as if it had none: said once */
        result = 0;
    } else if (result == 0 && info.medium != 0 && state.table.count == 0) {
        log_info("partition: %s has none", disk->name);
    }
    if (result == 0) {
        disk->failures = 0;
        disk->medium = info.medium;
        for (uint32_t i = 0; i < state.table.count; i++) {
            put_in(disk, &state.table.entries[i]);
        }
        is_changed |= state.table.count > 0;
    }
    if (is_changed) {
        event_signal(&state.changed);
    }
    return result < 0;
}

static void forget_disk(struct partition_disk *disk)
{
    if (disk->worker > 0) {
        (void)worker_stop(disk->worker); /* it may have ended with its event */
    }
    if (withdraw(disk->offer)) {
        event_signal(&state.changed);
    }
    *disk = (struct partition_disk){0};
}

static void add_disk(const struct offer *offer)
{
    struct block_ops ops;
    struct block_info info;
    memcpy(&ops, offer->table, sizeof(ops));
    if (offer->owner == this_component || ops.read_info(ops.unit, &info) < 0 || info.is_partition) {
        return;
    }
    for (uint32_t i = 0; i < DISKS_MAX; i++) {
        struct partition_disk *disk = &state.disks[i];
        if (disk->offer != 0) {
            continue;
        }
        *disk = (struct partition_disk){.offer = offer->id, .ops = ops, .is_present = 1};
        memcpy(disk->name, offer->name, sizeof(disk->name));
        const struct worker_config config = {
            .name = "partition medium", .step = step, .event = ops.changed};
        if (ops.changed) {
            disk->worker = worker_start(&config);
        }
        return;
    }
    log_warning("partition: %s is one disk too many", offer->name);
}

/* Turn held. True: something is to be tried again. */
static bool work(void)
{
    struct offer offer;
    bool is_retry = false;
    for (uint32_t i = 0; i < DISKS_MAX; i++) {
        state.disks[i].is_present = 0;
    }
    for (uint32_t id = 0; offer_find(BLOCK_KIND, NULL, id, &offer) == 0; id = offer.id) {
        uint32_t i = 0;
        while (i < DISKS_MAX && state.disks[i].offer != offer.id) {
            i++;
        }
        if (i < DISKS_MAX) {
            state.disks[i].is_present = 1;
        } else {
            add_disk(&offer);
        }
    }
    for (uint32_t i = 0; i < DISKS_MAX; i++) {
        struct partition_disk *disk = &state.disks[i];
        if (disk->offer != 0 && !disk->is_present) {
            forget_disk(disk);
        }
        if (disk->offer != 0) {
            is_retry |= follow_disk(disk);
        }
    }
    return is_retry;
}

static int step(void *argument)
{
    bool is_retry;
    (void)argument;
    if (!turn_take(&state.turn)) {
        return -EAGAIN;
    }
    do {
        is_retry = work();
    } while (turn_pass(&state.turn));
    return is_retry ? RETRY_US : -EAGAIN;
}

static int start(void)
{
    const struct worker_config config = {
        .name = "partition disks", .step = step, .event = offer_event()};
    event_init(&state.changed);
    int result = worker_start(&config);
    return result < 0 ? result : 0;
}

/* Nobody is inside: a turn that was not given up belonged to a call that was cut off. */
static int adopt(void)
{
    turn_leave(&state.turn);
    return 0;
}

COMPONENT(partition, .version = VERSION(1, 0, 0), .summary = "Partitions of disks, MBR and GPT",
          .start = start, .adopt = adopt);

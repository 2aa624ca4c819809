/* SPDX-License-Identifier: MIT */
/* The driver against a model of an SD host controller with a card in its slot, or none. */
#include <criterion/criterion.h>
#include <stdlib.h>

#define adma_describe emmc2_test_adma_describe
#define adma_init emmc2_test_adma_init
#define card_begin emmc2_test_card_begin
#define card_check emmc2_test_card_check
#define card_identify emmc2_test_card_identify
#define card_transfer emmc2_test_card_transfer
#define card_wake emmc2_test_card_wake
#define component_self emmc2_test_self
#define device_claim_owned emmc2_test_device_claim
#define device_read_u32 emmc2_test_device_read_u32
#define event_init_owned emmc2_test_event_init
#define event_signal emmc2_test_event_signal
#define mmio_read32 emmc2_test_mmio_read32
#define mmio_read32_repeated emmc2_test_mmio_read32_repeated
#define mmio_write32 emmc2_test_mmio_write32
#define mmio_write32_repeated emmc2_test_mmio_write32_repeated
#define offer_add_owned emmc2_test_offer_add
#define page_allocate_owned emmc2_test_page_allocate
#define page_free emmc2_test_page_free
#define page_mark_plain emmc2_test_page_mark_plain
#define sdhci_abort emmc2_test_sdhci_abort
#define sdhci_command emmc2_test_sdhci_command
#define sdhci_has_adma emmc2_test_sdhci_has_adma
#define sdhci_is_protected emmc2_test_sdhci_is_protected
#define sdhci_set_bus emmc2_test_sdhci_set_bus
#define sdhci_set_clock emmc2_test_sdhci_set_clock
#define sdhci_start emmc2_test_sdhci_start
#define time_now_ns emmc2_test_time_now_ns
#define worker_start_owned emmc2_test_worker_start

#include "adma.c"
#include "card.c"
#include "sdhci.c"

#include "emmc2.c"

#define CARD_BLOCKS 4096u
#define RELATIVE_ADDRESS 0xb368u
#define BUS_OFFSET 0x40000000u /* where RAM is on the controller's bus */
#define TEST_PAGES 4u
#define ERROR (1u << 19)        /* of a card's status */
#define OUT_OF_RANGE (1u << 31) /* some say it of the last block, which is there */

struct component {
    int unused;
};
struct component component_self;

static uint64_t now_ns;
static struct block_ops disk;
static worker_step *look;
static unsigned changes;
static uint8_t contents[CARD_BLOCKS * BLOCK_BYTES];

/* The board: what a test sets, and what the driver has made of it. */
static struct {
    bool is_empty, is_old, is_standard, is_protected, is_stuck;
    uint32_t questions;           /* until it is awake */
    uint32_t bad_transfers;       /* how many fail from now on */
    uint32_t bad_writes;          /* how many come over well, and fail in the card */
    uint32_t faults, read_faults; /* bits of its status: until they are read; of each read */
    uint32_t clock, host, status; /* registers */
    uint32_t size_count, argument, mode, response[4];
    bool is_application, is_wide, is_fast;
    uint32_t at, words_left;         /* of the data under way; words */
    bool is_to_card, is_in_register; /* the data is that of a register, not of a block */
    uint32_t stops;
    uint32_t data[16];
    bool has_adma, is_astray; /* astray: its addresses are not those that the tree tells of */
    uint32_t adma_faults;     /* how many transfers by it fail from now on */
    uint32_t adma_address, adma_error, rows;
    uint64_t free_ns; /* from when on the next write of a register is not lost */
} board;

/* Low in the address space, as the controller wants it, since tests are linked so. */
static uint8_t pages[TEST_PAGES][PAGE_BYTES] __attribute__((aligned(PAGE_BYTES)));
static uint32_t pages_used;

uint64_t time_now_ns(void)
{
    return now_ns += 1000;
}

static void answer(uint32_t value)
{
    board.response[0] = value;
    board.status |= STATUS_COMMAND_DONE;
}

/* R1, which clears what it tells (4.10.1: clear condition C). */
static uint32_t take_status(void)
{
    uint32_t status = STATUS_READY_FOR_DATA | STATE_TRANSFER << 9 | board.faults;
    board.faults = 0;
    return status;
}

static void *at_address(uint32_t address)
{
    cr_assert_geq(address, BUS_OFFSET);
    return (void *)(uintptr_t)(address - BUS_OFFSET);
}

/* 1.13.4: from the table's begin to the row that is marked as the last one. */
static void run_adma(uint32_t at, bool is_to_card)
{
    uint32_t left = (board.size_count >> 16) * (board.size_count & 0xfff);
    const struct adma_descriptor *row = at_address(board.adma_address);
    board.rows = 0;
    cr_assert_eq(board.host >> 3 & 3, 2, "32-bit ADMA2 is chosen");
    if (board.is_astray || board.adma_faults > 0) {
        board.adma_faults -= board.adma_faults > 0;
        board.adma_error = 1; /* it was at a descriptor, 2.2.23 */
        board.status |= STATUS_ERROR | STATUS_ADMA_ERROR;
        return;
    }
    for (uint8_t *place = contents + at * 4;; row++) {
        uint32_t bytes = row->bytes ? row->bytes : 65536;
        cr_assert_eq(row->attributes & ~2u, 0x21, "valid, transfer");
        cr_assert(row->address % 4 == 0 && bytes <= left);
        void *memory = at_address(row->address);
        memcpy(is_to_card ? place : memory, is_to_card ? memory : place, bytes);
        place += bytes;
        left -= bytes;
        board.rows++;
        if (row->attributes & 2) {
            break;
        }
    }
    cr_assert_eq(left, 0);
    board.status |= STATUS_TRANSFER_DONE;
}

static void begin_data(uint32_t at, bool is_to_card)
{
    if (board.bad_transfers > 0) {
        board.bad_transfers--;
        board.status |= STATUS_ERROR | 1u << 21; /* CRC of the data */
        return;
    }
    if (board.mode & MODE_DMA) {
        run_adma(at, is_to_card);
        return;
    }
    board.at = at;
    board.is_to_card = is_to_card;
    board.words_left = (board.size_count >> 16) * (board.size_count & 0xfff) / 4;
    board.status |= is_to_card ? STATUS_WRITE_READY : STATUS_READ_READY;
}

static void begin_register(void)
{
    board.is_in_register = true;
    begin_data(0, false);
}

/* Bits high to low of a 128-bit register, of which the controller keeps 127 to 8. */
static void put(unsigned high, unsigned low, uint32_t value)
{
    for (unsigned bit = low; bit <= high; bit++) {
        board.response[(bit - 8) / 32] |= (value >> (bit - low) & 1) << (bit - 8) % 32;
    }
}

static void answer_long(bool is_size)
{
    memset(board.response, 0, sizeof(board.response));
    if (!is_size) {
        put(127, 120, 3);
        for (unsigned i = 0; i < 5; i++) {
            put(103 - 8 * i, 96 - 8 * i, (uint32_t) "SD\001GB"[i]);
        }
        put(55, 24, 0x12345678);
    } else if (board.is_standard) { /* (511 + 1) * 2^(1 + 2) blocks of 512 bytes */
        put(73, 62, 511);
        put(49, 47, 1);
        put(83, 80, 9);
        put(95, 84, CLASS_SWITCH);
    } else {
        put(127, 126, 1);
        put(69, 48, CARD_BLOCKS / 1024 - 1);
        put(95, 84, CLASS_SWITCH);
    }
    board.status |= STATUS_COMMAND_DONE;
}

static void run_application_command(uint32_t index)
{
    if (index == SD_SEND_OP_COND) {
        bool is_awake = board.questions == 0;
        board.questions -= !is_awake;
        answer((is_awake ? OCR_AWAKE : 0) |
               (board.argument & OCR_HIGH_CAPACITY && !board.is_standard ? OCR_HIGH_CAPACITY : 0));
    } else if (index == SET_BUS_WIDTH) {
        board.is_wide = board.argument == BUS_WIDE;
        answer(0);
    } else if (index == SEND_SCR) {
        memset(board.data, 0, sizeof(board.data));
        memcpy(board.data, "\x02\x05", 2);
        answer(0);
        begin_register();
    } else {
        cr_assert_fail("application command %u", index);
    }
}

static void run_command(uint32_t index)
{
    uint32_t at = board.is_standard ? board.argument / 4 : board.argument * BLOCK_BYTES / 4;
    bool was_application = board.is_application;
    board.is_application = index == APP_CMD && !board.is_empty;
    board.is_in_register = false;
    if (board.is_stuck) {
        return;
    }
    if (board.is_empty || (index == SEND_IF_COND && board.is_old)) {
        board.status |=
            index == GO_IDLE_STATE ? STATUS_COMMAND_DONE : STATUS_ERROR | STATUS_COMMAND_TIMEOUT;
    } else if (was_application) {
        run_application_command(index);
    } else if (index == SEND_IF_COND) {
        answer(board.argument);
    } else if (index == ALL_SEND_CID || index == SEND_CSD) {
        answer_long(index == SEND_CSD);
    } else if (index == SEND_RELATIVE_ADDR) {
        answer(RELATIVE_ADDRESS << 16);
    } else if (index == SEND_STATUS) {
        cr_assert_eq(board.argument, RELATIVE_ADDRESS << 16);
        answer(take_status());
    } else if (index == SWITCH_FUNC) {
        memset(board.data, 0, sizeof(board.data));
        ((uint8_t *)board.data)[13] = 3;
        ((uint8_t *)board.data)[16] = 1;
        board.is_fast = board.argument == SWITCH_SET_HIGH_SPEED;
        answer(0);
        begin_register();
    } else if (index == READ_SINGLE_BLOCK || index == READ_MULTIPLE_BLOCK) {
        answer(take_status() | board.read_faults);
        board.response[3] = board.mode & MODE_AUTO_CMD12 ? OUT_OF_RANGE : 0xffffffff;
        begin_data(at, false);
    } else if (index == WRITE_BLOCK || index == WRITE_MULTIPLE_BLOCK) {
        answer(take_status());
        board.faults = board.bad_writes > 0 ? ERROR : 0;
        board.bad_writes -= board.bad_writes > 0;
        if (board.mode & MODE_AUTO_CMD12) {
            board.response[3] = take_status();
        }
        begin_data(at, true);
    } else { /* the others are only answered */
        board.stops += index == STOP_TRANSMISSION;
        answer(0);
        board.status |= STATUS_TRANSFER_DONE;
    }
}

uint32_t mmio_read32(const volatile void *base, size_t offset)
{
    cr_assert_eq(base, &board);
    switch (offset) {
    case STATUS:
        return board.status;
    case PRESENT:
        return board.is_protected ? 0 : PRESENT_WRITE_ENABLED;
    case CLOCK_RESET:
        return board.clock | (board.clock & CLOCK_INTERNAL ? CLOCK_STABLE : 0);
    case CAPABILITIES:
        return 52u << BASE_MHZ_SHIFT | (board.has_adma ? CAN_ADMA2 : 0);
    case ADMA_ERROR:
        return board.adma_error;
    default:
        cr_assert(offset >= RESPONSE && offset < RESPONSE + 16, "read of %zx", offset);
        return board.response[(offset - RESPONSE) / 4];
    }
}

static uint32_t clock_hz(void)
{
    uint32_t divisor = (board.clock >> 8 & 0xff) | (board.clock >> 6 & 3) << 8;
    return board.clock & CLOCK_TO_CARD ? 52000000 / (divisor ? 2 * divisor : 1) : 0;
}

void mmio_write32(volatile void *base, size_t offset, uint32_t value)
{
    cr_assert_eq(base, &board);
    cr_assert_geq(now_ns, board.free_ns, "a write may be lost");
    if (offset == STATUS) {
        board.status &= ~(value | (value & STATUS_ERRORS ? STATUS_ERROR : 0));
    } else if (offset == CLOCK_RESET) {
        cr_assert(!(value & CLOCK_TO_CARD) || value >> 16 & 0xf, "data needs a timeout");
        board.clock = value & ~(RESET_ALL | RESET_COMMAND | RESET_DATA);
        board.status = value & (RESET_COMMAND | RESET_DATA | RESET_ALL) ? 0 : board.status;
    } else if (offset == HOST_POWER) {
        board.host = value;
    } else if (offset == BLOCK_SIZE_COUNT) {
        board.size_count = value;
    } else if (offset == ARGUMENT) {
        board.argument = value;
    } else if (offset == ADMA_ADDRESS) {
        board.adma_address = value;
    } else if (offset == MODE_COMMAND) {
        board.mode = value & 0xffff;
        cr_assert(board.clock & CLOCK_TO_CARD, "no clock");
        run_command(value >> (COMMAND_SHIFT + COMMAND_INDEX_SHIFT) & 0x3f);
    }
    board.free_ns = now_ns + (clock_hz() > 400000 ? 0 : 10000);
}

/* After each block the buffer must be asked for again. */
static void move(uint32_t *words, const uint32_t *source, size_t count)
{
    uint32_t ready = board.is_to_card ? STATUS_WRITE_READY : STATUS_READ_READY;
    cr_assert_leq(count, board.words_left);
    uint32_t *place = board.is_in_register ? board.data : (uint32_t *)contents;
    memcpy(words ? words : &place[board.at], words ? &place[board.at] : source, count * 4);
    board.at += (uint32_t)count;
    board.words_left -= (uint32_t)count;
    board.status &= ~ready;
    board.status |= board.words_left ? ready : STATUS_TRANSFER_DONE;
}

void mmio_read32_repeated(const volatile void *base, size_t offset, uint32_t *words, size_t count)
{
    (void)base;
    cr_assert_eq(offset, BUFFER);
    move(words, NULL, count);
}

void mmio_write32_repeated(volatile void *base, size_t offset, const uint32_t *words, size_t count)
{
    (void)base;
    cr_assert_eq(offset, BUFFER);
    move(NULL, words, count);
}

int device_claim_owned(const char *compatible, struct device *device, struct component *owner)
{
    (void)owner;
    cr_assert_str_eq(compatible, "brcm,bcm2711-emmc2");
    *device = (struct device){.base = &board, .irq = 158};
    return 0;
}

/* 1.13: the bus of the tree, RAM's first half GiB at BUS_OFFSET. */
int device_read_u32(const struct device *device, const char *property, unsigned index,
                    uint32_t *value)
{
    static const uint32_t ranges[] = {0, BUS_OFFSET, 0, 0, 0x20000000};
    (void)device;
    if (strcmp(property, "../dma-ranges") == 0) {
        cr_assert_lt(index, 5);
        *value = ranges[index];
    } else {
        *value = strcmp(property, "../#size-cells") == 0 ? 1 : 2;
    }
    return 0;
}

void *page_allocate_owned(size_t count, struct component *owner)
{
    (void)owner;
    cr_assert_leq(pages_used + count, TEST_PAGES);
    pages_used += (uint32_t)count;
    return pages[pages_used - count];
}

void *page_mark_plain(void *page)
{
    return page;
}

void page_free(void *page)
{
    (void)page;
    pages_used -= 2; /* of the trial; the table stays */
}

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

int offer_add_owned(const char *kind, const char *name, const void *table, size_t size,
                    struct component *owner)
{
    (void)name;
    (void)owner;
    if (strcmp(kind, BLOCK_KIND) == 0) {
        memcpy(&disk, table, size);
    }
    return 1;
}

int worker_start_owned(const struct worker_config *config, struct component *owner)
{
    (void)owner;
    look = config->step;
    return 1;
}

static void begin(void)
{
    cr_assert_geq(start(), 0);
    for (size_t i = 0; i < sizeof(contents); i++) {
        contents[i] = (uint8_t)(i * 7 + i / BLOCK_BYTES);
    }
}

TestSuite(emmc2, .init = begin, .timeout = 30);

static struct block_info info(void)
{
    struct block_info info;
    cr_assert_eq(disk.read_info(0, &info), 0);
    return info;
}

/* Looks until it is time to wait for long; how often. */
static unsigned look_after(void)
{
    unsigned looks = 1;
    while (look(NULL) < LOOK_US) {
        looks++;
        cr_assert_lt(looks, 2000);
    }
    return looks;
}

static void compare(uint64_t first, const void *buffer, uint32_t count)
{
    cr_assert_eq(memcmp(buffer, contents + first * BLOCK_BYTES, count * BLOCK_BYTES), 0);
}

Test(emmc2, takes_a_card_when_it_is_awake)
{
    board.questions = 3;
    cr_assert_eq(info().medium, 0);
    cr_assert_eq(look_after(), 4);
    cr_assert_eq(info().blocks, CARD_BLOCKS);
    cr_assert_eq(info().medium, 1);
    cr_assert_eq(changes, 1);
    cr_assert(board.is_wide && board.host & HOST_WIDE);
    cr_assert(board.is_fast && board.host & HOST_HIGH_SPEED);
    cr_assert_str_eq(state.card.name, "SD?GB");
    cr_assert_eq(state.card.serial, 0x12345678);
}

Test(emmc2, divides_the_clock_and_never_exceeds_what_is_asked)
{
    state.host.base_hz = 52000000;
    for (uint32_t hz = 100000; hz < 110000000; hz += 77777) {
        cr_assert_eq(sdhci_set_clock(&state.host, hz), 0);
        uint32_t divisor = (board.clock >> 8 & 0xff) | (board.clock >> 6 & 3) << 8;
        uint32_t real = 52000000 / (divisor ? 2 * divisor : 1);
        cr_assert_leq(real, hz);
        cr_assert_eq(real, state.host.clock_hz);
        cr_assert(divisor <= 1 || 52000000 / (2 * (divisor - 1)) > hz, "it could be faster");
    }
}

Test(emmc2, reads_and_writes_blocks_of_a_card_of_high_capacity)
{
    static uint32_t buffer[BLOCK_TRANSFER_MAX * BLOCK_BYTES / 4];
    look_after();
    cr_assert_eq(disk.read(0, 17, buffer, 1), 0);
    compare(17, buffer, 1);
    cr_assert_eq(disk.read(0, CARD_BLOCKS - BLOCK_TRANSFER_MAX, buffer, BLOCK_TRANSFER_MAX), 0);
    compare(CARD_BLOCKS - BLOCK_TRANSFER_MAX, buffer, BLOCK_TRANSFER_MAX);
    memset(buffer, 0xa5, sizeof(buffer));
    cr_assert_eq(disk.write(0, 100, buffer, 5), 0);
    compare(100, buffer, 5);
    cr_assert_eq(contents[105 * BLOCK_BYTES], (uint8_t)(105 * BLOCK_BYTES * 7 + 105));
    cr_assert_eq(disk.flush(0), 0);
}

Test(emmc2, counts_bytes_on_a_card_of_standard_capacity)
{
    uint32_t buffer[BLOCK_BYTES / 4];
    board.is_old = board.is_standard = true;
    look_after();
    cr_assert_eq(info().blocks, CARD_BLOCKS);
    cr_assert_eq(disk.read(0, 33, buffer, 1), 0);
    compare(33, buffer, 1);
}

Test(emmc2, refuses_what_makes_no_sense)
{
    uint32_t buffer[BLOCK_BYTES / 2];
    look_after();
    cr_assert_eq(disk.read(0, CARD_BLOCKS, buffer, 1), -EINVAL);
    cr_assert_eq(disk.read(0, CARD_BLOCKS - 1, buffer, 2), -EINVAL);
    cr_assert_eq(disk.read(0, UINT64_MAX, buffer, 2), -EINVAL);
    cr_assert_eq(disk.read(0, 0, buffer, 0), -EINVAL);
    cr_assert_eq(disk.read(0, 0, buffer, BLOCK_TRANSFER_MAX + 1), -EINVAL);
    cr_assert_eq(disk.read(0, 0, (char *)buffer + 1, 1), -EINVAL);
}

Test(emmc2, refuses_to_write_a_protected_card)
{
    uint32_t buffer[BLOCK_BYTES / 4] = {0};
    board.is_protected = true;
    look_after();
    cr_assert_eq(info().is_read_only, 1);
    cr_assert_eq(disk.write(0, 0, buffer, 1), -EROFS);
    cr_assert_eq(disk.read(0, 0, buffer, 1), 0);
}

Test(emmc2, tries_a_transfer_again_and_then_says_so)
{
    uint32_t buffer[BLOCK_BYTES / 2];
    look_after();
    board.bad_transfers = TRIES - 1;
    cr_assert_eq(disk.read(0, 5, buffer, 2), 0);
    compare(5, buffer, 2);
    cr_assert_eq(board.stops, TRIES - 1, "what goes wrong is stopped");
    board.bad_transfers = TRIES;
    cr_assert_eq(disk.read(0, 5, buffer, 2), -EIO);
    cr_assert_eq(disk.read(0, 5, buffer, 2), 0, "and the next one goes well");
}

Test(emmc2, what_the_card_could_not_write_is_written_again_or_told)
{
    static const uint32_t buffer[BLOCK_BYTES / 2] = {1, 2, 3};
    look_after();
    for (uint32_t blocks = 1; blocks <= 2; blocks++) { /* by CMD13; by the CMD12 that ends it */
        board.bad_writes = TRIES - 1;
        cr_assert_eq(disk.write(0, 9, buffer, blocks), 0);
        compare(9, buffer, blocks);
        board.bad_writes = TRIES;
        cr_assert_eq(disk.write(0, 9, buffer, blocks), -EIO, "%u", blocks);
        cr_assert_eq(disk.write(0, 9, buffer, blocks), 0, "and the next one goes well");
    }
    cr_assert_eq(info().medium, 1, "it is the same card");
}

Test(emmc2, what_the_card_could_not_read_is_told)
{
    uint32_t buffer[BLOCK_BYTES / 4];
    look_after();
    board.read_faults = ERROR;
    cr_assert_eq(disk.read(0, 0, buffer, 1), -EIO);
    board.read_faults = 0;
    cr_assert_eq(disk.read(0, 0, buffer, 1), 0);
}

Test(emmc2, notices_that_the_card_is_gone_and_takes_another)
{
    uint32_t buffer[BLOCK_BYTES / 4];
    look_after();
    board.is_empty = true;
    cr_assert_eq(disk.read(0, 0, buffer, 1), -ENOMEDIUM);
    cr_assert_eq(changes, 2);
    cr_assert_eq(info().blocks, 0);
    cr_assert_eq(disk.flush(0), -ENOMEDIUM);
    look_after();
    board.is_empty = false;
    look_after();
    cr_assert_eq(info().medium, 2);
    board.is_empty = true;
    look_after(); /* nobody reads: the worker notices */
    cr_assert_eq(info().medium, 0);
    cr_assert_eq(changes, 4);
}

/* As some do that see the card: its clock is off then, and nothing is ever answered. */
Test(emmc2, notices_that_the_controller_has_stopped_the_clock)
{
    uint32_t buffer[BLOCK_BYTES / 4];
    look_after();
    board.clock &= ~CLOCK_TO_CARD;
    cr_assert_eq(disk.read(0, 0, buffer, 1), -ENOMEDIUM);
    look_after(); /* another one is in */
    cr_assert_eq(info().medium, 2);
    cr_assert_eq(disk.read(0, 0, buffer, 1), 0);
}

Test(emmc2, gives_up_when_the_controller_does_nothing)
{
    uint32_t buffer[BLOCK_BYTES / 4];
    look_after();
    board.is_stuck = true;
    uint64_t begin_ns = now_ns;
    cr_assert_eq(disk.read(0, 0, buffer, 1), -EIO);
    cr_assert_lt(now_ns - begin_ns, 10000000000u);
    board.is_stuck = false;
    cr_assert_eq(disk.read(0, 0, buffer, 1), 0);
}

Test(emmc2, lets_a_successor_begin_where_a_call_was_cut_off)
{
    uint32_t buffer[BLOCK_BYTES / 4];
    look_after();
    state.is_busy = 1;
    cr_assert_eq(disk.read(0, 0, buffer, 1), -EIO);
    cr_assert_eq(adopt(), 0);
    cr_assert_eq(disk.read(0, 0, buffer, 1), 0);
}

static uint32_t large[(BLOCK_TRANSFER_MAX + 8) * BLOCK_BYTES / 4]
    __attribute__((aligned(PAGE_BYTES)));

Test(emmc2, moves_blocks_by_adma2_where_the_controller_can)
{
    board.has_adma = true;
    look_after();
    cr_assert_eq(state.host.adma.is_on, 1);
    cr_assert_eq(pages_used, 1, "the pages of the trial are given back");
    cr_assert_eq(disk.read(0, 17, large, BLOCK_TRANSFER_MAX), 0);
    compare(17, large, BLOCK_TRANSFER_MAX);
    cr_assert_eq(board.rows, 1, "64 KiB in a row");
    cr_assert_eq(disk.read(0, 3, large + 64 / 4, BLOCK_TRANSFER_MAX), 0);
    compare(3, large + 64 / 4, BLOCK_TRANSFER_MAX);
    memset(large, 0xa5, sizeof(large));
    cr_assert_eq(disk.write(0, 100, large, 5), 0);
    compare(100, large, 5);
    cr_assert_eq(contents[105 * BLOCK_BYTES], (uint8_t)(105 * BLOCK_BYTES * 7 + 105));
    cr_assert_eq(state.host.dma_commands, 4);
}

/* Cache lines that it would share with others, or an address beyond the bus's RAM. */
Test(emmc2, moves_by_the_cpu_what_adma2_must_not_touch)
{
    uint32_t address;
    board.has_adma = true;
    look_after();
    cr_assert_eq(disk.read(0, 9, large + 1, 1), 0);
    compare(9, large + 1, 1);
    cr_assert_eq(state.host.dma_commands, 1, "the trial alone");
    state.host.adma.bytes = 4096; /* RAM of the bus ends below */
    cr_assert_eq(find_address(&state.host.adma, (void *)4095, 1, &address), 0);
    cr_assert_eq(address, BUS_OFFSET + 4095);
    cr_assert_eq(find_address(&state.host.adma, (void *)4095, 2, &address), -EFAULT);
    cr_assert_eq(disk.read(0, 9, large, 1), 0);
    compare(9, large, 1);
    cr_assert_eq(state.host.dma_commands, 1);
}

Test(emmc2, does_without_adma2_when_the_trial_fails)
{
    board.has_adma = board.is_astray = true;
    look_after();
    cr_assert_eq(info().medium, 1);
    cr_assert_eq(state.host.adma.is_on, 0);
    cr_assert_eq(disk.read(0, 17, large, 4), 0);
    compare(17, large, 4);
    cr_assert_eq(state.retries, 0);
}

Test(emmc2, goes_on_without_adma2_when_that_fails_later)
{
    board.has_adma = true;
    look_after();
    board.adma_faults = 1;
    memset(large, 0x5a, sizeof(large));
    cr_assert_eq(disk.write(0, 50, large, 8), 0);
    compare(50, large, 8);
    cr_assert_eq(state.host.adma.is_on, 0);
    cr_assert_eq(state.host.adma.fault, 0, "told");
    cr_assert_eq(state.retries, 1);
    cr_assert_eq(disk.read(0, 50, large, 8), 0);
    cr_assert_eq(state.retries, 1);
}

/* An error of the card is none of ADMA2's. */
Test(emmc2, keeps_adma2_when_the_card_errs)
{
    board.has_adma = true;
    look_after();
    board.bad_transfers = 1;
    cr_assert_eq(disk.read(0, 5, large, 2), 0);
    compare(5, large, 2);
    cr_assert_eq(state.host.adma.is_on, 1);
}

/* SPDX-License-Identifier: MIT */
/*
 * The SD card in the board's slot, on the controller that the BCM2711 calls EMMC2: block device
 * mmc0.
 *
 * One call at a time has the controller; others wait for their turn, which comes soon. A worker
 * looks for a card once a second while there is none, and whether it is still there while there is:
 * the slot tells of neither (broken-cd in the device tree). All there is to know of the card is the
 * state, so a successor goes on with the next block.
 *
 * Data goes by ADMA2 where the controller has that and reads the same by it as the CPU does, which
 * the first card tries; where it fails later, the CPU moves the data again, and the log says so.
 */
#include <errno.h>
#include <string.h>

#include <interface/block.h>
#include <interface/command.h>
#include <lib/format.h>
#include <neurath/cpu.h>
#include <neurath/log.h>
#include <neurath/offer.h>
#include <neurath/page.h>
#include <neurath/thread.h>
#include <neurath/time.h>

#include "card.h"

#define LOOK_US 1000000
#define WAKE_US 1000        /* between questions whether it is awake, */
#define WAKE_NS 1000000000u /* for so long (physical layer specification 4.2.3) */
#define TURN_NS 5000000000u /* longest wait for the controller */
#define TRIES 3             /* of a transfer */
#define CHECK_BLOCKS (PAGE_BYTES / BLOCK_BYTES)

enum stage { STAGE_EMPTY, STAGE_WAKING, STAGE_READY };

struct emmc2 {
    struct sdhci host;
    struct card card;
    struct event changed;
    uint32_t is_busy; /* 1: somebody has the controller */
    uint32_t stage;   /* enum stage; what follows belongs to who is busy */
    uint32_t media;   /* how many there have been */
    uint32_t is_told; /* 1: that there is none was said */
    uint32_t reserved;
    uint64_t wake_until_ns;
    uint64_t blocks_read, blocks_written, retries;
};

STATE(struct emmc2) state = {};

static bool take_turn(void)
{
    uint64_t end = time_now_ns() + TURN_NS;
    while (__atomic_exchange_n(&state.is_busy, 1, __ATOMIC_ACQUIRE)) {
        if (time_now_ns() > end) {
            return false;
        }
        cpu_relax();
    }
    return true;
}

static void end_turn(void)
{
    __atomic_store_n(&state.is_busy, 0, __ATOMIC_RELEASE);
}

static void lose_card(void)
{
    if (state.stage == STAGE_READY) {
        log_info("mmc0: the card is gone");
        event_signal(&state.changed);
    } else if (!state.is_told) {
        log_info("mmc0: there is no card");
    }
    state.is_told = 1;
    state.stage = STAGE_EMPTY;
}

/* Reads the first blocks both ways: ADMA2 is on only if that is the same. */
static void try_adma(void)
{
    uint8_t *pages = page_mark_plain(page_allocate(2));
    struct adma *adma = &state.host.adma;
    if (!pages) {
        return;
    }
    memset(pages, 0x5a, PAGE_BYTES); /* so that nothing is taken for something */
    int result =
        card_transfer(&state.host, &state.card, 0, pages + PAGE_BYTES, CHECK_BLOCKS, false);
    if (result < 0) { /* the card's fault: the next one is tried again */
        page_free(pages);
        return;
    }
    adma->is_on = 1;
    result = card_transfer(&state.host, &state.card, 0, pages, CHECK_BLOCKS, false);
    if (result < 0 || memcmp(pages, pages + PAGE_BYTES, PAGE_BYTES) != 0) {
        adma->is_on = 0;
        log_warning(
            "mmc0: ADMA2 does not work here (error %d, status 0x%x): the CPU moves the data",
            result, adma->fault & (ADMA_FAULT - 1));
        adma->fault = 0;
    }
    page_free(pages);
}

/* Why it was that a transfer failed, if ADMA2 was: said once, since that is off then. */
static void tell_adma_fault(void)
{
    struct adma *adma = &state.host.adma;
    if (adma->fault) {
        log_warning("mmc0: ADMA2 failed, its error status is 0x%x: the CPU moves the data now",
                    adma->fault & (ADMA_FAULT - 1));
        adma->fault = 0;
    }
}

/* It is awake: finds out what it is. */
static void meet_card(void)
{
    int result = card_identify(&state.host, &state.card);
    if (result < 0) {
        log_error("mmc0: the card cannot be used: error %d", result);
        state.stage = STAGE_EMPTY;
        return;
    }
    if (state.host.adma.table && !state.host.adma.is_on && sdhci_has_adma(&state.host)) {
        try_adma();
    }
    state.stage = STAGE_READY;
    state.is_told = 0;
    state.media++;
    log_info("mmc0: %s, %llu MiB, %u data line%s at %u kHz%s%s", state.card.name,
             (unsigned long long)(state.card.blocks >> 11), state.card.is_wide ? 4 : 1,
             state.card.is_wide ? "s" : "", state.host.clock_hz / 1000,
             state.host.adma.is_on ? ", by ADMA2" : "",
             state.card.is_protected ? ", write-protected" : "");
    event_signal(&state.changed);
}

/* One step of looking after the card; when to come again, in microseconds. Turn held. */
static int look_after_card(void)
{
    if (state.stage == STAGE_EMPTY && card_begin(&state.host, &state.card) == 0) {
        state.stage = STAGE_WAKING;
        state.wake_until_ns = time_now_ns() + WAKE_NS;
    }
    if (state.stage == STAGE_WAKING) {
        int result = card_wake(&state.host, &state.card);
        if (result == -EAGAIN && time_now_ns() < state.wake_until_ns) {
            return WAKE_US;
        }
        if (result == 0) {
            meet_card();
        } else {
            lose_card();
        }
    } else if (state.stage == STAGE_READY && card_check(&state.host, &state.card) < 0 &&
               card_check(&state.host, &state.card) < 0) {
        lose_card();
    }
    return LOOK_US;
}

static int step(void *argument)
{
    (void)argument;
    if (!take_turn()) {
        return LOOK_US;
    }
    int result = look_after_card();
    end_turn();
    return result;
}

/* Turn held. */
static int try_transfer(uint64_t first, void *buffer, uint32_t count, bool is_write)
{
    int result = -EIO;
    for (unsigned i = 0; i < TRIES; i++) {
        result = card_transfer(&state.host, &state.card, first, buffer, count, is_write);
        if (result == 0) {
            *(is_write ? &state.blocks_written : &state.blocks_read) += count;
            return 0;
        }
        state.retries++;
        tell_adma_fault();
        if (card_check(&state.host, &state.card) == -ETIMEDOUT) {
            lose_card();
            return -ENOMEDIUM;
        }
    }
    log_error("mmc0: blocks %llu to %llu cannot be %s: error %d", (unsigned long long)first,
              (unsigned long long)(first + count - 1), is_write ? "written" : "read", result);
    return -EIO;
}

static int transfer(uint64_t first, void *buffer, uint32_t count, bool is_write)
{
    if (count == 0 || count > BLOCK_TRANSFER_MAX || (uintptr_t)buffer % 4) {
        return -EINVAL;
    }
    if (!take_turn()) {
        return -EIO;
    }
    int result;
    if (state.stage != STAGE_READY) {
        result = -ENOMEDIUM;
    } else if (first >= state.card.blocks || count > state.card.blocks - first) {
        result = -EINVAL;
    } else if (is_write && state.card.is_protected) {
        result = -EROFS;
    } else {
        result = try_transfer(first, buffer, count, is_write);
    }
    end_turn();
    return result;
}

static int read(uint32_t unit, uint64_t first, void *buffer, uint32_t count)
{
    (void)unit;
    return transfer(first, buffer, count, false);
}

static int write(uint32_t unit, uint64_t first, const void *buffer, uint32_t count)
{
    (void)unit;
    return transfer(first, (void *)(uintptr_t)buffer, count, true); /* which only reads it then */
}

/* A card has written when it is ready for more. */
static int flush(uint32_t unit)
{
    (void)unit;
    if (!take_turn()) {
        return -EIO;
    }
    int result = state.stage == STAGE_READY ? card_check(&state.host, &state.card) : -ENOMEDIUM;
    end_turn();
    return result == -ETIMEDOUT ? -ENOMEDIUM : result;
}

static int read_info(uint32_t unit, struct block_info *info)
{
    (void)unit;
    bool is_there = READ_ONCE(state.stage) == STAGE_READY;
    *info = (struct block_info){.blocks = is_there ? state.card.blocks : 0,
                                .medium = is_there ? state.media : 0,
                                .is_read_only = is_there && state.card.is_protected};
    return 0;
}

static int run(int count, char *const words[], struct command_output *output)
{
    (void)count;
    (void)words;
    if (READ_ONCE(state.stage) != STAGE_READY) {
        command_print(output, "mmc0: there is no card\n");
        return 0;
    }
    command_print(output, "mmc0: %s of manufacturer %u, serial number %08x, %llu MiB%s\n",
                  state.card.name, state.card.manufacturer, state.card.serial,
                  (unsigned long long)(state.card.blocks >> 11),
                  state.card.is_protected ? ", write-protected" : "");
    command_print(
        output, "%u data line%s at %u kHz%s, blocks read %llu, written %llu; %llu tries again\n",
        state.card.is_wide ? 4 : 1, state.card.is_wide ? "s" : "", state.host.clock_hz / 1000,
        state.card.is_high_speed ? " (high speed)" : "", (unsigned long long)state.blocks_read,
        (unsigned long long)state.blocks_written, (unsigned long long)state.retries);
    if (state.host.adma.is_on) {
        command_print(output, "ADMA2 moves the data; %llu transfers so far\n",
                      (unsigned long long)state.host.dma_commands);
    } else {
        command_print(output, "the CPU moves the data\n");
    }
    return 0;
}

static int start(void)
{
    static const struct command_ops command = {run, "sd - the card in the slot"};
    struct block_ops ops = {.read = read,
                            .write = write,
                            .flush = flush,
                            .read_info = read_info,
                            .changed = &state.changed};
    struct worker_config worker = {.name = "emmc2", .step = step};
    struct device device;
    int result = device_claim("brcm,bcm2711-emmc2", &device);
    if (result < 0) {
        return result;
    }
    state.host.base = device.base;
    if (adma_init(&state.host.adma, &device) < 0) {
        log_info("mmc0: no way to memory for ADMA2: the CPU moves the data");
    }
    event_init(&state.changed);
    result = offer_add(BLOCK_KIND, "mmc0", &ops, sizeof(ops));
    if (result >= 0) {
        result = worker_start(&worker);
    }
    return result < 0 ? result : offer_add(COMMAND_KIND, "sd", &command, sizeof(command));
}

/* Nobody is inside: what had the controller has been cut off, and its buffer may be another's. */
static int adopt(void)
{
    if (state.is_busy) {
        sdhci_abort(&state.host);
    }
    state.is_busy = 0;
    return 0;
}

COMPONENT(emmc2, .version = VERSION(1, 0, 0), .summary = "SD card on EMMC2", .start = start,
          .adopt = adopt);

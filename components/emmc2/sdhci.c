/* SPDX-License-Identifier: MIT */
/* The controller's registers; see sdhci.h. */
#include "sdhci.h"

#include <errno.h>
#include <neurath/cpu.h>
#include <neurath/dma.h>
#include <neurath/time.h>

/* Registers, and the 32-bit words they are halves of (2.1.1). */
#define BLOCK_SIZE_COUNT 0x04
#define ARGUMENT 0x08
#define MODE_COMMAND 0x0c
#define RESPONSE 0x10
#define BUFFER 0x20
#define PRESENT 0x24
#define HOST_POWER 0x28
#define CLOCK_RESET 0x2c
#define STATUS 0x30
#define STATUS_ENABLE 0x34
#define SIGNAL_ENABLE 0x38
#define CAPABILITIES 0x40
#define ADMA_ERROR 0x54
#define ADMA_ADDRESS 0x58

/* Transfer mode (2.2.5), and the command's place in the word. */
#define MODE_DMA (1u << 0)
#define MODE_COUNTED (1u << 1)
#define MODE_AUTO_CMD12 (1u << 2)
#define MODE_READ (1u << 4)
#define MODE_MULTIPLE (1u << 5)
#define COMMAND_SHIFT 16
#define COMMAND_HAS_DATA (1u << 5)
#define COMMAND_ABORTS (3u << 6)
#define COMMAND_INDEX_SHIFT 8
#define CMD12_STOP 12u

/* Present state (2.2.9). */
#define PRESENT_COMMAND_INHIBIT (1u << 0)
#define PRESENT_DATA_INHIBIT (1u << 1)
#ifndef PRESENT_WRITE_ENABLED /* 0 in a variant for tests: no slot lets it write */
#define PRESENT_WRITE_ENABLED (1u << 19)
#endif

/* Host control 1 (2.2.10), power control (2.2.11). */
#define HOST_WIDE (1u << 1)
#define HOST_HIGH_SPEED (1u << 2)
#define HOST_ADMA2_32 (2u << 3)
#define POWER_ON_3V3 (0xfu << 8)

/* Clock control (2.2.14), timeout control (2.2.15), software reset (2.2.16). */
#define CLOCK_INTERNAL (1u << 0)
#define CLOCK_STABLE (1u << 1)
#define CLOCK_TO_CARD (1u << 2)
#define TIMEOUT_LONGEST (0xeu << 16)
#define RESET_ALL (1u << 24)
#define RESET_COMMAND (1u << 25)
#define RESET_DATA (1u << 26)
#define DIVISOR_MAX 0x3ffu

/* Interrupt status (2.2.17, 2.2.18). */
#define STATUS_COMMAND_DONE (1u << 0)
#define STATUS_TRANSFER_DONE (1u << 1)
#define STATUS_WRITE_READY (1u << 4)
#define STATUS_READ_READY (1u << 5)
#define STATUS_ERROR (1u << 15)
#define STATUS_ERRORS 0x03ff0000u
#define STATUS_COMMAND_TIMEOUT (1u << 16)
#define STATUS_ADMA_ERROR (1u << 25)
#define STATUS_ALL                                                                                 \
    (STATUS_COMMAND_DONE | STATUS_TRANSFER_DONE | STATUS_WRITE_READY | STATUS_READ_READY |         \
     STATUS_ERRORS)

#define START_HZ 400000u        /* for identification: SD physical layer specification 6.6.6 */
#define BASE_MHZ_SHIFT 8        /* in the capabilities (2.2.25) */
#define BASE_HZ_ELSE 100000000u /* what the firmware sets, should they not say */
#define CAN_ADMA2 (1u << 19)
#define DMA_BLOCK_BYTES 512u /* what is smaller, registers of the card, lies on stacks */
#define SLOW_WRITE_NS 10000u
#define RESET_NS 100000000u
#define ANSWER_NS 100000000u
#define DATA_NS 1000000000u /* a block; a card may take 500 ms to write (4.6.2.2 there) */
#define DMA_NS 4000000000u  /* all blocks of a transfer, whose waits nobody sees one by one */

/*
 * While the card's clock is slow or stands, one of two writes in a row may be lost: between them
 * are four periods of 400 kHz.
 */
static void write_register(const struct sdhci *host, size_t offset, uint32_t value)
{
    mmio_write32(host->base, offset, value);
    if (host->clock_hz <= START_HZ) {
        uint64_t end = time_now_ns() + SLOW_WRITE_NS;
        while (time_now_ns() < end) {
            cpu_relax();
        }
    }
}

static bool wait_for(const struct sdhci *host, size_t offset, uint32_t mask, uint32_t value,
                     uint64_t patience_ns)
{
    uint64_t end = time_now_ns() + patience_ns;
    while ((mmio_read32(host->base, offset) & mask) != value) {
        if (time_now_ns() > end) {
            return (mmio_read32(host->base, offset) & mask) == value;
        }
        cpu_relax();
    }
    return true;
}

/* Waits for one of the bits of the status, or an error; clears the bit. 0, -ETIMEDOUT, -EIO. */
static int wait_status(const struct sdhci *host, uint32_t bit, uint64_t patience_ns)
{
    uint64_t end = time_now_ns() + patience_ns;
    for (;;) {
        bool is_over = time_now_ns() > end; /* before the last look, however long that takes */
        uint32_t status = mmio_read32(host->base, STATUS);
        if (status & (STATUS_ERROR | STATUS_ERRORS)) {
            return status & STATUS_COMMAND_TIMEOUT ? -ETIMEDOUT : -EIO;
        }
        if (status & bit) {
            write_register(host, STATUS, bit);
            return 0;
        }
        if (is_over) {
            return -EIO;
        }
        cpu_relax();
    }
}

static int reset(const struct sdhci *host, uint32_t what)
{
    uint32_t clock = mmio_read32(host->base, CLOCK_RESET);
    write_register(host, CLOCK_RESET, clock | what);
    return wait_for(host, CLOCK_RESET, what, 0, RESET_NS) ? 0 : -EIO;
}

int sdhci_set_clock(struct sdhci *host, uint32_t hz)
{
    /* base / (2 * divisor), or base itself for 0 */
    uint32_t divisor = 0;
    while (divisor < DIVISOR_MAX && host->base_hz / (divisor ? 2 * divisor : 1) > hz) {
        divisor++;
    }
    uint32_t clock = (divisor & 0xff) << 8 | divisor >> 8 << 6 | CLOCK_INTERNAL | TIMEOUT_LONGEST;
    host->clock_hz = 0;
    write_register(host, CLOCK_RESET, TIMEOUT_LONGEST); /* stopped before it is changed */
    write_register(host, CLOCK_RESET, clock);
    if (!wait_for(host, CLOCK_RESET, CLOCK_STABLE, CLOCK_STABLE, RESET_NS)) {
        return -EIO;
    }
    host->clock_hz = host->base_hz / (divisor ? 2 * divisor : 1);
    write_register(host, CLOCK_RESET, clock | CLOCK_TO_CARD);
    return 0;
}

void sdhci_set_bus(struct sdhci *host, bool is_wide, bool is_high_speed)
{
    write_register(host, HOST_POWER,
                   POWER_ON_3V3 | (is_wide ? HOST_WIDE : 0) |
                       (is_high_speed ? HOST_HIGH_SPEED : 0) |
                       (host->adma.table ? HOST_ADMA2_32 : 0));
}

int sdhci_start(struct sdhci *host)
{
    host->clock_hz = 0; /* the clock of the card before this one ends here */
    if (reset(host, RESET_ALL) < 0) {
        return -EIO;
    }
    uint32_t mhz = mmio_read32(host->base, CAPABILITIES) >> BASE_MHZ_SHIFT & 0xff;
    host->base_hz = mhz ? mhz * 1000000 : BASE_HZ_ELSE;
    write_register(host, STATUS_ENABLE, STATUS_ALL);
    write_register(host, SIGNAL_ENABLE, 0); /* it is asked, and interrupts nobody */
    sdhci_set_bus(host, false, false);
    return sdhci_set_clock(host, START_HZ);
}

static int move_block(const struct sdhci *host, const struct sd_command *command, uint32_t block)
{
    uint32_t *words = (uint32_t *)command->data + (size_t)block * command->block_bytes / 4;
    int result =
        wait_status(host, command->is_write ? STATUS_WRITE_READY : STATUS_READ_READY, DATA_NS);
    if (result == 0 && command->is_write) {
        mmio_write32_repeated(host->base, BUFFER, words, command->block_bytes / 4);
    } else if (result == 0) {
        mmio_read32_repeated(host->base, BUFFER, words, command->block_bytes / 4);
    }
    return result;
}

static int move_data(const struct sdhci *host, const struct sd_command *command)
{
    int result = 0;
    for (uint32_t i = 0; i < command->blocks && result == 0; i++) {
        result = move_block(host, command, i);
    }
    return result == 0 ? wait_status(host, STATUS_TRANSFER_DONE, DATA_NS) : result;
}

static void turn_adma_off(struct sdhci *host)
{
    host->adma.fault = ADMA_FAULT | (mmio_read32(host->base, ADMA_ERROR) & 0xff);
    host->adma.is_on = 0;
}

/* The controller moves the data. It is ADMA2's fault if that comes to no end, without an error. */
static int await_adma(struct sdhci *host)
{
    int result = wait_status(host, STATUS_TRANSFER_DONE, DMA_NS);
    if (result < 0 && !(mmio_read32(host->base, STATUS) & STATUS_ERRORS)) {
        turn_adma_off(host);
    }
    return result;
}

/* The word of transfer mode and command. */
static uint32_t mode_and_command(const struct sd_command *command, bool is_dma)
{
    uint32_t word = (uint32_t)command->response_type | command->index << COMMAND_INDEX_SHIFT;
    uint32_t mode = 0;
    if (command->index == CMD12_STOP) {
        word |= COMMAND_ABORTS;
    }
    if (command->data) {
        word |= COMMAND_HAS_DATA;
        mode |= (command->is_write ? 0 : MODE_READ) | (is_dma ? MODE_DMA : 0);
        mode |= command->blocks > 1 ? MODE_COUNTED | MODE_AUTO_CMD12 | MODE_MULTIPLE : 0;
    }
    return word << COMMAND_SHIFT | mode;
}

static int try_command(struct sdhci *host, struct sd_command *command, bool is_dma)
{
    /* The controller stops it when it sees that there is no card any more (2.2.14). */
    if (!(mmio_read32(host->base, CLOCK_RESET) & CLOCK_TO_CARD)) {
        host->clock_hz = 0;
        return -ETIMEDOUT;
    }
    bool uses_data = command->data || command->response_type == SD_R1B;
    uint32_t busy = PRESENT_COMMAND_INHIBIT |
                    (uses_data && command->index != CMD12_STOP ? PRESENT_DATA_INHIBIT : 0);
    if (!wait_for(host, PRESENT, busy, 0, DATA_NS)) {
        return -EIO;
    }
    write_register(host, STATUS, STATUS_ALL); /* what is left of the one before */
    if (command->data) {
        write_register(host, BLOCK_SIZE_COUNT, command->blocks << 16 | command->block_bytes);
    }
    if (is_dma) {
        write_register(host, ADMA_ADDRESS, host->adma.table_address);
    }
    write_register(host, ARGUMENT, command->argument);
    write_register(host, MODE_COMMAND, mode_and_command(command, is_dma));
    int result = wait_status(host, STATUS_COMMAND_DONE, ANSWER_NS);
    if (result < 0) {
        return result;
    }
    for (unsigned i = 0; i < 4; i++) {
        command->response[i] = mmio_read32(host->base, RESPONSE + i * 4);
    }
    if (command->data) {
        result = is_dma ? await_adma(host) : move_data(host, command);
        bool is_stopped = result == 0 && command->blocks > 1; /* bits 127:96 of it (2.2.7) */
        command->stop_response = is_stopped ? mmio_read32(host->base, RESPONSE + 12) : 0;
        return result;
    }
    return command->response_type == SD_R1B ? wait_status(host, STATUS_TRANSFER_DONE, DATA_NS) : 0;
}

int sdhci_command(struct sdhci *host, struct sd_command *command)
{
    uint32_t bytes = command->blocks * command->block_bytes;
    bool is_dma = host->adma.is_on && command->data && command->block_bytes == DMA_BLOCK_BYTES &&
                  adma_describe(&host->adma, command->data, bytes) == 0;
    int result = try_command(host, command, is_dma);
    if (result < 0 && is_dma && mmio_read32(host->base, STATUS) & STATUS_ADMA_ERROR) {
        turn_adma_off(host);
    }
    if (result < 0) {
        sdhci_abort(host);
    }
    if (is_dma && !command->is_write) {
        dma_invalidate(command->data, bytes); /* what was read ahead meanwhile is old */
    }
    host->dma_commands += is_dma && result == 0;
    return result;
}

/* Both of its halves begin anew (3.10.1); should they not, the next command says so. */
void sdhci_abort(const struct sdhci *host)
{
    (void)reset(host, RESET_COMMAND);
    (void)reset(host, RESET_DATA);
}

bool sdhci_has_adma(const struct sdhci *host)
{
    return (mmio_read32(host->base, CAPABILITIES) & CAN_ADMA2) != 0;
}

bool sdhci_is_protected(const struct sdhci *host)
{
    return !(mmio_read32(host->base, PRESENT) & PRESENT_WRITE_ENABLED);
}

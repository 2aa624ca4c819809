/* SPDX-License-Identifier: MIT */
/*
 * An SD host controller by the SD Association's simplified specification of it (version 3.00), to
 * which the section numbers here refer: one command at a time; data by programmed input and output,
 * or whole blocks by ADMA2 where that is on. Its registers are accessed by 32 bits only, as the
 * BCM2711's wants it.
 *
 * One thread at a time. Every function ends: whatever the hardware does not do within a deadline is
 * an error.
 */
#pragma once

#include "adma.h"

/* Bits of a command's flags: as in the command register (2.2.6). */
enum sd_response {
    SD_NO_RESPONSE = 0,
    SD_R1 = 0x1a,  /* 48 bits, index and CRC checked; R5, R6, R7 are the same */
    SD_R1B = 0x1b, /* and the card may be busy afterwards */
    SD_R2 = 0x09,  /* 136 bits */
    SD_R3 = 0x02,  /* 48 bits, without CRC */
};

struct sd_command {
    uint32_t index, argument;
    enum sd_response response_type;
    void *data;                   /* NULL: none; aligned to 4 */
    uint32_t blocks, block_bytes; /* of data; block_bytes is a multiple of 4 */
    bool is_write;                /* data goes to the card */
    uint32_t response[4];         /* R2: bits 127:8 of it, the lowest word first */
    uint32_t stop_response;       /* several blocks: R1 of the CMD12 that has ended them */
};

struct sdhci {
    volatile void *base;
    uint32_t base_hz;  /* clock that is divided */
    uint32_t clock_hz; /* the card's, as set; 0: it stands */
    struct adma adma;
    uint64_t dma_commands; /* whose data went by ADMA2 */
};

/*
 * Resets the controller, switches the card's power on at 3.3 V, and starts its clock at 400 kHz,
 * one data line. -EIO: it does not come out of reset, or its clock does not become stable.
 */
int sdhci_start(struct sdhci *host);

/* Sets the clock to what can be divided nearest to hz, not above. -EIO as above. */
int sdhci_set_clock(struct sdhci *host, uint32_t hz);

/* Four data lines instead of one; timing of high speed. */
void sdhci_set_bus(struct sdhci *host, bool is_wide, bool is_high_speed);

/*
 * Sends a command, takes the response, moves the data; several blocks are ended by CMD12, which the
 * controller sends by itself. 0; -ETIMEDOUT: the card did not answer; -EIO: anything else. After an
 * error the controller has been made ready again, the card perhaps has not. If it was ADMA2 that
 * failed, that is off from then on, and host->adma.fault says why: ADMA_FAULT, and the ADMA error
 * status (2.2.23).
 */
int sdhci_command(struct sdhci *host, struct sd_command *command);
#define ADMA_FAULT 0x100u

/* Ends whatever it is at: nothing goes from or to memory any more. */
void sdhci_abort(const struct sdhci *host);

/* Whether it says that it can do ADMA2 (2.2.25). */
bool sdhci_has_adma(const struct sdhci *host);

/* Whether the slot's write protection is on. */
bool sdhci_is_protected(const struct sdhci *host);

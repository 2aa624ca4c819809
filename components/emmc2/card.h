/* SPDX-License-Identifier: MIT */
/*
 * An SD memory card by the SD Association's "Physical Layer Simplified Specification" (version
 * 6.00), to which the section numbers here refer. One thread at a time.
 */
#pragma once

#include "sdhci.h"

struct card {
    uint64_t blocks; /* of 512 bytes */
    uint32_t relative_address;
    uint32_t is_block_addressed; /* SDHC, SDXC; others count bytes */
    uint32_t is_wide;            /* four data lines */
    uint32_t is_high_speed;      /* 50 MHz */
    uint32_t is_protected;       /* by its own register, or the slot's switch */
    uint32_t serial;
    uint8_t manufacturer;
    char name[6];
};

/* Starts the controller and wakes the card: then card_wake() goes on. -ENOMEDIUM: no card answers.
 */
int card_begin(struct sdhci *host, struct card *card);

/* Asks whether it is awake. 0: yes; -EAGAIN: not yet, ask again; -ENOMEDIUM. */
int card_wake(struct sdhci *host, struct card *card);

/*
 * Reads what it is, and sets up the fastest bus that both can. 0; -EIO, -ETIMEDOUT: of a command;
 * -EINVAL: its registers make no sense.
 */
int card_identify(struct sdhci *host, struct card *card);

/*
 * Whether it answers; it has had its time if it was busy. 0; -EIO: it is still busy, or says that
 * something has gone wrong since it was asked last; -ETIMEDOUT.
 */
int card_check(struct sdhci *host, const struct card *card);

/*
 * Moves blocks that exist; those written are in the card when this returns 0. Else what
 * sdhci_command() says, or -EIO: the card says that it has not worked.
 */
int card_transfer(struct sdhci *host, const struct card *card, uint64_t first, void *buffer,
                  uint32_t count, bool is_write);

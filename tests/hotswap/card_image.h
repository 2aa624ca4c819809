/* SPDX-License-Identifier: MIT */
/*
 * Images of cards, made when a test runs: a FAT16 on the one partition of a card of 4 MiB, filled
 * by mtools, and then damaged by hand. All in CARD_FOLDER. What cannot be done fails the test.
 */
#pragma once

#include <stdint.h>

#define CARD_FOLDER "build/tests/cards/"
#define CARD_TYPE_FAT 0x0e /* a partition's, in the MBR: FAT16, LBA */
#define CARD_TYPE_LINUX 0x83
#define CARD_PLACE "@@1M" /* of the partition, for mtools */

/* Empties the folder, and puts files to be copied there: whole.txt, text, and large.bin. */
void card_begin_folder(void);

/* An image with a table of one partition, nothing in it; with an empty volume in it. */
void card_make_bare(const char *image, uint8_t type);
void card_make(const char *image);

/* Puts a file of the folder on it; a file of so many bytes, all of them letters. */
void card_put(const char *image, const char *file, const char *to);
void card_put_letters(const char *image, const char *to, unsigned bytes);

/* The volume passes a check; it does once it was repaired, and the files put there are the same. */
void card_expect_clean(const char *image);
void card_expect_repairable(const char *image);

/* The file on the card is the same as the one in the folder. */
void card_expect_file(const char *image, const char *name, const char *file);

/* To be damaged: an image as a whole, in memory until it is saved. */
struct card_bytes {
    const char *image;
    uint8_t *bytes;
    uint64_t size;
};
void card_open(struct card_bytes *card, const char *image);
void card_save(struct card_bytes *card);

/* The 32 bytes of an entry of the root, by its short name, 11 letters. */
uint8_t *card_entry(const struct card_bytes *card, const char *name);
/* Its first cluster; what both tables say of a cluster. */
uint32_t card_first(const struct card_bytes *card, const char *name);
void card_set(const struct card_bytes *card, uint32_t cluster, uint16_t value);

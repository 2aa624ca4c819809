/* SPDX-License-Identifier: MIT */
/*
 * What is on the card: U-Boot's environment in two copies, and a system in each of two slots.
 *
 * All is done through the vfs, in small steps; what finds it busy returns -EAGAIN, and is to be
 * called again with the same arguments: what was done already is not done twice, or does no harm.
 * All by whoever holds the component's word.
 */
#pragma once

#include <interface/vfs.h>
#include <lib/environment.h>

#define CARD_PATH_BYTES 40u
#define CARD_VERSION_BYTES 48u
#define CARD_HEAD_BYTES 8192u /* of a FIT: its tree is smaller */
#define CARD_PIECE_BYTES 16384u

enum slot { SLOT_UNKNOWN, SLOT_A, SLOT_B };

struct card {
    uint32_t handle; /* 0: none is open */
    uint32_t source; /* of a file that the open one is copied from; 0: none */
    uint32_t handle_flags;
    uint64_t file_bytes; /* when it was opened */
    char path[CARD_PATH_BYTES];
    uint32_t read;    /* how many of two files have been, while the files are busy */
    uint32_t refused; /* how often a copy of the environment could not be read */
    uint32_t written; /* so much of the environment */
    /* U-Boot's environment: */
    uint32_t is_whole[2];
    uint32_t current; /* the copy that counts; 2: there is none */
    uint32_t is_changed;
    uint8_t copy[2][ENVIRONMENT_BYTES];
    uint8_t image[ENVIRONMENT_BYTES];    /* as it is to be */
    char version[3][CARD_VERSION_BYTES]; /* by slot; "": nothing that could be started */
    uint8_t piece[CARD_PIECE_BYTES];
};

static inline enum slot card_other(enum slot slot)
{
    return slot == SLOT_A ? SLOT_B : SLOT_A;
}

static inline char card_letter(enum slot slot)
{
    return slot == SLOT_A ? 'a' : slot == SLOT_B ? 'b' : '?';
}

/* Paths of a slot's system, and of one that is being received. */
#define CARD_SYSTEM "neurath.itb"
#define CARD_PART "update.part"
void card_path(char path[CARD_PATH_BYTES], enum slot slot, const char *file);

/*
 * Opens a file and keeps it open until another one is opened, or card_close(). 0; vfs_open()'s
 * errors.
 */
int card_open(struct card *card, const char *path, uint32_t flags);
/* Opens a second one to be read, as card->source, for as long as the first is open. */
int card_open_source(struct card *card, const char *path);
int card_close(struct card *card);

/* Writes into the open file from data + *done on until all is written. 0. -ENOSPC. */
int card_write(struct card *card, uint64_t offset, const void *data, uint32_t size, uint32_t *done);

/* Removes a file; one that is not there is removed. */
int card_remove(struct card *card, const char *path);

/*
 * Reads both copies of the environment (and leaves one open), and makes the one that counts the
 * image. Only what is not there, or does not become readable, is none: a copy that is only out of
 * reach for now must not be taken for one that is torn. Else vfs_open()'s and vfs_read()'s errors.
 */
int card_read_environment(struct card *card);

/* Makes the image again what the card is known to say. */
void card_revert(struct card *card);

/* The image's variable as text that can be printed; "" if it has none. */
void card_get(const struct card *card, const char *name, char *value, size_t size);
uint32_t card_get_number(const struct card *card, const char *name);

/*
 * The slot that the next start takes; and making it another one, on trial or for good, so that no
 * slot counts as given up any more. In the image: card_write_environment() puts it on the card.
 * -ENOSPC: it is full, and as the card has it.
 */
enum slot card_next(const struct card *card);
int card_set_next(struct card *card, enum slot slot, bool is_trial);

/*
 * Writes the image into the copy that does not count, which then does, and leaves none open. Then
 * both are there.
 */
int card_write_environment(struct card *card);

/* Looks which systems the slots hold, and leaves one open. */
int card_read_slots(struct card *card);

/*
 * The version in a FIT's first bytes ("Neurath 1.2" has 1.2). 0; -EBADMSG: it is no FIT of Neurath.
 */
int card_read_head(const void *head, size_t size, char version[CARD_VERSION_BYTES]);

/* SPDX-License-Identifier: MIT */
/*
 * What is kept is loaded at the start, one after the other in the order of their numbers: each with
 * its mark .bad on the card from before it enters the world until its probation is over, or it is
 * refused. So one that takes the machine down finds its mark at the next start, is set aside, and
 * the one before it is loaded instead.
 *
 * One may be bad after its probation, too. So a start is counted before any of them is loaded, and
 * found to have lasted TRIAL_LASTS_NS after all were. When KEPT_STARTS in a row have not, the one
 * that was kept last gets the mark. By whoever holds the component's word.
 */
#pragma once

#include "kept.h"

#define TRIAL_CARD_COMES_NS 30000000000ull /* since boot: a card that comes later is only read */
#define TRIAL_LASTS_NS 30000000000ull

struct trial {
    uint32_t step; /* 0: it has not begun */
    uint32_t part; /* of a step */
    uint32_t ticket;
    uint32_t refusals; /* that may pass */
    uint32_t at;       /* which of the table is tried */
    uint64_t lasts_ns; /* when the start has lasted */
    struct kept_table table;
};

/* Nothing is to be loaded: it is too late for that. */
void trial_skip(struct trial *trial);

/* Whether it is over; and whether it is in the middle of something with the card. */
bool trial_is_over(const struct trial *trial);
bool trial_has_card(const struct trial *trial);

/* Does a piece; returns as fetch_continue(). What happened is in the log. */
int trial_continue(struct trial *trial, struct store_card *card);

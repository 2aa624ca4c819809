/* SPDX-License-Identifier: MIT */
/*
 * A copy for a trial: the command's two halves, between which anything may happen. Inside the
 * component only; one caller at a time, since commands come one by one.
 */
#pragma once

#include <interface/command.h>

/* What is under way; all zero: nothing. */
struct dma_check {
    uint8_t *from, *to; /* pages */
    uint32_t bytes;
    int32_t ticket;
};

/* dma copy KIB: begins. dma check: says whether all has come. 0, or a negative errno. */
int check_run(struct dma_check *check, int count, char *const words[],
              struct command_output *output);

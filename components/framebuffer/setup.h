/* SPDX-License-Identifier: MIT */
/*
 * Asks the firmware for a frame buffer, and checks what it gives.
 */
#pragma once

#include <neurath/compiler.h>

struct glass {
    uint32_t width, height;  /* what is seen, pixels */
    uint32_t virtual_width;  /* what the firmware keeps */
    uint32_t virtual_height; /* twice the height, when there are two buffers */
    uint32_t pitch;          /* bytes from row to row */
    uint32_t is_red_first;   /* 1: red is the lowest byte of a pixel; 0: blue */
    uint32_t base_pa;        /* where it lies, for the CPU */
    uint32_t bytes;
};

/*
 * The size of the monitor, two buffers; else one; else 640 x 480. 0; -ENODEV: the firmware gives
 * nothing that makes sense. Context: thread.
 */
int setup_glass(struct glass *glass);

/* Shows the rows from `row` on. As mailbox_call(); -EPROTO: it shows something else. */
int setup_show_row(uint32_t row);

/* SPDX-License-Identifier: MIT */
/* Colours of the picture of the world. */
#pragma once

#define PALETTE_SEA 0x0b1b3au
#define PALETTE_LINE 0x33507fu
#define PALETTE_INK 0xf4f1e4u
#define PALETTE_DIM 0x9fb0c8u
#define PALETTE_EDGE 0xf4f1e4u

/* Of a box, by phase. */
#define PALETTE_CALM 0x1b5a8cu
#define PALETTE_STAGE 0xb58900u
#define PALETTE_DRAIN 0xcb6b16u
#define PALETTE_COMMIT 0xd33682u
#define PALETTE_PROBATION 0x6a4fc4u
#define PALETTE_TAKEN_BACK 0xb3261eu

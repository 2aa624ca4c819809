/* SPDX-License-Identifier: MIT */
/*
 * What one can read from a frame: its number, as a row of blocks in the upper left corner, the
 * lowest bit first.
 */
#pragma once

#define PLASMA_LAYER 6u
#define PLASMA_BLOCK 4u /* pixels, each way */
#define PLASMA_NUMBER_BITS 32u
#define PLASMA_ONE 0xffffffu
#define PLASMA_ZERO 0x000000u

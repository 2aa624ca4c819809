/* SPDX-License-Identifier: MIT */
/*
 * The logo: a ship that is rebuilt at sea. Drawn by rule, a row at a time. Context: any.
 */
#pragma once

#include <neurath/compiler.h>

#define LOGO_HEIGHT 96u
#define LOGO_SKY 0x0b1b3au
#define LOGO_SEA 0x1b5a8cu
#define LOGO_HULL 0x8a5a2bu
#define LOGO_NEW_PLANK 0xffc857u /* on its way into the gap below it */

/* Row y (from the top) of the logo, `width` pixels. */
void logo_draw_row(uint32_t y, uint32_t *pixels, uint32_t width);

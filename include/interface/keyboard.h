/* SPDX-License-Identifier: MIT */
/*
 * Keyboards: offers of kind KEYBOARD_KIND. What a driver gives are keys as they are on the board,
 * not letters: a layout is made of them by whoever reads. Try and event: no call waits.
 */
#pragma once

#include <neurath/component.h>
#include <neurath/event.h>

INTERFACE(keyboard, 1, 0);

#define KEYBOARD_KIND "keyboard"

/* Bits of `modifiers`: USB HID 1.11, 8.3 (and appendix B.1), the first byte of a boot report. */
#define KEYBOARD_LEFT_CONTROL (1u << 0)
#define KEYBOARD_LEFT_SHIFT (1u << 1)
#define KEYBOARD_LEFT_ALT (1u << 2)
#define KEYBOARD_LEFT_GUI (1u << 3)
#define KEYBOARD_RIGHT_CONTROL (1u << 4)
#define KEYBOARD_RIGHT_SHIFT (1u << 5)
#define KEYBOARD_RIGHT_ALT (1u << 6)
#define KEYBOARD_RIGHT_GUI (1u << 7)

struct key_event {
    uint16_t usage;     /* of page 0x07, HID Usage Tables 1.12, chapter 10: 0x04 is A */
    uint8_t modifiers;  /* held at that moment */
    uint8_t is_pressed; /* 1: pressed (again, when it repeats); 0: let go */
};

/* The table of an offer. `unit` is passed back in every call. Context of all: thread. */
struct keyboard_ops {
    uint32_t unit;
    /* Takes up to count events, oldest first. Returns how many (> 0); -EAGAIN: none, wait. */
    int (*read)(uint32_t unit, struct key_event *events, size_t count);
    struct event *readable;
};

/* SPDX-License-Identifier: MIT */
/*
 * Reports of a keyboard in the boot protocol (HID 1.11, appendix B.1 and F.5), as key events: what
 * differs from the report before. Pure.
 */
#pragma once

#include <interface/keyboard.h>

#define REPORT_KEYS 6u
#define REPORT_BYTES (2u + REPORT_KEYS)
#define REPORT_EVENTS_MAX (8u + 2 * REPORT_KEYS) /* of one report: modifiers, let go, pressed */

/* What is held. */
struct report_keys {
    uint8_t modifiers;
    uint8_t keys[REPORT_KEYS]; /* usages; 0: none */
};

/*
 * Takes a report. Returns how many events it makes; -EPROTO: it is too short to be one. A keyboard
 * that cannot tell which keys are held (too many: all say ErrorRollOver) is believed its modifiers.
 */
int report_take(struct report_keys *held, const uint8_t *bytes, size_t size,
                struct key_event events[REPORT_EVENTS_MAX]);

/* Everything is let go, as the keyboard is gone. Returns how many events that makes. */
int report_let_go(struct report_keys *held, struct key_event events[REPORT_EVENTS_MAX]);

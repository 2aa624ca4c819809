/* SPDX-License-Identifier: MIT */
/*
 * What a key means: bytes for a terminal, by the layout of US keyboards, or something to do. Pure
 * code, no state. Context: any.
 */
#pragma once

#include <interface/keyboard.h>

#define KEYS_BYTES 4u

enum keys_action {
    KEYS_NOTHING,
    KEYS_TYPE, /* bytes[0..count) */
    KEYS_SHOW, /* layer `count` */
    KEYS_UP,   /* half a screen, to what has scrolled away */
    KEYS_DOWN, /* half a screen back */
    KEYS_LOCK, /* Caps Lock changes */
};

struct keys_meaning {
    enum keys_action action;
    uint8_t count;
    char bytes[KEYS_BYTES];
};

struct keys_meaning keys_read(const struct key_event *event, bool is_locked);

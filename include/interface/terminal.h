/* SPDX-License-Identifier: MIT */
/*
 * Terminals: offers of kind TERMINAL_KIND - the serial console, and those on the display. A person
 * enters lines there and reads text. Whoever serves terminals (the shell) serves each that comes.
 * Try and event: no call waits.
 */
#pragma once

#include <neurath/component.h>
#include <neurath/event.h>

INTERFACE(terminal, 2, 0);

#define TERMINAL_KIND "terminal"
#define TERMINAL_LINE_BYTES 256u
#define TERMINAL_PROMPT_BYTES 32u

/* The table of an offer. `unit` is passed back in every call. Context of all: thread. */
struct terminal_ops {
    uint32_t unit;
    uint16_t columns, rows; /* of the screen; where nobody knows, the fewest there will be */
    /*
     * Takes text in UTF-8, with the control sequences of ECMA-48 that set colours (SGR), move the
     * cursor (CUP) and erase (ED, EL); a newline goes to the start of the next line. Returns how
     * many bytes were taken (> 0); -EAGAIN: no room, wait for writable; -EINVAL: no bytes.
     */
    int (*write)(uint32_t unit, const char *text, size_t size);
    /*
     * Takes the oldest complete line a person entered, without its end, NUL-terminated. Returns its
     * length; -EAGAIN: none yet, wait for line_ready; -EINVAL: size is 0.
     */
    int (*read_line)(uint32_t unit, char *line, size_t size);
    /* Sets the prompt (copied, at most TERMINAL_PROMPT_BYTES - 1) and shows it. 0. */
    int (*set_prompt)(uint32_t unit, const char *prompt);
    /*
     * Keys: this and read_key() are both there, or both NULL: the terminal has lines only.
     * are_wanted: no line is edited, and what is typed are keys for read_key(). Else lines again,
     * once the prompt is set. What was typed before and not yet read is read the new way: lines as
     * their characters, keys (up to TERMINAL_LINE_BYTES, with the characters that are none) as
     * lines. 0.
     */
    int (*take_keys)(uint32_t unit, bool are_wanted);
    /*
     * Takes the oldest key. Returns a character of ASCII, Enter as CR, letters with Ctrl as control
     * characters; other characters before it are passed over, and keys that are none, such as
     * arrows, do not come. -EAGAIN: none, wait for line_ready.
     */
    int (*read_key)(uint32_t unit);
    struct event *writable;
    struct event *line_ready; /* or a key, while those are wanted */
};

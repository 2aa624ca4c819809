/* SPDX-License-Identifier: MIT */
/*
 * What the components of a board take, shown in this terminal each second: the board's command
 * `top`, with its keys.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/why.h"
#include "tools/nr/session.h"

#define TOP_TEXT_BYTES 32768
#define TOP_DRAWN_BYTES (5 * TOP_TEXT_BYTES + 8) /* if there were nothing but ends of lines */

struct top {
    struct session_place place;
    /*
     * Has the board run `top` with a key ("": none) and keeps what it says, NUL-terminated; text is
     * as before unless that succeeds. 0; -EBUSY: others are at the line; -EREMOTEIO: the board
     * refuses, *why has its words; else there is no answer.
     */
    int (*fetch)(const struct top *top, const char *key, char text[TOP_TEXT_BYTES],
                 struct why *why);
};

/* A session for each picture: between them the line is free for others. */
int top_fetch(const struct top *top, const char *key, char text[TOP_TEXT_BYTES], struct why *why);

/*
 * Text as a picture of rows x columns in the place of the one before: cut, and what is too much
 * left out before the last line. Returns its length.
 */
size_t top_draw(const char *text, unsigned rows, unsigned columns, char drawn[TOP_DRAWN_BYTES]);

/*
 * Shows pictures on `output` and takes keys from `input`, until q or Enter, which are looked at
 * when a picture has come. Where others are at the line the one before stays. ^C, SIGINT, SIGTERM,
 * SIGHUP end the process at once, whatever is under way; the board learns of that from the next
 * session. The terminal is as it was in each case. One picture only, as it is, if either is no
 * terminal. 0; < 0: as fetch.
 */
int top_run(const struct top *top, const char *key, int input, int output, struct why *why);

/* SPDX-License-Identifier: MIT */
/*
 * Splits what comes in from the line into text and frames of the wire.
 *
 * A frame stands between two NUL bytes and holds none; text never holds a NUL. An empty frame
 * counts as a frame's beginning, so that after a lost or added NUL the next frame is read right
 * again. A frame too long is dropped up to its end; one that does not end is given up by
 * splitter_give_up(). A zeroed splitter is ready. No locking. Context: any.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define SPLITTER_FRAME_BYTES 1024 /* CONSOLE_FRAME_BYTES */

struct splitter {
    uint32_t is_in_frame;
    uint32_t length;  /* bytes of the frame so far; more than SPLITTER_FRAME_BYTES: too long */
    uint32_t dropped; /* frames that were too long or given up */
    uint8_t frame[SPLITTER_FRAME_BYTES];
};

enum splitter_event {
    SPLITTER_NOTHING = 0, /* the byte belongs to a frame that is not complete */
    SPLITTER_TEXT,        /* the byte is text */
    SPLITTER_FRAME,       /* a frame is complete: frame[0..length), until the next call */
};

enum splitter_event splitter_feed(struct splitter *splitter, uint8_t byte);

/*
 * For when nothing has come for a while inside a frame: goes back to text. Returns how many bytes
 * at frame[0] look as if somebody had typed them (after a stray NUL); they are to be taken as text.
 * 0: none.
 */
size_t splitter_give_up(struct splitter *splitter);

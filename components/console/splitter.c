/* SPDX-License-Identifier: MIT */
/* Text and frames apart: see splitter.h. */
#include "splitter.h"

#include <stdbool.h>

/* More than this has not been typed while the line was thought to be in a frame. */
#define TYPED_BYTES_MAX 256

enum splitter_event splitter_feed(struct splitter *splitter, uint8_t byte)
{
    if (!splitter->is_in_frame) {
        if (byte != 0) {
            return SPLITTER_TEXT;
        }
        splitter->is_in_frame = 1;
        splitter->length = 0;
        return SPLITTER_NOTHING;
    }
    if (byte != 0) {
        if (splitter->length < SPLITTER_FRAME_BYTES) {
            splitter->frame[splitter->length] = byte;
        }
        if (splitter->length <= SPLITTER_FRAME_BYTES) {
            splitter->length++;
        }
        return SPLITTER_NOTHING;
    }
    if (splitter->length == 0) {
        return SPLITTER_NOTHING;
    }
    splitter->is_in_frame = 0;
    if (splitter->length > SPLITTER_FRAME_BYTES) {
        splitter->dropped++;
        return SPLITTER_NOTHING;
    }
    return SPLITTER_FRAME;
}

static bool is_typed(uint8_t byte)
{
    return (byte >= 0x20 && byte < 0x7f) || (byte >= 0x08 && byte <= 0x0d) || byte == 0x1b ||
           byte == 0x7f;
}

size_t splitter_give_up(struct splitter *splitter)
{
    size_t length = splitter->length;

    splitter->is_in_frame = 0;
    splitter->length = 0;
    if (length == 0) {
        return 0;
    }
    bool is_all_typed = length <= TYPED_BYTES_MAX;
    for (size_t i = 0; i < length && is_all_typed; i++) {
        is_all_typed = is_typed(splitter->frame[i]);
    }
    splitter->dropped += !is_all_typed;
    return is_all_typed ? length : 0;
}

/* SPDX-License-Identifier: MIT */
/* Text and frames onto one line: see output.h. */
#include "output.h"

/* Values of `scan`; below SCAN_ESCAPE: bytes of a UTF-8 character that are still to come. */
enum { SCAN_GROUND = 0, SCAN_ESCAPE = 4, SCAN_SEQUENCE };

/* One byte further in the text; SCAN_GROUND means that something else may come in between here. */
static uint32_t scan_byte(uint32_t scan, uint8_t byte)
{
    if (byte == 0x1b) {
        return SCAN_ESCAPE;
    }
    if (scan == SCAN_ESCAPE) {
        return byte == '[' ? SCAN_SEQUENCE : SCAN_GROUND;
    }
    if (scan == SCAN_SEQUENCE) {
        return byte >= 0x40 && byte < 0x7f ? SCAN_GROUND : SCAN_SEQUENCE;
    }
    if (byte >= 0xc0) {
        return byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
    }
    return byte >= 0x80 && scan > 0 ? scan - 1 : SCAN_GROUND;
}

bool output_put_text(struct output *output, const void *text, size_t size)
{
    if (size > output_text_room(output)) {
        return false;
    }
    (void)ring_put(&output->text, output->text_bytes, OUTPUT_TEXT_BYTES, text, size);
    return true;
}

bool output_put_frame(struct output *output, const void *frame, size_t size)
{
    if (size + 2 > output_frame_room(output)) {
        return false;
    }
    ring_put_byte(&output->frames, output->frame_bytes, OUTPUT_FRAME_BYTES, 0);
    (void)ring_put(&output->frames, output->frame_bytes, OUTPUT_FRAME_BYTES, frame, size);
    ring_put_byte(&output->frames, output->frame_bytes, OUTPUT_FRAME_BYTES, 0);
    return true;
}

static bool is_frame_due(const struct output *output)
{
    if (output->is_in_frame) {
        return true;
    }
    if (ring_used(&output->frames) == 0) {
        return false;
    }
    return ring_used(&output->text) == 0 || (output->scan == SCAN_GROUND && !output->is_text_owed);
}

static size_t next_of_frame(struct output *output, uint8_t *piece, size_t capacity)
{
    size_t count =
        ring_peek(&output->frames, output->frame_bytes, OUTPUT_FRAME_BYTES, 0, piece, capacity);
    for (size_t i = output->is_in_frame ? 0 : 1; i < count; i++) {
        if (piece[i] == 0) {
            return i + 1;
        }
    }
    return count;
}

/* While a frame waits, text only up to where it may come in. */
static size_t next_of_text(struct output *output, uint8_t *piece, size_t capacity)
{
    size_t count =
        ring_peek(&output->text, output->text_bytes, OUTPUT_TEXT_BYTES, 0, piece, capacity);
    if (ring_used(&output->frames) == 0) {
        return count;
    }
    uint32_t scan = output->scan;
    for (size_t i = 0; i < count; i++) {
        scan = scan_byte(scan, piece[i]);
        bool is_owed = output->is_text_owed && output->text_since_frame + i + 1 < OUTPUT_TEXT_SHARE;
        if (scan == SCAN_GROUND && !is_owed) {
            return i + 1;
        }
    }
    return count;
}

size_t output_next(struct output *output, uint8_t *piece, size_t capacity)
{
    output->is_frame_next = is_frame_due(output);
    return output->is_frame_next ? next_of_frame(output, piece, capacity)
                                 : next_of_text(output, piece, capacity);
}

static void frame_sent(struct output *output, size_t count)
{
    while (count-- > 0) {
        if (ring_take_byte(&output->frames, output->frame_bytes, OUTPUT_FRAME_BYTES) == 0) {
            output->is_in_frame = !output->is_in_frame;
            output->is_text_owed = 1;
            output->text_since_frame = 0;
        }
    }
}

void output_sent(struct output *output, size_t count)
{
    if (output->is_frame_next) {
        frame_sent(output, count);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        output->scan = scan_byte(
            output->scan, ring_take_byte(&output->text, output->text_bytes, OUTPUT_TEXT_BYTES));
    }
    output->text_since_frame += (uint32_t)count;
    if (output->text_since_frame >= OUTPUT_TEXT_SHARE) {
        output->is_text_owed = 0;
    }
}

void output_cut(struct output *output)
{
    while (output->is_in_frame && ring_used(&output->frames) > 0) {
        frame_sent(output, 1);
    }
    output->scan = SCAN_GROUND;
}

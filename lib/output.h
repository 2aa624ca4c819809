/* SPDX-License-Identifier: MIT */
/*
 * What waits to go out on the line: text and frames, each in a ring of its own.
 *
 *     count = output_next(&output, piece, sizeof(piece));
 *     sent = write to the port; may be fewer
 *     output_sent(&output, sent);
 *
 * A frame goes out whole, NUL frame NUL, and never inside a character or an escape sequence of the
 * text. Frames go first; text gets its share between them. A zeroed output is ready. One sender at
 * a time; no locking. Context: any.
 */
#pragma once

#include <stdbool.h>

#include <lib/ring.h>

/* Powers of two. Who needs less says so by flags (component.mk). */
#ifndef OUTPUT_TEXT_BYTES
#define OUTPUT_TEXT_BYTES 32768u
#endif
#ifndef OUTPUT_FRAME_BYTES
#define OUTPUT_FRAME_BYTES 16384u
#endif
#define OUTPUT_TEXT_SHARE 128u /* of text between two frames, when there is any */

struct output {
    struct ring text;
    struct ring frames;        /* each with its delimiters */
    uint32_t is_in_frame;      /* 1: the opening NUL was sent, the closing one was not */
    uint32_t is_frame_next;    /* 1: output_next() gave bytes of a frame */
    uint32_t is_text_owed;     /* 1: a frame went out since; text has its turn */
    uint32_t text_since_frame; /* bytes, while text is owed */
    uint32_t scan;             /* where in a character or escape sequence the text stands */
    uint8_t text_bytes[OUTPUT_TEXT_BYTES];
    uint8_t frame_bytes[OUTPUT_FRAME_BYTES];
};

static inline size_t output_text_room(const struct output *output)
{
    return OUTPUT_TEXT_BYTES - ring_used(&output->text);
}

static inline size_t output_frame_room(const struct output *output)
{
    return OUTPUT_FRAME_BYTES - ring_used(&output->frames);
}

/* Queues text, all of it or nothing; it must not hold NULs. False: no room. */
bool output_put_text(struct output *output, const void *text, size_t size);

/* Queues a frame and its delimiters, all or nothing; it must not hold NULs. False: no room. */
bool output_put_frame(struct output *output, const void *frame, size_t size);

/* Copies what goes out next into piece. Returns how many bytes; 0: nothing waits. */
size_t output_next(struct output *output, uint8_t *piece, size_t capacity);

/* The first `count` bytes of what output_next() gave are gone. */
void output_sent(struct output *output, size_t count);

/* The line is another: what was sent of a frame is lost, so the rest of it goes too. */
void output_cut(struct output *output);

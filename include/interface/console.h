/* SPDX-License-Identifier: MIT */
/*
 * The console: lines of text to and from a person, on the serial port that the device tree
 * names. Shows the log. One provider at a time.
 */
#pragma once

#include <neurath/component.h>
#include <neurath/event.h>

INTERFACE(console, 1, 0);

#define CONSOLE_LINE_BYTES 256
#define CONSOLE_FRAME_BYTES 1024 /* the longest frame, without its delimiters */

/*
 * Queues text; a newline becomes CR LF. Returns how many bytes were taken (> 0); -EAGAIN: no room,
 * wait for console_writable().
 */
GATED(thread) int console_write(const char *text, size_t size);

/*
 * Takes the oldest complete line a person entered, without its end, NUL-terminated, into line of
 * size bytes. Returns its length; -EAGAIN: none yet, wait for console_line_ready().
 */
GATED(thread) int console_read_line(char *line, size_t size);

/* Sets the prompt shown while a line is edited (copied, at most 31 bytes) and shows it. 0. */
GATED(thread) int console_set_prompt(const char *prompt);

/*
 * Queues one frame of the wire (its bytes hold no NUL; the console adds the delimiters). 0: taken
 * whole; -EAGAIN: no room, wait for console_writable(); -EMSGSIZE: it never fits.
 */
GATED(thread) int console_write_frame(const void *frame, size_t size);

/*
 * Takes the oldest frame that came (without its delimiters). Returns its size; -EAGAIN: none,
 * wait for console_frame_ready(); -EMSGSIZE: buffer too small, the frame is dropped.
 */
GATED(thread) int console_read_frame(void *frame, size_t size);

/* The events to wait for. They live as long as the console's state. */
GATED(any) struct event *console_writable(void);
GATED(any) struct event *console_line_ready(void);
GATED(any) struct event *console_frame_ready(void);

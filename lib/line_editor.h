/* SPDX-License-Identifier: MIT */
/*
 * Edits a line on a terminal: bytes from the terminal in, bytes for the terminal out.
 *
 *     struct line_output output = {.bytes = buffer, .capacity = sizeof(buffer)};
 *     if (line_editor_feed(&editor, byte, &output) == LINE_DONE) {
 *         use editor.line
 *         line_editor_next(&editor);
 *     }
 *     send output.bytes[0..output.length)
 *
 * Keys: arrows, Home, End, Backspace, Delete, Ctrl-A E B F P N H D K U W L C, Enter as CR, LF or CR
 * LF. Text is UTF-8, a column for each character; what is not well-formed is dropped, as are keys
 * it does not know. A line longer than the terminal is wide is shown in part. A zeroed editor is
 * ready, hidden, with an empty prompt. No locking, no allocation, no pointers. Context: any.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define LINE_EDITOR_BYTES 256 /* of a line, with its NUL */
#define LINE_EDITOR_PROMPT_BYTES 32
#define LINE_EDITOR_HISTORY 16
#define LINE_EDITOR_COLUMNS 80
#define LINE_EDITOR_OUTPUT_BYTES 512 /* the most that one call puts out, rounded up */

struct line_output {
    char *bytes;
    size_t capacity;
    size_t length;
};

struct line_editor {
    char line[LINE_EDITOR_BYTES]; /* NUL-terminated */
    uint16_t length;              /* bytes, without the NUL */
    uint16_t cursor;              /* byte offset, at the start of a character */
    char prompt[LINE_EDITOR_PROMPT_BYTES];
    uint8_t is_shown;         /* 1: prompt and line stand on the terminal */
    uint8_t is_after_cr;      /* 1: the last byte was CR; an LF now belongs to it */
    uint8_t escape;           /* where in an escape sequence it is */
    uint8_t escape_number;    /* the sequence's first number */
    uint8_t partial_length;   /* bytes of a character that is not complete */
    uint8_t partial_wanted;   /* bytes that it will have */
    uint8_t history_count;    /* lines in history */
    uint8_t history_next;     /* where the next one goes */
    uint8_t history_position; /* 0: not in history; n: shows the n-th from the end */
    char partial[4];
    char kept[LINE_EDITOR_BYTES]; /* the line that was left for history */
    char history[LINE_EDITOR_HISTORY][LINE_EDITOR_BYTES];
};

enum line_event {
    LINE_EDITED = 0, /* nothing for the caller to do */
    LINE_DONE,       /* Enter: the line is complete */
    LINE_CLEARED,    /* Ctrl-L: the screen was cleared */
};

/* Takes one byte from the terminal. While hidden it edits all the same, and puts nothing out. */
enum line_event line_editor_feed(struct line_editor *editor, uint8_t byte,
                                 struct line_output *output);

/* After LINE_DONE: keeps the line in history (if not empty, nor the same as the last one) and
 * begins an empty one. */
void line_editor_next(struct line_editor *editor);

/* Sets the prompt, cut to what there is room for. It shows with the next line_editor_show(). */
void line_editor_set_prompt(struct line_editor *editor, const char *prompt);

/* Draws prompt and line at the start of the terminal's line. */
void line_editor_show(struct line_editor *editor, struct line_output *output);

/* Takes prompt and line off the terminal; what is put out next begins at the line's start. */
void line_editor_hide(struct line_editor *editor, struct line_output *output);

/*
 * For when single keys are wanted and no line: takes one byte from the terminal and leaves the line
 * as it is. Returns the key, a character of ASCII (Enter is CR), or a byte from 0x80 on of a
 * character that is none of ASCII's; 0: none, or one of those that send a sequence, such as the
 * arrows.
 */
int line_editor_read_key(struct line_editor *editor, uint8_t byte);

/* Takes the first byte out of the line, while that is hidden. Returns it; 0: the line is empty. */
int line_editor_take_byte(struct line_editor *editor);

/* Appends bytes; too many for the room are left out altogether. */
void line_output_put(struct line_output *output, const char *bytes, size_t size);

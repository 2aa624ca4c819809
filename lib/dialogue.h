/* SPDX-License-Identifier: MIT */
/*
 * What a person sees: text that scrolls, and below it the line being edited.
 *
 * Text from programs is written above that line, which is taken off and drawn again. While a
 * command runs (from Enter to the next dialogue_set_prompt()) the line is hidden; what is typed
 * then shows with the next prompt.
 *
 * Or no line is edited, and what is typed are keys. Whatever was typed and not read when that
 * changes is read the other way: a line as the characters it has, keys as lines. Characters that
 * are not of ASCII are no keys; but those that come after the last key that was read are there when
 * lines are read again. Keys that send a sequence, such as the arrows, are gone.
 *
 * A zeroed dialogue is ready. No locking. Context: any.
 */
#pragma once

#include <lib/line_editor.h>
#include <lib/output.h>

#define DIALOGUE_LINES_BYTES 4096       /* of lines nobody has read yet */
#define DIALOGUE_KEYS LINE_EDITOR_BYTES /* nobody has read yet: a whole line, and Enter */
#define DIALOGUE_OUTPUT_BYTES 4096u     /* the most that one call puts out, rounded up */

struct dialogue {
    struct line_editor editor;
    uint32_t is_prompting; /* 1: prompt and line are wanted on the screen */
    uint32_t is_in_line;   /* 1: the text written last did not end its line */
    uint64_t text_ns;      /* when a program's text was written last */
    uint64_t entered_ns;   /* when a line was entered last */
    uint32_t lines_dropped;
    uint32_t are_keys_wanted; /* 1: what is typed are keys */
    struct ring lines;        /* each: 1 if it was seen on the screen, else 2; its bytes; a NUL */
    uint8_t line_bytes[DIALOGUE_LINES_BYTES];
    struct ring keys; /* typed after the lines, and after the line being edited */
    uint8_t key_bytes[DIALOGUE_KEYS];
};

/*
 * Writes a program's text; returns how much was taken: up to the end of a line, if it does not all
 * fit, and no part of a line unless that has over a thousand bytes. 0: no room.
 */
size_t dialogue_write(struct dialogue *dialogue, struct output *output, const char *text,
                      size_t size, uint64_t now_ns);

/* A byte from the terminal. True: a line was entered, or a key pressed that is wanted. */
bool dialogue_type(struct dialogue *dialogue, struct output *output, uint8_t byte, uint64_t now_ns);

/* Takes the oldest line, NUL-terminated, cut to size. Returns its length, or -EAGAIN. */
int dialogue_read_line(struct dialogue *dialogue, char *line, size_t size);

/* Sets and shows the prompt. Lines that wait were typed ahead: the next one is shown behind it. */
void dialogue_set_prompt(struct dialogue *dialogue, struct output *output, const char *prompt);

/* From now on keys are wanted, and the edited line is hidden; or lines again: set the prompt. */
void dialogue_take_keys(struct dialogue *dialogue, struct output *output, bool are_wanted);

/* Takes the oldest key, a character of ASCII (Enter is CR); -EAGAIN: none, or none are wanted. */
int dialogue_read_key(struct dialogue *dialogue);

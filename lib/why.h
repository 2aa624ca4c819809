/* SPDX-License-Identifier: MIT */
/*
 * The words that go with an error number.
 *
 * A function that may refuse outside data takes a `struct why *` (never NULL) and fills it when,
 * and only when, it returns a negative errno: one line without a newline, which names the thing,
 * its place, what was found and what was needed.
 */
#pragma once

struct why {
    char text[512];
};

/* Writes the text (cut to the buffer) and returns `error`, so that one can `return why_set(...)`.
 */
__attribute__((format(printf, 3, 4))) int why_set(struct why *why, int error, const char *format,
                                                  ...);

/* Puts "prefix: " in front of the text that is there, and returns `error`. */
__attribute__((format(printf, 3, 4))) int why_prepend(struct why *why, int error,
                                                      const char *format, ...);

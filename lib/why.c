/* SPDX-License-Identifier: MIT */
/* The words that go with an error number; see why.h. */

#include "why.h"

#include <string.h>

#include "format.h"

int why_set(struct why *why, int error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)format_vprint(why->text, sizeof(why->text), format, arguments); /* may be cut */
    va_end(arguments);
    return error;
}

int why_prepend(struct why *why, int error, const char *format, ...)
{
    struct why old = *why;
    va_list arguments;
    va_start(arguments, format);
    int length = format_vprint(why->text, sizeof(why->text), format, arguments);
    va_end(arguments);
    if ((size_t)length < sizeof(why->text)) {
        (void)format_print(why->text + length, sizeof(why->text) - (size_t)length, ": %s",
                           old.text); /* may be cut */
    }
    return error;
}

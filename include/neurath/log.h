/* SPDX-License-Identifier: MIT */
/*
 * The log: a ring of text lines. What is written goes to the early UART until a console
 * attaches; from then on the console reads the ring. Formats are those of lib/format.h.
 */
#pragma once

#include <neurath/event.h>

/* CONFIG_LOG_LEVEL is the highest that is kept. */
enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

/* Writes one line (no newline needed). Levels above CONFIG_LOG_LEVEL are dropped. Context: any. */
NUCLEUS_API void log_write(enum log_level level, const char *format, ...) PRINTF_LIKE(2, 3);

#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_WARNING, __VA_ARGS__)
#define log_info(...) log_write(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_DEBUG, __VA_ARGS__)

/*
 * Copies up to size bytes of the log from *position on into buffer and moves *position; what was
 * overwritten meanwhile is skipped. 0 is the oldest. Returns the bytes copied; -EAGAIN: nothing
 * new, wait for log_event(). Context: any.
 */
NUCLEUS_API int log_read(uint64_t *position, char *buffer, size_t size);

/* Signalled whenever a line was written. */
NUCLEUS_API struct event *log_event(void);

/*
 * Says that the caller shows the log from now on: the early UART falls silent. Undone when the
 * owner leaves. Context: thread.
 */
NUCLEUS_API void log_attach_owned(struct component *owner);
#define log_attach() log_attach_owned(this_component)

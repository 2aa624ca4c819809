/* SPDX-License-Identifier: MIT */
/*
 * The log ring. Positions count bytes since boot; the ring keeps the last LOG_BYTES of them.
 * log_lock guards it. In a rendezvous only the ring is written: the event is signalled after it.
 */
#include <errno.h>
#include <lib/format.h>
#include <stdarg.h>
#include <string.h>

#include "nucleus.h"
#include "swap/rendezvous.h"

#define LOG_BYTES (CONFIG_LOG_RING_KIB * 1024ul)

static struct spinlock log_lock;
static char ring[LOG_BYTES];
static uint64_t written;
static struct event log_written = EVENT_READY(log_written);
static void (*early_write)(char);
static struct component *shown_by; /* who shows the log; NULL: the early UART */
static bool is_panic;

void log_use_early_output(void (*write)(char))
{
    early_write = write;
}

static void put(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        ring[written++ % LOG_BYTES] = text[i];
        if (early_write && (!shown_by || is_panic)) {
            if (text[i] == '\n') {
                early_write('\r');
            }
            early_write(text[i]);
        }
    }
}

void log_raw(const char *text, size_t size)
{
    if (is_panic) {
        put(text, size); /* whoever held the lock is stopped */
        return;
    }
    uint64_t daif = spin_lock(&log_lock);
    put(text, size);
    spin_unlock(&log_lock, daif);
}

void log_panic_mode(void)
{
    is_panic = true;
}

void log_write(enum log_level level, const char *format, ...)
{
    static const char *const marks[] = {"error: ", "warning: ", "", ""};
    if ((int)level > CONFIG_LOG_LEVEL) {
        return;
    }
    char line[320];
    uint64_t now = time_now_ns();
    int length = format_print(line, sizeof(line), "[%5llu.%06llu] %s",
                              (unsigned long long)(now / 1000000000u),
                              (unsigned long long)(now / 1000 % 1000000), marks[level]);
    va_list arguments;
    va_start(arguments, format);
    length += format_vprint(line + length, sizeof(line) - (size_t)length, format, arguments);
    va_end(arguments);
    length = MIN(length, (int)sizeof(line) - 2);
    line[length++] = '\n';
    log_raw(line, (size_t)length);
    if (!rendezvous_is_held()) {
        event_signal(&log_written);
    }
}

int log_read(uint64_t *position, char *buffer, size_t size)
{
    uint64_t daif = spin_lock(&log_lock);
    if (written - *position > LOG_BYTES) {
        *position = written - LOG_BYTES;
    }
    size_t count = MIN(size, written - *position);
    for (size_t i = 0; i < count; i++) {
        buffer[i] = ring[(*position)++ % LOG_BYTES];
    }
    spin_unlock(&log_lock, daif);
    return count ? (int)count : -EAGAIN;
}

struct event *log_event(void)
{
    return &log_written;
}

void log_attach_owned(struct component *owner)
{
    shown_by = owner;
}

void log_revoke(struct component *owner)
{
    if (shown_by == owner) {
        shown_by = NULL;
    }
}

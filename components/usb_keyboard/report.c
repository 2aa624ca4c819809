/* SPDX-License-Identifier: MIT */
/* Reports and what differs between them, see report.h. */
#include "report.h"

#include <errno.h>
#include <string.h>

#define USAGE_ERROR_LAST 3u   /* 1 ErrorRollOver, 2 POSTFail, 3 ErrorUndefined */
#define USAGE_MODIFIERS 0xe0u /* LeftControl: bit 0 of the modifiers, and so on */

static bool holds(const uint8_t keys[REPORT_KEYS], uint8_t usage)
{
    return memchr(keys, usage, REPORT_KEYS) != NULL;
}

/* Keys in `these` that are not in `others`, each once. */
static int tell(const uint8_t these[REPORT_KEYS], const uint8_t others[REPORT_KEYS],
                uint8_t modifiers, bool is_pressed, struct key_event *events)
{
    int count = 0;
    for (unsigned i = 0; i < REPORT_KEYS; i++) {
        bool is_again = memchr(these, these[i], i) != NULL;
        if (these[i] > USAGE_ERROR_LAST && !is_again && !holds(others, these[i])) {
            events[count++] = (struct key_event){these[i], modifiers, is_pressed};
        }
    }
    return count;
}

static int change(struct report_keys *held, const struct report_keys *now,
                  struct key_event events[REPORT_EVENTS_MAX])
{
    int count = 0;
    for (unsigned bit = 0; bit < 8; bit++) {
        if ((held->modifiers ^ now->modifiers) & 1u << bit) {
            events[count++] = (struct key_event){(uint16_t)(USAGE_MODIFIERS + bit), now->modifiers,
                                                 now->modifiers >> bit & 1};
        }
    }
    count += tell(held->keys, now->keys, now->modifiers, false, events + count);
    count += tell(now->keys, held->keys, now->modifiers, true, events + count);
    *held = *now;
    return count;
}

int report_take(struct report_keys *held, const uint8_t *bytes, size_t size,
                struct key_event events[REPORT_EVENTS_MAX])
{
    struct report_keys now = {};
    if (size < REPORT_BYTES) {
        return -EPROTO;
    }
    now.modifiers = bytes[0];
    memcpy(now.keys, bytes + 2, REPORT_KEYS);
    for (unsigned i = 0; i < REPORT_KEYS; i++) {
        if (now.keys[i] != 0 && now.keys[i] <= USAGE_ERROR_LAST) {
            memcpy(now.keys, held->keys, REPORT_KEYS); /* it does not know: as before */
            break;
        }
    }
    return change(held, &now, events);
}

int report_let_go(struct report_keys *held, struct key_event events[REPORT_EVENTS_MAX])
{
    struct report_keys none = {};
    return change(held, &none, events);
}

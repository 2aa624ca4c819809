/* SPDX-License-Identifier: MIT */
/*
 * Offers: a table of tables. offer_lock guards it.
 */
#include <errno.h>
#include <lib/format.h>
#include <string.h>

#include "nucleus.h"
#include "swap/audit.h"

#define OFFERS 128

static struct spinlock offer_lock;
static struct entry {
    char kind[OFFER_NAME_BYTES];
    struct offer offer; /* id 0: free */
} entries[OFFERS];
static uint32_t last_id;
static struct event offers_changed = EVENT_READY(offers_changed);

static struct entry *find(const char *kind, const char *name, uint32_t after)
{
    struct entry *found = NULL;
    for (struct entry *entry = entries; entry < entries + OFFERS; entry++) {
        if (!entry->offer.id || strcmp(entry->kind, kind) != 0 ||
            (name ? strcmp(entry->offer.name, name) != 0 : entry->offer.id <= after)) {
            continue;
        }
        if (!found || entry->offer.id < found->offer.id) {
            found = entry;
        }
    }
    return found;
}

static int add(const char *kind, const char *name, const void *table, size_t size,
               struct component *owner)
{
    if (find(kind, name, 0)) {
        return -EEXIST;
    }
    struct entry *entry = entries;
    while (entry->offer.id) {
        if (++entry == entries + OFFERS) {
            return -ENOSPC;
        }
    }
    *entry = (struct entry){.offer = {.id = ++last_id, .owner = owner}};
    strcpy(entry->kind, kind);
    strcpy(entry->offer.name, name);
    memcpy(entry->offer.table, table, size);
    return (int)last_id;
}

int offer_add_owned(const char *kind, const char *name, const void *table, size_t size,
                    struct component *owner)
{
    if (!*name || strnlen(name, OFFER_NAME_BYTES) == OFFER_NAME_BYTES ||
        strnlen(kind, OFFER_NAME_BYTES) == OFFER_NAME_BYTES || size > OFFER_BYTES) {
        return -EINVAL;
    }
    uint64_t daif = spin_lock(&offer_lock);
    int result = add(kind, name, table, size, owner);
    spin_unlock(&offer_lock, daif);
    if (result > 0) {
        event_signal(offer_event());
    }
    return result;
}

int offer_find(const char *kind, const char *name, uint32_t after, struct offer *offer)
{
    uint64_t daif = spin_lock(&offer_lock);
    const struct entry *entry = find(kind, name, after);
    if (entry) {
        *offer = entry->offer;
    }
    spin_unlock(&offer_lock, daif);
    return entry ? 0 : -ENOENT;
}

struct event *offer_event(void)
{
    return &offers_changed;
}

void offer_revoke(struct component *owner)
{
    bool found = false;
    uint64_t daif = spin_lock(&offer_lock);
    for (struct entry *entry = entries; entry < entries + OFFERS; entry++) {
        if (entry->offer.id && entry->offer.owner == owner) {
            entry->offer.id = 0;
            found = true;
        }
    }
    spin_unlock(&offer_lock, daif);
    if (found) {
        event_signal(offer_event());
    }
}

const struct component *offer_find_holder(struct audit *audit)
{
    const struct component *holder = NULL;
    uint64_t daif = spin_lock(&offer_lock);
    for (const struct entry *entry = entries; entry < entries + OFFERS && !holder; entry++) {
        if (entry->offer.id && audit_hits(audit, entry->offer.table, sizeof(entry->offer.table))) {
            holder = entry->offer.owner;
        }
    }
    spin_unlock(&offer_lock, daif);
    return holder;
}

int offer_describe(unsigned *index, const struct component *owner, char *text, size_t size)
{
    int result = -ENOENT;
    uint64_t daif = spin_lock(&offer_lock);
    for (const struct entry *entry = entries; entry < entries + OFFERS && result < 0; entry++) {
        if (entry->offer.id && entry->offer.owner == owner && (*index)-- == 0) {
            result = format_print(text, size, "%s %s", entry->kind, entry->offer.name);
        }
    }
    spin_unlock(&offer_lock, daif);
    return result;
}

/* SPDX-License-Identifier: MIT */
/* Which versions are revoked: see revocation.h. */
#include "revocation.h"

#include <errno.h>
#include <string.h>

#include "version.h"

/* Its place in the table; count: it has none. */
static unsigned find(const struct revocations *table, const char *name)
{
    unsigned i = 0;
    while (i < table->count && strcmp(table->entries[i].name, name) != 0) {
        i++;
    }
    return i;
}

int revocation_check(const struct revocations *table, const struct component_descriptor *component,
                     unsigned before, struct why *why)
{
    unsigned place = find(table, component->name);
    const struct revocation *known = place < table->count ? &table->entries[place] : NULL;
    if (known && component->version < known->oldest) {
        char version[VERSION_TEXT_MAX], oldest[VERSION_TEXT_MAX];
        (void)version_print(version, sizeof(version), component->version);
        (void)version_print(oldest, sizeof(oldest), known->oldest);
        return why_set(why, -EPERM, "%s %s is revoked: the oldest that may be loaded is %s",
                       component->name, version, oldest);
    }
    if (!known && component->oldest && table->count + before >= REVOCATIONS_MAX) {
        return why_set(why, -ENOSPC, "no room to remember which versions of %s are revoked",
                       component->name);
    }
    return 0;
}

bool revocation_add(struct revocations *table, const struct component_descriptor *component)
{
    unsigned place = find(table, component->name);
    if (!component->oldest || place == REVOCATIONS_MAX ||
        (place < table->count && table->entries[place].oldest >= component->oldest)) {
        return false;
    }
    struct revocation *entry = &table->entries[place];
    if (place == table->count) {
        strncpy(entry->name, component->name, sizeof(entry->name) - 1);
        table->count++;
    }
    entry->oldest = component->oldest;
    return true;
}

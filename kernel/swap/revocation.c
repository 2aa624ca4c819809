/* SPDX-License-Identifier: MIT */
/*
 * The table of revoked versions; see revocation.h.
 */
#include "revocation.h"

#include <errno.h>
#include <lib/format.h>
#include <lib/version.h>
#include <string.h>

#define REVOCATIONS_MAX 128

static struct revocation {
    char name[COMPONENT_NAME_BYTES];
    uint32_t oldest; /* packed, never 0 */
} revocations[REVOCATIONS_MAX];
static unsigned count;

static struct revocation *find(const char *name)
{
    for (struct revocation *each = revocations; each < revocations + count; each++) {
        if (!strcmp(each->name, name)) {
            return each;
        }
    }
    return NULL;
}

int revocation_check(const struct component_descriptor *descriptor, unsigned before,
                     struct why *why)
{
    const struct revocation *known = find(descriptor->name);
    if (known && descriptor->version < known->oldest) {
        char version[VERSION_TEXT_MAX], oldest[VERSION_TEXT_MAX];
        (void)version_print(version, sizeof(version), descriptor->version);
        (void)version_print(oldest, sizeof(oldest), known->oldest);
        return why_set(why, -EPERM, "%s %s is revoked: the oldest that may be loaded is %s",
                       descriptor->name, version, oldest);
    }
    if (!known && descriptor->oldest && count + before >= REVOCATIONS_MAX) {
        return why_set(why, -ENOSPC, "no room to remember which versions of %s are revoked",
                       descriptor->name);
    }
    return 0;
}

void revoke_older(const struct component_descriptor *descriptor)
{
    if (!descriptor->oldest) {
        return;
    }
    struct revocation *known = find(descriptor->name);
    if (known && known->oldest >= descriptor->oldest) {
        return;
    }
    uint64_t daif = spin_lock(&component_lock);
    if (!known) {
        assert(count < REVOCATIONS_MAX); /* as revocation_check() has seen to */
        known = &revocations[count++];
        (void)format_print(known->name, sizeof(known->name), "%s", descriptor->name);
    }
    known->oldest = descriptor->oldest;
    spin_unlock(&component_lock, daif);
    char oldest[VERSION_TEXT_MAX];
    (void)version_print(oldest, sizeof(oldest), descriptor->oldest);
    log_info("%s: versions before %s are revoked", descriptor->name, oldest);
}

bool revocation_next(unsigned *cursor, const char **name, uint32_t *oldest)
{
    if (*cursor >= count) {
        return false;
    }
    const struct revocation *each = &revocations[(*cursor)++];
    *name = each->name;
    *oldest = each->oldest;
    return true;
}

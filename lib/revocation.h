/* SPDX-License-Identifier: MIT */
/*
 * Revoked versions: for each component's name the oldest one that may be loaded. The versions
 * themselves tell (COMPONENT(..., .oldest = ...)); it is only ever raised, and stays when the
 * component leaves. Pure code, no locking: who changes the table keeps readers away.
 */
#pragma once

#include "bundle.h"

#define REVOCATIONS_MAX 128
#define REVOCATION_NAME_BYTES 32

/* Zeroed: nothing is revoked. */
struct revocations {
    unsigned count;
    struct revocation {
        char name[REVOCATION_NAME_BYTES];
        uint32_t oldest; /* that may be loaded; packed, never 0 */
    } entries[REVOCATIONS_MAX];
};

/*
 * Whether a component may be loaded, `before` others of the same bundle having been asked about.
 * -EPERM: its version is revoked. -ENOSPC: there is no room to remember whom it revokes.
 */
int revocation_check(const struct revocations *table, const struct component_descriptor *component,
                     unsigned before, struct why *why);

/* What a component that was let in revokes. Returns whether that is more than before. */
bool revocation_add(struct revocations *table, const struct component_descriptor *component);

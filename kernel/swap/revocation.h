/* SPDX-License-Identifier: MIT */
/*
 * Revoked versions: for each component's name, the oldest version that may be loaded. It is told by
 * the versions themselves (COMPONENT(..., .oldest = ...)), is only ever raised, and stays when the
 * component leaves. After a restart it is what the boot bundle says.
 *
 * Changed by the transaction under way only, under component_lock; others read it under that lock.
 */
#pragma once

#include "component.h"

#include <lib/bundle.h>

/*
 * Whether a component may be loaded. before: how many more of its bundle come before it, and may
 * need room. -EPERM: its version is revoked; -ENOSPC: it revokes versions, which could not be
 * remembered.
 */
int revocation_check(const struct component_descriptor *descriptor, unsigned before,
                     struct why *why);

/* From now on no version older than what the descriptor says. For one that is in for good. */
void revoke_older(const struct component_descriptor *descriptor);

/* Walks what is known; *cursor begins at 0. Context: component_lock is held. */
bool revocation_next(unsigned *cursor, const char **name, uint32_t *oldest);

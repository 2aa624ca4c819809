/* SPDX-License-Identifier: MIT */
/*
 * A counter: the service that the load calls to see whether calls get lost. One provider.
 */
#pragma once

#include <neurath/component.h>

INTERFACE(counter, 1, 0);

/* Adds one; *total is the count after it. 0. */
GATED(thread) int counter_increment(uint64_t *total);

/* Reads the count. 0. */
GATED(thread) int counter_read(uint64_t *total);

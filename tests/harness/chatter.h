/* SPDX-License-Identifier: MIT */
/*
 * Listens to the fixture `chatter` on the console: its lines must come in order, each whole and
 * once. Lines of others - log, prompt - may stand between them.
 */
#pragma once

#include <stdbool.h>

#include "tests/harness/machine.h"

struct chatter {
    bool is_listening;
    unsigned long long lines, bytes;
    char line[512];
    size_t size;
    char complaint[256]; /* "" while all is well */
};

/* From now on; the next line must be number 0. */
void chatter_expect(struct chatter *chatter);

void chatter_hear(struct chatter *chatter, const void *bytes, size_t size);

/* Waits until all lines the board wrote have come. 0; -EPROTO: lost, doubled or spoilt. */
int chatter_settle(struct machine *machine, struct chatter *chatter, struct why *why);

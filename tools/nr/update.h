/* SPDX-License-Identifier: MIT */
/*
 * An update of the whole system: a FIT for the slot of the board's card that does not run.
 */
#pragma once

#include "tools/nr/client.h"

struct update_report {
    size_t resumed;     /* bytes that were there of an earlier transfer */
    char slot[4];       /* where it went */
    char message[1024]; /* the board's words: what comes next */
};

/*
 * 0; -EINVAL: these bytes are no FIT with a signature, or one that was cut; why says it. For a
 * file, before it is sent.
 */
int update_check(const void *image, size_t size, struct why *why);

/*
 * Sends it, from where an earlier transfer of the same bytes stopped, and has it checked and made
 * the next to be started. progress (may be NULL) is told what has arrived. stop_at: ends the
 * transfer there, as if the line had been cut, for tests; 0: not at all. 0; -EREMOTEIO: refused;
 * -ECANCELED: stopped; else as client_wait().
 */
int client_update(struct client *client, const void *image, size_t size,
                  void (*progress)(size_t done, size_t size), size_t stop_at,
                  struct update_report *report, struct why *why);

/* SPDX-License-Identifier: MIT */
/*
 * How answers look to a person.
 */
#pragma once

#include <stdbool.h>

/* One part of the world's tree. The totals, which the last part has, come below the components. */
void show_world(const void *tree);

/* The package of a report, on a line of stdout. */
struct client_report;
void show_report(const struct client_report *report);

/* The end of a transaction: what is new stays after its probation, or there was none. */
void show_settled(const struct client_report *report);

/* How much of a package has arrived: a bar that grows on a terminal, else nothing. */
void show_progress(unsigned long done, unsigned long size);
void show_progress_end(void);

/* The same, but where there is no terminal, a line on stderr now and then. */
void show_progress_lines(unsigned long done, unsigned long size);

/* SPDX-License-Identifier: MIT */
/*
 * Copies and the like that go on behind the shell's back, on the machine of suite.h: begun, looked
 * at, waited for. Each fails the test when the job does.
 */
#pragma once

/* Begins a job; its number. */
unsigned job_begin(const char *line);

/* What `jobs` says of one, without its number. Valid until the next call. */
const char *job_look(unsigned number);

/* Waits for its end, which must be a good one; what is said of it then has `words` in it. */
void job_end(unsigned number, const char *words);

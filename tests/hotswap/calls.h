/* SPDX-License-Identifier: MIT */
/*
 * The load's own account of its calls to the counter: what `drive show` says. Of the shared machine
 * (suite.h); fails the test when it says something else.
 */
#pragma once

struct calls {
    unsigned long long made, answered, failed, counted;
};

/* The account now. expected_state: "running" or "stopped". */
struct calls calls_read(const char *expected_state);

/* Stops the load, waits for the calls under way, and reads the account. */
struct calls calls_stop(void);

/* SPDX-License-Identifier: MIT */
/*
 * The steps of a transaction at which something can fail, numbered as they come. A request may ask
 * for one of them to fail (CONFIG_SWAP_TESTS), and so prove that nothing is left of it; or for the
 * page tables to be walked at each.
 */
#pragma once

#include "../nucleus.h"

#if IS_ENABLED(CONFIG_SWAP_TESTS)
/* The calling thread begins, or ends, to count its steps. */
void step_begin(const struct swap_request *request, struct swap_report *report);
void step_end(void);
/* Whether the calling thread is to fail here. Context: any. */
bool step_fails(const char *what);
#else
static inline void step_begin(const struct swap_request *request, struct swap_report *report)
{
    (void)request;
    (void)report;
}
static inline void step_end(void)
{
}
static inline bool step_fails(const char *what)
{
    (void)what;
    return false;
}
#endif

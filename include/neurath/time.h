/* SPDX-License-Identifier: MIT */
/*
 * Time since boot from the architecture's counter, which no component stands between.
 */
#pragma once

#include <neurath/compiler.h>

/* Nanoseconds since an arbitrary start, monotonic, equal on all CPUs. Context: any. */
NUCLEUS_API uint64_t time_now_ns(void);

/* Frequency of the counter (CNTFRQ_EL0), Hz: 54,000,000 on the board. Context: any. */
NUCLEUS_API uint64_t time_counter_hz(void);

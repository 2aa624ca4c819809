/* SPDX-License-Identifier: MIT */
/*
 * Time from the architecture's counter, CNTPCT_EL0 (ARM ARM D12.1.2). 54 MHz on the board and
 * 62.5 MHz in QEMU do not divide a nanosecond; whole seconds and the rest are converted apart,
 * which neither overflows nor rounds by more than one.
 */
#include "nucleus.h"

uint64_t time_counter_hz(void)
{
    return REGISTER_READ(cntfrq_el0);
}

uint64_t time_now_ns(void)
{
    uint64_t ticks;
    /* isb: the counter must not be read ahead of what comes before (D12.2.1). */
    asm volatile("isb\n\tmrs %0, cntpct_el0" : "=r"(ticks)::"memory");
    uint64_t hz = time_counter_hz();
    return ticks / hz * 1000000000u + ticks % hz * 1000000000u / hz;
}

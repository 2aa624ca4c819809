/* SPDX-License-Identifier: MIT */
/*
 * The registers of the non-secure EL1 physical timer of the calling CPU (ARM ARM, "The Generic
 * Timer in AArch64 state"). Interrupts off, so that the CPU stays the same.
 */
#pragma once

#include <stdint.h>

#ifdef __aarch64__

/* The counter, read in program order (without the isb it may be read early). */
static inline uint64_t cntp_read_counter(void)
{
    uint64_t ticks;
    asm volatile("isb\n\tmrs %0, cntpct_el0" : "=r"(ticks)::"memory");
    return ticks;
}

/* The timer's line goes up once the counter has reached `ticks`, and stays until set again. */
static inline void cntp_set(uint64_t ticks)
{
    /* CNTP_CTL_EL0: bit 0 ENABLE, bit 1 IMASK */
    asm volatile("msr cntp_cval_el0, %0\n\tmsr cntp_ctl_el0, %1\n\tisb" ::"r"(ticks), "r"(1ul)
                 : "memory");
}

/* The line goes down and stays there. */
static inline void cntp_clear(void)
{
    asm volatile("msr cntp_ctl_el0, xzr\n\tisb" ::: "memory");
}

#else /* under test on the host: the test has a model of them */

uint64_t cntp_read_counter(void);
void cntp_set(uint64_t ticks);
void cntp_clear(void);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Values of AArch64 system registers and translation table descriptors that the nucleus uses.
 * Source: Arm Architecture Reference Manual (DDI 0487), sections as noted. Shared with assembly.
 */
#pragma once

#ifdef __ASSEMBLER__
#define BIT(n) (1 << (n))
#else
#define BIT(n) (1ul << (n))
#endif

/* HCR_EL2, D17.2.48: EL1 is AArch64; nothing traps to EL2. */
#define HCR_EL2_RW BIT(31)

/* CNTHCTL_EL2, D17.11.2: EL1 may use the physical counter and timer. */
#define CNTHCTL_EL2_EL1PCTEN BIT(0)
#define CNTHCTL_EL2_EL1PCEN BIT(1)

/* CPTR_EL2, D17.2.32 (E2H = 0): the RES1 bits; FP, SIMD do not trap to EL2. */
#define CPTR_EL2_NONE 0x33ff

/* SPSR_ELx, C5.2.18: EL1 with SP_EL1; D, A, I, F masked. */
#define SPSR_EL1H_MASKED 0x3c5
#define PSTATE_IRQ_MASKED BIT(7)

/* SCTLR_EL1, D17.2.118. The Cortex-A72 is ARMv8.0: bits 11, 20, 22, 23, 28, 29 are RES1. */
#define SCTLR_EL1_RES1 (BIT(11) | BIT(20) | BIT(22) | BIT(23) | BIT(28) | BIT(29))
#define SCTLR_EL1_M BIT(0)    /* translation on */
#define SCTLR_EL1_C BIT(2)    /* data cache */
#define SCTLR_EL1_SA BIT(3)   /* SP must be aligned */
#define SCTLR_EL1_I BIT(12)   /* instruction cache */
#define SCTLR_EL1_WXN BIT(19) /* what is writable is not executable, whatever the tables say */

/* TCR_EL1, D17.2.131: both halves 39 bits, inner shareable, write-back; TTBR1 4 KiB granule. */
#define TCR_EL1_T0SZ(bits) (64 - (bits))
#define TCR_EL1_T1SZ(bits) ((64 - (bits)) << 16)
#define TCR_EL1_WALKS (BIT(8) | BIT(10) | (3 << 12) | BIT(24) | BIT(26) | (3 << 28))
#define TCR_EL1_EPD0 BIT(7) /* no walks by TTBR0 */
#define TCR_EL1_TG1_4K (2 << 30)
#define TCR_EL1_IPS_40 (2 << 32)

/* MAIR_EL1, D17.2.97: 0 Normal write-back, 1 Device-nGnRE, 2 Normal non-cacheable. */
#define MAIR_EL1_VALUE 0x4404ff

/* Descriptors, D8.3. */
#define PTE_VALID BIT(0)
#define PTE_TABLE (BIT(0) | BIT(1))
#define PTE_BLOCK BIT(0)
#define PTE_PAGE (BIT(0) | BIT(1))
#define PTE_DEVICE BIT(2)   /* AttrIndx 1 */
#define PTE_UNCACHED BIT(3) /* AttrIndx 2 */
#define PTE_READ_ONLY BIT(7)
#define PTE_INNER (BIT(8) | BIT(9)) /* inner shareable */
#define PTE_ACCESSED BIT(10)
#define PTE_PXN BIT(53)
#define PTE_UXN BIT(54)

#ifndef __ASSEMBLER__
#include <neurath/compiler.h>

#define REGISTER_READ(name)                                                                        \
    ({                                                                                             \
        uint64_t register_value;                                                                   \
        asm volatile("mrs %0, " #name : "=r"(register_value)::"memory");                           \
        register_value;                                                                            \
    })
#define REGISTER_WRITE(name, value)                                                                \
    asm volatile("msr " #name ", %0" ::"r"((uint64_t)(value)) : "memory")
#endif

/* SPDX-License-Identifier: MIT */
/*
 * From the boot loader to kernel_main().
 *
 * In: x0 = physical address of the device tree, MMU and data cache off, as the arm64 boot protocol
 * of Linux (Documentation/arch/arm64/booting.rst) has it; EL2, or EL1. Whatever the loader left in
 * the system registers is set anew. Runs at physical addresses until the jump at the end of
 * start_here, so only PC-relative references are used before.
 */
#include "../kernel/arch/layout.h"
#include "../kernel/arch/registers.h"

    .section .text.start, "ax"

/* The header of an arm64 Image (booting.rst, section 4). */
    .global _start
_start:
    b       start_boot_cpu
    .long   0
    .quad   0                           /* text offset from a 2 MiB boundary */
    .quad   __kernel_bytes
    .quad   0xa                         /* little-endian, 4 KiB pages, anywhere in RAM */
    .quad   0, 0, 0
    .ascii  "ARM\x64"
    .long   0

start_boot_cpu:
    mov     x19, x0                     /* device tree */
    bl      start_drop_to_el1
    adrp    x0, __early_end             /* the boot CPU's first stack: the early area's top */
    mov     sp, x0
    adrp    x0, __early_begin           /* no stale lines may cover what is written uncached */
    adrp    x1, __early_end
    bl      start_invalidate
    adrp    x20, _start
    mov     x0, x20
    bl      mmu_build_early             /* writes the first tables; fills in W^X */
    adrp    x0, __early_begin
    adrp    x1, __early_end
    bl      start_invalidate
    ldr     x21, =boot_cpu_high
    b       start_mmu

/*
 * A secondary core, released from the spin table: EL2, as the first one. Its number is found from
 * MPIDR_EL1; its stack top was left in smp_stack_tops[].
 */
    .global start_secondary_cpu
    .type   start_secondary_cpu, %function
start_secondary_cpu:
    bl      start_drop_to_el1
    ldr     x21, =secondary_cpu_high

/*
 * Turns translation on and jumps to x21. TTBR0 maps the code that does so one to one; it is cut off
 * at the far side.
 */
start_mmu:
    adrp    x0, mmu_identity_l1
    adrp    x1, mmu_kernel_l1
    msr     ttbr0_el1, x0
    msr     ttbr1_el1, x1
    ldr     x0, =MAIR_EL1_VALUE
    msr     mair_el1, x0
    ldr     x0, =(TCR_EL1_T0SZ(LAYOUT_VA_BITS) | TCR_EL1_T1SZ(LAYOUT_VA_BITS) | TCR_EL1_WALKS | \
                  TCR_EL1_TG1_4K | TCR_EL1_IPS_40)
    msr     tcr_el1, x0
    isb
    tlbi    vmalle1
    ic      iallu
    dsb     nsh
    isb
    ldr     x0, =(SCTLR_EL1_RES1 | SCTLR_EL1_M | SCTLR_EL1_C | SCTLR_EL1_I | \
                  SCTLR_EL1_SA | SCTLR_EL1_WXN)
    msr     sctlr_el1, x0
    isb
    br      x21

boot_cpu_high:
    bl      start_cut_identity
    ldr     x0, =__bss_begin
    ldr     x1, =__early_begin
1:  stp     xzr, xzr, [x0], #16
    cmp     x0, x1
    b.lo    1b
    ldr     x0, =boot_stack_top
    mov     sp, x0
    mov     x0, x19
    mov     x1, x20
    mov     x29, xzr
    mov     x30, xzr
    bl      kernel_main
    b       .

secondary_cpu_high:
    bl      start_cut_identity
    mrs     x0, mpidr_el1
    and     x0, x0, #0xff               /* Aff0: the core's number */
    ldr     x1, =smp_stack_tops
    ldr     x1, [x1, x0, lsl #3]
    mov     sp, x1
    mov     x29, xzr
    mov     x30, xzr
    bl      smp_secondary_main
    b       .

/* No walks by TTBR0 any more: addresses of the lower half fault. */
start_cut_identity:
    mrs     x0, tcr_el1
    orr     x0, x0, #TCR_EL1_EPD0
    msr     tcr_el1, x0
    msr     ttbr0_el1, xzr
    isb
    tlbi    vmalle1
    dsb     nsh
    isb
    ret

/*
 * To EL1 with interrupts masked and translation off, returning to the caller there. Resets what
 * U-Boot leaves in EL2 and EL1 registers.
 */
start_drop_to_el1:
    msr     daifset, #0xf
    ldr     x0, =SCTLR_EL1_RES1
    msr     sctlr_el1, x0
    msr     cpacr_el1, xzr              /* FP and SIMD trap: nothing here uses them */
    msr     mdscr_el1, xzr
    msr     contextidr_el1, xzr
    msr     tpidr_el1, xzr
    msr     tpidr_el0, xzr
    msr     cntkctl_el1, xzr
    isb
    mrs     x0, CurrentEL
    cmp     x0, #(2 << 2)
    b.ne    1f
    mov     x0, #HCR_EL2_RW
    msr     hcr_el2, x0
    mov     x0, #(CNTHCTL_EL2_EL1PCTEN | CNTHCTL_EL2_EL1PCEN)
    msr     cnthctl_el2, x0
    msr     cntvoff_el2, xzr
    mov     x0, #CPTR_EL2_NONE
    msr     cptr_el2, x0
    msr     hstr_el2, xzr
    mrs     x0, pmcr_el0                /* all event counters belong to EL1 (MDCR_EL2.HPMN) */
    ubfx    x0, x0, #11, #5
    msr     mdcr_el2, x0
    mrs     x0, midr_el1
    msr     vpidr_el2, x0
    mrs     x0, mpidr_el1
    msr     vmpidr_el2, x0
    msr     vttbr_el2, xzr
    mov     x0, #SPSR_EL1H_MASKED
    msr     spsr_el2, x0
    msr     elr_el2, x30
    isb
    eret
1:  ret

/* Invalidates data cache lines of [x0, x1) to the point of coherency (ARM ARM D7.5.9). */
start_invalidate:
    dmb     sy
    mrs     x2, ctr_el0
    ubfx    x2, x2, #16, #4             /* DminLine: log2 of words in the smallest line */
    mov     x3, #4
    lsl     x2, x3, x2
1:  dc      ivac, x0
    add     x0, x0, x2
    cmp     x0, x1
    b.lo    1b
    dsb     sy
    ret

    .ltorg

    .section .early.stack, "aw", %nobits
    .skip   4096

/* The boot CPU's stack until it becomes a thread; in the upper half, as every stack (layout.h). */
    .section .bss.boot_stack, "aw", %nobits
    .balign LAYOUT_STACK_BYTES * 2
    .global boot_stack_guard            /* unmapped by kernel_main */
boot_stack_guard:
    .skip   LAYOUT_STACK_BYTES * 2
boot_stack_top:

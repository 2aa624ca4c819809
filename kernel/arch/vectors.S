/* SPDX-License-Identifier: MIT */
/*
 * Exception vectors (ARM ARM D1.3.1.5) and the context switch.
 *
 * Each exception pushes a struct trap_frame whose last member is a frame record that links to
 * the interrupted code, so that frame walks go through exceptions; a walker knows the frame by the
 * return address trap_return. Handlers run on the stack of the thread they interrupt.
 */
#include "layout.h"

#define FRAME_BYTES 288
#define FRAME_SP 248
#define FRAME_PC 256
#define FRAME_RECORD 272

    .macro  save_frame
    stp     x0, x1, [sp, #16 * 0]
    stp     x2, x3, [sp, #16 * 1]
    stp     x4, x5, [sp, #16 * 2]
    stp     x6, x7, [sp, #16 * 3]
    stp     x8, x9, [sp, #16 * 4]
    stp     x10, x11, [sp, #16 * 5]
    stp     x12, x13, [sp, #16 * 6]
    stp     x14, x15, [sp, #16 * 7]
    stp     x16, x17, [sp, #16 * 8]
    stp     x18, x19, [sp, #16 * 9]
    stp     x20, x21, [sp, #16 * 10]
    stp     x22, x23, [sp, #16 * 11]
    stp     x24, x25, [sp, #16 * 12]
    stp     x26, x27, [sp, #16 * 13]
    stp     x28, x29, [sp, #16 * 14]
    add     x1, sp, #FRAME_BYTES
    stp     x30, x1, [sp, #16 * 15]
    mrs     x2, elr_el1
    mrs     x3, spsr_el1
    stp     x2, x3, [sp, #FRAME_PC]
    stp     x29, x2, [sp, #FRAME_RECORD]
    add     x29, sp, #FRAME_RECORD
    .endm

/*
 * One of the 16 entries. With the stack pointer inside a stack the bit LAYOUT_STACK_BYTES is set
 * (layout.h); clear, it has run into the guard, and nothing may be pushed there.
 */
    .macro  entry handler, kind
    .balign 128
    sub     sp, sp, #FRAME_BYTES
    add     sp, sp, x0                  /* sp + x0 and x0, without a free register: */
    sub     x0, sp, x0                  /* x0 = sp */
    tst     x0, #LAYOUT_STACK_BYTES
    sub     x0, sp, x0                  /* x0 = x0 */
    sub     sp, sp, x0                  /* sp = sp */
    b.eq    stack_overflow
    save_frame
    mov     x1, #\kind
    b       \handler
    .endm

    .section .text.vectors, "ax"
    .balign 2048
    .global arch_vectors
arch_vectors:
    .set    kind, 0
    .rept   4                           /* current EL with SP_EL0: never used */
    entry   trap_fatal, kind
    .set    kind, kind + 1
    .endr
    entry   trap_sync, 4                /* current EL with SP_EL1 */
    entry   trap_irq, 5
    entry   trap_fatal, 6
    entry   trap_fatal, 7
    .set    kind, 8
    .rept   8                           /* lower ELs: there are none */
    entry   trap_fatal, kind
    .set    kind, kind + 1
    .endr

trap_sync:
trap_fatal:
    mov     x0, sp
    bl      trap_handle_fatal
    b       .

trap_irq:
    bl      trap_handle_irq
    .global trap_return
    .type   trap_return, %function
trap_return:
    ldp     x2, x3, [sp, #FRAME_PC]
    msr     elr_el1, x2
    msr     spsr_el1, x3
    ldp     x2, x3, [sp, #16 * 1]
    ldp     x4, x5, [sp, #16 * 2]
    ldp     x6, x7, [sp, #16 * 3]
    ldp     x8, x9, [sp, #16 * 4]
    ldp     x10, x11, [sp, #16 * 5]
    ldp     x12, x13, [sp, #16 * 6]
    ldp     x14, x15, [sp, #16 * 7]
    ldp     x16, x17, [sp, #16 * 8]
    ldp     x18, x19, [sp, #16 * 9]
    ldp     x20, x21, [sp, #16 * 10]
    ldp     x22, x23, [sp, #16 * 11]
    ldp     x24, x25, [sp, #16 * 12]
    ldp     x26, x27, [sp, #16 * 13]
    ldp     x28, x29, [sp, #16 * 14]
    ldr     x30, [sp, #16 * 15]
    ldp     x0, x1, [sp, #16 * 0]
    add     sp, sp, #FRAME_BYTES
    eret

/* On the CPU's emergency stack (TPIDR_EL1 + 0 holds its top), since its own is used up. */
stack_overflow:
    msr     tpidrro_el0, x0             /* free to use: there is no EL0 */
    mov     x0, sp
    msr     tpidr_el0, x0
    mrs     x0, tpidr_el1
    ldr     x0, [x0]
    mov     sp, x0
    mrs     x0, tpidrro_el0
    sub     sp, sp, #FRAME_BYTES
    save_frame
    mrs     x1, tpidr_el0
    add     x1, x1, #FRAME_BYTES
    str     x1, [sp, #FRAME_SP]
    mov     x0, sp
    mov     x1, #16
    bl      trap_handle_fatal
    b       .

    .text
/* context_switch(struct context *from, const struct context *to, void *thread) */
    .global context_switch
    .type   context_switch, %function
context_switch:
    mov     x9, sp
    stp     x19, x20, [x0, #16 * 0]
    stp     x21, x22, [x0, #16 * 1]
    stp     x23, x24, [x0, #16 * 2]
    stp     x25, x26, [x0, #16 * 3]
    stp     x27, x28, [x0, #16 * 4]
    stp     x29, x30, [x0, #16 * 5]
    str     x9, [x0, #16 * 6]
    ldp     x19, x20, [x1, #16 * 0]
    ldp     x21, x22, [x1, #16 * 1]
    ldp     x23, x24, [x1, #16 * 2]
    ldp     x25, x26, [x1, #16 * 3]
    ldp     x27, x28, [x1, #16 * 4]
    ldp     x29, x30, [x1, #16 * 5]
    ldr     x9, [x1, #16 * 6]
    mov     sp, x9
    msr     sp_el0, x2
    ret

/*
 * The first return of a thread comes here: x19 is its body. What is called first works further down
 * on the stack: the frames that a thread sleeps in have gaps, and what it left there would be taken
 * for references.
 */
    .global context_begin
    .type   context_begin, %function
context_begin:
    mov     x29, xzr
    mov     x30, xzr
    sub     sp, sp, #1024
    bl      thread_finish_switch
    add     sp, sp, #1024
    mov     x0, x19
    bl      thread_begin
    b       .

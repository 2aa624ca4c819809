/* SPDX-License-Identifier: MIT */
/*
 * The gates through which the nucleus itself calls components, and the two ends of a gate that
 * leads nowhere.
 */

    .macro  gate name
    .global \name
    .type   \name, %function
\name:
    b       gate_unbound
    adr     x16, \name
    b       gate_park
    .word   gate_number
    .set    gate_number, gate_number + 1
    .pushsection .rodata.gate_names, "a"
    .asciz  "\name"
    .popsection
    .endm

    .section .rodata.gate_names, "a"
    .global gate_static_names
gate_static_names:

    .section .gates.static, "ax"
    .balign 16
    .set    gate_number, 0
    gate    scheduler_enqueue
    gate    scheduler_pick
    gate    scheduler_tick
    gate    irqchip_start_cpu
    gate    irqchip_enable
    gate    irqchip_disable
    gate    irqchip_acknowledge
    gate    irqchip_end
    gate    irqchip_send_ipi
    gate    clock_start_cpu
    gate    clock_arm
    gate    clock_cancel
    gate    clock_revoke
    gate    clock_count
    gate    heap_revoke
    gate    heap_read_account

    .section .rodata.gate_names, "a"
    .byte   0

    .text
/* What a gate leads to when nobody provides it: every interface function returns an int. */
    .global gate_unbound
    .type   gate_unbound, %function
gate_unbound:
    mov     x0, #-88                    /* -ENOSYS; gate.c checks the number */
    ret

/*
 * A closed gate's way: x16 holds the gate. Arguments are x0 to x7 and x8 (AAPCS64 6.8.2); nothing
 * here uses FP or SIMD. The frame record keeps the walk exact.
 */
    .global gate_park
    .type   gate_park, %function
gate_park:
    stp     x29, x30, [sp, #-96]!
    mov     x29, sp
    stp     x0, x1, [sp, #16]
    stp     x2, x3, [sp, #32]
    stp     x4, x5, [sp, #48]
    stp     x6, x7, [sp, #64]
    str     x8, [sp, #80]
    mov     x0, x16
    bl      gate_wait
    mov     x16, x0
    ldp     x0, x1, [sp, #16]
    ldp     x2, x3, [sp, #32]
    ldp     x4, x5, [sp, #48]
    ldp     x6, x7, [sp, #64]
    ldr     x8, [sp, #80]
    ldp     x29, x30, [sp], #96
    br      x16

/*
 * A guarded gate's way: x16 holds the gate. Leaves a struct guard_frame on the stack, by which
 * contain.c finds the way back when the callee faults. Results are x0, x1 (or where x8 pointed).
 */
#define GUARD_BYTES 208
#define GUARD_DAIF 176

    .global gate_guard
    .type   gate_guard, %function
gate_guard:
    stp     x29, x30, [sp, #-GUARD_BYTES]!
    mov     x29, sp
    stp     x0, x1, [sp, #16]
    stp     x2, x3, [sp, #32]
    stp     x4, x5, [sp, #48]
    stp     x6, x7, [sp, #64]
    stp     x8, x16, [sp, #80]
    stp     x19, x20, [sp, #96]
    stp     x21, x22, [sp, #112]
    stp     x23, x24, [sp, #128]
    stp     x25, x26, [sp, #144]
    stp     x27, x28, [sp, #160]
    mov     x0, sp
    bl      gate_note_guard
    mov     x17, x0
    ldp     x0, x1, [sp, #16]
    ldp     x2, x3, [sp, #32]
    ldp     x4, x5, [sp, #48]
    ldp     x6, x7, [sp, #64]
    ldr     x8, [sp, #80]
    blr     x17
    .global gate_guard_return
gate_guard_return:
    ldp     x29, x30, [sp], #GUARD_BYTES
    ret

/* gate_guard_resume(const struct guard_frame *frame, uint64_t pc), interrupts off */
    .global gate_guard_resume
    .type   gate_guard_resume, %function
gate_guard_resume:
    mov     x17, x1
    mov     x9, x0
    ldr     x10, [x9, #GUARD_DAIF]
    ldp     x29, x30, [x9]
    ldp     x0, x1, [x9, #16]
    ldp     x2, x3, [x9, #32]
    ldp     x4, x5, [x9, #48]
    ldp     x6, x7, [x9, #64]
    ldp     x8, x16, [x9, #80]
    ldp     x19, x20, [x9, #96]
    ldp     x21, x22, [x9, #112]
    ldp     x23, x24, [x9, #128]
    ldp     x25, x26, [x9, #144]
    ldp     x27, x28, [x9, #160]
    add     sp, x9, #GUARD_BYTES
    msr     daif, x10
    br      x17

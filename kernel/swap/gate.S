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

/* Arguments are x0 to x7 and x8 (AAPCS64 6.8.2), x16 is the gate; nothing here uses FP or SIMD. */
    .macro  for_arguments instruction, base
    \instruction x0, x1, [\base, #16]
    \instruction x2, x3, [\base, #32]
    \instruction x4, x5, [\base, #48]
    \instruction x6, x7, [\base, #64]
    \instruction x8, x16, [\base, #80]
    .endm

    .macro  for_preserved instruction, base
    \instruction x19, x20, [\base, #96]
    \instruction x21, x22, [\base, #112]
    \instruction x23, x24, [\base, #128]
    \instruction x25, x26, [\base, #144]
    \instruction x27, x28, [\base, #160]
    .endm

/* A closed gate's way: x16 holds the gate. The frame record keeps the walk exact. */
    .global gate_park
    .type   gate_park, %function
gate_park:
    stp     x29, x30, [sp, #-96]!
    mov     x29, sp
    for_arguments stp, sp
    mov     x0, x16
    bl      gate_wait
    mov     x17, x0
    for_arguments ldp, sp
    ldp     x29, x30, [sp], #96
    br      x17

/*
 * A traced gate's way: x16 holds the gate. Leaves a struct trace_frame on the stack. Where the gate
 * leads is loaded last: who is found at gate_trace_branch has it in x17, see walk.h.
 */
#define TRACE_BYTES 128

    .global gate_trace
    .type   gate_trace, %function
gate_trace:
    stp     x29, x30, [sp, #-TRACE_BYTES]!
    mov     x29, sp
    for_arguments stp, sp
    mov     x0, sp
    bl      gate_note_call
    mov     x17, x0
    for_arguments ldp, sp
    adr     x30, gate_trace_return
    ldr     x17, [x17]
    .global gate_trace_branch
gate_trace_branch:
    br      x17

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
    for_arguments stp, sp
    for_preserved stp, sp
    mov     x0, sp
    bl      gate_note_guard
    mov     x17, x0
    for_arguments ldp, sp
    blr     x17
    .global gate_guard_return
gate_guard_return:
    ldp     x29, x30, [sp], #GUARD_BYTES
    ret

gate_trace_return:
    stp     x0, x1, [sp, #112]
    mov     x0, sp
    bl      gate_note_return
    ldp     x0, x1, [sp, #112]
    ldp     x29, x30, [sp], #TRACE_BYTES
    ret

/* gate_guard_resume(const struct guard_frame *frame, uint64_t pc), interrupts off */
    .global gate_guard_resume
    .type   gate_guard_resume, %function
gate_guard_resume:
    mov     x17, x1
    mov     x9, x0
    ldr     x10, [x9, #GUARD_DAIF]
    ldp     x29, x30, [x9]
    for_arguments ldp, x9
    for_preserved ldp, x9
    add     sp, x9, #GUARD_BYTES
    msr     daif, x10
    br      x17

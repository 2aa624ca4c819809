/* SPDX-License-Identifier: MIT */
/*
 * memset, memcpy and memmove as the C standard has them, for the nucleus and, lent, for components.
 * picolibc's go byte by byte; staging a package clears and copies some hundred KiB.
 *
 * Only for normal memory: what they are given may have any address, and accesses are as wide as
 * they can be. memset aligns its stores, since it is called before translation is on.
 */
    .text

    .global memset
    .type   memset, %function
memset:
    mov     x3, x0
    and     x1, x1, #0xff
    orr     x1, x1, x1, lsl #8
    orr     x1, x1, x1, lsl #16
    orr     x1, x1, x1, lsl #32
1:  cbz     x2, 9f                      /* bytes up to a multiple of 16 */
    tst     x3, #15
    b.eq    2f
    strb    w1, [x3], #1
    sub     x2, x2, #1
    b       1b
2:  subs    x2, x2, #64
    b.lo    4f
3:  stp     x1, x1, [x3]
    stp     x1, x1, [x3, #16]
    stp     x1, x1, [x3, #32]
    stp     x1, x1, [x3, #48]
    add     x3, x3, #64
    subs    x2, x2, #64
    b.hs    3b
4:  tbz     x2, #5, 5f                  /* x2 is the rest less 64: its low bits are the rest's */
    stp     x1, x1, [x3], #16
    stp     x1, x1, [x3], #16
5:  tbz     x2, #4, 6f
    stp     x1, x1, [x3], #16
6:  ands    x2, x2, #15
    b.eq    9f
7:  strb    w1, [x3], #1
    subs    x2, x2, #1
    b.ne    7b
9:  ret
    .size   memset, . - memset

/* Upwards, each block read before it is written: right too when the target is the lower one. */
    .global memcpy
    .type   memcpy, %function
memcpy:
    mov     x3, x0
copy_upwards:
    subs    x2, x2, #64
    b.lo    2f
1:  ldp     x4, x5, [x1]
    ldp     x6, x7, [x1, #16]
    ldp     x8, x9, [x1, #32]
    ldp     x10, x11, [x1, #48]
    add     x1, x1, #64
    stp     x4, x5, [x3]
    stp     x6, x7, [x3, #16]
    stp     x8, x9, [x3, #32]
    stp     x10, x11, [x3, #48]
    add     x3, x3, #64
    subs    x2, x2, #64
    b.hs    1b
2:  tbz     x2, #5, 3f
    ldp     x4, x5, [x1], #16
    ldp     x6, x7, [x1], #16
    stp     x4, x5, [x3], #16
    stp     x6, x7, [x3], #16
3:  tbz     x2, #4, 4f
    ldp     x4, x5, [x1], #16
    stp     x4, x5, [x3], #16
4:  tbz     x2, #3, 5f
    ldr     x4, [x1], #8
    str     x4, [x3], #8
5:  tbz     x2, #2, 6f
    ldr     w4, [x1], #4
    str     w4, [x3], #4
6:  ands    x2, x2, #3
    b.eq    9f
7:  ldrb    w4, [x1], #1
    strb    w4, [x3], #1
    subs    x2, x2, #1
    b.ne    7b
9:  ret
    .size   memcpy, . - memcpy

    .global memmove
    .type   memmove, %function
memmove:
    mov     x3, x0
    sub     x4, x0, x1
    cmp     x4, x2                      /* no overlap from above: as unsigned numbers */
    b.hs    copy_upwards
    add     x1, x1, x2                  /* downwards */
    add     x3, x3, x2
    subs    x2, x2, #16
    b.lo    2f
1:  ldp     x4, x5, [x1, #-16]!
    stp     x4, x5, [x3, #-16]!
    subs    x2, x2, #16
    b.hs    1b
2:  ands    x2, x2, #15
    b.eq    9f
3:  ldrb    w4, [x1, #-1]!
    strb    w4, [x3, #-1]!
    subs    x2, x2, #1
    b.ne    3b
9:  ret
    .size   memmove, . - memmove

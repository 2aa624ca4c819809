/* SPDX-License-Identifier: MIT */
/*
 * Where things lie in the kernel's address space; shared by C, assembly and the linker script.
 *
 * TTBR1_EL1 covers the top 512 GiB (39 bits, 4 KiB granule, three levels):
 *
 *   ffffff80_00000000  all RAM, in 2 MiB blocks, writable, never executable
 *   ffffffff_80000000  areas: stacks, states, device registers, windows; 4 KiB pages with an
 *                      unmapped page before each
 *   ffffffff_c0000000  the nucleus block: text, constants, data, gates, arena. It is not in the
 *                      map of all RAM, so that nothing executable has a writable alias there
 *
 * Everything that a component's code refers to lies within 4 GiB (ADRP), everything it branches to
 * within 128 MiB (B, BL). TTBR0_EL1 maps nothing once a CPU runs here: NULL is not mapped.
 */
#pragma once

#define LAYOUT_VA_BITS 39
#define LAYOUT_LINEAR_VA 0xffffff8000000000
#define LAYOUT_LINEAR_BYTES 0x200000000 /* 8 GiB, as the largest board has */
#define LAYOUT_AREA_VA 0xffffffff80000000
#define LAYOUT_AREA_BYTES 0x20000000 /* 512 MiB */
#define LAYOUT_KERNEL_VA 0xffffffffc0000000

#define LAYOUT_BLOCK_BYTES 0x200000
#define LAYOUT_GATE_BYTES 16

/* The nucleus block must be small enough for every branch in it to reach. */
#define LAYOUT_KERNEL_BYTES_MAX 0x6000000 /* 96 MiB */

/*
 * Blocks of LAYOUT_BLOCK_BYTES for which there are tables: what the configuration sizes (a gate
 * with its record in gate.c takes at most 256 bytes), and 2 MiB for code and all other data.
 */
#define LAYOUT_KERNEL_BLOCKS                                                                       \
    (((CONFIG_ARENA_KIB + CONFIG_LOG_RING_KIB) * 1024 + CONFIG_GATES * 256) / LAYOUT_BLOCK_BYTES + \
     2)

/* A stack lies in the upper half of an aligned double of its size: bit tells overflow. */
#define LAYOUT_STACK_BYTES (CONFIG_THREAD_STACK_KIB * 1024)

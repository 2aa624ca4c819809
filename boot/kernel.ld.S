/* SPDX-License-Identifier: MIT */
/*
 * The nucleus block: one run of memory from a 2 MiB boundary on, linked at LAYOUT_KERNEL_VA. It
 * holds the nucleus, the gates and the arena in which component images live; what the file does not
 * hold (from __bss_begin on) is counted in the size that the Image header states.
 */
#include "../kernel/arch/layout.h"

OUTPUT_ARCH(aarch64)
ENTRY(_start)

PHDRS
{
    text PT_LOAD FLAGS(5);
    rodata PT_LOAD FLAGS(4);
    data PT_LOAD FLAGS(6);
    gates PT_LOAD FLAGS(5);
}

SECTIONS
{
    . = LAYOUT_KERNEL_VA;
    __kernel_begin = .;

    .text : ALIGN(4096) {
        __text_begin = .;
        KEEP(*(.text.start))
        __vectors_begin = .;
        *(.text.vectors)
        __vectors_end = .;
        *(.text .text.*)
        . = ALIGN(4096);
        __text_end = .;
    } :text

    .gates : ALIGN(4096) {
        __gates_begin = .;
        KEEP(*(.gates.static))
        __gates_static_end = .;
        . = __gates_begin + CONFIG_GATES * LAYOUT_GATE_BYTES;
        . = ALIGN(4096);
        __gates_end = .;
    } :gates

    .rodata : ALIGN(4096) {
        __rodata_begin = .;
        *(EXCLUDE_FILE(*symbols*.o) .rodata EXCLUDE_FILE(*symbols*.o) .rodata.*)
    } :rodata

    .data : ALIGN(4096) {
        __data_begin = .;
        *(.data .data.* .got .got.plt)
        . = ALIGN(4096);
        __data_file_end = .;
    } :data

    /* Filled in by the second link; nothing that comes before it moves. */
    .rodata.symbols : ALIGN(4096) {
        __symbols_begin = .;
        KEEP(*(.rodata.symbols))
        . = ALIGN(4096);
        __symbols_end = .;
    } :rodata
    __file_end = .;

    .bss (NOLOAD) : ALIGN(4096) {
        __bss_begin = .;
        *(.bss .bss.* COMMON)
        . = ALIGN(4096);
        /* Written before the caches are on, and not zeroed with the rest. */
        __early_begin = .;
        *(.early)
        . = ALIGN(4096);
        __early_tables_end = .;
        *(.early.stack)
        . = ALIGN(4096);
        __early_end = .;
        __bss_end = .;
    } :data

    /*
     * The arena takes what is asked for, and the rest of the last 2 MiB. It is no section: what a
     * debugger finds there are the sections of components.
     */
    . = ALIGN(4096);
    __arena_begin = .;
    . += CONFIG_ARENA_KIB * 1024;
    . = ALIGN(LAYOUT_BLOCK_BYTES);
    __arena_end = .;
    __kernel_end = .;
    __kernel_bytes = __kernel_end - __kernel_begin;

    /DISCARD/ : { *(.comment) *(.note*) *(.eh_frame*) *(.neurath.interfaces) }
}

ASSERT(__gates_static_end <= __gates_end, "CONFIG_GATES is too small for the nucleus")
ASSERT(__kernel_end - __kernel_begin <= LAYOUT_KERNEL_BYTES_MAX, "branches would not reach")
ASSERT(__kernel_end - __kernel_begin <= LAYOUT_KERNEL_BLOCKS * LAYOUT_BLOCK_BYTES,
       "LAYOUT_KERNEL_BLOCKS: too few tables for the nucleus block")

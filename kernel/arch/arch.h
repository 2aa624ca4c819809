/* SPDX-License-Identifier: MIT */
/*
 * What the rest of the nucleus uses of AArch64: exception frames, context switch, caches,
 * translation tables, frame records. See each function's source for the manual's section.
 */
#pragma once

#include "layout.h"
#include "registers.h"

/* Symbols of boot/kernel.ld.S. */
extern char __kernel_begin[], __kernel_end[], __text_begin[], __text_end[], __gates_begin[],
    __gates_end[], __gates_static_end[], __rodata_begin[], __data_begin[], __data_file_end[],
    __symbols_begin[], __symbols_end[], __bss_begin[], __bss_end[], __arena_begin[], __arena_end[],
    __vectors_begin[], __vectors_end[], __early_begin[], __early_tables_end[], __early_end[];

/* A frame record (AAPCS64, 6.4.6): what x29 points at. */
struct frame_record {
    const struct frame_record *next;
    uint64_t return_address;
};

/*
 * What the vectors push. record links to the interrupted code's frame: its return address is the
 * interrupted pc. It lies last, at the address that x29 holds inside the handler.
 */
struct trap_frame {
    uint64_t x[31];
    uint64_t sp;
    uint64_t pc;
    uint64_t pstate;
    struct frame_record record;
};
static_assert(sizeof(struct trap_frame) == 288, "vectors.S");
static_assert(offsetof(struct trap_frame, record) == 272, "vectors.S");

/* Registers that a function call preserves; where a thread that does not run goes on. */
struct context {
    uint64_t x19_x28[10];
    uint64_t fp;
    uint64_t lr;
    uint64_t sp;
};
static_assert(offsetof(struct context, sp) == 96, "vectors.S");

/* Saves the caller's registers into *from and goes on with *to; sets SP_EL0 = the current thread.
 */
void context_switch(struct context *from, const struct context *to, void *thread);
/* Where a new thread begins: calls x19(x20). */
void context_begin(void);

/* Kernel and physical addresses of RAM (linear map) and of the nucleus block. */
extern uint64_t kernel_pa;
static inline void *linear_va(uint64_t pa)
{
    return (void *)(LAYOUT_LINEAR_VA + pa);
}
static inline uint64_t linear_pa(const void *va)
{
    return (uint64_t)va - LAYOUT_LINEAR_VA;
}
static inline uint64_t kernel_image_pa(const void *va)
{
    return (uint64_t)va - LAYOUT_KERNEL_VA + kernel_pa;
}

/* How 4 KiB pages may be mapped. There is no way to say writable and executable. */
enum mmu_access {
    MMU_READ_EXECUTE,
    MMU_READ_ONLY,
    MMU_READ_WRITE,
    MMU_DEVICE,
    MMU_UNCACHED, /* written by the CPU, read by what does not see its caches */
};

/* Entered from start.S, translation off: the first tables, for the nucleus block at pa. */
void mmu_build_early(uint64_t pa);
/* Maps RAM [pa, pa + bytes), whole 2 MiB blocks, into the linear map; boot only. */
void mmu_map_linear(uint64_t pa, uint64_t bytes);
/* Maps the 4 MiB around pa read-only before the linear map exists; returns pa's address. */
const void *mmu_map_boot(uint64_t pa);
/* Maps `pages` pages of the nucleus block or the areas. -ENOMEM: no page for a table. */
int mmu_map(uint64_t va, uint64_t pa, size_t pages, enum mmu_access access);
/* Unmaps, and drops the entries from the TLBs of all CPUs. */
void mmu_unmap(uint64_t va, size_t pages);
/* The physical address behind a readable kernel address; MMU_NO_PA: it cannot be read. */
#define MMU_NO_PA UINT64_MAX
uint64_t mmu_translate(uint64_t va);

/* What the tables say now, all of them walked. Pages of 4 KiB; a block counts as all of its pages.
 */
struct mmu_census {
    uint32_t executable, writable;
    uint32_t both;    /* writable and executable by the same mapping: never */
    uint32_t aliased; /* executable here, writable through another mapping: only while written */
};
void mmu_count(struct mmu_census *census);
/* A hash of the arena's entries. */
uint64_t mmu_hash_arena(void);

/* Makes code written at [va, va + bytes) visible to instruction fetch of all CPUs. */
void cache_sync_code(const void *va, size_t bytes);
/* The parts of that for one word among many: clean, then (after one dsb) invalidate. */
void cache_clean_word(const void *va);
void cache_invalidate_code_word(const void *va);
static inline void cache_barrier(void)
{
    asm volatile("dsb ish" ::: "memory");
}
static inline void cpu_synchronize(void)
{
    asm volatile("isb" ::: "memory");
}
/*
 * Clears where the frame of the next call will lie: it has gaps, and what others have left there
 * would be taken for references while the thread sleeps in it. Interrupts off.
 */
static inline void stack_clear_below(void)
{
    asm volatile(".irp n, 16, 32, 48, 64, 80\n\t"
                 "stp xzr, xzr, [sp, #-\\n]\n\t"
                 ".endr" ::
                     : "memory");
}

/* Cleans and invalidates data to the point of coherency: for observers with caches off. */
void cache_flush_data(const void *va, size_t bytes);
/* Zeroes whole lines of normal memory, with its caches on: pages. */
void cache_zero(void *va, size_t bytes);

/* The vectors (vectors.S). */
extern char arch_vectors[], trap_return[];
extern char gate_trace_branch[]; /* swap/gate.S: x17 holds where it leads */

/* SPDX-License-Identifier: MIT */
/*
 * Cache maintenance. Instruction and data caches of the Cortex-A72 are not coherent: what was
 * written as data must be cleaned to the point of unification, then invalidated for fetch, by
 * address, on all CPUs (ARM ARM B2.4.4, "Concurrent modification and execution of instructions",
 * and B2.2.5). Each CPU that may run the code then needs an isb.
 */
#include <string.h>

#include "../nucleus.h"

static size_t data_line_bytes(void)
{
    return 4ul << (REGISTER_READ(ctr_el0) >> 16 & 15); /* CTR_EL0.DminLine */
}

static size_t code_line_bytes(void)
{
    return 4ul << (REGISTER_READ(ctr_el0) & 15); /* CTR_EL0.IminLine */
}

void cache_clean_word(const void *va)
{
    asm volatile("dc cvau, %0" ::"r"(va) : "memory");
}

void cache_invalidate_code_word(const void *va)
{
    asm volatile("ic ivau, %0" ::"r"(va) : "memory");
}

void cache_sync_code(const void *va, size_t bytes)
{
    uint64_t end = (uint64_t)va + bytes;
    size_t line = data_line_bytes();
    for (uint64_t at = ALIGN_DOWN((uint64_t)va, line); at < end; at += line) {
        cache_clean_word((const void *)at);
    }
    cache_barrier();
    line = code_line_bytes();
    for (uint64_t at = ALIGN_DOWN((uint64_t)va, line); at < end; at += line) {
        cache_invalidate_code_word((const void *)at);
    }
    cache_barrier();
    cpu_synchronize();
}

void cache_flush_data(const void *va, size_t bytes)
{
    size_t line = data_line_bytes();
    for (uint64_t at = ALIGN_DOWN((uint64_t)va, line); at < (uint64_t)va + bytes; at += line) {
        asm volatile("dc civac, %0" ::"r"(at) : "memory");
    }
    asm volatile("dsb sy" ::: "memory");
}

void cache_zero(void *va, size_t bytes)
{
    /* DCZID_EL0.BS: so many words of four bytes. DC ZVA may be prohibited by EL2: DZP. */
    uint64_t id = REGISTER_READ(dczid_el0), end = (uint64_t)va + bytes;
    uint64_t block = 4ul << (id & 15);
    if (id & 16 || 4 * block > PAGE_BYTES) {
        memset(va, 0, bytes);
        return;
    }
    for (uint64_t at = (uint64_t)va; at < end; at += 4 * block) {
        asm volatile("dc zva, %0\n\tdc zva, %1\n\tdc zva, %2\n\tdc zva, %3" ::"r"(at),
                     "r"(at + block), "r"(at + 2 * block), "r"(at + 3 * block)
                     : "memory");
    }
}

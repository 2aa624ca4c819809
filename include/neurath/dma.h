/* SPDX-License-Identifier: MIT */
/*
 * Memory that a device reads or writes by itself, beside the CPU's caches.
 *
 *     fill the buffer; dma_clean(buffer, bytes); tell the device
 *     the device is done; dma_invalidate(buffer, bytes); read the buffer
 *
 * The SoC's masters do not snoop the CPUs' caches. A buffer is DMA_ALIGNMENT-aligned and has a
 * multiple of that size, so that it shares no cache line with anything else: pages are so.
 * Context of all: any.
 */
#pragma once

#include <errno.h>
#include <neurath/cpu.h>

#define DMA_ALIGNMENT 64u /* a line of the Cortex-A72's caches */

/*
 * What masters of the SoC's old bus (VideoCore, DMA 0-10, USB) can address is the first GiB of
 * RAM; they see it at this address, past the VideoCore's own caches (BCM2711 ARM Peripherals, 1.2.4
 * "Legacy master addresses").
 */
#define DMA_LEGACY_BUS 0xc0000000u
#define DMA_LEGACY_BYTES 0x40000000u

#ifdef __aarch64__
/* To the point of coherency, D7.5.9: what was written is in memory then. */
static inline void dma_clean(const volatile void *buffer, size_t bytes)
{
    uintptr_t end = (uintptr_t)buffer + bytes;
    for (uintptr_t at = ALIGN_DOWN((uintptr_t)buffer, DMA_ALIGNMENT); at < end;
         at += DMA_ALIGNMENT) {
        asm volatile("dc cvac, %0" ::"r"(at) : "memory");
    }
    asm volatile("dsb sy" ::: "memory");
}

/* Cleaned as well, so that a wrongly shared line costs nobody his bytes. */
static inline void dma_invalidate(const volatile void *buffer, size_t bytes)
{
    uintptr_t end = (uintptr_t)buffer + bytes;
    asm volatile("dsb sy" ::: "memory");
    for (uintptr_t at = ALIGN_DOWN((uintptr_t)buffer, DMA_ALIGNMENT); at < end;
         at += DMA_ALIGNMENT) {
        asm volatile("dc civac, %0" ::"r"(at) : "memory");
    }
    asm volatile("dsb sy" ::: "memory");
}

/* The physical address behind an address that can be written; UINT64_MAX: it cannot. */
static inline uint64_t dma_physical(const volatile void *address)
{
    uint64_t result;
    uint64_t daif = cpu_irq_save(); /* PAR_EL1 belongs to the CPU, not to the thread */
    asm volatile("at s1e1w, %1\n\tisb\n\tmrs %0, par_el1" : "=r"(result) : "r"(address) : "memory");
    cpu_irq_restore(daif);
    return result & 1 ? UINT64_MAX : (result & 0x0000fffffffff000) | ((uintptr_t)address & 0xfff);
}
#else /* a component under test on the host: its addresses are low, and its device has no caches   \
       */
static inline void dma_clean(const volatile void *buffer, size_t bytes)
{
    (void)buffer;
    (void)bytes;
}

static inline void dma_invalidate(const volatile void *buffer, size_t bytes)
{
    (void)buffer;
    (void)bytes;
}

static inline uint64_t dma_physical(const volatile void *address)
{
    return (uintptr_t)address;
}
#endif

/*
 * *bus: the address under which a legacy master finds a buffer that is contiguous in RAM, as pages
 * are. -EFAULT: it is not mapped, or not all within the first GiB.
 */
static inline int dma_legacy_address(const volatile void *buffer, size_t bytes, uint32_t *bus)
{
    uint64_t pa = dma_physical(buffer);
    if (pa >= DMA_LEGACY_BYTES || bytes > DMA_LEGACY_BYTES - pa) {
        return -EFAULT;
    }
    *bus = DMA_LEGACY_BUS | (uint32_t)pa;
    return 0;
}

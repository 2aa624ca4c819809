/* SPDX-License-Identifier: MIT */
/*
 * Devices from the device tree, and access to their registers.
 *
 * A component claims a node; the claim makes it the owner, and maps the registers as
 * Device-nGnRE memory. Nodes whose status is not "okay" are not found.
 */
#pragma once

#include <neurath/compiler.h>

struct component;

struct device {
    int node;            /* offset in the device tree */
    volatile void *base; /* registers (first reg entry), mapped */
    uint64_t base_pa;    /* their physical address */
    uint64_t size_bytes; /* their size */
    int irq;             /* first interrupt, GIC number; < 0: none */
    bool is_console;     /* /chosen/stdout-path points at it */
};

/*
 * Finds the first node compatible with `compatible` that nobody has claimed, claims it, maps its
 * registers, and fills *device. -ENODEV: no such node (or all are claimed). -EINVAL: its reg
 * property makes no sense. -ENOMEM: no room for the mapping. Context: thread.
 */
NUCLEUS_API int device_claim_owned(const char *compatible, struct device *device,
                                   struct component *owner);
#define device_claim(compatible, device) device_claim_owned(compatible, device, this_component)

/* Maps register block `index` of a claimed device. As device_claim. Context: thread. */
NUCLEUS_API int device_map_owned(const struct device *device, unsigned index, volatile void **base,
                                 struct component *owner);
#define device_map(device, index, base) device_map_owned(device, index, base, this_component)

/*
 * Maps memory that belongs to a claimed device but to no node, as a frame buffer that the firmware
 * answers with: Normal non-cacheable, writable. It goes with the claim. -ENODEV: not the owner's
 * device. -EINVAL: no bytes, over 256 MiB, or it is RAM of ours. -ENOMEM: no room for the mapping,
 * or the claim has three already. Context: thread.
 */
NUCLEUS_API int device_map_memory_owned(const struct device *device, uint64_t pa, uint64_t bytes,
                                        volatile void **base, struct component *owner);
#define device_map_memory(device, pa, bytes, base)                                                 \
    device_map_memory_owned(device, pa, bytes, base, this_component)

/*
 * Reads cell `index` of a property of the device's node, of the bus that it is on: "../NAME", or of
 * a node in it: "NODE/NAME". -ENOENT: no such property or too short. Context: thread.
 */
NUCLEUS_API int device_read_u32(const struct device *device, const char *property, unsigned index,
                                uint32_t *value);

/*
 * The baud rate that the device tree wants for the console (/chosen/stdout-path). -ENOENT: it says
 * none. Context: thread.
 */
NUCLEUS_API int device_read_console_baud(uint32_t *baud);

/*
 * Lays a pin of the SoC's GPIO controller on one of its functions (BCM2711 ARM Peripherals, 5.2:
 * GPFSELn): 0 input, 1 output, 4 ALT0, 5 ALT1, 6 ALT2, 7 ALT3, 3 ALT4, 2 ALT5.
 * -EINVAL: pin > 57 or function > 7. Context: any.
 */
NUCLEUS_API int pin_set_function(unsigned pin, unsigned function);
#define PIN_INPUT 0u
#define PIN_OUTPUT 1u
#define PIN_ALT0 4u
#define PIN_ALT5 2u

/*
 * Register access, 32 bits, little-endian, with the barriers that order it against memory: a read
 * is complete before what follows, what precedes is visible before a write (ARM ARM B2.3).
 */
#ifdef __aarch64__
static inline uint32_t mmio_read32(const volatile void *base, size_t offset)
{
    uint32_t value = *(const volatile uint32_t *)((uintptr_t)base + offset);
    asm volatile("dmb oshld" ::: "memory");
    return value;
}

static inline void mmio_write32(volatile void *base, size_t offset, uint32_t value)
{
    asm volatile("dmb oshst" ::: "memory");
    *(volatile uint32_t *)((uintptr_t)base + offset) = value;
}

/* The same register count times, from or to words: a buffer that moves on by itself. */
static inline void mmio_read32_repeated(const volatile void *base, size_t offset, uint32_t *words,
                                        size_t count)
{
    const volatile uint32_t *port = (const volatile uint32_t *)((uintptr_t)base + offset);
    for (size_t i = 0; i < count; i++) {
        words[i] = *port;
    }
    asm volatile("dmb oshld" ::: "memory");
}

static inline void mmio_write32_repeated(volatile void *base, size_t offset, const uint32_t *words,
                                         size_t count)
{
    volatile uint32_t *port = (volatile uint32_t *)((uintptr_t)base + offset);
    asm volatile("dmb oshst" ::: "memory");
    for (size_t i = 0; i < count; i++) {
        *port = words[i];
    }
}
#else /* a driver under test on the host: the test has a model of the registers */
uint32_t mmio_read32(const volatile void *base, size_t offset);
void mmio_write32(volatile void *base, size_t offset, uint32_t value);
void mmio_read32_repeated(const volatile void *base, size_t offset, uint32_t *words, size_t count);
void mmio_write32_repeated(volatile void *base, size_t offset, const uint32_t *words, size_t count);
#endif

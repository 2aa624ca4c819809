/* SPDX-License-Identifier: MIT */
/*
 * The GIC-400 interrupt controller: a GICv2 (ARM IHI 0048B, "GICv2"; ARM DDI 0471B, "GIC-400").
 *
 * Shared interrupts go to CPU 0, level-sensitive, all at one priority. Private ones are switched
 * on and off for the calling CPU only, as the registers are banked. Groups are left as the firmware
 * set them: we see the non-secure side of the controller.
 *
 * Locking: none. Registers that are written while in use are of the kind where a written 1 acts
 * and a 0 does nothing.
 */
#include <errno.h>

#include <interface/irqchip.h>
#include <neurath/component.h>
#include <neurath/cpu.h>
#include <neurath/device.h>
#include <neurath/log.h>

/* Distributor, GICv2 table 4-1. */
#define GICD_CTLR 0x000u       /* 4.3.1: bit 0 forwards interrupts */
#define GICD_TYPER 0x004u      /* 4.3.2: bits 4:0: (interrupts / 32) - 1 */
#define GICD_ISENABLER 0x100u  /* 4.3.5: one bit each: 1 enables */
#define GICD_ICENABLER 0x180u  /* 4.3.6: 1 disables */
#define GICD_ICPENDR 0x280u    /* 4.3.8: 1 forgets */
#define GICD_ICACTIVER 0x380u  /* 4.3.10: 1 deactivates */
#define GICD_IPRIORITYR 0x400u /* 4.3.11: one byte each, lower is more urgent */
#define GICD_ITARGETSR 0x800u  /* 4.3.12: one byte each; the first 8 words read one's own CPU */
#define GICD_ICFGR 0xc00u      /* 4.3.13: two bits each: bit 1 clear is level-sensitive */
#define GICD_SGIR 0xf00u       /* 4.3.15: 23:16 CPU interfaces, 3:0 number */

/* CPU interface, GICv2 table 4-2. */
#define GICC_CTLR 0x00u /* 4.4.1: bit 0 signals interrupts to the CPU */
#define GICC_PMR 0x04u  /* 4.4.2: priorities below (more urgent than) this get through */
#define GICC_IAR 0x0cu  /* 4.4.4: 12:10 CPU that sent it, 9:0 number */
#define GICC_EOIR 0x10u /* 4.4.5: what IAR read */

#define SGI_COUNT 16u
#define PRIVATE_COUNT 32u
#define SPURIOUS_FIRST 1020u /* GICv2 3.2.5: 1020 to 1023 stand for none */
#define PRIORITY_ALL 0xa0a0a0a0u
#define PRIORITY_MASK_NONE 0xffu

struct gic400 {
    volatile void *distributor;
    volatile void *interface;
    uint32_t interrupts;               /* how many numbers there are */
    uint8_t interface_of_cpu[CPU_MAX]; /* its bit in target lists; 0: has not started */
};

STATE(struct gic400) state;

/* Readies the banked registers (numbers below 32) and the interface of the calling CPU. */
static void start_this_cpu(void)
{
    volatile void *gicd = state.distributor;
    unsigned cpu = cpu_current();
    uint32_t own_interface = mmio_read32(gicd, GICD_ITARGETSR) & 0xff;

    state.interface_of_cpu[cpu] = (uint8_t)(own_interface ? own_interface : 1u << cpu);
    mmio_write32(gicd, GICD_ICENABLER, ~((1u << SGI_COUNT) - 1));
    mmio_write32(gicd, GICD_ICACTIVER, UINT32_MAX);
    for (unsigned irq = 0; irq < PRIVATE_COUNT; irq += 4) {
        mmio_write32(gicd, GICD_IPRIORITYR + irq, PRIORITY_ALL);
    }
    mmio_write32(gicd, GICD_ISENABLER, (1u << SGI_COUNT) - 1);
    mmio_write32(state.interface, GICC_PMR, PRIORITY_MASK_NONE);
    mmio_write32(state.interface, GICC_CTLR, 1);
}

/* Readies the shared interrupts: all off, forgotten, level-sensitive, to the given CPU. */
static void start_distributor(uint32_t target)
{
    volatile void *gicd = state.distributor;
    for (unsigned irq = PRIVATE_COUNT; irq < state.interrupts; irq += 32) {
        mmio_write32(gicd, GICD_ICENABLER + irq / 8, UINT32_MAX);
        mmio_write32(gicd, GICD_ICPENDR + irq / 8, UINT32_MAX);
        mmio_write32(gicd, GICD_ICACTIVER + irq / 8, UINT32_MAX);
    }
    for (unsigned irq = PRIVATE_COUNT; irq < state.interrupts; irq += 16) {
        mmio_write32(gicd, GICD_ICFGR + irq / 4, 0);
    }
    for (unsigned irq = PRIVATE_COUNT; irq < state.interrupts; irq += 4) {
        mmio_write32(gicd, GICD_IPRIORITYR + irq, PRIORITY_ALL);
        mmio_write32(gicd, GICD_ITARGETSR + irq, target * 0x01010101u);
    }
}

int irqchip_start_cpu(void)
{
    start_this_cpu();
    return 0;
}

int irqchip_enable(unsigned irq)
{
    if (irq >= state.interrupts) {
        return -EINVAL;
    }
    mmio_write32(state.distributor, GICD_ISENABLER + irq / 32 * 4, 1u << irq % 32);
    return 0;
}

int irqchip_disable(unsigned irq)
{
    if (irq >= state.interrupts) {
        return -EINVAL;
    }
    mmio_write32(state.distributor, GICD_ICENABLER + irq / 32 * 4, 1u << irq % 32);
    return 0;
}

int irqchip_acknowledge(unsigned *irq, uint32_t *token)
{
    uint32_t accepted = mmio_read32(state.interface, GICC_IAR);
    uint32_t number = accepted & 0x3ff;
    if (number >= SPURIOUS_FIRST) {
        return -ENOENT;
    }
    *irq = number;
    *token = accepted;
    return 0;
}

int irqchip_end(uint32_t token)
{
    mmio_write32(state.interface, GICC_EOIR, token);
    return 0;
}

/* What was stored before is seen by whoever takes the interrupt that is sent next (ARM ARM B2.3).
 */
#ifdef __aarch64__
static void order_stores(void)
{
    asm volatile("dsb ishst" ::: "memory");
}
#else
static void order_stores(void)
{
}
#endif

int irqchip_send_ipi(uint32_t cpu_mask, unsigned irq)
{
    uint32_t targets = 0;
    if (irq >= SGI_COUNT || cpu_mask >> CPU_MAX) {
        return -EINVAL;
    }
    for (unsigned cpu = 0; cpu < CPU_MAX; cpu++) {
        if (cpu_mask & 1u << cpu) {
            targets |= state.interface_of_cpu[cpu];
        }
    }
    if (targets) {
        order_stores();
        mmio_write32(state.distributor, GICD_SGIR, targets << 16 | irq);
    }
    return 0;
}

static int start(void)
{
    struct device device;
    int result = device_claim("arm,gic-400", &device);
    if (result < 0) {
        return result;
    }
    result = device_map(&device, 1, &state.interface);
    if (result < 0) {
        return result;
    }
    state.distributor = device.base;
    state.interrupts = ((mmio_read32(state.distributor, GICD_TYPER) & 0x1f) + 1) * 32;
    state.interrupts = MIN(state.interrupts, SPURIOUS_FIRST);

    uint64_t daif = cpu_irq_save(); /* the banked registers must be those of one CPU */
    mmio_write32(state.distributor, GICD_CTLR, 0);
    start_this_cpu();
    start_distributor(state.interface_of_cpu[0] ? state.interface_of_cpu[0] : 1);
    mmio_write32(state.distributor, GICD_CTLR, 1);
    cpu_irq_restore(daif);
    log_info("gic400: %u interrupts", state.interrupts);
    return 0;
}

static int health(void)
{
    return mmio_read32(state.distributor, GICD_CTLR) & 1 ? 0 : -EIO;
}

static void stop(void)
{
    mmio_write32(state.distributor, GICD_CTLR, 0);
}

COMPONENT(gic400, .version = VERSION(1, 0, 0),
          .summary = IS_ENABLED(REBUILT) ? "GIC-400 interrupt controller (rebuilt)"
                                         : "GIC-400 interrupt controller",
          .compatible = "arm,gic-400", .start = start, .health = health, .stop = stop);

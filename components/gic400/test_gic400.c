/* SPDX-License-Identifier: MIT */
/* The GIC-400, on a model of its registers that four CPUs see, the first ones banked. */
#define irqchip_start_cpu gic400_test_start_cpu
#define irqchip_enable gic400_test_enable
#define irqchip_disable gic400_test_disable
#define irqchip_acknowledge gic400_test_acknowledge
#define irqchip_end gic400_test_end
#define irqchip_send_ipi gic400_test_send_ipi
#define mmio_read32 gic400_test_mmio_read32
#define mmio_write32 gic400_test_mmio_write32
#define cpu_current gic400_test_cpu_current
#define device_claim_owned gic400_test_device_claim_owned
#define device_map_owned gic400_test_device_map_owned
#define component_self gic400_test_component
#include "gic400.c"

#include <criterion/criterion.h>
#include <string.h>

#define LINES 224u /* of the BCM2711: 7 times 32 */

struct component {
    int unused;
} component_self;

static uint8_t gicd[0x1000], gicc[0x1000]; /* only their addresses count */
static unsigned this_cpu;
static uint32_t gicd_ctlr, gicc_ctlr[CPU_MAX], gicc_pmr[CPU_MAX];
static uint32_t enabled[CPU_MAX][32]; /* [cpu][0]: banked; [0][1...]: shared */
static uint8_t priority[CPU_MAX][1024], target[1024];
static uint32_t sent, iar, ended;
static unsigned groups_touched;

unsigned cpu_current(void)
{
    return this_cpu;
}

int device_claim_owned(const char *compatible, struct device *device, struct component *owner)
{
    (void)owner;
    *device = (struct device){.base = gicd};
    return strcmp(compatible, "arm,gic-400") ? -ENODEV : 0;
}

int device_map_owned(const struct device *device, unsigned index, volatile void **base,
                     struct component *owner)
{
    (void)device;
    (void)owner;
    *base = gicc;
    return index == 1 ? 0 : -EINVAL;
}

static uint32_t *enable_word(size_t offset)
{
    return &enabled[offset ? 0 : this_cpu][offset / 4];
}

uint32_t mmio_read32(const volatile void *base, size_t offset)
{
    if (base == gicc) {
        return offset == GICC_IAR ? iar : 0;
    }
    switch (offset) {
    case GICD_CTLR:
        return gicd_ctlr;
    case GICD_TYPER:
        return 3u << 5 | (LINES / 32 - 1);
    case GICD_ITARGETSR:
        return (0x10u << this_cpu) * 0x01010101u; /* interface numbers that are no CPU numbers */
    }
    return 0;
}

static void write_distributor(size_t offset, uint32_t value)
{
    if (offset == GICD_CTLR) {
        gicd_ctlr = value;
    } else if (offset >= 0x80 && offset < 0x100) {
        groups_touched++;
    } else if (offset >= GICD_ISENABLER && offset < GICD_ICENABLER) {
        *enable_word(offset - GICD_ISENABLER) |= value;
    } else if (offset >= GICD_ICENABLER && offset < 0x200) {
        *enable_word(offset - GICD_ICENABLER) &= ~value;
    } else if (offset >= GICD_IPRIORITYR && offset < GICD_ITARGETSR) {
        size_t irq = offset - GICD_IPRIORITYR;
        memcpy(&priority[irq < 32 ? this_cpu : 0][irq], &value, 4);
    } else if (offset >= GICD_ITARGETSR && offset < GICD_ICFGR) {
        cr_assert_geq(offset, GICD_ITARGETSR + 32, "read-only");
        memcpy(&target[offset - GICD_ITARGETSR], &value, 4);
    } else if (offset == GICD_SGIR) {
        sent = value;
    }
}

void mmio_write32(volatile void *base, size_t offset, uint32_t value)
{
    if (base == gicd) {
        write_distributor(offset, value);
    } else if (offset == GICC_CTLR) {
        gicc_ctlr[this_cpu] = value;
    } else if (offset == GICC_PMR) {
        gicc_pmr[this_cpu] = value;
    } else if (offset == GICC_EOIR) {
        ended = value;
    }
}

static void start_all(void)
{
    cr_assert_eq(start(), 0);
    for (this_cpu = 1; this_cpu < CPU_MAX; this_cpu++) {
        cr_assert_eq(irqchip_start_cpu(), 0);
    }
    this_cpu = 0;
}

Test(gic400, starts_with_all_but_software_interrupts_off)
{
    memset(enabled, 0xff, sizeof(enabled));
    start_all();
    cr_assert_eq(gicd_ctlr, 1);
    for (unsigned cpu = 0; cpu < CPU_MAX; cpu++) {
        cr_assert_eq(gicc_ctlr[cpu], 1);
        cr_assert_eq(enabled[cpu][0], 0xffff);
        cr_assert_lt(priority[cpu][0], gicc_pmr[cpu]);
        cr_assert_lt(priority[cpu][31], gicc_pmr[cpu]);
    }
    for (unsigned irq = 32; irq < LINES; irq++) {
        cr_assert_eq(enabled[0][irq / 32], 0);
        cr_assert_lt(priority[0][irq], gicc_pmr[0]);
        cr_assert_eq(target[irq], 0x10, "CPU 0's interface");
    }
    cr_assert_eq(groups_touched, 0);
    cr_assert_eq(health(), 0);
}

Test(gic400, enables_and_disables_one_shared_interrupt)
{
    start_all();
    cr_assert_eq(irqchip_enable(125), 0);
    cr_assert_eq(irqchip_enable(126), 0);
    cr_assert_eq(enabled[0][3], 3u << 29);
    cr_assert_eq(irqchip_disable(125), 0);
    cr_assert_eq(enabled[0][3], 1u << 30);
}

Test(gic400, enables_a_private_interrupt_on_the_calling_cpu_only)
{
    start_all();
    this_cpu = 2;
    cr_assert_eq(irqchip_enable(30), 0);
    cr_assert_eq(enabled[2][0], 1u << 30 | 0xffff);
    cr_assert_eq(enabled[1][0], 0xffff);
}

Test(gic400, refuses_numbers_that_it_does_not_have)
{
    start_all();
    cr_assert_eq(irqchip_enable(LINES), -EINVAL);
    cr_assert_eq(irqchip_disable(LINES), -EINVAL);
    cr_assert_eq(irqchip_enable(LINES - 1), 0);
    cr_assert_eq(irqchip_send_ipi(1, 16), -EINVAL);
    cr_assert_eq(irqchip_send_ipi(1u << CPU_MAX, 0), -EINVAL);
}

Test(gic400, tells_an_interrupt_from_a_spurious_one)
{
    unsigned irq = 0;
    uint32_t token = 0;
    start_all();
    for (iar = 1020; iar < 1024; iar++) {
        cr_assert_eq(irqchip_acknowledge(&irq, &token), -ENOENT);
    }
    iar = 2u << 10 | 5; /* software interrupt 5 from CPU 2 */
    cr_assert_eq(irqchip_acknowledge(&irq, &token), 0);
    cr_assert_eq(irq, 5);
    cr_assert_eq(irqchip_end(token), 0);
    cr_assert_eq(ended, iar, "with the sender's number");
}

Test(gic400, sends_to_the_interfaces_of_the_cpus)
{
    start_all();
    cr_assert_eq(irqchip_send_ipi(1u << 1 | 1u << 3, 7), 0);
    cr_assert_eq(sent, 0xa0u << 16 | 7);
    sent = 0;
    cr_assert_eq(irqchip_send_ipi(0, 7), 0);
    cr_assert_eq(sent, 0);
}

Test(gic400, is_unwell_when_the_distributor_is_off)
{
    start_all();
    stop();
    cr_assert_lt(health(), 0);
}

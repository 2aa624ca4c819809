/* SPDX-License-Identifier: MIT */
/*
 * The other cores: released from the boot loader's spin table, one by one, each into its idle
 * thread. Their release addresses come from the device tree (cpu-release-addr).
 */
#include <interface/irqchip.h>
#include <lib/devicetree.h>
#include <libfdt.h>
#include <string.h>

#include "../nucleus.h"
#include "../swap/rendezvous.h"

#define START_DEADLINE_NS 1000000000u

extern char start_secondary_cpu[];
void *smp_stack_tops[CPU_MAX]; /* read by start.S through the caches */
static uint32_t smp_online = 1;

unsigned cpu_current(void)
{
    return this_cpu()->record.number;
}

uint32_t cpu_online_mask(void)
{
    return __atomic_load_n(&smp_online, __ATOMIC_ACQUIRE);
}

unsigned cpu_count_online(void)
{
    unsigned count = 0;
    for (uint32_t mask = cpu_online_mask(); mask; mask &= mask - 1) {
        count++;
    }
    return count;
}

void smp_kick(unsigned cpu)
{
    if (cpu_online_mask() >> cpu & 1) {
        (void)irqchip_send_ipi(1u << cpu, IPI_RESCHEDULE); /* at worst the tick does it */
    }
}

void smp_use_cpu(unsigned cpu)
{
    REGISTER_WRITE(tpidr_el1, &percpu[cpu]);
    REGISTER_WRITE(vbar_el1, arch_vectors);
    cpu_synchronize();
}

void smp_secondary_main(void)
{
    unsigned cpu = REGISTER_READ(mpidr_el1) & 0xff;
    smp_use_cpu(cpu);
    asm volatile("msr sp_el0, %0" ::"r"(percpu[cpu].idle) : "memory");
    (void)rendezvous_keep_off(); /* interrupts are off here */
    (void)irqchip_start_cpu();
    (void)clock_start_cpu();
    irq_start_cpu();
    thread_start_tick();
    __atomic_or_fetch(&smp_online, 1u << cpu, __ATOMIC_RELEASE);
    rendezvous_let_come();
    thread_run_idle();
}

static void start_cpu(unsigned cpu, uint64_t release_pa)
{
    if (release_pa % 8 || release_pa - kernel_pa < (uint64_t)(__kernel_end - __kernel_begin)) {
        log_error("CPU %u: its release address 0x%llx cannot be", cpu,
                  (unsigned long long)release_pa);
        return;
    }
    smp_stack_tops[cpu] = thread_create_idle(cpu)->stack_top;
    volatile uint64_t *release = area_map(ALIGN_DOWN(release_pa, PAGE_BYTES), 1, MMU_READ_WRITE, 1);
    if (!release) {
        log_error("CPU %u: no room to map its release address", cpu);
        return;
    }
    volatile uint64_t *word = &release[release_pa % PAGE_BYTES / sizeof(*release)];
    *word = kernel_image_pa(start_secondary_cpu);
    /* The core polls with its caches off: to memory with it, then wake it. */
    cache_flush_data((const void *)word, sizeof(*word));
    asm volatile("dsb sy\n\tsev" ::: "memory");
    uint64_t deadline = time_now_ns() + START_DEADLINE_NS;
    while (!(cpu_online_mask() >> cpu & 1) && time_now_ns() < deadline) {
        cpu_relax();
    }
    if (!(cpu_online_mask() >> cpu & 1)) {
        log_error("CPU %u did not start", cpu);
    }
    area_unmap((void *)release, 1, 1);
}

void smp_start(void)
{
    const void *fdt = device_tree()->fdt;
    int cpus = fdt_path_offset(fdt, "/cpus");
    int node;
    fdt_for_each_subnode(node, fdt, cpus)
    {
        int length;
        const fdt32_t *reg = fdt_getprop(fdt, node, "reg", &length);
        uint32_t cpu = reg && length >= 4 ? fdt32_to_cpu(reg[length / 4 - 1]) : CPU_MAX;
        const char *method = fdt_getprop(fdt, node, "enable-method", NULL);
        const fdt64_t *release = fdt_getprop(fdt, node, "cpu-release-addr", &length);
        if (cpu == 0 || cpu >= CPU_MAX || !method || strcmp(method, "spin-table") != 0 ||
            !release || length != 8) {
            continue;
        }
        start_cpu(cpu, fdt64_ld(release));
    }
    log_info("%u of %d CPUs up", cpu_count_online(), CPU_MAX);
}

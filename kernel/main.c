/* SPDX-License-Identifier: MIT */
/*
 * From the first C instruction to the world: memory, device tree, early UART; then, as a thread,
 * the boot bundle as one transaction, the tick, the other cores.
 */
#include <hal/board.h>
#include <lib/devicetree.h>
#include <lib/format.h>
#include <libfdt.h>
#include <string.h>

#include "nucleus.h"
#include "swap/gate.h"
#include "swap/transaction.h"

NORETURN void kernel_main(uint64_t tree_pa, uint64_t image_pa);

static void start_output(void)
{
    uint64_t pa;
    if (device_registers_of("brcm,bcm2711-gpio", &pa) == 0) {
        char *gpio = area_map(ALIGN_DOWN(pa, PAGE_BYTES), 1, MMU_DEVICE, 1);
        board_use_gpio(gpio ? gpio + pa % PAGE_BYTES : NULL);
    }
    const char *compatible;
    if (device_console_registers(&pa, &compatible) == 0) {
        char *uart = area_map(ALIGN_DOWN(pa, PAGE_BYTES), 1, MMU_DEVICE, 1);
        if (uart) {
            log_use_early_output(board_start_early_uart(uart + pa % PAGE_BYTES, compatible));
        }
    }
}

/* The boot bundle as one transaction. Without it there is nothing to run: that is the end. */
static void load_boot_bundle(void)
{
    struct swap_request request = {.kind = SWAP_LOAD};
    static struct swap_report report;
    request.bundle = boot_bundle(&request.bundle_bytes);
    if (!request.bundle) {
        panic("the boot loader passed no boot bundle");
    }
    transaction_run(&request, &report, true);
    if (report.result < 0) {
        panic("the boot bundle was refused: %s", report.message);
    }
    const char *missing = gate_find_unbound();
    if (missing) {
        panic("the boot bundle has nobody who provides %s", missing);
    }
    log_info("%u components loaded, %llu us", report.components,
             (unsigned long long)(report.total_ns / 1000));
}

/*
 * The first thread. Interrupts stay off until the controller is set up: what the boot loader left
 * pending would never be taken.
 */
static void init(void)
{
    uint64_t daif = cpu_irq_save();
    load_boot_bundle();
    transaction_start_worker();
    thread_start_tick();
    cpu_irq_restore(daif);
    smp_start();
    struct world_totals totals;
    world_read_totals(&totals);
    log_info("up: %u components, %u CPUs, %llu MiB free", totals.components, totals.cpus,
             (unsigned long long)(totals.pages_free >> 8));
}

NORETURN void kernel_main(uint64_t tree_pa, uint64_t image_pa)
{
    extern char boot_stack_guard[];
    kernel_pa = image_pa;
    smp_use_cpu(0);
    time_start();
    mmu_unmap((uint64_t)boot_stack_guard, LAYOUT_STACK_BYTES / PAGE_BYTES);
    const void *tree = mmu_map_boot(tree_pa);
    if (device_start(tree) < 0) {
        panic("the boot loader passed no device tree, or a damaged one");
    }
    start_output();
    if (boot_read_memory(tree_pa) < 0) {
        panic("the device tree names no usable RAM");
    }
    if (device_keep_tree() < 0) {
        panic("there is no memory for the device tree");
    }
    int length;
    const char *model = fdt_getprop(device_tree()->fdt, 0, "model", &length);
    log_info("Neurath on %s", model && length > 0 && !model[length - 1] ? model : "a board");
    log_info("nucleus at 0x%llx, %llu MiB of RAM, %llu Hz", (unsigned long long)kernel_pa,
             (unsigned long long)(page_ram.pages >> 8), (unsigned long long)time_counter_hz());
    gate_start();
    thread_enter_boot(init);
}

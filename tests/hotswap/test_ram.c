/* SPDX-License-Identifier: MIT */
/*
 * How much RAM nucleus and default components take after the start, by what the system itself says:
 * all of the board's that is not free - the nucleus's image, page tables, code in the arena, heap,
 * stacks, states, the boot bundle, the device tree, what is on the screen - but for what grows with
 * the board: the page allocator's table, four bytes for each page of RAM. (The picture that is
 * shown lies in the firmware's memory, which is no RAM of ours.)
 */
#include <stdio.h>
#include <string.h>

#include "tests/harness/direct.h"
#include "tests/hotswap/suite.h"

#define PAGE_KIB 4u
#define LIMIT_KIB 4096u

TestSuite(ram, .fini = suite_detach, .timeout = 120); /* a machine of its own */

Test(ram, of_nucleus_and_default_components_is_at_most_4_mib)
{
    must(direct_start(&machine, &(struct direct){.name = "ram"}, &why));
    (void)suite_until("log 100", "vfs: mmc0p1 is /card");
    struct machine_world world = suite_world();
    uint64_t table_kib = DIRECT_RAM_BYTES / (PAGE_KIB * 1024) * 4 / 1024;
    uint64_t pages_kib = (world.pages - world.pages_free) * PAGE_KIB;
    uint64_t arena_kib = (world.arena_bytes - world.arena_free_bytes) / 1024;
    uint64_t used_kib = direct_ram_taken(&world) / 1024 - table_kib;
    fprintf(stderr,
            "  %llu KiB: in pages %llu, code of components %llu, image, bundle and tree %llu; "
            "besides: table of pages %llu\n",
            (unsigned long long)used_kib, (unsigned long long)pages_kib,
            (unsigned long long)arena_kib,
            (unsigned long long)(DIRECT_RAM_BYTES / 1024 - world.pages * PAGE_KIB -
                                 world.arena_bytes / 1024 - table_kib),
            (unsigned long long)table_kib);
    cr_expect_leq(used_kib, LIMIT_KIB);
}

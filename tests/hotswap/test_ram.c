/* SPDX-License-Identifier: MIT */
/*
 * How much RAM nucleus and default components take after the start, by what the system itself says:
 * all of the board's that is not free - the nucleus's image, page tables, code in the arena, heap,
 * stacks, states, the page allocator's tables, the boot bundle, the device tree. (The picture that
 * is shown lies in the firmware's memory, which is no RAM of ours.)
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
    uint64_t pages_kib = (world.pages - world.pages_free + world.page_tables) * PAGE_KIB;
    uint64_t arena_kib = (world.arena_bytes - world.arena_free_bytes) / 1024;
    uint64_t used_kib = direct_ram_taken(&world) / 1024;
    fprintf(stderr, "  %llu KiB: in pages %llu, code of components %llu, others %llu\n",
            (unsigned long long)used_kib, (unsigned long long)pages_kib,
            (unsigned long long)arena_kib, (unsigned long long)(used_kib - pages_kib - arena_kib));
    cr_expect_leq(used_kib, LIMIT_KIB);
}

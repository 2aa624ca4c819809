/* SPDX-License-Identifier: MIT */
/*
 * How fast a large file of the card is read in a row: by U-Boot, which says so itself when it loads
 * the system, and by ours through vfs, fat, partition and emmc2; in one machine, in which an
 * instruction takes one nanosecond.
 */
#include <stdio.h>
#include <string.h>

#include "tests/hotswap/suite.h"

#define CARD "build/tests/speed.img"
#define SYSTEM "build/tests/speed.itb"
#define FILE_BYTES (8u << 20) /* U-Boot counts milliseconds: it shall take many */

TestSuite(card_speed, .fini = suite_detach, .timeout = 240); /* a machine of its own */

/* What is behind a FIT's data belongs to nothing: the system starts, and is a large file. */
static void make_card(void)
{
    suite_sh("cp --sparse=always build/neurath.img " CARD);
    suite_sh("cp build/boot/neurath.itb " SYSTEM " && truncate -s 8M " SYSTEM);
    suite_sh("mcopy -o -i " CARD "@@1M " SYSTEM " ::slot-a/neurath.itb");
}

/* "8388608 bytes read in 123 ms (65 MiB/s)" */
static uint64_t read_u_boot_ns(void)
{
    char expected[64];
    unsigned ms = 0;
    snprintf(expected, sizeof(expected), "%u bytes read in ", FILE_BYTES);
    const char *found = strstr(machine.text, expected);
    cr_assert_not_null(found, "%s", machine.text);
    cr_assert_eq(sscanf(found + strlen(expected), "%u ms", &ms), 1, "%s", found);
    return ms * 1000000ull;
}

static uint64_t read_our_ns(void)
{
    unsigned long long bytes = 0, ns = 0;
    suite_until("df", "/card ");
    must(machine_push(&machine, PACKAGE("sprinter-1.0.0"), "", NULL, &why));
    const char *said = suite_run("sprinter /card/slot-a/neurath.itb");
    cr_assert_eq(sscanf(said, "%llu bytes in %llu ns", &bytes, &ns), 2, "%s", said);
    cr_assert_eq(bytes, FILE_BYTES);
    return ns;
}

Test(card_speed, is_ten_times_that_of_u_boot)
{
    make_card();
    must(machine_start_card(&machine, "speed", CARD, MACHINE_ONE_INSTRUCTION_PER_NS, &why));
    uint64_t theirs_ns = read_u_boot_ns(), our_ns = read_our_ns();
    fprintf(stderr, "  %u bytes: U-Boot %llu ns, Neurath %llu ns\n", FILE_BYTES,
            (unsigned long long)theirs_ns, (unsigned long long)our_ns);
    cr_expect_leq(our_ns * 10, theirs_ns);
}

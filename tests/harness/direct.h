/* SPDX-License-Identifier: MIT */
/*
 * A machine whose nucleus is entered without U-Boot, which is seconds quicker, and lets a test say
 * what the device tree says: U-Boot would put right what it says of RAM. QEMU puts everything where
 * U-Boot would have, and runs three instructions.
 */
#pragma once

#include "machine.h"

#define DIRECT_OUR_TREE "build/boot/bcm2711-rpi-4-b.dtb"
/* The memory node's reg for the board that QEMU has: two cells of address, one of size, each. */
#define DIRECT_RAM "0 0 0x3c000000"
#define DIRECT_RAM_BYTES 0x3c000000ull

struct direct {
    const char *name; /* of the machine, see machine_start() */
    const char *tree; /* a file; NULL: ours */
    const char *ram;  /* NULL: DIRECT_RAM. QEMU has no more than 2 GiB: what is above is reserved */
    const char *card; /* on which what is written stays; MACHINE_NO_CARD; NULL: ours */
    const char *image;   /* the nucleus; NULL: ours */
    const char *bundle;  /* the boot bundle; NULL: ours */
    const char *options; /* for QEMU, parted by spaces; may be NULL */
};

/* As machine_power_on_card(): what the console says is to be expected. -EIO as below. */
int direct_power_on(struct machine *machine, const struct direct *direct, struct why *why);

/* As machine_start_with(). -EIO: the tree cannot be changed, see what it says on stderr. */
int direct_start(struct machine *machine, const struct direct *direct, struct why *why);

/*
 * How much of DIRECT_RAM the system takes: all but free pages and the room that is left for
 * components' code. So the nucleus's image, tables of all kinds, the boot bundle and the device
 * tree are in it.
 */
uint64_t direct_ram_taken(const struct machine_world *world);

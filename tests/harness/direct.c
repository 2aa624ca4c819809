/* SPDX-License-Identifier: MIT */
/* Starting without U-Boot; see direct.h. */
#include "direct.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define BUNDLE "build/boot/boot.nrb"
#define BUNDLE_ADDRESS 0x10000000
#define PAGE 4096u
#define OPTIONS                                                                                    \
    "-kernel build/tests/%s.bin -device "                                                          \
    "loader,file=build/tests/%s.dtb,addr=0x9000000,force-raw=on"                                   \
    " -device loader,file=%s,addr=0x200000,force-raw=on"                                           \
    " -device loader,file=%s,addr=0x10000000,force-raw=on %s"

/* What RAM the trees of boards with more than 2 GiB tell of, and QEMU does not have. */
#define ABSENT "0 0x80000000 0x7c000000 1 0 0x80000000 1 0x80000000 0x80000000"

/* An access to these is an abort: QEMU takes them out of a tree that it is given by -dtb, too. */
#define NOT_IN_QEMU                                                                                \
    "/soc/rng@7e104000 /soc/avs-monitor@7d5d2000/thermal /scb/pcie@7d500000 "                      \
    "/scb/ethernet@7d580000"

/* movz x0, #0x900, lsl #16; movz x1, #0x20, lsl #16; br x1: to the nucleus, with the tree. */
static const uint32_t entry[] = {0xd2a12000, 0xd2a00401, 0xd61f0020};

static int write_entry(const char *name, struct why *why)
{
    char path[64];
    snprintf(path, sizeof(path), "build/tests/%s.bin", name);
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(entry, sizeof(entry), 1, file) != 1 || fclose(file) != 0) {
        return why_set(why, -EIO, "%s: %s", path, strerror(errno));
    }
    return 0;
}

static const char *bundle_of(const struct direct *direct)
{
    return direct->bundle ? direct->bundle : BUNDLE;
}

/* What the firmware says of RAM, and U-Boot of the boot bundle. */
static int write_tree(const struct direct *direct, struct why *why)
{
    char script[1024];
    struct stat bundle;
    if (stat(bundle_of(direct), &bundle) < 0) {
        return why_set(why, -errno, "%s: %s", bundle_of(direct), strerror(errno));
    }
    snprintf(script, sizeof(script),
             "set -e; mkdir -p build/tests; t=build/tests/%s.dtb; cp %s $t; "
             "fdtput -t x $t /memory@0 reg %s; "
             "fdtput -p -t x $t /reserved-memory/absent@80000000 reg " ABSENT "; "
             "fdtput -t i $t /chosen linux,initrd-start %d; "
             "fdtput -t i $t /chosen linux,initrd-end %lld; "
             "for node in " NOT_IN_QEMU "; do fdtput -t s $t $node status disabled; done",
             direct->name, direct->tree ? direct->tree : DIRECT_OUR_TREE,
             direct->ram ? direct->ram : DIRECT_RAM, BUNDLE_ADDRESS,
             BUNDLE_ADDRESS + (long long)bundle.st_size);
    return system(script) == 0 ? 0 : why_set(why, -EIO, "no tree could be made by: %s", script);
}

int direct_power_on(struct machine *machine, const struct direct *direct, struct why *why)
{
    char options[1024];
    snprintf(options, sizeof(options), OPTIONS, direct->name, direct->name,
             direct->image ? direct->image : machine_built("boot/Image"), bundle_of(direct),
             direct->options ? direct->options : "");
    int result = write_tree(direct, why);
    if (result == 0) {
        result = write_entry(direct->name, why);
    }
    return result < 0 ? result
                      : machine_power_on_card(machine, direct->name, direct->card, options, why);
}

int direct_start(struct machine *machine, const struct direct *direct, struct why *why)
{
    int result = direct_power_on(machine, direct, why);
    return result < 0 ? result : machine_enter(machine, why);
}

uint64_t direct_ram_taken(const struct machine_world *world)
{
    return DIRECT_RAM_BYTES - (world->pages_free - world->page_tables) * PAGE -
           world->arena_free_bytes;
}

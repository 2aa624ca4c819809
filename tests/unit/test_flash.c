/* SPDX-License-Identifier: MIT */
/* tools/flash, with an lsblk of pretence: what it refuses, and that it asks. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/flash-XXXXXX";
static char said[4096];

static void write_file(const char *name, const char *text, unsigned mode)
{
    char path[64];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    fputs(text, file);
    fclose(file);
    cr_assert_eq(chmod(path, mode), 0);
}

static const char *holders; /* what lies on the device, or what it is a part of */

/* lsblk says `facts` of the device, and that `mounted` is mounted from it. */
static void pretend(const char *facts, const char *mounted)
{
    char script[512];
    snprintf(script, sizeof(script),
             "#!/bin/sh\ncase \"$*\" in\n*MOUNTPOINT*) echo '%s' ;;\n"
             "*FSTYPE*) echo 'sdx  disk'; echo '%s' ;;\n*) echo '%s' ;;\nesac\n",
             mounted, holders ? holders : "sdx1 part vfat", facts);
    write_file("lsblk", script, 0755);
}

/* Of what is in a slot, as the kernel tells it. */
static void write_type(const char *type)
{
    char command[64];
    snprintf(command, sizeof(command), "mkdir -p %s/block/device/device", folder);
    cr_assert_eq(system(command), 0);
    write_file("block/device/device/type", type, 0644);
}

static void begin(void)
{
    cr_assert_not_null(mkdtemp(folder));
    write_file("card.img", "what is to be on the card\n", 0644);
    write_file("device", "what was there before, and more of it than that\n", 0644);
}

static void end(void)
{
    char command[64];
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    cr_assert_eq(system(command), 0);
}

TestSuite(flash, .init = begin, .fini = end, .timeout = 30);

/* Runs it, with an answer to what it asks; its exit status. */
static int flash(const char *answer)
{
    char command[512];
    snprintf(command, sizeof(command),
             "echo '%s' | FLASH_TEST=%s PATH=%s:$PATH tools/flash %s/card.img %s/device 2>&1",
             answer, folder, folder, folder, folder);
    FILE *pipe = popen(command, "r");
    cr_assert_not_null(pipe);
    said[fread(said, 1, sizeof(said) - 1, pipe)] = 0;
    return pclose(pipe);
}

static const char *device_now(void)
{
    static char text[128];
    char path[64];
    snprintf(path, sizeof(path), "%s/device", folder);
    FILE *file = fopen(path, "r");
    text[fread(text, 1, sizeof(text) - 1, file)] = 0;
    fclose(file);
    return text;
}

#define FACTS(type, removable, bus, size, protected)                                               \
    "TYPE=\"" type "\" RM=\"" removable "\" TRAN=\"" bus "\" SIZE=\"" size                         \
    "\" RO=\"" protected "\" MODEL=\"Some card\""
#define CARD FACTS("disk", "1", "usb", "1000", "0")

static void refuses(const char *facts, const char *mounted, const char *words)
{
    pretend(facts, mounted);
    cr_expect_neq(flash(""), 0);
    cr_expect_not_null(strstr(said, words), "it says: %s", said);
    cr_expect_null(strstr(said, "Type its name"), "it asks: %s", said);
    cr_expect_eq(strncmp(device_now(), "what was", 8), 0);
}

Test(flash, refuses_what_is_no_card)
{
    refuses(FACTS("part", "1", "usb", "1000", "0"), "", "is a part, not a whole disk");
    refuses(FACTS("loop", "0", "", "1000", "0"), "", "is a loop, not a whole disk");
    refuses(FACTS("disk", "0", "nvme", "1000", "0"), "", "cannot be taken out");
    refuses(FACTS("disk", "0", "sata", "1000", "0"), "", "cannot be taken out");
    refuses(FACTS("disk", "0", "usb", "4000000000000", "0"), "", "cannot be taken out");
    refuses(FACTS("disk", "1", "usb", "1000", "1"), "", "is write-protected");
    refuses(FACTS("disk", "1", "usb", "20", "0"), "", "has 20 bytes, the image needs 26");
    refuses(CARD, "/media/somebody", "/media/somebody is mounted from it");
}

Test(flash, refuses_what_others_hold)
{
    holders = "sdx1 part LVM2_member";
    refuses(CARD, "", "sdx1 is a part of something larger (LVM2_member)");
    holders = "sdx1 part linux_raid_member";
    refuses(CARD, "", "sdx1 is a part of something larger (linux_raid_member)");
    holders = "vault crypt ext4";
    refuses(CARD, "", "vault (crypt) lies on it");
    holders = "md0 raid1";
    refuses(CARD, "", "md0 (raid1) lies on it");
}

/* Of a card in a slot and of a chip that is soldered in lsblk says the same. */
Test(flash, refuses_a_chip_in_the_place_of_a_card)
{
    refuses(FACTS("disk", "0", "mmc", "1000", "0"), "", "cannot be taken out");
    write_type("MMC\n");
    refuses(FACTS("disk", "0", "mmc", "1000", "0"), "", "cannot be taken out");
    write_type("SD\n");
    pretend(FACTS("disk", "0", "mmc", "1000", "0"), "");
    cr_assert_neq(flash("no"), 0);
    cr_expect_not_null(strstr(said, "Type its name"), "%s", said);
}

Test(flash, refuses_what_is_no_block_device)
{
    char command[256];
    pretend(CARD, "");
    snprintf(command, sizeof(command), "tools/flash %s/card.img %s/device 2>&1", folder, folder);
    FILE *pipe = popen(command, "r");
    said[fread(said, 1, sizeof(said) - 1, pipe)] = 0;
    cr_assert_neq(pclose(pipe), 0);
    cr_assert_not_null(strstr(said, "is no block device"), "it says: %s", said);
}

Test(flash, writes_nothing_until_the_name_is_typed)
{
    pretend(CARD, "");
    cr_assert_neq(flash("yes"), 0);
    cr_assert_not_null(strstr(said, "will be lost. Type its name"), "it says: %s", said);
    cr_assert_not_null(strstr(said, "nothing was written"), "it says: %s", said);
    cr_assert_eq(strncmp(device_now(), "what was", 8), 0);
}

Test(flash, writes_and_reads_back)
{
    char name[64];
    pretend(CARD, "");
    snprintf(name, sizeof(name), "%s/device", folder);
    cr_assert_eq(flash(name), 0, "it says: %s", said);
    cr_assert_eq(strncmp(device_now(), "what is to be on the card\n", 26), 0);
    cr_assert_not_null(strstr(said, "and read back"), "it says: %s", said);
}

/* SPDX-License-Identifier: MIT */
/*
 * Cards as people have them: none, foreign, damaged, full, protected, pulled out in the middle.
 * Whatever it is, words say so, what is whole stays so, and the shell answers. Each test has a
 * machine of its own, whose slot is empty when it starts; cards are put in by QEMU's monitor.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/harness/direct.h"
#include "tests/hotswap/card_image.h"
#include "tests/hotswap/jobs.h"
#include "tests/hotswap/suite.h"

#define SAYS_MS 20000
#define MAKES_NO_SENSE "the device fails, or what is on it makes no sense; see the log"

static void begin(void)
{
    card_begin_folder();
    must(direct_start(&machine, &(struct direct){.name = "cards", .card = MACHINE_NO_CARD}, &why));
}

/* Others may be at work with the files. */
static void sync_all(void)
{
    unsigned looks = 0;
    while (machine_run(&machine, "sync", NULL, 0, &why) < 0) {
        cr_assert_lt(looks++, SUITE_PATIENCE, "%s", why.text);
    }
}

TestSuite(cards, .init = begin, .fini = suite_detach, .timeout = 120);

static void expect(const char *text)
{
    must(machine_expect(&machine, text, SAYS_MS, &why));
}

static void monitor(const char *command)
{
    must(machine_monitor(&machine, command, NULL, 0, &why));
}

/* Puts it in, and waits for what is said of it. */
static void put_in(const char *image, const char *words)
{
    char command[128];
    snprintf(command, sizeof(command), "change card " CARD_FOLDER "%s raw", image);
    monitor(command);
    expect(words);
}

static void pull_out(void)
{
    monitor("eject -f card");
    expect("mmc0: the card is gone");
    suite_until("df", "no volume is mounted");
}

/* Read, and right. */
static void expect_whole(void)
{
    size_t size = 0;
    char *text = client_read_file(CARD_FOLDER "whole.txt", &size, &why);
    cr_assert_not_null(text, "%s", why.text);
    text[size] = 0;
    cr_expect_str_eq(suite_run("cat /card/whole.txt"), text);
    free(text);
}

static void expect_none(void)
{
    suite_says("sd", "there is no card");
    suite_says("df", "no volume is mounted");
    suite_fails("ls /card", "there is no such file or directory");
    suite_fails("mount mmc0", "its medium is gone");
}

Test(cards, none_and_without_a_fat)
{
    suite_until("log 100", "mmc0: there is no card");
    expect_none();
    suite_sh("yes garbage | head -c 8M >" CARD_FOLDER "garbage.img");
    card_make_bare("empty.img", CARD_TYPE_FAT);
    card_make_bare("linux.img", CARD_TYPE_LINUX);
    suite_sh("mke2fs -q -F -E offset=1048576 " CARD_FOLDER "linux.img 3072 2>/dev/null");
    suite_sh("truncate -s 1M " CARD_FOLDER "fat12.img && mkfs.fat -F 12 " CARD_FOLDER
             "fat12.img >/dev/null");
    static const struct {
        const char *image, *words;
    } cards[] = {
        {"garbage.img", "partition: mmc0 has none"},
        {"empty.img", "vfs: mmc0p1: no file system here knows what is on it"},
        {"linux.img", "vfs: mmc0p1: no file system here knows what is on it"},
        {"fat12.img", "fat: cannot be mounted: it is FAT12, which this does not read"},
    };
    for (size_t i = 0; i < sizeof(cards) / sizeof(cards[0]); i++) {
        put_in(cards[i].image, cards[i].words);
        suite_fails("mount mmc0", "no file system knows what is on it");
        suite_says("df", "no volume is mounted");
        pull_out();
    }
    expect_none();
    card_make("good.img");
    put_in("good.img", "vfs: mmc0p1 is /card");
    expect_whole();
}

/* Files whose tables lie, each in its own way; see fat_damage for more of them. */
static void make_damaged(void)
{
    static const char *const files[] = {"loop", "cross", "crossed", "astray", "short", "nowhere"};
    struct card_bytes card;
    card_make("damaged.img");
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        card_put_letters("damaged.img", files[i], 5000);
    }
    suite_sh("mmd -i " CARD_FOLDER "damaged.img" CARD_PLACE " ::circle ::size ::gone");
    for (unsigned i = 0; i < 14; i++) { /* its cluster is full, so that its end is not seen */
        char name[32];
        snprintf(name, sizeof(name), "circle/F%u", i);
        card_put_letters("damaged.img", name, 10);
    }
    card_put_letters("damaged.img", "size/inner", 10);
    card_open(&card, "damaged.img");
    uint32_t loop = card_first(&card, "LOOP       "), astray = card_first(&card, "ASTRAY     ");
    card_set(&card, loop + 3, (uint16_t)(loop + 1));
    card_set(&card, card_first(&card, "CROSS      "),
             (uint16_t)(card_first(&card, "CROSSED    ") + 2));
    card_set(&card, astray + 1, 0xf000);                       /* beyond the volume */
    card_set(&card, card_first(&card, "SHORT      "), 0xffff); /* the end */
    card_entry(&card, "NOWHERE    ")[27] = 0xf0;               /* its first cluster */
    card_set(&card, card_first(&card, "CIRCLE     "), (uint16_t)card_first(&card, "CIRCLE     "));
    card_entry(&card, "SIZE       ")[30] = 0xff; /* a directory's is 0, and nobody looks */
    card_entry(&card, "GONE       ")[27] = 0xf0;
    card_save(&card);
}

Test(cards, with_a_damaged_fat)
{
    make_damaged();
    put_in("damaged.img", "vfs: mmc0p1 is /card");
    expect_whole();
    suite_fails("cat /card/loop", MAKES_NO_SENSE);
    expect("fat: the volume is damaged: a chain comes to cluster");
    suite_fails("cat /card/astray", MAKES_NO_SENSE);
    expect("which is none of this volume");
    suite_fails("cat /card/short", MAKES_NO_SENSE);
    expect("a file of 5000 bytes has clusters for less");
    suite_fails("cat /card/nowhere", MAKES_NO_SENSE);
    expect("which is none");
    suite_fails("ls /card/circle", MAKES_NO_SENSE);
    suite_fails("ls /card/gone", MAKES_NO_SENSE);
    suite_says("ls /card/size", "inner");
    suite_says("df", "to be checked");
    suite_says("ls /card", "whole.txt");

    /* What is whole stays so while the rest is written and removed. */
    suite_run("rm /card/cross");
    suite_fails("cat /card/crossed", MAKES_NO_SENSE);
    expect("which is free");
    suite_run("rm /card/loop");
    suite_run("cp /card/whole.txt /card/copy.txt");
    expect_whole();
    sync_all();
    pull_out();
    card_expect_repairable("damaged.img");
    card_expect_file("damaged.img", "whole.txt", "whole.txt");
    card_expect_file("damaged.img", "copy.txt", "whole.txt");
}

Test(cards, that_get_full)
{
    card_make("full.img");
    put_in("full.img", "vfs: mmc0p1 is /card");
    (void)machine_run(&machine, "fill /card/large 10000", NULL, 0,
                      &why); /* told at once or later */
    suite_until("jobs", "failed: there is no room left");
    suite_fails("write /card/more text", "there is no room left");
    suite_fails("mkdir /card/folder", "there is no room left");
    expect_whole();
    suite_run("rm /card/large /card/more");
    suite_run("cp /card/whole.txt /card/copy.txt");
    sync_all();
    pull_out();
    card_expect_clean("full.img");
    card_expect_file("full.img", "whole.txt", "whole.txt");
    card_expect_file("full.img", "copy.txt", "whole.txt");
}

Test(cards, that_are_not_to_be_written)
{
    card_make("locked.img");
    suite_sh("cp " CARD_FOLDER "locked.img " CARD_FOLDER "before.img");
    must(machine_push(&machine, PACKAGE("emmc2-1.0.0+locked"), "", NULL, &why));
    put_in("locked.img", "write-protected");
    expect("vfs: mmc0p1 is /card");
    suite_says("df", "read-only");
    expect_whole();
    suite_fails("write /card/file text", "it is not to be written");
    suite_fails("rm /card/whole.txt", "it is not to be written");
    suite_fails("mkdir /card/folder", "it is not to be written");
    suite_fails("mv /card/whole.txt /card/other", "it is not to be written");
    suite_fails("cp /card/whole.txt /card/other", "it is not to be written");
    sync_all();
    expect_whole();
    pull_out();
    suite_sh("cmp " CARD_FOLDER "locked.img " CARD_FOLDER "before.img");
}

/* Pulls the card while a job is at work, which is told, and puts it in again. */
static void pull_during(const char *line)
{
    unsigned number = job_begin(line);
    monitor("eject -f card");
    expect("mmc0: the card is gone");
    suite_until("df", "no volume is mounted");
    const char *told = suite_until("jobs", "failed: its medium is gone");
    cr_expect_not_null(strstr(job_look(number), "failed: its medium is gone"), "%s", told);
    put_in("pulled.img", "vfs: mmc0p1 is /card");
    expect_whole();
}

Test(cards, that_are_pulled_out_in_the_middle)
{
    card_make("pulled.img");
    card_put("pulled.img", "large.bin", "large.bin");
    put_in("pulled.img", "vfs: mmc0p1 is /card");
    pull_during("cp -g /card/large.bin /card/copy.bin");
    suite_says("df", "to be checked");
    pull_during("cp -g /card/large.bin /card/again.bin");
    suite_run("write /card/note text");
    pull_out();
    card_expect_repairable("pulled.img");
    card_expect_file("pulled.img", "whole.txt", "whole.txt");
    card_expect_file("pulled.img", "large.bin", "large.bin");
    put_in("pulled.img", "vfs: mmc0p1 is /card");
    suite_says("cat /card/note", "text");
    suite_says("df", "KiB");
    cr_expect_null(strstr(suite_run("df"), "to be checked"));
}

/* A copy of our own card; what is copied there was made here, and is compared here. */
Test(cards, whose_driver_is_replaced_six_times_while_a_large_file_is_copied, .timeout = 240)
{
    static const char *const packages[] = {PACKAGE("emmc2-1.0.0+rebuilt"), PACKAGE("emmc2-1.0.0")};
    unsigned replaced = 0;
    suite_sh("cp --sparse=always build/neurath.img " CARD_FOLDER "own.img");
    suite_sh("seq 1 2000000 | head -c 8M >" CARD_FOLDER "larger.bin");
    card_put("own.img", "larger.bin", "larger.bin");
    put_in("own.img", "vfs: mmc0p1 is /card");
    machine.client.options.probation_ms = UINT32_MAX; /* none: many shall fit into the copy */
    unsigned copy = job_begin("cp -g /card/larger.bin /card/copy.bin");
    for (; replaced < 6; replaced++) {
        cr_assert_not_null(strstr(job_look(copy), "copies to"), "over after %u", replaced);
        must(machine_push(&machine, packages[replaced % 2], "", NULL, &why));
    }
    cr_expect_not_null(strstr(job_look(copy), "copies to"), "over before the last");
    job_end(copy, "8388608 bytes");
    sync_all();
    pull_out();
    card_expect_file("own.img", "copy.bin", "larger.bin");
    card_expect_file("own.img", "larger.bin", "larger.bin");
    card_expect_clean("own.img");
}

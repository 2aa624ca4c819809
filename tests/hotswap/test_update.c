/* SPDX-License-Identifier: MIT */
/*
 * Updates of the whole system: whatever goes wrong, the machine ends in a system that runs, and
 * says why. Each test has a card of its own, changed on the host by mtools, and a machine.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/environment.h"
#include "tests/hotswap/suite.h"
#include "tools/nr/port.h"
#include "tools/nr/update.h"

#define FOLDER "build/tests/update/"
#define CARD FOLDER "card.img"
#define SYSTEM FOLDER "neurath.itb"
#define SAYS_MS 30000

static struct machine board = {.qmp = -1, .log = -1, .lock = -1, .client = {.fd = -1}};

/* Puts a file of FOLDER on the card. */
static void put(const char *file, const char *to)
{
    suite_sh("mcopy -o -i %s@@1M " FOLDER "%s ::%s", CARD, file, to);
}

/*
 * A FIT in FOLDER, as the build makes it, with `version`, signed by the key in the folder `keys`;
 * NULL: not signed.
 */
static void make_fit(const char *fit, const char *version, const char *keys)
{
    suite_sh(
        "cd " FOLDER " && sed -e 's/@VERSION@/%s/' %s ../../../boot/neurath.its >neurath.its && "
        "mkimage -E -B 0x1000 -f neurath.its %s %s -r %s >mkimage.log 2>&1",
        version, keys ? "" : "-e '/signature {/,/};/d'", keys ? "-k" : "", keys ? keys : "", fit);
}

static void save(const char *file, const void *bytes, size_t size)
{
    char name[96];
    snprintf(name, sizeof(name), FOLDER "%s", file);
    FILE *out = fopen(name, "wb");
    cr_assert_not_null(out);
    cr_assert_eq(fwrite(bytes, 1, size, out), size);
    fclose(out);
}

/* A copy of the environment on the card; torn: its second half is of another. */
static void put_environment(const char *file, uint8_t serial, const char *slot, bool is_torn)
{
    uint8_t image[ENVIRONMENT_BYTES];
    environment_clear(image);
    environment_set(image, "slot", slot);
    environment_set(image, "upgrade_available", "1");
    environment_set(image, "bootcount", "0");
    /* Nothing of this is taken: it would switch verification off, or start nothing. */
    environment_set(image, "verify", "no");
    environment_set(image, "bootcmd", "echo absurd");
    environment_set(image, "bootdelay", "100");
    environment_set(image, "fdt_addr", "1");
    environment_seal(image, serial);
    if (is_torn) {
        memset(image + ENVIRONMENT_BYTES / 2, 'x', ENVIRONMENT_BYTES / 2);
    }
    save(file, image, sizeof(image));
    put(file, file);
}

/* Starts the board as after an unexpected end: what U-Boot says first is still to come. */
static void power_on(void)
{
    must(machine_power_on_card(&board, "update", CARD, NULL, &why));
}

static void expect(const char *text)
{
    must(machine_expect(&board, text, SAYS_MS, &why));
}

/* The system is up; what `slots` says, until the next call. */
static const char *enter(void)
{
    static char said[2000];
    must(machine_expect(&board, MACHINE_PROMPT, MACHINE_BOOT_MS, &why));
    must(client_connect(&board.client, MACHINE_ANSWER_MS, &why));
    uint64_t end = now_ms() + SAYS_MS;
    int result;
    do { /* a while until the card is mounted; each answer is an event */
        result = machine_run(&board, "slots", said, sizeof(said), &why);
    } while (result < 0 && now_ms() < end);
    must(result);
    return said;
}

static void expect_slots(const char *said, const char *words)
{
    cr_expect_not_null(strstr(said, words), "slots says:\n%s", said);
}

static void begin(void)
{
    suite_sh("rm -rf " FOLDER " && mkdir -p " FOLDER);
    suite_sh("cp --sparse=always build/neurath.img " CARD);
    suite_sh("cp build/boot/Image build/boot/boot.nrb " FOLDER);
}

static void end(void)
{
    machine_stop(&board);
}

TestSuite(update, .init = begin, .fini = end, .timeout = 400);

static struct {
    size_t first, last, times;
} told;

/* It goes on, and not beyond the end. */
static void take_progress(size_t done, size_t size)
{
    cr_assert(done >= told.last && done <= size, "%zu after %zu of %zu", done, told.last, size);
    told.first = told.times++ ? told.first : done;
    told.last = done;
}

static int update(const void *image, size_t size, size_t stop_at, struct update_report *report)
{
    memset(&told, 0, sizeof(told));
    return client_update(&board.client, image, size, take_progress, stop_at, report, &why);
}

/* What is on the card as U-Boot's own tool reads it. */
static void expect_on_card(const char *name, const char *value)
{
    suite_sh("cd " FOLDER " && mcopy -o -i card.img@@1M ::uboot.env ::uboot-redund.env . && "
             "printf '%%s 0x0 0x4000\\n' uboot.env uboot-redund.env >fw_env.config && "
             "test \"$(fw_printenv -c fw_env.config -n %s)\" = '%s'",
             name, value);
}

Test(update, goes_on_after_a_power_cut_and_is_found_good)
{
    struct update_report report;
    size_t size;
    make_fit("neurath.itb", "newer", "../../boot/keys");
    void *image = client_read_file(SYSTEM, &size, &why);
    cr_assert_not_null(image, "%s", why.text);
    must(update_check(image, size, &why));

    power_on();
    expect_slots(enter(), "runs, good\nslot b");
    cr_assert_eq(update(image, size, size / 2, &report), -ECANCELED, "%s", why.text);
    cr_expect(told.first < size / 10 && told.last >= size / 2 && told.last < size);
    machine_stop(&board);

    power_on();
    expect_slots(enter(), "runs, good\nslot b"); /* b is still what it was */
    cr_assert_eq(update(image, size, size * 3 / 4, &report), -ECANCELED, "%s", why.text);
    cr_expect_geq(report.resumed, size / 2 - CLIENT_PIECE_BYTES);
    /* Whoever receives is replaced in the middle of it. */
    must(machine_push(&board, PACKAGE("boot_slots-1.0.0+rebuilt"), "", NULL, &why));
    must(update(image, size, 0, &report));
    cr_expect_geq(report.resumed, size * 3 / 4 - CLIENT_PIECE_BYTES);
    cr_expect_gt(told.first, report.resumed, "it tells what there is already");
    cr_expect_gt(told.times, 10u, "and each step from there on");
    cr_expect_eq(told.last, size);
    cr_expect_str_eq(report.message, "the next start tries slot b: newer");

    machine_type(&board, "reboot\n");
    expect("U-Boot");
    expect_slots(enter(), "slot b  newer  runs, on trial: start 1");
    must_refuse(update(image, size, 0, &report), "on trial"); /* a is what it falls back to */
    expect("slot b is good");
    machine_stop(&board);
    expect_on_card("slot", "b");
    expect_on_card("upgrade_available", "0");
    free(image);
}

/* arm64's header of an Image (Documentation/arch/arm64/booting.rst), and a kernel that hangs. */
static void make_hanging_image(void)
{
    uint32_t image[1024] = {0x14000000 /* b . */};
    image[4] = sizeof(image); /* its size */
    image[14] = 0x644d5241;   /* "ARM\x64" */
    save("Image", image, sizeof(image));
}

Test(update, a_system_that_hangs_is_given_up_after_three_starts)
{
    make_hanging_image();
    make_fit("neurath.itb", "hangs", "../../boot/keys");
    put("neurath.itb", "slot-b/neurath.itb");
    put_environment("uboot.env", 1, "b", false);
    power_on();
    for (unsigned i = 0; i < 3; i++) {
        expect("Starting kernel");
        must(machine_monitor(&board, "system_reset", NULL, 0, &why));
    }
    expect("slot b is given up: it was started 3 times");
    const char *said = enter();
    expect_slots(said, "runs, good\nslot b  hangs\n");
    expect_slots(said, "slot b was given up: it was started 3 times and never found good");
}

/*
 * An update to a system that is soon impatient, and lacks a component, restarts by itself until it
 * is given up. Nobody touches the board meanwhile.
 */
static void expect_to_be_given_up(const char *without, const char *says)
{
    struct update_report report;
    size_t size;
    suite_sh("build/tools/nrpack bundle --key $(readlink -f build/boot/keys/neurath.key) -o " FOLDER
             "boot.nrb $(build/tools/nrpack show build/boot/boot.nrb | sed -n "
             "'s|^\\([a-z0-9_]*\\) [0-9.]*: .*|build/components/\\1/package.nrb|p' | sed "
             "'s|/boot_slots/|/boot_slots-impatient/|' | grep -v '/%s/')",
             without);
    make_fit("neurath.itb", "impatient", "../../boot/keys");
    void *image = client_read_file(SYSTEM, &size, &why);
    cr_assert_not_null(image, "%s", why.text);
    power_on();
    expect_slots(enter(), "runs, good\nslot b");
    must(update(image, size, 0, &report));
    machine_type(&board, "reboot\n");
    for (unsigned i = 0; i < 3; i++) {
        if (says) {
            expect(says);
        }
        expect("slot b was not found good in time: restarting");
    }
    expect("slot b is given up: it was started 3 times");
    expect_slots(enter(), "runs, good\nslot b  impatient\n");
    free(image);
}

Test(update, a_system_that_is_never_found_good_restarts_until_it_is_given_up)
{
    expect_to_be_given_up("none", "boot_slots: slot b runs, on trial");
}

Test(update, a_system_that_cannot_read_its_card_restarts_until_it_is_given_up)
{
    expect_to_be_given_up("fat", NULL);
}

Test(update, a_changed_system_is_refused_and_a_torn_environment_is_not_taken)
{
    struct update_report report;
    static uint8_t no_fit[20000];
    make_fit("neurath.itb", "changed", "../../boot/keys");
    suite_sh("printf X | dd of=" SYSTEM " bs=1 seek=300000 conv=notrunc 2>/dev/null");
    put("neurath.itb", "slot-b/neurath.itb");
    put_environment("uboot.env", 5, "b", false);
    put_environment("uboot-redund.env", 6, "a", true);
    power_on();
    expect("slot b: neurath.itb is refused");
    expect("slot b is given up");
    const char *said = enter();
    expect_slots(said, "runs, good\nslot b  changed\n");
    expect_slots(said, "slot b was given up: its neurath.itb cannot be read, or is not signed");

    /* What is no FIT comes as far as the board's own look at it. */
    memset(no_fit, 0xd0, sizeof(no_fit));
    cr_expect_lt(update_check(no_fit, sizeof(no_fit), &why), 0);
    must_refuse(update(no_fit, sizeof(no_fit), 0, &report), "no FIT of Neurath");
    char output[2000];
    must(machine_run(&board, "slots", output, sizeof(output), &why));
    expect_slots(output, "runs, good\nslot b  changed\n");
}

Test(update, a_system_signed_with_another_key_is_refused_and_nothing_is_known_of_slots)
{
    suite_sh("mkdir " FOLDER "keys && openssl genrsa -out " FOLDER
             "keys/neurath.key 2048 2>/dev/null");
    make_fit("neurath.itb", "foreign", "keys");
    put("neurath.itb", "slot-a/neurath.itb");
    put_environment("uboot.env", 5, "a", true);
    put_environment("uboot-redund.env", 6, "a", true);
    power_on();
    expect("slot a: neurath.itb is refused");
    const char *said = enter();
    expect_slots(said, "slot a  foreign");
    expect_slots(said, "runs, good");
    cr_expect_null(strstr(said, "slot a  foreign  runs"), "%s", said);
    expect("slot a could not be started"); /* by whom: the log, to which it was said before */
}

Test(update, a_system_that_is_not_signed_is_refused)
{
    size_t size;
    make_fit("neurath.itb", "unsigned", NULL);
    void *image = client_read_file(SYSTEM, &size, &why);
    cr_assert_not_null(image, "%s", why.text);
    cr_expect_lt(update_check(image, size, &why), 0);
    cr_expect_not_null(strstr(why.text, "it is no signed FIT"), "%s", why.text);
    free(image);
    put("neurath.itb", "slot-b/neurath.itb");
    put_environment("uboot.env", 5, "b", false);
    power_on();
    expect("slot b: neurath.itb is refused");
    expect("slot b is given up");
    const char *said = enter();
    expect_slots(said, "runs, good\nslot b  unsigned\n");
    expect_slots(said, "slot b was given up: its neurath.itb cannot be read, or is not signed");
}

/* SPDX-License-Identifier: MIT */
/*
 * Files on a disk in RAM while all that is below them is replaced: disk, file system, vfs, the
 * commands themselves - between two calls, with files open, in the middle of a copy.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/hotswap/jobs.h"
#include "tests/hotswap/suite.h"

static const char *const layers[] = {"ramdisk", "fat", "vfs", "files"};

static void begin(void)
{
    suite_attach();
    must(machine_load(&machine, "ramdisk", NULL, &why));
    suite_run("ramdisk 16");
    suite_until("format ram0 yes", "ram0 is an empty FAT now");
    suite_until("mount ram0", "");
    suite_until("df", "/ram ");
}

static void end(void)
{
    suite_until("jobs", ""); /* whatever a failed test has left goes with the component */
    (void)machine_run(&machine, "unmount ram", NULL, 0, &why);
    (void)machine_unload(&machine, "ramdisk", NULL, &why);
    suite_detach();
}

TestSuite(files, .init = begin, .fini = end, .timeout = 240);

/* By another build of the same version, or back to the usual one. */
static void replace(const char *name, bool is_rebuilt)
{
    char package[128];
    struct client_report report;
    snprintf(package, sizeof(package), PACKAGE("%s-1.0.0%s"), name, is_rebuilt ? "+rebuilt" : "");
    must(machine_push(&machine, package, "", &report, &why));
    cr_assert_str_eq(report.transfer, "adopted", "%s", name);
}

Test(files, commands_do_what_they_say)
{
    suite_run("mkdir /ram/folder");
    suite_run("write \"/ram/folder/a file.txt\" one line");
    suite_run("write -a \"/ram/folder/a file.txt\" and another");
    suite_says("cat \"/ram/folder/A FILE.TXT\"", "one line\nand another\n");
    suite_says("ls /ram/folder", "21 ");
    suite_says("hexdump \"/ram/folder/a file.txt\" 4 3", "00000004  6c 69 6e");
    suite_run("mv \"/ram/folder/a file.txt\" /ram/moved");
    suite_run("cp /ram/moved /ram/folder");
    suite_says("cmp /ram/moved /ram/folder/moved", "done, 21 bytes");
    suite_fails("rmdir /ram/folder", "not empty");
    suite_run("rm /ram/folder/moved /ram/moved");
    suite_run("rmdir /ram/folder");
    suite_fails("cat /ram/moved", "no such file");
    suite_fails("cat /nowhere/file", "no such file");
    suite_fails("write /ram/a:b text", "this cannot be");
    suite_run("sync");
    suite_says("df", "FAT16");
}

Test(files, survive_the_replacement_of_each_layer)
{
    suite_run("write /ram/file what was written before");
    for (unsigned i = 0; i < sizeof(layers) / sizeof(layers[0]); i++) {
        replace(layers[i], true);
        suite_says("cat /ram/file", "what was written before\n");
        replace(layers[i], false);
        suite_says("cat /ram/file", "what was written before\n");
    }
    suite_run("rm /ram/file");
}

/* It has neither ended nor failed. */
static void is_under_way(unsigned number)
{
    unsigned done, all;
    const char *line = job_look(number);
    cr_assert_eq(sscanf(line, "copies to %*s %u of %u", &done, &all), 2, "over: %s", line);
}

Test(files, a_copy_goes_on_through_the_replacement_of_each_layer)
{
    machine.client.options.probation_ms = UINT32_MAX; /* none: pushes shall be quicker than it */
    job_end(job_begin("fill /ram/original 4096"), "4194304 bytes");
    for (unsigned i = 0; i < sizeof(layers) / sizeof(layers[0]); i++) {
        unsigned copy = job_begin("cp -g /ram/original /ram/copy");
        replace(layers[i], true);
        is_under_way(copy);
        replace(layers[i], false);
        job_end(copy, "4194304 bytes");
        job_end(job_begin("cmp /ram/original /ram/copy"), "4194304 bytes");
        suite_run("rm /ram/copy");
    }
    suite_run("rm /ram/original");
}

Test(files, all_layers_at_once_in_the_middle_of_a_copy)
{
    struct client_report report;
    machine.client.options.probation_ms = UINT32_MAX;
    job_end(job_begin("fill /ram/original 7168"), "7340032 bytes");
    suite_bundle(
        "build/tests/files.nrb",
        PACKAGE("ramdisk-1.0.0+rebuilt") " " PACKAGE("partition-1.0.0+rebuilt") " " PACKAGE(
            "fat-1.0.0+rebuilt") " " PACKAGE("vfs-1.0.0+rebuilt") " " PACKAGE("files-1.0.0+"
                                                                              "rebuilt"));
    unsigned copy = job_begin("cp -g /ram/original /ram/copy");
    must(machine_push(&machine, "build/tests/files.nrb", "", &report, &why));
    is_under_way(copy);
    job_end(copy, "7340032 bytes");
    job_end(job_begin("cmp /ram/original /ram/copy"), "7340032 bytes");
    for (unsigned i = 0; i < sizeof(layers) / sizeof(layers[0]); i++) {
        replace(layers[i], false);
    }
    replace("partition", false);
    suite_run("rm /ram/copy /ram/original");
}

/* The card itself: what the machine has booted from. */
Test(files, the_card_has_what_was_put_on_it)
{
    static char text[20000];
    FILE *file = fopen("build/neurath.manifest", "r");
    cr_assert_not_null(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = 0;
    fclose(file);
    suite_until("df", "/card ");
    cr_assert_str_eq(suite_run("cat /card/manifest.txt"), text);
    suite_says("sd", "QEMU!");
}

Test(files, the_card_s_driver_is_replaced_in_the_middle_of_a_copy)
{
    machine.client.options.probation_ms = UINT32_MAX;
    suite_until("df", "/card ");
    job_end(job_begin("fill /card/original 1024"), "1048576 bytes");
    unsigned copy = job_begin("cp -g /card/original /card/copy");
    replace("emmc2", true);
    is_under_way(copy);
    replace("partition", true);
    replace("emmc2", false);
    replace("partition", false);
    job_end(copy, "1048576 bytes");
    job_end(job_begin("cmp /card/original /card/copy"), "1048576 bytes");
    suite_run("rm /card/original /card/copy");
    suite_run("sync");
}

Test(files, a_medium_that_goes_is_told_and_another_one_comes)
{
    suite_run("write /ram/file text");
    job_end(job_begin("cp -g /ram/file /ram/other"), "5 bytes");
    suite_run("ramdisk 8"); /* another, empty medium */
    suite_until("ls /ram", "no such file");
    suite_until("format ram0 yes", "ram0 is an empty FAT now");
    (void)machine_run(&machine, "mount ram0", NULL, 0, &why);
    suite_until("df", "/ram ");
    suite_fails("cat /ram/file", "no such file");
    suite_run("write /ram/file another");
    suite_says("cat /ram/file", "another\n");
}

Test(files, a_full_volume_is_told)
{
    suite_run("ramdisk 4");
    suite_until("df", "");
    suite_until("format ram0 yes", "ram0 is an empty FAT now");
    (void)machine_run(&machine, "mount ram0", NULL, 0, &why);
    suite_until("df", "/ram ");
    suite_run("write /ram/small stays");
    (void)machine_run(&machine, "fill /ram/large 8192", NULL, 0, &why);
    suite_until("jobs", "there is no room left");
    suite_says("cat /ram/small", "stays\n");
    suite_run("rm /ram/large");
    suite_until("df", "KiB free");
    suite_run("write /ram/more fits again");
}

Test(files, what_unloads_is_gone_and_comes_back)
{
    suite_run("write /ram/file text");
    suite_run("sync");
    must(machine_unload(&machine, "files", NULL, &why));
    must(machine_push(&machine, PACKAGE("files-1.0.0"), "", NULL, &why));
    suite_says("cat /ram/file", "text\n");
    must(machine_unload(&machine, "ramdisk", NULL, &why));
    suite_until("ls /", "");
    suite_until("ls /ram", "no such file");
    must(machine_load(&machine, "ramdisk", NULL, &why));
}

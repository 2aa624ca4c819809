/* SPDX-License-Identifier: MIT */
/*
 * The line at its worst: cut, noisy, somebody new at the other end. The world stays, and the next
 * one who comes is served.
 */
#include <errno.h>
#include <fcntl.h>
#include <libfdt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/hotswap/suite.h"

TestSuite(line, .init = suite_attach, .fini = suite_detach, .timeout = 120);

static uint32_t seen_handle;

static void take_handle(void *context, const void *tree)
{
    const uint8_t *cell = fdt_getprop(tree, 0, "handle", NULL);
    (void)context;
    seen_handle = cell ? fdt32_ld((const fdt32_t *)cell) : 0;
}

/* A push of a package up to `bytes`, and no further. */
static void push_part(const uint8_t *package, size_t size, size_t bytes)
{
    static struct client_call call;
    client_begin(&machine.client, &call, "push-open");
    message_put_u32(&call.writer, "size", (uint32_t)size);
    call.on_part = take_handle;
    must(client_call(&machine.client, &call, 10000, &why));
    call.on_part = NULL;
    for (size_t offset = 0; offset < bytes; offset += CLIENT_PIECE_BYTES) {
        size_t left = bytes - offset;
        client_begin(&machine.client, &call, "push-write");
        message_put_u32(&call.writer, "handle", seen_handle);
        message_put_u32(&call.writer, "offset", (uint32_t)offset);
        message_put_bytes(&call.writer, "data", package + offset,
                          left < CLIENT_PIECE_BYTES ? left : CLIENT_PIECE_BYTES);
        must(client_call(&machine.client, &call, 10000, &why));
    }
}

Test(line, leaves_the_world_when_a_transfer_is_cut_off)
{
    size_t size;
    uint64_t before = suite_hash();
    uint32_t version = suite_version("led_blink");
    uint8_t *package = client_read_file(PACKAGE("led_blink-1.1.0"), &size, &why);
    cr_assert_not_null(package);
    push_part(package, size, size / 2);
    machine_detach(&machine); /* in the middle */
    suite_detach();
    suite_attach();
    cr_assert_eq(suite_hash(), before);
    cr_assert_eq(suite_version("led_blink"), version);
    /* And what was begun cannot be finished by somebody else's half. */
    push_part(package, size, CLIENT_PIECE_BYTES);
    struct client_call call = {0};
    client_begin(&machine.client, &call, "push-commit");
    message_put_u32(&call.writer, "handle", seen_handle);
    must_refuse(client_call(&machine.client, &call, 10000, &why), "bytes came");
    cr_assert_eq(suite_hash(), before);
    free(package);
}

Test(line, serves_the_next_nr_after_one_was_killed)
{
    uint64_t before = suite_hash();
    char words[16];
    int says[2];
    suite_detach();
    cr_assert_eq(pipe(says), 0);
    pid_t nr = fork();
    if (nr == 0) {
        dup2(says[1], 2);
        execl("build/tools/nr", "nr", "--port", "build/tests/" SUITE_MACHINE ".console", "push",
              PACKAGE("led_blink-1.1.0"), NULL);
        _exit(127);
    }
    cr_assert_gt(read(says[0], words, sizeof(words)), 0); /* that it begins to push */
    kill(nr, SIGKILL);
    waitpid(nr, NULL, 0);
    suite_attach();
    if (suite_version("led_blink") == (1u << 24 | 2u << 12)) {
        cr_assert_eq(suite_hash(), before);
    } else { /* it was faster than we */
        must(machine_push(&machine, PACKAGE("led_blink-1.2.0"), "", NULL, &why));
    }
    close(says[0]);
    close(says[1]);
}

/* Bytes that no wire sends, between what it does send. */
static void make_noise(unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) {
        char byte = (char)random();
        /* What a person's terminal would take as keys is noise too, but Enter would run it. */
        if (byte != '\r' && byte != '\n' && byte != 3 && byte != 4) {
            client_type(&machine.client, &byte, 1);
        }
    }
}

Test(line, takes_no_harm_from_noise)
{
    uint64_t before = suite_hash();
    srandom(4);
    for (unsigned round = 0; round < 20; round++) {
        make_noise(300);
        cr_assert_eq(suite_hash(), before, "round %u", round);
    }
    machine_type(&machine, "\x15\x03\n"); /* what is on the line being edited goes */
    cr_assert_not_null(strstr(suite_run("echo still here"), "still here"));
}

Test(line, pushes_a_package_through_noise)
{
    struct client_report report;
    size_t size;
    uint8_t *package = client_read_file(PACKAGE("led_blink-1.1.0"), &size, &why);
    cr_assert_not_null(package);
    srandom(5);
    push_part(package, size, CLIENT_PIECE_BYTES);
    make_noise(2000);
    must(machine_push_bytes(&machine, package, size, "", &report, &why));
    cr_assert_eq(report.new_version, 1u << 24 | 1u << 12);
    make_noise(2000);
    must(machine_push(&machine, PACKAGE("led_blink-1.2.0"), "", &report, &why));
    cr_assert_eq(report.new_version, 1u << 24 | 2u << 12);
    free(package);
    machine_type(&machine, "\x15\x03\n");
}

Test(line, answers_requests_that_make_no_sense)
{
    uint64_t before = suite_hash();
    uint8_t rubbish[2000];
    memset(rubbish, 0xd0, sizeof(rubbish));
    for (unsigned i = 0; i < 20; i++) {
        while (wire_send(&machine.client.wire, rubbish, i * 97) == -EAGAIN) {
            cr_assert_eq(client_pump(&machine.client, 1000), 0);
        }
    }
    cr_assert_eq(suite_hash(), before);
}

Test(line, two_nr_take_turns_behind_a_console)
{
    char port[] = "build/tests/" SUITE_MACHINE ".console";
    int quiet, input[2];
    suite_detach();
    cr_assert_eq(pipe(input), 0);
    quiet = open("/dev/null", O_RDWR);
    pid_t console = fork();
    if (console == 0) {
        dup2(input[0], 0);
        dup2(quiet, 1);
        dup2(quiet, 2);
        close(input[1]);
        execl("build/tools/nr", "nr", "--port", port, "console", NULL);
        _exit(127);
    }
    pid_t others[3];
    for (unsigned i = 0; i < 3; i++) {
        others[i] = fork();
        if (others[i] == 0) {
            dup2(quiet, 1);
            execl("build/tools/nr", "nr", "--port", port, "run", "world", NULL);
            _exit(127);
        }
    }
    for (unsigned i = 0; i < 3; i++) {
        int status;
        waitpid(others[i], &status, 0);
        cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "nr %u: status %x", i, status);
    }
    kill(console, SIGTERM);
    waitpid(console, NULL, 0);
    close(input[0]);
    close(input[1]);
    close(quiet);
    suite_attach();
}

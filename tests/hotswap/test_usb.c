/* SPDX-License-Identifier: MIT */
/*
 * The USB on a machine of its own, with a hub and a keyboard: what is typed arrives, each key once,
 * whatever is replaced, plugged in or pulled out meanwhile. What arrived the fixture `typist`
 * tells.
 */
#include <stdio.h>
#include <string.h>

#include "tests/hotswap/suite.h"

#define DEVICES "-device usb-hub,id=hub,port=1 -device usb-kbd,id=kbd,port=1.1"
#define LOOKS 3000     /* at what should come: some 10 s */
#define HOLD_MS 20     /* how long QEMU holds each key */
#define ROUNDS 34      /* three components each */
#define KEYS_AT_ONCE 4 /* QEMU's keyboard keeps 16 events: two for each key, and room */

static struct machine board = {.qmp = -1, .log = -1, .lock = -1, .client = {.fd = -1}};

static const char *say(const char *line)
{
    static char output[4000];
    must(machine_run(&board, line, output, sizeof(output), &why));
    return output;
}

/* Waits until what a command says has these words, or, is_absent, has them no more. */
static void wait_for(const char *line, const char *words, bool is_absent)
{
    const char *said = "";
    for (unsigned i = 0; i < LOOKS; i++) {
        said = say(line);
        if ((strstr(said, words) == NULL) == is_absent) {
            return;
        }
    }
    cr_assert_fail("%s: \"%s\" should be %s: %s", line, words, is_absent ? "gone" : "there", said);
}

static void monitor(const char *format, const char *word, int number)
{
    char command[128], output[512] = "";
    snprintf(command, sizeof(command), format, word, number);
    must(machine_monitor(&board, command, output, sizeof(output), &why));
    cr_assert_null(strstr(output, "rror"), "%s: %s", command, output);
}

static void press(const char *key)
{
    monitor("sendkey %s %d", key, HOLD_MS);
}

static void expect_typed(const char *text)
{
    char words[300];
    snprintf(words, sizeof(words), "%zu keys, 0 repeats, 0 wrong, 0 held: %s\n", strlen(text),
             text);
    wait_for("typist", words, false);
}

static void begin(void)
{
    must(machine_start_with(&board, "usb", DEVICES, &why));
    must(machine_push(&board, PACKAGE("typist-1.0.0"), "", NULL, &why));
    wait_for("usb", "QEMU USB Keyboard", false);
    wait_for("world usb_keyboard", "keyboard keyboard0", false);
}

static void end(void)
{
    machine_stop(&board);
}

TestSuite(usb, .init = begin, .fini = end, .timeout = 400);

Test(usb, tells_what_is_typed_on_a_keyboard_behind_a_hub)
{
    static const char *const keys[] = {"n", "e", "shift-u", "r", "a", "t", "h"};
    for (unsigned i = 0; i < 7; i++) {
        press(keys[i]);
    }
    expect_typed("neUrath");
}

/* SPDX-License-Identifier: MIT */
/*
 * The USB on a machine of its own, with a hub and a keyboard: what is typed arrives, each key once,
 * whatever is replaced, plugged in or pulled out meanwhile. What arrived the fixture `typist`
 * tells.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/harness/direct.h"
#include "tests/hotswap/suite.h"

#define DEVICES "-device usb-hub,id=hub,port=1 -device usb-kbd,id=kbd,port=1.1"
#define LOOKS 3000  /* at what should come: some 10 s */
#define SWAPS 200   /* of each component */
#define KEYS_MIN 20 /* typed during them, at least */
#define TYPED_MAX 4000
#define SHOWN 200      /* of what was typed, by typist */
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
    char command[128];
    snprintf(command, sizeof(command), format, word, number);
    must(machine_monitor(&board, command, NULL, 0, &why));
}

static void press(const char *key)
{
    must(machine_press(&board, key, &why));
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
    must(direct_start(&board, &(struct direct){.name = "usb", .options = DEVICES}, &why));
    must(machine_unload(&board, "screen", NULL, &why)); /* it takes what is typed, too */
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

/* Types some keys, and waits until all that was typed so far has come as it was typed. */
static void type_some(char *typed)
{
    char words[600];
    size_t length = strlen(typed);
    cr_assert_lt(length + KEYS_AT_ONCE, TYPED_MAX);
    for (unsigned i = 0; i < KEYS_AT_ONCE; i++) {
        char key[2] = {(char)('a' + (length + i) % 26), '\0'};
        typed[length + i] = key[0];
        press(key);
    }
    length += KEYS_AT_ONCE;
    typed[length] = '\0';
    snprintf(words, sizeof(words), "%zu keys, 0 repeats, 0 wrong, 0 held: %s\n", length,
             length > SHOWN ? typed + length - SHOWN : typed);
    wait_for("typist", words, false);
}

static uint32_t swaps_of(const char *name)
{
    struct machine_world world;
    must(machine_read_world(&board, &world, &why));
    const struct machine_component *component = machine_find(&world, name);
    cr_assert_not_null(component, "%s is gone", name);
    return component->swaps;
}

/* Replaces a component over and over from inside the machine, one swap after the other. */
static void type_while_replaced(const char *name, const char *package, const char *rebuilt,
                                char *typed)
{
    char line[128];
    must(machine_push(&board, package, "", NULL, &why));
    must(machine_push(&board, rebuilt, "", NULL, &why));
    uint32_t before = swaps_of(name);
    size_t length = strlen(typed);
    snprintf(line, sizeof(line), "churn %u %s %s %s", SWAPS, name, name, name);
    say(line);
    do {
        type_some(typed);
    } while (strstr(say("churn"), "under way"));
    snprintf(line, sizeof(line), "done: %u of %u,", SWAPS, SWAPS);
    cr_assert_not_null(strstr(say("churn"), line), "%s: %s", name, say("churn"));
    cr_assert_eq(swaps_of(name), before + SWAPS);
    cr_assert_geq(strlen(typed) - length, KEYS_MIN, "%s: only %zu keys meanwhile", name,
                  strlen(typed) - length);
}

Test(usb, loses_and_doubles_no_key_while_all_of_it_is_replaced)
{
    static char typed[TYPED_MAX + 1];
    must(machine_push(&board, PACKAGE("churn-1.0.0"), "", NULL, &why));
    type_while_replaced("dwc2", PACKAGE("dwc2-1.0.0"), PACKAGE("dwc2-1.0.0+rebuilt"), typed);
    type_while_replaced("usb", PACKAGE("usb-1.0.0"), PACKAGE("usb-1.0.0+rebuilt"), typed);
    type_while_replaced("usb_keyboard", PACKAGE("usb_keyboard-1.0.0"),
                        PACKAGE("usb_keyboard-1.0.0+rebuilt"), typed);
}

Test(usb, goes_on_enumerating_under_a_successor)
{
    for (unsigned i = 0; i < 4; i++) {
        monitor("device_del %s", "kbd", 0);
        wait_for("usb", "QEMU USB Keyboard", true);
        monitor("device_add usb-kbd,id=%s,port=1.%d", "kbd", (int)i % 4 + 1);
        must(machine_push(&board, i % 2 ? PACKAGE("usb-1.0.0") : PACKAGE("usb-1.0.0+rebuilt"), "",
                          NULL, &why));
        must(machine_push(&board, i % 2 ? PACKAGE("dwc2-1.0.0") : PACKAGE("dwc2-1.0.0+rebuilt"), "",
                          NULL, &why));
        wait_for("usb", "QEMU USB Keyboard", false);
    }
    wait_for("usb", "1.4: QEMU USB Keyboard", false);
    press("a"); /* may come before the driver: the keyboard keeps it */
    expect_typed("a");
}

Test(usb, devices_come_and_go)
{
    press("a");
    expect_typed("a");
    for (int i = 0; i < 3; i++) {
        press("b"); /* on its way when the plug is pulled: let go, if it was pressed */
        monitor("device_del %s", "kbd", 0);
        wait_for("usb", "QEMU USB Keyboard", true);
        wait_for("typist", " 0 wrong, 0 held", false);
        monitor("device_add usb-kbd,id=%s,port=1.%d", "kbd", 2 + i % 2);
        wait_for("usb", "QEMU USB Keyboard", false);
    }
    say("typist clear");
    press("c");
    expect_typed("c");
}

Test(usb, a_hub_takes_all_behind_it_along)
{
    monitor("device_add usb-hub,id=%s,port=1.%d", "inner", 3);
    wait_for("usb", "1.3: QEMU USB Hub", false);
    monitor("device_add usb-tablet,id=%s,port=1.3.%d", "tablet", 2);
    wait_for("usb", "1.3.2: QEMU USB Tablet", false);
    monitor("device_del %s", "hub", 0);
    wait_for("usb", "nothing is plugged in", false);
    wait_for("dwc2", "port empty; 0 transfers open", false);
    monitor("device_add usb-kbd,id=%s,port=%d", "only", 1);
    wait_for("usb", "1: QEMU USB Keyboard", false);
    say("typist clear");
    press("d");
    expect_typed("d");
}

Test(usb, two_keyboards_are_two_and_others_are_left_alone)
{
    monitor("device_add usb-tablet,id=%s,port=1.%d", "tablet", 3);
    wait_for("usb", "1.3: QEMU USB Tablet", false);
    monitor("device_add usb-kbd,id=%s,port=1.%d", "second", 4);
    wait_for("usb", "1.4: QEMU USB Keyboard", false);
    wait_for("world usb_keyboard", "keyboard keyboard1", false);
    cr_assert_null(strstr(say("world usb_keyboard"), "keyboard keyboard2"));
    press("e"); /* QEMU gives it to the one that came last */
    expect_typed("e");
}

Test(usb, survives_its_controllers_driver)
{
    must(machine_unload(&board, "dwc2", NULL, &why));
    wait_for("usb", "nothing is plugged in", false);
    must(machine_push(&board, PACKAGE("dwc2-1.0.0"), "", NULL, &why));
    wait_for("usb", "1.1: QEMU USB Keyboard", false);
    press("g");
    expect_typed("g");
}

Test(usb, leaves_and_comes_back)
{
    must(machine_unload(&board, "usb_keyboard", NULL, &why));
    must(machine_unload(&board, "usb", NULL, &why));
    wait_for("dwc2", "; 0 transfers open", false);
    must(machine_unload(&board, "dwc2", NULL, &why));
    must(machine_push(&board, PACKAGE("dwc2-1.0.0"), "", NULL, &why));
    must(machine_push(&board, PACKAGE("usb-1.0.0"), "", NULL, &why));
    must(machine_push(&board, PACKAGE("usb_keyboard-1.0.0"), "", NULL, &why));
    wait_for("usb", "QEMU USB Keyboard", false);
    press("f");
    expect_typed("f");
}

TestSuite(usb_none, .init = suite_attach, .fini = suite_detach, .timeout = 60);

Test(usb_none, an_empty_port_is_no_error)
{
    cr_assert_not_null(strstr(suite_run("dwc2"), "dwc2: host, port empty; 0 transfers open"));
    cr_assert_not_null(strstr(suite_run("usb"), "nothing is plugged in"));
}

TestSuite(window, .fini = end, .timeout = 240);

/* As `make qemu` starts it where there is a display. */
Test(window, comes_with_a_keyboard)
{
    setenv("QEMU_DISPLAY", "vnc=unix:build/tests/window.vnc", 1);
    must(machine_start(&board, "window", &why));
    wait_for("usb", "1.1: QEMU USB Keyboard", false);
}

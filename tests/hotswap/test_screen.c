/* SPDX-License-Identifier: MIT */
/*
 * The display, as one sees it: text by keyboard and log, the picture of the world, moving colours;
 * and all of its parts replaced without that being seen.
 */
#include <stdio.h>
#include <string.h>

#include "components/plasma/plasma.h"
#include "components/screen/logo.h"
#include "components/world_view/palette.h"
#include "tests/hotswap/picture.h"
#include "tests/hotswap/suite.h"
#include "tools/nr/port.h"

#define BELOW_LOGO LOGO_HEIGHT
#define KEYS_AT_ONCE 12u
#define NO_MODIFIER 0u
#define SHIFT 0x02u
#define ALT 0x04u
#define F1 0x3au
#define PAGE_UP 0x4bu
#define PAGE_DOWN 0x4eu

static void begin(void)
{
    suite_attach();
    must(machine_push(&machine, PACKAGE("keys-1.0.0"), "", NULL, &why));
}

/* The first terminal again, and nothing of the test's left in the world. */
static void end(void)
{
    (void)machine_run(&machine, "screen 1", NULL, 0, &why);
    (void)machine_unload(&machine, "keys", NULL, &why);
    suite_detach();
}

TestSuite(screen, .init = begin, .fini = end, .timeout = 240);

static void press(unsigned modifiers, unsigned usage)
{
    char line[32];
    snprintf(line, sizeof(line), "keys %x %x", modifiers, usage);
    suite_run(line);
}

static unsigned usage_of(char character)
{
    return character == '\n'  ? 0x28
           : character == ' ' ? 0x2c
           : character == '0' ? 0x27
           : character <= '9' ? 0x1e + (unsigned)(character - '1')
                              : 0x04 + (unsigned)(character - 'a');
}

/* Small letters, digits, spaces, newlines. */
static void type(const char *text)
{
    while (*text) {
        char line[128] = "keys 0";
        for (unsigned i = 0; i < KEYS_AT_ONCE && *text; i++) {
            size_t length = strlen(line);
            snprintf(line + length, sizeof(line) - length, " %x", usage_of(*text++));
        }
        suite_run(line);
    }
}

/* By another build, and back. */
static void rebuild(const char *name)
{
    char package[128];
    suite_package(name, "+rebuilt", package, sizeof(package));
    must(machine_push(&machine, package, "", NULL, &why));
    suite_package(name, "", package, sizeof(package));
    must(machine_push(&machine, package, "", NULL, &why));
}

Test(screen, shows_the_ship)
{
    struct picture picture;
    suite_run("screen 1");
    picture_wait_for_colour(LOGO_NEW_PLANK, 1);
    picture_take(&picture);
    cr_expect_gt(picture_count(&picture, LOGO_HULL, 0, LOGO_HEIGHT), 800);
    cr_expect_eq(picture_count(&picture, LOGO_NEW_PLANK, 0, LOGO_HEIGHT), 36 * 6);
    cr_expect_eq(picture_count(&picture, LOGO_SEA, LOGO_HEIGHT - 1, LOGO_HEIGHT), picture.width);
    cr_expect_eq(picture_pixel(&picture, picture.width - 1, 0), LOGO_SKY);
    cr_expect_eq(picture_count(&picture, LOGO_HULL, LOGO_HEIGHT, picture.height), 0);
    picture_free(&picture);
}

Test(screen, runs_what_is_typed_on_a_keyboard)
{
    suite_run("screen 1");
    type("echo seven seals\n");
    picture_wait_for_text(BELOW_LOGO, "neurath> echo seven seals");
    type("nonsense\n");
    picture_wait_for_text(BELOW_LOGO, "nonsense: no such command");
}

Test(screen, shows_the_log_on_the_first_terminal)
{
    suite_run("screen 1");
    must(machine_push(&machine, PACKAGE("uart_pl011-1.0.0+rebuilt"), "", NULL, &why));
    must(machine_push(&machine, PACKAGE("uart_pl011-1.0.0"), "", NULL, &why));
    must(machine_unload(&machine, "uart_pl011", NULL, &why));
    must(machine_push(&machine, PACKAGE("uart_pl011-1.0.0"), "", NULL, &why));
    picture_wait_for_text(BELOW_LOGO, "uart_pl011: at 0xfe201000");
}

Test(screen, has_four_terminals_each_with_its_shell)
{
    struct picture picture;
    for (unsigned i = 1; i < 4; i++) {
        char line[32];
        press(ALT, F1 + i);
        snprintf(line, sizeof(line), "echo terminal %u\n", i + 1);
        type(line);
        line[strlen(line) - 1] = '\0';
        picture_wait_for_text(0, line);
    }
    picture_take(&picture);
    cr_expect(!picture_has_text(&picture, 0, "echo terminal 3"), "that is another one's");
    picture_free(&picture);
    press(ALT, F1 + 2);
    picture_wait_for_text(0, "echo terminal 3");
    press(ALT, F1);
    picture_wait_for_colour(LOGO_NEW_PLANK, 36 * 6);
}

Test(screen, shows_what_has_scrolled_away)
{
    suite_run("screen 2");
    type("echo first words\n");
    type("packages\n");
    type("packages\n");
    type("packages\n");
    type("echo last words\n");
    picture_wait_for_text(0, "echo last words");
    for (unsigned i = 0; i < 40; i++) {
        struct picture picture;
        press(SHIFT, PAGE_UP);
        picture_take(&picture);
        bool is_there = picture_has_text(&picture, 0, "echo first words");
        picture_free(&picture);
        if (is_there) {
            break;
        }
    }
    picture_wait_for_text(0, "echo first words");
    type("x");
    picture_wait_for_text(0, "neurath> x");
    press(NO_MODIFIER, 0x2a); /* backspace */
}

Test(screen, its_parts_are_replaced_and_the_picture_stays)
{
    static const char *const parts[] = {"mailbox", "framebuffer", "screen", "shell"};
    struct picture before, after;
    suite_run("screen 3");
    type("echo stay as you are\n");
    type("half a line");
    picture_wait_for_text(0, "neurath> half a line");
    picture_take(&before);
    for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        rebuild(parts[i]);
        picture_take(&after);
        cr_expect(picture_is_same(&before, &after), "%s was seen to be replaced", parts[i]);
        picture_free(&after);
    }
    picture_free(&before);
    type(" is finished\n");
    picture_wait_for_text(0, "half: no such command");
}

Test(screen, shows_what_components_take_until_a_key_ends_it)
{
    static const char *const parts[] = {"screen", "top"};
    suite_run("screen 2");
    type("top\n");
    picture_wait_for_text(0, "component      >cpu %");
    type("n");
    picture_wait_for_text(0, ">component");
    picture_wait_for_text(0, "[n name] q end");
    for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        rebuild(parts[i]);
    }
    type("s");
    picture_wait_for_text(0, ">swaps");
    type("q");
    picture_wait_for_text(0, "neurath>");
    type("echo after all\n");
    picture_wait_for_text(0, "neurath> echo after all");
}

#define PHASES 4u
#define DRAIN_SEEN (1u << 1) /* as phases_seen() has it */
#define ROUND_MS 3000
#define PICTURES 40u /* after each replacement: some seconds */

/* Which phases' colours fill a box, as bits. */
static unsigned phases_seen(void)
{
    static const uint32_t colours[PHASES] = {PALETTE_STAGE, PALETTE_DRAIN, PALETTE_COMMIT,
                                             PALETTE_PROBATION};
    struct picture picture;
    unsigned seen = 0;
    picture_take(&picture);
    for (unsigned i = 0; i < PHASES; i++) {
        seen |= (picture_count(&picture, colours[i], 0, picture.height) > 2000 ? 1u : 0) << i;
    }
    picture_free(&picture);
    return seen;
}

/* None is left out, however slow the pictures are. */
static void see_all_phases(void)
{
    unsigned seen = 0;
    for (unsigned i = 0; i < 20 && seen != (1u << PHASES) - 1; i++) {
        suite_run(i % 2 ? "swap counter counter-1.1.0" : "swap counter counter-1.0.0");
        for (uint64_t end_ms = now_ms() + ROUND_MS;
             now_ms() < end_ms && seen != (1u << PHASES) - 1;) {
            seen |= phases_seen();
        }
    }
    cr_expect_eq(seen, (1u << PHASES) - 1, "seen: %x", seen);
}

Test(screen, the_world_is_seen_while_it_changes)
{
    struct picture picture;
    must(machine_push(&machine, PACKAGE("counter-1.0.0"), "", NULL, &why)); /* both are known now */
    must(machine_push(&machine, PACKAGE("counter-1.1.0"), "", NULL, &why));
    press(ALT, F1 + 4);
    picture_wait_for_colour(PALETTE_EDGE, 1000);
    see_all_phases();
    rebuild("world_view");
    see_all_phases(); /* drawn by the new one */
    picture_wait_for_colour(PALETTE_CALM, 18 * 2000);
    picture_take(&picture);
    cr_expect_gt(picture_count(&picture, PALETTE_LINE, 0, picture.height), 500);
    picture_free(&picture);
}

/* Somebody stays inside, until the drain's deadline. What is refused is not shown afterwards. */
Test(screen, the_world_shows_a_drain_while_it_lasts)
{
    unsigned seen = 0;
    must(machine_push(&machine, PACKAGE("clumsy-1.0.0"), "", NULL, &why));
    suite_run("screen 5");
    picture_wait_for_colour(PALETTE_EDGE, 1000);
    machine_type(&machine, "\x15\nclumsy stay 200000\n");
    for (unsigned i = 0; i < 20 && !seen; i++) {
        suite_run("swap clumsy clumsy-1.0.0");
        for (unsigned k = 0; k < PICTURES && !seen; k++) {
            seen = phases_seen() & DRAIN_SEEN;
        }
    }
    cr_expect(seen);
    suite_run("clumsy leave");
    for (unsigned i = 0; i < SUITE_PATIENCE; i++) {
        if (machine_unload(&machine, "clumsy", NULL, &why) == 0) {
            return;
        }
    }
    cr_assert_fail("%s", why.text);
}

static uint32_t pages_of_world_view(void)
{
    struct machine_world world = suite_world_now();
    const struct machine_component *component = machine_find(&world, "world_view");
    cr_assert_not_null(component);
    return component->pages;
}

Test(screen, the_world_takes_memory_while_it_is_shown)
{
    suite_run("screen 1");
    picture_wait_for_colour(LOGO_NEW_PLANK, 36 * 6);
    uint32_t hidden = pages_of_world_view();
    suite_run("screen 5");
    picture_wait_for_colour(PALETTE_EDGE, 1000);
    uint32_t shown = pages_of_world_view();
    cr_expect_geq(shown, hidden + 640 * 480 * 4 / 4096);
    rebuild("world_view");
    cr_expect_eq(pages_of_world_view(), shown);
    suite_run("screen 1");
    uint32_t pages = shown;
    for (unsigned i = 0; i < SUITE_PATIENCE && pages != hidden; i++) {
        pages = pages_of_world_view();
    }
    cr_expect_eq(pages, hidden);
}

static uint32_t frame_number(void)
{
    struct picture picture;
    uint32_t number = 0;
    picture_take(&picture);
    for (uint32_t i = 0; i < PLASMA_NUMBER_BITS; i++) {
        uint32_t pixel = picture_pixel(&picture, i * PLASMA_BLOCK + 1, 1);
        cr_assert(pixel == PLASMA_ONE || pixel == PLASMA_ZERO, "no number in %06x", pixel);
        number |= (pixel == PLASMA_ONE ? 1u : 0) << i;
    }
    picture_free(&picture);
    return number;
}

/* Frames that the component has drawn must be those which the display has shown. */
static unsigned long long expect_every_frame(int version)
{
    int says = 0;
    unsigned frames = 0;
    unsigned long long shown = 0;
    suite_run("screen 1"); /* it rests */
    const char *text = suite_run("plasma");
    cr_assert_eq(sscanf(text, "version %d: %u frames drawn, %llu shown", &says, &frames, &shown), 3,
                 "%s", text);
    cr_expect_eq(says, version);
    cr_expect_eq(frames, shown, "%s", text);
    suite_run("screen 6");
    return shown;
}

Test(screen, a_renderer_is_replaced_between_two_frames)
{
    must(machine_load(&machine, "plasma-1.0.0", NULL, &why));
    unsigned long long before = expect_every_frame(1);
    for (unsigned i = 0; i < 3; i++) {
        picture_wait_for_colour(PLASMA_ONE, PLASMA_BLOCK * PLASMA_BLOCK);
        uint32_t number = frame_number();
        must(machine_push(&machine, PACKAGE("plasma-2.0.0"), "", NULL, &why));
        cr_expect_geq(frame_number(), number);
        cr_expect_gt(expect_every_frame(2), before);
        must(machine_push(&machine, PACKAGE("plasma-1.0.0"), "", NULL, &why));
        unsigned long long shown = expect_every_frame(1);
        cr_expect_gt(shown, before);
        before = shown;
    }
    rebuild("framebuffer");
    rebuild("mailbox");
    (void)expect_every_frame(1);
    must(machine_unload(&machine, "plasma", NULL, &why));
    picture_wait_for_colour(LOGO_NEW_PLANK, 36 * 6);
}

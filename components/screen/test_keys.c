/* SPDX-License-Identifier: MIT */
/* What keys mean. */
#include <criterion/criterion.h>
#include <string.h>

#include "keys.c"

static struct keys_meaning press(uint16_t usage, uint8_t modifiers)
{
    const struct key_event event = {usage, modifiers, 1};
    return keys_read(&event, false);
}

static void expect(uint16_t usage, uint8_t modifiers, const char *bytes)
{
    struct keys_meaning meaning = press(usage, modifiers);
    cr_expect_eq(meaning.action, KEYS_TYPE, "usage %x", usage);
    cr_expect_eq(meaning.count, strlen(bytes));
    cr_expect_arr_eq(meaning.bytes, bytes, meaning.count);
}

Test(keys, types_letters_digits_and_signs)
{
    expect(0x04, 0, "a");
    expect(0x1d, 0, "z");
    expect(0x04, KEYBOARD_RIGHT_SHIFT, "A");
    expect(0x1e, 0, "1");
    expect(0x27, 0, "0");
    expect(0x1f, KEYBOARD_LEFT_SHIFT, "@");
    expect(0x28, 0, "\r");
    expect(0x29, 0, "\033");
    expect(0x2a, 0, "\b");
    expect(0x2b, 0, "\t");
    expect(0x2c, 0, " ");
    expect(0x2d, 0, "-");
    expect(0x2d, KEYBOARD_LEFT_SHIFT, "_");
    expect(0x31, KEYBOARD_LEFT_SHIFT, "|");
    expect(0x33, KEYBOARD_LEFT_SHIFT, ":");
    expect(0x34, KEYBOARD_LEFT_SHIFT, "\"");
    expect(0x36, 0, ",");
    expect(0x38, 0, "/");
    expect(0x38, KEYBOARD_LEFT_SHIFT, "?");
    expect(0x54, 0, "/");
    expect(0x59, 0, "1");
    expect(0x62, 0, "0");
    expect(0x63, 0, ".");
}

Test(keys, control_makes_control_characters)
{
    expect(0x04, KEYBOARD_LEFT_CONTROL, "\001");
    expect(0x18, KEYBOARD_RIGHT_CONTROL, "\025");
    cr_expect_eq(press(0x1e, KEYBOARD_LEFT_CONTROL).action, KEYS_NOTHING);
}

Test(keys, cursor_keys_send_sequences)
{
    expect(0x52, 0, "\033[A");
    expect(0x51, 0, "\033[B");
    expect(0x4f, 0, "\033[C");
    expect(0x50, 0, "\033[D");
    expect(0x4a, 0, "\033[H");
    expect(0x4d, 0, "\033[F");
    expect(0x4c, 0, "\033[3~");
}

Test(keys, alt_shows_layers_and_shift_looks_back)
{
    cr_expect_eq(press(0x3a, KEYBOARD_LEFT_ALT).action, KEYS_SHOW);
    cr_expect_eq(press(0x45, KEYBOARD_RIGHT_ALT).count, 12);
    cr_expect_eq(press(0x3a, 0).action, KEYS_NOTHING);
    cr_expect_eq(press(0x4b, KEYBOARD_LEFT_SHIFT).action, KEYS_UP);
    cr_expect_eq(press(0x4e, KEYBOARD_LEFT_SHIFT).action, KEYS_DOWN);
    expect(0x4b, 0, "\033[5~");
}

Test(keys, caps_lock_is_for_letters)
{
    const struct key_event a = {0x04, 0, 1}, one = {0x1e, 0, 1};
    cr_expect_eq(press(0x39, 0).action, KEYS_LOCK);
    cr_expect_eq(keys_read(&a, true).bytes[0], 'A');
    cr_expect_eq(keys_read(&one, true).bytes[0], '1');
}

Test(keys, letting_go_means_nothing_nor_do_unknown_keys)
{
    const struct key_event up = {0x04, 0, 0};
    cr_expect_eq(keys_read(&up, false).action, KEYS_NOTHING);
    for (unsigned usage = 0; usage < 0x200; usage++) {
        struct keys_meaning meaning = press((uint16_t)usage, 0);
        cr_expect(meaning.action != KEYS_TYPE || meaning.count > 0);
    }
    cr_expect_eq(press(0, 0).action, KEYS_NOTHING);
    cr_expect_eq(press(0xe1, 0).action, KEYS_NOTHING);
}

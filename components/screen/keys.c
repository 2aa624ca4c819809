/* SPDX-License-Identifier: MIT */
/* Usages of HID Usage Tables 1.12, chapter 10 (keyboard page), and what they mean: see keys.h. */
#include "keys.h"

#include <string.h>

#define USAGE_A 0x04u
#define USAGE_Z 0x1du
#define USAGE_1 0x1eu
#define USAGE_0 0x27u
#define USAGE_ENTER 0x28u
#define USAGE_SLASH 0x38u
#define USAGE_CAPS_LOCK 0x39u
#define USAGE_F1 0x3au
#define USAGE_F12 0x45u
#define USAGE_HOME 0x4au
#define USAGE_PAGE_UP 0x4bu
#define USAGE_UP 0x52u
#define USAGE_PAGE_DOWN 0x4eu
#define USAGE_KEYPAD_FIRST 0x54u
#define USAGE_KEYPAD_LAST 0x63u
#define USAGE_102 0x64u /* beside the left shift, on keyboards with one key more */

#define SHIFT (KEYBOARD_LEFT_SHIFT | KEYBOARD_RIGHT_SHIFT)
#define CONTROL (KEYBOARD_LEFT_CONTROL | KEYBOARD_RIGHT_CONTROL)
#define ALT (KEYBOARD_LEFT_ALT | KEYBOARD_RIGHT_ALT)

static struct keys_meaning type(const char *bytes)
{
    struct keys_meaning meaning = {.action = KEYS_TYPE, .count = (uint8_t)strlen(bytes)};
    memcpy(meaning.bytes, bytes, meaning.count);
    return meaning;
}

static struct keys_meaning type_byte(char byte)
{
    struct keys_meaning meaning = {.action = KEYS_NOTHING};
    if (byte != 0) {
        meaning.action = KEYS_TYPE;
        meaning.bytes[0] = byte;
        meaning.count = 1;
    }
    return meaning;
}

/* The letter, digit or sign on a key; 0: none. */
static char character_of(unsigned usage, bool is_shifted, bool is_locked)
{
    static const char plain[] = "1234567890\r\033\b\t -=[]\\\\;'`,./";
    static const char shifted[] = "!@#$%^&*()\r\033\b\t _+{}||:\"~<>?";
    static const char keypad[] = "/*-+\r1234567890.";
    static_assert(sizeof(plain) == sizeof(shifted), "one for each key");
    static_assert(sizeof(plain) - 1 == USAGE_SLASH - USAGE_1 + 1, "one for each key");

    if (usage >= USAGE_A && usage <= USAGE_Z) {
        return (char)((is_shifted != is_locked ? 'A' : 'a') + (int)(usage - USAGE_A));
    }
    if (usage >= USAGE_1 && usage <= USAGE_SLASH) {
        return (is_shifted ? shifted : plain)[usage - USAGE_1];
    }
    if (usage >= USAGE_KEYPAD_FIRST && usage <= USAGE_KEYPAD_LAST) {
        return keypad[usage - USAGE_KEYPAD_FIRST];
    }
    return usage == USAGE_102 ? (is_shifted ? '|' : '\\') : (char)0;
}

/* Home, page up, delete, end, page down, right, left, down, up: as a VT's keyboard sends them. */
static struct keys_meaning read_cursor_key(unsigned usage)
{
    static const char sequences[][KEYS_BYTES + 1] = {"\033[H", "\033[5~", "\033[3~",
                                                     "\033[F", "\033[6~", "\033[C",
                                                     "\033[D", "\033[B",  "\033[A"};
    return type(sequences[usage - USAGE_HOME]);
}

struct keys_meaning keys_read(const struct key_event *event, bool is_locked)
{
    bool is_shifted = event->modifiers & SHIFT;
    bool is_control = event->modifiers & CONTROL;
    unsigned usage = event->usage;

    if (!event->is_pressed) {
        return (struct keys_meaning){.action = KEYS_NOTHING};
    }
    if (usage == USAGE_CAPS_LOCK) {
        return (struct keys_meaning){.action = KEYS_LOCK};
    }
    if (usage >= USAGE_F1 && usage <= USAGE_F12) {
        struct keys_meaning meaning = {.count = (uint8_t)(usage - USAGE_F1 + 1)};
        meaning.action = event->modifiers & ALT ? KEYS_SHOW : KEYS_NOTHING;
        return meaning;
    }
    if (is_shifted && (usage == USAGE_PAGE_UP || usage == USAGE_PAGE_DOWN)) {
        return (struct keys_meaning){.action = usage == USAGE_PAGE_UP ? KEYS_UP : KEYS_DOWN};
    }
    if (usage >= USAGE_HOME && usage <= USAGE_UP) {
        return read_cursor_key(usage);
    }
    char character = character_of(usage, is_shifted, is_locked);
    if (is_control) { /* the letters, and @ [ \ ] ^ _ beside them in ASCII */
        char upper =
            character >= 'a' && character <= 'z' ? (char)(character - 'a' + 'A') : character;
        return type_byte(upper > '@' && upper <= '_' ? (char)(upper & 0x1f) : (char)0);
    }
    return type_byte(character);
}

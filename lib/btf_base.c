/* SPDX-License-Identifier: MIT */
/* Names of base types, which each compiler spells its own way; see btf.h. */

#include <string.h>

#include "btf.h"

#define IS_BASE 0x8000u /* so that no base type has the number 0 */

uint32_t btf_base_number(const char *name)
{
    /* They add up: "long" twice is another type than once. What "int" adds to goes without it. */
    static const struct {
        const char *word;
        uint32_t number;
    } words[] = {
        {"int", 0},       {"long", 0x1},    {"short", 0x4},      {"char", 0x8},
        {"signed", 0x10}, {"double", 0x20}, {"float", 0x40},     {"unsigned", 0x80},
        {"_Bool", 0x100}, {"bool", 0x100},  {"__int128", 0x200},
    };
    uint32_t number = IS_BASE;
    while (*name) {
        size_t length = strcspn(name, " "), i = 0;
        while (i < sizeof(words) / sizeof(words[0]) &&
               (strlen(words[i].word) != length || memcmp(words[i].word, name, length) != 0)) {
            i++;
        }
        if (i == sizeof(words) / sizeof(words[0])) {
            return 0;
        }
        number += words[i].number;
        name += length + strspn(name + length, " ");
    }
    return number;
}

/* SPDX-License-Identifier: MIT */
#include "number.h"

#include <errno.h>

static int digit_of(char letter)
{
    if (letter >= '0' && letter <= '9') {
        return letter - '0';
    }
    char small = (char)(letter | 0x20);
    return small >= 'a' && small <= 'f' ? small - 'a' + 10 : 16;
}

int number_read(const char *word, uint32_t limit, uint32_t *number)
{
    uint64_t value = 0;
    unsigned base = 10;
    if (word[0] == '0' && (word[1] | 0x20) == 'x') {
        base = 16;
        word += 2;
    }
    if (*word == '\0') {
        return -EINVAL;
    }
    for (; *word != '\0'; word++) {
        unsigned digit = (unsigned)digit_of(*word);
        value = value * base + digit;
        if (digit >= base || value > limit) {
            return -EINVAL;
        }
    }
    *number = (uint32_t)value;
    return 0;
}

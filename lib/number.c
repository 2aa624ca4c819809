/* SPDX-License-Identifier: MIT */
#include "number.h"

#include <errno.h>
#include <stdbool.h>

static int digit_of(char letter)
{
    if (letter >= '0' && letter <= '9') {
        return letter - '0';
    }
    char small = (char)(letter | 0x20);
    return small >= 'a' && small <= 'f' ? small - 'a' + 10 : 16;
}

static int read_digits(const char *word, unsigned base, uint32_t limit, uint32_t *number)
{
    uint64_t value = 0;
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

int number_read(const char *word, uint32_t limit, uint32_t *number)
{
    bool is_hexadecimal = word[0] == '0' && (word[1] | 0x20) == 'x';
    return is_hexadecimal ? read_digits(word + 2, 16, limit, number)
                          : read_digits(word, 10, limit, number);
}

int number_read_decimal(const char *word, uint32_t limit, uint32_t *number)
{
    return read_digits(word, 10, limit, number);
}

/* SPDX-License-Identifier: MIT */
/* Words of a command line: see words.h. */
#include "words.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <lib/number.h>

#define COMPARED_BYTES 31u

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

/* Copies one word down to *to, without its quotes. False: a quote or backslash has no end. */
static bool take_word(char **from, char **to)
{
    char quote = '\0';

    while (**from != '\0' && (quote != '\0' || !is_space(**from))) {
        char c = *(*from)++;
        if (c == '\\' && quote != '\'') {
            if (**from == '\0') {
                return false;
            }
            *(*to)++ = *(*from)++;
        } else if (quote == '\0' && (c == '"' || c == '\'')) {
            quote = c;
        } else if (quote != '\0' && c == quote) {
            quote = '\0';
        } else {
            *(*to)++ = c;
        }
    }
    return quote == '\0';
}

int words_split(char *line, char *words[], int max)
{
    char *from = line;
    char *to = line;
    int count = 0;

    for (;;) {
        while (is_space(*from)) {
            from++;
        }
        if (*from == '\0') {
            return count;
        }
        if (count == max) {
            return -E2BIG;
        }
        words[count++] = to;
        if (!take_word(&from, &to)) {
            return -EINVAL;
        }
        /* The word ends before `from`, so its NUL may go where the space was, or the line's NUL. */
        bool is_last = *from == '\0';
        *to++ = '\0';
        if (is_last) {
            return count;
        }
        from++;
    }
}

/* Optimal string alignment, by rows; three of them are enough. */
unsigned words_distance(const char *a, const char *b)
{
    uint8_t rows[3][COMPARED_BYTES + 1];
    size_t a_size = strnlen(a, COMPARED_BYTES);
    size_t b_size = strnlen(b, COMPARED_BYTES);

    for (size_t j = 0; j <= b_size; j++) {
        rows[0][j] = (uint8_t)j;
    }
    for (size_t i = 1; i <= a_size; i++) {
        uint8_t *row = rows[i % 3];
        const uint8_t *above = rows[(i + 2) % 3];
        row[0] = (uint8_t)i;
        for (size_t j = 1; j <= b_size; j++) {
            unsigned best = above[j - 1] + (a[i - 1] != b[j - 1]);
            best = above[j] + 1u < best ? above[j] + 1u : best;
            best = row[j - 1] + 1u < best ? row[j - 1] + 1u : best;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                unsigned swapped = rows[(i + 1) % 3][j - 2] + 1u;
                best = swapped < best ? swapped : best;
            }
            row[j] = (uint8_t)best;
        }
    }
    return rows[a_size % 3][b_size];
}

int words_read_number(const char *word, uint32_t *number)
{
    return number_read_decimal(word, UINT32_MAX, number);
}

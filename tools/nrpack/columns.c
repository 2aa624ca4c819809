/* SPDX-License-Identifier: MIT */
/* Two declarations beside each other, a member a line. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lib/declaration.h>

#include "nrpack.h"

#define WIDTH_MAX 60 /* of the left column; what is longer pushes the right one aside */

struct lines {
    char **list;
    size_t count;
};

static struct lines split(struct declaration declaration)
{
    struct lines lines = {0};
    size_t room = declaration.length + 4 * 64;
    char *buffer = allocate(room);
    unsigned depth = 0;
    while (declaration_next_line(&declaration, &depth, buffer, room)) {
        lines.list = grow(lines.list, lines.count, sizeof(char *));
        lines.list[lines.count++] = print_text("%s", buffer);
    }
    free(buffer);
    return lines;
}

static void print_row(const char *left, const char *right, size_t width)
{
    bool is_same = left && right && strcmp(left, right) == 0;
    printf("    %-*s %s%s%s\n", (int)width, left ? left : "", is_same ? "|" : "<>",
           right && right[0] ? (is_same ? "  " : " ") : "", right ? right : "");
}

/* How many lines are the same at the end, but for those that are at the beginning. */
static size_t same_tail(const struct lines *a, const struct lines *b, size_t head)
{
    size_t tail = 0;
    while (head + tail < a->count && head + tail < b->count &&
           strcmp(a->list[a->count - 1 - tail], b->list[b->count - 1 - tail]) == 0) {
        tail++;
    }
    return tail;
}

void print_columns(const char *old, const char *new)
{
    struct declaration in_old, in_new;
    if (!declaration_find_difference(old, new, &in_old, &in_new)) {
        return;
    }
    struct lines a = split(in_old), b = split(in_new);
    size_t width = 0, head = 0;
    for (size_t i = 0; i < a.count; i++) {
        size_t length = strlen(a.list[i]);
        width = length > width && length <= WIDTH_MAX ? length : width;
    }
    while (head < a.count && head < b.count && strcmp(a.list[head], b.list[head]) == 0) {
        head++;
    }
    size_t tail = same_tail(&a, &b, head);
    size_t a_end = a.count - tail, b_end = b.count - tail;
    for (size_t i = 0; i < head; i++) {
        print_row(a.list[i], b.list[i], width);
    }
    for (size_t i = head; i < a_end || i < b_end; i++) {
        print_row(i < a_end ? a.list[i] : NULL, i < b_end ? b.list[i] : NULL, width);
    }
    for (size_t i = 0; i < tail; i++) {
        print_row(a.list[a_end + i], b.list[b_end + i], width);
    }
}

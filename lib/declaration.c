/* SPDX-License-Identifier: MIT */
/* Finds and shows what differs between declarations; see declaration.h. */

#include "declaration.h"

#include <string.h>

#include "format.h"
#include "macros.h"

#define GAP "... "
#define NOTHING "nothing"

static struct declaration take_line(const char **text)
{
    const char *end = strchr(*text, '\n');
    size_t length = end ? (size_t)(end - *text) : strlen(*text);
    struct declaration line = {*text, length};
    *text += end ? length + 1 : length;
    return line;
}

bool declaration_find_difference(const char *a, const char *b, struct declaration *in_a,
                                 struct declaration *in_b)
{
    while (*a || *b) {
        *in_a = take_line(&a);
        *in_b = take_line(&b);
        if (in_a->length != in_b->length || memcmp(in_a->text, in_b->text, in_a->length) != 0) {
            return true;
        }
    }
    return false;
}

/* Behind the last "{ ", "; ", ", " or "(" of text[0..end): where a member or parameter begins. */
static size_t piece_begin(const char *text, size_t end)
{
    while (end > 0 && text[end - 1] != '(' &&
           !(end > 1 && text[end - 1] == ' ' && strchr("{;,", text[end - 2]))) {
        end--;
    }
    return end;
}

/* Behind the first "{ " or "(": what says whose pieces they are. */
static size_t head_end(struct declaration declaration)
{
    for (size_t i = 0; i < declaration.length; i++) {
        if (declaration.text[i] == '(') {
            return i + 1;
        }
        if (declaration.text[i] == '{' && i + 1 < declaration.length) {
            return i + 2;
        }
    }
    return 0;
}

/* Room for `room` characters and NUL: whole if it fits, else from the piece that differs on. */
static size_t print_side(struct declaration declaration, size_t piece, char *buffer, size_t room)
{
    size_t head = head_end(declaration), length = 0;
    if (declaration.length == 0) {
        return (size_t)format_print(buffer, room + 1, NOTHING);
    }
    if (declaration.length <= room || piece <= head + strlen(GAP)) {
        head = piece = 0;
    } else if (head + 4 * strlen(GAP) >= room) {
        head = 0; /* a name that leaves no room for the rest */
    }
    memcpy(buffer, declaration.text, head);
    length = head;
    if (piece > 0) {
        memcpy(buffer + length, GAP, strlen(GAP));
        length += strlen(GAP);
    }
    size_t rest = declaration.length - piece, fits = room - length;
    bool is_cut = rest > fits;
    memcpy(buffer + length, declaration.text + piece, is_cut ? fits - 3 : rest);
    length += is_cut ? fits - 3 : rest;
    if (is_cut) {
        memcpy(buffer + length, "...", 3);
        length += 3;
    }
    buffer[length] = '\0';
    return length;
}

size_t declaration_print_difference(const char *a, const char *a_words, const char *b,
                                    const char *b_words, char *buffer, size_t size)
{
    struct declaration in_a, in_b;
    size_t words = strlen(a_words) + strlen(b_words) + strlen("  |  ") + 1;
    buffer[0] = '\0';
    if (size < DECLARATION_ROOM_MIN + words || !declaration_find_difference(a, b, &in_a, &in_b)) {
        return 0;
    }
    size_t alike = 0;
    while (alike < in_a.length && alike < in_b.length && in_a.text[alike] == in_b.text[alike]) {
        alike++;
    }
    size_t piece = piece_begin(in_a.text, alike);
    /* What one side does not use, the other may. */
    size_t room = size - words, b_room = room / 2;
    if (in_a.length < room / 2) {
        b_room = room - MAX(in_a.length, strlen(NOTHING));
    } else if (in_b.length < room / 2) {
        b_room = MAX(in_b.length, strlen(NOTHING));
    }
    size_t length = (size_t)format_print(buffer, size, "%s ", a_words);
    length += print_side(in_a, piece, buffer + length, room - b_room);
    length += (size_t)format_print(buffer + length, size - length, " | %s ", b_words);
    return length + print_side(in_b, piece, buffer + length, b_room);
}

/* How far a line of the declaration goes: behind "{" or ";", or to its end. */
static size_t line_length(struct declaration declaration)
{
    unsigned parentheses = 0;
    for (size_t i = 0; i + 1 < declaration.length; i++) {
        char c = declaration.text[i];
        if (i > 0 && c == ' ' && declaration.text[i + 1] == '}') {
            return i; /* the last enumerator has no comma */
        }
        parentheses += c == '(';
        parentheses -= c == ')' && parentheses > 0;
        /* The last ";" has a comment behind it, which goes with it. */
        if (parentheses == 0 && (c == '{' || c == ';') &&
            memchr(declaration.text + i, '}', declaration.length - i)) {
            return i + 1;
        }
        if (parentheses == 0 && c == ',' && memchr(declaration.text, '}', declaration.length)) {
            return i + 1; /* an enumerator */
        }
    }
    return declaration.length;
}

bool declaration_next_line(struct declaration *declaration, unsigned *depth, char *buffer,
                           size_t size)
{
    if (declaration->length == 0) {
        return false;
    }
    size_t length = line_length(*declaration);
    if (declaration->text[0] == '}' && *depth > 0) {
        --*depth;
    }
    (void)format_print(buffer, size, "%*s%.*s", (int)(4 * *depth), "", (int)length,
                       declaration->text); /* may be cut */
    *depth += declaration->text[length - 1] == '{';
    while (length < declaration->length && declaration->text[length] == ' ') {
        length++;
    }
    declaration->text += length;
    declaration->length -= length;
    return true;
}

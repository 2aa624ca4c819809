/* SPDX-License-Identifier: MIT */
/* Formatted printing into a buffer; see format.h. */

#include "format.h"

#include <stdbool.h>
#include <stdint.h>

struct sink {
    char *buffer;
    size_t size;
    size_t length; /* of the whole text, also of what did not fit */
};

struct field {
    bool is_left;
    bool is_zero_padded;
    int width;
    int precision; /* -1: none */
    int longs; /* -2 hh, -1 h, 0 int, 1 long, 2 long long; size_t, ptrdiff_t, intmax_t are long */
};

static void put(struct sink *sink, char character)
{
    if (sink->length + 1 < sink->size) {
        sink->buffer[sink->length] = character;
    }
    sink->length++;
}

static void put_padding(struct sink *sink, char character, int count)
{
    for (; count > 0; count--) {
        put(sink, character);
    }
}

/* text[0..length) in its field; zeros go between the prefix ("-", "0x") and the text. */
static void put_field(struct sink *sink, const struct field *field, const char *prefix,
                      const char *text, int length)
{
    int used = length;
    for (const char *p = prefix; *p; p++) {
        used++;
    }
    int padding = field->width > used ? field->width - used : 0;

    if (!field->is_left && !field->is_zero_padded) {
        put_padding(sink, ' ', padding);
    }
    for (; *prefix; prefix++) {
        put(sink, *prefix);
    }
    if (!field->is_left && field->is_zero_padded) {
        put_padding(sink, '0', padding);
    }
    for (int i = 0; i < length; i++) {
        put(sink, text[i]);
    }
    if (field->is_left) {
        put_padding(sink, ' ', padding);
    }
}

static void put_number(struct sink *sink, const struct field *field, const char *prefix,
                       uint64_t value, unsigned base, bool is_upper)
{
    const char *digits = is_upper ? "0123456789ABCDEF" : "0123456789abcdef";
    char text[24];
    int begin = (int)sizeof(text);
    do {
        text[--begin] = digits[value % base];
        value /= base;
    } while (value);
    put_field(sink, field, prefix, text + begin, (int)sizeof(text) - begin);
}

static void put_string(struct sink *sink, struct field *field, const char *text)
{
    if (!text) {
        text = "(null)";
    }
    int length = 0;
    while ((field->precision < 0 || length < field->precision) && text[length]) {
        length++;
    }
    field->is_zero_padded = false;
    put_field(sink, field, "", text, length);
}

static const char *read_count(const char *format, int *count)
{
    int value = 0;
    for (; *format >= '0' && *format <= '9'; format++) {
        value = value < 100000 ? value * 10 + (*format - '0') : value;
    }
    *count = value;
    return format;
}

static const char *read_longs(const char *format, int *longs)
{
    for (;; format++) {
        switch (*format) {
        case 'l':
            (*longs)++;
            break;
        case 'h':
            (*longs)--;
            break;
        case 'z':
        case 't':
        case 'j':
            *longs = 1;
            break;
        default:
            return format;
        }
    }
}

/* va_list is an array on some machines: passing it on by pointer needs it inside a struct. */
struct arguments {
    va_list list;
};

static const char *read_field(const char *format, struct field *field, struct arguments *arguments)
{
    *field = (struct field){.precision = -1};
    for (;; format++) {
        if (*format == '-') {
            field->is_left = true;
        } else if (*format == '0') {
            field->is_zero_padded = true;
        } else {
            break;
        }
    }
    if (*format == '*') {
        int width = va_arg(arguments->list, int);
        field->is_left |= width < 0;
        field->width = width < 0 ? -(width + 1) + 1 : width;
        format++;
    } else {
        format = read_count(format, &field->width);
    }
    if (*format == '.') {
        format++;
        if (*format == '*') {
            field->precision = va_arg(arguments->list, int);
            format++;
        } else {
            format = read_count(format, &field->precision);
        }
    }
    return read_longs(format, &field->longs);
}

static uint64_t take_unsigned(const struct field *field, struct arguments *arguments)
{
    if (field->longs > 0) {
        return va_arg(arguments->list, uint64_t);
    }
    unsigned value = va_arg(arguments->list, unsigned);
    return field->longs == -2 ? (uint8_t)value : field->longs == -1 ? (uint16_t)value : value;
}

static int64_t take_signed(const struct field *field, struct arguments *arguments)
{
    if (field->longs > 0) {
        return va_arg(arguments->list, int64_t);
    }
    int value = va_arg(arguments->list, int);
    return field->longs == -2 ? (int8_t)value : field->longs == -1 ? (int16_t)value : value;
}

static void put_conversion(struct sink *sink, char conversion, struct field *field,
                           struct arguments *arguments)
{
    switch (conversion) {
    case 'd':
    case 'i': {
        int64_t value = take_signed(field, arguments);
        uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
        put_number(sink, field, value < 0 ? "-" : "", magnitude, 10, false);
        break;
    }
    case 'u':
        put_number(sink, field, "", take_unsigned(field, arguments), 10, false);
        break;
    case 'x':
    case 'X':
        put_number(sink, field, "", take_unsigned(field, arguments), 16, conversion == 'X');
        break;
    case 'p':
        *field = (struct field){.width = 18, .is_zero_padded = true};
        put_number(sink, field, "0x", (uintptr_t)va_arg(arguments->list, void *), 16, false);
        break;
    case 'c': {
        char character = (char)va_arg(arguments->list, int);
        field->is_zero_padded = false;
        put_field(sink, field, "", &character, 1);
        break;
    }
    case 's':
        put_string(sink, field, va_arg(arguments->list, const char *));
        break;
    case '%':
        put(sink, '%');
        break;
    default:
        put(sink, '%');
        put(sink, conversion);
        break;
    }
}

int format_vprint(char *buffer, size_t size, const char *format, va_list list)
{
    struct sink sink = {.buffer = buffer, .size = size};
    struct arguments arguments;
    va_copy(arguments.list, list);

    while (*format) {
        if (*format != '%') {
            put(&sink, *format++);
            continue;
        }
        struct field field;
        format = read_field(format + 1, &field, &arguments);
        if (!*format) {
            break;
        }
        put_conversion(&sink, *format++, &field, &arguments);
    }
    va_end(arguments.list);
    if (size > 0) {
        buffer[sink.length < size ? sink.length : size - 1] = '\0';
    }
    return (int)sink.length;
}

int format_print(char *buffer, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = format_vprint(buffer, size, format, arguments);
    va_end(arguments);
    return length;
}

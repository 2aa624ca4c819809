/* SPDX-License-Identifier: MIT */
/*
 * Prints a type as C would declare it; see btf.h. A declarator grows from the name outwards, so the
 * text is built in place by putting pieces in front of it and behind it.
 */

#include <string.h>

#include "btf.h"
#include "format.h"

enum {
    STEPS_MAX = 64,     /* from a name to its base type */
    PARAMETERS_MAX = 4, /* prototypes within prototypes */
};

struct text {
    char *buffer;
    size_t size;
    size_t length; /* of the whole text, also of what did not fit */
};

static void append(struct text *text, const char *piece)
{
    for (; *piece; piece++, text->length++) {
        if (text->length + 1 < text->size) {
            text->buffer[text->length] = *piece;
        }
    }
}

static void prepend(struct text *text, const char *piece)
{
    size_t more = strlen(piece);
    size_t room = text->size > 0 ? text->size - 1 : 0;
    size_t kept = text->length < room ? text->length : room;

    if (more < room) {
        memmove(text->buffer + more, text->buffer, kept < room - more ? kept : room - more);
    }
    memcpy(text->buffer, piece, more < room ? more : room);
    text->length += more;
}

static int print(const struct btf *btf, uint32_t id, const char *name, char *buffer, size_t size,
                 unsigned depth);

static void append_parameters(struct text *text, const struct btf *btf,
                              const struct btf_type *prototype, unsigned depth)
{
    append(text, "(");
    /* No further than there is room: malformed input could make it go on for ever. */
    for (uint32_t i = 0; i < prototype->count && text->length < text->size; i++) {
        struct btf_parameter parameter = btf_parameter(btf, prototype, i);
        if (i > 0) {
            append(text, ", ");
        }
        if (depth >= PARAMETERS_MAX || (parameter.type == 0 && parameter.name[0] == '\0')) {
            append(text, "...");
            continue;
        }
        size_t used = text->length < text->size ? text->length : text->size;
        text->length += (size_t)print(btf, parameter.type, parameter.name, text->buffer + used,
                                      text->size - used, depth + 1);
    }
    append(text, prototype->count == 0 ? "void)" : ")");
}

static void prepend_base(struct text *text, const struct btf_type *type)
{
    const char *word = "";
    switch (type->kind) {
    case BTF_STRUCT:
        word = "struct ";
        break;
    case BTF_UNION:
        word = "union ";
        break;
    case BTF_ENUM:
    case BTF_ENUM64:
        word = "enum ";
        break;
    case BTF_FORWARD:
        word = type->flag ? "union " : "struct ";
        break;
    default:
        break;
    }
    if (text->length > 0) {
        prepend(text, " ");
    }
    prepend(text, type->kind == BTF_VOID ? "void" : type->name[0] ? type->name : "{...}");
    prepend(text, word);
}

/* "const " and the like, in front of a base type or behind a star. */
static void prepend_qualifiers(struct text *text, const bool is_present[3])
{
    static const char *const words[3] = {"const", "volatile", "restrict"};
    for (unsigned i = 3; i-- > 0;) {
        if (is_present[i]) {
            if (text->length > 0) {
                prepend(text, " ");
            }
            prepend(text, words[i]);
        }
    }
}

static int print(const struct btf *btf, uint32_t id, const char *name, char *buffer, size_t size,
                 unsigned depth)
{
    struct text text = {.buffer = buffer, .size = size};
    bool qualifiers[3] = {false};

    append(&text, name);
    for (unsigned steps = 0; steps < STEPS_MAX; steps++) {
        struct btf_type type = btf_type(btf, id);
        id = type.type;
        switch (type.kind) {
        case BTF_CONST:
            qualifiers[0] = true;
            break;
        case BTF_VOLATILE:
            qualifiers[1] = true;
            break;
        case BTF_RESTRICT:
            qualifiers[2] = true;
            break;
        case BTF_TYPE_TAG:
            break;
        case BTF_POINTER: {
            prepend_qualifiers(&text, qualifiers);
            memset(qualifiers, 0, sizeof(qualifiers));
            prepend(&text, "*");
            enum btf_kind next = btf_type(btf, id).kind;
            if (next == BTF_ARRAY || next == BTF_PROTOTYPE) {
                prepend(&text, "(");
                append(&text, ")");
            }
            break;
        }
        case BTF_ARRAY: {
            char length[16];
            (void)format_print(length, sizeof(length), "[%u]", type.elements);
            append(&text, length);
            break;
        }
        case BTF_PROTOTYPE:
            append_parameters(&text, btf, &type, depth);
            break;
        case BTF_FUNCTION:
        case BTF_VARIABLE:
            if (text.length == 0) {
                append(&text, type.name);
            }
            break;
        default:
            prepend_base(&text, &type);
            prepend_qualifiers(&text, qualifiers);
            steps = STEPS_MAX;
            break;
        }
    }
    if (size > 0) {
        buffer[text.length < size ? text.length : size - 1] = '\0';
    }
    return (int)text.length;
}

int btf_print(const struct btf *btf, uint32_t id, const char *name, char *buffer, size_t size)
{
    return print(btf, id, name, buffer, size, 0);
}

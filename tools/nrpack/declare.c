/* SPDX-License-Identifier: MIT */
/*
 * Writes what a function's prototype and the types reachable from it look like in C, in the form
 * that lib/declaration.h reads: breadth first, as the structural hash walks.
 */

#include <stdlib.h>
#include <string.h>

#include "nrpack.h"

#define NESTING_MAX 32 /* of pointers, arrays and anonymous structs */

/* What <stdint.h> and its like fix: named, not spelled out. */
static const char *const known_typedefs[] = {
    "int8_t",   "int16_t",   "int32_t", "int64_t", "uint8_t",   "uint16_t", "uint32_t", "uint64_t",
    "intptr_t", "uintptr_t", "size_t",  "ssize_t", "ptrdiff_t", "bool",     "va_list",
};

struct walk {
    const struct btf *btf;
    bool *is_met;    /* by id */
    uint32_t *queue; /* ids of what is to be spelled out, in the order of first meeting */
    uint32_t met;
};

static void meet(struct walk *walk, uint32_t id)
{
    if (!walk->is_met[id]) {
        walk->is_met[id] = true;
        walk->queue[walk->met++] = id;
    }
}

static bool is_known(const char *name)
{
    for (size_t i = 0; i < sizeof(known_typedefs) / sizeof(known_typedefs[0]); i++) {
        if (strcmp(name, known_typedefs[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Queues each named type that the type speaks of directly. */
static void visit(struct walk *walk, uint32_t id, unsigned depth)
{
    struct btf_type type = btf_type(walk->btf, id);
    if (depth > NESTING_MAX) {
        die("types nest too deep");
    }
    switch (type.kind) {
    case BTF_CONST:
    case BTF_VOLATILE:
    case BTF_RESTRICT:
    case BTF_TYPE_TAG:
    case BTF_POINTER:
    case BTF_ARRAY:
    case BTF_FUNCTION:
        visit(walk, type.type, depth + 1);
        break;
    case BTF_PROTOTYPE:
        visit(walk, type.type, depth + 1);
        for (uint32_t i = 0; i < type.count; i++) {
            visit(walk, btf_parameter(walk->btf, &type, i).type, depth + 1);
        }
        break;
    case BTF_TYPEDEF:
        if (!is_known(type.name)) {
            meet(walk, id);
        }
        break;
    case BTF_STRUCT:
    case BTF_UNION:
        if (type.name[0]) {
            meet(walk, id);
        } else {
            for (uint32_t i = 0; i < type.count; i++) {
                visit(walk, btf_member(walk->btf, &type, i).type, depth + 1);
            }
        }
        break;
    case BTF_ENUM:
    case BTF_ENUM64:
        if (type.name[0]) {
            meet(walk, id);
        }
        break;
    case BTF_FORWARD:
        meet(walk, id);
        break;
    default:
        break;
    }
}

static char *body(const struct btf *btf, const struct btf_type *type);

/* What a chain of pointers, arrays and qualifiers ends in. */
static struct btf_type base_of(const struct btf *btf, uint32_t id)
{
    struct btf_type type = btf_type(btf, id);
    for (unsigned depth = 0; depth < NESTING_MAX; depth++) {
        if (type.kind != BTF_POINTER && type.kind != BTF_ARRAY && type.kind != BTF_CONST &&
            type.kind != BTF_VOLATILE) {
            break;
        }
        type = btf_type(btf, type.type);
    }
    return type;
}

/* btf_print(), with an anonymous type's content in its place. */
static char *declare(const struct btf *btf, uint32_t id, const char *name)
{
    static const char hole[] = "{...}";
    size_t room = 256;
    char *text = allocate(room);
    while (btf_print(btf, id, name, text, room) >= (int)room) {
        free(text);
        room *= 2;
        text = allocate(room);
    }
    char *found = strstr(text, hole);
    struct btf_type base = base_of(btf, id);
    if (!found || base.name[0] ||
        (base.kind != BTF_STRUCT && base.kind != BTF_UNION && base.kind != BTF_ENUM &&
         base.kind != BTF_ENUM64)) {
        return text;
    }
    char *whole =
        print_text("%.*s%s%s", (int)(found - text), text, body(btf, &base), found + strlen(hole));
    free(text);
    return whole;
}

static char *append(char *text, char *piece)
{
    char *longer = print_text("%s%s", text, piece);
    free(text);
    free(piece);
    return longer;
}

/* "{ int a; unsigned b : 3; }" or "{ RED, BLUE = 7 }" */
static char *body(const struct btf *btf, const struct btf_type *type)
{
    char *text = print_text("{");
    int64_t next = 0;
    for (uint32_t i = 0; i < type->count; i++) {
        if (type->kind == BTF_ENUM || type->kind == BTF_ENUM64) {
            struct btf_enumerator enumerator = btf_enumerator(btf, type, i);
            text = append(text, print_text("%s %s", i ? "," : "", enumerator.name));
            if (enumerator.value != next) {
                text = append(text, print_text(" = %lld", (long long)enumerator.value));
            }
            next = enumerator.value + 1;
            continue;
        }
        struct btf_member member = btf_member(btf, type, i);
        text = append(text, print_text(" "));
        text = append(text, declare(btf, member.type, member.name));
        if (member.bit_size) {
            text = append(text, print_text(" : %u", member.bit_size));
        }
        text = append(text, print_text(";"));
    }
    return append(text, print_text(" }"));
}

/* One line that spells out a named type. */
static char *spell_out(struct walk *walk, uint32_t id)
{
    const struct btf *btf = walk->btf;
    struct btf_type type = btf_type(btf, id);
    switch (type.kind) {
    case BTF_TYPEDEF:
        visit(walk, type.type, 0);
        return append(print_text("typedef "),
                      append(declare(btf, type.type, type.name), print_text(";\n")));
    case BTF_FORWARD:
        return print_text("%s %s;\n", type.flag ? "union" : "struct", type.name);
    case BTF_ENUM:
    case BTF_ENUM64:
        return append(print_text("enum %s ", type.name),
                      append(body(btf, &type), print_text("; // %u bytes\n", type.size)));
    default:
        for (uint32_t i = 0; i < type.count; i++) {
            visit(walk, btf_member(btf, &type, i).type, 0);
        }
        return append(print_text("%s %s ", type.kind == BTF_UNION ? "union" : "struct", type.name),
                      append(body(btf, &type), print_text("; // %u bytes\n", type.size)));
    }
}

struct spelled *object_reach(const struct object *object, uint32_t type, size_t *count)
{
    const struct btf *btf = &object->btf;
    struct walk walk = {
        .btf = btf,
        .is_met = allocate(btf->count * sizeof(bool)),
        .queue = allocate(btf->count * sizeof(uint32_t)),
    };
    struct spelled *list = NULL;
    visit(&walk, type, 0);
    for (uint32_t i = 0; i < walk.met; i++) { /* spelling one out may meet more */
        list = grow(list, i, sizeof(*list));
        list[i] = (struct spelled){walk.queue[i], spell_out(&walk, walk.queue[i])};
    }
    *count = walk.met;
    free(walk.is_met);
    free(walk.queue);
    return list;
}

char *object_declarations(const struct object *object, uint32_t type, const char *name)
{
    size_t count;
    struct spelled *list = object_reach(object, type, &count);
    char *text = append(declare(&object->btf, type, name), print_text(";\n"));
    for (size_t i = 0; i < count; i++) {
        text = append(text, list[i].line);
    }
    free(list);
    return text;
}

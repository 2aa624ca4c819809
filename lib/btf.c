/* SPDX-License-Identifier: MIT */
/* Checks and decodes BTF; see btf.h. */

#include "btf.h"

#include <errno.h>
#include <string.h>

/* The number again, for analysers, which do not look into why_set(). */
#define FAIL(error, ...) ((void)why_set(why, error, __VA_ARGS__), error)
#define BAD(...) FAIL(-EBADMSG, __VA_ARGS__)

enum {
    BTF_MAGIC = 0xeb9f,
    BTF_HEADER_BYTES = 24,
    BTF_RECORD_BYTES = 12, /* name, info, size or type */
    BTF_MEMBER_BYTES = 12, /* name, type, offset */
    BTF_ENUM_BYTES = 8,    /* name, value */
    BTF_ENUM64_BYTES = 12, /* name, low and high half of value */
    BTF_PARAMETER_BYTES = 8,
    BTF_VARIABLE_BYTES = 12, /* of a data section: type, offset, size */
    BTF_NESTING_MAX = 64,
};

static uint32_t get32(const uint8_t *bytes)
{
    uint32_t value;
    memcpy(&value, bytes, sizeof(value));
    return value;
}

static enum btf_kind kind_of(uint32_t info)
{
    return (info >> 24) & 0x1f;
}

/* Bytes of a record behind its first three words. */
static size_t list_bytes(enum btf_kind kind, uint32_t count)
{
    switch (kind) {
    case BTF_INT:
    case BTF_VARIABLE:
    case BTF_DECL_TAG:
        return 4;
    case BTF_ARRAY:
        return 12;
    case BTF_STRUCT:
    case BTF_UNION:
        return (size_t)count * BTF_MEMBER_BYTES;
    case BTF_ENUM:
        return (size_t)count * BTF_ENUM_BYTES;
    case BTF_PROTOTYPE:
        return (size_t)count * BTF_PARAMETER_BYTES;
    case BTF_DATA_SECTION:
        return (size_t)count * BTF_VARIABLE_BYTES;
    case BTF_ENUM64:
        return (size_t)count * BTF_ENUM64_BYTES;
    default:
        return 0;
    }
}

static bool has_size(enum btf_kind kind)
{
    return kind == BTF_INT || kind == BTF_STRUCT || kind == BTF_UNION || kind == BTF_ENUM ||
           kind == BTF_ENUM64 || kind == BTF_FLOAT || kind == BTF_DATA_SECTION;
}

static bool has_type(enum btf_kind kind)
{
    return kind == BTF_POINTER || kind == BTF_TYPEDEF || kind == BTF_VOLATILE ||
           kind == BTF_CONST || kind == BTF_RESTRICT || kind == BTF_FUNCTION ||
           kind == BTF_PROTOTYPE || kind == BTF_VARIABLE || kind == BTF_DECL_TAG ||
           kind == BTF_TYPE_TAG;
}

size_t btf_scratch_bytes(size_t size)
{
    return (size / BTF_RECORD_BYTES + 1) * sizeof(uint32_t);
}

struct btf_type btf_type(const struct btf *btf, uint32_t id)
{
    if (id == 0) {
        return (struct btf_type){.kind = BTF_VOID, .name = ""};
    }
    const uint8_t *record = btf->types + btf->offsets[id];
    uint32_t info = get32(record + 4);
    struct btf_type type = {
        .kind = kind_of(info),
        .name = btf->strings + get32(record),
        .count = info & 0xffff,
        .flag = info >> 31,
        .list = record + BTF_RECORD_BYTES,
    };
    if (has_size(type.kind)) {
        type.size = get32(record + 8);
    } else if (has_type(type.kind)) {
        type.type = get32(record + 8);
    }
    switch (type.kind) {
    case BTF_INT:
    case BTF_VARIABLE:
    case BTF_DECL_TAG:
        type.extra = get32(type.list);
        type.count = 0;
        break;
    case BTF_ARRAY:
        type.type = get32(type.list);
        type.elements = get32(type.list + 8);
        break;
    case BTF_FUNCTION:
        type.extra = type.count; /* linkage */
        type.count = 0;
        break;
    default:
        break;
    }
    return type;
}

struct btf_member btf_member(const struct btf *btf, const struct btf_type *type, uint32_t index)
{
    const uint8_t *entry = type->list + (size_t)index * BTF_MEMBER_BYTES;
    uint32_t offset = get32(entry + 8);
    return (struct btf_member){
        .name = btf->strings + get32(entry),
        .type = get32(entry + 4),
        .bit_offset = type->flag ? offset & 0xffffff : offset,
        .bit_size = type->flag ? offset >> 24 : 0,
    };
}

struct btf_enumerator btf_enumerator(const struct btf *btf, const struct btf_type *type,
                                     uint32_t index)
{
    if (type->kind == BTF_ENUM64) {
        const uint8_t *entry = type->list + (size_t)index * BTF_ENUM64_BYTES;
        uint64_t value = get32(entry + 4) | (uint64_t)get32(entry + 8) << 32;
        return (struct btf_enumerator){btf->strings + get32(entry), (int64_t)value};
    }
    const uint8_t *entry = type->list + (size_t)index * BTF_ENUM_BYTES;
    return (struct btf_enumerator){btf->strings + get32(entry), (int32_t)get32(entry + 4)};
}

struct btf_parameter btf_parameter(const struct btf *btf, const struct btf_type *type,
                                   uint32_t index)
{
    const uint8_t *entry = type->list + (size_t)index * BTF_PARAMETER_BYTES;
    return (struct btf_parameter){btf->strings + get32(entry), get32(entry + 4)};
}

static int check_header(struct btf *btf, const uint8_t *data, size_t size, struct why *why)
{
    if (size < BTF_HEADER_BYTES) {
        return BAD("%zu bytes: too short for a BTF header", size);
    }
    uint32_t magic = data[0] | (uint32_t)data[1] << 8;
    if (magic != BTF_MAGIC || data[2] != 1) {
        return FAIL(-ENOTSUP, "BTF magic 0x%04x, version %u: need 0xeb9f, 1", magic, data[2]);
    }
    uint32_t header = get32(data + 4);
    uint32_t types = get32(data + 8), types_size = get32(data + 12);
    uint32_t strings = get32(data + 16), strings_size = get32(data + 20);
    if (header < BTF_HEADER_BYTES || header > size || types > size - header ||
        types_size > size - header - types || strings > size - header ||
        strings_size > size - header - strings) {
        return BAD("BTF header: 0x%x bytes of types at 0x%x, 0x%x of strings at 0x%x, outside the "
                   "0x%zx bytes",
                   types_size, types, strings_size, strings, size);
    }
    btf->types = data + header + types;
    btf->types_size = types_size;
    btf->strings = (const char *)data + header + strings;
    btf->strings_size = strings_size;
    if (strings_size == 0 || btf->strings[0] != '\0' || btf->strings[strings_size - 1] != '\0') {
        return BAD("BTF strings do not begin and end with NUL");
    }
    return 0;
}

/* Finds where each record begins; kinds and lengths are right after it. */
static int index_types(struct btf *btf, uint32_t *offsets, struct why *why)
{
    btf->count = 1;
    for (size_t at = 0; at < btf->types_size;) {
        size_t left = btf->types_size - at;
        if (left < BTF_RECORD_BYTES) {
            return BAD("BTF type %u is cut short", btf->count);
        }
        uint32_t info = get32(btf->types + at + 4);
        enum btf_kind kind = kind_of(info);
        if (kind == BTF_VOID || kind >= BTF_KINDS) {
            return FAIL(-ENOTSUP, "BTF type %u has kind %u, which is not known", btf->count,
                        (unsigned)kind);
        }
        size_t bytes = BTF_RECORD_BYTES + list_bytes(kind, info & 0xffff);
        if (bytes > left) {
            return BAD("BTF type %u (kind %u) is cut short", btf->count, (unsigned)kind);
        }
        offsets[btf->count++] = (uint32_t)at;
        at += bytes;
    }
    btf->offsets = offsets;
    return 0;
}

static int check_reference(const struct btf *btf, uint32_t id, uint32_t name, uint32_t type,
                           struct why *why)
{
    if (name >= btf->strings_size) {
        return BAD("BTF type %u: name at 0x%x of 0x%zx", id, name, btf->strings_size);
    }
    if (type >= btf->count) {
        return BAD("BTF type %u: refers to type %u of %u", id, type, btf->count);
    }
    return 0;
}

static int check_type(const struct btf *btf, uint32_t id, struct why *why)
{
    const uint8_t *record = btf->types + btf->offsets[id];
    uint32_t info = get32(record + 4);
    enum btf_kind kind = kind_of(info);
    const uint8_t *list = record + BTF_RECORD_BYTES;
    uint32_t count = info & 0xffff;

    int error =
        check_reference(btf, id, get32(record), has_type(kind) ? get32(record + 8) : 0, why);
    if (error == 0 && kind == BTF_ARRAY) {
        error = check_reference(btf, id, 0, get32(list), why);
    }
    if (error == 0 && kind == BTF_FUNCTION) {
        uint32_t prototype = get32(record + 8);
        if (prototype == 0 ||
            kind_of(get32(btf->types + btf->offsets[prototype] + 4)) != BTF_PROTOTYPE) {
            return BAD("BTF type %u: function whose type %u is no prototype", id, prototype);
        }
    }
    for (uint32_t i = 0; error == 0 && i < count; i++) {
        switch (kind) {
        case BTF_STRUCT:
        case BTF_UNION:
            error = check_reference(btf, id, get32(list), get32(list + 4), why);
            list += BTF_MEMBER_BYTES;
            break;
        case BTF_ENUM:
            error = check_reference(btf, id, get32(list), 0, why);
            list += BTF_ENUM_BYTES;
            break;
        case BTF_ENUM64:
            error = check_reference(btf, id, get32(list), 0, why);
            list += BTF_ENUM64_BYTES;
            break;
        case BTF_PROTOTYPE:
            error = check_reference(btf, id, get32(list), get32(list + 4), why);
            list += BTF_PARAMETER_BYTES;
            break;
        case BTF_DATA_SECTION:
            error = check_reference(btf, id, 0, get32(list), why);
            list += BTF_VARIABLE_BYTES;
            break;
        default:
            return 0;
        }
    }
    return error;
}

int btf_open(struct btf *btf, const void *data, size_t size, void *memory, size_t bytes,
             struct why *why)
{
    *btf = (struct btf){0};
    if (bytes < btf_scratch_bytes(size) || (uintptr_t)memory % 4 != 0) {
        return why_set(why, -ENOMEM, "%zu bytes of memory: need %zu, aligned to 4", bytes,
                       btf_scratch_bytes(size));
    }
    int error = check_header(btf, data, size, why);
    if (error == 0) {
        error = index_types(btf, memory, why);
    }
    for (uint32_t id = 1; error == 0 && id < btf->count; id++) {
        error = check_type(btf, id, why);
    }
    return error;
}

uint32_t btf_find(const struct btf *btf, enum btf_kind kind, const char *name)
{
    for (uint32_t id = 1; id < btf->count; id++) {
        struct btf_type type = btf_type(btf, id);
        if (type.kind == kind && strcmp(type.name, name) == 0) {
            return id;
        }
    }
    return 0;
}

uint32_t btf_strip(const struct btf *btf, uint32_t id)
{
    for (unsigned steps = 0; steps < BTF_NESTING_MAX; steps++) {
        struct btf_type type = btf_type(btf, id);
        if (type.kind != BTF_TYPEDEF && type.kind != BTF_CONST && type.kind != BTF_VOLATILE &&
            type.kind != BTF_RESTRICT && type.kind != BTF_TYPE_TAG) {
            return id;
        }
        id = type.type;
    }
    return 0; /* malformed: a ring of typedefs */
}

uint64_t btf_size(const struct btf *btf, uint32_t id)
{
    uint64_t elements = 1;
    for (unsigned steps = 0; steps < BTF_NESTING_MAX; steps++) {
        struct btf_type type = btf_type(btf, btf_strip(btf, id));
        if (type.kind == BTF_ARRAY) {
            if (__builtin_mul_overflow(elements, type.elements, &elements)) {
                return 0;
            }
            id = type.type;
            continue;
        }
        uint64_t bytes = type.kind == BTF_POINTER ? 8 : has_size(type.kind) ? type.size : 0;
        return __builtin_mul_overflow(elements, bytes, &elements) ? 0 : elements;
    }
    return 0;
}

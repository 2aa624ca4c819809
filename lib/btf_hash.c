/* SPDX-License-Identifier: MIT */
/*
 * Structural hash and comparison of types; see btf.h for what counts.
 *
 * Both walk breadth first: a named struct or union is a reference where it is met, numbered by the
 * order of first meetings, and is spelled out later, once. That order follows from the types alone,
 * so ids and their order in the file do not show, cycles end, and the work is linear. Everything
 * else (anonymous structs too, which cannot refer to themselves) is spelled out in place.
 */

#include <errno.h>
#include <string.h>

#include "btf.h"

enum {
    NESTING_MAX = 64,   /* of pointers, arrays, prototypes inside one struct */
    WORK_PER_TYPE = 64, /* bounds what shared prototypes may cost in malformed input */
    WORK_FLOOR = 1 << 16,
};

/* A type without what does not count. */
struct bare {
    struct btf_type type;
    uint32_t id;
    unsigned qualifiers; /* 1: const, 2: volatile */
};

static int bare(const struct btf *btf, uint32_t id, bool is_value, struct bare *bare)
{
    bare->qualifiers = 0;
    for (unsigned steps = 0; steps < NESTING_MAX; steps++) {
        bare->type = btf_type(btf, id);
        bare->id = id;
        switch (bare->type.kind) {
        case BTF_CONST:
            bare->qualifiers |= 1;
            break;
        case BTF_VOLATILE:
            bare->qualifiers |= 2;
            break;
        case BTF_TYPEDEF:
        case BTF_RESTRICT:
        case BTF_TYPE_TAG:
        case BTF_FUNCTION:
        case BTF_VARIABLE:
            break;
        default:
            if (is_value) {
                bare->qualifiers = 0;
            }
            return 0;
        }
        id = bare->type.type;
    }
    return -ELOOP;
}

static bool is_ellipsis(const struct btf_parameter *parameter)
{
    return parameter->type == 0 && parameter->name[0] == '\0';
}

/* The kind as far as it counts: how many bits an enumerator has in the file does not. */
static enum btf_kind kind_that_counts(const struct btf_type *type)
{
    return type->kind == BTF_ENUM64 ? BTF_ENUM : type->kind;
}

size_t btf_hash_scratch_bytes(const struct btf *btf)
{
    return 2 * sizeof(uint32_t) * btf->count;
}

/* --- hash --- */

struct hash {
    const struct btf *btf;
    uint64_t value;
    uint32_t *numbers; /* by id: order of first meeting from 1 on, 0: not met */
    uint32_t *queue;   /* ids in that order */
    uint32_t met;
    uint64_t work_left;
};

/* FNV-1a, 64 bits. */
static void add_bytes(struct hash *hash, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    for (size_t i = 0; i < size; i++) {
        hash->value = (hash->value ^ bytes[i]) * 0x100000001b3u;
    }
}

static void add_number(struct hash *hash, uint64_t number)
{
    add_bytes(hash, &number, sizeof(number));
}

static void add_string(struct hash *hash, const char *string)
{
    add_bytes(hash, string, strlen(string) + 1);
}

static void add_base_name(struct hash *hash, const char *name)
{
    uint32_t number = btf_base_number(name);
    if (number) {
        add_number(hash, number);
    } else {
        add_string(hash, name);
    }
}

static int hash_type(struct hash *hash, uint32_t id, bool is_value, unsigned depth);

static int hash_members(struct hash *hash, const struct btf_type *type, unsigned depth)
{
    int error = 0;
    add_string(hash, type->name);
    add_number(hash, type->size);
    add_number(hash, type->count);
    for (uint32_t i = 0; error == 0 && i < type->count; i++) {
        struct btf_member member = btf_member(hash->btf, type, i);
        add_string(hash, member.name);
        add_number(hash, member.bit_offset);
        add_number(hash, member.bit_size);
        error = hash_type(hash, member.type, false, depth + 1);
    }
    return error;
}

static int hash_record(struct hash *hash, const struct bare *bare, unsigned depth)
{
    if (bare->type.name[0] == '\0') {
        return hash_members(hash, &bare->type, depth);
    }
    if (hash->numbers[bare->id] == 0) {
        hash->queue[hash->met++] = bare->id;
        hash->numbers[bare->id] = hash->met;
    }
    add_number(hash, hash->numbers[bare->id]);
    return 0;
}

static void hash_enum(struct hash *hash, const struct btf_type *type)
{
    add_string(hash, type->name);
    add_number(hash, type->size);
    add_number(hash, type->count);
    for (uint32_t i = 0; i < type->count; i++) {
        struct btf_enumerator enumerator = btf_enumerator(hash->btf, type, i);
        add_string(hash, enumerator.name);
        add_number(hash, (uint64_t)enumerator.value);
    }
}

static int hash_prototype(struct hash *hash, const struct btf_type *type, unsigned depth)
{
    int error = hash_type(hash, type->type, true, depth + 1);
    add_number(hash, type->count);
    for (uint32_t i = 0; error == 0 && i < type->count; i++) {
        struct btf_parameter parameter = btf_parameter(hash->btf, type, i);
        if (is_ellipsis(&parameter)) {
            add_string(hash, "...");
        } else {
            error = hash_type(hash, parameter.type, true, depth + 1);
        }
    }
    return error;
}

static int hash_type(struct hash *hash, uint32_t id, bool is_value, unsigned depth)
{
    struct bare b;
    int error = bare(hash->btf, id, is_value, &b);
    if (error < 0 || depth > NESTING_MAX || hash->work_left == 0) {
        return -ELOOP;
    }
    hash->work_left--;
    add_number(hash, kind_that_counts(&b.type));
    add_number(hash, b.qualifiers);
    switch (b.type.kind) {
    case BTF_INT:
        add_base_name(hash, b.type.name);
        add_number(hash, b.type.size);
        add_number(hash, b.type.extra);
        return 0;
    case BTF_FLOAT:
        add_base_name(hash, b.type.name);
        add_number(hash, b.type.size);
        return 0;
    case BTF_ARRAY:
        add_number(hash, b.type.elements);
        return hash_type(hash, b.type.type, false, depth + 1);
    case BTF_POINTER:
        return hash_type(hash, b.type.type, false, depth + 1);
    case BTF_STRUCT:
    case BTF_UNION:
        return hash_record(hash, &b, depth);
    case BTF_ENUM:
    case BTF_ENUM64:
        hash_enum(hash, &b.type);
        return 0;
    case BTF_FORWARD:
        add_string(hash, b.type.name);
        add_number(hash, b.type.flag);
        return 0;
    case BTF_PROTOTYPE:
        return hash_prototype(hash, &b.type, depth);
    default:
        return 0; /* void */
    }
}

/* FNV's low bits depend on few input bits: mix them (the finaliser of MurmurHash3). */
static uint64_t finish(uint64_t value)
{
    value = (value ^ value >> 33) * 0xff51afd7ed558ccdu;
    value = (value ^ value >> 33) * 0xc4ceb9fe1a85ec53u;
    return value ^ value >> 33;
}

int btf_hash(const struct btf *btf, uint32_t id, void *memory, size_t bytes, uint64_t *hash,
             struct why *why)
{
    if (bytes < btf_hash_scratch_bytes(btf)) {
        return why_set(why, -ENOMEM, "%zu bytes of memory: need %zu", bytes,
                       btf_hash_scratch_bytes(btf));
    }
    struct hash h = {
        .btf = btf,
        .value = 0xcbf29ce484222325u,
        .numbers = memory,
        .queue = (uint32_t *)memory + btf->count,
        .work_left = (uint64_t)btf->types_size * WORK_PER_TYPE + WORK_FLOOR,
    };
    memset(h.numbers, 0, btf->count * sizeof(uint32_t));

    int error = hash_type(&h, id, false, 0);
    for (uint32_t i = 0; error == 0 && i < h.met; i++) {
        struct btf_type type = btf_type(btf, h.queue[i]);
        error = hash_members(&h, &type, 0);
    }
    if (error < 0) {
        return why_set(why, error, "BTF type %u (%s): nests too deep", id, btf_type(btf, id).name);
    }
    *hash = finish(h.value);
    return 0;
}

/* --- comparison --- */

struct same {
    const struct btf *a, *b;
    uint32_t *partners; /* by id in a: id in b that it is taken to equal, 0: not met */
    uint32_t *queue;    /* ids in a, met and to be compared */
    uint32_t met;
    uint64_t work_left;
    struct why *why;
};

static int same_type(struct same *same, uint32_t ia, uint32_t ib, bool is_value, unsigned depth);

static int differ(struct same *same, uint32_t ia, uint32_t ib)
{
    char a[96], b[96];
    (void)btf_print(same->a, ia, "", a, sizeof(a)); /* may be cut */
    (void)btf_print(same->b, ib, "", b, sizeof(b));
    return why_set(same->why, 0, "'%s' against '%s'", a, b);
}

static int same_members(struct same *same, const struct btf_type *ta, const struct btf_type *tb,
                        unsigned depth)
{
    const char *word = ta->kind == BTF_UNION ? "union" : "struct";

    for (uint32_t i = 0; i < ta->count && i < tb->count; i++) {
        struct btf_member a = btf_member(same->a, ta, i);
        struct btf_member b = btf_member(same->b, tb, i);
        if (strcmp(a.name, b.name) != 0) {
            return why_set(same->why, 0, "%s %s: member %u is '%s' against '%s'", word, ta->name, i,
                           a.name, b.name);
        }
        if (a.bit_offset != b.bit_offset || a.bit_size != b.bit_size) {
            return why_set(same->why, 0, "%s %s: member %s is at bit %u against %u", word, ta->name,
                           a.name, a.bit_offset, b.bit_offset);
        }
        int result = same_type(same, a.type, b.type, false, depth + 1);
        if (result == 0) {
            return why_prepend(same->why, 0, "%s %s: member %s", word, ta->name, a.name);
        }
        if (result < 0) {
            return result;
        }
    }
    if (ta->count != tb->count || ta->size != tb->size) {
        return why_set(same->why, 0, "%s %s: %u members, %u bytes against %u members, %u bytes",
                       word, ta->name, ta->count, ta->size, tb->count, tb->size);
    }
    return 1;
}

static int same_record(struct same *same, const struct bare *a, const struct bare *b,
                       unsigned depth)
{
    if (strcmp(a->type.name, b->type.name) != 0) {
        return differ(same, a->id, b->id);
    }
    if (a->type.name[0] == '\0') {
        return same_members(same, &a->type, &b->type, depth);
    }
    if (same->partners[a->id] == 0) {
        same->partners[a->id] = b->id;
        same->queue[same->met++] = a->id;
        return 1;
    }
    if (same->partners[a->id] == b->id) {
        return 1;
    }
    /* b has that struct twice: take what can be told without walking into it again. */
    return a->type.size == b->type.size && a->type.count == b->type.count
               ? 1
               : differ(same, a->id, b->id);
}

static int same_enum(struct same *same, const struct btf_type *a, const struct btf_type *b)
{
    if (strcmp(a->name, b->name) != 0 || a->size != b->size) {
        return why_set(same->why, 0, "'enum %s' against 'enum %s'", a->name, b->name);
    }
    for (uint32_t i = 0; i < a->count && i < b->count; i++) {
        struct btf_enumerator ea = btf_enumerator(same->a, a, i);
        struct btf_enumerator eb = btf_enumerator(same->b, b, i);
        if (strcmp(ea.name, eb.name) != 0 || ea.value != eb.value) {
            return why_set(same->why, 0, "enum %s: %s = %lld against %s = %lld", a->name, ea.name,
                           (long long)ea.value, eb.name, (long long)eb.value);
        }
    }
    if (a->count != b->count) {
        return why_set(same->why, 0, "enum %s: %u enumerators against %u", a->name, a->count,
                       b->count);
    }
    return 1;
}

static int same_prototype(struct same *same, const struct bare *a, const struct bare *b,
                          unsigned depth)
{
    if (a->type.count != b->type.count) {
        return differ(same, a->id, b->id);
    }
    int result = same_type(same, a->type.type, b->type.type, true, depth + 1);
    for (uint32_t i = 0; result > 0 && i < a->type.count; i++) {
        struct btf_parameter pa = btf_parameter(same->a, &a->type, i);
        struct btf_parameter pb = btf_parameter(same->b, &b->type, i);
        if (is_ellipsis(&pa) != is_ellipsis(&pb)) {
            return differ(same, a->id, b->id);
        }
        result = same_type(same, pa.type, pb.type, true, depth + 1);
    }
    return result;
}

static bool same_base(const struct btf_type *a, const struct btf_type *b)
{
    uint32_t number = btf_base_number(a->name);
    bool same_name = number ? number == btf_base_number(b->name) : strcmp(a->name, b->name) == 0;
    return same_name && a->size == b->size && a->extra == b->extra;
}

/* Whether one is only declared, and the other is what it declares. */
static bool is_declared_elsewhere(const struct btf_type *declared, const struct btf_type *other)
{
    return declared->kind == BTF_FORWARD &&
           (other->kind == BTF_FORWARD
                ? declared->flag == other->flag
                : other->kind == (declared->flag ? BTF_UNION : BTF_STRUCT)) &&
           strcmp(declared->name, other->name) == 0;
}

static int same_type(struct same *same, uint32_t ia, uint32_t ib, bool is_value, unsigned depth)
{
    struct bare a, b;
    if (bare(same->a, ia, is_value, &a) < 0 || bare(same->b, ib, is_value, &b) < 0 ||
        depth > NESTING_MAX || same->work_left == 0) {
        return -ELOOP;
    }
    same->work_left--;
    if (a.qualifiers != b.qualifiers) {
        return differ(same, ia, ib);
    }
    if (is_declared_elsewhere(&a.type, &b.type) || is_declared_elsewhere(&b.type, &a.type)) {
        return 1;
    }
    if (kind_that_counts(&a.type) != kind_that_counts(&b.type)) {
        return differ(same, ia, ib);
    }
    switch (a.type.kind) {
    case BTF_INT:
    case BTF_FLOAT:
        return same_base(&a.type, &b.type) ? 1 : differ(same, ia, ib);
    case BTF_ARRAY:
        if (a.type.elements != b.type.elements) {
            return differ(same, ia, ib);
        }
        return same_type(same, a.type.type, b.type.type, false, depth + 1);
    case BTF_POINTER:
        return same_type(same, a.type.type, b.type.type, false, depth + 1);
    case BTF_STRUCT:
    case BTF_UNION:
        return same_record(same, &a, &b, depth);
    case BTF_ENUM:
    case BTF_ENUM64:
        return same_enum(same, &a.type, &b.type);
    case BTF_FORWARD:
        return differ(same, ia, ib);
    case BTF_PROTOTYPE:
        return same_prototype(same, &a, &b, depth);
    default:
        return 1; /* void */
    }
}

int btf_same(const struct btf *a, uint32_t ia, const struct btf *b, uint32_t ib, void *memory,
             size_t bytes, struct why *why)
{
    if (bytes < btf_hash_scratch_bytes(a)) {
        return why_set(why, -ENOMEM, "%zu bytes of memory: need %zu", bytes,
                       btf_hash_scratch_bytes(a));
    }
    struct same same = {
        .a = a,
        .b = b,
        .partners = memory,
        .queue = (uint32_t *)memory + a->count,
        .work_left = (uint64_t)a->types_size * WORK_PER_TYPE + WORK_FLOOR,
        .why = why,
    };
    memset(same.partners, 0, a->count * sizeof(uint32_t));

    int result = same_type(&same, ia, ib, false, 0);
    for (uint32_t i = 0; result > 0 && i < same.met; i++) {
        struct btf_type ta = btf_type(a, same.queue[i]);
        struct btf_type tb = btf_type(b, same.partners[same.queue[i]]);
        result = same_members(&same, &ta, &tb, 0);
    }
    return result < 0 ? why_set(why, result, "types nest too deep") : result;
}

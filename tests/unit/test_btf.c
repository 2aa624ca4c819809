/* SPDX-License-Identifier: MIT */
/* lib/btf: what counts in a hash and what does not, declarations as text, malformed input. */

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <lib/btf.h>

/* --- a builder of BTF --- */

struct builder {
    uint32_t words[512];
    uint32_t used; /* words */
    uint32_t types;
    char strings[1024];
    uint32_t strings_size;
};

static void begin(struct builder *b)
{
    *b = (struct builder){.types = 1, .strings_size = 1};
}

static uint32_t name(struct builder *b, const char *text)
{
    uint32_t at = b->strings_size;
    if (!text[0]) {
        return 0;
    }
    memcpy(b->strings + at, text, strlen(text) + 1);
    b->strings_size += (uint32_t)strlen(text) + 1;
    return at;
}

static void word(struct builder *b, uint32_t value)
{
    b->words[b->used++] = value;
}

/* Returns the new type's id. */
static uint32_t type(struct builder *b, enum btf_kind kind, const char *text, uint32_t count,
                     bool flag, uint32_t size_or_type)
{
    word(b, name(b, text));
    word(b, (uint32_t)flag << 31 | (uint32_t)kind << 24 | count);
    word(b, size_or_type);
    return b->types++;
}

static uint32_t integer(struct builder *b, const char *text, uint32_t size, uint32_t encoding)
{
    uint32_t id = type(b, BTF_INT, text, 0, false, size);
    word(b, encoding << 24 | 8 * size);
    return id;
}

static void member(struct builder *b, const char *text, uint32_t id, uint32_t bit_offset)
{
    word(b, name(b, text));
    word(b, id);
    word(b, bit_offset);
}

static void parameter(struct builder *b, const char *text, uint32_t id)
{
    word(b, name(b, text));
    word(b, id);
}

static uint32_t array(struct builder *b, uint32_t element, uint32_t index, uint32_t count)
{
    uint32_t id = type(b, BTF_ARRAY, "", 0, false, 0);
    word(b, element);
    word(b, index);
    word(b, count);
    return id;
}

/* The bytes, to be freed. */
static uint8_t *finish(const struct builder *b, size_t *size)
{
    uint32_t bytes = 4 * b->used;
    uint32_t header[6] = {0xeb9f | 1 << 16, 24, 0, bytes, bytes, b->strings_size};
    *size = 24 + bytes + b->strings_size;
    uint8_t *data = malloc(*size);
    memcpy(data, header, 24);
    memcpy(data + 24, b->words, bytes);
    memcpy(data + 24 + bytes, b->strings, b->strings_size);
    return data;
}

struct view {
    uint8_t *data;
    void *memory;
    struct btf btf;
    void *scratch;
};

static void view(struct view *v, const struct builder *b)
{
    size_t size;
    struct why why;
    v->data = finish(b, &size);
    v->memory = malloc(btf_scratch_bytes(size));
    int error = btf_open(&v->btf, v->data, size, v->memory, btf_scratch_bytes(size), &why);
    cr_assert_eq(error, 0, "%s", why.text);
    v->scratch = malloc(btf_hash_scratch_bytes(&v->btf));
}

static void end(struct view *v)
{
    free(v->data);
    free(v->memory);
    free(v->scratch);
}

static uint64_t hash(const struct builder *b, uint32_t id)
{
    struct view v;
    struct why why;
    uint64_t value = 0;
    view(&v, b);
    int error = btf_hash(&v.btf, id, v.scratch, btf_hash_scratch_bytes(&v.btf), &value, &why);
    cr_assert_eq(error, 0, "%s", why.text);
    end(&v);
    return value;
}

static int same(const struct builder *a, uint32_t ia, const struct builder *b, uint32_t ib,
                struct why *why)
{
    struct view va, vb;
    view(&va, a);
    view(&vb, b);
    int result =
        btf_same(&va.btf, ia, &vb.btf, ib, va.scratch, btf_hash_scratch_bytes(&va.btf), why);
    end(&va);
    end(&vb);
    return result;
}

/* --- a family of types with everything in it, each detail of which can be changed --- */

struct detail {
    const char *int_name, *struct_name, *member_name, *enum_name, *enumerator, *typedef_name,
        *parameter_name;
    uint32_t int_size, struct_size, offset, elements, qualifier; /* qualifier: kind, or 0 */
    uint32_t bit_size, value, pointed;                           /* pointed: 0 node, 1 int */
    bool has_ellipsis, is_parameter_const, is_union, has_more;
};

static const struct detail usual = {
    .int_name = "int",
    .struct_name = "node",
    .member_name = "next",
    .enum_name = "color",
    .enumerator = "RED",
    .typedef_name = "node_t",
    .parameter_name = "node",
    .int_size = 4,
    .struct_size = 64,
    .offset = 64,
    .elements = 3,
    .value = 7,
    .bit_size = 3,
};

/*
 * enum color { RED = 7 };
 * struct node { int a[3]; struct node *next; int bits : 3; enum color color; void (*f)(int); };
 * typedef struct node node_t;  int function(node_t *node, int count);
 * Ids, order and unrelated types depend on `order`. Returns the function's prototype.
 */
static uint32_t family(struct builder *b, const struct detail *d, unsigned order)
{
    begin(b);
    if (order & 1) {
        integer(b, "unrelated", 8, 0);
    }
    /* Ids are given out in order, so that those which come later can be named before. */
    uint32_t base = b->types;
    bool is_reversed = order & 2;
    uint32_t i = is_reversed ? base + 10 : base, s = is_reversed ? base : base + 10;
    uint32_t p = base + 1, a = base + 2, e = base + 3, t = base + 4, v = base + 5, vp = base + 6,
             q = base + 7, pt = base + 8, f = base + 9;
    for (uint32_t id = base; id < base + 11; id++) {
        if (id == i) {
            integer(b, d->int_name, d->int_size, 1);
        } else if (id == p) {
            type(b, BTF_POINTER, "", 0, false, d->pointed ? i : s);
        } else if (id == a) {
            array(b, i, i, d->elements);
        } else if (id == e) {
            type(b, BTF_ENUM, d->enum_name, 1, false, 4);
            word(b, name(b, d->enumerator));
            word(b, d->value);
        } else if (id == t) {
            type(b, BTF_TYPEDEF, d->typedef_name, 0, false, s);
        } else if (id == v) {
            type(b, BTF_PROTOTYPE, "", 1, false, 0);
            parameter(b, "", i);
        } else if (id == vp) {
            type(b, BTF_POINTER, "", 0, false, v);
        } else if (id == q) {
            type(b, d->qualifier ? d->qualifier : BTF_TYPEDEF, d->qualifier ? "" : "same", 0, false,
                 t);
        } else if (id == pt) {
            type(b, BTF_POINTER, "", 0, false, q);
        } else if (id == f) {
            type(b, BTF_PROTOTYPE, "", 2 + d->has_ellipsis, false, i);
            parameter(b, d->parameter_name, pt);
            parameter(b, "count", d->is_parameter_const ? base + 11 : i);
            if (d->has_ellipsis) {
                parameter(b, "", 0);
            }
        } else {
            type(b, d->is_union ? BTF_UNION : BTF_STRUCT, d->struct_name, 5 + d->has_more, true,
                 d->struct_size);
            member(b, "a", a, 0);
            member(b, d->member_name, p, d->offset + 64);
            member(b, "bits", i, d->bit_size << 24 | 192);
            member(b, "color", e, 224);
            member(b, "f", vp, 256);
            if (d->has_more) {
                member(b, "more", i, 320);
            }
        }
    }
    type(b, BTF_CONST, "", 0, false, i); /* base + 11 */
    return f;
}

static uint64_t family_hash(const struct detail *d, unsigned order)
{
    struct builder b;
    uint32_t id = family(&b, d, order);
    return hash(&b, id);
}

Test(btf, hashes_alike_whatever_the_ids_and_their_order)
{
    uint64_t first = family_hash(&usual, 0);
    cr_assert_neq(first, 0);
    for (unsigned order = 1; order < 4; order++) {
        cr_assert_eq(family_hash(&usual, order), first, "order %u", order);
    }
}

/* Both hash and comparison see, or do not see, a changed detail. */
static void check_detail(const struct detail *changed, bool counts, const char *what)
{
    struct builder a, b;
    struct why why = {""};
    cr_assert_eq(family_hash(&usual, 0) != family_hash(changed, 3), counts, "hash: %s", what);
    uint32_t ia = family(&a, &usual, 0), ib = family(&b, changed, 3);
    cr_assert_eq(same(&a, ia, &b, ib, &why), !counts, "comparison: %s: %s", what, why.text);
    cr_assert(!counts || why.text[0], "%s: no words", what);
}

#define CHANGED(field, value, counts)                                                              \
    do {                                                                                           \
        struct detail changed = usual;                                                             \
        changed.field = (value);                                                                   \
        check_detail(&changed, counts, #field);                                                    \
    } while (0)

Test(btf, counts_everything_that_a_caller_could_notice)
{
    CHANGED(int_name, "unsigned int", true);
    CHANGED(int_size, 8, true);
    CHANGED(struct_name, "knot", true);
    CHANGED(member_name, "previous", true);
    CHANGED(enum_name, "hue", true);
    CHANGED(enumerator, "BLUE", true);
    CHANGED(value, 8, true);
    CHANGED(struct_size, 72, true);
    CHANGED(offset, 128, true);
    CHANGED(elements, 4, true);
    CHANGED(bit_size, 4, true);
    CHANGED(qualifier, BTF_CONST, true);
    CHANGED(qualifier, BTF_VOLATILE, true);
    CHANGED(pointed, 1, true);
    CHANGED(has_ellipsis, true, true);
    CHANGED(is_union, true, true);
    CHANGED(has_more, true, true);
}

Test(btf, ignores_what_a_caller_cannot_notice)
{
    CHANGED(typedef_name, "another_t", false);
    CHANGED(parameter_name, "n", false);
    CHANGED(is_parameter_const, true, false);
    CHANGED(qualifier, BTF_RESTRICT, false);
}

Test(btf, knows_base_types_in_every_compilers_spelling)
{
    static const char *const alike[][2] = {
        {"long unsigned int", "unsigned long"},           {"long int", "long"},
        {"long long unsigned int", "unsigned long long"}, {"short int", "short"},
        {"short unsigned int", "unsigned short"},         {"_Bool", "bool"},
    };
    static const char *const others[] = {"int",  "unsigned int", "long",          "long long",
                                         "char", "signed char",  "unsigned char", "unsigned long"};
    for (size_t i = 0; i < sizeof(alike) / sizeof(alike[0]); i++) {
        cr_assert_eq(btf_base_number(alike[i][0]), btf_base_number(alike[i][1]), "%s", alike[i][0]);
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        for (size_t k = 0; k < sizeof(others) / sizeof(others[0]); k++) {
            cr_assert_eq(btf_base_number(others[i]) == btf_base_number(others[k]), i == k, "%s, %s",
                         others[i], others[k]);
        }
    }
    cr_assert_eq(btf_base_number("__float128"), 0);
    cr_assert_eq(btf_base_number("intermediate"), 0);
    struct builder a, b;
    struct why why;
    begin(&a);
    begin(&b);
    uint32_t gcc = integer(&a, "long unsigned int", 8, 0);
    uint32_t clang = integer(&b, "unsigned long", 8, 0);
    cr_assert_eq(hash(&a, gcc), hash(&b, clang));
    cr_assert_eq(same(&a, gcc, &b, clang, &why), 1);
}

Test(btf, tells_the_first_difference)
{
    struct builder a, b;
    struct why why;
    struct detail changed = usual;
    changed.member_name = "previous";
    uint32_t ia = family(&a, &usual, 0), ib = family(&b, &changed, 0);
    cr_assert_eq(same(&a, ia, &b, ib, &why), 0);
    cr_assert_str_eq(why.text, "struct node: member 1 is 'next' against 'previous'");
    changed = usual;
    changed.pointed = 1;
    ib = family(&b, &changed, 0);
    cr_assert_eq(same(&a, ia, &b, ib, &why), 0);
    cr_assert_str_eq(why.text, "struct node: member next: 'struct node' against 'int'");
}

/* struct a { struct b *b; }; struct b { struct a *a; }; — from either end, in either order. */
static uint32_t ring(struct builder *b, bool is_swapped, bool from_b)
{
    begin(b);
    uint32_t first = is_swapped ? 2 : 1, second = is_swapped ? 1 : 2;
    for (uint32_t id = 1; id <= 2; id++) {
        type(b, BTF_STRUCT, id == first ? "a" : "b", 1, false, 8);
        member(b, id == first ? "b" : "a", id == first ? 4 : 3, 0);
    }
    type(b, BTF_POINTER, "", 0, false, first);
    type(b, BTF_POINTER, "", 0, false, second);
    return from_b ? second : first;
}

Test(btf, ends_on_rings_of_pointers)
{
    struct builder a, b;
    uint32_t ia = ring(&a, false, false), ib = ring(&b, true, false);
    cr_assert_eq(hash(&a, ia), hash(&b, ib));
    struct why why;
    cr_assert_eq(same(&a, ia, &b, ib, &why), 1);
    cr_assert_neq(hash(&a, ia), hash(&b, ring(&b, true, true)));
}

Test(btf, takes_a_declared_struct_for_the_defined_one_in_comparison_only)
{
    struct builder a, b;
    struct why why;
    begin(&a);
    uint32_t declared = type(&a, BTF_FORWARD, "node", 0, false, 0);
    uint32_t ia = type(&a, BTF_POINTER, "", 0, false, declared);
    begin(&b);
    uint32_t i = integer(&b, "int", 4, 1);
    uint32_t defined = type(&b, BTF_STRUCT, "node", 1, false, 4);
    member(&b, "x", i, 0);
    uint32_t ib = type(&b, BTF_POINTER, "", 0, false, defined);
    cr_assert_eq(same(&a, ia, &b, ib, &why), 1);
    cr_assert_eq(same(&b, ib, &a, ia, &why), 1);
    cr_assert_neq(hash(&a, ia), hash(&b, ib));

    begin(&a);
    declared = type(&a, BTF_FORWARD, "node", 0, true, 0); /* a union */
    ia = type(&a, BTF_POINTER, "", 0, false, declared);
    cr_assert_eq(same(&a, ia, &b, ib, &why), 0);
    begin(&a);
    declared = type(&a, BTF_FORWARD, "other", 0, false, 0);
    ia = type(&a, BTF_POINTER, "", 0, false, declared);
    cr_assert_eq(same(&a, ia, &b, ib, &why), 0);
}

Test(btf, sees_through_enum64_and_anonymous_structs)
{
    struct builder b;
    begin(&b);
    uint32_t e = type(&b, BTF_ENUM64, "wide", 1, false, 8);
    word(&b, name(&b, "BIG"));
    word(&b, 5);
    word(&b, 1);
    uint32_t anonymous = type(&b, BTF_STRUCT, "", 1, false, 8);
    member(&b, "e", e, 0);
    uint32_t outer = type(&b, BTF_STRUCT, "outer", 1, false, 8);
    member(&b, "", anonymous, 0);
    struct view v;
    view(&v, &b);
    struct btf_type wide = btf_type(&v.btf, e);
    cr_assert_eq(btf_enumerator(&v.btf, &wide, 0).value, 0x100000005);
    end(&v);
    uint64_t before = hash(&b, outer);
    b.words[4] = 6; /* BIG's low half */
    cr_assert_neq(hash(&b, outer), before);
}

/* --- reading --- */

Test(btf, finds_strips_and_measures)
{
    struct builder b;
    begin(&b);
    uint32_t i = integer(&b, "int", 4, 1);
    uint32_t a = array(&b, i, i, 6);
    uint32_t aa = array(&b, a, i, 2);
    uint32_t c = type(&b, BTF_CONST, "", 0, false, aa);
    uint32_t t = type(&b, BTF_TYPEDEF, "matrix", 0, false, c);
    uint32_t p = type(&b, BTF_POINTER, "", 0, false, t);
    struct view v;
    view(&v, &b);
    cr_assert_eq(btf_find(&v.btf, BTF_TYPEDEF, "matrix"), t);
    cr_assert_eq(btf_find(&v.btf, BTF_STRUCT, "matrix"), 0);
    cr_assert_eq(btf_strip(&v.btf, t), aa);
    cr_assert_eq(btf_size(&v.btf, t), 48);
    cr_assert_eq(btf_size(&v.btf, p), 8);
    cr_assert_eq(btf_size(&v.btf, 0), 0);
    end(&v);
}

static void prints(const struct builder *b, uint32_t id, const char *text, const char *expected)
{
    struct view v;
    char out[128], small[8];
    view(&v, b);
    int length = btf_print(&v.btf, id, text, out, sizeof(out));
    cr_assert_str_eq(out, expected);
    cr_assert_eq(length, (int)strlen(expected));
    int cut = btf_print(&v.btf, id, text, small, sizeof(small));
    cr_assert(cut == length || (cut >= (int)sizeof(small) && cut < length));
    cr_assert_eq(strncmp(small, expected, strlen(small)), 0, "'%s'", small);
    cr_assert_eq(strlen(small), strlen(expected) < 7 ? strlen(expected) : 7);
    end(&v);
}

Test(btf, prints_declarations_as_c_writes_them)
{
    struct builder b;
    begin(&b);
    uint32_t i = integer(&b, "int", 4, 1);
    uint32_t ch = integer(&b, "char", 1, 0);
    uint32_t cc = type(&b, BTF_CONST, "", 0, false, ch);
    uint32_t pcc = type(&b, BTF_POINTER, "", 0, false, cc);
    uint32_t cp = type(&b, BTF_CONST, "", 0, false, pcc);
    uint32_t s = type(&b, BTF_STRUCT, "node", 0, false, 0);
    uint32_t ps = type(&b, BTF_POINTER, "", 0, false, s);
    uint32_t f = type(&b, BTF_PROTOTYPE, "", 3, false, ps);
    parameter(&b, "text", pcc);
    parameter(&b, "", i);
    parameter(&b, "", 0);
    uint32_t pf = type(&b, BTF_POINTER, "", 0, false, f);
    uint32_t apf = array(&b, pf, i, 4);
    uint32_t a = array(&b, i, i, 3);
    uint32_t pa = type(&b, BTF_POINTER, "", 0, false, a);
    uint32_t nothing = type(&b, BTF_PROTOTYPE, "", 0, false, 0);
    uint32_t function = type(&b, BTF_FUNCTION, "stop", 0, false, nothing);
    uint32_t td = type(&b, BTF_TYPEDEF, "count_t", 0, false, i);
    uint32_t vtd = type(&b, BTF_VOLATILE, "", 0, false, td);
    prints(&b, i, "x", "int x");
    prints(&b, i, "", "int");
    prints(&b, cp, "p", "const char *const p");
    prints(&b, f, "make", "struct node *make(const char *text, int, ...)");
    prints(&b, pf, "make", "struct node *(*make)(const char *text, int, ...)");
    prints(&b, apf, "t", "struct node *(*t[4])(const char *text, int, ...)");
    prints(&b, pa, "p", "int (*p)[3]");
    prints(&b, function, "", "void stop(void)");
    prints(&b, vtd, "n", "volatile count_t n");
}

/* --- malformed input --- */

/* Opens a copy of exactly that size and, if it opens, uses all of it: the sanitizers watch. */
static int open_copy(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    memcpy(copy, data, size);
    void *memory = malloc(btf_scratch_bytes(size));
    struct btf btf;
    struct why why = {""};
    int error = btf_open(&btf, copy, size, memory, btf_scratch_bytes(size), &why);
    cr_assert(error == 0 || why.text[0] != '\0', "a refusal without words");
    if (error == 0) {
        size_t bytes = btf_hash_scratch_bytes(&btf);
        void *scratch = malloc(bytes);
        for (uint32_t id = 0; id < btf.count; id++) {
            char text[64];
            uint64_t value;
            (void)btf_hash(&btf, id, scratch, bytes, &value, &why); /* only must not crash */
            (void)btf_same(&btf, id, &btf, id, scratch, bytes, &why);
            (void)btf_print(&btf, id, "x", text, sizeof(text));
            (void)btf_size(&btf, id);
        }
        free(scratch);
    }
    free(memory);
    free(copy);
    return error;
}

Test(btf, refuses_data_cut_at_any_byte)
{
    struct builder b;
    size_t size;
    family(&b, &usual, 0);
    uint8_t *data = finish(&b, &size);
    cr_assert_eq(open_copy(data, size), 0);
    for (size_t cut = 0; cut < size; cut++) {
        cr_assert_lt(open_copy(data, cut), 0, "cut at %zu of %zu", cut, size);
    }
    free(data);
}

Test(btf, survives_every_byte_and_word_set_to_extremes)
{
    static const uint32_t values[] = {0, 1, 2, 0x7fffffff, 0x80000000, UINT32_MAX};
    static const uint8_t bytes[] = {0, 1, 2, 4, 13, 0x7f, 0x80, 0xff};
    struct builder b;
    size_t size;
    family(&b, &usual, 0);
    uint8_t *data = finish(&b, &size);
    for (size_t at = 0; at < size; at++) {
        uint8_t saved[4] = {0};
        size_t width = size - at < 4 ? size - at : 4;
        memcpy(saved, data + at, width);
        for (size_t i = 0; at % 4 == 0 && i < sizeof(values) / sizeof(values[0]); i++) {
            memcpy(data + at, &values[i], width);
            (void)open_copy(data, size);
        }
        memcpy(data + at, saved, width);
        for (size_t i = 0; i < sizeof(bytes); i++) {
            data[at] = bytes[i];
            (void)open_copy(data, size);
        }
        data[at] = saved[0];
    }
    free(data);
}

Test(btf, refuses_rings_that_c_cannot_write)
{
    struct builder b;
    struct view v;
    struct why why;
    uint64_t value;
    char text[32];
    begin(&b);
    type(&b, BTF_TYPEDEF, "t", 0, false, 1);
    uint32_t p = type(&b, BTF_POINTER, "", 0, false, 2);
    view(&v, &b);
    size_t bytes = btf_hash_scratch_bytes(&v.btf);
    cr_assert_eq(btf_hash(&v.btf, 1, v.scratch, bytes, &value, &why), -ELOOP);
    cr_assert_eq(btf_hash(&v.btf, p, v.scratch, bytes, &value, &why), -ELOOP);
    cr_assert_eq(btf_same(&v.btf, p, &v.btf, p, v.scratch, bytes, &why), -ELOOP);
    cr_assert_eq(btf_strip(&v.btf, 1), 0);
    cr_assert_gt(btf_print(&v.btf, p, "x", text, sizeof(text)), 0);
    cr_assert_eq(btf_hash(&v.btf, 1, v.scratch, bytes - 1, &value, &why), -ENOMEM);
    end(&v);
}

/* Each prototype takes the one before twice: 2^40 steps, if they were all walked. */
Test(btf, bounds_the_work_on_prototypes_within_prototypes)
{
    struct builder b;
    struct view v;
    struct why why;
    uint64_t value;
    char text[64];
    begin(&b);
    uint32_t id = integer(&b, "int", 4, 1);
    for (unsigned i = 0; i < 40; i++) {
        uint32_t next = type(&b, BTF_PROTOTYPE, "", 2, false, 0);
        parameter(&b, "a", id);
        parameter(&b, "b", id);
        id = next;
    }
    view(&v, &b);
    cr_assert_eq(btf_hash(&v.btf, id, v.scratch, btf_hash_scratch_bytes(&v.btf), &value, &why),
                 -ELOOP);
    cr_assert_gt(btf_print(&v.btf, id, "x", text, sizeof(text)), 0);
    end(&v);
}

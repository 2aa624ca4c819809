/* SPDX-License-Identifier: MIT */
/*
 * One heap takes over from another: what was allocated before stays, can be freed after, and its
 * pages come back. Each test in both directions.
 */
#include "tests/contract/heap_pages.h"

#include <criterion/criterion.h>
#include <interface/heap/region.h>
#include <string.h>

#define OBJECTS 600

extern const struct heap_under_test heap_test_methods, heap_first_fit_test_methods;

static struct component owner_a, owner_b;
static uint8_t *objects[OBJECTS];

static size_t size_of(unsigned i)
{
    return i % 40 ? 1 + i * 37 % 2500 : 20000 + i;
}

static uint8_t *take(const struct heap_under_test *heap, struct component *owner, size_t bytes)
{
    void *object = NULL;
    cr_assert_eq(heap->allocate(owner, heap_hash("uint8_t"), 1, bytes, &object), 0);
    return object;
}

/* Fills the places where no object is; each object bears its pattern. */
static void fill(const struct heap_under_test *heap)
{
    for (unsigned i = 0; i < OBJECTS; i++) {
        if (!objects[i]) {
            objects[i] = take(heap, i % 3 ? &owner_a : &owner_b, size_of(i));
            memset(objects[i], (int)(i % 251), size_of(i));
        }
    }
}

static void check(const struct heap_under_test *heap)
{
    for (unsigned i = 0; i < OBJECTS; i++) {
        for (size_t j = 0; objects[i] && j < size_of(i); j++) {
            cr_assert_eq(objects[i][j], i % 251, "object %u of %zu bytes", i, size_of(i));
        }
    }
    cr_assert_eq(heap->health(), 0);
}

static void drop_every(const struct heap_under_test *heap, unsigned step)
{
    for (unsigned i = 0; i < OBJECTS; i += step) {
        cr_assert_eq(heap->free(objects[i]), 0);
        objects[i] = NULL;
    }
}

static struct heap_account account_of(const struct heap_under_test *heap,
                                      const struct component *owner)
{
    struct heap_account account;
    cr_assert_eq(heap->read_account(owner, &account), 0);
    return account;
}

/* As the nucleus does it, on the way forth as on the way back: the predecessor's state is renewed.
 */
static void hand_over(const struct heap_under_test *from, const struct heap_under_test *to)
{
    struct heap_handover handover;
    int bytes = from->export(NULL, 0);
    cr_assert_eq(bytes, (int)sizeof(handover));
    cr_assert_eq(from->export(&handover, sizeof(handover)), bytes);
    cr_assert_eq(to->import(&handover, (size_t)bytes), 0);
    memset(from->state, 0, from->state_bytes);
}

static void expect_same(struct heap_account a, struct heap_account b)
{
    cr_assert_eq(a.objects, b.objects);
    cr_assert_eq(a.bytes, b.bytes);
    cr_assert_eq(a.pages, b.pages);
    cr_assert_eq(a.allocations, b.allocations);
}

static void expect_nothing_left(const struct heap_under_test *heap)
{
    struct heap_account account = account_of(heap, NULL);
    cr_assert_eq(account.objects, 0);
    cr_assert_eq(account.bytes, 0);
    cr_assert_eq(account.pages, 0);
    cr_assert_eq(heap_pages_out, 0);
    cr_assert_eq(heap->health(), 0);
}

static void keep_what_was_allocated(const struct heap_under_test *from,
                                    const struct heap_under_test *to)
{
    fill(from);
    struct heap_account all = account_of(from, NULL);
    struct heap_account a = account_of(from, &owner_a), b = account_of(from, &owner_b);
    hand_over(from, to);
    check(to);
    expect_same(account_of(to, NULL), all);
    expect_same(account_of(to, &owner_a), a);
    expect_same(account_of(to, &owner_b), b);
    drop_every(to, 2);
    check(to);
    fill(to);
    check(to);
    drop_every(to, 1);
    expect_nothing_left(to);
}

Test(heap_handover, keeps_what_was_allocated)
{
    keep_what_was_allocated(&heap_test_methods, &heap_first_fit_test_methods);
    keep_what_was_allocated(&heap_first_fit_test_methods, &heap_test_methods);
}

static void go_forth_and_back(const struct heap_under_test *from, const struct heap_under_test *to)
{
    for (unsigned i = 0; i < 50; i++) {
        fill(from);
        hand_over(from, to);
        drop_every(to, 2 + i % 5);
        fill(to);
        drop_every(to, 7);
        hand_over(to, from);
        check(from);
    }
    drop_every(from, 1);
    expect_nothing_left(from);
}

Test(heap_handover, goes_forth_and_back)
{
    go_forth_and_back(&heap_test_methods, &heap_first_fit_test_methods);
    go_forth_and_back(&heap_first_fit_test_methods, &heap_test_methods);
}

/* What had room before has it again when its heap comes back. */
static void use_own_pages_again(const struct heap_under_test *from,
                                const struct heap_under_test *to)
{
    uint8_t *first = take(from, &owner_a, 100);
    uint64_t pages = account_of(from, NULL).pages;
    hand_over(from, to);
    uint8_t *second = take(to, &owner_a, 100);
    cr_assert_gt(account_of(to, NULL).pages, pages);
    cr_assert_eq(to->free(second), 0);
    cr_assert_eq(account_of(to, NULL).pages, pages);
    hand_over(to, from);
    second = take(from, &owner_a, 100);
    cr_assert_eq(account_of(from, NULL).pages, pages);
    cr_assert_eq(from->free(first), 0);
    cr_assert_eq(from->free(second), 0);
    expect_nothing_left(from);
}

Test(heap_handover, uses_its_own_pages_again)
{
    use_own_pages_again(&heap_test_methods, &heap_first_fit_test_methods);
    use_own_pages_again(&heap_first_fit_test_methods, &heap_test_methods);
}

static void revoke_by_owner(const struct heap_under_test *from, const struct heap_under_test *to)
{
    fill(from);
    uint64_t of_a = account_of(from, &owner_a).objects, of_b = account_of(from, &owner_b).objects;
    hand_over(from, to);
    cr_assert_eq(to->revoke(&owner_a), (int)of_a);
    cr_assert_eq(account_of(to, NULL).objects, of_b);
    cr_assert_eq(to->revoke(&owner_b), (int)of_b);
    expect_nothing_left(to);
    memset(objects, 0, sizeof(objects));
}

Test(heap_handover, revokes_by_owner)
{
    revoke_by_owner(&heap_test_methods, &heap_first_fit_test_methods);
    revoke_by_owner(&heap_first_fit_test_methods, &heap_test_methods);
}

/* The transaction may be undone between export and import, and when both are done. */
static void go_on_when_undone(const struct heap_under_test *from, const struct heap_under_test *to)
{
    struct heap_handover handover;
    fill(from);
    cr_assert_gt(from->export(&handover, sizeof(handover)), 0);
    check(from);
    drop_every(from, 2);
    fill(from);
    cr_assert_gt(from->export(&handover, sizeof(handover)), 0);
    cr_assert_eq(from->import(&handover, sizeof(handover)), 0, "its own");
    check(from);
    cr_assert_gt(from->export(&handover, sizeof(handover)), 0);
    cr_assert_eq(to->import(&handover, sizeof(handover)), 0);
    cr_assert_gt(to->export(&handover, sizeof(handover)), 0);
    cr_assert_eq(from->import(&handover, sizeof(handover)), 0, "its state not renewed");
    check(from);
    drop_every(from, 1);
    expect_nothing_left(from);
    memset(to->state, 0, to->state_bytes);
}

Test(heap_handover, goes_on_when_it_is_undone)
{
    go_on_when_undone(&heap_test_methods, &heap_first_fit_test_methods);
    go_on_when_undone(&heap_first_fit_test_methods, &heap_test_methods);
}

static void refuse_what_it_does_not_know(const struct heap_under_test *heap)
{
    struct heap_handover handover = {.region_magic = HEAP_REGION_MAGIC};
    uint8_t *object = take(heap, &owner_a, 100);
    cr_assert_eq(heap->import(&handover, sizeof(handover) - 8), -EPROTO);
    handover.chain_count = HEAP_HANDOVER_CHAINS + 1;
    cr_assert_eq(heap->import(&handover, sizeof(handover)), -EPROTO);
    handover = (struct heap_handover){.region_magic = HEAP_REGION_MAGIC + 1};
    cr_assert_eq(heap->import(&handover, sizeof(handover)), -EPROTO);
    cr_assert_eq(heap->import(NULL, 0), 0);
    cr_assert_eq(heap->free(object), 0);
    expect_nothing_left(heap);
}

Test(heap_handover, refuses_what_it_does_not_know)
{
    refuse_what_it_does_not_know(&heap_test_methods);
    refuse_what_it_does_not_know(&heap_first_fit_test_methods);
}

/* An object of a heap that was never handed over is nobody's here. */
static void refuse_strangers(const struct heap_under_test *heap,
                             const struct heap_under_test *stranger)
{
    uint8_t *object = take(stranger, &owner_a, 100);
    cr_assert_eq(heap->free(object), -EINVAL);
    cr_assert_eq(stranger->free(object), 0);
    expect_nothing_left(stranger);
}

Test(heap_handover, does_not_free_what_was_not_handed_over)
{
    refuse_strangers(&heap_test_methods, &heap_first_fit_test_methods);
    refuse_strangers(&heap_first_fit_test_methods, &heap_test_methods);
}

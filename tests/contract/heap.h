/* SPDX-License-Identifier: MIT */
/*
 * The contract of <interface/heap.h>, as tests that every provider must pass. A provider's test
 * defines SUITE (its name) and PROVIDER (its source), and includes this file, which includes the
 * provider: then `state`, `health` and what is below are at hand for tests of its own.
 */
#pragma once

/* All unit tests are one program: each provider has its own methods. */
#define CONTRACT_NAME(symbol) CONTRACT_NAME_(SUITE, symbol)
#define CONTRACT_NAME_(suite, symbol) CONTRACT_NAME__(suite, symbol)
#define CONTRACT_NAME__(suite, symbol) suite##_test_##symbol
#define heap_allocate CONTRACT_NAME(allocate)
#define heap_free CONTRACT_NAME(free)
#define heap_revoke CONTRACT_NAME(revoke)
#define heap_read_account CONTRACT_NAME(read_account)
#define page_allocate_owned heap_pages_allocate
#define page_free heap_pages_free
#define component_self CONTRACT_NAME(component)

#include "tests/contract/heap_pages.h"

#include PROVIDER

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>

struct component component_self;
static struct component owner_a, owner_b;

/* For what is tested with two heaps, see test_heap_handover.c. */
const struct heap_under_test CONTRACT_NAME(methods) = {
    .allocate = heap_allocate,
    .free = heap_free,
    .revoke = heap_revoke,
    .read_account = heap_read_account,
    .health = health,
    .export = export,
    .import = import,
    .state = &state,
    .state_bytes = sizeof(state),
};

static uint8_t *take(struct component *owner, size_t bytes)
{
    void *object = NULL;
    cr_assert_eq(heap_allocate(owner, 0, 1, bytes, &object), 0);
    return object;
}

static struct heap_account account_of(const struct component *owner)
{
    struct heap_account account;
    cr_assert_eq(heap_read_account(owner, &account), 0);
    return account;
}

static void expect_nothing_left(void)
{
    struct heap_account account = account_of(NULL);
    cr_assert_eq(account.objects, 0);
    cr_assert_eq(account.bytes, 0);
    cr_assert_eq(account.pages, 0);
    cr_assert_eq(heap_pages_out, 0);
    cr_assert_eq(health(), 0);
}

Test(SUITE, gives_zeroed_aligned_memory_of_every_size)
{
    for (size_t bytes = 1; bytes < 9000; bytes += bytes < 2200 ? 1 : 61) {
        uint8_t *kept = take(&owner_b, bytes); /* holds the pages, so that they are used again */
        for (int again = 0; again < 2; again++) {
            uint8_t *object = take(&owner_a, bytes);
            cr_assert_eq((uintptr_t)object % HEAP_ALIGNMENT, 0);
            for (size_t i = 0; i < bytes; i++) {
                cr_assert_eq(object[i], 0);
            }
            memset(object, 0xff, bytes);
            cr_assert_eq(heap_free(object), 0);
        }
        cr_assert_eq(heap_free(kept), 0);
    }
    expect_nothing_left();
}

Test(SUITE, keeps_objects_apart)
{
    enum { COUNT = 2000 };
    static uint8_t *objects[COUNT];
    for (unsigned i = 0; i < COUNT; i++) {
        objects[i] = take(&owner_a, i + 1);
        memset(objects[i], (int)(i % 251), i + 1);
    }
    for (unsigned i = 0; i < COUNT; i++) {
        for (unsigned j = 0; j <= i; j++) {
            cr_assert_eq(objects[i][j], i % 251);
        }
        cr_assert_eq(heap_free(objects[i]), 0);
    }
    expect_nothing_left();
}

Test(SUITE, notes_type_count_and_owner)
{
    void *object;
    cr_assert_eq(heap_allocate(&owner_b, heap_hash("struct foo"), 24, 3, &object), 0);
    const struct heap_header *header = (struct heap_header *)object - 1;
    cr_assert_eq(header->magic, HEAP_LIVE);
    cr_assert_eq(header->type_hash, heap_hash("struct foo"));
    cr_assert_eq(header->element_bytes, 24);
    cr_assert_eq(header->count, 3);
    cr_assert_eq(header->owner, &owner_b);
}

Test(SUITE, refuses_sizes_of_none_and_too_much)
{
    void *object = NULL;
    cr_assert_eq(heap_allocate(&owner_a, 0, 0, 1, &object), -EINVAL);
    cr_assert_eq(heap_allocate(&owner_a, 0, 1, 0, &object), -EINVAL);
    cr_assert_eq(heap_allocate(&owner_a, 0, SIZE_MAX / 2, 3, &object), -EINVAL);
    cr_assert_eq(heap_allocate(&owner_a, 0, 1ull << 33, 1ull << 33, &object), -EINVAL);
    cr_assert_eq(heap_allocate(&owner_a, 0, 1u << 31, 4, &object), -ENOMEM);
    cr_assert_null(object);
    expect_nothing_left();
}

Test(SUITE, says_when_there_is_no_memory_and_goes_on)
{
    void *object = NULL;
    uint8_t *first = take(&owner_a, 2000);
    heap_pages_left = 0;
    cr_assert_eq(heap_allocate(&owner_a, 0, 1, 100000, &object), -ENOMEM);
    while (heap_allocate(&owner_b, 0, 1, 16, &object) == 0) { /* where there is room yet */
    }
    cr_assert_eq(heap_allocate(&owner_a, 0, 1, 16, &object), -ENOMEM);
    (void)heap_revoke(&owner_b);
    cr_assert_eq(heap_free(take(&owner_a, 2000)), 0, "beside the first there is room");
    cr_assert_eq(heap_free(first), 0);
    expect_nothing_left();
}

Test(SUITE, refuses_to_free_twice)
{
    uint8_t *kept = take(&owner_a, 40);
    uint8_t *object = take(&owner_a, 40);
    cr_assert_eq(heap_free(object), 0);
    cr_assert_eq(heap_free(object), -EINVAL);
    cr_assert_eq(account_of(NULL).objects, 1);
    cr_assert_eq(heap_free(kept), 0);
    expect_nothing_left();
}

Test(SUITE, refuses_to_free_what_is_no_object)
{
    static _Alignas(16) uint8_t foreign[256];
    uint8_t *object = take(&owner_a, 256);
    cr_assert_eq(heap_free(NULL), 0);
    cr_assert_eq(heap_free((void *)16), -EINVAL);
    cr_assert_eq(heap_free(foreign + 128), -EINVAL);
    cr_assert_eq(heap_free(object + 64), -EINVAL);
    cr_assert_eq(heap_free(object + 1), -EINVAL);
    /* A copy of a header, inside an object, does not make one. */
    memcpy(object + 32, object - sizeof(struct heap_header), sizeof(struct heap_header));
    cr_assert_eq(heap_free(object + 64), -EINVAL);
    memcpy(foreign + 32, object - sizeof(struct heap_header), sizeof(struct heap_header));
    cr_assert_eq(heap_free(foreign + 64), -EINVAL);
    /* Nor does one whose region would be where none is. */
    static _Alignas(PAGE_BYTES) uint8_t page[PAGE_BYTES];
    struct heap_header *forged = (struct heap_header *)(page + sizeof(struct heap_region));
    *forged = (struct heap_header){.magic = HEAP_LIVE, .provider_word = (uintptr_t)page};
    cr_assert_eq(heap_free(forged + 1), -EINVAL);
    cr_assert_eq(heap_free(object), 0);
    expect_nothing_left();
}

Test(SUITE, poisons_what_it_takes_back)
{
    uint8_t *kept = take(&owner_a, 64); /* holds the pages */
    volatile uint8_t *object = take(&owner_a, 64);
    cr_assert_eq(heap_free((void *)object), 0);
    for (unsigned i = 0; i < 64; i++) {
        cr_assert_eq(object[i], 0xa5);
    }
    cr_assert_eq(heap_free(kept), 0);
}

Test(SUITE, accounts_by_owner)
{
    for (unsigned i = 0; i < 300; i++) {
        (void)take(i % 3 ? &owner_a : &owner_b, 100);
    }
    (void)take(&owner_b, 50000);
    struct heap_account a = account_of(&owner_a), b = account_of(&owner_b), all = account_of(NULL);
    cr_assert_eq(a.objects, 200);
    cr_assert_eq(a.bytes, 20000);
    cr_assert_eq(b.objects, 101);
    cr_assert_eq(b.bytes, 60000);
    cr_assert_eq(all.objects, 301);
    cr_assert_eq(all.bytes, 80000);
    cr_assert_eq(all.allocations, 301);
    cr_assert_geq(all.pages, 80000 / PAGE_BYTES);
    cr_assert_eq(health(), 0);
}

Test(SUITE, revokes_all_of_one_owner_and_none_of_another)
{
    uint8_t *objects[100];
    for (unsigned i = 0; i < 400; i++) {
        size_t bytes = i % 7 ? i * 5 + 1 : 10000;
        uint8_t *object = take(i % 4 ? &owner_a : &owner_b, bytes);
        if (i % 4 == 0) {
            objects[i / 4] = object;
            memset(object, 0x11, bytes);
        }
    }
    cr_assert_eq(heap_revoke(&owner_a), 300);
    cr_assert_eq(heap_revoke(&owner_a), 0);
    cr_assert_eq(heap_revoke(NULL), 0);
    cr_assert_eq(account_of(&owner_a).objects, 0);
    cr_assert_eq(account_of(&owner_b).objects, 100);
    for (unsigned i = 0; i < 100; i++) {
        cr_assert_eq(objects[i][0], 0x11);
        cr_assert_eq(heap_free(objects[i]), 0);
    }
    expect_nothing_left();
}

#define CONTESTS 5000u

static uint8_t *contested[CONTESTS];
static uint32_t round_begun[2];
static uint32_t frees;

/* Frees each contested object at the same time as the other; without a sleep, so that they collide.
 */
static void *free_contested(void *argument)
{
    uintptr_t me = (uintptr_t)argument;
    for (unsigned i = 0; i < CONTESTS; i++) {
        __atomic_store_n(&round_begun[me], i + 1, __ATOMIC_SEQ_CST);
        while (__atomic_load_n(&round_begun[!me], __ATOMIC_SEQ_CST) <= i) {
        }
        if (heap_free(contested[i]) == 0) {
            __atomic_add_fetch(&frees, 1, __ATOMIC_RELAXED);
        }
    }
    return NULL;
}

Test(SUITE, lets_only_one_of_two_cpus_free_an_object)
{
    pthread_t cpus[2];
    /* Every other object stays, so that no pages go back: to free what lay in those is beyond
     * what a heap can see. */
    for (unsigned i = 0; i < CONTESTS; i++) {
        contested[i] = take(&owner_a, 40);
        (void)take(&owner_b, 40);
    }
    for (uintptr_t i = 0; i < 2; i++) {
        cr_assert_eq(pthread_create(&cpus[i], NULL, free_contested, (void *)i), 0);
    }
    pthread_join(cpus[0], NULL);
    pthread_join(cpus[1], NULL);
    cr_assert_eq(frees, CONTESTS);
    cr_assert_eq(heap_revoke(&owner_b), CONTESTS);
    expect_nothing_left();
}

/* Allocates and frees at random; each object bears its owner's pattern. */
static void *churn(void *argument)
{
    unsigned seed = (unsigned)(uintptr_t)argument;
    uint8_t pattern = (uint8_t)seed;
    uint8_t *objects[64] = {0};
    size_t sizes[64] = {0};
    for (unsigned i = 0; i < 20000; i++) {
        unsigned slot = (unsigned)rand_r(&seed) % 64;
        if (objects[slot]) {
            for (size_t j = 0; j < sizes[slot]; j += 13) {
                cr_assert_eq(objects[slot][j], pattern);
            }
            cr_assert_eq(heap_free(objects[slot]), 0);
            objects[slot] = NULL;
        } else {
            sizes[slot] = 1 + (unsigned)rand_r(&seed) % (i % 16 ? 300 : 5000);
            objects[slot] = take(&owner_a, sizes[slot]);
            memset(objects[slot], pattern, sizes[slot]);
        }
    }
    for (unsigned slot = 0; slot < 64; slot++) {
        cr_assert_eq(heap_free(objects[slot]), 0);
    }
    return NULL;
}

/* Walks all the time; owner_b's objects vanish under its hands. */
static void *audit(void *argument)
{
    const uint32_t *is_over = argument;
    while (!__atomic_load_n(is_over, __ATOMIC_ACQUIRE)) {
        (void)take(&owner_b, 48);
        (void)account_of(&owner_a);
        cr_assert_eq(heap_revoke(&owner_b), 1);
        cr_assert_eq(health(), 0);
    }
    return NULL;
}

Test(SUITE, serves_four_cpus_at_once)
{
    pthread_t cpus[CPU_MAX];
    uint32_t is_over = 0;
    cr_assert_eq(pthread_create(&cpus[0], NULL, audit, &is_over), 0);
    for (uintptr_t cpu = 1; cpu < CPU_MAX; cpu++) {
        cr_assert_eq(pthread_create(&cpus[cpu], NULL, churn, (void *)cpu), 0);
    }
    for (unsigned cpu = 1; cpu < CPU_MAX; cpu++) {
        pthread_join(cpus[cpu], NULL);
    }
    __atomic_store_n(&is_over, 1, __ATOMIC_RELEASE);
    pthread_join(cpus[0], NULL);
    expect_nothing_left();
}

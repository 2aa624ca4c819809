/* SPDX-License-Identifier: MIT */
/*
 * Packages that are malformed, or cannot be accepted: none is, each refusal says why, and the world
 * is bit for bit as before, after each single one.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/hotswap/rejections.h"
#include "tests/hotswap/suite.h"

#define CASES_MIN 60

TestSuite(rejections, .init = suite_attach, .fini = suite_detach, .timeout = 300);

void rejection_poke(uint8_t *at, size_t width, uint64_t value)
{
    for (size_t i = 0; i < width; i++) {
        at[i] = (uint8_t)(value >> 8 * i);
    }
}

/* The loader keeps the packages that were pushed last: their pages are not lost. */
static uint64_t count_pages(const struct machine_world *world)
{
    const struct machine_component *loader = machine_find(world, "evolve");
    cr_assert_not_null(loader);
    return world->pages_free + loader->pages;
}

/* What of the world is another one than before; NULL: nothing. */
static const char *find_change(const struct machine_world *a, const struct machine_world *b)
{
    return a->hash != b->hash                           ? "its hash"
           : a->count != b->count                       ? "its components"
           : count_pages(a) != count_pages(b)           ? "free memory"
           : a->arena_free_bytes != b->arena_free_bytes ? "the arena"
           : a->gates_free != b->gates_free             ? "the gates"
           : a->threads != b->threads                   ? "the threads"
           : a->transactions != b->transactions         ? "the count of transactions"
                                                        : NULL;
}

static void run_case(const struct rejection *rejection, struct machine_world *before)
{
    struct package package;
    must(package_open(&package, rejection->package ? rejection->package : REJECTION_PACKAGE, &why));
    rejection->damage(&package, rejection);
    package_finish(&package);
    int result = machine_push_bytes(&machine, package.bytes, package.size,
                                    rejection->old ? rejection->old : "", NULL, &why);
    package_free(&package);
    cr_expect_eq(result, -EREMOTEIO, "%s: %s", rejection->name,
                 result < 0 ? why.text : "was accepted");
    cr_expect(result < 0 && strstr(why.text, rejection->words), "%s: says: %s", rejection->name,
              result < 0 ? why.text : "");
    struct machine_world after = suite_world();
    const char *change = find_change(before, &after);
    cr_expect_null(change, "%s: the world has changed: %s", rejection->name, change);
    *before = after; /* one culprit is enough */
}

static void run_table(const struct rejection_table *table)
{
    struct machine_world before = suite_world();
    for (size_t i = 0; i < table->count; i++) {
        run_case(&table->list[i], &before);
    }
}

Test(rejections, objects_that_are_none)
{
    run_table(&rejections_object);
}

Test(rejections, objects_that_cannot_be_linked)
{
    run_table(&rejections_link);
}

Test(rejections, device_trees_that_are_none)
{
    run_table(&rejections_tree);
}

Test(rejections, descriptors_that_do_not_hold)
{
    run_table(&rejections_descriptor);
}

Test(rejections, components_that_do_not_fit_the_world)
{
    run_table(&rejections_world);
}

Test(rejections, are_sixty_and_more)
{
    size_t count = rejections_object.count + rejections_link.count + rejections_tree.count +
                   rejections_descriptor.count + rejections_world.count;
    cr_log_info("%zu packages that must be refused", count);
    cr_assert_geq(count, CASES_MIN, "only %zu", count);
}

/* SPDX-License-Identifier: MIT */
/* lib/plan: whether a world would hold together, and in which order it starts. */
#include <criterion/criterion.h>
#include <errno.h>
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

#include "lib/plan.h"
#include "lib/version.h"

#define TREE_BYTES 4096
#define PARTS_MAX 16

static struct why why;
static void *trees[PARTS_MAX];
static struct bundle bundles[PARTS_MAX];
static size_t made;

/* An interface: its name, version and the one method it has, with a hash. */
struct face {
    const char *name;
    uint32_t major, minor, hash;
};

static void put_cells(void *fdt, const char *name, uint32_t first, uint32_t second)
{
    const fdt32_t cells[] = {cpu_to_fdt32(first), cpu_to_fdt32(second)};
    cr_assert_eq(fdt_property(fdt, name, cells, sizeof(cells)), 0);
}

static void put_faces(void *fdt, const char *node, const struct face *faces)
{
    fdt_begin_node(fdt, node);
    for (; faces && faces->name; faces++) {
        fdt_begin_node(fdt, faces->name);
        put_cells(fdt, "version", faces->major, faces->minor);
        put_cells(fdt, "below", faces->major + 1, 0);
        fdt_property_string(fdt, "methods", "call");
        put_cells(fdt, "hashes", 0, faces->hash);
        fdt_end_node(fdt);
    }
    fdt_end_node(fdt);
}

static struct plan_part make(const char *name, const struct face *provides,
                             const struct face *needs)
{
    cr_assert_lt(made, PARTS_MAX);
    void *fdt = trees[made] = calloc(1, TREE_BYTES);
    fdt_create(fdt, TREE_BYTES);
    fdt_finish_reservemap(fdt);
    fdt_begin_node(fdt, "");
    put_faces(fdt, "provides", provides);
    put_faces(fdt, "needs", needs);
    fdt_end_node(fdt);
    cr_assert_eq(fdt_finish(fdt), 0);
    bundles[made] = (struct bundle){.fdt = fdt};
    return (struct plan_part){
        .bundle = &bundles[made++],
        .descriptor = {.name = name,
                       .provides = fdt_path_offset(fdt, "/provides"),
                       .needs = fdt_path_offset(fdt, "/needs")},
    };
}

static void begin(void)
{
    made = 0;
    why.text[0] = 0;
}

static void end(void)
{
    while (made) {
        free(trees[--made]);
    }
}

TestSuite(plan, .init = begin, .fini = end);

#define FACES(...) ((const struct face[]){__VA_ARGS__, {0}})
static const struct face tick = {"tick", 1, 4, 7};

static int check(const struct plan_part *now, size_t now_count, const struct plan_part *coming,
                 size_t coming_count, const char *leaving)
{
    const struct plan plan = {now, now_count, coming, coming_count, leaving};
    return plan_check(&plan, &why);
}

#define must_say(words) cr_assert_not_null(strstr(why.text, words), "says: %s", why.text)

Test(plan, accepts_what_finds_all_it_needs)
{
    const struct plan_part now[] = {make("clock", FACES(tick), NULL)};
    const struct plan_part coming[] = {make("user", NULL, FACES({"tick", 1, 2, 7}))};
    cr_assert_eq(check(now, 1, coming, 1, NULL), 0, "%s", why.text);
}

Test(plan, names_what_is_missing)
{
    const struct plan_part coming[] = {make("user", NULL, FACES(tick))};
    cr_assert_eq(check(NULL, 0, coming, 1, NULL), -ENOENT);
    must_say("user needs the interface tick 1.4, which nobody provides");
}

Test(plan, refuses_other_versions)
{
    const struct plan_part now[] = {make("clock", FACES(tick), NULL)};
    const struct plan_part later[] = {make("user", NULL, FACES({"tick", 1, 5, 7}))};
    cr_assert_eq(check(now, 1, later, 1, NULL), -EPROTO);
    must_say("user needs tick 1.5 or later, below 2.0, but clock provides tick 1.4");
    const struct plan_part major[] = {make("user", NULL, FACES({"tick", 2, 0, 7}))};
    cr_assert_eq(check(now, 1, major, 1, NULL), -EPROTO);
}

Test(plan, refuses_other_types_whatever_the_version)
{
    const struct plan_part now[] = {make("clock", FACES(tick), NULL)};
    const struct plan_part coming[] = {make("user", NULL, FACES({"tick", 1, 4, 8}))};
    cr_assert_eq(check(now, 1, coming, 1, NULL), -EPROTO);
    must_say("user calls call of tick 1.4, but clock has it with other types");
}

Test(plan, checks_those_who_stay_against_a_new_provider)
{
    const struct plan_part now[] = {make("clock", FACES(tick), NULL),
                                    make("user", NULL, FACES(tick))};
    const struct plan_part coming[] = {make("clock", FACES({"tick", 1, 3, 7}), NULL)};
    cr_assert_eq(check(now, 2, coming, 1, NULL), -EPROTO);
    must_say("user needs tick 1.4");
}

Test(plan, refuses_to_take_away_what_somebody_needs)
{
    const struct plan_part now[] = {make("clock", FACES(tick), NULL),
                                    make("user", NULL, FACES(tick))};
    cr_assert_eq(check(now, 2, NULL, 0, "clock"), -ENOENT);
    must_say("user needs the interface tick");
    cr_assert_eq(check(now, 2, NULL, 0, "user"), 0);
}

Test(plan, refuses_to_take_away_what_the_nucleus_needs)
{
    const struct plan_part now[] = {make("fair", FACES({"scheduler", 1, 0, 1}), NULL)};
    cr_assert_eq(check(now, 1, NULL, 0, "fair"), -EBUSY);
    must_say("the nucleus needs the interface scheduler, which fair provides");
}

Test(plan, refuses_a_second_provider)
{
    const struct plan_part now[] = {make("clock", FACES(tick), NULL)};
    const struct plan_part coming[] = {make("other", FACES(tick), NULL),
                                       make("third", FACES(tick), NULL)};
    cr_assert_eq(check(now, 1, coming, 1, NULL), -EEXIST);
    must_say("clock provides the interface tick already");
    cr_assert_eq(check(NULL, 0, coming, 2, NULL), -EEXIST);
    must_say("other and third both provide the interface tick");
    cr_assert_eq(check(now, 1, coming, 1, "clock"), 0, "%s", why.text);
}

Test(plan, refuses_a_successor_that_does_less)
{
    const struct plan_part now[] = {make("clock", FACES(tick), NULL)};
    const struct plan_part coming[] = {make("other", NULL, NULL)};
    cr_assert_eq(check(now, 1, coming, 1, "clock"), -EPROTO);
    must_say("other cannot take the place of clock: it does not provide the interface tick");
}

Test(plan, refuses_a_successor_that_is_there_already)
{
    const struct plan_part now[] = {make("clock", FACES(tick), NULL), make("other", NULL, NULL)};
    const struct plan_part coming[] = {make("other", FACES(tick), NULL)};
    cr_assert_eq(check(now, 2, coming, 1, "clock"), -EEXIST);
    must_say("other is in the world already, beside clock");
}

Test(plan, refuses_who_claims_to_be_the_nucleus)
{
    const struct plan_part coming[] = {make("user", FACES({"nucleus", 1, 0, 1}), NULL)};
    cr_assert_eq(check(NULL, 0, coming, 1, NULL), -EPERM);
}

Test(plan, accepts_a_cycle_that_comes_together)
{
    const struct plan_part coming[] = {
        make("ping", FACES({"ping", 1, 0, 1}), FACES({"pong", 1, 0, 2})),
        make("pong", FACES({"pong", 1, 0, 2}), FACES({"ping", 1, 0, 1}))};
    cr_assert_eq(check(NULL, 0, coming, 2, NULL), 0, "%s", why.text);
    cr_assert_eq(check(NULL, 0, coming, 1, NULL), -ENOENT);
}

static void is_order(const struct plan_part *parts, size_t count, const char *expected)
{
    size_t order[PARTS_MAX];
    char text[256] = "";
    plan_order(parts, count, order);
    for (size_t i = 0; i < count; i++) {
        strcat(text, parts[order[i]].descriptor.name);
        strcat(text, " ");
    }
    cr_assert_str_eq(text, expected);
}

Test(plan, starts_providers_before_users_and_vital_ones_first)
{
    const struct plan_part parts[] = {
        make("shell", NULL, FACES({"console", 1, 0, 1}, {"heap", 1, 0, 1})),
        make("console", FACES({"console", 1, 0, 1}), NULL),
        make("pool", FACES({"heap", 1, 0, 1}), NULL),
        make("fair", FACES({"scheduler", 1, 0, 1}), NULL),
    };
    is_order(parts, 4, "fair pool console shell ");
}

Test(plan, starts_a_cycle_with_the_first_given)
{
    const struct plan_part parts[] = {
        make("user", NULL, FACES({"ping", 1, 0, 1})),
        make("pong", FACES({"pong", 1, 0, 2}), FACES({"ping", 1, 0, 1})),
        make("ping", FACES({"ping", 1, 0, 1}), FACES({"pong", 1, 0, 2})),
    };
    is_order(parts, 3, "user pong ping ");
}

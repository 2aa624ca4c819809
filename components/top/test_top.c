/* SPDX-License-Identifier: MIT */
/* The accounts of a made-up world, of which the test turns the clock. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#define component_self top_test_self
#define heap_allocate top_test_heap_allocate
#define heap_free top_test_heap_free
#define offer_add_owned top_test_offer_add
#define offer_find top_test_offer_find
#define time_now_ns top_test_time_now_ns
#define world_component top_test_world_component
#define world_read_totals top_test_world_read_totals

#include "top.c"

#include "tests/unit/run_line.h"

#define SECOND 1000000000ull

struct component {
    int unused;
};
struct component component_self;

static struct world_component world[40];
static uint32_t world_count;
static uint64_t now_ns;
static unsigned live_objects, allocations_left = UINT32_MAX;
static bool is_growing; /* one more component each time they have been counted */
static struct command_ops offered;

int heap_allocate(struct component *owner, uint32_t type_hash, size_t element_bytes, size_t count,
                  void **object)
{
    (void)owner;
    (void)type_hash;
    if (allocations_left == 0) {
        return -ENOMEM;
    }
    allocations_left--;
    live_objects++;
    *object = calloc(count, element_bytes);
    return 0;
}

int heap_free(void *object)
{
    live_objects -= object != NULL;
    free(object);
    return 0;
}

int offer_add_owned(const char *kind, const char *name, const void *table, size_t size,
                    struct component *owner)
{
    (void)owner;
    cr_assert_str_eq(kind, COMMAND_KIND);
    cr_assert_str_eq(name, "top");
    memcpy(&offered, table, size);
    return 1;
}

/* `trace`, as far as it is there. */
static unsigned count_requests;
static int count_result;
static bool has_trace = true;

static int run_trace(int count, char *const words[], struct command_output *output)
{
    cr_assert_eq(count, 2);
    cr_assert_str_eq(words[0], "trace");
    cr_assert_str_eq(words[1], "count");
    count_requests++;
    command_print(output, "of no interest\n");
    return count_result;
}

int offer_find(const char *kind, const char *name, uint32_t after, struct offer *offer)
{
    static const struct command_ops trace = {.run = run_trace};
    cr_assert_str_eq(kind, COMMAND_KIND);
    cr_assert_str_eq(name, "trace");
    cr_assert_eq(after, 0);
    memcpy(offer->table, &trace, sizeof(trace));
    return has_trace ? 0 : -ENOENT;
}

uint64_t time_now_ns(void)
{
    return now_ns;
}

static struct world_component *add(const char *name)
{
    struct world_component *component = &world[world_count++];
    *component = (struct world_component){.id = 10 * world_count};
    strcpy(component->name, name);
    return component;
}

int world_component(uint32_t after, struct world_component *component)
{
    for (uint32_t i = 0; i < world_count; i++) {
        if (world[i].id > after) {
            *component = world[i];
            return 0;
        }
    }
    return -ENOENT;
}

void world_read_totals(struct world_totals *totals)
{
    *totals = (struct world_totals){.pages = 512 * 1024,
                                    .pages_free = 256 * 1024,
                                    .components = world_count,
                                    .threads = 57,
                                    .cpus = 4,
                                    .transactions = 12,
                                    .worst_blackout_ns = 8765432,
                                    .uptime_ns = (86400 * 2 + 3661) * SECOND};
    for (unsigned i = 0; is_growing && i <= SPARE; i++) {
        (void)add("late");
    }
}

static void begin(void)
{
    cr_assert_gt(start(), 0);
    now_ns = 10 * SECOND;
    *add("alpha") = (struct world_component){
        .id = 10, .name = "alpha", .cpu_ns = SECOND, .heap_bytes = 300, .pages = 2, .swaps = 1};
    *add("beta") = (struct world_component){.id = 20,
                                            .name = "beta",
                                            .cpu_ns = 4 * SECOND,
                                            .heap_bytes = 12345678901,
                                            .pages = 1,
                                            .calls_in = 5};
    *add("gamma") = (struct world_component){
        .id = 30, .name = "gamma", .cpu_ns = 2 * SECOND, .heap_bytes = 300, .faults = 3};
}

TestSuite(top, .init = begin);

static void look(const char *line)
{
    cr_assert_eq(run_line_with(&offered, line), COMMAND_LIVE, "%s", said);
    for (const char *at = said, *end; (end = strchr(at, '\n')) != NULL; at = end + 1) {
        cr_assert_lt(end - at, 80, "%.*s", (int)(end - at), at);
    }
}

/* The components stand in this order, a blank between them. */
static void expect_order(const char *names)
{
    char found[200] = "";
    const char *at = strstr(said, "component ");
    at = at ? at : strstr(said, ">component");
    cr_assert_not_null(at, "%s", said);
    for (at = strchr(at, '\n') + 1; *at >= 'a' && *at <= 'z'; at = strchr(at, '\n') + 1) {
        char name[16];
        cr_assert_eq(sscanf(at, "%15s", name), 1);
        strcat(strcat(found, found[0] ? " " : ""), name);
    }
    cr_expect_str_eq(found, names, "%s", said);
}

/* A line begins so, but for the number of blanks. */
static void expect_line(const char *wanted)
{
    char line[128];
    for (const char *at = said, *end; (end = strchr(at, '\n')) != NULL; at = end + 1) {
        size_t length = 0;
        for (const char *from = at; from < end; from++) {
            if (*from != ' ' || (length > 0 && line[length - 1] != ' ')) {
                line[length++] = *from;
            }
        }
        line[length] = '\0';
        if (strncmp(line, wanted, strlen(wanted)) == 0) {
            return;
        }
    }
    cr_expect(false, "no line \"%s\" in\n%s", wanted, said);
}

Test(top, shows_the_whole_and_each_component)
{
    look("top");
    expect_line("up 2 days 01:01:01, 4 CPUs, 1024 of 2048 MiB free, 57 threads");
    expect_line("3 components, 12 transactions, worst blackout 8765.4 us");
    expect_line("component >cpu % time s heap pages K in out swaps faults");
    expect_line("alpha 10.0 1.00 300 8 - - 1 0");
    expect_line("beta 40.0 4.00 12345 M 4 5 0 0 0");
    expect_line("gamma 20.0 2.00 300 0 - - 0 3");
    expect_line("[c cpu] t time h heap p pages i in o out s swaps f faults n name q end");
    expect_order("beta gamma alpha");
}

Test(top, measures_shares_from_one_picture_to_the_next)
{
    look("top");
    now_ns += SECOND;
    world[0].cpu_ns += SECOND / 4;
    world[2].cpu_ns += 3 * SECOND + SECOND / 2;
    look("top");
    expect_line("alpha 25.0 1.25");
    expect_line("beta 0.0 4.00");
    expect_line("gamma 350.0 5.50");
    expect_order("gamma alpha beta");
    now_ns += SECOND / 2;
    world[1].cpu_ns += SECOND;
    look("top"); /* too soon to forget the sample before */
    expect_line("beta 66.6 5.00");
    expect_line("alpha 16.6");
    now_ns += SECOND / 2;
    look("top");
    expect_line("beta 100.0");
    expect_line("alpha 0.0");
}

Test(top, measures_who_is_new_since_it_came)
{
    look("top");
    now_ns += SECOND;
    world[0] = world[1];
    world[1] = world[2];
    world_count = 2;
    world[0].cpu_ns += SECOND / 10;
    struct world_component *late = add("late");
    late->id = 40;
    late->cpu_ns = SECOND / 2;
    look("top");
    expect_line("beta 10.0");
    expect_line("late 50.0");
    expect_order("late beta gamma");
}

Test(top, sorts_by_each_key_and_keeps_the_order_of_those_that_are_equal)
{
    static const char *const orders[][2] = {
        {"top t", "beta gamma alpha"},   {"top h", "beta alpha gamma"},
        {"top p", "alpha beta gamma"},   {"top i", "beta alpha gamma"},
        {"top o", "alpha beta gamma"},   {"top s", "alpha beta gamma"},
        {"top f", "gamma alpha beta"},   {"top n", "alpha beta gamma"},
        {"top n f", "gamma alpha beta"},
    };
    for (unsigned i = 0; i < ARRAY_SIZE(orders); i++) {
        look(orders[i][0]);
        expect_order(orders[i][1]);
    }
    look("top s");
    expect_line("component cpu % time s heap pages K in out >swaps faults");
    cr_expect(strstr(said, "[s swaps]") && !strstr(said, "[c cpu]"));
    look("top n");
    expect_line(">component");
}

Test(top, has_calls_counted_while_its_key_is_in_capitals)
{
    look("top i");
    cr_expect_eq(count_requests, 0u);
    expect_line("keys in capitals count calls, too, which makes each of them slower");
    expect_line("alpha 10.0 1.00 300 8 - - 1 0");
    count_result = -EINPROGRESS;
    look("top I");
    cr_expect_eq(count_requests, 1u);
    expect_line("calls will be counted in a moment");
    expect_line("alpha 10.0 1.00 300 8 - - 1 0");
    count_result = 0;
    look("top c I");
    look("top F");
    cr_expect_eq(count_requests, 3u);
    expect_order("gamma alpha beta");
    expect_line("calls are counted, which makes each of them slower: a small letter ends it");
    expect_line("alpha 10.0 1.00 300 8 0 0 1 0");
    expect_line("C cpu T time H heap P pages I in O out S swaps [F faults] N name q end");
    has_trace = false;
    look("top F");
    expect_line("calls cannot be counted: there is no command `trace`");
    look("top f");
    cr_expect_eq(count_requests, 3u);
    cr_expect_null(strstr(said, "of no interest"));
}

Test(top, refuses_other_keys)
{
    cr_expect_eq(run_line_with(&offered, "top x"), -EINVAL);
    cr_expect_eq(run_line_with(&offered, "top cpu"), -EINVAL);
    cr_expect_eq(run_line_with(&offered, "top X"), -EINVAL);
    cr_expect_eq(run_line_with(&offered, "top c x"), -EINVAL);
    cr_expect_eq(run_line_with(&offered, "top c t h"), -EINVAL);
    cr_expect_eq(live_objects, 0u);
}

Test(top, keeps_two_samples_and_no_more)
{
    for (unsigned i = 0; i < 20; i++) {
        look("top");
        cr_assert_leq(live_objects, 2u);
        now_ns += i % 2 ? SECOND : SECOND / 10;
    }
    for (unsigned i = 0; i < 2; i++) {
        allocations_left = i;
        cr_expect_eq(run_line_with(&offered, "top"), -ENOMEM);
        cr_expect_eq(live_objects, 2u);
    }
}

Test(top, takes_a_world_that_grows_while_it_is_read)
{
    is_growing = true;
    look("top n"); /* there is no room for the last one */
    expect_order("alpha beta gamma late late late late");
    is_growing = false;
    world_count = ARRAY_SIZE(world);
    look("top");
}

Test(top, shows_times_of_days_in_their_column)
{
    now_ns = 99999999 * SECOND;
    world[0].cpu_ns = 99999 * SECOND + 999999999;
    world[1].cpu_ns = 100000 * SECOND + 500000000;
    world[2].cpu_ns = 99999999 * SECOND;
    look("top n");
    expect_line("alpha 0.1 99999.99");
    expect_line("beta 0.1 100000 12345 M");
    expect_line("gamma 100.0 99999999 300");
}

Test(top, takes_a_sample_that_is_old_enough_and_no_younger_one)
{
    look("top");
    now_ns += KEEP_NS - 1;
    world[0].cpu_ns += SECOND;
    look("top"); /* since the start */
    expect_line("alpha 18.3 2.00");
    now_ns += 1;
    look("top");
    expect_line("alpha 111.1 2.00");
}

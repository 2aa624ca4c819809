/* SPDX-License-Identifier: MIT */
/* The counter and its command. */
#define counter_increment counter_test_increment
#define counter_read counter_test_read
#define offer_add_owned counter_test_offer_add_owned
#define component_self counter_test_component
#include "counter.c"

#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>

struct component {
    int unused;
} component_self;

static struct command_ops offered;

int offer_add_owned(const char *kind, const char *name, const void *table, size_t size,
                    struct component *owner)
{
    cr_assert_str_eq(kind, COMMAND_KIND);
    cr_assert_str_eq(name, "counter");
    cr_assert_leq(size, OFFER_BYTES);
    cr_assert_eq(owner, this_component);
    memcpy(&offered, table, size);
    return 1;
}

static void *increment(void *unused)
{
    for (unsigned i = 0; i < 10000; i++) {
        uint64_t total;
        cr_assert_eq(counter_increment(&total), 0);
    }
    return unused;
}

Test(counter, loses_no_count_of_four_cpus)
{
    pthread_t cpus[CPU_MAX];
    uint64_t total;
    for (unsigned cpu = 0; cpu < CPU_MAX; cpu++) {
        cr_assert_eq(pthread_create(&cpus[cpu], NULL, increment, NULL), 0);
    }
    for (unsigned cpu = 0; cpu < CPU_MAX; cpu++) {
        pthread_join(cpus[cpu], NULL);
    }
    cr_assert_eq(counter_read(&total), 0);
    cr_assert_eq(total, CPU_MAX * 10000);
    cr_assert_eq(counter_increment(&total), 0);
    cr_assert_eq(total, CPU_MAX * 10000 + 1);
}

static char written[256];

static void write_down(struct command_output *output, const char *text, size_t size)
{
    (void)output;
    strncat(written, text, size);
}

Test(counter, shows_its_count_by_command)
{
    struct command_output output = {write_down};
    char *words[] = {"counter", "more"};
    state.count = 42;
    cr_assert_gt(start(), 0);
    cr_assert_eq(offered.run(1, words, &output), 0);
    cr_assert(strstr(written, "42 calls counted"), "%s", written);
    cr_assert_eq(offered.run(2, words, &output), -EINVAL);
}

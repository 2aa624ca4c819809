/* SPDX-License-Identifier: MIT */
/* What tracing keeps: rings and histograms. That it records what happens is seen in QEMU. */
#include "record.c"

#include <criterion/criterion.h>
#include <errno.h>

#define COUNT 8u

static struct record records[COUNT];

static struct ring_of_records filled(unsigned count)
{
    struct ring_of_records ring = {.records = records, .count = COUNT};
    for (unsigned i = 0; i < count; i++) {
        record_put(&ring, &(struct record){.began_ns = i});
    }
    return ring;
}

Test(trace, keeps_the_last_records)
{
    struct record record;
    uint64_t oldest = 99;
    struct ring_of_records ring = filled(5);
    cr_assert_eq(record_get(&ring, 0, &record, &oldest), 0);
    cr_expect_eq(oldest, 0);
    cr_assert_eq(record_get(&ring, 4, &record, &oldest), 0);
    cr_expect_eq(record.began_ns, 4);
    cr_expect_eq(record_get(&ring, 5, &record, &oldest), -ENOENT);
    ring = filled(20);
    cr_expect_eq(record_get(&ring, 0, &record, &oldest), -ESTALE);
    cr_expect_eq(oldest, 20 - COUNT + 1, "the one before may be half overwritten");
    cr_assert_eq(record_get(&ring, oldest, &record, &oldest), 0);
    cr_expect_eq(record.began_ns, 20 - COUNT + 1);
}

Test(trace, has_nothing_without_memory)
{
    struct record record = {0};
    struct ring_of_records none = {0};
    uint64_t oldest;
    record_put(&none, &record);
    cr_expect_eq(none.head, 0);
    cr_expect_eq(record_get(&none, 0, &record, &oldest), -ENOENT);
}

Test(trace, forgets_what_is_cleared)
{
    struct record record;
    uint64_t oldest;
    struct ring_of_records ring = filled(3);
    record_clear(&ring);
    cr_expect_eq(record_get(&ring, 2, &record, &oldest), -ESTALE);
    cr_expect_eq(oldest, 3);
    record_put(&ring, &(struct record){.began_ns = 77});
    cr_assert_eq(record_get(&ring, 3, &record, &oldest), 0);
    cr_expect_eq(record.began_ns, 77);
}

/* What is told lies at or above the true value, by a quarter at most. */
Test(trace, tells_each_duration_to_a_quarter)
{
    for (uint64_t ns = 0; ns <= UINT32_MAX; ns = ns * 9 / 8 + 1) {
        struct histogram histogram = {0};
        histogram_add(&histogram, 1, (uint32_t)ns);
        histogram.max_ns = UINT32_MAX; /* or it would be the answer */
        uint32_t told = histogram_percentile(&histogram, 50);
        cr_assert_geq(told, ns);
        cr_assert_leq(told, ns + ns / 4, "%llu: %u", (unsigned long long)ns, told);
    }
}

Test(trace, tells_percentiles)
{
    struct histogram histogram = {0};
    cr_expect_eq(histogram_percentile(&histogram, 50), 0);
    for (unsigned i = 0; i < 98; i++) {
        histogram_add(&histogram, 7, 3);
    }
    histogram_add(&histogram, 7, 1000);
    histogram_add(&histogram, 8, 1000000);
    cr_expect_eq(histogram.calls, 100);
    cr_expect_eq(histogram.component, 8);
    cr_expect_eq(histogram_percentile(&histogram, 50), 3);
    cr_expect_eq(histogram_percentile(&histogram, 98), 3);
    cr_expect_geq(histogram_percentile(&histogram, 99), 1000);
    cr_expect_leq(histogram_percentile(&histogram, 99), 1250);
    cr_expect_eq(histogram_percentile(&histogram, 100), 1000000, "no more than the longest");
    histogram_clear(&histogram);
    cr_expect_eq(histogram.calls, 0);
    cr_expect_eq(histogram_percentile(&histogram, 99), 0);
}

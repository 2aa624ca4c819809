/* SPDX-License-Identifier: MIT */
/* The load, whose workers the test steps by hand. */
#define load_start load_test_start
#define load_stop load_test_stop
#define load_read_report load_test_read_report
#define counter_increment load_test_counter_increment
#define counter_read load_test_counter_read
#define cpu_online_mask load_test_cpu_online_mask
#define event_init_owned load_test_event_init_owned
#define event_signal load_test_event_signal
#define offer_add_owned load_test_offer_add_owned
#define worker_start_owned load_test_worker_start_owned
#define component_self load_test_component
#include "load.c"

#include <criterion/criterion.h>

struct component {
    int unused;
} component_self;

static uint32_t online = 0xf;
static uint64_t count = 100;
static int counter_result;
static unsigned wakes;
static struct worker_config workers[CPU_MAX];
static int worker_count;
static struct command_ops offered;
static int stop_after = -1; /* calls until the load is stopped from elsewhere; < 0: never */

uint32_t cpu_online_mask(void)
{
    return online;
}

int counter_increment(uint64_t *total)
{
    if (stop_after >= 0 && stop_after-- == 0) {
        cr_assert_eq(load_stop(), 0);
    }
    if (counter_result == 0) {
        *total = ++count;
    }
    return counter_result;
}

int counter_read(uint64_t *total)
{
    *total = count;
    return 0;
}

void event_init_owned(struct event *event, struct component *owner)
{
    (void)owner;
    *event = (struct event){0};
}

void event_signal(struct event *event)
{
    cr_assert_eq(event, &state.wake);
    wakes++;
}

int offer_add_owned(const char *kind, const char *name, const void *table, size_t size,
                    struct component *owner)
{
    (void)kind;
    (void)owner;
    cr_assert_str_eq(name, "drive");
    memcpy(&offered, table, size);
    return 1;
}

int worker_start_owned(const struct worker_config *config, struct component *owner)
{
    (void)owner;
    cr_assert_lt(worker_count, CPU_MAX);
    workers[worker_count] = *config;
    return ++worker_count;
}

static int step_worker(int index)
{
    return workers[index].step(workers[index].argument);
}

static struct load_report report_now(void)
{
    struct load_report report;
    cr_assert_eq(load_read_report(&report), 0);
    return report;
}

Test(load, has_a_worker_on_each_cpu_that_is_up)
{
    online = 0x5;
    cr_assert_gt(start(), 0);
    cr_assert_eq(worker_count, 0, "none before it is wanted");
    cr_assert_eq(load_start(), 0);
    cr_assert_eq(worker_count, 2);
    cr_assert_eq(workers[0].cpu_mask, 1);
    cr_assert_eq(workers[1].cpu_mask, 4);
    cr_assert_eq(workers[1].event, &state.wake);
    cr_assert_eq(load_stop(), 0);
    online = 0xf;
    cr_assert_eq(load_start(), 0);
    cr_assert_eq(worker_count, 4);
    cr_assert_eq(wakes, 2);
}

Test(load, counts_each_call_and_its_answer)
{
    cr_assert_eq(load_start(), 0);
    for (int i = 0; i < 4; i++) {
        cr_assert_eq(step_worker(i), 0);
    }
    cr_assert_eq(step_worker(3), 0);
    struct load_report report = report_now();
    cr_assert_eq(report.is_running, 1);
    cr_assert_eq(report.workers, 4);
    cr_assert_eq(report.made, 5 * BATCH);
    cr_assert_eq(report.answered, 5 * BATCH);
    cr_assert_eq(report.counted, 5 * BATCH);
    cr_assert_eq(report.failed, 0);
    cr_assert_eq(report.per_cpu[3], 2 * BATCH);
}

Test(load, stops_after_the_call_it_is_in)
{
    cr_assert_eq(load_start(), 0);
    cr_assert_eq(load_start(), -EBUSY);
    stop_after = 10;
    (void)step_worker(0);
    struct load_report report = report_now();
    cr_assert_eq(report.is_running, 0);
    cr_assert_eq(report.made, 11);
    cr_assert_eq(report.answered, 11);
    cr_assert_eq(step_worker(0), -EAGAIN);
    cr_assert_eq(report_now().made, 11);
}

Test(load, runs_as_long_as_a_worker_is_in_a_call)
{
    cr_assert_eq(load_start(), 0);
    cr_assert_eq(load_stop(), 0);
    state.workers[2].is_active = 1;
    cr_assert_eq(report_now().is_running, 1);
    cr_assert_eq(load_start(), -EBUSY);
    state.workers[2].is_active = 0;
    cr_assert_eq(report_now().is_running, 0);
}

Test(load, starts_from_zero_again)
{
    cr_assert_eq(load_start(), 0);
    (void)step_worker(1);
    (void)load_stop();
    cr_assert_eq(load_start(), 0);
    struct load_report report = report_now();
    cr_assert_eq(report.made, 0);
    cr_assert_eq(report.counted, 0);
}

Test(load, counts_failures_apart_and_slows_down)
{
    counter_result = -ENOSYS;
    cr_assert_eq(load_start(), 0);
    cr_assert_gt(step_worker(0), 0);
    struct load_report report = report_now();
    cr_assert_eq(report.made, 1);
    cr_assert_eq(report.failed, 1);
    cr_assert_eq(report.answered, 0);
}

Test(load, makes_its_workers_anew_when_it_is_started_again)
{
    cr_assert_gt(start(), 0);
    cr_assert_eq(load_start(), 0);
    worker_count = 0; /* the nucleus has revoked them */
    cr_assert_gt(start(), 0);
    cr_assert_eq(report_now().is_running, 0);
    cr_assert_eq(load_start(), 0);
    cr_assert_eq(worker_count, 4);
}

static char written[512];

static void write_down(struct command_output *output, const char *text, size_t size)
{
    (void)output;
    strncat(written, text, size);
}

Test(load, obeys_its_command)
{
    struct command_output output = {write_down};
    char *words[] = {"drive", "start"};
    cr_assert_gt(start(), 0);
    cr_assert_eq(offered.run(2, words, &output), 0);
    cr_assert_eq(offered.run(2, words, &output), -EBUSY);
    words[1] = "show";
    cr_assert_eq(offered.run(2, words, &output), 0);
    cr_assert(strstr(written, "running: 4 workers"), "%s", written);
    words[1] = "stop";
    cr_assert_eq(offered.run(2, words, &output), 0);
    cr_assert_eq(report_now().is_running, 0);
    words[1] = "dance";
    cr_assert_eq(offered.run(2, words, &output), -EINVAL);
}

/* SPDX-License-Identifier: MIT */
/*
 * The checker of traces: a good one passes and is counted, and each way to break a rule is noticed.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/harness/trace_rules.h"

#define NAME(pid, tid)                                                                             \
    "{\"ph\":\"M\",\"pid\":" #pid ",\"tid\":" #tid                                                 \
    ",\"name\":\"process_name\",\"args\":{\"name\":\"p\"}},"                                       \
    "{\"ph\":\"M\",\"pid\":" #pid ",\"tid\":" #tid                                                 \
    ",\"name\":\"thread_name\",\"args\":{\"name\":\"t\"}}"
#define ROW(pid, tid, category, rest)                                                              \
    ",{\"pid\":" #pid ",\"tid\":" #tid ",\"name\":\"n\",\"cat\":\"" category "\"," rest "}"
#define SLICE(pid, ts, dur) ROW(pid, 1, "call", "\"ph\":\"X\",\"ts\":" #ts ",\"dur\":" #dur)
#define START(pid, ts) ROW(pid, 1, "call", "\"ph\":\"s\",\"id\":5,\"ts\":" #ts)
#define END(pid, ts) ROW(pid, 1, "call", "\"ph\":\"f\",\"bp\":\"e\",\"id\":5,\"ts\":" #ts)
#define GOOD NAME(1, 1) "," NAME(2, 1)

static struct trace_rules counts;
static struct why why;

static int check(const char *events)
{
    char json[4096];
    snprintf(json, sizeof(json),
             "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[%s],\"otherData\":{}}", events);
    return trace_rules_check(json, strlen(json), &counts, &why);
}

Test(trace_rules, take_a_good_one_and_count_it)
{
    int result = check(GOOD SLICE(1, 1, 2.5) START(1, 1) SLICE(2, 1, 2.5) END(2, 1) SLICE(2, 2, 1.5)
                           SLICE(2, 3.5, 0) SLICE(1, 3.499, 0.001)
                               ROW(1, 1, "swap", "\"ph\":\"X\",\"ts\":10,\"dur\":10")
                                   ROW(1, 1, "phase", "\"ph\":\"X\",\"ts\":10,\"dur\":10"));
    cr_assert_eq(result, 0, "%s", result < 0 ? why.text : "");
    cr_assert_eq(counts.calls, 5);
    cr_assert_eq(counts.flows, 1);
    cr_assert_eq(counts.swaps, 1);
    cr_assert_eq(counts.phases, 1);
    cr_assert_eq(counts.processes, 2);
    cr_assert_eq(counts.rows, 2);
}

static const struct {
    const char *events, *rule;
} broken[] = {
    {"7", "no name, or no phase"},
    {"{\"ph\":\"X\",\"pid\":1,\"tid\":1,\"ts\":1,\"dur\":1,\"cat\":\"c\"}", "no name"},
    {GOOD ROW(1, 1, "c", "\"ph\":\"XX\",\"ts\":1,\"dur\":1"), "no phase"},
    {GOOD ROW(1, 1, "c", "\"ph\":\"Q\",\"ts\":1,\"dur\":1"), "a phase that is not known"},
    {GOOD ROW(1, "1", "c", "\"ph\":\"X\",\"ts\":1,\"dur\":1"), "a pid or tid"},
    {GOOD ROW(0, 1, "c", "\"ph\":\"X\",\"ts\":1,\"dur\":1"), "a pid or tid"},
    {GOOD ROW(1, 1.5, "c", "\"ph\":\"X\",\"ts\":1,\"dur\":1"), "a pid or tid"},
    {GOOD ROW(1, 1, "", "\"ph\":\"X\",\"ts\":1,\"dur\":1"), "no category"},
    {GOOD ROW(1, 1, "c", "\"ph\":\"X\",\"ts\":1,\"dur\":1,\"args\":[]"), "arguments"},
    {GOOD ROW(1, 1, "c", "\"ph\":\"X\",\"dur\":1"), "no time"},
    {GOOD ROW(1, 1, "c", "\"ph\":\"X\",\"ts\":\"1\",\"dur\":1"), "no time"},
    {GOOD SLICE(1, -0.001, 1), "a negative one"},
    {GOOD SLICE(1, 0.0005, 1), "no time"},
    {GOOD SLICE(1, 1, -0.001), "of a negative one"},
    {GOOD ROW(1, 1, "c", "\"ph\":\"X\",\"ts\":1"), "a slice without a length"},
    {GOOD ROW(3, 1, "c", "\"ph\":\"X\",\"ts\":1,\"dur\":1"), "its process has no name"},
    {GOOD ROW(1, 2, "c", "\"ph\":\"X\",\"ts\":1,\"dur\":1"), "its row has no name"},
    {GOOD "," NAME(1, 2), "a process with two names"},
    {GOOD ",{\"ph\":\"M\",\"pid\":1,\"tid\":1,\"name\":\"thread_name\",\"args\":{\"name\":\"x\"}}",
     "a row with two names"},
    {"{\"ph\":\"M\",\"pid\":1,\"tid\":1,\"name\":\"thread_name\",\"args\":{\"name\":\"\"}}",
     "a name that is none"},
    {"{\"ph\":\"M\",\"pid\":1,\"tid\":1,\"name\":\"process_name\"}", "a name that is none"},
    {"{\"ph\":\"M\",\"pid\":1,\"tid\":1,\"name\":\"x\",\"args\":{}}", "metadata of a kind"},
    {"{\"ph\":\"M\",\"pid\":1,\"tid\":1,\"name\":\"process_sort_index\",\"args\":{}}", "no number"},
    {GOOD SLICE(1, 1, 2) SLICE(1, 2, 1.001), "it ends after the slice that it began in"},
    {GOOD SLICE(1, 1, 2) SLICE(1, 1, 3), "it ends after the slice that it began in"},
    {GOOD SLICE(1, 1, 9) SLICE(1, 2, 2) SLICE(1, 4, 7), "it ends after"},
    {GOOD ROW(1, 1, "phase", "\"ph\":\"X\",\"ts\":1,\"dur\":1"), "outside of it"},
    {GOOD ROW(1, 1, "swap", "\"ph\":\"X\",\"ts\":1,\"dur\":1")
         ROW(1, 1, "phase", "\"ph\":\"X\",\"ts\":2,\"dur\":1"),
     "outside of it"},
    {GOOD SLICE(1, 1, 1) START(1, 1), "an arrow without an end"},
    {GOOD SLICE(1, 1, 1) END(1, 1), "an arrow without a start"},
    {GOOD SLICE(1, 1, 1) START(1, 1) START(1, 2) SLICE(2, 1, 1) END(2, 1), "two starts"},
    {GOOD SLICE(1, 1, 1) START(1, 1) SLICE(2, 1, 1) END(2, 1) END(2, 1), "two ends"},
    {GOOD SLICE(1, 1, 1) START(1, 2) SLICE(2, 1, 1) END(2, 1), "leads backwards"},
    {GOOD SLICE(1, 1, 1) SLICE(2, 1, 1) END(2, 1) START(1, 1), "leads backwards"},
    {GOOD SLICE(1, 1, 1) START(1, 3) SLICE(2, 1, 5) END(2, 3), "bound to no slice"},
    {GOOD SLICE(1, 1, 1) START(1, 1) SLICE(2, 3, 5) END(2, 2), "bound to no slice"},
    {GOOD START(1, 1) SLICE(1, 1, 1) SLICE(2, 1, 5) END(2, 1), "bound to no slice"},
    {GOOD SLICE(1, 1, 1) START(1, 1) SLICE(2, 1, 1)
         ROW(2, 1, "call", "\"ph\":\"f\",\"id\":5,\"ts\":1"),
     "does not end in the slice around it"},
    {GOOD SLICE(1, 1, 1) START(1, 1) SLICE(2, 1, 1)
         ROW(2, 1, "other", "\"ph\":\"f\",\"bp\":\"e\",\"id\":5,\"ts\":1"),
     "an arrow without an end"},
    {GOOD SLICE(1, 1, 1) ROW(1, 1, "call", "\"ph\":\"s\",\"ts\":1"), "an arrow without a number"},
};

Test(trace_rules, are_broken_by_each_of_these)
{
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        cr_assert_eq(check(broken[i].events), -EBADMSG, "%zu: %s", i, broken[i].events);
        cr_assert_not_null(strstr(why.text, broken[i].rule), "%zu: %s", i, why.text);
    }
}

Test(trace_rules, want_the_object_that_holds_events)
{
    static const char *const texts[] = {
        "",
        "[]",
        "{}",
        "{\"displayTimeUnit\":\"ns\",\"otherData\":{}}",
        "{\"displayTimeUnit\":\"us\",\"traceEvents\":[],\"otherData\":{}}",
        "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[],\"otherData\":[]}",
        "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[],\"traceEvents\":[],\"otherData\":{}}",
        "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[],\"otherData\":{}}x",
        "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[],\"otherData\":{\"a\":\"\xff\"}}",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        cr_assert_eq(trace_rules_check(texts[i], strlen(texts[i]), &counts, &why), -EBADMSG, "%s",
                     texts[i]);
    }
    cr_assert_eq(check(""), 0);
}

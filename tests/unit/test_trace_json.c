/* SPDX-License-Identifier: MIT */
/*
 * The file made of what a board has recorded: by the rules of its format, and by what it shows.
 */
#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <unistd.h>

#include "tests/harness/trace_rules.h"
#include "tools/nr/trace_json.c"
#include "tools/nr/trace_picture.c"

/* What the board has told: lines, each with its end. NULL: none. */
static struct {
    const char *gates, *components, *threads, *swaps, *calls[TRACE_CPUS];
} told;

/* --- what is made of it --- */

static char *written;
static size_t written_size;
static struct trace_rules counts;
static json_t *root;

static void write_down(struct trace *trace)
{
    struct why why;
    json_error_t error;
    FILE *file = open_memstream(&written, &written_size);
    cr_assert_eq(trace_write(file, trace), 0);
    fclose(file);
    int result = trace_rules_check(written, written_size, &counts, &why);
    cr_assert_eq(result, 0, "%s in\n%s", result < 0 ? why.text : "", written);
    root = json_loadb(written, written_size, 0, &error);
}

static void take_lines(struct trace *trace, const char *lines)
{
    struct why why;
    char line[256];
    for (; lines && *lines; lines += strcspn(lines, "\n") + 1) {
        snprintf(line, sizeof(line), "%.*s", (int)strcspn(lines, "\n"), lines);
        int result = trace_take(trace, line, &why);
        cr_assert_eq(result, 0, "%s", result < 0 ? why.text : "");
    }
}

static struct trace take_told(void)
{
    struct trace trace = {0};
    const char *const lists[] = {told.gates, told.components, told.threads, told.swaps};
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        take_lines(&trace, lists[i]);
    }
    for (unsigned cpu = 0; cpu < TRACE_CPUS; cpu++) {
        trace_begin_cpu(&trace, cpu);
        take_lines(&trace, told.calls[cpu]);
    }
    return trace;
}

static void make(void)
{
    struct trace trace = take_told();
    write_down(&trace);
    trace_free(&trace);
}

static void end(void)
{
    json_decref(root);
    free(written);
    root = NULL;
    written = NULL;
}

TestSuite(trace_json, .fini = end);

static const char *text_of(const json_t *event, const char *key)
{
    const char *text = json_string_value(json_object_get(event, key));
    return text ? text : "";
}

/* The name that metadata gives to a process, or with a tid to a row. */
static const char *name_of(const json_t *event, bool is_row)
{
    size_t i;
    const json_t *other;
    json_array_foreach(json_object_get(root, "traceEvents"), i, other)
    {
        if (strcmp(text_of(other, "name"), is_row ? "thread_name" : "process_name") == 0 &&
            json_equal(json_object_get(other, "pid"), json_object_get(event, "pid")) &&
            (!is_row || json_equal(json_object_get(other, "tid"), json_object_get(event, "tid")))) {
            return text_of(json_object_get(other, "args"), "name");
        }
    }
    return "";
}

/* The number of slices like this one. Times in ns. */
static unsigned count_slices(const char *process, const char *row, const char *name, double ts,
                             double dur)
{
    unsigned found = 0;
    size_t i;
    const json_t *event;
    json_array_foreach(json_object_get(root, "traceEvents"), i, event)
    {
        found +=
            strcmp(text_of(event, "ph"), "X") == 0 && strcmp(text_of(event, "name"), name) == 0 &&
            strcmp(name_of(event, false), process) == 0 && strcmp(name_of(event, true), row) == 0 &&
            fabs(json_number_value(json_object_get(event, "ts")) * 1000 - ts) < 0.1 &&
            fabs(json_number_value(json_object_get(event, "dur")) * 1000 - dur) < 0.1;
    }
    return found;
}

static void must_show(const char *process, const char *row, const char *name, double ts, double dur)
{
    cr_assert_eq(count_slices(process, row, name, ts, dur), 1, "%s, %s: %s at %.0f for %.0f in\n%s",
                 process, row, name, ts, dur, written);
}

/* --- tests --- */

static void begin_world(void)
{
    told.gates = "gate 1 scheduler_pick 2\n"
                 "gate 2 irqchip_acknowledge 5\n"
                 "gate 3 irqchip_end 5\n"
                 "gate 12 heap_alloc 4\n"
                 "gate 10 console_write 1\n"
                 "gate 11 serial_write 3\n"
                 "gate 13 console_step 1\n";
    told.components = "component 1 console 1.0.0\n"
                      "component 2 sched_fair 1.2.0\n"
                      "component 3 uart_pl011 1.10.3\n"
                      "component 4 heap 2.0.0\n";
    told.threads = "thread 1 0 idle 0\n"
                   "thread 5 0 shell loop\n"
                   "thread 6 1 console worker\n";
}

Test(trace_json, shows_calls_at_both_sides_with_arrows_between_them)
{
    begin_world();
    /* The shell's thread writes: console_write, in it heap_alloc and serial_write, which comes back
     * to the console. On another CPU the console calls itself. */
    told.calls[0] = "5000000110 20 5 1 4 12 0\n"
                    "5000000160 17 5 3 1 13 -11\n"
                    "5000000150 40 5 1 3 11 4\n"
                    "5000000100 1000 5 0 1 10 7\n";
    told.calls[3] = "5000001100 2001 6 1 1 13 0\n";
    make();
    cr_assert_eq(counts.calls, 5);
    cr_assert_eq(counts.callers, 4);
    cr_assert_eq(counts.flows, 4);
    cr_assert_eq(counts.running + counts.interrupts + counts.swaps, 0);
    must_show("nucleus", "shell loop", "→ console", 0, 1000);
    must_show("console 1.0.0", "shell loop", "console_write", 0, 1000);
    must_show("console 1.0.0", "shell loop", "→ heap", 10, 20);
    must_show("heap 2.0.0", "shell loop", "heap_alloc", 10, 20);
    must_show("uart_pl011 1.10.3", "shell loop", "serial_write", 50, 40);
    must_show("uart_pl011 1.10.3", "shell loop", "→ console", 60, 17);
    must_show("console 1.0.0", "shell loop", "console_step", 60, 17);
    must_show("console 1.0.0", "console worker", "console_step", 1000, 2001);
    cr_assert_not_null(strstr(written, "\"ts\":0.060,\"dur\":0.017"), "%s", written);
    cr_assert_not_null(strstr(written, "\"caller\":\"uart_pl011\",\"result\":-11,\"cpu\":0}"));
    cr_assert_not_null(strstr(written, "\"began_ns\":5000000100}"));
}

/* A clock that has not moved on leaves calls of no length, and some that begin or end together. */
Test(trace_json, puts_the_outer_one_of_calls_at_the_same_time_first)
{
    begin_world();
    told.calls[0] = "100 0 5 1 3 11 0\n"
                    "100 0 5 0 1 10 0\n"
                    "116 0 5 1 4 12 0\n"
                    "116 16 5 1 3 11 0\n"
                    "116 16 5 0 1 10 0\n";
    make();
    cr_assert_eq(counts.flows, 5);
    must_show("console 1.0.0", "shell loop", "console_write", 0, 0);
    must_show("console 1.0.0", "shell loop", "→ uart_pl011", 16, 16);
    const char *outer = strstr(written, "\"name\":\"console_write\",\"cat\":\"call\",\"ts\":0.016");
    const char *inner =
        strstr(written, "\"name\":\"→ uart_pl011\",\"cat\":\"caller\",\"ts\":0.016");
    cr_assert(outer && inner && outer < inner, "%s", written);
}

Test(trace_json, shows_which_thread_each_cpu_ran)
{
    begin_world();
    /* shell loop until 200, then idle twice, then console worker; what follows is not known. */
    told.calls[0] = "90 10 1 0 2 1 0\n"
                    "190 10 5 0 2 1 0\n"
                    "290 10 1 0 2 1 0\n"
                    "390 10 1 0 2 1 0\n"
                    "490 20 6 0 2 1 0\n"
                    "600 5 5 0 1 10 0\n";
    told.calls[1] = "100 7 5 0 2 1 0\n";
    make();
    cr_assert_eq(counts.running, 3);
    cr_assert_eq(counts.calls, 1, "those of the scheduler are no calls of components");
    must_show("CPUs", "CPU 0", "shell loop", 0, 100);
    must_show("CPUs", "CPU 0", "idle 0", 100, 200);
    must_show("CPUs", "CPU 0", "console worker", 300, 110);
    cr_assert_not_null(strstr(written, "\"args\":{\"thread\":6,\"owner\":\"console\"}"));
    cr_assert_not_null(strstr(written, "\"args\":{\"thread\":1,\"owner\":\"nucleus\"}"));
}

Test(trace_json, does_not_guess_what_a_cpu_did_while_calls_were_lost)
{
    begin_world();
    told.calls[0] = "lost 1000\n"
                    "100 0 5 0 2 1 0\n"
                    "200 0 5 0 2 1 0\n"
                    "300 10 5 0 5 2 40\n"
                    "lost 7\n"
                    "400 0 5 0 2 1 0\n"
                    "500 10 5 0 5 3 0\n"
                    "lost 0\n"
                    "600 0 5 0 2 1 0\n";
    make();
    cr_assert_eq(counts.running, 2);
    cr_assert_eq(counts.interrupts, 0);
    must_show("CPUs", "CPU 0", "shell loop", 0, 100);
    must_show("CPUs", "CPU 0", "shell loop", 300, 200);
    cr_assert_not_null(strstr(written, "\"lost\":1007,\"lost_swaps\":0,"));
}

Test(trace_json, shows_interrupts_from_their_acknowledgement_to_their_end)
{
    begin_world();
    told.calls[2] = "100 10 1 0 5 2 96\n"
                    "120 5 1 0 3 11 0\n"
                    "150 10 1 0 5 3 0\n"
                    "200 10 1 0 5 2 1\n"
                    "215 10 1 0 5 3 0\n"
                    "300 10 1 0 5 2 -11\n"
                    "350 10 1 0 5 3 0\n"
                    "400 10 1 0 5 3 0\n"
                    "500 10 1 0 5 2 97\n";
    make();
    cr_assert_eq(counts.interrupts, 2);
    cr_assert_eq(counts.calls, 1);
    must_show("CPUs", "CPU 2 interrupts", "interrupt 96", 0, 40);
    must_show("CPUs", "CPU 2 interrupts", "IPI 1", 100, 5);
}

Test(trace_json, shows_the_phases_of_each_swap)
{
    begin_world();
    /* On probation until 100 us, settled at once, still on probation, refused in the drain. */
    told.swaps =
        "swap 3 replace 0 settled 10000 3000 2000 300 8000 900 110000 led_blink led_blink2\n"
        "swap 4 load 0 settled 200000 3000 0 0 5000 1000 205000 - shell\n"
        "swap 5 replace 0 probation 300000 10 20 5 50 0 0 console console\n"
        "swap 6 unload -16 settled 400000 100 5000000 0 5000200 0 5400200 heap -\n";
    make();
    cr_assert_eq(counts.swaps, 4);
    must_show("swaps", "ticket 3", "swap led_blink -> led_blink2", 0, 100000);
    must_show("swaps", "ticket 3", "stage", 0, 3000);
    must_show("swaps", "ticket 3", "drain", 3000, 2000);
    must_show("swaps", "ticket 3", "blackout", 4700, 300);
    must_show("swaps", "ticket 3", "start", 5000, 3000);
    must_show("swaps", "ticket 3", "probation", 8000, 91100);
    must_show("swaps", "ticket 3", "retire", 99100, 900);
    must_show("swaps", "ticket 4", "load shell", 190000, 5000);
    must_show("swaps", "ticket 4", "start", 193000, 1000);
    must_show("swaps", "ticket 4", "retire", 194000, 1000);
    must_show("swaps", "ticket 5", "swap console -> console", 290000, 50);
    must_show("swaps", "ticket 5", "start", 290030, 20);
    must_show("swaps", "ticket 6", "unload heap", 390000, 5000200);
    cr_assert_eq(counts.phases, 6 + 3 + 4 + 3);
    cr_assert_not_null(strstr(written, "{\"ticket\":6,\"result\":-16,\"kind\":\"unload\","
                                       "\"phase\":\"settled\"}"));
}

Test(trace_json, keeps_phases_that_cannot_be_within_their_swap)
{
    /* A blackout longer than the drain, parts longer than the whole, an end before the beginning,
     * memory given back for longer than there was time; one ticket twice. */
    told.swaps = "swap 1 replace 0 settled 1000 30 20 21 40 900 990 a b\n"
                 "swap 2 replace 0 taken-back 1000 30 20 0 100 900 1101 a b\n"
                 "swap 2 replace 0 settled 1050 30 20 0 1000 0 0 a b\n"
                 "swap 0 revert 0 settled 0 0 0 0 0 0 0 - -\n";
    make();
    cr_assert_eq(counts.swaps, 4);
    must_show("swaps", "ticket 1", "swap a -> b", 1000, 50);
    must_show("swaps", "ticket 2", "probation", 1100, 1);
    must_show("swaps", "ticket 0", "revert ", 0, 0);
}

Test(trace_json, names_what_has_left_by_its_number)
{
    told.calls[0] = "100 10 77 12 13 99 0\n";
    make();
    must_show("component 13", "thread 77", "gate 99", 0, 10);
    must_show("component 12", "thread 77", "→ component 13", 0, 10);
}

Test(trace_json, escapes_names_that_mean_something_in_json)
{
    told.gates = "gate 1 a\"b\\c,{}[] 1\n";
    told.components = "component 1 \xff\x01</script>\xe2\x86 1.0.0\n";
    told.threads = "thread 9 1 \"},{\"ph\":\"E\"\t\x1b[2J\n"
                   "thread 10 1 \n";
    told.calls[0] = "100 10 9 0 1 1 0\n"
                    "200 10 10 0 1 1 0\n";
    make();
    cr_assert_eq(counts.calls, 2);
    cr_assert_eq(counts.rows, 4);
    /* Each byte as the sign of its number: U+00FF, U+0001, U+00E2, U+0086 */
    must_show("\u00ff\x01</script>\u00e2\xc2\x86 1.0.0", "\"},{\"ph\":\"E\"\t\x1b[2J",
              "a\"b\\c,{}[]", 0, 10);
    must_show("\u00ff\x01</script>\u00e2\xc2\x86 1.0.0", "thread 10", "a\"b\\c,{}[]", 100, 10);
    for (size_t i = 0; i < written_size; i++) {
        unsigned char sign = (unsigned char)written[i];
        cr_assert(sign == '\n' || sign >= 0x20, "a sign that JSON does not allow at %zu", i);
    }
}

Test(trace_json, cuts_what_does_not_end_within_the_call_around_it)
{
    begin_world();
    told.calls[0] = "100 50 5 0 1 10 0\n"
                    "120 100 5 0 1 13 0\n"
                    "120 90 5 0 1 13 0\n";
    struct trace trace = take_told();
    write_down(&trace);
    cr_assert_eq(trace.cut, 4, "two calls, at both sides");
    trace_free(&trace);
    cr_assert_eq(count_slices("console 1.0.0", "shell loop", "console_step", 20, 30), 2);
}

/* Whatever a board tells, as long as it can be read. */
Test(trace_json, keeps_to_the_rules_whatever_the_times_are)
{
    for (unsigned seed = 1; seed <= 30; seed++) {
        struct trace trace = {0};
        struct why why;
        char line[128];
        srandom(seed);
        trace_take(&trace, "gate 1 scheduler_pick 1", &why);
        trace_take(&trace, "gate 2 irqchip_acknowledge 1", &why);
        trace_take(&trace, "gate 3 irqchip_end 1", &why);
        for (unsigned i = 0; i < 400; i++) {
            if (i % 100 == 0) {
                trace_begin_cpu(&trace, i / 100);
            }
            snprintf(line, sizeof(line), "%ld %ld %ld %ld %ld %ld %ld", random() % 60,
                     random() % (seed + 1), random() % 4, random() % 4, random() % 4, random() % 9,
                     random() % 20 - 1);
            cr_assert_eq(trace_take(&trace, line, &why), 0);
            snprintf(line, sizeof(line),
                     "swap %ld replace 0 settled %ld %ld %ld %ld %ld %ld %ld a b", random() % 50,
                     random() % 60, random() % 9, random() % 9, random() % 9, random() % 40,
                     random() % 9, random() % 99);
            cr_assert(i % 10 || trace_take(&trace, line, &why) == 0);
        }
        write_down(&trace);
        cr_assert_gt(counts.flows, 0);
        trace_free(&trace);
        end();
    }
}

Test(trace_json, of_nothing_is_valid_too)
{
    make();
    cr_assert_eq(counts.rows, 0);
    cr_assert_not_null(strstr(written, "\"began_ns\":0}"));
}

Test(trace_json, is_saved_or_says_why_not)
{
    char name[] = "/tmp/test-trace-XXXXXX";
    struct why why;
    begin_world();
    told.calls[0] = "100 10 5 0 1 10 0\n";
    struct trace trace = take_told();
    close(mkstemp(name));
    cr_assert_eq(trace_save(&trace, name, &why), 0);
    char *saved = client_read_file(name, &written_size, &why);
    cr_assert_eq(trace_rules_check(saved, written_size, &counts, &why), 0);
    cr_assert_eq(counts.calls, 1);
    free(saved);
    remove(name);
    cr_assert_eq(trace_save(&trace, "/tmp", &why), -EISDIR);
    cr_assert_eq(trace_save(&trace, "/dev/full", &why), -ENOSPC);
    cr_assert_str_eq(why.text, "/dev/full: No space left on device");
    trace_free(&trace);
}

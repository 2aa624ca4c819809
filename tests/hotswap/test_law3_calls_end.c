/* SPDX-License-Identifier: MIT */
/*
 * Law 3: a call into a component ends. Where one does not, the drain is over with its deadline,
 * refused in words that say which thread is where, every time; and the system goes on.
 */
#include <errno.h>
#include <string.h>

#include "tests/hotswap/suite.h"

TestSuite(law3_calls_end, .init = suite_attach, .fini = suite_detach, .timeout = 240);

/* Whoever was inside leaves by itself: then the same push succeeds. */
static void push_when_it_has_left(void)
{
    int result;
    unsigned attempts = 0;
    do {
        result = machine_push(&machine, PACKAGE("clumsy-1.0.0"), "", NULL, &why);
    } while (result == -EREMOTEIO && strstr(why.text, "still inside") && ++attempts < 20);
    must(result);
}

Test(law3_calls_end, names_who_does_not_leave_in_time)
{
    uint64_t first = suite_hash();
    must(machine_push(&machine, PACKAGE("clumsy-1.0.0"), "", NULL, &why));
    uint64_t before = suite_hash();
    /* The line is in order: what is typed comes before the push, which is many frames long. */
    machine_type(&machine, "\x15\nclumsy stay 200000\n"); /* until it is told to leave */
    must_refuse(machine_push(&machine, PACKAGE("clumsy-1.0.0"), "", NULL, &why),
                "somebody is still inside: ");
    cr_assert_not_null(strstr(why.text, "clumsy: stay"), "says: %s", why.text);
    cr_assert_not_null(strstr(why.text, "inside: shell lines: "), "who? %s", why.text);
    cr_assert_eq(suite_hash(), before, "the world has changed");
    suite_run("clumsy leave");
    push_when_it_has_left();
    must(machine_unload(&machine, "clumsy", NULL, &why));
    cr_assert_eq(suite_hash(), first, "the world has changed");
}

#define DEADLINE_MS 200
#define TIMES 5

/* The line of the shell stays inside clumsy; meanwhile each attempt to replace it ends in time. */
static void is_refused_every_time(const char *command, const char *where)
{
    struct client_report report;
    must(machine_push(&machine, PACKAGE("clumsy-1.0.0"), "", NULL, &why));
    struct machine_world before = suite_world();
    machine_type(&machine, command);
    machine.client.options.deadline_ms = DEADLINE_MS;
    for (unsigned i = 0; i < TIMES; i++) {
        must_refuse(machine_push(&machine, PACKAGE("clumsy-1.0.0"), "", &report, &why),
                    "somebody is still inside: shell lines: ");
        cr_assert_not_null(strstr(why.text, where), "says: %s", why.text);
        cr_assert_not_null(strstr(why.text, "clumsy: run+"), "no backtrace: %s", why.text);
        cr_assert_geq(report.drain_ns, DEADLINE_MS * 1000000ull);
        /* One attempt more than the deadline, on a busy host. */
        cr_assert_lt(report.drain_ns, 10 * DEADLINE_MS * 1000000ull, "%llu ms",
                     (unsigned long long)report.drain_ns / 1000000);
        cr_assert_eq(suite_hash(), before.hash, "the world has changed");
        cr_assert_not_null(strstr(suite_run("echo it goes on"), "it goes on"));
    }
    machine.client.options.deadline_ms = 0;
    suite_run("clumsy leave");
    push_when_it_has_left();
    must(machine_unload(&machine, "clumsy", NULL, &why));
}

Test(law3_calls_end, refuses_every_time_while_somebody_is_busy_inside)
{
    is_refused_every_time("\x15\nclumsy stay 200000\n", "clumsy: stay");
}

Test(law3_calls_end, refuses_every_time_while_somebody_sleeps_inside)
{
    is_refused_every_time("\x15\nclumsy doze 200000\n", "clumsy: doze");
}

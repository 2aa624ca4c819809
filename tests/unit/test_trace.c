/* SPDX-License-Identifier: MIT */
/*
 * What a board of pretence has recorded, asked for page by page, line by line; and how it is had to
 * record.
 */
#include <criterion/criterion.h>

#define now_ms client_now_ms /* as test_nr.c, which has the client */
#include "tools/nr/trace.c"
#include "tools/nr/trace_fetch.c"

/* --- a board of pretence --- */

#define PAGE_LINES 3

static struct {
    const char *gates, *components, *threads, *swaps, *calls[TRACE_CPUS]; /* lines; NULL: none */
    unsigned lost[TRACE_CPUS];       /* before the first page of calls */
    unsigned lost_later[TRACE_CPUS]; /* before the second one */
    const char *page;                /* instead of any page */
    const char *refused;             /* a command */
    const char *unanswered;          /* one that may have been carried out all the same */
    char commands[1024];             /* that were run, but lists */
    unsigned waited_ms, pages;
} board;

/* Lines from one on, and what is to be asked for next. */
static void put_page(char *text, size_t size, const char *lines, unsigned long from)
{
    size_t used = strlen(text);
    unsigned long number = 0;
    for (const char *at = lines ? lines : ""; *at; number++) {
        size_t length = strcspn(at, "\n");
        if (number >= from + PAGE_LINES) {
            snprintf(text + used, size - used, "next %lu\n", number);
            return;
        }
        if (number >= from) {
            used += (size_t)snprintf(text + used, size - used, "%.*s\n", (int)length, at);
        }
        at += length + (at[length] == '\n');
    }
    snprintf(text + used, size - used, "end\n");
}

static void put_list(char *text, size_t size, const char *line)
{
    char list[16];
    unsigned cpu = 0;
    unsigned long from;
    const char *lines = NULL;
    text[0] = 0;
    if (sscanf(line, "trace list calls %u %lu", &cpu, &from) == 2) {
        unsigned lost = from == 0 ? board.lost[cpu] : 0;
        lost = from == PAGE_LINES ? board.lost_later[cpu] : lost;
        snprintf(text, size, "lost %u\n", lost);
        lines = board.calls[cpu];
    } else {
        cr_assert_eq(sscanf(line, "trace list %15s %lu", list, &from), 2, "%s", line);
        lines = strcmp(list, "gates") == 0        ? board.gates
                : strcmp(list, "components") == 0 ? board.components
                : strcmp(list, "threads") == 0    ? board.threads
                                                  : board.swaps;
    }
    put_page(text, size, lines, from);
}

static int pretend_to_run(void *context, const char *line, char **text, struct why *why)
{
    (void)context;
    *text = calloc(1, 4096);
    if (board.refused && strcmp(line, board.refused) == 0) {
        return why_set(why, -EREMOTEIO, "not here");
    }
    if (board.unanswered && strcmp(line, board.unanswered) == 0) {
        return why_set(why, -ETIMEDOUT, "no answer");
    }
    if (strncmp(line, "trace list ", 11) != 0) {
        strcat(strcat(board.commands, line), ";");
    } else if (board.page) {
        strcpy(*text, board.page);
    } else {
        put_list(*text, 4096, line);
    }
    board.pages += strncmp(line, "trace list ", 11) == 0;
    return 0;
}

static int pretend_to_wait(void *context, unsigned ms, struct why *why)
{
    (void)context;
    (void)why;
    board.waited_ms += ms;
    return 0;
}

static const struct trace_board asked = {.run = pretend_to_run, .wait = pretend_to_wait};

/* --- tests --- */

Test(trace, is_fetched_page_by_page)
{
    struct trace trace = {0};
    struct why why;
    board.gates = "gate 7 heap_alloc 4\n"
                  "gate 3 scheduler_pick 0\n";
    board.components = "component 1 console 1.10.3\n"
                       "component 2 heap 2.0.0\n"
                       "component 3 shell 1.0.0\n"
                       "component 4 uart_pl011 1.0.0\n";
    board.threads = "thread 12 4 of three words\n"
                    "thread 5 0\n";
    board.swaps = "lost-swaps 5\n"
                  "swap 3 replace -16 taken-back 1 2 3 4 5 6 7 console -\n";
    board.calls[0] = "100 1 5 1 2 7 -1\n"
                     "200 2 5 1 2 7 -2\n"
                     "300 3 5 1 2 7 -3\n"
                     "400 4 5 1 2 7 -4\n"
                     "500 5 5 1 2 7 -5\n";
    board.calls[3] = "600 6 5 1 2 7 6\n";
    board.lost[3] = 1000;
    board.lost_later[0] = 7;
    int result = trace_fetch(&trace, &asked, &why);
    cr_assert_eq(result, 0, "%s", result < 0 ? why.text : "");
    cr_assert_eq(board.pages, 1 + 2 + 1 + 1 + 2 + 1 + 1 + 1);
    cr_assert_eq(trace.lost, 1007);
    cr_assert_eq(trace.swaps_lost, 5);
    cr_assert_eq(trace.call_count, 6);
    for (unsigned i = 0; i < trace.call_count; i++) {
        const struct trace_call *call = &trace.calls[i];
        cr_assert_eq(call->began_ns, 100 * (i + 1));
        cr_assert_eq(call->duration_ns, i + 1);
        cr_assert_eq(call->result, i < 5 ? -(int)i - 1 : 6);
        cr_assert_eq(call->cpu, i < 5 ? 0 : 3);
        cr_assert_eq(call->is_after_loss, i == 3 || i == 5, "%u", i);
        cr_assert(call->thread == 5 && call->caller == 1 && call->callee == 2 && call->gate == 7);
    }
    trace_sort(&trace);
    cr_assert_str_eq(trace_find_gate(&trace, 3)->name, "scheduler_pick");
    cr_assert_eq(trace_find_gate(&trace, 7)->provider, 4);
    cr_assert_null(trace_find_gate(&trace, 4));
    cr_assert_eq(trace_find_component(&trace, 1)->version, 1 << 24 | 10 << 12 | 3);
    cr_assert_str_eq(trace_find_thread(&trace, 12)->name, "of three words");
    cr_assert_str_eq(trace_find_thread(&trace, 5)->name, "");
    const struct trace_swap *swap = trace.swaps;
    cr_assert(trace.swap_count == 1 && swap->ticket == 3 && swap->result == -16);
    cr_assert(swap->began_ns == 1 && swap->stage_ns == 2 && swap->drain_ns == 3);
    cr_assert(swap->blackout_ns == 4 && swap->total_ns == 5 && swap->retire_ns == 6);
    cr_assert_eq(swap->ended_ns, 7);
    cr_assert_str_eq(swap->kind, "replace");
    cr_assert_str_eq(swap->phase, "taken-back");
    cr_assert_str_eq(swap->old, "console");
    trace_free(&trace);
}

Test(trace, refuses_lines_that_say_nothing_sensible)
{
    static const char *const lines[] = {
        "",
        " ",
        "gates 1 a 1",
        "gate",
        "gate ",
        "gate 1",
        "gate 1 a",
        "gate 1 a b",
        "gate -1 a 0",
        "gate 1 a 0 0",
        "gate 2147483648 a 0",
        "gate 99999999999999999999999999999999 a 0",
        "component 1 a",
        "component 1 a 1.2.3.4",
        "component 1 a 256.0.0",
        "component 1 a x",
        "component x a 1.0.0",
        "thread 1",
        "thread 1 x name",
        "lost",
        "lost x",
        "lost 1 2",
        "lost-swaps",
        "lost-swaps x",
        "lost-swaps 1 2",
        "swap 1 replace 0 settled 1 2 3 4 5 6 7 a",
        "swap 1 replace 0 settled 1 2 3 4 5 6 7 a b c",
        "swap 1 replaced 0 settled 1 2 3 4 5 6 7 a b",
        "swap 1 replace 0 settling 1 2 3 4 5 6 7 a b",
        "swap 1 replace - settled 1 2 3 4 5 6 7 a b",
        "swap 1 replace 0 settled 1 2 -3 4 5 6 7 a b",
        "swap 1 replace 0 settled 1152921504606846977 2 3 4 5 6 7 a b",
        "1",
        "1 2 3 4 5 6",
        "1 2 3 4 5 6 7 8",
        "1 2 3 4 5 6 x",
        "1 2 3 4 5 6 2147483648",
        "1 2 3 4 5 6 -2147483649",
        "1 2 3 4 5 6 --7",
        "1 2 3 4 -5 6 7",
        "1x 2 3 4 5 6 7",
        "1152921504606846977 2 3 4 5 6 7",
        "-1 2 3 4 5 6 7",
    };
    struct trace trace = {0};
    struct why why;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        cr_assert_eq(trace_take(&trace, lines[i], &why), -EBADMSG, "\"%s\"", lines[i]);
        cr_assert_not_null(strstr(why.text, "cannot be understood"), "%s", why.text);
    }
    cr_assert_eq(trace.gate_count + trace.component_count + trace.thread_count + trace.swap_count +
                     trace.call_count,
                 0);
    cr_assert_eq(trace_take(&trace, "bad \x1b[2J\xff", &why), -EBADMSG);
    cr_assert_str_eq(why.text, "\"bad ?[2J?\" cannot be understood");
    cr_assert_eq(trace_take(&trace, "1 2 3 4 5 6 -2147483648", &why), 0);
    cr_assert_eq(trace_take(&trace, "1152921504606846976 2 3 4 5 2147483647 2147483647", &why), 0);
    trace_free(&trace);
}

static void must_fail(const char *page, const char *words)
{
    struct trace trace = {0};
    struct why why;
    board.page = page;
    cr_assert_eq(trace_fetch(&trace, &asked, &why), -EBADMSG, "\"%s\"", page);
    cr_assert_not_null(strstr(why.text, words), "%s", why.text);
    trace_free(&trace);
}

Test(trace, refuses_pages_that_do_not_lead_to_an_end)
{
    must_fail("", "trace list calls 0 0: it has no end");
    must_fail("lost 0\n1 2 3 4 5 6 7\n", "trace list calls 0 0: it has no end");
    must_fail("lost 0\nnext 0\n", "the page behind 0 begins at 0");
    must_fail("next 5\n", "trace list calls 0 5: the page behind 5 begins at 5");
    must_fail("end\n1 2 3 4 5 6 7\n", "there is more behind its end");
    must_fail("next 3\nend\n", "there is more behind its end");
    must_fail("next\n", "\"next\" cannot be understood");
    must_fail("next 3x\n", "\"next 3x\" cannot be understood");
    must_fail("next 99999999999999999999\n", "cannot be understood");
    must_fail("lost 0\nnonsense\nend\n", "trace list calls 0 0: \"nonsense\" cannot be understood");
}

Test(trace, says_what_the_board_refuses)
{
    struct trace trace = {0};
    struct why why;
    board.refused = "trace list threads 0";
    cr_assert_eq(trace_fetch(&trace, &asked, &why), -EREMOTEIO);
    cr_assert_str_eq(why.text, "not here");
    trace_free(&trace);
}

Test(trace, takes_lines_that_end_as_a_terminal_wants_them)
{
    struct trace trace = {0};
    struct why why;
    board.page = "lost 0\r\n1 2 3 4 5 6 7\r\nend\r\n";
    cr_assert_eq(trace_fetch(&trace, &asked, &why), 0);
    cr_assert_eq(trace.call_count, 4 + 4, "each list is this page");
    trace_free(&trace);
}

Test(trace, has_the_board_record_for_a_while)
{
    char *names[] = {"console", "heap", NULL};
    struct why why;
    cr_assert_eq(trace_record(&asked, names, 250, &why), 0);
    cr_assert_str_eq(board.commands, "trace on console;trace on heap;trace off;");
    cr_assert_eq(board.waited_ms, 250);
}

Test(trace, leaves_nothing_recording_when_a_name_is_refused)
{
    char *names[] = {"console", "nobody", "heap", NULL};
    struct why why;
    board.refused = "trace on nobody";
    cr_assert_eq(trace_record(&asked, names, 250, &why), -EREMOTEIO);
    cr_assert_str_eq(why.text, "not here");
    cr_assert_str_eq(board.commands, "trace on console;trace off;");
    cr_assert_eq(board.waited_ms, 0);
}

Test(trace, ends_no_recording_of_somebody_elses)
{
    static char long_name[200];
    char *names[] = {"nobody", "heap", NULL};
    struct why why;
    board.refused = "trace on nobody";
    cr_assert_eq(trace_record(&asked, names, 250, &why), -EREMOTEIO);
    cr_assert_str_eq(board.commands, "");
    memset(long_name, 'a', sizeof(long_name) - 1);
    names[0] = long_name;
    cr_assert_eq(trace_record(&asked, names, 250, &why), -EREMOTEIO);
    cr_assert_str_eq(board.commands, "");
    board.unanswered = "trace on console";
    names[0] = "console";
    cr_assert_eq(trace_record(&asked, names, 250, &why), -ETIMEDOUT);
    cr_assert_str_eq(board.commands, "trace off;", "it may have begun");
}

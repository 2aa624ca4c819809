/* SPDX-License-Identifier: MIT */
/*
 * A session and its pictures of now, between a terminal and a command that the test plays. The test
 * calls the steps of the session's workers.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#define component_self live_test_self
#define heap_allocate live_test_heap_allocate
#define offer_event live_test_offer_event
#define offer_find live_test_offer_find
#define shell_print_report live_test_shell_print_report
#define shell_run_line live_test_shell_run_line
#define swap_event live_test_swap_event
#define swap_read_report live_test_swap_read_report
#define time_now_ns live_test_time_now_ns
#define worker_start_owned live_test_worker_start
#define worker_stop_owned live_test_worker_stop

#include "live.c"
#include "session.c"

#define SECOND 1000000000ull
#define HOME_AT "\033[H"
#define K "\033[K\n"
#define J "\033[J\n"

struct component {
    int unused;
};
struct component component_self;

static struct event signals;
static struct shell shell;
static struct terminal_ops terminal; /* what is offered */
static uint32_t terminal_id;
static uint64_t now_ns;
static unsigned workers;

/* The terminal. */
static char shown[40000], typed_lines[256], typed_keys[64];
static size_t room = SIZE_MAX;
static bool are_keys_taken;
static unsigned prompts;

/* The command. */
static char ran[512]; /* the lines, a bar behind each */
static const char *picture = "one\ntwo\n";
static int live_result = COMMAND_LIVE;

int heap_allocate(struct component *owner, uint32_t type_hash, size_t element_bytes, size_t count,
                  void **object)
{
    (void)owner;
    (void)type_hash;
    *object = calloc(count, element_bytes);
    return 0;
}

struct event *offer_event(void)
{
    return &signals;
}

struct event *swap_event(void)
{
    return &signals;
}

int offer_find(const char *kind, const char *name, uint32_t after, struct offer *offer)
{
    cr_assert_str_eq(kind, TERMINAL_KIND);
    cr_assert_null(name);
    if (terminal_id <= after) {
        return -ENOENT;
    }
    *offer = (struct offer){.id = terminal_id, .name = "test"};
    memcpy(offer->table, &terminal, sizeof(terminal));
    return 0;
}

void shell_print_report(struct command_output *output, const struct swap_report *report)
{
    (void)report;
    command_print(output, "a report\n");
}

int swap_read_report(uint32_t ticket, struct swap_report *report)
{
    (void)report;
    return ticket == 7 ? 0 : -ENOENT;
}

uint64_t time_now_ns(void)
{
    return now_ns;
}

int worker_start_owned(const struct worker_config *config, struct component *owner)
{
    (void)config;
    (void)owner;
    return (int)++workers;
}

int worker_stop_owned(int worker, struct component *owner)
{
    (void)worker;
    (void)owner;
    return 0;
}

/* `live` shows a picture, and knows the keys a and b; `swap` gives a ticket; else an error. */
int shell_run_line(const char *line, struct shell_run *run)
{
    strcat(strcat(ran, line), "|");
    if (strcmp(line, "swap") == 0) {
        run->ticket = 7;
        return 0;
    }
    if (strncmp(line, "live", 4) != 0) {
        return -ENOENT;
    }
    if (line[4] != '\0' && strcmp(line + 4, " \\a") != 0 && strcmp(line + 4, " \\b") != 0) {
        command_print(run->output, "not a key\n");
        return -EINVAL;
    }
    if (live_result != -EINPROGRESS) {
        run->output->write(run->output, picture, strlen(picture));
    }
    return live_result;
}

static int take_text(uint32_t unit, const char *text, size_t size)
{
    size_t count = MIN(size, room);
    (void)unit;
    strncat(shown, text, count);
    room -= count;
    return count > 0 ? (int)count : -EAGAIN;
}

static int give_line(uint32_t unit, char *line, size_t size)
{
    char *end = strchr(typed_lines, '\n');
    (void)unit;
    if (!end || are_keys_taken) {
        return -EAGAIN;
    }
    *end = '\0';
    cr_assert_lt(strlen(typed_lines), size);
    strcpy(line, typed_lines);
    memmove(typed_lines, end + 1, strlen(end + 1) + 1);
    return (int)strlen(line);
}

static int take_prompt(uint32_t unit, const char *prompt)
{
    (void)unit;
    (void)prompt;
    prompts++;
    return 0;
}

static int take_keys(uint32_t unit, bool are_wanted)
{
    (void)unit;
    are_keys_taken = are_wanted;
    return 0;
}

static int give_key(uint32_t unit)
{
    int key = (uint8_t)typed_keys[0];
    (void)unit;
    cr_assert(are_keys_taken);
    if (key == 0) {
        return -EAGAIN;
    }
    memmove(typed_keys, typed_keys + 1, strlen(typed_keys));
    return key;
}

static void plug(uint32_t id)
{
    terminal_id = id;
    (void)watch_step(&shell);
}

static void begin(void)
{
    terminal = (struct terminal_ops){.columns = 80,
                                     .rows = 24,
                                     .write = take_text,
                                     .read_line = give_line,
                                     .set_prompt = take_prompt,
                                     .take_keys = take_keys,
                                     .read_key = give_key,
                                     .writable = &signals,
                                     .line_ready = &signals};
    are_keys_taken = true; /* as a shell has left it that is gone */
    plug(1);
    cr_assert_eq(shell.session_count, 1u);
    cr_assert_eq(step(shell.sessions[0]), -EAGAIN);
    cr_assert_eq(prompts, 1u);
    cr_assert(!are_keys_taken);
}

TestSuite(live, .init = begin);

static int enter(const char *line)
{
    strcat(strcat(typed_lines, line), "\n");
    return step(shell.sessions[0]);
}

static int press_key(const char *keys)
{
    strcat(typed_keys, keys);
    return step(shell.sessions[0]);
}

static void expect_shown(const char *wanted)
{
    cr_expect_str_eq(shown, wanted);
    shown[0] = '\0';
}

static void expect_ran(const char *wanted)
{
    cr_expect_str_eq(ran, wanted);
    ran[0] = '\0';
}

Test(live, shows_a_picture_again_each_second)
{
    cr_expect_eq(enter("live"), COMMAND_LIVE_US + 1);
    expect_shown(HOME_AT "one" K "two" J);
    cr_expect(are_keys_taken);
    now_ns += SECOND / 4;
    cr_expect_eq(step(shell.sessions[0]), COMMAND_LIVE_US * 3 / 4 + 1);
    expect_shown("");
    now_ns += SECOND;
    picture = "three\n";
    cr_expect_eq(step(shell.sessions[0]), COMMAND_LIVE_US + 1);
    expect_shown(HOME_AT "three" J);
    expect_ran("live|live|");
    cr_expect_eq(prompts, 1u);
}

Test(live, ends_by_q_enter_or_ctrl_c)
{
    static const char *const keys[] = {"q", "\r", "\003", "aq"};
    for (unsigned i = 0; i < ARRAY_SIZE(keys); i++) {
        (void)enter("live");
        cr_expect_gt(step(shell.sessions[0]), 0);
        cr_expect_eq(press_key(keys[i]), -EAGAIN);
        cr_expect_eq(prompts, 2 + i);
        cr_expect(!are_keys_taken);
    }
    now_ns += 5 * SECOND;
    ran[0] = shown[0] = '\0';
    cr_expect_eq(enter("other"), -EAGAIN);
    expect_ran("other|");
}

Test(live, passes_the_last_key_on_at_once)
{
    (void)enter("live");
    cr_expect_gt(press_key("ab"), 0);
    expect_ran("live|live \\b|");
    now_ns += SECOND;
    (void)step(shell.sessions[0]);
    expect_ran("live \\b|");
    (void)press_key("q");
    (void)enter("live");
    expect_ran("live|");
}

Test(live, keeps_the_key_when_the_next_one_is_refused)
{
    (void)enter("live");
    (void)press_key("a");
    expect_ran("live|live \\a|");
    shown[0] = '\0';
    (void)press_key("z");
    expect_ran("live \\z|live \\a|");
    expect_shown(HOME_AT "one" K "two" J);
    (void)press_key(" \t"); /* no words */
    expect_ran("");
    now_ns += SECOND;
    (void)step(shell.sessions[0]);
    expect_ran("live \\a|");
}

Test(live, ends_when_the_command_fails_and_says_why)
{
    (void)enter("live");
    shown[0] = '\0';
    now_ns += SECOND;
    picture = "broken\n";
    live_result = -EIO;
    cr_expect_eq(step(shell.sessions[0]), -EAGAIN);
    expect_shown("broken\n");
    cr_expect_eq(prompts, 2u);
    cr_expect(!are_keys_taken);
}

Test(live, comes_again_soon_when_the_command_waits_and_forgets_no_key)
{
    (void)enter("live");
    live_result = -EINPROGRESS;
    cr_expect_eq(press_key("a"), COMMAND_SOON_US);
    live_result = COMMAND_LIVE;
    cr_expect_eq(step(shell.sessions[0]), COMMAND_LIVE_US + 1);
    expect_ran("live|live \\a|live \\a|");
}

Test(live, cuts_lines_and_rows_that_do_not_fit)
{
    terminal.columns = 6;
    terminal.rows = 4;
    terminal_id = 0;
    (void)watch_step(&shell);
    plug(2);
    picture = "12345\n\033[1m1234\033[0m\303\244\303\266\n3\n4\nlast line";
    (void)enter("live");
    expect_shown(HOME_AT "12345" K "\033[1m1234\033[0m\303\244" K "last " J);
    picture = "";
    now_ns += SECOND;
    (void)step(shell.sessions[0]);
    expect_shown(HOME_AT J);
}

/* Lines of 50 bytes, each with its number, and the last one without an end. */
static void paint_large(unsigned lines, const char *last)
{
    static char large[40000];
    char *at = large;
    for (unsigned i = 0; i < lines; i++) {
        at += sprintf(at, "%049u\n", i);
    }
    strcpy(at, last);
    picture = large;
}

/* What is shown now has so many rows, and these at its end. */
static void expect_rows(unsigned rows, const char *end)
{
    unsigned count = 0;
    for (const char *at = shown; *at; at++) {
        count += *at == '\n';
    }
    cr_expect_eq(strncmp(shown, HOME_AT "0000", 7), 0);
    cr_expect_eq(count, rows);
    cr_assert_geq(strlen(shown), strlen(end));
    cr_expect_str_eq(shown + strlen(shown) - strlen(end), end);
    cr_expect_eq(ring_used(&shell.sessions[0]->output), 0u);
    shown[0] = '\0';
}

#define NUMBER(n) "00000000000000000000000000000000000000000000000" n

Test(live, leaves_out_what_it_cannot_keep_before_the_last_line_and_says_so)
{
    paint_large(400, "keys");
    cr_expect_eq(enter("live"), COMMAND_LIVE_US + 1);
    expect_rows(23, NUMBER("20") K MARK K "keys" J);
    now_ns += SECOND;
    cr_expect_eq(step(shell.sessions[0]), COMMAND_LIVE_US + 1);
    expect_rows(23, NUMBER("20") K MARK K "keys" J);
    paint_large(307, "of 10 and more bytes"); /* there is no room for the end of this one */
    now_ns += SECOND;
    (void)step(shell.sessions[0]);
    expect_rows(23, NUMBER("20") K MARK K "of 10 and more bytes" J);
    paint_large(307, "of few"); /* and for all of this */
    now_ns += SECOND;
    (void)step(shell.sessions[0]);
    expect_rows(23, NUMBER("21") K "of few" J);
}

Test(live, cuts_what_it_cannot_keep_at_the_end_of_a_line)
{
    terminal.rows = 1000;
    terminal_id = 0;
    (void)watch_step(&shell);
    plug(2);
    paint_large(400, "keys");
    (void)enter("live");
    expect_rows(298, "0295" K MARK K "keys" J); /* 296 lines, and 512 bytes free for the last one */
}

Test(live, takes_one_line_that_is_larger_than_it_can_keep)
{
    static char large[20001];
    memset(large, '0', sizeof(large) - 1);
    picture = large;
    (void)enter("live");
    cr_expect_eq(strncmp(shown, HOME_AT MARK K "0000", 3 + sizeof(MARK) - 1 + 4 + 4), 0);
    cr_expect_eq(ring_used(&shell.sessions[0]->output), 0u);
}

/* As when somebody leans on a key: each one is taken before it waits, the end too. */
Test(live, takes_more_keys_than_a_step_looks_at)
{
    (void)enter("live");
    cr_expect_eq(press_key("ababababababababababababababababababq"), -EAGAIN);
    cr_expect_eq(prompts, 2u);
    expect_ran("live|");
}

Test(live, waits_for_a_slow_terminal_before_the_next_picture)
{
    room = 5;
    cr_expect_eq(enter("live"), -EAGAIN);
    now_ns += 3 * SECOND;
    cr_expect_eq(press_key("a"), -EAGAIN);
    expect_ran("live|");
    room = SIZE_MAX;
    cr_expect_gt(step(shell.sessions[0]), 0);
    expect_ran("live \\a|");
    expect_shown(HOME_AT "one" K "two" J HOME_AT "one" K "two" J);
}

Test(live, tells_of_transactions_when_it_has_ended)
{
    shell.sessions[0]->tickets[3] = 7;
    strcpy(typed_lines, "");
    shell.sessions[0]->is_live = 1; /* the ticket came before */
    shell.sessions[0]->refresh_ns = SECOND;
    strcpy(shell.sessions[0]->line, "live");
    are_keys_taken = true;
    (void)step(shell.sessions[0]);
    expect_shown("");
    (void)press_key("q");
    expect_shown("a report\n");
}

Test(live, shows_once_where_nobody_presses_keys)
{
    terminal.take_keys = NULL;
    terminal.read_key = NULL;
    terminal_id = 0;
    (void)watch_step(&shell);
    plug(2);
    cr_expect_eq(enter("live"), -EAGAIN);
    expect_shown("one\ntwo\n");
    cr_expect_eq(prompts, 3u);
}

Test(live, leaves_with_its_terminal)
{
    (void)enter("live");
    terminal_id = 0;
    (void)watch_step(&shell);
    now_ns += SECOND;
    ran[0] = '\0';
    cr_expect_eq(step(shell.sessions[0]), -EAGAIN);
    plug(2);
    cr_expect_eq(step(shell.sessions[0]), -EAGAIN);
    expect_ran("");
    cr_expect_eq(prompts, 2u);
}

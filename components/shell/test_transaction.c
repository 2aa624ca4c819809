/* SPDX-License-Identifier: MIT */
/* The sentences for how a transaction ended. */
#include <criterion/criterion.h>

#define evolve_load shell_test_evolve_load
#define evolve_swap shell_test_evolve_swap
#define evolve_unload shell_test_evolve_unload
#define evolve_revert shell_test_evolve_revert
#define swap_read_report shell_test_swap_read_report
#define offer_find shell_test_offer_find
#define world_component shell_test_world_component

#include "transaction.c"

static char said[1024], asked[128];
static struct swap_report report;
static int report_result, evolve_result;
static bool has_store;
static int fetch_result;
static char fetched[64];

static void keep(struct command_output *output, const char *text, size_t size)
{
    (void)output;
    strncat(said, text, size);
}

static struct command_output output = {.write = keep};

static int answer_request(const char *what, const char *a, const char *b,
                          struct evolve_answer *answer)
{
    (void)format_print(asked, sizeof(asked), "%s %s %s", what, a, b);
    answer->ticket = 5;
    strcpy(answer->message, evolve_result < 0 ? "because" : "");
    return evolve_result;
}

int evolve_load(const char *package, const struct swap_options *options,
                struct evolve_answer *answer)
{
    (void)options;
    return answer_request("load", package, "", answer);
}

int evolve_swap(const char *old, const char *package, const struct swap_options *options,
                struct evolve_answer *answer)
{
    (void)options;
    return answer_request("swap", old, package, answer);
}

int evolve_unload(const char *name, const struct swap_options *options,
                  struct evolve_answer *answer)
{
    (void)options;
    return answer_request("unload", name, "", answer);
}

int evolve_revert(const char *name, struct evolve_answer *answer)
{
    return answer_request("revert", name, "", answer);
}

/* A store that has it the second time it is asked, unless it fails. */
static int fetch(const char *package, char *message)
{
    int result = fetch_result;
    (void)format_print(fetched, sizeof(fetched), "%s", package);
    strcpy(message, result < 0 && result != -EAGAIN ? "the card is wet" : "");
    if (result == -EAGAIN) {
        fetch_result = 0;
    }
    evolve_result = result == 0 ? 0 : evolve_result;
    return result;
}

int offer_find(const char *kind, const char *name, uint32_t after, struct offer *offer)
{
    const struct package_store_ops ops = {.fetch = fetch};
    cr_assert(strcmp(kind, PACKAGE_STORE_KIND) == 0 && !name && after == 0);
    memcpy(offer->table, &ops, sizeof(ops));
    return has_store ? 0 : -ENOENT;
}

int world_component(uint32_t after, struct world_component *component)
{
    *component = (struct world_component){.id = 1, .name = "led_blink"};
    return after == 0 ? 0 : -ENOENT;
}

int swap_read_report(uint32_t ticket, struct swap_report *result)
{
    cr_assert_eq(ticket, 5u);
    *result = report;
    return report_result;
}

static void expect(const char *wanted)
{
    said[0] = '\0';
    shell_print_report(&output, &report);
    cr_expect_str_eq(said, wanted);
}

static void begin(void)
{
    report = (struct swap_report){.kind = SWAP_REPLACE,
                                  .old = "led_blink",
                                  .new = "led_blink",
                                  .old_version = VERSION(1, 1, 0),
                                  .new_version = VERSION(1, 2, 0),
                                  .components = 1,
                                  .transfer = SWAP_ADOPTED,
                                  .state_bytes = 48,
                                  .attempts = 1,
                                  .blackout_ns = 12345,
                                  .total_ns = 2199999};
}

Test(transaction, says_how_a_swap_went)
{
    begin();
    expect("swap: led_blink 1.1.0 -> 1.2.0: state adopted (48 bytes), 1 rendezvous, "
           "blackout 12.3 us, total 2.1 ms\n");
    report.components = 3;
    expect("swap: led_blink 1.1.0 -> 1.2.0: state adopted (48 bytes), 3 components together, "
           "1 rendezvous, blackout 12.3 us, total 2.1 ms\n");
    strcpy(report.old, "sched_rr");
    report.components = 1;
    report.transfer = SWAP_HANDED_OVER;
    expect("swap: sched_rr 1.1.0 -> led_blink 1.2.0: state handed over (48 bytes), "
           "1 rendezvous, blackout 12.3 us, total 2.1 ms\n");
}

Test(transaction, says_how_a_load_and_an_unload_went)
{
    begin();
    report.kind = SWAP_LOAD;
    report.old[0] = '\0';
    report.transfer = SWAP_FRESH;
    expect("load: led_blink 1.2.0: new state, 1 rendezvous, blackout 12.3 us, total 2.1 ms\n");
    report.transfer = SWAP_STATELESS;
    expect("load: led_blink 1.2.0: no state, 1 rendezvous, blackout 12.3 us, total 2.1 ms\n");
    begin();
    report.kind = SWAP_UNLOAD;
    report.new[0] = '\0';
    expect(
        "unload: led_blink 1.1.0: left the world, 1 rendezvous, blackout 12.3 us, total 2.1 ms\n");
}

Test(transaction, says_why_it_was_refused)
{
    begin();
    report.result = -EPERM;
    expect("swap: refused: error -1\n");
    memset(report.message, 'x', sizeof(report.message)); /* as long as can be */
    said[0] = '\0';
    shell_print_report(&output, &report);
    cr_expect_eq(strlen(said), 15u + SWAP_MESSAGE_BYTES + 1);
}

Test(transaction, durations_have_one_digit_behind_the_point)
{
    static const struct {
        uint64_t ns;
        const char *text;
    } examples[] = {{0, "0 ns"},
                    {999, "999 ns"},
                    {1000, "1.0 us"},
                    {999999, "999.9 us"},
                    {1000000, "1.0 ms"},
                    {29000000, "29.0 ms"},
                    {999999999, "999.9 ms"},
                    {1000000000, "1.0 s"},
                    {61500000000, "61.5 s"}};
    for (unsigned i = 0; i < ARRAY_SIZE(examples); i++) {
        char text[24];
        shell_print_duration(text, sizeof(text), examples[i].ns);
        cr_expect_str_eq(text, examples[i].text);
    }
}

static int run(int (*command)(int, char *const[], struct shell_run *), const char *a, const char *b,
               uint32_t *ticket)
{
    char *words[] = {"command", (char *)a, (char *)b};
    struct shell_run shell_run = {.output = &output};
    said[0] = '\0';
    int result = command(b ? 3 : a ? 2 : 1, words, &shell_run);
    *ticket = shell_run.ticket;
    return result;
}

Test(transaction, asks_the_loader_for_what_was_said)
{
    uint32_t ticket;
    cr_expect_eq(run(shell_run_load, "led_blink", NULL, &ticket), 0);
    cr_expect_str_eq(asked, "swap  led_blink");
    cr_expect_eq(ticket, 5u);
    cr_expect_eq(run(shell_run_swap, "sched_rr", "sched_fair", &ticket), 0);
    cr_expect_str_eq(asked, "swap sched_rr sched_fair");
    cr_expect_eq(run(shell_run_swap, "led_blink-1.2.0", NULL, &ticket), 0);
    cr_expect_str_eq(asked, "swap led_blink led_blink-1.2.0");
    cr_expect_eq(run(shell_run_unload, "led_blink", NULL, &ticket), 0);
    cr_expect_str_eq(asked, "unload led_blink ");
    evolve_result = -ENOENT;
    cr_expect_eq(run(shell_run_load, "nothing", NULL, &ticket), -ENOENT);
    cr_expect_eq(ticket, 0u);
    cr_expect_str_eq(said, "load: refused: because\n");
}

Test(transaction, refuses_wrong_words)
{
    uint32_t ticket;
    char name[] = "a_name_that_is_longer_than_any_component_has-1.0.0";
    cr_expect_eq(run(shell_run_load, NULL, NULL, &ticket), -EINVAL);
    cr_expect_str_eq(said, "usage: load PACKAGE\n");
    cr_expect_eq(run(shell_run_swap, NULL, NULL, &ticket), -EINVAL);
    cr_expect_eq(run(shell_run_swap, name, NULL, &ticket), -EINVAL);
    cr_expect_eq(run(shell_run_unload, "a", "b", &ticket), -EINVAL);
    cr_expect_eq(run(shell_run_report, "x", NULL, &ticket), -EINVAL);
    cr_expect_str_eq(asked, "", "nothing was asked for");
}

Test(transaction, a_report_can_be_asked_for)
{
    uint32_t ticket;
    begin();
    report_result = -EAGAIN;
    cr_expect_eq(run(shell_run_report, "5", NULL, &ticket), -EAGAIN);
    cr_expect_str_eq(said, "ticket 5: under way\n");
    report_result = 0;
    report.result = -EPERM;
    cr_expect_eq(run(shell_run_report, "5", NULL, &ticket), -EPERM);
    report_result = -ENOENT;
    cr_expect_eq(run(shell_run_report, "5", NULL, &ticket), -ENOENT);
}

/* Runs a line whose package is not on the shelf. */
static int run_missing(int count, const char *a, const char *b, const char *c, int store_says)
{
    char *const words[] = {(char *)a, (char *)b, (char *)c};
    struct shell_run run = {.output = &output};
    said[0] = fetched[0] = '\0';
    has_store = store_says != -ENOSYS;
    fetch_result = store_says;
    evolve_result = -ENOENT;
    int result = strcmp(a, "load") == 0 ? shell_run_load(count, words, &run)
                                        : shell_run_swap(count, words, &run);
    if (result == -EINPROGRESS) {
        cr_expect_str_empty(said);
        result = shell_run_swap(count, words, &run);
    }
    return result < 0 ? result : (int)run.ticket;
}

Test(transaction, fetches_what_is_not_on_the_shelf)
{
    cr_expect_eq(run_missing(2, "load", "plasma", NULL, 0), 5);
    cr_expect_str_eq(asked, "swap  plasma");
    cr_expect_str_eq(fetched, "plasma");
    cr_expect_eq(run_missing(3, "swap", "led_blink", "plasma-1.0.0", -EAGAIN), 5);
    cr_expect_str_eq(asked, "swap led_blink plasma-1.0.0");
    cr_expect_str_eq(fetched, "plasma-1.0.0");
    cr_expect_str_empty(said);
}

Test(transaction, says_what_can_be_had_neither_here_nor_there)
{
    cr_expect_eq(run_missing(2, "load", "plasma", NULL, -ENOSYS), -ENOENT);
    cr_expect_str_eq(said, "load: refused: because\n", "there is no store");
    cr_expect_eq(run_missing(2, "load", "plasma", NULL, -ENOENT), -ENOENT);
    cr_expect_str_eq(said, "load: refused: because; the card is wet\n");
    cr_expect_eq(run_missing(2, "load", "plasma", NULL, -EIO), -EIO);
    cr_expect_str_eq(said, "load: refused: the card is wet\n");
    cr_expect_eq(run_missing(3, "swap", "nobody", "plasma", 0), -ENOENT);
    cr_expect_str_empty(fetched, "what is missing is the component");
}

/* SPDX-License-Identifier: MIT */
/*
 * The shell: reads lines from the console, runs them, tells how transactions ended.
 *
 * Three workers wait - for a line, for room on the console, for the end of a transaction - and all
 * call the same step, which one of them at a time carries out (lib/turn.h). What a command says is
 * kept in the state until the console takes it, so no step waits, and the next line is run when all
 * has been said. shell_execute() needs none of this: it may run beside it, on another thread.
 */
#include <errno.h>
#include <string.h>

#include <interface/console.h>
#include <interface/shell.h>
#include <lib/ring.h>
#include <lib/turn.h>
#include <neurath/log.h>
#include <neurath/offer.h>
#include <neurath/thread.h>

#include "shell.h"
#include "words.h"

#define PROMPT "neurath> "
#define OUTPUT_BYTES 16384u
#define PIECE_BYTES 256u
#define TICKETS 16u
#define LINES_PER_STEP 8u
#define NEAR_ENOUGH 2u /* slips of the finger */

/* All of it belongs to who holds the turn. */
struct shell {
    struct turn turn;
    uint32_t is_prompt_due;
    uint32_t is_cut;           /* 1: there was no room for all that a command said */
    uint32_t tickets[TICKETS]; /* transactions under way; 0: free */
    struct ring output;
    uint8_t output_bytes[OUTPUT_BYTES];
};

STATE(struct shell) state = {};

static void suggest(const char *name, struct command_output *output)
{
    char nearest[OFFER_NAME_BYTES] = "";
    unsigned nearest_distance = NEAR_ENOUGH + 1;
    const struct shell_builtin *builtin;
    struct offer offer;

    for (unsigned i = 0; (builtin = shell_builtin(i)) != NULL; i++) {
        unsigned distance = words_distance(name, builtin->name);
        if (distance < nearest_distance) {
            nearest_distance = distance;
            (void)format_print(nearest, sizeof(nearest), "%s", builtin->name);
        }
    }
    for (uint32_t id = 0; offer_find(COMMAND_KIND, NULL, id, &offer) == 0; id = offer.id) {
        unsigned distance = words_distance(name, offer.name);
        if (distance < nearest_distance) {
            nearest_distance = distance;
            (void)format_print(nearest, sizeof(nearest), "%s", offer.name);
        }
    }
    command_print(output, "%s: no such command", name);
    if (nearest[0] != '\0' && nearest_distance < strlen(name)) {
        command_print(output, "; did you mean %s?", nearest);
    }
    command_print(output, " `help` lists all.\n");
}

static int execute(const char *line, struct shell_run *run)
{
    char buffer[CONSOLE_LINE_BYTES];
    char *words[COMMAND_WORDS_MAX];
    const struct shell_builtin *builtin;
    struct offer offer;
    struct command_ops ops;

    if (strnlen(line, sizeof(buffer)) == sizeof(buffer)) {
        command_print(run->output, "the line is too long\n");
        return -EINVAL;
    }
    memcpy(buffer, line, strlen(line) + 1);
    int count = words_split(buffer, words, COMMAND_WORDS_MAX);
    if (count < 0) {
        command_print(run->output, count == -E2BIG ? "too many words\n" : "a quote has no end\n");
        return -EINVAL;
    }
    if (count == 0) {
        return 0;
    }
    for (unsigned i = 0; (builtin = shell_builtin(i)) != NULL; i++) {
        if (strcmp(words[0], builtin->name) == 0) {
            return builtin->run(count, words, run);
        }
    }
    if (strlen(words[0]) < OFFER_NAME_BYTES && words[0][0] != '\0' &&
        offer_find(COMMAND_KIND, words[0], 0, &offer) == 0) {
        memcpy(&ops, offer.table, sizeof(ops));
        return ops.run(count, words, run->output);
    }
    suggest(words[0], run->output);
    return -ENOENT;
}

int shell_execute(const char *line, struct command_output *output)
{
    struct shell_run run = {.output = output};
    int result = execute(line, &run);
    if (run.ticket != 0) {
        command_print(output, "ticket %u\n", run.ticket);
    }
    return result;
}

/* Keeps what is said for the console. Turn held. */
static void keep(struct command_output *output, const char *text, size_t size)
{
    (void)output;
    if (ring_put(&state.output, state.output_bytes, OUTPUT_BYTES, text, size) < size) {
        state.is_cut = 1;
    }
}

/* True: all that was said is on the console. Turn held. */
static bool flush(void)
{
    char piece[PIECE_BYTES];

    while (ring_used(&state.output) > 0 || state.is_cut) {
        if (ring_used(&state.output) == 0) {
            state.is_cut = 0;
            keep(NULL, "\n(the rest was too long)\n", 25);
        }
        size_t count =
            ring_peek(&state.output, state.output_bytes, OUTPUT_BYTES, 0, piece, sizeof(piece));
        int written = console_write(piece, count);
        if (written <= 0) {
            return false;
        }
        state.output.tail += (uint32_t)written;
    }
    return true;
}

/* Tells of transactions that have ended. Turn held. */
static void tell_reports(struct command_output *output)
{
    struct swap_report report;

    for (unsigned i = 0; i < TICKETS; i++) {
        if (state.tickets[i] == 0) {
            continue;
        }
        int result = swap_read_report(state.tickets[i], &report);
        if (result == -EAGAIN) {
            continue;
        }
        if (result == 0) {
            shell_print_report(output, &report);
        } else {
            command_print(output, "ticket %u: its report is gone\n", state.tickets[i]);
        }
        state.tickets[i] = 0;
    }
}

/* Turn held. */
static void remember_ticket(uint32_t ticket, struct command_output *output)
{
    for (unsigned i = 0; i < TICKETS; i++) {
        if (state.tickets[i] == 0) {
            state.tickets[i] = ticket;
            return;
        }
    }
    command_print(output, "ticket %u; ask for its report\n", ticket);
}

/* Turn held. True: there is more to do. */
static bool work(void)
{
    struct command_output output = {.write = keep};
    char line[CONSOLE_LINE_BYTES];

    for (unsigned lines = 0; lines < LINES_PER_STEP; lines++) {
        if (!flush()) {
            return false;
        }
        tell_reports(&output);
        if (!flush()) {
            return false;
        }
        if (state.is_prompt_due) {
            state.is_prompt_due = 0;
            (void)console_set_prompt(PROMPT); /* has no errors */
        }
        if (console_read_line(line, sizeof(line)) < 0) {
            return false;
        }
        struct shell_run run = {.output = &output};
        state.is_prompt_due = 1;
        (void)execute(line, &run); /* the command has said what went wrong */
        if (run.ticket != 0) {
            remember_ticket(run.ticket, &output);
        }
    }
    return true;
}

static int step(void *argument)
{
    (void)argument;
    if (!turn_take(&state.turn)) {
        return -EAGAIN;
    }
    do {
        if (work()) {
            turn_leave(&state.turn);
            return 0;
        }
    } while (turn_pass(&state.turn));
    return -EAGAIN;
}

static int start(void)
{
    const struct worker_config workers[] = {
        {.name = "shell lines", .step = step, .event = console_line_ready()},
        {.name = "shell output", .step = step, .event = console_writable()},
        {.name = "shell reports", .step = step, .event = swap_event()},
    };
    state.is_prompt_due = 1;
    for (unsigned i = 0; i < ARRAY_SIZE(workers); i++) {
        int result = worker_start(&workers[i]);
        if (result < 0) {
            return result;
        }
    }
    return 0;
}

static int health(void)
{
    return ring_used(&state.output) <= OUTPUT_BYTES ? 0 : -EIO;
}

COMPONENT(shell, .version = VERSION(1, 0, 0), .summary = "Command lines for people and tools",
          .start = start, .health = health);

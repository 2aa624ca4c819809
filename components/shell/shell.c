/* SPDX-License-Identifier: MIT */
/*
 * The shell: reads lines from terminals, runs them, tells how transactions ended.
 *
 * Each terminal has a session (session.h). shell_execute() needs none: it may run beside them, on
 * another thread, for the host's tool.
 */
#include <errno.h>
#include <string.h>

#include <interface/shell.h>
#include <interface/terminal.h>
#include <neurath/offer.h>

#include "session.h"
#include "shell.h"
#include "words.h"

#define NEAR_ENOUGH 2u /* slips of the finger */

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

int shell_run_line(const char *line, struct shell_run *run)
{
    char buffer[TERMINAL_LINE_BYTES];
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
    int result = shell_run_line(line, &run);
    if (run.ticket != 0) {
        command_print(output, "ticket %u\n", run.ticket);
    }
    return result == COMMAND_LIVE ? 0 : result;
}

static int start(void)
{
    return sessions_start(&state);
}

static int health(void)
{
    return sessions_check(&state);
}

COMPONENT(shell, .version = VERSION(1, 1, 0), .summary = "Command lines for people and tools",
          .start = start, .health = health);

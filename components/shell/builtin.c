/* SPDX-License-Identifier: MIT */
/* The list of built-in commands, and the small ones among them. */
#include <errno.h>
#include <string.h>

#include <neurath/log.h>
#include <neurath/offer.h>
#include <neurath/time.h>

#include "shell.h"
#include "words.h"

#define LOG_LINES 20u

static int run_help(int count, char *const words[], struct shell_run *run)
{
    const struct shell_builtin *builtin;
    struct offer offer;
    struct command_ops ops;

    (void)words;
    if (count > 1) {
        return shell_refuse_words(run->output, "help");
    }
    for (unsigned i = 0; (builtin = shell_builtin(i)) != NULL; i++) {
        command_print(run->output, "  %s\n", builtin->help);
    }
    for (uint32_t id = 0; offer_find(COMMAND_KIND, NULL, id, &offer) == 0; id = offer.id) {
        memcpy(&ops, offer.table, sizeof(ops));
        command_print(run->output, "  %.*s\n", (int)sizeof(ops.help), ops.help);
    }
    return 0;
}

static int run_echo(int count, char *const words[], struct shell_run *run)
{
    for (int i = 1; i < count; i++) {
        command_print(run->output, i > 1 ? " %s" : "%s", words[i]);
    }
    run->output->write(run->output, "\n", 1);
    return 0;
}

static int run_uptime(int count, char *const words[], struct shell_run *run)
{
    (void)words;
    if (count > 1) {
        return shell_refuse_words(run->output, "uptime");
    }
    unsigned long long seconds = time_now_ns() / 1000000000u;
    command_print(run->output, "up %llu days %02llu:%02llu:%02llu\n", seconds / 86400,
                  seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    return 0;
}

/* Goes through the log; the first `skipped` lines are only counted. Returns how many there are. */
static uint32_t walk_log(struct command_output *output, uint32_t skipped)
{
    char text[256];
    uint64_t position = 0;
    uint32_t lines = 0;
    int count;

    while ((count = log_read(&position, text, sizeof(text))) > 0) {
        int from = 0;
        for (int i = 0; i < count; i++) {
            if (text[i] == '\n' && ++lines <= skipped) {
                from = i + 1;
            }
        }
        if (lines >= skipped) {
            output->write(output, text + from, (size_t)(count - from));
        }
    }
    return lines;
}

static void write_nothing(struct command_output *output, const char *text, size_t size)
{
    (void)output;
    (void)text;
    (void)size;
}

static int run_log(int count, char *const words[], struct shell_run *run)
{
    struct command_output nowhere = {.write = write_nothing};
    uint32_t wanted = LOG_LINES;

    if (count > 2 || (count == 2 && words_read_number(words[1], &wanted) < 0)) {
        return shell_refuse_words(run->output, "log [LINES]");
    }
    uint32_t lines = walk_log(&nowhere, UINT32_MAX);
    (void)walk_log(run->output, lines > wanted ? lines - wanted : 0);
    return 0;
}

const struct shell_builtin *shell_builtin(unsigned index)
{
    static const struct shell_builtin builtins[] = {
        {"help", "help - lists the commands", run_help},
        {"world", "world [COMPONENT] - shows what is loaded, or one component closely",
         shell_run_world},
        {"packages", "packages - lists what can be loaded", shell_run_packages},
        {"load", "load PACKAGE - brings a package into the world", shell_run_load},
        {"swap", "swap [OLD] PACKAGE - replaces a component while it runs", shell_run_swap},
        {"unload", "unload COMPONENT - takes a component out of the world", shell_run_unload},
        {"revert", "revert COMPONENT - brings back what a component on probation has replaced",
         shell_run_revert},
        {"report", "report TICKET - tells how a load, swap or unload ended", shell_run_report},
        {"threads", "threads - lists the threads", shell_run_threads},
        {"log", "log [LINES] - shows the last lines of the log", run_log},
        {"uptime", "uptime - tells how long the system has run", run_uptime},
        {"echo", "echo WORDS - says them back", run_echo},
    };
    return index < ARRAY_SIZE(builtins) ? &builtins[index] : NULL;
}

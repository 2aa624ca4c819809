/* SPDX-License-Identifier: MIT */
/* The shell's commands that change the world, and the words for how it went. */
#include <errno.h>
#include <string.h>

#include <interface/package_store.h>

#include "shell.h"
#include "words.h"

void shell_print_version(char *text, size_t size, uint32_t version)
{
    (void)format_print(text, size, "%u.%u.%u", VERSION_MAJOR(version), VERSION_MINOR(version),
                       VERSION_PATCH(version));
}

/* One digit behind the point, cut. */
void shell_print_duration(char *text, size_t size, uint64_t duration_ns)
{
    uint64_t unit = 0;
    const char *name = "s";

    if (duration_ns < 1000) {
        (void)format_print(text, size, "%llu ns", (unsigned long long)duration_ns);
        return;
    }
    if (duration_ns < 1000000) {
        unit = 1000;
        name = "us";
    } else if (duration_ns < 1000000000) {
        unit = 1000000;
        name = "ms";
    } else {
        unit = 1000000000;
    }
    (void)format_print(text, size, "%llu.%llu %s", (unsigned long long)(duration_ns / unit),
                       (unsigned long long)(duration_ns % unit * 10 / unit), name);
}

static const char *verb_of(const struct swap_report *report)
{
    static const char *const verbs[] = {[SWAP_LOAD] = "load",
                                        [SWAP_REPLACE] = "swap",
                                        [SWAP_UNLOAD] = "unload",
                                        [SWAP_REVERT] = "revert",
                                        [SWAP_TRACE] = "trace"};
    return verbs[report->kind];
}

/* "led_blink 1.1.0 -> 1.2.0", "sched_rr 1.0.0 -> sched_fair 1.0.0", or the one there is. */
static void print_parties(char *text, size_t size, const struct swap_report *report)
{
    char old_version[SHELL_VERSION_BYTES];
    char new_version[SHELL_VERSION_BYTES];

    shell_print_version(old_version, sizeof(old_version), report->old_version);
    shell_print_version(new_version, sizeof(new_version), report->new_version);
    if (report->old[0] == '\0') {
        (void)format_print(text, size, "%s %s", report->new, new_version);
    } else if (report->new[0] == '\0') {
        (void)format_print(text, size, "%s %s", report->old, old_version);
    } else if (strcmp(report->old, report->new) == 0) {
        (void)format_print(text, size, "%s %s -> %s", report->old, old_version, new_version);
    } else {
        (void)format_print(text, size, "%s %s -> %s %s", report->old, old_version, report->new,
                           new_version);
    }
}

static void print_transfer(char *text, size_t size, const struct swap_report *report)
{
    unsigned long long bytes = report->state_bytes;

    if (report->new[0] == '\0') {
        (void)format_print(text, size, "left the world");
    } else if (report->transfer == SWAP_ADOPTED) {
        (void)format_print(text, size, "state adopted (%llu bytes)", bytes);
    } else if (report->transfer == SWAP_MIGRATED) {
        (void)format_print(text, size, "state migrated (%llu bytes)", bytes);
    } else if (report->transfer == SWAP_HANDED_OVER) {
        (void)format_print(text, size, "state handed over (%llu bytes)", bytes);
    } else {
        (void)format_print(text, size, report->transfer == SWAP_FRESH ? "new state" : "no state");
    }
}

void shell_print_report(struct command_output *output, const struct swap_report *report)
{
    char parties[2 * COMPONENT_NAME_BYTES + 2 * SHELL_VERSION_BYTES + 8];
    char transfer[48];
    char blackout[24];
    char total[24];

    if (report->result < 0) {
        command_print(output,
                      report->phase == SWAP_TAKEN_BACK ? "%s: " : "%s: refused: ", verb_of(report));
        if (report->message[0] != '\0') {
            output->write(output, report->message, strnlen(report->message, SWAP_MESSAGE_BYTES));
        } else {
            command_print(output, "error %d", report->result);
        }
        output->write(output, "\n", 1);
        return;
    }
    if (report->kind == SWAP_REVERT) {
        command_print(output, "revert: %s\n", report->message);
        return;
    }
    if (report->kind == SWAP_TRACE) {
        command_print(output, "trace: %u gates are traced\n", report->traced);
        return;
    }
    print_parties(parties, sizeof(parties), report);
    print_transfer(transfer, sizeof(transfer), report);
    shell_print_duration(blackout, sizeof(blackout), report->blackout_ns);
    shell_print_duration(total, sizeof(total), report->total_ns);
    command_print(output, "%s: %s: %s, ", verb_of(report), parties, transfer);
    if (report->components > 1) {
        command_print(output, "%u components together, ", report->components);
    }
    command_print(output, "%u rendezvous, blackout %s, total %s", report->attempts, blackout,
                  total);
    if (report->phase == SWAP_ON_PROBATION) {
        command_print(output, "; on probation for %u ms", report->probation_ms);
    }
    output->write(output, "\n", 1);
}

int shell_refuse_words(struct command_output *output, const char *usage)
{
    command_print(output, "usage: %s\n", usage);
    return -EINVAL;
}

/* A request came back: with a ticket, with a refusal in words, or it is to be made again. */
static int answer(struct shell_run *run, const char *verb, int result,
                  const struct evolve_answer *answer)
{
    if (result == 0) {
        run->ticket = (uint32_t)answer->ticket;
        return 0;
    }
    if (result == -EINPROGRESS) {
        return result;
    }
    command_print(run->output, "%s: refused: ", verb);
    if (answer->message[0] != '\0') {
        run->output->write(run->output, answer->message,
                           strnlen(answer->message, SWAP_MESSAGE_BYTES));
    } else {
        command_print(run->output, "error %d", result);
    }
    run->output->write(run->output, "\n", 1);
    return result;
}

int shell_run_load(int count, char *const words[], struct shell_run *run)
{
    struct evolve_answer reply = {};

    if (count != 2) {
        return shell_refuse_words(run->output, "load PACKAGE");
    }
    return answer(run, "load", package_store_swap("", words[1], NULL, &reply), &reply);
}

/* `swap led_blink-1.2.0`: in place of the component of that name. */
int shell_run_swap(int count, char *const words[], struct shell_run *run)
{
    struct evolve_answer reply = {};
    char old[COMPONENT_NAME_BYTES];

    if (count != 2 && count != 3) {
        return shell_refuse_words(run->output, "swap [OLD] PACKAGE");
    }
    size_t length = count == 3 ? strlen(words[1]) : strcspn(words[1], "-");
    if (length >= sizeof(old)) {
        return answer(run, "swap", -EINVAL, &reply);
    }
    memcpy(old, words[1], length);
    old[length] = '\0';
    int result = package_store_swap(old, words[count - 1], NULL, &reply);
    return answer(run, "swap", result, &reply);
}

int shell_run_unload(int count, char *const words[], struct shell_run *run)
{
    struct evolve_answer reply = {};

    if (count != 2) {
        return shell_refuse_words(run->output, "unload COMPONENT");
    }
    return answer(run, "unload", evolve_unload(words[1], NULL, &reply), &reply);
}

int shell_run_revert(int count, char *const words[], struct shell_run *run)
{
    struct evolve_answer reply = {};

    if (count != 2) {
        return shell_refuse_words(run->output, "revert COMPONENT");
    }
    return answer(run, "revert", evolve_revert(words[1], &reply), &reply);
}

int shell_run_report(int count, char *const words[], struct shell_run *run)
{
    struct swap_report report;
    uint32_t ticket;

    if (count != 2 || words_read_number(words[1], &ticket) < 0) {
        return shell_refuse_words(run->output, "report TICKET");
    }
    int result = swap_read_report(ticket, &report);
    if (result == -EAGAIN) {
        command_print(run->output, "ticket %u: under way\n", ticket);
        return result;
    }
    if (result < 0) {
        command_print(run->output, "ticket %u: never given, or too long ago\n", ticket);
        return result;
    }
    shell_print_report(run->output, &report);
    return report.result;
}

/* SPDX-License-Identifier: MIT */
/*
 * nr: talks to a board, or a QEMU, that runs Neurath. `nr --help` says what it can do.
 *
 * Exit status: 0 done; 1 the board refused, its words are on stderr; 2 wrong usage, or a file that
 * cannot be read; 3 no line, or nobody answers.
 */
#include <errno.h>
#include <getopt.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/nr/chart.h"
#include "tools/nr/console.h"
#include "tools/nr/session.h"
#include "tools/nr/show.h"
#include "tools/nr/top.h"
#include "tools/nr/trace.h"
#include "tools/nr/update.h"
#include "tools/nr/watch.h"

enum { STATUS_DONE, STATUS_REFUSED, STATUS_USAGE, STATUS_NO_LINE };

#define ANSWER_MS 20000
#define SWAP_MS 60000
#define TRACE_MS 1000
#define TRACE_MAX_S 3600

static struct session_place place = {.baud = PORT_BAUD, .wait_ms = PORT_WAIT_MS};
static const char *replaced;                                     /* --replace */
static int (*chart_form)(FILE *file, const struct chart *chart); /* of the world; NULL: words */
static int is_hash_wanted, is_reboot_wanted, is_keep_wanted;     /* set by getopt_long() */
static const char *out_name;                                     /* --out; NULL: stdout */
static const char *trace_for; /* --for, in seconds; NULL: TRACE_MS */

static const char usage[] =
    "usage: nr [--port PORT] [--baud BAUD] COMMAND\n"
    "\n"
    "  console [-- COMMAND...]     the board's console in this terminal; Ctrl-] leaves\n"
    "                              (COMMAND, a machine behind PORT, is started and ended with it)\n"
    "  push PACKAGE [--replace C]  send a package and put it in the place of the component of its\n"
    "                              name, or of C\n"
    "       [--probation MS]       watch the new version for so long before it stays; 0: not at "
    "all\n"
    "       [--keep]               once it stays, have it loaded at each start of the board\n"
    "  swap C PACKAGE              replace component C by a package that the board has\n"
    "  load PACKAGE                bring in a package that the board has\n"
    "  unload C                    take a component out\n"
    "  revert C                    take back what is on probation in C's place, or as C\n"
    "  update FIT [--reboot]       send a whole system (build/neurath.itb) into the slot that\n"
    "                              does not run; the next start tries it. One that was cut off\n"
    "                              goes on where it stopped\n"
    "  run \"LINE\"                  run a line of the shell and show what it says\n"
    "  world [--hash]              what is loaded, bound and used\n"
    "        [--dts|--dot|--svg]   as device-tree source, graphviz's graph, a picture\n"
    "  top [KEY]                   what components take, each second, sorted by a column's key;\n"
    "                              keys sort, q ends\n"
    "  trace [C...|all]            what goes on, for Perfetto (ui.perfetto.dev): has the board "
    "record\n"
    "        [--for SECONDS]        calls of components C for a second, or so long; without C: "
    "what\n"
    "        [--out FILE]           it has recorded before\n"
    "  watch C                     build component C and put it in at each save of its sources\n"
    "  hello                       who is there\n"
    "\n"
    "PORT is a tty, the path of a UNIX socket, or tcp:HOST:NUMBER; default: $NR_PORT, else\n"
    "build/console.sock, else /dev/ttyUSB0. While `nr console` runs the others go through it.\n";

static int complain(int status, const struct why *why)
{
    show_progress_end();
    fprintf(stderr, "nr: %s\n", why->text);
    return status;
}

static int status_of(int result)
{
    return result == 0 ? STATUS_DONE : result == -EREMOTEIO ? STATUS_REFUSED : STATUS_NO_LINE;
}

/* Properties of requests that words are put to. */
static const char *const none[] = {NULL};
static const char *const name[] = {"name", NULL};

/*
 * A session, one call, and what its answer means for the exit status. names: of a property
 * for each word, up to NULL.
 */
static int do_call(struct client_call *call, const char *op, const char *const *names, char **words,
                   unsigned timeout_ms)
{
    struct session session;
    struct why why;
    int result = session_open(&session, &place, &why);
    if (result == 0) {
        client_begin(&session.client, call, op);
        for (unsigned i = 0; names[i]; i++) {
            message_put_string(&call->writer, names[i], words[i]);
        }
        result = client_call(&session.client, call, timeout_ms, &why);
    }
    session_close(&session);
    if (result == -EREMOTEIO && call->message[0] == 0 && strcmp(op, "run") == 0) {
        return STATUS_REFUSED; /* the command has said why, on stdout */
    }
    return result < 0 ? complain(status_of(result), &why) : STATUS_DONE;
}

/* The first part of a transaction's answer: it is committed. */
static void tell_committed(void *context, const void *tree)
{
    const struct client_call *call = context;
    if (!fdt_getprop(tree, 0, "result", NULL)) {
        show_progress_end();
        show_report(&call->report);
    }
}

static void print_text(void *context, const void *tree)
{
    int size;
    const char *text = fdt_getprop(tree, 0, "text", &size);
    (void)context;
    if (text && size > 0) {
        fwrite(text, 1, (size_t)size, stdout);
    }
}

/* What was pushed is to be there after a restart, too. */
static int keep(struct client *client, const struct client_report *report, struct why *why)
{
    struct client_call call = {.on_part = print_text};
    char line[96];
    snprintf(line, sizeof(line), "keep %s%s%s", report->new, replaced ? " " : "",
             replaced ? replaced : "");
    client_begin(client, &call, "run");
    message_put_string(&call.writer, "line", line);
    return client_call(client, &call, SWAP_MS, why);
}

static int do_push(char **words)
{
    struct client_call call = {.on_part = tell_committed, .context = &call};
    struct session session;
    struct why why;
    size_t size;
    void *package = client_read_file(words[0], &size, &why);
    if (!package) {
        return complain(STATUS_USAGE, &why);
    }
    int result = session_open(&session, &place, &why);
    if (result == 0) {
        if (!isatty(STDERR_FILENO)) {
            fprintf(stderr, "nr: pushing %s, %zu bytes\n", words[0], size);
        }
        result = client_push(&session.client, package, size, replaced, show_progress, &call, &why);
    }
    if (result == 0) {
        show_progress_end();
        show_settled(&call.report);
        result = is_keep_wanted ? keep(&session.client, &call.report, &why) : 0;
    }
    session_close(&session);
    free(package);
    return result < 0 ? complain(status_of(result), &why) : STATUS_DONE;
}

static int send_update(struct client *client, const void *image, size_t size, struct why *why)
{
    struct update_report report;
    int result = client_update(client, image, size, show_progress_lines, 0, &report, why);
    show_progress_end();
    if (report.resumed > 0) {
        fprintf(stderr, "nr: %zu bytes were there from an earlier transfer\n", report.resumed);
    }
    if (result == 0) {
        printf("%s\n", report.message);
    }
    if (result == 0 && is_reboot_wanted) {
        struct client_call call = {.on_part = print_text};
        client_begin(client, &call, "run");
        message_put_string(&call.writer, "line", "reboot");
        result = client_call(client, &call, ANSWER_MS, why);
    }
    return result;
}

static int do_update(char **words)
{
    struct session session;
    struct why why;
    size_t size;
    void *image = client_read_file(words[0], &size, &why);
    if (!image) {
        return complain(STATUS_USAGE, &why);
    }
    int result = update_check(image, size, &why);
    if (result < 0) {
        why_prepend(&why, result, "%s", words[0]);
        free(image);
        return complain(STATUS_USAGE, &why);
    }
    result = session_open(&session, &place, &why);
    if (result == 0) {
        result = send_update(&session.client, image, size, &why);
    }
    session_close(&session);
    free(image);
    return result < 0 ? complain(status_of(result), &why) : STATUS_DONE;
}

static int do_transaction(const char *op, const char *const *names, char **words)
{
    struct client_call call = {.on_part = tell_committed, .context = &call};
    int status = do_call(&call, op, names, words, SWAP_MS);
    if (status == STATUS_DONE) {
        show_settled(&call.report);
    }
    return status;
}

static int do_swap(char **words)
{
    static const char *const names[] = {"old", "package", NULL};
    return do_transaction("swap", names, words);
}

static int do_load(char **words)
{
    static const char *const names[] = {"package", NULL};
    return do_transaction("load", names, words);
}

static int do_unload(char **words)
{
    return do_transaction("unload", name, words);
}

static int do_revert(char **words)
{
    struct client_call call = {0};
    int status = do_call(&call, "revert", name, words, SWAP_MS);
    if (status == STATUS_DONE) {
        printf("%s\n", call.message);
    }
    return status;
}

static int do_run(char **words)
{
    static const char *const names[] = {"line", NULL};
    struct client_call call = {.on_part = print_text};
    return do_call(&call, "run", names, words, ANSWER_MS);
}

static void print_hash(void *context, const void *tree)
{
    int size;
    int totals = fdt_path_offset(tree, "/totals");
    const void *hash = totals < 0 ? NULL : fdt_getprop(tree, totals, "hash", &size);
    (void)context;
    if (hash && size == 8) {
        printf("%016llx\n", (unsigned long long)fdt64_ld(hash));
    }
}

static void print_world(void *context, const void *tree)
{
    (void)context;
    show_world(tree);
}

static void take_part(void *context, const void *tree)
{
    chart_take(context, tree);
}

/* Nothing is written unless all of it has come. */
static int do_chart(char **words)
{
    struct chart chart = {0};
    struct client_call call = {.on_part = take_part, .context = &chart};
    int status = do_call(&call, "world", none, words, ANSWER_MS);
    if (status == STATUS_DONE &&
        (chart.error < 0 || chart_form(stdout, &chart) < 0 || fflush(stdout) != 0)) {
        fprintf(stderr, "nr: the world cannot be written: %s\n",
                chart.error < 0 ? "no memory" : strerror(errno));
        status = STATUS_USAGE;
    }
    chart_free(&chart);
    return status;
}

static int do_world(char **words)
{
    if (chart_form) {
        return do_chart(words);
    }
    struct client_call call = {.on_part = is_hash_wanted ? print_hash : print_world};
    return do_call(&call, "world", none, words, ANSWER_MS);
}

static void print_hello(void *context, const void *tree)
{
    const char *version = fdt_getprop(tree, 0, "version", NULL);
    const fdt32_t *abi = fdt_getprop(tree, 0, "abi", NULL);
    (void)context;
    printf("Neurath, wire %s, ABI %u\n", version ? version : "?", abi ? fdt32_ld(abi) : 0);
}

static int do_hello(char **words)
{
    struct client_call call = {.on_part = print_hello};
    return do_call(&call, "hello", none, words, ANSWER_MS);
}

static int do_console(char **words)
{
    struct why why;
    int result = console_run(place.port, place.baud, words[0] ? words : NULL, &why);
    return result < 0 ? complain(STATUS_NO_LINE, &why) : STATUS_DONE;
}

static int do_top(char **words)
{
    struct top top = {place, top_fetch};
    struct why why;
    int result = top_run(&top, words[0] ? words[0] : "", STDIN_FILENO, STDOUT_FILENO, &why);
    return result < 0 ? complain(status_of(result), &why) : STATUS_DONE;
}

static int do_watch(char **words)
{
    struct watch watch = {words[0], place};
    struct why why;
    int result = watch_run(&watch, &why);
    return result < 0 ? complain(STATUS_USAGE, &why) : STATUS_DONE;
}

/* 0: these are no seconds, or too many. */
static unsigned read_trace_ms(void)
{
    char *end;
    if (!trace_for) {
        return TRACE_MS;
    }
    double seconds = strtod(trace_for, &end);
    return end != trace_for && *end == 0 && seconds > 0 && seconds <= TRACE_MAX_S
               ? (unsigned)(seconds * 1000 + 0.5)
               : 0;
}

static int save_trace(struct trace *trace)
{
    struct why why;
    if (trace_save(trace, out_name, &why) < 0) {
        return complain(STATUS_USAGE, &why);
    }
    fprintf(stderr, "nr: %u calls, %u swaps; lost: %llu calls, %u swaps\n", trace->call_count,
            trace->swap_count, (unsigned long long)trace->lost, trace->swaps_lost);
    if (trace->cut > 0) {
        fprintf(stderr, "nr: %u slices did not end within the one around them, and are cut\n",
                trace->cut);
    }
    return STATUS_DONE;
}

/* Nothing is written unless all of it has come. */
static int do_trace(char **words)
{
    struct trace trace = {0};
    struct session session;
    struct why why;
    unsigned ms = read_trace_ms();
    if (ms == 0 || (trace_for && !words[0])) {
        fprintf(stderr, "nr: --for takes seconds, and the names of components\n");
        return STATUS_USAGE;
    }
    int result = session_open(&session, &place, &why);
    struct trace_board board = trace_board_of(&session.client);
    if (result == 0 && words[0]) {
        result = trace_record(&board, words, ms, &why);
    }
    if (result == 0) {
        result = trace_fetch(&trace, &board, &why);
    }
    session_close(&session);
    int status = result < 0 ? complain(status_of(result), &why) : save_trace(&trace);
    trace_free(&trace);
    return status;
}

static const struct command {
    const char *name;
    int words, words_max;
    int (*run)(char **words);
} commands[] = {
    {"console", 0, 1000, do_console},
    {"push", 1, 1, do_push},
    {"swap", 2, 2, do_swap},
    {"load", 1, 1, do_load},
    {"unload", 1, 1, do_unload},
    {"run", 1, 1, do_run},
    {"world", 0, 0, do_world},
    {"hello", 0, 0, do_hello},
    {"revert", 1, 1, do_revert},
    {"update", 1, 1, do_update},
    {"watch", 1, 1, do_watch},
    {"trace", 0, 1000, do_trace},
    {"top", 0, 1, do_top},
};

static int run(char **words, int count)
{
    for (size_t i = 0; count > 0 && i < sizeof(commands) / sizeof(commands[0]); i++) {
        const struct command *command = &commands[i];
        if (strcmp(command->name, words[0]) == 0 && count - 1 >= command->words &&
            count - 1 <= command->words_max) {
            return command->run(words + 1);
        }
    }
    fputs(usage, stderr);
    return STATUS_USAGE;
}

int main(int count, char **words)
{
    static const struct option options[] = {
        {"port", required_argument, NULL, 'p'},
        {"baud", required_argument, NULL, 'b'},
        {"replace", required_argument, NULL, 'r'},
        {"probation", required_argument, NULL, 'P'},
        {"hash", no_argument, &is_hash_wanted, 1},
        {"dts", no_argument, NULL, 'd'},
        {"dot", no_argument, NULL, 'o'},
        {"svg", no_argument, NULL, 's'},
        {"reboot", no_argument, &is_reboot_wanted, 1},
        {"keep", no_argument, &is_keep_wanted, 1},
        {"out", required_argument, NULL, 'O'},
        {"for", required_argument, NULL, 'f'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    int option;
    place.port = port_default();
    while ((option = getopt_long(count, words, "p:b:h", options, NULL)) != -1) {
        switch (option) {
        case 0: /* a flag */
            break;
        case 'p':
            place.port = optarg;
            break;
        case 'b':
            place.baud = (unsigned)strtoul(optarg, NULL, 10);
            break;
        case 'r':
            replaced = optarg;
            break;
        case 'P':
            place.options.probation_ms = (uint32_t)strtoul(optarg, NULL, 10);
            if (place.options.probation_ms == 0) {
                place.options.probation_ms = CLIENT_NO_PROBATION;
            }
            break;
        case 'd':
            chart_form = chart_write_dts;
            break;
        case 'o':
            chart_form = chart_write_dot;
            break;
        case 's':
            chart_form = chart_write_svg;
            break;
        case 'O':
            out_name = optarg;
            break;
        case 'f':
            trace_for = optarg;
            break;
        case 'h':
            fputs(usage, stdout);
            return STATUS_DONE;
        default:
            fputs(usage, stderr);
            return STATUS_USAGE;
        }
    }
    return run(words + optind, count - optind);
}

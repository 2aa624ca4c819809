/* SPDX-License-Identifier: MIT */
/*
 * How a board is asked for what it has recorded: lists in pages of text, each as long as one
 * command may be, whose last line says where the next one begins.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/nr/port.h"
#include "tools/nr/trace.h"

#define LINE_BYTES 128

/* --- the pages of a list --- */

/* Where the next page begins; false: that was no such line. */
static bool read_next(const char *line, uint64_t *next)
{
    char *end;
    if (strncmp(line, "next ", 5) != 0 || !isdigit((unsigned char)line[5])) {
        return false;
    }
    errno = 0;
    *next = strtoull(line + 5, &end, 10);
    return errno == 0 && *end == 0;
}

/* Takes a page that begins at *from. 1: there is another, at *from then. 0: it was the last one. */
static int take_page(struct trace *trace, char *text, uint64_t *from, struct why *why)
{
    char *rest;
    for (char *line = strtok_r(text, "\r\n", &rest); line; line = strtok_r(NULL, "\r\n", &rest)) {
        uint64_t next = 0;
        bool is_end = strcmp(line, "end") == 0;
        if (!is_end && !read_next(line, &next)) {
            int result = trace_take(trace, line, why);
            if (result < 0) {
                return result;
            }
            continue;
        }
        if (strtok_r(NULL, "\r\n", &rest)) {
            return why_set(why, -EBADMSG, "there is more behind its end");
        }
        if (!is_end && next <= *from) {
            return why_set(why, -EBADMSG, "the page behind %llu begins at %llu",
                           (unsigned long long)*from, (unsigned long long)next);
        }
        *from = is_end ? *from : next;
        return !is_end;
    }
    return why_set(why, -EBADMSG, "it has no end");
}

/* list: "gates", "calls 2" */
static int fetch_list(struct trace *trace, const struct trace_board *board, const char *list,
                      struct why *why)
{
    char line[LINE_BYTES];
    uint64_t from = 0;
    int result;
    do {
        char *text = NULL;
        snprintf(line, sizeof(line), "trace list %s %llu", list, (unsigned long long)from);
        result = board->run(board->context, line, &text, why);
        if (result == 0) {
            result = take_page(trace, text, &from, why);
            if (result < 0) {
                why_prepend(why, result, "%s", line);
            }
        }
        free(text);
    } while (result > 0);
    return result;
}

/*
 * The calls come first: threads and components are told of as they are afterwards, so that of those
 * which came meanwhile the names are known.
 */
int trace_fetch(struct trace *trace, const struct trace_board *board, struct why *why)
{
    static const char *const lists[] = {"gates", "components", "threads", "swaps"};
    char list[16];
    int result = 0;
    for (unsigned cpu = 0; result == 0 && cpu < TRACE_CPUS; cpu++) {
        trace_begin_cpu(trace, cpu);
        snprintf(list, sizeof(list), "calls %u", cpu);
        result = fetch_list(trace, board, list, why);
    }
    for (size_t i = 0; result == 0 && i < sizeof(lists) / sizeof(lists[0]); i++) {
        result = fetch_list(trace, board, lists[i], why);
    }
    return result;
}

/* --- recording --- */

/* A line whose words are of no interest unless the board refuses. */
static int command(const struct trace_board *board, const char *line, struct why *why)
{
    char *text = NULL;
    int result = board->run(board->context, line, &text, why);
    free(text);
    return result;
}

int trace_record(const struct trace_board *board, char **names, unsigned ms, struct why *why)
{
    struct why ignored;
    char line[LINE_BYTES];
    bool is_on = false; /* as far as it can be told */
    int result = 0;
    for (; *names && result == 0; names++) {
        if (snprintf(line, sizeof(line), "trace on %s", *names) >= (int)sizeof(line)) {
            result = why_set(why, -EREMOTEIO, "no component has so long a name");
        } else {
            result = command(board, line, why);
        }
        is_on = is_on || result != -EREMOTEIO;
    }
    if (result == 0) {
        result = board->wait(board->context, ms, why);
    }
    if (result < 0 && is_on) {
        (void)command(board, "trace off", &ignored); /* what went wrong before is what counts */
    }
    if (result < 0) {
        return result;
    }
    return command(board, "trace off", why);
}

/* --- the board at the end of a line --- */

static int run_line(void *context, const char *line, char **text, struct why *why)
{
    return client_run(context, line, text, why);
}

static int wait_for(void *context, unsigned ms, struct why *why)
{
    uint64_t end = now_ms() + ms;
    for (uint64_t now = now_ms(); now < end; now = now_ms()) {
        int result = client_pump(context, (unsigned)(end - now));
        if (result < 0) {
            return why_set(why, result, "the session was lost while the board recorded");
        }
    }
    return 0;
}

struct trace_board trace_board_of(struct client *client)
{
    return (struct trace_board){.run = run_line, .wait = wait_for, .context = client};
}

/* SPDX-License-Identifier: MIT */
/* Sessions on terminals: see session.h. */
#include "session.h"

#include <errno.h>
#include <string.h>

#include <interface/heap.h>
#include <neurath/log.h>
#include <neurath/offer.h>
#include <neurath/thread.h>

#include "live.h"
#include "shell.h"

#define PROMPT "neurath> "
#define PIECE_BYTES 256u
#define LINES_PER_STEP 8u
#define FIRST_PROMPT 2u /* is_prompt_due: of the first session, since the start */
#define RETRY_US 100000

/* What a command writes to, on its way into a session. */
struct session_output {
    struct command_output output;
    struct session *session;
};

void session_keep(struct session *session, const char *text, size_t size)
{
    if (ring_put(&session->output, session->output_bytes, SESSION_OUTPUT_BYTES, text, size) <
        size) {
        session->is_cut = 1;
    }
}

static void keep_output(struct command_output *output, const char *text, size_t size)
{
    session_keep(container_of(output, struct session_output, output)->session, text, size);
}

/* True: all that was said is on the terminal. Turn held. */
static bool flush(struct session *session)
{
    char piece[PIECE_BYTES];

    while (ring_used(&session->output) > 0 || session->is_cut) {
        if (ring_used(&session->output) == 0) {
            session->is_cut = 0;
            session_keep(session, "\n(the rest was too long)\n", 25);
        }
        size_t count = ring_peek(&session->output, session->output_bytes, SESSION_OUTPUT_BYTES, 0,
                                 piece, sizeof(piece));
        int written = session->ops.write(session->ops.unit, piece, count);
        if (written <= 0) {
            return false; /* the terminal signals, or leaves */
        }
        session->output.tail += (uint32_t)MIN((size_t)written, count);
    }
    return true;
}

/* Tells of transactions that have ended. Turn held. */
static void tell_reports(struct session *session, struct command_output *output)
{
    struct swap_report report;

    for (unsigned i = 0; i < SESSION_TICKETS; i++) {
        if (session->tickets[i] == 0) {
            continue;
        }
        int result = swap_read_report(session->tickets[i], &report);
        if (result == -EAGAIN) {
            continue;
        }
        if (result == 0) {
            shell_print_report(output, &report);
        } else {
            command_print(output, "ticket %u: its report is gone\n", session->tickets[i]);
        }
        session->tickets[i] = 0;
    }
}

/* Turn held. */
static void remember_ticket(struct session *session, uint32_t ticket, struct command_output *output)
{
    for (unsigned i = 0; i < SESSION_TICKETS; i++) {
        if (session->tickets[i] == 0) {
            session->tickets[i] = ticket;
            return;
        }
    }
    command_print(output, "ticket %u; ask for its report\n", ticket);
}

/* The terminal has gone, and its events with it. Turn held. */
static void disconnect(struct session *session)
{
    for (unsigned i = 0; i < ARRAY_SIZE(session->workers); i++) {
        if (session->workers[i] > 0) {
            (void)worker_stop(session->workers[i]); /* it may have ended with its event */
        }
        session->workers[i] = 0;
    }
    session->is_lost = 0;
    session->is_cut = 0;
    session->is_line_due = 0;
    session->is_live = 0;
    session->output = (struct ring){};
    memset(session->tickets, 0, sizeof(session->tickets));
    session->ops = (struct terminal_ops){};
    __atomic_store_n(&session->terminal, 0, __ATOMIC_RELEASE);
}

/* Runs the session's line. Turn held. False: it is to be run again later. */
static bool run_line(struct session *session, struct command_output *output)
{
    struct shell_run run = {.output = output};
    int result = shell_run_line(session->line, &run); /* the command has said what went wrong */
    session->is_line_due = result == -EINPROGRESS;
    if (session->is_line_due) {
        return false;
    }
    if (result == COMMAND_LIVE && live_begin(session)) {
        return true;
    }
    session->is_prompt_due = 1;
    if (run.ticket != 0) {
        remember_ticket(session, run.ticket, output);
    }
    return true;
}

static void set_prompt(struct session *session)
{
    bool is_first = session->is_prompt_due == FIRST_PROMPT;
    session->is_prompt_due = 0;
    (void)session->ops.set_prompt(session->ops.unit, PROMPT); /* has no errors */
    if (is_first) {
        log_info("shell: ready");
    }
}

/* Turn held. Returns as a worker's step. */
static int work(struct session *session)
{
    struct session_output said = {.output.write = keep_output, .session = session};

    if (__atomic_load_n(&session->is_lost, __ATOMIC_ACQUIRE)) {
        disconnect(session);
    }
    for (unsigned lines = 0; session->terminal != 0 && lines < LINES_PER_STEP; lines++) {
        if (!flush(session)) {
            return -EAGAIN;
        }
        if (session->is_live) {
            int wait_us = live_show(session);
            if (wait_us > 0 && ring_used(&session->output) == 0) {
                return wait_us;
            }
            continue;
        }
        tell_reports(session, &said.output);
        if (!flush(session)) {
            return -EAGAIN;
        }
        if (session->is_prompt_due) {
            set_prompt(session);
        }
        if (!session->is_line_due &&
            session->ops.read_line(session->ops.unit, session->line, sizeof(session->line)) < 0) {
            return -EAGAIN;
        }
        if (!run_line(session, &said.output)) {
            return COMMAND_SOON_US;
        }
    }
    return session->terminal != 0 ? 0 : -EAGAIN;
}

/* argument: the session. */
static int step(void *argument)
{
    struct session *session = argument;
    if (!turn_take(&session->turn)) {
        return -EAGAIN;
    }
    int result;
    do {
        result = work(session);
        if (result == 0) {
            turn_leave(&session->turn);
            return 0;
        }
    } while (turn_pass(&session->turn));
    return result;
}

/* A transaction has ended. argument: the shell's state. */
static int report_step(void *argument)
{
    struct shell *shell = argument;
    int result = -EAGAIN;
    for (uint32_t i = 0; i < shell->session_count; i++) {
        int again = step(shell->sessions[i]);
        if (again >= 0 && (result < 0 || again < result)) {
            result = again;
        }
    }
    return result;
}

static struct session *find_session(const struct shell *shell, uint32_t terminal)
{
    for (uint32_t i = 0; i < shell->session_count; i++) {
        if (__atomic_load_n(&shell->sessions[i]->terminal, __ATOMIC_ACQUIRE) == terminal) {
            return shell->sessions[i];
        }
    }
    return NULL;
}

/* A session without a terminal, or NULL. */
static struct session *take_session(struct shell *shell)
{
    struct session *session = find_session(shell, 0);
    if (!session && shell->session_count < SESSIONS) {
        session = heap_new(struct session);
        if (session) {
            shell->sessions[shell->session_count] = session;
            __atomic_store_n(&shell->session_count, shell->session_count + 1, __ATOMIC_RELEASE);
        }
    }
    return session;
}

static int connect(struct shell *shell, const struct offer *offer)
{
    struct session *session = take_session(shell);
    if (!session) {
        return -ENOMEM;
    }
    memcpy(&session->ops, offer->table, sizeof(session->ops));
    session->is_prompt_due = shell->session_count == 1 ? FIRST_PROMPT : 1;
    if (session->ops.take_keys) {
        (void)session->ops.take_keys(session->ops.unit, false); /* has no errors */
    }
    __atomic_store_n(&session->terminal, offer->id, __ATOMIC_RELEASE);
    struct worker_config config = {
        .name = "shell lines", .step = step, .argument = session, .event = session->ops.line_ready};
    session->workers[0] = worker_start(&config);
    config.name = "shell output";
    config.event = session->ops.writable;
    session->workers[1] = worker_start(&config);
    if (session->workers[0] > 0 && session->workers[1] > 0) {
        return 0;
    }
    __atomic_store_n(&session->is_lost, 1, __ATOMIC_RELEASE);
    (void)step(session);
    return -ENOMEM;
}

/* Follows the offers: leaves terminals that went, serves those that came. */
static int watch_step(void *argument)
{
    struct shell *shell = argument;
    struct offer offer;
    bool is_there[SESSIONS] = {};
    int result = -EAGAIN;

    for (uint32_t id = 0; offer_find(TERMINAL_KIND, NULL, id, &offer) == 0; id = offer.id) {
        for (uint32_t i = 0; i < shell->session_count; i++) {
            is_there[i] |= shell->sessions[i]->terminal == offer.id;
        }
    }
    for (uint32_t i = 0; i < shell->session_count; i++) {
        if (shell->sessions[i]->terminal != 0 && !is_there[i]) {
            __atomic_store_n(&shell->sessions[i]->is_lost, 1, __ATOMIC_RELEASE);
            (void)step(shell->sessions[i]); /* or whoever has the turn goes round once more */
        }
    }
    for (uint32_t id = 0; offer_find(TERMINAL_KIND, NULL, id, &offer) == 0; id = offer.id) {
        if (find_session(shell, offer.id)) {
            continue;
        }
        if (connect(shell, &offer) < 0) {
            log_warning("shell: no session for terminal %s", offer.name);
            result = RETRY_US;
        }
    }
    return result;
}

int sessions_start(struct shell *shell)
{
    const struct worker_config workers[] = {
        {.name = "shell terminals", .step = watch_step, .argument = shell, .event = offer_event()},
        {.name = "shell reports", .step = report_step, .argument = shell, .event = swap_event()},
    };
    for (unsigned i = 0; i < ARRAY_SIZE(workers); i++) {
        int result = worker_start(&workers[i]);
        if (result < 0) {
            return result;
        }
    }
    return 0;
}

int sessions_check(const struct shell *shell)
{
    for (uint32_t i = 0; i < shell->session_count; i++) {
        if (ring_used(&shell->sessions[i]->output) > SESSION_OUTPUT_BYTES) {
            return -EIO;
        }
    }
    return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * Sessions: one for each terminal that is offered.
 *
 * Two workers of a session wait for a line and for room, one of the shell's for the end of a
 * transaction; all call the same step, which one of them at a time carries out (lib/turn.h). What a
 * command says is kept in the session until its terminal takes it, so no step waits, and the next
 * line is run when all has been said. A session whose terminal has gone is used for the next one,
 * and is never freed: a worker may yet be on its way into it. A line whose command waits for
 * something is kept, and run again; so is one whose command shows a picture of now (COMMAND_LIVE),
 * each second, until a key ends it.
 */
#pragma once

#include <interface/terminal.h>
#include <lib/ring.h>
#include <lib/turn.h>
#include <neurath/compiler.h>

#define SESSIONS 8u
#define SESSION_OUTPUT_BYTES 16384u
#define SESSION_TICKETS 16u

/* All of it belongs to who holds the turn, but where it says otherwise. */
struct session {
    struct turn turn;
    uint32_t terminal;  /* the offer's id; 0: none. Set by the watcher's worker, cleared in turn */
    uint32_t is_lost;   /* 1: the terminal has gone. Set by the watcher's worker */
    int32_t workers[2]; /* 0: none */
    struct terminal_ops ops;
    uint32_t is_prompt_due;
    uint32_t is_line_due; /* 1: the line has not been carried out, and is to be run again */
    uint32_t is_cut;      /* 1: there was no room for all that a command said */
    uint32_t is_live;     /* 1: what the line's command says is a picture, see live.h */
    int32_t key;          /* the last one that the picture's command took; 0: none */
    int32_t wanted_key;   /* the last one pressed since, or the same */
    uint64_t refresh_ns;  /* when the picture is shown again */
    uint32_t tickets[SESSION_TICKETS]; /* transactions under way; 0: free */
    struct ring output;
    uint8_t output_bytes[SESSION_OUTPUT_BYTES];
    char line[TERMINAL_LINE_BYTES];
};

/*
 * Keeps what is said until the terminal takes it; what there is no room for is left out, and that
 * is told. Turn held.
 */
void session_keep(struct session *session, const char *text, size_t size);

struct shell {
    uint32_t session_count; /* they only become more */
    struct session *sessions[SESSIONS];
};

/* Starts serving what terminals there are and will be. 0; < 0: no worker. Context: thread. */
int sessions_start(struct shell *shell);

/* 0; -EIO: a session makes no sense. Context: thread. */
int sessions_check(const struct shell *shell);

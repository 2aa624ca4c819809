/* SPDX-License-Identifier: MIT */
/*
 * A command's picture of now, on a session's terminal: shown again each second in the place of the
 * one before, until q, Ctrl-C or Enter. All of it belongs to who holds the session's turn.
 */
#pragma once

#include <interface/command.h>

#include "session.h"

/*
 * The session's line has said what is a picture. It is to be shown, and keys are taken. False: the
 * terminal has no keys, what was said is all.
 */
bool live_begin(struct session *session);

/*
 * Takes keys, and runs the line again when it is time; nothing waits for the terminal before. What
 * is to be shown is kept; of a picture that is too long, lines before the last one are left out,
 * which is said there. Returns after how many microseconds it is to be called again; 0: the display
 * has ended, or is to be shown first, or there may be more keys.
 */
int live_show(struct session *session);

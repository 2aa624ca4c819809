/* SPDX-License-Identifier: MIT */
/* Accounts in a terminal: see top.h. */
#include "tools/nr/top.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "lib/line_editor.h"

#define REFRESH_MS 1000 /* no more than PORT_TELL_MS: this terminal is drawn on */
#define CTRL_C 3
#define KEY_BYTES 16 /* the first one is a word of the user's */

/* The terminal, as the handler of signals puts it back. */
static struct termios terminal_before;
static int terminal_fd;

int top_fetch(const struct top *top, const char *key, char text[TOP_TEXT_BYTES], struct why *why)
{
    struct session session;
    char line[64];
    char *said = NULL;
    int result = session_open(&session, &top->place, why);
    if (result == 0) {
        snprintf(line, sizeof(line), "top %s", key);
        result = client_run(&session.client, line, &said, why);
    }
    session_close(&session);
    if (result == 0) {
        snprintf(text, TOP_TEXT_BYTES, "%s", said);
    }
    free(said);
    return result;
}

static unsigned count_lines(const char *text)
{
    unsigned lines = 0;
    while ((text = strchr(text, '\n')) != NULL) {
        lines++;
        text++;
    }
    return lines;
}

/* ECMA-48: CUP to the first cell; EL, ED from the cursor on. The last row and column stay free. */
size_t top_draw(const char *text, unsigned rows, unsigned columns, char drawn[TOP_DRAWN_BYTES])
{
    unsigned lines = count_lines(text);
    size_t length = (size_t)sprintf(drawn, "\033[H");
    for (unsigned line = 0; line < lines; line++) {
        unsigned size = (unsigned)strcspn(text, "\n");
        bool is_last = line + 1 == lines;
        if (is_last || line + 2 < rows) {
            unsigned shown = size < columns ? size : columns - 1;
            length += (size_t)sprintf(drawn + length, "%.*s%s\r\n", (int)shown, text,
                                      is_last ? "\033[J" : "\033[K");
        }
        text += size + 1;
    }
    return length;
}

/* What is on its way between board and terminal. */
struct view {
    struct top top;
    int input, output;
    bool is_drawn, is_there;                /* there is a picture; it is the board's */
    char key[KEY_BYTES], wanted[KEY_BYTES]; /* the one that is shown; the one pressed last */
    struct line_editor keys;                /* tells keys from the sequences that arrows send */
    char text[TOP_TEXT_BYTES];
    char drawn[TOP_DRAWN_BYTES];
};

static int put_all(int output, const char *bytes, size_t size, struct why *why)
{
    while (size > 0) {
        ssize_t written = write(output, bytes, size);
        if (written < 0 && errno != EINTR) {
            return why_set(why, -errno, "the terminal: %s", strerror(errno));
        }
        bytes += written > 0 ? written : 0;
        size -= written > 0 ? (size_t)written : 0;
    }
    return 0;
}

/*
 * A key that the board refuses is none. While others are at the line the picture stays as it is, or
 * says so if there is none.
 */
static int fetch(struct view *view, struct why *why)
{
    int result = view->top.fetch(&view->top, view->wanted, view->text, why);
    if (result == -EREMOTEIO && strcmp(view->wanted, view->key) != 0) {
        strcpy(view->wanted, view->key);
        result = view->top.fetch(&view->top, view->key, view->text, why);
    }
    if (result == 0) {
        strcpy(view->key, view->wanted);
        view->is_there = true;
    } else if (result == -EBUSY && !view->is_there) {
        snprintf(view->text, sizeof(view->text), "%s\n", why->text);
    }
    return result == -EBUSY ? 0 : result;
}

static int refresh(struct view *view, struct why *why)
{
    struct winsize size = {.ws_row = 24, .ws_col = 80};
    int result = fetch(view, why);
    if (result < 0) {
        return result;
    }
    if (ioctl(view->output, TIOCGWINSZ, &size) < 0 || size.ws_row < 2 || size.ws_col < 2) {
        size = (struct winsize){.ws_row = 24, .ws_col = 80};
    }
    size_t length = top_draw(view->text, size.ws_row, size.ws_col, view->drawn);
    result = view->is_drawn ? 0 : put_all(view->output, "\033[2J", 4, why);
    view->is_drawn = true;
    return result < 0 ? result : put_all(view->output, view->drawn, length, why);
}

/* False: it is to end. */
static bool take_keys(struct view *view)
{
    uint8_t bytes[64];
    ssize_t count = read(view->input, bytes, sizeof(bytes));
    for (ssize_t i = 0; i < count; i++) {
        int key = line_editor_read_key(&view->keys, bytes[i]);
        if (key == 'q' || key == '\r' || key == CTRL_C) {
            return false;
        }
        if (key > ' ' && key < 0x7f) {
            view->wanted[0] = (char)key;
            view->wanted[1] = '\0';
        }
    }
    return count > 0 || (count < 0 && errno == EINTR);
}

static int follow(struct view *view, struct why *why)
{
    struct pollfd wait = {.fd = view->input, .events = POLLIN};
    uint64_t next_ms = 0;
    for (;;) {
        uint64_t now = now_ms();
        if (now >= next_ms || strcmp(view->wanted, view->key) != 0) {
            int result = refresh(view, why);
            if (result < 0) {
                return result;
            }
            next_ms = (now = now_ms()) + REFRESH_MS;
        }
        if (poll(&wait, 1, (int)(next_ms - now)) > 0 && !take_keys(view)) {
            return 0;
        }
    }
}

/* Ends the process, as the signal would have. */
static void end(int signal)
{
    struct sigaction action = {.sa_handler = SIG_DFL};
    (void)tcsetattr(terminal_fd, TCSANOW, &terminal_before); /* it may be gone */
    (void)sigaction(signal, &action, NULL);
    (void)raise(signal);
}

/* Signals come as ever, so that ^C ends it while it waits for the board; ^Z does nothing. */
static int follow_raw(struct view *view, struct why *why)
{
    struct sigaction action = {.sa_handler = end}, before[3];
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    struct termios raw;

    if (tcgetattr(view->input, &terminal_before) < 0) {
        return why_set(why, -errno, "the terminal: %s", strerror(errno));
    }
    terminal_fd = view->input;
    for (unsigned i = 0; i < 3; i++) {
        sigaction(signals[i], NULL, &before[i]);
        if (before[i].sa_handler != SIG_IGN) {
            sigaction(signals[i], &action, NULL);
        }
    }
    raw = terminal_before;
    cfmakeraw(&raw);
    raw.c_lflag |= ISIG;
    raw.c_cc[VSUSP] = raw.c_cc[VQUIT] = _POSIX_VDISABLE;
    tcsetattr(view->input, TCSADRAIN, &raw);
    int result = follow(view, why);
    tcsetattr(view->input, TCSADRAIN, &terminal_before);
    for (unsigned i = 0; i < 3; i++) {
        sigaction(signals[i], &before[i], NULL);
    }
    return result;
}

int top_run(const struct top *top, const char *key, int input, int output, struct why *why)
{
    static struct view view; /* too large for a stack */
    view = (struct view){.top = *top, .input = input, .output = output};
    snprintf(view.key, sizeof(view.key), "%s", key);
    strcpy(view.wanted, view.key);
    if (isatty(input) && isatty(output)) {
        view.top.place.wait_ms = REFRESH_MS; /* so that keys are looked at */
        return follow_raw(&view, why);
    }
    int result = top->fetch(top, key, view.text, why);
    return result < 0 ? result : put_all(output, view.text, strlen(view.text), why);
}

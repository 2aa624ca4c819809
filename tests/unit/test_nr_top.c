/* SPDX-License-Identifier: MIT */
/*
 * `nr top` in a terminal of pretence, with a board of pretence that knows two keys.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>

/* Of port.c and client.c, which test_nr.c brings along. */
#define now_ms client_now_ms
#include "tools/nr/top.c"

#define ROWS 5
#define COLUMNS 12

static int terminal, board_end; /* the terminal's two ends: what a person sees, what nr has */
static char asked[256];         /* keys, a bar behind each */
static char picture[256] = "the first line\ntwo\nthree\nfour\nfive\nlast\n";
static int fails_with;

static int pretend(const struct top *top, const char *key, char text[TOP_TEXT_BYTES],
                   struct why *why)
{
    (void)top;
    strcat(strcat(asked, key), "|");
    if (fails_with < 0) {
        return why_set(why, fails_with, "the line is cut");
    }
    if (key[0] && strcmp(key, "a") != 0 && strcmp(key, "b") != 0) {
        return why_set(why, -EREMOTEIO, "usage");
    }
    strcpy(text, picture);
    return 0;
}

static const struct top top = {"", 0, pretend};

static void begin(void)
{
    struct winsize size = {.ws_row = ROWS, .ws_col = COLUMNS};
    terminal = posix_openpt(O_RDWR | O_NOCTTY);
    cr_assert_geq(terminal, 0);
    cr_assert_eq(grantpt(terminal), 0);
    cr_assert_eq(unlockpt(terminal), 0);
    board_end = open(ptsname(terminal), O_RDWR | O_NOCTTY);
    cr_assert_geq(board_end, 0);
    cr_assert_eq(ioctl(terminal, TIOCSWINSZ, &size), 0);
}

TestSuite(nr_top, .init = begin);

static void *run(void *argument)
{
    struct why why;
    return (void *)(intptr_t)top_run(&top, argument, board_end, board_end, &why);
}

/* Reads what is shown up to some text. */
static void see(const char *wanted)
{
    static char seen[4096];
    size_t length = 0;
    memset(seen, 0, sizeof(seen));
    while (!strstr(seen, wanted)) {
        cr_assert_lt(length + 1, sizeof(seen), "not seen: %s", wanted);
        cr_assert_eq(read(terminal, seen + length, 1), 1);
        length++;
    }
}

static void press(const char *keys)
{
    cr_assert_eq(write(terminal, keys, strlen(keys)), (ssize_t)strlen(keys));
}

static void is_as_before(const struct termios *before)
{
    struct termios now;
    cr_assert_eq(tcgetattr(board_end, &now), 0);
    cr_expect_eq(now.c_lflag, before->c_lflag);
    cr_expect_eq(now.c_iflag, before->c_iflag);
    cr_expect_eq(now.c_oflag, before->c_oflag);
}

Test(nr_top, shows_sorts_and_leaves_the_terminal_as_it_was)
{
    struct termios before;
    pthread_t thread;
    void *result;
    cr_assert_eq(tcgetattr(board_end, &before), 0);
    pthread_create(&thread, NULL, run, "");
    see("\033[2J\033[Hthe first l\033[K\r\ntwo\033[K\r\nthree\033[K\r\nlast\033[J\r\n");
    press("\033[A");
    see("\033[H"); /* a second later */
    press("b");
    see("\033[H");
    press("z");
    see("\033[H");
    press("q");
    pthread_join(thread, &result);
    cr_expect_eq((intptr_t)result, 0);
    cr_expect_eq(strncmp(asked, "||", 2), 0, "%s", asked);
    cr_expect_not_null(strstr(asked, "|b|"), "%s", asked);
    cr_expect_not_null(strstr(asked, "|z|b|"), "%s", asked);
    is_as_before(&before);
}

Test(nr_top, leaves_the_terminal_as_it_was_when_it_is_ended)
{
    struct termios before;
    pthread_t thread;
    void *result;
    cr_assert_eq(tcgetattr(board_end, &before), 0);
    pthread_create(&thread, NULL, run, "a");
    see("\033[J");
    cr_assert_eq(kill(getpid(), SIGTERM), 0);
    pthread_join(thread, &result);
    cr_expect_eq((intptr_t)result, 0);
    cr_expect_eq(strncmp(asked, "a|", 2), 0, "%s", asked);
    is_as_before(&before);
}

Test(nr_top, ends_with_the_line)
{
    struct termios before;
    pthread_t thread;
    void *result;
    cr_assert_eq(tcgetattr(board_end, &before), 0);
    pthread_create(&thread, NULL, run, "a");
    see("\033[J");
    fails_with = -ECONNRESET;
    pthread_join(thread, &result);
    cr_expect_eq((intptr_t)result, -ECONNRESET);
    is_as_before(&before);
}

Test(nr_top, prints_once_where_there_is_no_terminal)
{
    struct why why;
    int ends[2];
    char text[256] = "";
    cr_assert_eq(pipe(ends), 0);
    cr_expect_eq(top_run(&top, "b", board_end, ends[1], &why), 0);
    cr_expect_eq(read(ends[0], text, sizeof(text) - 1), (ssize_t)strlen(picture));
    cr_expect_str_eq(text, picture);
    cr_expect_str_eq(asked, "b|");
    cr_expect_eq(top_run(&top, "x", board_end, ends[1], &why), -EREMOTEIO);
    cr_expect_str_eq(why.text, "usage");
    asked[0] = '\0';
    cr_expect_eq(top_run(&top, "cpu", board_end, board_end, &why), -EREMOTEIO);
    cr_expect_str_eq(asked, "cpu|");
}

Test(nr_top, draws_no_more_than_there_is_room_for)
{
    static char text[TOP_TEXT_BYTES], drawn[TOP_DRAWN_BYTES];
    memset(text, '\n', sizeof(text) - 1);
    cr_expect_lt(top_draw(text, UINT16_MAX, UINT16_MAX, drawn), sizeof(drawn));
    cr_expect_eq(top_draw("only\n", 2, 2, drawn), 9u);
    cr_expect_str_eq(drawn, "\033[Ho\033[J\r\n");
}

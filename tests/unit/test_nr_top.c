/* SPDX-License-Identifier: MIT */
/*
 * `nr top` in a terminal of pretence, with a board of pretence that knows two keys.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>

/* Of port.c and client.c, which test_nr.c brings along. */
#define now_ms client_now_ms
#include "tools/nr/top.c"

#define ROWS 5
#define COLUMNS 12
#define SEEN_MS 15000

static int terminal, board_end; /* the terminal's two ends: what a person sees, what nr has */
static char asked[256];         /* keys, a bar behind each */
static unsigned refusals;
static volatile int fails_with;
static volatile bool is_stuck; /* it does not answer */

/* A picture that begins with the key and the number of refusals, so that they are seen. */
static int pretend(const struct top *top, const char *key, char text[TOP_TEXT_BYTES],
                   struct why *why)
{
    (void)top;
    strcat(strcat(asked, key), "|");
    while (is_stuck) {
        pause();
    }
    if (fails_with < 0) {
        return why_set(why, fails_with, "in use");
    }
    if (key[0] && strcmp(key, "a") != 0 && strcmp(key, "b") != 0) {
        refusals++;
        return why_set(why, -EREMOTEIO, "usage");
    }
    snprintf(text, TOP_TEXT_BYTES, "%s.%u first line\ntwo\nthree\nfour\nfive\nlast\n",
             key[0] ? key : "-", refusals);
    return 0;
}

static const struct top top = {.fetch = pretend};

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
    uint64_t end_ms = now_ms() + SEEN_MS;
    struct pollfd wait = {.fd = terminal, .events = POLLIN};
    size_t length = 0;
    memset(seen, 0, sizeof(seen));
    while (!strstr(seen, wanted)) {
        cr_assert(length + 1 < sizeof(seen) && now_ms() < end_ms && poll(&wait, 1, SEEN_MS) == 1,
                  "not seen: %s", wanted);
        cr_assert_eq(read(terminal, seen + length, 1), 1);
        length++;
    }
}

static void press(const char *keys)
{
    cr_assert_eq(write(terminal, keys, strlen(keys)), (ssize_t)strlen(keys));
}

static bool is_as(const struct termios *before)
{
    struct termios now;
    return tcgetattr(board_end, &now) == 0 && now.c_lflag == before->c_lflag &&
           now.c_iflag == before->c_iflag && now.c_oflag == before->c_oflag &&
           memcmp(now.c_cc, before->c_cc, sizeof(now.c_cc)) == 0;
}

static void is_as_before(const struct termios *before)
{
    cr_expect(is_as(before));
}

Test(nr_top, shows_sorts_and_leaves_the_terminal_as_it_was)
{
    struct termios before;
    pthread_t thread;
    void *result;
    cr_assert_eq(tcgetattr(board_end, &before), 0);
    pthread_create(&thread, NULL, run, "");
    see("\033[2J\033[H-.0 first l\033[K\r\ntwo\033[K\r\nthree\033[K\r\nlast\033[J\r\n");
    press("b");
    see("\033[Hb.0");
    see("\033[J");
    press("\033[a"); /* as an arrow would, but for a letter that is a key */
    see("\033[J");
    see("\033[J");
    press("z");
    see("\033[Hb.1");
    press("q");
    pthread_join(thread, &result);
    cr_expect_eq((intptr_t)result, 0);
    cr_expect_eq(strncmp(asked, "|", 1), 0, "%s", asked);
    cr_expect_not_null(strstr(asked, "|z|b|"), "%s", asked);
    cr_expect_null(strstr(asked, "|a|"), "%s", asked);
    is_as_before(&before);
}

Test(nr_top, keeps_its_picture_while_others_are_at_the_line)
{
    pthread_t thread;
    void *result;
    fails_with = -EBUSY;
    pthread_create(&thread, NULL, run, "");
    see("\033[Hin use\033[J");
    fails_with = 0;
    see("\033[H-.0");
    see("\033[J");
    fails_with = -EBUSY;
    press("b");
    see("\033[H-.0");
    fails_with = 0;
    see("\033[Hb.0"); /* the key is not lost */
    press("q");
    pthread_join(thread, &result);
    cr_expect_eq((intptr_t)result, 0);
}

/*
 * The leader of a session of its own, with the terminal: it outlives nr, and its exit status is the
 * signal that ended that; 0: none, or the terminal is not as it was.
 */
static pid_t lead_session(void)
{
    struct termios before;
    int status;
    pid_t leader = fork();
    if (leader != 0) {
        return leader;
    }
    if (setsid() < 0 || ioctl(board_end, TIOCSCTTY, 0) < 0 || tcgetattr(board_end, &before) < 0) {
        _exit(0);
    }
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    pid_t child = fork();
    if (child == 0) {
        signal(SIGINT, SIG_DFL);
        signal(SIGTERM, SIG_DFL);
        (void)run("a");
        _exit(0);
    }
    _exit(waitpid(child, &status, 0) == child && WIFSIGNALED(status) && is_as(&before)
              ? WTERMSIG(status)
              : 0);
}

static void expect_end(pid_t leader, int wanted)
{
    int status;
    cr_assert_eq(waitpid(leader, &status, 0), leader);
    cr_expect(WIFEXITED(status));
    cr_expect_eq(WEXITSTATUS(status), wanted);
}

Test(nr_top, leaves_the_terminal_as_it_was_when_it_is_ended)
{
    pid_t leader = lead_session();
    see("\033[J");
    cr_assert_eq(kill(-leader, SIGTERM), 0);
    expect_end(leader, SIGTERM);
}

/* The terminal is raw before the board is asked: ^C comes when it shows by the missing echo. */
Test(nr_top, is_ended_by_ctrl_c_though_the_board_does_not_answer)
{
    struct termios now;
    is_stuck = true;
    pid_t leader = lead_session();
    do {
        poll(NULL, 0, 5);
        cr_assert_eq(tcgetattr(board_end, &now), 0);
    } while (now.c_lflag & ECHO);
    press("\032\034\003"); /* ^Z and ^\ do nothing */
    expect_end(leader, SIGINT);
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
    cr_expect_gt(read(ends[0], text, sizeof(text) - 1), 0);
    cr_expect_str_eq(text, "b.0 first line\ntwo\nthree\nfour\nfive\nlast\n");
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

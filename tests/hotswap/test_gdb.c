/* SPDX-License-Identifier: MIT */
/*
 * images/gdb.py: a debugger knows the components that are loaded, and which of two versions a
 * breakpoint is met in. gdb runs beside the test by a script of its own, test_gdb.gdb.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/hotswap/suite.h"
#include "tools/nr/port.h"

#define STUB "build/tests/" SUITE_MACHINE ".gdb"
#define GDB_ANSWER_MS 60000

static pid_t debugger;
static int output = -1;
static char text[16384]; /* all it has said */
static size_t size;

static void start_debugger(void)
{
    int ends[2];
    char said[256];
    must(machine_monitor(&machine, "gdbserver unix:" STUB ",server=on,wait=off", said, sizeof(said),
                         &why));
    cr_assert_eq(pipe(ends), 0);
    debugger = fork();
    if (debugger == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
        dup2(ends[1], STDOUT_FILENO);
        dup2(ends[1], STDERR_FILENO);
        execlp("gdb-multiarch", "gdb-multiarch", "-nx", "-q", "-batch", "build/neurath.elf", "-x",
               "tests/hotswap/test_gdb.gdb", NULL);
        _exit(127);
    }
    close(ends[1]);
    output = ends[0];
}

/* Also after a failure: nobody else's machine stays stopped. */
static void end(void)
{
    if (debugger > 0) {
        kill(debugger, SIGKILL);
        waitpid(debugger, NULL, 0);
    }
    char said[256];
    (void)machine_monitor(&machine, "gdbserver none", said, sizeof(said), &why);
    (void)machine_monitor(&machine, "cont", NULL, 0, &why);
    suite_detach();
}

TestSuite(gdb, .init = suite_attach, .fini = end, .timeout = 240);

/* Waits until the debugger says it; returns what it has said since the last time. */
static const char *expect(const char *mark)
{
    static size_t begin;
    const char *found;
    uint64_t deadline = now_ms() + GDB_ANSWER_MS;
    while (!(found = strstr(text + begin, mark))) {
        struct pollfd wait = {.fd = output, .events = POLLIN};
        uint64_t now = now_ms();
        ssize_t got = now < deadline && poll(&wait, 1, (int)(deadline - now)) > 0
                          ? read(output, text + size, sizeof(text) - 1 - size)
                          : 0;
        cr_assert_gt(got, 0, "gdb has not said \"%s\", but: %s", mark, text);
        size += (size_t)got;
    }
    const char *since = text + begin;
    begin = (size_t)(found - text) + strlen(mark);
    return since;
}

/* What gdb says of a stop in this function of this object. */
#define must_say(said, words)                                                                      \
    cr_assert_not_null(strstr(said, words), "gdb does not say \"%s\", but: %s", words, said)

Test(gdb, breakpoint_moves_along_when_its_component_is_replaced)
{
    start_debugger();
    expect("is ready");
    suite_run("drive start");
    const char *said = expect("has met 1");
    must_say(said, "counter_increment (total=");
    must_say(said, "at components/counter/counter.c:");
    must_say(said, "/build/components/counter/counter.o");
    must_say(said, "components/load/load.c:"); /* who called it, another component */

    suite_run("drive stop");
    must(machine_push(&machine, PACKAGE("counter-1.0.0"), "", NULL, &why));
    (void)suite_world(); /* the old one and its symbols are gone */
    suite_run("counter");
    must_say(expect("has met 2"), "run in section .text");

    suite_run("drive start");
    said = expect("has met 3");
    must_say(said, "counter_increment in section .text");
    must_say(said, "/build/components/counter-1.0.0/counter.o");
    must_say(said, "= 1"); /* the state, adopted, is still where the symbols say */
    cr_assert_null(strstr(said, "components/counter/counter.o"), "old version's symbols: %s", said);

    suite_run("drive stop");
    must(machine_push(&machine, PACKAGE("counter-1.1.0"), "", NULL, &why));
}

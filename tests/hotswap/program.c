/* SPDX-License-Identifier: MIT */
/* Programs of the host: see program.h. */
#include "tests/hotswap/program.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/nr/port.h"

void program_start(struct program *program, const char *line)
{
    struct winsize size = {.ws_row = 60, .ws_col = 100};
    program->size = program->expected = 0;
    program->text[0] = 0;
    program->pid = forkpty(&program->terminal, NULL, NULL, &size);
    cr_assert_geq(program->pid, 0);
    if (program->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        unsetenv("MAKEFLAGS");
        unsetenv("MFLAGS");
        unsetenv("MAKELEVEL");
        char command[512];
        snprintf(command, sizeof(command), "exec %s", line); /* signals are for it alone */
        execl("/bin/sh", "sh", "-c", command, NULL);
        _exit(127);
    }
}

void program_type(struct program *program, const char *text)
{
    cr_assert_eq(write(program->terminal, text, strlen(text)), (ssize_t)strlen(text));
}

/* False: it has ended, or says nothing in time. */
static bool read_more(struct program *program, uint64_t end)
{
    struct pollfd wait = {.fd = program->terminal, .events = POLLIN};
    uint64_t now = now_ms();
    if (now >= end || poll(&wait, 1, (int)(end - now)) <= 0) {
        return false;
    }
    size_t room = PROGRAM_TEXT_BYTES - 1 - program->size;
    ssize_t got = read(program->terminal, program->text + program->size, room);
    program->size += got > 0 ? (size_t)got : 0;
    program->text[program->size] = 0;
    return got > 0; /* an error: nobody has the other end any more */
}

const char *program_expect(struct program *program, const char *text, unsigned timeout_ms)
{
    uint64_t end = now_ms() + timeout_ms;
    const char *found;
    while (!(found = strstr(program->text + program->expected, text))) {
        cr_assert(read_more(program, end), "no \"%s\" in: %s", text, program->text);
    }
    program->expected = (size_t)(found - program->text) + strlen(text);
    return found;
}

int program_end(struct program *program)
{
    int status;
    while (read_more(program, now_ms() + 20000)) {
    }
    kill(program->pid, SIGKILL); /* if it did not end; one that has ended is not there any more */
    cr_assert_eq(waitpid(program->pid, &status, 0), program->pid);
    close(program->terminal);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* SPDX-License-Identifier: MIT */
/*
 * Three machines: one that measures itself (tests/fixtures/bench) and is sent nothing meanwhile;
 * one with another nucleus, of which only a call is of interest; and the usual one, of which it is
 * looked how long it takes to start and what it uses.
 */
#include "measure.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/harness/direct.h"

#define BUILT "build/as/bench/build/"   /* with room for 1,024 components */
#define DIRECT "build/as/direct/build/" /* with CONFIG_GATE_DIRECT */
#define MEASURING_MS 600000
#define MARK "bench: "
#define PAGE 4096.0

static struct machine machine = {.qmp = -1, .log = -1, .lock = -1, .client = {.fd = -1}};

/* All lines "bench: KEY VALUE" of what the console said. */
static int read_lines(struct figures *figures, struct why *why)
{
    int result = 0;
    for (const char *at = machine.text; result == 0 && (at = strstr(at, MARK)); at++) {
        char key[64];
        double value;
        if (sscanf(at, MARK "%63[a-z0-9_] %lf", key, &value) == 2) {
            result = figures_add(figures, key, value, why);
        }
    }
    return result;
}

/* Starts the machine that measures itself, with this nucleus, and waits for these words of it. */
static int run_bench(const char *image, const char *words, struct why *why)
{
    const struct direct direct = {
        .name = "bench",
        .image = image,
        .bundle = BUILT "bench/boot.nrb",
        .card = BUILT "bench/neurath.img",
        .options = MACHINE_ONE_INSTRUCTION_PER_NS,
    };
    int result = direct_power_on(&machine, &direct, why);
    return result < 0 ? result : machine_expect(&machine, words, MEASURING_MS, why);
}

/* What a call takes where it leads past its gate. */
static int measure_direct(struct figures *figures, struct why *why)
{
    static struct figures direct;
    int result = run_bench(DIRECT "boot/Image", MARK "pointer_call_through_gate", why);
    if (result == 0) {
        result = read_lines(&direct, why);
    }
    machine_stop(&machine);
    const double *value = result == 0 ? figures_find(&direct, "gate_call") : NULL;
    if (!value) {
        return result < 0 ? result : why_set(why, -EPROTO, "the bench does not tell of gate_call");
    }
    return figures_add(figures, "gate_call_direct", *value, why);
}

static int measure_within(struct figures *figures, struct why *why)
{
    int result = run_bench(BUILT "boot/Image", MARK "end", why);
    const char *failure = result == 0 ? strstr(machine.text, "error: bench: ") : NULL;
    if (failure) {
        result = why_set(why, -EIO, "%.*s", (int)strcspn(failure, "\r\n"), failure);
    } else if (result == 0) {
        result = read_lines(figures, why);
    }
    machine_stop(&machine);
    return result;
}

/* The time before "] WORDS" in the log, in nanoseconds. */
static int read_time(const char *words, double *ns, struct why *why)
{
    char log[20000], mark[64];
    double seconds;
    int result = machine_run(&machine, "log 100", log, sizeof(log), why);
    if (result < 0) {
        return result;
    }
    snprintf(mark, sizeof(mark), "] %s", words);
    char *end = strstr(log, mark);
    char *begin = end;
    while (begin && begin > log && *begin != '[') {
        begin--;
    }
    if (!begin || sscanf(begin, "[ %lf]", &seconds) != 1) {
        return why_set(why, -EPROTO, "the log has no line \"%s\"", words);
    }
    *ns = seconds * 1e9;
    return 0;
}

static int measure_usual(struct figures *figures, struct why *why)
{
    const struct direct direct = {.name = "usual", .options = MACHINE_ONE_INSTRUCTION_PER_NS};
    struct machine_world world = {0};
    double ready_ns = 0;
    int result = direct_start(&machine, &direct, why);
    if (result == 0) {
        result = machine_read_world(&machine, &world, why);
    }
    if (result == 0) {
        result = read_time("shell: ready", &ready_ns, why);
    }
    machine_stop(&machine);
    if (result == 0) {
        result = figures_add(figures, "boot_to_shell", ready_ns, why);
    }
    return result < 0 ? result
                      : figures_add(figures, "ram_used_idle_bytes",
                                    (double)(world.pages - world.pages_free) * PAGE, why);
}

static int measure_nucleus(struct figures *figures, struct why *why)
{
    unsigned lines, headers, bytes;
    FILE *pipe = popen("tools/nucleus-size", "r");
    int count = pipe ? fscanf(pipe,
                              "The nucleus has %u lines of C and assembly and %u of headers"
                              " (without blank lines and comments), and %u bytes",
                              &lines, &headers, &bytes)
                     : 0;
    if (pipe && pclose(pipe) != 0) {
        count = 0;
    }
    if (count != 3) {
        return why_set(why, -EPROTO, "tools/nucleus-size does not say how large the nucleus is");
    }
    int result = figures_add(figures, "nucleus_text_bytes", bytes, why);
    return result < 0 ? result : figures_add(figures, "nucleus_lines", lines, why);
}

int measure_all(struct figures *figures, struct why *why)
{
    *figures = (struct figures){0};
    int result = measure_direct(figures, why);
    if (result == 0) {
        result = measure_within(figures, why);
    }
    if (result == 0) {
        result = measure_usual(figures, why);
    }
    return result < 0 ? result : measure_nucleus(figures, why);
}

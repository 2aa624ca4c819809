/* SPDX-License-Identifier: MIT */
/*
 * Three machines: one that measures itself (tests/fixtures/bench) and is sent nothing meanwhile;
 * one with another nucleus, of which only calls are of interest; and the usual one, of which it is
 * looked how long it takes to start and what it uses.
 */
#include "measure.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/harness/direct.h"

#define BUILT "build/as/bench/build/"   /* with room for 1,024 components */
#define DIRECT "build/as/direct/build/" /* with CONFIG_GATE_DIRECT */
#define IMAGE "build/boot/Image"
#define MEASURING_MS 600000
#define MARK "bench: "
#define AFTER_DIRECT "page_map_touch_unmap" /* what is told after the last that is of interest */
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

/* What a measurement does not find as it should be is no figure. */
static int find_failure(struct why *why)
{
    static const char *const kinds[] = {"error: " MARK, "warning: " MARK};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        const char *failure = strstr(machine.text, kinds[i]);
        if (failure) {
            return why_set(why, -EIO, "%.*s", (int)strcspn(failure, "\r\n"), failure);
        }
    }
    return 0;
}

/*
 * Starts the machine that measures itself, with this nucleus, and waits for these words of it. Its
 * figures are added.
 */
static int run_bench(struct figures *figures, const char *image, const char *words, struct why *why)
{
    const struct direct direct = {
        .name = "bench",
        .image = image,
        .bundle = BUILT "bench/boot.nrb",
        .card = BUILT "bench/neurath.img",
        .options = MACHINE_ONE_INSTRUCTION_PER_NS,
    };
    int result = direct_power_on(&machine, &direct, why);
    if (result == 0) {
        result = machine_expect(&machine, words, MEASURING_MS, why);
    }
    if (result == 0) {
        result = find_failure(why);
    }
    if (result == 0) {
        result = read_lines(figures, why);
    }
    machine_stop(&machine);
    return result;
}

/* Adds those figures of one kind, as KIND_direct and what follows. */
static int add_direct(struct figures *figures, const struct figures *direct, const char *kind,
                      struct why *why)
{
    char key[64];
    int result = -ENOENT;
    for (size_t i = 0; i < direct->count && (result == 0 || result == -ENOENT); i++) {
        const char *found = direct->list[i].key;
        size_t length = strlen(kind);
        if (!strncmp(found, kind, length) && (found[length] == '_' || !found[length])) {
            snprintf(key, sizeof(key), "%s_direct%s", kind, found + length);
            result = figures_add(figures, key, direct->list[i].value, why);
        }
    }
    return result == -ENOENT ? why_set(why, -EPROTO, "the bench does not tell of %s", kind)
                             : result;
}

/* Where calls lead past their gates: what they take, and what it takes that they lead elsewhere. */
static int measure_direct(struct figures *figures, struct why *why)
{
    static const char *const kinds[] = {"gate_call", "swap_blackout_vs_callsites",
                                        "swap_total_vs_callsites"};
    static struct figures direct;
    direct.count = 0;
    int result = run_bench(&direct, DIRECT "boot/Image", MARK AFTER_DIRECT, why);
    for (size_t i = 0; result == 0 && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        result = add_direct(figures, &direct, kinds[i], why);
    }
    return result;
}

/* The time before "] WORDS" on the console, in nanoseconds. */
static int read_time(const char *words, double *ns, struct why *why)
{
    char mark[64];
    double seconds;
    snprintf(mark, sizeof(mark), "] %s", words);
    int result = machine_expect(&machine, mark, MACHINE_BOOT_MS, why);
    if (result < 0) {
        return result;
    }
    char *begin = strstr(machine.text, mark);
    while (begin > machine.text && *begin != '[') {
        begin--;
    }
    if (sscanf(begin, "[ %lf]", &seconds) != 1) {
        return why_set(why, -EPROTO, "there is no time before \"%s\"", words);
    }
    *ns = seconds * 1e9;
    return 0;
}

/* Nothing is sent to it before it is ready. */
static int measure_usual(struct figures *figures, struct why *why)
{
    const struct direct direct = {.name = "usual", .options = MACHINE_ONE_INSTRUCTION_PER_NS};
    struct machine_world world = {0};
    double ready_ns = 0;
    int result = direct_power_on(&machine, &direct, why);
    if (result == 0) {
        result = read_time("shell: ready", &ready_ns, why);
    }
    if (result == 0) {
        result = machine_enter(&machine, why);
    }
    if (result == 0) {
        result = machine_read_world(&machine, &world, why);
    }
    machine_stop(&machine);
    if (result == 0) {
        result = figures_add(figures, "boot_to_shell", ready_ns, why);
    }
    if (result == 0) {
        result =
            figures_add(figures, "ram_used_idle_bytes",
                        (double)(world.pages - world.pages_free + world.page_tables) * PAGE, why);
    }
    return result < 0 ? result
                      : figures_add(figures, "ram_total_idle_bytes",
                                    (double)direct_ram_taken(&world), why);
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
    struct stat image;
    if (stat(IMAGE, &image) < 0) {
        return why_set(why, -errno, "%s: %s", IMAGE, strerror(errno));
    }
    int result = figures_add(figures, "nucleus_text_bytes", bytes, why);
    if (result == 0) {
        result = figures_add(figures, "nucleus_image_bytes", (double)image.st_size, why);
    }
    return result < 0 ? result : figures_add(figures, "nucleus_lines", lines, why);
}

int measure_all(struct figures *figures, struct why *why)
{
    *figures = (struct figures){0};
    int result = run_bench(figures, BUILT "boot/Image", MARK "end", why);
    if (result == 0) {
        result = measure_direct(figures, why);
    }
    if (result == 0) {
        result = measure_usual(figures, why);
    }
    return result < 0 ? result : measure_nucleus(figures, why);
}

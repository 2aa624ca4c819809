/* SPDX-License-Identifier: MIT */
/*
 * The demonstration: a card boots in QEMU, and while four CPUs call a service all the time every
 * subsystem is replaced. Tells it as a story, checks every claim, and says at the end what came of
 * it:
 *
 *     demo: ok swaps=N calls=N lost=0 duplicated=0 worst_blackout_us=X leaked_bytes=0
 *
 * No questions, no arguments. Exit status 0 only for ok.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/demo/blink.h"
#include "tests/harness/chatter.h"
#include "tests/harness/machine.h"
#include "tools/nr/port.h"

#define COUNTER_SWAPS 1000
#define UNDER_WAY 4 /* of those, at once */
#define REFUSED_MAX 20
#define UART_SWAPS 4
#define QUIET_MS 20000

struct demo {
    struct machine machine;
    struct chatter chatter;
    struct why why;
    uint64_t start_ms;
    bool is_silent; /* a rehearsal */
    unsigned swaps;
    uint64_t worst_blackout_ns;
    const char *uart; /* the driver of the console's port */
    uint64_t made, answered, failed, counted;
    uint64_t lost, duplicated;
    int64_t leaked_bytes;
};

__attribute__((format(printf, 2, 3))) static void tell(const struct demo *demo, const char *format,
                                                       ...)
{
    va_list arguments;
    va_start(arguments, format);
    printf("%6.1f s  ", (double)(now_ms() - demo->start_ms) / 1000);
    vprintf(format, arguments);
    putchar('\n');
    fflush(stdout);
    va_end(arguments);
}

static void on_text(void *context, const void *bytes, size_t size)
{
    struct demo *demo = context;
    chatter_hear(&demo->chatter, bytes, size);
}

static void count_swap(struct demo *demo, const struct client_report *report)
{
    demo->swaps++;
    if (report->blackout_ns > demo->worst_blackout_ns) {
        demo->worst_blackout_ns = report->blackout_ns;
    }
}

/* Pushes a package of the build and tells what it did. */
static int push(struct demo *demo, const char *package, const char *old)
{
    char path[128], words[256];
    struct client_report report;
    snprintf(path, sizeof(path), "build/packages/%s.nrb", package);
    int result = machine_push(&demo->machine, path, old, &report, &demo->why);
    if (result < 0) {
        return why_prepend(&demo->why, result, "pushing %s", package);
    }
    if (report.old[0]) {
        count_swap(demo, &report);
    }
    client_describe(&report, words, sizeof(words));
    if (demo->is_silent) {
        return 0;
    }
    tell(demo, "    %s%s", words, strstr(package, "+rebuilt") ? " (another build)" : "");
    return 0;
}

static int swap(struct demo *demo, const char *old, const char *package)
{
    char words[256];
    struct client_report report;
    int result = machine_swap(&demo->machine, old, package, &report, &demo->why);
    if (result < 0) {
        return why_prepend(&demo->why, result, "%s by %s", old, package);
    }
    count_swap(demo, &report);
    client_describe(&report, words, sizeof(words));
    tell(demo, "    %s", words);
    return 0;
}

static int run(struct demo *demo, const char *line, char *output, size_t size)
{
    int result = machine_run(&demo->machine, line, output, size, &demo->why);
    return result < 0 ? why_prepend(&demo->why, result, "\"%s\"", line) : 0;
}

static int boot(struct demo *demo)
{
    struct machine_world world;
    tell(demo, "A card boots in QEMU's Raspberry Pi 4: U-Boot, then the nucleus, then components.");
    int result = machine_start(&demo->machine, "demo", &demo->why);
    if (result == 0) {
        result = machine_read_world(&demo->machine, &world, &demo->why);
    }
    if (result < 0) {
        return result;
    }
    tell(demo, "The shell is there. %u components on %u CPUs, world %016llx.", world.count,
         world.cpus, (unsigned long long)world.hash);
    demo->uart = machine_find(&world, "uart_mini") ? "uart_mini" : "uart_pl011";
    demo->machine.on_text = on_text;
    demo->machine.context = demo;
    return 0;
}

static int push_schedulers(struct demo *demo)
{
    int result = push(demo, "sched_rr-1.0.0", "sched_fair");
    return result < 0 ? result : push(demo, "sched_fair-1.0.0", "sched_rr");
}

static int replace_scheduler(struct demo *demo)
{
    tell(demo, "The scheduler makes way for another one, and comes back.");
    return push_schedulers(demo);
}

static int replace_led(struct demo *demo)
{
    struct blink before, after;
    char output[256];
    tell(demo, "The LED's driver gets its new version; period and phase are to be kept.");
    int result = blink_watch(&demo->machine, &before, &demo->why);
    if (result == 0) {
        result = push(demo, "led_blink-1.2.0", "");
    }
    if (result == 0) {
        result = blink_watch(&demo->machine, &after, &demo->why);
    }
    if (result == 0) {
        result = run(demo, "led", output, sizeof(output));
    }
    if (result < 0) {
        return result;
    }
    double off_ms = blink_phase_shift(&before, &after);
    if (!strstr(output, "period 800 ms")) {
        return why_set(&demo->why, -EPROTO, "the LED's period was not kept: %s", output);
    }
    if (off_ms > 100 || off_ms < -100) { /* what a busy host blurs: a tenth of it is usual */
        return why_set(&demo->why, -EPROTO, "the LED's phase moved by %.0f ms", off_ms);
    }
    tell(demo, "    seen from outside: still 800 ms, in step to %.0f ms; it beats twice now",
         off_ms < 0 ? -off_ms : off_ms);
    return 0;
}

/* The thousand: what was asked for, what came of it. */
struct series {
    struct client_call calls[UNDER_WAY];
    unsigned asked, answered, done, refused;
    uint64_t blackout_ns, worst_ns, stage_ns, drain_ns; /* sums, and the worst */
};

static int ask_for_counter(struct demo *demo, struct series *series)
{
    unsigned number = series->asked++;
    struct client_call *call = &series->calls[number % UNDER_WAY];
    client_begin(&demo->machine.client, call, "swap");
    message_put_string(&call->writer, "old", "counter");
    message_put_string(&call->writer, "package", number % 2 ? "counter-1.1.0" : "counter-1.0.0");
    return client_send(&demo->machine.client, call, &demo->why);
}

/*
 * The oldest that is under way. That somebody is inside until the deadline is a refusal that does
 * no harm; it may happen when the host has little time for its four CPUs, and is told.
 */
static int check_counter(struct demo *demo, struct series *series)
{
    unsigned number = series->answered++;
    struct client_call *call = &series->calls[number % UNDER_WAY];
    const struct client_report *report = &call->report;
    int result = client_wait(&demo->machine.client, call, MACHINE_ANSWER_MS, &demo->why);
    if (result == 0 && call->result < 0 && strstr(call->message, "still inside") &&
        ++series->refused <= REFUSED_MAX) {
        tell(demo, "    refused for now: %.100s", call->message);
        return 0;
    }
    if (result == 0 && call->result < 0) {
        result = why_set(&demo->why, -EREMOTEIO, "%s", call->message);
    }
    if (result < 0) {
        return why_prepend(&demo->why, result, "replacement %u of the counter", number + 1);
    }
    /* After a refusal a version follows itself. */
    if ((report->new_version >> 12 & 0xfff) != number % 2 ||
        (report->old_version == report->new_version && series->refused == 0) ||
        strcmp(report->transfer, "adopted") != 0) {
        return why_set(&demo->why, -EPROTO, "replacement %u of the counter did something else",
                       number + 1);
    }
    count_swap(demo, report);
    series->done++;
    series->blackout_ns += report->blackout_ns;
    series->stage_ns += report->stage_ns;
    series->drain_ns += report->drain_ns;
    series->worst_ns =
        report->blackout_ns > series->worst_ns ? report->blackout_ns : series->worst_ns;
    return 0;
}

static int replace_counter(struct demo *demo)
{
    static struct series series;
    tell(demo, "The counter service, called all the time, is replaced %u times.", COUNTER_SWAPS);
    int result = push(demo, "counter-1.0.0", "");
    if (result == 0) {
        result = push(demo, "counter-1.1.0", "");
    }
    uint64_t start = now_ms();
    while (result == 0 && (series.done < COUNTER_SWAPS || series.answered < series.asked)) {
        unsigned under_way = series.asked - series.answered;
        /* The last one asked for is 1.1.0, which was there before. */
        bool is_enough = series.done + under_way >= COUNTER_SWAPS && series.asked % 2 == 0;
        if (under_way < UNDER_WAY && !is_enough) {
            result = ask_for_counter(demo, &series);
            continue;
        }
        result = check_counter(demo, &series);
        if (result == 0 && series.done > 0 && series.done % 250 == 0) {
            tell(demo, "    %u times, blackout %.1f us on average, %.1f us at worst", series.done,
                 (double)series.blackout_ns / series.done / 1000, (double)series.worst_ns / 1000);
        }
    }
    if (result == 0) {
        tell(demo, "    1.0.0 and 1.1.0 took turns, %.1f ms each: %.1f to stage, %.1f to drain",
             (double)(now_ms() - start) / series.done, (double)series.stage_ns / series.done / 1e6,
             (double)series.drain_ns / series.done / 1e6);
    }
    return result;
}

/* Both builds of the UART's driver come over the line that they drive. */
static int push_uart(struct demo *demo)
{
    char package[64];
    snprintf(package, sizeof(package), "%s-1.0.0+rebuilt", demo->uart);
    int result = push(demo, package, "");
    snprintf(package, sizeof(package), "%s-1.0.0", demo->uart);
    return result < 0 ? result : push(demo, package, "");
}

static int replace_uart(struct demo *demo)
{
    tell(demo, "The console's UART driver is replaced while text and packages flow through it.");
    chatter_expect(&demo->chatter);
    int result = run(demo, "chatter 1000000", NULL, 0);
    if (result == 0) {
        result = push_uart(demo);
    }
    /* Both are at hand now; of two builds of a version the other one is taken. */
    for (unsigned i = 0; i < UART_SWAPS && result == 0; i++) {
        result = swap(demo, demo->uart, demo->uart);
    }
    if (result == 0) {
        result = run(demo, "chatter stop", NULL, 0);
    }
    if (result == 0) {
        result = chatter_settle(&demo->machine, &demo->chatter, &demo->why);
    }
    if (result == 0) {
        tell(demo, "    %llu lines, %llu bytes of text meanwhile: not one lost, not one doubled",
             (unsigned long long)demo->chatter.lines, (unsigned long long)demo->chatter.bytes);
    }
    return result;
}

static int push_core(struct demo *demo)
{
    static const char *const core[] = {"heap", "arch_timer", "gic400"};
    char package[64];
    int result = 0;
    for (unsigned i = 0; i < 3 && result == 0; i++) {
        snprintf(package, sizeof(package), "%s-1.0.0+rebuilt", core[i]);
        result = push(demo, package, "");
    }
    for (unsigned i = 0; i < 3 && result == 0; i++) {
        snprintf(package, sizeof(package), "%s-1.0.0", core[i]);
        result = push(demo, package, "");
    }
    return result;
}

static int replace_core(struct demo *demo)
{
    tell(demo, "Heap, timer and interrupt controller: other builds of the same code, and back.");
    return push_core(demo);
}

/* Waits until all callers have stopped, and reads what they and the counter have counted. */
static int stop_load(struct demo *demo)
{
    char output[512];
    uint64_t end = now_ms() + QUIET_MS;
    unsigned workers;
    unsigned long long made = 0, answered = 0, failed = 0, counted = 0;
    int result = run(demo, "drive stop", NULL, 0);
    do {
        if (result == 0) {
            result = run(demo, "drive", output, sizeof(output));
        }
        if (result < 0) {
            return result;
        }
    } while (strncmp(output, "stopped:", 8) != 0 && now_ms() < end);
    if (sscanf(output,
               "stopped: %u workers, %llu calls made, %llu answered, %llu failed; counted %llu",
               &workers, &made, &answered, &failed, &counted) != 5) {
        return why_set(&demo->why, -EPROTO, "the load does not come to an end: %s", output);
    }
    demo->made = made;
    demo->answered = answered;
    demo->failed = failed;
    demo->counted = counted;
    uint64_t arrived = counted < answered ? counted : answered;
    demo->lost = made > arrived ? made - arrived : 0;
    demo->duplicated = counted > made ? counted - made : 0;
    tell(demo, "%u CPUs called %llu times, were answered %llu times; the counter counted %llu.",
         workers, made, answered, counted);
    if (workers != 4) {
        return why_set(&demo->why, -EPROTO, "the load ran on %u CPUs, not on 4", workers);
    }
    return 0;
}

static int64_t bytes_in_use(const struct machine_world *world)
{
    return (int64_t)((world->pages - world->pages_free) * 4096 + world->arena_bytes -
                     world->arena_free_bytes + world->heap_bytes);
}

/* Reads the world when nothing changes any more: two equal readings. */
static int read_quiet(struct demo *demo, struct machine_world *world)
{
    struct machine_world last = {0};
    uint64_t end = now_ms() + QUIET_MS;
    do {
        last = *world;
        int result = machine_read_world(&demo->machine, world, &demo->why);
        if (result < 0) {
            return result;
        }
    } while (bytes_in_use(&last) != bytes_in_use(world) && now_ms() < end);
    return 0;
}

static int check_memory(struct demo *demo, const struct machine_world *before)
{
    struct machine_world after = {0};
    int result = read_quiet(demo, &after);
    if (result < 0) {
        return result;
    }
    demo->leaked_bytes = bytes_in_use(&after) - bytes_in_use(before);
    tell(demo, "Memory in use before and after: %lld and %lld bytes.",
         (long long)bytes_in_use(before), (long long)bytes_in_use(&after));
    if (demo->leaked_bytes != 0) {
        tell(demo, "    pages free %llu, were %llu; arena free %llu, was %llu; heap %llu, was %llu",
             (unsigned long long)after.pages_free, (unsigned long long)before->pages_free,
             (unsigned long long)after.arena_free_bytes,
             (unsigned long long)before->arena_free_bytes, (unsigned long long)after.heap_bytes,
             (unsigned long long)before->heap_bytes);
    }
    for (unsigned i = 0; i < before->count && demo->leaked_bytes != 0; i++) {
        const struct machine_component *now = machine_find(&after, before->components[i].name);
        if (now && now->pages != before->components[i].pages) {
            tell(demo, "    %s has %u pages, had %u", now->name, now->pages,
                 before->components[i].pages);
        }
    }
    return 0;
}

/*
 * Before memory is counted: what stays is loaded, what is made once is made, and the board's shelf
 * keeps the same eight packages as at the end, those pushed last.
 */
static int prepare(struct demo *demo, struct machine_world *before)
{
    static const char *const packages[] = {"chatter-1.0.0", "led_blink-1.1.0", "led_blink-1.2.0",
                                           "counter-1.0.0", "counter-1.1.0"};
    int result = 0;
    tell(demo, "A helper comes in over the serial line, and a rehearsal without load.");
    demo->is_silent = true;
    for (unsigned i = 0; i < sizeof(packages) / sizeof(packages[0]) && result == 0; i++) {
        result = push(demo, packages[i], "");
    }
    if (result == 0) {
        result = run(demo, "drive start", NULL, 0);
    }
    if (result == 0) {
        result = run(demo, "drive stop", NULL, 0);
    }
    if (result == 0) {
        result = push_schedulers(demo);
    }
    if (result == 0) {
        result = push_uart(demo);
    }
    if (result == 0) {
        result = push_core(demo);
    }
    if (result == 0) {
        result = read_quiet(demo, before);
    }
    demo->is_silent = false;
    if (result == 0) {
        tell(demo, "The LED's driver steps back to an older version, for later.");
        result = push(demo, "led_blink-1.1.0", "");
    }
    return result < 0 ? result : run(demo, "led period 800", NULL, 0);
}

static int play(struct demo *demo)
{
    static int (*const acts[])(struct demo *) = {
        replace_scheduler, replace_led, replace_counter, replace_uart, replace_core, stop_load,
    };
    struct machine_world before = {0};
    int result = boot(demo);
    if (result == 0) {
        result = prepare(demo, &before);
    }
    demo->swaps = 0;
    demo->worst_blackout_ns = 0;
    if (result == 0) {
        tell(demo, "Now all four CPUs call the counter through its gate, without pause.");
        result = run(demo, "drive start", NULL, 0);
    }
    for (unsigned i = 0; i < sizeof(acts) / sizeof(acts[0]) && result == 0; i++) {
        result = acts[i](demo);
    }
    return result < 0 ? result : check_memory(demo, &before);
}

static int conclude(struct demo *demo, int result)
{
    if (result == 0 && demo->leaked_bytes != 0) {
        result = why_set(&demo->why, -ENOMEM, "%lld bytes leaked", (long long)demo->leaked_bytes);
    }
    if (result == 0 && (demo->lost || demo->duplicated || demo->failed || demo->made == 0)) {
        result = why_set(&demo->why, -EPROTO, "calls were lost, doubled or refused");
    }
    if (result == 0) {
        printf("demo: ok ");
    } else {
        machine_show_tail("demo");
        printf("demo: FAILED: %s; ", demo->why.text);
    }
    printf(
        "swaps=%u calls=%llu lost=%llu duplicated=%llu worst_blackout_us=%.1f leaked_bytes=%lld\n",
        demo->swaps, (unsigned long long)demo->made, (unsigned long long)demo->lost,
        (unsigned long long)demo->duplicated, (double)demo->worst_blackout_ns / 1000,
        (long long)demo->leaked_bytes);
    return result;
}

int main(void)
{
    static struct demo demo;
    demo.start_ms = now_ms();
    int result = play(&demo);
    machine_stop(&demo.machine);
    return conclude(&demo, result) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* SPDX-License-Identifier: MIT */
/*
 * The load: a worker on each CPU that calls the counter through its gate, over and over, and
 * counts the calls it began and those that came back.
 *
 * The workers are made when the load is first started, and sleep while it is stopped. Each writes
 * its own cache line only. A worker says that it is active before it looks whether it shall run,
 * and whoever wants to know looks in the other order: so when nobody is active after a stop, nobody
 * will be.
 */
#include <errno.h>
#include <string.h>

#include <interface/command.h>
#include <interface/counter.h>
#include <interface/load.h>
#include <lib/format.h>
#include <neurath/component.h>
#include <neurath/cpu.h>
#include <neurath/event.h>
#include <neurath/offer.h>
#include <neurath/thread.h>

#define BATCH 64 /* calls in one step */
#define RETRY_US 1000
#define PAUSE_US 2000 /* between batches, if gentle */

struct load_worker {
    uint64_t made, answered, failed;
    uint32_t is_active;
    int number; /* of the nucleus's worker; 0: there is none yet */
} __attribute__((aligned(64)));

struct load {
    struct event wake;    /* signalled when the workers shall run */
    struct spinlock lock; /* guards is_starting, and the change of is_wanted to 1 */
    uint32_t is_starting;
    uint32_t is_wanted; /* 1: the workers shall call */
    uint32_t is_gentle; /* 1: with a pause after each batch, in which others get the CPU */
    uint64_t base;      /* the counter when the load was started */
    struct load_worker workers[CPU_MAX];
};

STATE(struct load) state;

static bool is_wanted(void)
{
    return __atomic_load_n(&state.is_wanted, __ATOMIC_SEQ_CST);
}

static bool is_running(void)
{
    bool running = is_wanted();
    for (unsigned cpu = 0; cpu < CPU_MAX; cpu++) {
        running |= __atomic_load_n(&state.workers[cpu].is_active, __ATOMIC_SEQ_CST);
    }
    return running;
}

/* One worker's step; argument: its CPU. */
static int step(void *argument)
{
    struct load_worker *worker = &state.workers[(uintptr_t)argument % CPU_MAX];
    int result = -EAGAIN;
    __atomic_store_n(&worker->is_active, 1, __ATOMIC_SEQ_CST);
    for (unsigned i = 0; i < BATCH && is_wanted(); i++) {
        uint64_t total;
        WRITE_ONCE(worker->made, worker->made + 1);
        result = counter_increment(&total);
        if (result < 0) {
            WRITE_ONCE(worker->failed, worker->failed + 1);
            result = RETRY_US; /* no counter, perhaps: not at full speed */
            break;
        }
        WRITE_ONCE(worker->answered, worker->answered + 1);
    }
    __atomic_store_n(&worker->is_active, 0, __ATOMIC_SEQ_CST);
    return result == 0 && READ_ONCE(state.is_gentle) ? PAUSE_US : result;
}

/* Makes the workers that are missing: those of CPUs that are up. */
static int start_workers(void)
{
    for (unsigned cpu = 0; cpu < CPU_MAX; cpu++) {
        struct load_worker *worker = &state.workers[cpu];
        char name[] = "load 0";
        name[sizeof(name) - 2] = (char)('0' + cpu);
        if (worker->number || !(cpu_online_mask() & 1u << cpu)) {
            continue;
        }
        struct worker_config config = {
            .name = name,
            .step = step,
            .argument = (void *)(uintptr_t)cpu,
            .event = &state.wake,
            .cpu_mask = 1u << cpu,
        };
        int number = worker_start(&config);
        if (number < 0) {
            return number;
        }
        worker->number = number;
    }
    return 0;
}

/* Reserves the right to start. */
static bool begin_start(void)
{
    uint64_t daif = spin_lock(&state.lock);
    bool may_start = !state.is_starting && !is_running();
    if (may_start) {
        state.is_starting = 1;
    }
    spin_unlock(&state.lock, daif);
    return may_start;
}

int load_start(void)
{
    if (!begin_start()) {
        return -EBUSY;
    }
    for (unsigned cpu = 0; cpu < CPU_MAX; cpu++) {
        struct load_worker *worker = &state.workers[cpu];
        worker->made = worker->answered = worker->failed = 0;
    }
    int result = start_workers();
    if (result == 0) {
        result = counter_read(&state.base);
    }
    if (result == 0) {
        __atomic_store_n(&state.is_wanted, 1, __ATOMIC_SEQ_CST);
        event_signal(&state.wake);
    }
    __atomic_store_n(&state.is_starting, 0, __ATOMIC_RELEASE);
    return result;
}

int load_stop(void)
{
    __atomic_store_n(&state.is_wanted, 0, __ATOMIC_SEQ_CST);
    return 0;
}

int load_read_report(struct load_report *report)
{
    uint64_t total = state.base;
    *report = (struct load_report){.is_running = is_running()};
    for (unsigned cpu = 0; cpu < CPU_MAX; cpu++) {
        const struct load_worker *worker = &state.workers[cpu];
        /* What was answered is read first: while the load runs, no call seems lost that is not. */
        report->per_cpu[cpu] = __atomic_load_n(&worker->answered, __ATOMIC_ACQUIRE);
        report->answered += report->per_cpu[cpu];
        report->failed += READ_ONCE(worker->failed);
        report->made += READ_ONCE(worker->made);
        report->workers += worker->number != 0;
    }
    if (counter_read(&total) == 0) {
        report->counted = total - state.base;
    }
    return 0;
}

static void show(struct command_output *output)
{
    struct load_report report;
    (void)load_read_report(&report); /* always 0 */
    command_print(output,
                  "%s: %u workers, %llu calls made, %llu answered, %llu failed; counted %llu\n",
                  report.is_running ? "running" : "stopped", report.workers,
                  (unsigned long long)report.made, (unsigned long long)report.answered,
                  (unsigned long long)report.failed, (unsigned long long)report.counted);
    for (unsigned cpu = 0; cpu < CPU_MAX; cpu++) {
        command_print(output, "  CPU %u: %llu\n", cpu, (unsigned long long)report.per_cpu[cpu]);
    }
}

static int run(int count, char *const words[], struct command_output *output)
{
    bool is_gentle = count == 3 && !strcmp(words[1], "start") && !strcmp(words[2], "gently");
    const char *word = count == 2 || is_gentle ? words[1] : "";
    int result = 0;
    if (count == 1 || !strcmp(word, "show")) {
        show(output);
    } else if (!strcmp(word, "start")) {
        WRITE_ONCE(state.is_gentle, is_gentle);
        result = load_start();
        if (result == -EBUSY) {
            command_print(output, "the load is running already\n");
        } else if (result < 0) {
            command_print(output, "cannot start: error %d\n", result);
        }
    } else if (!strcmp(word, "stop")) {
        result = load_stop();
    } else {
        command_print(output, "usage: drive start [gently]|stop|show\n");
        result = -EINVAL;
    }
    return result;
}

static int start(void)
{
    static const struct command_ops command = {
        run, "drive start [gently]|stop|show - calls the counter all the time"};
    /* After a successor that did not stay: what this one had registered, its workers too, is
     * revoked. */
    state = (struct load){0};
    event_init(&state.wake);
    return offer_add(COMMAND_KIND, "drive", &command, sizeof(command));
}

COMPONENT(load, .version = VERSION(1, 0, 0),
          .summary = "Calls the counter from all CPUs without pause", .start = start);

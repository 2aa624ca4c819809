/* SPDX-License-Identifier: MIT */
/*
 * Tracing: which gates are to be traced, and the recording of their calls.
 *
 * What is wanted is kept by names ("console", or one method of it, or "all"); from it and the gates
 * there are the set of those to be traced is made, at each command and after each change of the
 * world, and the nucleus is asked to trace that set. With any of them go a few of the nucleus's own
 * calls: they tell who runs on which CPU, and which interrupts come.
 *
 * For `top` all calls may be counted for a while, which is what the nucleus does with those that it
 * traces; they are recorded only as far as that is wanted as well.
 *
 * The recorder is called from anywhere: it writes to rings and histograms that are never freed, and
 * calls nobody. Commands and the worker change the rest, one at a time: who finds another at it
 * comes again.
 */
#include <errno.h>
#include <string.h>

#include <interface/heap.h>
#include <interface/irqchip.h>
#include <lib/number.h>
#include <neurath/cpu.h>
#include <neurath/offer.h>
#include <neurath/page.h>
#include <neurath/time.h>

#include "list.h"

#define WISHES 16
#define LAST_CALLS 20
#define COUNT_NS 3000000000u /* how long calls are counted, unless somebody asks for more */

struct wish {
    char component[COMPONENT_NAME_BYTES]; /* or "all" */
    char method[GATE_NAME_BYTES];         /* "": all of it */
};

struct trace {
    struct traced traced;
    uint32_t is_busy;        /* 1: somebody is at what follows */
    uint32_t ticket;         /* of the request under way; 0: none */
    uint32_t open_ticket;    /* the first whose report may yet change */
    uint64_t count_until_ns; /* all calls; 0: they are not counted */
    uint32_t wish_count;
    struct wish wishes[WISHES];
};

STATE(struct trace) state;

static const char *const always[TRACE_ALWAYS] = {
    [TRACE_PICK] = "scheduler_pick",
    [TRACE_ACKNOWLEDGE] = "irqchip_acknowledge",
    [TRACE_END] = "irqchip_end",
};

static void recorder(const struct trace_call *call)
{
    struct histogram **histograms = __atomic_load_n(&state.traced.histograms, __ATOMIC_ACQUIRE);
    struct histogram *histogram = histograms && call->gate < state.traced.gate_count
                                      ? __atomic_load_n(&histograms[call->gate], __ATOMIC_ACQUIRE)
                                      : NULL;
    if (!histogram || !READ_ONCE(histogram->is_on)) {
        return; /* it is counted, no more */
    }
    uint64_t took_ns = call->ended_ns - call->began_ns;
    struct record record = {
        .began_ns = call->began_ns,
        .took_ns = (uint32_t)MIN(took_ns, (uint64_t)UINT32_MAX),
        .thread = call->thread,
        .caller = call->caller,
        .callee = call->callee,
        .result = call->result,
        .gate = (uint16_t)call->gate,
    };
    if (call->gate + 1 == READ_ONCE(state.traced.always[TRACE_ACKNOWLEDGE]) && call->result >= 0) {
        record.result = *(const int32_t *)call->arguments[0]; /* irqchip_acknowledge(&irq, …) */
    }
    histogram_add(histogram, call->callee, record.took_ns);
    uint64_t daif = cpu_irq_save(); /* the ring's writer is this CPU, once at a time */
    record.cpu = (uint16_t)cpu_current();
    record_put(&state.traced.rings[record.cpu], &record);
    cpu_irq_restore(daif);
}

static bool take(void)
{
    return !__atomic_exchange_n(&state.is_busy, 1, __ATOMIC_ACQUIRE);
}

static void leave(void)
{
    __atomic_store_n(&state.is_busy, 0, __ATOMIC_RELEASE);
}

/* Memory for what is kept, when first there is something to keep. */
static int get_memory(void)
{
    struct traced *traced = &state.traced;
    uint32_t count = 1u << (31 - (unsigned)__builtin_clz(CONFIG_TRACE_RECORDS));
    for (unsigned cpu = 0; cpu < CPU_MAX; cpu++) {
        struct ring_of_records *ring = &traced->rings[cpu];
        if (!ring->records && cpu_online_mask() >> cpu & 1) {
            void *pages =
                page_allocate((count * sizeof(struct record) + PAGE_BYTES - 1) / PAGE_BYTES);
            if (!pages) {
                return -ENOMEM;
            }
            ring->count = count;
            __atomic_store_n(&ring->records, page_mark_plain(pages), __ATOMIC_RELEASE);
        }
    }
    if (!traced->histograms) {
        struct histogram **histograms = heap_new_array(struct histogram *, traced->gate_count);
        if (!histograms) {
            return -ENOMEM;
        }
        __atomic_store_n(&traced->histograms, histograms, __ATOMIC_RELEASE);
    }
    return 0;
}

/*
 * Whether a gate's calls are to be recorded; then it has a histogram. Gates are used again, for
 * other methods. 0; -ENOMEM.
 */
static int set_recorded(uint32_t number, const char *name, bool is_on)
{
    struct histogram **place = state.traced.histograms ? &state.traced.histograms[number] : NULL;
    struct histogram *histogram = place ? *place : NULL;
    if (is_on && !histogram) {
        histogram = heap_new(struct histogram);
        if (!histogram) {
            return -ENOMEM;
        }
    }
    if (is_on && strcmp(histogram->name, name) != 0) {
        histogram_clear(histogram);
        memcpy(histogram->name, name, sizeof(histogram->name));
    }
    if (histogram) {
        WRITE_ONCE(histogram->is_on, is_on);
        __atomic_store_n(place, histogram, __ATOMIC_RELEASE);
    }
    return 0;
}

/* Notes its number, too. */
static bool is_always_traced(const struct world_gate *gate, uint32_t number)
{
    for (unsigned i = 0; i < TRACE_ALWAYS; i++) {
        if (!gate->owner && !strcmp(gate->name, always[i])) {
            WRITE_ONCE(state.traced.always[i], number + 1);
            return true;
        }
    }
    return false;
}

/* The wishes' components by id, which is what gates know; UINT32_MAX: all; 0: there is none. */
static void find_wished(uint32_t ids[WISHES])
{
    struct world_component component;
    for (unsigned i = 0; i < state.wish_count; i++) {
        const char *name = state.wishes[i].component;
        ids[i] = !strcmp(name, "all")                ? UINT32_MAX
                 : world_find(name, &component) == 0 ? component.id
                                                     : 0;
    }
}

static bool is_wished(const struct world_gate *gate, const uint32_t ids[WISHES])
{
    for (unsigned i = 0; i < state.wish_count; i++) {
        const char *method = state.wishes[i].method;
        if (gate->provider && (ids[i] == UINT32_MAX || ids[i] == gate->provider) &&
            (!method[0] || !strcmp(method, gate->name))) {
            return true;
        }
    }
    return false;
}

static bool is_counting(void)
{
    return time_now_ns() < state.count_until_ns;
}

/*
 * Asks the nucleus to trace what is wished or counted, if that is not what it does. 0: it does so
 * already; -EINPROGRESS: it was asked, look again when swap_event() is signalled; -ENOMEM.
 */
static int request(void)
{
    uint32_t ids[WISHES] = {0};
    struct world_gate gate;
    bool is_different = false, is_counted = is_counting();
    uint8_t *bits = heap_new_bytes(state.traced.gate_count / 8 + 1);
    if (!bits) {
        return -ENOMEM;
    }
    int result = 0;
    find_wished(ids);
    for (int number = -1; result == 0 && (number = world_gate((unsigned)number + 1, &gate)) >= 0;) {
        bool is_own = gate.owner && !strcmp(gate.name, "recorder"); /* the nucleus would not */
        bool is_always = is_always_traced(&gate, (uint32_t)number) && state.wish_count;
        bool is_recorded = !is_own && (is_always || is_wished(&gate, ids));
        bool is_wanted = is_recorded || (!is_own && is_counted && gate.provider);
        if (is_wanted) {
            bits[number / 8] |= (uint8_t)(1u << number % 8);
        }
        result = set_recorded((uint32_t)number, gate.name, is_recorded);
        is_different |= is_wanted != gate.is_traced;
    }
    if (result == 0 && is_different) {
        struct swap_request traced = {
            .kind = SWAP_TRACE, .bundle = bits, .bundle_bytes = state.traced.gate_count / 8 + 1};
        int ticket = swap_submit(&traced);
        state.ticket = ticket > 0 ? (uint32_t)ticket : 0;
        result = ticket == -ENOMEM ? ticket : -EINPROGRESS; /* or there are too many requests */
    }
    (void)heap_free(bits);
    return result;
}

/*
 * What became of the request under way. -EINPROGRESS: nothing yet. 0: it is done, or there is none.
 * Else it was refused, for the reason in report.
 */
static int look(struct swap_report *report)
{
    int result = state.ticket ? swap_read_report(state.ticket, report) : -ENOENT;
    if (result == -EAGAIN) {
        return -EINPROGRESS;
    }
    state.ticket = 0;
    return result == 0 ? report->result : 0;
}

/* How many gates are traced: what the nucleus does, not what is wished. */
static void show_traced(struct command_output *output)
{
    struct world_gate gate;
    unsigned count = 0;
    for (int number = -1; (number = world_gate((unsigned)number + 1, &gate)) >= 0;) {
        count += gate.is_traced;
    }
    command_print(output, count ? "%u gates are traced\n" : "nothing is traced\n", count);
}

/* Has what is wished become so, in as many calls as that takes. As command_ops.run(). */
static int apply(struct command_output *output)
{
    struct swap_report report;
    int result = look(&report);
    if (result < 0 && result != -EINPROGRESS) {
        command_print(output, "refused: %s\n", report.message);
        return result;
    }
    result = result == 0 ? request() : result;
    if (result == -ENOMEM) {
        command_print(output, "there is no memory for it\n");
    } else if (result == 0) {
        show_traced(output);
    }
    return result;
}

/* Whether a component has a method of that name, or, if that is "", is there at all. */
static bool is_known(const char *component, const char *method)
{
    struct world_component found;
    struct world_gate gate;
    bool is_all = !strcmp(component, "all");
    if (!is_all && world_find(component, &found) < 0) {
        return false;
    }
    for (int number = -1; (number = world_gate((unsigned)number + 1, &gate)) >= 0;) {
        if (!method[0] || (!strcmp(gate.name, method) && (is_all || gate.provider == found.id))) {
            return true;
        }
    }
    return false;
}

static int add_wish(const char *component, const char *method, struct command_output *output)
{
    for (unsigned i = 0; i < state.wish_count; i++) {
        if (!strcmp(state.wishes[i].component, component) &&
            !strcmp(state.wishes[i].method, method)) {
            return 0;
        }
    }
    if (!is_known(component, method)) {
        command_print(output, "there is no %s of %s in the world\n",
                      method[0] ? method : "component", component);
        return -ENOENT;
    }
    if (state.wish_count == WISHES) {
        command_print(output, "%u wishes are enough: trace off, and begin anew\n", WISHES);
        return -ENOSPC;
    }
    struct wish *wish = &state.wishes[state.wish_count++];
    (void)format_print(wish->component, sizeof(wish->component), "%s", component);
    (void)format_print(wish->method, sizeof(wish->method), "%s", method);
    return 0;
}

static void clear(void)
{
    state.traced.since_ns = time_now_ns();
    state.traced.swaps_lost = 0;
    for (unsigned cpu = 0; cpu < CPU_MAX; cpu++) {
        record_clear(&state.traced.rings[cpu]);
    }
    for (uint32_t i = 0; state.traced.histograms && i < state.traced.gate_count; i++) {
        if (state.traced.histograms[i]) {
            histogram_clear(state.traced.histograms[i]);
        }
    }
}

static int turn_on(int count, char *const words[], struct command_output *output)
{
    int result = get_memory();
    if (result < 0) {
        command_print(output, "there is no memory for it\n");
        return result;
    }
    bool is_begin = !state.wish_count;
    result = add_wish(words[2], count > 3 ? words[3] : "", output);
    if (is_begin && result == 0) {
        clear();
    }
    return result < 0 ? result : apply(output);
}

static int turn_off(struct command_output *output)
{
    state.wish_count = 0;
    return apply(output);
}

/* Who wants more of it asks again in time. */
static int count_calls(struct command_output *output)
{
    state.count_until_ns = time_now_ns() + COUNT_NS;
    return apply(output);
}

/*
 * Keeps the reports that are new, and those that may yet change: from open_ticket on. The nucleus
 * knows the last TRACE_SWAPS.
 */
static void collect_reports(void)
{
    struct swap_report report;
    uint32_t last = swap_last_ticket();
    uint32_t oldest = last < TRACE_SWAPS ? 1 : last - TRACE_SWAPS + 1;
    if (state.open_ticket && state.open_ticket < oldest) {
        state.traced.swaps_lost +=
            oldest - state.open_ticket; /* at most: who knows what they were */
    }
    bool are_settled = true;
    for (uint32_t ticket = MAX(state.open_ticket, oldest); ticket <= last; ticket++) {
        int result = swap_read_report(ticket, &report);
        if (result == 0 && report.kind != SWAP_TRACE) {
            list_keep_swap(&state.traced, &report);
        }
        are_settled &= result == 0 && report.phase != SWAP_ON_PROBATION;
        if (are_settled) {
            state.open_ticket = ticket + 1;
        }
    }
}

/* How long the worker may sleep: until calls are not to be counted any more. */
static int sleep_us_after(int requested)
{
    uint64_t now_ns = time_now_ns();
    if (now_ns < state.count_until_ns) {
        return (int)((state.count_until_ns - now_ns) / 1000 + 1);
    }
    if (requested == 0) {
        state.count_until_ns = 0; /* and no gate is traced for it any more */
    }
    return state.count_until_ns ? COMMAND_LIVE_US : -EAGAIN;
}

/* The world has changed: there may be other gates. Or calls have been counted for long enough. */
static int watch_step(void *unused)
{
    (void)unused;
    if (!take()) {
        return COMMAND_SOON_US;
    }
    struct swap_report report;
    collect_reports();
    int result = look(&report); /* refused: it is not asked again for that reason alone */
    if (result == 0 && (state.wish_count || state.count_until_ns)) {
        result = request(); /* without memory at the next change of the world */
    }
    result = sleep_us_after(result);
    leave();
    return result;
}

/* show [all] [N] */
static int show_last(int count, char *const words[], struct command_output *output)
{
    uint32_t number = LAST_CALLS;
    bool is_all = count > 2 && !strcmp(words[2], "all");
    int at = is_all ? 3 : 2;
    if (count > at + 1 || (count == at + 1 && number_read(words[at], UINT32_MAX, &number) < 0)) {
        return -EINVAL;
    }
    list_last(&state.traced, is_all, number, output);
    return 0;
}

static int run_taken(int count, char *const words[], struct command_output *output)
{
    const char *word = count > 1 ? words[1] : "";
    if (!strcmp(word, "on") && (count == 3 || count == 4)) {
        return turn_on(count, words, output);
    }
    if (!strcmp(word, "off") && count == 2) {
        return turn_off(output);
    }
    if (!strcmp(word, "count") && count == 2) {
        return count_calls(output);
    }
    if (!strcmp(word, "stats") && count == 2) {
        list_statistics(&state.traced, output);
    } else if (!strcmp(word, "clear") && count == 2) {
        clear();
    } else if (count == 1) {
        for (unsigned i = 0; i < state.wish_count; i++) {
            command_print(output, "%s %s\n", state.wishes[i].component, state.wishes[i].method);
        }
        show_traced(output);
    } else if (!strcmp(word, "list") && count > 2 && !strcmp(words[2], "calls") &&
               state.wish_count) { /* asking for them makes more */
        command_print(output, "calls are being recorded: trace off, and they can be listed\n");
        return -EBUSY;
    } else if ((strcmp(word, "show") != 0 || show_last(count, words, output) < 0) &&
               (strcmp(word, "list") != 0 ||
                list_page(&state.traced, count - 1, words + 1, output) < 0)) {
        command_print(output, "usage: trace [on NAME|all [METHOD] | off | count | stats | "
                              "show [all] [N] | clear | list WHAT FROM]\n");
        return -EINVAL;
    }
    return 0;
}

static int run(int count, char *const words[], struct command_output *output)
{
    if (!take()) {
        return -EINPROGRESS;
    }
    int result = run_taken(count, words, output);
    leave();
    return result;
}

static int start(void)
{
    static const struct command_ops command = {
        run, "trace on NAME|off|stats|show|clear - records calls"};
    struct world_totals totals;
    world_read_totals(&totals);
    /* After a successor that did not stay, too. */
    state = (struct trace){.traced.gate_count = totals.gates};
    const struct worker_config config = {
        .name = "trace", .step = watch_step, .event = swap_event()};
    int result = trace_record(recorder);
    if (result == 0) {
        result = worker_start(&config);
    }
    if (result >= 0) {
        result = offer_add(COMMAND_KIND, "trace", &command, sizeof(command));
    }
    return MIN(result, 0);
}

/* The nucleus stops telling; that the gates cost nothing again is for this. */
static void stop(void)
{
    state.wish_count = 0;
    state.count_until_ns = 0;
    (void)request(); /* else they stay as they are, and cost a little */
}

/* A call that was cut off with its version may have left it taken. */
static int adopt(void)
{
    leave();
    return 0;
}

COMPONENT(trace, .version = VERSION(1, 0, 0),
          .summary = "Records calls through gates, and how long they take", .start = start,
          .adopt = adopt, .stop = stop);

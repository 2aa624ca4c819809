/* SPDX-License-Identifier: MIT */
/*
 * Packages on the card: found and read when they are asked for, kept for the next start, loaded
 * then. docs/packages.md tells the whole story.
 *
 * One worker does all of it, in small steps; between them, and in calls, whoever has the word
 * `is_taken` may touch the state. A call begins a job, and is told to come again; when it does, and
 * the job has ended, it takes the result with it. So no caller has a place here that would have to
 * be cleared after it: what nobody fetches is forgotten.
 */
#include <interface/command.h>
#include <neurath/component.h>
#include <neurath/cpu.h>
#include <neurath/library.h>
#include <neurath/log.h>
#include <neurath/thread.h>
#include <neurath/time.h>

#include "fetch.h"
#include "keep.h"
#include "trial.h"

#define BUSY_US 2000             /* the files are at work for others */
#define PATIENCE_NS 10000000000u /* without a step forward */
#define RESULTS 4u
#define RESULT_NS 5000000000u /* for so long a result waits to be taken, */
#define KEPT_NS 250000000u    /* or that of a keep: what runs may be another by then */
#define WORDS_BYTES 80u       /* two names */

enum job_kind { JOB_NONE, JOB_FETCH, JOB_LIST, JOB_SHOW, JOB_KEEP, JOB_UNKEEP };

struct job {
    uint32_t kind;
    int32_t result;
    uint64_t time_ns; /* under way: of the last step forward; else of its end */
    char words[WORDS_BYTES];
    char message[PACKAGE_STORE_MESSAGE_BYTES];
};

/* What was found in components/ last. */
struct listing {
    struct spinlock lock; /* guards the rest */
    uint32_t count;
    struct package_store_entry entries[FETCH_ENTRIES_MAX];
};

struct package_store {
    struct event wake;
    uint32_t is_taken;
    uint32_t next_result;
    struct job job; /* the one under way */
    struct job results[RESULTS];
    struct listing listing;
    struct trial trial;
    struct fetch fetch;
    struct keep keep;
    struct kept_table shown;
    struct store_card card;
};

STATE(struct package_store) state = {};

static bool take(void)
{
    return __atomic_exchange_n(&state.is_taken, 1, __ATOMIC_ACQUIRE) == 0;
}

static int leave(int result)
{
    __atomic_store_n(&state.is_taken, 0, __ATOMIC_RELEASE);
    return result;
}

/* --- jobs ---------------------------------------------------------------------------------------
 */

static int begin(struct job *job)
{
    char name[WORDS_BYTES];
    size_t length = strcspn(job->words, " ");
    memcpy(name, job->words, length);
    name[length] = 0;
    switch (job->kind) {
    case JOB_FETCH:
    case JOB_LIST:
        return fetch_begin(&state.fetch, job->words);
    case JOB_KEEP:
        return keep_begin(&state.keep, name, job->words + length + (job->words[length] == ' '));
    case JOB_UNKEEP:
        return unkeep_begin(&state.keep, name);
    default:
        state.shown.is_open = 0;
        return 0;
    }
}

/* As the steps of all: 0: done. Word held. */
static int advance(struct job *job)
{
    int result;
    switch (job->kind) {
    case JOB_FETCH:
    case JOB_LIST:
        return fetch_continue(&state.fetch, &state.card, job->message);
    case JOB_KEEP:
    case JOB_UNKEEP:
        return keep_continue(&state.keep, &state.card, job->message);
    default:
        result = state.shown.is_open ? 0 : store_card_await();
        result = result == 0 ? kept_scan(&state.shown, &state.card) : result;
        result = result == -E2BIG ? 0 : result; /* shown are as many as there is room for */
        if (result < 0 && result != -EAGAIN) {
            (void)format_print(job->message, sizeof(job->message), "%s", store_card_words(result));
        }
        return result;
    }
}

static void publish_listing(void)
{
    uint64_t daif = spin_lock(&state.listing.lock);
    state.listing.count = state.fetch.count;
    memcpy(state.listing.entries, state.fetch.entries, sizeof(state.listing.entries));
    spin_unlock(&state.listing.lock, daif);
}

static void end_job(int result)
{
    struct job *job = &state.job;
    if (job->kind == JOB_LIST) {
        state.fetch.count = result == 0 ? state.fetch.count : 0;
        publish_listing();
    }
    store_card_drop(&state.card);
    job->result = result;
    job->time_ns = time_now_ns();
    state.results[state.next_result++ % RESULTS] = *job;
    *job = (struct job){0};
    event_signal(swap_event()); /* what those listen to who come again */
}

/* Returns as a worker's step. Word held. */
static int continue_job(void)
{
    struct job *job = &state.job;
    uint64_t now_ns = time_now_ns();
    int result = advance(job);
    if (result == -EAGAIN && now_ns - job->time_ns > PATIENCE_NS) {
        result = -ETIMEDOUT;
        (void)format_print(job->message, sizeof(job->message), "%s", store_card_words(result));
    }
    if (result == -EAGAIN) {
        return BUSY_US;
    }
    job->time_ns = now_ns;
    if (result > 0) {
        return result == 1 ? 0 : result;
    }
    end_job(result);
    return 0;
}

static struct job *find_result(enum job_kind kind, const char *words)
{
    uint64_t lasts_ns = kind == JOB_KEEP ? KEPT_NS : RESULT_NS;
    for (struct job *job = state.results; job < state.results + RESULTS; job++) {
        if (job->kind == (uint32_t)kind && strcmp(job->words, words) == 0 &&
            time_now_ns() - job->time_ns < lasts_ns) {
            return job;
        }
    }
    return NULL;
}

/* When something is kept, what was unkept before is no answer any more. */
static void forget_unkept(void)
{
    for (struct job *job = state.results; job < state.results + RESULTS; job++) {
        job->kind = job->kind == JOB_UNKEEP ? JOB_NONE : job->kind;
    }
}

/*
 * The result of a job that was asked for so, once; -EAGAIN: it is under way, or waits for another.
 * Who comes too late for it has it done again: to keep what is kept does no harm, but to unkeep it
 * would fail. message: PACKAGE_STORE_MESSAGE_BYTES. Word held.
 */
static int ask(enum job_kind kind, const char *words, char *message)
{
    struct job *job = find_result(kind, words);
    if (job) {
        job->kind = JOB_NONE;
        memcpy(message, job->message, sizeof(job->message));
        return job->result;
    }
    if (strlen(words) >= WORDS_BYTES) {
        return -EINVAL;
    }
    if (state.job.kind == JOB_NONE) {
        struct job new = {.kind = kind, .time_ns = time_now_ns()};
        memcpy(new.words, words, strlen(words) + 1);
        int result = begin(&new);
        if (result < 0) {
            return result;
        }
        if (kind == JOB_KEEP) {
            forget_unkept();
        }
        state.job = new;
        event_signal(&state.wake);
    }
    return -EAGAIN;
}

/* A trial goes first while it has the card; while it waits for the nucleus, others may. */
static int step(void *argument)
{
    struct trial *trial = &state.trial;
    int result;
    (void)argument;
    if (!take()) {
        return BUSY_US;
    }
    if (trial_has_card(trial) || (state.job.kind == JOB_NONE && !trial_is_over(trial))) {
        result = trial_continue(trial, &state.card);
        state.job.time_ns = time_now_ns(); /* a job that waits for it has lost no time */
        result = result == -EAGAIN ? BUSY_US : result == 1 ? 0 : result;
    } else if (state.job.kind != JOB_NONE) {
        result = continue_job();
    } else {
        result = store_card_close(&state.card) == -EAGAIN ? BUSY_US : -EAGAIN;
    }
    return leave(result);
}

/* --- the offer ----------------------------------------------------------------------------------
 */

static int store_fetch(const char *package, char *message)
{
    message[0] = 0;
    return take() ? leave(ask(JOB_FETCH, package, message)) : -EAGAIN;
}

static int store_list(unsigned index, struct package_store_entry *entry)
{
    char message[PACKAGE_STORE_MESSAGE_BYTES];
    int result = 0;
    if (index == 0) {
        result = take() ? leave(ask(JOB_LIST, "", message)) : -EAGAIN;
    }
    if (result < 0) {
        return result == -ENOMEDIUM ? -ENOENT : result;
    }
    uint64_t daif = spin_lock(&state.listing.lock);
    result = index < state.listing.count ? 0 : -ENOENT;
    if (result == 0) {
        *entry = state.listing.entries[index];
    }
    spin_unlock(&state.listing.lock, daif);
    return result;
}

/* --- commands -----------------------------------------------------------------------------------
 */

static const char *describe(struct kept *kept)
{
    const struct kept *tried = kept_find(&state.trial.table, kept);
    if (kept->files & KEPT_NEW) {
        return "set aside: it was not written whole";
    }
    if (tried && kept->files & KEPT_BAD && !trial_is_over(&state.trial) &&
        tried == &state.trial.table.kept[state.trial.at]) {
        return "on trial";
    }
    if (kept->files & KEPT_BAD) {
        return "set aside: it did not pass its trial";
    }
    if (tried && tried->is_aside) {
        return "set aside for this time: it could not be loaded";
    }
    return kept_newest(&state.shown, kept->name, UINT32_MAX) == kept ? "loaded at each start"
                                                                     : "to fall back to";
}

static bool is_before(const struct kept *a, const struct kept *b)
{
    return a->number != b->number ? a->number < b->number : a < b;
}

/* The package behind one (NULL: the first) in the order of their numbers, or NULL. */
static struct kept *kept_behind(struct kept_table *table, const struct kept *last)
{
    struct kept *next = NULL;
    for (struct kept *kept = table->kept; kept < table->kept + table->count; kept++) {
        if (kept->files & KEPT_PACKAGE && (!last || is_before(last, kept)) &&
            (!next || is_before(kept, next))) {
            next = kept;
        }
    }
    return next;
}

static void show_kept(struct command_output *output)
{
    uint32_t shown = 0;
    for (struct kept *next = NULL; (next = kept_behind(&state.shown, next)); shown++) {
        char package[STORE_PACKAGE_BYTES];
        store_print_package(package, next->name, next->version);
        command_print(output, "%6u  %-24s %08x  %s%s%s%s\n", next->number, package, next->build,
                      next->old[0] ? "in place of " : "", next->old, next->old[0] ? ", " : "",
                      describe(next));
    }
    if (shown == 0) {
        command_print(output, "nothing is kept\n");
    }
}

/* Word held. */
static int run_job(enum job_kind kind, int count, char *const words[],
                   struct command_output *output)
{
    char line[WORDS_BYTES] = "", message[PACKAGE_STORE_MESSAGE_BYTES] = "";
    int length = format_print(line, sizeof(line), "%s%s%s", count > 1 ? words[1] : "",
                              count > 2 ? " " : "", count > 2 ? words[2] : "");
    int result = (size_t)length < sizeof(line) ? ask(kind, line, message) : -EINVAL;
    if (result == -EAGAIN) {
        return -EINPROGRESS;
    }
    if (result == 0 && kind == JOB_SHOW) {
        show_kept(output);
    } else {
        output->write(output, message, strlen(message));
        command_print(output, result == -EINVAL ? "no component can be called so\n" : "\n");
    }
    return result;
}

static int run_keep(int count, char *const words[], struct command_output *output)
{
    if (count > 3) {
        command_print(output, "usage: keep [NAME [OLD]]\n");
        return -EINVAL;
    }
    return take() ? leave(run_job(count == 1 ? JOB_SHOW : JOB_KEEP, count, words, output))
                  : -EINPROGRESS;
}

static int run_unkeep(int count, char *const words[], struct command_output *output)
{
    if (count != 2) {
        command_print(output, "usage: unkeep NAME\n");
        return -EINVAL;
    }
    return take() ? leave(run_job(JOB_UNKEEP, count, words, output)) : -EINPROGRESS;
}

static int start(void)
{
    static const struct package_store_ops store = {store_fetch, store_list};
    static const struct command_ops keep = {
        run_keep, "keep [NAME [OLD]] - has what runs loaded at each start"};
    static const struct command_ops unkeep = {run_unkeep, "unkeep NAME - has it so no more"};
    const struct worker_config worker = {
        .name = "package store", .step = step, .event = &state.wake};
    /* After a successor that did not stay: what this one had registered, its pages too, is revoked.
     */
    state = (struct package_store){0};
    event_init(&state.wake);
    if (time_now_ns() > TRIAL_CARD_COMES_NS) {
        trial_skip(&state.trial);
    }
    int result = offer_add(PACKAGE_STORE_KIND, "card", &store, sizeof(store));
    if (result >= 0) {
        result = offer_add(COMMAND_KIND, "keep", &keep, sizeof(keep));
    }
    if (result >= 0) {
        result = offer_add(COMMAND_KIND, "unkeep", &unkeep, sizeof(unkeep));
    }
    if (result >= 0) {
        result = worker_start(&worker);
    }
    return result < 0 ? result : 0;
}

/* Nobody is inside: a word that was not given up belonged to a call that was cut off. */
static int adopt(void)
{
    state.is_taken = 0;
    return 0;
}

COMPONENT(package_store, .version = VERSION(1, 0, 0), .summary = "Packages on the card",
          .start = start, .adopt = adopt);

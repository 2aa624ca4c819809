/* SPDX-License-Identifier: MIT */
/* What is kept is loaded at the start; see trial.h. */
#include "trial.h"

#include <neurath/library.h>
#include <neurath/log.h>
#include <neurath/time.h>

#define REPORT_US 50000
#define REFUSALS_MAX 200u /* that may pass, REPORT_US apart */

enum trial_step {
    TRIAL_LOOK,
    TRIAL_SCAN,
    TRIAL_BLAME,      /* somebody for starts that did not last: first they are forgotten, so that */
    TRIAL_BLAME_LAST, /* power that goes in between makes nobody guilty */
    TRIAL_COUNT,
    TRIAL_NEXT,
    TRIAL_OPEN,
    TRIAL_READ,
    TRIAL_MARK,
    TRIAL_ENTER,
    TRIAL_WAIT,
    TRIAL_UNMARK,
    TRIAL_LASTS,
    TRIAL_FORGET,
    TRIAL_OVER,
};

void trial_skip(struct trial *trial)
{
    trial->step = TRIAL_OVER;
}

bool trial_is_over(const struct trial *trial)
{
    return trial->step == TRIAL_OVER;
}

bool trial_has_card(const struct trial *trial)
{
    return trial->step != TRIAL_LOOK && trial->step != TRIAL_WAIT && trial->step != TRIAL_LASTS &&
           trial->step != TRIAL_OVER;
}

static int go_on(struct trial *trial, enum trial_step step)
{
    trial->step = step;
    trial->part = 0;
    return 1;
}

static int await_card(struct trial *trial)
{
    int result = store_card_look();
    if (result == 0) {
        return go_on(trial, TRIAL_SCAN);
    }
    if (result != -EAGAIN && time_now_ns() > TRIAL_CARD_COMES_NS) {
        return go_on(trial, TRIAL_OVER);
    }
    return result == -EAGAIN ? result : REPORT_US;
}

static void tell_marks(const struct kept_table *table)
{
    for (const struct kept *kept = table->kept; kept < table->kept + table->count; kept++) {
        if (kept->files & KEPT_PACKAGE && kept->files != KEPT_PACKAGE) {
            char package[STORE_PACKAGE_BYTES];
            store_print_package(package, kept->name, kept->version);
            log_warning("package_store: %s (kept, %u) is set aside: %s", package, kept->number,
                        kept->files & KEPT_NEW ? "it was not written whole"
                                               : "it did not pass its trial");
        }
    }
}

static int scan(struct trial *trial, struct store_card *card)
{
    int result = kept_scan(&trial->table, card);
    if (result == 1 || result == -EAGAIN) {
        return result;
    }
    if (result < 0 && result != -E2BIG) {
        log_warning("package_store: what is kept cannot be found out: %s",
                    store_card_words(result));
        return go_on(trial, TRIAL_OVER);
    }
    if (result < 0) {
        log_warning("package_store: %s", store_card_words(result));
    }
    tell_marks(&trial->table);
    if (!kept_next(&trial->table)) {
        return go_on(trial, trial->table.starts ? TRIAL_FORGET : TRIAL_OVER);
    }
    return go_on(trial, trial->table.starts < KEPT_STARTS ? TRIAL_COUNT : TRIAL_BLAME);
}

/* Where the card is not to be written they cannot be forgotten: that is all that is lost. */
static int forget_starts(struct trial *trial, struct store_card *card, enum trial_step next)
{
    int result = kept_forget_starts(card, &trial->part);
    if (result == -EAGAIN || result == 1) {
        return result;
    }
    trial->table.starts = 0;
    return go_on(trial, next);
}

static int blame_last(struct trial *trial, struct store_card *card)
{
    char package[STORE_PACKAGE_BYTES];
    struct kept *kept = kept_last(&trial->table);
    int result = kept_mark(card, kept, KEPT_BAD, &trial->part);
    if (result == -EAGAIN || result == 1) {
        return result;
    }
    store_print_package(package, kept->name, kept->version);
    log_warning("package_store: %s (kept, %u) is set aside: it was kept last, and %u starts did "
                "not last",
                package, kept->number, KEPT_STARTS);
    kept->is_aside = 1;
    return go_on(trial, kept_next(&trial->table) ? TRIAL_COUNT : TRIAL_OVER);
}

/* One that cannot be counted loads nothing: none of them can be marked either. */
static int count_start(struct trial *trial, struct store_card *card)
{
    int result = kept_count_start(card, trial->table.starts + 1, &trial->part);
    return result == -EAGAIN || result == 1 ? result : go_on(trial, TRIAL_NEXT);
}

/* The card is nobody's meanwhile. */
static int await_end(struct trial *trial, struct store_card *card)
{
    uint64_t now_ns = time_now_ns();
    int result = store_card_close(card);
    if (result == -EAGAIN || now_ns >= trial->lasts_ns) {
        return result == -EAGAIN ? result : go_on(trial, TRIAL_FORGET);
    }
    return (int)((trial->lasts_ns - now_ns) / 1000 + 1);
}

static bool is_in_world(const struct kept *kept)
{
    struct world_component component;
    return world_find(kept->name, &component) == 0 && component.version == kept->version &&
           component.build == kept->build;
}

/* Its turn has been; whether it stays set aside depends on its mark: `next` is what becomes of it.
 */
static int set_aside(struct trial *trial, struct store_card *card, struct kept *kept,
                     const char *words, enum trial_step next)
{
    char package[STORE_PACKAGE_BYTES];
    store_print_package(package, kept->name, kept->version);
    log_warning("package_store: %s (kept, %u) is set aside: %.160s", package, kept->number, words);
    store_card_drop(card);
    kept->is_aside = 1;
    return go_on(trial, next);
}

static int choose(struct trial *trial)
{
    struct world_component component;
    struct kept *kept = kept_next(&trial->table);
    if (!kept) {
        trial->lasts_ns = time_now_ns() + TRIAL_LASTS_NS;
        return go_on(trial, TRIAL_LASTS);
    }
    if (is_in_world(kept)) {
        kept->is_done = 1;
        return 1;
    }
    if (world_find(kept->name, &component) == 0 && component.version > kept->version) {
        char package[STORE_PACKAGE_BYTES];
        store_print_package(package, kept->name, kept->version);
        log_info("package_store: %s (kept, %u) is older than what is there, and stays out", package,
                 kept->number);
        kept->is_done = 1;
        return 1;
    }
    trial->at = (uint32_t)(kept - trial->table.kept); /* numbers may be there twice */
    trial->refusals = 0;
    return go_on(trial, TRIAL_OPEN);
}

static int read_kept(struct trial *trial, struct store_card *card, struct kept *kept)
{
    char path[STORE_PATH_BYTES];
    store_kept_path(path, kept, KEPT_PACKAGE);
    int result =
        trial->step == TRIAL_OPEN ? store_card_open(card, path, FILE_READ) : store_card_read(card);
    if (result == -EAGAIN || result == 1) {
        return result;
    }
    return result < 0 ? set_aside(trial, card, kept, store_card_words(result), TRIAL_NEXT)
                      : go_on(trial, trial->step + 1);
}

static int mark(struct trial *trial, struct store_card *card, struct kept *kept)
{
    int result = kept_mark(card, kept, KEPT_BAD, &trial->part);
    if (result == -EAGAIN || result == 1) {
        return result;
    }
    return result < 0 ? set_aside(trial, card, kept, store_card_words(result), TRIAL_NEXT)
                      : go_on(trial, TRIAL_ENTER);
}

/*
 * Shelved and taken from there in one go: so it is this one that is taken. One that is refused has
 * done no harm, and the next system, or the next start, may take it: it loses its mark.
 */
static int enter(struct trial *trial, struct store_card *card, struct kept *kept)
{
    struct evolve_answer answer;
    struct world_component component;
    char package[STORE_PACKAGE_BYTES];
    const char *old = kept->old[0] && world_find(kept->old, &component) == 0 ? kept->old : "";
    store_print_package(package, kept->name, kept->version);
    int result = evolve_shelve(package, card->data, card->data_bytes, &answer);
    if (result == 0) {
        result = evolve_swap(old, package, NULL, &answer);
    }
    if ((result == -EBUSY || result == -ENOMEM) && trial->refusals++ < REFUSALS_MAX) {
        return REPORT_US;
    }
    if (result < 0) {
        return set_aside(trial, card, kept, answer.message, TRIAL_UNMARK);
    }
    store_card_drop(card);
    trial->ticket = (uint32_t)answer.ticket;
    return go_on(trial, TRIAL_WAIT);
}

/* For the end of its probation. */
static int await_report(struct trial *trial, struct store_card *card, struct kept *kept)
{
    struct swap_report report;
    int result = swap_read_report(trial->ticket, &report);
    if (result == -EAGAIN || (result == 0 && report.phase == SWAP_ON_PROBATION)) {
        return REPORT_US;
    }
    if (result == 0 && report.result < 0) {
        return set_aside(trial, card, kept, report.message,
                         report.phase == SWAP_TAKEN_BACK ? TRIAL_NEXT : TRIAL_UNMARK);
    }
    if (result < 0 && !is_in_world(kept)) {
        return set_aside(trial, card, kept, "how it went is not known", TRIAL_NEXT);
    }
    return go_on(trial, TRIAL_UNMARK);
}

static int unmark(struct trial *trial, struct store_card *card, struct kept *kept)
{
    char package[STORE_PACKAGE_BYTES];
    int result = kept_unmark(card, kept, KEPT_BAD, &trial->part);
    if (result == -EAGAIN || result == 1) {
        return result;
    }
    store_print_package(package, kept->name, kept->version);
    if (result < 0) {
        log_warning("package_store: the mark of %s (kept, %u) stays, so that it will be set aside: "
                    "%s",
                    package, kept->number, store_card_words(result));
    } else if (!kept->is_aside) {
        log_info("package_store: %s (kept, %u) is loaded", package, kept->number);
    }
    kept->is_done = 1;
    return go_on(trial, TRIAL_NEXT);
}

int trial_continue(struct trial *trial, struct store_card *card)
{
    struct kept *kept = &trial->table.kept[trial->at];
    switch (trial->step) {
    case TRIAL_LOOK:
        return await_card(trial);
    case TRIAL_SCAN:
        return scan(trial, card);
    case TRIAL_BLAME:
        return forget_starts(trial, card, TRIAL_BLAME_LAST);
    case TRIAL_BLAME_LAST:
        return blame_last(trial, card);
    case TRIAL_COUNT:
        return count_start(trial, card);
    case TRIAL_NEXT:
        return choose(trial);
    case TRIAL_OPEN:
    case TRIAL_READ:
        return read_kept(trial, card, kept);
    case TRIAL_MARK:
        return mark(trial, card, kept);
    case TRIAL_ENTER:
        return enter(trial, card, kept);
    case TRIAL_WAIT:
        return await_report(trial, card, kept);
    case TRIAL_UNMARK:
        return unmark(trial, card, kept);
    case TRIAL_LASTS:
        return await_end(trial, card);
    case TRIAL_FORGET:
        return forget_starts(trial, card, TRIAL_OVER);
    default:
        return 0;
    }
}

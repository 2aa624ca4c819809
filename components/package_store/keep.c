/* SPDX-License-Identifier: MIT */
/* Keeping a package; see keep.h. */
#include "keep.h"

#include <lib/package_name.h>
#include <neurath/library.h>
#include <neurath/log.h>

enum keep_step {
    KEEP_FIND,
    KEEP_LOOK,
    KEEP_FOLDER,
    KEEP_SCAN,
    KEEP_DECIDE,
    KEEP_MARK,
    KEEP_OPEN,
    KEEP_READ,
    KEEP_WRITE,
    KEEP_CLOSE,
    KEEP_SYNC,
    KEEP_UNMARK,
    KEEP_PRUNE,
    KEEP_SYNC_AGAIN,
    KEEP_UNDO,
    UNKEEP_LOOK,
    UNKEEP_SCAN,
    UNKEEP_REMOVE,
    UNKEEP_SYNC,
};

/* A component's name: a package's without a version. */
static int read_name(const char *text, char name[COMPONENT_NAME_BYTES])
{
    uint32_t version;
    bool has_version;
    int result = package_name_parse(text, name, COMPONENT_NAME_BYTES, &version, &has_version);
    return result == 0 && has_version ? -EINVAL : result;
}

static int begin_either(struct keep *keep, const char *name, const char *old)
{
    keep->part = keep->removed = 0;
    keep->error = 0;
    keep->table.is_open = 0;
    keep->wanted = (struct kept){0};
    if (read_name(name, keep->wanted.name) < 0 || (*old && read_name(old, keep->wanted.old) < 0)) {
        return -EINVAL;
    }
    if (strcmp(keep->wanted.old, keep->wanted.name) == 0) {
        keep->wanted.old[0] = 0;
    }
    return 0;
}

int keep_begin(struct keep *keep, const char *name, const char *old)
{
    keep->step = KEEP_FIND;
    keep->is_unkeep = 0;
    return begin_either(keep, name, old);
}

int unkeep_begin(struct keep *keep, const char *name)
{
    keep->step = UNKEEP_LOOK;
    keep->is_unkeep = 1;
    return begin_either(keep, name, "");
}

static struct evolve_package package_of(const struct kept *kept)
{
    struct evolve_package package = {.version = kept->version, .build = kept->build};
    memcpy(package.name, kept->name, sizeof(package.name));
    return package;
}

/* What is kept is what runs. */
static int find_running(struct keep *keep, char *message)
{
    struct kept *wanted = &keep->wanted;
    struct world_component component;
    uint8_t byte;
    if (world_find(wanted->name, &component) < 0) {
        (void)format_print(message, PACKAGE_STORE_MESSAGE_BYTES,
                           "there is no component called %s in the world", wanted->name);
        return -ENOENT;
    }
    wanted->version = component.version;
    wanted->build = component.build;
    struct evolve_package package = package_of(wanted);
    if (evolve_read_package(&package, 0, &byte, 1) != 1) {
        (void)format_print(message, PACKAGE_STORE_MESSAGE_BYTES,
                           "the package of %s is not at hand: push or load it first. (What was "
                           "started with the system is there at each start.)",
                           wanted->name);
        return -ENOENT;
    }
    keep->step++;
    return 1;
}

static int fail_keep(struct keep *keep, int error, char *message)
{
    (void)format_print(message, PACKAGE_STORE_MESSAGE_BYTES, "%s is %s: %s", keep->wanted.name,
                       keep->is_unkeep ? "not removed wholly" : "not kept",
                       store_card_words(error));
    return error;
}

/* Whether this is kept already; else it gets the next number. */
static int decide(struct keep *keep, char *message)
{
    struct kept *wanted = &keep->wanted;
    struct kept *newest = kept_newest(&keep->table, wanted->name, UINT32_MAX);
    if (newest && newest->version == wanted->version && newest->build == wanted->build &&
        strcmp(newest->old, wanted->old) == 0) {
        (void)format_print(message, PACKAGE_STORE_MESSAGE_BYTES, "%s is kept already",
                           wanted->name);
        return 0;
    }
    for (uint32_t i = 0; i < keep->table.count; i++) {
        wanted->number = MAX(wanted->number, keep->table.kept[i].number);
    }
    if (wanted->number == STORE_NUMBER_MAX || keep->table.count == KEPT_MAX) {
        return fail_keep(keep, -E2BIG, message);
    }
    wanted->number++;
    keep->step++;
    return 1;
}

static int read_piece(struct keep *keep, struct store_card *card)
{
    struct evolve_package package = package_of(&keep->wanted);
    int result = evolve_read_package(&package, card->done, card->piece, sizeof(card->piece));
    if (result < 0) {
        return -EBUSY; /* others took its place on the shelf */
    }
    card->piece_bytes = (uint32_t)result;
    card->piece_done = 0;
    keep->step = result > 0 ? KEEP_WRITE : KEEP_CLOSE;
    return 1;
}

static int write_piece(struct keep *keep, struct store_card *card)
{
    int result = store_card_write(card);
    if (result == 0) {
        keep->step = KEEP_READ;
    }
    return result < 0 ? result : 1;
}

/*
 * The next package, or mark without one, that is to go: of the name, with the lowest number; when
 * one was kept, those before it but the newest that is sound.
 */
static struct kept *find_doomed(struct keep *keep)
{
    struct kept *lowest = NULL;
    const struct kept *before =
        keep->is_unkeep ? NULL : kept_newest(&keep->table, keep->wanted.name, keep->wanted.number);
    for (uint32_t i = 0; i < keep->table.count; i++) {
        struct kept *kept = &keep->table.kept[i];
        if (kept->files && kept != before && strcmp(kept->name, keep->wanted.name) == 0 &&
            (!lowest || kept->number < lowest->number)) {
            lowest = kept;
        }
    }
    return lowest;
}

/* A file before its marks: what is set aside never comes back by that. */
static int remove_next(struct keep *keep, struct store_card *card)
{
    char path[STORE_PATH_BYTES];
    struct kept *kept = find_doomed(keep);
    if (!kept) {
        keep->step++;
        return 1;
    }
    enum kept_file file = kept->files & KEPT_PACKAGE ? KEPT_PACKAGE
                          : kept->files & KEPT_NEW   ? KEPT_NEW
                                                     : KEPT_BAD;
    store_kept_path(path, kept, file);
    int result = store_card_remove(card, path);
    if (result == 0) {
        kept->files &= ~(uint32_t)file;
        keep->removed += file == KEPT_PACKAGE;
        return 1;
    }
    return result;
}

/* What was begun goes: first the file, then its mark. */
static int undo(struct keep *keep, struct store_card *card)
{
    char path[STORE_PATH_BYTES];
    store_kept_path(path, &keep->wanted, keep->part == 0 ? KEPT_PACKAGE : KEPT_NEW);
    int result = keep->part < 2 ? store_card_remove(card, path) : store_card_sync();
    if (result == -EAGAIN || result == 1) {
        return result;
    }
    return result == 0 && keep->part++ < 2 ? 1 : 0; /* what cannot be removed has its mark */
}

static int say_kept(const struct keep *keep, char *message)
{
    char version[VERSION_TEXT_MAX];
    version_print(version, sizeof(version), keep->wanted.version);
    (void)format_print(message, PACKAGE_STORE_MESSAGE_BYTES,
                       "%s %s is kept: it is loaded at each start", keep->wanted.name, version);
    log_info("package_store: %s", message);
    return 0;
}

static int say_removed(const struct keep *keep, char *message)
{
    (void)format_print(message, PACKAGE_STORE_MESSAGE_BYTES,
                       keep->removed ? "%s is not kept any more; what runs stays until the next "
                                       "start"
                                     : "nothing is kept of %s",
                       keep->wanted.name);
    return keep->removed ? 0 : -ENOENT;
}

/* One step; 0: it is done, the next one comes. */
static int carry_out(struct keep *keep, struct store_card *card)
{
    char path[STORE_PATH_BYTES];
    int result;
    switch (keep->step) {
    case KEEP_LOOK:
    case UNKEEP_LOOK:
        return store_card_await();
    case KEEP_FOLDER:
        result = store_card_close(card);
        result = result == 0 ? vfs_make_directory(STORE_KEPT) : result;
        return result == -EEXIST ? 0 : result;
    case KEEP_SCAN:
        return kept_scan(&keep->table, card);
    case UNKEEP_SCAN:
        result = kept_scan(&keep->table, card);
        return result == -E2BIG ? 0 : result; /* how else would it become less? */
    case KEEP_MARK:
        return kept_mark(card, &keep->wanted, KEPT_NEW, &keep->part);
    case KEEP_OPEN:
        store_kept_path(path, &keep->wanted, KEPT_PACKAGE);
        return store_card_open(card, path, FILE_CREATE | FILE_WRITE | FILE_TRUNCATE);
    case KEEP_CLOSE:
        return store_card_close(card);
    case KEEP_UNMARK:
        return kept_unmark(card, &keep->wanted, KEPT_NEW, &keep->part);
    default:
        return store_card_sync();
    }
}

/* Up to here nothing had been made, or what was made is to be removed. */
static int give_up(struct keep *keep, int error, char *message)
{
    if (keep->is_unkeep || keep->step < KEEP_MARK) {
        return fail_keep(keep, error, message);
    }
    if (keep->step > KEEP_UNMARK) { /* it is kept: only those before it are still there */
        log_warning("package_store: what was kept of %s before cannot be removed: %s",
                    keep->wanted.name, store_card_words(error));
        return say_kept(keep, message);
    }
    keep->error = fail_keep(keep, error, keep->message);
    keep->step = KEEP_UNDO;
    keep->part = 0;
    return 1;
}

int keep_continue(struct keep *keep, struct store_card *card, char *message)
{
    int result;
    switch (keep->step) {
    case KEEP_FIND:
        return find_running(keep, message);
    case KEEP_DECIDE:
        return decide(keep, message);
    case KEEP_UNDO:
        result = undo(keep, card);
        if (result == 0) {
            memcpy(message, keep->message, sizeof(keep->message));
            result = keep->error;
        }
        return result;
    case KEEP_READ:
        result = read_piece(keep, card);
        break;
    case KEEP_WRITE:
        result = write_piece(keep, card);
        break;
    case KEEP_PRUNE:
    case UNKEEP_REMOVE:
        result = remove_next(keep, card);
        break;
    default:
        result = carry_out(keep, card);
        if (result == 0 && keep->step == KEEP_SYNC_AGAIN) {
            return say_kept(keep, message);
        }
        if (result == 0 && keep->step == UNKEEP_SYNC) {
            return say_removed(keep, message);
        }
        if (result == 0) {
            keep->step++;
            result = 1;
        }
    }
    return result < 0 && result != -EAGAIN ? give_up(keep, result, message) : result;
}

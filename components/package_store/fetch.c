/* SPDX-License-Identifier: MIT */
/* Looking for packages on the card; see fetch.h. */
#include "fetch.h"

#include <lib/package_name.h>
#include <neurath/library.h>

enum fetch_step {
    FETCH_LOOK,
    FETCH_OPEN,
    FETCH_LIST,
    FETCH_CHOOSE,
    FETCH_FILE,
    FETCH_READ,
    FETCH_SHELVE
};

int fetch_begin(struct fetch *fetch, const char *package)
{
    bool has_version = false;
    fetch->step = FETCH_LOOK;
    fetch->count = fetch->has_best = 0;
    fetch->is_list = package[0] == 0;
    if (!fetch->is_list && package_name_parse(package, fetch->name, sizeof(fetch->name),
                                              &fetch->version, &has_version) < 0) {
        return -EINVAL;
    }
    fetch->has_version = has_version;
    return 0;
}

/* Of one version the usual build, or the first of the variants in the order of their names. */
static bool is_better(const struct package_store_entry *a, const struct package_store_entry *b)
{
    return a->version != b->version ? a->version > b->version : strcmp(a->variant, b->variant) < 0;
}

static void take_entry(struct fetch *fetch, const struct file_entry *file)
{
    struct package_store_entry entry;
    if (file->info.is_directory || !store_parse_entry(file->name, &entry)) {
        return;
    }
    entry.bytes = (uint32_t)MIN(file->info.bytes, UINT32_MAX);
    if (fetch->count < FETCH_ENTRIES_MAX) {
        fetch->entries[fetch->count++] = entry;
    }
    if (!fetch->is_list && strcmp(entry.name, fetch->name) == 0 &&
        (!fetch->has_version || entry.version == fetch->version) &&
        (!fetch->has_best || is_better(&entry, &fetch->best))) {
        fetch->best = entry;
        fetch->has_best = 1;
    }
}

/* "the card has led_blink 1.2.0, plasma 1.0.0, ..." */
static int explain_missing(const struct fetch *fetch, char *message)
{
    size_t used = 0;
    for (uint32_t i = 0; i < fetch->count; i++) {
        const struct package_store_entry *entry = &fetch->entries[i];
        size_t room = PACKAGE_STORE_MESSAGE_BYTES - used;
        char version[VERSION_TEXT_MAX];
        if (room < COMPONENT_NAME_BYTES + VERSION_TEXT_MAX + 24) {
            (void)format_print(message + used, room, ", ...");
            return -ENOENT;
        }
        version_print(version, sizeof(version), entry->version);
        used += (size_t)format_print(message + used, room, "%s%s %s", i ? ", " : "the card has ",
                                     entry->name, version);
    }
    if (fetch->count == 0) {
        (void)format_print(message, PACKAGE_STORE_MESSAGE_BYTES, "there are none on the card");
    }
    return -ENOENT;
}

/* What is said of the file that was chosen. */
static int fail_file(const struct fetch *fetch, int error, const char *words, char *message)
{
    char path[STORE_PATH_BYTES];
    store_entry_path(path, &fetch->best);
    (void)format_print(message, PACKAGE_STORE_MESSAGE_BYTES, "%s: %.200s", path, words);
    return error == -ENOENT ? -ENOMEDIUM : error; /* it was there: its card has gone */
}

static int look_for_card(struct fetch *fetch, char *message)
{
    int result = store_card_await();
    if (result == 0) {
        fetch->step = FETCH_OPEN;
        return 1;
    }
    if (result < 0 && result != -EAGAIN) {
        (void)format_print(message, PACKAGE_STORE_MESSAGE_BYTES, "%s", store_card_words(result));
    }
    return result;
}

static int list_entries(struct fetch *fetch, struct store_card *card, char *message)
{
    int result = fetch->step == FETCH_OPEN ? store_card_open(card, STORE_COMPONENTS, FILE_DIRECTORY)
                                           : store_card_list(card);
    if (result == -EAGAIN) {
        return result;
    }
    if (fetch->step == FETCH_OPEN && (result == -ENOENT || result == -ENOTDIR)) {
        fetch->step = FETCH_CHOOSE; /* no folder: as if it were empty */
        return 1;
    }
    if (result < 0) {
        (void)format_print(message, PACKAGE_STORE_MESSAGE_BYTES, STORE_COMPONENTS ": %s",
                           store_card_words(result));
        return result == -ENOENT ? -ENOMEDIUM : result;
    }
    if (fetch->step == FETCH_OPEN) {
        fetch->step = FETCH_LIST;
    } else if (result == 1) {
        take_entry(fetch, &card->entry);
    } else {
        fetch->step = FETCH_CHOOSE;
    }
    return 1;
}

static int read_file(struct fetch *fetch, struct store_card *card, char *message)
{
    char path[STORE_PATH_BYTES];
    store_entry_path(path, &fetch->best);
    int result =
        fetch->step == FETCH_FILE ? store_card_open(card, path, FILE_READ) : store_card_read(card);
    if (result == -EAGAIN || result == 1) {
        return result;
    }
    if (result < 0) {
        return fail_file(fetch, result, store_card_words(result), message);
    }
    fetch->step++;
    return 1;
}

static int shelve(const struct fetch *fetch, struct store_card *card, char *message)
{
    struct evolve_answer answer;
    char package[STORE_PACKAGE_BYTES];
    store_print_package(package, fetch->best.name, fetch->best.version);
    int result = evolve_shelve(package, card->data, card->data_bytes, &answer);
    store_card_drop(card);
    return result < 0 ? fail_file(fetch, result, answer.message, message) : 0;
}

int fetch_continue(struct fetch *fetch, struct store_card *card, char *message)
{
    switch (fetch->step) {
    case FETCH_LOOK:
        return look_for_card(fetch, message);
    case FETCH_OPEN:
    case FETCH_LIST:
        return list_entries(fetch, card, message);
    case FETCH_CHOOSE:
        fetch->step = FETCH_FILE;
        return fetch->is_list ? 0 : fetch->has_best ? 1 : explain_missing(fetch, message);
    case FETCH_FILE:
    case FETCH_READ:
        return read_file(fetch, card, message);
    default:
        return shelve(fetch, card, message);
    }
}

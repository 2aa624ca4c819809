/* SPDX-License-Identifier: MIT */
/*
 * The slots above a vfs of pretence, which is busy at times, and whose power can go after each
 * single change: whatever is on the card then, U-Boot finds a system that is whole.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#ifndef CONFIG_BOOT_SLOTS_GOOD_S
#define CONFIG_BOOT_SLOTS_GOOD_S 10
#define CONFIG_BOOT_SLOTS_PATIENCE_S 120
#endif

#define component_self boot_slots_test_self
#define device_claim_owned boot_slots_test_device_claim
#define device_read_u32 boot_slots_test_device_read
#define event_init_owned boot_slots_test_event_init
#define event_signal boot_slots_test_event_signal
#define offer_add_owned boot_slots_test_offer_add
#define offer_find boot_slots_test_offer_find
#define shell_execute boot_slots_test_shell_execute
#define time_now_ns boot_slots_test_time_now
#define worker_start_owned boot_slots_test_worker_start
#define world_read_totals boot_slots_test_read_totals
#define vfs_open boot_slots_test_vfs_open
#define vfs_close boot_slots_test_vfs_close
#define vfs_read boot_slots_test_vfs_read
#define vfs_write boot_slots_test_vfs_write
#define vfs_truncate boot_slots_test_vfs_truncate
#define vfs_look boot_slots_test_vfs_look
#define vfs_make_directory boot_slots_test_vfs_make_directory
#define vfs_remove boot_slots_test_vfs_remove
#define vfs_sync boot_slots_test_vfs_sync

#include "card.c"
#include "receive.c"

#include "boot_slots.c"

#define FILES 8u
#define FILE_BYTES 60000u
#define IMAGE_BYTES 50001u
#define PIECE 4096u
#define A "/card/slot-a/neurath.itb"
#define B "/card/slot-b/neurath.itb"
#define PART "/card/slot-b/update.part"

struct component {
    int unused;
};
struct component component_self;

static struct {
    char path[CARD_PATH_BYTES];
    uint32_t bytes, opens;
    uint8_t data[FILE_BYTES];
} files[FILES];
static bool has_card = true, is_shell_well = true, has_folder = true;
static unsigned busy_each;             /* each so many calls is refused; 0: none is */
static unsigned calls, changes, power; /* power: changes until it goes; 0: it stays */
static bool is_dark;
static int failure;                            /* what the next ones return: */
static unsigned failing_opens, failing_writes; /* so many */
static const char *bad_file = "";              /* the one that cannot be read, and has no room */
static uint32_t running = 1;
static bool is_told_trial; /* by U-Boot */
static uint64_t now_ns;
static uint32_t transactions;
static struct command_ops command;
static struct update_ops update;
static char said[2000];
static unsigned restarts;
static uint8_t image[IMAGE_BYTES];
static uint8_t digest[UPDATE_DIGEST_BYTES];

/* Every call comes by here: < 0 is its result. */
static int pretend(bool is_change)
{
    if (is_dark) {
        return -EIO;
    }
    if (busy_each > 0 && ++calls % busy_each == 0) {
        return -EAGAIN;
    }
    if (!has_card) {
        return -ENOENT;
    }
    is_dark = is_change && power > 0 && ++changes == power;
    return 0;
}

static int find(const char *path)
{
    for (int i = 0; i < (int)FILES; i++) {
        if (strcmp(files[i].path, path) == 0) {
            return i;
        }
    }
    return -ENOENT;
}

int vfs_open(const char *owner, const char *path, uint32_t flags, uint32_t *handle,
             struct file_info *info)
{
    cr_assert_str_eq(owner, "boot_slots");
    int at = find(path);
    int result = pretend(at < 0 && (flags & FILE_CREATE));
    if (failing_opens > 0) {
        failing_opens--;
        result = failure;
    }
    if (result < 0) {
        return result;
    }
    if (at < 0 && (flags & FILE_CREATE) && has_folder) {
        at = find("");
        cr_assert_geq(at, 0);
        snprintf(files[at].path, sizeof(files[at].path), "%s", path);
        files[at].bytes = 0;
    }
    if (at < 0) {
        return -ENOENT;
    }
    files[at].opens++;
    *handle = (uint32_t)at + 1;
    if (info) {
        *info = (struct file_info){.bytes = files[at].bytes};
    }
    return 0;
}

int vfs_close(uint32_t handle)
{
    cr_assert(handle >= 1 && handle <= FILES);
    int result = pretend(false);
    if (result == 0) {
        cr_assert_gt(files[handle - 1].opens, 0);
        files[handle - 1].opens--;
    }
    return result;
}

int vfs_read(uint32_t handle, uint64_t offset, void *buffer, uint32_t size)
{
    int result = strcmp(files[handle - 1].path, bad_file) == 0 ? -EIO : pretend(false);
    if (result < 0) {
        return result;
    }
    uint32_t bytes = files[handle - 1].bytes;
    size = offset < bytes ? MIN(size, bytes - (uint32_t)offset) : 0;
    memcpy(buffer, files[handle - 1].data + offset, size);
    return (int)size;
}

/* Fewer than asked for; when the power goes, half of that. */
int vfs_write(uint32_t handle, uint64_t offset, const void *buffer, uint32_t size)
{
    int result = pretend(true);
    if (failing_writes > 0) {
        failing_writes--;
        result = failure;
    }
    result = strcmp(files[handle - 1].path, bad_file) == 0 ? -ENOSPC : result;
    if (result < 0) {
        return result;
    }
    size = MIN(size, 5000u);
    size = is_dark ? size / 2 : size;
    cr_assert_leq(offset, files[handle - 1].bytes);
    cr_assert_leq(offset + size, FILE_BYTES);
    memcpy(files[handle - 1].data + offset, buffer, size);
    files[handle - 1].bytes = MAX(files[handle - 1].bytes, (uint32_t)offset + size);
    return is_dark ? -EIO : (int)size;
}

int vfs_truncate(uint32_t handle, uint64_t bytes)
{
    int result = pretend(true);
    files[handle - 1].bytes = result == 0 ? (uint32_t)bytes : files[handle - 1].bytes;
    return result;
}

int vfs_look(const char *path, struct file_info *info)
{
    cr_assert_str_eq(path, "/card");
    *info = (struct file_info){.is_directory = 1};
    return pretend(false);
}

int vfs_make_directory(const char *path)
{
    int result = pretend(false);
    cr_assert_eq(strncmp(path, "/card/slot-", 11), 0);
    if (result < 0 || has_folder) {
        return result < 0 ? result : -EEXIST;
    }
    has_folder = true;
    return 0;
}

int vfs_remove(const char *path)
{
    int at = find(path);
    int result = pretend(at >= 0);
    if (result == 0 && at >= 0 && files[at].opens > 0) {
        return -EBUSY;
    }
    if (result == 0 && at >= 0) {
        files[at].path[0] = 0;
    }
    return result < 0 ? result : at < 0 ? -ENOENT : 0;
}

int vfs_sync(void)
{
    return pretend(false);
}

int device_claim_owned(const char *compatible, struct device *device, struct component *owner)
{
    (void)device;
    (void)owner;
    cr_assert_str_eq(compatible, "neurath,boot");
    return running > 0 ? 0 : -ENODEV;
}

int device_read_u32(const struct device *device, const char *property, unsigned index,
                    uint32_t *value)
{
    (void)device;
    (void)index;
    *value = strcmp(property, "slot") == 0 ? running : is_told_trial;
    return 0;
}

void event_init_owned(struct event *event, struct component *owner)
{
    (void)event;
    (void)owner;
}

void event_signal(struct event *event)
{
    cr_assert_eq(event, &state.wake);
}

int offer_add_owned(const char *kind, const char *name, const void *table, size_t size,
                    struct component *owner)
{
    (void)owner;
    cr_assert_str_eq(name, "slots");
    memcpy(strcmp(kind, UPDATE_KIND) == 0 ? (void *)&update : (void *)&command, table, size);
    return 1;
}

static int run_reboot(int count, char *const words[], struct command_output *output)
{
    cr_assert(count == 1 && strcmp(words[0], "reboot") == 0);
    output->write(output, "restarting\n", 11);
    restarts++;
    return 0;
}

int offer_find(const char *kind, const char *name, uint32_t after, struct offer *offer)
{
    const struct command_ops ops = {run_reboot, ""};
    cr_assert(after == 0 && strcmp(kind, COMMAND_KIND) == 0 && strcmp(name, "reboot") == 0);
    memcpy(offer->table, &ops, sizeof(ops));
    return 0;
}

int shell_execute(const char *line, struct command_output *output)
{
    cr_assert_str_eq(line, "help");
    if (is_shell_well) {
        output->write(output, "help\n", 5);
    }
    return is_shell_well ? 0 : -EIO;
}

uint64_t time_now_ns(void)
{
    return now_ns += 1000;
}

void world_read_totals(struct world_totals *totals)
{
    *totals = (struct world_totals){.transactions = transactions};
}

int worker_start_owned(const struct worker_config *config, struct component *owner)
{
    (void)owner;
    cr_assert_eq(config->step, step);
    return 1;
}

/* --- the card, as U-Boot sees it ----------------------------------------------------------------
 */

static void put_file(const char *path, const void *data, uint32_t bytes)
{
    int at = find(path) < 0 ? find("") : find(path);
    snprintf(files[at].path, sizeof(files[at].path), "%s", path);
    memcpy(files[at].data, data, bytes);
    files[at].bytes = bytes;
}

/* A FIT: a tree with its description, its size a page, and data behind it. */
static void make_system(uint8_t *bytes, const char *description, uint8_t fill)
{
    struct message_writer writer;
    memset(bytes, fill, IMAGE_BYTES);
    message_begin(&writer, bytes, 4096);
    message_put_string(&writer, "description", description);
    cr_assert_gt(message_finish(&writer), 0);
}

static bool is_system(const char *path, uint8_t fill)
{
    int at = find(path);
    return at >= 0 && files[at].bytes == IMAGE_BYTES && files[at].data[IMAGE_BYTES - 1] == fill;
}

/* What U-Boot would start, by the environment and what the slots hold: the byte they are filled
 * with; 0: nothing. */
static uint8_t boot(void)
{
    struct card *card = calloc(1, sizeof(*card));
    char slot[4];
    for (unsigned i = 0; i < 2; i++) {
        int at = find(environment_path[i]);
        if (at >= 0 && files[at].bytes == ENVIRONMENT_BYTES) {
            memcpy(card->copy[i], files[at].data, ENVIRONMENT_BYTES);
            card->is_whole[i] = environment_is_whole(card->copy[i]);
        }
    }
    unsigned current = card->is_whole[0] && card->is_whole[1]
                           ? environment_choose(card->copy[0][4], card->copy[1][4])
                       : card->is_whole[1] ? 1
                                           : 0;
    memcpy(card->image, card->is_whole[current] ? card->copy[current] : card->image,
           ENVIRONMENT_BYTES);
    card_get(card, "slot", slot, sizeof(slot));
    free(card);
    const char *first = strcmp(slot, "b") == 0 ? B : A, *second = first[11] == 'b' ? A : B;
    for (uint8_t fill = 1; fill < 4; fill++) {
        if (is_system(first, fill)) {
            return fill;
        }
    }
    for (uint8_t fill = 1; fill < 4; fill++) {
        if (is_system(second, fill)) {
            return fill;
        }
    }
    return 0;
}

/* Lets the worker do all there is to do now. */
static void work(void)
{
    for (unsigned i = 0; i < 1000 && !is_dark; i++) {
        int result = step(NULL);
        if (result == -EAGAIN || result == LOOK_US) {
            return;
        }
        cr_assert(result == 0 || result == BUSY_US, "%d", result);
    }
    cr_assert(is_dark);
}

/* The machine starts, from slot `slot` (1 or 2). */
static void power_on(uint32_t slot)
{
    memset(&state, 0, sizeof(state));
    for (unsigned i = 0; i < FILES; i++) {
        files[i].opens = 0;
    }
    is_dark = false;
    changes = power = 0;
    running = slot;
    cr_assert_eq(start(), 0);
    work();
}

static void begin(void)
{
    static uint8_t system[IMAGE_BYTES];
    memset(files, 0, sizeof(files));
    make_system(system, "Neurath 1.0", 1);
    put_file(A, system, IMAGE_BYTES);
    make_system(system, "Neurath 0.9", 2);
    put_file(B, system, IMAGE_BYTES);
    make_system(image, "Neurath 1.1", 3);
    br_sha256_context hash;
    br_sha256_init(&hash);
    br_sha256_update(&hash, image, IMAGE_BYTES);
    br_sha256_out(&hash, digest);
}

static void say(struct command_output *output, const char *text, size_t size)
{
    (void)output;
    strncat(said, text, size);
}

static const char *run(char *first, char *second)
{
    char name[] = "slots";
    char *words[] = {name, first, second};
    struct command_output output = {say};
    said[0] = 0;
    (void)command.run(first ? 3 : 1, words, &output);
    return said;
}

static struct update_status status(void)
{
    struct update_status now;
    cr_assert_eq(update.read_status(&now), 0);
    return now;
}

/* Sends the image from what is there on. Returns false when the power has gone. */
static bool send_pieces(uint32_t from)
{
    for (uint32_t at = from; at < IMAGE_BYTES && !is_dark;) {
        uint32_t size = MIN(PIECE, IMAGE_BYTES - at);
        int result = update.write(at, image + at, size);
        cr_assert(result == 0 || result == -EAGAIN || is_dark, "%d at %u", result, at);
        at += result == 0 ? size : 0;
    }
    return !is_dark;
}

static void finish(void)
{
    int result;
    do {
        result = update.finish();
    } while (result == -EAGAIN);
    cr_assert_eq(result, 0);
}

static bool send(uint32_t from)
{
    if (send_pieces(from)) {
        finish();
        work();
    }
    return !is_dark;
}

static int begin_update(void)
{
    int result;
    do {
        result = update.begin(IMAGE_BYTES, digest);
    } while (result == -EAGAIN);
    if (result == 0) {
        work();
    }
    return result;
}

/* Sends the system, and starts it. */
static void start_trial(void)
{
    power_on(1);
    cr_assert_eq(begin_update(), 0);
    cr_assert(send(0));
    power_on(2);
    cr_assert(state.is_trial);
}

TestSuite(boot_slots, .init = begin);

Test(boot_slots, an_update_goes_into_the_other_slot_and_is_found_good)
{
    power_on(1);
    cr_expect_str_eq(run(NULL, NULL), "slot a  1.0  runs, good\nslot b  0.9\n");
    cr_assert_eq(begin_update(), 0);
    cr_expect_eq(status().phase, UPDATE_RECEIVING);
    cr_expect(send(0));
    cr_expect_eq(status().phase, UPDATE_DONE);
    cr_expect_str_eq(status().message, "the next start tries slot b: 1.1");
    cr_expect_eq(boot(), 3);
    cr_expect_lt(find(PART), 0);

    power_on(2);
    cr_expect_not_null(strstr(run(NULL, NULL), "slot b  1.1  runs, on trial"), "%s", said);
    cr_expect_eq(begin_update(), -EBUSY);
    now_ns += 9 * S_NS;
    is_shell_well = false; /* for a moment: the time begins anew */
    work();
    is_shell_well = true;
    now_ns += 9 * S_NS;
    transactions++; /* again */
    work();
    now_ns += 9 * S_NS;
    work();
    cr_expect(state.is_trial);
    now_ns += 2 * S_NS;
    work();
    cr_expect_not(state.is_trial);
    cr_expect_str_eq(run(NULL, NULL), "slot a  1.0\nslot b  1.1  runs, good\n");
    power_on(2);
    cr_expect_not(state.is_trial);
    cr_expect_eq(restarts, 0u);
}

Test(boot_slots, restarts_a_system_that_is_not_found_good)
{
    power_on(1);
    char try[] = "try", b[] = "b", c[] = "c";
    cr_expect_str_eq(run(try, c), "there is no system to be tried\n");
    cr_expect_str_eq(run(try, b), "the next start takes slot b, on trial\n");
    work();
    power_on(2);
    is_shell_well = false;
    now_ns += 121 * S_NS;
    work();
    now_ns += 121 * S_NS;
    work();
    cr_expect_eq(restarts, 1u);
    cr_expect(state.is_trial);
}

Test(boot_slots, restarts_a_system_on_trial_that_cannot_read_its_card)
{
    has_card = false;
    is_told_trial = true;
    now_ns = 0;
    power_on(2);
    now_ns += 119 * S_NS;
    work();
    cr_expect_eq(restarts, 0u);
    now_ns += 2 * S_NS;
    work();
    now_ns += 200 * S_NS;
    work();
    cr_expect_eq(restarts, 1u);

    now_ns = 0;
    has_card = true; /* which knows better than U-Boot's word */
    power_on(2);
    cr_expect_not(state.is_trial);
    now_ns = 0;
    has_card = false;
    is_told_trial = false;
    power_on(2);
    now_ns += 200 * S_NS;
    work();
    cr_expect_eq(restarts, 1u, "it is not on trial: it waits for a card");
    is_told_trial = true;
    power_on(2); /* loaded anew, long after */
    now_ns += 200 * S_NS;
    work();
    cr_expect_eq(restarts, 1u, "what U-Boot has said may be over");
}

Test(boot_slots, is_patient_while_kept_packages_are_loaded_but_not_for_ever)
{
    start_trial();
    for (unsigned i = 0; i < 7; i++) {
        now_ns += 60 * S_NS;
        transactions++;
        work();
    }
    cr_expect_eq(restarts, 0u);
    now_ns += 61 * S_NS;
    transactions++;
    work();
    cr_expect_eq(restarts, 1u);
}

Test(boot_slots, goes_on_without_a_card_and_with_busy_files)
{
    has_card = false;
    power_on(1);
    cr_expect_str_eq(run(NULL, NULL), "there is no card\n");
    cr_expect_eq(begin_update(), -ENOMEDIUM);
    has_card = true;
    work();
    for (busy_each = 2; busy_each < 6; busy_each++) {
        begin();
        power_on(1);
        cr_assert_eq(begin_update(), 0);
        cr_expect(send(0));
        cr_expect_eq(boot(), 3, "busy each %u", busy_each);
    }
}

Test(boot_slots, whatever_is_interrupted_there_is_a_system_to_start)
{
    bool is_through = false;
    for (unsigned at = 1; !is_through && at < 200; at++) {
        begin();
        power_on(1);
        power = at;
        is_through = begin_update() == 0 && !is_dark && send(0);
        uint8_t booted = boot();
        cr_expect(booted == 1 || booted == 3, "cut at change %u: %u", at, booted);
        cr_expect(is_system(A, 1), "cut at change %u", at);
        int sent = find(PART);
        bool is_sent = sent >= 0 && files[sent].bytes == IMAGE_BYTES &&
                       memcmp(files[sent].data, image, IMAGE_BYTES) == 0;
        cr_expect(is_system(B, 2) || is_sent || booted == 3, "cut at change %u", at);
        /* It is sent again, by whoever was started. */
        if (!is_through && booted == 1) {
            power_on(1);
            cr_assert_eq(begin_update(), 0, "cut at change %u", at);
            uint32_t there = status().received;
            int part = find(PART);
            cr_expect(there == IMAGE_BYTES || there % 512 == 0);
            cr_expect(part >= 0 && memcmp(files[part].data, image, there) == 0);
            cr_expect(send(there));
            cr_expect_eq(boot(), 3, "cut at change %u", at);
        }
    }
    cr_expect(is_through);
}

static bool is_environment_whole(const char *path)
{
    int at = find(path);
    return at >= 0 && environment_is_whole(files[at].data);
}

Test(boot_slots, another_slot_can_be_chosen_in_the_middle_of_a_transfer)
{
    char try[] = "try", b[] = "b";
    power_on(1);
    cr_assert_eq(begin_update(), 0);
    cr_assert_eq(update.write(0, image, PIECE), 0);
    cr_expect_str_eq(run(try, b), "the next start takes slot b, on trial\n");
    work();
    cr_expect_eq(state.card.handle, 0, "the environment is not kept open");
    cr_assert(send(PIECE));
    cr_expect_eq(status().phase, UPDATE_DONE, "%s", status().message);
    cr_expect(is_environment_whole("/card/uboot.env"));
    cr_expect(is_environment_whole("/card/uboot-redund.env"));
    cr_expect_eq(boot(), 3);
}

Test(boot_slots, makes_the_folder_of_a_slot_that_has_none)
{
    power_on(1);
    files[find(B)].path[0] = 0;
    has_folder = false;
    cr_assert_eq(begin_update(), 0);
    cr_expect(has_folder);
    cr_expect(send(0));
    cr_expect_eq(boot(), 3);
}

Test(boot_slots, being_found_good_can_be_interrupted_as_well)
{
    for (unsigned at = 1; at < 12; at++) {
        begin();
        power_on(1);
        cr_assert_eq(begin_update(), 0);
        cr_expect(send(0));
        power_on(2);
        now_ns += 11 * S_NS;
        power = at;
        work();
        cr_expect_eq(boot(), 3, "cut at change %u", at);
        power_on(2);
        now_ns += 11 * S_NS;
        work();
        cr_expect_not(state.is_trial);
        cr_expect_eq(card_get_number(&state.card, "upgrade_available"), 0u);
    }
}

Test(boot_slots, goes_on_to_say_good_until_it_is_written)
{
    start_trial();
    now_ns += 11 * S_NS;
    failure = -EIO;
    failing_writes = 2;
    work();
    cr_expect_not_null(strstr(run(NULL, NULL), "on trial: start"), "%s", said);
    cr_expect_eq(begin_update(), -EBUSY, "what it falls back to is still needed");
    work();
    cr_expect_not_null(strstr(run(NULL, NULL), "on trial: start"), "%s", said);
    work();
    cr_expect_not_null(strstr(run(NULL, NULL), "slot b  1.1  runs, good"), "%s", said);
    power_on(2);
    cr_expect_not(state.is_trial);
}

Test(boot_slots, does_not_say_next_when_that_could_not_be_written)
{
    char try[] = "try", b[] = "b";
    power_on(1);
    failure = -EROFS;
    failing_writes = 1;
    (void)run(try, b);
    work();
    cr_expect_str_eq(run(NULL, NULL), "slot a  1.0  runs, good\nslot b  0.9\n");
    work();
    cr_expect_str_eq(run(NULL, NULL), "slot a  1.0  runs, good\nslot b  0.9\n");
    cr_assert_eq(begin_update(), 0);
    cr_assert(send_pieces(0));
    finish();
    while (state.receive.step != PUT_ENVIRONMENT) {
        (void)step(NULL);
    }
    failing_writes = 1;
    work();
    cr_expect_eq(status().phase, UPDATE_FAILED);
    (void)run(NULL, NULL);
    cr_expect_not_null(strstr(said, "slot b  1.1\n"), "it is there, but not next: %s", said);
    cr_expect_eq(boot(), 1);
}

Test(boot_slots, writes_behind_what_another_computer_has_written)
{
    uint8_t other[ENVIRONMENT_BYTES];
    char value[8];
    power_on(1);
    environment_clear(other);
    environment_set(other, "mine", "new");
    environment_seal(other, 40);
    put_file("/card/uboot.env", other, sizeof(other));
    environment_seal(other, 41);
    put_file("/card/uboot-redund.env", other, sizeof(other));
    cr_assert_eq(begin_update(), 0);
    cr_expect(send(0));
    cr_expect_eq(boot(), 3);
    card_get(&state.card, "mine", value, sizeof(value));
    cr_expect_str_eq(value, "new");

    environment_set(other, "slot", "a");
    environment_seal(other, 80);
    put_file("/card/uboot.env", other, sizeof(other));
    char try[] = "try", b[] = "b";
    (void)run(try, b);
    work();
    cr_expect_eq(boot(), 3);
    card_get(&state.card, "mine", value, sizeof(value));
    cr_expect_str_eq(value, "new");
}

Test(boot_slots, does_not_take_what_is_out_of_reach_for_what_is_not_there)
{
    static const int errors[] = {-EIO, -EMFILE, -ENOMEDIUM};
    for (unsigned i = 0; i < ARRAY_SIZE(errors); i++) {
        begin();
        start_trial();
        failure = errors[i];
        failing_opens = 3;
        power_on(2);
        for (unsigned look = 0; look < 4; look++) {
            work();
        }
        cr_expect(state.is_trial, "error %d", errors[i]);
    }
    /* A copy that never becomes readable is none. */
    bad_file = "/card/uboot.env";
    power_on(2);
    for (unsigned look = 0; look < 30; look++) {
        work();
    }
    cr_expect_eq(state.stage, STAGE_READY);
    bad_file = "";
}

Test(boot_slots, puts_both_copies_of_the_environment_on_a_card_that_has_none)
{
    static const char *const copies[] = {"/card/uboot.env", "/card/uboot-redund.env"};
    power_on(1);
    cr_assert_eq(begin_update(), 0);
    cr_assert(send(0));
    cr_expect(is_environment_whole(copies[0]));
    cr_expect(is_environment_whole(copies[1]), "U-Boot has room to count");
    cr_expect_eq(boot(), 3);
    for (unsigned i = 0; i < 2; i++) {
        begin();
        power_on(1);
        bad_file = copies[i]; /* there is room for one of them only */
        cr_assert_eq(begin_update(), 0);
        cr_assert(send(0));
        cr_expect_eq(status().phase, UPDATE_FAILED);
        cr_expect_eq(boot(), 1, "nothing is tried that could not be counted");
        bad_file = "";
    }
}

Test(boot_slots, takes_no_other_update_while_one_is_put_in_place)
{
    power_on(1);
    cr_assert_eq(begin_update(), 0);
    cr_assert(send_pieces(0));
    finish();
    cr_expect_eq(state.card.handle, 0, "what is read then comes from the card");
    while (status().phase == UPDATE_CHECKING) {
        cr_expect_eq(update.begin(IMAGE_BYTES, digest), -EBUSY);
        (void)step(NULL);
    }
    cr_expect_eq(status().phase, UPDATE_DONE, "%s", status().message);
}

Test(boot_slots, says_what_is_next_when_the_card_fails_behind_that)
{
    power_on(1);
    cr_assert_eq(begin_update(), 0);
    cr_assert(send_pieces(0));
    finish();
    while (state.receive.step != PUT_REMOVE_PART) {
        cr_assert_eq(step(NULL), 0);
    }
    files[find(PART)].opens++; /* by somebody else */
    work();
    cr_expect_eq(status().phase, UPDATE_FAILED);
    cr_expect_str_eq(status().message,
                     "it is next already, but a file of the slot is open elsewhere (error 16)");
    cr_expect_eq(boot(), 3);
}

Test(boot_slots, refuses_what_is_no_system_or_not_what_was_sent)
{
    power_on(1);
    cr_expect_eq(update.begin(0, digest), -EINVAL);
    cr_expect_eq(update.begin(UPDATE_BYTES_MAX + 1, digest), -EINVAL);
    cr_expect_eq(update.write(0, image, PIECE), -EINVAL);
    cr_expect_eq(update.finish(), -EINVAL);
    cr_assert_eq(begin_update(), 0);
    cr_expect_eq(update.write(PIECE, image, PIECE), -EINVAL);
    cr_expect_eq(update.finish(), -EINVAL);
    image[IMAGE_BYTES - 1] ^= 1;
    cr_expect(send(0));
    cr_expect_eq(status().phase, UPDATE_FAILED);
    cr_expect_not_null(strstr(status().message, "not what was sent"), "%s", status().message);
    cr_expect(is_system(B, 2));

    /* Of the one that failed nothing is taken over, if the host says so. */
    image[IMAGE_BYTES - 1] ^= 1;
    image[0] = 'X';
    br_sha256_context hash;
    br_sha256_init(&hash);
    br_sha256_update(&hash, image, IMAGE_BYTES);
    br_sha256_out(&hash, digest);
    cr_assert_eq(begin_update(), 0);
    cr_expect_eq(status().received, IMAGE_BYTES);
    cr_expect(send(0));
    cr_expect_eq(status().phase, UPDATE_FAILED);
    cr_expect_not_null(strstr(status().message, "no FIT"), "%s", status().message);
    cr_expect(is_system(B, 2));
    cr_expect_eq(boot(), 1);
}

Test(boot_slots, takes_the_environment_as_it_finds_it)
{
    static uint8_t absurd[ENVIRONMENT_BYTES];
    memset(absurd, 'x', sizeof(absurd));
    environment_seal(absurd, 7); /* whole, and without an end */
    put_file("/card/uboot.env", absurd, sizeof(absurd));
    put_file("/card/uboot-redund.env", absurd, 100);
    power_on(0); /* and nobody says which slot runs */
    cr_expect_str_eq(run(NULL, NULL), "slot a  1.0  runs, good\nslot b  0.9\n");
    cr_assert_eq(begin_update(), 0);
    cr_expect(send(0));
    cr_expect_eq(boot(), 3);

    environment_clear(absurd);
    environment_set(absurd, "slot", "b");
    environment_set(absurd, "mine", "kept");
    environment_set(absurd, "failed_slot", "a");
    environment_set(absurd, "failed_why", "it was \033tired");
    environment_seal(absurd, 255);
    begin();
    put_file("/card/uboot.env", absurd, sizeof(absurd));
    power_on(2);
    cr_expect_not_null(strstr(run(NULL, NULL), "slot a was given up: it was ?tired"), "%s", said);
    char try[] = "try", a[] = "a", value[8];
    cr_expect_str_eq(run(try, a), "the next start takes slot a, on trial\n");
    work();
    cr_expect_eq(boot(), 1);
    cr_expect_eq(files[find("/card/uboot-redund.env")].data[4], 0); /* behind 255 */
    power_on(1);
    card_get(&state.card, "mine", value, sizeof(value));
    cr_expect_str_eq(value, "kept");
    cr_expect_null(strstr(run(NULL, NULL), "given up"), "it is tried anew: %s", said);
}

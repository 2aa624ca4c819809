/* SPDX-License-Identifier: MIT */
/*
 * The store above a vfs of pretence, which is busy at times, fails as it is told, and whose power
 * can go after each single change: whatever is on the card then, what was kept before or what is
 * kept now is loaded at the next start.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#define component_self package_store_test_self
#define event_init_owned package_store_test_event_init
#define event_signal package_store_test_event_signal
#define evolve_read_package package_store_test_evolve_read_package
#define evolve_shelve package_store_test_evolve_shelve
#define evolve_swap package_store_test_evolve_swap
#define log_write package_store_test_log_write
#define offer_add_owned package_store_test_offer_add
#define page_allocate_owned package_store_test_page_allocate
#define page_free package_store_test_page_free
#define page_mark_plain package_store_test_page_mark_plain
#define swap_event package_store_test_swap_event
#define swap_read_report package_store_test_swap_read_report
#define time_now_ns package_store_test_time_now
#define worker_start_owned package_store_test_worker_start
#define world_component package_store_test_world_component
#define vfs_open package_store_test_vfs_open
#define vfs_close package_store_test_vfs_close
#define vfs_list package_store_test_vfs_list
#define vfs_look package_store_test_vfs_look
#define vfs_make_directory package_store_test_vfs_make_directory
#define vfs_read package_store_test_vfs_read
#define vfs_remove package_store_test_vfs_remove
#define vfs_sync package_store_test_vfs_sync
#define vfs_write package_store_test_vfs_write

#include "card.c"
#include "fetch.c"
#include "keep.c"
#include "kept.c"
#include "names.c"
#include "trial.c"

#include "package_store.c"

#define FILES 64u
#define FILE_BYTES 40000u
#define STEPS_MAX 20000u

struct component {
    int unused;
};
struct component component_self;

/* A package is these few words, and filling. */
struct fake_package {
    char magic[4]; /* "fake" */
    uint32_t version, build;
    uint32_t is_bad; /* 1: refused; 2: taken back; 3: the machine stands still; 4: refused late */
    char name[COMPONENT_NAME_BYTES];
    uint8_t filling[20000];
};

static struct {
    char path[STORE_PATH_BYTES];
    uint32_t bytes;
    uint8_t data[FILE_BYTES];
} files[FILES];
static bool has_card, has_components, has_kept, is_dark, is_stuck;
static int failure;                    /* what each change returns; 0: it is done */
static unsigned busy_each;             /* each so many calls is refused; 0: none is */
static unsigned calls, changes, power; /* power: changes until it goes; 0: it stays */
static uint64_t now_ns, ends_ns;       /* ends: when the machine stops; 0: not by itself */
static struct world_component world[4];
static struct fake_package shelf[8];
static unsigned shelved;
static struct swap_report report;
static unsigned reports; /* how often it is not there yet */
static struct package_store_ops store;
static struct command_ops keep_command, unkeep_command;
static char said[4000], logged[8000];
static int pages_out;

/* Every call of the vfs comes by here: < 0 is its result. */
static int pretend(bool is_change)
{
    if (is_dark) {
        return -ENOMEDIUM;
    }
    if (busy_each > 0 && ++calls % busy_each == 0) {
        return -EAGAIN;
    }
    if (!has_card) {
        return -ENOENT;
    }
    if (is_change && failure) {
        return failure;
    }
    is_dark = is_change && power > 0 && ++changes == power;
    return 0;
}

static int find_file(const char *path)
{
    for (int i = 0; i < (int)FILES; i++) {
        if (strcmp(files[i].path, path) == 0) {
            return i;
        }
    }
    return -ENOENT;
}

#define COMPONENTS_HANDLE 101u
#define KEPT_HANDLE 102u

int vfs_open(const char *owner, const char *path, uint32_t flags, uint32_t *handle,
             struct file_info *info)
{
    cr_assert_str_eq(owner, "package_store");
    int at = find_file(path);
    int result = pretend(at < 0 && (flags & FILE_CREATE));
    *info = (struct file_info){0};
    if (result < 0) {
        return result;
    }
    if (flags & FILE_DIRECTORY) {
        bool is_kept = strcmp(path, STORE_KEPT) == 0;
        cr_assert(is_kept || strcmp(path, STORE_COMPONENTS) == 0);
        *handle = is_kept ? KEPT_HANDLE : COMPONENTS_HANDLE;
        return is_kept ? (has_kept ? 0 : -ENOENT) : has_components ? 0 : -ENOENT;
    }
    if (at < 0 && (flags & FILE_CREATE) && has_kept) {
        at = find_file("");
        cr_assert_geq(at, 0);
        snprintf(files[at].path, sizeof(files[at].path), "%s", path);
        files[at].bytes = 0;
    }
    if (at < 0) {
        return -ENOENT;
    }
    *handle = (uint32_t)at + 1;
    info->bytes = files[at].bytes;
    return 0;
}

int vfs_close(uint32_t handle)
{
    cr_assert_neq(handle, 0);
    return pretend(false);
}

int vfs_list(uint32_t handle, uint32_t *position, struct file_entry *entry)
{
    const char *folder = handle == KEPT_HANDLE ? STORE_KEPT "/" : STORE_COMPONENTS "/";
    int result = pretend(false);
    cr_assert(handle == KEPT_HANDLE || handle == COMPONENTS_HANDLE);
    if (result < 0) {
        return result;
    }
    for (; *position < FILES; (*position)++) {
        if (strncmp(files[*position].path, folder, strlen(folder)) == 0) {
            *entry = (struct file_entry){.info.bytes = files[*position].bytes};
            strcpy(entry->name, files[*position].path + strlen(folder));
            (*position)++;
            return 0;
        }
    }
    return -ENOENT;
}

int vfs_look(const char *path, struct file_info *info)
{
    cr_assert_str_eq(path, "/card");
    *info = (struct file_info){.is_directory = 1};
    return pretend(false);
}

int vfs_make_directory(const char *path)
{
    int result = pretend(!has_kept);
    cr_assert_str_eq(path, STORE_KEPT);
    if (result < 0 || has_kept) {
        return result < 0 ? result : -EEXIST;
    }
    has_kept = true;
    return 0;
}

int vfs_read(uint32_t handle, uint64_t offset, void *buffer, uint32_t size)
{
    int result = pretend(false);
    if (result < 0) {
        return result;
    }
    uint32_t bytes = files[handle - 1].bytes;
    size = offset < bytes ? MIN(MIN(size, 5000u), bytes - (uint32_t)offset) : 0;
    memcpy(buffer, files[handle - 1].data + offset, size);
    return (int)size;
}

/* Fewer than asked for; when the power goes, half of that. */
int vfs_write(uint32_t handle, uint64_t offset, const void *buffer, uint32_t size)
{
    int result = pretend(true);
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

int vfs_remove(const char *path)
{
    int at = find_file(path);
    int result = pretend(at >= 0);
    if (result == 0 && at >= 0) {
        files[at].path[0] = 0;
    }
    return result < 0 ? result : at < 0 ? -ENOENT : 0;
}

int vfs_sync(void)
{
    return pretend(false);
}

/* --- the loader ---------------------------------------------------------------------------------
 */

int evolve_shelve(const char *name, const void *data, size_t size, struct evolve_answer *answer)
{
    const struct fake_package *package = data;
    char real[STORE_PACKAGE_BYTES];
    *answer = (struct evolve_answer){0};
    if (size != sizeof(*package) || memcmp(package->magic, "fake", 4) != 0) {
        strcpy(answer->message, "this is no package that can be used");
        return -EBADMSG;
    }
    store_print_package(real, package->name, package->version);
    if (strcmp(real, name) != 0) {
        snprintf(answer->message, sizeof(answer->message), "what goes by the name %s is %s", name,
                 real);
        return -EINVAL;
    }
    shelf[shelved++ % ARRAY_SIZE(shelf)] = *package;
    return 0;
}

int evolve_read_package(const struct evolve_package *wanted, size_t offset, void *buffer,
                        size_t size)
{
    for (unsigned i = 0; i < ARRAY_SIZE(shelf); i++) {
        if (strcmp(shelf[i].name, wanted->name) == 0 && shelf[i].version == wanted->version &&
            shelf[i].build == wanted->build) {
            size = offset < sizeof(*shelf) ? MIN(size, sizeof(*shelf) - offset) : 0;
            memcpy(buffer, (const uint8_t *)&shelf[i] + offset, size);
            return (int)size;
        }
    }
    return -ENOENT;
}

static struct world_component *find_in_world(const char *name)
{
    for (unsigned i = 0; i < ARRAY_SIZE(world); i++) {
        if (strcmp(world[i].name, name) == 0) {
            return &world[i];
        }
    }
    return NULL;
}

static void enter_world(const char *old, const struct fake_package *package)
{
    struct world_component *place = find_in_world(*old ? old : package->name);
    place = place ? place : find_in_world("");
    cr_assert_not_null(place);
    snprintf(place->name, sizeof(place->name), "%s", package->name);
    place->version = package->version;
    place->build = package->build;
}

/* The one that was shelved last; it is watched for some time. */
int evolve_swap(const char *old, const char *name, const struct swap_options *options,
                struct evolve_answer *answer)
{
    const struct fake_package *package = &shelf[(shelved - 1) % ARRAY_SIZE(shelf)];
    cr_assert_null(options);
    cr_assert(strncmp(package->name, name, strlen(package->name)) == 0);
    *answer = (struct evolve_answer){.ticket = 7};
    reports = 5;
    report = (struct swap_report){.phase = SWAP_ON_PROBATION};
    is_stuck = package->is_bad == 3;
    if (package->is_bad == 1) {
        strcpy(answer->message, "it needs what nobody provides");
        return -ENOENT;
    }
    if (package->is_bad == 2) {
        report.result = -EFAULT;
        strcpy(report.message, "it was taken back");
    } else if (package->is_bad == 4) {
        report = (struct swap_report){.result = -ETIMEDOUT, .message = "somebody is inside"};
    } else {
        enter_world(old, package);
    }
    return 0;
}

int swap_read_report(uint32_t ticket, struct swap_report *result)
{
    cr_assert_eq(ticket, 7);
    if (reports > 3) {
        reports--;
        return -EAGAIN;
    }
    if (reports > 0) {
        reports--;
    } else {
        report.phase = report.result == -EFAULT ? SWAP_TAKEN_BACK : SWAP_SETTLED;
    }
    *result = report;
    return 0;
}

struct event *swap_event(void)
{
    static struct event event;
    return &event;
}

int world_component(uint32_t after, struct world_component *component)
{
    for (uint32_t i = after; i < ARRAY_SIZE(world); i++) {
        if (world[i].name[0]) {
            *component = world[i];
            component->id = i + 1;
            return 0;
        }
    }
    return -ENOENT;
}

/* --- the rest of the nucleus --------------------------------------------------------------------
 */

void *page_allocate_owned(size_t count, struct component *owner)
{
    (void)owner;
    pages_out++;
    return calloc(count, PAGE_BYTES);
}

void *page_mark_plain(void *pages)
{
    return pages;
}

void page_free(void *pages)
{
    pages_out--;
    free(pages);
}

void log_write(enum log_level level, const char *format, ...)
{
    size_t used = strlen(logged);
    va_list arguments;
    (void)level;
    va_start(arguments, format);
    vsnprintf(logged + used, sizeof(logged) - used, format, arguments);
    va_end(arguments);
    strncat(logged, "\n", sizeof(logged) - strlen(logged) - 1);
}

void event_init_owned(struct event *event, struct component *owner)
{
    (void)event;
    (void)owner;
}

void event_signal(struct event *event)
{
    cr_assert(event == &state.wake || event == swap_event());
}

uint64_t time_now_ns(void)
{
    return now_ns += 1000;
}

int offer_add_owned(const char *kind, const char *name, const void *table, size_t size,
                    struct component *owner)
{
    (void)owner;
    void *place = strcmp(kind, PACKAGE_STORE_KIND) == 0 ? (void *)&store
                  : strcmp(name, "keep") == 0           ? (void *)&keep_command
                                                        : (void *)&unkeep_command;
    cr_assert_leq(size, OFFER_BYTES);
    memcpy(place, table, size);
    return 1;
}

int worker_start_owned(const struct worker_config *config, struct component *owner)
{
    (void)owner;
    cr_assert_eq(config->step, step);
    return 1;
}

/* --- what the tests do --------------------------------------------------------------------------
 */

static struct fake_package make(const char *name, uint32_t version, uint32_t build)
{
    struct fake_package package = {.magic = "fake", .version = version, .build = build};
    snprintf(package.name, sizeof(package.name), "%s", name);
    memset(package.filling, (int)build, sizeof(package.filling));
    return package;
}

static void put_file(const char *path, const void *data, size_t bytes)
{
    int at = find_file(path) < 0 ? find_file("") : find_file(path);
    snprintf(files[at].path, sizeof(files[at].path), "%s", path);
    memcpy(files[at].data, data, bytes);
    files[at].bytes = (uint32_t)bytes;
}

static void put(const char *path, const char *name, uint32_t version, uint32_t build,
                uint32_t is_bad)
{
    struct fake_package package = make(name, version, build);
    package.is_bad = is_bad;
    put_file(path, &package, sizeof(package));
}

/* Works until nothing is left to be done, the power goes, or the machine stands still. */
static void work(void)
{
    for (unsigned i = 0; i < STEPS_MAX && !is_dark && !is_stuck; i++) {
        int result = step(NULL);
        if (result == -EAGAIN || (ends_ns && now_ns + (uint64_t)result * 1000 > ends_ns)) {
            return;
        }
        now_ns += (uint64_t)result * 1000;
    }
}

/* The machine is switched on, with what is on the card; after so many changes the power goes. */
static void power_on_until(unsigned change)
{
    store_card_drop(&state.card);
    memset(&state, 0, sizeof(state));
    memset(world, 0, sizeof(world));
    memset(shelf, 0, sizeof(shelf));
    is_dark = is_stuck = false;
    shelved = changes = 0;
    power = change;
    now_ns = 1000000000;
    logged[0] = 0;
    strcpy(world[0].name, "counter");
    world[0].version = VERSION(1, 0, 0);
    world[0].build = 0xb;
    strcpy(world[1].name, "heap");
    cr_assert_eq(start(), 0);
    work();
}

static void power_on(void)
{
    power_on_until(0);
}

static void begin_test(void)
{
    has_card = has_components = true;
    put("/card/components/plasma-1.0.0.nrb", "plasma", VERSION(1, 0, 0), 1, 0);
    put("/card/components/plasma-1.2.0+quick.nrb", "plasma", VERSION(1, 2, 0), 2, 0);
    put("/card/components/plasma-1.2.0.nrb", "plasma", VERSION(1, 2, 0), 3, 0);
    put("/card/components/plasma-1.2.0+early.nrb", "plasma", VERSION(1, 2, 0), 4, 0);
    put("/card/components/led-0.9.0+alone.nrb", "led", VERSION(0, 9, 0), 5, 0);
    put("/card/components/notes.txt", "plasma", VERSION(9, 0, 0), 6, 0);
    power_on();
}

TestSuite(package_store, .init = begin_test);

static void keep_said(struct command_output *output, const char *text, size_t size)
{
    (void)output;
    strncat(said, text, size);
}

static int fetch(const char *package)
{
    int result;
    while ((result = store.fetch(package, said)) == -EAGAIN) {
        work();
    }
    return result;
}

/* A command, as the shell runs it. */
static int run(const struct command_ops *ops, const char *name, const char *old)
{
    struct command_output output = {.write = keep_said};
    char *const words[] = {(char *)"keep", (char *)name, (char *)old};
    int result;
    said[0] = 0;
    for (unsigned i = 0; i < 100 && !is_dark; i++) {
        result = ops->run(!name ? 1 : !old ? 2 : 3, words, &output);
        if (result != -EINPROGRESS) {
            return result;
        }
        cr_assert_str_empty(said);
        work();
    }
    return -ETIMEDOUT;
}

/* A version of counter is pushed: it runs, and is on the shelf. */
static void push(uint32_t version, uint32_t build, uint32_t is_bad)
{
    struct fake_package package = make("counter", version, build);
    package.is_bad = is_bad;
    shelf[shelved++ % ARRAY_SIZE(shelf)] = package;
    enter_world("", &package);
}

static uint32_t build_in_world(const char *name)
{
    const struct world_component *component = find_in_world(name);
    return component ? component->build : 0;
}

static unsigned count_kept(void)
{
    unsigned count = 0;
    for (unsigned i = 0; i < FILES; i++) {
        count += strncmp(files[i].path, STORE_KEPT "/", strlen(STORE_KEPT "/")) == 0;
    }
    return count;
}

#define K1 "/card/kept/000001-counter-1.1.0-0000000c.nrb"
#define K2 "/card/kept/000002-counter-1.2.0-0000000d.nrb"

/* --- names --------------------------------------------------------------------------------------
 */

Test(package_store, reads_names_of_packages)
{
    static const char *const wrong[] = {"plasma.nrb",
                                        "plasma-1.2.nrb",
                                        "plasma-1.2.0.txt",
                                        "plasma-1.2.0.nrb.bad",
                                        "Plasma-1.2.0.nrb",
                                        "-1.2.0.nrb",
                                        "plasma-01.2.0.nrb",
                                        "plasma-1.2.0+.nrb",
                                        "plasma-1.2.0+a/b.nrb",
                                        "plasma-1.2.0.3.nrb",
                                        "plasma-999.0.0.nrb",
                                        ".nrb",
                                        "",
                                        "a_name_of_more_than_31_characters-1.0.0.nrb",
                                        "plasma-1.2.0+a_variant_too_long.nrb"};
    struct package_store_entry entry;
    char path[STORE_PATH_BYTES];
    for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
        cr_expect_not(store_parse_entry(wrong[i], &entry), "%s", wrong[i]);
    }
    cr_assert(store_parse_entry("led_blink-1.2.30+rebuilt.nrb", &entry));
    cr_assert_str_eq(entry.name, "led_blink");
    cr_assert_str_eq(entry.variant, "rebuilt");
    cr_assert_eq(entry.version, VERSION(1, 2, 30));
    store_entry_path(path, &entry);
    cr_assert_str_eq(path, "/card/components/led_blink-1.2.30+rebuilt.nrb");
}

Test(package_store, reads_names_of_what_is_kept)
{
    static const char *const wrong[] = {"1-counter-1.1.0-0000000c.nrb",
                                        "000001-counter-1.1.0.nrb",
                                        "000001-counter-1.1.0-c.nrb",
                                        "000001-counter-1.1.0-0000000C.nrb",
                                        "000001-counter-1.1.0-0000000c",
                                        "000001-counter-1.1.0-0000000c.nrb.old",
                                        "000001-counter-1.1.0-0000000c@.nrb",
                                        "0000010-counter-1.1.0-0000000c.nrb",
                                        "000001",
                                        ""};
    struct kept kept;
    char path[STORE_PATH_BYTES];
    for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
        cr_expect_not(store_parse_kept(wrong[i], &kept), "%s", wrong[i]);
    }
    uint32_t start;
    static const char *const no_starts[] = {"",        "3",          "start",   "start.",
                                            "start.0", "start.12",   "start.a", "start.2 ",
                                            "star.2",  "start.2.nrb"};
    for (unsigned i = 0; i < ARRAY_SIZE(no_starts); i++) {
        cr_expect_not(store_parse_start(no_starts[i], &start), "%s", no_starts[i]);
    }
    cr_expect(store_parse_start("start.2", &start) && start == 2);
    cr_assert(store_parse_kept("000321-heap_first_fit-1.1.0-89abcdef@heap.nrb.bad", &kept));
    cr_assert_eq(kept.number, 321);
    cr_assert_eq(kept.build, 0x89abcdef);
    cr_assert_eq(kept.files, KEPT_BAD);
    cr_assert_str_eq(kept.old, "heap");
    store_kept_path(path, &kept, KEPT_NEW);
    cr_assert_str_eq(path, STORE_KEPT "/000321-heap_first_fit-1.1.0-89abcdef@heap.nrb.new");
}

/* --- components/ --------------------------------------------------------------------------------
 */

Test(package_store, fetches_by_name_and_by_version)
{
    for (busy_each = 0; busy_each < 5; busy_each += 2) {
        shelved = 0;
        cr_assert_eq(fetch("plasma"), 0, "%s", said);
        cr_assert_eq(shelf[0].build, 3, "of the highest version the usual build");
        cr_assert_eq(fetch("plasma-1.0.0"), 0);
        cr_assert_eq(shelf[1].build, 1);
        cr_assert_eq(fetch("led"), 0);
        cr_assert_eq(shelf[2].build, 5, "a variant, where there is no other");
        cr_assert_eq(pages_out, 0);
        cr_assert_eq(state.card.handle, 0);
    }
}

Test(package_store, says_what_there_is_when_it_is_not_there)
{
    cr_assert_eq(fetch("plasm"), -ENOENT);
    cr_assert_str_eq(said, "the card has plasma 1.0.0, plasma 1.2.0, plasma 1.2.0, plasma 1.2.0, "
                           "led 0.9.0");
    cr_assert_eq(fetch("plasma-1.1.0"), -ENOENT);
    cr_assert_eq(fetch("../x"), -EINVAL);
    has_components = false;
    cr_assert_eq(fetch("plasma"), -ENOENT);
    cr_assert_str_eq(said, "there are none on the card");
}

Test(package_store, cuts_what_it_says_short)
{
    for (unsigned i = 0; i < 14; i++) {
        char path[STORE_PATH_BYTES];
        snprintf(path, sizeof(path), "/card/components/a_long_name_of_component_%u-1.0.0.nrb", i);
        put_file(path, "", 1);
    }
    cr_assert_eq(fetch("other"), -ENOENT);
    cr_assert_lt(strlen(said), PACKAGE_STORE_MESSAGE_BYTES);
    cr_assert_str_eq(said + strlen(said) - 5, ", ...");
}

Test(package_store, waits_for_a_card_only_while_the_machine_starts)
{
    has_card = false;
    cr_assert_eq(fetch("plasma"), -ENOENT);
    cr_assert_str_eq(said, "there is no card");
    cr_assert_gt(now_ns, CARD_COMES_NS / 3);
    uint64_t before = now_ns;
    cr_assert_eq(fetch("plasma-1.0.0"), -ENOENT);
    cr_assert_lt(now_ns - before, 100000000);
    has_card = true;
    cr_assert_eq(fetch("plasma"), 0);
}

Test(package_store, tells_a_file_that_is_no_package)
{
    put_file("/card/components/torn-1.0.0.nrb", "fake", 4);
    put("/card/components/liar-1.0.0.nrb", "plasma", VERSION(1, 0, 0), 1, 0);
    put_file("/card/components/empty-1.0.0.nrb", "", 0);
    cr_assert_eq(fetch("torn"), -EBADMSG);
    cr_assert_str_eq(said, "/card/components/torn-1.0.0.nrb: this is no package that can be used");
    cr_assert_eq(fetch("liar"), -EINVAL);
    cr_assert_str_eq(said, "/card/components/liar-1.0.0.nrb: what goes by the name liar-1.0.0 is "
                           "plasma-1.0.0");
    cr_assert_eq(fetch("empty"), -EFBIG);
    cr_assert_str_eq(said, "/card/components/empty-1.0.0.nrb: it has not the size of a package");
    cr_assert_eq(pages_out, 0);
    cr_assert_eq(shelved, 0);
}

Test(package_store, tells_a_card_that_is_taken_out_at_any_time)
{
    bool is_done = false;
    for (unsigned steps = 1; !is_done; steps++) {
        power_on();
        cr_assert_eq(store.fetch("plasma", said), -EAGAIN);
        for (unsigned i = 0; i < steps && !is_done; i++) {
            (void)step(NULL);
            is_done = state.job.kind == JOB_NONE;
        }
        is_dark = !is_done;
        for (unsigned i = 0; i < 20 && state.job.kind; i++) {
            (void)step(NULL);
        }
        int result = store.fetch("plasma", said);
        cr_assert_eq(result, shelved > 0 ? 0 : -ENOMEDIUM, "after %u: %d %s", steps, result, said);
        cr_assert(shelved > 0 || strstr(said, "there is no card"), "%s", said);
        cr_assert_eq(pages_out, 0);
    }
}

Test(package_store, gives_up_files_that_are_busy_for_ever)
{
    busy_each = 1;
    cr_assert_eq(fetch("plasma"), -ETIMEDOUT);
    cr_assert_str_eq(said, "the card does not answer");
}

Test(package_store, forgets_results_that_nobody_takes)
{
    cr_assert_eq(store.fetch("plasm", said), -EAGAIN);
    work();
    now_ns += RESULT_NS;
    cr_assert_eq(store.fetch("plasm", said), -EAGAIN, "it is looked for again");
    cr_assert_eq(store.fetch("plasma", said), -EAGAIN, "it waits");
    work();
    cr_assert_eq(store.fetch("plasm", said), -ENOENT);
    cr_assert_eq(fetch("plasma"), 0);
}

Test(package_store, lists_what_is_there)
{
    struct package_store_entry entry;
    unsigned count = 0;
    cr_assert_eq(store.list(0, &entry), -EAGAIN);
    work();
    while (store.list(count, &entry) == 0) {
        count++;
    }
    cr_assert_eq(count, 5);
    cr_assert_str_eq(entry.name, "led");
    cr_assert_eq(entry.bytes, sizeof(struct fake_package));
    has_card = false;
    now_ns += TRIAL_CARD_COMES_NS;
    cr_assert_eq(store.list(0, &entry), -EAGAIN);
    work();
    cr_assert_eq(store.list(0, &entry), -ENOENT);
}

/* --- kept/ --------------------------------------------------------------------------------------
 */

Test(package_store, keeps_what_runs_and_loads_it_at_the_next_start)
{
    for (busy_each = 0; busy_each < 5; busy_each += 2) {
        push(VERSION(1, 1, 0), 0xc, 0);
        cr_assert_eq(run(&keep_command, "counter", NULL), 0, "%s", said);
        cr_assert_geq(find_file(K1), 0);
        cr_assert_eq(count_kept(), 1, "its mark has gone");
        power_on();
        cr_assert_eq(build_in_world("counter"), 0xc, "%s", logged);
        cr_assert_eq(count_kept(), 1);
        cr_assert_eq(pages_out, 0);
    }
    cr_assert_eq(run(&keep_command, NULL, NULL), 0);
    cr_assert_str_eq(said, "     1  counter-1.1.0            0000000c  loaded at each start\n");
}

Test(package_store, keeps_nothing_twice_and_no_more_than_one_to_fall_back_to)
{
    push(VERSION(1, 1, 0), 0xc, 0);
    cr_assert_eq(run(&keep_command, "counter", NULL), 0);
    cr_assert_str_eq(said, "counter 1.1.0 is kept: it is loaded at each start\n");
    cr_assert_eq(run(&keep_command, "counter", NULL), 0);
    cr_assert_str_eq(said, "counter is kept already\n");
    push(VERSION(1, 2, 0), 0xd, 0);
    cr_assert_eq(run(&keep_command, "counter", NULL), 0);
    push(VERSION(1, 3, 0), 0xe, 0);
    cr_assert_eq(run(&keep_command, "counter", NULL), 0);
    cr_assert_eq(count_kept(), 2);
    cr_assert_geq(find_file(K2), 0);
    cr_assert_eq(run(&keep_command, NULL, NULL), 0);
    cr_assert_str_eq(said, "     2  counter-1.2.0            0000000d  to fall back to\n"
                           "     3  counter-1.3.0            0000000e  loaded at each start\n");
}

Test(package_store, keeps_one_in_place_of_another)
{
    struct fake_package package = make("heap_quick", VERSION(1, 0, 0), 0x11);
    shelf[shelved++] = package;
    enter_world("heap", &package);
    cr_assert_eq(run(&keep_command, "heap_quick", "heap"), 0);
    power_on();
    cr_assert_null(find_in_world("heap"));
    cr_assert_eq(build_in_world("heap_quick"), 0x11);
    cr_assert_eq(run(&keep_command, NULL, NULL), 0);
    cr_assert(strstr(said, "in place of heap, loaded at each start"), "%s", said);
}

Test(package_store, keeps_only_what_it_can)
{
    cr_assert_eq(run(&keep_command, "nobody", NULL), -ENOENT);
    cr_assert_str_eq(said, "there is no component called nobody in the world\n");
    cr_assert_eq(run(&keep_command, "counter", NULL), -ENOENT);
    cr_assert(strstr(said, "is not at hand"), "%s", said);
    cr_assert_eq(run(&keep_command, "counter-1.0.0", NULL), -EINVAL);
    cr_assert_eq(run(&keep_command, "counter", "a/b"), -EINVAL);
    cr_assert_eq(run(&keep_command, "a_name_of_more_than_31_characters", NULL), -EINVAL);
    cr_assert_eq(run(&unkeep_command, "counter", NULL), -ENOENT);
    cr_assert_str_eq(said, "nothing is kept of counter\n");
    cr_assert_eq(run(&keep_command, NULL, NULL), 0);
    cr_assert_str_eq(said, "nothing is kept\n");
    has_card = false;
    push(VERSION(1, 1, 0), 0xc, 0);
    cr_assert_lt(run(&keep_command, "counter", NULL), 0);
    cr_assert_str_eq(said, "counter is not kept: there is no card\n");
    cr_assert_lt(run(&unkeep_command, "counter", NULL), 0);
    cr_assert_lt(run(&keep_command, NULL, NULL), 0);
    cr_assert_str_eq(said, "there is no card\n");
}

Test(package_store, lets_go_of_what_is_kept_when_it_is_too_much)
{
    char path[96];
    for (unsigned i = 1; i <= 40; i++) {
        snprintf(path, sizeof(path), "/card/kept/%06u-part%u-1.0.0-0000000a.nrb", i, i);
        put_file(path, "x", 1);
    }
    push(VERSION(1, 1, 0), 0xc, 0);
    cr_assert_lt(run(&keep_command, "counter", NULL), 0);
    cr_assert_not_null(strstr(said, "counter is not kept: "), "%s", said);
    cr_assert_eq(run(&keep_command, NULL, NULL), 0);
    cr_assert_not_null(strstr(said, "part7-1.0.0"), "%s", said);
    for (unsigned i = 1; i <= 9; i++) {
        snprintf(path, sizeof(path), "part%u", i);
        cr_assert_eq(run(&unkeep_command, path, NULL), 0, "%s: %s", path, said);
    }
    cr_assert_eq(run(&keep_command, "counter", NULL), 0, "%s", said);
}

Test(package_store, has_the_result_for_who_comes_back_late)
{
    struct command_output output = {.write = keep_said};
    char *const line[] = {(char *)"unkeep", (char *)"counter"};
    for (unsigned i = 0; i < 2; i++) {
        push(VERSION(1, 1, 0), 0xc, 0);
        cr_assert_eq(run(&keep_command, "counter", NULL), 0);
        cr_assert_eq(unkeep_command.run(2, line, &output), -EINPROGRESS);
        for (unsigned j = 0; j < 100; j++) {
            work();
        }
        cr_assert_eq(count_kept(), 0);
        if (i == 0) { /* who asked does not come at all: this is no answer to who asks later */
            cr_assert_eq(run(&keep_command, "counter", NULL), 0);
            cr_assert_eq(run(&unkeep_command, "counter", NULL), 0);
            cr_assert_eq(count_kept(), 0);
        }
    }
    now_ns += RESULT_NS - 100000000;
    said[0] = 0;
    cr_assert_eq(unkeep_command.run(2, line, &output), 0, "%s", said);
    cr_assert(strstr(said, "counter is not kept any more"), "%s", said);
}

/* The card is full, or not to be written, from some change on. */
static void fails_in_words(int error, const char *words)
{
    for (unsigned good = 0;; good++) {
        power_on();
        push(VERSION(1, 2, 0), 0xd, 0);
        struct command_output output = {.write = keep_said};
        char *const line[] = {(char *)"keep", (char *)"counter"};
        int result = -EINPROGRESS;
        said[0] = 0;
        changes = 0;
        power = 1000000; /* counts */
        for (unsigned i = 0; i < STEPS_MAX && result == -EINPROGRESS; i++) {
            failure = changes >= good ? error : 0;
            result = keep_command.run(2, line, &output);
            (void)step(NULL);
        }
        failure = 0;
        bool is_kept = result == 0;
        cr_assert(is_kept || strstr(said, words), "%d: %s", result, said);
        power_on();
        cr_assert_eq(build_in_world("counter"), is_kept ? 0xd : 0xc, "%u: %s", good, logged);
        if (is_kept) {
            return;
        }
        cr_assert_eq(count_kept() > 0, true);
    }
}

Test(package_store, says_that_the_card_is_full_and_keeps_what_was_kept)
{
    push(VERSION(1, 1, 0), 0xc, 0);
    cr_assert_eq(run(&keep_command, "counter", NULL), 0);
    fails_in_words(-ENOSPC, "counter is not kept: there is no room left on the card");
}

Test(package_store, says_that_the_card_is_read_only)
{
    push(VERSION(1, 1, 0), 0xc, 0);
    cr_assert_eq(run(&keep_command, "counter", NULL), 0);
    fails_in_words(-EROFS, "counter is not kept: the card is not to be written");
}

Test(package_store, loads_the_old_or_the_new_wherever_the_power_goes)
{
    unsigned olds = 0, news = 0;
    push(VERSION(1, 1, 0), 0xc, 0);
    cr_assert_eq(run(&keep_command, "counter", NULL), 0);
    for (unsigned cut = 1;; cut++) {
        power_on();
        push(VERSION(1, 2, 0), 0xd, 0);
        power = cut;
        changes = 0;
        int result = run(&keep_command, "counter", NULL);
        bool is_cut = is_dark;
        power_on();
        uint32_t build = build_in_world("counter");
        cr_assert(build == 0xc || build == 0xd, "cut %u: %s", cut, logged);
        cr_assert(is_cut || (result == 0 && build == 0xd), "%s", said);
        olds += build == 0xc;
        news += build == 0xd;
        if (!is_cut) {
            break;
        }
        cr_assert_eq(run(&unkeep_command, "counter", NULL), 0);
        cr_assert_eq(count_kept(), 0);
        power_on();
        push(VERSION(1, 1, 0), 0xc, 0);
        cr_assert_eq(run(&keep_command, "counter", NULL), 0);
    }
    cr_assert_gt(olds, 3);
    cr_assert_geq(news, 1);
}

Test(package_store, is_cut_while_it_unkeeps)
{
    for (unsigned cut = 1;; cut++) {
        power_on();
        push(VERSION(1, 1, 0), 0xc, 0);
        cr_assert_eq(run(&keep_command, "counter", NULL), 0);
        push(VERSION(1, 2, 0), 0xd, 0);
        cr_assert_eq(run(&keep_command, "counter", NULL), 0);
        power = cut;
        changes = 0;
        int result = run(&unkeep_command, "counter", NULL);
        bool is_cut = is_dark;
        power_on();
        uint32_t build = build_in_world("counter");
        cr_assert(build == 0xd || build == 0xb, "cut %u: not the one before", cut);
        if (!is_cut) {
            cr_assert_eq(result, 0);
            cr_assert_eq(count_kept(), 0);
            return;
        }
        (void)run(&unkeep_command, "counter", NULL);
    }
}

/* A kept package that is bad: 1.1.0 was kept before it. */
static void keep_bad(uint32_t is_bad)
{
    has_kept = true;
    put(K1, "counter", VERSION(1, 1, 0), 0xc, 0);
    put(K2, "counter", VERSION(1, 2, 0), 0xd, is_bad);
    power_on();
}

Test(package_store, falls_back_when_one_is_taken_back)
{
    keep_bad(2);
    cr_assert_eq(build_in_world("counter"), 0xc, "%s", logged);
    cr_assert(strstr(logged, "(kept, 2) is set aside: it was taken back"), "%s", logged);
    power_on();
    cr_assert_eq(build_in_world("counter"), 0xc, "it stays set aside");
    cr_assert(strstr(logged, "counter-1.2.0 (kept, 2) is set aside: it did not pass"), "%s",
              logged);
    cr_assert_eq(run(&keep_command, NULL, NULL), 0);
    cr_assert(strstr(said, "0000000c  loaded at each start"), "%s", said);
    cr_assert(strstr(said, "0000000d  set aside: it did not pass its trial"), "%s", said);
    cr_assert_eq(run(&unkeep_command, "counter", NULL), 0);
    cr_assert_eq(count_kept(), 0);
}

/* As by a system of another ABI, which is not the one that will be there at the next start. */
Test(package_store, sets_aside_for_this_time_what_is_only_refused)
{
    static const char *const words[] = {[1] = "it needs what", [4] = "somebody is inside"};
    for (uint32_t is_bad = 1; is_bad <= 4; is_bad += 3) {
        keep_bad(is_bad);
        cr_assert_eq(build_in_world("counter"), 0xc, "%s", logged);
        cr_assert(strstr(logged, words[is_bad]), "%s", logged);
        cr_assert_null(strstr(logged, "counter-1.2.0 (kept, 2) is loaded"), "%s", logged);
        cr_assert_eq(find_file(K2 ".bad"), -ENOENT, "no harm was done");
        cr_assert_eq(run(&keep_command, NULL, NULL), 0);
        cr_assert(strstr(said, "0000000d  set aside for this time"), "%s", said);
        put(K2, "counter", VERSION(1, 2, 0), 0xd, 0);
        power_on();
        cr_assert_eq(build_in_world("counter"), 0xd, "%s", logged);
        cr_assert_eq(run(&unkeep_command, "counter", NULL), 0);
        cr_assert_eq(count_kept(), 0);
    }
}

Test(package_store, falls_back_at_the_next_start_when_one_stops_the_machine)
{
    keep_bad(3);
    cr_assert(is_stuck);
    cr_assert_geq(find_file(K2 ".bad"), 0);
    power_on();
    cr_assert_not(is_stuck);
    cr_assert_eq(build_in_world("counter"), 0xc, "%s", logged);
    cr_assert_eq(find_file(K1 ".bad"), -ENOENT);
}

/* It passes its probation, and takes the machine down later. */
Test(package_store, sets_aside_what_was_kept_last_when_three_starts_do_not_last)
{
    keep_bad(0);
    cr_assert_eq(count_kept(), 2);
    ends_ns = 25 * 1000000000ull;
    for (unsigned i = 0; i < KEPT_STARTS; i++) {
        power_on();
        cr_assert_eq(build_in_world("counter"), 0xd, "start %u: %s", i, logged);
    }
    for (unsigned i = 0; i < KEPT_STARTS; i++) {
        power_on();
        cr_assert_eq(build_in_world("counter"), 0xc, "%s", logged);
        cr_assert_eq(i == 0, !!strstr(logged, "counter-1.2.0 (kept, 2) is set aside: it was kept "
                                              "last, and 3 starts did not last"));
    }
    power_on();
    cr_assert_eq(build_in_world("counter"), 0xb, "the first one is as bad: %s", logged);
    ends_ns = 0;
    power_on();
    cr_assert_eq(count_kept(), 4, "two packages, two marks");
}

Test(package_store, forgets_starts_once_one_has_lasted)
{
    keep_bad(0);
    for (unsigned i = 0; i < 4 * KEPT_STARTS; i++) {
        ends_ns = i % KEPT_STARTS == KEPT_STARTS - 1 ? 0 : 25 * 1000000000ull;
        power_on();
        cr_assert_eq(build_in_world("counter"), 0xd, "start %u: %s", i, logged);
        cr_assert_eq(count_kept(), ends_ns ? 3 + i % KEPT_STARTS : 2);
    }
}

/* Wherever the power goes it ends, and one that was on trial just then is set aside as ever. */
Test(package_store, is_cut_while_it_looks_who_is_to_blame)
{
    for (unsigned cut = 1;; cut++) {
        has_kept = true;
        put(K1, "counter", VERSION(1, 1, 0), 0xc, 0);
        put(K2, "counter", VERSION(1, 2, 0), 0xd, 0);
        ends_ns = 25 * 1000000000ull;
        for (unsigned i = 0; i < KEPT_STARTS; i++) {
            power_on();
        }
        power_on_until(cut);
        bool is_cut = is_dark;
        power_on();
        uint32_t build = build_in_world("counter");
        cr_assert(build == 0xd || build == 0xc || find_file(K1 ".bad") >= 0, "cut %u: %s", cut,
                  logged);
        if (!is_cut) {
            cr_assert_eq(build, 0xc);
            return;
        }
        ends_ns = 0;
        power_on();
        cr_assert_eq(run(&unkeep_command, "counter", NULL), 0);
        cr_assert_eq(count_kept(), 0);
    }
}

Test(package_store, loads_nothing_that_it_cannot_mark)
{
    has_kept = true;
    put(K1, "counter", VERSION(1, 1, 0), 0xc, 0);
    failure = -EROFS;
    power_on();
    cr_assert_eq(build_in_world("counter"), 0xb);
    cr_assert(strstr(logged, "the card is not to be written"), "%s", logged);
    failure = 0;
    power_on();
    cr_assert_eq(build_in_world("counter"), 0xc, "it was not its fault");
}

Test(package_store, loads_them_in_the_order_of_their_numbers_whatever_else_lies_there)
{
    has_kept = true;
    put("/card/kept/000009-a-1.0.0-00000021.nrb", "a", VERSION(1, 0, 0), 0x21, 0);
    put("/card/kept/000004-b-1.0.0-00000022@gone.nrb", "b", VERSION(1, 0, 0), 0x22, 0);
    put("/card/kept/000005-b-1.1.0-00000023.nrb", "other", VERSION(1, 1, 0), 0x23, 0);
    put_file("/card/kept/000002-counter-1.2.0-0000000d.nrb.bad", "", 0);
    put_file("/card/kept/readme", "", 0);
    power_on();
    cr_assert_eq(build_in_world("a"), 0x21);
    cr_assert_eq(build_in_world("b"), 0x22, "its new one lies: %s", logged);
    cr_assert_lt(strstr(logged, "b-1.0.0 (kept, 4) is loaded"),
                 strstr(logged, "a-1.0.0 (kept, 9) is loaded"));
    cr_assert(strstr(logged, "what goes by the name b-1.1.0 is other-1.1.0"), "%s", logged);
    cr_assert_eq(build_in_world("counter"), 0xb);
}

Test(package_store, sees_the_marks_behind_more_than_it_can_keep)
{
    char path[STORE_PATH_BYTES];
    has_kept = true;
    put(K1, "counter", VERSION(1, 1, 0), 0xc, 0);
    for (unsigned i = 2; i < KEPT_MAX + 4; i++) {
        snprintf(path, sizeof(path), "/card/kept/%06u-a-1.0.0-%08x.nrb", i, i);
        put_file(path, "", 0);
    }
    put_file(K1 ".bad", "", 0);
    power_on();
    cr_assert_not_null(strstr(logged, "too many packages are kept"), "%s", logged);
    cr_assert_eq(build_in_world("counter"), 0xb, "%s", logged);
}

Test(package_store, tells_two_of_one_number_apart)
{
    has_kept = true;
    put("/card/kept/000001-a-1.0.0-00000021.nrb", "a", VERSION(1, 0, 0), 0x21, 0);
    put("/card/kept/000001-b-1.0.0-00000022.nrb", "b", VERSION(1, 0, 0), 0x22, 0);
    put("/card/kept/000001-c-1.0.0-00000023.nrb", "c", VERSION(1, 0, 0), 0x23, 0);
    put_file("/card/kept/000001-a-1.0.0-00000021.nrb.bad", "", 0);
    power_on();
    cr_assert_eq(build_in_world("a"), 0, "its mark is its own");
    cr_assert_eq(build_in_world("b"), 0x22, "%s", logged);
    cr_assert_eq(build_in_world("c"), 0x23, "%s", logged);
    cr_assert_eq(run(&keep_command, NULL, NULL), 0);
    cr_assert_not_null(strstr(said, "a-1.0.0                  00000021  set aside"), "%s", said);
    cr_assert_not_null(strstr(said, "c-1.0.0                  00000023  loaded"), "%s", said);
}

Test(package_store, leaves_out_what_is_older_than_what_the_system_brings)
{
    has_kept = true;
    put("/card/kept/000001-counter-0.9.0-00000021.nrb", "counter", VERSION(0, 9, 0), 0x21, 0);
    power_on();
    cr_assert_eq(build_in_world("counter"), 0xb);
    cr_assert_not_null(strstr(logged, "counter-0.9.0 (kept, 1) is older"), "%s", logged);
}

/* As after a successor that did not stay: the pages are not its own any more. */
Test(package_store, begins_anew_when_it_is_started_again)
{
    cr_assert_eq(store.fetch("plasma", said), -EAGAIN);
    for (unsigned i = 0; i < STEPS_MAX && !state.card.data; i++) {
        (void)step(NULL);
    }
    cr_assert_not_null(state.card.data);
    free(state.card.data); /* revoked */
    pages_out = 0;
    cr_assert_eq(start(), 0);
    cr_assert_null(state.card.data);
    work();
    cr_assert_eq(fetch("plasma"), 0, "%s", said);
    cr_assert_eq(pages_out, 0);
}

Test(package_store, loads_nothing_when_it_comes_late)
{
    keep_bad(0);
    cr_assert_eq(build_in_world("counter"), 0xd);
    memset(&state, 0, sizeof(state));
    world[0].build = 0xb;
    now_ns = TRIAL_CARD_COMES_NS + 1;
    cr_assert_eq(start(), 0);
    work();
    cr_assert_eq(build_in_world("counter"), 0xb);
}

Test(package_store, takes_up_its_work_after_a_call_that_was_cut_off)
{
    cr_assert_eq(store.fetch("plasma", said), -EAGAIN);
    state.is_taken = 1;
    cr_assert_eq(step(NULL), BUSY_US);
    cr_assert_eq(store.fetch("plasma", said), -EAGAIN);
    cr_assert_eq(adopt(), 0);
    cr_assert_eq(fetch("plasma"), 0);
}

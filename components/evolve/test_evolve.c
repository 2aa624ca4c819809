/* SPDX-License-Identifier: MIT */
/* The loader, with bundles of a simpler kind and a nucleus that notes what it is asked for. */
#define evolve_load evolve_test_load
#define evolve_swap evolve_test_swap
#define evolve_unload evolve_test_unload
#define evolve_push_open evolve_test_push_open
#define evolve_push_write evolve_test_push_write
#define evolve_push_commit evolve_test_push_commit
#define evolve_package evolve_test_package
#define bundle_open evolve_test_bundle_open
#define bundle_next evolve_test_bundle_next
#define evolve_shelve evolve_test_shelve
#define evolve_read_package evolve_test_read_package
#define evolve_revert evolve_test_revert
#define world_hold_package evolve_test_world_hold_package
#define world_let_package_go evolve_test_world_let_package_go
#define world_component evolve_test_world_component
#define swap_submit evolve_test_swap_submit
#define page_allocate_owned evolve_test_page_allocate_owned
#define page_free evolve_test_page_free
#define component_self evolve_test_component
#include "evolve.c"
#include "shelf.c"

#include <criterion/criterion.h>
#include <stdlib.h>

struct component {
    int unused;
} component_self;

struct fake_bundle {
    char magic[4]; /* "fake" */
    uint32_t components, version;
    char name[40], build[12];
};

static struct world_component world[3];
static struct swap_request requested;
static char requested_build[12];
static int submit_result = 7;
static int pages_out;
static unsigned allocations;

int bundle_open(struct bundle *bundle, const void *data, size_t size, uint32_t abi, struct why *why)
{
    const struct fake_bundle *fake = data;
    cr_assert_eq(abi, NEURATH_ABI);
    if (size != sizeof(*fake) || memcmp(fake->magic, "fake", 4) != 0) {
        return why_set(why, -EBADMSG, "bad magic");
    }
    *bundle = (struct bundle){.fdt = data, .component_count = fake->components};
    return 0;
}

bool bundle_next(const struct bundle *bundle, int *cursor, struct component_descriptor *component)
{
    const struct fake_bundle *fake = bundle->fdt;
    *component = (struct component_descriptor){.name = *cursor ? "another" : fake->name,
                                               .version = fake->version,
                                               .build = fake->build,
                                               .summary = "a component",
                                               .provides = -1,
                                               .needs = -1};
    return (uint32_t)(*cursor)++ < fake->components;
}

int world_component(uint32_t after, struct world_component *component)
{
    for (unsigned i = 0; i < ARRAY_SIZE(world); i++) {
        if (world[i].id > after) {
            *component = world[i];
            return 0;
        }
    }
    return -ENOENT;
}

int world_hold_package(uint32_t id, const struct bundle **bundle,
                       struct component_descriptor *descriptor)
{
    (void)id;
    (void)bundle;
    (void)descriptor;
    return -ENOENT; /* so the world holds together whatever comes: tests of lib/plan do that */
}

void world_let_package_go(const struct bundle *bundle)
{
    cr_assert_fail("%p was not held", (const void *)bundle);
}

int swap_submit(const struct swap_request *request)
{
    requested = *request;
    if (request->bundle) {
        const struct fake_bundle *fake = request->bundle;
        memcpy(requested_build, fake->build, sizeof(requested_build));
    }
    return submit_result;
}

void *page_allocate_owned(size_t count, struct component *owner)
{
    cr_assert_eq(owner, this_component);
    static void *all[256]; /* so that what the nucleus would take back is no leak */
    void *pages = aligned_alloc(PAGE_BYTES, count * PAGE_BYTES);
    all[allocations++ % ARRAY_SIZE(all)] = pages;
    pages_out++;
    return memset(pages, 0, count * PAGE_BYTES);
}

void page_free(void *pages)
{
    pages_out--;
    free(pages);
}

static struct fake_bundle make_bundle(const char *name, uint32_t version, const char *build)
{
    struct fake_bundle fake = {.magic = "fake", .components = 1, .version = version};
    strncpy(fake.name, name, sizeof(fake.name) - 1);
    strncpy(fake.build, build, sizeof(fake.build) - 1);
    return fake;
}

/* As a package from the card comes. */
static int shelve(const char *name, uint32_t version, const char *build)
{
    struct evolve_answer answer;
    struct fake_bundle fake = make_bundle(name, version, build);
    char full[64];
    format_print(full, sizeof(full), "%s-%u.%u.%u", name, VERSION_MAJOR(version),
                 VERSION_MINOR(version), VERSION_PATCH(version));
    return evolve_shelve(full, &fake, sizeof(fake), &answer);
}

static void set_up(void)
{
    world[0] = (struct world_component){.id = 1, .name = "heap", .build = 0xb};
    world[1] = (struct world_component){.id = 5, .name = "led_blink", .build = 1};
    cr_assert_eq(start(), 0);
    cr_assert_eq(shelve("led_blink", VERSION(1, 1, 0), "00000001"), 0);
    cr_assert_eq(shelve("led_blink", VERSION(1, 2, 0), "00000002"), 0);
    cr_assert_eq(shelve("heap", VERSION(1, 0, 0), "0000000a"), 0);
    cr_assert_eq(shelve("heap", VERSION(1, 0, 0), "0000000b"), 0);
    cr_assert_eq(pages_out, 4);
    pages_out = 0; /* what is pushed counts */
}

TestSuite(evolve, .init = set_up);

/* Pushes a bundle in two pieces. Returns what commit says. */
static int push(const struct fake_bundle *fake, const char *old, struct evolve_answer *answer)
{
    uint32_t handle = 0;
    cr_assert_eq(evolve_push_open(sizeof(*fake), &handle), 0);
    cr_assert_eq(evolve_push_write(handle, 0, fake, 10), 0);
    cr_assert_eq(evolve_push_write(handle, 10, (const char *)fake + 10, sizeof(*fake) - 10), 0);
    return evolve_push_commit(handle, old, NULL, answer);
}

Test(evolve, lists_the_packages_on_the_shelf)
{
    struct evolve_package package;
    cr_assert_eq(evolve_package(1, &package), 0);
    cr_assert_str_eq(package.name, "led_blink");
    cr_assert_eq(package.version, VERSION(1, 2, 0));
    cr_assert_eq(package.build, 2);
    cr_assert_eq(package.bytes, sizeof(struct fake_bundle));
    cr_assert_eq(evolve_package(4, &package), -ENOENT);
}

Test(evolve, begins_anew_when_it_is_started_again)
{
    struct evolve_answer answer;
    struct evolve_package package;
    struct fake_bundle fake = make_bundle("counter", VERSION(1, 1, 0), "0000000c");
    cr_assert_eq(push(&fake, "", &answer), 0);
    cr_assert_eq(start(), 0); /* the nucleus has revoked the pages of the push */
    cr_assert_eq(evolve_package(0, &package), -ENOENT);
}

Test(evolve, shelves_what_is_a_package_and_what_its_name_says)
{
    struct evolve_answer answer;
    struct fake_bundle fake = make_bundle("counter", VERSION(1, 1, 0), "0000000c");
    cr_assert_eq(evolve_shelve("counter-1.2.0", &fake, sizeof(fake), &answer), -EINVAL);
    cr_assert_str_eq(answer.message, "what goes by the name counter-1.2.0 is counter-1.1.0");
    cr_assert_eq(evolve_shelve("counter-1.1.0", &fake, sizeof(fake) - 1, &answer), -EBADMSG);
    cr_assert_str_eq(answer.message, "this is no package that can be used: bad magic");
    cr_assert_eq(evolve_shelve("counter-1.1.0", &fake, 0, &answer), -EFBIG);
    cr_assert_eq(evolve_shelve("counter-1.1.0", &fake, PACKAGE_BYTES_MAX + 1, &answer), -EFBIG);
    cr_assert_eq(pages_out, 0);
    cr_assert_eq(evolve_load("counter", NULL, &answer), -ENOENT);
    cr_assert_eq(evolve_shelve("counter-1.1.0", &fake, sizeof(fake), &answer), 0);
    cr_assert_eq(evolve_load("counter", NULL, &answer), 0);
}

Test(evolve, reads_a_package_of_the_shelf_by_its_build)
{
    struct fake_bundle whole = make_bundle("heap", VERSION(1, 0, 0), "0000000a"), copy = {};
    struct evolve_package wanted = {.name = "heap", .version = VERSION(1, 0, 0), .build = 0xa};
    cr_assert_eq(evolve_read_package(&wanted, 0, &copy, 10), 10);
    cr_assert_eq(evolve_read_package(&wanted, 10, (char *)&copy + 10, 1000), sizeof(copy) - 10);
    cr_assert_arr_eq(&copy, &whole, sizeof(copy));
    cr_assert_eq(evolve_read_package(&wanted, sizeof(copy), &copy, 1000), 0);
    cr_assert_eq(evolve_read_package(&wanted, SIZE_MAX, &copy, 1000), 0);
    wanted.build = 0xd;
    cr_assert_eq(evolve_read_package(&wanted, 0, &copy, 10), -ENOENT);
}

Test(evolve, keeps_what_was_pushed_when_others_are_fetched)
{
    struct evolve_answer answer;
    struct fake_bundle fake = make_bundle("counter", VERSION(1, 1, 0), "0000000c");
    cr_assert_eq(push(&fake, "", &answer), 0);
    cr_assert_eq(shelve("counter", VERSION(1, 1, 0), "0000000c"), 0);
    cr_assert_eq(pages_out, 1, "the same build is not there twice");
    for (unsigned i = 0; i < 20; i++) {
        cr_assert_eq(shelve("shell", VERSION(1, i, 0), "0000000e"), 0);
    }
    cr_assert_eq(evolve_load("counter", NULL, &answer), 0);
    cr_assert_eq(evolve_load("led_blink", NULL, &answer), -ENOENT, "fetched, and long ago");
    cr_assert_eq(evolve_load("shell-1.12.0", NULL, &answer), 0);
    cr_assert_eq(evolve_load("shell-1.11.0", NULL, &answer), -ENOENT);
}

Test(evolve, loads_the_highest_version_or_the_one_named)
{
    struct evolve_answer answer;
    cr_assert_eq(evolve_load("led_blink", NULL, &answer), 0);
    cr_assert_eq(answer.ticket, 7);
    cr_assert_str_empty(answer.message);
    cr_assert_eq(requested.kind, SWAP_LOAD);
    cr_assert_str_eq(requested_build, "00000002");
    cr_assert_eq(evolve_load("led_blink-1.1.0", NULL, &answer), 0);
    cr_assert_str_eq(requested_build, "00000001");
}

Test(evolve, replaces_a_component_by_another_build_of_it)
{
    struct evolve_answer answer;
    cr_assert_eq(evolve_swap("heap", "heap-1.0.0", NULL, &answer), 0);
    cr_assert_eq(requested.kind, SWAP_REPLACE);
    cr_assert_str_eq(requested.old, "heap");
    cr_assert_str_eq(requested_build, "0000000a");
    world[0].build = 0xa;
    cr_assert_eq(evolve_swap("heap", "heap", NULL, &answer), 0);
    cr_assert_str_eq(requested_build, "0000000b");
}

Test(evolve, says_which_packages_there_are)
{
    struct evolve_answer answer;
    cr_assert_eq(evolve_load("ledd", NULL, &answer), -ENOENT);
    cr_assert_str_eq(answer.message,
                     "there is no package called ledd; at hand are: led_blink 1.1.0, "
                     "led_blink 1.2.0, heap 1.0.0, heap 1.0.0");
    cr_assert_eq(answer.ticket, 0);
    cr_assert_eq(evolve_load("led_blink-3.0.0", NULL, &answer), -ENOENT);
}

Test(evolve, cuts_a_long_list_short)
{
    struct evolve_answer answer;
    memset(&state, 0, sizeof(state));
    for (unsigned i = 0; i < SHELF_KIND_MAX; i++) {
        struct fake_bundle fake = make_bundle("a_component_of_a_long_name_xxxx", i, "1");
        cr_assert_eq(push(&fake, "", &answer), 0);
        cr_assert_eq(shelve("a_component_of_a_long_name_yyyy", i, "1"), 0);
    }
    cr_assert_eq(evolve_load("a_name_that_is_itself_quite_lon", NULL, &answer), -ENOENT);
    cr_assert_geq(strlen(answer.message), 200);
    cr_assert_str_eq(answer.message + strlen(answer.message) - 5, ", ...");
}

Test(evolve, says_so_when_there_are_none)
{
    struct evolve_answer answer;
    memset(&state, 0, sizeof(state));
    cr_assert_eq(evolve_load("heap", NULL, &answer), -ENOENT);
    cr_assert_str_eq(answer.message, "there is no package called heap; there are none at hand");
}

Test(evolve, refuses_names_that_cannot_be)
{
    static const char *const names[] = {
        "",    "-1.0.0",       "heap-", "heap-x",       "He",
        "a b", "heap-1.2.3.4", "../x",  "heap-1.0.0-2", "a_name_of_more_than_31_characters"};
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
        struct evolve_answer answer;
        cr_assert_eq(evolve_load(names[i], NULL, &answer), -EINVAL, "%s", names[i]);
        cr_assert(strstr(answer.message, "cannot be a package"));
    }
}

Test(evolve, refuses_to_replace_or_unload_what_is_not_there)
{
    struct evolve_answer answer;
    cr_assert_eq(evolve_swap("nobody", "heap", NULL, &answer), -ENOENT);
    cr_assert_str_eq(answer.message, "there is no component called nobody in the world");
    cr_assert_eq(evolve_unload("nobody", NULL, &answer), -ENOENT);
    cr_assert_eq(requested.kind, 0);
    cr_assert_eq(evolve_unload("led_blink", NULL, &answer), 0);
    cr_assert_eq(requested.kind, SWAP_UNLOAD);
    cr_assert_str_eq(requested.old, "led_blink");
}

Test(evolve, passes_on_what_the_nucleus_refuses)
{
    struct evolve_answer answer;
    submit_result = -EBUSY;
    cr_assert_eq(evolve_load("heap", NULL, &answer), -EBUSY);
    cr_assert(strstr(answer.message, "too many other changes"));
    cr_assert_eq(answer.ticket, 0);
}

Test(evolve, loads_what_is_pushed_and_remembers_it)
{
    struct evolve_answer answer;
    struct fake_bundle fake = make_bundle("counter", VERSION(1, 1, 0), "0000000c");
    cr_assert_eq(push(&fake, "", &answer), 0);
    cr_assert_eq(answer.ticket, 7);
    cr_assert_eq(requested.kind, SWAP_LOAD);
    cr_assert_str_eq(requested_build, "0000000c");
    cr_assert_eq(evolve_load("counter", NULL, &answer), 0);
    cr_assert_eq(pages_out, 1);
    cr_assert_eq(push(&fake, "", &answer), 0);
    cr_assert_eq(pages_out, 1, "the same build is not kept twice");
}

Test(evolve, replaces_by_what_is_pushed)
{
    struct evolve_answer answer;
    struct fake_bundle fake = make_bundle("better_heap", VERSION(1, 0, 0), "0000000d");
    cr_assert_eq(push(&fake, "heap", &answer), 0);
    cr_assert_eq(requested.kind, SWAP_REPLACE);
    cr_assert_str_eq(requested.old, "heap");
    fake.components = 2;
    cr_assert_eq(push(&fake, "heap", &answer), -EINVAL, "two for one");
    cr_assert_eq(push(&fake, "", &answer), 0);
    cr_assert_eq(push(&fake, "nobody", &answer), -ENOENT);
    cr_assert_eq(pages_out, 1, "what was refused is not kept");
}

Test(evolve, keeps_the_last_eight_pushed)
{
    struct evolve_answer answer;
    for (unsigned i = 0; i < 20; i++) {
        struct fake_bundle fake = make_bundle("counter", VERSION(1, i, 0), "0000000c");
        cr_assert_eq(push(&fake, "", &answer), 0);
    }
    cr_assert_eq(pages_out, SHELF_KIND_MAX);
    cr_assert_eq(evolve_load("counter-1.11.0", NULL, &answer), -ENOENT);
    cr_assert_eq(evolve_load("counter-1.12.0", NULL, &answer), 0);
    cr_assert_eq(evolve_load("led_blink", NULL, &answer), 0, "those of the card stay");
}

Test(evolve, does_not_drop_a_package_that_is_in_use)
{
    struct evolve_answer answer;
    struct shelf_package *held;
    for (unsigned i = 0; i < 20; i++) {
        struct fake_bundle fake = make_bundle("counter", VERSION(1, i, 0), "0000000c");
        cr_assert_eq(push(&fake, "", &answer), 0);
        if (i == 0) {
            cr_assert_eq(shelf_hold(&state.shelf, "counter", 0, &held, answer.message), 0);
        }
    }
    cr_assert_eq(evolve_load("counter-1.0.0", NULL, &answer), 0);
    cr_assert_eq(pages_out, SHELF_KIND_MAX);
    shelf_release(&state.shelf, held);
}

Test(evolve, refuses_a_push_that_is_no_package)
{
    struct evolve_answer answer;
    struct fake_bundle fake = make_bundle("counter", VERSION(1, 1, 0), "0000000c");
    fake.magic[0] = 'x';
    cr_assert_eq(push(&fake, "", &answer), -EBADMSG);
    cr_assert_str_eq(answer.message, "this is no package that can be used: bad magic");
    cr_assert_eq(pages_out, 0);
}

Test(evolve, takes_pieces_in_order_only)
{
    struct evolve_answer answer;
    uint32_t handle;
    char bytes[200] = {0};
    cr_assert_eq(evolve_push_open(0, &handle), -EINVAL);
    cr_assert_eq(evolve_push_open(PACKAGE_BYTES_MAX + 1, &handle), -EINVAL);
    cr_assert_eq(evolve_push_open(100, &handle), 0);
    cr_assert_eq(evolve_push_write(handle + 1, 0, bytes, 10), -ENOENT);
    cr_assert_eq(evolve_push_write(handle, 10, bytes, 10), -EINVAL);
    cr_assert_eq(evolve_push_write(handle, 0, bytes, 60), 0);
    cr_assert_eq(evolve_push_write(handle, 60, bytes, 41), -EINVAL);
    cr_assert_eq(evolve_push_write(handle, 0, bytes, 60), -EINVAL);
    cr_assert_eq(evolve_push_write(handle, 60, bytes, SIZE_MAX), -EINVAL);
    cr_assert_eq(evolve_push_commit(handle, "", NULL, &answer), -EINVAL);
    cr_assert_str_eq(answer.message, "only 60 of 100 bytes came");
    cr_assert_eq(evolve_push_write(handle, 60, bytes, 40), 0, "it goes on");
}

Test(evolve, drops_an_unfinished_push_for_a_new_one)
{
    uint32_t first, second;
    cr_assert_eq(evolve_push_open(100, &first), 0);
    cr_assert_eq(evolve_push_open(5000, &second), 0);
    cr_assert_neq(first, second);
    cr_assert_eq(pages_out, 1);
    cr_assert_eq(evolve_push_write(first, 0, "x", 1), -ENOENT);
    cr_assert_eq(evolve_push_write(second, 0, "x", 1), 0);
}

Test(evolve, keeps_a_push_that_must_wait)
{
    struct evolve_answer answer;
    struct fake_bundle fake = make_bundle("counter", VERSION(1, 1, 0), "0000000c");
    submit_result = -EBUSY;
    cr_assert_eq(push(&fake, "", &answer), -EBUSY);
    submit_result = 9;
    cr_assert_eq(evolve_push_commit(state.push.handle, "", NULL, &answer), 0);
    cr_assert_eq(answer.ticket, 9);
    cr_assert_eq(evolve_push_commit(state.push.handle, "", NULL, &answer), -ENOENT);
}

Test(evolve, lets_nobody_else_at_a_push_in_use)
{
    struct evolve_answer answer;
    uint32_t handle, other;
    cr_assert_eq(evolve_push_open(100, &handle), 0);
    state.push.in_use = 1;
    cr_assert_eq(evolve_push_write(handle, 0, "x", 1), -EBUSY);
    cr_assert_eq(evolve_push_commit(handle, "", NULL, &answer), -EBUSY);
    cr_assert_eq(evolve_push_open(100, &other), -EBUSY);
    cr_assert_eq(pages_out, 1);
}

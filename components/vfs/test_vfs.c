/* SPDX-License-Identifier: MIT */
/* The vfs above a file system and disks of pretence. */
#define component_self vfs_test_component
#define event_init_owned vfs_test_event_init
#define event_signal vfs_test_event_signal
#define offer_event vfs_test_offer_event
#define offer_find vfs_test_offer_find
#define page_allocate_owned vfs_test_page_allocate
#define page_mark_plain vfs_test_page_mark_plain
#define time_now_ns vfs_test_time_now_ns
#define worker_start_owned vfs_test_worker_start
#define world_component vfs_test_world_component
#include "handles.c"
#include "mounts.c"
#include "pages.c"
#include "path.c"
#include "vfs.c"

#include <criterion/criterion.h>
#include <stdlib.h>

#define FILE_BYTES 100000u
#define FILES 4u

struct component {
    int unused;
} component_self;

static struct event offers;
static uint64_t now_ns = 1;
static const char *world[] = {"tester", "other", NULL};
static struct {
    const char *name;
    uint32_t id;
    struct block_info info;
} disks[] = {{"ram0", 11, {.blocks = 100, .medium = 1}},
             {"mmc0p2", 12, {.blocks = 9, .medium = 0}}};
static uint32_t filesystem_id = 20;
static unsigned mounted, unmounted, settled, synced, signals, reads, opened;
static struct {
    char name[32];
    uint32_t bytes;
    uint8_t data[FILE_BYTES];
} files[FILES];

static int fake_mount(const struct block_ops *disk, uint32_t *volume)
{
    if (disk->unit == 1) {
        return -EINVAL; /* not one of mine */
    }
    mounted++;
    *volume = 77;
    return 0;
}

static int fake_unmount(uint32_t volume)
{
    unmounted++;
    return volume == 77 ? 0 : -ENOENT;
}

static int fake_open(uint32_t volume, const char *path, uint32_t flags, uint32_t *file,
                     struct file_info *info)
{
    cr_assert_eq(volume, 77u);
    for (uint32_t i = 0; i < FILES; i++) {
        bool is_new = files[i].name[0] == '\0' && (flags & FILE_CREATE);
        if (strcmp(files[i].name, path) != 0 && !is_new) {
            continue;
        }
        strcpy(files[i].name, path);
        if (flags & FILE_TRUNCATE) {
            files[i].bytes = 0;
        }
        if (info) {
            *info = (struct file_info){.bytes = files[i].bytes};
        }
        *file = i + 1;
        opened += !(flags & FILE_LOOK);
        return 0;
    }
    return -ENOENT;
}

static int fake_close(uint32_t volume, uint32_t file)
{
    cr_assert(volume == 77 && file >= 1 && file <= FILES);
    opened--;
    return 0;
}

static int fake_read(uint32_t volume, uint32_t file, uint64_t offset, void *buffer, uint32_t size)
{
    cr_assert_eq(volume, 77u);
    reads++;
    if (disks[0].info.medium != 1) {
        return -ENOMEDIUM;
    }
    if (offset >= files[file - 1].bytes) {
        return 0;
    }
    size = MIN(size, files[file - 1].bytes - (uint32_t)offset);
    memcpy(buffer, files[file - 1].data + offset, size);
    return (int)size;
}

static int fake_write(uint32_t volume, uint32_t file, uint64_t offset, const void *buffer,
                      uint32_t size)
{
    cr_assert_eq(volume, 77u);
    if (offset > files[file - 1].bytes) {
        return -EINVAL;
    }
    if (offset + size > FILE_BYTES) {
        return -ENOSPC;
    }
    memcpy(files[file - 1].data + offset, buffer, size);
    files[file - 1].bytes = MAX(files[file - 1].bytes, (uint32_t)offset + size);
    return (int)size;
}

static int fake_resize(uint32_t volume, uint32_t file, uint64_t bytes)
{
    (void)volume;
    files[file - 1].bytes = (uint32_t)bytes;
    return 0;
}

static int fake_list(uint32_t volume, uint32_t file, uint32_t *position, struct file_entry *entry)
{
    (void)volume;
    (void)file;
    (void)position;
    (void)entry;
    return -ENOENT;
}

static int fake_remove(uint32_t volume, const char *path, uint32_t is_directory)
{
    (void)volume;
    (void)is_directory;
    return strcmp(path, "a/b") == 0 ? 0 : -ENOENT;
}

static int fake_rename(uint32_t volume, const char *path, const char *new_path)
{
    (void)volume;
    return strcmp(path, "a") == 0 && strcmp(new_path, "b/c") == 0 ? 0 : -ENOENT;
}

static int fake_settle(uint32_t volume, uint32_t is_sync)
{
    (void)volume;
    settled++;
    synced += is_sync;
    return 0;
}

static int fake_read_volume(uint32_t volume, struct volume_info *info)
{
    (void)volume;
    *info = (struct volume_info){.kind = "FAKE"};
    return 0;
}

static int disk_read_info(uint32_t unit, struct block_info *info)
{
    *info = disks[unit].info;
    return 0;
}

void event_init_owned(struct event *event, struct component *owner)
{
    (void)event;
    (void)owner;
}

void event_signal(struct event *event)
{
    cr_assert_eq(event, &state.released);
    signals++;
}

struct event *offer_event(void)
{
    return &offers;
}

int offer_find(const char *kind, const char *name, uint32_t after, struct offer *offer)
{
    if (strcmp(kind, FILESYSTEM_KIND) == 0) {
        const struct filesystem_ops ops = {
            fake_mount,  fake_unmount, fake_open,   fake_close,  fake_read,   fake_write,
            fake_resize, fake_list,    fake_remove, fake_rename, fake_settle, fake_read_volume};
        *offer = (struct offer){.id = filesystem_id, .name = "fake"};
        memcpy(offer->table, &ops, sizeof(ops));
        return filesystem_id > after ? 0 : -ENOENT;
    }
    for (uint32_t i = 0; i < ARRAY_SIZE(disks); i++) {
        const struct block_ops ops = {.unit = i, .read_info = disk_read_info};
        bool is_wanted = name ? strcmp(name, disks[i].name) == 0 : disks[i].id > after;
        if (is_wanted && disks[i].id != 0) {
            *offer = (struct offer){.id = disks[i].id};
            strcpy(offer->name, disks[i].name);
            memcpy(offer->table, &ops, sizeof(ops));
            return 0;
        }
    }
    return -ENOENT;
}

void *page_mark_plain(void *block)
{
    return block;
}

void *page_allocate_owned(size_t count, struct component *owner)
{
    (void)owner;
    return aligned_alloc(PAGE_BYTES, count * PAGE_BYTES);
}

uint64_t time_now_ns(void)
{
    return now_ns;
}

int worker_start_owned(const struct worker_config *config, struct component *owner)
{
    (void)owner;
    cr_assert_eq(config->step, step);
    return 1;
}

int world_component(uint32_t after, struct world_component *component)
{
    if (!world[after]) {
        return -ENOENT;
    }
    *component = (struct world_component){.id = after + 1};
    strcpy(component->name, world[after]);
    return 0;
}

static void settle_down(void)
{
    int result;
    while ((result = step(NULL)) == 1) {
    }
    cr_assert_eq(result, LOOK_US);
}

static void forget_pages(void)
{
    for (uint32_t i = 0; i < PAGES_MAX; i++) {
        free(state.handles.pages.page[i].data);
    }
}

TestSuite(vfs, .fini = forget_pages);

static void expect_path(const char *text, const char *mount, const char *rest)
{
    struct path path;
    cr_assert_eq(path_parse(text, &path), 0, "%s", text);
    cr_expect_str_eq(path.mount, mount, "%s", text);
    cr_expect_str_eq(path.rest, rest, "%s", text);
}

Test(vfs, takes_paths_apart)
{
    char text[FILESYSTEM_PATH_BYTES + 10];
    struct path path;
    expect_path("/", "", "");
    expect_path("//", "", "");
    expect_path("/..", "", "");
    expect_path("/ram", "ram", "");
    expect_path("/ram/", "ram", "");
    expect_path("/ram/a/b", "ram", "a/b");
    expect_path("//ram//a/./b/", "ram", "a/b");
    expect_path("/ram/a/../b", "ram", "b");
    expect_path("/ram/../card/x", "card", "x");
    expect_path("/../../ram/..a/...", "ram", "..a/...");
    cr_expect_eq(path_parse("ram/a", &path), -EINVAL);
    cr_expect_eq(path_parse("", &path), -EINVAL);
    cr_expect_eq(path_parse("/a_name_that_is_longer_than_a_mount_can_have/x", &path), -ENOENT);
    memset(text, 'a', sizeof(text));
    text[0] = '/';
    text[sizeof(text) - 1] = '\0';
    cr_expect_eq(path_parse(text, &path), -ENAMETOOLONG);
}

Test(vfs, mounts_what_comes_and_lists_it)
{
    struct file_entry entry;
    struct vfs_mount mount;
    uint32_t root, position = 0;
    cr_assert_eq(start(), 0);
    settle_down();
    cr_assert_eq(vfs_read_mount(0, &mount), 0);
    cr_expect_str_eq(mount.name, "ram");
    cr_expect_str_eq(mount.device, "ram0");
    cr_expect_eq(vfs_read_mount(1, &mount), -ENOENT);
    cr_assert_eq(vfs_open("tester", "/", FILE_DIRECTORY, &root, NULL), 0);
    cr_assert_eq(vfs_list(root, &position, &entry), 0);
    cr_expect_str_eq(entry.name, "ram");
    cr_expect_eq(vfs_list(root, &position, &entry), -ENOENT);
    disks[1].info.medium = 3; /* what nobody knows is asked for once */
    settle_down();
    settle_down();
    cr_expect_eq(mounted, 1u);
    cr_expect_eq(vfs_mount("ram0"), -EBUSY);
    cr_expect_eq(vfs_mount("mmc0p2"), -EINVAL);
    cr_expect_eq(vfs_mount("nothing"), -ENOENT);
}

Test(vfs, handles_are_looked_up_in_every_call)
{
    uint8_t bytes[8];
    uint32_t handle, another;
    settle_down();
    cr_expect_eq(vfs_open("stranger", "/ram/a", FILE_READ, &handle, NULL), -EPERM);
    cr_expect_eq(vfs_open("tester", "/ram/a", FILE_READ, &handle, NULL), -ENOENT);
    cr_expect_eq(vfs_open("tester", "/nothing/a", FILE_READ, &handle, NULL), -ENOENT);
    cr_assert_eq(vfs_open("tester", "/ram/a", FILE_WRITE | FILE_CREATE, &handle, NULL), 0);
    cr_expect_eq(vfs_write(handle, 0, "text", 4), 4);
    cr_expect_eq(vfs_read(handle, 0, bytes, 4), -EACCES);
    cr_expect_eq(vfs_read(handle + 1, 0, bytes, 4), -EBADF);
    cr_expect_eq(vfs_read(0, 0, bytes, 4), -EBADF);
    cr_expect_eq(vfs_close(handle), 0);
    cr_expect_eq(vfs_close(handle), -EBADF);
    cr_assert_eq(vfs_open("tester", "/ram/a", FILE_READ, &another, NULL), 0);
    cr_expect_neq(another, handle, "though it has the same place");
    cr_expect_eq(vfs_read(handle, 0, bytes, 4), -EBADF);
    cr_expect_eq(vfs_read(another, 0, bytes, 8), 4);
    cr_expect_eq(vfs_read(another, UINT64_MAX - 2, bytes, 8), 0);
}

Test(vfs, who_leaves_leaves_no_handles)
{
    uint32_t handle, count = 0;
    settle_down();
    int result;
    while ((result = vfs_open("other", "/ram/a", FILE_WRITE | FILE_CREATE, &handle, NULL)) == 0) {
        count++;
    }
    cr_expect_eq(result, -EMFILE);
    cr_expect_eq(count, VFS_HANDLES);
    world[1] = NULL; /* it has left */
    cr_expect_eq(vfs_open("tester", "/ram/a", FILE_READ, &handle, NULL), 0);
    cr_expect_eq(opened, 1u);
    world[0] = "somebody else";
    for (unsigned i = 0; i < SWEEP_LOOKS; i++) {
        settle_down();
    }
    cr_expect_eq(opened, 0u);
}

Test(vfs, who_comes_in_between_is_told_to_come_again)
{
    struct file_info info;
    settle_down();
    cr_assert_eq(enter(), 0); /* a call on another CPU */
    cr_expect_eq(vfs_look("/", &info), -EAGAIN);
    cr_expect_eq(vfs_sync(), -EAGAIN);
    cr_expect_eq(signals, 0u);
    cr_expect_eq(leave(5), 5);
    cr_expect_eq(signals, 1u);
    cr_expect_eq(vfs_look("/", &info), 0);
    cr_expect_eq(signals, 1u, "nobody was told to come again");
    cr_assert_eq(enter(), 0); /* cut off by a fault */
    cr_expect_eq(adopt(), 0);
    cr_expect_eq(vfs_look("/", &info), 0);
}

Test(vfs, media_that_go_take_their_handles_along)
{
    uint8_t byte;
    uint32_t handle;
    settle_down();
    cr_assert_eq(vfs_open("tester", "/ram/a", FILE_READ | FILE_CREATE, &handle, NULL), 0);
    disks[0].info.medium = 2;
    cr_expect_eq(vfs_read(handle, 0, &byte, 1), -ENOMEDIUM);
    cr_expect_eq(vfs_open("tester", "/ram/a", FILE_READ, &handle, NULL), -ENOENT);
    settle_down();
    cr_expect_eq(mounted, 2u, "the new one is there");
    cr_expect_eq(unmounted, 1u);
    cr_expect_eq(vfs_read(handle, 0, &byte, 1), -ENOMEDIUM, "but it is another one");
    cr_expect_eq(vfs_close(handle), 0);
    disks[0].id = 0;
    settle_down();
    cr_expect_eq(unmounted, 2u);
    disks[0].id = 30;
    settle_down();
    cr_expect_eq(mounted, 3u);
    filesystem_id = 40; /* it left, and came again */
    settle_down();
    cr_expect_eq(mounted, 4u);
}

Test(vfs, unmounts_by_hand_and_stays_so)
{
    uint32_t handle;
    settle_down();
    cr_assert_eq(vfs_open("tester", "/ram/a", FILE_READ | FILE_CREATE, &handle, NULL), 0);
    cr_expect_eq(vfs_unmount("ram"), -EBUSY);
    cr_expect_eq(vfs_close(handle), 0);
    cr_expect_eq(vfs_unmount("ram"), 0);
    cr_expect_eq(vfs_unmount("ram"), -ENOENT);
    settle_down();
    cr_expect_eq(mounted, 1u);
    cr_expect_eq(vfs_mount("ram0"), 0);
    cr_expect_eq(mounted, 2u);
}

Test(vfs, syncs_what_was_left_alone)
{
    uint32_t handle;
    settle_down();
    cr_assert_eq(vfs_open("tester", "/ram/a", FILE_WRITE | FILE_CREATE, &handle, NULL), 0);
    cr_assert_eq(vfs_write(handle, 0, "a", 1), 1);
    settle_down();
    cr_expect_eq(synced, 0u, "not yet");
    now_ns += QUIET_NS + 1;
    settle_down();
    cr_expect_eq(synced, 1u);
    settle_down();
    cr_expect_eq(synced, 1u);
    cr_assert_eq(vfs_write(handle, 0, "b", 1), 1);
    cr_expect_eq(vfs_sync(), 0);
    cr_expect_eq(synced, 2u);
}

Test(vfs, passes_paths_on)
{
    settle_down();
    cr_expect_eq(vfs_remove("/ram/a/b"), 0);
    cr_expect_eq(vfs_remove("/ram/../ram//a/./b"), 0);
    cr_expect_eq(vfs_remove("/ram"), -EBUSY);
    cr_expect_eq(vfs_remove("/"), -EBUSY);
    cr_expect_eq(vfs_make_directory("/ram"), -EEXIST);
    cr_expect_eq(vfs_make_directory("/new"), -ENOENT);
    cr_expect_eq(vfs_rename("/ram/a", "/ram/b/c"), 0);
    cr_expect_eq(vfs_rename("/ram/a", "/card/b"), -ENOENT);
}

/* Reads and writes of all sizes, through two handles, against a copy. */
Test(vfs, pages_never_hold_anything_else)
{
    static uint8_t copy[FILE_BYTES], buffer[30000];
    uint32_t handles[2], bytes = 0;
    settle_down();
    for (unsigned i = 0; i < 2; i++) {
        cr_assert_eq(
            vfs_open("tester", "/ram/a", FILE_READ | FILE_WRITE | FILE_CREATE, &handles[i], NULL),
            0);
    }
    srandom(3);
    for (unsigned round = 0; round < 30000; round++) {
        uint32_t handle = handles[random() % 2], offset = (uint32_t)random() % (bytes + 1);
        uint32_t size = (uint32_t)random() % (round % 10 ? 300 : sizeof(buffer));
        if (random() % 3 == 0) {
            for (uint32_t i = 0; i < size; i++) {
                buffer[i] = (uint8_t)random();
            }
            int written = vfs_write(handle, offset, buffer, size);
            cr_assert(written == (int)size || written == -ENOSPC);
            if (written > 0) {
                memcpy(copy + offset, buffer, size);
                bytes = MAX(bytes, offset + size);
            }
        } else if (random() % 50 == 0) {
            cr_assert_eq(vfs_truncate(handle, offset), 0);
            bytes = offset;
        } else {
            int read = vfs_read(handle, offset, buffer, size);
            cr_assert_eq(read, (int)MIN(size, bytes - offset), "%u of %u", offset, bytes);
            cr_assert_eq(memcmp(buffer, copy + offset, (size_t)read), 0);
        }
    }
    reads = 0;
    for (uint32_t i = 0; i < MIN(bytes, 4096u); i++) {
        cr_assert_eq(vfs_read(handles[0], i, buffer, 1), 1);
    }
    cr_expect_leq(reads, 1u, "one page, read once");
}

/* SPDX-License-Identifier: MIT */
/* The commands and their jobs, above a vfs of pretence with three files, which is busy at times. */
#define component_self files_test_component
#define event_init_owned files_test_event_init
#define event_signal files_test_event_signal
#define offer_add_owned files_test_offer_add
#define page_allocate_owned files_test_page_allocate
#define page_free files_test_page_free
#define time_now_ns files_test_time_now_ns
#define worker_start_owned files_test_worker_start
#define vfs_open files_test_vfs_open
#define vfs_close files_test_vfs_close
#define vfs_read files_test_vfs_read
#define vfs_write files_test_vfs_write
#define vfs_list files_test_vfs_list
#define vfs_look files_test_vfs_look
#define vfs_make_directory files_test_vfs_make_directory
#define vfs_remove files_test_vfs_remove
#define vfs_remove_directory files_test_vfs_remove_directory
#define vfs_rename files_test_vfs_rename
#define vfs_sync files_test_vfs_sync
#define vfs_mount files_test_vfs_mount_device
#define vfs_unmount files_test_vfs_unmount
#define vfs_read_mount files_test_vfs_read_mount
#define vfs_read_handle files_test_vfs_read_handle
#include "jobs.c"
#undef OWNER
#include "show.c"
#undef OWNER
#include "files.c"

#include <criterion/criterion.h>
#include <stdlib.h>

#define FILE_BYTES 300000u
#define FILES 3u

struct component {
    int unused;
} component_self;

static struct {
    char path[32];
    uint32_t bytes, opens;
    uint8_t data[FILE_BYTES];
} files[FILES];
static uint64_t now_ns;
static unsigned busy, pages, wakes; /* busy: so many calls in a row are refused */
static uint32_t room = FILE_BYTES;
static struct command_ops commands[20];
static char names[20][12];
static unsigned command_count;
static char said[20000];

static bool is_busy(void)
{
    busy -= busy > 0;
    return busy > 0;
}

int vfs_open(const char *owner, const char *path, uint32_t flags, uint32_t *handle,
             struct file_info *info)
{
    cr_assert_str_eq(owner, "files");
    if (is_busy()) {
        return -EAGAIN;
    }
    if (flags & FILE_DIRECTORY) {
        *handle = FILES;
        files[FILES - 1].opens++;
        return strcmp(path, "/ram") == 0 ? 0 : -ENOTDIR;
    }
    for (uint32_t i = 0; i < FILES; i++) {
        bool is_new = files[i].path[0] == '\0' && (flags & FILE_CREATE);
        if (strcmp(files[i].path, path) != 0 && !is_new) {
            continue;
        }
        strcpy(files[i].path, path);
        files[i].bytes = flags & FILE_TRUNCATE ? 0 : files[i].bytes;
        files[i].opens++;
        *handle = i + 1;
        if (info) {
            *info = (struct file_info){.bytes = files[i].bytes};
        }
        return 0;
    }
    return -ENOENT;
}

int vfs_close(uint32_t handle)
{
    if (is_busy()) {
        return -EAGAIN;
    }
    cr_assert(handle >= 1 && handle <= FILES && files[handle - 1].opens > 0);
    files[handle - 1].opens--;
    return 0;
}

int vfs_read(uint32_t handle, uint64_t offset, void *buffer, uint32_t size)
{
    if (is_busy()) {
        return -EAGAIN;
    }
    if (offset >= files[handle - 1].bytes) {
        return 0;
    }
    size = MIN(size, files[handle - 1].bytes - (uint32_t)offset);
    memcpy(buffer, files[handle - 1].data + offset, size);
    return (int)size;
}

int vfs_write(uint32_t handle, uint64_t offset, const void *buffer, uint32_t size)
{
    if (is_busy()) {
        return -EAGAIN;
    }
    cr_assert_leq(offset, files[handle - 1].bytes);
    if (offset >= room) {
        return -ENOSPC;
    }
    size = MIN(MIN(size, room - (uint32_t)offset), 20000u); /* fewer than were asked for */
    memcpy(files[handle - 1].data + offset, buffer, size);
    files[handle - 1].bytes = MAX(files[handle - 1].bytes, (uint32_t)offset + size);
    return (int)size;
}

int vfs_list(uint32_t handle, uint32_t *position, struct file_entry *entry)
{
    (void)handle;
    (void)position;
    (void)entry;
    return -ENOENT;
}

int vfs_look(const char *path, struct file_info *info)
{
    *info = (struct file_info){.is_directory = strcmp(path, "/ram") == 0};
    return 0;
}

int vfs_make_directory(const char *path)
{
    return strcmp(path, "/ram/new") == 0 ? 0 : -EEXIST;
}

int vfs_remove(const char *path)
{
    return is_busy() ? -EAGAIN : strcmp(path, "/ram/a") == 0 ? 0 : -ENOENT;
}

int vfs_remove_directory(const char *path)
{
    (void)path;
    return -ENOTEMPTY;
}

int vfs_rename(const char *path, const char *new_path)
{
    return strcmp(path, "/ram/a") == 0 && strcmp(new_path, "/ram/b") == 0 ? 0 : -EXDEV;
}

int vfs_sync(void)
{
    return 0;
}

int vfs_mount(const char *device)
{
    return strcmp(device, "ram0") == 0 ? 0 : -EINVAL;
}

int vfs_unmount(const char *name)
{
    return strcmp(name, "ram") == 0 ? 0 : -ENOENT;
}

int vfs_read_mount(uint32_t index, struct vfs_mount *mount)
{
    *mount = (struct vfs_mount){.name = "ram", .device = "ram0", .volume = {.kind = "FAT16"}};
    return index == 0 ? 0 : -ENOENT;
}

int vfs_read_handle(uint32_t index, struct vfs_handle *handle)
{
    (void)index;
    (void)handle;
    return -ENOENT;
}

void event_init_owned(struct event *event, struct component *owner)
{
    (void)event;
    (void)owner;
}

void event_signal(struct event *event)
{
    cr_assert_eq(event, &state.wake);
    wakes++;
}

int offer_add_owned(const char *kind, const char *name, const void *table, size_t size,
                    struct component *owner)
{
    (void)owner;
    cr_assert_str_eq(kind, COMMAND_KIND);
    strcpy(names[command_count], name);
    memcpy(&commands[command_count++], table, size);
    return 1;
}

void *page_allocate_owned(size_t count, struct component *owner)
{
    (void)owner;
    pages++;
    return aligned_alloc(PAGE_BYTES, count * PAGE_BYTES);
}

void page_free(void *data)
{
    pages--;
    free(data);
}

uint64_t time_now_ns(void)
{
    return now_ns += 1000000; /* each look at the clock takes its time */
}

int worker_start_owned(const struct worker_config *config, struct component *owner)
{
    (void)owner;
    cr_assert_eq(config->step, step);
    return 1;
}

static void hear(struct command_output *output, const char *text, size_t size)
{
    (void)output;
    strncat(said, text, size);
}

/* Runs a line without quotes. */
static int run_line(const char *line)
{
    struct command_output output = {hear};
    char copy[200], *words[COMMAND_WORDS_MAX];
    int count = 0;
    strcpy(copy, line);
    for (char *word = strtok(copy, " "); word; word = strtok(NULL, " ")) {
        words[count++] = word;
    }
    if (command_count == 0) {
        cr_assert_eq(start(), 0);
    }
    said[0] = '\0';
    for (unsigned i = 0; i < command_count; i++) {
        if (strcmp(names[i], words[0]) == 0) {
            return commands[i].run(count, words, &output);
        }
    }
    cr_assert_fail("no command %s", words[0]);
    return 0;
}

static void expect_said(const char *words)
{
    cr_expect_not_null(strstr(said, words), "\"%s\" is not in \"%s\"", words, said);
}

static void make_file(uint32_t bytes)
{
    strcpy(files[0].path, "/ram/a");
    files[0].bytes = bytes;
    for (uint32_t i = 0; i < bytes; i++) {
        files[0].data[i] = (uint8_t)(i * 7 + i / 256);
    }
}

static void expect_copied(void)
{
    cr_expect_eq(files[1].bytes, files[0].bytes);
    cr_expect_eq(memcmp(files[0].data, files[1].data, files[0].bytes), 0);
    cr_expect_eq(files[0].opens + files[1].opens, 0u, "closed again");
    cr_expect_eq(pages, 0u);
}

Test(files, copies_a_small_file_at_once)
{
    make_file(1000);
    cr_expect_eq(run_line("cp /ram/a /ram/b"), 0);
    cr_expect_str_eq(said, "");
    expect_copied();
    cr_expect_eq(run_line("cmp /ram/a /ram/b"), 0);
    expect_said("done, 1000 bytes");
    files[1].data[999]++;
    cr_expect_eq(run_line("cmp /ram/a /ram/b"), -EILSEQ);
    expect_said("differs");
    files[1].data[999]--;
    files[1].bytes--;
    cr_expect_eq(run_line("cmp /ram/a /ram/b"), -EILSEQ);
    files[1].bytes += 2;
    cr_expect_eq(run_line("cmp /ram/a /ram/b"), -EILSEQ);
}

Test(files, a_large_one_goes_on_by_itself)
{
    make_file(FILE_BYTES);
    cr_expect_eq(run_line("cp -g /ram/a /ram/b"), 0);
    expect_said("job 1 goes on");
    cr_expect_eq(wakes, 1u);
    for (unsigned i = 0; i < 1000 && step(NULL) != -EAGAIN; i++) {
        busy = i % 3; /* the vfs is at work for others now and then */
    }
    cr_expect_eq(run_line("jobs"), 0);
    expect_said("job 1 copies to /ram/b: done, 300000 bytes");
    expect_copied();
}

Test(files, a_copy_into_a_directory_keeps_the_name)
{
    make_file(10);
    strcpy(files[0].path, "/card/a");
    cr_expect_eq(run_line("cp /card/a /ram"), 0);
    cr_expect_str_eq(files[1].path, "/ram/a");
    strcpy(files[0].path, "/ram/a");
    cr_expect_eq(run_line("cp /ram/a /ram"), -EINVAL, "onto itself");
    cr_expect_eq(files[0].bytes, 10u);
}

Test(files, a_full_volume_ends_a_copy)
{
    make_file(FILE_BYTES);
    room = 100000;
    cr_expect_eq(run_line("cp /ram/a /ram/b"), -ENOSPC);
    expect_said("no room left");
    cr_expect_eq(files[0].opens + files[1].opens + pages, 0u);
}

Test(files, so_many_jobs_and_no_more)
{
    make_file(FILE_BYTES);
    for (unsigned i = 0; i < JOBS_MAX; i++) {
        cr_expect_eq(run_line("cp -g /ram/a /ram/b"), 0);
    }
    cr_expect_eq(run_line("cp -g /ram/a /ram/b"), -EBUSY);
    while (step(NULL) != -EAGAIN) {
    }
    expect_copied();
}

Test(files, a_handle_that_cannot_be_closed_is_closed_later)
{
    make_file(10);
    cr_expect_eq(run_line("cat /ram/a"), 0);
    cr_expect_eq(files[0].opens, 0u);
    files[0].opens = 1;
    busy = 2000; /* longer than a command has patience */
    files_close(1);
    cr_expect_eq(files[0].opens, 1u);
    cr_expect_eq(wakes, 1u);
    busy = 0;
    cr_expect_eq(step(NULL), -EAGAIN);
    cr_expect_eq(files[0].opens, 0u);
}

Test(files, shows_and_writes)
{
    cr_expect_eq(run_line("write /ram/x some words"), 0);
    cr_expect_eq(run_line("write -a /ram/x more"), 0);
    cr_expect_eq(run_line("cat /ram/x"), 0);
    cr_expect_str_eq(said, "some words\nmore\n");
    cr_expect_eq(run_line("hexdump /ram/x 11 4"), 0);
    cr_expect_str_eq(said, "0000000b  6d 6f 72 65                                      more\n");
    cr_expect_eq(run_line("df"), 0);
    expect_said("/ram          ram0       FAT16");
    cr_expect_eq(run_line("ls /ram"), 0);
    cr_expect_eq(run_line("fill /ram/y 100"), 0);
    expect_said("done, 102400 bytes");
    cr_expect_eq(files[1].data[5001], jobs_pattern(5001));
    cr_expect_eq(run_line("cat /ram/y"), 0);
    expect_said("(more: cat /ram/y 8192)");
}

Test(files, tells_what_is_wrong)
{
    static const struct {
        const char *line;
        int result;
        const char *words;
    } wrong[] = {
        {"cat /ram/none", -ENOENT, "/ram/none: there is no such file"},
        {"cat", -EINVAL, "usage: cat"},
        {"cat /ram/a x", -EINVAL, "usage: cat"},
        {"hexdump /ram/a 0 0", -EINVAL, "usage: hexdump"},
        {"hexdump /ram/a 99999999999", -EINVAL, "usage: hexdump"},
        {"rm", -EINVAL, "usage: rm"},
        {"rm /ram/a /ram/b", -ENOENT, "/ram/b: there is no such file"},
        {"rmdir /ram/a", -ENOTEMPTY, "not empty"},
        {"mkdir /ram/a /ram/new", -EEXIST, "/ram/a: it is there already"},
        {"mv /ram/a /card/b", -EXDEV, "not on one volume"},
        {"mount disk", -EINVAL, "no file system knows"},
        {"unmount /card", -ENOENT, "/card: there is no such"},
        {"fill /ram/a many", -EINVAL, "usage: fill"},
        {"cp /ram/a", -EINVAL, "usage: cp"},
        {"write /ram/x", 0, ""},
        {"sync now", -EINVAL, "usage: sync"},
    };
    make_file(10);
    for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
        cr_expect_eq(run_line(wrong[i].line), wrong[i].result, "%s", wrong[i].line);
        expect_said(wrong[i].words);
    }
    busy = 100000;
    cr_expect_eq(run_line("rm /ram/a"), -EAGAIN);
    expect_said("busy: try again");
}

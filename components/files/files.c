/* SPDX-License-Identifier: MIT */
/*
 * Commands for files. What ends soon is done at once; copying, comparing and filling are jobs: as
 * much as fits a moment is done at once as well, the rest by the worker, whose end the log tells.
 */
#include "files.h"

#include <errno.h>
#include <string.h>

#include <neurath/offer.h>
#include <neurath/thread.h>

#include "jobs.h"

#define MOMENT_NS 50000000u
#define OWNER "files"
#define TEXT_BYTES 256u

struct files {
    struct event wake; /* a job was begun */
    struct jobs jobs;
};

STATE(struct files) state = {};

void files_close(uint32_t handle)
{
    jobs_close(&state.jobs, handle);
    for (uint32_t i = 0; i < JOB_LEFTOVERS; i++) {
        if (READ_ONCE(state.jobs.leftovers[i]) != 0) {
            event_signal(&state.wake);
            return;
        }
    }
}

/* Where `from` comes to be: `to`, or below it if that is a directory. */
static int make_target(const char *from, const char *to, char *path, size_t size)
{
    struct file_info info = {0};
    const char *name = strrchr(from, '/');
    int length;
    if (FILES_TRY(vfs_look(to, &info)) == 0 && info.is_directory && name) {
        length =
            format_print(path, size, "%s%s%s", to, to[strlen(to) - 1] == '/' ? "" : "/", name + 1);
    } else {
        length = format_print(path, size, "%s", to);
    }
    return (size_t)length < size ? 0 : -ENAMETOOLONG;
}

static void print_job(struct command_output *output, const struct job *job)
{
    static const char *const kinds[] = {"", "copies to", "compares", "fills"};
    command_print(output, "job %u %s %s: ", job->number, kinds[job->kind % 4], job->name);
    if (job->phase == JOB_GOES_ON) {
        command_print(output, "%llu of %llu bytes\n", (unsigned long long)job->done,
                      (unsigned long long)job->bytes);
    } else if (job->phase == JOB_DONE) {
        command_print(output, "done, %llu bytes\n", (unsigned long long)job->done);
    } else if (job->error == -EILSEQ && job->kind == JOB_COMPARE) {
        command_print(output, "differs, somewhere behind byte %llu\n",
                      (unsigned long long)job->done);
    } else {
        (void)files_tell(output, "failed", job->error);
    }
}

/* Begins a job and does as much of it as fits a moment. */
static int run_job(enum job_kind kind, const char *from, const char *to, uint64_t bytes,
                   bool is_gentle, struct command_output *output)
{
    char path[TEXT_BYTES];
    uint64_t end = time_now_ns() + MOMENT_NS;
    int result = from ? make_target(from, to, path, sizeof(path)) : 0;
    const char *target = kind == JOB_COPY && from ? path : to;
    if (result == 0 && kind == JOB_COPY && strcmp(from, target) == 0) {
        result = -EINVAL;
    }
    if (result == 0) {
        result = FILES_TRY(jobs_begin(&state.jobs, kind, from, target, bytes, is_gentle));
    }
    if (result < 0) {
        return files_tell(output, from && result == -ENOENT ? from : target, result);
    }
    struct job *job = jobs_find(&state.jobs, (uint32_t)result);
    while (job && job->phase == JOB_GOES_ON && !is_gentle && time_now_ns() < end) {
        (void)jobs_continue(&state.jobs); /* the job itself tells what comes of it */
    }
    if (!job || job->phase == JOB_GOES_ON) {
        event_signal(&state.wake);
        command_print(output, "job %d goes on; `jobs` tells how far it is\n", result);
        return 0;
    }
    job->is_seen = 1;
    if (job->phase == JOB_FAILED || kind != JOB_COPY) {
        print_job(output, job);
    }
    return job->error;
}

static int run_cp(int count, char *const words[], struct command_output *output)
{
    bool is_gentle = count > 1 && strcmp(words[1], "-g") == 0;
    if (count != 3 + is_gentle) {
        return files_refuse_words(output, "cp [-g] FROM TO; -g: gently, with pauses");
    }
    return run_job(JOB_COPY, words[1 + is_gentle], words[2 + is_gentle], 0, is_gentle, output);
}

static int run_cmp(int count, char *const words[], struct command_output *output)
{
    if (count != 3) {
        return files_refuse_words(output, "cmp FILE OTHER");
    }
    return run_job(JOB_COMPARE, words[1], words[2], 0, false, output);
}

static int run_fill(int count, char *const words[], struct command_output *output)
{
    uint32_t kib;
    if (count != 3 || files_read_number(words[2], &kib) < 0) {
        return files_refuse_words(output, "fill FILE KIB");
    }
    return run_job(JOB_FILL, NULL, words[1], (uint64_t)kib * 1024, false, output);
}

static int run_jobs(int count, char *const words[], struct command_output *output)
{
    struct vfs_handle handle = {0};
    (void)words;
    if (count > 1) {
        return files_refuse_words(output, "jobs");
    }
    for (uint32_t i = 0; i < JOBS_MAX; i++) {
        if (state.jobs.job[i].number != 0) {
            print_job(output, &state.jobs.job[i]);
        }
    }
    for (uint32_t i = 0; FILES_TRY(vfs_read_handle(i, &handle)) == 0; i++) {
        command_print(output, "handle %u of %s on /%s\n", handle.number, handle.owner,
                      handle.mount);
    }
    return 0;
}

/* Commands that do the same with each of their words. */
static int run_each(int count, char *const words[], struct command_output *output,
                    int (*action)(const char *path), const char *usage)
{
    int first_error = 0;
    if (count < 2) {
        return files_refuse_words(output, usage);
    }
    for (int i = 1; i < count; i++) {
        int result = files_tell(output, words[i], FILES_TRY(action(words[i])));
        first_error = first_error < 0 ? first_error : result;
    }
    return first_error;
}

static int run_rm(int count, char *const words[], struct command_output *output)
{
    return run_each(count, words, output, vfs_remove, "rm FILE...");
}

static int run_mkdir(int count, char *const words[], struct command_output *output)
{
    return run_each(count, words, output, vfs_make_directory, "mkdir DIRECTORY...");
}

static int run_rmdir(int count, char *const words[], struct command_output *output)
{
    return run_each(count, words, output, vfs_remove_directory, "rmdir DIRECTORY...");
}

static int run_mv(int count, char *const words[], struct command_output *output)
{
    char path[TEXT_BYTES];
    if (count != 3) {
        return files_refuse_words(output, "mv FROM TO");
    }
    int result = make_target(words[1], words[2], path, sizeof(path));
    if (result == 0) {
        result = FILES_TRY(vfs_rename(words[1], path));
        if (result == -EEXIST || result == -EINVAL) { /* one directory under other letters */
            int again = FILES_TRY(vfs_rename(words[1], words[2]));
            result = again == 0 ? 0 : result;
        }
    }
    return files_tell(output, words[1], result);
}

static int run_write(int count, char *const words[], struct command_output *output)
{
    char text[TEXT_BYTES];
    struct file_info info = {0};
    uint32_t handle;
    size_t used = 0;
    int first = count > 1 && strcmp(words[1], "-a") == 0 ? 2 : 1;
    if (count < first + 1) {
        return files_refuse_words(output, "write [-a] FILE TEXT...; -a: at its end");
    }
    for (int i = first + 1; i < count && used < sizeof(text); i++) {
        used += (size_t)format_print(text + used, sizeof(text) - used, "%s%s", words[i],
                                     i + 1 < count ? " " : "\n");
    }
    used = MIN(used, sizeof(text) - 1);
    uint32_t flags = FILE_WRITE | FILE_CREATE | (first == 1 ? FILE_TRUNCATE : 0);
    int result = FILES_TRY(vfs_open(OWNER, words[first], flags, &handle, &info));
    if (result < 0) {
        return files_tell(output, words[first], result);
    }
    result = FILES_TRY(vfs_write(handle, info.bytes, text, (uint32_t)used));
    if (result >= 0 && (size_t)result < used) {
        result = -ENOSPC;
    }
    files_close(handle);
    return files_tell(output, words[first], MIN(result, 0));
}

static int run_sync(int count, char *const words[], struct command_output *output)
{
    uint64_t end = time_now_ns() + FILES_PATIENCE_NS;
    int result;
    (void)words;
    if (count > 1) {
        return files_refuse_words(output, "sync");
    }
    do {
        result = vfs_sync();
    } while ((result > 0 || result == -EAGAIN) && time_now_ns() < end);
    if (result > 0) {
        command_print(output, "there is more to do: it goes on by itself\n");
    }
    return files_tell(output, "sync", MIN(result, 0));
}

static int run_mount(int count, char *const words[], struct command_output *output)
{
    if (count == 1) {
        return files_run_df(count, words, output);
    }
    if (count != 2) {
        return files_refuse_words(output, "mount [DEVICE]");
    }
    int result = FILES_TRY(vfs_mount(words[1]));
    if (result == -EINVAL) {
        command_print(output, "%.120s: no file system knows what is on it\n", words[1]);
        return result;
    }
    return files_tell(output, words[1], result);
}

static int unmount_any(const char *name)
{
    return vfs_unmount(*name == '/' ? name + 1 : name);
}

static int run_unmount(int count, char *const words[], struct command_output *output)
{
    return run_each(count, words, output, unmount_any, "unmount NAME...");
}

static int step(void *argument)
{
    (void)argument;
    return jobs_continue(&state.jobs);
}

static int start(void)
{
    static const struct {
        char name[12];
        struct command_ops ops;
    } commands[] = {
        {"ls", {files_run_ls, "ls [PATH] - lists a directory"}},
        {"cat", {files_run_cat, "cat FILE [OFFSET] - shows a file's text"}},
        {"hexdump", {files_run_hexdump, "hexdump FILE [OFFSET [BYTES]] - shows a file's bytes"}},
        {"write", {run_write, "write [-a] FILE TEXT - writes a line into a file"}},
        {"cp", {run_cp, "cp [-g] FROM TO - copies a file"}},
        {"cmp", {run_cmp, "cmp FILE OTHER - tells whether they are the same"}},
        {"fill", {run_fill, "fill FILE KIB - makes a file of a pattern"}},
        {"jobs", {run_jobs, "jobs - shows copies under way, and open files"}},
        {"mv", {run_mv, "mv FROM TO - renames or moves"}},
        {"rm", {run_rm, "rm FILE... - removes files"}},
        {"mkdir", {run_mkdir, "mkdir DIRECTORY... - makes directories"}},
        {"rmdir", {run_rmdir, "rmdir DIRECTORY... - removes empty directories"}},
        {"df", {files_run_df, "df - shows the volumes and their room"}},
        {"sync", {run_sync, "sync - has all that was written on the media"}},
        {"mount", {run_mount, "mount [DEVICE] - mounts, or shows what is mounted"}},
        {"unmount", {run_unmount, "unmount NAME... - before a medium is taken out"}},
    };
    const struct worker_config config = {.name = "files jobs", .step = step, .event = &state.wake};
    event_init(&state.wake);
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
        int result =
            offer_add(COMMAND_KIND, commands[i].name, &commands[i].ops, sizeof(commands[i].ops));
        if (result < 0) {
            return result;
        }
    }
    int result = worker_start(&config);
    return result < 0 ? result : 0;
}

/* Nobody is inside: a word that was not given up belonged to a call that was cut off. */
static int adopt(void)
{
    state.jobs.is_taken = 0;
    return 0;
}

COMPONENT(files, .version = VERSION(1, 0, 0), .summary = "Commands for files", .start = start,
          .adopt = adopt);

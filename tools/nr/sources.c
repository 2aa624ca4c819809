/* SPDX-License-Identifier: MIT */
/* The files of a component, watched; see sources.h. */
#include "tools/nr/sources.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

/* A writer that is done, or a file that was put in another's place. */
#define EVENTS (IN_CLOSE_WRITE | IN_MOVED_TO)
#define PATH_BYTES 512

static bool begins_with(const char *text, const char *beginning)
{
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

/* The folder is watched from now on, if it was not before. */
static int add_folder(struct sources *sources, const char *name, struct why *why)
{
    for (unsigned i = 0; i < sources->folder_count; i++) {
        if (strcmp(sources->folders[i].name, name) == 0) {
            return 0;
        }
    }
    int watch = inotify_add_watch(sources->fd, name, EVENTS);
    if (watch < 0) {
        return why_set(why, -errno, "%s cannot be watched: %s", name, strerror(errno));
    }
    char *copy = strdup(name);
    struct sources_folder *larger =
        copy ? reallocarray(sources->folders, sources->folder_count + 1, sizeof(*larger)) : NULL;
    if (!larger) {
        free(copy);
        return why_set(why, -ENOMEM, "no memory");
    }
    larger[sources->folder_count++] = (struct sources_folder){watch, copy};
    sources->folders = larger;
    return 0;
}

static bool is_noted(const struct sources *sources, const char *file)
{
    for (unsigned i = 0; i < sources->count; i++) {
        if (strcmp(sources->files[i], file) == 0) {
            return true;
        }
    }
    return false;
}

/* One word of what the compiler noted. Only what is ours, and not made by the build, is watched. */
static int add_file(struct sources *sources, const char *file, struct why *why)
{
    char folder[PATH_BYTES];
    const char *slash = strrchr(file, '/');
    if (!slash || file[0] == '/' || begins_with(file, "build/") || begins_with(file, ".cache/") ||
        strlen(file) >= sizeof(folder) || is_noted(sources, file)) {
        return 0;
    }
    char *copy = strdup(file);
    char **larger = copy ? reallocarray(sources->files, sources->count + 1, sizeof(*larger)) : NULL;
    if (!larger) {
        free(copy);
        return why_set(why, -ENOMEM, "no memory");
    }
    larger[sources->count++] = copy;
    sources->files = larger;
    snprintf(folder, sizeof(folder), "%.*s", (int)(slash - file), file);
    return add_folder(sources, folder, why);
}

/* "TARGET: FILE FILE \" and, for each header, "FILE:". */
static int read_note(struct sources *sources, const char *name, struct why *why)
{
    char word[PATH_BYTES];
    int result = 0;
    FILE *file = fopen(name, "r");
    if (!file) {
        return 0; /* it went in this moment: the next build writes it */
    }
    while (result == 0 && fscanf(file, "%511s", word) == 1) {
        size_t length = strlen(word);
        if (word[length - 1] != ':' && word[length - 1] != '\\') {
            result = add_file(sources, word, why);
        }
    }
    fclose(file);
    return result;
}

int sources_learn(struct sources *sources, struct why *why)
{
    static const char *const patterns[] = {"build/components/%s/*.d", "build/components/%s/*/*.d"};
    int result = 0;
    for (unsigned i = 0; i < 2; i++) {
        char pattern[PATH_BYTES];
        glob_t notes;
        snprintf(pattern, sizeof(pattern), patterns[i], sources->component);
        if (glob(pattern, 0, NULL, &notes) != 0) {
            continue;
        }
        for (size_t j = 0; result == 0 && j < notes.gl_pathc; j++) {
            result = read_note(sources, notes.gl_pathv[j], why);
        }
        globfree(&notes);
    }
    return result;
}

int sources_open(struct sources *sources, const char *component, struct why *why)
{
    char folder[PATH_BYTES];
    *sources = (struct sources){.fd = -1};
    snprintf(folder, sizeof(folder), "components/%s", component);
    if (strchr(component, '/') || component[0] == '.' || component[0] == 0 ||
        strlen(component) >= sizeof(sources->component) || access(folder, R_OK) < 0) {
        return why_set(why, -ENOENT, "there is no components/%s here", component);
    }
    snprintf(sources->component, sizeof(sources->component), "%s", component);
    sources->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (sources->fd < 0) {
        return why_set(why, -errno, "no inotify: %s", strerror(errno));
    }
    int result = add_folder(sources, folder, why);
    return result < 0 ? result : sources_learn(sources, why);
}

/* New files of the component's folder too; an editor's own, such as .NAME.swp, are none of them. */
static bool is_of_folder(const struct sources *sources, const char *folder, const char *name)
{
    const char *end = strrchr(name, '.');
    return begins_with(folder, "components/") &&
           strcmp(folder + strlen("components/"), sources->component) == 0 && name[0] != '.' &&
           !begins_with(name, "test_") && end &&
           (strcmp(end, ".c") == 0 || strcmp(end, ".h") == 0 || strcmp(end, ".mk") == 0);
}

static bool is_ours(const struct sources *sources, const struct inotify_event *event, char *saved,
                    unsigned room)
{
    for (unsigned i = 0; event->len > 0 && i < sources->folder_count; i++) {
        const struct sources_folder *folder = &sources->folders[i];
        char file[PATH_BYTES * 2];
        snprintf(file, sizeof(file), "%s/%s", folder->name, event->name);
        if (folder->watch == event->wd &&
            (is_noted(sources, file) || is_of_folder(sources, folder->name, event->name))) {
            snprintf(saved, room, "%s", file);
            return true;
        }
    }
    return false;
}

bool sources_take(struct sources *sources, char *saved, unsigned room)
{
    _Alignas(struct inotify_event) char events[4096];
    bool is_saved = false;
    ssize_t size;
    while ((size = read(sources->fd, events, sizeof(events))) > 0) {
        for (ssize_t at = 0; at < size;) {
            const struct inotify_event *event = (const void *)(events + at);
            /* More happened than inotify could keep: better once too often. */
            if (event->mask & IN_Q_OVERFLOW) {
                snprintf(saved, room, "many files");
                is_saved = true;
            } else if (is_ours(sources, event, saved, room)) {
                is_saved = true;
            }
            at += (ssize_t)(sizeof(*event) + event->len);
        }
    }
    return is_saved;
}

void sources_close(struct sources *sources)
{
    for (unsigned i = 0; i < sources->count; i++) {
        free(sources->files[i]);
    }
    for (unsigned i = 0; i < sources->folder_count; i++) {
        free(sources->folders[i].name);
    }
    free(sources->files);
    free(sources->folders);
    if (sources->fd >= 0) {
        close(sources->fd);
    }
    *sources = (struct sources){.fd = -1};
}

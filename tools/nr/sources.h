/* SPDX-License-Identifier: MIT */
/*
 * The files that a component is made of, and word of each save of one of them.
 *
 * Which they are is known from what the compiler noted at the last build (*.d), and whatever else
 * is in the component's folder but its tests. What is noted is watched by its folder, since many
 * editors do not write a file but put another in its place.
 */
#pragma once

#include <stdbool.h>

#include "lib/why.h"

struct sources {
    int fd; /* readable when something happened; not blocking */
    char component[64];
    char **files; /* as noted, relative to the tree's root */
    unsigned count;
    struct sources_folder {
        int watch; /* inotify's number */
        char *name;
    } * folders;
    unsigned folder_count;
};

/* Working directory: the tree's root. 0; -ENOENT: no such component; a negative errno of inotify.
 */
int sources_open(struct sources *sources, const char *component, struct why *why);

/* Reads again what was noted: after a build. */
int sources_learn(struct sources *sources, struct why *why);

/* Takes what has happened. true: one of the files was saved; its name goes to `saved`. */
bool sources_take(struct sources *sources, char *saved, unsigned room);

void sources_close(struct sources *sources);

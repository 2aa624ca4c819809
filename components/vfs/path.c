/* SPDX-License-Identifier: MIT */
/* Paths; see path.h. */
#include "path.h"

#include <errno.h>
#include <string.h>

/* Takes the last name off. */
static void go_up(char *text, size_t *length)
{
    while (*length > 0 && text[*length - 1] != '/') {
        (*length)--;
    }
    *length -= *length > 0;
    text[*length] = '\0';
}

int path_parse(const char *text, struct path *path)
{
    size_t length = 0, mount;
    if (*text != '/') {
        return -EINVAL;
    }
    while (*text) {
        text += strspn(text, "/");
        size_t name = strcspn(text, "/");
        if (name == 2 && memcmp(text, "..", 2) == 0) {
            go_up(path->rest, &length);
        } else if (name > 0 && !(name == 1 && *text == '.')) {
            if (length + name + 2 > sizeof(path->rest)) {
                return -ENAMETOOLONG;
            }
            if (length > 0) {
                path->rest[length++] = '/';
            }
            memcpy(path->rest + length, text, name);
            length += name;
        }
        text += name;
    }
    path->rest[length] = '\0';
    mount = strcspn(path->rest, "/");
    if (mount >= sizeof(path->mount)) {
        return -ENOENT;
    }
    memcpy(path->mount, path->rest, mount);
    path->mount[mount] = '\0';
    mount += path->rest[mount] == '/';
    memmove(path->rest, path->rest + mount, length + 1 - mount);
    return 0;
}

/* SPDX-License-Identifier: MIT */
/* Paths taken apart. Pure. */
#pragma once

#include <interface/vfs.h>

struct path {
    char mount[VFS_NAME_BYTES];       /* "" for "/" itself */
    char rest[FILESYSTEM_PATH_BYTES]; /* below it, as file systems want it; "" for its root */
};

/* -EINVAL: it does not begin with "/". -ENAMETOOLONG. -ENOENT: a mount's name cannot be so long. */
int path_parse(const char *text, struct path *path);

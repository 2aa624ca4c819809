/* SPDX-License-Identifier: MIT */
/* How a person names a package: NAME, its highest version, or NAME-X.Y.Z. Pure code, no state. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Reads one; NAME is of a-z, 0-9, _ and fits into `room` bytes with its NUL. *version is 0 if none
 * is said. 0; -EINVAL: it cannot be a package.
 */
int package_name_parse(const char *text, char *name, size_t room, uint32_t *version,
                       bool *has_version);

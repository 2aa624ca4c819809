/* SPDX-License-Identifier: MIT */
/* Versions as text; see version.h. */

#include "version.h"

#include <errno.h>

#include "format.h"

int version_parse(const char *text, uint32_t *version)
{
    static const uint32_t limits[] = {VERSION_MAJOR_MAX, VERSION_MINOR_MAX, VERSION_PATCH_MAX};
    uint32_t parts[3] = {0};

    for (unsigned part = 0; part < 3; part++) {
        if (*text < '0' || *text > '9') {
            return -EINVAL;
        }
        for (; *text >= '0' && *text <= '9'; text++) {
            parts[part] = parts[part] * 10 + (uint32_t)(*text - '0');
            if (parts[part] > limits[part]) {
                return -ERANGE;
            }
        }
        if (*text == '\0') {
            *version = version_pack(parts[0], parts[1], parts[2]);
            return 0;
        }
        if (*text++ != '.') {
            return -EINVAL;
        }
    }
    return -EINVAL;
}

int version_print(char *text, size_t size, uint32_t version)
{
    return format_print(text, size, "%u.%u.%u", version_major(version), version_minor(version),
                        version_patch(version));
}

int version_print_interface(char *text, size_t size, uint32_t version)
{
    return format_print(text, size, "%u.%u", version_major(version), version_minor(version));
}

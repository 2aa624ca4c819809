/* SPDX-License-Identifier: MIT */
/* Names of packages; see package_name.h. */
#include "package_name.h"

#include <errno.h>
#include <string.h>

#include "version.h"

int package_name_parse(const char *text, char *name, size_t room, uint32_t *version,
                       bool *has_version)
{
    size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_");
    *version = 0;
    *has_version = text[length] == '-';
    if (length == 0 || length >= room || (text[length] != '\0' && !*has_version)) {
        return -EINVAL;
    }
    memcpy(name, text, length);
    name[length] = '\0';
    return *has_version && version_parse(text + length + 1, version) < 0 ? -EINVAL : 0;
}

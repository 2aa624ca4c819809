/* SPDX-License-Identifier: MIT */
/*
 * What components may use of the nucleus: EXPORT() beside each definition, and here what comes from
 * libraries. A binary search would want a sorted table; a link asks for a few dozen names.
 */
#include <neurath/library.h>
#include <string.h>

#include "nucleus.h"

uint64_t resolve_export(const char *name)
{
    extern const struct export __exports_begin[], __exports_end[];
    for (const struct export *each = __exports_begin; each < __exports_end; each++) {
        if (!strcmp(each->name, name)) {
            return (uint64_t)each->address;
        }
    }
    return 0;
}

EXPORT(memchr);
EXPORT(memcmp);
EXPORT(memcpy);
EXPORT(memmove);
EXPORT(memset);
EXPORT(strchr);
EXPORT(strcmp);
EXPORT(strcspn);
EXPORT(strlen);
EXPORT(strncmp);
EXPORT(strnlen);
EXPORT(strrchr);
EXPORT(strspn);
EXPORT(strstr);

EXPORT(pin_set_function);
EXPORT(format_print);
EXPORT(format_vprint);
EXPORT(version_parse);
EXPORT(version_print);
EXPORT(version_print_interface);
EXPORT(bundle_open);
EXPORT(bundle_next);
EXPORT(descriptor_next_interface);
EXPORT(descriptor_find_interface);
EXPORT(descriptor_next_method);
EXPORT(why_set);

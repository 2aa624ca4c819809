/* SPDX-License-Identifier: MIT */
/*
 * What components may use of the nucleus. The table is made at build time by `nrpack exports`, from
 * the headers of include/neurath/. A link asks for a few dozen names: no need to sort it.
 */
#include <string.h>

#include "nucleus.h"

uint64_t resolve_export(const char *name)
{
    for (const struct export *each = nucleus_exports; each->name; each++) {
        if (!strcmp(each->name, name)) {
            return (uint64_t)each->address;
        }
    }
    return 0;
}

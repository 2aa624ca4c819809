/* SPDX-License-Identifier: MIT */
/* The shelf: see shelf.h. */
#include "shelf.h"

#include <errno.h>
#include <string.h>

#include <lib/bundle.h>
#include <lib/format.h>
#include <lib/package_name.h>
#include <lib/version.h>
#include <neurath/page.h>

int shelf_read_bundle(const void *data, size_t size, struct shelf_package *package, char *message)
{
    struct bundle bundle;
    struct component_descriptor component;
    struct why why;
    int cursor = 0;
    int result = bundle_open(&bundle, data, size, NEURATH_ABI, &why);
    if (result == 0 && !bundle_next(&bundle, &cursor, &component)) {
        result = why_set(&why, -EPROTO, "the bundle has no component");
    }
    if (result == 0 && strlen(component.name) >= COMPONENT_NAME_BYTES) {
        result = why_set(&why, -EPROTO, "the name %.40s... is too long", component.name);
    }
    if (result != 0) {
        format_print(message, SWAP_MESSAGE_BYTES, "this is no package that can be used: %s",
                     why.text);
        return result;
    }
    *package = (struct shelf_package){
        .data = data,
        .size = size,
        .components = bundle.component_count,
        .public = {.version = component.version,
                   .build = bundle_build_number(component.build),
                   .bytes = (uint32_t)size},
    };
    format_print(package->public.name, sizeof(package->public.name), "%s", component.name);
    format_print(package->public.summary, sizeof(package->public.summary), "%s", component.summary);
    return 0;
}

static bool is_same_build(const struct shelf_package *a, const struct evolve_package *b)
{
    return a->data && !strcmp(a->public.name, b->name) && a->public.version == b->version &&
           a->public.build == b->build;
}

/* A free place; NULL: none. Under the lock. */
static struct shelf_package *find_place(struct shelf *shelf)
{
    for (unsigned i = 0; i < SHELF_PACKAGES_MAX; i++) {
        if (!shelf->packages[i].data) {
            return &shelf->packages[i];
        }
    }
    return NULL;
}

/* The package that shall make room for a new one; NULL: none need or can. Under the lock. */
static struct shelf_package *find_victim(struct shelf *shelf, const struct shelf_package *package)
{
    struct shelf_package *oldest = NULL;
    unsigned count = 0;
    for (unsigned i = 0; i < SHELF_PACKAGES_MAX; i++) {
        struct shelf_package *other = &shelf->packages[i];
        if (!other->holders && is_same_build(other, &package->public)) {
            return other;
        }
        if (!other->data || other->is_fetched != package->is_fetched) {
            continue;
        }
        count++;
        if (!other->holders && (!oldest || other->added < oldest->added)) {
            oldest = other;
        }
    }
    return count >= SHELF_KIND_MAX ? oldest : NULL;
}

void shelf_add(struct shelf *shelf, struct shelf_package *package)
{
    const void *surplus = NULL;
    uint64_t daif = spin_lock(&shelf->lock);
    struct shelf_package *place = find_victim(shelf, package);
    if (place) {
        surplus = place->data;
        if (is_same_build(place, &package->public)) {
            package->is_fetched &= place->is_fetched; /* whoever pushed it counts on it */
        }
    } else {
        place = find_place(shelf);
    }
    package->added = ++shelf->additions;
    if (place) {
        *place = *package;
    } else {
        surplus = package->data;
    }
    spin_unlock(&shelf->lock, daif);
    if (surplus) {
        page_free((void *)(uintptr_t)surplus);
    }
}

/* Appends to a text of SWAP_MESSAGE_BYTES; false: there is no room, and nothing was appended. */
PRINTF_LIKE(2, 3) static bool append(char *text, const char *format, ...)
{
    size_t used = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    int length = format_vprint(text + used, SWAP_MESSAGE_BYTES - used, format, arguments);
    va_end(arguments);
    if ((size_t)length < SWAP_MESSAGE_BYTES - used) {
        return true;
    }
    text[used] = '\0';
    return false;
}

/* "there is no package called ledd; at hand are: led_blink 1.2.0, …". Under the lock. */
static void explain_missing(const struct shelf *shelf, const char *name, char *message)
{
    const char *separator = "; at hand are: ";
    format_print(message, SWAP_MESSAGE_BYTES, "there is no package called %.48s", name);
    for (unsigned i = 0; i < SHELF_PACKAGES_MAX; i++) {
        const struct shelf_package *package = &shelf->packages[i];
        char version[VERSION_TEXT_MAX];
        if (!package->data) {
            continue;
        }
        version_print(version, sizeof(version), package->public.version);
        if (strlen(message) + strlen(package->public.name) + 24 > SWAP_MESSAGE_BYTES) {
            (void)append(message, ", ..."); /* 24 leaves room for it */
            return;
        }
        (void)append(message, "%s%s %s", separator, package->public.name, version);
        separator = ", ";
    }
    if (*separator == ';') {
        (void)append(message, "; there are none at hand"); /* the first half is short */
    }
}

/* Whether a is to be preferred to b, of the same name. */
static bool is_better(const struct shelf_package *a, const struct shelf_package *b,
                      uint32_t not_build)
{
    if (!b || a->public.version != b->public.version) {
        return !b || a->public.version > b->public.version;
    }
    if ((a->public.build == not_build) != (b->public.build == not_build)) {
        return b->public.build == not_build;
    }
    return a->added > b->added;
}

int shelf_hold(struct shelf *shelf, const char *name, uint32_t not_build,
               struct shelf_package **package, char *message)
{
    char wanted[COMPONENT_NAME_BYTES];
    uint32_t version;
    bool has_version;
    struct shelf_package *best = NULL;
    if (package_name_parse(name, wanted, sizeof(wanted), &version, &has_version) < 0) {
        format_print(message, SWAP_MESSAGE_BYTES,
                     "\"%.48s\" cannot be a package: say NAME or NAME-1.2.3", name);
        return -EINVAL;
    }
    uint64_t daif = spin_lock(&shelf->lock);
    for (unsigned i = 0; i < SHELF_PACKAGES_MAX; i++) {
        struct shelf_package *candidate = &shelf->packages[i];
        if (candidate->data && !strcmp(candidate->public.name, wanted) &&
            (!has_version || candidate->public.version == version) &&
            is_better(candidate, best, not_build)) {
            best = candidate;
        }
    }
    if (best) {
        best->holders++;
    } else {
        explain_missing(shelf, name, message);
    }
    spin_unlock(&shelf->lock, daif);
    *package = best;
    return best ? 0 : -ENOENT;
}

struct shelf_package *shelf_hold_build(struct shelf *shelf, const struct evolve_package *wanted)
{
    struct shelf_package *found = NULL;
    uint64_t daif = spin_lock(&shelf->lock);
    for (unsigned i = 0; i < SHELF_PACKAGES_MAX && !found; i++) {
        if (is_same_build(&shelf->packages[i], wanted)) {
            found = &shelf->packages[i];
            found->holders++;
        }
    }
    spin_unlock(&shelf->lock, daif);
    return found;
}

void shelf_release(struct shelf *shelf, struct shelf_package *package)
{
    uint64_t daif = spin_lock(&shelf->lock);
    package->holders--;
    spin_unlock(&shelf->lock, daif);
}

int shelf_copy(struct shelf *shelf, unsigned index, struct evolve_package *package)
{
    int result = -ENOENT;
    uint64_t daif = spin_lock(&shelf->lock);
    for (unsigned i = 0; i < SHELF_PACKAGES_MAX && result < 0; i++) {
        if (shelf->packages[i].data && index-- == 0) {
            *package = shelf->packages[i].public;
            result = 0;
        }
    }
    spin_unlock(&shelf->lock, daif);
    return result;
}

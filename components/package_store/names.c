/* SPDX-License-Identifier: MIT */
/* Names of files; see names.h. */
#include "names.h"

#include <neurath/library.h>

#define SUFFIX ".nrb"
#define START "start."
#define NUMBER_DIGITS 6u
#define BUILD_DIGITS 8u

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/* Takes a component's name from *text. */
static bool take_name(const char **text, char name[COMPONENT_NAME_BYTES])
{
    size_t length = 0;
    while (is_letter((*text)[length])) {
        length++;
    }
    if (length == 0 || length >= COMPONENT_NAME_BYTES) {
        return false;
    }
    memset(name, 0, COMPONENT_NAME_BYTES);
    memcpy(name, *text, length);
    *text += length;
    return true;
}

static bool take_character(const char **text, char c)
{
    bool is_there = **text == c;
    *text += is_there;
    return is_there;
}

/* Takes X.Y.Z, as it is printed and in no other way: so a name can be made again from it. */
static bool take_version(const char **text, uint32_t *version)
{
    char given[VERSION_TEXT_MAX], printed[VERSION_TEXT_MAX];
    size_t length = 0, points = 0;
    while (((*text)[length] >= '0' && (*text)[length] <= '9') ||
           ((*text)[length] == '.' && (*text)[length + 1] >= '0' && (*text)[length + 1] <= '9' &&
            points < 2)) {
        points += (*text)[length] == '.';
        length++;
    }
    if (length >= sizeof(given)) {
        return false;
    }
    memcpy(given, *text, length);
    given[length] = 0;
    if (version_parse(given, version) < 0) {
        return false;
    }
    version_print(printed, sizeof(printed), *version);
    *text += length;
    return strcmp(given, printed) == 0;
}

static bool take_digits(const char **text, unsigned count, unsigned base, uint32_t *number)
{
    *number = 0;
    for (unsigned i = 0; i < count; i++) {
        char c = *(*text)++;
        unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
                                                : 16;
        if (digit >= base) {
            return false; /* also at the end: a NUL is no digit */
        }
        *number = *number * base + digit;
    }
    return true;
}

static bool take_variant(const char **text, char variant[PACKAGE_STORE_VARIANT_BYTES])
{
    size_t length = strlen(*text), suffix = strlen(SUFFIX);
    length = length > suffix ? length - suffix : 0;
    if (length == 0 || length >= PACKAGE_STORE_VARIANT_BYTES) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if (!is_letter((*text)[i]) && (*text)[i] != '.') {
            return false;
        }
    }
    memcpy(variant, *text, length);
    *text += length;
    return true;
}

bool store_parse_entry(const char *file, struct package_store_entry *entry)
{
    *entry = (struct package_store_entry){0};
    return take_name(&file, entry->name) && take_character(&file, '-') &&
           take_version(&file, &entry->version) &&
           (!take_character(&file, '+') || take_variant(&file, entry->variant)) &&
           strcmp(file, SUFFIX) == 0;
}

bool store_parse_kept(const char *file, struct kept *kept)
{
    *kept = (struct kept){0};
    if (!take_digits(&file, NUMBER_DIGITS, 10, &kept->number) || !take_character(&file, '-') ||
        !take_name(&file, kept->name) || !take_character(&file, '-') ||
        !take_version(&file, &kept->version) || !take_character(&file, '-') ||
        !take_digits(&file, BUILD_DIGITS, 16, &kept->build) ||
        (take_character(&file, '@') && !take_name(&file, kept->old))) {
        return false;
    }
    kept->files = strcmp(file, SUFFIX) == 0          ? KEPT_PACKAGE
                  : strcmp(file, SUFFIX ".new") == 0 ? KEPT_NEW
                  : strcmp(file, SUFFIX ".bad") == 0 ? KEPT_BAD
                                                     : 0;
    return kept->files != 0;
}

bool store_parse_start(const char *file, uint32_t *number)
{
    for (const char *c = START; *c != 0; c++) {
        if (!take_character(&file, *c)) {
            return false;
        }
    }
    return take_digits(&file, 1, 10, number) && *number != 0 && *file == 0;
}

void store_print_package(char text[STORE_PACKAGE_BYTES], const char *name, uint32_t version)
{
    char printed[VERSION_TEXT_MAX];
    version_print(printed, sizeof(printed), version);
    format_print(text, STORE_PACKAGE_BYTES, "%s-%s", name, printed);
}

void store_entry_path(char path[STORE_PATH_BYTES], const struct package_store_entry *entry)
{
    char package[STORE_PACKAGE_BYTES];
    store_print_package(package, entry->name, entry->version);
    format_print(path, STORE_PATH_BYTES, STORE_COMPONENTS "/%s%s%s" SUFFIX, package,
                 entry->variant[0] ? "+" : "", entry->variant);
}

void store_kept_path(char path[STORE_PATH_BYTES], const struct kept *kept, enum kept_file file)
{
    char package[STORE_PACKAGE_BYTES];
    store_print_package(package, kept->name, kept->version);
    format_print(path, STORE_PATH_BYTES, STORE_KEPT "/%06u-%s-%08x%s%s" SUFFIX "%s", kept->number,
                 package, kept->build, kept->old[0] ? "@" : "", kept->old,
                 file == KEPT_NEW   ? ".new"
                 : file == KEPT_BAD ? ".bad"
                                    : "");
}

void store_start_path(char path[STORE_PATH_BYTES], uint32_t number)
{
    format_print(path, STORE_PATH_BYTES, STORE_KEPT "/" START "%u", number);
}

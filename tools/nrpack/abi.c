/* SPDX-License-Identifier: MIT */
/*
 * nrpack abi: snapshots of interfaces, and whether one that has been released was changed without
 * the version that such a change wants. A snapshot is for people to read; what is compared are its
 * lines that do not begin with a space:
 *
 *     interface counter 1.0
 *     method thread 68563239217777dc counter_read
 *         int counter_read(uint64_t *);
 *     type 661e7e0e78891560 struct counter
 *         struct counter {
 *             ...
 */

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <lib/declaration.h>
#include <lib/version.h>

#include "nrpack.h"

/* One promise: "method any 0123456789abcdef NAME" is {"method NAME", "any 0123456789abcdef"}. */
struct promise {
    char *what;
    char *how;
};

struct snapshot {
    uint32_t version;
    char *text;
    struct promise *promises;
    size_t count;
};

/* --- writing --- */

static char *append(char *text, char *piece)
{
    char *longer = print_text("%s%s", text, piece);
    free(text);
    free(piece);
    return longer;
}

static char *append_lines(char *text, struct declaration declaration)
{
    size_t room = declaration.length + 4 * 64;
    char *buffer = allocate(room);
    unsigned depth = 0;
    while (declaration_next_line(&declaration, &depth, buffer, room)) {
        text = append(text, print_text("    %s\n", buffer));
    }
    free(buffer);
    return text;
}

static const char *word_of(const struct btf_type *type)
{
    switch (type->kind) {
    case BTF_TYPEDEF:
        return "typedef";
    case BTF_ENUM:
    case BTF_ENUM64:
        return "enum";
    case BTF_UNION:
        return "union";
    case BTF_FORWARD:
        return type->flag ? "union" : "struct";
    default:
        return "struct";
    }
}

/* Adds what is reachable from a type, as far as it is not there yet. */
static char *append_types(char *text, const struct object *object, uint32_t from)
{
    size_t count;
    struct spelled *list = object_reach(object, from, &count);
    for (size_t i = 0; i < count; i++) {
        struct btf_type type = btf_type(&object->btf, list[i].type);
        char *head = print_text("\ntype %016" PRIx64 " %s %s\n", object_hash(object, list[i].type),
                                word_of(&type), type.name);
        if (strstr(text, head)) {
            free(head);
        } else {
            text = append_lines(append(text, head), (struct declaration){
                                                        list[i].line,
                                                        strlen(list[i].line) - 1,
                                                    });
        }
        free(list[i].line);
    }
    free(list);
    return text;
}

static char *describe(const struct interface *interface)
{
    const struct object *object = &interface->object;
    char version[VERSION_TEXT_MAX];
    version_print_interface(version, sizeof(version), interface->version);
    char *text = print_text("interface %s %s\n", interface->name, version);
    for (size_t i = 0; i < interface->method_count; i++) {
        const struct method *method = &interface->methods[i];
        text = append(text,
                      print_text("\nmethod %s %016" PRIx64 " %s\n",
                                 method_context_name(method->context), method->hash, method->name));
        text = append_lines(
            text, (struct declaration){method->declarations, strcspn(method->declarations, "\n")});
    }
    for (size_t i = 0; i < interface->method_count; i++) {
        text = append_types(text, object, interface->methods[i].type);
    }
    struct btf_type table = btf_type(&object->btf, interface->types);
    for (uint32_t i = 0; i < table.count; i++) {
        text = append_types(text, object, btf_member(&object->btf, &table, i).type);
    }
    return text;
}

/* --- reading --- */

static void promise(struct snapshot *snapshot, struct promise promise)
{
    snapshot->promises = grow(snapshot->promises, snapshot->count, sizeof(promise));
    snapshot->promises[snapshot->count++] = promise;
}

static void add_promise(struct snapshot *snapshot, char *line)
{
    char *sort = strtok(line, " "), *first = strtok(NULL, " "), *second = strtok(NULL, " ");
    char *rest = strtok(NULL, "");
    if (!sort || !first || !second || (strcmp(sort, "method") != 0 && strcmp(sort, "type") != 0)) {
        return;
    }
    bool is_method = strcmp(sort, "method") == 0;
    char *once = strstr(first, "-once");
    if (is_method && once) { /* promised besides */
        *once = '\0';
        promise(snapshot, (struct promise){print_text("function %s made once at most", rest), ""});
    }
    struct promise kept = {
        .what = print_text("%s %s", is_method ? "function" : second, rest ? rest : ""),
        .how = is_method ? print_text("%s %s", first, second) : print_text("%s", first),
    };
    promise(snapshot, kept);
}

static struct snapshot read_snapshot(uint32_t version, char *text)
{
    struct snapshot snapshot = {.version = version, .text = text};
    char *copy = print_text("%s", text), *line = copy;
    while (*line) {
        char *end = line + strcspn(line, "\n");
        char *next = *end ? end + 1 : end;
        *end = '\0';
        if (line[0] != ' ') {
            add_promise(&snapshot, line);
        }
        line = next;
    }
    free(copy);
    return snapshot;
}

static const struct promise *find(const struct snapshot *snapshot, const char *what)
{
    for (size_t i = 0; i < snapshot->count; i++) {
        if (strcmp(snapshot->promises[i].what, what) == 0) {
            return &snapshot->promises[i];
        }
    }
    return NULL;
}

/* --- comparing --- */

/* The newest snapshot of an interface; false: there is none. */
static bool find_newest(const char *folder, const char *name, struct snapshot *newest)
{
    DIR *directory = opendir(folder);
    char *found = NULL;
    size_t length = strlen(name);
    if (!directory) {
        die("%s: %s", folder, strerror(errno));
    }
    for (struct dirent *entry; (entry = readdir(directory));) {
        const char *dash = strrchr(entry->d_name, '-');
        const char *end = strstr(entry->d_name, ".abi");
        uint32_t version;
        if (!dash || !end || end[4] || (size_t)(dash - entry->d_name) != length ||
            strncmp(entry->d_name, name, length) != 0) {
            continue;
        }
        char *digits = print_text("%.*s", (int)(end - dash - 1), dash + 1);
        if (version_parse(digits, &version) == 0 && (!found || version > newest->version)) {
            newest->version = version;
            free(found);
            found = print_text("%s/%s", folder, entry->d_name);
        }
        free(digits);
    }
    closedir(directory);
    if (found) {
        size_t size;
        *newest = read_snapshot(newest->version, read_file(found, &size));
    }
    return found;
}

struct changes {
    const char *broken; /* a promise that is not kept; NULL: all are */
    const char *added;  /* a new one; NULL: none */
};

static struct changes compare(const struct snapshot *old, const struct snapshot *new)
{
    struct changes changes = {0};
    for (size_t i = 0; i < old->count && !changes.broken; i++) {
        const struct promise *kept = find(new, old->promises[i].what);
        if (!kept) {
            changes.broken = print_text("%s is gone", old->promises[i].what);
        } else if (strcmp(kept->how, old->promises[i].how) != 0) {
            changes.broken = print_text("%s is another one (%s instead of %s)", kept->what,
                                        kept->how, old->promises[i].how);
        }
    }
    for (size_t i = 0; i < new->count && !changes.added; i++) {
        if (!find(old, new->promises[i].what)) {
            changes.added = new->promises[i].what;
        }
    }
    return changes;
}

/*
 * What is wrong with an interface as it is now, compared with its newest snapshot; NULL: nothing.
 * *is_new: there is no snapshot of this version yet.
 */
static char *judge(const struct interface *interface, const char *folder, bool *is_new)
{
    struct snapshot old = {0}, new = read_snapshot(interface->version, describe(interface));
    char was[VERSION_TEXT_MAX], is[VERSION_TEXT_MAX];
    *is_new = true;
    if (!find_newest(folder, interface->name, &old)) {
        return NULL;
    }
    version_print_interface(was, sizeof(was), old.version);
    version_print_interface(is, sizeof(is), new.version);
    struct changes changes = compare(&old, &new);
    *is_new = new.version > old.version;
    if (new.version < old.version) {
        return print_text("has version %s, but %s has been released", is, was);
    }
    bool same_major = version_major(new.version) == version_major(old.version);
    if (changes.broken && same_major) {
        return print_text("%s since %s: that wants a new major version, not %s", changes.broken,
                          was, is);
    }
    if (changes.added && !*is_new) {
        return print_text("%s is new since %s: that wants a new minor version", changes.added, was);
    }
    return NULL;
}

static char *snapshot_path(const struct interface *interface, const char *folder)
{
    char version[VERSION_TEXT_MAX];
    version_print_interface(version, sizeof(version), interface->version);
    return print_text("%s/%s-%s.abi", folder, interface->name, version);
}

/* Returns false after a complaint. */
static bool look_after(const struct interface *interface, const char *folder, bool update)
{
    bool is_new;
    char *wrong = judge(interface, folder, &is_new);
    char *path = snapshot_path(interface, folder);
    if (wrong) {
        complain(folder, "interface %s: %s", interface->name, wrong);
        return false;
    }
    if (is_new && !update) {
        complain(path, "there is no such snapshot yet: `make abi` writes it");
        return false;
    }
    if (is_new) {
        char *text = describe(interface);
        write_file(path, text, strlen(text));
        printf("%s\n", path);
    }
    return true;
}

int run_abi(int argc, char **argv)
{
    const char *folder = NULL;
    bool update = false, is_good = true;
    int first = 1;
    if (argc > 2 && argv[1][0] == '-') {
        update = strcmp(argv[1], "--update") == 0;
        if (!update && strcmp(argv[1], "--check") != 0) {
            return STATUS_TROUBLE;
        }
        folder = argv[2];
        first = 3;
    }
    if (first >= argc) {
        return STATUS_TROUBLE;
    }
    for (int i = first; i < argc; i++) {
        struct interface interface = {0};
        if (!interface_open(&interface, argv[i])) {
            is_good = false;
        } else if (folder) {
            is_good &= look_after(&interface, folder, update);
        } else {
            fputs(describe(&interface), stdout);
        }
    }
    return is_good ? STATUS_DONE : STATUS_REFUSED;
}

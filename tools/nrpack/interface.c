/* SPDX-License-Identifier: MIT */
/*
 * Reads the stub objects of all interfaces. A stub holds, in the section .neurath.methods, the
 * strings "abi N", "interface NAME", then "METHOD CONTEXT" for each; its version is among
 * .neurath.interfaces; the prototypes are the members of struct interface_NAME in its BTF, the
 * structs and unions that its headers define those of struct types_of_NAME.
 */

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <lib/version.h>

#include "nrpack.h"

const char *const standard_functions[] = {
    "memchr", "memcmp",  "memcpy",  "memmove", "memset", "strchr", "strcmp", "strcspn",
    "strlen", "strncmp", "strnlen", "strrchr", "strspn", "strstr", NULL,
};

static void add_method(struct interface *interface, const struct method *method)
{
    interface->methods =
        grow(interface->methods, interface->method_count, sizeof(*interface->methods));
    interface->methods[interface->method_count++] = *method;
}

static bool read_method(struct interface *interface, const struct btf_type *table,
                        const char *record)
{
    const struct object *object = &interface->object;
    const char *space = strchr(record, ' ');
    char *name = print_text("%.*s", (int)(space - record), record);
    struct method method = {
        .name = name,
        .context = method_context_of(space + 1),
    };
    for (uint32_t i = 0; i < table->count; i++) {
        struct btf_member member = btf_member(&object->btf, table, i);
        struct btf_type pointer = btf_type(&object->btf, member.type);
        if (strcmp(member.name, name) != 0 || pointer.kind != BTF_POINTER) {
            continue;
        }
        method.type = btf_strip(&object->btf, pointer.type);
        if (strcmp(interface->name, "nucleus") != 0 &&
            !object_passes_in_registers(object, method.type)) {
            complain(
                object->path,
                "%s has arguments on the stack: a gate keeps only those in the eight registers",
                name);
            return false;
        }
        method.hash = object_hash(object, method.type);
        method.declarations = object_declarations(object, method.type, name);
        add_method(interface, &method);
        return true;
    }
    complain(object->path, "no prototype of %s", name);
    return false;
}

static bool read_version(struct interface *interface, uint32_t abi)
{
    const struct object *object = &interface->object;
    for (size_t i = 0; i < object->interface_count; i++) {
        if (strcmp(object->interfaces[i].name, interface->name) == 0) {
            interface->version = object->interfaces[i].version;
            return true;
        }
    }
    if (strcmp(interface->name, "nucleus") == 0) {
        interface->version = version_pack(abi, 0, 0); /* its version is the ABI's */
        return true;
    }
    complain(object->path, "no INTERFACE(%s, ...) in its header", interface->name);
    return false;
}

bool interface_open(struct interface *interface, const char *path)
{
    struct object *object = &interface->object;
    if (!object_open(object, path)) {
        return false;
    }
    uint32_t section = elf_find_section(&object->elf, ".neurath.methods");
    const char *text = section ? (const char *)elf_section_data(&object->elf, section) : NULL;
    uint64_t size = section ? object->elf.sections[section].size : 0;
    if (!text || size == 0 || text[size - 1] != '\0') {
        complain(path, "no section .neurath.methods: not made by `nrpack stub`");
        return false;
    }
    struct btf_type table = {0};
    uint32_t abi = 0;
    bool is_good = true;
    for (const char *end = text + size; is_good && text < end; text += strlen(text) + 1) {
        if (strncmp(text, "abi ", 4) == 0) {
            abi = (uint32_t)strtoul(text + 4, NULL, 10);
        } else if (strncmp(text, "interface ", 10) == 0) {
            interface->name = text + 10;
            char *type = print_text("interface_%s", interface->name);
            table = btf_type(&object->btf, btf_find(&object->btf, BTF_STRUCT, type));
            free(type);
        } else if (strchr(text, ' ') && interface->name) {
            is_good = read_method(interface, &table, text);
        } else {
            complain(path, ".neurath.methods: bad record '%s'", text);
            is_good = false;
        }
    }
    if (!is_good || !interface->name) {
        return false;
    }
    char *types = print_text("types_of_%s", interface->name);
    interface->types = btf_find(&object->btf, BTF_STRUCT, types);
    free(types);
    return read_version(interface, abi);
}

static int compare_interfaces(const void *a, const void *b)
{
    return strcmp((*(struct interface *const *)a)->name, (*(struct interface *const *)b)->name);
}

static int compare_methods(const void *a, const void *b)
{
    return strcmp((*(struct method *const *)a)->name, (*(struct method *const *)b)->name);
}

/* Adds what C itself declares, unless the nucleus' headers do. */
static void add_standard_functions(struct interface *nucleus)
{
    for (size_t i = 0; standard_functions[i]; i++) {
        bool is_declared = false;
        for (size_t k = 0; k < nucleus->method_count; k++) {
            is_declared |= strcmp(nucleus->methods[k].name, standard_functions[i]) == 0;
        }
        if (!is_declared) {
            add_method(nucleus,
                       &(struct method){.name = standard_functions[i], .declarations = ""});
        }
    }
}

static bool index_methods(struct interfaces *interfaces)
{
    for (size_t i = 0; i < interfaces->count; i++) {
        struct interface *interface = interfaces->list[i];
        if (strcmp(interface->name, "nucleus") == 0) {
            add_standard_functions(interface);
        }
        for (size_t k = 0; k < interface->method_count; k++) {
            interface->methods[k].interface = interface;
            interfaces->methods =
                grow(interfaces->methods, interfaces->method_count, sizeof(struct method *));
            interfaces->methods[interfaces->method_count++] = &interface->methods[k];
        }
    }
    if (interfaces->method_count > 0) {
        qsort(interfaces->methods, interfaces->method_count, sizeof(struct method *),
              compare_methods);
    }
    for (size_t i = 1; i < interfaces->method_count; i++) {
        const struct method *a = interfaces->methods[i - 1], *b = interfaces->methods[i];
        if (strcmp(a->name, b->name) == 0) {
            complain(b->interface->object.path, "%s is declared by interface %s too", b->name,
                     a->interface->name);
            return false;
        }
    }
    return true;
}

/* Adds the stubs of a folder, but for interfaces that an earlier one has. */
static bool read_folder(struct interfaces *interfaces, const char *folder)
{
    DIR *directory = opendir(folder);
    if (!directory) {
        die("%s: %s", folder, strerror(errno));
    }
    bool is_good = true;
    size_t before = interfaces->count;
    for (struct dirent *entry; (entry = readdir(directory));) {
        size_t length = strlen(entry->d_name);
        if (length < 3 || strcmp(entry->d_name + length - 2, ".o") != 0) {
            continue;
        }
        struct interface *interface = allocate(sizeof(*interface));
        if (!interface_open(interface, print_text("%s/%s", folder, entry->d_name))) {
            is_good = false;
            continue;
        }
        bool is_known = false;
        for (size_t i = 0; i < before; i++) {
            is_known |= strcmp(interfaces->list[i]->name, interface->name) == 0;
        }
        if (!is_known) {
            interfaces->list =
                grow(interfaces->list, interfaces->count, sizeof(struct interface *));
            interfaces->list[interfaces->count++] = interface;
        }
    }
    closedir(directory);
    return is_good;
}

bool interfaces_open(struct interfaces *interfaces, char **folders, size_t count)
{
    bool is_good = true;
    *interfaces = (struct interfaces){0};
    for (size_t i = 0; i < count; i++) {
        is_good &= read_folder(interfaces, folders[i]);
    }
    if (interfaces->count > 0) {
        qsort(interfaces->list, interfaces->count, sizeof(struct interface *), compare_interfaces);
    }
    return is_good && index_methods(interfaces);
}

const struct method *interfaces_find(const struct interfaces *interfaces, const char *name)
{
    const struct method key = {.name = name}, *pointer = &key;
    if (interfaces->method_count == 0) {
        return NULL;
    }
    struct method **found = bsearch(&pointer, interfaces->methods, interfaces->method_count,
                                    sizeof(struct method *), compare_methods);
    return found ? *found : NULL;
}

const struct interface *interfaces_find_by_name(const struct interfaces *interfaces,
                                                const char *name)
{
    for (size_t i = 0; i < interfaces->count; i++) {
        if (strcmp(interfaces->list[i]->name, name) == 0) {
            return interfaces->list[i];
        }
    }
    return NULL;
}

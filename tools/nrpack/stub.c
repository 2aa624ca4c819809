/* SPDX-License-Identifier: MIT */
/*
 * nrpack stub, nrpack exports: find the functions marked GATED(context) or NUCLEUS_API in headers.
 * stub, and the structs and unions they define, too: it prints a C source in whose object
 * interface.c finds them with their prototypes. exports prints the table by which the nucleus finds
 * them. This does not parse C: a marked function's name is the last word before the first
 * parenthesis that belongs to no attribute.
 */

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nrpack.h"

struct found {
    char *name;
    const char *context;
};

struct scan {
    const char *path;
    const char *at; /* in text without comments, directives and strings' content */
    unsigned line;
    char word[128]; /* a word, or one other character, or "" at the end */
};

/* Blanks what is no code. Lines stay lines. */
static void blank(char *text)
{
    bool is_line_begin = true;
    for (char *p = text; *p;) {
        if (is_line_begin && (*p == ' ' || *p == '\t')) {
            p++;
        } else if (is_line_begin && *p == '#') {
            for (; *p && (*p != '\n' || p[-1] == '\\'); p++) {
                *p = *p == '\n' ? '\n' : *p == '\\' && p[1] == '\n' ? '\\' : ' ';
            }
        } else if (p[0] == '/' && p[1] == '/') {
            for (; *p && *p != '\n'; p++) {
                *p = ' ';
            }
        } else if (p[0] == '/' && p[1] == '*') {
            char *end = strstr(p + 2, "*/");
            end = end ? end + 2 : p + strlen(p);
            for (; p < end; p++) {
                *p = *p == '\n' ? '\n' : ' ';
            }
        } else if (*p == '"' || *p == '\'') {
            char quote = *p++;
            for (; *p && *p != quote && *p != '\n'; p++) {
                if (*p == '\\' && p[1]) {
                    *p++ = ' ';
                }
                *p = ' ';
            }
            p += *p == quote;
            is_line_begin = false;
        } else {
            is_line_begin = *p == '\n';
            p++;
        }
    }
    for (char *p = text; *p; p++) {
        if (p[0] == '\\' && p[1] == '\n') {
            *p = ' ';
        }
    }
}

static bool is_word(const char *word)
{
    return isalpha((unsigned char)word[0]) || word[0] == '_';
}

static void next(struct scan *scan)
{
    for (; isspace((unsigned char)*scan->at); scan->at++) {
        scan->line += *scan->at == '\n';
    }
    size_t length = 0;
    while (isalnum((unsigned char)scan->at[length]) || scan->at[length] == '_') {
        length++;
    }
    if (length == 0 && *scan->at) {
        length = 1;
    }
    size_t kept = length < sizeof(scan->word) ? length : sizeof(scan->word) - 1;
    memcpy(scan->word, scan->at, kept);
    scan->word[kept] = '\0';
    scan->at += length;
}

/* The word is "(": goes on to the one behind its ")". */
static void skip_parentheses(struct scan *scan)
{
    unsigned depth = 0;
    do {
        depth += scan->word[0] == '(';
        depth -= scan->word[0] == ')';
        next(scan);
    } while (depth > 0 && scan->word[0]);
}

static bool bad(const struct scan *scan, const char *what)
{
    fprintf(stderr, "%s:%u: %s\n", scan->path, scan->line, what);
    return false;
}

/* Behind a mark: takes the function's name. */
static bool take_name(struct scan *scan, struct found *found)
{
    char last[sizeof(scan->word)] = "";
    for (;;) {
        if (strcmp(scan->word, "__attribute__") == 0) {
            next(scan);
            skip_parentheses(scan);
        } else if (strcmp(scan->word, "(") == 0) {
            break;
        } else if (scan->word[0] == '\0' || scan->word[0] == ';' || scan->word[0] == '{') {
            return bad(scan, "a marked declaration that is no function");
        } else {
            memcpy(last, scan->word, sizeof(last));
            next(scan);
        }
    }
    if (!is_word(last)) {
        return bad(scan, "cannot tell the name of a marked function: give its type a typedef");
    }
    found->name = print_text("%s", last);
    return true;
}

static bool take_context(struct scan *scan, struct found *found)
{
    next(scan);
    bool is_open = strcmp(scan->word, "(") == 0;
    next(scan);
    bool is_any = strcmp(scan->word, "any") == 0, is_thread = strcmp(scan->word, "thread") == 0;
    next(scan);
    bool has_more = strcmp(scan->word, ",") == 0, is_once = false;
    if (has_more) {
        next(scan);
        is_once = strcmp(scan->word, "once") == 0;
        next(scan);
    }
    if (!is_open || is_any == is_thread || has_more != is_once || strcmp(scan->word, ")") != 0) {
        return bad(scan, "GATED wants (any) or (thread), and once behind a comma or not");
    }
    found->context =
        method_context_name((is_thread ? METHOD_THREAD : METHOD_ANY) | (is_once ? METHOD_ONCE : 0));
    next(scan);
    return true;
}

struct result {
    struct found *list;
    size_t count;
    struct found *types; /* their context is "struct" or "union" */
    size_t type_count;
    char *name; /* of INTERFACE(name, …) */
};

/* At "struct" or "union": takes the name if a definition follows. */
static void take_type(struct scan *scan, struct result *result)
{
    struct found found = {.context = strcmp(scan->word, "union") == 0 ? "union" : "struct"};
    next(scan);
    char *name = print_text("%s", scan->word);
    if (is_word(scan->word)) {
        next(scan);
        if (strcmp(scan->word, "{") == 0) {
            found.name = name;
            result->types = grow(result->types, result->type_count, sizeof(found));
            result->types[result->type_count++] = found;
            return;
        }
    }
    free(name);
}

static bool scan_header(const char *path, struct result *result)
{
    size_t size;
    char *text = read_file(path, &size);
    blank(text);
    struct scan scan = {.path = path, .at = text, .line = 1};
    next(&scan);
    while (scan.word[0]) {
        struct found found = {.context = "any"};
        if (strcmp(scan.word, "INTERFACE") == 0) {
            next(&scan);
            next(&scan);
            result->name = result->name ? result->name : print_text("%s", scan.word);
            continue;
        }
        if (strcmp(scan.word, "struct") == 0 || strcmp(scan.word, "union") == 0) {
            take_type(&scan, result);
            continue;
        }
        if (strcmp(scan.word, "GATED") == 0) {
            if (!take_context(&scan, &found)) {
                return false;
            }
        } else if (strcmp(scan.word, "NUCLEUS_API") == 0) {
            next(&scan);
        } else {
            next(&scan);
            continue;
        }
        if (!take_name(&scan, &found)) {
            return false;
        }
        result->list = grow(result->list, result->count, sizeof(found));
        result->list[result->count++] = found;
    }
    free(text);
    return true;
}

static bool scan_headers(char **paths, int count, struct result *result)
{
    bool is_good = true;
    for (int i = 0; i < count && is_good; i++) {
        is_good = scan_header(paths[i], result);
    }
    return is_good;
}

/* The way a source includes it: what stands behind "include/". */
static const char *include_name(const char *path)
{
    const char *found = NULL;
    for (const char *p = path; (p = strstr(p, "include/")); p++) {
        if (p == path || p[-1] == '/') {
            found = p + strlen("include/");
        }
    }
    return found ? found : path;
}

/* A struct whose members are pointers, and an object of it: so that BTF has what they point to. */
static void begin_table(const char *what, const char *name)
{
    printf("\nstruct %s_%s {\n", what, name);
}

static void end_table(const char *what, const char *name)
{
    printf("};\nextern struct %s_%s %s_%s;\nstruct %s_%s %s_%s;\n", what, name, what, name, what,
           name, what, name);
}

static void print_includes(char **headers, int count)
{
    for (int i = 0; i < count; i++) {
        const char *path = include_name(headers[i]);
        printf(path == headers[i] ? "#include \"%s\"\n" : "#include <%s>\n", path);
    }
}

static void print_stub(const char *name, const struct result *result, char **headers, int count)
{
    printf("/* Made by `nrpack stub`: what interface %s promises. */\n", name);
    printf("#include <neurath/component.h>\n");
    print_includes(headers, count);
    if (result->count > 0) {
        begin_table("interface", name);
        for (size_t i = 0; i < result->count; i++) {
            printf("    typeof(%s) *%s;\n", result->list[i].name, result->list[i].name);
        }
        end_table("interface", name);
    }
    if (result->type_count > 0) {
        begin_table("types_of", name);
        for (size_t i = 0; i < result->type_count; i++) {
            const struct found *type = &result->types[i];
            printf("    %s %s *%s;\n", type->context, type->name, type->name);
        }
        end_table("types_of", name);
    }
    printf("\n#define TEXT(value) TEXT_(value)\n#define TEXT_(value) #value\n");
    printf("asm(\".pushsection .neurath.methods, \\\"\\\", %%progbits\\n\"\n");
    printf("    \".asciz \\\"abi \" TEXT(NEURATH_ABI) \"\\\"\\n\"\n");
    printf("    \".asciz \\\"interface %s\\\"\\n\"\n", name);
    for (size_t i = 0; i < result->count; i++) {
        printf("    \".asciz \\\"%s %s\\\"\\n\"\n", result->list[i].name, result->list[i].context);
    }
    printf("    \".popsection\");\n");
}

int run_exports(int argc, char **argv)
{
    struct result result = {0};
    if (argc < 2 || argv[1][0] == '-') {
        return STATUS_TROUBLE;
    }
    if (!scan_headers(argv + 1, argc - 1, &result)) {
        return STATUS_REFUSED;
    }
    printf("/* Made by `nrpack exports`: what components may use of the nucleus. */\n");
    printf("#include <string.h>\n\n#include \"kernel/nucleus.h\"\n");
    print_includes(argv + 1, argc - 1);
    printf("\nconst struct export nucleus_exports[] = {\n");
    for (size_t i = 0; i < result.count; i++) {
        printf("    {\"%s\", (const void *)%s},\n", result.list[i].name, result.list[i].name);
    }
    for (size_t i = 0; standard_functions[i]; i++) {
        printf("    {\"%s\", (const void *)%s},\n", standard_functions[i], standard_functions[i]);
    }
    printf("    {0},\n};\n");
    return STATUS_DONE;
}

int run_stub(int argc, char **argv)
{
    struct result result = {0};
    const char *name = NULL;
    int first = 1;
    if (argc > 2 && strcmp(argv[1], "--name") == 0) {
        name = argv[2];
        first = 3;
    }
    if (first >= argc || argv[first][0] == '-') {
        return STATUS_TROUBLE;
    }
    if (!scan_headers(argv + first, argc - first, &result)) {
        return STATUS_REFUSED;
    }
    name = name ? name : result.name;
    if (!name) {
        complain(argv[first], "no INTERFACE(name, major, minor) in it");
        return STATUS_REFUSED;
    }
    print_stub(name, &result, argv + first, argc - first);
    return STATUS_DONE;
}

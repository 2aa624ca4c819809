/* SPDX-License-Identifier: MIT */
/* Keeping and comparing figures; see figures.h. */
#include "figures.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

int figures_add(struct figures *figures, const char *key, double value, struct why *why)
{
    if (figures->count == FIGURES_MAX || strlen(key) >= sizeof(figures->list[0].key)) {
        return why_set(why, -ENOSPC, "%s: one figure too many, or too long a name", key);
    }
    strcpy(figures->list[figures->count].key, key);
    figures->list[figures->count++].value = value;
    return 0;
}

const double *figures_find(const struct figures *figures, const char *key)
{
    for (size_t i = 0; i < figures->count; i++) {
        if (!strcmp(figures->list[i].key, key)) {
            return &figures->list[i].value;
        }
    }
    return NULL;
}

int figures_write(const struct figures *figures, const char *path, struct why *why)
{
    FILE *file = fopen(path, "w");
    if (!file) {
        return why_set(why, -errno, "%s: %s", path, strerror(errno));
    }
    fprintf(file, "{");
    for (size_t i = 0; i < figures->count; i++) {
        fprintf(file, "%s\n  \"%s\": %.10g", i > 0 ? "," : "", figures->list[i].key,
                figures->list[i].value);
    }
    fprintf(file, "\n}\n");
    bool is_bad = ferror(file);
    return fclose(file) == 0 && !is_bad ? 0 : why_set(why, -EIO, "%s: cannot be written", path);
}

int figures_read(struct figures *figures, const char *path, struct why *why)
{
    char key[64], mark[2];
    double value;
    int result = 0;
    FILE *file = fopen(path, "r");
    if (!file) {
        return why_set(why, -errno, "%s: %s", path, strerror(errno));
    }
    figures->count = 0;
    mark[0] = ',';
    bool is_good = fscanf(file, " %1[{]", mark) == 1;
    do {
        is_good = is_good && fscanf(file, " \"%63[a-z0-9_]\" : %lf %1[,}]", key, &value, mark) == 3;
        if (is_good) {
            result = figures_add(figures, key, value, why);
        }
    } while (is_good && result == 0 && mark[0] == ',');
    fclose(file);
    return is_good ? result : why_set(why, -EBADMSG, "%s: no flat object of numbers", path);
}

static bool has_suffix(const char *key, const char *suffix)
{
    size_t length = strlen(key), tail = strlen(suffix);
    return length > tail && !strcmp(key + length - tail, suffix);
}

static bool is_judged(const char *key)
{
    return !has_suffix(key, "_max") && !has_suffix(key, "_p99") && !has_suffix(key, "_n");
}

/* The figure whose name is the first `length` characters of key, and suffix. */
static const double *find_part(const struct figures *figures, const char *key, size_t length,
                               const char *suffix)
{
    char name[sizeof(figures->list[0].key) + 8];
    snprintf(name, sizeof(name), "%.*s%s", (int)length, key, suffix);
    return figures_find(figures, name);
}

/* Whether it stands in another one's row. */
static bool is_part(const struct figures *figures, const char *key)
{
    static const char *const suffixes[] = {"_p99", "_max", "_n"};
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        size_t length = strlen(key) - strlen(suffixes[i]);
        if (has_suffix(key, suffixes[i]) &&
            (find_part(figures, key, length, "_p50") || find_part(figures, key, length, ""))) {
            return true;
        }
    }
    return false;
}

static void print_cell(FILE *out, const double *value, int width)
{
    if (value) {
        fprintf(out, "%*.10g", width, *value);
    } else {
        fprintf(out, "%*s", width, "");
    }
}

void figures_print(const struct figures *figures, FILE *out)
{
    fprintf(out, "%-36s %14s %12s %12s %6s\n", "", "p50", "p99", "max", "n");
    for (size_t i = 0; i < figures->count; i++) {
        const char *key = figures->list[i].key;
        size_t length = strlen(key) - (has_suffix(key, "_p50") ? strlen("_p50") : 0);
        if (is_part(figures, key)) {
            continue;
        }
        fprintf(out, "%-36.*s ", (int)length, key);
        print_cell(out, &figures->list[i].value, 14);
        print_cell(out, find_part(figures, key, length, "_p99"), 13);
        print_cell(out, find_part(figures, key, length, "_max"), 13);
        print_cell(out, find_part(figures, key, length, "_n"), 7);
        fprintf(out, "\n");
    }
}

unsigned figures_compare(const struct figures *old, const struct figures *new, FILE *out)
{
    unsigned worse = 0;
    for (size_t i = 0; i < new->count; i++) {
        const char *key = new->list[i].key;
        const double *before = figures_find(old, key);
        double now = new->list[i].value;
        double percent = before && *before > 0 ? (now - *before) / *before * 100 : 0;
        bool is_worse =
            before && is_judged(key) && (*before > 0 ? percent > FIGURES_TOLERANCE : now > *before);
        worse += is_worse;
        if (out && before) {
            fprintf(out, "%-36s %16.2f %16.2f %+8.1f %%%s\n", key, *before, now, percent,
                    is_worse ? "  worse" : "");
        } else if (out) {
            fprintf(out, "%-36s %16s %16.2f\n", key, "-", now);
        }
    }
    for (size_t i = 0; out && i < old->count; i++) {
        if (!figures_find(new, old->list[i].key)) {
            fprintf(out, "%-36s %16.2f %16s\n", old->list[i].key, old->list[i].value, "-");
        }
    }
    return worse;
}

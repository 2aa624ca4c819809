/* SPDX-License-Identifier: MIT */
/* Keeping and comparing figures; see figures.h. */
#include "figures.h"

#include <errno.h>
#include <math.h>
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
    static const char *const suffixes[] = {"_p50", "_p99", "_max", "_n"};
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        size_t length = strlen(key) - strlen(suffixes[i]);
        if (has_suffix(key, suffixes[i]) && (find_part(figures, key, length, "") ||
                                             (i > 0 && find_part(figures, key, length, "_p50")))) {
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

static void print_row(const struct figures *figures, const char *key, FILE *out)
{
    size_t length = strlen(key) - (has_suffix(key, "_p50") ? strlen("_p50") : 0);
    const double *one = find_part(figures, key, length, "");
    const double *median = find_part(figures, key, length, "_p50");
    const double *p99 = find_part(figures, key, length, "_p99");
    if (one && !median && p99) {
        median = one;
        one = NULL;
    }
    fprintf(out, "%-44.*s ", (int)length, key);
    print_cell(out, one, 14);
    print_cell(out, median, 13);
    print_cell(out, p99, 13);
    print_cell(out, find_part(figures, key, length, "_max"), 13);
    print_cell(out, find_part(figures, key, length, "_n"), 7);
    fprintf(out, "\n");
}

void figures_print(const struct figures *figures, FILE *out)
{
    fprintf(out, "%-44s %14s %12s %12s %12s %6s\n", "", "one, or least", "p50", "p99", "max", "n");
    for (size_t i = 0; i < figures->count; i++) {
        if (!is_part(figures, figures->list[i].key)) {
            print_row(figures, figures->list[i].key, out);
        }
    }
}

/* By how many percent a figure has grown: 0 for what was nothing and is nothing. */
static double growth(double before, double now)
{
    return before > 0 ? (now - before) / before * 100 : now > before ? INFINITY : 0;
}

/* Of a few: the one or two in which a tick fell, or none did; or of those aimed at blackouts. */
static bool is_of_few(const struct figures *figures, const char *key)
{
    const double *count = find_part(figures, key, strlen(key) - strlen("_p99"), "_n");
    return !count || *count < FIGURES_MANY || strcmp(key, "irq_latency_p99") == 0;
}

/* Which growth is too much: -1 less, 1 more, 0 neither. */
static int judge(const struct figures *figures, const char *key, double percent)
{
    if (has_suffix(key, "_n")) {
        return 0;
    }
    bool is_worst = has_suffix(key, "_max") || (has_suffix(key, "_p99") && is_of_few(figures, key));
    double above = is_worst ? (FIGURES_TIMES_WORST - 1) * 100 : FIGURES_TOLERANCE;
    double below = is_worst ? (1 - 1 / FIGURES_TIMES_WORST) * 100 : FIGURES_TOLERANCE;
    return percent > above ? 1 : percent < -below ? -1 : 0;
}

struct figures_changes figures_compare(const struct figures *old, const struct figures *new,
                                       FILE *out)
{
    struct figures_changes changes = {0};
    for (size_t i = 0; i < new->count; i++) {
        const char *key = new->list[i].key;
        const double *before = figures_find(old, key);
        double now = new->list[i].value, percent = before ? growth(*before, now) : 0;
        int verdict = judge(new, key, percent);
        changes.worse += verdict > 0;
        changes.better += verdict < 0;
        if (out && before) {
            fprintf(out, "%-44s %16.2f %16.2f %+8.1f %%%s\n", key, *before, now, percent,
                    verdict > 0   ? "  worse"
                    : verdict < 0 ? "  better: take it over with make bench-baseline"
                                  : "");
        } else if (out) {
            fprintf(out, "%-44s %16s %16.2f\n", key, "-", now);
        }
    }
    for (size_t i = 0; out && i < old->count; i++) {
        if (!figures_find(new, old->list[i].key)) {
            fprintf(out, "%-44s %16.2f %16s\n", old->list[i].key, old->list[i].value, "-");
        }
    }
    return changes;
}

unsigned figures_differ(const struct figures *one, const struct figures *other, FILE *out)
{
    unsigned different = 0;
    for (size_t i = 0; i < one->count; i++) {
        const char *key = one->list[i].key;
        const double *value = figures_find(other, key);
        if (!value || *value != one->list[i].value) {
            different++;
            fprintf(out, "%-44s %16.10g %16.10g\n", key, one->list[i].value, value ? *value : NAN);
        }
    }
    for (size_t i = 0; i < other->count; i++) {
        if (!figures_find(one, other->list[i].key)) {
            different++;
            fprintf(out, "%-44s %16s %16.10g\n", other->list[i].key, "-", other->list[i].value);
        }
    }
    return different;
}

unsigned figures_above(const struct figures *figures, const struct figures *limits, double times,
                       FILE *out)
{
    unsigned above = 0;
    for (size_t i = 0; i < limits->count; i++) {
        const char *key = limits->list[i].key;
        const double *value = figures_find(figures, key);
        if (!value || *value * times > limits->list[i].value) {
            above++;
            fprintf(out, "%s: %.10g, times %.10g, is more than %.10g\n", key, value ? *value : NAN,
                    times, limits->list[i].value);
        }
    }
    return above;
}

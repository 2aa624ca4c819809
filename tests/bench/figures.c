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

static bool is_judged(const char *key)
{
    const char *suffix = strrchr(key, '_');
    return !suffix || (strcmp(suffix, "_max") != 0 && strcmp(suffix, "_p99") != 0);
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

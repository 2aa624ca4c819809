/* SPDX-License-Identifier: MIT */
/*
 * What each component takes: the command `top`.
 *
 * Shares of CPU time are differences of samples. Who looks when the newest sample is at least
 * KEEP_NS old sees what came since that, and leaves one of their own; else what came since the one
 * before it. So several may look at once, and each sees shares of 0.9 s at least: since anybody
 * last looked; the first time, since the start. All that takes long is done on tables of the
 * caller's own, under no lock.
 *
 * Calls are counted by gates that are traced. A key in capitals has `trace` see to that for some
 * seconds, each time that the picture is shown: so it ends by itself when nobody looks any more.
 */
#include <errno.h>
#include <string.h>

#include <interface/command.h>
#include <interface/heap.h>
#include <neurath/cpu.h>
#include <neurath/offer.h>
#include <neurath/page.h>
#include <neurath/time.h>
#include <neurath/world.h>

#define KEEP_NS 900000000 /* somewhat less than from one picture to the next */
#define SPARE 4u          /* components that may come after they were counted */

/* Columns with numbers; sorted by one of them, or by name. */
enum { CPU, TIME, HEAP, PAGES, CALLS_IN, CALLS_OUT, SWAPS, FAULTS, COLUMNS, NAME = COLUMNS };

static char in_capitals(char letter)
{
    return (char)(letter - 'a' + 'A');
}

static const struct {
    char key;
    uint8_t width; /* with two spaces in front, one for the mark */
    char title[10];
    char name[7];
} columns[] = {
    [CPU] = {'c', 7, "cpu %", "cpu"},        [TIME] = {'t', 9, "time s", "time"},
    [HEAP] = {'h', 8, "heap", "heap"},       [PAGES] = {'p', 9, "pages K", "pages"},
    [CALLS_IN] = {'i', 9, "in", "in"},       [CALLS_OUT] = {'o', 8, "out", "out"},
    [SWAPS] = {'s', 7, "swaps", "swaps"},    [FAULTS] = {'f', 8, "faults", "faults"},
    [NAME] = {'n', 14, "component", "name"},
};

struct top_reading {
    uint32_t id; /* of the component */
    uint64_t cpu_ns;
};

struct top_sample {
    uint64_t at_ns;
    uint32_t count;               /* 0: there is none yet */
    struct top_reading *readings; /* by id, upwards */
};

struct top {
    struct spinlock lock; /* guards what follows */
    struct top_sample before, newest;
};

STATE(struct top) state = {};

/* A component, as it is shown. */
struct top_row {
    char name[COMPONENT_NAME_BYTES];
    uint64_t values[COLUMNS]; /* CPU: in tenths of a percent */
};

/* Whether calls are counted: not wanted; there is no `trace`; soon; yes. */
enum counting { NOT_COUNTED, NOT_COUNTABLE, SOON_COUNTED, COUNTED };

/* What one run of the command works on. */
struct top_table {
    uint64_t at_ns;
    enum counting counting;
    uint32_t room, count;
    struct top_row *rows;
    struct top_reading *readings;
};

static void fill_row(struct top_row *row, const struct world_component *component)
{
    memcpy(row->name, component->name, sizeof(row->name));
    row->values[TIME] = component->cpu_ns;
    row->values[HEAP] = component->heap_bytes;
    row->values[PAGES] = (uint64_t)component->pages * PAGE_BYTES / 1024;
    row->values[CALLS_IN] = component->calls_in;
    row->values[CALLS_OUT] = component->calls_out;
    row->values[SWAPS] = component->swaps;
    row->values[FAULTS] = component->faults;
}

static void free_table(const struct top_table *table)
{
    (void)heap_free(table->rows); /* ours, or NULL */
    (void)heap_free(table->readings);
}

/* 0; -ENOMEM. The caller frees the table. */
static int read_world(struct top_table *table)
{
    struct world_component component = {};
    struct world_totals totals;

    world_read_totals(&totals);
    uint32_t room = totals.components + SPARE;
    *table = (struct top_table){
        .room = room,
        .rows = heap_new_array(struct top_row, room),
        .readings = heap_new_array(struct top_reading, room),
    };
    if (!table->rows || !table->readings) {
        free_table(table);
        return -ENOMEM;
    }
    table->at_ns = time_now_ns();
    while (table->count < room && world_component(component.id, &component) == 0) {
        fill_row(&table->rows[table->count], &component);
        table->readings[table->count++] = (struct top_reading){component.id, component.cpu_ns};
    }
    return 0;
}

/* What came since `before`, which has the ids in the same order. Lock held. */
static void find_shares(const struct top_table *table, const struct top_sample *before)
{
    uint64_t since_ns = table->at_ns > before->at_ns ? table->at_ns - before->at_ns : 0;
    uint32_t at = 0;

    for (uint32_t i = 0; i < table->count; i++) {
        const struct top_reading *reading = &table->readings[i];
        uint64_t spent_ns = reading->cpu_ns;
        while (at < before->count && before->readings[at].id < reading->id) {
            at++;
        }
        if (at < before->count && before->readings[at].id == reading->id) {
            spent_ns -= MIN(spent_ns, before->readings[at].cpu_ns);
        }
        table->rows[i].values[CPU] = since_ns >= 1000 ? spent_ns / (since_ns / 1000) : 0;
    }
}

/* Finds the shares, and leaves the table's readings as a sample when it is time for one. */
static void compare(struct top_table *table)
{
    uint64_t daif = spin_lock(&state.lock);
    bool is_due =
        state.newest.count == 0 || (int64_t)(table->at_ns - state.newest.at_ns) >= KEEP_NS;
    find_shares(table, is_due ? &state.newest : &state.before);
    if (is_due) {
        struct top_reading *oldest = state.before.readings;
        state.before = state.newest;
        state.newest = (struct top_sample){table->at_ns, table->count, table->readings};
        table->readings = oldest;
    }
    spin_unlock(&state.lock, daif);
}

static bool goes_before(const struct top_row *a, const struct top_row *b, unsigned column)
{
    return column == NAME ? strcmp(a->name, b->name) < 0 : a->values[column] > b->values[column];
}

/* By insertion: they are few, and those that are equal stay in the order in which they came. */
static void sort(const struct top_table *table, unsigned column)
{
    for (uint32_t i = 1; i < table->count; i++) {
        struct top_row row = table->rows[i];
        uint32_t at = i;
        for (; at > 0 && goes_before(&row, &table->rows[at - 1], column); at--) {
            table->rows[at] = table->rows[at - 1];
        }
        table->rows[at] = row;
    }
}

/* In at most seven characters: "1234567", "12345 k", and so on. */
static void print_amount(char *text, size_t size, uint64_t value)
{
    static const char units[] = " kMGT";
    unsigned unit = 0;
    uint64_t limit = 10000000;
    while (value >= limit && unit + 2 < sizeof(units)) {
        value /= 1000;
        limit = 100000;
        unit++;
    }
    int length = format_print(text, size, "%llu", (unsigned long long)value);
    if (unit > 0) {
        (void)format_print(text + length, size - (size_t)length, " %c", units[unit]);
    }
}

/* In at most eight characters for thirty years: "99999.99", "100000". */
static void print_time(char *text, size_t size, uint64_t value_ns)
{
    unsigned long long seconds = value_ns / 1000000000;
    if (seconds > 99999) {
        (void)format_print(text, size, "%llu", seconds);
    } else {
        (void)format_print(text, size, "%llu.%02llu", seconds,
                           (unsigned long long)value_ns / 10000000 % 100);
    }
}

static void print_value(char *text, size_t size, const struct top_row *row, unsigned column,
                        enum counting counting)
{
    uint64_t value = row->values[column];
    bool is_counted = counting == COUNTED || row->values[CALLS_IN] || row->values[CALLS_OUT];

    if (column == CPU) {
        (void)format_print(text, size, "%llu.%llu", (unsigned long long)value / 10,
                           (unsigned long long)value % 10);
    } else if (column == TIME) {
        print_time(text, size, value);
    } else if ((column == CALLS_IN || column == CALLS_OUT) && !is_counted) {
        (void)format_print(text, size, "-");
    } else {
        print_amount(text, size, value);
    }
}

static void print_totals(struct command_output *output)
{
    struct world_totals totals;
    world_read_totals(&totals);
    unsigned long long seconds = totals.uptime_ns / 1000000000;
    unsigned long long mib = 1048576 / PAGE_BYTES;
    command_print(output, "up %llu days %02llu:%02llu:%02llu, %u CPUs, %llu of %llu MiB free, ",
                  seconds / 86400, seconds / 3600 % 24, seconds / 60 % 60, seconds % 60,
                  totals.cpus, (unsigned long long)totals.pages_free / mib,
                  (unsigned long long)totals.pages / mib);
    command_print(output, "%u threads\n%u components, %u transactions, ", totals.threads,
                  totals.components, totals.transactions);
    command_print(output, "worst blackout %llu.%llu us\n",
                  (unsigned long long)totals.worst_blackout_ns / 1000,
                  (unsigned long long)totals.worst_blackout_ns / 100 % 10);
}

static void print_counting(struct command_output *output, enum counting counting)
{
    static const char *const words[] = {
        [NOT_COUNTED] = "keys in capitals count calls, too, which makes each of them slower",
        [NOT_COUNTABLE] = "calls cannot be counted: there is no command `trace`",
        [SOON_COUNTED] = "calls will be counted in a moment",
        [COUNTED] = "calls are counted, which makes each of them slower: a small letter ends it",
    };
    command_print(output, "%s\n", words[counting]);
}

static void print_titles(struct command_output *output, unsigned sorted)
{
    char title[16];
    command_print(output, "%-*s", columns[NAME].width,
                  sorted == NAME ? ">component" : columns[NAME].title);
    for (unsigned i = 0; i < COLUMNS; i++) {
        (void)format_print(title, sizeof(title), i == sorted ? ">%s" : "%s", columns[i].title);
        command_print(output, "%*s", columns[i].width, title);
    }
    command_print(output, "\n");
}

static void print_row(struct command_output *output, const struct top_row *row,
                      enum counting counting)
{
    char text[24];
    command_print(output, "%-*.*s", columns[NAME].width, columns[NAME].width, row->name);
    for (unsigned i = 0; i < COLUMNS; i++) {
        print_value(text, sizeof(text), row, i, counting);
        command_print(output, "%*s", columns[i].width, text);
    }
    command_print(output, "\n");
}

static void print_keys(struct command_output *output, unsigned sorted, enum counting counting)
{
    for (unsigned i = 0; i < ARRAY_SIZE(columns); i++) {
        char key = counting == NOT_COUNTED ? columns[i].key : in_capitals(columns[i].key);
        command_print(output, i == sorted ? "[%c %s]" : " %c %s ", key, columns[i].name);
    }
    command_print(output, " q end\n");
}

/* The column that a key stands for; ARRAY_SIZE(columns): none. */
static unsigned column_of(char key)
{
    unsigned column = 0;
    while (column < ARRAY_SIZE(columns) && key != columns[column].key &&
           key != in_capitals(columns[column].key)) {
        column++;
    }
    return column;
}

static void say_nothing(struct command_output *output, const char *text, size_t size)
{
    (void)output;
    (void)text;
    (void)size;
}

/* Has calls counted for the next seconds. */
static enum counting count_calls(void)
{
    static char *const words[] = {"trace", "count"};
    struct command_output output = {say_nothing};
    struct command_ops trace;
    struct offer offer;
    if (offer_find(COMMAND_KIND, words[0], 0, &offer) < 0) {
        return NOT_COUNTABLE;
    }
    memcpy(&trace, offer.table, sizeof(trace));
    return trace.run(ARRAY_SIZE(words), words, &output) == 0 ? COUNTED : SOON_COUNTED;
}

/* top; top KEY; top KEY KEY: the last one was pressed later */
static int run(int count, char *const words[], struct command_output *output)
{
    struct top_table table;
    const char *word = count == 1 ? "c" : words[count - 1];
    unsigned column = column_of(word[0]);

    if (count > 3 || column == ARRAY_SIZE(columns) || word[1]) {
        command_print(output, "usage: top [c|t|h|p|i|o|s|f|n]; in capitals: calls are counted\n");
        return -EINVAL;
    }
    enum counting counting = word[0] == columns[column].key ? NOT_COUNTED : count_calls();
    int result = read_world(&table);
    if (result < 0) {
        command_print(output, "there is no memory for it\n");
        return result;
    }
    compare(&table);
    sort(&table, column);
    print_totals(output);
    print_counting(output, counting);
    print_titles(output, column);
    for (uint32_t i = 0; i < table.count; i++) {
        print_row(output, &table.rows[i], counting);
    }
    print_keys(output, column, counting);
    free_table(&table);
    return COMMAND_LIVE;
}

static int start(void)
{
    static const struct command_ops command = {
        run, "top [KEY] - shows what components take; keys sort, q ends it"};
    return offer_add(COMMAND_KIND, "top", &command, sizeof(command));
}

COMPONENT(top, .version = VERSION(1, 0, 0), .summary = "What each component takes", .start = start);

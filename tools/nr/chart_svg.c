/* SPDX-License-Identifier: MIT */
/*
 * The world as a picture, in rows: a component stands above all whose interfaces it uses, the
 * nucleus lies below. Where components use each other in a ring one of the lines must lead upwards:
 * it is dashed. A row that would be too long is broken in several. Within a row each stands as near
 * as may be to its neighbours above and below, which keeps lines short and makes few of them cross.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tools/nr/chart.h"

#define BOX_WIDTH 132
#define BOX_HEIGHT 40
#define GAP 18      /* between boxes of a row */
#define ROW_GAP 70  /* between rows, for the lines */
#define MARGIN 24   /* around all */
#define ROW_BOXES 9 /* in a row */
#define SWEEPS 8    /* up and down, to put each near its neighbours */

struct box {
    int height; /* above those that use no component; -1: not known yet, -2: being looked for */
    unsigned row;
    double middle, wish; /* x, in pixels */
};

struct drawing {
    const struct chart *chart;
    struct box *boxes;
    unsigned *order; /* places of components, row by row */
    unsigned rows;
    int width, height;
};

/* In XML, also between quotes. What may not stand there, or is no ASCII, is a question mark. */
static void put_text(FILE *file, const char *text)
{
    for (; *text; text++) {
        switch (*text) {
        case '<':
            fputs("&lt;", file);
            break;
        case '>':
            fputs("&gt;", file);
            break;
        case '&':
            fputs("&amp;", file);
            break;
        case '"':
            fputs("&quot;", file);
            break;
        default:
            fputc((unsigned char)*text < 0x20 || (unsigned char)*text >= 0x7f ? '?' : *text, file);
        }
    }
}

/* --- layout --- */

/* As deep as there are components, at most. */
static int find_height(struct drawing *drawing, unsigned place)
{
    struct box *box = &drawing->boxes[place];
    const struct chart_bindings *needs = &drawing->chart->components[place].needs;
    int height = 0;
    if (box->height != -1) {
        return box->height; /* -2: a ring, which is broken here */
    }
    box->height = -2;
    for (unsigned i = 0; i < needs->count; i++) {
        int provider = chart_find(drawing->chart, needs->list[i].provider);
        int below = provider >= 0 ? find_height(drawing, (unsigned)provider) : -2;
        height = below + 1 > height ? below + 1 : height;
    }
    box->height = height;
    return height;
}

static double row_left(const struct drawing *drawing, unsigned boxes)
{
    return (drawing->width - (double)boxes * (BOX_WIDTH + GAP) + GAP) / 2;
}

static unsigned row_end(const struct drawing *drawing, unsigned begin)
{
    unsigned row = drawing->boxes[drawing->order[begin]].row;
    while (begin < drawing->chart->count && drawing->boxes[drawing->order[begin]].row == row) {
        begin++;
    }
    return begin;
}

static void set_middles(struct drawing *drawing)
{
    for (unsigned begin = 0, end; begin < drawing->chart->count; begin = end) {
        end = row_end(drawing, begin);
        double left = row_left(drawing, end - begin);
        for (unsigned i = begin; i < end; i++) {
            drawing->boxes[drawing->order[i]].middle =
                left + (double)(i - begin) * (BOX_WIDTH + GAP) + BOX_WIDTH / 2.0;
        }
    }
}

/* How many of a height go into each of the rows that they need, about equally many. */
static unsigned boxes_in_row(const struct drawing *drawing, int height)
{
    unsigned boxes = 0;
    for (unsigned i = 0; i < drawing->chart->count; i++) {
        boxes += drawing->boxes[i].height == height;
    }
    unsigned rows = (boxes + ROW_BOXES - 1) / ROW_BOXES;
    return rows > 0 ? (boxes + rows - 1) / rows : 1;
}

/* From the top row, which has the highest, down; each row is filled before the next begins. */
static void set_rows(struct drawing *drawing)
{
    int highest = 0;
    unsigned placed = 0;
    for (unsigned i = 0; i < drawing->chart->count; i++) {
        int height = find_height(drawing, i);
        highest = height > highest ? height : highest;
    }
    for (int height = highest; height >= 0; height--) {
        unsigned room = boxes_in_row(drawing, height), in_rows = 0;
        for (unsigned i = 0; i < drawing->chart->count; i++) {
            if (drawing->boxes[i].height == height) {
                drawing->rows += in_rows++ % room == 0;
                drawing->boxes[i].row = drawing->rows - 1;
                drawing->order[placed++] = i;
            }
        }
    }
}

/* How far to the right a component would stand if it had its wish: amid those it is bound to. */
static void set_wishes(struct drawing *drawing)
{
    const struct chart *chart = drawing->chart;
    unsigned *neighbours = calloc(chart->count + 1, sizeof(*neighbours));
    for (unsigned i = 0; i < chart->count; i++) {
        drawing->boxes[i].wish = 0;
    }
    for (unsigned i = 0; neighbours && i < chart->count; i++) {
        const struct chart_bindings *needs = &chart->components[i].needs;
        for (unsigned j = 0; j < needs->count; j++) {
            int provider = chart_find(chart, needs->list[j].provider);
            if (provider >= 0) {
                drawing->boxes[i].wish += drawing->boxes[provider].middle;
                drawing->boxes[provider].wish += drawing->boxes[i].middle;
                neighbours[i]++;
                neighbours[provider]++;
            }
        }
    }
    for (unsigned i = 0; i < chart->count; i++) {
        struct box *box = &drawing->boxes[i];
        box->wish = neighbours && neighbours[i] > 0 ? box->wish / neighbours[i] : box->middle;
    }
    free(neighbours);
}

static void sort_row(struct drawing *drawing, unsigned begin, unsigned end)
{
    for (unsigned i = begin + 1; i < end; i++) {
        unsigned moved = drawing->order[i], j = i;
        for (; j > begin && drawing->boxes[drawing->order[j - 1]].wish > drawing->boxes[moved].wish;
             j--) {
            drawing->order[j] = drawing->order[j - 1];
        }
        drawing->order[j] = moved;
    }
}

static void lay_out(struct drawing *drawing)
{
    unsigned count = drawing->chart->count;
    for (unsigned i = 0; i < count; i++) {
        drawing->boxes[i].height = -1;
    }
    set_rows(drawing);
    drawing->width = ROW_BOXES * (BOX_WIDTH + GAP) - GAP + 2 * MARGIN;
    drawing->height = (int)drawing->rows * (BOX_HEIGHT + ROW_GAP) + BOX_HEIGHT + 2 * MARGIN;
    set_middles(drawing);
    for (unsigned sweep = 0; sweep < SWEEPS; sweep++) {
        set_wishes(drawing);
        for (unsigned begin = 0, end; begin < count; begin = end) {
            end = row_end(drawing, begin);
            sort_row(drawing, begin, end);
        }
        set_middles(drawing);
    }
}

/* --- drawing --- */

static int top_of(unsigned row)
{
    return MARGIN + (int)row * (BOX_HEIGHT + ROW_GAP);
}

/* Is there an earlier need of the same provider? One line stands for all. */
static bool is_drawn(const struct chart_bindings *needs, unsigned index)
{
    for (unsigned i = 0; i < index; i++) {
        if (strcmp(needs->list[i].provider, needs->list[index].provider) == 0) {
            return true;
        }
    }
    return false;
}

static void draw_line(FILE *file, const struct drawing *drawing, unsigned user, unsigned provider,
                      unsigned first)
{
    const struct chart_component *component = &drawing->chart->components[user];
    const struct chart_bindings *needs = &component->needs;
    const struct box *from = &drawing->boxes[user], *to = &drawing->boxes[provider];
    int from_y = top_of(from->row) + BOX_HEIGHT, to_y = top_of(to->row);
    fprintf(file, "<path class=\"%s\" d=\"M%.0f %d C%.0f %d %.0f %d %.0f %d\"><title>",
            to->row > from->row ? "line" : "line up", from->middle, from_y, from->middle,
            from_y + ROW_GAP / 2, to->middle, to_y - ROW_GAP / 2, to->middle, to_y);
    put_text(file, component->name);
    for (unsigned i = first; i < needs->count; i++) {
        if (strcmp(needs->list[i].provider, needs->list[first].provider) == 0) {
            fputs(i == first ? " uses " : ", ", file);
            put_text(file, needs->list[i].interface);
            fprintf(file, " %u.%u", needs->list[i].major, needs->list[i].minor);
        }
    }
    fputs(" of ", file);
    put_text(file, needs->list[first].provider);
    fputs("</title></path>\n", file);
}

static void draw_lines(FILE *file, const struct drawing *drawing)
{
    for (unsigned i = 0; i < drawing->chart->count; i++) {
        const struct chart_bindings *needs = &drawing->chart->components[i].needs;
        for (unsigned j = 0; j < needs->count; j++) {
            int provider = chart_find(drawing->chart, needs->list[j].provider);
            if (provider >= 0 && !is_drawn(needs, j)) {
                draw_line(file, drawing, i, (unsigned)provider, j);
            }
        }
    }
}

static void draw_box(FILE *file, const struct drawing *drawing, unsigned place)
{
    const struct chart_component *component = &drawing->chart->components[place];
    const struct box *box = &drawing->boxes[place];
    int top = top_of(box->row);
    fprintf(file, "<g><title>");
    put_text(file, component->name);
    fprintf(file, ": build %08x, %u bytes of code and constants, %llu of state, %u swaps</title>",
            component->build, component->text_bytes + component->rodata_bytes,
            (unsigned long long)component->state_bytes, component->swaps);
    fprintf(file, "<rect x=\"%.0f\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"5\"/>",
            box->middle - BOX_WIDTH / 2.0, top, BOX_WIDTH, BOX_HEIGHT);
    fprintf(file, "<text x=\"%.0f\" y=\"%d\" class=\"name\">", box->middle, top + 17);
    put_text(file, component->name);
    fprintf(file, "</text><text x=\"%.0f\" y=\"%d\">%s</text></g>\n", box->middle, top + 32,
            chart_version(component->version));
}

/* Lines to the nucleus would hide all others: it is told how many there are. */
static void draw_nucleus(FILE *file, const struct drawing *drawing)
{
    int top = top_of(drawing->rows);
    unsigned users = 0;
    for (unsigned i = 0; i < drawing->chart->count; i++) {
        const struct chart_bindings *needs = &drawing->chart->components[i].needs;
        for (unsigned j = 0; j < needs->count; j++) {
            if (chart_find(drawing->chart, needs->list[j].provider) == CHART_IS_NUCLEUS) {
                users++;
                break;
            }
        }
    }
    fprintf(file, "<g class=\"nucleus\"><rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/>",
            MARGIN, top, drawing->width - 2 * MARGIN, BOX_HEIGHT);
    fprintf(file, "<text x=\"%d\" y=\"%d\"><tspan class=\"name\">" CHART_NUCLEUS "</tspan>",
            drawing->width / 2, top + 25);
    fprintf(file, ", used by %u of %u components</text></g>\n", users, drawing->chart->count);
}

static void draw(FILE *file, const struct drawing *drawing)
{
    fprintf(file,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" "
            "height=\"%d\">\n<title>The world</title>\n",
            drawing->width, drawing->height, drawing->width, drawing->height);
    fputs("<style>text { font: 11px sans-serif; text-anchor: middle; fill: #222 }\n"
          ".name { font-weight: bold } rect { fill: #eef3fa; stroke: #34567a }\n"
          ".nucleus rect { fill: #dcdcdc; stroke: #555 } .back { fill: #fff; stroke: none }\n"
          ".line { fill: none; stroke: #34567a; stroke-opacity: .45 }\n"
          ".up { stroke-dasharray: 5 3 } .line:hover { stroke: #c02020; stroke-opacity: 1; "
          "stroke-width: 2 }</style>\n"
          "<rect class=\"back\" width=\"100%\" height=\"100%\"/>\n",
          file);
    draw_lines(file, drawing);
    for (unsigned i = 0; i < drawing->chart->count; i++) {
        draw_box(file, drawing, i);
    }
    draw_nucleus(file, drawing);
    fputs("</svg>\n", file);
}

int chart_write_svg(FILE *file, const struct chart *chart)
{
    struct drawing drawing = {.chart = chart};
    drawing.boxes = calloc(chart->count + 1, sizeof(*drawing.boxes));
    drawing.order = calloc(chart->count + 1, sizeof(*drawing.order));
    bool is_done = drawing.boxes && drawing.order;
    if (is_done) {
        lay_out(&drawing);
        draw(file, &drawing);
    }
    free(drawing.boxes);
    free(drawing.order);
    return is_done ? 0 : -ENOMEM;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* structure_plot.c: structures of the tasks of an evaluation as a drawing, three panels for each budget. Equal
 * evaluations are equal documents. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "structure_rows.h"

enum { LEFT = 60, GAP = 60, TITLE = 40, BOTTOM = 40, WIDTH = 240, HEIGHT = 180, MOST_TASKS = 120, MOST_PAIRS = 3000 };

/* ---- axes ---- */

typedef struct axes {
    FILE *to;
    double x, y, low[2], high[2];
} axes;

static void text(FILE *to, double x, double y, const char *kind, const char *anchor, const char *what) {
    fprintf(to, "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\" text-anchor=\"%s\">%s</text>\n", x, y, kind, anchor, what);
}

static void number(FILE *to, double x, double y, const char *anchor, double value) {
    char word[32];
    snprintf(word, sizeof word, "%.4g", value);
    text(to, x, y, "number", anchor, word);
}

static void frame(const axes *a, const char *title, const char *across) {
    fprintf(a->to, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%d\" height=\"%d\" class=\"axis\"/>\n", a->x, a->y, WIDTH,
            HEIGHT);
    text(a->to, a->x, a->y - 8, "title", "start", title);
    text(a->to, a->x + WIDTH / 2.0, a->y + HEIGHT + 30, "number", "middle", across);
}

static void label(const axes *a) {
    number(a->to, a->x, a->y + HEIGHT + 14, "start", a->low[0]);
    number(a->to, a->x + WIDTH, a->y + HEIGHT + 14, "end", a->high[0]);
    number(a->to, a->x - 4, a->y + HEIGHT, "end", a->low[1]);
    number(a->to, a->x - 4, a->y + 10, "end", a->high[1]);
}

static void widen(axes *a, int axis, double v, int first) {
    if (first || v < a->low[axis]) a->low[axis] = v;
    if (first || v > a->high[axis]) a->high[axis] = v;
}

static double place(const axes *a, int axis, double v) {
    const double range = a->high[axis] - a->low[axis];
    return range > 0 ? (v - a->low[axis]) / range : 0.5;
}

static void dot(const axes *a, double x, double y) {
    fprintf(a->to, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"2\" class=\"dot\"/>\n", a->x + 4 + (WIDTH - 8) * place(a, 0, x),
            a->y + HEIGHT - 4 - (HEIGHT - 8) * place(a, 1, y));
}

/* ---- panels ---- */

typedef struct ranked {
    double score;
    int task;
} ranked;

static int by_score(const void *a, const void *b) {
    const ranked *x = a, *y = b;
    if (x->score != y->score && !isnan(x->score) && !isnan(y->score)) return x->score < y->score ? -1 : 1;
    if (isnan(x->score) != isnan(y->score)) return isnan(x->score) ? 1 : -1;
    return (x->task > y->task) - (x->task < y->task);
}

/* Gates, one below the other, of tasks from the lowest score to the highest; of many tasks every so many. Groups of
 * gates, which points divide in the text, have a gap between them. False: no memory. */
static bool draw_gates(const cli_structure_rows *r, const axes *a) {
    const cli_structure_tasks *t = &r->task;
    const int shown = t->n < MOST_TASKS ? t->n : MOST_TASKS;
    ranked *order = calloc((size_t)t->n + 1, sizeof *order);
    frame(a, "gates", "tasks, by score");
    if (!order) return false;
    for (int i = 0; i < t->n; i++) order[i] = (ranked){t->score[i], i};
    qsort(order, (size_t)t->n, sizeof *order, by_score);
    const size_t gates = t->n ? strlen(t->structure[0]) : 0;
    const double wide = (double)WIDTH / shown, high = (double)HEIGHT / (double)gates;
    for (size_t g = 0; g < gates; g++)
        for (int i = 0, run = 0; i < shown; i++) {
            const int next = i + 1 < shown ? order[(i + 1) * t->n / shown].task : -1;
            if (t->structure[order[i * t->n / shown].task][g] != '1') continue;
            run++;
            if (next >= 0 && t->structure[next][g] == '1') continue;
            fprintf(a->to, "<rect x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\" class=\"open\"/>\n",
                    a->x + (i + 1 - run) * wide, a->y + (double)g * high, run * wide, high);
            run = 0;
        }
    free(order);
    return true;
}

static void draw_costs(const cli_structure_rows *r, axes *a) {
    const cli_structure_tasks *t = &r->task;
    int first = 1;
    frame(a, "bytes", r->metric->name);
    for (int i = 0; i < t->n; i++)
        if (isfinite(t->score[i])) widen(a, 0, t->score[i], first), widen(a, 1, t->bytes[i], first), first = 0;
    label(a);
    for (int i = 0; i < t->n; i++)
        if (isfinite(t->score[i])) dot(a, t->score[i], t->bytes[i]);
}

/* All pairs, or every so many. */
static void draw_pairs(const cli_structure_rows *r, axes *a) {
    const int64_t n = r->task.n, pairs = n * (n - 1) / 2, step = pairs / MOST_PAIRS + 1;
    frame(a, "gates that differ", "distance of two tasks");
    for (int pass = 0; pass < 2; pass++) {
        int64_t k = 0;
        if (pass) label(a);
        for (int i = 0; i < n; i++)
            for (int j = 0; j < i; j++) {
                if (k++ % step) continue;
                const double tasks = cli_rows_task_distance(r, i, j), gates = cli_rows_gate_distance(r, i, j);
                if (pass)
                    dot(a, tasks, gates);
                else
                    widen(a, 0, tasks, k == 1), widen(a, 1, gates, k == 1);
            }
    }
}

int cli_rows_draw(const cli_structure_rows *r, int y, FILE *to) {
    char title[80];
    axes a = {.to = to, .x = LEFT, .y = y + 2 * TITLE};
    snprintf(title, sizeof title, r->budget > 0 ? "%lld bytes" : "without a budget", (long long)r->budget);
    text(to, LEFT, y + TITLE, "title", "start", title);
    if (!draw_gates(r, &a)) return -1;
    a.x += WIDTH + GAP;
    draw_costs(r, &a);
    a = (axes){.to = to, .x = a.x + WIDTH + GAP, .y = a.y};
    draw_pairs(r, &a);
    return 2 * TITLE + HEIGHT + BOTTOM;
}

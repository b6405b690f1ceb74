/* SPDX-License-Identifier: Apache-2.0 */
/* table_leaks.c: whether a column leaks the target.
 *
 * Linear relations are found by correlation; other smooth ones by sorting rows by the column: the target then changes
 * little from row to row (von Neumann's ratio of squared differences to variance), and classes form few runs. A
 * category is judged by the purity of its groups. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "table/table_leaks.h"

#define ROWS_LEAST 20
#define CLOSE 0.9
#define DETERMINES 0.98
#define PURE 0.99

typedef struct pair {
    double x, y;
    uint32_t tie; /* breaks ties of x at random, since the file's order may follow the target */
} pair;

static int by_x(const void *a, const void *b) {
    const pair *p = a, *q = b;
    int order = (p->x > q->x) - (p->x < q->x);
    return order ? order : (p->tie > q->tie) - (p->tie < q->tie);
}

typedef struct sums {
    double mean_x, mean_y, xx, yy, xy;
} sums;

static sums moments(const pair *p, int n) {
    sums s = {0};
    for (int i = 0; i < n; i++) s.mean_x += p[i].x / n, s.mean_y += p[i].y / n;
    for (int i = 0; i < n; i++) {
        const double dx = p[i].x - s.mean_x, dy = p[i].y - s.mean_y;
        s.xx += dx * dx, s.yy += dy * dy, s.xy += dx * dy;
    }
    return s;
}

/* The share of y's variance explained by its mean per value of x; x sorted. -1: x has too many values. */
static double between_groups(const pair *p, int n, const sums *s) {
    double within = 0;
    int groups = 0;
    for (int i = 0, end; i < n; i = end, groups++) {
        double mean = 0;
        for (end = i; end < n && p[end].x == p[i].x; end++) mean += (p[end].y - mean) / (end - i + 1);
        for (int k = i; k < end; k++) within += (p[k].y - mean) * (p[k].y - mean);
    }
    return 4 * groups > n ? -1 : 1 - within / s->yy;
}

static double smoothness(const pair *p, int n, const sums *s) {
    double steps = 0;
    for (int i = 1; i < n; i++) steps += (p[i].y - p[i - 1].y) * (p[i].y - p[i - 1].y);
    return 1 - steps / (2 * s->yy);
}

static void tells_number(pair *p, int n, bool ordered, goss__telling *out) {
    const sums s = moments(p, n);
    if (!(s.xx > 0) || !(s.yy > 0)) return;
    bool equal = ordered;
    for (int i = 0; i < n && equal; i++) equal = p[i].x == p[i].y;
    const double r = fabs(s.xy) / sqrt(s.xx * s.yy);
    qsort(p, (size_t)n, sizeof *p, by_x);
    const double groups = between_groups(p, n, &s), smooth = ordered ? smoothness(p, n, &s) : -1;
    const double share = groups > smooth ? groups : smooth;
    if (equal)
        *out = (goss__telling){GOSS__TELLS_EQUAL, 1};
    else if (ordered && r >= 1 - 1e-9)
        *out = (goss__telling){GOSS__TELLS_LINEAR, r};
    else if (share >= DETERMINES)
        *out = (goss__telling){GOSS__TELLS_ALL, share};
    else if (ordered && r >= CLOSE)
        *out = (goss__telling){GOSS__TELLS_CLOSE, r};
}

/* Rows whose class is not that of most rows with the same x, plus (where x has an order) how often that class changes
 * along it beyond once a class. count [classes] is scratch. */
static double wrong_rows(const pair *p, int n, bool ordered, int classes, int *count, int *groups) {
    double wrong = 0;
    int before = -1;
    *groups = 0;
    for (int i = 0, end; i < n; i = end, (*groups)++) {
        int most = (int)p[i].y;
        memset(count, 0, (size_t)classes * sizeof *count);
        for (end = i; end < n && p[end].x == p[i].x; end++)
            if (++count[(int)p[end].y] > count[most]) most = (int)p[end].y;
        wrong += end - i - count[most];
        if (ordered && most != before) wrong += 1;
        before = most;
    }
    return ordered ? wrong - classes : wrong;
}

static void tells_class(pair *p, int n, bool ordered, int classes, int *count, goss__telling *out) {
    int groups, seen = 0, most = 0;
    memset(count, 0, (size_t)classes * sizeof *count);
    for (int i = 0; i < n; i++) {
        seen += count[(int)p[i].y]++ == 0;
        if (count[(int)p[i].y] > most) most = count[(int)p[i].y];
    }
    if (seen < 2 || most > 0.95 * n) return;
    qsort(p, (size_t)n, sizeof *p, by_x);
    double wrong = wrong_rows(p, n, false, classes, count, &groups);
    if (2 * groups > n) wrong = n; /* nearly unique */
    if (ordered) {
        int ignored;
        double along = wrong_rows(p, n, true, seen, count, &ignored);
        if (along < wrong) wrong = along;
    }
    const double right = 1 - (wrong > 0 ? wrong : 0) / n;
    if (right >= PURE) *out = (goss__telling){GOSS__TELLS_ALL, right};
}

/* Whether two columns of texts are equal. */
static bool same_texts(const goss_table *t, int a, int b) {
    for (int r = 0; r < t->rows; r++) {
        const int x = goss_table_code(t, a, r), y = goss_table_code(t, b, r);
        if ((x < 0) != (y < 0)) return false;
        if (x >= 0 && strcmp(goss_table_category(t, a, x), goss_table_category(t, b, y)) != 0) return false;
    }
    return true;
}

goss_status goss__column_tells(const goss_table *t, int column, int target, goss__telling *out, goss_error *err) {
    const bool ordered = goss_table_type(t, column) == GOSS_COLUMN_NUMBER;
    const int classes = goss_table_type(t, target) == GOSS_COLUMN_NUMBER ? 0 : goss_table_categories(t, target);
    *out = (goss__telling){GOSS__TELLS_NOTHING, 0};
    if (!ordered && classes && same_texts(t, column, target)) {
        *out = (goss__telling){GOSS__TELLS_EQUAL, 1};
        return GOSS_OK;
    }
    pair *p = goss__alloc((size_t)t->rows * sizeof *p);
    int *count = goss__alloc(((size_t)classes + 1) * sizeof *count), n = 0;
    if (p && count) {
        for (int r = 0; r < t->rows; r++)
            if (!goss_table_missing(t, column, r) && !goss_table_missing(t, target, r))
                p[n++] =
                    (pair){goss_table_number(t, column, r), goss_table_number(t, target, r), (uint32_t)r * 2654435761u};
        if (n >= ROWS_LEAST && classes)
            tells_class(p, n, ordered, classes, count, out);
        else if (n >= ROWS_LEAST)
            tells_number(p, n, ordered, out);
    }
    bool ok = p && count;
    goss__free(p);
    goss__free(count);
    return ok ? GOSS_OK : goss_error_set(err, GOSS_E_NOMEM, "no memory to compare columns of %d rows", t->rows);
}

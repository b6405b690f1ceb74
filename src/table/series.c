/* SPDX-License-Identifier: Apache-2.0 */
/* series.c: the rows of a table in the order of their series, and which of them are in whose window. */
#include "table/series.h"

#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/number.h"
#include "table/cell.h"

static goss_status no_memory(goss_error *err) {
    return goss_error_set(err, GOSS_E_NOMEM, "no memory for the order of series");
}

static bool given(const char *text) { return text && *text; }

void goss__series_order_close(goss__series_order *s) {
    goss__free(s->order), goss__free(s->at), goss__free(s->first), goss__free(s->last);
    goss__free(s->times), goss__free(s->y);
    *s = (goss__series_order){0};
}

/* ---- columns ---- */

/* The column of tasks; another table, of one task, may lack it. */
static int task_column(const goss_table *t, const char *name) {
    if (!given(name)) return -1;
    const int column = goss_table_find(t, name);
    return column < 0 && t->file_column >= 0 ? t->file_column : column;
}

enum { UNIT = 60 };

/* " of m1", the task of a row; "" where none is known. */
static const char *unit_of(const goss_table *t, const goss_series_options *o, int row, char out[UNIT]) {
    char cell[GOSS_CELL_TEXT];
    const int column = task_column(t, o->task);
    out[0] = 0;
    if (column >= 0 && !goss_table_missing(t, column, row))
        goss__format(out, UNIT, " of %.40s", goss_table_text(t, column, row, cell));
    return out;
}

static goss_status no_time(const goss_table *t, const goss_series_options *o, int column, int row, goss_error *err) {
    char place[GOSS__PLACE], cell[GOSS_CELL_TEXT], unit[UNIT];
    const char *name = goss_table_name(t, column);
    goss__row_place(t, row, place), unit_of(t, o, row, unit);
    if (goss_table_missing(t, column, row))
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "%s:%s: the time%s is missing, by which the rows of a series are ordered; fill it in or "
                              "take the row out",
                              place, name, unit);
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "%s:%s: the time%s, \"%.40s\", is no %sdate, or may be several; write 2024-05-31 or "
                          "2024-05-31T12:30:00Z (years 1 to 9999)%s in all rows",
                          place, name, unit, goss_table_text(t, column, row, cell),
                          goss_table_type(t, column) == GOSS_COLUMN_DATE ? "" : "number and no ",
                          goss_table_type(t, column) == GOSS_COLUMN_DATE ? "" : ", or numbers");
}

/* Of a column that is neither of numbers nor of dates. */
static goss_status no_times(const goss_table *t, const goss_series_options *o, int column, goss_error *err) {
    double value;
    char cell[GOSS_CELL_TEXT];
    for (int r = 0; r < t->rows; r++) {
        const char *text = goss_table_text(t, column, r, cell);
        if (!goss_table_missing(t, column, r) && !goss__cell_date_seconds(text, &value) &&
            !goss__number_parse(text, &value))
            return no_time(t, o, column, r, err);
    }
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "%s: %s, the time, is a category; of a series it holds numbers in all rows, or dates in all",
                          goss_table_path(t), o->time);
}

static goss_status read_target(const goss_table *t, const char *name, double **out, goss_error *err) {
    const char *const what = "the target, whose past forecasts are made from";
    int column;
    GOSS_TRY(goss_table_need(t, name, what, &column, err));
    if (goss_table_type(t, column) != GOSS_COLUMN_NUMBER)
        return goss_error_set(err, GOSS_E_ARGUMENT, "%s: %s, %s, holds %s, not numbers", goss_table_path(t), name, what,
                              goss_table_type(t, column) == GOSS_COLUMN_DATE ? "dates" : "texts");
    if (!(*out = goss__calloc((size_t)t->rows + 1, sizeof **out))) return no_memory(err);
    for (int r = 0; r < t->rows; r++) (*out)[r] = goss_table_number(t, column, r);
    return GOSS_OK;
}

/* Dates are seconds. */
static goss_status read_times(goss__series_order *s, const goss_table *t, const goss_series_options *o,
                              goss_error *err) {
    int column;
    GOSS_TRY(goss_table_need(t, o->time, "the time", &column, err));
    s->dates = goss_table_type(t, column) == GOSS_COLUMN_DATE;
    if (!s->dates && goss_table_type(t, column) != GOSS_COLUMN_NUMBER) return no_times(t, o, column, err);
    s->time = s->times = goss__calloc((size_t)t->rows + 1, sizeof *s->times);
    if (!s->times) return no_memory(err);
    for (int r = 0; r < t->rows; r++) {
        s->times[r] = goss_table_order_key(t, column, r);
        if (isnan(s->times[r])) return no_time(t, o, column, r, err);
    }
    return GOSS_OK;
}

/* ---- order ---- */

typedef struct keyed {
    double time;
    int32_t row;
} keyed;

/* Rows of the same time stay in the order of the file. */
static int by_time(const void *a, const void *b) {
    const keyed *x = a, *y = b;
    if (x->time != y->time) return x->time < y->time ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

/* One more series behind the *n places that are taken. */
static void add_series(goss__series_order *s, const int32_t *rows, int n, keyed *room, int *at) {
    for (int i = 0; i < n; i++) room[i] = (keyed){s->time[rows[i]], rows[i]};
    qsort(room, (size_t)n, sizeof *room, by_time);
    for (int i = 0; i < n; i++) {
        const int32_t row = room[i].row;
        s->order[*at + i] = row, s->at[row] = *at + i;
        s->first[row] = *at, s->last[row] = *at + n - 1;
        if (i == 0 || room[i].time != room[i - 1].time) continue;
        if (s->ties++ == 0 || row < s->tie) s->tie = row, s->tied = room[i - 1].row;
    }
    *at += n;
}

static goss_status no_series(const goss_table *t, int column, const int32_t *rows, int n, goss_error *err) {
    char place[GOSS__PLACE];
    int row = 0;
    for (int i = 0; i < n; i++)
        if (goss_table_missing(t, column, rows[i])) row = rows[i];
    return goss_error_set(err, GOSS_E_ARGUMENT, "%s: %s is missing, which says what series a row belongs to",
                          goss__row_place(t, row, place), goss_table_name(t, column));
}

/* The series of one task. */
static goss_status order_task(goss__series_order *s, const goss_table *t, int column, const int32_t *rows, int n,
                              keyed *room, int *at, goss_error *err) {
    goss_groups g;
    if (column < 0) {
        add_series(s, rows, n, room, at);
        return GOSS_OK;
    }
    GOSS_TRY(goss_table_groups(t, column, rows, n, &g, err));
    goss_status status = g.missing ? no_series(t, column, rows, n, err) : GOSS_OK;
    for (int i = 0; status == GOSS_OK && i < g.count; i++)
        add_series(s, g.rows + g.first[i], g.first[i + 1] - g.first[i], room, at);
    goss_groups_free(&g);
    return status;
}

static goss_status order_all(goss__series_order *s, const goss_table *t, const goss_series_options *o, keyed *room,
                             goss_error *err) {
    goss_groups tasks;
    int column = -1, at = 0;
    if (given(o->series)) GOSS_TRY(goss_table_need(t, o->series, "the series of a row", &column, err));
    GOSS_TRY(goss_table_groups(t, task_column(t, o->task), NULL, 0, &tasks, err));
    goss_status status = GOSS_OK;
    for (int i = 0; status == GOSS_OK && i < tasks.count; i++)
        status =
            order_task(s, t, column, tasks.rows + tasks.first[i], tasks.first[i + 1] - tasks.first[i], room, &at, err);
    goss_groups_free(&tasks);
    return status;
}

goss_status goss__series_order_open(goss__series_order *s, const goss_table *t, const goss_series_options *o,
                                    goss_error *err) {
    const size_t n = (size_t)t->rows + 1;
    *s = (goss__series_order){0};
    goss_status status = read_times(s, t, o, err);
    if (status == GOSS_OK && given(o->target)) status = read_target(t, o->target, &s->y, err);
    keyed *room = goss__calloc(n, sizeof *room);
    s->order = goss__calloc(n, sizeof *s->order), s->at = goss__calloc(n, sizeof *s->at);
    s->first = goss__calloc(n, sizeof *s->first), s->last = goss__calloc(n, sizeof *s->last);
    if (status == GOSS_OK && (!room || !s->order || !s->at || !s->first || !s->last)) status = no_memory(err);
    for (int r = 0; status == GOSS_OK && r < t->rows; r++) s->at[r] = -1;
    if (status == GOSS_OK) status = order_all(s, t, o, room, err);
    goss__free(room);
    if (status != GOSS_OK) goss__series_order_close(s);
    return status;
}

/* ---- windows ---- */

void goss__series_window(const goss__series_order *s, const goss_series_options *o, int row, int *from, int *to) {
    *from = *to = 0;
    if (s->at[row] < 0) return;
    *to = s->at[row] - o->horizon + 1, *from = *to - o->window;
    if (*from < s->first[row]) *from = s->first[row];
    if (*to < *from) *to = *from;
}

double goss__series_origin(const goss__series_order *s, const goss_series_options *o, int row) {
    int from, to;
    goss__series_window(s, o, row, &from, &to);
    for (int i = to - 1; s->y && i >= from; i--)
        if (!isnan(s->y[s->order[i]])) return s->y[s->order[i]];
    return (double)NAN;
}

bool goss__series_has_history(const goss__series_order *s, const goss_series_options *o, int row) {
    int from, to;
    goss__series_window(s, o, row, &from, &to);
    return s->y ? !isnan(goss__series_origin(s, o, row)) : to > from;
}

goss_status goss_series_check(const goss_table *t, const goss_series_options *o, goss_error *err) {
    goss__series_order s;
    char place[GOSS__PLACE], before[GOSS__PLACE], unit[UNIT];
    GOSS_TRY(goss__series_order_open(&s, t, o, err));
    if (s.ties)
        goss__log(
            GOSS_LOG_WARN,
            "%d row%s the time (%s) of another row of %s series, as %s that%s in %s: these are in the order of the "
            "file",
            s.ties, s.ties == 1 ? " has" : "s have", o->time, s.ties == 1 ? "its" : "their",
            goss__row_place(t, s.tie, place), unit_of(t, o, s.tied, unit), goss__row_place(t, s.tied, before));
    goss__series_order_close(&s);
    return GOSS_OK;
}

goss_status goss_series_rows(const goss_table *t, const goss_series_options *o, uint8_t *use, goss_error *err) {
    goss__series_order s;
    GOSS_TRY(goss__series_order_open(&s, t, o, err));
    for (int r = 0; r < t->rows; r++) {
        const int back = s.last[r] - s.at[r];
        const bool sample = s.at[r] >= 0 && (o->stride > 0 ? back % o->stride == 0 : back == 0);
        use[r] = (uint8_t)((goss__series_has_history(&s, o, r) ? GOSS_SERIES_HISTORY : 0) |
                           (sample ? GOSS_SERIES_SAMPLE : 0));
    }
    goss__series_order_close(&s);
    return GOSS_OK;
}

goss_status goss_series_seen(const goss_table *t, const goss_series_options *o, const int32_t *rows, int n, bool *seen,
                             goss_error *err) {
    goss__series_order s;
    GOSS_TRY(goss__series_order_open(&s, t, o, err));
    for (int i = 0; i < n; i++) {
        int from, to;
        goss__series_window(&s, o, rows[i], &from, &to);
        for (; from < to; from++) seen[s.order[from]] = true;
    }
    goss__series_order_close(&s);
    return GOSS_OK;
}

/* Marks the rows that are forecast by windows that end behind the last known target. known, beyond: [rows], 0. */
static void mark_beyond(const goss__series_order *s, const goss_series_options *o, int rows, int *known, bool *beyond) {
    for (int r = 0; r < rows; r++) /* behind the last one, by the end of its series */
        if (s->at[r] >= 0 && !isnan(s->y[r]) && known[s->last[r]] <= s->at[r]) known[s->last[r]] = s->at[r] + 1;
    for (int r = 0; r < rows; r++) {
        if (s->at[r] < 0 || s->at[r] - o->horizon < known[s->last[r]] || !goss__series_has_history(s, o, r)) continue;
        for (int k = 0; k < goss_series_horizons(o); k++) {
            const int ahead = goss__series_ahead(s, o, r, k);
            if (ahead >= 0) beyond[ahead] = true;
        }
    }
}

goss_status goss_series_beyond(const goss_table *t, const goss_series_options *o, int *count, int *first,
                               goss_error *err) {
    goss__series_order s;
    *count = 0, *first = -1;
    GOSS_TRY(goss__series_order_open(&s, t, o, err));
    int *known = goss__calloc((size_t)t->rows + 1, sizeof *known);
    bool *beyond = goss__calloc((size_t)t->rows + 1, sizeof *beyond);
    const goss_status status = known && beyond ? GOSS_OK : no_memory(err);
    if (status == GOSS_OK && s.y) mark_beyond(&s, o, t->rows, known, beyond);
    for (int r = 0; status == GOSS_OK && r < t->rows; r++)
        if (beyond[r] && (*count)++ == 0) *first = r;
    goss__free(known), goss__free(beyond);
    goss__series_order_close(&s);
    return status;
}

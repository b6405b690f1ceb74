/* SPDX-License-Identifier: Apache-2.0 */
/* table_encode_series.c: encodings of windows (gossamer/series.h). The columns of a step are encoded as those of any
 * row; a window is made of encoded rows, the target's past, times and flags. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "io/json.h"
#include "table/series.h"

static goss_status no_memory(goss_error *err) { return goss_error_set(err, GOSS_E_NOMEM, "no memory for windows"); }

static bool given(const char *text) { return text && *text; }

static bool sees_target(const struct goss__windows *w) { return w->o.target != NULL; }

/* The columns', two of the target's past, time and flag. */
int goss__windows_channels(const goss_encoding *e) { return e->inner + (sees_target(e->windows) ? 2 : 0) + 2; }

const char *goss__windows_feature(goss_encoding *e, const char *const *inner, int i) {
    const int channels = goss__windows_channels(e), step = i / channels, channel = i % channels;
    const char *const own[] = {e->windows->o.target, "change", "before", "known"};
    const int k = channel - e->inner + (sees_target(e->windows) ? 0 : 2);
    return goss__arena_printf(&e->arena, "%s[%d]", channel < e->inner ? inner[channel] : own[k], step);
}

const goss_series_options *goss_encoding_series(const goss_encoding *e) { return e->windows ? &e->windows->o : NULL; }

/* ---- fit ---- */

static goss_status check(const goss_series_options *o, int n_columns, goss_error *err) {
    if (o->window < 1 || o->horizon < 0 || o->stride < 0)
        return goss_error_set(err, GOSS_E_ARGUMENT, "windows of %d rows, %d steps ahead, every %d rows", o->window,
                              o->horizon, o->stride);
    for (int k = 1; k < goss_series_horizons(o); k++)
        if (!given(o->target) || goss_series_horizon(o, k) <= goss_series_horizon(o, k - 1))
            return goss_error_set(err, GOSS_E_ARGUMENT,
                                  "windows %d and %d steps ahead: several horizons ascend, and are of a target whose "
                                  "past is seen",
                                  goss_series_horizon(o, k - 1), goss_series_horizon(o, k));
    if (given(o->target) && o->horizon == 0)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "windows that end with their row show the target %s itself: a horizon of 1 or more",
                              o->target);
    if (!given(o->target) && n_columns == 0)
        return goss_error_set(err, GOSS_E_ARGUMENT, "windows without a column: nothing is seen");
    return GOSS_OK;
}

static goss_status keep(goss_encoding *e, const goss_series_options *o, goss_error *err) {
    struct goss__windows *w = goss__arena_alloc(&e->arena, sizeof *w);
    if (!w) return no_memory(err);
    *w = (struct goss__windows){.o = *o, .deviation = 1, .change = 1, .step = 1};
    const char **text[] = {&w->o.task, &w->o.series, &w->o.time, &w->o.target};
    for (size_t i = 0; i < sizeof text / sizeof *text; i++) {
        const char *from = *text[i];
        *text[i] = given(from) ? goss__arena_strdup(&e->arena, from) : NULL;
        if (given(from) && !*text[i]) return no_memory(err);
    }
    e->windows = w;
    return GOSS_OK;
}

/* Mean differences of times within series that the rows are of; 1 where all are the same. */
static double mean_step(const goss__series_order *s, const int32_t *rows, int n) {
    double sum = 0, count = 0;
    for (int i = 0; i < n; i++) {
        const int at = s->at[rows[i]];
        if (at <= s->first[rows[i]]) continue;
        sum += s->time[rows[i]] - s->time[s->order[at - 1]], count++;
    }
    return sum > 0 ? sum / count : 1;
}

static goss_status fit_scales(const goss_encoding *e, const goss_table *t, const int32_t *rows, int n,
                              goss_error *err) {
    struct goss__windows *w = e->windows;
    goss__series_order s;
    double sum = 0, square = 0, change = 0;
    int known = 0, changes = 0;
    GOSS_TRY(goss__series_order_open(&s, t, &w->o, err));
    w->step = mean_step(&s, rows, n), w->dates = s.dates;
    for (int i = 0; s.y && i < n; i++)
        if (!isnan(s.y[rows[i]])) sum += s.y[rows[i]], known++;
    w->mean = known ? sum / known : 0;
    for (int i = 0; s.y && i < n; i++) {
        const double y = s.y[rows[i]], o = goss__series_origin(&s, &w->o, rows[i]);
        if (isnan(y)) continue;
        square += (y - w->mean) * (y - w->mean);
        if (!isnan(o)) change += (y - o) * (y - o), changes++;
    }
    const bool lacks = s.y && changes == 0;
    goss__series_order_close(&s);
    if (lacks)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "%s: no row has a known %s among the %d rows up to %d steps before it: a smaller "
                              "horizon?",
                              goss_table_path(t), w->o.target, w->o.window, w->o.horizon);
    if (square > 0) w->deviation = sqrt(square / known);
    if (change > 0) w->change = sqrt(change / changes);
    return GOSS_OK;
}

goss_status goss_encoding_fit_series(const goss_table *t, const int *columns, int n_columns,
                                     const goss_series_options *o, const int32_t *rows, int n_rows, goss_encoding **out,
                                     goss_error *err) {
    goss_encoding *e = NULL;
    *out = NULL;
    GOSS_TRY(check(o, n_columns, err));
    goss_status s = n_columns > 0 ? goss__encoding_fit_columns(t, columns, n_columns, rows, n_rows, &e, err)
                                  : goss__encoding_create(0, &e, err);
    if (s == GOSS_OK) s = keep(e, o, err);
    if (s == GOSS_OK) s = fit_scales(e, t, rows, n_rows, err);
    if (s == GOSS_OK) s = goss__encoding_lay_out(e, err);
    if (s == GOSS_OK)
        *out = e;
    else
        goss_encoding_free(e);
    return s;
}

/* ---- apply ---- */

/* Seconds are not the unit of other numbers. */
static goss_status open_order(const struct goss__windows *w, const goss_table *t, goss__series_order *s,
                              goss_error *err) {
    GOSS_TRY(goss__series_order_open(s, t, &w->o, err));
    if (s->dates == w->dates) return GOSS_OK;
    goss__series_order_close(s);
    return goss_error_set(err, GOSS_E_ARGUMENT, "%s: %s, the time, holds %s, and %s in the table of training",
                          goss_table_path(t), w->o.time, w->dates ? "numbers" : "dates",
                          w->dates ? "dates" : "numbers");
}

typedef struct applying {
    const goss_encoding *e;
    goss__series_order s;
    int32_t *place; /* [rows of the table] in `inner`; -1: in no window */
    int32_t *needed;
    float *inner; /* [needed, e->inner] */
} applying;

/* Rows that are in the window of a row that is asked for, once each. */
static int find_needed(applying *a, const goss_table *t, const goss__encoding_output *o) {
    int n = 0;
    for (int r = 0; r < t->rows; r++) a->place[r] = -1;
    for (int i = 0; i < o->n; i++) {
        int from, to;
        goss__series_window(&a->s, &a->e->windows->o, o->rows ? o->rows[i] : i, &from, &to);
        for (; from < to; from++) {
            const int32_t row = a->s.order[from];
            if (a->place[row] < 0) a->place[row] = n, a->needed[n++] = row;
        }
    }
    return n;
}

static void put_step(const applying *a, int row, int step, double origin, float *out) {
    const struct goss__windows *w = a->e->windows;
    const double y = a->s.y ? a->s.y[step] : 0;
    const bool known = !isnan(y);
    if (a->e->inner > 0)
        memcpy(out, a->inner + (size_t)a->place[step] * (size_t)a->e->inner, (size_t)a->e->inner * sizeof *out);
    out += a->e->inner;
    if (a->s.y) {
        out[0] = known ? (float)((y - w->mean) / w->deviation) : 0;
        out[1] = known ? (float)((y - origin) / w->change) : 0;
        out += 2;
    }
    out[0] = (float)((a->s.time[row] - a->s.time[step]) / (w->step * (w->o.window + w->o.horizon)));
    out[1] = known ? 1 : -1; /* never 0: lengths are found by it */
}

static void put_window(const applying *a, int row, float *out) {
    const int channels = goss__windows_channels(a->e);
    int from, to;
    goss__series_window(&a->s, &a->e->windows->o, row, &from, &to);
    double origin = goss__series_origin(&a->s, &a->e->windows->o, row);
    if (isnan(origin)) origin = 0;
    if (from == to) out[channels - 1] = -1; /* one step that knows nothing */
    for (; from < to; from++, out += channels) put_step(a, row, a->s.order[from], origin, out);
}

goss_status goss__windows_apply(const goss_encoding *e, const goss_table *t, const goss__encoding_output *o,
                                goss_error *err) {
    applying a = {.e = e};
    const size_t rows = (size_t)t->rows + 1;
    GOSS_TRY(open_order(e->windows, t, &a.s, err));
    a.place = goss__calloc(rows, sizeof *a.place), a.needed = goss__calloc(rows, sizeof *a.needed);
    goss_status s = a.place && a.needed ? GOSS_OK : no_memory(err);
    const int n = s == GOSS_OK ? find_needed(&a, t, o) : 0;
    if (s == GOSS_OK && e->inner > 0) {
        a.inner = goss__calloc((size_t)n * (size_t)e->inner + 1, sizeof *a.inner);
        const goss__encoding_output inner = {
            .at = a.inner, .width = e->inner, .rows = a.needed, .n = n, .report = o->report};
        s = a.inner ? goss__encoding_apply_columns(e, t, &inner, err) : no_memory(err);
    }
    for (int i = 0; s == GOSS_OK && i < o->n; i++)
        put_window(&a, o->rows ? o->rows[i] : i, o->at + (size_t)i * (size_t)o->width);
    goss__series_order_close(&a.s);
    goss__free(a.place), goss__free(a.needed), goss__free(a.inner);
    return s;
}

goss_status goss_encoding_origins(const goss_encoding *e, const goss_table *t, const int32_t *rows, int n_rows,
                                  double *out, goss_error *err) {
    goss__series_order s;
    const int n = rows ? n_rows : t->rows;
    memset(out, 0, (size_t)n * sizeof *out);
    if (!e->windows || !sees_target(e->windows)) return GOSS_OK;
    GOSS_TRY(open_order(e->windows, t, &s, err));
    for (int i = 0; i < n; i++) out[i] = goss__series_origin(&s, &e->windows->o, rows ? rows[i] : i);
    goss__series_order_close(&s);
    return GOSS_OK;
}

/* ---- as text ---- */

void goss__windows_add(const struct goss__windows *w, goss__str *s) {
    const char *const key[] = {"task", "by", "time", "target"};
    const char *const text[] = {w->o.task, w->o.series, w->o.time, w->o.target};
    const char *const number[] = {"mean", "deviation", "change", "step"};
    const double value[] = {w->mean, w->deviation, w->change, w->step};
    goss__str_addf(s, ", \"series\": {\"window\": %d, \"horizon\": %d, \"stride\": %d", w->o.window, w->o.horizon,
                   w->o.stride);
    if (w->o.n_later) {
        char later[GOSS_HORIZONS_MOST * 8];
        goss__str_addf(s, ", \"horizons\": \"%s\"", goss_series_horizons_text(&w->o, later, sizeof later));
    }
    for (size_t i = 0; i < sizeof key / sizeof *key; i++) {
        if (!text[i]) continue;
        goss__str_addf(s, ", \"%s\": ", key[i]);
        goss__json_add_text(s, text[i]);
    }
    for (size_t i = 0; i < sizeof number / sizeof *number; i++) {
        goss__str_addf(s, ", \"%s\": ", number[i]);
        goss__json_add_number(s, value[i]);
    }
    goss__str_add(s, w->dates ? ", \"dates\": true}" : "}");
}

#if GOSS_HAVE_JANSSON
goss_status goss__windows_parse(goss_encoding *e, const json_t *j, goss_error *err) {
    const char *const key[] = {"window", "horizon", "stride"};
    const char *const number[] = {"mean", "deviation", "change", "step"};
    int whole[3];
    double value[4];
    bool good = json_is_object(j);
    for (int i = 0; good && i < 3; i++) {
        const json_t *v = json_object_get(j, key[i]);
        const json_int_t n = json_integer_value(v);
        good = json_is_integer(v) && n >= (i == 0) && n <= 1 << 20;
        whole[i] = (int)n;
    }
    for (int i = 0; good && i < 4; i++) {
        value[i] = json_number_value(json_object_get(j, number[i]));
        good = isfinite(value[i]) && (i == 0 || value[i] > 0);
    }
    goss_series_options o = {.task = json_string_value(json_object_get(j, "task")),
                             .series = json_string_value(json_object_get(j, "by")),
                             .time = json_string_value(json_object_get(j, "time")),
                             .target = json_string_value(json_object_get(j, "target"))};
    if (!good || !o.time || (o.target && whole[1] == 0) || (!o.target && e->columns == 0))
        return goss_error_set(err, GOSS_E_FORMAT, "an encoding of series that is damaged, or of another version");
    o.window = whole[0], o.horizon = whole[1], o.stride = whole[2];
    const char *horizons = json_string_value(json_object_get(j, "horizons"));
    if (horizons && (!o.target || goss_series_set_horizons(horizons, &o, NULL) != GOSS_OK || o.horizon != whole[1]))
        return goss_error_set(err, GOSS_E_FORMAT, "horizons of an encoding of series that are damaged");
    GOSS_TRY(keep(e, &o, err));
    struct goss__windows *w = e->windows;
    w->mean = value[0], w->deviation = value[1], w->change = value[2], w->step = value[3];
    w->dates = json_is_true(json_object_get(j, "dates"));
    return GOSS_OK;
}
#endif

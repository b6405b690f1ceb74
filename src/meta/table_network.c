/* SPDX-License-Identifier: Apache-2.0 */
/* table_network.c: a labelled table becomes a network.
 *
 * The model's method is made anew for as many columns as the table has (its weights do not depend on their number), and
 * adapts to the table's rows in its own notation: a slot for each number or level of a category, and a flag beside it.
 * The first layer is then brought to the notation of the table's encoding, which `predict` knows. Columns are sorted by
 * their names and classes by their sizes, so that a table says the same in whatever order it is written. Numbers have
 * one "class" here. */
#include "gossamer/table_network.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/rng.h"
#include "meta/adapter.h"
#include "meta/cells.h"
#include "meta/network.h"
#include "meta/table_slots.h"

enum { MOST_ROWS = 256, ATTENTION = 48 << 20, MOST_MORE = 100000, GROUPINGS = 4, CLASSES = GOSS_TABLE_NETWORK_CLASSES };

static goss_status no_memory(goss_error *err) { return goss_error_set(err, GOSS_E_NOMEM, "no memory for a table"); }

typedef struct making {
    const goss_model *model;
    const goss_table *table;
    const goss_table_network_options *o;
    goss__slots s;
    const goss_objective *objective;
    int32_t *rows; /* [n + more]: those that attention reads, and those that the head alone is fitted to */
    int n, more, classes;
    float *x, *y;                      /* of all these rows: [,width], [] */
    int order[CLASSES], turn[CLASSES]; /* classes by size; as told to a member of the ensemble */
    bool shown;                        /* some column was left out */
} making;

/* ---- rows ---- */

static goss_status labelled(making *a, const goss_roles *roles, const int32_t *rows, int n, goss_error *err) {
    const int all = rows ? n : goss_table_rows(a->table);
    a->rows = goss__alloc(((size_t)all + 1) * sizeof *a->rows);
    if (!a->rows) return no_memory(err);
    for (int i = 0; i < all; i++)
        if (!goss_table_missing(a->table, roles->target, rows ? rows[i] : i)) a->rows[a->n++] = rows ? rows[i] : i;
    if (a->n < all)
        goss__log(GOSS_LOG_WARN, "%s: %d of %d rows without a target are left out", goss_table_path(a->table),
                  all - a->n, all);
    if (a->n) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT, "%s: no row has a target (%s)", goss_table_path(a->table),
                          goss_table_name(a->table, roles->target));
}

/* How many rows attention has memory for. */
static int most_rows(const making *a) {
    const int heads = (int)goss_config_int(goss_model_settings(a->model), "cells.heads");
    const int fit = (int)sqrt((double)ATTENTION / heads / (a->s.n + 1)), most = a->o->rows ? a->o->rows : MOST_ROWS;
    return fit < most ? fit : most;
}

typedef struct drawn {
    double key;
    int row;
} drawn;

static int by_key(const void *a, const void *b) {
    const drawn *x = a, *y = b;
    if (x->key != y->key) return x->key < y->key ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

/* Of each class in turn as many as its share: the r-th of its n rows, in random order, has the key r / n; the first row
 * of each comes first of all. */
static goss_status choose_rows(making *a, const float *y, int most, goss_error *err) {
    drawn *d = goss__calloc((size_t)a->n, sizeof *d), *own = goss__calloc((size_t)a->n, sizeof *own);
    int32_t *kept = goss__calloc((size_t)a->n, sizeof *kept);
    goss_status s = d && own && kept ? GOSS_OK : no_memory(err);
    const bool numbers = !a->objective->classes;
    for (int c = 0, at = 0; s == GOSS_OK && c < a->classes; c++) {
        int n = 0;
        goss__rng rng = goss__rng_make(a->o->seed, 0);
        for (int i = 0; i < a->n; i++) {
            const double key = goss__rng_uniform(&rng);
            if (numbers || (int)y[i] == c) own[n++] = (drawn){key, i};
        }
        qsort(own, (size_t)n, sizeof *own, by_key);
        for (int r = 0; r < n; r++) d[at++] = (drawn){r ? (r + 0.5) / n : -1, own[r].row};
    }
    if (s == GOSS_OK) {
        qsort(d, (size_t)a->n, sizeof *d, by_key);
        for (int i = 0; i < a->n; i++) kept[i] = a->rows[d[i].row];
        memcpy(a->rows, kept, (size_t)a->n * sizeof *kept);
        a->more = a->n - most < MOST_MORE ? a->n - most : MOST_MORE;
        if (most + a->more < a->n)
            goss__log(GOSS_LOG_WARN, "%s: %d of %d rows are used", goss_table_path(a->table), most + a->more, a->n);
        a->n = most;
    }
    goss__free(d), goss__free(own), goss__free(kept);
    return s;
}

static goss_status read_targets(making *a, goss_error *err) {
    return goss_table_transform_targets(a->s.fit->transform, a->table, a->rows, a->n + a->more, a->y, err);
}

static goss_status read_rows(making *a, goss_error *err) {
    const int most = most_rows(a);
    if (!(a->y = goss__calloc((size_t)a->n, sizeof *a->y))) return no_memory(err);
    GOSS_TRY(read_targets(a, err));
    if (a->n > most) {
        GOSS_TRY(choose_rows(a, a->y, most, err));
        GOSS_TRY(read_targets(a, err));
    }
    const int all = a->n + a->more;
    if (!(a->x = goss__calloc((size_t)all * (size_t)a->s.width, sizeof *a->x))) return no_memory(err);
    return goss_table_transform_apply(a->s.fit->transform, a->table, a->rows, all, a->x, NULL, err);
}

/* Large classes first; of equal ones that which comes first among the rows. */
static void sort_classes(making *a) {
    int count[CLASSES] = {0}, first[CLASSES] = {0};
    if (!a->objective->classes) return;
    for (int i = a->n; i-- > 0;) count[(int)a->y[i]]++, first[(int)a->y[i]] = i;
    for (int c = 0; c < a->classes; c++) {
        int at = c;
        for (; at > 0; at--) {
            const int other = a->order[at - 1];
            if (count[other] > count[c] || (count[other] == count[c] && first[other] < first[c])) break;
            a->order[at] = other;
        }
        a->order[at] = c;
    }
}

/* ---- the task, as the model reads it ---- */

/* Member 0 is told the classes by size; the others in turn each in another order: rotations of that, then random ones;
 * of more classes than are told apart random ones, for other groups. turn[i]: the class that is called i. */
static void turn_classes(making *a, int member) {
    int left[CLASSES] = {0};
    for (int i = 0; i < a->classes; i++) left[i] = a->order[(i + member) % a->classes];
    goss__rng rng = goss__rng_make(a->o->seed, 1 + (uint64_t)member);
    const int rotations = a->classes > GOSS__CELLS_CLASSES ? 1 : a->classes;
    for (int i = a->classes - 1; member >= rotations && i > 0; i--) {
        const uint32_t k = goss__rng_below(&rng, (uint32_t)i + 1);
        const int last = left[i];
        left[i] = left[k], left[k] = last;
    }
    memcpy(a->turn, left, sizeof left);
}

/* Rows from `first` on. Numbers are told upside down if the one class is called 1. */
static void put_rows(const making *a, int first, int n, const int *called, float *x, float *y) {
    const float mean = a->objective->classes ? 0 : goss_table_transform_scale(a->s.fit->transform).mean[0];
    for (int r = 0; r < n; r++) {
        const float *from = a->x + (size_t)(first + r) * (size_t)a->s.width;
        float *to = x + (size_t)r * 2 * (size_t)a->s.n;
        goss__slots_put(&a->s, from, to, to + a->s.n);
        const float own = a->y[first + r];
        y[r] = a->objective->classes ? (float)called[(int)own] : called[0] ? 2 * mean - own : own;
    }
}

static void draw(const goss_task_source *source, uint64_t member, goss_task *t) {
    making *a = source->context;
    int called[CLASSES] = {0};
    turn_classes(a, (int)member);
    for (int i = 0; i < a->classes; i++) called[a->turn[i]] = i;
    if (!a->objective->classes) called[0] = (int)member % 2;
    put_rows(a, 0, a->n, called, t->support, t->support_target);
    if (t->query && t->query_target) put_rows(a, a->n, a->more, called, t->query, t->query_target);
    t->supports = a->n, t->queries = a->more, t->outputs = a->classes, t->id = -1;
}

static goss_task_source source_of(making *a) {
    return (goss_task_source){.spec = {.input_rank = 1,
                                       .input = {2 * a->s.n},
                                       .objective = a->objective,
                                       .outputs = a->classes,
                                       .supports = a->n,
                                       .queries = a->more,
                                       .scale = goss_table_transform_scale(a->s.fit->transform)},
                              .context = a,
                              .draw = draw,
                              .tasks = 1};
}

/* The model for tables of so many columns. */
static goss_status widen(const making *a, const goss_task_source *source, goss_model **out, goss_error *err) {
    goss_data_spec d = goss_data_spec_tasks(goss_model_data(a->model)->kind, &source->spec);
    GOSS_TRY(goss_model_create("tables", goss_model_settings(a->model), &d, 0, out, err));
    goss_status s = goss_model_copy_values(*out, a->model, NULL, err);
    if (s != GOSS_OK) goss_model_free(*out), *out = NULL;
    return s;
}

/* ---- the network, as tables are read ---- */

/* from [2 slots,units] to [width,units]: a feature may flag several slots. */
static void carry_first(const making *a, const float *from, float *to, size_t units) {
    memset(to, 0, (size_t)a->s.width * units * sizeof *to);
    for (int i = 0; i < a->s.n; i++) {
        const float *value = from + (size_t)i * units, *flag = from + (size_t)(a->s.n + i) * units;
        float *v = to + (size_t)a->s.slot[i].value * units;
        memcpy(v, value, units * sizeof *v);
        if (a->s.slot[i].flag < 0) continue;
        float *f = to + (size_t)a->s.slot[i].flag * units;
        for (size_t k = 0; k < units; k++) f[k] += flag[k];
    }
}

/* Columns by the classes' own numbers: [rows,classes]; or of a number, that of the mean, and the others. */
static void carry_head(const making *a, const float *from, float *to, int64_t rows, int member) {
    const int width = goss_objective_width(a->objective, 1);
    for (int64_t i = 0; !a->objective->classes && i < rows * width; i++)
        to[i] = i % width == 0 && member % 2 ? -from[i] : from[i];
    for (int64_t r = 0; a->objective->classes && r < rows; r++)
        for (int i = 0; i < a->classes; i++) to[r * a->classes + a->turn[i]] = from[r * a->classes + i];
}

static void carry(const making *a, const goss_network *from, goss_network *to, int member) {
    const goss_layout *l = goss_target_layout(from->target), *m = goss_target_layout(to->target);
    for (int i = 0; i < goss_layout_count(l); i++) {
        const goss_entry *e = goss_layout_entry(l, i);
        const float *x = from->slab + goss_layout_offset(l, i);
        float *y = to->slab + member * goss_layout_total(m) + goss_layout_offset(m, i);
        if (i == 0)
            carry_first(a, x, y, (size_t)e->dim[1]);
        else if (strcmp(e->name, "head.w") == 0 || strcmp(e->name, "head.b") == 0)
            carry_head(a, x, y, e->numel / goss_objective_width(a->objective, a->classes), member);
        else
            memcpy(y, x, (size_t)e->numel * sizeof *y);
    }
}

static goss_status describe(const making *a, goss_network *n, goss_error *err) {
    const goss_table_transform *f = a->s.fit->transform;
    const bool classes = a->objective->classes;
    const char *names[CLASSES];
    char *text;
    for (int c = 0; c < a->classes; c++)
        names[c] = classes ? goss_table_transform_class(f, c) : goss_table_transform_target(f);
    GOSS_TRY(goss_table_fit_text(a->s.fit, &text, err));
    const goss_task_spec spec = {.input_rank = 1,
                                 .input = {a->s.width},
                                 .objective = a->objective,
                                 .outputs = a->classes,
                                 .shared_classes = classes,
                                 .supports = a->n + a->more,
                                 .scale = goss_table_transform_scale(f)};
    goss_data_spec d = goss_data_spec_tasks("table", &spec);
    d.transform = text, d.names = names;
    goss_status s = goss__data_spec_copy(&d, &n->data, err);
    goss__free(text);
    if (s == GOSS_OK) s = goss__network_room(n, a->classes, err);
    for (int c = 0; s == GOSS_OK && c < a->classes; c++)
        if (!(n->names[c] = goss__strdup(names[c]))) s = no_memory(err);
    return s;
}

static goss_status create(const making *a, const goss_network *like, int members, goss_network **out, goss_error *err) {
    goss_network *n = *out = goss__calloc(1, sizeof *n);
    if (!n) return no_memory(err);
    n->members = members;
    GOSS_TRY(goss_target_parse(goss_target_text(like->target), (int64_t[]){a->s.width}, 1,
                               goss_objective_width(a->objective, a->classes), &n->target, err));
    GOSS_TRY(describe(a, n, err));
    char text[32];
    snprintf(text, sizeof text, "%d", a->n + a->more);
    GOSS_TRY(goss_network_note(n, "support.samples", text, err));
    return goss_network_note(n, "model.method", "tables", err);
}

/* ---- adapting ---- */

static int members_of(const making *a) {
    if (a->o->networks) return a->o->networks;
    return a->classes > GOSS__CELLS_CLASSES ? GROUPINGS : 1;
}

static goss_status narrow(const making *a, goss_network *n, goss_error *err) {
    const goss__rank_limit limit = {.bytes = a->o->budget, .stored = a->o->stored, .each = a->o->budget_each};
    return goss_error_prefix(err, goss__network_narrow(n, a->x, a->n + a->more, &limit, err), "%s",
                             goss_table_path(a->table));
}

static goss_status run(making *a, const goss_model *wide, const goss_task_source *source, goss_threads *threads,
                       goss_network **out, goss_error *err) {
    const goss_adapt_options o = {.threads = threads, .labelled_queries = a->more > 0};
    const int members = members_of(a);
    goss__adapter adapter;
    goss_network *one = NULL;
    GOSS_TRY(goss__adapter_open(&adapter, wide, &source->spec, &o, threads, err));
    goss_status s = goss__adapter_network(&adapter, &one, err);
    if (s == GOSS_OK) s = create(a, one, members, out, err);
    for (int k = 0; s == GOSS_OK && k < members; k++) {
        s = goss__adapter_run(&adapter, source, (uint64_t)k, one, err);
        if (s == GOSS_OK) carry(a, one, *out, k);
    }
    goss_network_free(one);
    goss__adapter_close(&adapter);
    return s == GOSS_OK && a->o->budget ? narrow(a, *out, err) : s;
}

static goss_status adapt(making *a, goss_network **out, goss_error *err) {
    goss_threads *own = NULL, *threads = a->o->threads;
    goss_model *wide = NULL;
    const goss_task_source source = source_of(a);
    GOSS_TRY(widen(a, &source, &wide, err));
    goss_status s = threads ? GOSS_OK : goss_threads_new(0, &own, err);
    if (s == GOSS_OK) s = run(a, wide, &source, threads ? threads : own, out, err);
    goss_threads_free(own);
    goss_model_free(wide);
    return s;
}

/* ---- checks ---- */

bool goss_table_network_is(const goss_model *m) { return strcmp(goss_method_name(m->method), "tables") == 0; }

static goss_status check(const goss_model *m, const goss_table *table, const goss_roles *roles,
                         const goss_table_network_options *o, goss_error *err) {
    if (!goss_table_network_is(m))
        return goss_error_set(
            err, GOSS_E_ARGUMENT,
            "the model (method %s) is for the tasks that it was trained on; one of method tables makes "
            "networks of any table",
            goss_method_name(m->method));
    if (roles->target < 0)
        return goss_error_set(err, GOSS_E_ARGUMENT, "%s: no column is the target", goss_table_path(table));
    if (o->networks < 0 || o->networks > GOSS_METHOD_MAX_NETWORKS)
        return goss_error_set(err, GOSS_E_ARGUMENT, "%d networks, not 1 .. %d", o->networks, GOSS_METHOD_MAX_NETWORKS);
    if (o->budget < 0) return goss_error_set(err, GOSS_E_ARGUMENT, "a budget of %lld bytes", (long long)o->budget);
    return o->rows >= 0 ? GOSS_OK : goss_error_set(err, GOSS_E_ARGUMENT, "%d rows", o->rows);
}

static goss_status check_classes(making *a, goss_error *err) {
    a->classes = a->objective->classes ? goss_table_transform_classes(a->s.fit->transform) : 1;
    if (!a->objective->classes && a->o->networks > 2)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "%d networks for a number: at most 2 can differ, that are told it as it is and upside "
                              "down",
                              a->o->networks);
    if (a->classes <= CLASSES) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT, "%s: the target %s has %d classes; at most %d can be read",
                          goss_table_path(a->table), goss_table_transform_target(a->s.fit->transform), a->classes,
                          CLASSES);
}

/* As goss_table_transform_fit does it. */
static goss_status choose_objective(making *a, const goss_roles *roles, goss_error *err) {
    goss_column_stats s;
    a->objective = a->o->objective;
    if (a->objective) return GOSS_OK;
    GOSS_TRY(goss_table_stats(a->table, roles->target, a->rows, a->n, &s, err));
    const bool number =
        goss_table_type(a->table, roles->target) == GOSS_COLUMN_NUMBER && !(s.distinct == 2 && s.integers);
    return goss_objective_find(number ? "gaussian" : "classification", &a->objective, err);
}

static goss_status fit(making *a, const goss_roles *roles, const int32_t *rows, int n, goss_error *err) {
    GOSS_TRY(labelled(a, roles, rows, n, err));
    GOSS_TRY(choose_objective(a, roles, err));
    return goss__slots_fit(&a->s, a->table, roles, a->rows, a->n, a->objective, GOSS_TABLE_NETWORK_SLOTS, "", err);
}

goss_status goss_table_network_adapt(const goss_model *m, const goss_table *table, const goss_roles *roles,
                                     const int32_t *rows, int n, const goss_table_network_options *options,
                                     goss_network **out, goss_error *err) {
    const goss_table_network_options none = {0};
    making a = {.model = m, .table = table, .o = options ? options : &none};
    *out = NULL;
    GOSS_TRY(check(m, table, roles, a.o, err));
    goss_status s = fit(&a, roles, rows, n, err);
    if (s == GOSS_OK) s = check_classes(&a, err);
    if (s == GOSS_OK) s = read_rows(&a, err);
    if (s == GOSS_OK) sort_classes(&a);
    if (s == GOSS_OK) s = adapt(&a, out, err);
    goss__slots_free(&a.s);
    goss__free(a.rows), goss__free(a.x), goss__free(a.y);
    if (s == GOSS_OK) return s;
    goss_network_free(*out);
    *out = NULL;
    return s;
}

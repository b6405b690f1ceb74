/* SPDX-License-Identifier: Apache-2.0 */
/* table_fit.c: the fitted encoding of a table as stored in a model, and reading new rows with it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "gossamer/text.h"
#include "io/json.h"
#include "table/series.h"
#include "task/table_data.h"
#include "task/table_task.h"
#include "task/transform_text.h"

static goss_status no_memory(goss_error *err) {
    return goss_error_set(err, GOSS_E_NOMEM, "no memory for what a model keeps of its table");
}

void goss__table_fit_clear(goss_table_fit *f) {
    goss_table_transform_free(f->transform);
    for (int i = 0; i < f->n_baselines; i++) goss_baselines_free(f->baselines[i]);
    goss__free(f->baselines);
    goss_descriptors_free(f->descriptors);
    goss__free(f->missing), goss__free(f->role);
    for (int i = 0; i < f->ids; i++) goss__free(f->task_names[i]);
    goss__free(f->task_names);
    *f = (goss_table_fit){0};
}

void goss_table_fit_free(goss_table_fit *f) {
    if (f) goss__table_fit_clear(f);
    goss__free(f);
}

/* ---- as text ---- */

static void add_part(goss__str *s, const char *key, char *text) {
    goss__str_addf(s, ", \"%s\": ", key);
    goss__json_add_text(s, text);
    goss_text_free(text);
}

/* A text, or a list of several. */
static goss_status add_baselines(goss__str *s, const goss_table_fit *f, goss_error *err) {
    const bool several = f->n_baselines > 1;
    if (f->n_baselines) goss__str_addf(s, ", \"baselines\": %s", several ? "[" : "");
    for (int i = 0; i < f->n_baselines; i++) {
        char *part;
        GOSS_TRY(goss_baselines_text(f->baselines[i], &part, err));
        if (i) goss__str_add(s, ", ");
        goss__json_add_text(s, part);
        goss_text_free(part);
    }
    if (several) goss__str_add(s, "]");
    return GOSS_OK;
}

goss_status goss_table_fit_text(const goss_table_fit *f, char **text, goss_error *err) {
    goss__str s = {0};
    char *part;
    goss_status status = GOSS_OK;
    *text = NULL;
    goss__str_addf(&s, "{\"version\": 1, \"support\": %d, \"most_support\": %d", f->support, f->most_support);
    if ((status = goss_table_transform_text(f->transform, &part, err)) == GOSS_OK) add_part(&s, "transform", part);
    if (status == GOSS_OK) status = add_baselines(&s, f, err);
    if (status == GOSS_OK && f->descriptors && (status = goss_descriptors_text(f->descriptors, &part, err)) == GOSS_OK)
        add_part(&s, "descriptors", part);
    goss__json_add_names(&s, "tasks", f->task_names, f->ids);
    goss__str_add(&s, ", \"metric\": "), goss__json_add_text(&s, f->metric->name);
    if (f->missing) goss__str_add(&s, ", \"missing\": "), goss__json_add_text(&s, f->missing);
    if (f->role) goss__str_add(&s, ", \"role\": "), goss__json_add_text(&s, f->role);
    goss__str_add(&s, "}");
    if (status == GOSS_OK && s.failed) status = no_memory(err);
    if (status == GOSS_OK)
        *text = s.data;
    else
        goss__str_free(&s);
    return status;
}

goss_status goss__baselines_room(goss_table_fit *f, goss_error *err) {
    const int n = f->transform->classes ? 1 : goss_table_transform_outputs(f->transform);
    f->baselines = goss__calloc((size_t)n, sizeof *f->baselines);
    if (!f->baselines) return no_memory(err);
    f->n_baselines = n;
    return GOSS_OK;
}

#if GOSS_HAVE_JANSSON
static goss_status read_baselines(const json_t *j, goss_table_fit *f, goss_error *err) {
    if (!j) return GOSS_OK;
    GOSS_TRY(goss__baselines_room(f, err));
    for (int i = 0; i < f->n_baselines; i++) {
        const char *text = json_string_value(f->n_baselines > 1 ? json_array_get(j, (size_t)i) : j);
        if (text) GOSS_TRY(goss_baselines_parse(text, &f->baselines[i], err));
        if (!text || goss_baselines_width(f->baselines[i]) != goss_encoding_width(f->transform->inputs) ||
            goss_baselines_classes(f->baselines[i]) != f->transform->classes)
            return goss_error_set(err, GOSS_E_FORMAT, "the model's baselines are of another table than its transform");
    }
    return GOSS_OK;
}

static goss_status parse(const json_t *root, goss_table_fit *f, goss_error *err) {
    const json_t *version = json_object_get(root, "version"), *transform = json_object_get(root, "transform");
    const json_t *missing = json_object_get(root, "missing");
    const json_t *descriptors = json_object_get(root, "descriptors");
    if (!json_is_integer(version) || !json_is_string(transform))
        return goss_error_set(err, GOSS_E_FORMAT, "what the model keeps of its table is damaged");
    if (json_integer_value(version) != 1)
        return goss_error_set(err, GOSS_E_UNSUPPORTED, "the model keeps its table in a form of a later version");
    f->support = (int)json_integer_value(json_object_get(root, "support"));
    f->most_support = (int)json_integer_value(json_object_get(root, "most_support"));
    GOSS_TRY(goss_table_transform_parse(json_string_value(transform), &f->transform, err));
    const json_t *metric = json_object_get(root, "metric");
    GOSS_TRY(goss__json_read_names(root, "tasks", &f->task_names, &f->ids, err));
    GOSS_TRY(goss_metric_find(f->transform->objective, json_string_value(metric), &f->metric, err));
    if (json_is_string(missing) && !(f->missing = goss__strdup(json_string_value(missing)))) return no_memory(err);
    const json_t *role = json_object_get(root, "role");
    if (json_is_string(role) && !(f->role = goss__strdup(json_string_value(role)))) return no_memory(err);
    if (json_is_string(descriptors))
        GOSS_TRY(goss_descriptors_parse(json_string_value(descriptors), &f->descriptors, err));
    return read_baselines(json_object_get(root, "baselines"), f, err);
}

goss_status goss_table_fit_parse(const char *text, goss_table_fit **out, goss_error *err) {
    json_t *root;
    *out = NULL;
    GOSS_TRY(goss__json_parse(text, strlen(text), 0, &root, err));
    goss_table_fit *f = goss__calloc(1, sizeof *f);
    goss_status s = f ? parse(root, f, err) : no_memory(err);
    json_decref(root);
    if (s == GOSS_OK)
        *out = f;
    else
        goss_table_fit_free(f);
    return s;
}
#else
goss_status goss_table_fit_parse(const char *text, goss_table_fit **out, goss_error *err) {
    (void)text;
    *out = NULL;
    return goss_error_set(err, GOSS_E_UNSUPPORTED,
                          "models of tables keep them as JSON, and this build has no jansson (" GOSS_JANSSON_GET ")");
}
#endif

/* ---- other tables ---- */

goss_status goss_table_fit_open(const goss_table_fit *f, const char *path, goss_table_needs needs, goss_table **table,
                                goss_roles *roles, goss_error *err) {
    const goss_series_options *series = goss_encoding_series(f->transform->inputs);
    goss_table_options o = goss_table_options_defaults();
    char *extra = NULL;
    *roles = (goss_roles){.target = -1, .task = -1};
    o.categorical = f->transform->categorical, o.ignore = f->transform->unused, o.optional = true;
    o.spelling = needs.spelling;
    if (f->missing) o.missing = f->missing;
    if (series) o.time = series->time, o.numeric_time = !f->transform->inputs->windows->dates; /* as in training */
    GOSS_TRY(goss_table_open(path, &o, table, err));
    goss_status s = goss_table_transform_roles(f->transform, *table, needs, roles, &extra, err);
    /* Beside texts any other column may stand. */
    if (s == GOSS_OK && extra && !goss_encoding_texts(f->transform->inputs, NULL))
        goss__log(GOSS_LOG_WARN, "%s: the model does not know %s, and does not use it", path, extra);
    goss_text_free(extra);
    if (s != GOSS_OK) goss_table_close(*table), *table = NULL;
    return s;
}

/* ---- what training has not seen ---- */

static void tell_unseen(const goss_table_fit *f, const char *path, const goss_encoding_report *r) {
    if (r->unseen)
        goss__log(GOSS_LOG_WARN,
                  "%s: %lld cells hold categories that training has not seen (%s = \"%s\"); they count as none of the "
                  "known ones",
                  path, (long long)r->unseen, goss_encoding_column(f->transform->inputs, r->unseen_column),
                  r->unseen_text);
    if (r->missing)
        goss__log(GOSS_LOG_WARN,
                  "%s: %lld cells are missing in columns that were whole in training; they count as the mean there, as "
                  "no category, or as an empty text",
                  path, (long long)r->missing);
}

goss_status goss_table_fit_review(const goss_table_fit *f, const char *path, const goss_table *table, goss_error *err) {
    goss_encoding_report report;
    const size_t n = (size_t)goss_table_rows(table) * (size_t)goss_encoding_width(f->transform->inputs);
    float *x = goss__calloc(n + 1, sizeof *x);
    goss_status s = x ? goss_table_transform_apply(f->transform, table, NULL, 0, x, &report, err) : no_memory(err);
    if (s == GOSS_OK) tell_unseen(f, path, &report);
    goss__free(x);
    return s;
}

/* ---- a task's rows as numbers ---- */

static goss_status transform_lengths(const goss_table_transform *f, const float *x, int n, int32_t **lengths,
                                     goss_error *err) {
    *lengths = NULL;
    if (!goss__transform_has_steps(f)) return GOSS_OK;
    *lengths = goss__calloc((size_t)n + 1, sizeof **lengths);
    if (!*lengths) return no_memory(err);
    goss_encoding_lengths(f->inputs, x, n, *lengths);
    return GOSS_OK;
}

static size_t channels_of(const goss_table_transform *f) {
    int steps, channels;
    return goss_encoding_steps(f->inputs, &steps, &channels) ? (size_t)channels : 1;
}

goss_status goss__task_numbers_of(const goss_table_tasks *t, const goss_table_transform *f, int task,
                                  goss__task_numbers *out, goss_error *err) {
    int size, n = 0;
    const int32_t *own = goss_table_tasks_rows(t, task, &size);
    const size_t width = (size_t)goss_encoding_width(f->inputs), all = (size_t)size + 1;
    const size_t answers = (size_t)goss__target_size(f);
    float *x = goss__calloc(all * (width + answers), sizeof *x), *y = x + all * width;
    int32_t *rows = goss__calloc(all, sizeof *rows);
    double *m = out->memory = goss__calloc(all * (width + 2 * answers), sizeof *m);
    goss_status s = x && rows && m ? GOSS_OK : no_memory(err);
    for (int i = 0; s == GOSS_OK && i < size; i++)
        if (t->by_role || goss_table_tasks_part(t, task, i) == GOSS_PART_TRAIN) rows[n++] = own[i];
    if (s == GOSS_OK) s = goss_table_transform_apply(f, t->table, rows, n, x, NULL, err);
    if (s == GOSS_OK) s = goss__known_targets(f, t->table, rows, n, y, err);
    if (s == GOSS_OK) {
        double *to = m + all * width, *at = to + all * answers;
        int32_t *lengths = NULL;
        s = transform_lengths(f, x, n, &lengths, err);
        goss_rows_align(x, lengths, n, width, channels_of(f), m);
        goss__free(lengths);
        for (size_t i = 0; i < (size_t)n * answers; i++) to[i] = (double)y[i];
        for (int i = 0; i < n; i++)
            at[i] = t->order_column >= 0 ? goss_table_order_key(t->table, t->order_column, rows[i]) : i;
        out->rows = (goss_rows){.n = n, .x = m, .y = to, .at = t->order == GOSS_ORDER_RANDOM ? NULL : at};
    }
    goss__free(x), goss__free(rows);
    return s;
}

/* ---- adapting ---- */

typedef struct one_task {
    float *x, *y, *descriptor;
    int32_t *length;                  /* [n] of sequences; NULL */
    int n, width, answers, described; /* answers: numbers of a target */
    int64_t id;
    float *scale; /* mean and deviation of each number of a target */
} one_task;

static void free_one(void *context) {
    one_task *t = context;
    goss__free(t->x), goss__free(t->y), goss__free(t->descriptor), goss__free(t->length);
    goss__free(t->scale);
    goss__free(t);
}

static void draw_one(const goss_task_source *source, uint64_t k, goss_task *out) {
    const one_task *t = source->context;
    (void)k;
    const size_t n = (size_t)t->n;
    if (out->support) memcpy(out->support, t->x, n * (size_t)t->width * sizeof *t->x);
    if (out->support_target) memcpy(out->support_target, t->y, n * (size_t)t->answers * sizeof *t->y);
    if (out->support_length && t->length) memcpy(out->support_length, t->length, n * sizeof *t->length);
    if (out->descriptor && t->described) memcpy(out->descriptor, t->descriptor, (size_t)t->described * sizeof(float));
    out->supports = t->n, out->queries = 0, out->id = t->id;
}

/* Rows with a target, in their order. */
static bool is_query(const goss_table *table, int column, int row) {
    char buffer[GOSS_CELL_TEXT];
    return column >= 0 && strcmp(goss_table_text(table, column, row, buffer), "query") == 0;
}

/* Of series, those that are samples. */
static goss_status leave_samples(const goss_table_fit *f, const goss_table *table, int32_t *rows, int *n,
                                 goss_error *err) {
    const goss_series_options *o = goss_encoding_series(f->transform->inputs);
    const uint8_t wanted = GOSS_SERIES_HISTORY | GOSS_SERIES_SAMPLE;
    int left = 0;
    if (!o) return GOSS_OK;
    GOSS_TRY(goss_series_check(table, o, err));
    uint8_t *use = goss__calloc((size_t)goss_table_rows(table) + 1, sizeof *use);
    const goss_status s = use ? goss_series_rows(table, o, use, err) : no_memory(err);
    for (int i = 0; s == GOSS_OK && i < *n; i++)
        if (use[rows[i]] == wanted) rows[left++] = rows[i];
    goss__free(use);
    GOSS_TRY(s);
    if (*n && !left)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "%s: none of %d rows with a target has a known value %d step%s before it to be forecast "
                              "from: more rows are needed to adapt to",
                              goss_table_path(table), *n, o->horizon, o->horizon == 1 ? "" : "s");
    *n = left;
    return GOSS_OK;
}

/* queries: a column that says which rows are; -1: none are. */
static goss_status labelled(const goss_table_fit *f, const goss_table *table, const goss_roles *roles, int queries,
                            int32_t **rows, int *n, goss_error *err) {
    const int all = goss_table_rows(table);
    *rows = goss__calloc((size_t)all + 1, sizeof **rows), *n = 0;
    if (!*rows) return no_memory(err);
    for (int r = 0; r < all; r++)
        if ((roles->target < 0 || !goss_table_missing(table, roles->target, r)) && !is_query(table, queries, r))
            (*rows)[(*n)++] = r;
    const int with_target = *n;
    GOSS_TRY(leave_samples(f, table, *rows, n, err));
    if (*n < with_target)
        goss__log(GOSS_LOG_INFO, "%d of %d rows serve only as history of later ones", with_target - *n, with_target);
    if (with_target < all)
        goss__log(GOSS_LOG_WARN, "%d of %d rows without a target%s are left out", all - with_target, all,
                  queries < 0 ? "" : ", or queries,");
    if (*n) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT, "%s: no row has a target (%s) to adapt to", goss_table_path(table),
                          goss_table_name(table, roles->target));
}

typedef struct timed {
    double at;
    int32_t row;
} timed;

static int by_time(const void *a, const void *b) {
    const timed *x = a, *y = b;
    if (x->at != y->at) return x->at < y->at ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

/* Stable sort by the model's order column where the file has it; rows without a value keep their position. */
static goss_status sort_rows(const goss_table_fit *f, const goss_table *table, int32_t *rows, int n, goss_error *err) {
    const int c = goss_table_find(table, goss_table_transform_order(f->transform));
    if (c < 0 || goss_table_type(table, c) != GOSS_COLUMN_NUMBER) return GOSS_OK;
    timed *all = goss__calloc((size_t)n + 1, sizeof *all);
    if (!all) return no_memory(err);
    for (int i = 0; i < n; i++) {
        const double at = goss_table_number(table, c, rows[i]);
        all[i] = (timed){isnan(at) ? INFINITY : at, rows[i]};
    }
    qsort(all, (size_t)n, sizeof *all, by_time);
    for (int i = 0; i < n; i++) rows[i] = all[i].row;
    goss__free(all);
    return GOSS_OK;
}

static goss_status one_name(const goss_table *table, const goss_roles *roles, const int32_t *rows, int n, char **name,
                            goss_error *err) {
    goss_groups g = {0};
    if (roles->task >= 0) GOSS_TRY(goss_table_groups(table, roles->task, rows, n, &g, err));
    goss_status s = GOSS_OK;
    if (g.count > 1)
        s = goss_error_set(err, GOSS_E_ARGUMENT,
                           "%s: rows of %d tasks (%s = %s, %s, ...): support is of one; keep its rows alone",
                           goss_table_path(table), g.count, goss_table_name(table, roles->task), g.name[0], g.name[1]);
    else if (!(*name = goss__strdup(g.count ? g.name[0] : "")))
        s = no_memory(err);
    goss_groups_free(&g);
    return s;
}

goss_status goss_table_fit_lengths(const goss_table_fit *f, const float *x, int n, int32_t **lengths, goss_error *err) {
    return transform_lengths(f->transform, x, n, lengths, err);
}

goss_status goss_table_fit_origins(const goss_table_fit *f, const goss_table *table, double **origins,
                                   goss_error *err) {
    *origins = NULL;
    if (!goss_encoding_series(f->transform->inputs)) return GOSS_OK;
    if (!(*origins = goss__calloc((size_t)goss_table_rows(table) + 1, sizeof **origins))) return no_memory(err);
    const goss_status s = goss_encoding_origins(f->transform->inputs, table, NULL, 0, *origins, err);
    if (s != GOSS_OK) goss__free(*origins), *origins = NULL;
    return s;
}

static goss_status describe_one(const goss_table_fit *f, const char *path, const char *name, one_task *t,
                                goss_error *err) {
    if (!f->descriptors && path && *path)
        return goss_error_set(err, GOSS_E_ARGUMENT, "%s: the model reads no descriptors (hyper.condition in training)",
                              path);
    if (!f->descriptors) return GOSS_OK;
    if (!path || !*path)
        return goss_error_set(
            err, GOSS_E_ARGUMENT,
            "the model requires a descriptor of the task: --descriptor FILE, a table with a row for it, by its "
            "name");
    goss_table *table;
    GOSS_TRY(goss_table_open(path, NULL, &table, err));
    t->described = goss_descriptors_width(f->descriptors);
    t->descriptor = goss__calloc((size_t)t->described, sizeof *t->descriptor);
    goss_status s = no_memory(err);
    if (t->descriptor) {
        /* Without a name the file's only row is meant. */
        s = goss_descriptors_apply(f->descriptors, table, *name ? name : NULL, t->descriptor, err);
    }
    goss_table_close(table);
    return s;
}

static goss_status fill_one(const goss_table_fit *f, const char *path, const goss_table *table, const goss_roles *roles,
                            const char *descriptors, one_task *t, char **name, goss_error *err) {
    int32_t *rows = NULL;
    goss_encoding_report report;
    goss_status s = labelled(f, table, roles, f->role ? goss_table_find(table, f->role) : -1, &rows, &t->n, err);
    if (s == GOSS_OK) s = sort_rows(f, table, rows, t->n, err);
    if (s == GOSS_OK) s = one_name(table, roles, rows, t->n, name, err);
    t->width = goss_encoding_width(f->transform->inputs);
    if (s == GOSS_OK) {
        t->x = goss__calloc((size_t)t->n * (size_t)t->width, sizeof *t->x);
        t->answers = goss__target_size(f->transform);
        t->y = goss__calloc((size_t)t->n * (size_t)t->answers, sizeof *t->y);
        if (!t->x || !t->y) s = no_memory(err);
    }
    if (s == GOSS_OK) s = goss_table_transform_apply(f->transform, table, rows, t->n, t->x, &report, err);
    if (s == GOSS_OK) tell_unseen(f, path, &report);
    if (s == GOSS_OK) s = goss__known_targets(f->transform, table, rows, t->n, t->y, err);
    if (s == GOSS_OK && !(t->scale = goss__scale_copy(f->transform))) s = no_memory(err);
    if (s == GOSS_OK) s = goss__support_review(f->transform, path, table, rows, t->n, t->y, err);
    if (s == GOSS_OK) s = goss_table_fit_lengths(f, t->x, t->n, &t->length, err);
    if (s == GOSS_OK) s = describe_one(f, descriptors, *name, t, err);
    goss__free(rows);
    return s;
}

goss_status goss_table_fit_support(const goss_table_fit *f, const char *path, const char *descriptors,
                                   goss_task_source *out, char **name, goss_error *err) {
    goss_table *table = NULL;
    goss_roles roles;
    char *own = NULL;
    *out = (goss_task_source){0};
    if (name) *name = NULL;
    GOSS_TRY(goss_table_fit_open(f, path, (goss_table_needs){.target = true}, &table, &roles, err));
    one_task *t = goss__calloc(1, sizeof *t);
    goss_status s = t ? fill_one(f, path, table, &roles, descriptors, t, &own, err) : no_memory(err);
    goss_roles_free(&roles);
    goss_table_close(table);
    if (s != GOSS_OK) {
        if (t) free_one(t);
        goss__free(own);
        return s;
    }
    const goss_table_transform *x = f->transform;
    const int outputs = goss_table_transform_outputs(x);
    t->id = -1;
    for (int i = 0; i < f->ids; i++)
        if (*own && strcmp(f->task_names[i], own) == 0) t->id = i;
    *out = (goss_task_source){.spec = {.objective = x->objective,
                                       .outputs = outputs,
                                       .shared_classes = x->classes > 0,
                                       .partial = !x->classes && outputs > 1,
                                       .supports = t->n,
                                       .descriptor = t->described,
                                       .ids = f->ids},
                              .context = t,
                              .draw = draw_one,
                              .tasks = 1,
                              .free = free_one};
    goss__transform_input(x, &out->spec);
    if (!x->classes) out->spec.scale = (goss_target_scale){t->scale, t->scale + outputs};
    if (name)
        *name = own;
    else
        goss__free(own);
    return GOSS_OK;
}

/* ---- predicting ---- */

goss_status goss_table_fit_rows(const goss_table_fit *f, const char *path, goss_table **table, float **x,
                                goss_error *err) {
    goss_roles roles;
    goss_encoding_report report;
    *x = NULL, *table = NULL;
    GOSS_TRY(goss_table_fit_open(f, path, (goss_table_needs){.spelling = true}, table, &roles, err));
    goss_roles_free(&roles);
    const size_t n = (size_t)goss_table_rows(*table) * (size_t)goss_encoding_width(f->transform->inputs);
    const goss_series_options *series = goss_encoding_series(f->transform->inputs);
    *x = goss__calloc(n + 1, sizeof **x);
    goss_status s = *x ? GOSS_OK : no_memory(err);
    if (s == GOSS_OK && series) s = goss_series_check(*table, series, err);
    if (s == GOSS_OK) s = goss_table_transform_apply(f->transform, *table, NULL, 0, *x, &report, err);
    if (s == GOSS_OK) {
        tell_unseen(f, path, &report);
        return GOSS_OK;
    }
    goss_table_close(*table), goss__free(*x);
    *table = NULL, *x = NULL;
    return s;
}

void goss_table_rows_free(void *x) { goss__free(x); }

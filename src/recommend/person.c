/* SPDX-License-Identifier: Apache-2.0 */
/* person.c: the ratings that one person typed, by identifiers or names of items, as a task with a support set alone. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "recommend/recommend.h"

static goss_status no_memory(goss_error *err) { return goss_error_set(err, GOSS_E_NOMEM, "no memory for ratings"); }

void goss_person_free(goss_person *p) {
    goss__free(p->item), goss__free(p->rating), goss__free(p->lacking), goss__free(p->far), goss__free(p->name);
    goss__free(p->descriptor);
    *p = (goss_person){0};
}

/* What the cells of a column of items are. */
typedef enum calling { IDENTIFIERS, NAMES, NAMES_FIRST } calling;

typedef struct person_columns {
    int item, rating; /* rating -1: none */
    calling called;
} person_columns;

/* The column of items: as in training, or one of names. */
static void find_items(const goss_table *t, const goss_catalogue *c, person_columns *out) {
    out->item = goss_table_find(t, c->column[GOSS_RATINGS_ITEM]), out->called = IDENTIFIERS;
    if (out->item >= 0) return;
    out->item = goss__column_like(t, "title,name,film,movie_title,book_title,item_name"), out->called = NAMES;
    if (out->item >= 0) return;
    out->item = goss__column_like(t, "item,movie,book,itemid,item_id,movieid,movie_id");
    const bool numbers = out->item >= 0 && goss_table_type(t, out->item) == GOSS_COLUMN_NUMBER;
    out->called = numbers ? IDENTIFIERS : NAMES_FIRST;
}

static int find_item(const goss_catalogue *c, calling called, const char *text) {
    if (called == IDENTIFIERS) return goss_catalogue_find(c, text);
    const int named = goss_catalogue_named(c, text), id = goss__dictionary_find(&c->ids, text);
    return named == GOSS_CATALOGUE_NONE && called == NAMES_FIRST && id >= 0 ? id : named;
}

static goss_status find_columns(const goss_table *t, const goss_catalogue *c, person_columns *out, goss_error *err) {
    find_items(t, c, out);
    const int *item = &out->item;
    int *rating = &out->rating;
    const char *own = c->column[GOSS_RATINGS_RATING];
    *rating = own ? goss_table_find(t, own) : -1;
    if (*rating < 0 && !(c->clicks && isnan(c->click))) *rating = goss__column_like(t, "rating,score,stars");
    if (*item < 0 && c->clicks)
        return goss_error_set(err, GOSS_E_ARGUMENT, "%s: a person's clicks have a column %s, or title; here is none",
                              goss_table_path(t), c->column[GOSS_RATINGS_ITEM]);
    if (c->clicks && *rating < 0) return GOSS_OK;
    if (*item < 0 || *rating < 0)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "%s: a person's ratings have a column %s, or title, and a column %s; here is no %s",
                              goss_table_path(t), c->column[GOSS_RATINGS_ITEM], c->column[GOSS_RATINGS_RATING],
                              *item < 0 ? "column of items" : "column of ratings");
    if (goss_table_type(t, *rating) == GOSS_COLUMN_NUMBER) return GOSS_OK;
    return goss_error_set(err, GOSS_E_FORMAT, "%s: column %s holds no numbers (%s), as ratings have to be",
                          goss_table_path(t), goss_table_name(t, *rating), goss_table_type_reason(t, *rating));
}

static long long line_of(const goss_table *t, int row) {
    int file;
    int64_t line;
    goss_table_origin(t, row, &file, &line);
    return (long long)line;
}

static goss_status lack(goss_person *p, const goss_catalogue *c, const goss_table *t, int row, const char *text,
                        goss_error *err) {
    goss__str s = {0};
    if (p->unknown++) goss__str_addf(&s, "%s\n", p->lacking);
    goss__free(p->lacking), p->lacking = NULL;
    goss__str_addf(&s, "line %lld: ", line_of(t, row));
    goss__catalogue_explain(c, text, &s);
    p->lacking = s.data;
    if (s.failed) return no_memory(err);
    return GOSS_OK;
}

/* A rating of another scale is taken, since scales need not have an end, and told. */
static goss_status check_range(goss_person *p, const goss_catalogue *c, const goss_table *t, int row, double value,
                               goss_error *err) {
    goss__str s = {0};
    if (!goss__catalogue_outside(c, value) || p->outside++) return GOSS_OK;
    goss__str_addf(&s, "line %lld: %g, and the model knows ratings from %g to %g", line_of(t, row), value, c->lowest,
                   c->highest);
    p->far = s.data;
    return s.failed ? no_memory(err) : GOSS_OK;
}

static goss_status add_row(goss_person *p, const goss_catalogue *c, const goss_table *t, const person_columns *in,
                           int row, goss_error *err) {
    char cell[GOSS_CELL_TEXT];
    const bool rated = in->rating >= 0;
    if (goss_table_missing(t, in->item, row) || (rated && goss_table_missing(t, in->rating, row)))
        return goss_error_set(err, GOSS_E_FORMAT, "%s:%lld: %s is missing", goss_table_path(t), line_of(t, row),
                              goss_table_name(t, goss_table_missing(t, in->item, row) ? in->item : in->rating));
    const char *text = goss_table_text(t, in->item, row, cell);
    const int found = find_item(c, in->called, text);
    if (found < 0) return lack(p, c, t, row, text, err);
    const double value = rated ? goss_table_number(t, in->rating, row) : 1;
    if (c->clicks && !isnan(c->click) && rated && value < c->click) return GOSS_OK;
    for (int i = 0; i < p->n; i++) {
        if (p->item[i] != found) continue;
        if (c->clicks) return p->repeated++, GOSS_OK;
        return goss_error_set(err, GOSS_E_FORMAT, "%s:%lld: %.100s is rated twice: keep one of the lines",
                              goss_table_path(t), line_of(t, row), goss_catalogue_name(c, found));
    }
    p->item[p->n] = found, p->rating[p->n++] = c->clicks ? 1 : (float)value;
    return c->clicks ? GOSS_OK : check_range(p, c, t, row, value, err);
}

/* Zeros of all items that are not among the clicks, by the clicks alone. */
static goss_status add_zeros(goss_person *p, const goss_catalogue *c, goss_error *err) {
    goss__others o;
    const size_t most = (size_t)p->n * (size_t)(c->negatives + 1) + 1;
    int32_t *item = goss__realloc(p->item, most * sizeof *item);
    if (item) p->item = item;
    float *rating = item ? goss__realloc(p->rating, most * sizeof *rating) : NULL;
    if (rating) p->rating = rating;
    if (!item || !rating) return no_memory(err);
    goss_status s = goss__others_open(&o, c->items, err);
    if (s == GOSS_OK) {
        goss__rng rng = goss__rng_make(goss__hash64(item, (uint64_t)p->n * sizeof *item, 43), 0);
        for (int i = 0; i < p->n; i++) o.mark[item[i]] = o.now;
        p->zeros = goss__others_draw(&o, &rng, p->n * c->negatives, item + p->n);
        for (int i = 0; i < p->zeros; i++) rating[p->n + i] = 0;
    }
    goss__others_close(&o);
    return s;
}

/* Rows of which some are of nobody have no name; those of several people would be taken for one. */
static goss_status take_name(goss_person *p, const goss_catalogue *c, const goss_table *t, goss_error *err) {
    char cell[GOSS_CELL_TEXT];
    int user = goss_table_find(t, c->column[GOSS_RATINGS_USER]);
    if (user < 0) user = goss__column_like(t, goss__rating_names(GOSS_RATINGS_USER));
    bool lacks = false;
    for (int row = 0; user >= 0 && row < goss_table_rows(t); row++) {
        const char *text = goss_table_missing(t, user, row) ? NULL : goss_table_text(t, user, row, cell);
        lacks |= !text;
        if (text && p->name && strcmp(p->name, text) != 0)
            return goss_error_set(
                err, GOSS_E_ARGUMENT,
                "%s:%lld: %s is %.80s, and %.80s in a line before: a person's %s are of one; keep the "
                "lines of one",
                goss_table_path(t), line_of(t, row), goss_table_name(t, user), text, p->name,
                c->clicks ? "clicks" : "ratings");
        if (text && !p->name && !(p->name = goss__strdup(text))) return no_memory(err);
    }
    if (lacks) goss__free(p->name), p->name = NULL;
    return GOSS_OK;
}

static goss_status read_rows(goss_person *p, const goss_catalogue *c, const goss_table *t, goss_error *err) {
    person_columns in;
    const size_t rows = (size_t)goss_table_rows(t) + 1;
    GOSS_TRY(find_columns(t, c, &in, err));
    p->item = goss__calloc(rows, sizeof *p->item), p->rating = goss__calloc(rows, sizeof *p->rating);
    if (!p->item || !p->rating) return no_memory(err);
    GOSS_TRY(take_name(p, c, t, err));
    for (int row = 0; row < goss_table_rows(t); row++) GOSS_TRY(add_row(p, c, t, &in, row, err));
    if (p->n && c->clicks) return add_zeros(p, c, err);
    if (p->n) return GOSS_OK;
    const char *first = p->lacking ? p->lacking : "";
    return goss_error_set(err, GOSS_E_ARGUMENT, "%s: no %s an item that the model knows%s%.*s%s", goss_table_path(t),
                          c->clicks ? "click on" : "rating of", p->lacking ? "; " : "", (int)strcspn(first, "\n"),
                          first, p->unknown > 1 ? " and so on" : "");
}

goss_status goss_person_open(const char *path, const goss_catalogue *c, goss_person *out, goss_error *err) {
    goss_table *t;
    *out = (goss_person){0};
    GOSS_TRY(goss_table_open(path, NULL, &t, err));
    const goss_status s = read_rows(out, c, t, err);
    goss_table_close(t);
    if (s != GOSS_OK) goss_person_free(out);
    return s;
}

/* By name where both files have one; else the only row is the person's. */
static goss_status apply(goss_person *p, const goss_catalogue *c, const goss_table *t, goss_error *err) {
    p->descriptor = goss__calloc((size_t)goss_descriptors_width(c->described) + 1, sizeof *p->descriptor);
    if (!p->descriptor) return no_memory(err);
    const bool named = goss_table_find(t, c->column[GOSS_RATINGS_USER]) >= 0;
    return goss_descriptors_apply(c->described, t, named ? p->name : NULL, p->descriptor, err);
}

goss_status goss_person_describe(goss_person *p, const goss_catalogue *c, const char *path, goss_error *err) {
    goss_table *t;
    goss__free(p->descriptor), p->descriptor = NULL;
    if (!c->described)
        return goss_error_set(err, GOSS_E_ARGUMENT, "%s: the model reads no descriptors (hyper.condition in training)",
                              path);
    GOSS_TRY(goss_table_open(path, NULL, &t, err));
    const goss_status s = apply(p, c, t, err);
    goss_table_close(t);
    if (s != GOSS_OK) goss__free(p->descriptor), p->descriptor = NULL;
    return s;
}

/* ---- as a task ---- */

typedef struct own_task {
    const goss_person *person;
    const goss_catalogue *catalogue;
} own_task;

static void draw(const goss_task_source *source, uint64_t k, goss_task *out) {
    const own_task *t = source->context;
    (void)k;
    const int n = t->person->n + t->person->zeros;
    for (int i = 0; i < n; i++) {
        if (out->support)
            goss_catalogue_input(t->catalogue, t->person->item[i], out->support + i * t->catalogue->width);
        if (out->support_target) out->support_target[i] = t->person->rating[i];
        if (out->support_rows) out->support_rows[i] = i;
    }
    if (out->descriptor && t->person->descriptor)
        memcpy(out->descriptor, t->person->descriptor,
               (size_t)goss_descriptors_width(t->catalogue->described) * sizeof *out->descriptor);
    out->supports = n, out->queries = 0, out->id = -1;
}

goss_status goss_person_source(const goss_person *p, const goss_catalogue *c, goss_task_source *out, goss_error *err) {
    own_task *t = goss__calloc(1, sizeof *t);
    *out = (goss_task_source){0};
    if (!t) return no_memory(err);
    *t = (own_task){p, c};
    *out = (goss_task_source){.spec = {.objective = c->objective,
                                       .outputs = 1,
                                       .supports = p->n + p->zeros,
                                       .descriptor = p->descriptor ? goss_descriptors_width(c->described) : 0,
                                       .scale = goss_catalogue_scale(c)},
                              .context = t,
                              .draw = draw,
                              .tasks = 1,
                              .free = goss__free};
    goss__catalogue_spec(c, &out->spec);
    return GOSS_OK;
}

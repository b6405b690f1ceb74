/* SPDX-License-Identifier: Apache-2.0 */
/* ratings.c: a csv file of ratings, a row each, by user, and the file of their items. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/os.h"
#include "recommend/recommend.h"
#include "table/table.h"

static const struct {
    const char *what, *key, *names;
} columns[GOSS_RATINGS_COLUMNS] = {
    [GOSS_RATINGS_USER] = {"user", "data.user", "userid,user_id,user,uid,reviewerid,reviewer_id"},
    [GOSS_RATINGS_ITEM] = {"item", "data.item",
                           "movieid,movie_id,itemid,item_id,item,movie,iid,bookid,book_id,isbn,asin,productid"},
    [GOSS_RATINGS_RATING] = {"rating", "data.rating", "rating,ratings,score,stars,overall"},
    [GOSS_RATINGS_TIME] = {"time", "data.time", "timestamp,time,unixreviewtime,rating_time"},
};

const char *goss__rating_names(goss_ratings_column which) { return columns[which].names; }

static const char *const rating_files[] = {"ratings.csv", NULL};
static const char *const item_files[] = {"movies.csv", "items.csv", "books.csv", NULL};

static goss_status no_memory(goss_error *err) { return goss_error_set(err, GOSS_E_NOMEM, "no memory for ratings"); }

static const char *given(const char *text) { return text && *text ? text : NULL; }

/* ---- files ---- */

/* A file of one of these names in a folder, owned; NULL: none. */
static goss_status file_in(const char *dir, const char *const *names, char **out, goss_error *err) {
    for (; *names; names++) {
        *out = goss__path_join(dir, *names);
        if (!*out) return no_memory(err);
        if (goss__is_file(*out)) return GOSS_OK;
        goss__free(*out);
    }
    *out = NULL;
    return GOSS_OK;
}

static bool is_called_so(const char *path, const char *const *names) {
    const char *slash = strrchr(path, '/');
    for (; *names; names++)
        if (strcmp(slash ? slash + 1 : path, *names) == 0) return true;
    return false;
}

void goss__rating_files(goss__str *s) {
    for (int i = 0; rating_files[i]; i++) goss__str_addf(s, "%s%s", i ? ", " : "", rating_files[i]);
}

bool goss_ratings_is(const char *path) {
    char *file = NULL;
    if (goss__is_file(path)) return is_called_so(path, rating_files);
    if (!goss__is_dir(path) || file_in(path, rating_files, &file, NULL) != GOSS_OK) return false;
    goss__free(file);
    return file != NULL;
}

/* ---- columns ---- */

static bool same_name(const char *a, const char *b, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!a[i] || goss__ascii_lower(a[i]) != b[i]) return false;
    return a[n] == 0;
}

int goss__column_like(const goss_table *t, const char *names) {
    for (const char *at = names; *at; at += strcspn(at, ","), at += *at == ',')
        for (int c = 0; c < goss_table_columns(t); c++)
            if (same_name(goss_table_name(t, c), at, strcspn(at, ","))) return c;
    return -1;
}

static goss_status find_column(const goss_table *t, const goss_ratings_options *o, goss_ratings_column which,
                               bool needed, int *out, goss_error *err) {
    const char *name = given(o->column[which]);
    const bool lacks = which == GOSS_RATINGS_TIME && o->any_time && name && goss_table_find(t, name) < 0;
    if (lacks && (!given(o->order) || strcmp(o->order, "random") == 0)) name = NULL;
    if (name)
        return goss_error_prefix(err, goss_table_need(t, name, columns[which].key, out, err), "%s", goss_table_path(t));
    *out = goss__column_like(t, columns[which].names);
    if (*out >= 0 || !needed) return GOSS_OK;
    const bool clicks = which == GOSS_RATINGS_RATING; /* wanted for the sake of data.click alone */
    return goss_error_set(err, GOSS_E_ARGUMENT, "%s: no column is called as %ss are (%s): name it by %s=COLUMN%s",
                          goss_table_path(t), columns[which].what, columns[which].names, columns[which].key,
                          clicks ? "; if every row is a click, leave data.click empty (data.click=)" : "");
}

static goss_status find_columns(goss_ratings *r, const goss_ratings_options *o, goss_error *err) {
    GOSS_TRY(find_column(r->table, o, GOSS_RATINGS_USER, true, &r->user, err));
    GOSS_TRY(find_column(r->table, o, GOSS_RATINGS_ITEM, true, &r->item, err));
    GOSS_TRY(find_column(r->table, o, GOSS_RATINGS_RATING, !isnan(o->click), &r->rating, err));
    GOSS_TRY(find_column(r->table, o, GOSS_RATINGS_TIME, false, &r->time, err));
    r->clicks = r->rating < 0 || !isnan(o->click);
    if (r->rating < 0) return GOSS_OK;
    if (goss_table_type(r->table, r->rating) == GOSS_COLUMN_NUMBER) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT, "%s: column %s holds no numbers (%s), as ratings have to be",
                          goss_table_path(r->table), goss_table_name(r->table, r->rating),
                          goss_table_type_reason(r->table, r->rating));
}

/* ---- rows ---- */

/* "first" is by time, where there is one: numbers, or dates. */
static const char *order_of(const goss_ratings *r, const char *order) {
    const goss_column_type type = r->time >= 0 ? goss_table_type(r->table, r->time) : GOSS_COLUMN_TEXT;
    const bool timed = type == GOSS_COLUMN_NUMBER || type == GOSS_COLUMN_DATE;
    if (r->last) order = "first";
    if (strcmp(order, "first") == 0 && r->time >= 0 && !timed)
        goss__log(
            GOSS_LOG_WARN, "%s: column %s holds no numbers or dates (%s): first ratings are the first ones of the file",
            goss_table_path(r->table), goss_table_name(r->table, r->time), goss_table_type_reason(r->table, r->time));
    return strcmp(order, "first") == 0 && timed ? goss_table_name(r->table, r->time) : order;
}

static goss_status take_items(goss_ratings *r, goss_error *err) {
    char cell[GOSS_CELL_TEXT], place[GOSS__PLACE];
    const int rows = r->rows = goss_table_rows(r->table);
    GOSS_TRY(goss__table_distinguishes(r->table, r->item, err));
    r->of = goss__calloc((size_t)rows + 1, sizeof *r->of);
    r->value = goss__calloc((size_t)rows + 1, sizeof *r->value);
    if (!r->of || !r->value) return no_memory(err);
    for (int i = 0; i < rows; i++) {
        if (goss_table_missing(r->table, r->item, i))
            return goss_error_set(err, GOSS_E_FORMAT, "%s: the item of this rating is missing (column %s)",
                                  goss__row_place(r->table, i, place), goss_table_name(r->table, r->item));
        r->of[i] = goss__dictionary_add(&r->ids, goss_table_text(r->table, r->item, i, cell));
        if (r->of[i] < 0) return no_memory(err);
        if (r->clicks)
            r->value[i] = 1;
        else if (!goss_table_missing(r->table, r->rating, i))
            r->value[i] = (float)goss_table_number(r->table, r->rating, i);
    }
    return GOSS_OK;
}

/* A second rating of the same item would put an answer among the questions: of repeated ones the last counts. */
static goss_status take_rows(goss_ratings *r, double click, goss_error *err) {
    int32_t *last = goss__calloc((size_t)r->ids.count + 1, sizeof *last);
    r->users = goss_table_tasks_count(r->tasks);
    r->first = goss__calloc((size_t)r->users + 1, sizeof *r->first);
    r->row = goss__calloc((size_t)goss_table_rows(r->table) + 1, sizeof *r->row);
    int at = 0;
    for (int u = 0; last && r->first && r->row && u < r->users; u++) {
        int n;
        const int32_t *rows = goss_table_tasks_rows(r->tasks, u, &n);
        for (int i = 0; i < n; i++) last[r->of[rows[i]]] = rows[i];
        for (int i = 0; i < n; i++)
            if (last[r->of[rows[i]]] != rows[i])
                r->repeated++;
            else if (!isnan(click) && goss_table_number(r->table, r->rating, rows[i]) < click)
                r->below++;
            else
                r->row[at++] = rows[i];
        r->first[u + 1] = at;
    }
    goss__free(last);
    r->incomplete = r->rows - at - r->repeated - r->below;
    return last && r->first && r->row ? GOSS_OK : no_memory(err);
}

static goss_status open_rows(goss_ratings *r, const goss_ratings_options *o, goss_error *err) {
    const goss_roles_declared declared = {.target = r->rating < 0 ? "" : goss_table_name(r->table, r->rating),
                                          .task = goss_table_name(r->table, r->user)};
    r->last = given(o->order) && strcmp(o->order, "last") == 0;
    GOSS_TRY(goss_table_roles(r->table, &declared, &r->roles, err));
    GOSS_TRY(
        goss_table_tasks_open(r->table, &r->roles, order_of(r, given(o->order) ? o->order : "random"), &r->tasks, err));
    GOSS_TRY(take_items(r, err));
    GOSS_TRY(take_rows(r, o->click, err));
    return r->clicks ? goss__clicks_add_zeros(r, err) : GOSS_OK;
}

static goss_status open_items(goss_ratings *r, const goss_ratings_options *o, goss_error *err) {
    char *found = NULL;
    if (given(o->items) && !(found = goss__strdup(o->items))) return no_memory(err);
    if (!found && goss__is_dir(o->path)) GOSS_TRY(file_in(o->path, item_files, &found, err));
    if (!found) return GOSS_OK;
    const goss_status s = goss__item_file_open(found, goss_table_name(r->table, r->item), &r->items, err);
    goss__free(found);
    return goss_error_prefix(err, s, "data.items");
}

static goss_status open_table(goss_ratings *r, const goss_ratings_options *o, goss_error *err) {
    char *path = NULL;
    if (!goss__is_dir(o->path))
        path = goss__strdup(o->path);
    else
        GOSS_TRY(file_in(o->path, rating_files, &path, err));
    if (!path && !goss__is_dir(o->path)) return no_memory(err);
    if (!path) return goss_error_set(err, GOSS_E_IO, "%s: there is no ratings.csv in this folder", o->path);
    const goss_status s = goss_table_open(path, NULL, &r->table, err);
    goss__free(path);
    return s;
}

goss_ratings_options goss_ratings_defaults(void) { return (goss_ratings_options){.order = "random", .click = NAN}; }

goss_status goss_ratings_open(const goss_ratings_options *o, goss_ratings **out, goss_error *err) {
    goss_ratings *r = *out = goss__calloc(1, sizeof *r);
    if (!r) return no_memory(err);
    goss_status s = open_table(r, o, err);
    if (s == GOSS_OK) s = find_columns(r, o, err);
    if (s == GOSS_OK) s = open_rows(r, o, err);
    if (s == GOSS_OK) s = open_items(r, o, err);
    if (s == GOSS_OK) return s;
    goss_ratings_close(r);
    *out = NULL;
    return s;
}

void goss_ratings_close(goss_ratings *r) {
    if (!r) return;
    goss_table_tasks_free(r->tasks);
    goss_roles_free(&r->roles);
    goss_table_close(r->table);
    goss__item_file_close(r->items);
    goss__dictionary_free(&r->ids);
    goss__free(r->of), goss__free(r->value), goss__free(r->first), goss__free(r->row), goss__free(r->pool_first);
    goss__free(r);
}

const goss_table_tasks *goss_ratings_users(const goss_ratings *r) { return r->tasks; }
int goss_ratings_of(const goss_ratings *r, int user) { return r->first[user + 1] - r->first[user]; }
int goss_ratings_items(const goss_ratings *r) { return r->ids.count; }
int goss_ratings_repeated(const goss_ratings *r) { return r->repeated; }
int goss_ratings_incomplete(const goss_ratings *r) { return r->incomplete; }

int goss_ratings_outside(const goss_ratings *r, const goss_catalogue *c) {
    int n = 0;
    for (int i = 0; !r->clicks && i < r->first[r->users]; i++)
        n += goss__catalogue_outside(c, (double)r->value[r->row[i]]);
    return n;
}

const char *goss_ratings_column_name(const goss_ratings *r, goss_ratings_column which) {
    const int column[GOSS_RATINGS_COLUMNS] = {r->user, r->item, r->rating, r->time};
    return column[which] < 0 ? NULL : goss_table_name(r->table, column[which]);
}

/* With a time the user's name is not looked at: who is renamed is the same user. */
void goss_ratings_hashes(const goss_ratings *r, int user, uint64_t *out) {
    const int column[3] = {r->item, r->time >= 0 ? r->time : r->user, r->rating};
    for (int i = r->first[user]; i < r->first[user + 1]; i++)
        *out++ = goss_table_row_hash(r->table, column, r->rating < 0 ? 2 : 3, r->row[i]);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* item_file.c: a csv file with a row an item, and the features that its columns have: lists of tags, numbers, the year
 * at the end of a name. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "recommend/recommend.h"
#include "table/table.h"

enum { LEAST_ITEMS = 3, MOST_TAGS = 200, LONGEST_TAG = 256 };

static goss_status no_memory(goss_error *err) { return goss_error_set(err, GOSS_E_NOMEM, "no memory for items"); }

/* ---- the file ---- */

static goss_status find_columns(goss__item_file *f, const char *path, const char *id, goss_error *err) {
    f->id = goss_table_find(f->table, id);
    if (f->id < 0)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "%s: it has no column %s, as the ratings call an item: rename its column of items", path,
                              id);
    f->name = goss__column_like(f->table, "title,name,item_name,movie_title,book_title");
    return GOSS_OK;
}

static goss_status take_ids(goss__item_file *f, const char *path, goss_error *err) {
    char cell[GOSS_CELL_TEXT];
    GOSS_TRY(goss__table_distinguishes(f->table, f->id, err));
    for (int r = 0; r < goss_table_rows(f->table); r++) {
        int file;
        int64_t line;
        goss_table_origin(f->table, r, &file, &line);
        if (goss_table_missing(f->table, f->id, r))
            return goss_error_set(err, GOSS_E_FORMAT, "%s:%lld: the item of this row is missing (column %s)", path,
                                  (long long)line, goss_table_name(f->table, f->id));
        const char *id = goss_table_text(f->table, f->id, r, cell);
        const int32_t code = goss__dictionary_add(&f->ids, id);
        if (code < 0) return no_memory(err);
        if (code != r)
            return goss_error_set(err, GOSS_E_FORMAT, "%s:%lld: a second row of item %.60s", path, (long long)line, id);
    }
    return GOSS_OK;
}

/* ---- lists of tags ---- */

/* The next tag of a list, of *n bytes without blanks around it; NULL: no more. */
static const char *next_tag(const char **at, char separator, size_t *n) {
    while (**at) {
        const char *from = *at, *end = strchr(from, separator);
        if (!end) end = from + strlen(from);
        *at = end + (*end != 0);
        while (from < end && isspace((unsigned char)*from)) from++;
        while (from < end && isspace((unsigned char)end[-1])) end--;
        *n = (size_t)(end - from);
        if (*n) return from;
    }
    return NULL;
}

/* How many different tags the cells of a column have between such separators, which *any tells that there are. */
static goss_status count_pieces(const goss__item_file *f, int column, char separator, int *pieces, bool *any,
                                goss_error *err) {
    goss__dictionary found = {0};
    char cell[GOSS_CELL_TEXT], tag[LONGEST_TAG];
    bool failed = false;
    for (int r = 0; !failed && r < goss_table_rows(f->table); r++) {
        if (goss_table_missing(f->table, column, r)) continue;
        const char *at = goss_table_text(f->table, column, r, cell);
        *any |= strchr(at, separator) != NULL;
        size_t n;
        for (const char *piece; !failed && (piece = next_tag(&at, separator, &n));) {
            if (n >= sizeof tag) continue;
            memcpy(tag, piece, n), tag[n] = 0;
            failed = goss__dictionary_add(&found, tag) < 0;
        }
    }
    *pieces = found.count;
    goss__dictionary_free(&found);
    return failed ? no_memory(err) : GOSS_OK;
}

/* '|' where there is one; else a sign that makes fewer different tags than there are cells, as in lists of genres, but
 * not in names ("Varda, Agnes") or sentences. */
static goss_status find_separator(const goss__item_file *f, int column, char *out, goss_error *err) {
    static const char signs[] = {'|', ';', ',', '/'};
    int least;
    bool any = false;
    *out = '|';
    GOSS_TRY(count_pieces(f, column, '|', &least, &any, err));
    for (size_t i = 1; !any && i < sizeof signs; i++) {
        int pieces;
        bool there = false;
        GOSS_TRY(count_pieces(f, column, signs[i], &pieces, &there, err));
        if (there && pieces < least) *out = signs[i], least = pieces;
    }
    return GOSS_OK;
}

static goss_status find_separators(goss__item_file *f, goss_error *err) {
    f->separator = goss__calloc((size_t)goss_table_columns(f->table) + 1, 1);
    if (!f->separator) return no_memory(err);
    for (int c = 0; c < goss_table_columns(f->table); c++)
        if (c != f->id && c != f->name && goss_table_type(f->table, c) != GOSS_COLUMN_NUMBER)
            GOSS_TRY(find_separator(f, c, &f->separator[c], err));
    return GOSS_OK;
}

goss_status goss__item_file_open(const char *path, const char *id, goss__item_file **out, goss_error *err) {
    goss__item_file *f = *out = goss__calloc(1, sizeof *f);
    if (!f) return no_memory(err);
    goss_status s = goss_table_open(path, NULL, &f->table, err);
    if (s == GOSS_OK) s = find_columns(f, path, id, err);
    if (s == GOSS_OK) s = take_ids(f, path, err);
    if (s == GOSS_OK) s = find_separators(f, err);
    if (s == GOSS_OK) return s;
    goss__item_file_close(f);
    *out = NULL;
    return s;
}

void goss__item_file_close(goss__item_file *f) {
    if (!f) return;
    goss_table_close(f->table);
    goss__dictionary_free(&f->ids);
    goss__free(f->separator);
    goss__free(f);
}

const char *goss__item_file_name(const goss__item_file *f, int row, char buffer[GOSS_CELL_TEXT]) {
    if (f->name < 0 || goss_table_missing(f->table, f->name, row)) return NULL;
    return goss_table_text(f->table, f->name, row, buffer);
}

/* ---- cells ---- */

/* "Toy Story (1995)": 1995; 0: there is none. */
static int year_of(const char *name) {
    size_t n = strlen(name);
    while (n > 0 && isspace((unsigned char)name[n - 1])) n--;
    if (n < 6 || name[n - 1] != ')' || name[n - 6] != '(') return 0;
    int year = 0;
    for (size_t i = n - 5; i < n - 1; i++) {
        if (name[i] < '0' || name[i] > '9') return 0;
        year = 10 * year + (name[i] - '0');
    }
    return year;
}

static bool has_tag(const char *cell, char separator, const char *tag) {
    const size_t length = strlen(tag);
    size_t n;
    for (const char *one; (one = next_tag(&cell, separator, &n));)
        if (n == length && memcmp(one, tag, n) == 0) return true;
    return false;
}

/* The value of a feature before it is centred; NaN: not known. */
static double value_of(const goss__feature *x, const goss__item_file *f, int column, int row) {
    char cell[GOSS_CELL_TEXT];
    if (column < 0 || goss_table_missing(f->table, column, row)) return NAN;
    if (x->kind == GOSS__FEATURE_NUMBER)
        return goss_table_type(f->table, column) == GOSS_COLUMN_NUMBER ? goss_table_number(f->table, column, row)
                                                                       : (double)NAN;
    const char *text = goss_table_text(f->table, column, row, cell);
    if (x->kind == GOSS__FEATURE_TAG) return has_tag(text, f->separator[column], x->tag);
    const int year = year_of(text);
    return year > 0 ? year : (double)NAN;
}

void goss__features_find(const goss__feature *features, int n, const goss__item_file *f, int *columns) {
    for (int i = 0; i < n; i++) columns[i] = f ? goss_table_find(f->table, features[i].column) : -1;
}

void goss__features_of(const goss__feature *features, const int *columns, int n, const goss__item_file *f, int row,
                       float *out) {
    for (int i = 0; i < n; i++) {
        const double value = f && row >= 0 ? value_of(&features[i], f, columns[i], row) : (double)NAN;
        out[i] = isnan(value) ? 0 : (float)((value - features[i].mean) / features[i].deviation);
    }
}

/* ---- which features there are ---- */

typedef struct list {
    goss__feature *v;
    int n, capacity;
} list;

static goss_status append(list *l, goss__feature_kind kind, const char *column, const char *tag, goss_error *err) {
    if (l->n == l->capacity) {
        const int more = l->capacity ? 2 * l->capacity : 32;
        goss__feature *grown = goss__realloc(l->v, (size_t)more * sizeof *grown);
        if (!grown) return no_memory(err);
        l->v = grown, l->capacity = more;
    }
    goss__feature *x = &l->v[l->n++];
    *x = (goss__feature){.kind = kind, .column = goss__strdup(column), .tag = tag ? goss__strdup(tag) : NULL};
    x->deviation = 1;
    return x->column && (x->tag || !tag) ? GOSS_OK : no_memory(err);
}

typedef struct counted {
    int32_t code, count;
} counted;

static int by_count(const void *a, const void *b) {
    const counted *x = a, *y = b;
    if (x->count != y->count) return x->count < y->count ? 1 : -1;
    return (x->code > y->code) - (x->code < y->code); /* codes differ */
}

/* Counts the tags of a column: code -> items that have it. */
static goss_status count_tags(const goss__item_file *f, int column, goss__dictionary *tags, counted **out,
                              goss_error *err) {
    int capacity = 0;
    char cell[GOSS_CELL_TEXT], tag[LONGEST_TAG];
    for (int r = 0; r < goss_table_rows(f->table); r++) {
        if (goss_table_missing(f->table, column, r)) continue;
        const char *at = goss_table_text(f->table, column, r, cell);
        size_t n;
        for (const char *one; (one = next_tag(&at, f->separator[column], &n));) {
            if (n >= sizeof tag) continue;
            memcpy(tag, one, n), tag[n] = 0;
            const int32_t code = goss__dictionary_add(tags, tag);
            if (code >= capacity) {
                const int more = capacity ? 2 * capacity : 64;
                counted *grown = goss__realloc(*out, (size_t)more * sizeof *grown);
                if (!grown) return no_memory(err);
                for (int i = capacity; i < more; i++) grown[i] = (counted){i, 0};
                *out = grown, capacity = more;
            }
            if (code < 0) return no_memory(err);
            (*out)[code].count++;
        }
    }
    return GOSS_OK;
}

/* The most frequent tags of a column, of those that a few items have and a few have not. */
static goss_status add_tags(list *l, const goss__item_file *f, int column, goss_error *err) {
    goss__dictionary tags = {0};
    counted *count = NULL;
    const int rows = goss_table_rows(f->table);
    goss_status s = count_tags(f, column, &tags, &count, err);
    if (s == GOSS_OK && tags.count) qsort(count, (size_t)tags.count, sizeof *count, by_count);
    for (int i = 0; s == GOSS_OK && i < tags.count && i < MOST_TAGS; i++)
        if (count[i].count >= LEAST_ITEMS && count[i].count <= rows - LEAST_ITEMS)
            s = append(l, GOSS__FEATURE_TAG, goss_table_name(f->table, column), tags.text[count[i].code], err);
    goss__free(count);
    goss__dictionary_free(&tags);
    return s;
}

static bool has_years(const goss__item_file *f) {
    char cell[GOSS_CELL_TEXT];
    int years = 0;
    const int rows = goss_table_rows(f->table);
    if (f->name < 0 || goss_table_type(f->table, f->name) == GOSS_COLUMN_NUMBER) return false;
    for (int r = 0; r < rows; r++)
        if (!goss_table_missing(f->table, f->name, r))
            years += year_of(goss_table_text(f->table, f->name, r, cell)) > 0;
    return 2 * years > rows;
}

/* Mean and deviation over the file; false: it tells nothing. */
static bool standardise(goss__feature *x, const goss__item_file *f) {
    double sum = 0, square = 0;
    int n = 0;
    const int column = goss_table_find(f->table, x->column), rows = goss_table_rows(f->table);
    for (int r = 0; r < rows; r++) {
        const double v = value_of(x, f, column, r);
        if (!isnan(v)) sum += v, square += v * v, n++;
    }
    if (n < LEAST_ITEMS) return false;
    x->mean = sum / n;
    if (x->kind == GOSS__FEATURE_TAG) return true;
    const double variance = square / n - x->mean * x->mean;
    x->deviation = sqrt(fmax(variance, 0));
    return x->deviation > 1e-9 * (1 + fabs(x->mean));
}

static goss_status list_features(list *l, const goss__item_file *f, goss_error *err) {
    for (int c = 0; c < goss_table_columns(f->table); c++) {
        if (c == f->id || c == f->name || goss_table_type(f->table, c) == GOSS_COLUMN_DATE) continue;
        if (goss_table_type(f->table, c) == GOSS_COLUMN_NUMBER)
            GOSS_TRY(append(l, GOSS__FEATURE_NUMBER, goss_table_name(f->table, c), NULL, err));
        else
            GOSS_TRY(add_tags(l, f, c, err));
    }
    return has_years(f) ? append(l, GOSS__FEATURE_YEAR, goss_table_name(f->table, f->name), NULL, err) : GOSS_OK;
}

goss_status goss__features_fit(const goss__item_file *f, goss__feature **out, int *n, goss_error *err) {
    list l = {0};
    const goss_status s = list_features(&l, f, err);
    int kept = 0;
    for (int i = 0; s == GOSS_OK && i < l.n; i++) {
        if (standardise(&l.v[i], f))
            l.v[kept++] = l.v[i];
        else
            goss__free(l.v[i].column), goss__free(l.v[i].tag);
    }
    if (s == GOSS_OK) l.n = kept;
    *out = l.v, *n = l.n;
    if (s == GOSS_OK) return s;
    goss__features_free(l.v, l.n);
    *out = NULL, *n = 0;
    return s;
}

void goss__features_free(goss__feature *f, int n) {
    for (int i = 0; f && i < n; i++) goss__free(f[i].column), goss__free(f[i].tag);
    goss__free(f);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* table_build.c: the sink of the readers. Memory for the rows of a file is reserved at once, for the maximum that its
 * bytes allow; untouched pages cost nothing. */
#include "table/table_build.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/number.h"

static goss_status no_memory(const goss__build *b, goss_error *err) {
    return goss_error_set(err, GOSS_E_NOMEM, "%s: no memory for the table", b->sink.name);
}

/* ---- columns ---- */

static goss_status take_categories(goss__build *b, goss__column *c, const goss__column_decl *d, goss_error *err) {
    for (int i = 0; i < d->n_categories; i++)
        if (goss__dictionary_add(&c->texts, d->categories[i]) < 0) return no_memory(b, err);
    return GOSS_OK;
}

static goss_status name_twice(const goss__build *b, const char *name, goss_error *err) {
    char label[GOSS__LABEL];
    return goss_error_set(err, GOSS_E_FORMAT, "%s: two columns are called %s", b->sink.name,
                          goss__column_label(name, label));
}

/* The next column, with the type declared by its file. */
static goss_status take_decl(goss__build *b, const goss__column_decl *d, goss_error *err) {
    static const goss_column_type type[] = {[GOSS__DECL_NUMBER] = GOSS_COLUMN_NUMBER,
                                            [GOSS__DECL_CATEGORY] = GOSS_COLUMN_CATEGORY,
                                            [GOSS__DECL_TEXT] = GOSS_COLUMN_TEXT,
                                            [GOSS__DECL_DATE] = GOSS_COLUMN_DATE};
    if (goss_table_find(b->t, d->name) >= 0) return name_twice(b, d->name, err);
    const int32_t code = goss__dictionary_add(&b->t->names, d->name);
    if (code < 0) return no_memory(b, err);
    goss__column *c = &b->t->column[code];
    c->name = b->t->names.text[code], c->of_matrix = d->of_matrix;
    if (d->type == GOSS__DECL_ANY) return GOSS_OK;
    c->fixed = true, c->type = type[d->type];
    snprintf(c->reason, sizeof c->reason, "%s", "the file's format says so");
    return take_categories(b, c, d, err);
}

static bool has_name(const goss__column_decl *decl, int n, const char *name) {
    for (int i = 0; i < n; i++)
        if (strcmp(decl[i].name, name) == 0) return true;
    return false;
}

static goss_status first_columns(goss__build *b, const goss__column_decl *decl, int n, goss_error *err) {
    goss_table *t = b->t;
    const int extra = b->folder != NULL; /* the column of files is first */
    t->column = goss__calloc((size_t)(n + extra), sizeof *t->column);
    b->tally = goss__calloc((size_t)(n + extra), sizeof *b->tally);
    b->map = goss__alloc((size_t)n * sizeof *b->map);
    b->names = goss__alloc((size_t)n * sizeof *b->names);
    b->given = goss__alloc((size_t)(n + extra) * sizeof *b->given);
    if (!t->column || !b->tally || !b->map || !b->names || !b->given) return no_memory(b, err);
    t->columns = n + extra, b->map_size = n;
    t->file_column = extra ? 0 : -1;
    if (extra) {
        const goss__column_decl file = {.name = has_name(decl, n, "file") ? "(file)" : "file",
                                        .type = GOSS__DECL_CATEGORY};
        GOSS_TRY(take_decl(b, &file, err));
        snprintf(t->column[0].reason, sizeof t->column[0].reason, "%s", "the file a row comes from");
    }
    for (int i = 0; i < n; i++) {
        GOSS_TRY(take_decl(b, &decl[i], err));
        b->map[i] = i + extra;
        b->names[i] = t->column[i + extra].name;
    }
    return GOSS_OK;
}

/* The names of a list that exist in the table. */
static goss_status find_some(const goss__build *b, const char *list, const char *what, int *columns, int *n,
                             goss_error *err) {
    char name[256];
    bool got = list != NULL;
    for (*n = 0; got && *n < b->t->columns;) {
        GOSS_TRY(goss__next_name(&list, what, name, &got, err));
        const int column = got ? goss_table_find(b->t, name) : -1;
        if (column >= 0) columns[(*n)++] = column;
    }
    return GOSS_OK;
}

/* Marks the columns in the caller's lists. All columns are known: the files of a folder have the same ones. */
static goss_status take_list(goss__build *b, const char *list, const char *key, bool ignore, goss_error *err) {
    char what[64];
    snprintf(what, sizeof what, "%s%s", b->options->section ? b->options->section : "", key);
    int *columns = goss__alloc((size_t)b->t->columns * sizeof *columns), n = 0;
    if (!columns) return no_memory(b, err);
    goss_status s = b->options->optional ? find_some(b, list, what, columns, &n, err)
                                         : goss_table_list(b->t, list, what, columns, &n, err);
    for (int i = 0; s == GOSS_OK && i < n; i++)
        *(ignore ? &b->t->column[columns[i]].ignored : &b->t->column[columns[i]].categorical) = true;
    goss__free(columns);
    return s;
}

static goss_status no_column(const goss__build *b, const char *has, const char *name, const char *lacks,
                             goss_error *err) {
    char label[GOSS__LABEL];
    return goss_error_set(err, GOSS_E_FORMAT,
                          "%s: there is no column %s, which %s has; the files of a table have the same columns", lacks,
                          goss__column_label(name, label), has);
}

enum { PLACE = 720 };

/* The columns of a later file, in any order. */
static goss_status next_columns(goss__build *b, const goss__column_decl *decl, int n, goss_error *err) {
    const goss_table *t = b->t;
    const char *first = t->file[0].name, *here = b->sink.name;
    char place[PLACE];
    int found = 0;
    memset(b->given, 0, (size_t)t->columns * sizeof *b->given);
    for (int i = 0; i < n; i++) {
        const int column = goss_table_find(t, decl[i].name);
        if (column < 0 || column == t->file_column) {
            goss__format(place, sizeof place, "%.350s/%.350s", b->folder, first);
            return no_column(b, here, decl[i].name, place, err);
        }
        if (b->given[column]) return name_twice(b, decl[i].name, err);
        b->given[column] = true;
        b->map[found++] = column;
    }
    for (int c = 0; c < t->columns; c++)
        if (!b->given[c] && c != t->file_column) return no_column(b, first, t->column[c].name, here, err);
    for (int i = 0; i < n; i++)
        if (t->column[b->map[i]].fixed && t->column[b->map[i]].type == GOSS_COLUMN_CATEGORY)
            GOSS_TRY(take_categories(b, &b->t->column[b->map[i]], &decl[i], err));
    return GOSS_OK;
}

/* ---- memory for rows ---- */

static bool grow_array(void *array, size_t count, size_t size) {
    void **p = array, *grown = goss__realloc(*p, count * size);
    if (grown) *p = grown;
    return grown != NULL;
}

static goss_status reserve(goss__build *b, size_t most, goss_error *err) {
    goss_table *t = b->t;
    size_t need = (size_t)t->rows + most;
    if (b->texts || need <= b->capacity) return GOSS_OK;
    if (need < b->capacity + b->capacity / 2) need = b->capacity + b->capacity / 2;
    if (need > (size_t)INT32_MAX + 1) need = (size_t)INT32_MAX + 1;
    if (!grow_array(&t->line, need, sizeof *t->line)) return no_memory(b, err);
    for (int i = 0; i < t->columns; i++)
        if (i != t->file_column &&
            !(grow_array(&t->column[i].numbers, need, sizeof(double)) &&
              (!b->options->spelling || grow_array(&t->column[i].spelling, need, sizeof *t->column[i].spelling))))
            return no_memory(b, err);
    b->capacity = need;
    return GOSS_OK;
}

static goss_status on_columns(goss__sink *sink, const goss__column_decl *decl, int n, size_t most_rows,
                              goss_error *err) {
    goss__build *b = (goss__build *)sink;
    if (!b->t->column) {
        GOSS_TRY(first_columns(b, decl, n, err));
        GOSS_TRY(take_list(b, b->options->categorical, "categorical", false, err));
        GOSS_TRY(take_list(b, b->options->ignore, "ignore", true, err));
        const int time = b->options->time ? goss_table_find(b->t, b->options->time) : -1;
        if (time >= 0) b->t->column[time].time = true, b->t->column[time].numeric_time = b->options->numeric_time;
    } else {
        GOSS_TRY(next_columns(b, decl, n, err));
    }
    return reserve(b, most_rows, err);
}

/* ---- cells ---- */

static goss_status bad_number(const goss__build *b, const goss__column *c, size_t line, const char *text,
                              goss_error *err) {
    char label[GOSS__LABEL];
    return goss_error_set(err, GOSS_E_FORMAT, "%s:%zu:%s: \"%.60s\" is not a number: %s", b->sink.name, line,
                          goss__column_label(c->name, label), text, goss__cell_advice(text, b->sink.decimal));
}

static void count_other(goss__build *b, goss__tally *y, goss__cell_class class, size_t line, const char *text) {
    if (y->dates + y->like + y->other == 0) {
        y->bad_file = b->file, y->bad_line = line;
        snprintf(y->bad_text, sizeof y->bad_text, "%s", text);
    }
    *(class == GOSS__IS_DATE ? &y->dates : class == GOSS__IS_LIKE ? &y->like : &y->other) += 1;
}

/* Whether a number was written as an integer that has neighbours which are the same number: from 2^53 on. */
static bool is_inexact(double value, const char *text) {
    if (fabs(value) < 9007199254740992.0) return false;
    text += strspn(text, " \t+-");
    return text[strspn(text, "0123456789 \t\r")] == 0;
}

static goss_status keep_inexact(goss__build *b, goss__column *c, const char *text, goss_error *err) {
    c->inexact = goss__arena_strdup(&b->t->arena, text);
    return c->inexact ? GOSS_OK : no_memory(b, err);
}

/* Times that are numbers may be dates all the same. */
static void count_compact(goss__build *b, goss__tally *y, size_t line, const char *text) {
    double seconds;
    if (goss__cell_date_seconds(text, &seconds)) {
        y->compact++;
    } else if (!*y->odd_text) {
        y->odd_file = b->file, y->odd_line = line;
        snprintf(y->odd_text, sizeof y->odd_text, "%s", text);
    }
}

/* First pass: stores numbers and counts the other kinds. */
static goss_status look(goss__build *b, int column, size_t line, const goss__cell *cell, double *value,
                        goss_error *err) {
    goss__column *c = &b->t->column[column];
    goss__tally *y = &b->tally[column];
    goss__cell_class class = GOSS__IS_TEXT;
    *value = NAN;
    if (cell->kind == GOSS__CELL_MISSING)
        class = GOSS__IS_MISSING;
    else if (cell->kind == GOSS__CELL_NUMBER)
        class = isnan(cell->number) ? GOSS__IS_MISSING : GOSS__IS_NUMBER, *value = cell->number;
    else if (cell->kind == GOSS__CELL_TEXT)
        class = goss__cell_classify(cell->text, b->sink.decimal, &b->missing, value);
    if (class == GOSS__IS_MISSING) {
        *value = NAN;
        y->missing++;
    } else if (class == GOSS__IS_NUMBER) {
        y->numbers++;
        if (c->time && cell->kind == GOSS__CELL_TEXT) count_compact(b, y, line, cell->text);
        if (!c->inexact && cell->kind == GOSS__CELL_TEXT && is_inexact(*value, cell->text))
            GOSS_TRY(keep_inexact(b, c, cell->text, err));
    } else {
        *value = NAN;
        if (c->fixed && c->type == GOSS_COLUMN_NUMBER) return bad_number(b, c, line, cell->text, err);
        count_other(b, y, class, line, cell->text);
    }
    return GOSS_OK;
}

/* Numbers with a decimal comma are not kept: what is written again has decimal points. */
static goss_status keep_spelling(goss__build *b, goss__column *c, const goss__cell *cell, goss_error *err) {
    const int row = b->t->rows;
    int32_t *to = &c->spelling[row];
    *to = -1;
    if (cell->kind != GOSS__CELL_TEXT || (b->sink.decimal != '.' && !isnan(c->numbers[row]))) return GOSS_OK;
    *to = goss__dictionary_add(&c->spelled, cell->text);
    return *to < 0 ? no_memory(b, err) : GOSS_OK;
}

static goss_status first_pass(goss__build *b, size_t line, const goss__cell *cells, goss_error *err) {
    goss_table *t = b->t;
    if ((size_t)t->rows >= b->capacity || t->rows == INT32_MAX)
        return goss_error_set(err, GOSS_E_UNSUPPORTED, "%s:%zu: more rows than a table holds (2^31)", b->sink.name,
                              line);
    for (int i = 0; i < b->map_size; i++)
        GOSS_TRY(look(b, b->map[i], line, &cells[i], &t->column[b->map[i]].numbers[t->rows], err));
    for (int i = 0; b->options->spelling && i < b->map_size; i++)
        GOSS_TRY(keep_spelling(b, &t->column[b->map[i]], &cells[i], err));
    t->line[t->rows++] = line > UINT32_MAX ? UINT32_MAX : (uint32_t)line;
    return GOSS_OK;
}

static bool is_missing(const goss__build *b, const goss__cell *cell) {
    double value;
    if (cell->kind == GOSS__CELL_NUMBER) return isnan(cell->number);
    if (cell->kind != GOSS__CELL_TEXT) return cell->kind == GOSS__CELL_MISSING;
    return goss__cell_classify(cell->text, b->sink.decimal, &b->missing, &value) == GOSS__IS_MISSING;
}

static goss_status unknown_value(goss__build *b, const goss__column *c, size_t line, const char *text,
                                 goss_error *err) {
    char label[GOSS__LABEL];
    return goss_error_set(err, GOSS_E_FORMAT,
                          "%s:%zu:%s: \"%.60s\" is not among the %d values that the header declares", b->sink.name,
                          line, goss__column_label(c->name, label), text, (int)c->texts.count);
}

static goss_status keep_text(goss__build *b, goss__column *c, size_t line, const goss__cell *cell, int32_t *code,
                             goss_error *err) {
    char number[GOSS_CELL_TEXT];
    const char *text = cell->text;
    *code = -1;
    if (is_missing(b, cell)) return GOSS_OK;
    if (cell->kind == GOSS__CELL_NUMBER) goss__number_print(cell->number, number), text = number;
    if (c->fixed && c->type == GOSS_COLUMN_CATEGORY && c->texts.count) {
        *code = goss__dictionary_find(&c->texts, text);
        return *code < 0 ? unknown_value(b, c, line, text, err) : GOSS_OK;
    }
    *code = goss__dictionary_add(&c->texts, text);
    return *code < 0 ? no_memory(b, err) : GOSS_OK;
}

static goss_status second_pass(goss__build *b, size_t line, const goss__cell *cells, goss_error *err) {
    goss_table *t = b->t;
    for (int i = 0; i < b->map_size; i++) {
        goss__column *c = &t->column[b->map[i]];
        if (c->codes) GOSS_TRY(keep_text(b, c, line, &cells[i], &c->codes[t->rows], err));
    }
    t->rows++;
    return GOSS_OK;
}

static goss_status on_row(goss__sink *sink, size_t line, const goss__cell *cells, goss_error *err) {
    goss__build *b = (goss__build *)sink;
    return b->texts ? second_pass(b, line, cells, err) : first_pass(b, line, cells, err);
}

goss_status goss__build_file(goss__build *b, int file, const char *name, goss_error *err) {
    b->file = file;
    b->sink = (goss__sink){.options = b->options,
                           .expected = file ? b->names : NULL,
                           .n_expected = file ? b->map_size : 0,
                           .decimal = '.',
                           .columns = on_columns,
                           .row = on_row};
    if (b->texts) return GOSS_OK;
    b->t->file[file] = (goss__file){.name = goss__arena_strdup(&b->t->arena, name), .first = b->t->rows};
    return b->t->file[file].name ? GOSS_OK : goss_error_set(err, GOSS_E_NOMEM, "%s: out of memory", name);
}

void goss__build_free(goss__build *b) {
    goss__free(b->tally);
    goss__free(b->map);
    goss__free(b->names);
    goss__free(b->given);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* text_classes.c: the rows of a table as a class set: texts, their classes, and other columns as fields. Encoded
 * texts are stored ragged: most are much shorter than the longest. */
#include "gossamer/text_class.h"

#include <string.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/log.h"
#include "base/rng.h"
#include "io/same_samples.h"
#include "task/text_classes.h"
#include "task/transform_text.h"

static goss_status no_memory(goss_error *err) {
    return goss_error_set(err, GOSS_E_NOMEM, "no memory for texts in classes");
}

void goss_text_classes_close(goss_text_classes *t) {
    if (!t) return;
    goss_encoding_free(t->encoding);
    goss_table_close(t->table);
    goss__arena_free(&t->arena);
    goss__free(t->x), goss__free(t->text);
    goss__free(t);
}

const goss_class_set *goss_text_classes_set(const goss_text_classes *t) { return &t->set; }
const goss_encoding *goss_text_classes_encoding(const goss_text_classes *t) { return t->encoding; }
const char *goss_text_classes_target(const goss_text_classes *t) { return goss_table_name(t->table, t->target); }
const char *goss_text_classes_text(const goss_text_classes *t) { return t->text; }
uint64_t goss_text_classes_hash(const goss_text_classes *t) { return goss_table_hash(t->table, true); }

/* ---- the table ---- */

goss_status goss__text_table_open(const char *path, const char *text, const char *target, const char *ignore,
                                  const char *missing, goss_table **out, goss_error *err) {
    goss_table_options o = goss_table_options_defaults();
    goss__str names = {0};
    *out = NULL;
    goss__name_list_add(&names, text); /* texts and classes may look like numbers */
    if (target) goss__name_list_add(&names, target);
    o.categorical = names.data, o.ignore = ignore, o.optional = true;
    if (missing) o.missing = missing;
    const goss_status s = names.failed ? no_memory(err) : goss_table_open(path, &o, out, err);
    goss__str_free(&names);
    return s;
}

static goss_status find_columns(goss_text_classes *t, const goss_text_class_options *o, goss_roles *roles,
                                goss_error *err) {
    const goss_roles_declared declared = {.text = o->text,
                                          .target = o->target && *o->target ? o->target : NULL,
                                          .task = "",
                                          .ignore = o->ignore,
                                          .section = "data."};
    GOSS_TRY(goss_table_roles(t->table, &declared, roles, err));
    t->column = goss_table_find(t->table, o->text), t->target = roles->target;
    if (t->target < 0)
        return goss_error_set(err, GOSS_E_ARGUMENT, "%s: no column is the class of a text; declare one (data.target)",
                              goss_table_path(t->table));
    if (roles->target_guessed)
        goss__log(GOSS_LOG_WARN, "data.target is not set: %s (%s)", goss_table_name(t->table, t->target),
                  roles->reason[t->target]);
    if (goss_table_type(t->table, t->target) == GOSS_COLUMN_NUMBER)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "%s: the target %s has numbers, where texts have classes; name it as data.target, or in "
                              "data.categorical",
                              goss_table_path(t->table), goss_table_name(t->table, t->target));
    return GOSS_OK;
}

/* ---- samples ---- */

/* An empty file is a text of no words, too. */
static bool has_text(const goss_text_classes *t, int row) {
    char buffer[GOSS_CELL_TEXT];
    if (goss_table_missing(t->table, t->column, row)) return false;
    const char *text = goss_table_text(t->table, t->column, row, buffer);
    return text[strspn(text, " \t\r\n")] != 0;
}

static goss_status take_rows(goss_text_classes *t, goss_error *err) {
    const int rows = goss_table_rows(t->table);
    t->row = goss__arena_alloc(&t->arena, ((size_t)rows + 1) * sizeof *t->row);
    if (!t->row) return no_memory(err);
    for (int r = 0; r < rows; r++)
        if (has_text(t, r) && !goss_table_missing(t->table, t->target, r)) t->row[t->set.samples++] = r;
    if (t->set.samples < rows)
        goss__log(GOSS_LOG_WARN, "%s: %d of %d rows have no text or no class and are left out",
                  goss_table_path(t->table), rows - t->set.samples, rows);
    if (t->set.samples) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT, "%s: no row has a text (%s) and a class (%s)",
                          goss_table_path(t->table), goss_table_name(t->table, t->column),
                          goss_table_name(t->table, t->target));
}

/* Codes of a column's values that occur among the samples, renumbered densely: *values of them, of [samples] (-1:
 * missing), names [*values]. */
static goss_status number_values(goss_text_classes *t, int column, int *values, const int32_t **of,
                                 const char *const **names, goss_error *err) {
    const int codes = goss_table_categories(t->table, column);
    int32_t *own = goss__arena_alloc(&t->arena, ((size_t)t->set.samples + 1) * sizeof *own);
    int32_t *number = goss__calloc((size_t)codes + 1, sizeof *number);
    const char **name = goss__arena_alloc(&t->arena, ((size_t)codes + 2) * sizeof *name);
    if (!own || !number || !name) {
        goss__free(number);
        return no_memory(err);
    }
    *values = 0;
    for (int i = 0; i < t->set.samples; i++) {
        const int code = goss_table_code(t->table, column, t->row[i]);
        if (code >= 0) number[code] = 1;
    }
    for (int c = 0; c < codes; c++)
        if (number[c]) name[*values] = goss_table_category(t->table, column, c), number[c] = ++*values;
    for (int i = 0; i < t->set.samples; i++) { /* a field may be missing */
        const int code = goss_table_code(t->table, column, t->row[i]);
        own[i] = code >= 0 ? number[code] - 1 : -1;
    }
    *of = own, *names = name;
    goss__free(number);
    return GOSS_OK;
}

static goss_status take_fields(goss_text_classes *t, const goss_roles *roles, goss_error *err) {
    const int columns = goss_table_columns(t->table);
    goss_class_field *field = goss__arena_alloc(&t->arena, ((size_t)columns + 1) * sizeof *field);
    if (!field) return no_memory(err);
    t->set.field = field;
    for (int c = 0; c < columns; c++) {
        const bool declared = strcmp(roles->reason[c], "declared") == 0; /* the text, the target, what is ignored */
        if (c == t->target || c == t->column || declared || goss_table_type(t->table, c) != GOSS_COLUMN_CATEGORY)
            continue;
        goss_class_field *f = &field[t->set.fields];
        f->name = goss_table_name(t->table, c);
        GOSS_TRY(number_values(t, c, &f->values, &f->of, &f->text, err));
        t->set.fields += f->values > 0; /* one that no sample has is none */
    }
    return GOSS_OK;
}

static goss_status name_samples(goss_text_classes *t, goss_error *err) {
    const size_t n = (size_t)t->set.samples;
    const char **name = goss__arena_alloc(&t->arena, (n + 1) * sizeof *name);
    uint64_t *hash = goss__arena_alloc(&t->arena, (n + 1) * sizeof *hash);
    if (!name || !hash) return no_memory(err);
    for (size_t i = 0; i < n; i++) {
        int file;
        int64_t line;
        char buffer[GOSS_CELL_TEXT];
        const char *text = goss_table_text(t->table, t->column, t->row[i], buffer);
        goss_table_origin(t->table, t->row[i], &file, &line);
        name[i] = goss__arena_printf(&t->arena, "%s:%lld", goss_table_file(t->table, file), (long long)line);
        if (!name[i]) return no_memory(err);
        hash[i] = goss__hash64(text, strlen(text), 0x74657874) | 1; /* 0 would be unknown */
    }
    t->set.sample_name = name, t->set.hash = hash;
    return GOSS_OK;
}

static const char *given(const char *text) { return text && *text ? text : NULL; }

/* Opens the table, and again by another target, where its values may have been read as numbers. */
static goss_status open_by(goss_text_classes *t, const goss_text_class_options *o, const char *target,
                           goss_error *err) {
    goss_table_close(t->table);
    return goss__text_table_open(o->path, o->text, target, given(o->ignore), given(o->missing), &t->table, err);
}

/* The columns of another table that a model is used with: *target is its name for the classes there. */
static goss_status open_other(goss_text_classes *t, const goss_text_class_options *o, const char **target,
                              goss_error *err) {
    static const char *const names[] = {"class", "label"};
    int column;
    GOSS_TRY(open_by(t, o, *target, err));
    GOSS_TRY(goss_error_prefix(err, goss_table_need(t->table, o->text, "texts", &column, err), "%s", o->path));
    if (goss_table_find(t->table, *target) >= 0) return GOSS_OK;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (goss_table_find(t->table, names[i]) < 0) continue;
        goss__log(GOSS_LOG_INFO, "%s: there is no column %s: the classes are those of %s", o->path, *target, names[i]);
        *target = names[i];
        return open_by(t, o, *target, err);
    }
    return goss_error_prefix(
        err,
        goss_table_need(t->table, *target, "classes (as in training, or in a column class or label)", &column, err),
        "%s", o->path);
}

static goss_status take(goss_text_classes *t, const goss_text_class_options *o, bool other, goss_error *err) {
    goss_text_class_options of = *o;
    goss_roles roles;
    of.target = given(o->target);
    GOSS_TRY(other ? open_other(t, o, &of.target, err)
                   : goss_error_prefix(err, open_by(t, o, of.target, err), "data.path"));
    if (given(o->missing) && !(t->missing = goss__arena_strdup(&t->arena, o->missing))) return no_memory(err);
    goss_status s = find_columns(t, &of, &roles, err);
    if (s == GOSS_OK) s = take_rows(t, err);
    if (s == GOSS_OK) s = take_fields(t, &roles, err);
    goss_roles_free(&roles);
    GOSS_TRY(s);
    GOSS_TRY(number_values(t, t->target, &t->set.classes, &t->set.class_of, &t->set.class_name, err));
    t->set.things = "texts";
    return name_samples(t, err);
}

goss_status goss__text_classes_open(const goss_text_class_options *options, bool other, goss_text_classes **out,
                                    goss_error *err) {
    *out = NULL;
    goss_text_classes *t = goss__calloc(1, sizeof *t);
    goss_status s = t ? take(t, options, other, err) : no_memory(err);
    if (s == GOSS_OK) s = goss__tell_same_samples(&t->set, options->path, err);
    if (s == GOSS_OK)
        *out = t;
    else
        goss_text_classes_close(t);
    return s;
}

goss_status goss_text_classes_open(const goss_text_class_options *options, goss_text_classes **out, goss_error *err) {
    return goss__text_classes_open(options, false, out, err);
}

/* ---- as numbers ---- */

static int copy(const goss_class_set *set, int sample, goss_class_random random, void *scratch, float *x) {
    const goss_text_classes *t = set->context;
    const size_t n = t->at[sample + 1] - t->at[sample], width = (size_t)goss_encoding_width(t->encoding);
    (void)random, (void)scratch;
    memcpy(x, t->x + t->at[sample], n * sizeof *x);
    memset(x + n, 0, (width - n) * sizeof *x);
    return t->shape.steps ? (int)(n / (size_t)t->shape.channels) : 0;
}

static goss_status append(goss_text_classes *t, size_t *room, const float *x, size_t n, size_t at, goss_error *err) {
    if (at + n > *room) {
        const size_t more = 2 * (at + n);
        float *wider = goss__realloc(t->x, more * sizeof *wider);
        if (!wider) return no_memory(err);
        t->x = wider, *room = more;
    }
    memcpy(t->x + at, x, n * sizeof *x);
    return GOSS_OK;
}

/* Encodes in small batches and drops the padding behind each length. */
static goss_status encode(goss_text_classes *t, goss_error *err) {
    enum { BATCH = 64 };
    const size_t width = (size_t)goss_encoding_width(t->encoding);
    size_t room = 0;
    int64_t cut = 0;
    int32_t length[BATCH];
    goss_encoding_report report;
    float *x = goss__calloc(BATCH * width, sizeof *x);
    t->at = goss__arena_alloc(&t->arena, ((size_t)t->set.samples + 1) * sizeof *t->at);
    goss_status s = x && t->at ? GOSS_OK : no_memory(err);
    for (int first = 0; s == GOSS_OK && first < t->set.samples; first += BATCH) {
        const int n = t->set.samples - first < BATCH ? t->set.samples - first : BATCH;
        s = goss_encoding_apply(t->encoding, t->table, t->row + first, n, x, &report, err);
        cut += report.cut;
        if (s == GOSS_OK) goss_encoding_lengths(t->encoding, x, n, length);
        for (int i = 0; s == GOSS_OK && i < n; i++) {
            const size_t size = (size_t)length[i] * (size_t)t->shape.channels, at = t->at[first + i];
            s = append(t, &room, x + (size_t)i * width, size, at, err);
            t->at[first + i + 1] = at + size;
        }
    }
    goss__free(x);
    if (s == GOSS_OK && cut)
        goss__log(GOSS_LOG_INFO, "%lld of %d texts have more than %d tokens: further ones are cut off", (long long)cut,
                  t->set.samples, t->shape.steps);
    return s;
}

goss_status goss__text_classes_encode(goss_text_classes *t, goss_error *err) {
    goss_encoding_texts(t->encoding, &t->shape);
    const goss_text_shape s = t->shape;
    t->set.input_rank = s.steps ? 2 : 1, t->set.lengths = s.steps > 0;
    t->set.input[0] = s.steps ? s.steps : s.channels, t->set.input[1] = s.steps ? s.channels : 0;
    t->set.copy = copy, t->set.context = t;
    return encode(t, err);
}

goss_status goss_text_classes_fit(goss_text_classes *t, const bool *use, const goss_text_options *options,
                                  goss_error *err) {
    int32_t *rows = goss__calloc((size_t)t->set.samples + 1, sizeof *rows);
    int n = 0;
    if (!rows) return no_memory(err);
    for (int i = 0; i < t->set.samples; i++)
        if (!use || use[i]) rows[n++] = t->row[i];
    goss_status s = goss_encoding_fit_texts(t->table, t->column, rows, n, options, &t->encoding, err);
    goss__free(rows);
    if (s == GOSS_OK) s = goss__text_classes_encode(t, err);
    return s == GOSS_OK ? goss__text_classes_text(t, &t->text, err) : s;
}

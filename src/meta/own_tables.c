/* SPDX-License-Identifier: Apache-2.0 */
/* own_tables.c: tables of files as tasks. A table is encoded once, when it is read; a draw chooses its rows, calls its
 * classes by random numbers, and, of numbers, takes the support set's deviation as the unit, as with tables of the
 * prior (prior_source.c). Standardising columns by the support set is the method's. */
#include "meta/own_tables.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "base/str.h"
#include "gossamer/prior.h"
#include "meta/table_slots.h"
#include "table/table_source.h"
#include "task/task.h"

static const float most = 10; /* deviations from the mean, as tables of the prior have them */

typedef struct own_table {
    int rows, slots, classes;
    float *x; /* [rows, 2 slots] values and flags */
    float *y;
    uint64_t *hash; /* [rows] of what the file says, to be recognised by */
} own_table;

struct goss__own_tables {
    goss__own_options o;
    own_table *table;
    uint32_t *order; /* [tables] those held out first */
    int tables, held, most_rows;
};

static goss_status no_memory(goss_error *err) { return goss_error_set(err, GOSS_E_NOMEM, "no memory for tables"); }

/* ---- reading ---- */

static goss_status find_roles(const goss__own_options *o, const goss_table *t, goss_roles *out, goss_error *err) {
    const int columns = goss_table_columns(t);
    const goss_roles_declared declared = {.target =
                                              o->target && *o->target ? o->target : goss_table_name(t, columns - 1),
                                          .task = "",
                                          .section = o->read.section};
    return goss_error_prefix(err, goss_table_roles(t, &declared, out, err), "%s", goss_table_path(t));
}

static goss_status labelled(const goss_table *t, int target, int32_t **rows, int *n, goss_error *err) {
    *n = 0;
    if (!(*rows = goss__alloc(((size_t)goss_table_rows(t) + 1) * sizeof **rows))) return no_memory(err);
    for (int i = 0; i < goss_table_rows(t); i++)
        if (!goss_table_missing(t, target, i)) (*rows)[(*n)++] = i;
    return GOSS_OK;
}

/* Most support rows: the others are to be predicted. */
static int most_support(const goss__own_options *o, int rows) {
    const int share = rows - (rows + 3) / 4;
    return o->support < share ? o->support : share;
}

static goss_status check(const goss__own_options *o, const own_table *t, const char *path, goss_error *err) {
    const int needed = t->classes ? 2 * t->classes : 2;
    if (t->classes > o->classes)
        return goss_error_set(
            err, GOSS_E_ARGUMENT,
            "%s: %d classes, more than prior.classes = %d; numbers are learned with task.objective = student", path,
            t->classes, o->classes);
    if (most_support(o, t->rows) >= needed) return GOSS_OK;
    const char *each = t->classes ? ", two for each class" : "";
    if (o->support < needed)
        return goss_error_set(err, GOSS_E_ARGUMENT, "%s: its support sets need %d rows%s; prior.support is %d at most",
                              path, needed, each, o->support);
    int enough = needed;
    while (enough - (enough + 3) / 4 < needed) enough++;
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "%s: %d rows with a target are too few: a support set takes at most three quarters of them, "
                          "and has to have %d rows%s: %d rows are enough",
                          path, t->rows, needed, each, enough);
}

static goss_status encode(const goss__slots *s, const goss_table *table, const int32_t *rows, own_table *t,
                          goss_error *err) {
    const size_t n = (size_t)t->rows, width = (size_t)s->width, slots = (size_t)s->n;
    float *x = goss__calloc(n * width + 1, sizeof *x);
    t->x = goss__calloc(n * 2 * slots + 1, sizeof *t->x), t->y = goss__calloc(n + 1, sizeof *t->y);
    goss_status status = x && t->x && t->y ? GOSS_OK : no_memory(err);
    if (status == GOSS_OK) status = goss_table_transform_targets(s->fit->transform, table, rows, t->rows, t->y, err);
    if (status == GOSS_OK) status = goss_table_transform_apply(s->fit->transform, table, rows, t->rows, x, NULL, err);
    for (size_t i = 0; status == GOSS_OK && i < n; i++) {
        float *values = t->x + i * 2 * slots;
        goss__slots_put(s, x + i * width, values, values + slots);
        for (size_t k = 0; k < slots; k++) values[k] = values[k] > most ? most : values[k] < -most ? -most : values[k];
    }
    goss__free(x);
    return status;
}

static goss_status keep_hashes(const goss_table *table, const int32_t *rows, own_table *t, goss_error *err) {
    if (!(t->hash = goss__alloc(((size_t)t->rows + 1) * sizeof *t->hash))) return no_memory(err);
    for (int i = 0; i < t->rows; i++) t->hash[i] = goss_table_row_hash(table, NULL, 0, rows[i]);
    return GOSS_OK;
}

static goss_status take(const goss__own_options *o, const goss_table *table, own_table *t, goss_error *err) {
    goss_roles roles = {0};
    goss__slots s = {0};
    int32_t *rows = NULL;
    goss_status status = find_roles(o, table, &roles, err);
    if (status == GOSS_OK) status = labelled(table, roles.target, &rows, &t->rows, err);
    if (status == GOSS_OK)
        status = goss__slots_fit(&s, table, &roles, rows, t->rows, o->objective, o->slots, " (prior.columns)", err);
    if (status == GOSS_OK) {
        t->slots = s.n, t->classes = o->objective->classes ? goss_table_transform_classes(s.fit->transform) : 0;
        status = check(o, t, goss_table_path(table), err);
    }
    if (status == GOSS_OK) status = encode(&s, table, rows, t, err);
    if (status == GOSS_OK) status = keep_hashes(table, rows, t, err);
    goss__slots_free(&s);
    goss_roles_free(&roles);
    goss__free(rows);
    return status;
}

/* A file of a folder is a table by itself, named by its path. */
static goss_status read_part(const goss__parts *parts, size_t i, goss__own_tables *p, goss_error *err) {
    goss__part_bytes bytes;
    goss_table *table;
    goss__str name = {0};
    GOSS_TRY(goss__part_load(parts, i, &bytes, err));
    goss__str_addf(&name, parts->folder || parts->zip ? "%s/%s" : "%s", parts->path, parts->part[i].name);
    goss_status s = name.failed
                        ? no_memory(err)
                        : goss_table_read(bytes.bytes.data, bytes.bytes.size, name.data, &p->o.read, &table, err);
    goss__part_drop(&bytes);
    if (s == GOSS_OK) {
        s = take(&p->o, table, &p->table[p->tables++], err);
        goss_table_close(table);
    }
    goss__str_free(&name);
    return s;
}

static goss_status read_all(goss__own_tables *p, goss_error *err) {
    goss__parts parts;
    GOSS_TRY(goss__parts_open(p->o.path, &parts, err));
    p->table = goss__calloc(parts.count + 1, sizeof *p->table);
    goss_status s = p->table ? GOSS_OK : no_memory(err);
    for (size_t i = 0; s == GOSS_OK && i < parts.count; i++) s = read_part(&parts, i, p, err);
    goss__parts_close(&parts);
    for (int i = 0; i < p->tables; i++)
        if (p->table[i].rows > p->most_rows) p->most_rows = p->table[i].rows;
    return s;
}

static goss_status hold_out(goss__own_tables *p, goss_error *err) {
    goss__rng rng = goss__rng_make(p->o.seed, 0);
    p->order = goss__calloc((size_t)p->tables + 1, sizeof *p->order);
    if (!p->order) return no_memory(err);
    for (int i = 0; i < p->tables; i++) p->order[i] = (uint32_t)i;
    goss__rng_shuffle(&rng, p->order, (uint32_t)p->tables, (uint32_t)p->tables);
    p->held = (int)round(p->o.hold_out * p->tables);
    return GOSS_OK;
}

goss_status goss__own_tables_open(const goss__own_options *o, goss__own_tables **out, goss_error *err) {
    goss__own_tables *p = goss__calloc(1, sizeof *p);
    *out = NULL;
    if (!p) return no_memory(err);
    p->o = *o, p->o.read.optional = true;
    goss_status s = read_all(p, err);
    if (s == GOSS_OK) s = hold_out(p, err);
    if (s == GOSS_OK)
        *out = p;
    else
        goss__own_tables_free(p);
    return s;
}

void goss__own_tables_free(goss__own_tables *p) {
    if (!p) return;
    for (int i = 0; p->table && i < p->tables; i++)
        goss__free(p->table[i].x), goss__free(p->table[i].y), goss__free(p->table[i].hash);
    goss__free(p->table), goss__free(p->order);
    goss__free(p);
}

int goss__own_tables_count(const goss__own_tables *p, bool held) { return held ? p->held : p->tables - p->held; }

uint64_t goss__own_tables_hash(const goss__own_tables *p) {
    uint64_t hash = p->o.seed;
    for (int i = 0; i < p->tables; i++) {
        const own_table *t = &p->table[i];
        const int sizes[] = {t->rows, t->slots, t->classes};
        hash = goss__hash64(sizes, sizeof sizes, hash);
        hash = goss__hash64(t->x, (size_t)t->rows * 2 * (size_t)t->slots * sizeof *t->x, hash);
        hash = goss__hash64(t->y, (size_t)t->rows * sizeof *t->y, hash);
    }
    return hash;
}

goss_status goss__own_tables_mark(const goss__own_tables *p, goss_model *m, goss_error *err) {
    for (int i = 0; i < p->tables; i++) {
        const own_table *t = &p->table[p->order[i]];
        const goss_use use = i < p->held ? GOSS_USE_VALIDATE : GOSS_USE_TRAIN;
        GOSS_TRY(goss_model_mark_samples(m, use, t->hash, (size_t)t->rows, err));
    }
    return GOSS_OK;
}

/* ---- drawing ---- */

typedef struct source {
    const goss__own_tables *all;
    bool held;
    uint32_t *row;  /* [most_rows] in random order */
    int32_t *order; /* [most_rows] the support set's first */
} source;

static int draw_support(const goss__own_options *o, const own_table *t, goss__rng *rng) {
    const int high = most_support(o, t->rows), needed = t->classes ? 2 * t->classes : 2;
    int low = o->least_support < high ? o->least_support : high;
    if (low < needed) low = needed;
    return (int)floor(low * pow((high + 1.0) / low, goss__rng_uniform(rng)));
}

/* Support: the first two rows of each class, then rows in order; the rest are queries. Returns how many: a class of a
 * single row has none to give. */
static int divide(source *s, const own_table *t, int support) {
    int count[GOSS_PRIOR_MOST_CLASSES] = {0}, n = 0, last = t->rows;
    const int room = support - 2 * t->classes;
    for (int i = 0, other = 0; i < t->rows; i++) {
        const int row = (int)s->row[i];
        const bool needed = t->classes && count[(int)t->y[row]]++ < 2;
        if (needed || other++ < room)
            s->order[n++] = row;
        else
            s->order[--last] = row;
    }
    return n;
}

static void write_rows(const own_table *t, const int32_t *rows, int n, int slots, float *x, int32_t *numbers) {
    for (int i = 0; x && i < n; i++) {
        const float *from = t->x + (size_t)rows[i] * 2 * (size_t)t->slots;
        float *to = x + (size_t)i * 2 * (size_t)slots;
        memset(to, 0, 2 * (size_t)slots * sizeof *to);
        memcpy(to, from, (size_t)t->slots * sizeof *to);
        memcpy(to + slots, from + t->slots, (size_t)t->slots * sizeof *to);
    }
    for (int i = 0; numbers && i < n; i++) numbers[i] = rows[i];
}

/* Classes by random numbers; numbers in units of the support set's deviation. */
static void write_targets(const own_table *t, const int32_t *order, int support, goss__rng *rng, float *shown,
                          float *asked, int queries) {
    uint32_t called[GOSS_PRIOR_MOST_CLASSES];
    double sum = 0, squares = 0;
    for (int c = 0; c < t->classes; c++) called[c] = (uint32_t)c;
    goss__rng_shuffle(rng, called, (uint32_t)t->classes, (uint32_t)t->classes);
    for (int i = 0; i < support; i++) sum += (double)t->y[order[i]];
    const double mean = sum / support;
    for (int i = 0; i < support; i++) squares += ((double)t->y[order[i]] - mean) * ((double)t->y[order[i]] - mean);
    const double deviation = sqrt(squares / support);
    for (int i = 0; i < support + queries; i++) {
        float *to = i < support ? shown ? shown + i : NULL : asked ? asked + i - support : NULL;
        const float y = t->y[order[i]];
        if (to && t->classes)
            *to = (float)called[(int)y];
        else if (to)
            *to = deviation > 0 ? (float)(((double)y - mean) / deviation) : 0;
    }
}

static void draw(const goss_task_source *self, uint64_t k, goss_task *task) {
    source *s = self->context;
    const goss__own_tables *all = s->all;
    const int count = goss__own_tables_count(all, s->held), first = s->held ? 0 : all->held;
    goss__rng rng = goss__rng_make(all->o.seed, 1 + 2 * k + s->held);
    const own_table *t = &all->table[all->order[first + (int)goss__rng_below(&rng, (uint32_t)count)]];
    const int wanted = draw_support(&all->o, t, &rng);
    for (int i = 0; i < t->rows; i++) s->row[i] = (uint32_t)i;
    goss__rng_shuffle(&rng, s->row, (uint32_t)t->rows, (uint32_t)t->rows);
    const int support = divide(s, t, wanted);
    const int queries = t->rows - support < all->o.queries ? t->rows - support : all->o.queries;
    write_rows(t, s->order, support, all->o.slots, task->support, task->support_rows);
    write_rows(t, s->order + support, queries, all->o.slots, task->query, task->query_rows);
    write_targets(t, s->order, support, &rng, task->support_target, task->query_target, queries);
    for (int c = t->classes; task->class_mask && t->classes && c < self->spec.outputs; c++) task->class_mask[c] = 0;
    task->supports = support, task->queries = queries, task->id = -1;
    if (t->classes) task->outputs = t->classes;
}

static void free_source(void *context) {
    source *s = context;
    goss__free(s->row), goss__free(s->order);
    goss__free(s);
}

goss_status goss__own_tables_source(const goss__own_tables *p, bool held, goss_task_source *out, goss_error *err) {
    source *s = goss__calloc(1, sizeof *s);
    *out = (goss_task_source){0};
    if (!s) return no_memory(err);
    *s = (source){.all = p, .held = held};
    s->row = goss__calloc((size_t)p->most_rows + 1, sizeof *s->row);
    s->order = goss__calloc((size_t)p->most_rows + 1, sizeof *s->order);
    if (!s->row || !s->order) {
        free_source(s);
        return no_memory(err);
    }
    *out = (goss_task_source){.context = s, .draw = draw, .free = free_source};
    out->spec = (goss_task_spec){.input_rank = 1,
                                 .input = {2 * p->o.slots},
                                 .objective = p->o.objective,
                                 .outputs = p->o.objective->classes ? p->o.classes : 1,
                                 .supports = p->o.support,
                                 .queries = p->o.queries};
    return GOSS_OK;
}

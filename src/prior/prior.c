/* SPDX-License-Identifier: Apache-2.0 */
/* prior.c: a prior: its options, its memory, and the steps of a draw. All that is random of table k comes from the
 * stream k of the seed, in the order of the steps; its size from the stream k / group of another key. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/number.h"
#include "prior/prior.h"

#define SIZE_KEY 0x5153u /* the streams of sizes are not those of tables */

goss_prior_options goss_prior_defaults(void) {
    return (goss_prior_options){.least_rows = 50,
                                .rows = 200,
                                .least_columns = 2,
                                .columns = 20,
                                .classes = 10,
                                .missing = 0.3,
                                .categorical = 0.3,
                                .group = 1};
}

const goss_prior_options *goss_prior_options_of(const goss_prior *prior) { return &prior->options; }

/* ---- options ---- */

static goss_status no_family(const char *name, size_t length, goss_error *err) {
    char known[200] = "";
    for (int i = 0; goss__family_at(i); i++) {
        if (i > 0) strcat(known, ", ");
        strcat(known, goss__family_at(i)->public.name);
    }
    return goss_error_set(err, GOSS_E_ARGUMENT, "families: there is no \"%.*s\"; there are %s", (int)length, name,
                          known);
}

static int find_family(const char *name, size_t length) {
    for (int i = 0; goss__family_at(i); i++) {
        const char *known = goss__family_at(i)->public.name;
        if (strlen(known) == length && strncmp(known, name, length) == 0) return i;
    }
    return -1;
}

/* One "name" or "name=weight". */
static goss_status read_family(const char *item, size_t length, double *weight, goss_error *err) {
    char number[32];
    const char *equals = memchr(item, '=', length);
    const size_t name = equals ? (size_t)(equals - item) : length;
    const int i = find_family(item, name);
    double value = 1;
    if (i < 0) return no_family(item, name, err);
    if (weight[i] != 0)
        return goss_error_set(err, GOSS_E_ARGUMENT, "families: \"%.*s\" is listed twice", (int)name, item);
    if (equals) {
        const size_t digits = length - name - 1;
        memcpy(number, equals + 1, digits < sizeof number ? digits : 0);
        number[digits < sizeof number ? digits : 0] = 0;
        if (!goss__number_parse(number, &value) || value < 0 || value > 1e6)
            return goss_error_set(err, GOSS_E_ARGUMENT, "families: \"%.*s\": the weight is a number from 0 to 1000000",
                                  (int)length, item);
    }
    weight[i] = value;
    return GOSS_OK;
}

static goss_status read_families(const char *text, double *weight, goss_error *err) {
    double sum = 0;
    for (int i = 0; !text && goss__family_at(i); i++) weight[i] = goss__family_at(i)->public.weight;
    while (text && *text) {
        const char *begin = text + strspn(text, ", ");
        const size_t length = strcspn(begin, ", ");
        if (length > 0) GOSS_TRY(read_family(begin, length, weight, err));
        text = begin + length;
    }
    for (int i = 0; goss__family_at(i); i++) sum += weight[i];
    return sum > 0 ? GOSS_OK : goss_error_set(err, GOSS_E_ARGUMENT, "families: none has a positive weight");
}

static goss_status check_range(const char *name, double value, double low, double high, goss_error *err) {
    if (value >= low && value <= high) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT, "%s: %g is not from %g to %g", name, value, low, high);
}

static goss_status check(const goss_prior_options *o, goss_error *err) {
    GOSS_TRY(check_range("rows", o->rows, 10, GOSS_PRIOR_MOST_ROWS, err));
    GOSS_TRY(check_range("least rows", o->least_rows, 10, o->rows, err));
    GOSS_TRY(check_range("columns", o->columns, 1, GOSS_PRIOR_MOST_COLUMNS, err));
    GOSS_TRY(check_range("least columns", o->least_columns, 1, o->columns, err));
    GOSS_TRY(check_range("classes", o->classes, 2, GOSS_PRIOR_MOST_CLASSES, err));
    GOSS_TRY(check_range("regression", o->regression, 0, 1, err));
    GOSS_TRY(check_range("missing", o->missing, 0, 1, err));
    GOSS_TRY(check_range("categorical", o->categorical, 0, 1, err));
    return check_range("group", o->group, 1, 1 << 20, err);
}

/* ---- memory ---- */

static size_t take(size_t *at, size_t count, size_t size) {
    const size_t begin = *at;
    *at += (count * size + 63) / 64 * 64;
    return begin;
}

/* Sizes: docs of the members in prior.h. Nodes suffice for the widest family, two halves of a network's layers. */
static goss_status allocate(goss_prior *p, goss_error *err) {
    goss__draft *d = &p->draft;
    const size_t rows = (size_t)p->options.rows, columns = (size_t)p->options.columns;
    const size_t nodes = 2 * columns + 300, units = columns + 80;
    const size_t product = d->kernels->gemm_scratch((int64_t)units, (int64_t)rows, (int64_t)units, false, false);
    size_t size = 0;
    const size_t x = take(&size, columns * rows, sizeof(float)), z = take(&size, columns * rows, sizeof(float));
    const size_t y = take(&size, GOSS_PRIOR_MOST_CLASSES * rows, sizeof(float));
    const size_t values = take(&size, rows, sizeof(float)), target = take(&size, rows, sizeof(float));
    const size_t node = take(&size, nodes * rows, sizeof(float)), weight = take(&size, units * units, sizeof(float));
    const size_t index = take(&size, rows > nodes ? rows : nodes, sizeof(int));
    const size_t column = take(&size, columns, sizeof *d->column), scratch = take(&size, product, 1);
    char *memory = p->memory = goss__alloc_aligned(size);
    if (!memory)
        return goss_error_set(err, GOSS_E_NOMEM, "no memory to draw tables of %zu rows and %zu columns", rows, columns);
    d->x = (float *)(memory + x), d->z = (float *)(memory + z), d->y = (float *)(memory + y);
    d->values = (float *)(memory + values), p->target = (float *)(memory + target);
    d->nodes = (float *)(memory + node), d->most_nodes = (int)nodes, d->weights = (float *)(memory + weight);
    d->index = (int *)(memory + index), d->column = (goss_prior_column *)(memory + column);
    d->scratch = memory + scratch;
    return GOSS_OK;
}

goss_status goss_prior_create(const goss_prior_options *options, goss_prior **out, goss_error *err) {
    const goss_prior_options o = options ? *options : goss_prior_defaults();
    GOSS_TRY(check(&o, err));
    *out = NULL;
    goss_prior *p = goss__calloc(1, sizeof *p);
    if (!p) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a prior");
    p->options = o, p->options.families = NULL; /* borrowed, and read here */
    p->draft.kernels = goss__kernels_best();
    p->draft.options = &p->options;
    goss_status s = read_families(o.families, p->weight, err);
    if (s == GOSS_OK) s = allocate(p, err);
    if (s == GOSS_OK)
        *out = p;
    else
        goss_prior_free(p);
    return s;
}

void goss_prior_free(goss_prior *prior) {
    if (!prior) return;
    goss__free(prior->memory);
    goss__free(prior);
}

/* ---- sizes ---- */

static int log_between(goss__noise *r, int low, double high) {
    const int n = (int)goss__noise_log_between(r, low, high + 1);
    return n > (int)high ? (int)high : n;
}

void goss__prior_sizes(const goss_prior_options *o, uint64_t k, int *rows, int *columns) {
    const uint64_t group = k / (uint64_t)o->group, first = group * (uint64_t)o->group;
    const double way = first < o->curriculum ? (double)first / (double)o->curriculum : 1;
    goss__noise r = {.r = goss__rng_make(o->seed ^ (uint64_t)SIZE_KEY << 48, group)};
    const double most_rows = o->least_rows * pow((double)o->rows / o->least_rows, way);
    const double most_columns = o->least_columns * pow((double)o->columns / o->least_columns, way);
    *rows = log_between(&r, o->least_rows, floor(most_rows + 1e-9));
    *columns = o->least_columns + goss__noise_below(&r, (int)(most_columns + 1e-9) - o->least_columns + 1);
}

void goss_prior_size(const goss_prior *prior, uint64_t k, int *rows, int *columns) {
    int n, m;
    goss__prior_sizes(&prior->options, k, &n, &m);
    if (rows) *rows = n;
    if (columns) *columns = m;
}

/* ---- drawing ---- */

static void write_columns(const goss_prior *p, goss_prior_table *t) {
    const goss__draft *d = &p->draft;
    const size_t stride = (size_t)p->options.columns;
    if (t->x) memset(t->x, 0, (size_t)p->options.rows * stride * sizeof *t->x);
    if (t->column) memset(t->column, 0, stride * sizeof *t->column);
    for (int j = 0; j < d->columns; j++) {
        const float *v = goss__draft_x(d, d->index[j]);
        for (int i = 0; t->x && i < d->rows; i++) t->x[(size_t)i * stride + (size_t)j] = v[i];
        if (t->column) t->column[j] = d->column[d->index[j]];
    }
}

void goss__prior_draw_sized(goss_prior *prior, uint64_t k, int rows, int columns, goss_prior_table *table) {
    goss__draft *d = &prior->draft;
    d->noise = (goss__noise){goss__rng_make(prior->options.seed, k), d->kernels};
    d->rows = rows, d->columns = columns;
    const int family = goss__noise_choose(&d->noise, prior->weight, GOSS__FAMILIES);
    goss__answer_plan(d);
    goss__family_at(family)->make(d);
    goss__columns_finish(d);
    goss__answer_finish(d, prior->target);
    goss__values_shuffle(d, d->index, columns);
    write_columns(prior, table);
    if (table->y) {
        memset(table->y, 0, (size_t)prior->options.rows * sizeof *table->y);
        memcpy(table->y, prior->target, (size_t)rows * sizeof *table->y);
    }
    table->rows = rows, table->columns = columns, table->classes = d->classes, table->family = family;
}

void goss_prior_draw(goss_prior *prior, uint64_t k, goss_prior_table *table) {
    int rows, columns;
    goss_prior_size(prior, k, &rows, &columns);
    goss__prior_draw_sized(prior, k, rows, columns, table);
}

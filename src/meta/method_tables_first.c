/* SPDX-License-Identifier: Apache-2.0 */
/* method_tables_first.c: the first layer of a table's network. Four kinds of units:
 *
 *   fitted   ridge regressions of mixtures of the labels: what is linear in the table is there from the start
 *   summed   sums of rows, weighed by what each has come to mean: how columns go together
 *   ranked   steps along one column: the columns that tell most of the classes, in that order, have some each; so later
 *            layers, which are the same for all tables, know what comes from the first, the second, ...
 *   crossed  steps across each pair of these columns, which are the same for all tables but for what the columns'
 *            summaries add: how columns interact (random features of two columns, with a length scale a column)
 *
 * To the first two comes a map of each column's summary. */
#include "meta/method_tables.h"

enum { STRENGTHS = 3 }; /* of fits */
static const double least = 1e-4;

int64_t goss__tables_units(const goss_method *m) { return goss_layout_entry(goss_target_layout(m->target), 0)->dim[1]; }

static int64_t step_units(const goss_method *m) { return m->options.cells.ranked * GOSS__TABLES_THRESHOLDS; }

/* Units that see ranked columns alone. */
static int64_t ranked_units(const goss_method *m) {
    const int64_t r = m->options.cells.ranked;
    return step_units(m) + r * r * m->options.cells.crossed;
}

static goss_status plan_ranked(goss_method *m, goss_error *err) {
    const int64_t d = m->options.cells.width, r = step_units(m), b = GOSS__TABLES_THRESHOLDS;
    GOSS_TRY(goss__cells_add(m->cells, "ranked.slope", 0, r, GOSS_INIT_ZEROS, err));
    GOSS_TRY(goss__cells_add(m->cells, "ranked.at", 0, r, GOSS_INIT_NORMAL, err));
    GOSS_TRY(goss__cells_add(m->cells, "ranked.slope.column", d, b, GOSS_INIT_ZEROS, err));
    GOSS_TRY(goss__cells_add(m->cells, "ranked.at.column", d, b, GOSS_INIT_ZEROS, err));
    return goss__cells_add(m->cells, "ranked.missing", d, b, GOSS_INIT_ZEROS, err);
}

static goss_status plan_crossed(goss_method *m, goss_error *err) {
    const int64_t d = m->options.cells.width, r = m->options.cells.ranked, n = r * r * m->options.cells.crossed;
    if (n == 0) return GOSS_OK;
    GOSS_TRY(goss__cells_add(m->cells, "crossed.first", 0, n, GOSS_INIT_NORMAL, err));
    GOSS_TRY(goss__cells_add(m->cells, "crossed.second", 0, n, GOSS_INIT_NORMAL, err));
    GOSS_TRY(goss__cells_add(m->cells, "crossed.at", 0, n, GOSS_INIT_NORMAL, err));
    GOSS_TRY(goss__cells_add(m->cells, "crossed.relevance", d, 1, GOSS_INIT_ZEROS, err));
    GOSS_TRY(goss__cells_add(m->cells, "crossed.column", d, n, GOSS_INIT_ZEROS, err));
    GOSS_TRY(goss__cells_add(m->cells, "crossed.missing", d, n, GOSS_INIT_ZEROS, err));
    return goss__cells_add(m->cells, "crossed.whole", d, 2 * n, GOSS_INIT_ZEROS, err);
}

goss_status goss__tables_plan_first(goss_method *m, goss_error *err) {
    const goss_cells_options *o = &m->options.cells;
    const int64_t d = o->width, r = ranked_units(m), h = goss__tables_units(m) - r;
    GOSS_TRY(goss__cells_add(m->cells, "first.column", d, h - o->directions, GOSS_INIT_LECUN, err));
    GOSS_TRY(goss__cells_add(m->cells, "first.gain", d, h - o->directions, GOSS_INIT_ZEROS, err));
    GOSS_TRY(goss__cells_add(m->cells, "first.missing", d, h, GOSS_INIT_ZEROS, err));
    GOSS_TRY(goss__cells_add(m->cells, "first.row", d, h - o->directions, GOSS_INIT_LECUN, err));
    if (o->directions > 0)
        GOSS_TRY(goss__cells_add(m->cells, "first.label", GOSS__CELLS_CLASSES, o->directions, GOSS_INIT_NORMAL, err));
    GOSS_TRY(goss__cells_add(m->cells, "first.lambda", d, STRENGTHS, GOSS_INIT_ZEROS, err));
    GOSS_TRY(goss__cells_add(m->cells, "first.lambda.base", 0, STRENGTHS, GOSS_INIT_ZEROS, err));
    GOSS_TRY(goss__cells_add(m->cells, "first.scale", 0, h, GOSS_INIT_ZEROS, err));
    GOSS_TRY(goss__cells_add(m->cells, "first.offset", 0, h, GOSS_INIT_NORMAL, err));
    GOSS_TRY(goss__cells_add(m->cells, "first.whole", d, 2 * h, GOSS_INIT_ZEROS, err));
    if (r == 0) return GOSS_OK;
    GOSS_TRY(plan_ranked(m, err));
    return plan_crossed(m, err);
}

/* ---- directions ---- */

goss_val goss__tables_own(const goss__tables_making *a, const char *name) { return goss_weights_get(a->own, name); }

goss_val goss__tables_by(const goss__tables_making *a, goss_val x, const char *name) {
    return goss_linear(x, goss__tables_own(a, name), GOSS_NONE);
}

/* What a table's own summary says, [T,n]. */
goss_val goss__tables_by_whole(const goss__tables_making *a, const char *name) {
    return goss_squeeze(goss__tables_by(a, goss_unsqueeze(a->cells.whole, 1), name), 1);
}

goss_val goss__tables_diagonal(goss_graph *g, int64_t n) {
    return goss_unsqueeze(goss_one_hot(goss_iota(g, goss_n(n)), goss_n(n)), 0);
}

/* What fits of one strength lambda [T,1,1] give: directions d [T,C,R], and what each row adds to its own answer. */
typedef struct fit {
    goss_val d, self;
} fit;

/* Ridge regressions of y [T,S,R], P Z'Y / n with P = (Z'Z / n + lambda)^-1. A row's answer without itself is
 * (f - h y) / (1 - h), with its leverage h = z'P z / n; self: f less that. */
static fit fitted_with(const goss__tables_making *a, goss_val y, goss_val lambda) {
    const goss__cells *c = &a->cells;
    const int64_t columns = goss_dim(c->z, 2).count;
    const goss_val n = goss_unsqueeze(c->count, 2), eye = goss__tables_diagonal(a->g, columns);
    goss_val gram = goss_add(goss_div(goss_matmul(c->z, c->z, true, false), n), goss_mul(eye, lambda));
    goss_val shape = goss_broadcast(eye, GOSS_SHAPE(a->b->T, goss_n(columns), goss_n(columns)));
    goss_val p = goss_spd_solve(gram, shape);
    goss_val d = goss_matmul(p, goss_div(goss_matmul(c->z, y, true, false), n), false, false);
    goss_val f = goss_matmul(c->z, d, false, false);
    goss_val h = goss_div(goss_sum(goss_mul(goss_matmul(c->z, p, false, false), c->z), GOSS_AXIS(2), true), n);
    h = goss_min(h, goss_const(a->g, 0.95));
    return (fit){d, goss_div(goss_mul(h, goss_sub(y, f)), goss_sub(goss_const(a->g, 1), h))};
}

/* Fits of mixtures of the labels, a third of the units with each of three strengths: what a table needs depends on how
 * noisy its labels are, and the head is told by what rows are answered without themselves which fits are to be trusted.
 */
static fit fitted(const goss__tables_making *a) {
    static const double strength[STRENGTHS] = {-3, -1.2, 0.6}; /* logarithms, to begin with */
    const goss__cells *c = &a->cells;
    const goss_val weight = goss_unsqueeze(c->weight, 2), by_table = goss__tables_by_whole(a, "first.lambda");
    const goss_val ratio = goss_div(goss_shift(goss_sum(c->live, GOSS_AXIS(1), true), 1), c->count);
    const int64_t directions = a->m->options.cells.directions;
    goss_val y = goss__cells_labels(a->b, goss__tables_own(a, "first.label")), d[STRENGTHS], self[STRENGTHS];
    y = goss_mul(goss_sub(y, goss__cells_mean(c, y)), weight);
    int n = 0;
    for (int i = 0; i < STRENGTHS; i++) {
        const int64_t first = directions * i / STRENGTHS, units = directions * (i + 1) / STRENGTHS - first;
        if (units == 0) continue;
        const goss_val own =
            goss_add(goss_slice(by_table, 1, i, 1), goss_slice(goss__tables_own(a, "first.lambda.base"), 1, i, 1));
        const goss_val lambda = goss_mul(ratio, goss_exp(goss_shift(own, strength[i])));
        const fit f = fitted_with(a, goss_slice(y, 2, first, units), goss_unsqueeze(lambda, 2));
        d[n] = f.d, self[n++] = f.self;
    }
    return (fit){goss_concat(d, n, 2), goss_concat(self, n, 2)};
}

/* Sums of rows weighed by a map of what they have come to mean, a column's part times its gain: [T,C,K]. */
static goss_val summed(const goss__tables_making *a, goss_val *self) {
    const goss__cells *c = &a->cells;
    const goss_val by_row = goss__tables_by(a, c->rows, "first.row");
    const goss_val gain =
        goss_mul(goss_shift(goss__tables_by(a, c->columns, "first.gain"), 1), goss_unsqueeze(c->live, 2));
    *self = goss_mul(by_row, goss_matmul(goss_square(c->z), gain, false, false));
    return goss_mul(goss_matmul(c->z, by_row, true, false), gain);
}

/* [T,C,H], such that what each unit is given has variance 1 over the rows. */
static goss_val directions(goss__tables_making *a) {
    const goss__cells *c = &a->cells;
    goss_val d = summed(a, &a->self);
    if (a->m->options.cells.directions > 0) {
        const fit f = fitted(a);
        d = goss_concat((goss_val[]){f.d, d}, 2, 2), a->self = goss_concat((goss_val[]){f.self, a->self}, 2, 2);
    }
    const goss_val out = goss_matmul(c->z, d, false, false);
    goss_val power = goss_div(goss_sum(goss_square(out), GOSS_AXIS(1), true), goss_unsqueeze(c->count, 2));
    const goss_val unit = goss_rsqrt(goss_shift(power, least));
    a->self = goss_mul(a->self, unit);
    return goss_mul(d, unit);
}

/* ---- ranked columns ---- */

/* How much of each class's mean and square of a column differs from all rows': [T,1,C], dead columns below 0. */
static goss_val told(const goss__tables_making *a) {
    const goss__cells *c = &a->cells;
    const goss_val three = goss_const(a->g, 3), z = goss_min(goss_max(c->z, goss_neg(three)), three);
    const goss_val square = goss_square(z);
    const goss_val part[] = {z, goss_mul(goss_scale(goss_shift(square, -1), 0.5), c->there)};
    goss_val share = goss_div(goss_sum(a->b->support_target, GOSS_AXIS(1), false), c->count), sum = GOSS_NONE;
    for (int i = 0; i < 2; i++) {
        const goss_val mean = goss_square(goss_class_mean(part[i], a->b->assign));
        const goss_val one = goss_matmul(goss_unsqueeze(share, 1), mean, false, false);
        sum = i ? goss_add(sum, one) : one;
    }
    const goss_val live = goss_unsqueeze(c->live, 1);
    return goss_sub(goss_mul(sum, live), goss_sub(goss_const(a->g, 1), live));
}

/* 1 where column j tells r-th most: [T,R,C]. Without gradient. */
static goss_val ranks(const goss__tables_making *a) {
    const goss_val s = told(a);
    const goss_val before = goss_sum(goss_less(goss_transpose(s), s), GOSS_AXIS(2), false);
    goss_val rank[64];
    for (int r = 0; r < a->m->options.cells.ranked; r++)
        rank[r] = goss_unsqueeze(goss_less(goss_abs(goss_shift(before, -r)), goss_const(a->g, 0.5)), 1);
    return goss_mul(goss_concat(rank, a->m->options.cells.ranked, 1), goss_unsqueeze(a->cells.live, 1));
}

typedef struct layer {
    goss_val values, flags, bias; /* [T,C,n], [T,C,n], [T,n] of standardised values */
} layer;

static goss_val numbers(const goss__tables_making *a, goss_val columns, const char *base, const char *by_column) {
    const goss_val b = goss_reshape(goss__tables_own(a, base), GOSS_SHAPE(goss_n(1), goss_n(a->m->options.cells.ranked),
                                                                          goss_n(GOSS__TABLES_THRESHOLDS)));
    return goss_add(b, goss__tables_by(a, columns, by_column));
}

/* v [T,R,B] to the columns that rank so: [T,C,R B]. */
static goss_val at_columns(const goss__tables_making *a, goss_val rank, goss_val v) {
    const goss_extent columns = goss_dim(rank, 2);
    const goss_val all = goss_mul(goss_unsqueeze(goss_transpose(rank), 3), goss_unsqueeze(v, 1));
    return goss_reshape(all, GOSS_SHAPE(a->b->T, columns, goss_n(step_units(a->m))));
}

/* slope (z - at); columns [T,R,D]: the summaries of those that rank so */
static layer steps(const goss__tables_making *a, goss_val rank, goss_val columns) {
    const goss_val slope = goss_exp(goss_shift(numbers(a, columns, "ranked.slope", "ranked.slope.column"), 0.5));
    const goss_val at = numbers(a, columns, "ranked.at", "ranked.at.column");
    const goss_val there = goss_sum(rank, GOSS_AXIS(2), true);
    const goss_val bias = goss_neg(goss_mul(goss_mul(slope, at), there));
    return (layer){.values = at_columns(a, rank, slope),
                   .flags = at_columns(a, rank, goss__tables_by(a, columns, "ranked.missing")),
                   .bias = goss_reshape(bias, GOSS_SHAPE(a->b->T, goss_n(step_units(a->m))))};
}

/* [1,R,R R B]: what the unit of ranks (i, j) has of a number of its own for i, or for j. */
static goss_val of_pair(const goss__tables_making *a, const char *name, bool second) {
    const int64_t r = a->m->options.cells.ranked, b = a->m->options.cells.crossed;
    goss_val own = goss_reshape(goss__tables_own(a, name), GOSS_SHAPE(goss_n(1), goss_n(r), goss_n(r), goss_n(b)));
    goss_val eye = goss_reshape(goss__tables_diagonal(a->g, r),
                                GOSS_SHAPE(goss_n(r), goss_n(second ? 1 : r), goss_n(second ? r : 1), goss_n(1)));
    return goss_reshape(goss_mul(own, eye), GOSS_SHAPE(goss_n(1), goss_n(r), goss_n(r * r * b)));
}

/* Of ranks (i, j): (w z_i + v z_j) relevance, minus a place, with what the columns and the table add. */
static layer crossed(const goss__tables_making *a, goss_val rank, goss_val columns) {
    const int64_t r = a->m->options.cells.ranked, n = r * r * a->m->options.cells.crossed;
    const goss_val whole = goss__tables_by_whole(a, "crossed.whole");
    const goss_val relevance = goss_exp(goss__tables_by(a, columns, "crossed.relevance"));
    goss_val w = goss_add(of_pair(a, "crossed.first", false), of_pair(a, "crossed.second", true));
    w = goss_mul(goss_scale(w, 2.5), goss_shift(goss__tables_by(a, columns, "crossed.column"), 1));
    w = goss_mul(goss_mul(w, relevance), goss_unsqueeze(goss_exp(goss_slice(whole, 1, 0, n)), 1));
    return (layer){.values = goss_matmul(rank, w, true, false),
                   .flags = goss_matmul(rank, goss__tables_by(a, columns, "crossed.missing"), true, false),
                   .bias = goss_add(goss_scale(goss__tables_own(a, "crossed.at"), 2.5), goss_slice(whole, 1, n, n))};
}

static goss_val joined(goss_val x, goss_val y, int axis) { return goss_concat((goss_val[]){x, y}, 2, axis); }

static layer joined_layers(layer l, layer m) {
    return (layer){joined(l.values, m.values, 2), joined(l.flags, m.flags, 2), joined(l.bias, m.bias, 1)};
}

static layer ranked(const goss__tables_making *a) {
    const goss_val rank = ranks(a), columns = goss_matmul(rank, a->cells.columns, false, false);
    const layer l = steps(a, rank, columns);
    return a->m->options.cells.crossed > 0 ? joined_layers(l, crossed(a, rank, columns)) : l;
}

/* ---- the layer ---- */

static layer mixed(goss__tables_making *a) {
    const goss__cells *c = &a->cells;
    const int64_t h = goss__tables_units(a->m) - ranked_units(a->m);
    const goss_val whole = goss__tables_by_whole(a, "first.whole");
    const goss_val columns = goss_max(goss_sum(c->live, GOSS_AXIS(1), true), goss_const(a->g, 1));
    const goss_val base =
        goss_mul(goss__tables_by(a, c->columns, "first.column"), goss_unsqueeze(goss_rsqrt(columns), 2));
    const goss_val scale = goss_exp(goss_add(goss__tables_own(a, "first.scale"), goss_slice(whole, 1, 0, h)));
    const goss_val moved = goss_pad(goss_scale(base, 0.3), 2, a->m->options.cells.directions, 0);
    const goss_val v = goss_add(moved, directions(a)), offset = goss__tables_own(a, "first.offset");
    a->self = goss_mul(a->self, goss_unsqueeze(scale, 1));
    return (layer){.values = goss_mul(goss_mul(v, goss_unsqueeze(c->live, 2)), goss_unsqueeze(scale, 1)),
                   .flags = goss__tables_by(a, c->columns, "first.missing"),
                   .bias = goss_add(goss_scale(offset, 0.5), goss_slice(whole, 1, h, h))};
}

/* x enters as (x - mean) / deviation: a factor of its row, and an addend of the bias. */
void goss__tables_first(goss__tables_making *a, goss_weights *w) {
    const goss__cells *c = &a->cells;
    layer l = mixed(a);
    if (ranked_units(a->m) > 0) {
        l = joined_layers(l, ranked(a));
        a->self = goss_pad(a->self, 2, 0, ranked_units(a->m));
    }
    const goss_val v = goss_mul(l.values, goss_transpose(c->inverse)), flags = goss_mul(l.flags, c->flagged);
    const goss_val moved = goss_squeeze(goss_matmul(c->mean, v, false, false), 1);
    goss_weights_set(w, "dense1.w", joined(v, flags, 1));
    goss_weights_set(w, "dense1.b", goss_sub(l.bias, moved));
}

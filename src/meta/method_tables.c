/* SPDX-License-Identifier: Apache-2.0 */
/* method_tables.c: a labelled table becomes a small network in one pass (after MotherNet, Mueller et al. 2025).
 *
 * The conditioner is cells.c. The generator makes the first layer from the summaries of columns: unit k weighs column j
 * by a map of j's summary and, times a gain, by a direction that the rows give: a linear fit of the labels, or a sum of
 * rows weighed by a map of theirs. Directions know how columns go together, and differ even where columns look alike.
 * Standardisation is folded in, so that the network reads plain values. Later layers are the same for all tables, each
 * unit with a factor and an addend by the table. The head is a ridge regression on the support set, drawn towards one
 * that classes' summaries give, with a strength by the table: every row counts, however many there are. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "meta/method_tables.h"

enum { FIRST_W, FIRST_B, LATER }; /* tensors of the target */
static const double logit_scale = 8;

/* ---- settings ---- */

static goss_status refuse(const char *why, goss_error *err) {
    return goss_error_set(err, GOSS_E_ARGUMENT, "method tables: %s", why);
}

static goss_status check(const goss_method *m, goss_error *err) {
    const goss_cells_options *o = &m->options.cells;
    const goss_layout *l = goss_target_layout(m->target);
    const bool rows = goss_target_input_rank(m->target) == 1;
    if (!rows || goss_target_input(m->target)[0] % 2)
        return refuse("a sample is 2 C numbers: C values, and C flags of missing ones", err);
    if (o->width < 1 || o->layers < 0 || o->heads < 1 || o->width % o->heads)
        return refuse("cells.heads has to divide cells.width", err);
    if (strncmp(goss_target_text(m->target), "dense ", 6) != 0)
        return refuse("model.backbone has to begin with a dense layer, as dense 64; tanh; dense 64; relu", err);
    if (goss_layout_count(l) < LATER || strcmp(goss_layout_entry(l, FIRST_B)->name, "dense1.b") != 0)
        return refuse("the first layer of model.backbone has to have a bias (dense1.b): no norm directly behind it",
                      err);
    if (m->options.outputs > 1 && !m->objective->classes) return refuse("a table has one number to predict", err);
    if (m->objective->levels)
        return refuse("its head is of means and variances, not of quantiles: task.objective = gaussian or student",
                      err);
    if (m->batch_norm) return refuse("model.backbone has a batch norm, and tables share no statistics", err);
    if (o->directions < 0 || o->ranked < 0 || o->crossed < 0 ||
        o->directions + o->ranked * (GOSS__TABLES_THRESHOLDS + o->ranked * o->crossed) >=
            goss_layout_entry(l, FIRST_W)->dim[1])
        return refuse("the first layer of model.backbone has to have more units than cells.directions + 6 cells.ranked "
                      "+ cells.crossed cells.ranked^2",
                      err);
    if (o->crossed > 0 && o->ranked == 0) return refuse("cells.crossed units see cells.ranked columns, here 0", err);
    return GOSS_OK;
}

/* Tensors of the target without its head. */
static int tensors(const goss_method *m) {
    return goss_layout_count(goss_target_layout(m->target)) - (m->fixed ? 2 : 0);
}

/* The later layers' tensors by their own names, and behind each dense layer's weight what moves its units. */
static goss_status plan_later(goss_method *m, goss_error *err) {
    const goss_layout *l = goss_target_layout(m->target);
    char name[96];
    for (int i = LATER; i < tensors(m); i++) {
        goss_entry e = *goss_layout_entry(l, i);
        e.out_units = e.in_units = -1;
        GOSS_TRY(goss_layout_add(m->cells, &e, err));
        if (e.role != GOSS_ROLE_WEIGHT) continue;
        snprintf(name, sizeof name, "%.80s.whole", e.name);
        GOSS_TRY(goss__cells_add(m->cells, name, m->options.cells.width, 2 * e.dim[e.rank - 1], GOSS_INIT_ZEROS, err));
    }
    return GOSS_OK;
}

static goss_status plan_head(goss_method *m, goss_error *err) {
    const int64_t d = m->options.cells.width, f = m->features;
    GOSS_TRY(goss__cells_add(m->cells, "last.class", d, f + 1, GOSS_INIT_ZEROS, err));
    GOSS_TRY(goss__cells_add(m->cells, "last.spread", 0, f + 1, GOSS_INIT_ZEROS, err));
    GOSS_TRY(goss__cells_add(m->cells, "last.spread.whole", d, f + 1, GOSS_INIT_ZEROS, err));
    GOSS_TRY(goss__cells_add(m->cells, "last.spread.told", 0, f, GOSS_INIT_ZEROS, err));
    GOSS_TRY(goss__cells_add(m->cells, "last.number", 0, 3, GOSS_INIT_ZEROS, err));
    return goss__cells_add(m->cells, "last.whole", d, 3, GOSS_INIT_ZEROS, err);
}

/* The first layer is the first line of the canonical text. */
static goss_status parse_rest(goss_method *m, goss_error *err) {
    const char *text = goss_target_text(m->target), *end = strchr(text, '\n');
    const int64_t input[] = {goss__tables_units(m)};
    return goss_target_parse(end ? end + 1 : "", input, 1, 0, &m->rest, err);
}

static goss_status setup(goss_method *m, goss_error *err) {
    GOSS_TRY(check(m, err));
    GOSS_TRY(parse_rest(m, err));
    GOSS_TRY(goss_layout_new(&m->cells, err));
    GOSS_TRY(goss__cells_plan(m->cells, &m->options.cells, err));
    GOSS_TRY(goss__tables_plan_first(m, err));
    GOSS_TRY(plan_later(m, err));
    GOSS_TRY(plan_head(m, err));
    return goss__method_param(m, "hyper", m->cells, true, err);
}

/* ---- later layers ---- */

/* w (1 + scale) and b + shift: FiLM, folded in at once. */
static void make_later(const goss__tables_making *a, goss_weights *w) {
    const goss_layout *l = goss_target_layout(a->m->target);
    goss_val moved = GOSS_NONE;
    char name[96];
    for (int i = LATER; i < tensors(a->m); i++) {
        const goss_entry *e = goss_layout_entry(l, i);
        const int64_t n = e->dim[e->rank - 1];
        goss_val v = goss__tables_own(a, e->name);
        if (e->role == GOSS_ROLE_WEIGHT) {
            snprintf(name, sizeof name, "%.80s.whole", e->name);
            moved = goss_tanh(goss__tables_by_whole(a, name));
            v = goss_mul(v, goss_unsqueeze(goss_shift(goss_slice(moved, 1, 0, n), 1), 1));
        } else if (e->role == GOSS_ROLE_BIAS) {
            v = goss_add(v, goss_slice(moved, 1, n, n));
        }
        goss_weights_set(w, e->name, v);
    }
}

/* ---- the head ---- */

/* The support rows as the network sees rows that it was not made of: the first layer without what a row's own label has
 * added to it. A head that was fitted to more would trust it too much. */
static goss_val features_of_support(const goss__tables_making *a) {
    const goss_weights *w = a->s->net.weights;
    const goss_layout *from = goss_target_layout(a->m->target), *to = goss_target_layout(a->m->rest);
    goss_target_context c =
        a->s->training ? goss__training_context(a->b, a->cells.weight) : goss_target_context_defaults();
    goss_weights *later = goss_weights_empty(a->g, to);
    goss_val x = goss_linear(a->b->support, goss_weights_get(w, "dense1.w"), goss_weights_get(w, "dense1.b"));
    for (int i = 0; i < goss_layout_count(to); i++)
        goss_weights_set(later, goss_layout_entry(to, i)->name,
                         goss_weights_get(w, goss_layout_entry(from, LATER + i)->name));
    x = goss_target_features(a->m->rest, goss_sub(x, a->self), later, &c);
    goss_weights_free(later);
    return x;
}

/* Entry i of "last.number" + the table's own say: [T,1]. */
static goss_val number(const goss__tables_making *a, int i) {
    return goss_add(goss_slice(goss__tables_own(a, "last.number"), 1, i, 1),
                    goss_slice(goss__tables_by_whole(a, "last.whole"), 1, i, 1));
}

/* The head that classes' summaries give, or what they say of the targets: [T,F+1,W], its last row the biases. */
static goss_val drawn_to(const goss__tables_making *a) {
    const goss_val w0 = goss_transpose(goss__tables_by(a, a->cells.classes, "last.class"));
    return goss_valid(a->known) ? goss_matmul(w0, a->known, false, false) : w0;
}

static goss__tables_rows rows_of(const goss__tables_making *a, goss_val features, goss_val target, goss_val weight,
                                 goss_val d) {
    const goss_val w = goss_unsqueeze(weight, 2);
    const goss_val one = goss_full(a->g, GOSS_SHAPE(a->b->T, goss_dim(features, 1), goss_n(1)), 1);
    const goss_val f = goss_mul(goss_concat((goss_val[]){features, one}, 2, 2), w);
    if (a->m->objective->classes) {
        const goss_val mask = a->task->class_mask;
        target = goss_sub(target, goss_unsqueeze(goss_div(mask, goss_sum(mask, GOSS_AXIS(1), true)), 1));
    }
    return (goss__tables_rows){.f = f, .z = goss_mul(f, d), .y = goss_mul(target, w), .weight = weight};
}

static goss_val sum_of(const goss__tables_rows *rows, int n, goss_val w0, bool gram) {
    goss_val sum = GOSS_NONE;
    for (int i = 0; i < n; i++) {
        const goss_val off = gram ? rows[i].z : goss_sub(rows[i].y, goss_matmul(rows[i].f, w0, false, false));
        const goss_val one = goss_matmul(rows[i].z, off, true, false);
        sum = i ? goss_add(sum, one) : one;
    }
    return sum;
}

/* How much more of a feature's variance is between classes than chance has it, (n / (W - 1)) between / all, on a
 * logarithmic scale: [T,F]. */
static goss_val told_by(const goss__tables_making *a, goss_val features) {
    const goss__cells *c = &a->cells;
    const goss_task_batch *b = a->b;
    const goss_val one = goss_const(a->g, 1), weight = goss_unsqueeze(c->weight, 2);
    const goss_val off = goss_mul(goss_sub(features, goss__cells_mean(c, features)), weight);
    const goss_val all = goss_div(goss_sum(goss_square(off), GOSS_AXIS(1), false), c->count);
    const goss_val share = goss_div(goss_sum(b->support_target, GOSS_AXIS(1), false), c->count);
    const goss_val mean = goss_square(goss_class_mean(off, b->assign));
    const goss_val between = goss_squeeze(goss_matmul(goss_unsqueeze(share, 1), mean, false, false), 1);
    const goss_val freedom = goss_max(goss_sub(goss_sum(b->class_mask, GOSS_AXIS(1), true), one), one);
    const goss_val ratio = goss_div(between, goss_shift(all, 1e-4));
    return goss_log(goss_shift(goss_mul(ratio, goss_div(c->count, freedom)), 0.2));
}

/* The deviation of each feature's weight to begin with, by the feature, the table and what the feature tells of the
 * classes: a kind of automatic relevance determination (MacKay 1994), whose strength is learned. The sum of squares is
 * 1; the bias has its own. [T,1,F+1] */
static goss_val spread_of(const goss__tables_making *a, goss_val features) {
    const goss_val power = goss_shift(goss_add(goss__tables_own(a, "last.spread.told"), number(a, 2)), 0.7);
    const goss_val by_told = goss_mul(told_by(a, features), power);
    const int64_t f = a->m->features;
    goss_val s = goss_add(goss__tables_own(a, "last.spread"), goss__tables_by_whole(a, "last.spread.whole"));
    const goss_val of_bias = goss_exp(goss_slice(s, 1, f, 1));
    s = goss_exp(goss_add(goss_slice(s, 1, 0, f), by_told));
    s = goss_mul(s, goss_rsqrt(goss_sum(goss_square(s), GOSS_AXIS(1), true)));
    return goss_unsqueeze(goss_concat((goss_val[]){s, of_bias}, 2, 1), 1);
}

/* w0 + d (z'z + lambda)^-1 z' (y - f w0), and behind it the head of the log variance of an objective that has one.
 * Rows that were not read have added nothing to the first layer. */
static goss_val regressed(const goss__tables_making *a) {
    const int64_t n = a->m->features + 1;
    const goss_task_batch *b = a->task;
    const goss_val w0 = drawn_to(a), features = features_of_support(a), d = spread_of(a, features);
    goss__tables_rows rows[2] = {rows_of(a, features, b->support_target, a->cells.weight, d)};
    if (b->labelled_queries) {
        const goss_val weight =
            a->m->objective->classes ? goss_sum(b->query_target, GOSS_AXIS(2), false) : b->query_weight;
        rows[1] = rows_of(a, goss__embed_query(a->m, a->s, b), b->query_target, weight, d);
    }
    const int sets = b->labelled_queries ? 2 : 1;
    const goss_val lambda = goss_unsqueeze(goss_scale(goss_exp(number(a, 0)), a->m->options.ridge), 2);
    const goss_val gram = goss_add(sum_of(rows, sets, w0, true), goss_mul(goss__tables_diagonal(a->g, n), lambda));
    const goss_val v = goss_spd_solve(gram, sum_of(rows, sets, w0, false));
    const goss_val w = goss_add(w0, goss_mul(v, goss_transpose(d)));
    if (!a->m->objective->variance) return w;
    const goss_val strength = goss_exp(goss_unsqueeze(number(a, 1), 2));
    return goss_concat((goss_val[]){w, goss__tables_spread(a, rows, sets, d, gram, w, strength)}, 2, 2);
}

static void make_head(const goss__tables_making *a) {
    const int64_t f = a->m->features;
    goss_val w = regressed(a);
    if (a->m->objective->classes) w = goss_mul(w, goss_unsqueeze(goss_scale(goss_exp(number(a, 1)), logit_scale), 2));
    a->s->net.head_w = goss_slice(w, 1, 0, f);
    a->s->net.head_b = goss_squeeze(goss_slice(w, 1, f, 1), 1);
}

static void solve(const goss_method *m, const goss_task_batch *b, int fine_tune, goss__solution *s) {
    goss_weights *own_weights = goss_weights_from_params(s->graph, m->cells, "hyper");
    goss_weights *w = goss_weights_empty(s->graph, goss_target_layout(m->target));
    goss_task_batch told;
    goss__tables_making a = {.m = m, .task = b, .b = &told, .own = own_weights, .g = s->graph, .s = s};
    if (own_weights && w) {
        a.known = goss__tables_tell(m, b, &told);
        goss__cells_read(&told, own_weights, &m->options.cells, &a.cells);
        goss__tables_first(&a, w);
        make_later(&a, w);
        goss_weights_free(s->net.weights);
        s->net.weights = w;
        make_head(&a);
    }
    goss_weights_free(own_weights);
    if (fine_tune > 0)
        goss__inner_run(m, b, &(goss__inner){.steps = fine_tune, .rate = goss__method_rate(m), .first_order = true}, s);
}

const goss__method_kind goss__method_tables = {
    .name = "tables", .head = GOSS__HEAD_OF_CLASSES, .trains = true, .rate = 0.01, .setup = setup, .solve = solve};

/* SPDX-License-Identifier: Apache-2.0 */
/* method_tables_spread.c: how far numbers are from what the head says, in closed form.
 *
 * With the errors of the head on rows that it was fitted without (the leave-one-out formula of ridge regression), their
 * logarithm is regressed on the features: e^2 ~ exp(v + f s). The penalty is strong, since the logarithm of one squared
 * error says little; v is such that e^2 / exp(v + f s) is 1 in the mean. */
#include <math.h>

#include "meta/method_tables.h"
#include "task/task.h"

static const double penalty = 10, least_share = 1e-3, least_variance = 1e-7, most_leverage = 0.95;

/* The sum over all rows of v[i] [T,N_i,k], [T,1,k]. */
static goss_val total(const goss_val *v, int n) {
    goss_val sum = GOSS_NONE;
    for (int i = 0; i < n; i++) {
        const goss_val one = goss_sum(v[i], GOSS_AXIS(1), true);
        sum = i ? goss_add(sum, one) : one;
    }
    return sum;
}

/* (y - f w) / (1 - z' gram^-1 z), squared: [T,N,1]. */
static goss_val squared_error(const goss__tables_rows *r, goss_val inverse, goss_val head) {
    goss_graph *g = head.graph;
    const goss_val leverage = goss_sum(goss_mul(goss_matmul(r->z, inverse, false, false), r->z), GOSS_AXIS(2), true);
    const goss_val rest = goss_sub(goss_const(g, 1), goss_min(leverage, goss_const(g, most_leverage)));
    return goss_square(goss_div(goss_sub(r->y, goss_matmul(r->f, head, false, false)), rest));
}

/* The number before the bound of the objective's log variance (objective_gaussian.c). */
static goss_val before_bound(goss_val v) {
    const double bound = GOSS__LOG_VARIANCE_BOUND, most = 0.99;
    const goss_val limit = goss_const(v.graph, most), part = goss_scale(v, 1 / bound);
    const goss_val u = goss_max(goss_min(part, limit), goss_neg(limit));
    const goss_val ratio = goss_div(goss_shift(u, 1), goss_shift(goss_neg(u), 1));
    return goss_scale(goss_log(ratio), bound / 2); /* bound artanh(u) */
}

goss_val goss__tables_spread(const goss__tables_making *a, const goss__tables_rows *rows, int n, goss_val d,
                             goss_val gram, goss_val head, goss_val strength) {
    const int64_t width = a->m->features + 1;
    const goss_val eye = goss__tables_diagonal(a->g, width), least = goss_const(a->g, least_variance);
    const goss_extent e = goss_n(width);
    const goss_val inverse = goss_spd_solve(gram, goss_broadcast(eye, GOSS_SHAPE(a->b->T, e, e)));
    goss_val weight[2] = {GOSS_NONE}, square[2] = {GOSS_NONE}, u[2] = {GOSS_NONE}, left[2] = {GOSS_NONE},
             gram_of_z = GOSS_NONE, moment = GOSS_NONE;
    for (int i = 0; i < n; i++) {
        weight[i] = goss_unsqueeze(rows[i].weight, 2);
        square[i] = goss_mul(squared_error(&rows[i], inverse, head), weight[i]);
    }
    const goss_val count = goss_max(total(weight, n), goss_const(a->g, 1));
    const goss_val mean = goss_max(goss_div(total(square, n), count), least);
    for (int i = 0; i < n; i++)
        u[i] = goss_mul(goss_log(goss_shift(goss_div(square[i], mean), least_share)), weight[i]);
    const goss_val middle = goss_div(total(u, n), count);
    for (int i = 0; i < n; i++) {
        const goss_val off = goss_sub(u[i], goss_mul(middle, weight[i])), z = rows[i].z;
        const goss_val own = goss_matmul(z, z, true, false), said = goss_matmul(z, off, true, false);
        gram_of_z = i ? goss_add(gram_of_z, own) : own, moment = i ? goss_add(moment, said) : said;
    }
    gram_of_z = goss_add(gram_of_z, goss_mul(eye, goss_scale(strength, penalty)));
    const goss_val s = goss_mul(goss_spd_solve(gram_of_z, moment), goss_transpose(d));
    for (int i = 0; i < n; i++)
        left[i] = goss_mul(square[i], goss_exp(goss_neg(goss_matmul(rows[i].f, s, false, false))));
    const goss_val v = before_bound(goss_log(goss_max(goss_div(total(left, n), count), least)));
    return goss_add(s, goss_pad(v, 1, width - 1, 0));
}

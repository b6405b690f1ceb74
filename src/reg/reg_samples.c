/* SPDX-License-Identifier: Apache-2.0 */
/* reg_samples.c: penalties of what samples make of a layer: activity, branches that fire together or span the same
 * space, variances, correlations, and two estimators of entropy. Samples may have weights (0: padding). */
#include <math.h>

#include "reg/reg.h"

GOSS__REG_BUILD(activity) {
    goss_val z = goss__reg_samples(x[0]);
    goss_val size = o->power == 1 ? goss__reg_size(z, o->epsilon) : goss_scale(goss_square(z), 0.5);
    return goss__reg_task_sum(goss__reg_sample_mean(size, o->weight));
}

/* ---- branches ---- */

/* sum over pairs of |a_i| |a_j| = ((sum |a|)^2 - sum |a|^2) / 2, summed pair by pair: no difference of large
 * numbers. */
GOSS__REG_BUILD(coactivation) {
    goss_val sum = GOSS_NONE, seen = goss__reg_size(goss__reg_samples(x[0]), o->epsilon);
    for (int i = 1; i < n; i++) {
        if (goss_valid(x[i]) && goss_valid(x[0]) && !goss_shape_equal(goss_shape_of(x[i]), goss_shape_of(x[0])))
            return goss__reg_misfit(x[0], "branches have one shape; that of tensor %d is another", i + 1);
        goss_val size = goss__reg_size(goss__reg_samples(x[i]), o->epsilon), both = goss_mul(size, seen);
        sum = i == 1 ? both : goss_add(sum, both);
        seen = goss_add(seen, size);
    }
    return goss__reg_task_sum(goss__reg_sample_mean(sum, o->weight));
}

/* sum over pairs of ||Z_i' Z_j / N||^2 */
GOSS__REG_BUILD(cross) {
    goss_val z[64], sum = GOSS_NONE;
    for (int i = 0; i < n; i++) {
        z[i] = goss__reg_samples(x[i]);
        if (!goss_valid(z[i])) return z[i];
        goss_val share = goss__reg_sample_share(z[i], o->weight);
        for (int j = 0; j < i; j++) {
            goss_val term = goss__reg_matrix_sum(goss_square(goss_matmul(share, z[j], true, false)));
            sum = goss__reg_given(sum) ? goss_add(sum, term) : term;
        }
    }
    return sum;
}

/* ---- moments ---- */

/* z [T, N, D] less its mean. */
static goss_val centred(goss_val x, const goss_reg_options *o) {
    goss_val z = goss__reg_samples(x);
    return goss_valid(z) ? goss_sub(z, goss__reg_sample_mean(z, o->weight)) : z;
}
static goss_val covariance(goss_val c, const goss_reg_options *o) {
    return goss_matmul(goss__reg_sample_share(c, o->weight), c, true, false);
}

GOSS__REG_BUILD(variance) {
    goss_val v = goss__reg_sample_mean(goss_square(centred(x[0], o)), o->weight);
    if (!goss_valid(v)) return v;
    goss_val from = o->target > 0 ? goss_const(v.graph, o->target) : goss_mean(v, GOSS_AXIS(2), true);
    return goss_scale(goss__reg_task_sum(goss_square(goss_sub(v, from))), 0.5);
}

GOSS__REG_BUILD(decorrelation) {
    goss_val c = centred(x[0], o);
    if (!goss_valid(c)) return c;
    goss_val eye = goss__reg_eye(c.graph, goss_dim(c, 2), 3);
    goss_val off = goss_select(eye, goss_const(c.graph, 0), covariance(c, o));
    return goss_scale(goss__reg_matrix_sum(goss_square(off)), 0.5);
}

/* ---- entropy, in nats a dimension ---- */

/* log det (C + ridge I) [T]. Where samples are fewer than dimensions, by the samples' side: det(ridge I + X'X) =
 * ridge^(D - N) det(ridge I + X X'). */
static goss_val log_det_of(goss_val c, const goss_reg_options *o) {
    goss_graph *g = c.graph;
    goss_extent samples = goss_dim(c, 1), d = goss_dim(c, 2);
    bool few = !samples.symbols && samples.count < d.count && !goss__reg_given(o->weight);
    goss_val inner = few ? goss_matmul(goss__reg_sample_share(c, o->weight), c, false, true) : covariance(c, o);
    goss_val ridge = goss_scale(goss__reg_eye(g, few ? samples : d, 3), o->ridge);
    goss_val det = goss_log_det(goss_add(inner, ridge));
    return few ? goss_shift(det, (double)(d.count - samples.count) * log(o->ridge)) : det;
}

GOSS__REG_BUILD(entropy_gaussian) {
    goss_val c = centred(x[0], o);
    if (!goss_valid(c)) return c;
    if (goss_dim(c, 2).symbols) return goss__reg_misfit(c, "the extents behind the samples must be fixed");
    double d = (double)goss_dim(c, 2).count;
    return goss_shift(goss_scale(log_det_of(c, o), 0.5 / d), 0.5 * log(2 * M_PI * M_E));
}

/* p log p with the limit 0 at 0. */
static goss_val p_log_p(goss_val p) {
    goss_val some = goss_less(goss_const(p.graph, 0), p);
    return goss_mul(p, goss_log(goss_select(some, p, goss_const(p.graph, 1))));
}

static goss_val cube(goss_val a) { return goss_mul(a, goss_square(a)); }

/* The cubic B-spline of an offset in bins, (relu(2 - |u|)^3 - 4 relu(1 - |u|)^3) / 6: shares of neighbouring bins sum
 * to 1 and have two continuous derivatives (Mattes et al. 2003). */
static goss_val spline(goss_val u) {
    goss_val size = goss_neg(goss_abs(u));
    goss_val wide = cube(goss_relu(goss_shift(size, 2))), narrow = cube(goss_relu(goss_shift(size, 1)));
    return goss_scale(goss_sub(wide, goss_scale(narrow, 4)), 1.0 / 6);
}

/* Bins are of deviations, from -RANGE to RANGE; values outside are counted in the outermost bins. -sum p log p + log
 * width is the entropy of z / sigma; adding log sigma gives that of z. */
GOSS__REG_BUILD(entropy_histogram) {
    static const double RANGE = 4, TINY = 1e-12;
    goss_val c = centred(x[0], o);
    if (!goss_valid(c)) return c;
    double width = 2 * RANGE / (o->bins - 3); /* the first and the last bin take the ends of the spline */
    goss_val variance = goss_shift(goss__reg_sample_mean(goss_square(c), o->weight), TINY);
    goss_val z = goss_mul(c, goss_rsqrt(variance)), edge = goss_const(c.graph, RANGE), sum = GOSS_NONE;
    z = goss_shift(goss_scale(goss_max(goss_min(z, edge), goss_neg(edge)), 1 / width),
                   RANGE / width + 1); /* 1 to bins - 2 */
    for (int b = 0; b < o->bins; b++) {
        goss_val term = p_log_p(goss__reg_sample_mean(spline(goss_shift(z, -b)), o->weight));
        sum = b == 0 ? term : goss_add(sum, term);
    }
    goss_val h = goss_sub(goss_scale(goss_log(variance), 0.5), sum); /* [T, 1, D] */
    return goss_shift(goss_mean(goss_squeeze(h, 1), GOSS_AXIS(1), false), log(width));
}

/* SPDX-License-Identifier: Apache-2.0 */
/* structure_relevance.c: what each gate does for a task, from its support set: the derivative of the alignment of the
 * embeddings with the targets (structure.h). An embedding mean, from which codes are made, is nearly the same for every
 * task; this is not, since it asks which units tell these classes apart. First order as in pruning by sensitivity
 * (Molchanov et al. 2017; SNIP, Lee et al. 2019), without their loss, which needs a head that the task does not have
 * yet. */
#include "base/alloc.h"
#include "meta/structure.h"
#include "nn/nn.h"

/* Embeddings longer than this are compared sample by sample, shorter ones feature by feature: |F'F| = |FF'|. */
enum { FEATURES = 128 };
static const double tiny = 1e-12, strength = 0.1;

goss_val goss__structure_probe(const goss_method *m, const goss_task_batch *b, goss_graph *g) {
    const int n = goss_space_gates(m->space);
    float *open = goss__calloc((size_t)n, sizeof *open);
    if (!open) return goss_graph_fail(g, GOSS_E_NOMEM, "no memory for %d gates", n);
    for (int k = 0; k < goss_space_groups(m->space); k++) {
        const goss_space_group_info group = goss_space_group(m->space, k);
        for (int i = 0; i < group.count; i++)
            open[group.first + i] = group.rule == GOSS_RULE_ONE ? 1.0f / (float)group.count : 1;
    }
    const goss_val row = goss__structure_row(g, open, n);
    goss__free(open);
    return goss_variable(goss_broadcast(row, GOSS_SHAPE(b->T, goss_n(n))));
}

/* x [T,S,D] less its mean over the samples, 0 where none is. weight [T,S,1]. */
static goss_val centred(goss_val x, goss_val weight) {
    const goss_val count = goss_max(goss_sum(weight, GOSS_AXIS(1), true), goss_const(x.graph, 1));
    const goss_val mean = goss_div(goss_sum(goss_mul(x, weight), GOSS_AXIS(1), true), count);
    return goss_mul(goss_sub(x, mean), weight);
}

/* 2 power log |product| of each task, [T,1,1]. */
static goss_val log_norm(goss_val product, double power) {
    const goss_val square = goss_sum(goss_square(product), GOSS_AXIS(1) | GOSS_AXIS(2), true);
    return goss_scale(goss_log(goss_shift(square, tiny)), power);
}

/* What both measures look at: F and Y, centred, F scaled so that its rows have a mean square of 1; samples, [T,1,1]. */
typedef struct seen {
    goss_val x, y, count;
    int width;
} seen;

static seen look(const goss_task_batch *b, goss_val features) {
    const goss_val weight = goss_unsqueeze(goss__support_weight(b), 2), x = centred(features, weight);
    seen v = {.y = centred(b->support_target, weight), .width = (int)goss_dim(features, 2).count};
    v.count = goss_max(goss_sum(weight, GOSS_AXIS(1) | GOSS_AXIS(2), true), goss_const(x.graph, 1));
    const goss_val power = goss_div(goss_sum(goss_square(x), GOSS_AXIS(1) | GOSS_AXIS(2), true), v.count);
    v.x = goss_mul(x, goss_rsqrt(goss_shift(goss_detach(power), tiny)));
    return v;
}

static goss_val gram(const seen *v, bool samples) { return goss_matmul(v->x, v->x, !samples, samples); }

/* log |F'Y|^2 - log |F'F|, [T,1,1]. */
static goss_val alignment(const seen *v) {
    return goss_sub(log_norm(goss_matmul(v->x, v->y, true, false), 1), log_norm(gram(v, v->width > FEATURES), 0.5));
}

/* The ridge regression W of targets on embeddings; its strength is a share of the mean square of what directions there
 * are. */
static goss_val regression(const goss_task_batch *b, const seen *v) {
    const bool samples = v->width > FEATURES;
    const goss_extent n = samples ? b->S : goss_n(v->width);
    const goss_val many = goss_max(goss_scale(v->count, 1.0 / v->width), goss_const(v->x.graph, 1));
    const goss_val eye = goss_unsqueeze(goss_one_hot(goss_iota(v->x.graph, n), n), 0);
    const goss_val a = goss_add(gram(v, samples), goss_mul(eye, goss_scale(many, strength)));
    return samples ? goss_matmul(v->x, goss_spd_solve(a, v->y), true, false)
                   : goss_spd_solve(a, goss_matmul(v->x, v->y, true, false));
}

/* -log |Y - F W|^2 for the best W, whose own change does not matter to first order: [T,1,1]. */
static goss_val fit(const goss_task_batch *b, const seen *v) {
    const goss_val w = goss_detach(regression(b, v)), off = goss_sub(v->y, goss_matmul(v->x, w, false, false));
    const goss_val left = goss_sum(goss_square(off), GOSS_AXIS(1) | GOSS_AXIS(2), true);
    return goss_neg(goss_log(goss_shift(left, tiny)));
}

/* r less its mean, by its deviation, in each group of gates; 0 where a group has one gate. */
static goss_val standardised(const goss_space *s, goss_val r) {
    const int n = goss_space_groups(s);
    goss_val *part = goss__calloc((size_t)n, sizeof *part);
    if (!part) return goss_graph_fail(r.graph, GOSS_E_NOMEM, "no memory for %d groups", n);
    for (int k = 0; k < n; k++) {
        const goss_space_group_info group = goss_space_group(s, k);
        const goss_val own = goss_slice(r, 1, group.first, group.count);
        const goss_val apart = goss_sub(own, goss_mean(own, GOSS_AXIS(1), true));
        const goss_val power = goss_mean(goss_square(apart), GOSS_AXIS(1), true);
        part[k] = goss_mul(apart, goss_rsqrt(goss_shift(power, tiny)));
    }
    const goss_val all = goss__concat_many(part, n, 1);
    goss__free(part);
    return all;
}

/* Of one measure: [T,2,G]. */
static goss_val derivative(const goss_space *space, goss_val measure, goss_val probe) {
    goss_val r = GOSS_NONE;
    const goss_status s = goss_grad(goss_sum_all(measure), &probe, 1, &r);
    if (s != GOSS_OK) return goss_graph_fail(measure.graph, s, "what a support set says of gates has no gradient");
    r = goss_detach(r);
    const goss_val power = goss_mean(goss_square(r), GOSS_AXIS(1), true);
    r = goss_mul(r, goss_rsqrt(goss_shift(power, tiny)));
    return goss_concat((goss_val[]){goss_unsqueeze(standardised(space, r), 1), goss_unsqueeze(r, 1)}, 2, 1);
}

/* features [T,K,G] as [T,K R,G], R the groups: each of them in its own group, elsewhere 0, so that groups have weights
 * of their own. */
static goss_val by_group(const goss_space *s, goss_val features) {
    goss_graph *g = features.graph;
    const int R = goss_space_groups(s), n = goss_space_gates(s);
    goss_val *row = goss__calloc((size_t)R, sizeof *row);
    if (!row) return goss_graph_fail(g, GOSS_E_NOMEM, "no memory for %d groups", R);
    for (int k = 0; k < R; k++) {
        const goss_space_group_info group = goss_space_group(s, k);
        const goss_val own = goss_full(g, GOSS_SHAPE(goss_n(1), goss_n(1), goss_n(group.count)), 1);
        row[k] = goss_pad(own, 2, group.first, n - group.first - group.count);
    }
    const goss_val mask = goss_unsqueeze(goss__concat_many(row, R, 1), 1), all = goss_unsqueeze(features, 2);
    goss__free(row);
    const goss_extent T = goss_dim(features, 0), K = goss_dim(features, 1);
    const goss_val apart = goss_mul(all, mask);
    return goss_reshape(apart, GOSS_SHAPE(T, goss_n(K.count * R), goss_n(n)));
}

goss_val goss__structure_relevance(const goss_method *m, const goss_task_batch *b, goss_val features, goss_val probe) {
    goss_graph *g = features.graph;
    goss_scope_push(g, "relevance");
    const seen v = look(b, features);
    const goss_val part[] = {derivative(m->space, fit(b, &v), probe), derivative(m->space, alignment(&v), probe)};
    const goss_val all = by_group(m->space, goss_concat(part, 2, 1));
    goss_scope_pop(g);
    return goss_publish(g, "relevance/structure", all);
}

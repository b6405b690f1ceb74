/* SPDX-License-Identifier: Apache-2.0 */
/* hyper_head.c: a classification head generated class by class from the support set's embeddings.
 *
 * Class c has p_c = mean_c + h(mean_c, attention over the other classes, the variance of its examples, their number),
 * and logit 2 t <g p_c, f> - t <g p_c, p_c> + beta_c: squared distances weighted by g, up to |f|^2, which is common to
 * all classes. Temperature t and weights g are generated for the task, beta_c for the class. With h = 0 (at the start,
 * when all last layers are zero) this is a ProtoNet (Snell et al. 2017). Any number of ways and shots, in any order.
 */
#include <math.h>

#include "hyper/hyper.h"

/* mean, attention, spread, the set's mean, 1 / shots, noise */
static int64_t head_width(const goss_hyper *h) {
    return 3 * (int64_t)h->features + (h->options.attention > 0 ? h->options.embedding : 0) + 1 + h->options.noise;
}

static goss_status plan_last(goss_hyper *h, const char *name, int64_t width, bool zero, goss_error *err) {
    int64_t from = h->options.class_hidden;
    GOSS_TRY(goss__hyper_add(h, from, width, zero ? GOSS_INIT_ZEROS : GOSS_INIT_NORMAL, from, err, "%s.w", name));
    return goss__hyper_add(h, 0, width, GOSS_INIT_ZEROS, from, err, "%s.b", name);
}

goss_status goss__hyper_plan_head(goss_hyper *h, goss_error *err) {
    GOSS_TRY(goss__hyper_add(h, 0, 1, GOSS_INIT_ZEROS, 1, err, "head.temperature"));
    if (!h->options.class_delta) return GOSS_OK;
    int64_t width = head_width(h), hidden = h->options.class_hidden;
    if (h->options.attention > 0) GOSS_TRY(goss__hyper_plan_attention(h, "head", h->features, err));
    GOSS_TRY(goss__hyper_add(h, width, hidden, GOSS_INIT_KAIMING, width, err, "head.hidden.w"));
    GOSS_TRY(goss__hyper_add(h, 0, hidden, GOSS_INIT_ZEROS, width, err, "head.hidden.b"));
    bool zero = h->options.combine != GOSS_COMBINE_REPLACE;
    GOSS_TRY(plan_last(h, "head.delta", h->features, zero, err));
    if (!h->options.class_scale) return GOSS_OK;
    GOSS_TRY(plan_last(h, "head.bias", 1, true, err));
    return plan_last(h, "head.metric", (int64_t)h->features + 1, true, err);
}

/* The factor 1 / sqrt(hidden) is outside the weights, as in hyper_generate.c. */
static goss_val last_layer(const goss_hyper *h, const goss_weights *own, const char *name, goss_val z) {
    return goss_scale(goss__hyper_linear(own, name, z), 1 / sqrt(h->options.class_hidden));
}

/* Root mean square of all class means of a task, [T,1,1]: the magnitude of the embeddings. */
static goss_val size_of(goss_val mean, goss_val class_mask) {
    goss_val power = goss__hyper_average(goss_mean(goss_square(mean), GOSS_AXIS(2), true), class_mask);
    return goss_sqrt(goss_shift(power, GOSS__HYPER_EPS));
}

/* Variance of a class's examples per feature: [T,W,F]; 0 for one shot. */
static goss_val spread(goss_val f, goss_val mean, goss_val assign) {
    goss_val v = goss_sub(goss_class_mean(goss_square(f), assign), goss_square(mean));
    return goss_max(v, goss_const(f.graph, 0));
}

/* The hidden units of each class [T,W,H], from its mean and those of the others. */
static goss_val hidden_units(const goss_hyper *h, const goss_weights *own, goss_val f, goss_val mean, goss_val size,
                             const goss_condition *c) {
    goss_val x = goss_div(mean, size), noise = goss__hyper_noise(h, f.graph, c), part[6];
    int n = 0;
    part[n++] = x;
    part[n++] = goss_div(spread(f, mean, c->assign), goss_square(size));
    part[n++] = goss_broadcast(goss__hyper_average(x, c->class_mask), goss_shape_of(x));
    part[n++] = goss_reduce_max(c->assign, GOSS_AXIS(2), true);
    if (h->options.attention > 0) part[n++] = goss__hyper_attend(h, own, "head", x, c->class_mask);
    if (goss_valid(noise))
        part[n++] = goss_broadcast(goss_unsqueeze(noise, 1),
                                   GOSS_SHAPE(goss_dim(x, 0), goss_dim(x, 1), goss_n(h->options.noise)));
    return goss_relu(goss__hyper_linear(own, "head.hidden", goss_concat(part, n, 2)));
}

static goss_val combine_means(const goss_hyper *h, goss_val mean, goss_val delta, goss_val size) {
    double alpha = h->options.alpha;
    switch (h->options.combine) {
    case GOSS_COMBINE_DELTA:
        return goss_add(mean, goss_mul(goss_scale(delta, alpha), size));
    case GOSS_COMBINE_REPLACE:
        return goss_mul(delta, size);
    case GOSS_COMBINE_SCALE:
        return goss_mul(mean, goss_shift(goss_scale(delta, alpha), 1));
    }
    return mean;
}

/* exp of a value bounded to (-1, 1): a factor between 1/e and e. */
static goss_val factor(goss_val a) { return goss_exp(goss_tanh(a)); }

/* w and b from prototypes p [T,W,F], metric g [T,1,F] or GOSS_NONE, temperature t [T or 1,1,1], beta [T,W,1] or none.
 */
static void weights_of(goss_val p, goss_val g, goss_val t, goss_val beta, goss_generated *out) {
    goss_val gp = goss_valid(g) ? goss_mul(p, g) : p;
    goss_val b = goss_neg(goss_mul(goss_sum(goss_mul(gp, p), GOSS_AXIS(2), true), t));
    if (goss_valid(beta)) b = goss_add(b, beta);
    out->net.head_w = goss_transpose(goss_mul(goss_scale(gp, 2), t));
    out->net.head_b = goss_squeeze(b, 2);
}

static void generate(const goss_hyper *h, const goss_weights *own, goss_val f, const goss_condition *c,
                     goss_generated *out) {
    goss_val mean = goss_class_mean(f, c->assign), metric = GOSS_NONE, beta = GOSS_NONE;
    goss_val t =
        goss_scale(goss_exp(goss_unsqueeze(goss__hyper_weight(own, "head.temperature"), 2)), h->options.temperature);
    if (!h->options.class_delta) {
        weights_of(mean, metric, t, beta, out);
        return;
    }
    goss_val size = size_of(mean, c->class_mask);
    goss_val z = hidden_units(h, own, f, mean, size, c), delta = last_layer(h, own, "head.delta", z);
    goss_val power = goss_mean(goss_square(delta), GOSS_AXIS(2), true);
    power = goss_mean_all(goss__hyper_average(power, c->class_mask)); /* of unmasked classes */
    out->penalty = goss_valid(out->penalty) ? goss_add(out->penalty, power) : power;
    if (h->options.class_scale) {
        goss_val task = last_layer(h, own, "head.metric", goss__hyper_average(z, c->class_mask));
        metric = factor(goss_slice(task, 2, 0, h->features));
        t = goss_mul(t, factor(goss_slice(task, 2, h->features, 1)));
        beta = last_layer(h, own, "head.bias", z);
    }
    weights_of(combine_means(h, mean, delta, size), metric, t, beta, out);
}

void goss_hyper_generate_head(const goss_hyper *h, goss_graph *g, const goss_condition *c, goss_generated *out) {
    if (!h->class_head) {
        goss_graph_fail(g, GOSS_E_ARGUMENT, "hyper: the rules have no class head");
        return;
    }
    if (!goss_valid(c->assign) || !goss_valid(c->features)) {
        goss_graph_fail(g, GOSS_E_ARGUMENT, "hyper: a class head needs the support set's features and classes");
        return;
    }
    goss_weights *own = goss_weights_from_params(g, h->layout, "hyper");
    goss_scope_push(g, "class head");
    generate(h, own, goss_flatten(c->features), c, out);
    goss_scope_pop(g);
    goss_weights_free(own);
}

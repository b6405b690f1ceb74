/* SPDX-License-Identifier: Apache-2.0 */
/* hyper_condition.c: what a hypernetwork sees of a task, as a code [T, E] whose numbers have a mean square of 1.
 *
 * Whatever comes in is brought to a constant norm first (Gonzalez Ortiz et al. 2024): the size of what is generated
 * must not follow the size of what it is generated from. The set encoder takes means over samples and classes and
 * attention among classes, all of which are blind to order (Zaheer et al. 2017). */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "hyper/hyper.h"

/* ---- shared with the other files ---- */

goss_val goss__hyper_weight(const goss_weights *own, const char *fmt, ...) {
    char name[128];
    va_list args;
    va_start(args, fmt);
    vsnprintf(name, sizeof name, fmt, args);
    va_end(args);
    return goss_weights_get(own, name);
}

goss_val goss__hyper_linear(const goss_weights *own, const char *name, goss_val x) {
    return goss_linear(x, goss__hyper_weight(own, "%s.w", name), goss__hyper_weight(own, "%s.b", name));
}

goss_val goss__hyper_unit(goss_val x) {
    if (!goss_valid(x)) return x;
    goss_val power = goss_mean(goss_square(x), GOSS_AXIS(goss_rank(x) - 1), true);
    return goss_mul(x, goss_rsqrt(goss_shift(power, GOSS__HYPER_EPS)));
}

goss_val goss__hyper_average(goss_val x, goss_val weight) {
    if (!goss_valid(weight)) return goss_mean(x, GOSS_AXIS(1), true);
    goss_val mask = goss_unsqueeze(weight, 2);
    goss_val alive = goss_max(goss_sum(mask, GOSS_AXIS(1), true), goss_const(x.graph, 1));
    return goss_div(goss_sum(goss_mul(x, mask), GOSS_AXIS(1), true), alive);
}

goss_status goss__hyper_plan_attention(goss_hyper *h, const char *name, int64_t width, goss_error *err) {
    for (const char *part = "qkv"; *part; part++)
        GOSS_TRY(goss__hyper_add(h, width, h->options.embedding, GOSS_INIT_LECUN, width, err, "%s.%c", name, *part));
    return GOSS_OK;
}

goss_val goss__hyper_attend(const goss_hyper *h, const goss_weights *own, const char *name, goss_val x,
                            goss_val class_mask) {
    goss_val part[3];
    for (int i = 0; i < 3; i++) part[i] = goss_linear(x, goss__hyper_weight(own, "%s.%c", name, "qkv"[i]), GOSS_NONE);
    return goss_attention(part[0], part[1], part[2], h->options.attention, class_mask);
}

/* ---- conditioners ---- */

/* Numbers a sample, or a task, that the first linear map of the conditioner reads. */
static int64_t input_width(const goss_hyper *h) {
    const goss_hyper_options *o = &h->options;
    switch (o->conditioner) {
    case GOSS_CONDITION_SUPPORT:
        return (int64_t)o->features + o->targets;
    case GOSS_CONDITION_DESCRIPTOR:
        return 2 * (int64_t)o->descriptor;
    case GOSS_CONDITION_INPUT:
        return h->input;
    case GOSS_CONDITION_NOISE:
        return o->noise;
    case GOSS_CONDITION_TASK:
        break;
    }
    return 0;
}

static goss_status plan_linear(goss_hyper *h, const char *name, int64_t from, int64_t to, goss_error *err) {
    GOSS_TRY(goss__hyper_add(h, from, to, GOSS_INIT_KAIMING, from, err, "%s.w", name));
    return goss__hyper_add(h, 0, to, GOSS_INIT_ZEROS, from, err, "%s.b", name);
}

goss_status goss__hyper_plan_code(goss_hyper *h, goss_error *err) {
    int64_t width = input_width(h), e = h->options.embedding;
    if (width > 0) GOSS_TRY(plan_linear(h, "code", width, e, err));
    if (h->options.conditioner != GOSS_CONDITION_SUPPORT) return GOSS_OK;
    if (h->options.attention > 0) GOSS_TRY(goss__hyper_plan_attention(h, "set", e, err));
    if (h->options.noise > 0) GOSS_TRY(plan_linear(h, "noise", h->options.noise, e, err));
    return plan_linear(h, "set", e, e, err);
}

static goss_val draw_noise(const goss_hyper *h, const goss_condition *c) {
    if (goss_valid(c->noise) || !goss_valid(c->task)) return c->noise;
    return goss_random_normal(c->task, GOSS_SHAPE(goss_dim(c->task, 0), goss_n(h->options.noise)));
}

goss_val goss__hyper_noise(const goss_hyper *h, goss_graph *g, const goss_condition *c) {
    if (h->options.noise == 0) return GOSS_NONE;
    goss_val z = draw_noise(h, c);
    if (!goss_valid(z))
        return goss_graph_fail(g, GOSS_E_ARGUMENT, "hyper: noise, or the tasks' ids to draw it by, is missing");
    return goss__hyper_unit(z);
}

/* cos and sin of a quarter turn: the norm is the same for every descriptor in [0, 1]. */
static goss_val encode_descriptor(goss_val d) {
    goss_val angle = goss_scale(d, M_PI / 2);
    return goss_concat((goss_val[]){goss_cos(angle), goss_sin(angle)}, 2, 1);
}

static goss_val encode_support(const goss_hyper *h, const goss_weights *own, const goss_condition *c) {
    goss_val x = goss__hyper_unit(goss_flatten(c->features));
    if (h->options.targets > 0) x = goss_concat((goss_val[]){x, c->targets}, 2, 2);
    x = goss_silu(goss__hyper_linear(own, "code", x));
    if (goss_valid(c->assign)) {
        x = goss_class_mean(x, c->assign);
        if (h->options.attention > 0)
            x = goss_add(x, goss__hyper_attend(h, own, "set", goss__hyper_unit(x), c->class_mask));
        x = goss__hyper_average(x, c->class_mask);
    } else {
        x = goss__hyper_average(x, c->sample_weight);
    }
    x = goss_squeeze(goss__hyper_linear(own, "set", goss__hyper_unit(x)), 1);
    goss_val noise = goss__hyper_noise(h, x.graph, c);
    if (!goss_valid(noise)) return x;
    return goss_add(x, goss_squeeze(goss__hyper_linear(own, "noise", goss_unsqueeze(noise, 1)), 1));
}

/* [T,N,...] -> [T N, D] */
static goss_val fold_input(const goss_hyper *h, goss_val x) {
    if (!goss_valid(x)) return x;
    return goss_reshape(x, GOSS_SHAPE(goss_extent_mul(goss_dim(x, 0), goss_dim(x, 1)), goss_n(h->input)));
}

/* x [T, D] -> [T, E] */
static goss_val encode_vector(const goss_weights *own, goss_val x) {
    if (!goss_valid(x)) return x;
    return goss_squeeze(goss_silu(goss__hyper_linear(own, "code", goss_unsqueeze(x, 1))), 1);
}

static goss_val table_rows(const goss_hyper *h, goss_graph *g, goss_val task) {
    goss_shape shape = GOSS_SHAPE(goss_n(h->options.tasks), goss_n(h->options.embedding));
    return goss_gather(goss_param(g, "tasks", shape), task);
}

goss_val goss__hyper_code(const goss_hyper *h, goss_graph *g, const goss_weights *own, const goss_condition *c,
                          goss_val *rows) {
    goss_val e = GOSS_NONE;
    goss_scope_push(g, "code");
    switch (h->options.conditioner) {
    case GOSS_CONDITION_SUPPORT:
        e = encode_support(h, own, c);
        break;
    case GOSS_CONDITION_TASK:
        e = *rows = table_rows(h, g, c->task);
        break;
    case GOSS_CONDITION_DESCRIPTOR:
        e = encode_vector(own, encode_descriptor(c->descriptor));
        break;
    case GOSS_CONDITION_INPUT:
        e = encode_vector(own, goss__hyper_unit(fold_input(h, c->input)));
        break;
    case GOSS_CONDITION_NOISE:
        e = encode_vector(own, goss__hyper_noise(h, g, c));
        break;
    }
    e = goss__hyper_unit(e);
    if (!goss_valid(e)) goss_graph_fail(g, GOSS_E_ARGUMENT, "hyper: what the conditioner sees is missing");
    goss_scope_pop(g);
    return e;
}

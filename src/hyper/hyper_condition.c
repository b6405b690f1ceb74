/* SPDX-License-Identifier: Apache-2.0 */
/* hyper_condition.c: conditioners: from a task to a code [T, E] with a mean square of 1.
 *
 * Inputs are first normalised to a constant norm (Gonzalez Ortiz et al. 2024), so that the magnitude of generated
 * weights does not depend on that of the condition. The set encoder uses means over samples and classes and attention
 * among classes, all permutation invariant (Zaheer et al. 2017). */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "hyper/hyper.h"

enum { BUDGET_WAVES = 3 };

/* ---- shared with other files ---- */

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

/* The name of a conditioner's linear map: "code" if there is only one conditioner, else by its input. The names of the
 * support set's map and of the noise beside it are fixed by existing files. */
static const char *part_name(const goss_hyper *h, goss_conditioner c) {
    if (c == GOSS_CONDITION_SUPPORT || h->options.conditioner == (unsigned)c) return "code";
    return c == GOSS_CONDITION_DESCRIPTOR ? "descriptor" : c == GOSS_CONDITION_INPUT ? "input" : "noise";
}

static bool sees(const goss_hyper *h, goss_conditioner c) { return (h->options.conditioner & (unsigned)c) != 0; }

static goss_status plan_linear(goss_hyper *h, const char *name, int64_t from, int64_t to, goss_error *err) {
    GOSS_TRY(goss__hyper_add(h, from, to, GOSS_INIT_KAIMING, from, err, "%s.w", name));
    return goss__hyper_add(h, 0, to, GOSS_INIT_ZEROS, from, err, "%s.b", name);
}

static goss_status plan_support(goss_hyper *h, goss_error *err) {
    const goss_hyper_options *o = &h->options;
    GOSS_TRY(plan_linear(h, "code", (int64_t)o->features + o->targets, o->embedding, err));
    if (o->attention > 0) GOSS_TRY(goss__hyper_plan_attention(h, "set", o->embedding, err));
    if (o->noise > 0) GOSS_TRY(plan_linear(h, "noise", o->noise, o->embedding, err));
    return plan_linear(h, "set", o->embedding, o->embedding, err);
}

goss_status goss__hyper_plan_code(goss_hyper *h, goss_error *err) {
    const goss_hyper_options *o = &h->options;
    if (sees(h, GOSS_CONDITION_SUPPORT)) GOSS_TRY(plan_support(h, err));
    if (sees(h, GOSS_CONDITION_DESCRIPTOR))
        GOSS_TRY(
            plan_linear(h, part_name(h, GOSS_CONDITION_DESCRIPTOR), 2 * (int64_t)o->descriptor, o->embedding, err));
    if (sees(h, GOSS_CONDITION_INPUT))
        GOSS_TRY(plan_linear(h, part_name(h, GOSS_CONDITION_INPUT), h->input, o->embedding, err));
    if (sees(h, GOSS_CONDITION_NOISE) && !sees(h, GOSS_CONDITION_SUPPORT))
        GOSS_TRY(plan_linear(h, part_name(h, GOSS_CONDITION_NOISE), o->noise, o->embedding, err));
    if (sees(h, GOSS_CONDITION_GRAPH)) GOSS_TRY(goss__hyper_plan_graph(h, err));
    return o->budget > 0 ? plan_linear(h, "budget", BUDGET_WAVES * 2 * (int64_t)o->budget, o->embedding, err) : GOSS_OK;
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

/* Cosine and sine of a quarter, a half and a whole turn: what lies close is told apart, too. */
static goss_val encode_budget(goss_val b) {
    goss_val part[2 * BUDGET_WAVES];
    for (int i = 0; i < BUDGET_WAVES; i++) {
        const goss_val angle = goss_scale(b, M_PI / 2 * (1 << i));
        part[2 * i] = goss_cos(angle), part[2 * i + 1] = goss_sin(angle);
    }
    return goss_concat(part, 2 * BUDGET_WAVES, 1);
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
    if (goss_rank(x) == 4) x = goss__all_steps(x, goss_target_input(h->target)[0]);
    return goss_reshape(x, GOSS_SHAPE(goss_extent_mul(goss_dim(x, 0), goss_dim(x, 1)), goss_n(h->input)));
}

/* x [T, D] -> [T, E] */
static goss_val encode_named(const goss_weights *own, const char *name, goss_val x) {
    if (!goss_valid(x)) return x;
    return goss_squeeze(goss_silu(goss__hyper_linear(own, name, goss_unsqueeze(x, 1))), 1);
}

static goss_val encode_vector(const goss_hyper *h, const goss_weights *own, goss_conditioner c, goss_val x) {
    return encode_named(own, part_name(h, c), x);
}

static goss_val table_rows(const goss_hyper *h, goss_graph *g, const goss_condition *c) {
    goss_shape shape = GOSS_SHAPE(goss_n(h->options.tasks), goss_n(h->options.embedding));
    return goss_valid(c->rows) ? c->rows : goss_gather(goss_param(g, "tasks", shape), c->task);
}

/* Repeats a task's code for each of its inputs: [T,E] -> [T N,E]. */
static goss_val for_inputs(goss_val e, const goss_condition *c) {
    if (!goss_valid(e) || !goss_valid(c->input)) return e;
    goss_extent T = goss_dim(c->input, 0), N = goss_dim(c->input, 1);
    goss_val each = goss_broadcast(goss_unsqueeze(e, 1), GOSS_SHAPE(T, N, goss_dim(e, 1)));
    return goss_reshape(each, GOSS_SHAPE(goss_extent_mul(T, N), goss_dim(e, 1)));
}

goss_val goss__hyper_code(const goss_hyper *h, goss_graph *g, const goss_weights *own, const goss_condition *c,
                          goss_val *rows, goss_val *nodes) {
    goss_val part[7], e = GOSS_NONE;
    int n = 0;
    bool missing = false;
    *nodes = GOSS_NONE;
    goss_scope_push(g, "code");
    if (sees(h, GOSS_CONDITION_SUPPORT)) part[n++] = encode_support(h, own, c);
    if (sees(h, GOSS_CONDITION_TASK)) part[n++] = *rows = table_rows(h, g, c);
    if (sees(h, GOSS_CONDITION_DESCRIPTOR))
        part[n++] = encode_vector(h, own, GOSS_CONDITION_DESCRIPTOR, encode_descriptor(c->descriptor));
    if (sees(h, GOSS_CONDITION_NOISE) && !sees(h, GOSS_CONDITION_SUPPORT))
        part[n++] = encode_vector(h, own, GOSS_CONDITION_NOISE, goss__hyper_noise(h, g, c));
    if (sees(h, GOSS_CONDITION_GRAPH)) *nodes = goss__hyper_graph(h, own, c, &part[n++]);
    if (h->options.budget > 0)
        part[n++] = encode_named(own, "budget", goss_valid(c->budget) ? encode_budget(c->budget) : GOSS_NONE);
    for (int i = 0; i < n; i++) {
        missing |= !goss_valid(part[i]);
        e = i ? goss_add(e, part[i]) : part[i];
    }
    if (sees(h, GOSS_CONDITION_INPUT)) {
        goss_val x = encode_vector(h, own, GOSS_CONDITION_INPUT, goss__hyper_unit(fold_input(h, c->input)));
        missing |= !goss_valid(x);
        e = n ? goss_add(for_inputs(e, c), x) : x;
    }
    e = goss__hyper_unit(e);
    if (missing || !goss_valid(e))
        e = goss_graph_fail(g, GOSS_E_ARGUMENT, "hyper: an input of the conditioner is missing");
    goss_scope_pop(g);
    return e;
}
